"""What is asked of the catalogue and of the archives: which earthquake, which two images."""

import math
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from epi.cli.options import Catalogue, EventId, Json
from epi.console import degrees, print_json, say
from epi.errors import ParameterError

if TYPE_CHECKING:
    import pandas as pd

    from epi.catalogue import Pair, PairMatch
    from epi.catalogue.events.event import Event


_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"]


def events(
    *,
    min_magnitude: Annotated[
        float | None, typer.Option(help="Smallest magnitude. Default: 4, of our own catalogue all.")
    ] = None,
    magnitude_type: Annotated[
        list[str] | None, typer.Option(metavar="SCALE", help="A scale, such as mb; mw is also mww, mwb, …; repeatable.")
    ] = None,
    min_depth: Annotated[float | None, typer.Option(metavar="KM", help="Smallest depth.")] = None,
    max_depth: Annotated[float | None, typer.Option(metavar="KM", help="Greatest depth.")] = None,
    box: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="West, south, east, north, in degrees.")] = None,
    polygon: Annotated[Path | None, typer.Option(metavar="FILE", help="An area, GeoJSON in degrees.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=_TIMES, help="UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_TIMES, help="UTC.")] = None,
    kind: Annotated[Literal["earthquake", "landslide", "quiet"] | None, typer.Option(help="Default: all.")] = None,
    sea_km: Annotated[float | None, typer.Option(metavar="KM", help="Land, and the sea this close to a coast.")] = None,
    source: Annotated[
        str | None, typer.Option(metavar="FILE|usgs|isc|emsc", help="A catalogue instead of our own; also an address.")
    ] = None,
    refresh: Annotated[bool, typer.Option("--refresh", help="Ask the agency even where its answer is kept.")] = False,
    as_json: Json = False,
) -> None:
    """List the catalogue, one line an event; members of a swarm, which one image pair cannot separate, name it."""
    from epi.catalogue import flag_swarms, read_polygon, select_events
    from epi.catalogue.events.event import Event

    corners = _box(box) if box else None
    listed = flag_swarms(_listed(source, since, until, min_magnitude, corners, (min_depth, max_depth), refresh))
    if source is not None and min_magnitude is None:
        listed = _of_some_size(listed)
    chosen = select_events(
        listed,
        kind=kind,
        min_magnitude=min_magnitude,
        magnitude_type=magnitude_type or None,
        min_depth_km=min_depth,
        max_depth_km=max_depth,
        box=corners,
        polygon=read_polygon(polygon) if polygon else None,
        since=since.isoformat() if since else None,
        until=until.isoformat() if until else None,
        sea_km=sea_km,
    )
    rows = [{str(name): value for name, value in row.items()} for row in chosen.to_dict("records")]
    found = [(Event.from_dict(row), str(row["swarm"]), int(row["swarm_size"])) for row in rows]
    if as_json:
        return print_json(
            [event.to_dict() | {"swarm": swarm or None, "swarm_size": size} for event, swarm, size in found]
        )
    if not found:
        say("No event of the catalogue is like that.")
    for event, swarm, size in found:
        print(f"{_line(event)}{_swarm(event, swarm, size)}")


def _swarm(event: "Event", swarm: str, size: int) -> str:
    """Write the swarm an event belongs to, with its size in the whole catalogue, whatever of it is listed."""
    if not swarm:
        return ""
    role = f"largest of a swarm of {size}" if swarm == event.event_id else f"one of {size} in the swarm of {swarm}"
    return f"  ({role})"


def _listed(
    source: str | None,
    since: datetime | None,
    until: datetime | None,
    smallest: float | None,
    corners: tuple[float, float, float, float] | None,
    depths: tuple[float | None, float | None],
    refresh: bool,
) -> "pd.DataFrame":
    """Return the catalogue that a source names; an agency is asked only for what is wanted."""
    from epi.catalogue import fetch_events, read_events
    from epi.catalogue.events.agencies import MIN_MAGNITUDE
    from epi.catalogue.events.service import client_name, is_service

    if source is None or not is_service(source):
        if refresh:
            raise ParameterError("--refresh asks an agency again: it goes with --source usgs, isc or emsc.")
        return read_events(source)
    client_name(source)  # what may not be shown is refused before it is
    if since is None:
        raise ParameterError(f"{source} lists millions of earthquakes: say --since, such as --since 2023-01-01.")
    answer = fetch_events(
        source,
        since=since.isoformat(),
        until=until.isoformat() if until else None,
        min_magnitude=MIN_MAGNITUDE if smallest is None else smallest,
        box=corners,
        min_depth_km=depths[0],
        max_depth_km=depths[1],
        refresh=refresh,
        progress=say,
    )
    say(f"{source}: {len(answer.events)} events, {answer.age()}" + ("" if answer.live else "; --refresh asks again"))
    return answer.events


def _of_some_size(listed: "pd.DataFrame") -> "pd.DataFrame":
    """Leave out the earthquakes of others that are too small to move the ground, or of unknown size, and say so."""
    from epi.catalogue.events.agencies import MIN_MAGNITUDE

    keep = (listed["kind"] != "earthquake") | (listed["magnitude"] >= MIN_MAGNITUDE)
    if not keep.all():
        count = int((~keep).sum())
        few = "1 earthquake" if count == 1 else f"{count} earthquakes"
        say(f"Left out, below magnitude {MIN_MAGNITUDE:g} or of unknown size: {few}.")
    return listed[keep]


def _line(event: "Event") -> str:
    """Write an event in one line; what is unknown is a hyphen."""
    depth = "     -   " if math.isnan(event.depth_km) else f"{event.depth_km:6.1f} km"
    size = "   -    " if math.isnan(event.magnitude) else f"{event.magnitude_type:>3} {event.magnitude:.2f}"
    place = f"{degrees(event.latitude, 'NS'):>9} {degrees(event.longitude, 'EW'):>10} {depth}"
    kind = "" if event.kind == "earthquake" else f"[{event.kind}] "
    return f"{event.event_id:<32} {event.time:%Y-%m-%d %H:%M}  {place}  {size}  {kind}{event.place}"


def pairs(
    event_id: EventId,
    *,
    catalogue: Catalogue = None,
    scenes: Annotated[
        str | None, typer.Option(metavar="FILE|asf|cdse", help="Archive records to choose from, or an archive to ask.")
    ] = None,
    days: Annotated[float, typer.Option(min=0, help="How far from the earthquake a scene may be.")] = 15.0,
    bursts: Annotated[bool, typer.Option("--bursts", help="Ask the archive for single bursts (asf only).")] = False,
    land: Annotated[
        Literal["bare", "urban", "dry grass", "crops", "forest", "snow"],
        typer.Option(help="Kind of land: how long it stays coherent decides what is seen."),
    ] = "dry grass",
    explain: Annotated[bool, typer.Option("--explain", help="Also why each other candidate was rejected.")] = False,
    as_json: Json = False,
) -> None:
    """Choose the two radar images before and after an earthquake, on every track, and say what they would show."""
    from epi.catalogue import look_up, match_pairs
    from epi.catalogue.online.search import SOURCES, search_scenes
    from epi.catalogue.pairs.bursts import burst_bytes, burst_names
    from epi.catalogue.pairs.sight import pair_probability
    from epi.simulate.acquisitions import candidate_scenes

    event, _ = look_up(event_id, catalogue, progress=say)
    if bursts and scenes not in SOURCES:
        raise ParameterError("--bursts asks an archive for single bursts: name it with --scenes asf.")
    if scenes in SOURCES:
        answer = search_scenes(event, source=scenes, days=days, bursts=bursts)
        say(answer.summary)
        match = match_pairs(event, answer.scenes, days=days)
    else:
        match = match_pairs(event, candidate_scenes(event, scenes, days=days), days=days)
    costs = [
        (burst_bytes(pair, event, match.radius_km), burst_names(pair, event, match.radius_km)) for pair in match.pairs
    ]
    chances = [pair_probability(event, pair, land=land) for pair in match.pairs]
    if as_json:
        found = match.to_dict()
        chosen = [
            pair
            | {"burst_bytes": size, "bursts": names}
            | {"probability": None if math.isnan(chance) else round(chance, 3), "land": land}
            for pair, (size, names), chance in zip(found["pairs"], costs, chances, strict=True)
        ]
        print_json(chosen, rejected=found["rejected"], radius_km=match.radius_km)
    else:
        for pair, (size, names), chance in zip(match.pairs, costs, chances, strict=True):
            mark = " (simulated)" if _is_simulated(pair) else ""
            print("\n  ".join([pair.track + mark, *(scene.name for _, scene in pair.members), pair.reason]))
            if not math.isnan(chance):
                print(f"  probability that it shows the earthquake: {chance:.2f} (usual air, {land})")
            print(f"  {_weight(pair, size, burst_bytes(pair, event, _EVERYTHING_KM))}", *names)
        if explain:
            _explain(match)
        if any(map(_is_simulated, match.pairs)):
            say(
                "Simulated calendar: dates on which the satellite could have imaged it, not images that exist; ask an "
                "archive with --scenes asf."
            )
    _ = match.best  # states what is missing where there is no pair


_EVERYTHING_KM = 2000.0
"""An area around the epicentre that no image reaches beyond: every burst shows some of it."""

_LITTLE = 0.9
"""Where the bursts weigh more than this share of the whole images, they save nothing worth the name."""

_MOST_LINES = 20
"""Of more candidates than this that one rule rejects, the text shows one and counts the others."""


def _is_simulated(pair: "Pair") -> bool:
    return any(scene.simulated for _, scene in pair.members)


def _weight(pair: "Pair", size: int, every: int) -> str:
    """Say what a pair weighs, what the bursts over the area do, and whether that saves anything."""
    whole = "size not recorded" if pair.bytes is None else f"{pair.bytes / 1e9:.1f} GB"
    saved = ", which saves nothing: the area fills the images" if size > _LITTLE * (pair.bytes or every) else ""
    return f"{whole}; the bursts over the area alone about {size / 1e9:.1f} GB{saved}"


def _explain(match: "PairMatch") -> None:
    """Print why each candidate was rejected, rule after rule; a long list as its count and one example."""
    rules: dict[str, list[str]] = {}
    for scene, reason in match.rejected:
        rules.setdefault(reason.split(":")[0], []).append(f"{scene.name}  {reason}")
    for lines in rules.values():
        if len(lines) > _MOST_LINES:
            print(f"rejected  {len(lines)} images, such as {lines[0]} (--json lists all)")
        else:
            print("\n".join(f"rejected  {line}" for line in lines))


def _box(text: str) -> tuple[float, float, float, float]:
    """Read west, south, east, north."""
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is not W,S,E,N in degrees, such as 19,34,29,42.", param_hint="--box"
        ) from None
    return west, south, east, north
