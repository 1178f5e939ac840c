"""What any network must beat: answers that cost nothing."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsRegressor

from epi.errors import ProductError
from epi.insar.product import local_frame
from epi.learn.channels import labels
from epi.patches import Patches

Floats = NDArray[np.float64]


def copy_centre(patches: Patches) -> Floats:
    """The epicentre is the patch's own centre: offset zero, (patches, 2) km."""
    return np.zeros((len(patches), 2))


def constant(training: Patches, patches: Patches) -> Floats:
    """The median offset of the training patches, for every patch, (patches, 2) km."""
    return np.tile(np.median(labels(training), axis=0), (len(patches), 1))


def nearest_neighbour(training: Patches, patches: Patches, *, cells: int = 8) -> Floats:
    """The offset of the training patch that looks most alike, (patches, 2) km.

    Alike means: the length of the fringe rate, averaged over ``cells`` x ``cells`` squares of the patch, is closest.
    """
    found = KNeighborsRegressor(n_neighbors=1).fit(fringe_map(training, cells), labels(training))
    return np.asarray(found.predict(fringe_map(patches, cells)), dtype=float)


def fringe_map(patches: Patches, cells: int) -> Floats:
    """Mean length of the phase step between neighbours (rad) in squares of each patch, (patches, cells²)."""
    phasor = patches.i + 1j * patches.q
    east = np.angle(phasor[:, 1:, 1:] * phasor[:, 1:, :-1].conj())
    north = np.angle(phasor[:, 1:, 1:] * phasor[:, :-1, 1:].conj())
    rate = np.hypot(east, north)
    edges = np.linspace(0, rate.shape[1], cells + 1).astype(int)[:-1]
    sums = np.add.reduceat(np.add.reduceat(rate, edges, axis=1), edges, axis=2)
    areas = np.add.reduceat(np.add.reduceat(np.ones(rate.shape[1:]), edges, axis=0), edges, axis=1)
    return np.asarray((sums / areas).reshape(len(patches), -1), dtype=float)


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
