"""Options that several commands share, and how they are read."""

import re
from pathlib import Path
from typing import Annotated, Literal

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
