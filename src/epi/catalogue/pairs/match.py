"""Two images that bracket an earthquake: every combination weighed, every rejection explained."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from shapely.geometry.base import BaseGeometry

from epi.catalogue.events.read import Event
from epi.catalogue.images.scenes import Scene
from epi.catalogue.pairs import choice
from epi.catalogue.pairs.area import area_radius_km, disk, footprint_fault, local_footprint, miss_km, shown
from epi.catalogue.pairs.choice import Pair, track_name
from epi.catalogue.pairs.takes import Seen, without_duplicates
from epi.errors import NoPairFound, ParameterError

WINDOW_DAYS = 15.0
"""How far from the earthquake a scene may be, on either side, in days."""

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class PairMatch:
    """What matching found for one event.

    Parameters
    ----------
    event : the earthquake.
    days : the window that was searched, on either side.
    radius_km : of the area around the epicentre that the pairs should cover.
    pairs : the best pair of every track, best track first; may be empty.
    rejected : every other candidate with the reason why it was not taken: the rule, a colon, the facts.
    missing : what stood in the way when there is no pair, else empty.
    """

    event: Event
    days: float
    radius_km: float
    pairs: list[Pair]
    rejected: list[tuple[Scene, str]]
    missing: str = ""

    @property
    def best(self) -> Pair:
        """The first pair.

        Raises
        ------
        NoPairFound : there is none; the message says which image is missing.
        """
        if not self.pairs:
            if not self.rejected:
                raise NoPairFound(f"{self.missing}: no candidate was given. Name a file of scenes with --scenes.")
            count = len(self.rejected)
            rejected = f"{count} candidate{'s' * (count > 1)} rejected: epi pairs {self.event.event_id} --explain"
            raise NoPairFound(f"{self.missing} ({rejected}). Widen with --days.")
        return self.pairs[0]

    def table(self) -> pd.DataFrame:
        """Return one row a candidate, in order of time, with its role (reference, secondary, rejected) and reason."""
        roles = [(scene, role, pair.reason) for pair in self.pairs for role, scene in pair.members]
        roles += [(scene, "rejected", reason) for scene, reason in self.rejected]
        rows = [
            {
                "name": scene.name,
                "start": scene.start,
                "days": (scene.start - self.event.time) / pd.Timedelta(days=1),
                "track": scene.track,
                "direction": scene.direction,
                "polarisations": "+".join(scene.polarisations),
                "footprint": scene.footprint,
                "role": role,
                "rule": "chosen" if role != "rejected" else reason.split(":")[0],
                "reason": reason,
            }
            for scene, role, reason in roles
        ]
        names = ["name", "start", "days", "track", "direction", "polarisations", "footprint", "role", "rule", "reason"]
        table = pd.DataFrame(rows, columns=names).astype({"days": float})
        return table.sort_values(["start", "name"], ignore_index=True)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {
            "event": self.event.to_dict(),
            "days": self.days,
            "radius_km": self.radius_km,
            "pairs": [pair.to_dict() for pair in self.pairs],
            "rejected": [scene.to_dict() | {"reason": reason} for scene, reason in self.rejected],
            "missing": self.missing,
        }


def match_pairs(
    event: Event, scenes: Iterable[Scene], *, days: float = WINDOW_DAYS, radius_km: float | None = None
) -> PairMatch:
    """Choose the images that show an earthquake best, before and after it, on every track that has them.

    A reference ends before the origin time and a secondary starts after it, compared as instants: an image taken hours
    before the earthquake on the same day is a reference. What took days, or has no more than a day, is over at its
    `Event.end`, and a secondary starts after that. Both are single-look complex, of one track, pass and mode, and
    share a polarisation. Together they cover the epicentre, or at least `epi.catalogue.pairs.choice.LEAST_COVERAGE`
    of the area that can have moved; where one slice of a data take does not show all of it, its neighbours are joined.
    Among the pairs of a track the choice goes by coverage of the area, then by the time between the images, then by
    the perpendicular baseline, then by the nearest secondary.

    Parameters
    ----------
    event : the earthquake.
    scenes : the candidates, in any order; of an image processed twice the newest processor's product is kept.
    days : largest distance of a scene from the event, on either side.
    radius_km : radius of the area around the epicentre; by default what magnitude and depth say (`area_radius_km`).

    Returns
    -------
    The pairs, best track first, and every other candidate with its reason. Finding no pair is no error here:
    `PairMatch.best` raises it.

    Raises
    ------
    ParameterError : a window or a radius that is not positive.
    """
    if not 0 < days < math.inf:
        raise ParameterError(f"A window of {days:g} days holds no image: give more than 0.")
    radius = area_radius_km(event) if radius_km is None else radius_km
    area = disk(radius)
    candidates, rejected = without_duplicates(scenes)
    tracks: dict[tuple[Any, ...], list[Seen]] = defaultdict(list)
    for scene in candidates:
        reason = _own_fault(scene, event, days)
        if not reason and scene.footprint is not None:
            footprint = local_footprint(scene.footprint, event.latitude, event.longitude)
            reason = _misses(footprint, radius)
        if reason:
            rejected.append((scene, reason))
        else:
            tracks[_track_key(scene)].append((scene, shown(footprint, area)))
    pairs = []
    for members in tracks.values():
        pair, others = choice.best_of_track(event, members, area.area, days)
        pairs += [] if pair is None else [pair]
        rejected += others
    pairs = choice.in_order(pairs)
    missing = "" if pairs else _missing(event, list(tracks.values()), days)
    return PairMatch(event, days, radius, pairs, rejected, missing)


def _own_fault(scene: Scene, event: Event, days: float) -> str:
    """Say why a scene cannot serve whatever its partner, or nothing."""
    if scene.level not in ("SLC", "BURST"):
        return f"no phase: {scene.level or 'unknown product'}, only SLC carries it"
    known = {"track": scene.track, "flight direction": scene.direction, "footprint": scene.footprint}
    lacking = [name for name, value in (known | {"polarisation": scene.polarisations or None}).items() if value is None]
    if lacking:
        return f"incomplete record: no {' and no '.join(lacking)}"
    if scene.start <= event.end and scene.stop >= event.time:
        return f"during the {event.noun}: neither before nor after"
    side = "before" if scene.start < event.time else "after"
    away = (scene.start - (event.time if side == "before" else event.end)) / _DAY
    if abs(away) > days:
        return f"outside the window: {abs(away):.1f} days {side} the {event.noun}, more than {days:g}"
    fault = footprint_fault(scene.footprint) if scene.footprint is not None else ""
    return f"unusable footprint: {fault}" if fault else ""


def _misses(footprint: BaseGeometry, radius: float) -> str:
    """Say why a scene shows none of the area, or nothing; its footprint in local km."""
    if not footprint.area > 0:
        return "unusable footprint: it encloses nothing"
    miss = miss_km(footprint)
    return f"misses the epicentre: by {miss:.0f} km" if miss > radius else ""


def _track_key(scene: Scene) -> tuple[Any, ...]:
    """Return what two images must share to interfere."""
    return scene.track, scene.direction, scene.mode, scene.level


def _missing(event: Event, tracks: list[list[tuple[Scene, BaseGeometry]]], days: float) -> str:
    """Say which image is missing, on the track that came closest to a pair."""
    north, east = "NS"[event.latitude < 0], "EW"[event.longitude < 0]
    place = f"{abs(event.latitude):.2f} {north} {abs(event.longitude):.2f} {east}"
    date = f"{event.time:%Y-%m-%d}"
    if not tracks:
        return f"no scene within {days:g} days of {date} covers {place}"
    members = [scene for scene, _ in max(tracks, key=len)]
    found = {"before": any(s.stop < event.time for s in members), "after": any(s.start > event.end for s in members)}
    for side, any_found in found.items():
        if not any_found:
            return f"no scene within {days:g} days {side} {date} on track {members[0].track} covers {place}"
    return f"no two scenes around {date} on {track_name(members[0])} share a polarisation and cover {place}"
