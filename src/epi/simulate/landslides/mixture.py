"""What simulated landslides are drawn from: regions, their events, and recipes of both.

The recipes themselves are in `epi.simulate.landslides.regions`.
"""

from dataclasses import dataclass, field, fields
from typing import Literal

import numpy as np

from epi.errors import ParameterError

Range = tuple[float, float]
Trigger = Literal["earthquake", "rain"]


@dataclass(frozen=True)
class Region:
    """Climate, ground and landslides of one part of the (invented) world; pairs are ranges that events are drawn from.

    Attributes
    ----------
    name : of the region.
    events : how many of the data set lie there.
    epsg : of its UTM zone.
    corner_m : easting and northing of the north-west corner of its first event.
    steepness : of channels, m^0.9 (Whipple & Tucker 1999; Kirby & Whipple 2012: 20 to 50 in hills, 100 to 400 where
        mountains rise).
    repose_deg : steepest hillsides on the average.
    rise_m : of rivers from one side of the scene to the other, at most.
    floor_m : thickness of the fill of valleys.
    base_m : height of the lowest ground.
    sea : largest share of the scene under the sea.
    treeline_m, snowline_m : heights above which no forest grows and snow may lie.
    forest, crops, bare : shares of the ground that could carry them.
    dry : factor on the coherence that each land keeps; below 1 in wet weather.
    days : between the two images, any of these.
    trigger : what sets the slides off.
    failing_deg : slope at which half of the ground that is shaken or soaked enough may fail.
    density : slides of two pixels or more a km² of such ground, log-uniform.
    affected : share of the scene shaken or soaked enough.
    patch_km : size of the pieces of ground that are.
    slow : share of the slides that move without breaking up.
    slow_least_m2 : area of the smallest of those.
    confusers : of each kind a km² of the ground where it can be, times this.
    """

    name: str
    events: int
    epsg: int
    corner_m: tuple[float, float]
    steepness: Range
    rise_m: float
    repose_deg: Range
    floor_m: Range
    base_m: Range
    sea: float
    treeline_m: float
    snowline_m: float
    forest: float
    crops: float
    bare: float
    dry: Range
    days: tuple[int, ...]
    trigger: Trigger
    failing_deg: float
    density: Range
    affected: Range
    patch_km: Range
    slow: float
    slow_least_m2: float = 2e4
    confusers: Range = (0.5, 1.5)


@dataclass(frozen=True)
class Mapping:
    """How a person draws an inventory.

    Attributes
    ----------
    missed : share of the slides of no size that are missed.
    missed_px : size at which that share is 1/e of it, pixels.
    least_m2 : no smaller polygon is kept.
    shift_px : largest shift of the whole inventory, pixels.
    scatter_px : standard deviation of each polygon's own shift.
    generalise_m : tolerance of outlines.
    bridge_m : neighbours nearer than twice this are drawn as one.
    """

    missed: float = 0.6
    missed_px: float = 8.0
    least_m2: float = 1800.0
    shift_px: float = 1.5
    scatter_px: float = 0.35
    generalise_m: float = 15.0
    bridge_m: float = 12.0


@dataclass(frozen=True)
class Setting:
    """One event, drawn: what `Region` says, as numbers; and what the radar did.

    Attributes
    ----------
    region, epsg, corner_m, rise_m, trigger, treeline_m, snowline_m, forest, crops, bare, failing_deg, slow,
    slow_least_m2 : as in `Region`.
    steepness, repose_deg, floor_m, base_m, sea, dry, days, density, affected, patch_km, confusers : drawn from it.
    heading_deg, incidence_deg : of the flight, and in the middle of the scene.
    baseline_m : perpendicular.
    looks : independent samples a pixel.
    air_m : rms of the turbulent delay over 50 km.
    layered_m_km : delay a km of height.
    ramp_m : of orbits and ocean tides over the scene.
    magnitude : of the earthquake; 0 for rain.
    goldstein : exponent of the filter of the fringes.
    outside : share of the scene beyond the swath.
    date : day of the trigger, days after 2018-01-01.
    """

    region: str
    epsg: int
    corner_m: tuple[float, float]
    rise_m: float
    trigger: Trigger
    treeline_m: float
    snowline_m: float
    forest: float
    crops: float
    bare: float
    failing_deg: float
    slow: float
    slow_least_m2: float
    steepness: float
    repose_deg: float
    floor_m: float
    base_m: float
    sea: float
    dry: float
    days: int
    density: float
    affected: float
    patch_km: float
    confusers: float
    heading_deg: float
    incidence_deg: float
    baseline_m: float
    looks: float
    air_m: float
    layered_m_km: float
    ramp_m: float
    magnitude: float
    goldstein: float
    outside: float
    date: int


@dataclass(frozen=True)
class Mixture:
    """A data set, or an endless stream, of events.

    Attributes
    ----------
    name : of the recipe.
    stream : makes the random numbers of each recipe its own.
    regions : with their events, in order; an endless recipe draws one of them for each event.
    endless : whether event numbers have no end.
    looks, incidence_deg, baseline_m, air_m, layered_m_km, ramp_m : from where to where, uniform (air: log-uniform;
        baseline: standard deviation, and largest).
    magnitude : of earthquakes.
    goldstein : of the filter of fringes.
    least_px, largest_px : truncation of the sizes of slides, in pixels of 30 m.
    rapid_keeps : coherence that a slide which broke up keeps, as a share of what was there.
    slow_keeps : the same of those that moved as a whole.
    slow_m : motion of those, median and standard deviation of its logarithm.
    sides_db : mean change of backscatter of bared ground that faces the radar and that faces away.
    mapping : how its inventories are drawn.
    rows, columns : of an event.
    """

    name: str
    stream: int
    regions: tuple[Region, ...]
    endless: bool = False
    looks: Range = (7.0, 14.0)
    incidence_deg: Range = (32.0, 44.0)
    baseline_m: Range = (60.0, 160.0)
    air_m: Range = (0.004, 0.018)
    layered_m_km: Range = (-0.015, 0.015)
    ramp_m: float = 0.02
    magnitude: Range = (5.4, 7.0)
    goldstein: float = 0.6
    least_px: float = 2.0
    largest_px: float = 4500.0
    rapid_keeps: Range = (0.0, 0.35)
    slow_keeps: Range = (0.5, 0.95)
    slow_m: Range = (0.04, 0.7)
    sides_db: Range = (1.0, -1.5)
    mapping: Mapping = field(default_factory=Mapping)
    rows: int = 1792
    columns: int = 2048

    def __post_init__(self) -> None:
        for name in ("looks", "incidence_deg", "air_m", "rapid_keeps", "slow_keeps"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise ParameterError(f"{name} from {low:g} to {high:g}: give two numbers, the smaller first.")
        if self.looks[0] < 2 or self.air_m[0] <= 0:
            raise ParameterError(f"looks from {self.looks[0]:g}, air_m from {self.air_m[0]:g}: give 2 and more than 0.")
        if not 1 <= self.least_px < self.largest_px:
            raise ParameterError(
                f"Sizes from {self.least_px:g} to {self.largest_px:g} pixels: give 1 or more, the smaller first."
            )
        if not self.regions:
            raise ParameterError(f"The recipe {self.name} has no region: give one or more.")

    @property
    def events(self) -> int | None:
        """Number of events; None for an endless recipe."""
        return None if self.endless else sum(region.events for region in self.regions)


def draw_setting(recipe: Mixture, rng: np.random.Generator, number: int) -> Setting:
    """Draw one event of a recipe.

    Raises
    ------
    ParameterError : a number below 0, or beyond the recipe's last event.
    """
    region, place = _region(recipe, rng, number)
    log = {name: float(np.exp(rng.uniform(*np.log(getattr(region, name))))) for name in ("steepness", "density")}
    even = {
        name: float(rng.uniform(*getattr(region, name)))
        for name in ("repose_deg", "floor_m", "base_m", "dry", "affected", "patch_km", "confusers")
    }
    same = {each.name: getattr(region, each.name) for each in fields(Region)}
    kept = {each.name: same[each.name] for each in fields(Setting) if each.name in same} | log | even
    east, north = region.corner_m
    ascending = rng.random() < 0.5
    spread, most = recipe.baseline_m
    days = int(rng.choice(region.days))
    return Setting(
        **kept
        | {
            "region": region.name,
            "corner_m": (east + 70e3 * (place % 3), north - 60e3 * (place // 3 % 50)),
            "sea": float(rng.uniform(0.3, 1.0) * region.sea),
            "days": days,
            "heading_deg": float((-13.0 if ascending else -167.0) + rng.uniform(-2, 2)),
            "incidence_deg": float(rng.uniform(*recipe.incidence_deg)),
            "baseline_m": float(np.clip(spread * rng.standard_normal(), -most, most)),
            "looks": float(rng.uniform(*recipe.looks)),
            "air_m": float(np.exp(rng.uniform(*np.log(recipe.air_m)))),
            "layered_m_km": float(rng.uniform(*recipe.layered_m_km)),
            "ramp_m": float(recipe.ramp_m * rng.random()),
            "magnitude": float(rng.uniform(*recipe.magnitude)) if region.trigger == "earthquake" else 0.0,
            "goldstein": recipe.goldstein,
            "outside": float(rng.uniform(0.02, 0.15)) if rng.random() < 0.25 else 0.0,
            "date": int(rng.integers(0, 2400)),
        }
    )


def _region(recipe: Mixture, rng: np.random.Generator, number: int) -> tuple[Region, int]:
    """Region of an event, and its number within."""
    last = recipe.events
    if number < 0 or (last is not None and number >= last):
        asked = f"Event {number} of {recipe.name}"
        raise ParameterError(f"{asked}: give 0 or more." if last is None else f"{asked}: give 0 to {last - 1}.")
    if last is None:
        return recipe.regions[int(rng.integers(len(recipe.regions)))], number
    place = number
    for region in recipe.regions:
        if place < region.events:
            return region, place
        place -= region.events
    raise AssertionError(number)
