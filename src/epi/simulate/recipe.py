"""The test of location: scenes drawn by a recipe written down, and frozen, before any method was fitted to it.

Seeds below 10,000 are for reporting and for nothing else; methods are developed and calibrated on seeds from 10,000 up.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from epi.simulate.rupture import Rupture, draw_rupture
from epi.simulate.scene import Conditions, Simulated, simulate_scene
from epi.source.size import scaling

MAGNITUDE = (5.8, 6.7)  # uniform
DEPTH_KM = (3.0, 15.0)  # of the rectangle's centre, uniform
DIP = (20.0, 90.0)  # uniform; strike and rake uniform over the circle
ATMOSPHERE_M = (0.003, 0.02)  # rms over the scene, log-uniform
PEAK_LOS_M = 0.03  # least displacement a scene must hold
SCATTER = 0.1  # log10 standard deviation of length and of width about the scaling relation
PLACE_KM = 20.0  # the centre lies within so much of the scene's, east and north, uniform
SIZE_KM, SPACING_M = 80.0, 400.0


class Draw(NamedTuple):
    """One line of the recipe: the rupture and the conditions it is seen under."""

    rupture: Rupture
    conditions: Conditions


def draw(seed: int) -> Draw:
    """Draw a rupture and its conditions; peak |LOS| is tested by `scene`.

    Parameters
    ----------
    seed : below 10,000 for reporting, from there for development.
    """
    return _draw(np.random.default_rng([seed, 7]))


def scene(seed: int) -> tuple[Simulated, Draw]:
    """The scene of a seed: the first draw whose largest |LOS| displacement reaches 3 cm where there is data.

    Parameters
    ----------
    seed : below 10,000 for reporting, from there for development.

    Returns
    -------
    The unwrapped, noisy scene with its truth, and what was drawn.
    """
    rng = np.random.default_rng([seed, 7])
    while True:
        drawn = _draw(rng)
        made = simulate_scene(
            drawn.rupture, drawn.conditions, seed=seed, size_km=SIZE_KM, spacing_m=SPACING_M, unwrapped=True
        )
        if float(np.abs(made.truth["los_displacement"].where(made.truth["valid"])).max()) >= PEAK_LOS_M:
            return made, drawn


def quiet_scene(seed: int) -> Simulated:
    """The scene of a seed without its earthquake: the same recipe for sky, ramp, coherence and holes."""
    conditions = draw(seed).conditions
    return simulate_scene(None, replace(conditions), seed=seed, size_km=SIZE_KM, spacing_m=SPACING_M, unwrapped=True)


def _draw(rng: np.random.Generator) -> Draw:
    """Draw until the rectangle fits under the ground."""
    while True:
        magnitude = rng.uniform(*MAGNITUDE)
        depth, dip = rng.uniform(*DEPTH_KM), rng.uniform(*DIP)
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
        atmosphere_m=float(np.exp(rng.uniform(*np.log(ATMOSPHERE_M)))),
        ramp_m=rng.uniform(0, 0.03),
        coherence=rng.uniform(0.4, 0.85),
        no_data=rng.uniform(0, 0.2),
    )
    return Draw(rupture, conditions)
