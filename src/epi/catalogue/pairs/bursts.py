"""Single bursts of a slice: which ones show the area, what they are called, and what they weigh."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from shapely import Polygon

from epi.catalogue.events.read import Event
from epi.catalogue.images.scenes import ORBITS_PER_CYCLE, Scene
from epi.catalogue.pairs.area import disk, local_footprint
from epi.catalogue.pairs.choice import Pair

CYCLE_S = 2.758273
"""Time in which the antenna serves the three subswaths once (ESA, Sentinel-1 burst identifiers)."""

PREAMBLE_S = 2.299849
"""From the ascending node to the first burst of a track (the same document)."""

_REVOLUTION_S = 12 * 86400 / ORBITS_PER_CYCLE


@dataclass(frozen=True)
class Subswath:
    """One of the three, as it lies in its slice; from annotations of 2023-09-04 and -16, track 52.

    Parameters
    ----------
    middle_s : middle of a burst after the beginning of its cycle.
    near, far : edges as shares of the slice's width, from the near side.
    bytes : one polarisation of one burst, as the Alaska Satellite Facility cuts it out: four bytes a sample.
    """

    middle_s: float
    near: float
    far: float
    bytes: int


SUBSWATHS = {
    "IW1": Subswath(0.383, 0.0, 0.371, 1507 * 23055 * 4),
    "IW2": Subswath(1.339, 0.329, 0.711, 1519 * 26818 * 4),
    "IW3": Subswath(2.300, 0.663, 1.0, 1524 * 25769 * 4),
}
"""The subswaths of the interferometric wide mode."""

_HALF_BURST_S = 1.56
_HEADING = {"ascending": -13.0, "descending": 193.0}


@dataclass(frozen=True)
class Burst:
    """A burst that shows some of the area.

    Parameters
    ----------
    swath : IW1, IW2 or IW3.
    name : as archives call it, such as ``174_372326_IW3``; empty where the record does not tell the ascending node.
    bytes : of one polarisation.
    """

    swath: str
    name: str
    bytes: int


def bursts_over(scene: Scene, event: Event, radius_km: float) -> list[Burst]:
    """Name the bursts of a slice, or of a burst's own record, that show the area around an epicentre.

    A slice's bursts are laid out in its footprint by time and width, good to about a fifth of a burst; their numbers
    count cycles of the antenna from the ascending node, so they are known where the archive's record has its time. The
    same ground has the same numbers at every passage.

    Parameters
    ----------
    scene : mode IW, with a footprint; other modes have no bursts here.
    event, radius_km : the area.

    Returns
    -------
    In order of subswath and time; empty where none shows it.
    """
    if scene.burst:
        swath = scene.burst.rsplit("_", 1)[-1]
        known = SUBSWATHS.get(swath)
        return [Burst(swath, scene.burst, scene.bytes or (known.bytes if known else 0))]
    if scene.mode != "IW" or scene.footprint is None or scene.direction not in _HEADING:
        return []
    local = local_footprint(scene.footprint, event.latitude, event.longitude)
    area = disk(radius_km) & local
    if area.is_empty:
        return []
    frame = _Frame.of(local, scene.direction)
    found = []
    for swath, part in SUBSWATHS.items():
        for middle, number in _cycles(scene, part):
            if frame.part(middle - _HALF_BURST_S, middle + _HALF_BURST_S, part, _seconds(scene)).intersects(area):
                name = f"{scene.track:03d}_{number:06d}_{swath}" if number and scene.track else ""
                found.append(Burst(swath, name, part.bytes))
    return found


def burst_bytes(pair: Pair, event: Event, radius_km: float) -> int:
    """Return what the bursts over the area weigh on both sides, in the one polarisation that is used."""
    sides = (pair.references, pair.secondaries)
    sums = []
    for side in sides:
        named: dict[tuple[str, str], int] = {}
        for number, scene in enumerate(side):
            for count, burst in enumerate(bursts_over(scene, event, radius_km)):
                named[burst.swath, burst.name or f"{number} {count}"] = burst.bytes
        sums.append(sum(named.values()))
    return sum(sums)


def burst_names(pair: Pair, event: Event, radius_km: float) -> list[str]:
    """Return the names of the bursts over the area; empty where the records do not tell them."""
    found = [burst.name for scene in pair.references for burst in bursts_over(scene, event, radius_km)]
    return sorted(set(found)) if all(found) else []


def _seconds(scene: Scene) -> float:
    return (scene.stop - scene.start) / pd.Timedelta(seconds=1)


def _cycles(scene: Scene, part: Subswath) -> list[tuple[float, int]]:
    """Middles of a subswath's bursts in seconds from the slice's start, with their number (0 where unknown)."""
    length = _seconds(scene)
    if scene.node is None or scene.track is None:
        count = max(1, round((length - 2 * _HALF_BURST_S) / CYCLE_S) + 1)
        return [(part.middle_s + _HALF_BURST_S - SUBSWATHS["IW1"].middle_s + k * CYCLE_S, 0) for k in range(count)]
    origin = (scene.start - scene.node) / pd.Timedelta(seconds=1) + (scene.track - 1) * _REVOLUTION_S - PREAMBLE_S
    first = math.ceil((origin + _HALF_BURST_S / 2 - part.middle_s) / CYCLE_S)
    found: list[tuple[float, int]] = []
    for number in itertools.count(first + 1):
        middle = (number - 1) * CYCLE_S + part.middle_s - origin
        if middle > length - _HALF_BURST_S / 2:
            return found
        found.append((middle, number))
    return found


@dataclass(frozen=True)
class _Frame:
    """A slice as a rectangle: its first near corner, along the flight and across it, km."""

    corner: np.ndarray
    along: np.ndarray
    across: np.ndarray

    @classmethod
    def of(cls, local: shapely.Geometry, direction: str) -> "_Frame":
        heading = math.radians(_HEADING[direction])
        flight = np.array([math.sin(heading), math.cos(heading)])
        right = np.array([flight[1], -flight[0]])
        corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(local))[:4]
        along = corners @ flight
        first = corners[np.argsort(along)[:2]]
        last = corners[np.argsort(along)[2:]]
        near, far = first[np.argsort(first @ right)]
        return cls(near, last[np.argmin(last @ right)] - near, far - near)

    def part(self, start: float, stop: float, part: Subswath, seconds: float) -> Polygon:
        """Return the ground of one subswath between two times from the slice's start."""
        steps = [(start, part.near), (stop, part.near), (stop, part.far), (start, part.far)]
        return Polygon([self.corner + time / seconds * self.along + share * self.across for time, share in steps])
