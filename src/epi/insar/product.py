"""The product: one ``xarray.Dataset``, the contract between whatever makes an interferogram and whatever reads it.

Reference is the earlier date, secondary the later one, and the interferogram is reference x conj(secondary). Its phase
is 4π/λ (R_secondary − R_reference), so motion away from the satellite is positive phase, while ``los_displacement`` is
positive toward the satellite. Look vectors (east, north, up) point from the ground to the satellite.

Three geometries share the same variables: a map (``y``, ``x``), a radar grid (``azimuth``, ``range``, with latitude and
longitude of every sample) and a table of points (``point``, with coordinates ``x`` and ``y``).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS

from epi.errors import FileFormatError, ProductError
from epi.insar.contract import (
    DIMENSIONS,
    LOOK,
    SENTINEL1_HEADING_DEG,
    SENTINEL1_INCIDENCE_DEG,
    SENTINEL1_WAVELENGTH_M,
    VARIABLES,
    Geometry,
    Variable,
    crs_of,
    geometry_of,
    validate,
    wavelength_of,
)
from epi.insar.frame import LocalFrame, local_frame
from epi.storage import atomic_path

__all__ = [
    "DIMENSIONS",
    "LOOK",
    "SENTINEL1_HEADING_DEG",
    "SENTINEL1_INCIDENCE_DEG",
    "SENTINEL1_WAVELENGTH_M",
    "VARIABLES",
    "Geometry",
    "LocalFrame",
    "Variable",
    "add",
    "build",
    "crs_of",
    "geometry_of",
    "load",
    "local_frame",
    "look_vector",
    "los_displacement",
    "save",
    "unwrapped_phase",
    "validate",
    "wavelength_of",
    "wrap",
]

Array = TypeVar("Array", xr.DataArray, NDArray[np.floating[Any]])


def build(
    variables: Mapping[str, ArrayLike | xr.DataArray],
    *,
    x: ArrayLike | None = None,
    y: ArrayLike | None = None,
    crs: str | int | CRS | None = None,
    attrs: Mapping[str, Any] | None = None,
    geometry: Geometry = "map",
    copy: bool = True,
) -> xr.Dataset:
    """Make a product from plain arrays, with units, meanings and its grid mapping, and validate it.

    Parameters
    ----------
    variables : arrays by their name in ``VARIABLES``; a scalar is spread over the grid. NaN is no data.
    x, y : coordinates of the pixel centres, one an axis (map) or one a point (points): metres of a projected ``crs``,
        degrees of longitude and latitude of a geographic one, metres about any origin where ``crs`` is None. Radar
        geometry has none: give ``latitude`` and ``longitude`` among the variables.
    crs : anything pyproj understands, e.g. ``"EPSG:32634"``; None where the scene has no georeference.
    attrs : facts about the scene, e.g. ``wavelength`` (m); dicts are kept as JSON, None is left out.
    geometry : ``"map"``, ``"radar"`` or ``"points"``.
    copy : whether arrays of a variable's own type are copied, or taken over as they are.

    Raises
    ------
    ProductError : a shape, unit, type or range breaks the contract.
    """
    ds = xr.Dataset(attrs=_plain_attributes(attrs or {}))
    if geometry != "radar":
        if x is None or y is None:
            raise ProductError(f"A product in {geometry} geometry needs x and y coordinates: give both.")
        ds = ds.assign_coords(_coordinates(x, y, CRS.from_user_input(crs) if crs is not None else None, geometry))
        if crs is None:
            ds.attrs["origin"] = "local"
    shape = np.broadcast_shapes(*(np.shape(value) for value in variables.values())) if geometry == "radar" else None
    ds = _assign(ds, variables, DIMENSIONS[geometry], shape, copy=copy)
    return validate(ds)


def add(ds: xr.Dataset, variables: Mapping[str, ArrayLike | xr.DataArray]) -> xr.Dataset:
    """Return a product with more variables (or new values of old ones), their attributes set and validated.

    Parameters
    ----------
    ds : a valid product.
    variables : arrays of the product's shape, or scalars, by their name in ``VARIABLES``.
    """
    return validate(_assign(ds, variables, DIMENSIONS[geometry_of(ds)], None))


def look_vector(incidence_deg: ArrayLike, heading_deg: ArrayLike) -> tuple[NDArray[np.float64], ...]:
    """Unit vector from the ground to a right-looking satellite.

    Parameters
    ----------
    incidence_deg : angle between the line of sight and the vertical, degrees, any shape; NaN stays NaN.
    heading_deg : direction of flight, degrees clockwise from north (Sentinel-1: about −13 ascending, −167 descending).

    Returns
    -------
    East, north and up components, float64.

    References
    ----------
    Hanssen (2001), Radar Interferometry, section 5.1.
    """
    incidence, heading = np.deg2rad(incidence_deg), np.deg2rad(heading_deg)
    east = -np.sin(incidence) * np.cos(heading)
    north = np.sin(incidence) * np.sin(heading)
    return east, north, np.cos(incidence) + 0.0 * heading


def los_displacement(unwrapped_phase: Array, *, wavelength: float) -> Array:
    """Line-of-sight displacement from unwrapped phase.

    Parameters
    ----------
    unwrapped_phase : radians, motion away positive, any shape; NaN stays NaN.
    wavelength : radar wavelength in metres (Sentinel-1: 0.05546576).

    Returns
    -------
    Metres, positive toward the satellite.

    References
    ----------
    Rosen et al. (2000), Proc. IEEE 88(3).
    """
    return _named(unwrapped_phase * (-wavelength / (4 * np.pi)), "los_displacement")


def unwrapped_phase(los_displacement: Array, *, wavelength: float) -> Array:
    """Unwrapped phase of a line-of-sight displacement: the inverse of :func:`los_displacement`.

    Parameters
    ----------
    los_displacement : metres, positive toward the satellite, any shape; NaN stays NaN.
    wavelength : radar wavelength in metres.

    Returns
    -------
    Radians, motion away positive.
    """
    return _named(los_displacement * (-4 * np.pi / wavelength), "unwrapped_phase")


def wrap(phase: Array) -> Array:
    """Phase modulo one turn, in [−π, π]; radians in and out, any shape; NaN stays NaN."""
    return _named(phase - 2 * np.pi * np.round(phase / (2 * np.pi)), "phase")


def save(ds: xr.Dataset, path: str | Path) -> Path:
    """Validate a product and write it as NetCDF-4 (so also HDF5), whole or not at all.

    Raises
    ------
    ProductError : the dataset breaks the contract.
    StorageError : the disk is full or the folder cannot be written.
    """
    validate(ds)
    encoding = {
        name: {"zlib": True, "complevel": 2, "shuffle": True} for name, array in ds.data_vars.items() if array.ndim
    }
    whole = ds.to_netcdf(engine="h5netcdf", encoding=encoding)  # HDF5 itself crashes where a disk fills up under it
    with atomic_path(path) as temporary:
        temporary.write_bytes(whole)
    return Path(path)


def load(path: str | Path) -> xr.Dataset:
    """Read a product written by :func:`save` into memory, and validate it.

    Raises
    ------
    FileFormatError : no such file, or not NetCDF-4.
    ProductError : NetCDF-4, but not a product.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"No file {source}: check the path, relative to {Path.cwd()}.")
    try:
        with xr.open_dataset(source, engine="h5netcdf") as ds:
            return validate(ds.load())
    except ProductError as error:
        raise ProductError(f"{source}: {error}") from error
    except (OSError, ValueError, KeyError) as error:
        raise FileFormatError(f"{source} is not a readable NetCDF-4 file ({error}): it may be truncated.") from error


def _named(values: Array, name: str) -> Array:
    """Give a DataArray the name and attributes of a variable of the product; leave other arrays as they are."""
    if isinstance(values, xr.DataArray):
        kept = {key: value for key, value in values.attrs.items() if key == "grid_mapping"}
        values = values.rename(name).assign_attrs()
        values.attrs = kept | {"units": VARIABLES[name].unit, "long_name": VARIABLES[name].meaning}
    return values


def _plain_attributes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes NetCDF can hold: dicts as JSON, truth values as 0 or 1, None left out."""
    plain: dict[str, Any] = {}
    for name, value in attrs.items():
        if isinstance(value, dict):
            plain[name] = json.dumps(value)
        elif isinstance(value, bool):
            plain[name] = int(value)
        elif value is not None:
            plain[name] = value
    return plain


def _coordinates(x: ArrayLike, y: ArrayLike, crs: CRS | None, geometry: Geometry) -> dict[str, xr.Variable]:
    """Return x, y and, where the scene has one, the CF grid mapping."""
    unit_x, unit_y = ("degrees_east", "degrees_north") if crs is not None and crs.is_geographic else ("m", "m")
    name_x, name_y = ("point", "point") if geometry == "points" else ("x", "y")
    coordinates = {
        "x": xr.Variable((name_x,), np.asarray(x, dtype=float), {"units": unit_x, "axis": "X"}),
        "y": xr.Variable((name_y,), np.asarray(y, dtype=float), {"units": unit_y, "axis": "Y"}),
    }
    if crs is not None:
        coordinates["spatial_ref"] = xr.Variable((), np.int32(0), crs.to_cf())
    return coordinates


def _assign(
    ds: xr.Dataset,
    variables: Mapping[str, ArrayLike | xr.DataArray],
    dimensions: tuple[str, ...],
    shape: tuple[int, ...] | None,
    *,
    copy: bool = True,
) -> xr.Dataset:
    """Assign variables with the type, unit and meaning of ``VARIABLES``."""
    if unknown := sorted(set(variables) - set(VARIABLES)):
        raise ProductError(f"Unknown variable {', '.join(unknown)}: a product holds {', '.join(VARIABLES)}.")
    full = shape if shape is not None else tuple(ds.sizes[name] for name in dimensions)
    mapping = {"grid_mapping": "spatial_ref"} if "spatial_ref" in ds.coords else {}
    made = {}
    for name, values in variables.items():
        fact = VARIABLES[name]
        array = np.asarray(values)
        if array.ndim and array.shape != full:
            raise ProductError(f"Variable {name} has shape {array.shape}, the product {full}: they must be the same.")
        own = copy or not array.ndim
        array = np.array(np.broadcast_to(array, full) if own else array, dtype=fact.dtype, order="C", copy=own or None)
        made[name] = (dimensions, array, {"units": fact.unit, "long_name": fact.meaning} | mapping)
    return ds.assign(made)
