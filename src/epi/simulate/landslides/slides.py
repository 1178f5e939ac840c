"""Landslides: how many, how large, where they start, where they come to rest, and how they move."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.special import gammaincc, gammainccinv

from epi.simulate.landslides import shapes
from epi.simulate.landslides.fields import PIXEL_M, Floats, broad, ranks
from epi.simulate.landslides.relief import Relief

if TYPE_CHECKING:
    from epi.simulate.landslides.mixture import Mixture, Setting

SIZE_EXPONENT, SIZE_SCALE_M2, SIZE_SHIFT_M2 = 1.40, 1280.0, -132.0
"""Of the inverse-gamma distribution of areas: most are near 400 m², and p(A) falls as A^-2.4 (Malamud et al. 2004)."""

ELONGATION, ELONGATION_SCATTER = 2.4, 0.35
"""Median of length over width and scatter of its logarithm, within the 1.2 to 15 of Taylor et al. (2018)."""
LEAST_ELONGATION, MOST_ELONGATION = 1.2, 10.0

SLOPE_WIDTH_DEG = 3.0  # over which ground goes from stable to failing
HOLLOW_WEIGHT = 0.8  # logarithm of the odds a standard deviation of concavity: hollows gather water and soil
ABOVE_RIVER_M = 40.0  # nearer to a river fewer slides start
UNEVEN = 1.0  # standard deviation of the logarithm of shaking or rain within the ground that had enough of it
ON_GROUND_SMOOTH_PX = 2.5  # a path follows ground without its finest relief


@dataclass(frozen=True)
class Slides:
    """The landslides of a scene.

    Attributes
    ----------
    table : a row a slide, indexed by its number from 1: ``row, column`` (crown), ``end_row, end_column`` (toe),
        ``area_m2``, ``slow`` (bool), ``motion_m`` (of slow ones, along the slope), ``keeps`` (share of the coherence
        that stays), ``change_db`` (of backscatter, its own part), ``east, north, up`` (direction of motion).
    share : (rows, columns) float32, part of each pixel that is covered.
    owner : int32, number of the slide that covers most of it, 0 for none.
    depth : float32, how far inside the outline, 0 to 1.
    mask : bool, half of the pixel or more, and the pixel of each crown.
    """

    table: pd.DataFrame
    share: Floats
    owner: NDArray[np.int32]
    depth: Floats
    mask: NDArray[np.bool_]


def draw_areas(count: int, limits_m2: tuple[float, float], rng: np.random.Generator) -> NDArray[np.float64]:
    """Areas of landslides, m², from the inverse-gamma distribution cut at both ends.

    Parameters
    ----------
    count : how many.
    limits_m2 : smallest and largest.
    rng : source of randomness.

    References
    ----------
    Malamud, Turcotte, Guzzetti & Reichenbach (2004), Earth Surf. Process. Landforms 29, equation 3.
    """
    gamma = [SIZE_SCALE_M2 / (area - SIZE_SHIFT_M2) for area in limits_m2]
    upper = gammaincc(SIZE_EXPONENT, gamma)
    drawn = gammainccinv(SIZE_EXPONENT, rng.uniform(upper[0], upper[1], count))
    return np.asarray(SIZE_SCALE_M2 / drawn + SIZE_SHIFT_M2)


def triggered(setting: "Setting", shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Relative strength of shaking or rain: 0 where there was not enough to make slopes fail, about 1 elsewhere.

    A stand-in: real shaking fades with distance from a fault and real rain follows storms; here pieces of ground of
    ``patch_km`` are hit, and the share that is hit is the setting's at every size of scene.
    """
    level = ranks(broad(shape, setting.patch_km, rng))
    inside = np.exp(UNEVEN * broad(shape, setting.patch_km / 2, rng))
    return np.where(level > 1 - setting.affected, inside, 0.0).astype(np.float32)


def susceptibility(relief: Relief, failing_deg: float) -> Floats:
    """Relative readiness of ground to fail: steep and hollow ground most, water never; 1 on steep, straight slopes."""
    steep = 1 / (1 + np.exp(-(relief.slope_deg - failing_deg) / SLOPE_WIDTH_DEG))
    off_floor = np.clip(relief.above_river_m / ABOVE_RIVER_M, 0.1, 1.0)
    ready = steep * off_floor * np.exp(HOLLOW_WEIGHT * np.clip(relief.concavity, -2.5, 2.5))
    return np.where(relief.water, 0.0, ready).astype(np.float32)


def draw_slides(recipe: "Mixture", setting: "Setting", relief: Relief, rng: np.random.Generator) -> Slides:
    """Draw the landslides of an event on its ground."""
    shape = relief.height.shape
    shaken = triggered(setting, shape, rng)
    km2 = (PIXEL_M / 1000) ** 2
    rapid, slow = (setting.density * km2 * share for share in (1 - setting.slow, setting.slow))
    gentle = setting.failing_deg - 8  # slow slides creep on gentler ground than that which breaks away
    parts = [
        _sites(rapid * shaken * susceptibility(relief, setting.failing_deg), rng, slow=False),
        _sites(
            slow * shaken * susceptibility(relief, gentle) * (relief.slope_deg < setting.failing_deg + 8),
            rng,
            slow=True,
        ),
    ]
    table = pd.concat(parts, ignore_index=True)
    table.index += 1
    least, most = recipe.least_px * PIXEL_M**2, recipe.largest_px * PIXEL_M**2
    is_slow = table["slow"].to_numpy()
    table["area_m2"] = np.where(
        is_slow,
        draw_areas(len(table), (max(setting.slow_least_m2, least), most), rng),
        draw_areas(len(table), (least, most), rng),
    )
    table["keeps"] = np.where(
        is_slow, rng.uniform(*recipe.slow_keeps, len(table)), rng.uniform(*recipe.rapid_keeps, len(table))
    )
    median, scatter = recipe.slow_m
    moved = np.clip(median * np.exp(scatter * rng.standard_normal(len(table))), 0.01, 0.5)
    table["motion_m"] = np.where(is_slow, moved, np.nan)
    table["change_db"] = np.where(is_slow, 0.3, 1.0) * rng.standard_normal(len(table))
    return lay_slides(table, relief, rng)


def lay_slides(table: pd.DataFrame, relief: Relief, rng: np.random.Generator) -> Slides:
    """Let slides run down from their crowns, and mark the ground they cover; later ones lie over earlier ones.

    Parameters
    ----------
    table : ``row, column, area_m2``, and whatever else is to be kept.
    relief : the ground.
    rng : source of randomness.
    """
    shape = relief.height.shape
    ground = gaussian_filter(relief.height, ON_GROUND_SMOOTH_PX)
    share, depth = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    owner = np.zeros(shape, np.int32)
    ratio = np.exp(np.log(ELONGATION) + ELONGATION_SCATTER * rng.standard_normal(len(table)))
    ratio = np.clip(ratio, LEAST_ELONGATION, MOST_ELONGATION)
    widening = rng.uniform(-0.35, 0.35, len(table))
    wobble = np.stack([rng.normal(0, 0.12, (len(table), 3)), rng.uniform(0, 2 * np.pi, (len(table), 3))], axis=-1)
    ends, fall = np.zeros((len(table), 2)), np.zeros(len(table))
    places = table[["row", "column"]].to_numpy(float)
    areas = table["area_m2"].to_numpy() / PIXEL_M**2
    for n, ((row, column), area) in enumerate(zip(places, areas, strict=True)):
        width = np.sqrt(area / (ratio[n] - 1 + np.pi / 4))  # a strip with round ends
        path = shapes.descend(ground, relief.water, row, column, width * (ratio[n] - 1), PIXEL_M)
        length = shapes.STEP * (len(path) - 1)
        width = min((np.sqrt(length**2 + np.pi * area) - length) * 2 / np.pi, max(length, 3.0) * 1.2)
        shapes.cover(path, width / 2, widening[n], wobble[n], n + 1, share, owner, depth)
        ends[n] = path[-1]
        top, toe = (tuple(np.clip(np.rint(path[at]).astype(int), 0, np.array(shape) - 1)) for at in (0, -1))
        fall[n] = ground[top] - ground[toe]
    mask = share >= 0.5
    crown = np.rint(places).astype(int)
    inside = tuple(np.clip(crown, 0, np.array(shape) - 1).T)
    mask[inside] = owner[inside] > 0
    run = np.hypot(*(ends - places).T) * PIXEL_M
    east, north = (ends - places)[:, 1] * PIXEL_M, -(ends - places)[:, 0] * PIXEL_M
    length = np.maximum(np.sqrt(run**2 + fall**2), 1e-6)
    made = table.assign(
        end_row=ends[:, 0], end_column=ends[:, 1], east=east / length, north=north / length, up=-fall / length
    )
    return Slides(made, share, owner, depth, mask)


def _sites(rate: NDArray[np.floating], rng: np.random.Generator, *, slow: bool) -> pd.DataFrame:
    """Crowns, by the number expected in each pixel."""
    expected = rate.sum(dtype=float)
    count = rng.poisson(expected)
    total = np.cumsum(rate.ravel(), dtype=float)
    chosen = np.searchsorted(total, rng.uniform(0, max(expected, 1e-12), count)).clip(max=rate.size - 1)
    place = np.stack(np.unravel_index(chosen, rate.shape), axis=1) + rng.uniform(-0.5, 0.5, (count, 2))
    return pd.DataFrame({"row": place[:, 0], "column": place[:, 1], "slow": np.full(count, slow)})
