"""Where a patch lies on the ground, and where the epicentre lies as seen from it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from epi.insar.product import LocalFrame

GEOD = Geod(ellps="WGS84")

CORNERS = {"top_left": (0, 0), "top_right": (0, 1), "bottom_left": (1, 0), "bottom_right": (1, 1)}
"""Corners by their row and column end: top is north and left is west, as the patch is stored."""

Floats = NDArray[np.float64]
Pixels = int | NDArray[np.int64]


def offset(latitude: ArrayLike, longitude: ArrayLike, epicentre: tuple[float, float]) -> tuple[Floats, Floats, Floats]:
    """Geodesic from places to an epicentre.

    Parameters
    ----------
    latitude, longitude : places, degrees; NaN stays NaN.
    epicentre : latitude and longitude, degrees.

    Returns
    -------
    Distance (km) and its parts toward east and north (km), by the azimuth at the place.

    References
    ----------
    Karney (2013), J. Geodesy 87; on WGS84.
    """
    latitude, longitude = np.asarray(latitude, float), np.asarray(longitude, float)
    to = (np.full_like(longitude, epicentre[1]), np.full_like(latitude, epicentre[0]))
    azimuth, _, metres = GEOD.inv(longitude, latitude, *to)
    angle, distance = np.deg2rad(azimuth), np.asarray(metres) / 1e3
    return distance, distance * np.sin(angle), distance * np.cos(angle)


def shifted(latitude: ArrayLike, longitude: ArrayLike, east: ArrayLike, north: ArrayLike) -> tuple[Floats, Floats]:
    """Latitude and longitude (degrees) reached from places by an offset in km: the inverse of `offset`."""
    lon, lat, x, y = np.broadcast_arrays(*(np.asarray(a, float) for a in (longitude, latitude, east, north)))
    reached = GEOD.fwd(lon, lat, np.rad2deg(np.arctan2(x, y)), np.hypot(x, y) * 1e3)
    return np.asarray(reached[1]), np.asarray(reached[0])


def positions(frame: LocalFrame, rows: ArrayLike, columns: ArrayLike) -> tuple[Floats, Floats]:
    """East and north (km) of places given in pixels, bilinear between pixels and a little beyond."""
    total_east, total_north = 0.0, 0.0
    near, part = [], []
    for place, length in zip((rows, columns), frame.east_km.shape, strict=True):
        first = np.clip(np.floor(np.asarray(place, float)), 0, max(length - 2, 0)).astype(int)
        near.append((first, np.minimum(first + 1, length - 1)))
        part.append((1 - (place - first), place - first))
    for r in (0, 1):
        for c in (0, 1):
            weight, at = part[0][r] * part[1][c], (near[0][r], near[1][c])
            total_east, total_north = total_east + weight * frame.east_km[at], total_north + weight * frame.north_km[at]
    return np.asarray(total_east), np.asarray(total_north)


def geographic(frame: LocalFrame, east_km: Floats, north_km: Floats) -> tuple[Floats, Floats]:
    """Latitude and longitude (degrees) of places in the scene's frame; NaN where it has no georeference."""
    if frame.origin is None:
        return np.full_like(east_km, np.nan), np.full_like(north_km, np.nan)
    return frame.to_geographic(east_km, north_km)


def describe(frame: LocalFrame, rows: Pixels, columns: Pixels, height: Pixels, width: Pixels) -> dict[str, Floats]:
    """Centre and outer corners of patches from the product's own coordinates.

    Parameters
    ----------
    frame : positions of the scene's pixels, north up and west left.
    rows, columns : first pixel of each patch.
    height, width : pixels of a patch, or of each.
    """
    found = {}
    for name, (down, right) in CORNERS.items():
        corner = positions(frame, rows - 0.5 + down * height, columns - 0.5 + right * width)
        found[f"lat_{name}"], found[f"lon_{name}"] = geographic(frame, *corner)
    east, north = positions(frame, rows + (height - 1) / 2, columns + (width - 1) / 2)
    found["center_lat"], found["center_lon"] = geographic(frame, east, north)
    return found | {"center_east_km": east, "center_north_km": north}


def label(
    frame: LocalFrame, places: dict[str, Floats], epicentre: tuple[float, float] | None
) -> dict[str, Floats | float]:
    """Epicentre, and each patch's distance and offset to it (km).

    Parameters
    ----------
    frame : of the scene.
    places : centres, as `describe` gives them.
    epicentre : latitude and longitude (degrees); east and north (km) where the scene has no georeference; None where
        unknown: every label is then NaN.
    """
    names = ("epicenter_lat", "epicenter_lon", "epicenter_east_km", "epicenter_north_km")
    parts = ("distance_km", "offset_east_km", "offset_north_km")
    if epicentre is None:
        return dict.fromkeys(names + parts, np.nan)
    if frame.origin is None:
        east, north = (epicentre[0] - places["center_east_km"], epicentre[1] - places["center_north_km"])
        return dict(zip(names + parts, (np.nan, np.nan, *epicentre, np.hypot(east, north), east, north), strict=True))
    local = (float(x) for x in frame.from_geographic(*epicentre))
    seen = offset(places["center_lat"], places["center_lon"], epicentre)
    return dict(zip(names + parts, (*epicentre, *local, *seen), strict=True))
