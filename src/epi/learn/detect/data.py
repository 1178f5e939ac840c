"""Simulated scenes as batches, in three sets that never share one."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from epi.errors import ParameterError
from epi.learn.detect.channels import scene_channels
from epi.simulate.labelled import BLOCK, PLAIN, Mixture, Scenes, labelled_scenes

Flags = TypeVar("Flags", Tensor, pd.Series)
Part = Literal["train", "validation", "test"]
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}
"""Of all blocks of a seed: a block belongs to one part, with all scenes that see its ruptures."""

Sample = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]
"""Channels, mask, where there is data, whether an earthquake is present, whether the scene counts (not where the
earthquake is too weak, see `CLEAR_FRINGES`) and its `motion`, of a batch of scenes."""
CLEAR_FRINGES = 0.5
"""Earthquakes whose largest displacement is no more of a fringe can hardly be told from air: presence and the overlap
of masks are not learned from them, nor are thresholds chosen on them."""


def clear(present: Flags, fringes: Any) -> Flags:  # noqa: ANN401  # tensor or column, as `present` is
    """Whether scenes count: those without an earthquake, and those whose largest displacement exceeds `CLEAR_FRINGES`.

    Parameters
    ----------
    present : (n,) bool, tensor or column of a table.
    fringes : (n,) largest displacement over half a wavelength.
    """
    return cast(Flags, ~present | (fringes > CLEAR_FRINGES))


def part_blocks(scenes: int, part: Part) -> range:
    """Numbers of the blocks of a part, when so many scenes are made in all.

    Raises
    ------
    ParameterError : too few scenes for three parts.
    """
    blocks = scenes // BLOCK
    if blocks < 10:
        raise ParameterError(f"{scenes} scenes were asked: give at least {10 * BLOCK}, for three parts.")
    learned, watched = round(SHARES["train"] * blocks), round(SHARES["validation"] * blocks)
    return {
        "train": range(learned),
        "validation": range(learned, learned + watched),
        "test": range(learned + watched, blocks),
    }[part]


def block_of(mixture: Mixture, seed: int, number: int, *, pixels: int, device: str = "cpu") -> Scenes:
    """One block of scenes."""
    return next(labelled_scenes(mixture, seed, first=number, pixels=pixels, device=device))


def sample_of(scenes: Scenes) -> Sample:
    """Channels and truth of scenes."""
    counts = clear(scenes.present, scenes.peak_m / (scenes.wavelength_m / 2))
    truth = (scenes.mask, scenes.valid, scenes.present, counts)
    mask, valid, present, counts = (part.float() for part in truth)
    return scene_channels(scenes), mask, valid, present, counts, motion(scenes)


def motion(scenes: Scenes) -> Tensor:
    """How far each pixel moved, compressed: what a network can learn of small and large motion alike.

    Returns
    -------
    (n, rows, columns) float32, inverse hyperbolic sine of the earthquake's own LOS displacement in half fringes, toward
    the satellite positive; 0 in scenes without one.
    """
    return torch.asinh(scenes.displacement / (scenes.wavelength_m / 4)).float()


class SceneBlocks(IterableDataset[Sample]):
    """Blocks of a part, again and again, the first ones plain; of several workers each makes every so-manieth one."""

    def __init__(
        self,
        mixture: Mixture,
        seed: int,
        blocks: range,
        *,
        pixels: int,
        first: int = 0,
        plain: int = 0,
        device: str = "cpu",
    ) -> None:
        self.mixture, self.seed, self.blocks, self.pixels, self.first = mixture, seed, blocks, pixels, first
        self.plain, self.device = plain, device

    def __iter__(self) -> Iterator[Sample]:
        """Yield blocks in the order of their numbers, without end."""
        worker, plain = get_worker_info(), replace(PLAIN, wavelength_m=self.mixture.wavelength_m)
        at, step = self.first, 1
        if worker is not None:
            at, step = self.first + worker.id, worker.num_workers
            torch.set_num_threads(1)
        while True:
            number = self.blocks[at % len(self.blocks)]
            mixture = plain if at < self.plain else self.mixture
            yield sample_of(block_of(mixture, self.seed, number, pixels=self.pixels, device=self.device))
            at += step


class SceneBatches:
    """Batches of a part: the n-th is the same wherever the reading began, and however many workers make them.

    Parameters
    ----------
    mixture, seed, blocks : of the part.
    batch : scenes a batch; a block holds a whole number of them.
    pixels : of a side.
    first : number of the first batch.
    workers : processes that make scenes; 0 makes them in this one.
    plain : scenes that are drawn from `epi.simulate.labelled.PLAIN` before the others.
    device : where scenes are made, ``"cuda"`` only without workers; its noise is not that of a CPU.
    """

    def __init__(
        self,
        mixture: Mixture,
        seed: int,
        blocks: range,
        *,
        batch: int,
        pixels: int,
        first: int = 0,
        workers: int = 0,
        plain: int = 0,
        device: str = "cpu",
    ) -> None:
        if batch < 1 or BLOCK % batch:
            raise ParameterError(f"Batches of {batch} scenes were asked: give a divisor of {BLOCK}.")
        self.batch, self.workers = batch, workers
        block, self.skipped = divmod(first, BLOCK // batch)
        self.blocks = SceneBlocks(
            mixture, seed, blocks, pixels=pixels, first=block, plain=plain // BLOCK, device=device
        )

    def __iter__(self) -> Iterator[Sample]:
        """Yield batches without end."""
        first = self.skipped * self.batch
        for block in DataLoader(self.blocks, batch_size=None, num_workers=self.workers):
            for start in range(first, BLOCK, self.batch):
                yield tuple(part[start : start + self.batch] for part in block)
            first = 0
