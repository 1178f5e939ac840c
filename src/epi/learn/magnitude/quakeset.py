"""Pairs of images out of a QuakeSet: checked before use, read by torchgeo, in decibels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset

from epi.errors import FileFormatError, ParameterError
from epi.learn.libraries import import_quakeset
from epi.learn.magnitude.layout import PARTS, check_quakeset
from epi.simulate.backscatter import POLARISATIONS

CHANNELS = 2 * len(POLARISATIONS)
"""VV and VH of the first image of a pair, then of the second."""
FLOOR_DB = -35.0
"""Backscatter below this is set to it: Sentinel-1's own noise is near -25 dB, and a logarithm of almost nothing would
outweigh everything else (the authors' program adds 1e-9, which makes ground without data -90 dB)."""
CHANGED = ("slid", "collapsed", "torn")
"""Shares of a patch's ground that its earthquake changed, which only a simulation knows."""
MEMORY_BYTES = 2_000_000_000
"""Up to so much is kept in memory once it was read."""


def decibels(power: Tensor) -> Tensor:
    """10 log10 of backscatter.

    Parameters
    ----------
    power : linear, any shape.

    Returns
    -------
    dB, at least `FLOOR_DB`; NaN where there are no data (0, negative or not finite): torchgeo turns NaN into 0, and
    QuakeSet has 0 outside the images, and neither is a measurement.
    """
    there = torch.isfinite(power) & (power > 0)
    value = 10 * torch.log10(torch.where(there, power, 1.0))
    return torch.where(there, value.clamp_min(FLOOR_DB), torch.nan)


def average(power: Tensor, pixels: int) -> Tensor:
    """Mean power over squares: more looks, fewer pixels.

    Parameters
    ----------
    power : (channels, side, side), linear.
    pixels : a side of the answer; divides the side.

    Returns
    -------
    (channels, pixels, pixels), of what has data (see `decibels`); NaN where nothing in a square has.
    """
    size = power.shape[-1] // pixels
    if size == 1:
        return power
    there = torch.isfinite(power) & (power > 0)
    total = torch.nn.functional.avg_pool2d(torch.where(there, power, 0.0), size)
    return total / torch.nn.functional.avg_pool2d(there.float(), size)  # 0 / 0 is NaN: no data


@dataclass
class Pairs:
    """Pairs of images of one part of a QuakeSet.

    Attributes
    ----------
    source : torchgeo's dataset.
    table : a row a pair: ``event``, ``patch``, ``label`` (1 with an earthquake between the images), ``magnitude`` (0
        without), and what a simulation knows beside.
    pixels : a side, after averaging.
    """

    source: Any
    table: pd.DataFrame
    pixels: int
    _kept: dict[int, Tensor] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.table)

    def decibels(self, number: int) -> Tensor:
        """Backscatter of a pair, (4, pixels, pixels) dB, NaN without data.

        Raises
        ------
        FileFormatError : an image without any data, or damaged.
        """
        if (kept := self._kept.get(number)) is not None:
            return kept
        row = self.table.iloc[number]
        try:
            image = self.source[number]["image"]
        except (OSError, KeyError) as error:
            raise FileFormatError(
                f"{row['event']}/{row['patch']} cannot be read ({error}): fetch the file again, or leave the patch out."
            ) from error
        values = decibels(average(image, self.pixels))
        if not torch.isfinite(values).flatten(1).any(1).all():
            raise FileFormatError(
                f"{row['event']}/{row['patch']} has an image without data, or in decibels: leave the patch out, or "
                "give linear power."
            )
        if len(self) * values.numel() * values.element_size() <= MEMORY_BYTES:
            self._kept[number] = values
        return values

    def take(self, rows: NDArray[np.intp]) -> "Pairs":
        """Some of the pairs, in the order of their numbers given."""
        return Pairs(Subset(self.source, rows.tolist()), self.table.iloc[rows].reset_index(drop=True), self.pixels)

    @property
    def magnitude(self) -> NDArray[np.float64]:
        """True magnitudes, 0 of pairs without an earthquake."""
        return np.array(self.table["magnitude"], dtype=float)

    @property
    def changed(self) -> NDArray[np.float64]:
        """Share of the ground of each pair's patch that its earthquake changed; both pairs of a patch have the same.

        Raises
        ------
        ParameterError : the file does not say: only a simulation knows.
        """
        if missing := [name for name in CHANGED if name not in self.table]:
            raise ParameterError(
                f"These pairs do not say what share {' or '.join(missing)}: only simulated ones do. Plan no practice."
            )
        return np.array(self.table[list(CHANGED)].sum(axis=1), dtype=float)


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each channel in decibels, of training pairs alone."""

    mean: tuple[float, ...]
    spread: tuple[float, ...]

    def __call__(self, values: Tensor) -> Tensor:
        """Scale (…, 4, pixels, pixels); what has no data becomes 0, the mean."""
        mean, spread = (torch.tensor(each, dtype=torch.float32)[:, None, None] for each in (self.mean, self.spread))
        return torch.nan_to_num((values - mean) / spread, nan=0.0)


def measure_scaling(pairs: Pairs, *, largest: int = 1024) -> Scaling:
    """Measure the scaling of training pairs.

    Parameters
    ----------
    pairs : of the training part alone.
    largest : so many of them at most are looked at, evenly spread.

    Returns
    -------
    Mean and standard deviation of each channel, dB, over ground that has data.
    """
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(len(pairs), largest)).astype(int))
    sums = torch.zeros(3, CHANNELS, dtype=torch.float64)
    for number in chosen.tolist():
        values = pairs.decibels(number).flatten(1).double()
        there = torch.isfinite(values)
        known = torch.where(there, values, 0.0)
        sums += torch.stack([there.sum(1).double(), known.sum(1), (known**2).sum(1)])
    mean = sums[1] / sums[0]
    spread = (sums[2] / sums[0] - mean**2).clamp_min(1e-6).sqrt()
    return Scaling(tuple(mean.tolist()), tuple(spread.tolist()))


def open_quakeset(folder: str | Path, *, pixels: int) -> dict[str, Pairs]:
    """Open a checked QuakeSet.

    Parameters
    ----------
    folder : with ``earthquakes.h5``.
    pixels : a side of what is learned from; larger images are averaged, in power.

    Returns
    -------
    The pairs of each part (``train``, ``validation``, ``test``) that the file has: of every patch the positive
    (pre, post) with its magnitude, then the hard negative (before, pre) with magnitude 0.

    Raises
    ------
    FileFormatError : see `check_quakeset`.
    ParameterError : pixels that do not divide those of the images.
    """
    patches = check_quakeset(folder)
    side = int(patches["rows"].iloc[0])
    if pixels < 1 or side % pixels:
        raise ParameterError(f"{pixels} pixels were asked of images of {side}: give a divisor of it.")
    dataset = import_quakeset()
    known = patches.drop(columns=["split", "magnitude", "rows", "before"])
    found = {}
    for part, name in PARTS.items():
        if part in set(patches["split"]):
            source = dataset(str(folder), split=name)
            keys = {"key": "event"}
            table = pd.DataFrame(source.data).rename(columns=keys)[["event", "patch", "label", "magnitude"]]
            found[part] = Pairs(source, table.merge(known, on=["event", "patch"], how="left"), pixels)
    return found
