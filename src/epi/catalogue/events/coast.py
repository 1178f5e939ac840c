"""Land or sea, and how far the coast is, from the coastline that ships with the project."""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

from epi.catalogue.events.near import sphere_km
from epi.settings import settings

STEP_KM = 1.0
"""The coastline is measured to points this far apart at most."""

_COAST = "cartopy/shapefiles/natural_earth/physical/ne_50m_coastline.shp"


def coast_km(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Geodesic distance to the nearest coast.

    Parameters
    ----------
    latitude, longitude : degrees, as many of the one as of the other; the poles and the antimeridian included.

    Returns
    -------
    Kilometres, positive on land, negative at sea.

    Notes
    -----
    The shipped coastline is lines, without a word on which side the land is. Land is therefore told by counting how
    often the meridian from a place to the North Pole, which is sea, crosses a coast: an odd number of times from land.
    The coastline is good to about 3 km, to 13 km beyond latitude 62, and lacks islands smaller than 0.1 degrees: closer
    to the coast than that, the sign means little, and a small island counts as sea. The Caspian is sea; lakes are land.
    """
    lat, lon = (np.atleast_1d(np.asarray(each, float)) for each in (latitude, longitude))
    lon = (lon + 180) % 360 - 180
    distance = _distance_km(lat, lon)
    return np.where(_on_land(lat, lon), distance, -distance)


class _Segments(NamedTuple):
    """Straight pieces of the coast, from west to east, degrees."""

    west: NDArray[np.float64]
    south: NDArray[np.float64]  # latitude at the western end
    east: NDArray[np.float64]
    north: NDArray[np.float64]  # latitude at the eastern end


@cache
def _segments() -> _Segments:
    """Read the coastline; where a line stops short of the antimeridian, lead it on to there."""
    import shapely
    from cartopy.io.shapereader import Reader  # here, for cartopy takes a second

    lines = [np.array(line.coords) for line in shapely.get_parts(list(Reader(settings().data / _COAST).geometries()))]
    pieces = []
    for line in lines:
        if not np.array_equal(line[0], line[-1]):
            ends = [np.array([[np.copysign(180, end[0]), end[1]]]) for end in (line[0], line[-1])]
            line = np.concatenate([ends[0], line, ends[1]])
        pieces.append(np.column_stack([line[:-1], line[1:]]))
    x1, y1, x2, y2 = np.concatenate(pieces).T
    swap = x1 > x2
    return _Segments(np.where(swap, x2, x1), np.where(swap, y2, y1), np.where(swap, x1, x2), np.where(swap, y1, y2))


def _on_land(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Count the coasts between each place and the North Pole along its meridian."""
    coast, order = _segments(), np.argsort(lon, kind="stable")
    first = np.searchsorted(lon[order], coast.west, side="left")
    number = np.searchsorted(lon[order], coast.east, side="left") - first  # the eastern end belongs to the next piece
    segment = np.repeat(np.arange(len(number)), number)
    place = order[np.repeat(first - np.concatenate([[0], np.cumsum(number)[:-1]]), number) + np.arange(len(segment))]
    west, south, east, north = (each[segment] for each in coast)
    crossing = south + (north - south) * (lon[place] - west) / (east - west)
    crossed = np.bincount(place[crossing > lat[place]], minlength=len(lat))
    return np.asarray(crossed % 2 == 1)


@cache
def _shore() -> tuple[object, NDArray[np.float64]]:
    """Return points along the coast, `STEP_KM` apart at most, in a tree and in degrees."""
    from scipy.spatial import cKDTree

    coast = _segments()
    ends = [sphere_km(coast.south, coast.west), sphere_km(coast.north, coast.east)]
    length = np.linalg.norm(ends[1] - ends[0], axis=1)
    number = np.maximum(np.ceil(length / STEP_KM).astype(int), 1)
    piece = np.repeat(np.arange(len(number)), number)
    part = (np.arange(len(piece)) - np.repeat(np.cumsum(number) - number, number)) / number[piece]
    degrees = np.column_stack(
        [
            coast.south[piece] + part * (coast.north - coast.south)[piece],
            coast.west[piece] + part * (coast.east - coast.west)[piece],
        ]
    )
    return cKDTree(sphere_km(*degrees.T)), degrees


def _distance_km(lat: NDArray[np.float64], lon: NDArray[np.float64]) -> NDArray[np.float64]:
    tree, shore = _shore()
    nearest = shore[tree.query(sphere_km(lat, lon))[1]]  # type: ignore[attr-defined]
    metres = Geod(ellps="WGS84").inv(lon, lat, nearest[:, 1], nearest[:, 0])[2]
    return np.asarray(metres, float) / 1000
