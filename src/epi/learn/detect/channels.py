"""What the detectors see of an interferogram, wrapped or unwrapped."""

import math

import torch
from torch import Tensor

from epi.errors import EmptyScene, ParameterError
from epi.simulate.labelled import Scenes

DETECT_CHANNELS = ("cosine", "sine", "turn_east", "turn_north", "coherence", "data", "unwrapped")
"""Cosine and sine of the phase; its wrapped step from pixel to pixel east and north, in half turns; the coherence;
where there is data (1) or not (0); the unwrapped phase about its mean, compressed, 0 where it is wrapped. Nothing says
where on Earth the scene lies, how far its pixels are apart or from where the satellite looked."""
LARGEST_TURNS = 2000.0
"""An unwrapped phase that spans more turns than this is something else."""


def scene_channels(scenes: Scenes) -> Tensor:
    """Channels of simulated scenes, (n, 7, pixels, pixels)."""
    return detect_channels(scenes.phase, scenes.coherence, scenes.valid, scenes.unwrapped)


def detect_channels(phase: Tensor, coherence: Tensor, valid: Tensor, unwrapped: Tensor) -> Tensor:
    """Make what the detectors look at.

    Parameters
    ----------
    phase : (n, rows, columns), radians, row 0 in the north; wrapped to ±π or not.
    coherence : of the same shape, 0 to 1.
    valid : of the same shape, bool; what the others hold elsewhere does not count.
    unwrapped : (n,) bool.

    Returns
    -------
    (n, channels, rows, columns) float32 in the order of ``DETECT_CHANNELS``; no NaN, zero without data.
    """
    zero = torch.zeros((), dtype=torch.float32, device=phase.device)
    angle = torch.where(valid, phase, zero).float()
    data = valid.float()
    cosine, sine = angle.cos() * data, angle.sin() * data
    east, north = torch.zeros_like(data), torch.zeros_like(data)
    east[:, :, 1:] = _turn(angle[:, :, 1:] - angle[:, :, :-1]) * data[:, :, 1:] * data[:, :, :-1]
    north[:, 1:] = _turn(angle[:, :-1] - angle[:, 1:]) * data[:, 1:] * data[:, :-1]
    mean = angle.sum((1, 2)) / data.sum((1, 2)).clamp_min(1)
    whole = torch.asinh((angle - mean[:, None, None]) / math.pi) / 2 * data * unwrapped[:, None, None]
    seen = torch.where(valid, coherence, zero).float()
    return torch.stack([cosine, sine, east, north, seen, data, whole], 1)


def mirrored(channels: Tensor) -> Tensor:
    """Channels of the mirror images of scenes, west for east.

    What a satellite that looks to its right sees of mirrored ground on its way north, it sees of the ground on its way
    south. Turned north for south, a scene has no such twin.

    Parameters
    ----------
    channels : (n, channels, rows, columns), as `detect_channels` makes them.

    Returns
    -------
    The same as `detect_channels` would make of scenes turned over; no NaN.
    """
    flipped = channels.flip(-1)
    east = DETECT_CHANNELS.index("turn_east")
    flipped[:, east] = -flipped[:, east].roll(1, -1)  # a step belongs to the eastern one of its two pixels
    return flipped


def check_inputs(phase: Tensor, coherence: Tensor, valid: Tensor, unwrapped: Tensor) -> None:
    """Refuse what a detector was not made for, with one clear error.

    Raises
    ------
    ParameterError : shapes that differ, a value that is not a number where there is data, a wrapped phase beyond ±π, a
        coherence outside 0 to 1, an unwrapped phase of thousands of turns.
    EmptyScene : a scene without data.
    """
    if not (phase.ndim == 3 and phase.shape == coherence.shape == valid.shape and len(unwrapped) == len(phase)):
        shapes = ", ".join(str(tuple(each.shape)) for each in (phase, coherence, valid, unwrapped))
        raise ParameterError(
            f"Phase, coherence, data and unwrapped of shapes {shapes}: give (n, rows, columns) and (n,)."
        )
    for name, values in (("phase", phase), ("coherence", coherence)):
        if not bool(torch.isfinite(values[valid]).all()):
            raise ParameterError(f"The {name} is not a number where data is stated: mark these pixels as no data.")
    if not bool(valid.flatten(1).any(1).all()):
        raise EmptyScene("A scene without a single pixel of data was given: leave it out.")
    wrapped = torch.where(valid & ~unwrapped[:, None, None], phase.abs(), 0).amax()
    if float(wrapped) > math.pi + 1e-3:
        raise ParameterError(
            f"A wrapped phase of {float(wrapped):.3g} was given: it is not in radians from -π to π; "
            "wrap it, or say that it is unwrapped."
        )
    low, high = coherence[valid].amin(), coherence[valid].amax()
    if float(low) < 0 or float(high) > 1 + 1e-6:
        raise ParameterError(
            f"A coherence from {float(low):.3g} to {float(high):.3g} was given: it lies between 0 and 1."
        )
    whole = valid & unwrapped[:, None, None]
    if bool(whole.any()):
        high = torch.where(whole, phase, -math.inf).amax((1, 2))
        low_phase = torch.where(whole, phase, math.inf).amin((1, 2))
        span = float((high - low_phase)[unwrapped].amax()) / (2 * math.pi)
        if span > LARGEST_TURNS:
            raise ParameterError(
                f"An unwrapped phase that spans {span:.0f} turns was given: check the unit (metres, not millimetres?)."
            )


def _turn(step: Tensor) -> Tensor:
    """A step of the phase wrapped to ±1 half turn."""
    return torch.remainder(step / math.pi + 1, 2) - 1
