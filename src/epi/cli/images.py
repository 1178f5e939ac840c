"""The command that starts from two SLC products: their interferogram and its displacement."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from epi.cli.options import (
    GOLDSTEIN,
    SPACING,
    WINDOW,
    Bursts,
    Esd,
    Goldstein,
    Json,
    Polarisation,
    Reference,
    Secondary,
    Slices,
    Spacing,
    Subswaths,
    Window,
    passages,
    whole,
)
from epi.cli.snap import by_snap
from epi.console import print_json, say
from epi.errors import ParameterError
from epi.storage import make_folder

if TYPE_CHECKING:
    import xarray as xr


def interferogram(
    reference: Reference,
    secondary: Secondary,
    *,
    out: Annotated[Path, typer.Option(metavar="FILE.nc", help="The product to write.")],
    slices: Slices = None,
    dem: Annotated[Path | None, typer.Option(help="Terrain heights (GeoTIFF, HGT); fetched where not given.")] = None,
    heights: Annotated[
        Literal["ellipsoid", "geoid"] | None, typer.Option(help="What the DEM's heights are above, if it does not say.")
    ] = None,
    undulation: Annotated[str | None, typer.Option(help="Geoid above the ellipsoid: metres, or a grid file.")] = None,
    void_height: Annotated[float | None, typer.Option(help="Of the DEM's nodes without data, m (0 for sea).")] = None,
    water: Annotated[Path | None, typer.Option(help="A raster that tells water (a mask, ESA WorldCover).")] = None,
    water_value: Annotated[
        list[float] | None, typer.Option(help="Its value that means water; repeatable (default 1; WorldCover: 80).")
    ] = None,
    orbits: Annotated[Path | None, typer.Option(metavar="FOLDER", help="POEORB and RESORB files to use.")] = None,
    fetch_orbits: Annotated[
        bool, typer.Option("--fetch-orbits", help="Fetch what it lacks: precise, or restituted if too new.")
    ] = False,
    engine: Annotated[
        Literal["native", "snap"], typer.Option(help="Ours, or ESA's SNAP where it is: one subswath a run.")
    ] = "native",
    subswath: Subswaths = None,
    bursts: Bursts = None,
    polarisation: Polarisation = None,
    spacing: Spacing = SPACING,
    window: Window = WINDOW,
    goldstein: Goldstein = GOLDSTEIN,
    esd: Esd = False,
    unwrap: Annotated[bool, typer.Option("--unwrap/--wrapped", help="Go on to displacement, or not.")] = True,
    as_json: Json = False,
) -> None:
    """Make an interferogram and its displacement from two Sentinel-1 SLC products."""
    from epi.insar import product
    from epi.insar.engines.native import Choices, interferogram

    _check_out(out)
    if fetch_orbits and orbits is None:
        raise ParameterError("--fetch-orbits needs the folder to put them in: give --orbits FOLDER.")
    if engine == "snap":
        made = by_snap(locals())
    else:
        how = Choices(
            spacing_m=spacing, window=whole(window, "x", "--window"), goldstein=goldstein, esd=esd, unwrap=unwrap
        )
        earlier, later = passages(reference, secondary, slices)
        made = interferogram(
            earlier,
            later,
            dem=dem,
            datum=heights,
            undulation=_number_or_path(undulation),
            void_height=void_height,
            orbits=orbits,
            fetch_orbits=fetch_orbits,
            water=water,
            water_values=tuple(water_value or (1.0,)),
            subswaths=tuple(subswath or ()),
            bursts=whole(bursts, "-", "--bursts") if bursts else None,
            polarisation=polarisation,
            choices=how,
            say=say,
        )
        if orbits is not None:
            say(f"orbits taken: {made.attrs['orbits']}")
    product.save(made, out)
    if as_json:
        return print_json([_facts(made) | {"file": str(out)}])
    print(out)


def _check_out(path: Path) -> None:
    """Refuse a place no product can be written to, before any work."""
    if path.suffix != ".nc":
        raise ParameterError(f"--out {path}: a product is NetCDF, give a name that ends in .nc.")
    if path.is_dir():
        raise ParameterError(f"--out {path} is a folder: give a file's name.")
    make_folder(path.absolute().parent)


def _facts(made: "xr.Dataset") -> dict[str, Any]:
    """Return a product's attributes that are numbers or text, with its size."""
    facts = {str(name): value for name, value in made.attrs.items() if isinstance(value, str | int | float)}
    valid = made["valid"].to_numpy()
    sizes = {str(name): int(size) for name, size in made.sizes.items()}
    return facts | {"size": sizes, "valid_fraction": float(valid.mean())}


def _number_or_path(text: str | None) -> float | Path | None:
    """Read a number, else a path."""
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        return Path(text)
