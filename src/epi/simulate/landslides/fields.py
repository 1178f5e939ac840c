"""Random fields on a grid of square pixels, drawn no finer than they vary."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import zoom
from scipy.special import ndtr

from epi.simulate.atmosphere import smooth_field

PIXEL_M = 30.0
"""Side of a pixel on the ground: the posting of the Copernicus terrain model, to which the pairs are geocoded."""

NODES = 3  # a field is drawn at so many nodes a correlation length, and linear between them

Floats = NDArray[np.float32]


def stretch(coarse: NDArray[np.floating], shape: tuple[int, int], *, order: int = 1) -> Floats:
    """Interpolate a field so that its first and last nodes fall on the first and last pixels.

    Parameters
    ----------
    coarse : values at nodes.
    shape : rows and columns wanted.
    order : of the spline between nodes.
    """
    factors = [wanted / had for wanted, had in zip(shape, coarse.shape, strict=True)]
    return np.asarray(zoom(coarse.astype(np.float32), factors, order=order, mode="nearest"), np.float32)


def broad(
    shape: tuple[int, int], over_km: float, rng: np.random.Generator, *, pixel_m: float = PIXEL_M, order: int = 1
) -> Floats:
    """Gaussian field of zero mean and unit variance that is alike over a distance.

    Parameters
    ----------
    shape : rows and columns.
    over_km : correlation length.
    rng : source of randomness.
    pixel_m : side of a pixel.
    order : of the spline between nodes; 3 where its slope matters.
    """
    step = max(over_km / NODES, pixel_m / 1000)
    nodes = [max(int(np.ceil(size * pixel_m / 1000 / step)) + 1, 4) for size in shape]
    drawn = smooth_field((nodes[0], nodes[1]), spacing_km=step, correlation_km=over_km, rng=rng)
    return stretch(drawn, shape, order=order)


def ranks(field: Floats) -> Floats:
    """Turn a Gaussian field into one that is uniform from 0 to 1 over the scene."""
    centred = (field - field.mean()) / max(float(field.std()), 1e-6)
    return np.asarray(ndtr(centred), np.float32)
