"""The chain from two SLC products by SNAP: run it in place of ours, or write its graphs for any SNAP user."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from epi.cli.options import Bursts, Esd, Json, Polarisation, Reference, Secondary, Slices, Subswaths, passages, whole
from epi.console import print_json, say
from epi.errors import ParameterError

if TYPE_CHECKING:
    import xarray as xr

    from epi.insar.engines.snap import Options

SnapVersion = Annotated[int, typer.Option(min=10, max=14, help="Of the SNAP that will run the graphs.")]


def snap_graph(
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
    dem: Annotated[str | None, typer.Option(help="Elevation model by SNAP's name.")] = None,
    esd: Esd = False,
    format_: Annotated[str | None, typer.Option("--format", help="HDF5, BEAM-DIMAP, ZNAP or NetCDF4-CF.")] = None,
    as_json: Json = False,
) -> None:
    """Write the same chain as checked SNAP graphs, one XML a stage and one chain a subswath, for any SNAP user."""
    from epi.insar.engines.snap import write_graphs

    earlier, later = passages(reference, secondary, slices)
    shared = _shared(earlier, later, {"subswath": subswath, "bursts": bursts, "polarisation": polarisation})
    given = shared | {"snap_version": snap_version, "dem": dem, "esd": esd or None, "format": format_}
    written = write_graphs(earlier, later, out, options=_options(preset, given))
    if as_json:
        return print_json([{"file": str(path)} for path in written])
    print("\n".join(str(path) for path in written))


def by_snap(given: dict[str, Any]) -> "xr.Dataset":
    """Run one subswath through the SNAP that is here, in a folder beside the product to be, and read what it wrote.

    SNAP merges neighbouring subswaths only, and all of them or none: each is a run and a product of its own.
    """
    from epi.insar.engines.native import Choices
    from epi.insar.engines.snap import Gpt, find_gpt, run, stages
    from epi.insar.engines.snap.presets import LATEST
    from epi.insar.engines.snap_products import read_snap

    _refuse_ours(given)
    window = whole(given["window"], "x", "--window")
    how = Choices(spacing_m=given["spacing"], window=window, goldstein=given["goldstein"])
    earlier, later = passages(given["reference"], given["secondary"], given["slices"])
    shared = _shared(earlier, later, given)
    if len(shared["subswaths"]) > 1:
        raise ParameterError(
            f"SNAP makes one subswath a run, and here are {', '.join(shared['subswaths'])}: choose one with --subswath."
        )
    engine = Gpt(find_gpt())
    chosen = shared | {
        "snap_version": engine.version or LATEST,
        "dem": "External DEM" if given["dem"] else None,
        "dem_file": given["dem"],
        "esd": given["esd"],
        "coherence_window": how.window,
        "goldstein": how.goldstein > 0,
        "goldstein_alpha": how.goldstein or None,
        "unwrap": given["unwrap"],
        "pixel_m": how.spacing_m,
    }
    chain = stages(earlier, later, _options(None, chosen))
    report = run(chain, given["out"].with_suffix(".snap"), engine=engine, say=say)
    return read_snap(next(iter(report.results.values())))


def _refuse_ours(given: dict[str, Any]) -> None:
    """Refuse what only our own engine can be told."""
    for name in ("undulation", "orbits"):
        if given[name] is not None:
            raise ParameterError(f"--{name} is for the native engine; SNAP fetches its own: leave it out.")
    if given["heights"] == "ellipsoid":
        raise ParameterError(
            "--heights ellipsoid is for the native engine; SNAP takes a terrain model's heights as above the geoid: "
            "give it such a file."
        )


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
