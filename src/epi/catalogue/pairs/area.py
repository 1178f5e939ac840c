"""The ground that can have moved, and how much of it an image sees: geometry in km around the epicentre."""

import math
from functools import lru_cache

import numpy as np
import shapely
from pyproj import Geod
from shapely import Polygon
from shapely.geometry import MultiPolygon, Point, box
from shapely.geometry.base import BaseGeometry

from epi.catalogue.events.read import Event
from epi.errors import ParameterError
from epi.source.motion import affected_radius_km

LARGEST_RADIUS_KM = 200.0
"""No area reaches farther: beyond it displacement changes over longer distances than one track of 250 km can show."""

_MAGNITUDES, _DEPTHS_KM = (2.0, 9.5), (0.0, 700.0)
"""What lies beyond counts as these: smaller ones move nothing, larger and deeper ones there are not."""

_FAR_KM = 1000.0
"""No footprint with every corner farther away than this holds the epicentre."""

_GEOD = Geod(ellps="WGS84")
_EPICENTRE = Point(0.0, 0.0)


def area_radius_km(event: Event) -> float:
    """Radius around the epicentre of the ground that can have moved, rounded up to a kilometre.

    By magnitude and depth, as `epi.source.motion.affected_radius_km` has it, at most `LARGEST_RADIUS_KM`. A depth that
    is not known counts as 0; an event without a magnitude (a landslide, a quiet place) has the smallest radius there
    is, the error of a catalogue's epicentre.
    """
    magnitude = _MAGNITUDES[0] if math.isnan(event.magnitude) else event.magnitude
    depth = _DEPTHS_KM[0] if math.isnan(event.depth_km) else event.depth_km
    return _radius(float(np.clip(magnitude, *_MAGNITUDES)), float(np.clip(depth, *_DEPTHS_KM)))


@lru_cache(maxsize=100_000)
def _radius(magnitude: float, depth_km: float) -> float:
    return min(LARGEST_RADIUS_KM, math.ceil(float(affected_radius_km(magnitude, depth_km))))


def disk(radius_km: float) -> Polygon:
    """Return the area in local km, a circle around the epicentre.

    Raises
    ------
    ParameterError : a radius that is not positive.
    """
    if not 0 < radius_km < math.inf:
        raise ParameterError(f"An area of {radius_km:g} km around the epicentre was asked for: give more than 0 km.")
    return _disk(radius_km)


@lru_cache(maxsize=1000)
def _disk(radius_km: float) -> Polygon:
    return _EPICENTRE.buffer(radius_km)


def local_footprint(footprint: BaseGeometry, latitude: float, longitude: float) -> BaseGeometry:
    """Project a footprint to km east and north of the epicentre: the antimeridian and the poles are no edges there.

    Parameters
    ----------
    footprint : longitude, latitude in degrees.
    latitude, longitude : of the epicentre.
    """

    def project(lonlat: np.ndarray) -> np.ndarray:
        origin = np.full(len(lonlat), longitude), np.full(len(lonlat), latitude)
        azimuth, _, distance = _GEOD.inv(*origin, lonlat[:, 0], lonlat[:, 1])
        angle = np.radians(azimuth)
        return np.asarray(np.stack([np.sin(angle), np.cos(angle)], axis=1) * distance[:, None] / 1000)

    local = shapely.transform(footprint, project)
    return local if local.is_valid else _polygons(shapely.make_valid(local))


def _polygons(shape: BaseGeometry) -> BaseGeometry:
    """Leave the lines and points that mending a crossed outline gives away."""
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, Polygon | MultiPolygon)]
    return shapely.union_all(parts)


def footprint_fault(footprint: BaseGeometry) -> str:
    """Say why a footprint shows no ground, or nothing."""
    if footprint.is_empty:
        return "empty"
    if not np.isfinite(shapely.get_coordinates(footprint)).all():
        return "a corner is no number"
    west, south, east, north = footprint.bounds
    if not (-360 <= west <= east <= 360 and -90 <= south <= north <= 90):
        return "a corner is not on the Earth"
    return ""


def shown(footprint: BaseGeometry, area: Polygon) -> BaseGeometry:
    """Return the part of the area that a local footprint shows; the area itself where it shows all of it."""
    return area if footprint.contains(area) else footprint & area


def overlap(first: BaseGeometry, second: BaseGeometry) -> BaseGeometry:
    """Return what two parts of one area have in common."""
    return first if first is second else first & second


def miss_km(footprint: BaseGeometry) -> float:
    """Return how far a local footprint is from the epicentre: 0 where it covers it.

    Beyond `_FAR_KM` the nearest corner decides: a footprint at the antipode surrounds the epicentre, not covers it.
    """
    corners = shapely.get_coordinates(footprint)
    if len(corners) == 0:
        return math.inf
    nearest = float(np.hypot(*corners.T).min())
    return nearest if nearest > _FAR_KM else float(footprint.distance(_EPICENTRE))


def holds_epicentre(footprint: BaseGeometry) -> bool:
    """Tell whether a local footprint covers the epicentre."""
    return bool(footprint.intersects(_EPICENTRE))


def search_polygons(latitude: float, longitude: float, radius_km: float) -> list[Polygon]:
    """Return boxes in degrees that hold the area, none across the antimeridian or wider than 180 degrees.

    Parameters
    ----------
    latitude, longitude : of the epicentre, degrees.
    radius_km : of the area around it.
    """
    south, north, half_width = bounds(latitude, radius_km)
    if half_width >= 180:
        return [box(west, south, west + 90, north) for west in (-180, -90, 0, 90)]
    west, east = longitude - half_width, longitude + half_width
    if west < -180:
        return [box(west + 360, south, 180, north), box(-180, south, east, north)]
    if east > 180:
        return [box(west, south, 180, north), box(-180, south, east - 360, north)]
    return [box(west, south, east, north)]


def bounds(latitude: float, radius_km: float) -> tuple[float, float, float]:
    """Return south, north and half the width in degrees of the box around a circle; 180 where it holds a pole."""
    turn = radius_km / 110.5  # a degree of latitude is 110.57 km or more
    south, north = latitude - turn, latitude + turn
    if south <= -90 or north >= 90:
        return max(south, -90.0), min(north, 90.0), 180.0
    sine = math.sin(math.radians(turn)) / math.cos(math.radians(latitude))
    return south, north, math.degrees(math.asin(sine)) if sine < 1 else 180.0
