"""Would Sentinel-1 see an earthquake? From its catalogue row and the pair's noise, before anything is downloaded."""

from typing import Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from epi.errors import ParameterError
from epi.source.coherence import usable_share
from epi.source.motion import (
    SENTINEL1_LOOKS,
    UNKNOWN_MECHANISMS,
    affected_radius_km,
    known_mechanism,
    moved_radius_km,
    peak_los,
    peaks,
    signals,
    unknown_signals,
)
from epi.source.table import Table, check_sizes

__all__ = [
    "NOISE_M",
    "SENTINEL1_LOOKS",
    "UNKNOWN_MECHANISMS",
    "affected_radius_km",
    "detectability",
    "moved_radius_km",
    "peak_los",
    "probability",
    "signals",
    "visible",
]

NOISE_M = 0.01
"""Usual LOS noise of one interferogram over tens of kilometres, m rms: water vapour in the air (Hanssen 2001)."""

NOISE_KM = 80.0
"""Side of the square over which that noise is meant."""

PLAIN, FAINT = 3.0, 1.0
"""Peak LOS over noise from which an earthquake is plain, and from which it is faint; below that it is hidden."""

COHERENCE = 0.6
"""Coherence taken where nothing is known of the ground."""

GAIN, THRESHOLD = 0.8, 5.4
"""Of the judge of `epi.simulate.sighting`, in standard deviations of the air: its answer to a strength as large as the
air, and where it says yes, as it does in 2 of 100 scenes without an earthquake. From `data/detectability_check.csv`."""

AIR_SCATTER, SOURCE_SCATTER = 0.5, 0.3
"""Standard deviations of the logarithm of the air's rms from day to day, and of a signal's strength at a given
magnitude, depth and mechanism: faults are longer, shorter and rougher than the mean one."""

MAGNITUDE_ERROR, OTHER_MAGNITUDE_ERROR = 0.1, 0.3
"""Standard deviation of a catalogue's moment magnitude, and of another magnitude taken for one."""

DEPTH_ERROR, FIXED_DEPTH_ERROR = 0.35, 0.6
"""Standard deviation of the logarithm of a catalogue's depth, and of one that was put in (`FIXED_DEPTHS_KM`)."""

FIXED_DEPTHS_KM = (0.0, 5.0, 10.0, 33.0, 35.0)
"""Depths that a catalogue gives where the data cannot say."""


Passes = Literal["best", "mean", "ascending", "descending"]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(3)
_SCATTER_NODES, _SCATTER_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
_EXTENT_POWER = 1 / 3  # the rms difference of the delay between two points grows as their distance to this power
_BLOCK = 1024  # events whose probability is worked out together: about 10 MB

Floats = NDArray[np.float64]


def visible(peak_los_m: ArrayLike, *, noise_m: float = NOISE_M) -> NDArray[np.str_]:
    """Say whether a peak stands out of the noise of one interferogram.

    Parameters
    ----------
    peak_los_m : metres, any shape, as `peak_los` gives it.
    noise_m : rms of the LOS noise over tens of kilometres, m.

    Returns
    -------
    "plain" (at least 3 times the noise), "faint" (at least the noise), "hidden", or "unknown" for NaN.

    Raises
    ------
    ParameterError : noise that is not positive.
    """
    _check_noise(noise_m)
    ratio = np.asarray(peak_los_m, dtype=np.float64) / noise_m
    return np.select([np.isnan(ratio), ratio >= PLAIN, ratio >= FAINT], ["unknown", "plain", "faint"], "hidden")


def probability(
    magnitude: ArrayLike,
    depth_km: ArrayLike,
    *,
    strike: ArrayLike = np.nan,
    dip: ArrayLike = np.nan,
    rake: ArrayLike = np.nan,
    air_m: ArrayLike = NOISE_M,
    coherence: ArrayLike = COHERENCE,
    magnitude_error: ArrayLike = MAGNITUDE_ERROR,
    depth_error: ArrayLike = DEPTH_ERROR,
    passes: Passes = "best",
) -> Floats:
    """Probability that an earthquake stands out of one interferogram.

    Its peak LOS displacement is held against the noise of the air *at the size of the signal*: the wider the ground
    that moves, the more the air differs across it. What the catalogue leaves open (mechanism, errors of magnitude and
    depth, the fault's own ways, the weather of two days) is averaged over. Pixels without coherence count as lost.

    Parameters
    ----------
    magnitude, depth_km : any shapes that broadcast, all parameters included; moment magnitude, depth positive down.
    strike, dip, rake : degrees; unknown (NaN) unless all three are given: then the mean over ``UNKNOWN_MECHANISMS``.
    air_m : expected rms of the LOS delay over 80 km, m.
    coherence : median coherence of the land, as `epi.source.coherence.coherence_after` gives it.
    magnitude_error : standard deviation.
    depth_error : standard deviation of the depth's natural logarithm.
    passes : "ascending" or "descending"; "best" of the two, or the "mean" of both, for a pass that is not chosen.

    Returns
    -------
    0 to 1, of the common shape; NaN where magnitude or depth is NaN.

    Raises
    ------
    ParameterError : air that is not positive, errors below 0, passes of another name; otherwise as in `peak_los` and
        `usable_share`.

    References
    ----------
    Hanssen (2001), Radar Interferometry, section 4.7: the delay's difference grows as distance to the power 1/3.
    """
    if passes not in get_args(Passes):
        raise ParameterError(f"The passes were asked as {passes!r}; choose {', '.join(get_args(Passes))}.")
    given = (magnitude, depth_km, strike, dip, rake, magnitude_error, depth_error, air_m, coherence)
    columns = np.broadcast_arrays(*given)
    shape = columns[0].shape
    table = np.array(columns, dtype=np.float64).reshape(len(given), -1)
    check_sizes(table[0], table[1])
    _check_noise(table[7], table[5:7])
    found = np.full(table.shape[1], np.nan)
    known = known_mechanism(table[:5])
    stands_out = np.sqrt(usable_share(table[8])) / table[7]
    for rows in (np.flatnonzero(known), np.flatnonzero(~known)):
        for first in range(0, len(rows), _BLOCK):
            block = rows[first : first + _BLOCK]
            found[block] = _probability(table[:7, block], stands_out[block], passes)
    return np.where(np.isnan(table[0] + table[1]), np.nan, found).reshape(shape)


def detectability(
    events: pd.DataFrame, *, noise_m: float = NOISE_M, coherence: float = COHERENCE, passes: Passes = "best"
) -> pd.DataFrame:
    """What one interferogram would show of every event of a catalogue.

    Parameters
    ----------
    events : columns magnitude and depth_km and, where known, magnitude_type and strike, dip and rake (NaN unknown). A
        magnitude that is no moment magnitude, and a depth that was put in, count as less certain.
    noise_m : expected rms of the LOS noise of the air over 80 km, m.
    coherence : median coherence of the land.
    passes : as in `probability`; of the other columns none depends on it.

    Returns
    -------
    A frame with the index of ``events``: peak_los_m (mean over mechanisms where unknown), peak_los_max_m (the most
    favourable one), visible (as `visible` says of the first), extent_km (`moved_radius_km`) and probability.

    Raises
    ------
    ParameterError : a column is missing; otherwise as in `probability`.
    """
    missing = [name for name in ("magnitude", "depth_km") if name not in events]
    if missing:
        raise ParameterError(
            f"The catalogue has no column {' or '.join(missing)} ({', '.join(map(str, events))}); add it."
        )
    unknown = pd.Series(np.nan, index=events.index)
    names = ("magnitude", "depth_km", "strike", "dip", "rake")
    columns = np.array([events.get(name, unknown) for name in names], np.float64)
    mean, largest = peaks(columns)
    scale = events.get("magnitude_type", pd.Series("mw", index=events.index)).astype(str).str.lower()
    chance = probability(
        *columns[:2],
        **dict(zip(names[2:], columns[2:], strict=True)),
        air_m=noise_m,
        coherence=coherence,
        passes=passes,
        magnitude_error=np.where(scale.str.startswith("mw"), MAGNITUDE_ERROR, OTHER_MAGNITUDE_ERROR),
        depth_error=np.where(np.isin(columns[1], FIXED_DEPTHS_KM), FIXED_DEPTH_ERROR, DEPTH_ERROR),
    )
    found = {
        "peak_los_m": mean,
        "peak_los_max_m": largest,
        "visible": visible(mean, noise_m=noise_m),
        "extent_km": moved_radius_km(*columns[:2]),
        "probability": chance,
    }
    return pd.DataFrame(found, index=events.index)


def _check_noise(noise_m: ArrayLike, errors: ArrayLike = 0.0) -> None:
    """Refuse noise that is not positive and errors below 0."""
    noise = np.asarray(noise_m, np.float64)
    if not (noise > 0).all():
        raise ParameterError(f"A noise of {noise.min():g} m was given; it must be greater than 0 (usual: {NOISE_M}).")
    if not (np.asarray(errors) >= 0).all():
        raise ParameterError("An error of magnitude or depth below 0 was given; give standard deviations, 0 for none.")


def _probability(columns: Floats, stands_out: Floats, passes: Passes) -> Floats:
    """Mean probability over what is open: errors in magnitude and depth, mechanism, scatter; columns (7, events)."""
    magnitude, depth, strike, dip, rake, of_magnitude, of_depth = columns
    weight = _WEIGHTS / _WEIGHTS.sum()
    total = np.zeros_like(magnitude)
    for node, share in zip(_NODES, weight, strict=True):
        for deeper, part in zip(_NODES, weight, strict=True):
            size, below = magnitude + node * of_magnitude, np.maximum(depth, 1.0) * np.exp(deeper * of_depth)
            if np.isfinite(strike + dip + rake).all():
                strength = _strength(*signals(size, below, strike, dip, rake))
            else:
                strength = np.exp(_UNKNOWN(size, below))
            ratio = GAIN * strength * stands_out[:, None, None]
            chance = _over_scatter(_of_passes(ratio, passes))
            total += share * part * chance.mean(axis=(1, 2))
    return np.asarray(total)


def _of_passes(ratio: Floats, passes: Passes) -> Floats:
    """Keep what is asked of (events, mechanisms, passes), whose passes are in the order of ``SENTINEL1_LOOKS``."""
    if passes == "mean":
        return ratio
    if passes == "best":
        return np.asarray(ratio.max(axis=2, keepdims=True))
    return ratio[:, :, :1] if passes == "ascending" else ratio[:, :, 1:]


def _over_scatter(ratio: Floats) -> Floats:
    """Probability to pass the threshold at a median signal over noise, which scatters by the air and by the source."""
    spread = np.hypot(AIR_SCATTER, SOURCE_SCATTER)
    cases = zip(_SCATTER_NODES, _SCATTER_WEIGHTS / _SCATTER_WEIGHTS.sum(), strict=True)
    return np.asarray(sum(weight * ndtr(ratio * np.exp(node * spread) - THRESHOLD) for node, weight in cases))


def _strength(peak: Floats, radius: Floats) -> Floats:
    """Peak LOS (m) that would stand out as much if its ground were as wide as the square the noise is meant over."""
    return np.asarray(peak * (NOISE_KM / np.maximum(radius, 0.1)) ** _EXTENT_POWER)


def _unknown_strength(magnitude: Floats, depth: Floats) -> Floats:
    """Logarithm of the strength of each mechanism that an unknown one stands for: (events, mechanisms, passes)."""
    return np.asarray(np.log(_strength(*unknown_signals(magnitude, depth))))


_UNKNOWN = Table(_unknown_strength)
