"""The tests of location: scenes drawn by recipes written down, and frozen, before any method was fitted to them.

Seeds below 10,000 are for reporting and for nothing else; methods are developed and calibrated on seeds from 10,000 up.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from epi.simulate.rupture import Rupture, draw_rupture
from epi.simulate.scene import Conditions, Simulated, simulate_scene
from epi.source.size import scaling

DIP = (20.0, 90.0)  # uniform; strike and rake uniform over the circle
SCATTER = 0.1  # log10 standard deviation of length and of width about the scaling relation
PLACE_KM = 20.0  # the centre lies within so much of the scene's, east and north, uniform
SIZE_KM, SPACING_M = 80.0, 400.0


@dataclass(frozen=True)
class Recipe:
    """What is drawn, and from where to where.

    Attributes
    ----------
    name : under which scores are kept.
    stream : makes the random numbers of each recipe its own.
    magnitude : uniform.
    depth_km : of the rectangle's centre, uniform.
    atmosphere_m : rms of the delay over the scene, log-uniform.
    stratified : largest share of the delay's variance that follows the terrain; the share is uniform from 0.
    peak_los_m : least displacement a scene must hold where there is data.
    """

    name: str
    stream: int
    magnitude: tuple[float, float]
    depth_km: tuple[float, float]
    atmosphere_m: tuple[float, float]
    stratified: float
    peak_los_m: float


LOCATION = Recipe("location", 7, (5.8, 6.7), (3.0, 15.0), (0.003, 0.02), 0.0, 0.03)
"""Earthquakes that can be seen in fair weather: the test of the physics alone."""
UNSEEN = Recipe("unseen", 8, (5.5, 7.0), (3.0, 20.0), (0.003, 0.04), 0.5, 0.0)
"""Earthquakes of all sizes, visible or not, in all weathers: the test of learning, and of learning beside physics."""
STORMY = replace(UNSEEN, name="stormy", stream=9, atmosphere_m=(0.04, 0.08))
"""The same under more air than any network was shown."""


class Draw(NamedTuple):
    """One line of the recipe: the rupture and the conditions it is seen under."""

    rupture: Rupture
    conditions: Conditions


def draw(seed: int, recipe: Recipe = LOCATION) -> Draw:
    """Draw a rupture and its conditions; peak |LOS| is tested by `scene`.

    Parameters
    ----------
    seed : below 10,000 for reporting, from there for development.
    recipe : what to draw from.
    """
    return _draw(np.random.default_rng([seed, recipe.stream]), recipe)


def scene(seed: int, recipe: Recipe = LOCATION) -> tuple[Simulated, Draw]:
    """The scene of a seed: the first draw whose largest |LOS| displacement is as large as the recipe asks.

    Parameters
    ----------
    seed : below 10,000 for reporting, from there for development.
    recipe : what to draw from.

    Returns
    -------
    The unwrapped, noisy scene with its truth, and what was drawn.
    """
    rng = np.random.default_rng([seed, recipe.stream])
    while True:
        drawn = _draw(rng, recipe)
        made = simulate_scene(
            drawn.rupture, drawn.conditions, seed=seed, size_km=SIZE_KM, spacing_m=SPACING_M, unwrapped=True
        )
        if peak_los(made) >= recipe.peak_los_m:
            return made, drawn


def quiet_scene(seed: int, recipe: Recipe = LOCATION) -> Simulated:
    """The scene of a seed without its earthquake: the same recipe for sky, ramp, coherence and holes."""
    conditions = draw(seed, recipe).conditions
    return simulate_scene(None, conditions, seed=seed, size_km=SIZE_KM, spacing_m=SPACING_M, unwrapped=True)


def peak_los(made: Simulated) -> float:
    """Largest |LOS| displacement of the earthquake itself where there is data, metres: what decides its visibility."""
    return float(np.abs(made.truth["los_displacement"].where(made.truth["valid"])).max())


def _draw(rng: np.random.Generator, recipe: Recipe) -> Draw:
    """Draw until the rectangle fits under the ground."""
    while True:
        magnitude = rng.uniform(*recipe.magnitude)
        depth, dip = rng.uniform(*recipe.depth_km), rng.uniform(*DIP)
        length, width, _ = map(float, scaling(magnitude))
        length, width = (size * 10 ** (SCATTER * rng.standard_normal()) for size in (length, width))
        if depth - width / 2 * np.sin(np.deg2rad(dip)) >= 0.2:
            break
    rupture = draw_rupture(
        magnitude=magnitude,
        east_km=rng.uniform(-PLACE_KM, PLACE_KM),
        north_km=rng.uniform(-PLACE_KM, PLACE_KM),
        depth_km=depth,
        strike=rng.uniform(0, 360),
        dip=dip,
        rake=rng.uniform(-180, 180),
        length_km=length,
        width_km=width,
        rng=rng,
    )
    conditions = Conditions(
        incidence_deg=rng.uniform(31, 45),
        heading_deg=float(rng.choice([-13.0, -167.0])) + rng.uniform(-3, 3),
        atmosphere_m=float(np.exp(rng.uniform(*np.log(recipe.atmosphere_m)))),
        ramp_m=rng.uniform(0, 0.03),
        coherence=rng.uniform(0.4, 0.85),
        no_data=rng.uniform(0, 0.2),
        stratified=rng.uniform(0, recipe.stratified) if recipe.stratified else 0.0,
    )
    return Draw(rupture, conditions)
