"""What every product of SNAP holds, whatever its layout: bands, tie-point grids, a map grid, a tree of metadata."""

import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from epi.errors import FileFormatError
from epi.insar.engines.snap_files.metadata import Metadata

Floats = NDArray[np.floating[Any]]
Raster = NDArray[Any]

WGS84 = CRS.from_epsg(4326)


@dataclass(frozen=True)
class Scale:
    """How stored numbers become physical ones: ``factor * raw + offset``, then ten to that power if ``log10``."""

    factor: float = 1.0
    offset: float = 0.0
    log10: bool = False
    no_data: float | None = None

    def physical(self, raw: Raster) -> Floats:
        """Return physical values, NaN where the raw one is ``no_data``."""
        native = raw.astype(raw.dtype.newbyteorder("="))
        scaled = (self.factor, self.offset) != (1.0, 0.0) or self.log10
        values: Floats = native.astype(float) if scaled or native.dtype.kind != "f" else native
        if scaled:
            values = values * self.factor + self.offset
            values = 10**values if self.log10 else values
        if self.no_data is not None:
            values = np.where(native == np.asarray(self.no_data).astype(native.dtype), np.nan, values)
        return values


@dataclass(frozen=True)
class TiePoints:
    """A small raster over the scene: its first node lies at ``offset`` pixels, the next ones every ``step``."""

    values: Floats
    offset_x: float
    offset_y: float
    step_x: float
    step_y: float

    def at(self, shape: tuple[int, int], looks: tuple[float, float] = (1.0, 1.0), *, degrees: bool = False) -> Floats:
        """Interpolate bilinearly to every pixel of a scene.

        Parameters
        ----------
        shape : lines and samples of the scene.
        looks : how many single-look lines and samples a pixel averages: SNAP counts tie points in pixels from the
            scene's corner, and a node of a single-look scene lies on the sample of that number.
        degrees : values are longitudes, which may cross the antimeridian.
        """
        values = np.unwrap(np.unwrap(self.values, axis=0, period=360), axis=1, period=360) if degrees else self.values
        rows = (np.arange(shape[0]) + (1 - 1 / looks[0]) / 2 - self.offset_y) / self.step_y
        columns = (np.arange(shape[1]) + (1 - 1 / looks[1]) / 2 - self.offset_x) / self.step_x
        full = _between(_between(values, rows).T, columns).T
        return (full + 180) % 360 - 180 if degrees else full


@dataclass(frozen=True)
class MapGrid:
    """Pixel centres of a terrain-corrected product in its reference system."""

    crs: CRS
    x: Floats
    y: Floats


@dataclass(frozen=True)
class SnapFile:
    """What one SNAP product holds.

    Parameters
    ----------
    name, layout : the file's name; ``BEAM-DIMAP``, ``ZNAP``, ``HDF5`` or ``NetCDF4-CF``.
    shape : lines and samples.
    bands : by name, how to read the physical values (lines, samples), NaN where the file declares no data.
    grids : tie-point grids by name.
    metadata : tree of names; a leaf is a text, a number or a time.
    grid : of a map, or None.
    """

    name: str
    layout: str
    shape: tuple[int, int]
    bands: Mapping[str, Callable[[], Floats]]
    grids: Mapping[str, TiePoints] = field(default_factory=dict)
    metadata: Metadata = field(default_factory=dict, repr=False)
    grid: MapGrid | None = None


@contextmanager
def readable(source: Path) -> Iterator[None]:
    """Turn what libraries say of a damaged file into one stated error."""
    try:
        yield
    except FileFormatError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SyntaxError, zlib.error, BadZipFile) as error:
        raise FileFormatError(
            f"{source.name} cannot be read as SNAP writes it ({str(error) or type(error).__name__}): it may be "
            "truncated; write it again."
        ) from error


def guarded(source: Path, read: Callable[[], Floats]) -> Callable[[], Floats]:
    """Return a reader of one band that states its errors."""

    def guarded() -> Floats:
        with readable(source):
            return read()

    return guarded


def map_grid(wkt: str, transform: str | Sequence[float], shape: tuple[int, int]) -> MapGrid:
    """Return the pixel centres of an image-to-model transform, six numbers in the order of a Java AffineTransform."""
    numbers = transform.split(",") if isinstance(transform, str) else transform
    scale_x, shear_y, shear_x, scale_y, x, y = (float(number) for number in numbers)
    if shear_x or shear_y:
        raise FileFormatError("The product's map grid is rotated: run Terrain-Correction without a rotated projection.")
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError as error:
        raise FileFormatError(f"The product's reference system cannot be understood ({error}).") from error
    if crs.is_geographic and crs.get_geod() == WGS84.get_geod():  # SNAP's own name for it is in no registry
        crs = WGS84
    rows, columns = shape
    return MapGrid(crs, x + scale_x * (np.arange(columns) + 0.5), y + scale_y * (np.arange(rows) + 0.5))


def _between(values: Floats, positions: Floats) -> Floats:
    """Interpolate linearly along the first axis at fractional positions, straight on beyond the ends."""
    if len(values) == 1:
        return np.repeat(values, len(positions), axis=0)
    base = np.clip(np.floor(positions).astype(int), 0, len(values) - 2)
    part = (positions - base)[:, None]
    return np.asarray(values[base] * (1 - part) + values[base + 1] * part)
