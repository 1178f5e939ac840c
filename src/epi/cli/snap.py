"""The chain from two SLC products by SNAP: run it in place of ours, or write its graphs for any SNAP user."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from epi.console import print_json, say
from epi.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from epi.insar.engines.snap import Options

SnapVersion = Annotated[int, typer.Option(min=10, max=14, help="Of the SNAP that will run the graphs.")]


def snap_graph(
    ctx: typer.Context,
    reference: Reference,
    secondary: Secondary,
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the graphs and run.sh go.")],
    slices: Slices = None,
    snap_version: SnapVersion = 14,
    preset: Annotated[str | None, typer.Option(help="A published chain: srtm-hdf5 or copernicus-netcdf.")] = None,
    subswath: Subswaths = None,
    bursts: Bursts = None,
    polarisation: Polarisation = None,
    dem: Annotated[str | None, typer.Option(help="Elevation model: a file, or one by SNAP's name.")] = None,
    spacing: Spacing = SPACING,
    window: Window = WINDOW,
    goldstein: Goldstein = GOLDSTEIN,
    esd: Esd = False,
    format_: Annotated[str | None, typer.Option("--format", help="HDF5, BEAM-DIMAP, ZNAP or NetCDF4-CF.")] = None,
    as_json: Json = False,
) -> None:
    """Write the same chain as checked SNAP graphs, one XML a stage and one chain a subswath, for any SNAP user.

    A preset keeps its published pixel, window and filter, unless they are stated.
    """
    from epi.insar.engines.snap import write_graphs

    common = {"spacing": spacing, "window": window, "goldstein": goldstein}
    _check_common(common)
    earlier, later = passages(reference, secondary, slices)
    shared = _shared(earlier, later, {"subswath": subswath, "bursts": bursts, "polarisation": polarisation})
    given = shared | {"snap_version": snap_version, "esd": esd or None, "format": format_} | _elevation(dem)
    for name, meant in _common(common, earlier[0], shared).items():
        source = ctx.get_parameter_source(name)
        if preset is None or (source is not None and source.name != "DEFAULT"):
            given |= meant
    written = write_graphs(earlier, later, out, options=_options(preset, given))
    if as_json:
        return print_json([{"file": str(path)} for path in written])
    print("\n".join(str(path) for path in written))


def by_snap(given: dict[str, Any]) -> "xr.Dataset":
    """Run one subswath through the SNAP that is here, in a folder beside the product to be, and read what it wrote.

    SNAP merges neighbouring subswaths only, and all of them or none: each is a run and a product of its own.
    """
    from epi.insar.engines.snap import Gpt, find_gpt, run, stages
    from epi.insar.engines.snap.operators import EXTERNAL_DEM
    from epi.insar.engines.snap.presets import LATEST
    from epi.insar.engines.snap_products import read_snap

    _refuse_ours(given)
    _check_common(given)
    earlier, later = passages(given["reference"], given["secondary"], given["slices"])
    shared = _shared(earlier, later, given)
    if len(shared["subswaths"]) > 1:
        raise ParameterError(
            f"SNAP makes one subswath a run, and here are {', '.join(shared['subswaths'])}: choose one with --subswath."
        )
    engine = Gpt(find_gpt())
    chosen = shared | {
        "snap_version": engine.version or LATEST,
        "dem": EXTERNAL_DEM if given["dem"] else None,
        "dem_file": given["dem"],
        "esd": given["esd"],
        "unwrap": given["unwrap"],
    }
    for meant in _common(given, earlier[0], shared).values():
        chosen |= meant
    chain = stages(earlier, later, _options(None, chosen))
    report = run(chain, given["out"].with_suffix(".snap"), engine=engine, say=say)
    return read_snap(next(iter(report.results.values())))


def _check_common(given: dict[str, Any]) -> None:
    """Refuse a pixel, window or filter that no engine takes, before any file is read."""
    from epi.insar.engines.native import Choices

    window = whole(given["window"], "x", "--window")
    Choices(spacing_m=given["spacing"], window=window, goldstein=given["goldstein"])


def _common(given: dict[str, Any], product: Path, shared: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what both engines can be told: each option by the names that SNAP's chain has for it.

    The looks are those of our engine where there is one subswath; of several, each has those of its usual incidence.
    """
    from epi.insar.slc.safe import read_image
    from epi.insar.topsar.interferogram import looks_for

    looks: tuple[int, int] | str = "square"
    if len(shared["subswaths"]) == 1:
        image = read_image(product, shared["subswaths"][0], shared["polarisation"])
        looks = looks_for(image, given["spacing"])
    strength = given["goldstein"]
    return {
        "spacing": {"pixel_m": given["spacing"], "looks": looks},
        "window": {"coherence_window": whole(given["window"], "x", "--window")},
        "goldstein": {"goldstein": strength > 0, "goldstein_alpha": strength or None},
    }


def _refuse_ours(given: dict[str, Any]) -> None:
    """Refuse what only our own engine can be told."""
    for name in ("undulation", "void_height", "orbits", "water", "water_value"):
        if given[name] is not None:
            option = name.replace("_", "-")
            raise ParameterError(f"--{option} is for the native engine; SNAP takes no such choice: leave it out.")
    if given["heights"] == "ellipsoid":
        raise ParameterError(
            "--heights ellipsoid is for the native engine; SNAP takes a terrain model's heights as above the geoid: "
            "give it such a file."
        )


def _elevation(given: str | None) -> dict[str, Any]:
    """Return the options of an elevation model: a file, or one of SNAP's by its name."""
    from epi.insar.engines.snap.operators import EXTERNAL_DEM, contract, listed

    if given is None:
        return {}
    known = [name for name in contract()["dems"] if name != EXTERNAL_DEM]
    if given in known:
        return {"dem": given}
    if not Path(given).is_file():
        raise ParameterError(
            f"--dem {given}: there is no such file, and SNAP has no elevation model of this name; it has: "
            f"{listed(known)}."
        )
    return {"dem": EXTERNAL_DEM, "dem_file": Path(given)}


def _shared(earlier: list[Path], later: list[Path], given: dict[str, Any]) -> dict[str, Any]:
    """Return the polarisation, subswaths and bursts to take: what was asked, if both passages have it, or all."""
    from epi.insar.slc.matching import burst_pairs, common_polarisation, common_subswaths, open_products

    first, second = open_products(earlier), open_products(later)
    channel = given["polarisation"] or common_polarisation(first, second)
    swaths = common_subswaths(first, second, channel, given["subswath"] or ())
    bursts = whole(given["bursts"], "-", "--bursts") if given["bursts"] else None
    for swath in swaths:
        burst_pairs(first, second, swath, channel, bursts=bursts)
    return {"polarisation": channel, "subswaths": tuple(swaths), "bursts": bursts}


def _options(preset: str | None, given: dict[str, Any]) -> "Options":
    """Return a chain's options: a preset's or the usual ones, with what was given in place of its values."""
    from epi.insar.engines.snap import Options
    from epi.insar.engines.snap import preset as published

    changes = {name: value for name, value in given.items() if value is not None}
    return published(preset, **changes) if preset else Options(**changes)
