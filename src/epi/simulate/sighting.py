"""Does an earthquake stand out of its interferogram? A judge that looks for patches unlike what surrounds them."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from epi.errors import EmptyScene, ParameterError
from epi.simulate.atmosphere import OUTER_SCALE_KM, power_spectrum
from epi.source.coherence import LEAST_COHERENCE

RADII_KM = (2.0, 3.2, 5.0, 8.0, 12.0)
"""Sizes of the patches looked for: standard deviations of the Gaussian that averages over them."""

_AROUND = 2.0  # the surroundings are that much wider
_COVERED = 0.3  # of a patch must hold data

Floats = NDArray[np.float64]


class Sighting(NamedTuple):
    """What stands out most: how many standard deviations of the air it is, its size and its place in the scene (km)."""

    score: float
    radius_km: float
    east_km: float
    north_km: float


def sighting(scene: xr.Dataset, *, air_m: float, outer_scale_km: float = OUTER_SCALE_KM) -> Sighting:
    """The patch of a scene that stands out most from its surroundings.

    A plane is taken off, pixels of low coherence are left out. Averages over patches of several sizes, less those over
    their surroundings, are divided by what the air alone would give at that size.

    Parameters
    ----------
    scene : a product on a map with ``los_displacement`` (m) and ``coherence``; NaN where there is no data.
    air_m : rms of the delay over the scene, m.
    outer_scale_km : of the delay's spectrum, as in `epi.simulate.atmosphere.turbulence`.

    Raises
    ------
    EmptyScene : no pixel that is coherent.
    ParameterError : air that is not positive.
    """
    if not air_m > 0:
        raise ParameterError(f"Air of {air_m} m was given; it must be greater than 0.")
    los = scene["los_displacement"].where(scene["coherence"] >= LEAST_COHERENCE).to_numpy().astype(np.float64)
    east, north = (scene[name].to_numpy() / 1000 for name in ("x", "y"))
    good = np.isfinite(los)
    if good.sum() < 3:
        raise EmptyScene(f"No pixel of the scene has a displacement and a coherence of {LEAST_COHERENCE} or more.")
    plane = np.column_stack([np.ones(los.size), *(part.ravel() for part in np.meshgrid(east, north))])
    los -= (plane @ np.linalg.lstsq(plane[good.ravel()], los[good], rcond=None)[0]).reshape(los.shape)
    spacing = float(abs(east[1] - east[0]))
    best = Sighting(0.0, RADII_KM[0], float(east.mean()), float(north.mean()))
    for radius in RADII_KM:
        expected = air_m * _of_air(min(los.shape), spacing, radius, outer_scale_km)
        score = np.nan_to_num(np.abs(_contrast(los, radius / spacing)) / expected)
        row, column = np.unravel_index(score.argmax(), score.shape)
        if score[row, column] > best.score:
            best = Sighting(float(score[row, column]), radius, float(east[column]), float(north[row]))
    return best


def _contrast(los: Floats, radius: float) -> Floats:
    """Average over a patch about each pixel less that over its surroundings; NaN where there is too little data."""
    good = np.isfinite(los)
    filled, weight = np.where(good, los, 0.0), good.astype(np.float64)
    means = []
    for width in (radius, _AROUND * radius):
        share = gaussian_filter(weight, width, mode="constant", truncate=3)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = gaussian_filter(filled, width, mode="constant", truncate=3) / share
        means.append(np.where(share >= _COVERED, mean, np.nan))
    return means[0] - means[1]


@lru_cache(maxsize=64)
def _of_air(pixels: int, spacing_km: float, radius_km: float, outer_scale_km: float) -> float:
    """Standard deviation of the contrast in air whose rms over the scene is 1."""
    count = 4 * pixels
    k = np.hypot(np.fft.fftfreq(count, spacing_km)[:, None], np.fft.fftfreq(count, spacing_km)[None])
    power = power_spectrum(k, outer_scale_km=outer_scale_km)
    inner, outer = (np.exp(-2 * (np.pi * k * width) ** 2) for width in (radius_km, _AROUND * radius_km))
    half = k * pixels * spacing_km  # waves much longer than the scene hardly count to its rms
    within = power * (1 - np.sinc(np.minimum(half, 50)) ** 2)
    return float(np.sqrt((power * (inner - outer) ** 2).sum() / within.sum()))
