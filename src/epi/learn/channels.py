"""What the network sees of a patch, and what it is asked for."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import MissingConvention
from epi.patches import Patches

CHANNELS = (
    *("cosine", "sine", "coherence"),
    *("turn_east", "turn_north"),
    *("look_east", "look_north"),
    *("place_east", "place_north"),
)
"""Of the phase its cosine and sine, and its wrapped step from pixel to pixel east and north (rad): the slope of the
displacement; the look vector; and where in the patch (not where on Earth) a pixel lies, from −1 to 1."""

Floats = NDArray[np.float32]


def inputs(patches: Patches) -> Tensor:
    """Channels of patches, (patches, channels, pixels, pixels) float32, in the order of ``CHANNELS``.

    Raises
    ------
    MissingConvention : a patch does not say from where the satellite looked.
    """
    look = patches.table[["look_east", "look_north"]].to_numpy(dtype=np.float32)
    if not np.isfinite(look).all():
        raise MissingConvention(
            "The network needs to know from where the satellite looked, and these patches do not say: "
            "state incidence and heading (or the pass) when the scene is read."
        )
    return torch.from_numpy(stack_channels(patches.i + 1j * patches.q, patches.coh, look))


def stack_channels(interferogram: NDArray[np.complex64], coherence: Floats, look: Floats) -> Floats:
    """Make the channels of patches.

    Parameters
    ----------
    interferogram, coherence : (patches, pixels, pixels); zero is no data and gives zero in every channel of the phase.
    look : (patches, 2), east and north parts of the unit vector from the ground to the satellite.
    """
    length = np.abs(interferogram)
    unit = np.divide(interferogram, length, out=np.zeros_like(interferogram), where=length > 0)
    east, north = np.zeros(unit.shape, np.float32), np.zeros(unit.shape, np.float32)
    east[:, :, 1:] = np.angle(unit[:, :, 1:] * unit[:, :, :-1].conj())
    north[:, 1:] = np.angle(unit[:, :-1] * unit[:, 1:].conj())  # row 0 is in the north
    side = np.linspace(-1, 1, unit.shape[-1], dtype=np.float32)
    planes = [look[:, 0, None, None], look[:, 1, None, None], side[None, None, :], -side[None, :, None]]
    full = [np.broadcast_to(plane, unit.shape) for plane in planes]
    return np.stack([unit.real, unit.imag, coherence, east, north, *full], axis=1).astype(np.float32)


def labels(patches: Patches) -> NDArray[np.float64]:
    """Offsets from the patches' centres to their epicentres, (patches, 2): km east and north."""
    return patches.table[["offset_east_km", "offset_north_km"]].to_numpy(dtype=float)
