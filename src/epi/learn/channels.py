"""What the network sees of a patch."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import MissingConvention
from epi.patches import Patches

CHANNELS = ("cosine", "sine", "coherence", "turn_east", "turn_north", "data", "look_east", "look_north")
"""Of the phase its cosine and sine, and its wrapped step from pixel to pixel east and north (rad), the slope of the
displacement; the coherence; where there is data (1) or not (0); the look vector. Nothing says where on Earth."""


def inputs(patches: Patches) -> Tensor:
    """Channels of patches, (patches, channels, pixels, pixels) float32, in the order of ``CHANNELS``.

    Raises
    ------
    MissingConvention : a patch does not say from where the satellite looked.
    """
    return stack_channels(phasors(patches), torch.from_numpy(patches.coh), look_vectors(patches))


def phasors(patches: Patches) -> Tensor:
    """Interferogram of patches, (patches, pixels, pixels) complex64; zero is no data."""
    return torch.from_numpy((patches.i + 1j * patches.q).astype(np.complex64))


def look_vectors(patches: Patches) -> Tensor:
    """East and north parts of the patches' look vectors, (patches, 2) float32.

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
    return torch.tensor(look)


def labels(patches: Patches) -> NDArray[np.float64]:
    """Offsets from the patches' centres to their epicentres, (patches, 2): km east and north."""
    return patches.table[["offset_east_km", "offset_north_km"]].to_numpy(dtype=float)


def stack_channels(interferogram: Tensor, coherence: Tensor, look: Tensor) -> Tensor:
    """Make the channels of patches.

    Parameters
    ----------
    interferogram, coherence : (patches, pixels, pixels), row 0 in the north; a zero interferogram is no data, and gives
        zero in every channel but the look's.
    look : (patches, 2), east and north parts of the unit vector from the ground to the satellite.
    """
    unit = torch.sgn(interferogram)
    east, north = torch.zeros_like(coherence), torch.zeros_like(coherence)
    east[:, :, 1:] = torch.angle(unit[:, :, 1:] * unit[:, :, :-1].conj())
    north[:, 1:] = torch.angle(unit[:, :-1] * unit[:, 1:].conj())  # from south to north
    data = (unit != 0).to(coherence)
    planes = [unit.real, unit.imag, coherence * data, east, north, data]
    return torch.cat([torch.stack(planes, 1), look[:, :, None, None].expand(-1, -1, *coherence.shape[1:])], 1)
