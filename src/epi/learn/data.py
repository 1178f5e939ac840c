"""What the network learns from: simulated earthquakes, cut into patches, and their many views."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
import xarray as xr
from torch import Tensor
from torch.utils.data import Dataset

from epi.learn.channels import stack_channels
from epi.patches import Patches, cut
from epi.simulate import recipe
from epi.simulate.rupture import draw_rupture
from epi.simulate.scene import Simulated, simulate_scene

PATCH_KM, PATCH_PIXELS = 51.2, 64  # 800 m a pixel
SCENE_PIXELS = round(recipe.SIZE_KM / PATCH_KM * PATCH_PIXELS)
"""Pixels a side of a whole simulated scene at the patches' pixel size."""

COARSE_CELL_KM = 6.0
"""Size of the cells of slip of the ruptures trained on; those of the test recipe are 1.5 km, at six times the cost."""


@dataclass(frozen=True)
class KnownScene:
    """A simulated scene and the east and north (km) of its earthquake's centroid, which is the epicentre asked for."""

    seed: int
    product: xr.Dataset
    centroid: tuple[float, float]

    @property
    def event(self) -> str:
        """Name of the simulated earthquake."""
        return f"simulated-{self.seed:06d}"


def recipe_scene(seed: int) -> KnownScene:
    """The scene of a seed of the frozen recipe (`epi.simulate.recipe`): seeds below 10,000 are for reporting only."""
    made, drawn = recipe.scene(seed)
    return KnownScene(seed, made.product, drawn.rupture.centroid[:2])


def training_scene(seed: int) -> KnownScene:
    """A scene of the same recipe whose slip varies less finely, so that it costs a sixth.

    Parameters
    ----------
    seed : 20,000 to 99,999, so that no earthquake of the recipe's own seeds is among those trained on.
    """
    for attempt in count():
        drawn = recipe.draw(seed + 100_000 * attempt)
        east, north, depth, strike, dip, length, width = drawn.rupture.plane
        rupture = draw_rupture(
            magnitude=drawn.rupture.magnitude,
            east_km=east,
            north_km=north,
            depth_km=depth,
            strike=strike,
            dip=dip,
            rake=drawn.rupture.rake,
            length_km=length,
            width_km=width,
            rng=np.random.default_rng([seed, attempt]),
            cell_km=COARSE_CELL_KM,
        )
        made = simulate_scene(
            rupture, drawn.conditions, seed=seed, size_km=recipe.SIZE_KM, spacing_m=recipe.SPACING_M, unwrapped=True
        )
        if _peak(made) >= recipe.PEAK_LOS_M:
            return KnownScene(seed, made.product, rupture.centroid[:2])
    raise AssertionError("count() ends never")


def _peak(made: Simulated) -> float:
    """Largest |LOS| displacement where there is data, metres."""
    return float(np.abs(made.truth["los_displacement"].where(made.truth["valid"])).max())


def scenes(make: Callable[[int], KnownScene], seeds: Iterable[int], *, workers: int = 2) -> Iterator[KnownScene]:
    """Simulate scenes, several at a time, in the order of their seeds; each depends on its seed alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # a dislocation is too small a task to share: scenes run beside each other instead
    try:
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(make, seeds)
    finally:
        torch.set_num_threads(threads)


def whole(scene: KnownScene) -> Patches:
    """The scene as one patch of its full size, for `Views` to crop."""
    return cut(
        scene.product,
        size_km=recipe.SIZE_KM,
        pixels=SCENE_PIXELS,
        overlap=0.0,
        epicentre=scene.centroid,
        event=scene.event,
    )


def gridded(scene: KnownScene, *, overlap: float = 0.5) -> Patches:
    """The scene as patches of the network's size, side by side."""
    return cut(
        scene.product,
        size_km=PATCH_KM,
        pixels=PATCH_PIXELS,
        overlap=overlap,
        epicentre=scene.centroid,
        event=scene.event,
    )


class Views(Dataset[tuple[Tensor, Tensor]]):
    """Random views of whole scenes: another crop, mirror image, sign and phase offset each time.

    A mirror image of an earthquake, seen by a mirrored satellite, is an earthquake too, and so is one that moved the
    other way; the offset of an interferogram's phase means nothing. A crop changes where in the patch the epicentre
    lies. View number n depends on the seed and n alone.

    Parameters
    ----------
    scenes : whole scenes, one patch each.
    views : how many there are.
    pixels : side of a view.
    seed : of the crops, mirrors, signs and offsets.
    """

    def __init__(self, scenes: Patches, *, views: int, pixels: int = PATCH_PIXELS, seed: int = 0) -> None:
        self.scenes, self.views, self.pixels, self.seed = scenes, views, pixels, seed
        self._phasor = scenes.i + 1j * scenes.q
        names = ["look_east", "look_north", "offset_east_km", "offset_north_km", "size_km"]
        self._facts = scenes.table[names].to_numpy(dtype=float)

    def __len__(self) -> int:
        """Number of views."""
        return self.views

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the channels of one view, and its offset (km east and north) from its centre to the epicentre."""
        if not 0 <= number < self.views:
            raise IndexError(number)
        rng = np.random.default_rng([self.seed, number])
        chosen = rng.integers(len(self.scenes))
        look_e, look_n, offset_e, offset_n, size_km = self._facts[chosen]
        room = self._phasor.shape[-1] - self.pixels
        row, column = rng.integers(room + 1, size=2)
        pixel_km = size_km / self._phasor.shape[-1]
        east, north = offset_e - (column - room / 2) * pixel_km, offset_n + (row - room / 2) * pixel_km
        window = (slice(row, row + self.pixels), slice(column, column + self.pixels))
        phasor, coherence = self._phasor[chosen][window], self.scenes.coh[chosen][window]
        if rng.random() < 0.5:
            phasor, coherence, look_e, east = phasor[:, ::-1], coherence[:, ::-1], -look_e, -east
        if rng.random() < 0.5:
            phasor, coherence, look_n, north = phasor[::-1], coherence[::-1], -look_n, -north
        if rng.random() < 0.5:
            phasor = phasor.conj()
        phasor = (phasor * np.exp(2j * np.pi * rng.random())).astype(np.complex64)
        look = np.array([[look_e, look_n]], dtype=np.float32)
        seen = stack_channels(phasor[None], coherence[None], look)[0]
        return torch.from_numpy(seen), torch.tensor([east, north], dtype=torch.float32)
