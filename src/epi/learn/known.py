"""Simulated scenes with known epicentres, cut into the patches a network looks at."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from epi.learn.models import Settings
from epi.patches import Patches, cut
from epi.simulate import recipe
from epi.simulate.recipe import Draw, Recipe
from epi.simulate.scene import Simulated

OVERLAP = 0.5
"""Share of its side that a patch has in common with the next."""


@dataclass(frozen=True)
class KnownScene:
    """A simulated scene and what it holds.

    Attributes
    ----------
    seed : of the recipe.
    product : unwrapped and noisy.
    centroid : east and north (km) of the slip's centroid, which is the epicentre asked for; NaN without an earthquake.
    magnitude : NaN without an earthquake.
    peak_m : largest |LOS| displacement of the earthquake where there is data; 0 without one.
    atmosphere_m : rms of the delay.
    """

    seed: int
    product: xr.Dataset
    centroid: tuple[float, float]
    magnitude: float
    peak_m: float
    atmosphere_m: float

    @property
    def event(self) -> str:
        """Name of the simulated earthquake."""
        return f"simulated-{self.seed:06d}"


def recipe_scene(seed: int, *, which: Recipe = recipe.UNSEEN) -> KnownScene:
    """The scene of a seed of a frozen recipe: seeds below 10,000 are for reporting only."""
    return with_truth(seed, *recipe.scene(seed, which))


def with_truth(seed: int, made: Simulated, drawn: Draw) -> KnownScene:
    """A scene as `epi.simulate.recipe.scene` of a seed gives it."""
    rupture, sky = drawn.rupture, drawn.conditions.atmosphere_m
    return KnownScene(seed, made.product, rupture.centroid[:2], rupture.magnitude, recipe.peak_los(made), sky)


def quiet_scene(seed: int, *, which: Recipe = recipe.UNSEEN) -> KnownScene:
    """The scene of a seed without its earthquake."""
    made = recipe.quiet_scene(seed, which)
    return KnownScene(seed, made.product, (np.nan, np.nan), np.nan, 0.0, made.product.attrs["atmosphere_m"])


def scenes(make: Callable[[int], KnownScene], seeds: Iterable[int], *, workers: int = 2) -> Iterator[KnownScene]:
    """Simulate scenes, several at a time, in the order of their seeds; each depends on its seed alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a dislocation is too small a task to share: scenes run beside each other instead
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(make, seeds)
    finally:
        torch.set_num_threads(threads)


def gridded(scene: KnownScene, settings: Settings | None = None, *, overlap: float = OVERLAP) -> Patches:
    """The scene as patches of the network's size, side by side, labelled where it holds an earthquake."""
    shape = settings or Settings()
    epicentre = None if np.isnan(scene.magnitude) else scene.centroid
    return cut(
        scene.product,
        size_km=shape.size_km,
        pixels=shape.pixels,
        overlap=overlap,
        epicentre=epicentre,
        event=scene.event,
    )
