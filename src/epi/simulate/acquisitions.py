"""A Sentinel-1 calendar: when the satellites could have seen a place, and from which tracks.

The orbit is a circle that repeats its ground track after 175 revolutions in 12 days, hung on one recorded passage of
the equator. That is enough to name the tracks that see a place, the time of a passage to within a minute and a
footprint to some 10 km; it is not enough for a baseline. Every image made here is named ``SIM_…``: whether the real
satellite was switched on that day only an archive can tell.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Transformer
from shapely import Polygon

from epi.catalogue.events.read import Event
from epi.catalogue.images.archives import read_scenes
from epi.catalogue.images.scenes import ORBITS_PER_CYCLE, Scene
from epi.catalogue.pairs.match import WINDOW_DAYS, match_pairs

CYCLE = pd.Timedelta(days=12)
"""Time after which a Sentinel-1 satellite flies over the same ground track again."""

INCLINATION_DEG = 98.1813
"""Inclination of the orbit (ESA, Sentinel-1 mission page)."""

ORBIT_RADIUS_KM = 7071.0
"""Distance of the satellite from the Earth's centre: 693 km above the equator."""

IW_INCIDENCE_DEG = (31.5, 45.5)
"""Angles of incidence at which the interferometric wide swath sees a place well inside its edges."""

_SWATH_EDGES_DEG = (31.0, 46.2)
_SLICE_SECONDS = 27.0
_EARTH_RADIUS_KM = (6378.137, 6356.752)


_STATION_S1A = pd.Timedelta(days=6, seconds=42)
"""Over one track Sentinel-1A passes six days after Sentinel-1B; the seconds are the mean of recorded start times."""

NODE_TIME = pd.Timestamp("2021-01-02T03:02:58.935Z")
"""When Sentinel-1B went north over the equator on its orbit 24970: the ascending node time in the Alaska Satellite
Facility's record of S1B_IW_SLC__1SDV_20210102T032031_20210102T032058_024970_02F8C3_C081."""

NODE_TRACK = 94
"""Track of that orbit."""

NODE_LONGITUDE = -135.68
"""Where it crossed the equator, degrees: what the state vectors of that record lead back to on this module's circle."""

IN_SERVICE = {
    "S1A": (pd.Timestamp("2014-08-07", tz="UTC"), pd.Timestamp.max.tz_localize("UTC")),
    "S1B": (pd.Timestamp("2016-09-26", tz="UTC"), pd.Timestamp("2021-12-23", tz="UTC")),
}
"""First and last day on which a satellite was on its track and taking images (ESA, Sentinel-1 mission status)."""


@dataclass(frozen=True)
class Passage:
    """One track that sees a place, and how.

    Parameters
    ----------
    track : relative orbit, 1 to 175.
    direction : ``ascending`` or ``descending``.
    seconds : time from the ascending node to the moment when the place is broadside.
    incidence : angle of incidence at the place in degrees.
    heading : direction of flight over the ground, degrees clockwise from north.
    """

    track: int
    direction: str
    seconds: float
    incidence: float
    heading: float


CALENDAR_DAYS = 24.0
"""How far a calendar reaches on either side of an event, where no wider window is asked for: two cycles."""


def simulated_scenes(event: Event, *, days: float = CALENDAR_DAYS) -> list[Scene]:
    """Write the calendar of images that Sentinel-1 could have taken around an event.

    Every passage of every satellite in service is listed, one slice each, cut so that the epicentre is in its middle
    along the track; the real archive has gaps. The scenes have no file, no frame and no state vectors.

    Parameters
    ----------
    event : place and time.
    days : how far the calendar reaches on either side of the origin time.

    Returns
    -------
    Scenes in order of time, with names that start with ``SIM_``; empty before August 2014.
    """
    scenes = [
        _scene(platform, passage, cycle)
        for passage in passages(event.latitude, event.longitude)
        for platform in IN_SERVICE
        for cycle in _cycles(platform, passage, event.time, days)
    ]
    return sorted(scenes, key=lambda scene: scene.start)


def candidate_scenes(event: Event, path: str | Path | None = None, *, days: float = WINDOW_DAYS) -> list[Scene]:
    """Return the scenes to match an event with: those of a file, else shipped records of it, else the calendar.

    Parameters
    ----------
    event : the earthquake.
    path : a file of archive records as `read_scenes` takes it; empty or None for none.
    days : window in which they are to be matched; a calendar reaches as far, and no less than `CALENDAR_DAYS`.
    """
    if path:
        return read_scenes(path)
    shipped = read_scenes()
    found = match_pairs(event, shipped, days=days).pairs
    return shipped if found else simulated_scenes(event, days=max(days, CALENDAR_DAYS))


def passages(latitude: float, longitude: float) -> list[Passage]:
    """Find the tracks from which the interferometric wide swath sees a place, at `IW_INCIDENCE_DEG`.

    Parameters
    ----------
    latitude, longitude : degrees, WGS84.
    """
    place = _earth_fixed(latitude, longitude)
    coarse = np.arange(0.0, _revolution(), 10.0)
    found = []
    for track in range(1, ORBITS_PER_CYCLE + 1):
        distance = np.linalg.norm(satellite_position(track, coarse) - place, axis=1)
        inner = (distance <= np.roll(distance, 1)) & (distance < np.roll(distance, -1)) & (distance < 1500.0)
        found += [_passage(track, time, place) for time in coarse[inner]]
    return [passage for passage in found if passage is not None]


def _passage(track: int, near: float, place: np.ndarray) -> Passage | None:
    """Refine the moment of closest approach; None where the place is not in the swath to the right of the flight."""
    fine = near + np.arange(-10.0, 10.0, 0.01)
    seconds = float(fine[np.argmin(np.linalg.norm(satellite_position(track, fine) - place, axis=1))])
    up, forward, right = flight_axes(track, np.array([seconds]))
    sight = place - satellite_position(track, np.array([seconds]))[0]
    vertical = place / np.linalg.norm(place)
    incidence = float(np.degrees(np.arccos(-sight @ vertical / np.linalg.norm(sight))))
    if sight @ right[0] < 0 or not IW_INCIDENCE_DEG[0] <= incidence <= IW_INCIDENCE_DEG[1]:
        return None
    east = np.cross([0.0, 0.0, 1.0], up[0])
    heading = float(
        np.degrees(np.arctan2(forward[0] @ east / np.linalg.norm(east), forward[0][2] / np.hypot(*up[0][:2])))
    )
    return Passage(track, "ascending" if forward[0][2] > 0 else "descending", seconds, incidence, heading % 360)


def _cycles(platform: str, passage: Passage, time: pd.Timestamp, days: float) -> list[int]:
    """Return the 12-day cycles in which a passage falls into the window while the satellite is in service."""
    first = passage_time(platform, passage, 0)
    lowest, highest = ((time - first + sign * pd.Timedelta(days=days)) / CYCLE for sign in (-1, 1))
    begin, end = IN_SERVICE[platform]
    numbers = range(int(np.ceil(lowest)), int(np.floor(highest)) + 1)
    return [number for number in numbers if begin <= first + number * CYCLE <= end]


def passage_time(platform: str, passage: Passage, cycle: int) -> pd.Timestamp:
    """Return when a satellite passes a place broadside.

    Parameters
    ----------
    platform : S1A or S1B.
    passage : over the place.
    cycle : number of the 12-day cycle, 0 for that of `NODE_TIME`.
    """
    revolutions = passage.track - NODE_TRACK
    station = _STATION_S1A if platform == "S1A" else pd.Timedelta(0)
    return NODE_TIME + pd.Timedelta(seconds=revolutions * _revolution() + passage.seconds) + station + cycle * CYCLE


def _scene(platform: str, passage: Passage, cycle: int) -> Scene:
    half = pd.Timedelta(seconds=_SLICE_SECONDS / 2)
    middle = passage_time(platform, passage, cycle).round("1s")
    start, stop = middle - half, middle + half
    side = passage.direction[0].upper()
    return Scene(
        name=f"SIM_{platform}_IW_SLC__1SDV_{start:%Y%m%dT%H%M%S}_{stop:%Y%m%dT%H%M%S}_T{passage.track:03d}{side}",
        platform=platform,
        start=start,
        stop=stop,
        track=passage.track,
        frame=None,
        direction=passage.direction,
        polarisations=("VV", "VH"),
        mode="IW",
        level="SLC",
        footprint=footprint(passage),
    )


def footprint(passage: Passage) -> Polygon:
    """Return the ground seen in one slice of a passage, in degrees of longitude and latitude.

    Longitudes run on beyond 180 where the slice lies across the antimeridian.
    """
    seconds = passage.seconds + _SLICE_SECONDS * np.linspace(-0.5, 0.5, 5)
    near, far = (_ground(passage.track, seconds, angle) for angle in _SWATH_EDGES_DEG)
    edge = np.concatenate([near, far[::-1]])
    return Polygon(np.unwrap(edge, period=360.0, axis=0))


def _ground(track: int, seconds: np.ndarray, incidence: float) -> np.ndarray:
    """Return longitude, latitude of the points seen broadside to the right at an angle of incidence."""
    up, _, right = flight_axes(track, seconds)
    latitude = np.arcsin(up[:, 2])
    radius = np.hypot(_EARTH_RADIUS_KM[0] * np.cos(latitude), _EARTH_RADIUS_KM[1] * np.sin(latitude))
    angle = np.radians(incidence) - np.arcsin(radius / ORBIT_RADIUS_KM * np.sin(np.radians(incidence)))
    point = up * np.cos(angle)[:, None] + right * np.sin(angle)[:, None]
    flattening = (_EARTH_RADIUS_KM[1] / _EARTH_RADIUS_KM[0]) ** 2
    latitude = np.arctan2(point[:, 2], flattening * np.hypot(point[:, 0], point[:, 1]))
    return np.asarray(np.degrees(np.stack([np.arctan2(point[:, 1], point[:, 0]), latitude], axis=1)))


def _revolution() -> float:
    """Return the seconds from one ascending node to the next."""
    return CYCLE.total_seconds() / ORBITS_PER_CYCLE


def satellite_position(track: int, seconds: np.ndarray) -> np.ndarray:
    """Return Earth-fixed positions (n, 3) in km on the calendar's orbit.

    The orbit is sun-synchronous: its plane turns with the mean Sun, so the Earth turns once a day of 86,400 s below it.

    Parameters
    ----------
    track : relative orbit, 1 to 175.
    seconds : (n,) after its ascending node.
    """
    angle = 2 * np.pi * seconds / _revolution()
    turned = np.radians(NODE_LONGITUDE - 360.0 * ((track - NODE_TRACK) * _revolution() + seconds) / 86400.0)
    tilt = np.radians(INCLINATION_DEG)
    along, across = np.cos(angle), np.sin(angle) * np.cos(tilt)
    x, y = along * np.cos(turned) - across * np.sin(turned), along * np.sin(turned) + across * np.cos(turned)
    return np.asarray(ORBIT_RADIUS_KM * np.stack([x, y, np.sin(angle) * np.sin(tilt)], axis=1))


def flight_axes(track: int, seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return unit vectors (n, 3) up, forward over the turning Earth, and to the right of the flight, Earth-fixed.

    Parameters
    ----------
    track : relative orbit, 1 to 175.
    seconds : (n,) after its ascending node.
    """
    position = satellite_position(track, seconds)
    velocity = satellite_position(track, seconds + 0.5) - satellite_position(track, seconds - 0.5)
    up = position / np.linalg.norm(position, axis=1, keepdims=True)
    right = np.cross(velocity, up)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return up, np.cross(up, right), right


def _earth_fixed(latitude: float, longitude: float) -> np.ndarray:
    """Return a place on the ellipsoid in Earth-fixed km."""
    transformer = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    return np.asarray(transformer.transform(longitude, latitude, 0.0), dtype=float) / 1000
