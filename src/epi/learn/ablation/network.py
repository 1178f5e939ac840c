"""A small form of the network of `epi.learn.models`, and its training on patches that are kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

from epi.learn.ablation.pool import PIXELS, SIZE_KM, Pool
from epi.learn.channels import CHANNELS
from epi.learn.devices import knows_half
from epi.learn.likelihood import losses
from epi.learn.models import CELLS, Answer, Locator, Settings

LOSS_CELL_KM = SIZE_KM / 16
"""`losses` counts 24 cells a side: of this size they reach as far as the small network's 12 of twice it."""
View = Callable[[Tensor], Tensor]
"""What a network sees of the channels of a batch."""


class SmallLocator(Locator):
    """The same layers, fewer and narrower, on a map of 12 x 12 cells of 6.4 km; with coordinates or without."""

    side = CELLS // 2

    def __init__(self, *, coordinates: bool = False, seed: int = 0) -> None:
        self.inputs = len(CHANNELS) + 2 * coordinates
        super().__init__(Settings(pixels=PIXELS, size_km=SIZE_KM, widths=(16, 32, 64), mixers=1), seed=seed)

    def _build(self, fine: int, middle: int, coarse: int) -> None:
        super()._build(fine, middle, coarse)
        if self.inputs != len(CHANNELS):
            self.stem[0] = nn.Conv2d(self.inputs, fine // 2, 4, 2, 1)


@dataclass(frozen=True)
class Course:
    """How every variant is trained: the variants differ in nothing else than what they say.

    Attributes
    ----------
    patches : shown in all; a small training set comes round again and again.
    batch, rate : patches a step, and the highest learning rate.
    memory : steps over which weights are averaged.
    checks : how often the network is looked at on the way.
    """

    patches: int = 16_384
    batch: int = 32
    rate: float = 3e-3
    memory: int = 50
    checks: int = 8

    @property
    def steps(self) -> int:
        """Steps in all."""
        return max(1, self.patches // self.batch)


@dataclass(frozen=True)
class Material:
    """Patches as one variant sees them.

    Attributes
    ----------
    pool : the patches.
    sees : of their channels.
    coordinates : (n, 2) of their centres, or none.
    """

    pool: Pool
    sees: View
    coordinates: NDArray[np.float32] | None = None

    def channels(self, rows: NDArray[np.intp]) -> Tensor:
        """Channels of some patches."""
        planes = torch.from_numpy(self.pool.planes[rows]).float().permute(0, 3, 1, 2)
        flat = self.pool.look[rows]
        if self.coordinates is not None:
            flat = np.concatenate([flat, self.coordinates[rows]], 1)
        wide = torch.from_numpy(flat)[:, :, None, None].expand(-1, -1, *planes.shape[2:])
        return self.sees(torch.cat([planes, wide], 1)).contiguous(memory_format=torch.channels_last)

    def truth(self, rows: NDArray[np.intp]) -> list[Tensor]:
        """Offset, magnitude and peak of some patches."""
        pool = self.pool
        return [torch.from_numpy(part[rows]) for part in (pool.offset_km, pool.magnitude, pool.peak_m)]


def train(
    network: SmallLocator, material: Material, watched: Material, *, course: Course, seed: int
) -> tuple[SmallLocator, pd.DataFrame]:
    """Train a network.

    Parameters
    ----------
    network : as it starts.
    material, watched : what it learns from, and what it is only looked at on.
    course : how.
    seed : of the order of the patches.

    Returns
    -------
    The average of the weights at the end (nothing is chosen by what was watched), and a row a check: patches shown,
    mean loss of the place while learning since the last check and on what is watched, and the median error there, km.
    """
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), lr=course.rate, weight_decay=1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, course.rate, total_steps=course.steps + 1, pct_start=0.1)
    average = AveragedModel(network, avg_fn=get_ema_avg_fn(1 - 1 / course.memory), use_buffers=True)  # type: ignore[no-untyped-call]
    rows, recent = [], []
    for step, chosen in enumerate(_order(len(material.pool), course, seed), start=1):
        with torch.autocast("cpu", torch.bfloat16, enabled=knows_half("cpu")):
            answer = network.answer(material.channels(chosen))
        loss = _place(answer, material, chosen)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        recent.append(loss.item())
        if step % max(1, course.steps // course.checks) == 0:
            seen = measure(cast(SmallLocator, average.module), watched)
            rows.append({"patches": step * course.batch, "learning_place": float(np.mean(recent)), **seen})
            recent = []
    return cast(SmallLocator, average.module).eval(), pd.DataFrame(rows)


def _place(answer: Answer, material: Material, rows: NDArray[np.intp]) -> Tensor:
    """Mean negative log-likelihood of the true places."""
    return losses(answer, *material.truth(rows), cell_km=LOSS_CELL_KM)["place"]


def measure(network: SmallLocator, material: Material, *, most: int = 1024) -> dict[str, float]:
    """Loss of the place, and median error (km), on the first patches."""
    rows = np.arange(min(most, len(material.pool)))
    with torch.inference_mode():
        answer = network.eval().answer(material.channels(rows))
        place = _place(answer, material, rows)
    error = np.linalg.norm(best_places(answer) - material.pool.offset_km[rows], axis=1)
    return {"place": float(place), "median_km": float(np.median(error))}


def predict(network: SmallLocator, material: Material, *, batch: int = 256) -> NDArray[np.float64]:
    """Offsets that the network believes in, (n, 2): km east and north of the patches' centres."""
    with torch.inference_mode():
        rows = np.arange(len(material.pool))
        parts = [rows[first : first + batch] for first in range(0, len(rows), batch)]
        return np.concatenate([best_places(network.eval().answer(material.channels(part))) for part in parts])


def best_places(answer: Answer) -> NDArray[np.float64]:
    """Where the expected distance is least, about: Weiszfeld's iteration over the mixture's Gaussians."""
    weight = answer.log_weight[:, :-1].softmax(1)
    best = (answer.mean_km * weight[:, None]).sum(2)
    for _ in range(30):
        squared = ((answer.mean_km - best[:, :, None]) ** 2).sum(1)
        pull = weight / torch.sqrt(squared + 2 * answer.sigma_km**2)
        best = (answer.mean_km * pull[:, None]).sum(2) / pull.sum(1)[:, None]
    return best.double().numpy()


def _order(count: int, course: Course, seed: int) -> Iterator[NDArray[np.intp]]:
    """Rows of each step: all patches in random order, then again in another."""
    rng = np.random.default_rng([seed, 31])
    passes = -(-course.steps * course.batch // count)
    every = np.concatenate([rng.permutation(count) for _ in range(passes)])
    for step in range(course.steps):
        yield every[step * course.batch : (step + 1) * course.batch]
