"""The place that is looked at: fractal terrain, what covers it, and how the covers scatter."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from epi.simulate.backscatter.recipe import Backscatter
from epi.simulate.terrain import LAND, WATER_SIGMA0_DB

Floats = NDArray[np.float32]

COVERS = ("forest", "crops", "rock", "urban", "water")
FOREST, CROPS, ROCK, URBAN, WATER = range(5)
MEAN_DB = {
    "forest": (LAND["forest"].sigma0_db, -14.5),
    "crops": (LAND["crops"].sigma0_db, -18.0),
    "rock": (LAND["rock"].sigma0_db, -21.0),
    "urban": (-4.0, -12.0),
    "water": (WATER_SIGMA0_DB, -28.0),
}
"""Backscatter of the covers, dB, VV and VH: C band at middle incidence, VH 6 to 9 dB below VV, most so where there are
no leaves (Ulaby & Dobson 1989, rounded); built-up ground by its double bounce."""
COHERENCE = {"forest": 0.15, "crops": 0.3, "rock": 0.6, "urban": 0.6, "water": 0.0}
"""Of two images 12 days apart, C band, in round numbers: the more of it, the more their speckle is alike."""
NOISE_DB = -25.0
"""Backscatter that noise alone would show (Sentinel-1 specifies -22 dB or less; measured values are lower)."""
GENTLE_DEG = 12.0
"""Slope up to which ground is tilled and built on."""
DETAIL_DB = 0.7
"""Standard deviation of backscatter inside a cover, as in `epi.simulate.terrain`."""
_SLOPE, _SMALLEST_KM = -3.6, 0.2  # power spectrum of relief as in epi.simulate.terrain, smooth below 200 m


@dataclass(frozen=True)
class Place:
    """A patch of ground, each array (side, side), north at the top.

    Attributes
    ----------
    slope_deg : of the terrain.
    tilt_db : backscatter that the terrain adds for the slopes' angle to the radar.
    cover : number of `COVERS`.
    detail : what varies inside a cover, unit variance.
    field : number of the field (of crops) or block (of buildings) that a pixel belongs to.
    coherence : of two images without an earthquake between them.
    """

    slope_deg: Floats
    tilt_db: Floats
    cover: NDArray[np.int8]
    detail: Floats
    field: NDArray[np.int32]
    coherence: Floats


def smooth_noise(rng: np.random.Generator, side: int, length: float) -> Floats:
    """Normal noise of no mean and unit variance, smoothed.

    Parameters
    ----------
    rng : source of randomness.
    side : rows and columns.
    length : standard deviation of the Gaussian that smooths, pixels; at most a sixth of the side is taken.

    Returns
    -------
    (side, side), finite; it repeats at its edges.
    """
    white = fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    white[0, 0] = 0.0
    field = fft.irfft2(white * _smoothing(side, min(length, side / 6)), s=(side, side))
    return np.asarray(field / float(field.std()), dtype=np.float32)


def draw_place(recipe: Backscatter, rng: np.random.Generator) -> Place:
    """Draw the ground of a patch.

    Parameters
    ----------
    recipe : what is drawn.
    rng : source of randomness.

    Returns
    -------
    The place at full resolution, (recipe.side, recipe.side), finite everywhere.
    """
    side, posting = recipe.side, recipe.posting_m
    heights = _relief(rng, side, posting)
    south, east = np.gradient(heights, posting)
    steep = np.tan(np.radians(rng.uniform(*recipe.slope_deg))) / np.sqrt(np.mean(east**2 + south**2))
    heights, east, south = heights * steep, east * steep, south * steep
    water = heights < np.quantile(heights, _share(rng, recipe.lakes, recipe.lake_share))
    east[water], south[water] = 0.0, 0.0
    slope = np.degrees(np.arctan(np.hypot(east, south))).astype(np.float32)
    angle, look = np.radians(rng.uniform(*recipe.incidence_deg)), np.radians(rng.choice([80.0, 280.0]))
    facing = (east * np.sin(look) - south * np.cos(look)) * np.sin(angle) + np.cos(angle)
    cosine = np.clip(facing / np.sqrt(1 + east**2 + south**2), 0.1, 1.0)
    tilt = 10 * np.log10(cosine / np.cos(angle))
    cover = _covers(recipe, rng, slope, water)
    kept = np.array([COHERENCE[name] for name in COVERS], dtype=np.float32)[cover]
    return Place(
        slope,
        tilt.astype(np.float32),
        cover,
        smooth_noise(rng, side, 5.0),
        _fields(rng, side, posting),
        kept,
    )


def mean_db(place: Place) -> NDArray[np.float32]:
    """Backscatter of a place in its mean state.

    Parameters
    ----------
    place : its cover, its slopes' angle to the radar, and what varies inside a cover.

    Returns
    -------
    (2, side, side) dB, VV and VH, finite; water lies flat and has no detail.
    """
    by_cover = np.array([MEAN_DB[name] for name in COVERS], dtype=np.float32).T
    varied = np.where(place.cover == WATER, 0, place.tilt_db + DETAIL_DB * place.detail)
    return np.asarray(by_cover[:, place.cover] + varied, dtype=np.float32)


def _relief(rng: np.random.Generator, side: int, posting_m: float) -> NDArray[np.float64]:
    """Fractal heights of a square, twice as large so that they do not repeat at its edges."""
    full = 2 * side
    white = fft.rfft2(rng.standard_normal((full, full), dtype=np.float32))
    return np.asarray(fft.irfft2(white * _roughness(full, posting_m), s=(full, full))[:side, :side], dtype=float)


def _covers(recipe: Backscatter, rng: np.random.Generator, slope: Floats, water: NDArray[np.bool_]) -> NDArray[np.int8]:
    """Forest and rock anywhere, crops and towns where it is gentle, in areas of some hundred metres."""
    broad = smooth_noise(rng, recipe.side, 40.0)
    forest = rng.uniform(0.2, 0.8)
    cover = np.where(broad < np.quantile(broad, forest), FOREST, ROCK).astype(np.int8)
    gentle = (slope < GENTLE_DEG) & ~water
    tilled = smooth_noise(rng, recipe.side, 40.0)
    cover[gentle & (tilled < np.quantile(tilled, rng.uniform(0.2, 0.9)))] = CROPS
    built = smooth_noise(rng, recipe.side, 30.0)
    town = _share(rng, recipe.towns, recipe.town_share)
    cover[gentle & (built < np.quantile(built, town))] = URBAN
    cover[water] = WATER
    return cover


def _fields(rng: np.random.Generator, side: int, posting_m: float) -> NDArray[np.int32]:
    """Rectangles of 60 to 250 m, turned; every pixel has the number of its own."""
    turn, (wide, long) = rng.uniform(0, np.pi), rng.uniform(60, 250, 2) / posting_m
    row, column = np.mgrid[:side, :side].astype(np.float32)
    across = np.floor((np.cos(turn) * column + np.sin(turn) * row) / wide).astype(np.int32)
    along = np.floor((np.cos(turn) * row - np.sin(turn) * column + 3 * (across % 2)) / long).astype(np.int32)
    numbers = (across - across.min()) * (int(np.ptp(along)) + 1) + along - along.min()
    return np.asarray(numbers, dtype=np.int32)


def _share(rng: np.random.Generator, often: float, largest: float) -> float:
    """A share up to the largest in so many places, 0 in the others; two numbers are drawn in any case."""
    there, share = rng.uniform(size=2)
    return float(share * largest) if there < often else 0.0


@lru_cache(maxsize=32)
def _smoothing(side: int, length: float) -> Floats:
    """Spectrum of a Gaussian whose standard deviation is so many pixels."""
    return np.asarray(np.exp(-2 * (np.pi * length) ** 2 * _wavenumber(side) ** 2), dtype=np.float32)


@lru_cache(maxsize=4)
def _roughness(side: int, posting_m: float) -> Floats:
    """Spectrum of fractal relief, in amplitude."""
    k = _wavenumber(side) * 1000 / posting_m
    power = np.maximum(k, 1e-9) ** _SLOPE * np.exp(-((k * _SMALLEST_KM) ** 4))
    power[0, 0] = 0.0
    return np.asarray(np.sqrt(power), dtype=np.float32)


@lru_cache(maxsize=4)
def _wavenumber(side: int) -> NDArray[np.float64]:
    """Cycles a pixel of a real spectrum."""
    return np.asarray(np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]))
