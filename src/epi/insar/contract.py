"""What a product must keep to: its variables with their units and ranges, its geometries, and the check of both."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import xarray as xr
from pyproj import CRS

from epi.errors import MissingConvention, ProductError

SENTINEL1_WAVELENGTH_M = 0.05546576  # 299792458 / 5.405e9 Hz
SENTINEL1_INCIDENCE_DEG = 39.0  # middle of the interferometric wide swath at mid-latitudes
SENTINEL1_HEADING_DEG = {"ascending": -13.0, "descending": -167.0}  # clockwise from north, at mid-latitudes

Geometry = Literal["map", "radar", "points"]
DIMENSIONS: dict[Geometry, tuple[str, ...]] = {"map": ("y", "x"), "radar": ("azimuth", "range"), "points": ("point",)}
LOOK = ("look_east", "look_north", "look_up")


@dataclass(frozen=True)
class Variable:
    """What a variable of the product means: its unit, type and the closed range its finite values keep to."""

    unit: str
    meaning: str
    dtype: str = "float32"
    low: float = -np.inf
    high: float = np.inf


VARIABLES: dict[str, Variable] = {
    "i": Variable("1", "real part of the multilooked reference x conj(secondary)"),
    "q": Variable("1", "imaginary part of the multilooked reference x conj(secondary)"),
    "coherence": Variable("1", "interferometric coherence magnitude", low=0.0, high=1.0),
    "phase": Variable("rad", "wrapped interferometric phase, motion away positive", low=-np.pi, high=np.pi),
    "unwrapped_phase": Variable("rad", "unwrapped interferometric phase, motion away positive"),
    "los_displacement": Variable("m", "line-of-sight displacement, positive toward the satellite"),
    "intensity_reference": Variable("1", "multilooked intensity of the reference", low=0.0),
    "intensity_secondary": Variable("1", "multilooked intensity of the secondary", low=0.0),
    "elevation": Variable("m", "height of the ground", low=-12e3, high=9e3),
    "incidence_angle": Variable("degree", "angle between line of sight and ellipsoid normal", low=0, high=90),
    "local_incidence_angle": Variable("degree", "angle between line of sight and terrain normal", low=0, high=180),
    "look_east": Variable("1", "east component of the unit vector from ground to satellite", low=-1.0, high=1.0),
    "look_north": Variable("1", "north component of the unit vector from ground to satellite", low=-1.0, high=1.0),
    "look_up": Variable("1", "up component of the unit vector from ground to satellite", low=0.0, high=1.0),
    "latitude": Variable("degrees_north", "geodetic latitude on WGS84", "float64", low=-90.0, high=90.0),
    "longitude": Variable("degrees_east", "geodetic longitude on WGS84", "float64", low=-180.0, high=360.0),
    "weight": Variable("1", "relative weight of a point, as its file states it", low=0.0),
    "layover_shadow": Variable("1", "true where the terrain folds over itself or hides from the radar", "bool"),
    "water": Variable("1", "true over open water", "bool"),
    "valid": Variable("1", "true where the interferogram holds a measurement", "bool"),
}


def geometry_of(ds: xr.Dataset) -> Geometry:
    """Return ``"map"``, ``"radar"`` or ``"points"`` by the dataset's dimensions; ProductError where they are others."""
    for geometry, dimensions in DIMENSIONS.items():
        if set(dimensions) <= set(ds.dims):
            return geometry
    raise ProductError(f"Not a product: dimensions {tuple(ds.dims)} are neither (y, x), (azimuth, range) nor (point).")


def crs_of(ds: xr.Dataset) -> CRS | None:
    """Return the coordinate reference system of ``x`` and ``y``, or None where the scene has no georeference."""
    return CRS.from_wkt(ds["spatial_ref"].attrs["crs_wkt"]) if "spatial_ref" in ds.coords else None


def wavelength_of(ds: xr.Dataset) -> float:
    """Return the radar wavelength of a product in metres."""
    try:
        return float(ds.attrs["wavelength"])
    except KeyError:
        raise MissingConvention(
            "The product does not state its wavelength: set attrs['wavelength'] in metres."
        ) from None


def validate(ds: xr.Dataset) -> xr.Dataset:
    """Return the dataset unchanged if it keeps the product contract.

    Raises
    ------
    ProductError : the first broken rule, with the variable's name and the value found.
    """
    geometry = geometry_of(ds)
    if not ds.data_vars:
        raise ProductError("The product holds no variable: give at least one of " + ", ".join(VARIABLES) + ".")
    for name, array in ds.data_vars.items():
        _validate_variable(str(name), array, DIMENSIONS[geometry])
    _validate_position(ds, geometry)
    _validate_look(ds)
    if {"phase", "unwrapped_phase"} & set(ds.data_vars) and not ds.attrs.get("wavelength", 0) > 0:
        raise ProductError("The product has no wavelength: set attrs['wavelength'] in metres (Sentinel-1: 0.05546576).")
    return ds


def _validate_variable(name: str, array: xr.DataArray, dimensions: tuple[str, ...]) -> None:
    """Assert the unit, dimensions, type and range of one variable."""
    unit = array.attrs.get("units")
    fact = VARIABLES.get(name)
    if fact is None:
        if unit is None:
            raise ProductError(f"Variable {name} has no unit: set its attrs['units'].")
        return
    if unit != fact.unit:
        raise ProductError(f"Variable {name} is in {unit!r}, the product keeps it in {fact.unit!r}: convert it.")
    if array.dims != dimensions:
        raise ProductError(f"Variable {name} has dimensions {array.dims}, the product {dimensions}: transpose it.")
    if array.dtype.kind != np.dtype(fact.dtype).kind:
        raise ProductError(
            f"Variable {name} is of type {array.dtype}, the product keeps it as {fact.dtype}: convert it."
        )
    if fact.dtype == "bool" or not np.isfinite([fact.low, fact.high]).any():
        return
    slack = 1e-5 * max(1.0, abs(fact.high) if np.isfinite(fact.high) else 1.0)
    low, high = float(array.min()), float(array.max())
    if low < fact.low - slack or high > fact.high + slack:
        raise ProductError(
            f"Variable {name} spans {low:.6g} to {high:.6g} {unit}: it must keep to {fact.low:.6g} to {fact.high:.6g}."
        )


def _validate_position(ds: xr.Dataset, geometry: Geometry) -> None:
    """Assert that every sample has a place: georeferenced or local coordinates, or latitude and longitude."""
    if geometry == "radar":
        if not {"latitude", "longitude"} <= set(ds.variables):
            raise ProductError("A product in radar geometry needs latitude and longitude of every sample: add both.")
        return
    if not {"x", "y"} <= set(ds.coords):
        raise ProductError("The product has no x and y coordinates: give the pixel centres.")
    if "spatial_ref" not in ds.coords and ds.attrs.get("origin") != "local":
        raise ProductError("The product has neither a grid mapping nor attrs['origin'] = 'local': state one of them.")
    for name in ("x", "y"):
        values = ds[name].to_numpy()
        if not np.isfinite(values).all():
            raise ProductError(f"Coordinate {name} holds values that are not finite: remove them.")
        steps = np.diff(values)
        if geometry == "map" and steps.size and not (steps[0] and np.allclose(steps, steps[0], rtol=1e-3, atol=0)):
            raise ProductError(f"Coordinate {name} is not evenly spaced: resample the scene to a regular grid.")


def _validate_look(ds: xr.Dataset) -> None:
    """Assert that look vectors come as three components, of unit length and pointing up."""
    present = [name for name in LOOK if name in ds]
    if not present:
        return
    if len(present) < 3:
        raise ProductError(f"The product has {', '.join(present)} only: a look vector needs all of {', '.join(LOOK)}.")
    length = np.sqrt(sum(np.square(ds[name].to_numpy()) for name in LOOK))
    worst = float(np.nanmax(np.abs(length - 1), initial=0.0))
    if worst > 2e-3:
        raise ProductError(f"Look vectors differ from unit length by up to {worst:.3g}: normalise them.")
