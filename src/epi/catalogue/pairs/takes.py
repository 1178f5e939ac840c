"""Data takes: the slices, or the bursts, of one passage that an archive keeps apart, put together again."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from epi.catalogue.images.scenes import Scene
from epi.catalogue.pairs.area import holds_epicentre, overlap

GAP = pd.Timedelta(seconds=3)
"""Images of one satellite this close after one another are of one data take; slices overlap by two seconds."""

SAME_IMAGE = pd.Timedelta(seconds=2)
"""Two products of one orbit that start this close are one image processed twice."""

WORTH = 0.01
"""A slice that shows no more than this share of the area is left out: it costs over four gigabytes."""

Seen = tuple[Scene, BaseGeometry]
"""A scene and the part of the area that it shows, in local km."""


@dataclass(frozen=True, eq=False)
class Take:
    """Neighbouring images of one passage.

    Parameters
    ----------
    members : the images that show the area, in order of time, with what they show.
    ground : what they show together, local km.
    """

    members: tuple[Seen, ...]
    ground: BaseGeometry

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """The images, in order of time."""
        return tuple(scene for scene, _ in self.members)

    @property
    def polarisations(self) -> tuple[str, ...]:
        """What all the images have."""
        return self.members[0][0].polarisations

    @property
    def main(self) -> Scene:
        """The image that shows most of the area, one with the epicentre before others."""
        best = min(self.members, key=lambda seen: (not holds_epicentre(seen[1]), -seen[1].area, seen[0].start))
        return best[0]


def take_of(members: Iterable[Seen]) -> Take:
    """Put images together."""
    ordered = tuple(sorted(members, key=lambda seen: (seen[0].start, seen[0].name)))
    ground = ordered[0][1] if len(ordered) == 1 else shapely.union_all([shown for _, shown in ordered])
    return Take(ordered, ground)


def takes(members: Iterable[Seen]) -> list[Take]:
    """Sort images of one track into data takes: one satellite, the same polarisations, no gap longer than `GAP`."""
    kinds: dict[tuple[Any, ...], list[Seen]] = defaultdict(list)
    for scene, shown in members:
        kinds[scene.platform, scene.polarisations].append((scene, shown))
    found = []
    for images in kinds.values():
        images.sort(key=lambda seen: (seen[0].start, seen[0].name))
        current, end = [images[0]], images[0][0].stop
        for seen in images[1:]:
            if seen[0].start - end > GAP:
                found.append(take_of(current))
                current = []
            current.append(seen)
            end = max(end, seen[0].stop)
        found.append(take_of(current))
    return found


def joint(first: Take, second: Take) -> tuple[Take, Take] | None:
    """Keep what can interfere: all slices, but of single bursts only those that both takes have; None without any."""
    if not first.members[0][0].burst:
        return first, second
    both = {scene.burst for scene in first.scenes} & {scene.burst for scene in second.scenes}
    if not both:
        return None
    sides = (first, second)
    kept = [[seen for seen in take.members if seen[0].burst in both] for take in sides]
    return take_of(kept[0]), take_of(kept[1])


def fewest(first: Take, second: Take, area: float) -> tuple[Take, Take]:
    """Leave out the slices at the ends of two takes without which both still cover the area as well, but for `WORTH`.

    Parameters
    ----------
    first, second : takes of whole slices; bursts are left as they are.
    area : of the whole area, km².
    """
    if first.members[0][0].burst or len(first.members) + len(second.members) == 2:
        return first, second
    whole = overlap(first.ground, second.ground)
    held = holds_epicentre(whole)
    while True:
        trials = [(take_of(part), second) for part in _shorter(first)]
        trials += [(first, take_of(part)) for part in _shorter(second)]
        scored = [(overlap(one.ground, other.ground), one, other) for one, other in trials]
        scored = [trial for trial in scored if holds_epicentre(trial[0]) or not held]
        if not scored:
            return first, second
        ground, one, other = max(scored, key=lambda trial: trial[0].area)
        if ground.area < whole.area - WORTH * area:
            return first, second
        first, second = one, other


def _shorter(take: Take) -> list[tuple[Seen, ...]]:
    return [take.members[1:], take.members[:-1]] if len(take.members) > 1 else []


def without_duplicates(scenes: Iterable[Scene]) -> tuple[list[Scene], list[tuple[Scene, str]]]:
    """Keep one product an image: the newest processor's, then the one whose record says most.

    Returns
    -------
    The scenes kept, in order of time, and the others with the reason.
    """
    images: dict[tuple[Any, ...], list[Scene]] = defaultdict(list)
    dropped: list[tuple[Scene, str]] = []
    for scene in _one_a_name(scenes, dropped):
        kind = (scene.platform, scene.mode, scene.level, scene.burst, scene.track, scene.polarisations)
        images[kind].append(scene)
    kept: list[Scene] = []
    for versions in images.values():
        versions.sort(key=lambda scene: (scene.start, scene.name))
        first = 0
        for number in range(1, len(versions) + 1):
            if number == len(versions) or versions[number].start - versions[first].start > SAME_IMAGE:
                kept += _newest(versions[first:number], dropped)
                first = number
    return sorted(kept, key=lambda scene: (scene.start, scene.name)), dropped


def _one_a_name(scenes: Iterable[Scene], dropped: list[tuple[Scene, str]]) -> list[Scene]:
    named: dict[str, Scene] = {}
    for scene in scenes:
        twin = named.setdefault(scene.name, scene)
        if twin is not scene:
            better, worse = (scene, twin) if _completeness(scene) > _completeness(twin) else (twin, scene)
            named[scene.name] = better
            dropped.append((worse, "listed twice"))
    return list(named.values())


def _newest(versions: list[Scene], dropped: list[tuple[Scene, str]]) -> list[Scene]:
    if len(versions) == 1:
        return versions
    best = max(versions, key=lambda scene: (scene.version, _completeness(scene), scene.name))
    dropped += [(scene, f"processed twice: {best.name} is kept") for scene in versions if scene is not best]
    return [best]


def _completeness(scene: Scene) -> int:
    facts = (scene.track, scene.direction, scene.footprint, scene.bytes, scene.state, scene.node)
    return sum(fact is not None for fact in facts) + bool(scene.url) + bool(scene.md5)
