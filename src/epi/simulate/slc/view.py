"""Where a side-looking radar sees a point, and which point it sees: Newton's method on a flight and a terrain.

Written apart from `epi.insar.geometry.zero_doppler`, so that what is simulated can test what is measured.
"""

import numpy as np
from numpy.typing import NDArray

from epi.insar.geometry.dem import Dem
from epi.insar.geometry.ellipsoid import from_ecef
from epi.insar.slc.orbits import Arc

FloatArray = NDArray[np.float64]


def acceleration(arc: Arc, seconds: FloatArray) -> FloatArray:
    """Earth-fixed accelerations (..., 3) in m/s2."""
    bend = np.polynomial.polynomial.polyder(arc.coefficients, 2) / arc.half**2
    return np.moveaxis(np.polynomial.polynomial.polyval(np.asarray(seconds) / arc.half, bend), 0, -1)


def broadside(arc: Arc, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """When the beam is square to the flight toward points, and how far they are then.

    Parameters
    ----------
    arc : of the flight.
    points : (..., 3) Earth-fixed m.

    Returns
    -------
    Seconds from the arc's epoch and slant range in m.
    """
    seconds = np.zeros(points.shape[:-1])
    for _ in range(5):  # quadratic from a few seconds off: the third step is exact to a nanosecond
        sight = points - arc.position(seconds)
        velocity = arc.velocity(seconds)
        squint = (sight * velocity).sum(-1)
        slope = (sight * acceleration(arc, seconds)).sum(-1) - (velocity**2).sum(-1)
        seconds = seconds - squint / slope
    return seconds, np.linalg.norm(points - arc.position(seconds), axis=-1)


def ground(arc: Arc, seconds: FloatArray, slant_range: FloatArray, dem: Dem) -> FloatArray:
    """Points of the terrain that a right-looking radar sees broadside at given times and ranges.

    Where the terrain lies over (several points at one range) one of them is returned.

    Parameters
    ----------
    arc : of the flight.
    seconds : from the arc's epoch; slant_range : m; both of one shape.
    dem : terrain.

    Returns
    -------
    (..., 3) Earth-fixed m; NaN outside the terrain.
    """
    position, velocity = arc.position(seconds), arc.velocity(seconds)
    forward = velocity / np.linalg.norm(velocity, axis=-1, keepdims=True)
    down = -position + (position * forward).sum(-1, keepdims=True) * forward
    down /= np.linalg.norm(down, axis=-1, keepdims=True)
    right = np.cross(down, forward)
    angle = np.full(seconds.shape, np.radians(35.0))

    def point(angle: FloatArray) -> FloatArray:
        sight = np.cos(angle)[..., None] * down + np.sin(angle)[..., None] * right
        return np.asarray(position + slant_range[..., None] * sight)

    def miss(angle: FloatArray, terrain: FloatArray | float) -> FloatArray:
        return np.asarray(from_ecef(point(angle))[2] - terrain)

    for _ in range(6):  # down to the middle height, where the rate of climb is R sin(angle) or so
        angle = angle - miss(angle, float(np.nanmean(dem.heights))) / (slant_range * np.sin(angle))
    low, high = angle - 0.5 * _reach(dem, slant_range, angle), angle + 0.5 * _reach(dem, slant_range, angle)
    for _ in range(40):  # bisection holds on any terrain
        angle = (low + high) / 2
        latitude, longitude, height = from_ecef(point(angle))
        above = height > dem.sample(latitude, longitude)
        low, high = np.where(above, low, angle), np.where(above, angle, high)
    found = point(angle)
    outside = np.isnan(dem.sample(*from_ecef(found)[:2]))
    return np.where(outside[..., None], np.nan, found)


def _reach(dem: Dem, slant_range: FloatArray, angle: FloatArray) -> FloatArray:
    """Angles that the relief spans at a range, with a margin."""
    relief = 2 * float(np.nanmax(dem.heights) - np.nanmin(dem.heights)) + 10.0
    return np.asarray(2 * relief / (slant_range * np.sin(angle)))


def incidence(arc: Arc, seconds: FloatArray, points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Angles at which points are seen, and the directions from them to the radar.

    Returns
    -------
    Incidence on the ellipsoid and angle off nadir in degrees, and unit vectors (..., 3) east, north, up.
    """
    position = arc.position(seconds)
    back = position - points
    back = back / np.linalg.norm(back, axis=-1, keepdims=True)
    east, north, up = local_axes(points)
    look = np.stack([(back * axis).sum(-1) for axis in (east, north, up)], axis=-1)
    nadir = position / np.linalg.norm(position, axis=-1, keepdims=True)
    elevation = np.degrees(np.arccos((back * nadir).sum(-1)))
    return np.degrees(np.arccos(look[..., 2])), elevation, look


def local_axes(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vectors east, north and up (..., 3) at Earth-fixed points."""
    latitude, longitude, _ = (np.radians(part) for part in from_ecef(points))
    zero = np.zeros_like(latitude)
    east = np.stack([-np.sin(longitude), np.cos(longitude), zero], axis=-1)
    up = np.stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)], axis=-1
    )
    return east, np.cross(up, east), up


FLAT = Dem(np.full((2, 2), 200.0, np.float32), 89.0, -180.0, 178.0, 360.0, "none: flat at 200 m")
"""A level ground everywhere but at the poles, for what needs no terrain."""
