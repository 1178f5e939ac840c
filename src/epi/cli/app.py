"""The command line: one command a question, one JSON document or a few lines of text, one line an error.

Libraries are imported inside the commands, so that ``epi --help`` is there at once.
"""

import os
import sys
import time
import traceback
import warnings
from ast import literal_eval
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from epi.cli.images import interferogram
from epi.cli.options import Json
from epi.cli.snap import snap_graph
from epi.console import clean_stdout, degrees, location_text, one_line, print_json, say
from epi.errors import MissingPackage, ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from epi.catalogue import Event

app = typer.Typer(
    help="From an earthquake in a catalogue to its epicentre in a radar interferogram.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog="Every command takes --debug, which shows the traceback of an error.",
)

EventId = Annotated[str, typer.Argument(metavar="EVENT", help="An id of the catalogue: epi events.")]
Quantity = Annotated[
    Literal["displacement", "unwrapped", "wrapped"] | None, typer.Option(help="What the file's numbers are.")
]
Units = Annotated[Literal["rad", "m", "cm", "mm"] | None, typer.Option(help="Their unit.")]
Positive = Annotated[
    Literal["away", "toward"] | None, typer.Option(help="The motion they count as positive, seen from the satellite.")
]
Wavelength = Annotated[float | None, typer.Option(help="Radar wavelength, m (Sentinel-1: 0.05546576).")]
Incidence = Annotated[float | None, typer.Option(help="Angle between line of sight and vertical, degrees.")]
Heading = Annotated[float | None, typer.Option(help="Direction of flight, degrees clockwise from north.")]
Pass = Annotated[
    Literal["ascending", "descending"] | None,
    typer.Option("--pass", help="Take Sentinel-1's middle incidence and heading, with a warning."),
]
Columns = Annotated[str | None, typer.Option(help="Columns of a point table: lon,lat,los,e,n,u,…")]
Crs = Annotated[str | None, typer.Option(help="Reference system of a file that carries none: EPSG:32634.")]
Par = Annotated[Path | None, typer.Option(help="Parameter file of float pixels, where its name differs.")]
Coherence = Annotated[Path | None, typer.Option(help="A second file of the same grid, with the coherence.")]


@app.command()
def events(
    *,
    min_magnitude: Annotated[float | None, typer.Option(help="Smallest magnitude.")] = None,
    box: Annotated[str | None, typer.Option(metavar="W,S,E,N", help="West, south, east, north, in degrees.")] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="UTC.")] = None,
    source: Annotated[Path | None, typer.Option(metavar="FILE", help="A CSV catalogue instead of our own.")] = None,
    as_json: Json = False,
) -> None:
    """List the catalogue, one line an event."""
    from epi.catalogue import find_event, read_events, select_events

    corners = _box(box) if box else None
    start = since.isoformat() if since else None
    chosen = select_events(read_events(source), min_magnitude=min_magnitude, box=corners, since=start)
    found = [find_event(event_id, chosen) for event_id in chosen["event_id"]]
    if as_json:
        return print_json([event.to_dict() for event in found])
    if not found:
        say("No event of the catalogue is like that.")
    for event in found:
        place = f"{degrees(event.latitude, 'NS'):>9} {degrees(event.longitude, 'EW'):>10} {event.depth_km:5.1f} km"
        size = f"{event.magnitude_type:>3} {event.magnitude:.2f}"
        print(f"{event.event_id:<28} {event.time:%Y-%m-%d %H:%M}  {place}  {size}  {event.place}")


@app.command()
def pairs(
    event_id: EventId,
    *,
    scenes: Annotated[Path | None, typer.Option(help="Archive records to choose from: CSV, JSON or YAML.")] = None,
    days: Annotated[float, typer.Option(min=0, help="How far from the earthquake a scene may be.")] = 15.0,
    explain: Annotated[bool, typer.Option("--explain", help="Also why each other candidate was rejected.")] = False,
    as_json: Json = False,
) -> None:
    """Choose the two radar images before and after an earthquake, on every track."""
    from epi.catalogue import find_event, match_pairs
    from epi.simulate.acquisitions import candidate_scenes

    event = find_event(event_id)
    match = match_pairs(event, candidate_scenes(event, scenes), days=days)
    if as_json:
        found = match.to_dict()
        print_json(found["pairs"], rejected=found["rejected"])
    else:
        for pair in match.pairs:
            print(f"{pair.track}\n  {pair.reference.name}\n  {pair.secondary.name}\n  {pair.reason}")
        if explain:
            print("\n".join(f"rejected  {scene.name}  {reason}" for scene, reason in match.rejected))
    _ = match.best  # states what is missing where there is no pair


app.command()(interferogram)
app.command("snap-graph")(snap_graph)


@app.command()
def locate(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="A scene, or several of one event.")],
    *,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT", help="Also say how far from its epicentre in the catalogue.")
    ] = None,
    quantity: Quantity = None,
    units: Units = None,
    positive: Positive = None,
    wavelength: Wavelength = None,
    incidence: Incidence = None,
    heading: Heading = None,
    pass_direction: Pass = None,
    columns: Columns = None,
    crs: Crs = None,
    par: Par = None,
    coherence: Coherence = None,
    method: Annotated[
        Literal["physics", "network", "both"], typer.Option(help="A fault, a network, or one after the other.")
    ] = "physics",
    network: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights (default: those that ship).")] = None,
    seed: Annotated[int, typer.Option(help="Of the search's random starts.")] = 0,
    as_json: Json = False,
) -> None:
    """Locate the earthquake in an interferogram: product, GeoTIFF, LiCSAR/COMET floats or point table."""
    from epi.catalogue import find_event
    from epi.insar.readers.files import read_scene
    from epi.source.invert import locate as locate_source

    given = _stated(locals())
    known = find_event(event) if event else None
    tracks = [read_scene(file, event=known, **given) for file in files]
    results = [] if method == "network" else [locate_source(tracks, seed=seed).to_dict()]
    results += [] if method == "physics" else [_by_network(tracks, network)]
    if known:
        results = [result | _beside_the_catalogue(known, result) for result in results]
    if as_json:
        return print_json(results)
    print("\n".join(map(location_text, results)))


def _beside_the_catalogue(event: "Event", result: dict[str, Any]) -> dict[str, Any]:
    """Return the event's id, and how far its epicentre lies from what was found; None without a georeference."""
    from epi.patches import offset

    apart = None
    if result.get("latitude") is not None:
        apart = float(offset(result["latitude"], result["longitude"], (event.latitude, event.longitude))[0])
    return {"event_id": event.event_id, "km_from_catalogue": apart}


def _by_network(tracks: "list[xr.Dataset]", file: Path | None) -> dict[str, Any]:
    """Locate one scene by a trained network; what only a fault has is None."""
    from epi.learn import load_network, locate_scene
    from epi.settings import settings

    if len(tracks) > 1:
        raise ParameterError(
            f"The network looks at one scene, not at {len(tracks)}: give one FILE, or --method physics."
        )
    start = time.perf_counter()
    found, *_ = locate_scene(load_network(file or settings().data / "locator.safetensors"), tracks[0])
    only_a_fault = dict.fromkeys(("depth_km", "variance_reduction"))
    answer: dict[str, Any] = found | only_a_fault | {"seconds": round(time.perf_counter() - start, 2)}
    return answer


@app.command()
def run(
    event_id: EventId,
    *,
    source: Annotated[
        str, typer.Option(metavar="simulated|FILE", help="Where the interferogram is from.")
    ] = "simulated",
    profile: Annotated[Literal["quick", "full"], typer.Option(help="Minutes on two cores, or everything.")] = "quick",
    quantity: Quantity = None,
    units: Units = None,
    positive: Positive = None,
    wavelength: Wavelength = None,
    incidence: Incidence = None,
    heading: Heading = None,
    pass_direction: Pass = None,
    columns: Columns = None,
    crs: Crs = None,
    par: Par = None,
    coherence: Coherence = None,
    seed: Annotated[int | None, typer.Option(help="Of every random draw.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Of the chapters; repeatable.")
    ] = None,
    runs: Annotated[Path | None, typer.Option(help="Folder of the run folders.")] = None,
    as_json: Json = False,
) -> None:
    """Run the whole chain for one earthquake: every chapter, executed into its run folder."""
    from epi.catalogue import find_event
    from epi.insar.readers.files import read_scene
    from epi.run import run_event

    given = _stated(locals())
    if source == "simulated" and given:
        raise ParameterError(f"--{next(iter(given)).replace('_', '-')} describes a file, but the source is simulated.")
    if source != "simulated":
        read_scene(source, event=find_event(event_id), **given)  # what is wrong with it is said before a chapter runs
    done = run_event(
        event_id,
        source=source,
        reader=given,
        profile=profile,
        runs=runs,
        seed=seed,
        parameters=dict(_name_and_value(text) for text in parameter or []),
        progress=say,
    )
    if as_json:
        steps = [
            {"name": step.name, "seconds": step.seconds, "outputs": list(step.outputs)} for step in done.steps.values()
        ]
        return print_json([{"event_id": event_id, "run_folder": str(done.path), "redone": done.redone, "steps": steps}])
    say(f"To read it: epi book --run {os.path.relpath(done.path)}")
    print(done.path)


@app.command()
def book(
    *,
    run: Annotated[Path | None, typer.Option(metavar="FOLDER", help="A run folder (default: the book's own.)")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where the pages go.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse a book with a warning in it.")] = False,
    as_json: Json = False,
) -> None:
    """Render a run's executed chapters as pages."""
    from epi.book import render

    index = render(run, out=out, strict=strict, progress=say)
    if as_json:
        return print_json([{"index": str(index)}])
    print(index)


@app.command()
def doctor(
    *,
    online: Annotated[bool, typer.Option("--online", help="Also ask the archives whether they are there.")] = False,
    as_json: Json = False,
) -> None:
    """List what is there, what is missing, and the remedy."""
    from epi.doctor import examine

    findings = examine(online=online)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.state:<8} {finding.name:<16} {finding.found}")
            if finding.state != "ok":
                print(f"{'':<26}→ {finding.remedy}")
    if missing := [finding.name for finding in findings if finding.state == "missing"]:
        raise MissingPackage(
            f"What the book needs is not all there: {', '.join(missing)}. The remedies are listed above."
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    0 done, 1 a stated error (one line on stderr), 2 wrong usage, 130 interrupted.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    with warnings.catch_warnings(), clean_stdout("--json" in words):
        warnings.simplefilter("ignore")
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = lambda message, *_: say(f"Warning: {message}")
        try:
            app(words)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # whoever read our output has seen enough
        except Exception as error:
            if debug:
                traceback.print_exc()
            say(one_line(error))
            return 1
    return 0


def _stated(given: dict[str, Any]) -> dict[str, Any]:
    """Keep, of a command's options, the ones that say what a file is; paths as text, absolute."""
    names = ["quantity", "units", "positive", "wavelength", "incidence", "heading", "pass_direction", "columns", "crs"]
    kept = {name: given[name] for name in [*names, "par", "coherence"] if given[name] is not None}
    return {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in kept.items()}


def _box(text: str) -> tuple[float, float, float, float]:
    """Read west, south, east, north."""
    try:
        west, south, east, north = map(float, text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is not W,S,E,N in degrees, such as 19,34,29,42.", param_hint="--box"
        ) from None
    return west, south, east, north


def _name_and_value(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; the value is a Python literal where it reads as one, else text."""
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"'{text}' is not NAME=VALUE.", param_hint="--parameter")
    try:
        return name, literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
