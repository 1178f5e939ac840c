"""What Sentinel-1 would see of an earthquake, from its catalogue row alone, before anything is downloaded."""

from itertools import product
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from epi.errors import ParameterError
from epi.source.size import scaling

NOISE_M = 0.01
"""Usual LOS noise of one interferogram over tens of kilometres, m rms: water vapour in the air (Hanssen 2001)."""

PLAIN, FAINT = 3.0, 1.0
"""Peak LOS over noise from which an earthquake is plain, and from which it is faint; below that it is hidden."""

SENTINEL1_LOOKS = ((39.0, -13.0), (39.0, -167.0))
"""Incidence angle and heading in degrees of the ascending and the descending pass: middle values of Sentinel-1."""

UNKNOWN_MECHANISMS = ((90.0, 0.0), (30.0, 90.0), (60.0, -90.0))
"""Dip and rake that stand for an unknown mechanism: strike slip, thrust and normal, each at eight strikes."""

_STRIKES = np.arange(0.0, 360.0, 45.0)
_BLOCK = 256  # events worked on together: about 10 MB
_STEPS = (np.arange(20) - 9.5) / 10
_POINTS = np.array(list(product(_STEPS * np.abs(_STEPS), repeat=2))).T  # denser toward the fault, none above its axis


def peak_los(
    magnitude: ArrayLike,
    depth_km: ArrayLike,
    *,
    strike: ArrayLike = np.nan,
    dip: ArrayLike = np.nan,
    rake: ArrayLike = np.nan,
    over: Literal["mean", "max"] = "mean",
) -> NDArray[np.float64]:
    """Largest LOS displacement that Sentinel-1 would see of an earthquake, in the better of its two passes.

    One rectangle of uniform slip, of the length, width and slip that `scaling` gives the magnitude, is centred at the
    depth (lower where it would stick out of the ground) in an elastic half-space. A catalogue's depth, its magnitude
    where that is not Mw, and a fault unlike the mean make this good to a factor of two or so.

    Parameters
    ----------
    magnitude, depth_km : any shapes that broadcast; depth positive down.
    strike, dip, rake : degrees, as Aki & Richards; unknown (NaN) unless all three are given.
    over : where the mechanism is unknown, the "mean" or the "max" over ``UNKNOWN_MECHANISMS`` at eight strikes.

    Returns
    -------
    Metres, positive whatever the sign of the motion, of the common shape; NaN where magnitude or depth is NaN.

    Raises
    ------
    ParameterError : ``over`` is neither "mean" nor "max", or a dip is outside 0-90 degrees.

    References
    ----------
    Okada (1985), Bull. Seism. Soc. Am. 75(4); Leonard (2010), Bull. Seism. Soc. Am. 100(5A).
    """
    if over not in ("mean", "max"):
        raise ParameterError(f"The peak over unknown mechanisms was asked as {over!r}; choose mean or max.")
    columns = np.broadcast_arrays(magnitude, depth_km, strike, dip, rake)
    mean, largest = _mean_and_max(np.array(columns, dtype=np.float64).reshape(5, -1))
    return (mean if over == "mean" else largest).reshape(columns[0].shape)


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
    if not noise_m > 0:
        raise ParameterError(f"A noise of {noise_m} m was given; it must be greater than 0 (usual: {NOISE_M}).")
    ratio = np.asarray(peak_los_m, dtype=np.float64) / noise_m
    return np.select([np.isnan(ratio), ratio >= PLAIN, ratio >= FAINT], ["unknown", "plain", "faint"], "hidden")


def detectability(events: pd.DataFrame, *, noise_m: float = NOISE_M) -> pd.DataFrame:
    """Peak LOS and verdict of every event of a catalogue.

    Parameters
    ----------
    events : columns magnitude and depth_km and, where known, strike, dip and rake (NaN unknown).
    noise_m : as in `visible`.

    Returns
    -------
    A frame with the index of ``events``: peak_los_m (mean over mechanisms where unknown), peak_los_max_m (the most
    favourable one) and visible.

    Raises
    ------
    ParameterError : a column is missing, or a dip is outside 0-90 degrees.
    """
    missing = [name for name in ("magnitude", "depth_km") if name not in events]
    if missing:
        raise ParameterError(
            f"The catalogue has no column {' or '.join(missing)} ({', '.join(map(str, events))}); add it."
        )
    unknown = pd.Series(np.nan, index=events.index)
    columns = [events.get(name, unknown) for name in ("magnitude", "depth_km", "strike", "dip", "rake")]
    mean, largest = _mean_and_max(np.array(columns, np.float64))
    found = {"peak_los_m": mean, "peak_los_max_m": largest, "visible": visible(mean, noise_m=noise_m)}
    return pd.DataFrame(found, index=events.index)


def _mean_and_max(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and largest peak LOS over the mechanisms each event may have; columns as in `peak_los`, (5, events)."""
    magnitude, depth, strike, dip, rake = columns
    wrong = (dip < 0) | (dip > 90)
    if wrong.any():
        row = int(wrong.argmax())
        raise ParameterError(f"Event {row}: dip {dip[row]:g} is outside 0-90 degrees; turn the strike by 180 instead.")
    known = np.isfinite(strike + dip + rake)
    mean, largest = np.empty_like(magnitude), np.empty_like(magnitude)
    peak = _peaks(magnitude[known], depth[known], dip[known], rake[known], strike[known, None])[:, 0]
    mean[known], largest[known] = peak, peak
    size = magnitude[~known], depth[~known]
    like = np.ones_like(size[0])
    cases = [_peaks(*size, dip_ * like, rake_ * like, _STRIKES[None]) for dip_, rake_ in UNKNOWN_MECHANISMS]
    peaks = np.concatenate(cases, axis=1)
    mean[~known], largest[~known] = peaks.mean(axis=1), peaks.max(axis=1)
    return mean, largest


def _peaks(
    magnitude: NDArray[np.float64],
    depth: NDArray[np.float64],
    dip: NDArray[np.float64],
    rake: NDArray[np.float64],
    strike: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Peak LOS (events, strikes) of events with a known dip and rake at each strike of (events or 1, strikes)."""
    from epi.source.okada import displacement  # torch: only when it is needed

    rake_rad = np.deg2rad(rake)
    mostly_dip = np.abs(np.sin(rake_rad)) > np.sqrt(0.5)
    sizes = zip(scaling(magnitude), scaling(magnitude, mechanism="strike-slip"), strict=True)
    length, width, slip = (np.where(mostly_dip, dip_slip, strike_slip) for dip_slip, strike_slip in sizes)
    depth = np.maximum(depth, width / 2 * np.sin(np.deg2rad(dip)))
    reach = depth + length / 2  # an elastic half-space has no scale of its own: one set of points serves all events
    zero = np.zeros_like(depth)
    geometry = (zero, zero, depth / reach, zero, dip, length / reach, width / reach)
    faults = np.column_stack((*geometry, slip * np.cos(rake_rad), slip * np.sin(rake_rad), zero))
    looks = _looks(strike)
    looks = np.broadcast_to(looks, (len(faults), *looks.shape[1:]))
    peak = np.empty((len(faults), strike.shape[1]))
    for first in range(0, len(faults), _BLOCK):
        block = slice(first, first + _BLOCK)
        field = displacement(_POINTS[0], _POINTS[1], faults[block], check=False).numpy()
        los = (field @ looks[block]).reshape(len(field), -1, *strike.shape[1:], len(SENTINEL1_LOOKS))
        peak[block] = np.abs(los).max(axis=(1, 3))
    return peak


def _looks(strike: NDArray[np.float64]) -> NDArray[np.float64]:
    """Vectors to the satellite (events, 3, strikes x passes) in a frame turned so that the fault strikes north."""
    incidence, heading = np.deg2rad(SENTINEL1_LOOKS).T
    turned = heading - np.deg2rad(strike)[..., None]
    horizontal, up = np.sin(incidence), np.broadcast_to(np.cos(incidence), turned.shape)
    vectors = np.stack((-horizontal * np.cos(turned), horizontal * np.sin(turned), up), axis=1)
    return vectors.reshape(len(strike), 3, strike.shape[1] * len(incidence))
