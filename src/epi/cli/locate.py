"""Where the earthquake of an interferogram was."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from epi.cli.options import (
    Coherence,
    Columns,
    Crs,
    Heading,
    Incidence,
    Json,
    Par,
    Pass,
    Positive,
    Quantity,
    Units,
    Wavelength,
    stated,
)
from epi.console import location_text, print_json
from epi.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from epi.catalogue import Event


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
        Literal["physics", "network", "both"], typer.Option(help="A fault, a network, or each of them and both.")
    ] = "physics",
    network: Annotated[Path | None, typer.Option(metavar="FILE", help="Weights (default: those that ship).")] = None,
    seed: Annotated[int, typer.Option(help="Of the search's random starts.")] = 0,
    as_json: Json = False,
) -> None:
    """Locate the earthquake in an interferogram: product, GeoTIFF, LiCSAR/COMET floats or point table."""
    from epi.catalogue import find_event
    from epi.insar.readers.files import read_scene

    if network and method == "physics":
        raise ParameterError(
            "--network was given, and --method physics asks no network: give --method network, or both."
        )
    given = stated(locals())
    known = find_event(event) if event else None
    tracks = [read_scene(file, event=known, **given) for file in files]
    results = _answers(tracks, method, network, seed)
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


def _answers(tracks: "list[xr.Dataset]", method: str, network: Path | None, seed: int) -> list[dict[str, Any]]:
    """Return the answer of each method asked for; what only a fault has is None for the network."""
    from epi.insar.frame import local_frame
    from epi.source.invert import locate as locate_source

    if method == "physics":
        return [locate_source(tracks, seed=seed).to_dict()]
    from epi.learn import joined, load_network, locate_tracks
    from epi.settings import settings

    trained = load_network(network or settings().data / "locator.safetensors")
    start = time.perf_counter()
    by_network, found, _ = locate_tracks(trained, tracks)
    by_network |= {"depth_km": None, "variance_reduction": None, "seconds": round(time.perf_counter() - start, 2)}
    if method == "network":
        return [by_network]
    physics = locate_source(tracks, seed=seed).to_dict()
    return [physics, by_network, joined(physics, by_network, found, local_frame(tracks[0]))]
