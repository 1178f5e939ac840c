"""QuakeSet, or a file in its layout: checked before use, read by torchgeo, in decibels."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Subset

from epi.errors import FileFormatError, ParameterError
from epi.learn.libraries import import_quakeset
from epi.simulate.backscatter import FILENAME, POLARISATIONS

PARTS = {"train": "train", "validation": "val", "test": "test"}
"""Parts as the file names them, and as torchgeo does."""
IMAGES = ("before", "pre", "post")
LARGEST = 10.0
"""No earthquake on the moment magnitude scale has reached it."""
CHANNELS = 2 * len(POLARISATIONS)
"""VV and VH of the first image of a pair, then of the second."""
FLOOR_DB = -35.0
"""Backscatter below this is set to it: Sentinel-1's own noise is near -25 dB, and a logarithm of almost nothing would
outweigh everything else (the authors' program adds 1e-9, which makes ground without data -90 dB)."""
CHANGED = ("slid", "collapsed", "torn")
"""Shares of a patch's ground that its earthquake changed, which only a simulation knows."""
MEMORY_BYTES = 2_000_000_000
"""Up to so much is kept in memory once it was read."""


def check_quakeset(folder: str | Path, *, negatives: bool = False) -> pd.DataFrame:
    """Look through a folder's ``earthquakes.h5`` and refuse what cannot be learned from.

    Parameters
    ----------
    folder : holds the file.
    negatives : refuse patches without an image ``before`` too. QuakeSet's number of pairs is odd, so it has some: they
        give no pair without an earthquake, and are otherwise as good as others.

    Returns
    -------
    A row a patch: ``event``, ``patch``, ``split``, ``magnitude``, ``rows``, ``before`` (whether there is one), and what
    a simulation knows beside.

    Raises
    ------
    FileFormatError : no file, or not HDF5, or a damaged group; no or an unknown ``split``, no magnitude, or one outside
        0 to 10; no patch; a patch without an image, or with images of another shape or type; one earthquake in two
        parts; a part without pairs of either kind.
    """
    path = Path(folder) / FILENAME
    if not path.is_file():
        raise FileFormatError(
            f"No {path}: give the folder that holds QuakeSet's {FILENAME} "
            "(huggingface.co/datasets/DarthReca/quakeset), or leave --data out to simulate."
        )
    try:
        with h5py.File(path) as file:
            rows = [row for event in sorted(file) for row in _event_rows(path, file, event, negatives)]
    except FileFormatError:
        raise
    except (OSError, KeyError, RuntimeError) as error:
        raise FileFormatError(f"{path} is not a whole HDF5 file ({error}): download or simulate it again.") from error
    if not rows:
        raise FileFormatError(f"{path} holds no earthquake: download or simulate it again.")
    table = pd.DataFrame(rows)
    assert_apart(table, path)
    for part, own in table.groupby("split"):
        if not own["before"].any():
            raise FileFormatError(f"{path}: no patch for {part} has an image before, so there are no negatives in it.")
    if len(sides := set(table["rows"])) != 1:
        raise FileFormatError(f"{path} has patches of {sorted(sides)} pixels: all must be of one size.")
    return table.drop(columns="place")


def assert_apart(table: pd.DataFrame, source: str | Path) -> None:
    """Refuse an earthquake that is in two parts, by its name or by its place and magnitude.

    Parameters
    ----------
    table : with ``event``, ``split``, ``magnitude`` and ``place``.
    source : named in the error.
    """
    for names, told in ((["event"], "the name"), (["place", "magnitude"], "the place and the magnitude")):
        known = table[table["place"] != ""] if "place" in names else table
        several = known.groupby(names)["split"].nunique()
        if (several > 1).any():
            twice = known.set_index(names).loc[[several.index[(several > 1).to_numpy()][0]]]
            events = ", ".join(dict.fromkeys(twice.reset_index()["event"]))
            raise FileFormatError(
                f"{source}: {told} of earthquake(s) {events} occur for {' and '.join(sorted(set(twice['split'])))}: "
                "what is learned from must not be in the test. Move them to one part."
            )


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


def open_quakeset(folder: str | Path, *, pixels: int, negatives: bool = False) -> dict[str, Pairs]:
    """Open a checked QuakeSet.

    Parameters
    ----------
    folder : with ``earthquakes.h5``.
    pixels : a side of what is learned from; larger images are averaged, in power.
    negatives : see `check_quakeset`.

    Returns
    -------
    The pairs of each part (``train``, ``validation``, ``test``) that the file has: of every patch the positive
    (pre, post) with its magnitude, then the hard negative (before, pre) with magnitude 0.

    Raises
    ------
    FileFormatError : see `check_quakeset`.
    ParameterError : pixels that do not divide those of the images.
    """
    patches = check_quakeset(folder, negatives=negatives)
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


def _event_rows(path: Path, file: h5py.File, event: str, negatives: bool) -> list[dict[str, Any]]:
    """Rows of the patches of one earthquake; the first fault ends it."""
    group = file[event]
    if not isinstance(group, h5py.Group):
        raise FileFormatError(f"{path}: {event} is no group of patches: this is not QuakeSet's layout.")
    for name in ("split", "magnitude"):
        if name not in group.attrs:
            raise FileFormatError(f"{path}: earthquake {event} has no attribute {name}: download or write it again.")
    split, size = str(group.attrs["split"]), group.attrs["magnitude"]
    if split not in PARTS:
        raise FileFormatError(f"{path}: earthquake {event} has split '{split}': it must be {', '.join(PARTS)}.")
    magnitude = float(size) if np.ndim(size) == 0 and np.issubdtype(np.asarray(size).dtype, np.number) else np.nan
    if not 0 < magnitude <= LARGEST:
        raise FileFormatError(
            f"{path}: earthquake {event} has magnitude {size}: it must be above 0, and at most {LARGEST:g}."
        )
    patches = [name for name in sorted(group) if name not in ("x", "y")]
    if not patches:
        raise FileFormatError(f"{path}: earthquake {event} has no patch.")
    place = _place(group)
    rows = []
    for patch in patches:
        own = _patch_row(path, group, f"{event}/{patch}", negatives)
        row = {"event": event, "patch": patch, "split": split, "magnitude": magnitude, "place": place}
        rows.append(row | own)
    return rows


def _patch_row(path: Path, group: h5py.Group, name: str, negatives: bool) -> dict[str, Any]:
    patch = group[name.partition("/")[2]]
    held = sorted(patch) if isinstance(patch, h5py.Group) else []
    missing = [each for each in IMAGES if each not in held and (each != "before" or negatives)]
    if missing:
        raise FileFormatError(
            f"{path}: patch {name} has no image {' or '.join(missing)}: leave it out, or write it again."
        )
    shapes = {each: patch[each].shape for each in IMAGES if each in held}
    shape = shapes["pre"]
    if any(each != shape for each in shapes.values()) or len(shape) != 3 or shape[0] != shape[1]:
        told = ", ".join(f"{each} {value}" for each, value in shapes.items())
        raise FileFormatError(f"{path}: patch {name} has images of shapes {told}: all must be alike and square.")
    if shape[2] != len(POLARISATIONS):
        raise FileFormatError(f"{path}: patch {name} has {shape[2]} bands: give two, {' and '.join(POLARISATIONS)}.")
    if any(patch[each].dtype.kind not in "fiu" for each in shapes):
        raise FileFormatError(f"{path}: patch {name} holds no real numbers: give backscatter, linear power.")
    known = {key: float(value) for key, value in patch.attrs.items() if np.ndim(value) == 0}
    return {"rows": shape[0], "before": "before" in held} | known


def _place(group: h5py.Group) -> str:
    """Where an earthquake's patches lie, as far as the file says; empty where it does not."""
    if "x" not in group or "y" not in group:
        return ""
    return " ".join(np.array2string(np.unique(np.round(group[name][()], 6)), threshold=8) for name in ("x", "y"))
