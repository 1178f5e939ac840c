"""Making fringes clearer: the adaptive filter of Goldstein and Werner, and how far the phase can be trusted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Complex = NDArray[np.complexfloating[Any, Any]]


def goldstein(interferogram: Complex, *, alpha: float = 1.0, window: int = 16) -> NDArray[np.complex128]:
    """Adaptive filter of an interferogram: each window's spectrum is weighted by its own smoothed strength.

    Parameters
    ----------
    interferogram : complex, 2-D; zero where there is no data.
    alpha : exponent of the weight, 0 (nothing) to 1 (strongest).
    window : side of a window in pixels, a multiple of 4; neighbours overlap by three quarters.

    Returns
    -------
    Filtered interferogram of the same shape; its phase counts, its magnitude does not.

    References
    ----------
    Goldstein and Werner (1998), Geophys. Res. Lett. 25(21).
    """
    rows, columns = interferogram.shape
    tiles = -(-rows // window) + 2, -(-columns // window) + 2
    padded = np.zeros((tiles[0] * window, tiles[1] * window), dtype=complex)
    padded[window : window + rows, window : window + columns] = interferogram
    filtered = np.zeros_like(padded)
    taper = 1 - np.abs(np.arange(window) - (window - 1) / 2) / (window / 2)
    weight = np.outer(taper, taper)[None, :, None, :]
    step = window // 4
    for top in range(0, window, step):
        for left in range(0, window, step):
            part = np.s_[top : top + (tiles[0] - 1) * window, left : left + (tiles[1] - 1) * window]
            tiled = padded[part].reshape(tiles[0] - 1, window, tiles[1] - 1, window)
            spectrum = np.fft.fft2(tiled, axes=(1, 3))
            strength = uniform_filter(np.abs(spectrum), (1, 3, 1, 3), mode="wrap")
            strength /= strength.max(axis=(1, 3), keepdims=True) + 1e-12
            smooth = np.fft.ifft2(spectrum * strength**alpha, axes=(1, 3)) * weight
            filtered[part] += smooth.reshape(padded[part].shape)
    return filtered[window : window + rows, window : window + columns]


def robust_fringes(
    phase: NDArray[np.floating[Any]], *, passes: int = 3
) -> tuple[NDArray[np.complex128], NDArray[np.bool_]]:
    """Unit phasors of the fringes, with pixels that do not belong to them left out.

    A wrapped phase that was interpolated as plain numbers holds, along every wrap from π to −π, a line of pixels with
    values in between; such lines, like any outliers, would steer the filter and then the unwrapping.

    Parameters
    ----------
    phase : wrapped phase, radians, 2-D; NaN is no data.
    passes : how often the filter is run, each time without the outliers of the pass before.

    Returns
    -------
    exp(iφ) of the filtered phase, zero where there is no data; and which pixels belong to these fringes.
    """
    known = np.isfinite(phase)
    phasor = np.where(known, np.exp(1j * np.where(known, phase, 0.0)), 0.0)
    belongs = known
    for _ in range(passes):
        fringes = _unit(goldstein(np.where(belongs, phasor, 0.0)))
        misfit = np.abs(np.angle(phasor * np.conj(fringes)))
        spread = 1.4826 * float(np.median(misfit[known])) if known.any() else 0.0
        belongs = known & (misfit <= max(0.8, 3 * spread))  # 0.8 rad: above the noise of a clear interferogram
    return np.where(known, fringes, 0.0), belongs


def steadiness(fringes: Complex, *, window: int = 7) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How steadily the phase advances from pixel to pixel, and how fast.

    Parameters
    ----------
    fringes : unit phasors, 2-D, zero where there is no data.
    window : side in pixels of the neighbourhood.

    Returns
    -------
    The smaller mean resultant length of the two directions' phase steps, in [0, 1]: 1 on a plane of fringes of any
    slope, near 0 in noise; and the larger of the two mean steps, radians a pixel.
    """
    length, rate = [], []
    for axis in (0, 1):
        following = np.roll(fringes, -1, axis)
        following[-1 if axis == 0 else slice(None), slice(None) if axis == 0 else -1] = 0.0
        step = following * np.conj(fringes)
        mean = uniform_filter(step.real, window) + 1j * uniform_filter(step.imag, window)
        count = uniform_filter((step != 0).astype(float), window)
        length.append(np.abs(mean) / np.maximum(count, 1e-6))
        rate.append(np.abs(np.angle(mean)))
    return np.minimum(*length).clip(0, 1), np.maximum(*rate)


def multilook(values: NDArray[Any], looks: int) -> NDArray[Any]:
    """Sum blocks of ``looks`` x ``looks`` pixels; the last block of a row or column may be incomplete."""
    rows, columns = values.shape
    padded = np.pad(values, ((0, -rows % looks), (0, -columns % looks)))
    blocks = padded.reshape(padded.shape[0] // looks, looks, padded.shape[1] // looks, looks)
    summed: NDArray[Any] = blocks.sum(axis=(1, 3))
    return summed


def _unit(values: Complex) -> NDArray[np.complex128]:
    """Return values of unit magnitude, zero where they are zero."""
    magnitude = np.abs(values)
    return np.where(magnitude > 0, values / np.where(magnitude > 0, magnitude, 1.0), 0.0)
