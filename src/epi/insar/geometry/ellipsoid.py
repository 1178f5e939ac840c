"""WGS84 in compiled loops: from latitude, longitude and height to Earth-fixed metres and back."""

import math

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.insar.compiled import njit

SEMI_MAJOR_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR_M = SEMI_MAJOR_M * (1 - FLATTENING)
ECCENTRICITY2 = FLATTENING * (2 - FLATTENING)
SECOND_ECCENTRICITY2 = ECCENTRICITY2 / (1 - ECCENTRICITY2)


@njit()
def ecef(latitude: float, longitude: float, height: float) -> tuple[float, float, float]:
    """Earth-fixed metres of one point; radians in."""
    sine = math.sin(latitude)
    normal = SEMI_MAJOR_M / math.sqrt(1 - ECCENTRICITY2 * sine * sine)
    level = (normal + height) * math.cos(latitude)
    return (
        level * math.cos(longitude),
        level * math.sin(longitude),
        (normal * (1 - ECCENTRICITY2) + height) * sine,
    )


@njit()
def geodetic(x: float, y: float, z: float) -> tuple[float, float, float]:
    """Latitude, longitude (radians) and height of one point, by Bowring's formula.

    One step is good to 1e-6 m within 10 km of the ellipsoid (tested against pyproj).
    """
    level = math.sqrt(x * x + y * y)
    over, under = z * SEMI_MAJOR_M, level * SEMI_MINOR_M
    size = math.sqrt(over * over + under * under)
    sine, cosine = over / size, under / size
    up = z + SECOND_ECCENTRICITY2 * SEMI_MINOR_M * sine * sine * sine
    out = level - ECCENTRICITY2 * SEMI_MAJOR_M * cosine * cosine * cosine
    size = math.sqrt(up * up + out * out)
    sine, cosine = up / size, out / size
    height = level * cosine + z * sine - SEMI_MAJOR_M * math.sqrt(1 - ECCENTRICITY2 * sine * sine)
    return math.atan2(up, out), math.atan2(y, x), height


@njit(parallel=True)
def _to_ecef(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], height: NDArray[np.float64]
) -> NDArray[np.float64]:
    points = np.empty((latitude.size, 3))
    for i in numba.prange(latitude.size):
        points[i, 0], points[i, 1], points[i, 2] = ecef(
            math.radians(latitude[i]), math.radians(longitude[i]), height[i]
        )
    return points


@njit(parallel=True)
def _from_ecef(points: NDArray[np.float64]) -> NDArray[np.float64]:
    places = np.empty((3, points.shape[0]))
    for i in numba.prange(points.shape[0]):
        latitude, longitude, places[2, i] = geodetic(points[i, 0], points[i, 1], points[i, 2])
        places[0, i], places[1, i] = math.degrees(latitude), math.degrees(longitude)
    return places


def to_ecef(latitude: ArrayLike, longitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Earth-fixed positions of points on or near the ground.

    Parameters
    ----------
    latitude, longitude : degrees on WGS84, any shapes that broadcast.
    height : metres above the ellipsoid; NaN stays NaN.

    Returns
    -------
    (..., 3) metres.
    """
    phi, lam, high = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (latitude, longitude, height)))
    points: NDArray[np.float64] = _to_ecef(*(np.ascontiguousarray(value).ravel() for value in (phi, lam, high)))
    return points.reshape(*phi.shape, 3)


def from_ecef(points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Latitude, longitude (degrees, −180 to 180) and height (m above WGS84) of Earth-fixed points.

    Parameters
    ----------
    points : (..., 3) metres, within 10 km of the ellipsoid; NaN stays NaN.

    References
    ----------
    Bowring (1985), Survey Review 28(218).
    """
    array = np.asarray(points, dtype=float)
    places = _from_ecef(np.ascontiguousarray(array).reshape(-1, 3)).reshape(3, *array.shape[:-1])
    return places[0], places[1], places[2]
