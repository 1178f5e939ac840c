"""How SNAP lays out a product on disk: BEAM-DIMAP, ZNAP, HDF5 and NetCDF4-CF, each read into one shape.

All four hold the same three things: bands (rasters of the scene's size), tie-point grids (small rasters to be
interpolated; NetCDF4-CF writes them at full size) and a tree of metadata. Virtual bands are expressions: only
NetCDF4-CF writes their pixels, so elsewhere they are left out. HDF5 keeps neither no-data values nor a map grid.
"""

from collections.abc import Callable
from pathlib import Path

from epi.errors import FileFormatError
from epi.insar.engines.snap_files.dimap import open_dimap
from epi.insar.engines.snap_files.file import MapGrid, Scale, SnapFile, TiePoints, readable
from epi.insar.engines.snap_files.hdf import hdf_layout, open_hdf5, open_netcdf
from epi.insar.engines.snap_files.znap import open_znap

__all__ = ["MapGrid", "Scale", "SnapFile", "TiePoints", "layout_of", "open_snap"]

HDF5_MAGIC = b"\x89HDF"
OPEN: dict[str, Callable[[Path], SnapFile]] = {
    "BEAM-DIMAP": open_dimap,
    "ZNAP": open_znap,
    "HDF5": open_hdf5,
    "NetCDF4-CF": open_netcdf,
}


def layout_of(path: str | Path) -> str | None:
    """Return SNAP's name of a product's layout by its content, or None where it is not SNAP's or not readable."""
    try:
        return _layout(Path(path))
    except OSError:
        return None


def open_snap(path: str | Path) -> SnapFile:
    """Open a product that SNAP wrote: a ``.dim``, a ``.znap`` folder or its zip, a ``.h5`` or a ``.nc``.

    Raises
    ------
    FileFormatError : no such file, not SNAP's, truncated, or of a layout that is not read.
    """
    source = Path(path)
    if not source.exists():
        raise FileFormatError(f"No file {source}: check the path, relative to {Path.cwd()}.")
    with readable(source):
        layout = _layout(source)
        if layout in OPEN:
            return OPEN[layout](source)
    found = f" ({layout})" if layout else ""
    raise FileFormatError(
        f"{source.name} is no product of SNAP that epi reads{found}: write BEAM-DIMAP (.dim and its .data folder), "
        "ZNAP (.znap), HDF5 (.h5) or NetCDF4-CF (.nc)."
    )


def _layout(source: Path) -> str | None:
    """Return the layout; OSError where a file in HDF5 is truncated."""
    if source.name.endswith(".znap.zip") or (source / ".zgroup").is_file():
        return "ZNAP"
    if source.is_dir():
        return "BEAM-DIMAP" if source.suffix == ".data" and source.with_suffix(".dim").is_file() else None
    if not source.is_file():
        return None
    with source.open("rb") as stream:
        start = stream.read(4096)
    if b"<Dimap_Document" in start:
        return "BEAM-DIMAP"
    return hdf_layout(source) if start[:4] == HDF5_MAGIC else None
