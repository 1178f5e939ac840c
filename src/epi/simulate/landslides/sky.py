"""Phase that has nothing to do with slides: air, orbits, heights in error, and the earthquake itself."""

from typing import TYPE_CHECKING

import numpy as np

from epi.simulate.atmosphere import turbulence
from epi.simulate.landslides.fields import PIXEL_M, Floats, broad, stretch
from epi.simulate.landslides.radar import SLANT_RANGE_M
from epi.simulate.landslides.relief import Relief
from epi.source import okada

if TYPE_CHECKING:
    from epi.simulate.landslides.mixture import Setting

AIR_KM = 50.0  # over which the rms of the air is meant: a smaller scene sees the part of it that is short
COARSE = 4  # pixels between nodes at which the air and the earthquake are drawn
DEM_ERROR_M = 4.0  # rms of Copernicus's heights in mountains (Guth & Geoffroy 2021: 1.5 to 5)


def delay(setting: "Setting", relief: Relief, rng: np.random.Generator) -> Floats:
    """Delay of the air and of orbits in an interferogram, as metres of motion toward the satellite.

    Turbulence of `epi.simulate.atmosphere`, a part that follows height, and a plane.
    """
    shape = relief.height.shape
    nodes = (-(-shape[0] // COARSE) + 1, -(-shape[1] // COARSE) + 1)
    side_km = np.sqrt(shape[0] * shape[1]) * PIXEL_M / 1000
    rms = setting.air_m * min(side_km / AIR_KM, 1.0) ** (1 / 3)  # structure function of two-dimensional turbulence
    wild = stretch(turbulence(nodes, spacing_km=COARSE * PIXEL_M / 1000, rms=rms, rng=rng), shape, order=1)
    layered = setting.layered_m_km * (relief.height - relief.height.mean()) / 1000
    turn = rng.uniform(0, 2 * np.pi)
    rows, columns = (np.linspace(-1, 1, size, dtype=np.float32) for size in shape)
    plane = setting.ramp_m * (np.sin(turn) * rows[:, None] + np.cos(turn) * columns[None, :])
    return np.asarray(wild + layered + plane, np.float32)


def height_error_phase(setting: "Setting", relief: Relief, wavelength_m: float, rng: np.random.Generator) -> Floats:
    """Phase that errors of the terrain model leave, rad: they are larger on steep ground, and count by the baseline."""
    shape = relief.height.shape
    error = DEM_ERROR_M * np.clip(relief.slope_deg / 25, 0.2, 1.6) * broad(shape, 0.12, rng)
    per_metre = (
        4 * np.pi / wavelength_m * setting.baseline_m / (SLANT_RANGE_M * np.sin(np.deg2rad(setting.incidence_deg)))
    )
    return np.asarray(per_metre * error, np.float32)


def earthquake(
    setting: "Setting", shape: tuple[int, int], look: tuple[float, float, float], rng: np.random.Generator
) -> Floats:
    """Displacement of an earthquake along the line of sight, m toward the satellite; 0 for rain.

    One rectangle in an elastic half-space, within the scene or a little beside it; length and width follow from the
    magnitude (Wells & Coppersmith 1994, all mechanisms), slip from the moment with a rigidity of 30 GPa.

    Parameters
    ----------
    setting : magnitude.
    shape : rows and columns.
    look : east, north, up, in the middle of the scene.
    rng : source of randomness.
    """
    strike, dip, rake = rng.uniform(0, 360), rng.uniform(25, 85), rng.choice([-90.0, 0.0, 90.0, 180.0])
    top_km, off = rng.uniform(2.0, 9.0), rng.uniform(-0.7, 0.7, 2)
    if not setting.magnitude:
        return np.zeros(shape, np.float32)
    length, width = 10 ** (-2.44 + 0.59 * setting.magnitude), 10 ** (-1.01 + 0.32 * setting.magnitude)
    slip = 10 ** (1.5 * setting.magnitude + 9.05) / (3e10 * length * width * 1e6)
    half = [size * PIXEL_M / 2000 for size in shape]
    depth = top_km + width / 2 * np.sin(np.deg2rad(dip))
    geometry = [off[0] * half[1], off[1] * half[0], depth, strike, dip, length, width]
    motion = [slip * np.cos(np.deg2rad(rake)), slip * np.sin(np.deg2rad(rake)), 0.0]
    nodes = [max(size // (8 * COARSE), 8) for size in shape]
    north, east = np.meshgrid(
        np.linspace(half[0], -half[0], nodes[0]), np.linspace(-half[1], half[1], nodes[1]), indexing="ij"
    )
    moved = okada.displacement(east.ravel(), north.ravel(), np.array([geometry + motion]))[0].numpy()
    return stretch((moved @ np.array(look)).reshape(nodes), shape, order=3)
