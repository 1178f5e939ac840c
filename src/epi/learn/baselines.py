"""What any network must beat: answers that cost nothing."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsRegressor

from epi.errors import ProductError
from epi.insar.product import local_frame
from epi.patches import Patches
from epi.simulate.stream import Batch

Floats = NDArray[np.float64]


def copy_centre(patches: Patches) -> Floats:
    """The epicentre is the patch's own centre: offset zero, (patches, 2) km."""
    return np.zeros((len(patches), 2))


def nearest_in_stream(blocks: Sequence[Batch], patches: Patches, *, cells: int = 8) -> Floats:
    """The offset of the patch of a simulated stream that looks most alike and holds its epicentre, (patches, 2) km.

    Alike means: the length of the fringe rate, averaged over ``cells`` x ``cells`` squares of the patch, is closest.
    """
    reach = patches.table["size_km"].iloc[0] / 2
    known = [block.take((np.abs(block.offset_km) < reach).all(1)) for block in blocks]
    seen = np.concatenate([_fringe_rate(block.interferogram, cells) for block in known])
    found = KNeighborsRegressor(n_neighbors=1).fit(seen, np.concatenate([block.offset_km for block in known]))
    return np.asarray(found.predict(fringe_map(patches, cells)), dtype=float)


def steepest(patches: Patches, *, cells: int = 16) -> Floats:
    """From each patch's centre to the square of it where the phase turns fastest, (patches, 2) km.

    Squares whose mean coherence is below the patch's median do not count: noise turns faster than any earthquake.
    """
    rate, coherence = fringe_map(patches, cells), _squares(patches.coh, cells)
    sure = coherence >= np.median(coherence, axis=1, keepdims=True)
    chosen = np.argmax(np.where(sure, rate, -1), axis=1)
    step = patches.table["size_km"].to_numpy(dtype=float) / cells
    row, column = np.divmod(chosen, cells)
    middle = (cells - 1) / 2
    return np.stack([(column - middle) * step, (middle - row) * step], axis=1)


def fringe_map(patches: Patches, cells: int) -> Floats:
    """Mean length of the phase step between neighbours (rad) in squares of each patch, (patches, cells²)."""
    return _fringe_rate(patches.i + 1j * patches.q, cells)


def _fringe_rate(phasor: NDArray[np.complexfloating], cells: int) -> Floats:
    """The same of arrays (patches, pixels, pixels)."""
    east = np.angle(phasor[:, 1:, 1:] * phasor[:, 1:, :-1].conj())
    north = np.angle(phasor[:, 1:, 1:] * phasor[:, :-1, 1:].conj())
    return _squares(np.hypot(east, north), cells)


def _squares(values: NDArray[np.floating], cells: int) -> Floats:
    """Mean over each of ``cells`` x ``cells`` squares, (patches, cells²)."""
    edges = np.linspace(0, values.shape[1], cells + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(values, edges, axis=1), edges, axis=2)
    areas = np.add.reduceat(np.add.reduceat(np.ones(values.shape[1:]), edges, axis=0), edges, axis=1)
    return np.asarray((sums / areas).reshape(len(values), -1), dtype=float)


def peak_los(product: xr.Dataset, patches: Patches) -> Floats:
    """From each patch's centre to its pixel that moved most along the line of sight, (patches, 2) km.

    Parameters
    ----------
    product : the scene the patches were cut from, with ``los_displacement`` (m): this baseline is given the unwrapped
        displacement, which the network is not.
    patches : of this one scene.

    Returns
    -------
    Place of the largest |LOS − median| within the patch, less its centre; zero where the patch holds no data.
    """
    if "los_displacement" not in product:
        raise ProductError("The largest displacement needs los_displacement: unwrap the scene first.")
    frame, los = local_frame(product), product["los_displacement"].to_numpy()
    found = np.zeros((len(patches), 2))
    places = patches.table[["center_east_km", "center_north_km", "size_km"]].to_numpy(dtype=float)
    for n, (centre_east, centre_north, size_km) in enumerate(places):
        east, north = frame.east_km - centre_east, frame.north_km - centre_north
        inside = np.isfinite(los) & (np.maximum(np.abs(east), np.abs(north)) <= size_km / 2)
        if inside.any():
            moved = np.abs(los - np.median(los[inside]))
            peak = np.argmax(np.where(inside, moved, -1))
            found[n] = east.flat[peak], north.flat[peak]
    return found
