"""How far the ground moves in an earthquake, and out to where, from its catalogue row alone."""

from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.errors import ParameterError
from epi.source.size import scaling
from epi.source.table import Table, check_sizes

SENTINEL1_LOOKS = ((39.0, -13.0), (39.0, -167.0))
"""Incidence angle and heading in degrees of the ascending and the descending pass: middle values of Sentinel-1."""

UNKNOWN_MECHANISMS = ((90.0, 0.0), (30.0, 90.0), (60.0, -90.0))
"""Dip and rake that stand for an unknown mechanism: strike slip, thrust and normal, each at eight strikes."""

MOVED_M, MOVED_SHARE = 0.005, 0.05
"""From which LOS displacement ground counts as moved: half the usual noise, and a twentieth of the peak (less than
that, far from a large earthquake, cannot be told from a ramp)."""

EPICENTRE_ERROR_KM = 10.0
"""How far a catalogue's epicentre may be off: between the median (7 km) and the worst of the USGS's stated errors."""

Floats = NDArray[np.float64]

_STRIKES = np.arange(0.0, 360.0, 45.0)
_LARGEST_STRIKE_SLIP = 8.0  # beyond it the longest earthquakes are thrusts
_BLOCK = 256  # events worked on together: about 10 MB
_STEPS = (np.arange(20) - 9.5) / 10
_POINTS = np.array(list(product(_STEPS * np.abs(_STEPS), repeat=2))).T  # denser toward the fault, none above its axis
_AREAS = np.array([abs(a * b) for a, b in product(_STEPS, repeat=2)]) * 0.2**2  # of a point, for integrals
_RADII_KM = np.geomspace(0.5, 2000, 32)
_AZIMUTHS = np.arange(11.25, 360, 22.5)


class _Signals(NamedTuple):
    """Of events at strikes and passes: largest |LOS| (m), radius of a disk with it and the field's energy (km)."""

    peak: Floats
    radius: Floats


def peak_los(
    magnitude: ArrayLike,
    depth_km: ArrayLike,
    *,
    strike: ArrayLike = np.nan,
    dip: ArrayLike = np.nan,
    rake: ArrayLike = np.nan,
    over: Literal["mean", "max"] = "mean",
) -> Floats:
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
    ParameterError : ``over`` is neither "mean" nor "max", a dip is outside 0-90 degrees, or a magnitude or a depth is
        outside what `epi.source.table` holds possible.

    References
    ----------
    Okada (1985), Bull. Seism. Soc. Am. 75(4); Leonard (2010), Bull. Seism. Soc. Am. 100(5A).
    """
    if over not in ("mean", "max"):
        raise ParameterError(f"The peak over unknown mechanisms was asked as {over!r}; choose mean or max.")
    columns = np.broadcast_arrays(magnitude, depth_km, strike, dip, rake)
    mean, largest = peaks(np.array(columns, dtype=np.float64).reshape(5, -1))
    return (mean if over == "mean" else largest).reshape(columns[0].shape)


def moved_radius_km(
    magnitude: ArrayLike, depth_km: ArrayLike, *, level_m: float = MOVED_M, share: float = MOVED_SHARE
) -> Floats:
    """Distance from the fault's centre within which the LOS displacement can reach a level.

    Parameters
    ----------
    magnitude, depth_km : any shapes that broadcast; depth positive down.
    level_m : m, greater than 0.
    share : of the peak; where that is more than ``level_m``, it is the level. 0 for the same level everywhere.

    Returns
    -------
    km, of the common shape, over the most favourable of ``UNKNOWN_MECHANISMS`` and the better pass; 0 where no ground
    moves so far, NaN where magnitude or depth is NaN. Interpolated in a table, good to some percent.

    Raises
    ------
    ParameterError : a level that is not positive, a share outside 0 to 1; magnitude or depth as in `peak_los`.
    """
    if not (level_m > 0 and 0 <= share < 1):
        raise ParameterError(
            f"A level of {level_m} m and {share} of the peak was given; it must be greater than 0 m "
            f"(usual: {MOVED_M}), the share from 0 to below 1 (usual: {MOVED_SHARE})."
        )
    size, depth = np.broadcast_arrays(np.asarray(magnitude, np.float64), np.asarray(depth_km, np.float64))
    check_sizes(size, depth)
    profile = _PROFILES(size.ravel(), depth.ravel())  # (events, radii), falling outward
    radii = np.log(_RADII_KM)
    with np.errstate(divide="ignore"):
        level = np.maximum(np.log(level_m), profile[:, 0] + np.log(share))
    last = np.clip((profile >= level[:, None]).sum(axis=1) - 1, 0, len(radii) - 2)
    inner, outer = (np.take_along_axis(profile, (last + k)[:, None], 1)[:, 0] for k in (0, 1))
    way = np.clip((inner - level) / np.maximum(inner - outer, 1e-9), 0, 1)
    radius = np.exp(radii[last] + way * (radii[last + 1] - radii[last]))
    radius = np.where(profile[:, 0] < level, 0.0, radius)
    return np.where(np.isnan(profile[:, 0]), np.nan, radius).reshape(size.shape)


def affected_radius_km(
    magnitude: ArrayLike,
    depth_km: ArrayLike,
    *,
    level_m: float = MOVED_M,
    share: float = MOVED_SHARE,
    epicentre_error_km: float = EPICENTRE_ERROR_KM,
) -> Floats:
    """Radius around a catalogue's epicentre that holds all ground that can have moved: what a pair should cover.

    To `moved_radius_km` come half the fault's length, since the rupture may have begun at one end of it, and what the
    epicentre may be off.

    Parameters
    ----------
    magnitude, depth_km, level_m, share : as in `moved_radius_km`.
    epicentre_error_km : km, 0 or more.

    Returns
    -------
    km, of the common shape of magnitude and depth; at least the epicentre's error; NaN where one of the two is NaN.

    Raises
    ------
    ParameterError : an error below 0; otherwise as in `moved_radius_km`.
    """
    if not epicentre_error_km >= 0:
        raise ParameterError(f"An epicentre error of {epicentre_error_km} km was given; it must be 0 or more.")
    moved = moved_radius_km(magnitude, depth_km, level_m=level_m, share=share)
    longest = np.minimum(np.asarray(magnitude, np.float64), _LARGEST_STRIKE_SLIP)
    length = np.maximum(scaling(magnitude)[0], scaling(longest, mechanism="strike-slip")[0])
    return np.where(moved > 0, moved + length / 2, moved) + epicentre_error_km


def peaks(columns: Floats) -> tuple[Floats, Floats]:
    """Mean and largest peak LOS (m) over the mechanisms each event may have; columns as in `peak_los`, (5, events)."""
    check_sizes(columns[0], columns[1])
    mean, largest = np.empty_like(columns[0]), np.empty_like(columns[0])
    known = known_mechanism(columns)
    of_known = signals(*columns[:, known])[0].max(axis=(1, 2))
    mean[known], largest[known] = of_known, of_known
    of_unknown = unknown_signals(columns[0, ~known], columns[1, ~known])[0].max(axis=2)
    mean[~known], largest[~known] = of_unknown.mean(axis=1), of_unknown.max(axis=1)
    return mean, largest


def known_mechanism(columns: Floats) -> NDArray[np.bool_]:
    """Which events have strike, dip and rake; a dip that cannot be is refused."""
    _, _, strike, dip, rake = columns
    wrong = (dip < 0) | (dip > 90)
    if wrong.any():
        row = int(wrong.argmax())
        raise ParameterError(f"Event {row}: dip {dip[row]:g} is outside 0-90 degrees; turn the strike by 180 instead.")
    return np.asarray(np.isfinite(strike + dip + rake))


def unknown_signals(magnitude: Floats, depth: Floats) -> _Signals:
    """(events, mechanisms, passes) of events whose mechanism is not known: three, at eight strikes each."""
    turned = np.broadcast_to(_STRIKES, (len(magnitude), len(_STRIKES)))
    like = np.ones_like(magnitude)
    cases = [_signals(magnitude, depth, dip * like, rake * like, turned) for dip, rake in UNKNOWN_MECHANISMS]
    return _Signals(*(np.concatenate(parts, axis=1) for parts in zip(*cases, strict=True)))


def signals(magnitude: Floats, depth: Floats, strike: Floats, dip: Floats, rake: Floats) -> _Signals:
    """(events, 1, passes) of events whose mechanism is known."""
    return _signals(magnitude, depth, dip, rake, strike[:, None])


def _profile(magnitude: Floats, depth: Floats) -> Floats:
    """Logarithm of the largest |LOS| (m) at each radius and beyond, over mechanisms and passes: (events, radii)."""
    azimuth = np.deg2rad(_AZIMUTHS)
    points = np.stack([np.outer(wave(azimuth), _RADII_KM).ravel() for wave in (np.sin, np.cos)])
    reached = np.zeros((len(magnitude), len(_AZIMUTHS), len(_RADII_KM)))
    like = np.ones_like(magnitude)
    for dip, rake in UNKNOWN_MECHANISMS:
        faults = _faults(magnitude, depth, dip * like, rake * like)
        looks = np.broadcast_to(_looks(_STRIKES[None]), (len(faults), 3, len(_STRIKES) * len(SENTINEL1_LOOKS)))
        for first in range(0, len(faults), 32):
            block = slice(first, first + 32)
            los = np.abs(_los(points, faults[block], looks[block])).max(axis=2)
            reached[block] = np.maximum(reached[block], los.reshape(reached[block].shape))
    inward = reached.max(axis=1)[:, ::-1]
    return np.asarray(np.log(np.maximum.accumulate(inward, axis=1)[:, ::-1]))


_PROFILES = Table(_profile)


def _signals(magnitude: Floats, depth: Floats, dip: Floats, rake: Floats, strike: Floats) -> _Signals:
    """(events, strikes, passes) of events with a known dip and rake at each strike of (events, strikes)."""
    faults = _faults(magnitude, depth, dip, rake)
    reach = faults[:, 2] + faults[:, 5] / 2  # an elastic half-space has no scale: one set of points serves all events
    faults[:, [2, 5, 6]] /= reach[:, None]
    looks = _looks(strike)
    shape = (len(faults), strike.shape[1], len(SENTINEL1_LOOKS))
    peak, energy = np.empty(shape), np.empty(shape)
    for first in range(0, len(faults), _BLOCK):
        block = slice(first, first + _BLOCK)
        los = _los(_POINTS, faults[block], looks[block])
        peak[block] = np.abs(los).max(axis=1).reshape(-1, *shape[1:])
        energy[block] = np.einsum("epl,p->el", los**2, _AREAS).reshape(-1, *shape[1:])
    with np.errstate(invalid="ignore"):
        return _Signals(peak, reach[:, None, None] * np.sqrt(energy / np.pi) / peak)


def _faults(magnitude: Floats, depth: Floats, dip: Floats, rake: Floats) -> Floats:
    """Rectangles of the usual size, striking north, as `epi.source.okada.displacement` takes them: (events, 10)."""
    rake_rad = np.deg2rad(rake)
    mostly_dip = np.abs(np.sin(rake_rad)) > np.sqrt(0.5)
    sizes = zip(scaling(magnitude), scaling(magnitude, mechanism="strike-slip"), strict=True)
    length, width, slip = (np.where(mostly_dip, dip_slip, strike_slip) for dip_slip, strike_slip in sizes)
    depth = np.maximum(depth, width / 2 * np.sin(np.deg2rad(dip)))
    zero = np.zeros_like(depth)
    along, down = slip * np.cos(rake_rad), slip * np.sin(rake_rad)
    return np.column_stack((zero, zero, depth, zero, dip, length, width, along, down, zero))


def _los(points: Floats, faults: Floats, looks: Floats) -> Floats:
    """LOS displacement (m) by each fault at (2, points) km along its (events, 3, looks): (events, points, looks)."""
    from epi.source.okada import displacement  # torch: only when it is needed

    field = displacement(points[0], points[1], faults, check=False).numpy()
    return np.asarray(field @ looks)


def _looks(strike: Floats) -> Floats:
    """Vectors to the satellite (events, 3, strikes x passes) in a frame turned so that the fault strikes north."""
    incidence, heading = np.deg2rad(SENTINEL1_LOOKS).T
    turned = heading - np.deg2rad(strike)[..., None]
    horizontal, up = np.sin(incidence), np.broadcast_to(np.cos(incidence), turned.shape)
    vectors = np.stack((-horizontal * np.cos(turned), horizontal * np.sin(turned), up), axis=1)
    return vectors.reshape(len(strike), 3, strike.shape[1] * len(incidence))
