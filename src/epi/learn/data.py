"""The stream of simulated patches as batches for a network."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from epi.errors import ParameterError
from epi.learn.channels import stack_channels
from epi.simulate.stream import BLOCK, Batch, Weather, stream

Sample = tuple[Tensor, Tensor, Tensor, Tensor]
"""Channels, offset (km), magnitude and peak |LOS| (m) of a batch of patches."""


def tensors(batch: Batch) -> Sample:
    """Channels and truth of a batch."""
    channels = stack_channels(*map(torch.from_numpy, (batch.interferogram, batch.coherence, batch.look)))
    offset, magnitude, peak = map(torch.from_numpy, (batch.offset_km, batch.magnitude, batch.peak_m))
    return channels, offset, magnitude, peak


class Blocks(IterableDataset[Sample]):
    """Blocks of the stream without end; of several workers each draws every so-manieth one."""

    def __init__(self, seed: int, *, first: int, pixels: int, spacing_km: float, weather: Weather | None) -> None:
        self.seed, self.first, self.weather = seed, first, weather
        self.pixels, self.spacing_km = pixels, spacing_km

    def __iter__(self) -> Iterator[Sample]:
        """Yield blocks in the order of their numbers."""
        worker = get_worker_info()
        number, step = (self.first, 1)
        if worker is not None:
            number, step = self.first + worker.id, worker.num_workers
            torch.set_num_threads(1)
        while True:
            blocks = stream(
                self.seed, first=number, pixels=self.pixels, spacing_km=self.spacing_km, weather=self.weather
            )
            yield tensors(next(blocks))
            number += step


class Batches:
    """Batches of the stream: the n-th is the same wherever the reading began, and however many workers draw.

    Parameters
    ----------
    seed : of the stream.
    batch : patches a batch; a block holds a whole number of them.
    pixels, size_km : of a patch.
    first : number of the first batch.
    workers : processes that draw; 0 draws in this one.
    weather : what to draw from.
    """

    def __init__(
        self,
        seed: int,
        *,
        batch: int,
        pixels: int,
        size_km: float,
        first: int = 0,
        workers: int = 0,
        weather: Weather | None = None,
    ) -> None:
        if batch < 1 or BLOCK % batch:
            raise ParameterError(f"Batches of {batch} patches were asked: give a divisor of {BLOCK}.")
        self.batch, self.workers = batch, workers
        block, self.skipped = divmod(first, BLOCK // batch)
        self.blocks = Blocks(seed, first=block, pixels=pixels, spacing_km=size_km / pixels, weather=weather)

    def __iter__(self) -> Iterator[Sample]:
        """Yield batches without end."""
        first = self.skipped * self.batch
        for block in DataLoader(self.blocks, batch_size=None, num_workers=self.workers):
            for start in range(first, BLOCK, self.batch):
                channels, offset, magnitude, peak = (part[start : start + self.batch] for part in block)
                yield channels, offset, magnitude, peak
            first = 0
