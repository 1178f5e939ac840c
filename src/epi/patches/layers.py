"""What patches are cut from: a scene's coherence, interferogram, mask, look vectors and places as plain arrays."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import ProductError
from epi.insar.product import LOOK, LocalFrame, geometry_of, local_frame
from epi.patches.resize import area_mean, interferogram, phase_agreement

Piece = tuple[slice, slice]


class Layers(NamedTuple):
    """A scene as plain arrays of one shape."""

    coherence: NDArray[np.float32]
    phasor: NDArray[np.complex64]
    valid: NDArray[np.bool_]
    looks: dict[str, NDArray[np.float32]]
    frame: LocalFrame


def layers(product: xr.Dataset) -> Layers:
    """Take from a product what patches are made of, in the order of its own rows and columns.

    Raises
    ------
    ProductError : a table of points, or no interferogram in the product.
    """
    if geometry_of(product) == "points":
        raise ProductError("A table of points was given, and patches are cut from a grid: read a raster of the scene.")
    phasor = interferogram(product)
    valid = np.isfinite(phasor) & (phasor != 0)
    if "valid" in product:
        valid &= product["valid"].to_numpy()
    coherence = product["coherence"].to_numpy() if "coherence" in product else phase_agreement(phasor, valid)
    valid &= np.isfinite(coherence)
    looks = {name: product[name].to_numpy() for name in LOOK if name in product}
    return Layers(coherence, phasor, valid, looks, local_frame(product))


def turns(frame: LocalFrame) -> tuple[bool, bool]:
    """Whether rows run from south to north, and columns from east to west."""
    return _runs(np.diff(frame.north_km, axis=0), upward=True), _runs(np.diff(frame.east_km, axis=1), upward=False)


def _runs(steps: NDArray[np.float64], *, upward: bool) -> bool:
    """Whether steps go up, or down, on average."""
    known = steps[np.isfinite(steps)]
    return bool(known.size) and bool((known.mean() > 0) == upward)


def oriented(scene: Layers) -> Layers:
    """The scene with row 0 in the north and column 0 in the west."""
    down, right = (slice(None, None, -1 if turned else 1) for turned in turns(scene.frame))
    frame = LocalFrame(scene.frame.east_km[down, right], scene.frame.north_km[down, right], scene.frame.origin)
    looks = {name: part[down, right] for name, part in scene.looks.items()}
    return Layers(scene.coherence[down, right], scene.phasor[down, right], scene.valid[down, right], looks, frame)


def resized(
    scene: Layers, pieces: Sequence[Piece], pixels: int
) -> tuple[tuple[NDArray[np.float32], ...], dict[str, list[float]]]:
    """The three bands of each piece at the wanted size, and its mean look vector (NaN where the product has none)."""
    coh, phasor = (
        np.stack([area_mean(band[piece], scene.valid[piece], pixels)[0] for piece in pieces])
        for band in (scene.coherence, scene.phasor)
    )
    arrays = tuple(np.ascontiguousarray(part, dtype=np.float32) for part in (coh, phasor.real, phasor.imag))
    looks = scene.looks
    return arrays, {n: [_mean(looks[n][piece]) if n in looks else np.nan for piece in pieces] for n in LOOK}


def mean_coherence(arrays: tuple[NDArray[np.float32], ...]) -> NDArray[np.float64]:
    """Mean coherence of each patch over its pixels with data."""
    coh, i, q = arrays
    known = (i != 0) | (q != 0)
    return np.asarray((coh * known).sum((1, 2), dtype=float) / np.maximum(known.sum((1, 2)), 1))


def _mean(values: NDArray[np.float32]) -> float:
    """Mean of the finite values, NaN where there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean(dtype=float)) if finite.size else np.nan
