"""Two images that bracket an earthquake: every combination weighed, every rejection explained."""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import shapely
from pyproj import Geod
from shapely import Polygon
from shapely.geometry import Point

from epi.catalogue.baseline import perpendicular_baseline
from epi.catalogue.events import Event
from epi.catalogue.scenes import Scene
from epi.errors import NoPairFound

WINDOW_DAYS = 15.0
"""How far from the earthquake a scene may be, on either side, in days."""

AREA_RADIUS_KM = 40.0
"""Radius of the area around the epicentre that a good pair covers, in km."""

_COVERAGE_STEP = 0.05
"""Differences of coverage below this are footprint jitter and do not decide."""

_FAR_KM = 1000.0
"""No footprint with every corner farther away than this holds the epicentre."""

_SAME_IMAGE = pd.Timedelta(seconds=2)
"""Two products of one orbit that start this close are one image processed twice."""

_GEOD = Geod(ellps="WGS84")
_EPICENTRE = Point(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Pair:
    """Two images of one track, before and after an earthquake.

    Parameters
    ----------
    reference, secondary : the earlier and the later scene.
    polarisation : the one both have that is used, co-polarised first.
    coverage : share of the area around the epicentre that both footprints cover, 0 to 1.
    temporal_baseline_days : days between the two.
    perpendicular_baseline_m : see `perpendicular_baseline`; NaN where a state vector is missing.
    reason : why this pair was chosen on its track.
    """

    reference: Scene
    secondary: Scene
    polarisation: str
    coverage: float
    temporal_baseline_days: float
    perpendicular_baseline_m: float
    reason: str

    @property
    def track(self) -> str:
        """Name of the viewing geometry, such as ``track 102 ascending IW``."""
        return _track_name(self.reference)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; an unknown baseline is null."""
        baseline = self.perpendicular_baseline_m
        return {
            "reference": self.reference.to_dict(),
            "secondary": self.secondary.to_dict(),
            "track": self.reference.track,
            "direction": self.reference.direction,
            "mode": self.reference.mode,
            "polarisation": self.polarisation,
            "coverage": round(self.coverage, 4),
            "temporal_baseline_days": round(self.temporal_baseline_days, 4),
            "perpendicular_baseline_m": None if math.isnan(baseline) else round(baseline, 1),
            "simulated": self.reference.simulated or self.secondary.simulated,
            "reason": self.reason,
        }


@dataclass(frozen=True, eq=False)
class PairMatch:
    """What matching found for one event.

    Parameters
    ----------
    event : the earthquake.
    days : the window that was searched, on either side.
    pairs : the best pair of every track, best track first; may be empty.
    rejected : every other candidate with the reason why it was not taken: the rule, a colon, the facts.
    missing : what stood in the way when there is no pair, else empty.
    """

    event: Event
    days: float
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
            rejected = f"{len(self.rejected)} candidates rejected: epi pairs {self.event.event_id} --explain"
            raise NoPairFound(f"{self.missing} ({rejected}). Widen with --days.")
        return self.pairs[0]

    def table(self) -> pd.DataFrame:
        """Return one row a candidate, in order of time, with its role (reference, secondary, rejected) and reason."""
        roles = [(scene, role, pair.reason) for pair in self.pairs for role, scene in _members(pair)]
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
            "pairs": [pair.to_dict() for pair in self.pairs],
            "rejected": [scene.to_dict() | {"reason": reason} for scene, reason in self.rejected],
            "missing": self.missing,
        }


def match_pairs(
    event: Event, scenes: Iterable[Scene], *, days: float = WINDOW_DAYS, radius_km: float = AREA_RADIUS_KM
) -> PairMatch:
    """Choose the two images that show an earthquake best, on every track that has them.

    A reference ends before the origin time and a secondary starts after it, compared as instants: an image taken hours
    before the earthquake on the same day is a reference. Both are single-look complex, of one track, pass and mode,
    share a polarisation and cover the epicentre. Among those of a track the choice goes by coverage of the area around
    the epicentre, then by the shortest time between the two, then by the nearest secondary.

    Parameters
    ----------
    event : the earthquake.
    scenes : the candidates, in any order; of an image processed twice the newest processor's product is kept.
    days : largest distance of a scene from the origin time, on either side.
    radius_km : radius of the area around the epicentre whose coverage is compared.

    Returns
    -------
    The pairs, best track first, and every other candidate with its reason. Finding no pair is no error here:
    `PairMatch.best` raises it.
    """
    candidates, rejected = _without_duplicates(list(scenes))
    area = _EPICENTRE.buffer(radius_km)
    tracks: dict[tuple[Any, ...], list[tuple[Scene, Polygon]]] = defaultdict(list)
    for scene in candidates:
        reason = _own_fault(scene, event, days)
        if not reason:
            footprint = _local_footprint(scene, event)
            miss = _miss_km(footprint)
            reason = f"misses the epicentre: by {miss:.0f} km" if miss > 0 else ""
        if reason:
            rejected.append((scene, reason))
        else:
            tracks[_track_key(scene)].append((scene, footprint & area))
    pairs = []
    for members in tracks.values():
        pair, others = _best_of_track(event, members, area.area, days)
        pairs += [] if pair is None else [pair]
        rejected += others
    pairs.sort(key=_rank)
    missing = "" if pairs else _missing(event, list(tracks.values()), days)
    return PairMatch(event, days, pairs, rejected, missing)


def _without_duplicates(scenes: list[Scene]) -> tuple[list[Scene], list[tuple[Scene, str]]]:
    """Keep one product an image: the newest processor's, and of equals the first given."""
    kept: list[Scene] = []
    dropped: list[tuple[Scene, str]] = []
    for scene in sorted(scenes, key=lambda scene: scene.version, reverse=True):
        twin = next((other for other in kept if _same_image(scene, other)), None)
        if twin is None:
            kept.append(scene)
        else:
            reason = "listed twice" if scene.name == twin.name else f"processed twice: {twin.name} is kept"
            dropped.append((scene, reason))
    return kept, dropped


def _same_image(one: Scene, other: Scene) -> bool:
    if one.name == other.name:
        return True
    same = (one.platform, one.mode, one.level, one.burst, one.polarisations)
    return same == (other.platform, other.mode, other.level, other.burst, other.polarisations) and (
        abs(one.start - other.start) <= _SAME_IMAGE
    )


def _own_fault(scene: Scene, event: Event, days: float) -> str:
    """Say why a scene cannot serve whatever its partner, or nothing."""
    if scene.level not in ("SLC", "BURST"):
        return f"no phase: {scene.level or 'unknown product'}, only SLC carries it"
    known = {"track": scene.track, "flight direction": scene.direction, "footprint": scene.footprint}
    lacking = [name for name, value in (known | {"polarisation": scene.polarisations or None}).items() if value is None]
    if lacking:
        return f"incomplete record: no {' and no '.join(lacking)}"
    if scene.start <= event.time <= scene.stop:
        return "during the earthquake: neither before nor after"
    away = (scene.start - event.time) / pd.Timedelta(days=1)
    if abs(away) > days:
        side = "before" if away < 0 else "after"
        return f"outside the window: {abs(away):.1f} days {side} the earthquake, more than {days:g}"
    return ""


def _local_footprint(scene: Scene, event: Event) -> Polygon:
    """Project a footprint to km east and north of the epicentre; the antimeridian needs no special case there."""

    def project(lonlat: np.ndarray) -> np.ndarray:
        origin = np.full(len(lonlat), event.longitude), np.full(len(lonlat), event.latitude)
        azimuth, _, distance = _GEOD.inv(*origin, lonlat[:, 0], lonlat[:, 1])
        angle = np.radians(azimuth)
        return np.asarray(np.stack([np.sin(angle), np.cos(angle)], axis=1) * distance[:, None] / 1000)

    return shapely.make_valid(shapely.transform(scene.footprint, project))


def _miss_km(footprint: Polygon) -> float:
    """Return how far a local footprint is from the epicentre: 0 where it covers it.

    Beyond `_FAR_KM` the nearest corner decides: a footprint at the antipode surrounds the epicentre, not covers it.
    """
    nearest = float(np.hypot(*shapely.get_coordinates(footprint).T).min())
    return nearest if nearest > _FAR_KM else float(footprint.distance(_EPICENTRE))


def _track_key(scene: Scene) -> tuple[Any, ...]:
    """Return what two images must share to interfere; a burst interferes only with itself."""
    return scene.track, scene.direction, scene.mode, scene.level, scene.burst


def _track_name(scene: Scene) -> str:
    return " ".join(filter(None, (f"track {scene.track} {scene.direction} {scene.mode}", scene.burst)))


def _best_of_track(
    event: Event, members: list[tuple[Scene, Polygon]], area: float, days: float
) -> tuple[Pair | None, list[tuple[Scene, str]]]:
    """Rank every combination of one track; return the best and why each other scene is not in it."""
    before = [(scene, seen) for scene, seen in members if scene.stop < event.time]
    after = [(scene, seen) for scene, seen in members if scene.start > event.time]
    if not before or not after:
        side, track = "after" if before else "before", _track_name(members[0][0])
        reason = f"no partner: nothing within {days:g} days {side} the earthquake covers the epicentre on {track}"
        return None, [(scene, reason) for scene, _ in members]
    pairs = [
        _pair(reference, secondary, (first & second).area / area)
        for reference, first in before
        for secondary, second in after
        if set(reference.polarisations) & set(secondary.polarisations)
    ]
    if not pairs:
        kinds = " and ".join(sorted({"+".join(scene.polarisations) for scene, _ in members}))
        return None, [(scene, f"no common polarisation: {kinds} on {_track_name(scene)}") for scene, _ in members]
    best = min(pairs, key=_rank)
    baseline = perpendicular_baseline(best.reference, best.secondary)
    chosen = replace(best, perpendicular_baseline_m=baseline, reason=_why_chosen(best, event, len(pairs)))
    others = [scene for scene, _ in members if scene not in (best.reference, best.secondary)]
    return chosen, [(scene, _why_not(scene, pairs, best)) for scene in others]


def _pair(reference: Scene, secondary: Scene, coverage: float) -> Pair:
    common = set(reference.polarisations) & set(secondary.polarisations)
    return Pair(
        reference=reference,
        secondary=secondary,
        polarisation=min(common, key=lambda name: (name[0] != name[1], name)),
        coverage=coverage,
        temporal_baseline_days=(secondary.start - reference.start) / pd.Timedelta(days=1),
        perpendicular_baseline_m=math.nan,
        reason="",
    )


def _rank(pair: Pair) -> tuple[float, float, pd.Timestamp]:
    """Order pairs: coverage in steps, whole days between the images, then the nearest secondary."""
    return -round(pair.coverage / _COVERAGE_STEP), round(pair.temporal_baseline_days), pair.secondary.start


def _why_chosen(pair: Pair, event: Event, combinations: int) -> str:
    delay = (pair.secondary.start - event.time) / pd.Timedelta(days=1)
    among = f"the best of {combinations} combinations" if combinations > 1 else "the only combination"
    return (
        f"{pair.track}, {pair.polarisation}: both cover {pair.coverage:.0%} of the area, "
        f"{pair.temporal_baseline_days:.1f} days apart, secondary {delay:.1f} days after the earthquake; {among}"
    )


def _why_not(scene: Scene, pairs: list[Pair], best: Pair) -> str:
    """Compare the best a scene could do with the pair that was chosen, in the order of `_rank`."""
    mine = [pair for pair in pairs if scene in (pair.reference, pair.secondary)]
    if not mine:
        return f"no common polarisation: {'+'.join(scene.polarisations)} is alone on {_track_name(scene)}"
    pair = min(mine, key=_rank)
    if _rank(pair)[0] > _rank(best)[0]:
        return (
            f"not the best: a pair with it covers {pair.coverage:.0%} of the area, the chosen one {best.coverage:.0%}"
        )
    if _rank(pair)[1] > _rank(best)[1]:
        spans = f"{pair.temporal_baseline_days:.0f} days, the chosen one {best.temporal_baseline_days:.0f}"
        return f"not the best: a pair with it spans {spans}"
    return "not the best: a pair with it is no shorter and its secondary is later"


def _missing(event: Event, tracks: list[list[tuple[Scene, Polygon]]], days: float) -> str:
    """Say which image is missing, on the track that came closest to a pair."""
    north, east = "NS"[event.latitude < 0], "EW"[event.longitude < 0]
    place = f"{abs(event.latitude):.2f} {north} {abs(event.longitude):.2f} {east}"
    date = f"{event.time:%Y-%m-%d}"
    if not tracks:
        return f"no scene within {days:g} days of {date} covers {place}"
    members = [scene for scene, _ in max(tracks, key=len)]
    found = {"before": any(s.stop < event.time for s in members), "after": any(s.start > event.time for s in members)}
    for side, any_found in found.items():
        if not any_found:
            return f"no scene within {days:g} days {side} {date} on track {members[0].track} covers {place}"
    return f"no two scenes around {date} on track {members[0].track} that cover {place} share a polarisation"


def _members(pair: Pair) -> list[tuple[str, Scene]]:
    return [("reference", pair.reference), ("secondary", pair.secondary)]
