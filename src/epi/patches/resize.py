"""From fine pixels to coarse ones: what may be averaged is the complex interferogram, never its wrapped phase."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from epi.errors import ProductError
from epi.insar.product import unwrapped_phase, wavelength_of

MIN_CELL = 0.5
"""Least valid share of a new pixel; below it the pixel is no data, zero in every band."""


def area_mean(
    values: NDArray[np.number], valid: NDArray[np.bool_], pixels: int | tuple[int, int]
) -> tuple[NDArray[np.number], NDArray[np.bool_]]:
    """Average an image to fewer pixels by area, over its valid pixels.

    Parameters
    ----------
    values : (rows, columns), real or complex; what it holds where not valid does not count.
    valid : mask of the same shape.
    pixels : wanted rows and columns, one number for both alike. Where that is more than there are, pixels are repeated.

    Returns
    -------
    Means, zero where less than half of a new pixel's ground is valid, and the mask of the pixels that are not so.
    """
    wanted = (pixels, pixels) if isinstance(pixels, int) else pixels
    down, across = (_shares(n, size) for n, size in zip(values.shape, wanted, strict=True))
    weight = down @ valid.astype(float) @ across.T
    total = down @ np.where(valid, values, 0) @ across.T
    known = weight >= MIN_CELL
    return np.where(known, total / np.where(known, weight, 1), 0), known


def _shares(length: int, pixels: int) -> NDArray[np.float64]:
    """(pixels, length) matrix: how much of each new pixel lies in each old one; rows add up to 1."""
    edges = np.linspace(0, length, pixels + 1)
    old = np.arange(length)
    shared = np.minimum(edges[1:, None], old + 1) - np.maximum(edges[:-1, None], old)
    return np.asarray(np.clip(shared, 0, None) * (pixels / length))


def interferogram(product: xr.Dataset) -> NDArray[np.complex64]:
    """Complex interferogram of a product: ``i`` + j ``q``, or unit phasors of its phase or displacement.

    Raises
    ------
    ProductError : the product has none of them.
    """
    if {"i", "q"} <= set(product):
        return (product["i"].to_numpy() + 1j * product["q"].to_numpy()).astype(np.complex64)
    for name in ("phase", "unwrapped_phase"):
        if name in product:
            return np.exp(1j * product[name].to_numpy()).astype(np.complex64)
    if "los_displacement" in product:
        phase = unwrapped_phase(product["los_displacement"].to_numpy(), wavelength=wavelength_of(product))
        return np.asarray(np.exp(1j * phase), dtype=np.complex64)
    found = ", ".join(str(name) for name in product.data_vars)
    raise ProductError(
        f"Patches need i and q, a phase or los_displacement; the product holds {found}: read one of them."
    )


def phase_agreement(
    phasor: NDArray[np.complexfloating], valid: NDArray[np.bool_], *, window: int = 5
) -> NDArray[np.float32]:
    """Stand-in for a missing coherence: length of the mean unit phasor over a small square of valid pixels.

    Parameters
    ----------
    phasor : complex interferogram.
    valid : mask of the same shape.
    window : side of the square, pixels.

    Returns
    -------
    0 (random) to 1 (all alike); dense fringes lower it as noise does.
    """
    unit = np.where(valid, phasor / np.where(valid, np.abs(phasor), 1), 0)
    total = uniform_filter(unit.real, window) + 1j * uniform_filter(unit.imag, window)
    count = uniform_filter(valid.astype(float), window)
    return np.asarray(np.clip(np.abs(total) / np.maximum(count, 1 / window**2), 0, 1), dtype=np.float32)
