"""Speckle: gamma-distributed, of so many looks, alike between neighbours and, where ground stays as it was, dates."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.stats import gamma, norm

Floats = NDArray[np.float32]
_LARGEST, _STEPS = 5.5, 2000  # of the table: normal noise beyond is cut off, between it steps by 1/2000


def correlated_normal(rng: np.random.Generator, side: int, spread: float) -> Floats:
    """Normal noise of unit variance whose neighbours are alike.

    Parameters
    ----------
    rng : source of randomness.
    side : rows and columns.
    spread : weight of each neighbour beside a pixel's own 1, in rows and in columns. 0.3 makes neighbours correlate by
        0.51 and the next but one by 0.08.

    Returns
    -------
    (side, side), finite.
    """
    kernel = np.array([spread, 1.0, spread]) / np.sqrt(1 + 2 * spread**2)
    white = rng.standard_normal((side, side), dtype=np.float32)
    return np.asarray(correlate1d(correlate1d(white, kernel, axis=0, mode="wrap"), kernel, axis=1, mode="wrap"))


def speckle(normal: Floats, looks: float) -> Floats:
    """Turn normal noise into factors of power, gamma-distributed with mean 1 and variance 1/looks.

    Parameters
    ----------
    normal : unit variance, any shape.
    looks : equivalent number of looks; need not be whole.

    Returns
    -------
    The same shape, positive; NaN has no place in a table, so there must be none.

    References
    ----------
    Oliver & Quegan (2004), Understanding Synthetic Aperture Radar Images, section 4.3 (multilooked intensity).
    """
    place = (np.clip(normal, -_LARGEST, _LARGEST) + np.float32(_LARGEST)) * np.float32(_STEPS)
    return _quantiles(looks)[place.astype(np.int32)]


def equivalent_looks(power: NDArray[np.floating]) -> float:
    """Equivalent number of looks of uniform ground: squared mean over variance.

    Parameters
    ----------
    power : linear, any shape; one NaN makes the answer NaN.
    """
    return float(power.mean() ** 2 / power.var())


@lru_cache(maxsize=8)
def _quantiles(looks: float) -> Floats:
    """Factors of power at the table's values of normal noise, through the distribution functions of both."""
    at = np.arange(2 * _LARGEST * _STEPS + 1) / _STEPS - _LARGEST
    return np.asarray(gamma.ppf(norm.cdf(at), looks, scale=1 / looks), dtype=np.float32)
