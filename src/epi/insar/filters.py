"""Making fringes clearer: the adaptive filter of Goldstein and Werner, and how far the phase can be trusted."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

Complex = NDArray[np.complexfloating[Any, Any]]
Floats = NDArray[np.floating[Any]]

STRIP_PIXELS = 2**21  # filtered at a time: what is held beside the interferogram does not grow with the scene


def goldstein(interferogram: Complex, *, alpha: float = 1.0, window: int = 16) -> Complex:
    """Adaptive filter of an interferogram: each window's spectrum is weighted by its own smoothed strength.

    Parameters
    ----------
    interferogram : complex, 2-D; zero or NaN where there is no data.
    alpha : exponent of the weight, 0 (nothing) to 1 (strongest).
    window : side of a window in pixels, a multiple of 4; neighbours overlap by three quarters.

    Returns
    -------
    Filtered interferogram of the same shape and precision; its phase counts, its magnitude does not.

    References
    ----------
    Goldstein and Werner (1998), Geophys. Res. Lett. 25(21).
    """
    rows, columns = interferogram.shape
    tiles = -(-rows // window) + 2, -(-columns // window) + 2
    padded = np.zeros((tiles[0] * window, tiles[1] * window), dtype=np.result_type(interferogram, np.complex64))
    inner = padded[window : window + rows, window : window + columns]
    inner[...] = interferogram
    inner[np.isnan(inner)] = 0
    filtered = np.zeros_like(padded)
    step, strip = window // 4, max(STRIP_PIXELS // (window * padded.shape[1]), 1)
    for top in range(0, window, step):
        for left in range(0, window, step):
            across = slice(left, left + (tiles[1] - 1) * window)
            for first in range(0, tiles[0] - 1, strip):
                part = slice(top + first * window, top + min(first + strip, tiles[0] - 1) * window), across
                filtered[part] += _smoothed(padded[part], alpha, window)
    return filtered[window : window + rows, window : window + columns]


def _smoothed(pixels: Complex, alpha: float, window: int) -> Complex:
    """Weight each window's spectrum by its own smoothed strength, and its pixels by their place in it."""
    taper = 1 - np.abs(np.arange(window) - (window - 1) / 2) / (window / 2)
    weight = np.outer(taper, taper)[None, :, None, :].astype(pixels.real.dtype)
    tiled = pixels.reshape(pixels.shape[0] // window, window, pixels.shape[1] // window, window)
    spectrum = np.fft.fft2(tiled, axes=(1, 3))
    strength = uniform_filter(np.abs(spectrum), (1, 3, 1, 3), mode="wrap")
    strength /= strength.max(axis=(1, 3), keepdims=True) + 1e-12
    smooth = np.fft.ifft2(spectrum * strength**alpha, axes=(1, 3)) * weight
    return smooth.reshape(pixels.shape)


def robust_fringes(phase: NDArray[np.floating[Any]], *, passes: int = 3) -> tuple[Complex, NDArray[np.bool_]]:
    """Unit phasors of the fringes, with pixels that do not belong to them left out.

    A wrapped phase that was interpolated as plain numbers holds, along every wrap from π to −π, a line of pixels with
    values in between; such lines, like any outliers, would steer the filter and then the unwrapping.

    Parameters
    ----------
    phase : wrapped phase, radians, 2-D; NaN is no data.
    passes : how often the filter is run, each time without the outliers of the pass before.

    Returns
    -------
    exp(iφ) of the filtered phase in its precision, zero where there is no data; and which pixels belong to these
    fringes.
    """
    known = np.isfinite(phase)
    phasor = np.exp(1j * np.where(known, phase, 0))
    phasor[~known] = 0
    belongs = known
    for _ in range(passes - 1):
        belongs = _belonging(phasor, _filtered(phasor, belongs), known)
    fringes = _filtered(phasor, belongs)
    belongs = _belonging(phasor, fringes, known)
    fringes[~known] = 0
    return fringes, belongs


def _filtered(phasor: Complex, belongs: NDArray[np.bool_]) -> Complex:
    """Filter the pixels that belong to the fringes; return unit phasors, zero where there is nothing."""
    fringes = goldstein(np.where(belongs, phasor, 0))
    magnitude = np.abs(fringes)
    return np.divide(fringes, magnitude, out=fringes, where=magnitude > 0)


def _belonging(phasor: Complex, fringes: Complex, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which pixels keep near the fringes."""
    apart = np.conj(fringes)
    apart *= phasor
    misfit = np.abs(np.angle(apart))
    del apart
    spread = 1.4826 * float(np.median(misfit[known])) if known.any() else 0.0
    near: NDArray[np.bool_] = known & (misfit <= max(0.8, 3 * spread))  # 0.8 rad: above a clear interferogram's noise
    return near


def steadiness(fringes: Complex, *, window: int = 7) -> tuple[Floats, Floats]:
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
    down, across = (_mean_step(fringes, axis, window) for axis in (0, 1))
    return np.minimum(down[0], across[0]).clip(0, 1), np.maximum(down[1], across[1])


def _mean_step(fringes: Complex, axis: int, window: int) -> tuple[Floats, Floats]:
    """Return the mean resultant length of the phase steps along an axis, and the size of the mean step, rad a pixel."""
    step = np.roll(fringes, -1, axis)
    step[-1 if axis == 0 else slice(None), slice(None) if axis == 0 else -1] = 0.0
    step *= np.conj(fringes)
    mean = np.empty_like(step)
    mean.real = uniform_filter(step.real, window)
    mean.imag = uniform_filter(step.imag, window)
    count = uniform_filter((step != 0).astype(mean.real.dtype), window)
    del step
    length = np.abs(mean)
    length /= np.maximum(count, 1e-6)
    return length, np.abs(np.angle(mean))


def block_sums(values: NDArray[Any], block: tuple[int, int]) -> NDArray[Any]:
    """Sum blocks of so many rows and columns; the last block of a row or column may be incomplete."""
    rows, columns = values.shape
    height, width = block
    padded = np.pad(values, ((0, -rows % height), (0, -columns % width)))
    blocks = padded.reshape(padded.shape[0] // height, height, padded.shape[1] // width, width)
    summed: NDArray[Any] = blocks.sum(axis=(1, 3))
    return summed
