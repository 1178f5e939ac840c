"""The ground: its heights, its slope toward the radar, where it folds or hides, and where it is water."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.insar.compiled import njit
from epi.insar.geometry.dem import Bounds, Dem, continuous, flat_dem
from epi.insar.geometry.ellipsoid import ECCENTRICITY2, SEMI_MAJOR_M
from epi.insar.geometry.heights import fetch_dem, read_dem, write_dem
from epi.insar.geometry.raster import read_grid
from epi.insar.geometry.sight import first_beyond, frame, ground_profile, lay_out
from epi.insar.geometry.zero_doppler import check_pixels
from epi.insar.slc.orbits import Arc

__all__ = [
    "Bounds",
    "Dem",
    "WaterMask",
    "continuous",
    "fetch_dem",
    "flat_dem",
    "layover_shadow",
    "local_incidence_angle",
    "read_dem",
    "read_water",
    "write_dem",
]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def layover_shadow(
    arc: Arc, seconds: ArrayLike, slant_ranges: ArrayLike, dem: Dem, *, side: str = "right"
) -> tuple[Flags, Flags]:
    """Which pixels show several places at once, and which show none that the radar sees.

    Each line's ground is followed outward from the satellite's track, in steps of a node of the DEM. Where its range
    falls again, the ground folds over itself: every pixel in that interval of range is in layover, the slope as well as
    what lies before and behind it. Where its look angle is below one met before, the ground is hidden: a pixel all of
    whose places are hidden is in shadow. What is smaller than the DEM's nodes is not seen.

    Parameters
    ----------
    arc : of the satellite.
    seconds : (rows,) zero-Doppler times of the lines, since the arc's epoch.
    slant_ranges : (cols,) of the samples in m, increasing.
    dem : heights of the ground.
    side : ``"right"`` or ``"left"`` of the flight, where the radar looks.

    Returns
    -------
    Layover and shadow, each (rows, cols); False where the DEM has no data.

    References
    ----------
    Kropatsch & Strobl (1990), IEEE Trans. Geosci. Remote Sens. 28(1).
    """
    times, ranges, sign = check_pixels(arc, seconds, slant_ranges, side)
    lowest, highest = dem.extremes()
    coefficients = np.ascontiguousarray(arc.coefficients)
    layover, shadow = _layover_shadow(
        coefficients, arc.half, times, ranges, dem.heights, dem.grid(), lowest, highest, sign
    )
    return layover, shadow


def local_incidence_angle(
    dem: Dem, latitude: ArrayLike, longitude: ArrayLike, look: tuple[ArrayLike, ArrayLike, ArrayLike]
) -> Floats:
    """Angle between the line of sight and the normal of the ground.

    The ground's slope is the difference of the heights one node of the DEM to either side.

    Parameters
    ----------
    dem : heights of the ground.
    latitude, longitude : of the places, degrees, any shape.
    look : east, north and up components of the unit vectors from the ground to the satellite.

    Returns
    -------
    Degrees; above 90 where the slope faces away and is in its own shadow; NaN where the DEM has no data around.
    """
    phi, lam = np.asarray(latitude, dtype=float), np.asarray(longitude, dtype=float)
    down, right = dem.latitude_step, dem.longitude_step
    sine2 = np.sin(np.deg2rad(phi)) ** 2
    normal = SEMI_MAJOR_M / np.sqrt(1 - ECCENTRICITY2 * sine2)
    meridian = normal * (1 - ECCENTRICITY2) / (1 - ECCENTRICITY2 * sine2)
    north = (dem.sample(phi + down, lam) - dem.sample(phi - down, lam)) / (2 * math.radians(down) * meridian)
    level = normal * np.cos(np.deg2rad(phi))
    east = (dem.sample(phi, lam + right) - dem.sample(phi, lam - right)) / (2 * math.radians(right) * level)
    look_east, look_north, look_up = (np.asarray(value, dtype=float) for value in look)
    cosine = (look_up - east * look_east - north * look_north) / np.sqrt(1 + east**2 + north**2)
    angle: Floats = np.rad2deg(np.arccos(np.clip(cosine, -1, 1)))
    return angle


@dataclass(frozen=True)
class WaterMask:
    """Where there is water, on a grid of latitude and longitude.

    Parameters
    ----------
    water : (rows, columns), northernmost row first.
    north, west, latitude_step, longitude_step : of the nodes, degrees; the steps are positive.
    source : name of the file.
    """

    water: Flags
    north: float
    west: float
    latitude_step: float
    longitude_step: float
    source: str

    def sample(self, latitude: ArrayLike, longitude: ArrayLike) -> Flags:
        """Whether the nearest node is water, at places in degrees, any shape; False outside the mask."""
        rows, columns = self.water.shape
        middle = self.west + (columns - 1) / 2 * self.longitude_step
        turn = (np.asarray(longitude, dtype=float) - middle + 180) % 360 - 180
        row = np.rint((self.north - np.asarray(latitude, dtype=float)) / self.latitude_step)
        column = np.rint(turn / self.longitude_step + (columns - 1) / 2)
        inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
        nearest = np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)
        marked: Flags = inside & self.water[nearest]
        return marked


def read_water(path: str | Path, *, bounds: Bounds, values: Collection[float]) -> WaterMask:
    """Read where there is water from a raster of classes or a mask.

    Heights alone do not tell water from a plain, so a terrain model is never asked.

    Parameters
    ----------
    path : anything GDAL reads.
    bounds : west, south, east, north in degrees; may cross the antimeridian.
    values : those that mean water: 80 in ESA WorldCover, 1 in most masks.

    Raises
    ------
    FileFormatError, NoGeoreference, DemError : as :func:`epi.insar.geometry.raster.read_grid`.
    """
    grid = read_grid(path, bounds=bounds, nearest=True)
    return WaterMask(
        water=np.isin(grid.values, np.asarray(list(values), dtype=np.float32)),
        north=grid.north,
        west=grid.west,
        latitude_step=grid.latitude_step,
        longitude_step=grid.longitude_step,
        source=Path(path).name,
    )


@njit(parallel=True)
def _layover_shadow(
    coefficients: Floats,
    half: float,
    seconds: Floats,
    ranges: Floats,
    heights: NDArray[np.float32],
    grid: tuple[float, float, float, float],
    lowest: float,
    highest: float,
    side: float,
) -> tuple[Flags, Flags]:
    """Mark the pixels of each line from the ground it follows."""
    layover = np.zeros((seconds.size, ranges.size), np.bool_)
    shadow = np.zeros((seconds.size, ranges.size), np.bool_)
    for row in numba.prange(seconds.size):
        axes = np.empty((3, 3))
        satellite = frame(coefficients, half, seconds[row], side, axes)
        start, step, each, posts = lay_out(heights.shape, grid, axes, satellite, ranges[0], ranges[-1], lowest, highest)
        ground = ground_profile(heights, posts, start, step, each, satellite)
        seen = np.zeros(ranges.size, np.bool_)
        steepest = -1.0
        hidden = False
        column = 0
        for k in range(ground.shape[1]):
            if math.isnan(ground[1, k]):
                continue
            psi = start + k * step
            look = math.atan2(ground[0, k] * math.sin(psi), satellite - ground[0, k] * math.cos(psi))
            was_hidden, hidden = hidden, look < steepest
            steepest = max(steepest, look)
            if k == 0 or math.isnan(ground[1, k - 1]):
                continue
            folds = ground[1, k] < ground[1, k - 1]
            near, far = min(ground[1, k], ground[1, k - 1]), max(ground[1, k], ground[1, k - 1])
            column = first_beyond(ranges, near, column)
            while column < ranges.size and ranges[column] <= far:
                layover[row, column] |= folds
                seen[column] |= not (was_hidden and hidden)
                shadow[row, column] = not seen[column]
                column += 1
    return layover, shadow
