"""Going on with labelled real scenes: learn from all earthquakes but one, and be judged on that one."""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import ParameterError
from epi.insar.frame import local_frame
from epi.learn.detect.channels import check_inputs, detect_channels, scene_channels
from epi.learn.detect.data import clear
from epi.learn.detect.grid import as_grid
from epi.learn.detect.judge import look
from epi.learn.detect.networks import Detector
from epi.learn.detect.train import detect_losses, fit
from epi.learn.libraries import lightning
from epi.patches.cut import frame_width
from epi.patches.layers import north_up
from epi.patches.resize import area_mean
from epi.simulate.labelled import Scenes


@dataclass(frozen=True)
class Labelled:
    """One square of ground that somebody labelled.

    Attributes
    ----------
    event : the earthquake, or for a quiet square the place and time, that it belongs to; all squares of one event are
        left out together.
    channels : (channels, pixels, pixels), as the network sees it.
    mask : (pixels, pixels) bool, moved ground.
    valid : (pixels, pixels) bool, where there is data.
    present : whether there is an earthquake.
    counts : whether presence is learned from it; not where an earthquake is known to be as weak as air (see
        `epi.learn.detect.data.CLEAR_FRINGES`).
    """

    event: str
    channels: Tensor
    mask: Tensor
    valid: Tensor
    present: bool
    counts: bool = True


def label_scene(
    network: Detector, product: xr.Dataset, mask: NDArray[np.bool_], *, event: str, present: bool
) -> Labelled:
    """A labelled square out of a real scene: its middle, as large as what the network looks at.

    It always counts: of a real earthquake nobody knows how far it moved the ground without air.

    Parameters
    ----------
    network : that is to learn from it.
    product : with a phase or a displacement; its rows may run either way.
    mask : moved ground on the product's own grid, in the order of its rows and columns.
    event, present : as in `Labelled`.

    Raises
    ------
    ParameterError : the mask is of another shape than the scene, or a scene with an earthquake has an empty one.
    EmptyScene : too little data, or an unwrapped phase that is the same everywhere.
    """
    settings = network.settings
    grid = as_grid(product, settings.size_km / settings.pixels)
    shape = tuple(size for name, size in product.sizes.items() if name in ("y", "x", "azimuth", "range"))
    if mask.shape != shape:
        raise ParameterError(
            f"A mask of {mask.shape} pixels was given for a scene of {shape}: give one of the same grid."
        )
    if present and not mask.any():
        raise ParameterError(
            f"{event} is said to hold an earthquake, and its mask is empty: mark the ground that moved."
        )
    upright = north_up(mask, local_frame(product)).astype(float)
    coarse = area_mean(upright, np.ones(mask.shape, dtype=bool), grid.valid.shape)[0].real >= 0.5
    parts = [_middle(each, settings.pixels) for each in (grid.phase, grid.coherence, grid.valid, coarse)]
    phase, coherence, valid, moved = (torch.from_numpy(each)[None] for each in parts)
    unwrapped = torch.tensor([grid.unwrapped])
    check_inputs(phase, coherence, valid, unwrapped)
    return Labelled(
        event, detect_channels(phase, coherence, valid, unwrapped)[0], (moved & valid)[0], valid[0], present
    )


def label_simulated(scenes: Scenes, events: Sequence[str]) -> list[Labelled]:
    """Simulated scenes as if somebody had labelled them.

    Parameters
    ----------
    scenes : n of them.
    events : n names; scenes of one event are left out together.

    Returns
    -------
    n squares; earthquakes of half a fringe and less do not count.

    Raises
    ------
    ParameterError : not as many names as scenes.
    """
    if len(events) != len(scenes):
        raise ParameterError(f"{len(events)} names of events were given for {len(scenes)} scenes: give one for each.")
    counts = clear(scenes.present, scenes.peak_m / (scenes.wavelength_m / 2))
    truth = scenes.mask, scenes.valid, scenes.present.tolist(), counts.tolist()
    return [Labelled(*one) for one in zip(events, scene_channels(scenes), *truth, strict=True)]


def fine_tune(
    network: Detector,
    scenes: Sequence[Labelled],
    *,
    leave_out: str | None,
    steps: int = 200,
    rate: float = 1e-4,
    batch: int = 16,
    seed: int = 0,
) -> Detector:
    """Go on training with labelled scenes of all events but one.

    Parameters
    ----------
    network : to begin with; it is left as it is.
    scenes : labelled.
    leave_out : the event that is not learned from, so that the result may be judged on it; None learns from all.
    steps, rate, batch, seed : of the training; each batch is drawn with replacement.

    Returns
    -------
    The new network, with the old one's thresholds: choose them anew with scenes that are not reported.

    Raises
    ------
    ParameterError : no such event, nothing is left to learn from, or scenes of another size.
    """
    events = {scene.event for scene in scenes}
    if leave_out is not None and leave_out not in events:
        raise ParameterError(
            f"No event '{leave_out}' among the labelled scenes: there are {', '.join(sorted(events))}."
        )
    kept = [scene for scene in scenes if scene.event != leave_out]
    if not kept:
        raise ParameterError("Every labelled scene is of the event that is left out: label another earthquake too.")
    if any(scene.channels.shape[-1] != network.settings.pixels for scene in kept):
        raise ParameterError(
            f"Labelled scenes must have {network.settings.pixels} pixels a side, as the network wants."
        )
    learning = _Going(deepcopy(network).train(), rate)
    fit(learning, _Draws(kept, batch, seed), steps=steps, device="cpu", half=False)
    return learning.network.eval()


def leave_one_out(
    network: Detector, scenes: Sequence[Labelled], *, steps: int = 200, rate: float = 1e-4, seed: int = 0
) -> pd.DataFrame:
    """Judge fine-tuning honestly: for each event, a network that learned from all others.

    Parameters
    ----------
    network, scenes, steps, rate, seed : as for `fine_tune`; scenes of two events at least.

    Returns
    -------
    A row a scene: ``event``, ``present``, ``counts`` (as of `Labelled`), and of the network before and after:
    ``probability_…`` and, where it has a mask, ``both_…`` and ``either_…`` (pixels of intersection and union at its
    threshold).

    Raises
    ------
    ParameterError : all scenes are of one event, or they are of another size than the network wants.
    """
    rows = []
    for event in sorted({scene.event for scene in scenes}):
        own = [scene for scene in scenes if scene.event == event]
        after = fine_tune(network, scenes, leave_out=event, steps=steps, rate=rate, seed=seed)
        told = [_judged(each, own, name) for name, each in (("before", network), ("after", after))]
        rows += [
            {"event": event, "present": scene.present, "counts": scene.counts} | before | later
            for scene, before, later in zip(own, *told, strict=True)
        ]
    return pd.DataFrame(rows)


class _Going(lightning.LightningModule):
    """What lightning needs to know."""

    def __init__(self, network: Detector, rate: float) -> None:
        super().__init__()
        self.network, self.rate = network, rate

    def training_step(self, batch: tuple[Tensor, ...], _: int) -> Tensor:
        """Loss of one batch."""
        channels, *truth = batch
        return detect_losses(self.network(channels), *truth)["total"]

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW at a small rate that stays."""
        return torch.optim.AdamW(self.network.parameters(), lr=self.rate)


class _Draws:
    """Batches without end, each drawn anew."""

    def __init__(self, scenes: Sequence[Labelled], batch: int, seed: int) -> None:
        self.scenes, self.batch, self.seed = scenes, batch, seed

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        """Yield channels, masks, data, presence and whether each counts."""
        rng = np.random.default_rng(self.seed)
        while True:
            chosen = [self.scenes[n] for n in rng.integers(len(self.scenes), size=self.batch)]
            channels = torch.stack([scene.channels for scene in chosen])
            mask, valid = (
                torch.stack([getattr(scene, name) for scene in chosen]).float() for name in ("mask", "valid")
            )
            present, counts = (
                torch.tensor([float(getattr(scene, name)) for scene in chosen]) for name in ("present", "counts")
            )
            yield channels, mask, valid, present, counts


def _judged(network: Detector, scenes: Sequence[Labelled], name: str) -> list[dict[str, float]]:
    present, masks = look(network, torch.stack([scene.channels for scene in scenes]))
    rows: list[dict[str, float]] = []
    for n, said in enumerate((present / network.settings.temperature).sigmoid().tolist()):
        row: dict[str, float] = {f"probability_{name}": said}
        if masks is not None:
            moved, true = (masks[n] >= network.settings.threshold) & scenes[n].valid, scenes[n].mask
            row |= {f"both_{name}": float((moved & true).sum()), f"either_{name}": float((moved | true).sum())}
        rows.append(row)
    return rows


def _middle(image: NDArray[Any], side: int) -> NDArray[Any]:
    """The middle of an image, framed by zeros where it is smaller."""
    wide = np.pad(image, [frame_width(size, side) for size in image.shape])
    first = [(size - side) // 2 for size in wide.shape]
    return np.ascontiguousarray(wide[first[0] : first[0] + side, first[1] : first[1] + side])
