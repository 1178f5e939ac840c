"""The best pair of one track: all combinations compared, stage after stage, and why the others were left."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from epi.catalogue.events.read import Event
from epi.catalogue.images.baseline import perpendicular_baseline
from epi.catalogue.images.scenes import Scene
from epi.catalogue.pairs.area import holds_epicentre, overlap
from epi.catalogue.pairs.takes import Seen, Take, fewest, joint, takes

LEAST_COVERAGE = 0.25
"""Share of the area that a pair shows where it does not show the epicentre: a great earthquake's may be at sea."""

COVERAGE_STEP = 0.05
"""Less than this behind the best coverage is footprint jitter and does not decide."""

DAYS_STEP = 0.5
"""Less than this behind the shortest time between the images does not decide: passages come whole days apart."""

BASELINE_STEP_M = 50.0
"""Less than this behind the shortest perpendicular baseline does not decide: Sentinel-1's critical one is near 5 km."""

USUAL_BASELINE_M = 100.0
"""What an unknown perpendicular baseline counts as: Sentinel-1 is kept within a tube of about this radius."""

_DAY = pd.Timedelta(days=1)
_Choice = TypeVar("_Choice")


@dataclass(frozen=True, eq=False)
class Pair:
    """Images of one track, before and after an earthquake.

    Parameters
    ----------
    reference, secondary : the earlier and the later scene; of several slices, the one that shows most of the area.
    references, secondaries : all scenes of either side in order of time: one, or neighbouring slices or bursts.
    polarisation : the one both have that is used, co-polarised first.
    coverage : share of the area around the epicentre that both sides cover, 0 to 1.
    temporal_baseline_days : days between the two.
    perpendicular_baseline_m : see `perpendicular_baseline`; NaN where a state vector is missing.
    reason : why this pair was chosen on its track.
    """

    reference: Scene
    secondary: Scene
    references: tuple[Scene, ...]
    secondaries: tuple[Scene, ...]
    polarisation: str
    coverage: float
    temporal_baseline_days: float
    perpendicular_baseline_m: float
    reason: str

    @property
    def track(self) -> str:
        """Name of the viewing geometry, such as ``track 102 ascending IW``."""
        return track_name(self.reference)

    @property
    def members(self) -> list[tuple[str, Scene]]:
        """Every scene with its role, ``reference`` or ``secondary``."""
        return [("reference", scene) for scene in self.references] + [("secondary", s) for s in self.secondaries]

    @property
    def bytes(self) -> int | None:
        """What the scenes weigh together; None where a record does not say."""
        sizes = [scene.bytes for _, scene in self.members]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; an unknown baseline or size is null."""
        baseline = self.perpendicular_baseline_m
        return {
            "reference": self.reference.to_dict(),
            "secondary": self.secondary.to_dict(),
            "references": [scene.to_dict() for scene in self.references],
            "secondaries": [scene.to_dict() for scene in self.secondaries],
            "track": self.reference.track,
            "direction": self.reference.direction,
            "mode": self.reference.mode,
            "polarisation": self.polarisation,
            "coverage": round(self.coverage, 4),
            "temporal_baseline_days": round(self.temporal_baseline_days, 4),
            "perpendicular_baseline_m": None if math.isnan(baseline) else round(baseline, 1),
            "bytes": self.bytes,
            "simulated": any(scene.simulated for _, scene in self.members),
            "reason": self.reason,
        }


class Option:
    """One combination of two data takes, as it is weighed."""

    def __init__(self, first: Take, second: Take, area: float) -> None:
        self.first, self.second = first, second
        ground = overlap(first.ground, second.ground)
        self.coverage = min(1.0, ground.area / area)
        self.enough = holds_epicentre(ground) or self.coverage >= LEAST_COVERAGE
        self.reference, self.secondary = first.main, second.main
        common = set(first.polarisations) & set(second.polarisations)
        self.polarisation = min(common, key=lambda name: (name[0] != name[1], name))
        self.days = (self.secondary.start - self.reference.start) / _DAY

    @cached_property
    def baseline_m(self) -> float:
        """Perpendicular baseline of the main scenes, m."""
        return perpendicular_baseline(self.reference, self.secondary)

    @property
    def baseline_length_m(self) -> float:
        """Its length; what is not known counts as usual."""
        return USUAL_BASELINE_M if math.isnan(self.baseline_m) else abs(self.baseline_m)

    @property
    def last(self) -> tuple[Any, ...]:
        """What decides among equals: the nearest secondary, then the co-polarised, then names."""
        crossed = self.polarisation[0] != self.polarisation[1]
        return self.secondary.start, crossed, self.polarisation, self.reference.name, self.secondary.name

    def uses(self, scene: Scene) -> bool:
        """Tell whether a scene is in either take."""
        return scene in self.first.scenes or scene in self.second.scenes


def close(choices: Sequence[_Choice], behind: Callable[[_Choice], float], step: float) -> list[_Choice]:
    """Keep the best, which is least behind, and all that are less than a step worse, whatever their order."""
    if len(choices) == 1:
        return list(choices)
    values = [behind(each) for each in choices]
    limit = min(values) + step
    return [each for each, value in zip(choices, values, strict=True) if value < limit]


@dataclass(frozen=True)
class Stage:
    """One thing that decides: how far an option is behind, from which difference on that counts, and its words."""

    behind: Callable[[Option], float]
    step: float
    words: str
    value: Callable[[Option], str]

    def why(self, mine: Sequence[Option], others: Sequence[Option], best: Option) -> str:
        """Say why the first of these options went no further: beside the chosen one, or beside the one that led."""
        own, first = min(mine, key=self.behind), min(others, key=self.behind)
        ahead = self.behind(own) - self.behind(best) >= self.step
        name, rival = ("the chosen one", best) if ahead else ("another", first)
        return f"not the best: a pair with it {self.words.format(self.value(own))}, {name} {self.value(rival)}"


STAGES = (
    Stage(lambda option: -option.coverage, COVERAGE_STEP, "covers {} of the area", lambda o: f"{o.coverage:.0%}"),
    Stage(lambda option: option.days, DAYS_STEP, "spans {} days", lambda o: f"{o.days:.0f}"),
    Stage(lambda option: option.baseline_length_m, BASELINE_STEP_M, "has {}", lambda o: _metres(o)),
)
"""What decides, one after the other."""


def stages(options: Sequence[Option]) -> list[list[Option]]:
    """Return what each of `STAGES` leaves; a baseline is computed only where more than one is left before it."""
    left = []
    for stage in STAGES:
        options = close(options, stage.behind, stage.step)
        left.append(options)
    return left


def best_of(options: Sequence[Option]) -> Option:
    """Return the best of what all stages leave, the first by `Option.last`."""
    return min(stages(options)[-1], key=lambda option: option.last)


def in_order(pairs: Sequence[Pair]) -> list[Pair]:
    """Order the pairs of several tracks, best first: coverage, days between images, then the nearest secondary."""
    left, ordered = list(pairs), []
    while left:
        alike = close(left, lambda pair: -pair.coverage, COVERAGE_STEP)
        alike = close(alike, lambda pair: pair.temporal_baseline_days, DAYS_STEP)
        ordered.append(min(alike, key=lambda pair: (pair.secondary.start, pair.reference.name)))
        left = [pair for pair in left if pair is not ordered[-1]]
    return ordered


def best_of_track(
    event: Event, members: list[Seen], area: float, days: float
) -> tuple[Pair | None, list[tuple[Scene, str]]]:
    """Choose the best pair of one track; say why each other scene is not in it.

    Parameters
    ----------
    event : the earthquake.
    members : the scenes of the track, none of them during the earthquake, with what each shows of the area.
    area : km².
    days : the window, for the words.
    """
    before = takes([seen for seen in members if seen[0].stop < event.time])
    after = takes([seen for seen in members if seen[0].start > event.end])
    if not before or not after:
        side, track = "after" if before else "before", track_name(members[0][0])
        reason = f"no partner: nothing within {days:g} days {side} the {event.noun} covers the epicentre on {track}"
        return None, [(scene, reason) for scene, _ in members]
    options = _options(before, after, area)
    usable = [option for option in options if option.enough]
    if not usable:
        return None, [(scene, _no_option(scene, members, options)) for scene, _ in members]
    best = best_of(usable)
    first, second = fewest(best.first, best.second, area)
    chosen = Option(first, second, area) if (first, second) != (best.first, best.second) else best
    pair = _pair(chosen, event, len(usable))
    used = {id(scene) for _, scene in pair.members}
    others = [scene for scene, _ in members if id(scene) not in used]
    return pair, [(scene, _why_not(scene, members, options, usable, best)) for scene in others]


def _options(before: list[Take], after: list[Take], area: float) -> list[Option]:
    options = []
    for one in before:
        for other in after:
            both = joint(one, other) if set(one.polarisations) & set(other.polarisations) else None
            if both is not None:
                options.append(Option(*both, area))
    return options


def _pair(option: Option, event: Event, combinations: int) -> Pair:
    pair = Pair(
        reference=option.reference,
        secondary=option.secondary,
        references=option.first.scenes,
        secondaries=option.second.scenes,
        polarisation=option.polarisation,
        coverage=option.coverage,
        temporal_baseline_days=option.days,
        perpendicular_baseline_m=option.baseline_m,
        reason="",
    )
    return replace(pair, reason=_why_chosen(pair, event, combinations))


def _why_chosen(pair: Pair, event: Event, combinations: int) -> str:
    delay = (pair.secondary.start - event.end) / _DAY
    among = f"the best of {combinations} combinations" if combinations > 1 else "the only combination"
    count = max(len(pair.references), len(pair.secondaries))
    joined = f" ({count} {'bursts' if pair.reference.burst else 'slices'} joined)" if count > 1 else ""
    return (
        f"{pair.track}, {pair.polarisation}: both cover {pair.coverage:.0%} of the area{joined}, "
        f"{pair.temporal_baseline_days:.1f} days apart, secondary {delay:.1f} days after the {event.noun}; {among}"
    )


def _no_option(scene: Scene, members: list[Seen], options: list[Option]) -> str:
    """Say why a scene is in no usable combination."""
    mine = [option for option in options if option.uses(scene)]
    if mine:
        most = max(option.coverage for option in mine)
        return f"covers too little: with its best partner {most:.0%} of the area, and not the epicentre"
    polarised = [other for other, _ in members if set(other.polarisations) & set(scene.polarisations)]
    if scene.burst and any(_opposite(scene, other, members) for other in polarised):
        return f"no partner: burst {scene.burst} is not on the other side of the earthquake"
    kinds = " and ".join(sorted({"+".join(other.polarisations) for other, _ in members}))
    if options:
        return f"no common polarisation: {'+'.join(scene.polarisations)} is alone on {track_name(scene)}"
    return f"no common polarisation: {kinds} on {track_name(scene)}"


def _opposite(scene: Scene, other: Scene, members: list[Seen]) -> bool:
    """Tell whether two scenes are of different data takes."""
    return other is not scene and abs(other.start - scene.start) > pd.Timedelta(minutes=30) and len(members) > 1


def _why_not(scene: Scene, members: list[Seen], options: list[Option], usable: list[Option], best: Option) -> str:
    """Compare the best a scene could do with the pair that was chosen, stage by stage."""
    mine = [option for option in usable if option.uses(scene)]
    if not mine:
        return _no_option(scene, members, options)
    if best.uses(scene):
        return "not needed: the slices beside it cover the area without it"
    before = usable
    for stage, left in zip(STAGES, stages(usable), strict=True):
        still = [option for option in mine if option in left]
        if not still:
            return stage.why(mine, before, best)
        mine, before = still, left
    option = min(mine, key=lambda option: option.last)
    if option.polarisation != best.polarisation and option.secondary.start == best.secondary.start:
        return f"not the best: {option.polarisation} of the same ground, the chosen one {best.polarisation}"
    return "not the best: a pair with it is no shorter and its secondary is later"


def _metres(option: Option) -> str:
    if math.isnan(option.baseline_m):
        return "an unknown perpendicular baseline"
    return f"a perpendicular baseline of {abs(option.baseline_m):.0f} m"


def track_name(scene: Scene) -> str:
    """Name a viewing geometry."""
    kind = "bursts" if scene.level == "BURST" else ""
    return " ".join(filter(None, (f"track {scene.track} {scene.direction} {scene.mode}", kind)))
