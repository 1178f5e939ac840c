"""Many earthquakes against a whole archive: each meets only the images that lie near it in place and time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from epi.catalogue.events.read import Event
from epi.catalogue.images.scenes import Scene
from epi.catalogue.pairs.area import area_radius_km, bounds
from epi.catalogue.pairs.match import WINDOW_DAYS, PairMatch, match_pairs
from epi.catalogue.pairs.takes import SAME_IMAGE

_MARGIN_KM = 100.0
"""Edges of footprints are lines on a local map, not parallels: near a pole they bulge by tens of km."""

_POLAR_DEG = 80.0
"""Beyond this latitude longitudes do not sort images any more."""

_WIDE_DEG = 90.0
"""A footprint that spans more longitudes than this is not sorted either."""

_WORLD = box(-540, -90, 540, 90)


class SceneIndex:
    """An archive's images, sorted so that those near a place and a time are found at once.

    Parameters
    ----------
    scenes : in any order. Those without a footprint, or with an unusable one, are near no place.
    """

    def __init__(self, scenes: Iterable[Scene]) -> None:
        self.scenes = list(scenes)
        self._starts = np.array([scene.start.value for scene in self.scenes], dtype=np.int64)
        self._versions = _versions(self.scenes)
        numbers = [number for number, scene in enumerate(self.scenes) if scene.footprint is not None]
        reach = _reach(np.array([self.scenes[number].footprint for number in numbers], dtype=object))
        self._numbers = np.array(numbers, dtype=np.int64)[[box is not None for box in reach]]
        self._tree = STRtree([box for box in reach if box is not None])

    def near(self, event: Event, *, days: float = WINDOW_DAYS, radius_km: float | None = None) -> list[Scene]:
        """Return the images that may show the area within the window, and every other version of each.

        Parameters
        ----------
        event : the earthquake.
        days : window on either side.
        radius_km : of the area; by default what magnitude and depth say.
        """
        radius = area_radius_km(event) if radius_km is None else radius_km
        hits = self._numbers[np.unique(self._tree.query(_boxes(event, radius + _MARGIN_KM))[1])]
        window = pd.Timedelta(days=days).value
        starts = self._starts[hits]
        inside = hits[(starts >= event.time.value - window) & (starts <= event.end.value + window)]
        chosen = sorted({other for hit in inside for other in self._versions.get(int(hit), (int(hit),))})
        return [self.scenes[number] for number in chosen]


def match_many(
    events: Iterable[Event], scenes: Iterable[Scene], *, days: float = WINDOW_DAYS, radius_km: float | None = None
) -> Iterator[PairMatch]:
    """Match every earthquake of a catalogue with the images of an archive.

    The pairs are those of `match_pairs`; ``rejected`` holds only the images near the earthquake in place and time, not
    the rest of the archive.

    Parameters
    ----------
    events : the earthquakes.
    scenes : the archive's images, in any order.
    days, radius_km : as in `match_pairs`.

    Yields
    ------
    One match an event, in their order.
    """
    index = SceneIndex(scenes)
    for event in events:
        yield match_pairs(event, index.near(event, days=days, radius_km=radius_km), days=days, radius_km=radius_km)


def _versions(scenes: Sequence[Scene]) -> dict[int, tuple[int, ...]]:
    """Return, for each image that is listed more than once, all its places in the list."""
    keys: dict[object, list[int]] = defaultdict(list)
    for number, scene in enumerate(scenes):
        keys[scene.name].append(number)
        keys[scene.platform, scene.mode, scene.level, scene.burst, scene.track, scene.polarisations].append(number)
    links: dict[int, set[int]] = defaultdict(set)
    for key, numbers in keys.items():
        if isinstance(key, str):
            groups = [numbers] if len(numbers) > 1 else []
        else:
            groups = _close(sorted(numbers, key=lambda number: scenes[number].start), scenes)
        for group in groups:
            for number in group:
                links[number].update(group)
    return {number: tuple(sorted(_closure(number, links))) for number in links}


def _close(numbers: list[int], scenes: Sequence[Scene]) -> list[list[int]]:
    """Chains of images of one kind that start within `SAME_IMAGE` of each other."""
    chains: list[list[int]] = [[numbers[0]]]
    for number in numbers[1:]:
        if scenes[number].start - scenes[chains[-1][-1]].start <= SAME_IMAGE:
            chains[-1].append(number)
        else:
            chains.append([number])
    return [chain for chain in chains if len(chain) > 1]


def _closure(number: int, links: dict[int, set[int]]) -> set[int]:
    found, open_ = {number}, [number]
    while open_:
        new = links.get(open_.pop(), set()) - found
        found |= new
        open_ += new
    return found


def _reach(footprints: NDArray[np.object_]) -> list[BaseGeometry | None]:
    """Boxes in degrees that hold footprints: the world where longitudes mean little, None where there is no ground."""
    corners, owner = shapely.get_coordinates(footprints, return_index=True)
    firsts = np.unique(owner, return_index=True)[1]
    east = corners[firsts, 0][np.searchsorted(owner[firsts], owner)]
    east = east + (corners[:, 0] - east + 180) % 360 - 180  # within half a turn of the first corner
    limits = np.full((len(footprints), 4), np.nan)
    held = owner[firsts]
    for column, values, least in (
        (0, east, True),
        (1, corners[:, 1], True),
        (2, east, False),
        (3, corners[:, 1], False),
    ):
        limits[held, column] = (np.minimum if least else np.maximum).reduceat(values, firsts)
    west, south, width, north = limits[:, 0], limits[:, 1], limits[:, 2] - limits[:, 0], limits[:, 3]
    anywhere = (np.maximum(np.abs(south), np.abs(north)) > _POLAR_DEG) | (width > _WIDE_DEG)
    west = (west + 180) % 360 - 180
    boxes = shapely.box(west, south, west + width, north)
    known = np.isfinite(limits).all(axis=1)
    return [(_WORLD if wide else box) if real else None for box, wide, real in zip(boxes, anywhere, known, strict=True)]


def _boxes(event: Event, radius_km: float) -> list[BaseGeometry]:
    """Boxes around an epicentre, repeated a turn to either side: no footprint then lies across an edge."""
    south, north, half_width = bounds(event.latitude, radius_km)
    if half_width > 90 or abs(event.latitude) > _POLAR_DEG:
        return [_WORLD]
    return [
        box(event.longitude + turn - half_width, south, event.longitude + turn + half_width, north)
        for turn in (-360.0, 0.0, 360.0)
    ]
