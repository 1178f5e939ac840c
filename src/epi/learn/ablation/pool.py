"""Patches drawn once and kept, so that many small networks can be compared at the cost of their training alone.

All hold the epicentre of a visible earthquake: these networks are asked where it is, not whether there is one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from epi.learn.channels import inputs, labels, stack_channels
from epi.learn.known import gridded, recipe_scene
from epi.learn.likelihood import VISIBLE_M
from epi.learn.models import Settings
from epi.simulate.recipe import Recipe
from epi.simulate.stream import BLOCK, SIDES, Batch, Weather, stream
from epi.storage import atomic_path

PIXELS, SIZE_KM = 64, 51.2
"""Of a patch: the ground of the large network's, at half its sharpness."""
PLANES = 6
"""Channels that differ from pixel to pixel; the look's two are the same all over a patch."""


@dataclass(frozen=True)
class Pool:
    """Patches with what is true of them; arrays have one entry a patch.

    Attributes
    ----------
    planes : (n, pixels, pixels, 6) float16, the first channels of `epi.learn.channels`.
    look, offset_km : (n, 2) float32.
    magnitude, peak_m : (n,) float32.
    event : (n,) number of the earthquake.
    air_m : (n,) float32, rms of the delay; NaN where it was not kept.
    """

    planes: NDArray[np.float16]
    look: NDArray[np.float32]
    offset_km: NDArray[np.float32]
    magnitude: NDArray[np.float32]
    peak_m: NDArray[np.float32]
    event: NDArray[np.int32]
    air_m: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.magnitude)

    def take(self, chosen: NDArray[Any]) -> "Pool":
        """Return some of the patches."""
        return Pool(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def earthquakes(self, count: int, *, seed: int) -> "Pool":
        """All patches of so many earthquakes, or of all where there are fewer."""
        every = np.random.default_rng([seed, 23]).permutation(np.unique(self.event))
        return self.take(np.flatnonzero(np.isin(self.event, every[:count])))

    def visible(self) -> "Pool":
        """The patches that hold the epicentre of an earthquake of 3 cm or more."""
        inside = (np.abs(self.offset_km) < SIZE_KM / 2).all(1)
        return self.take(np.flatnonzero(inside & (self.peak_m >= VISIBLE_M)))


def draw_pool(seed: int, blocks: range, *, weather: Weather | None = None) -> Pool:
    """Draw blocks of the stream, and keep the patches that hold a visible epicentre: two in five.

    Parameters
    ----------
    seed : of the stream.
    blocks : their numbers; each has 256 patches of 16 earthquakes.
    weather : what to draw from; the same seed gives the same ruptures under any air.
    """
    drawn = stream(seed, first=blocks[0], pixels=PIXELS, spacing_km=SIZE_KM / PIXELS, weather=weather)
    return join([_block(number, batch) for number, batch in zip(blocks, drawn, strict=False)])


def _block(number: int, batch: Batch) -> Pool:
    """One block; a magnitude drawn at random tells its earthquake from all others, and NaN stands for none."""
    channels = stack_channels(*map(torch.from_numpy, (batch.interferogram, batch.coherence, batch.look)))
    event = number * (BLOCK // SIDES) + np.unique(batch.magnitude, return_inverse=True)[1].astype(np.int32)
    truth = batch.look, batch.offset_km, batch.magnitude, batch.peak_m
    return Pool(_planes(channels), *truth, event, np.full(len(batch), np.nan, np.float32)).visible()


def scene_pool(which: Recipe, seeds: Iterable[int]) -> Pool:
    """Those of the overlapping patches of a recipe's scenes that hold a visible epicentre.

    The event's number is the scene's seed; what counts is the largest displacement in the scene.
    """
    shape, parts = Settings(pixels=PIXELS, size_km=SIZE_KM), []
    for scene in (recipe_scene(seed, which=which) for seed in seeds):
        patches = gridded(scene, shape)
        channels, count = inputs(patches), len(patches)
        magnitude, peak, air = (
            np.full(count, each, np.float32) for each in (scene.magnitude, scene.peak_m, scene.atmosphere_m)
        )
        look, offset = channels[:, PLANES:, 0, 0].numpy(), labels(patches).astype(np.float32)
        event = np.full(count, scene.seed, np.int32)
        parts.append(Pool(_planes(channels), look, offset, magnitude, peak, event, air))
    return join(parts).visible()


def _planes(channels: torch.Tensor) -> NDArray[np.float16]:
    return np.ascontiguousarray(channels[:, :PLANES].permute(0, 2, 3, 1).half().numpy())


def join(parts: list[Pool]) -> Pool:
    """One pool of several."""
    return Pool(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Pool)))


def save_pool(pool: Pool, path: Path) -> Pool:
    """Keep a pool in a file, whole or not at all."""
    with atomic_path(path) as temporary:
        np.savez(temporary, **{each.name: getattr(pool, each.name) for each in fields(Pool)})
    return pool


def read_pool(path: Path) -> Pool:
    """Read what `save_pool` kept."""
    with np.load(path) as kept:
        return Pool(*(kept[each.name] for each in fields(Pool)))
