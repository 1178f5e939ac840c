"""From the radar's grid to a map: for every pixel of the map, where the radar saw it, and what it saw there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from scipy.ndimage import map_coordinates

from epi.errors import ParameterError
from epi.insar.geometry.dem import Dem
from epi.insar.geometry.zero_doppler import to_ecef, zero_doppler
from epi.insar.slc.orbits import Arc

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class RadarGrid:
    """An evenly spaced grid of zero-Doppler time and slant range.

    Parameters
    ----------
    arc : the orbit it was seen from.
    first_second, second_step : time of the first row and between rows, s from the arc's epoch.
    first_range, range_step : slant range of the first column and between columns, m.
    shape : rows and columns.
    """

    arc: Arc
    first_second: float
    second_step: float
    first_range: float
    range_step: float
    shape: tuple[int, int]

    def seconds(self) -> NDArray[np.float64]:
        """Times of the rows, s from the arc's epoch."""
        return self.first_second + self.second_step * np.arange(self.shape[0], dtype=float)

    def slant_ranges(self) -> NDArray[np.float64]:
        """Slant ranges of the columns, m."""
        return self.first_range + self.range_step * np.arange(self.shape[1], dtype=float)


@dataclass(frozen=True)
class MapGrid:
    """An evenly spaced map: pixel centres in the units of its reference system, north first.

    Parameters
    ----------
    x, y : (columns,) increasing and (rows,) decreasing.
    crs : a projected reference system in metres.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    crs: CRS

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size

    def geographic(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude of every pixel, degrees."""
        x, y = np.meshgrid(self.x, self.y)
        longitude, latitude = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True).transform(x, y)
        return np.asarray(latitude), np.asarray(longitude)

    def pixel(self, latitude: Floats, longitude: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional row and column of places in degrees, any shape; NaN stays NaN."""
        x, y = Transformer.from_crs("EPSG:4326", self.crs, always_xy=True).transform(longitude, latitude)
        step = self.x[1] - self.x[0]
        column, row = (np.asarray(x) - self.x[0]) / step, (self.y[0] - np.asarray(y)) / step
        return np.where(np.isfinite(row), row, np.nan), np.where(np.isfinite(column), column, np.nan)


def map_around(latitude: Floats, longitude: Floats, *, spacing_m: float, crs: CRS | None = None) -> MapGrid:
    """Return the map that holds all given places, on whole multiples of its spacing.

    Parameters
    ----------
    latitude, longitude : degrees, any shape; NaN is left out. Longitudes may run on beyond 180.
    spacing_m : side of a pixel.
    crs : of the map; default the UTM zone of the middle, or the polar stereographic system beyond 84 N and 80 S.

    Raises
    ------
    ParameterError : a spacing that is not positive, a system that is not in metres, or no finite place.
    """
    if not spacing_m > 0:
        raise ParameterError(f"A map with pixels of {spacing_m:g} m: give a spacing above 0.")
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if not known.any():
        raise ParameterError("None of the pixels has a place on the ground: the DEM lies elsewhere.")
    lat, lon = np.asarray(latitude, float)[known], np.asarray(longitude, float)[known]
    lon = lon[0] + (lon - lon[0] + 180) % 360 - 180
    crs = crs or _metric_system(float(lat.min() + lat.max()) / 2, float(lon.min() + lon.max()) / 2)
    if crs.axis_info[0].unit_name != "metre":
        raise ParameterError(f"{crs.name} is not in metres: give a projected reference system, such as EPSG:32634.")
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
    left, right = np.floor(np.min(x) / spacing_m), np.ceil(np.max(x) / spacing_m)
    low, high = np.floor(np.min(y) / spacing_m), np.ceil(np.max(y) / spacing_m)
    return MapGrid(np.arange(left, right + 1) * spacing_m, np.arange(high, low - 1, -1) * spacing_m, crs)


def _metric_system(latitude: float, longitude: float) -> CRS:
    """Return the UTM zone, or the universal polar stereographic system, of a place."""
    if latitude > 84:
        return CRS.from_epsg(32661)
    if latitude < -80:
        return CRS.from_epsg(32761)
    zone = int((longitude + 180) % 360 // 6) + 1
    return CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


@dataclass(frozen=True)
class MapView:
    """Where a radar grid saw the pixels of a map.

    Parameters
    ----------
    row, column : fractional places in the radar grid, NaN where the map's ground was not passed broadside.
    points : (rows, columns, 3) Earth-fixed ground points, m.
    height : ellipsoidal height, m, NaN where the DEM has none.
    """

    row: NDArray[np.float64]
    column: NDArray[np.float64]
    points: NDArray[np.float64]
    height: NDArray[np.float64]


def view(grid: RadarGrid, area: MapGrid, dem: Dem) -> MapView:
    """Find every pixel of a map in a radar grid, by its ground point's moment and range of zero Doppler.

    Returns
    -------
    Places that lie outside the radar grid have rows or columns outside its shape.
    """
    latitude, longitude = area.geographic()
    height = np.asarray(dem.sample(latitude, longitude), dtype=float)
    points = to_ecef(latitude, longitude, height)
    seconds, slant_range = zero_doppler(grid.arc, points.reshape(-1, 3))
    row = (seconds.reshape(area.shape) - grid.first_second) / grid.second_step
    column = (slant_range.reshape(area.shape) - grid.first_range) / grid.range_step
    return MapView(row, column, points, height)


def resample_to_map(fields: Mapping[str, NDArray[Any]], seen: MapView) -> dict[str, NDArray[Any]]:
    """Interpolate fields of a radar grid to a map, between the four nearest samples.

    Parameters
    ----------
    fields : by name, each (rows, columns) of the radar grid, real or complex; NaN is no data. Phases must come as
        complex numbers: a wrapped angle cannot be averaged.
    seen : the map's pixels in that grid.

    Returns
    -------
    By name, in the map's shape and the field's precision; NaN outside the grid, where a field has no data among the
    four samples that weighs more than half, and where the DEM has none.
    """
    inside = np.isfinite(seen.row) & np.isfinite(seen.column)
    where = np.stack([seen.row[inside], seen.column[inside]])
    return {name: _interpolate(np.asarray(field), where, inside) for name, field in fields.items()}


def _interpolate(field: NDArray[Any], where: Floats, inside: NDArray[np.bool_]) -> NDArray[Any]:
    """Bilinear mean of the samples that hold data."""
    known = np.isfinite(field)
    options: dict[str, Any] = {"order": 1, "mode": "constant", "cval": 0.0, "prefilter": False}
    weight = map_coordinates(known.astype(np.float32), where, **options)
    values = map_coordinates(np.where(known, field, 0), where, **options)
    result = unknown(inside.shape, field.dtype)
    enough = weight > 0.5
    filled = np.flatnonzero(inside)[enough]
    result.flat[filled] = values[enough] / weight[enough]
    return result


def unknown(shape: tuple[int, int], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return an array of NaN, in both parts of complex numbers."""
    return np.full(shape, np.nan * (1 + 1j) if dtype.kind == "c" else np.nan, dtype=dtype)
