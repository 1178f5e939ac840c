"""A raster file in whatever projection as a grid of latitude and longitude over the place that is wanted."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.warp import reproject
from rasterio.windows import Window

from epi.errors import DemError, FileFormatError, NoGeoreference
from epi.insar.geometry.dem import Bounds, continuous, shown

WGS84 = CRS.from_epsg(4326)
Values = NDArray[np.float32]
Piece = tuple[Values, float, float, float, float]  # values, north, west, latitude step, longitude step


@dataclass(frozen=True)
class Grid:
    """The first band of a raster at nodes of latitude and longitude.

    Parameters
    ----------
    values : (rows, columns) float32, northernmost row first; NaN is no data.
    north, west, latitude_step, longitude_step : of the nodes, degrees; the steps are positive.
    vertical : name of the file's vertical reference, or None where it states none.
    unit : of the values, or None where the file states none.
    """

    values: Values
    north: float
    west: float
    latitude_step: float
    longitude_step: float
    vertical: str | None
    unit: str | None


def _unchanged(values: Values) -> Values:
    return values


def read_grid(
    path: str | Path, *, bounds: Bounds, nearest: bool = False, clean: Callable[[Values], Values] = _unchanged
) -> Grid:
    """Read what a raster has over some bounds, with one node beyond them where there is one.

    The nodes of a file in latitude and longitude on WGS84 are taken as they are; any other file is resampled to its own
    spacing.

    Parameters
    ----------
    path : anything GDAL reads.
    bounds : west, south, east, north in degrees; may cross the antimeridian.
    nearest : where resampling is needed, take the nearest value (classes), not the bilinear one (heights).
    clean : what to do with the file's values (NaN where it says there is no data) before any resampling.

    Raises
    ------
    FileFormatError : no such file, not a raster, or truncated. NoGeoreference : it does not say where it is.
    DemError : it has nothing there.
    """
    wanted = continuous(bounds)
    if "://" not in str(path) and not str(path).startswith("/vsi") and not Path(path).is_file():
        raise FileFormatError(f"No file {path}: check the path, relative to {Path.cwd()}.")
    try:
        with rasterio.open(path) as ds:
            if ds.crs is None:
                raise NoGeoreference(f"{path} has no coordinate reference system: add it with gdal_edit.py -a_srs.")
            level, vertical = _split(CRS.from_wkt(ds.crs.to_wkt()))
            as_is = level.equals(WGS84, ignore_axis_order=True) and _is_north_up(ds.transform)
            piece = _read_nodes(ds, wanted, clean) if as_is else _resample(ds, level, wanted, nearest, clean)
            return Grid(*piece, vertical=vertical, unit=ds.units[0])
    except RasterioError as error:
        raise FileFormatError(f"{path} cannot be read as a raster ({error}): it may be truncated.") from error


def _split(crs: CRS) -> tuple[CRS, str | None]:
    """Return the horizontal reference and the name of the vertical one."""
    if crs.is_compound:
        return crs.sub_crs_list[0], crs.sub_crs_list[1].name
    if len(crs.axis_info) == 3:
        return crs.to_2d(), "ellipsoid"
    return crs, None


def _is_north_up(transform: Affine) -> bool:
    """Whether rows are parallels, from north to south, and columns meridians, from west to east."""
    return bool(transform.b == 0 and transform.d == 0 and transform.a > 0 and transform.e < 0)


def _values(ds: DatasetReader, window: Window, clean: Callable[[Values], Values]) -> Values:
    """Return a window of the first band, scaled, with NaN where the file says there is no data."""
    values = ds.read(1, window=window, masked=True).astype(np.float32).filled(np.nan)
    return clean(np.asarray(values * ds.scales[0] + ds.offsets[0], dtype=np.float32))


def _read_nodes(ds: DatasetReader, wanted: Bounds, clean: Callable[[Values], Values]) -> Piece:
    """Copy the nodes of a file in latitude and longitude, from both its ends where the bounds cross its seam."""
    west, south, east, north = wanted
    right, down = ds.transform.a, -ds.transform.e
    longitude, latitude = ds.transform.c + right / 2, ds.transform.f - down / 2
    rows = _span((latitude - north) / down, (latitude - south) / down, ds.height)
    pieces: list[tuple[float, Values]] = []
    for turn in (-360.0, 0.0, 360.0):
        columns = _span((west - longitude - turn) / right, (east - longitude - turn) / right, ds.width)
        if len(rows) and len(columns):
            window = Window(columns.start, rows.start, len(columns), len(rows))
            pieces.append((longitude + turn + columns.start * right, _values(ds, window, clean)))
    if not pieces:
        raise _elsewhere(ds, tuple(ds.bounds), wanted)
    first, values = pieces[0]
    for start, more in pieces[1:]:
        seam = (start - first) / right
        if abs(seam - round(seam)) > 1e-3 or round(seam) > values.shape[1]:
            raise DemError(
                f"{ds.name} has a gap at {start:.3f} E, inside the scene: join its two ends there in one file."
            )
        values = np.hstack([values[:, : round(seam)], more])
    return values, latitude - rows.start * down, first, down, right


def _span(first: float, last: float, size: int) -> range:
    """Return the nodes that enclose two fractional ones, as far as there are any."""
    return range(max(math.floor(first + 1e-6), 0), min(math.ceil(last - 1e-6), size - 1) + 1)


def _resample(ds: DatasetReader, level: CRS, wanted: Bounds, nearest: bool, clean: Callable[[Values], Values]) -> Piece:
    """Resample a projected file to a grid of latitude and longitude of its own spacing on the ground."""
    west, south, east, north = wanted
    to_file = Transformer.from_crs(WGS84, level, always_xy=True)
    down, right = _spacing(ds, to_file, wanted)
    window = _window(ds, to_file, wanted)
    if window.width < 2 or window.height < 2:
        extent = Transformer.from_crs(level, WGS84, always_xy=True).transform_bounds(*ds.bounds)
        raise _elsewhere(ds, extent, wanted)
    values = np.full((math.ceil((north - south) / down) + 1, math.ceil((east - west) / right) + 1), np.nan, np.float32)
    reproject(
        _values(ds, window, clean),
        values,
        src_transform=ds.transform @ Affine.translation(window.col_off, window.row_off),
        src_crs=level.to_wkt(),
        src_nodata=np.nan,
        dst_transform=Affine(right, 0, west - right / 2, 0, -down, north + down / 2),
        dst_crs=WGS84.to_wkt(),
        dst_nodata=np.nan,
        resampling=Resampling.nearest if nearest else Resampling.bilinear,
    )
    return values, north, west, down, right


def _spacing(ds: DatasetReader, to_file: Transformer, wanted: Bounds) -> tuple[float, float]:
    """Return the steps in latitude and longitude that are one pixel of a projected file, in the middle."""
    west, south, east, north = wanted
    small = 1e-3
    x, y = to_file.transform(
        (west + east) / 2 + small * np.array([0, 0, 1]), (south + north) / 2 + small * np.array([0, 1, 0])
    )
    columns, rows = ~ds.transform @ (x, y)
    pixels = np.hypot(columns[1:] - columns[0], rows[1:] - rows[0])
    return small / float(pixels[0]), small / float(pixels[1])


def _window(ds: DatasetReader, to_file: Transformer, wanted: Bounds) -> Window:
    """Return the part of a projected file that the bounds need, empty where it has nothing of them."""
    west, south, east, north = wanted
    t = np.linspace(0, 1, 65)
    longitude = west + (east - west) * np.concatenate([t, t, 0 * t, 0 * t + 1])
    latitude = south + (north - south) * np.concatenate([0 * t, 0 * t + 1, t, t])
    columns, rows = ~ds.transform @ to_file.transform(longitude, latitude)
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        return Window(0, 0, 0, 0)
    left, right = (np.clip(value, 0, ds.width) for value in (np.floor(columns.min()) - 2, np.ceil(columns.max()) + 2))
    top, bottom = (np.clip(value, 0, ds.height) for value in (np.floor(rows.min()) - 2, np.ceil(rows.max()) + 2))
    return Window(int(left), int(top), int(right - left), int(bottom - top))


def _elsewhere(ds: DatasetReader, extent: Bounds, wanted: Bounds) -> DemError:
    """Return the error that names both places."""
    return DemError(f"{ds.name} covers {shown(extent)}, which is nothing of {shown(wanted)}: give one that covers it.")
