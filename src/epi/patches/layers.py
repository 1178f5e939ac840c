"""What patches are cut from: a scene's coherence, interferogram, mask, look vectors and places as plain arrays."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import ProductError
from epi.insar.product import LOOK, LocalFrame, geometry_of, local_frame
from epi.patches.resize import area_mean, interferogram, phase_agreement

Piece = tuple[slice, slice]
Values = TypeVar("Values", bound=NDArray[Any])


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


def north_up(values: Values, frame: LocalFrame) -> Values:
    """A layer of a scene, (rows, columns), with row 0 in the north and column 0 in the west.

    Parameters
    ----------
    values : in the order of the scene's own rows and columns.
    frame : of the scene, in the same order.
    """
    down, right = (slice(None, None, -1 if turned else 1) for turned in turns(frame))
    return cast(Values, values[down, right])


def oriented(scene: Layers) -> Layers:
    """The scene with row 0 in the north and column 0 in the west."""
    coherence, phasor, valid, looks, old = scene
    frame = LocalFrame(north_up(old.east_km, old), north_up(old.north_km, old), old.origin)
    turned = {name: north_up(part, old) for name, part in looks.items()}
    return Layers(north_up(coherence, old), north_up(phasor, old), north_up(valid, old), turned, frame)


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
