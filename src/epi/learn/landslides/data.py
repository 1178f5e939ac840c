"""Patches of landslide stacks as tensors: checked, normalised, and zero where there is no data."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import EmptyScene, ParameterError
from epi.insar.stack_bands import BANDS
from epi.learn.landslides.channels import AS_THEY_ARE, CHANNELS, check_channels, make_channel
from epi.patches.stack import check_patches, mean_and_spread

Names = NDArray[np.str_]
PIECE = 256
"""Patches of which a channel is made at a time."""


@dataclass(frozen=True)
class Patches:
    """Patches with all that can be shown of them.

    Attributes
    ----------
    raw : channels by name, (n, rows, columns) float32 in their own units, 0 without data.
    label : (n, rows, columns) bool, landslide as it was mapped, False without data.
    valid : (n, rows, columns) bool.
    event, region : (n,) names.
    pixel_m : side of a pixel, metres.
    truth : (n, rows, columns) bool, what really slid, where that is known because it was simulated; else None.
    """

    raw: dict[str, NDArray[np.float32]]
    label: NDArray[np.bool_]
    valid: NDArray[np.bool_]
    event: Names
    region: Names
    pixel_m: float
    truth: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.label)

    def truth_of(self, rows: NDArray[np.intp]) -> NDArray[np.bool_] | None:
        """What really slid in some patches, or None where nobody knows."""
        return None if self.truth is None else self.truth[rows]

    @property
    def landslide_pixels(self) -> NDArray[np.int64]:
        """Landslide pixels of each patch."""
        return np.asarray(self.label.sum((1, 2)), dtype=np.int64)


@dataclass(frozen=True)
class Normaliser:
    """Mean and standard deviation of channels over the valid pixels of the patches that are learned from.

    Attributes
    ----------
    channels : names, in the order in which a network sees them.
    mean, deviation : of each, in its own unit; 0 and 1 of those that are shown as they are.
    """

    channels: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True)
class Samples:
    """What a network learns from or is judged on.

    Attributes
    ----------
    channels : (n, channels, rows, columns) float32, normalised, 0 without data.
    label, valid : (n, rows, columns) bool.
    target : (n, rows, columns) float32, 0 to 1: what the loss wants; the label itself unless it was softened.
    """

    channels: Tensor
    label: Tensor
    valid: Tensor
    target: Tensor

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.label)


def read_patches(patches: xr.Dataset, channels: Sequence[str] = CHANNELS) -> Patches:
    """Check a dataset of patches, and make channels of them.

    Parameters
    ----------
    patches : as `epi.patches.stack.cut_patches` makes them: ``bands`` (patch, band, y, x), ``landslide`` and ``valid``
        (patch, y, x), coordinates ``band``, ``event``, ``region``, attribute ``pixel_m``; and ``truth`` (patch, y, x)
        where what really slid is known.
    channels : what is needed of ``CHANNELS``.

    Raises
    ------
    PatchStoreError : not what `epi.patches.stack.cut_patches` makes: other bands or dimensions, no side of a pixel.
    ParameterError : labels that are not 0 or 1, or a value that is not a number where data is stated.
    EmptyScene : no patch, or one without a single pixel of data.
    """
    check_channels(channels)
    check_patches(patches)
    _check_values(patches)
    valid = patches["valid"].to_numpy().astype(bool)
    bands = {name: patches["bands"].sel(band=name).to_numpy().astype(np.float32, copy=False) for name in BANDS}
    pixel_m = float(patches.attrs["pixel_m"])
    return Patches(
        {name: _in_pieces(name, bands, valid, pixel_m) for name in dict.fromkeys(channels)},
        (patches["landslide"].to_numpy() == 1) & valid,
        valid,
        patches["event"].to_numpy().astype(str),
        patches["region"].to_numpy().astype(str),
        pixel_m,
        (patches["truth"].to_numpy() == 1) & valid if "truth" in patches else None,
    )


def _in_pieces(
    name: str, bands: dict[str, NDArray[np.float32]], valid: NDArray[np.bool_], pixel_m: float
) -> NDArray[np.float32]:
    """A channel of all patches, made of some at a time: of thousands, what it takes on the way is larger than it is."""
    made = np.empty(valid.shape, dtype=np.float32)
    for first in range(0, len(valid), PIECE):
        piece = slice(first, first + PIECE)
        own = {band: values[piece] for band, values in bands.items()}
        made[piece] = make_channel(name, own, valid[piece], pixel_m=pixel_m)
    return made


def _check_values(patches: xr.Dataset) -> None:
    """Refuse patches that a network could not learn from, with one clear error."""
    if not patches.sizes["patch"]:
        raise EmptyScene("No patch was given: cut some, from scenes that are larger than a patch.")
    valid = patches["valid"].to_numpy().astype(bool)
    if len(empty := np.flatnonzero(~valid.any((1, 2)))):
        raise EmptyScene(
            f"{len(empty)} patch(es) have not a single pixel of data, the first of them number {empty[0]} "
            f"({patches['event'].to_numpy()[empty[0]]}): leave them out."
        )
    for name in ("landslide", "truth") if "truth" in patches else ("landslide",):
        if patches[name].dims != patches["valid"].dims or not np.isin(patches[name].to_numpy(), (0, 1)).all():
            raise ParameterError(
                f"The mask '{name}' has dimensions {patches[name].dims} or values other than 0 and 1: each pixel of a "
                "patch is landslide (1) or not (0)."
            )
    for name in BANDS:
        wrong = valid & ~np.isfinite(patches["bands"].sel(band=name).to_numpy())
        if wrong.any():
            number = int(np.flatnonzero(wrong.any((1, 2)))[0])
            raise ParameterError(
                f"'{name}' is not a number in {int(wrong.sum())} pixel(s) that are stated as data, the first in patch "
                f"{number}: mark them as not valid."
            )


def fit_normaliser(patches: Patches, channels: Sequence[str], rows: NDArray[np.intp]) -> Normaliser:
    """Mean and standard deviation of channels over the valid pixels of some patches, and of no others.

    Parameters
    ----------
    patches : whole.
    channels : names, in the order in which a network shall see them.
    rows : numbers of the patches that are learned from.

    Raises
    ------
    ParameterError : no such channel was made, or none of the patches is to be learned from.
    """
    if not len(rows):
        raise ParameterError("No patch is left to learn from: give more events, or smaller other parts.")
    if lost := [name for name in channels if name not in patches.raw]:
        raise ParameterError(f"Channels {', '.join(lost)} were not made of these patches: name them in read_patches.")
    found = [
        (0.0, 1.0) if name in AS_THEY_ARE else mean_and_spread(patches.raw[name], patches.valid, rows)[:2]
        for name in channels
    ]
    mean, deviation = zip(*found, strict=True)
    return Normaliser(tuple(channels), mean, deviation)


def samples_of(patches: Patches, normaliser: Normaliser, rows: NDArray[np.intp] | None = None) -> Samples:
    """Tensors of some patches, or of all; pixels without data are 0, the mean, in every channel."""
    chosen = np.arange(len(patches)) if rows is None else rows
    valid = patches.valid[chosen]
    made = np.empty((len(chosen), len(normaliser.channels), *valid.shape[1:]), dtype=np.float32)
    known = zip(normaliser.channels, normaliser.mean, normaliser.deviation, strict=True)
    for number, (name, mean, deviation) in enumerate(known):
        made[:, number] = np.where(valid, (patches.raw[name][chosen] - mean) / deviation, 0)
    label = torch.from_numpy(patches.label[chosen])
    return Samples(torch.from_numpy(made), label, torch.from_numpy(valid), label.float())
