"""SNAP's HDF5 (groups ``bands``, ``tie_point_grids``, ``metadata``) and its NetCDF4-CF, which is HDF5 too."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py

from epi.errors import FileFormatError
from epi.insar.engines.snap_files.file import WGS84, Floats, MapGrid, Scale, SnapFile, TiePoints, guarded
from epi.insar.engines.snap_files.metadata import attributes, tree_of_hdf


def hdf_layout(source: Path) -> str | None:
    """Tell SNAP's HDF5 from its NetCDF-4 and from anything else in HDF5."""
    with h5py.File(source) as file:
        if "bands" in file and isinstance(file["bands"], h5py.Group):
            return "HDF5"
        if attributes(file).get("metadata_profile") == "beam":
            return "NetCDF4-BEAM"
        return "NetCDF4-CF" if "TileSize" in file.attrs or _abstracted(file) else None


def _abstracted(file: h5py.File) -> bool:
    """Whether a file has SNAP's tree of metadata."""
    group = file.get("metadata")
    return isinstance(group, h5py.Group) and "Abstracted_Metadata" in group


def open_hdf5(source: Path) -> SnapFile:
    """Open a ``.h5``: groups ``bands``, ``tie_point_grids`` and ``metadata``."""
    with h5py.File(source) as file:
        datasets = {name: item for name, item in file["bands"].items() if isinstance(item, h5py.Dataset)}
        if not datasets:
            raise FileFormatError(f"{source.name} has no band: SNAP was stopped while writing; write it again.")
        bands = {}
        for name, item in datasets.items():
            facts = attributes(item)
            scale = Scale(
                float(facts.get("scaling_factor", 1)),
                float(facts.get("scaling_offset", 0)),
                facts.get("log10_scaled") == "true",
            )
            bands[name] = guarded(source, _band(source, f"bands/{name}", scale))
        grids = {name: _grid(item) for name, item in file.get("tie_point_grids", {}).items()}
        shape = next(iter(datasets.values())).shape
        return SnapFile(source.name, "HDF5", shape, bands, grids, tree_of_hdf(file.get("metadata")))


def _band(source: Path, place: str, scale: Scale, *, turned: bool = False) -> Callable[[], Floats]:
    """Return how to read one dataset; ``turned`` where its first axis is the horizontal one."""

    def read() -> Floats:
        with h5py.File(source) as file:
            raw = file[place][()]
        return scale.physical(raw.T if turned else raw)

    return read


def _grid(item: h5py.Dataset) -> TiePoints:
    """Return one tie-point grid of an HDF5 product."""
    facts = attributes(item)
    names = ("offset_x", "offset_y", "sub_sampling_x", "sub_sampling_y")
    return TiePoints(item[()].astype(float), *(float(facts[name]) for name in names))


def open_netcdf(source: Path) -> SnapFile:
    """Open a ``.nc`` of the CF profile: variables on (lat, lon), (lat_intern, lon_intern) or (y, x)."""
    with h5py.File(source) as file:
        axes = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset) and item.ndim == 1}
        planes = {name: item for name, item in file.items() if isinstance(item, h5py.Dataset) and item.ndim == 2}
        if not planes:
            raise FileFormatError(f"{source.name} has no band: SNAP was stopped while writing; write it again.")
        turned = {name: _axes(item)[0] in ("x", "lon", "lon_intern") for name, item in planes.items()}
        scales = {name: _cf_scale(item) for name, item in planes.items()}
        bands = {name: guarded(source, _band(source, name, scales[name], turned=turned[name])) for name in planes}
        name, first = next(iter(planes.items()))
        shape = first.shape[::-1] if turned[name] else first.shape
        return SnapFile(
            source.name,
            "NetCDF4-CF",
            shape,
            bands,
            {},
            tree_of_hdf(file.get("metadata")),
            _cf_grid(axes),
        )


def _axes(item: h5py.Dataset) -> list[str]:
    """Return the names of a NetCDF variable's dimensions."""
    return [dimension[0].name.strip("/") if len(dimension) else "" for dimension in item.dims]


def _cf_scale(item: h5py.Dataset) -> Scale:
    """Return the scale of a NetCDF variable."""
    facts = attributes(item)
    no_data = facts.get("_FillValue")
    return Scale(
        float(facts.get("scale_factor", 1)),
        float(facts.get("add_offset", 0)),
        no_data=float(no_data) if no_data is not None else None,
    )


def _cf_grid(axes: Mapping[str, h5py.Dataset]) -> MapGrid | None:
    """Return the map grid where latitude and longitude are axes: SNAP writes them so for WGS84 in degrees alone."""
    for lat, lon in (("lat", "lon"), ("lat_intern", "lon_intern")):
        if lat in axes and lon in axes:
            return MapGrid(WGS84, axes[lon][()].astype(float), axes[lat][()].astype(float))
    return None
