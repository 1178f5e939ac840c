"""How much of the ground looks the same on two days: coherence after a time, and the share of land that keeps it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from epi.errors import ParameterError

LEAST_COHERENCE, COHERENCE_SPREAD = 0.25, 0.15
"""A pixel below the one is left out; about a pair's median the coherence of the land scatters by the other."""

Floats = NDArray[np.float64]


class Decay(NamedTuple):
    """Coherence of one kind of land: at once, after very long, and the time in between, days."""

    at_once: float
    at_last: float
    days: float


LAND = {
    "bare": Decay(0.90, 0.50, 200.0),
    "urban": Decay(0.80, 0.50, 300.0),
    "dry grass": Decay(0.80, 0.25, 60.0),
    "crops": Decay(0.60, 0.10, 20.0),
    "forest": Decay(0.45, 0.08, 8.0),
    "snow": Decay(0.35, 0.05, 5.0),
}
"""Round numbers for C band, to be replaced where better is known: the form is measured, the numbers are this book's."""


def coherence_after(days: ArrayLike, *, land: str | Decay) -> Floats:
    """Coherence that is left of a kind of land after some days: an exponential decay to a floor.

    Parameters
    ----------
    days : between the two images, 0 or more, any shape; NaN stays NaN.
    land : a key of `LAND`, or a decay of one's own.

    Raises
    ------
    ParameterError : another land, or days below 0.

    References
    ----------
    Rocca (2007), IEEE Trans. Geosci. Remote Sens. 45(10), for the exponential; Kellndorfer et al. (2022), Sci. Data 9,
    for its fit, floor included, to the land of the whole Earth.
    """
    if isinstance(land, str) and land not in LAND:
        raise ParameterError(f"The land was given as {land!r}; choose {', '.join(LAND)}, or give a Decay.")
    time = np.asarray(days, np.float64)
    if (time < 0).any():
        raise ParameterError(f"{float(np.nanmin(time)):g} days between the images were given; give 0 or more.")
    at_once, at_last, constant = LAND[land] if isinstance(land, str) else land
    return np.asarray(at_last + (at_once - at_last) * np.exp(-time / constant))


def usable_share(coherence: ArrayLike) -> Floats:
    """Share of the land that is coherent enough to be used, in a pair of this median coherence.

    Raises
    ------
    ParameterError : a coherence outside 0 to 1.
    """
    median = np.asarray(coherence, np.float64)
    wrong = (median < 0) | (median > 1)
    if wrong.any():
        raise ParameterError(f"A coherence of {float(median[wrong].flat[0]):g} was given; it lies between 0 and 1.")
    return np.asarray(ndtr((median - LEAST_COHERENCE) / COHERENCE_SPREAD))
