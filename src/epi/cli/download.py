"""The command that brings a pair's data onto this disk: images, orbits, terrain."""

from typing import TYPE_CHECKING, Annotated

import typer

from epi.cli.options import Catalogue, EventId, Json
from epi.console import print_json, say

if TYPE_CHECKING:
    from epi.catalogue import Event, Scene


def download(
    event_id: EventId,
    *,
    catalogue: Catalogue = None,
    scenes: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|asf|cdse",
            help="Archive records to choose from, or an archive to ask (default: shipped records, else asf).",
        ),
    ] = None,
    days: Annotated[float, typer.Option(min=0, help="How far from the earthquake a scene may be.")] = 15.0,
    bursts: Annotated[bool, typer.Option("--bursts", help="Only bursts that cover the area, no whole scenes.")] = False,
    as_json: Json = False,
) -> None:
    """Bring the best pair's images, orbits and terrain into the shared cache: resumed, verified, never twice."""
    from epi.catalogue import look_up, match_pairs
    from epi.catalogue.online.credentials import logins_for
    from epi.catalogue.online.wanted import Progress, ready, scene_files
    from epi.cli.bars import Bars
    from epi.insar.inputs import bring

    event, _ = look_up(event_id, catalogue, progress=say)
    pair = match_pairs(event, _candidates(event, scenes, days=days, bursts=bursts), days=days).best

    def announce(cost: str) -> None:
        missing = [file.url for file in scene_files([*pair.references, *pair.secondaries]) if ready(file) is None]
        say("\n".join([pair.reason, cost, *logins_for(missing)]))

    found = bring(
        pair.references,
        pair.secondaries,
        progress=Progress() if as_json else Bars(),
        say=announce,
    ).files
    if as_json:
        return print_json([file.to_dict() for file in found])
    for file in found:
        print(
            f"{file.path}\n  {file.bytes / 1e6:.1f} MB, {'came now' if file.came else 'was here'}: {file.verified_by}"
        )


def _candidates(event: "Event", scenes: str | None, *, days: float, bursts: bool) -> "list[Scene]":
    """Return the images to choose from: of a file, else those shipped where they hold a pair, else an archive's."""
    from epi.catalogue import match_pairs, read_scenes
    from epi.catalogue.online.search import SOURCES, search_scenes

    if scenes is None and not bursts:
        shipped = read_scenes()
        if match_pairs(event, shipped, days=days).pairs:
            return shipped
    if scenes is None or scenes in SOURCES:
        answer = search_scenes(event, source=scenes or "asf", days=days, bursts=bursts)
        say(answer.summary)
        return answer.scenes
    return [scene for scene in read_scenes(scenes) if scene.simulated or (scene.level == "BURST") == bursts]
