"""Options that several commands share, and how they are read."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from epi.errors import ParameterError

Reference = Annotated[Path, typer.Argument(metavar="REF", help="The earlier SLC: a SAFE folder, its zip or a burst.")]
Secondary = Annotated[Path, typer.Argument(metavar="SEC", help="The later SLC, of the same track.")]
Slices = Annotated[
    list[Path] | None, typer.Option("--slice", metavar="FILE", help="A neighbouring slice of either date; repeatable.")
]
Subswaths = Annotated[
    list[str] | None, typer.Option("--subswath", help="IW1, IW2 or IW3; repeatable. Default: all there are.")
]
Bursts = Annotated[str | None, typer.Option(metavar="FIRST-LAST", help="Of every subswath, counted from 1: 1-3.")]
Polarisation = Annotated[Literal["VV", "VH", "HH", "HV"] | None, typer.Option(help="Default: VV or HH.")]
Esd = Annotated[bool, typer.Option("--esd", help="Take out an azimuth shift; an earthquake's own motion biases it.")]
Spacing = Annotated[float, typer.Option(help="Side of a pixel of the map, m.")]
Window = Annotated[str, typer.Option(metavar="LINESxSAMPLES", help="Over which coherence is estimated.")]
Goldstein = Annotated[float, typer.Option(help="Strength of the fringe filter, 0 (none) to 1.")]
EventId = Annotated[
    str, typer.Argument(metavar="EVENT", help="An id of the catalogue (epi events), or an agency's: us7000df40.")
]
Catalogue = Annotated[
    str | None,
    typer.Option(metavar="FILE|usgs|isc|emsc", help="Where the earthquake is listed, if not in ours; also an address."),
]
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
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]

SPACING, WINDOW, GOLDSTEIN = 50.0, "4x20", 0.5  # of both engines, where nothing is stated


def passages(reference: Path, secondary: Path, slices: list[Path] | None) -> tuple[list[Path], list[Path]]:
    """Return each passage's products: every further slice joins the one of its own date."""
    from epi.insar.slc.safe import open_safe

    sides = [reference], [secondary]
    known = [open_safe(side[0]) for side in sides]
    for path in slices or ():
        item = open_safe(path)
        near = [side for side, one in zip(sides, known, strict=True) if one.data_take == item.data_take]
        if len(near) != 1:
            raise ParameterError(
                f"{path} is of neither passage: --slice takes neighbours of {reference} or {secondary}."
            )
        near[0].append(path)
    return sides


def whole(text: str, sign: str, option: str) -> tuple[int, int]:
    """Read two whole numbers joined by a sign."""
    found = re.fullmatch(rf"(\d+){sign}(\d+)", text.strip())
    if found is None:
        raise typer.BadParameter(f"'{text}' is not two whole numbers such as 1{sign}3.", param_hint=option)
    return int(found[1]), int(found[2])


def stated(given: dict[str, Any]) -> dict[str, Any]:
    """Keep, of a command's options, the ones that say what a file is; paths as text, absolute."""
    names = ["quantity", "units", "positive", "wavelength", "incidence", "heading", "pass_direction", "columns", "crs"]
    kept = {name: given[name] for name in [*names, "par", "coherence"] if given[name] is not None}
    return {name: str(value.absolute()) if isinstance(value, Path) else value for name, value in kept.items()}
