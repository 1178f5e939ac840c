"""Azimuth misregistration from what two consecutive bursts see of the same ground."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError

Floats = NDArray[np.float64]
Pixels = NDArray[np.complex64]


@dataclass(frozen=True)
class Overlap:
    """The ground that two consecutive bursts both see, from two directions.

    Parameters
    ----------
    earlier, later : complex64 interferograms of the same lines, of the earlier and of the later burst.
    doppler_difference : (samples,) Doppler frequency of the earlier burst less that of the later, Hz.
    coherence : of both, in [0, 1], one number or a value a pixel; NaN counts as 0.
    """

    earlier: Pixels
    later: Pixels
    doppler_difference: Floats
    coherence: NDArray[np.floating] | float


@dataclass(frozen=True)
class AzimuthShift:
    """Lines to add to the secondary's positions, and their standard deviation."""

    lines: float
    standard_deviation: float


def enhanced_spectral_diversity(
    overlaps: Sequence[Overlap],
    *,
    interval: float,
    window: tuple[int, int] = (8, 32),
    independent: float = 0.5,
) -> AzimuthShift:
    """Azimuth misregistration from the overlaps of consecutive bursts.

    Two bursts see the ground of their overlap under Doppler frequencies some 4.5 kHz apart, so a misregistration by a
    time t turns their interferograms apart by 2π 4500 t: 0.06 rad for a thousandth of a line. Range motion, atmosphere
    and terrain turn both alike and cancel.

    Motion of the ground along the flight does not: it looks like misregistration. One number for the whole image is
    found here, so an earthquake that moves a good part of the overlaps north or south biases it, and correcting by it
    puts a phase ramp into every burst. Near a large earthquake, use precise orbits and leave this out.

    Parameters
    ----------
    overlaps : at least one, of pairs coregistered by geometry alone.
    interval : seconds between lines.
    window : lines and samples averaged before phases are compared.
    independent : independent samples a pixel, the product of both bandwidths in cycles a sample.

    Returns
    -------
    Lines to add to the secondary's positions, unambiguous within ±0.05; and the standard deviation that the coherence
    allows.

    Raises
    ------
    ParameterError : no overlap, or none with coherent pixels.

    References
    ----------
    Prats-Iraola et al. (2012), IEEE Trans. Geosci. Remote Sens. 50(6); Fattahi et al. (2017), IEEE Trans. Geosci.
    Remote Sens. 55(2).
    """
    cells = [_diversity(overlap, window, independent, interval) for overlap in overlaps]
    if not cells or sum(phasor.size for phasor, _, _ in cells) == 0:
        raise ParameterError(
            "Spectral diversity needs the overlap of two bursts, with coherent pixels: give more bursts."
        )
    phasor, per_line, information = (np.concatenate(part) for part in zip(*cells, strict=True))
    shift = float(np.angle((information * phasor).sum()) / np.average(per_line, weights=information))
    for _ in range(3):  # the sensitivity differs a little along the range
        left = np.angle(phasor * np.exp(-1j * per_line * shift))
        shift += float((information * per_line * left).sum() / (information * per_line**2).sum())
    return AzimuthShift(shift, float((information * per_line**2).sum() ** -0.5))


def _diversity(
    overlap: Overlap, window: tuple[int, int], independent: float, interval: float
) -> tuple[NDArray[np.complex128], Floats, Floats]:
    """Return, a value a window: the difference's unit phasor, its radians a line, and its inverse variance."""
    rows, columns = overlap.earlier.shape[0] // window[0], overlap.earlier.shape[1] // window[1]

    def mean(values: NDArray[np.generic]) -> NDArray[np.complex128]:
        cells = values[: rows * window[0], : columns * window[1]].reshape(rows, window[0], columns, window[1])
        return np.asarray(cells.mean(axis=(1, 3)), dtype=complex)

    product = mean(overlap.earlier) * mean(overlap.later).conj()
    alike = np.broadcast_to(np.nan_to_num(np.asarray(overlap.coherence, dtype=float)), overlap.earlier.shape)
    gamma = mean(alike).real.clip(0, 0.999)
    frequency = np.broadcast_to(overlap.doppler_difference, overlap.earlier.shape)
    per_line = 2 * np.pi * interval * mean(frequency).real
    looks = independent * window[0] * window[1]
    information = looks * gamma**2 / (1 - gamma**2)  # of a difference: half that of one burst's phase, 2 L γ²/(1 − γ²)
    known = (np.abs(product) > 0) & (information > 0)
    return product[known] / np.abs(product[known]), per_line[known], information[known]
