"""Heights of the ground above the ellipsoid: read from a file, fetched, or stated to be flat."""

import math
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.errors import DemError
from epi.insar.compiled import njit

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees; longitudes are continuous, so east may pass 180 and west is below east."""


@dataclass(frozen=True)
class Dem:
    """Heights on a grid of latitude and longitude, bilinear between its nodes.

    Parameters
    ----------
    heights : (rows, columns) float32 in m above WGS84, northernmost row first; NaN is no data.
    north, west : latitude of the first row and longitude of the first column, degrees.
    latitude_step, longitude_step : distance of the nodes, degrees, both positive.
    source : where the heights are from.
    datum : how they were brought above the ellipsoid.
    filled : how many nodes had no data and were interpolated from those around.
    flat : whether one height stands for the whole scene.
    """

    heights: NDArray[np.float32]
    north: float
    west: float
    latitude_step: float
    longitude_step: float
    source: str
    datum: str = "ellipsoid"
    filled: int = 0
    flat: bool = False

    def __post_init__(self) -> None:
        if self.heights.ndim != 2 or min(self.heights.shape) < 2 or not (self.latitude_step > 0 < self.longitude_step):
            raise DemError(
                f"DEM {self.source} has {' x '.join(map(str, self.heights.shape))} nodes every {self.latitude_step:g} "
                f"x {self.longitude_step:g} degrees: it needs at least 2 x 2, and steps above 0."
            )

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north of the outermost nodes, degrees; east is above west even past 180."""
        rows, columns = self.heights.shape
        return (
            self.west,
            self.north - (rows - 1) * self.latitude_step,
            self.west + (columns - 1) * self.longitude_step,
            self.north,
        )

    def sample(self, latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
        """Bilinear heights (m) at places in degrees, any shape; NaN outside and next to a node without data."""
        phi, lam = np.broadcast_arrays(np.asarray(latitude, dtype=float), np.asarray(longitude, dtype=float))
        heights: NDArray[np.float64] = _sample(
            self.heights, self.grid(), np.deg2rad(phi).ravel(), np.deg2rad(lam).ravel()
        )
        return heights.reshape(phi.shape)

    def grid(self) -> tuple[float, float, float, float]:
        """North, middle longitude, latitude step, longitude step in radians: what :func:`node_at` takes."""
        middle = self.west + (self.heights.shape[1] - 1) / 2 * self.longitude_step
        return (
            math.radians(self.north),
            math.radians(middle),
            math.radians(self.latitude_step),
            math.radians(self.longitude_step),
        )

    def extremes(self) -> tuple[float, float]:
        """Lowest and highest height in m.

        Raises
        ------
        DemError : no node has data.
        """
        if not np.isfinite(self.heights).any():
            raise DemError(f"DEM {self.source} has no height at all: give another one.")
        return float(np.nanmin(self.heights)), float(np.nanmax(self.heights))


def flat_dem(bounds: Bounds, *, height: float = 0.0) -> Dem:
    """Return a flat ground for a scene without a terrain model, marked as ``flat``.

    Parameters
    ----------
    bounds : west, south, east, north in degrees.
    height : metres above the ellipsoid everywhere: what it leaves in the interferogram is the topographic phase.
    """
    west, south, east, north = continuous(bounds)
    return Dem(
        heights=np.full((2, 2), height, np.float32),
        north=north,
        west=west,
        latitude_step=north - south,
        longitude_step=east - west,
        source=f"none: flat at {height:g} m",
        flat=True,
    )


def continuous(bounds: Bounds) -> Bounds:
    """Return bounds whose east is above their west: 360 is added where they were given across the antimeridian.

    Raises
    ------
    DemError : south is not below north, a pole is inside, or they are not finite.
    """
    west, south, east, north = (float(value) for value in bounds)
    if not (all(map(math.isfinite, bounds)) and -90 < south < north < 90):
        raise DemError(
            f"Bounds {shown(bounds)} are not a piece of a latitude-longitude grid: give west, south, east, north in "
            "degrees with south below north, and no pole inside."
        )
    east += 360.0 * math.ceil((west - east) / 360.0) if east <= west else 0.0
    turns = 360.0 * math.floor((west + 180.0) / 360.0)
    if not west < east <= west + 360:
        raise DemError(f"Bounds {shown(bounds)} span no width, or more than the Earth: west must differ from east.")
    return west - turns, south, east - turns, north


def shown(bounds: Bounds) -> str:
    """Bounds for a message."""
    west, south, east, north = bounds
    return f"{west:.4f} to {east:.4f} E, {south:.4f} to {north:.4f} N"


@njit()
def node_at(
    shape: tuple[int, int], grid: tuple[float, float, float, float], latitude: float, longitude: float
) -> tuple[float, float]:
    """Fractional row and column of a place in radians."""
    turn = longitude - grid[1]
    if turn > math.pi or turn < -math.pi:
        turn -= 2 * math.pi * math.floor(turn / (2 * math.pi) + 0.5)
    return (grid[0] - latitude) / grid[2], turn / grid[3] + 0.5 * (shape[1] - 1)


@njit()
def height_at(heights: NDArray[np.float32], row: float, column: float) -> float:
    """Bilinear height at a fractional row and column; NaN outside the nodes."""
    rows, columns = heights.shape
    if not (-1e-6 <= row <= rows - 1 + 1e-6 and -1e-6 <= column <= columns - 1 + 1e-6):
        return math.nan
    i = min(max(int(row), 0), rows - 2)
    j = min(max(int(column), 0), columns - 2)
    down, right = row - i, column - j
    top = (1 - right) * heights[i, j] + right * heights[i, j + 1]
    bottom = (1 - right) * heights[i + 1, j] + right * heights[i + 1, j + 1]
    height: float = (1 - down) * top + down * bottom
    return height


@njit(parallel=True)
def _sample(
    heights: NDArray[np.float32],
    grid: tuple[float, float, float, float],
    latitude: NDArray[np.float64],
    longitude: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Bilinear heights of places in radians."""
    out = np.empty(latitude.size)
    for i in numba.prange(latitude.size):
        row, column = node_at(heights.shape, grid, latitude[i], longitude[i])
        out[i] = height_at(heights, row, column)
    return out
