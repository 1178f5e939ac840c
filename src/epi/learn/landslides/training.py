"""Training a landslide network: patches, one loss over valid pixels, the loop left to lightning."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from epi.errors import ParameterError
from epi.learn.detect.train import CHECKPOINT, fit, running_mean
from epi.learn.devices import device_of, knows_half
from epi.learn.landslides.data import Samples
from epi.learn.landslides.losses import landslide_loss
from epi.learn.landslides.networks import LandslideNetwork, LandslideSettings, build_landslide
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.sampling import (
    Buckets,
    Draws,
    fill_buckets,
    oversample,
    small_limit,
    soften,
    turn,
    turn_back,
)
from epi.learn.libraries import lightning
from epi.learn.weights import steps_done
from epi.storage import make_folder

Say = Callable[[str], None]
EVAL_BATCH = 32


@dataclass(frozen=True)
class Prepared:
    """What a recipe makes of the patches that are learned from.

    Attributes
    ----------
    samples : with crops added and labels softened.
    buckets : weights of the samples, or None.
    """

    samples: Samples
    buckets: Buckets | None


@dataclass(frozen=True)
class TrainedLandslide:
    """A trained network, what it began with, and a row a pass: ``epoch`` from 1, ``loss``, its mean."""

    network: LandslideNetwork
    began: str
    history: pd.DataFrame


def prepare(recipe: LandslideRecipe, samples: Samples) -> Prepared:
    """Do to training samples what a recipe asks, and to no others."""
    pixels = samples.label.sum((1, 2)).numpy().astype(np.int64)
    made = soften(samples, sigma_px=recipe.sigma_px)
    made = oversample(made, limit=small_limit(pixels)) if recipe.oversample else made
    after = made.label.sum((1, 2)).numpy().astype(np.int64)
    return Prepared(made, fill_buckets(after) if recipe.buckets else None)


class LandslideLearning(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser, the running average."""

    def __init__(
        self, network: LandslideNetwork, recipe: LandslideRecipe, *, steps: int, epoch: int, seed: int
    ) -> None:
        super().__init__()
        self.network, self.recipe, self.steps, self.epoch, self.seed = network, recipe, steps, epoch, seed
        memory = max(recipe.memory, 1)
        self.average = AveragedModel(network, avg_fn=partial(running_mean, memory=memory), use_buffers=True)
        self.rows: list[dict[str, float]] = []
        self.losses: list[float] = []

    def on_train_batch_start(self, *_: Any) -> None:  # noqa: ANN401  # lightning's own arguments
        """Let chance (dropped paths of a network) depend on the seed and the step alone."""
        torch.manual_seed(1_000_003 * (self.seed + 1) + self.global_step)

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch."""
        channels, target, valid = batch
        said = self.network(channels.contiguous(memory_format=torch.channels_last))
        loss = landslide_loss(said, target, valid, kind=self.recipe.loss)
        self.losses.append(float(loss.detach()))
        return loss

    def optimizer_step(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # lightning's own arguments
        """Step, average the weights, note the loss of each pass."""
        super().optimizer_step(*given, **named)
        self.average.update_parameters(self.network)
        done = self.global_step + 1  # lightning counts this step when it is back in its loop
        if done % self.epoch == 0:
            self.rows.append({"epoch": done // self.epoch, "loss": float(np.mean(self.losses))})
            self.losses = []

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW; the rate falls as a cosine (Loshchilov & Hutter 2017), or rises first (Smith & Topin 2018)."""
        rate = self.recipe.rate
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=rate, fused=True)
        schedule: torch.optim.lr_scheduler.LRScheduler
        if self.recipe.schedule == "cosine":
            schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=self.steps)
        else:
            schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=self.steps + 1, pct_start=0.1)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    @property
    def averaged(self) -> LandslideNetwork:
        """The network that stays."""
        return cast(LandslideNetwork, self.average.module) if self.recipe.memory else self.network

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history too, and the recipe."""
        checkpoint["rows"], checkpoint["losses"] = self.rows, self.losses
        checkpoint["recipe"] = _claim(self.recipe, self.seed, self.steps)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again."""
        self.rows, self.losses = list(checkpoint["rows"]), list(checkpoint["losses"])


def train_landslide(
    recipe: LandslideRecipe,
    samples: Samples,
    settings: LandslideSettings,
    *,
    seed: int = 0,
    device: str = "auto",
    folder: str | Path | None = None,
    every: int = 50,
    start: LandslideNetwork | None = None,
    say: Say = lambda _: None,
) -> TrainedLandslide:
    """Train a network on patches.

    Parameters
    ----------
    recipe : how.
    samples : that are learned from, hard labels.
    settings : of the network: its normaliser is that of the samples.
    seed : of the first weights, the order, flips and turns.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    folder : for a checkpoint, which a later call with the same recipe takes up where it stopped; None keeps none.
    every : steps from one checkpoint to the next: an interruption loses no more.
    start : a network of the same architecture and channels whose weights to begin with, such as one that was trained on
        simulated scenes.
    say : is told how it goes.

    Returns
    -------
    The network that stays. On one CPU the same recipe gives the same weights, interrupted or not.

    Raises
    ------
    ParameterError : a device that is not here, samples of other channels, or a start of another network.
    FileFormatError : the folder's checkpoint is of another recipe, or no checkpoint.
    """
    device_of(device)
    _check_inputs(samples, settings, start)
    ready = prepare(recipe, samples)
    if ready.buckets and ready.buckets.empty:
        say(f"no patch is in the bucket(s) {', '.join(ready.buckets.empty)}: their share goes to the others")
    network, began = build_landslide(settings, seed=seed, weights=None if start else recipe.weights)
    if start is not None:
        network.load_state_dict(start.state_dict())
        began = "practice"
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    draws = Draws(ready.samples, batch=recipe.batch, seed=seed, buckets=ready.buckets, augment=recipe.augment)
    steps = recipe.epochs * draws.steps
    kept = make_folder(folder) / CHECKPOINT if folder else None
    done = (
        steps_done(kept, "recipe", _claim(recipe, seed, steps), other="another recipe")
        if kept and kept.is_file()
        else 0
    )
    draws.first = done
    learning = LandslideLearning(network, recipe, steps=steps, epoch=draws.steps, seed=seed)
    fit(learning, draws, steps=steps, device=device, half=recipe.half, kept=kept, every=every, done=done)
    return TrainedLandslide(learning.averaged.cpu().eval(), began, pd.DataFrame(learning.rows))


def predict(
    network: LandslideNetwork, channels: Tensor, *, half: bool = False, device: str = "cpu", views: int = 1
) -> Tensor:
    """Logits (n, rows, columns) of landslide, float32.

    Parameters
    ----------
    network : trained.
    channels : (n, channels, rows, columns), normalised as its settings say, see `samples_of`.
    half : compute in bfloat16, where the device knows it (`epi.learn.devices.knows_half`).
    device : where.
    views : 1, or 8: the mean of the logits of its flips and turns.

    Raises
    ------
    ParameterError : not as many channels as the network was built for, or a value that is not a number.
    """
    wanted = network.settings.normaliser.channels
    if channels.ndim != 4 or channels.shape[1] != len(wanted):
        raise ParameterError(
            f"Channels of shape {tuple(channels.shape)} were given: the network sees (n, {len(wanted)}, rows, columns) "
            f"of {', '.join(wanted)}."
        )
    if not bool(torch.isfinite(channels).all()):
        raise ParameterError("A channel is not a number somewhere: make channels with samples_of, which fills gaps.")
    network.to(device).eval()
    parts = []
    with torch.inference_mode(), torch.autocast(device, dtype=torch.bfloat16, enabled=half and knows_half(device)):
        for piece in torch.split(channels, EVAL_BATCH):
            said = torch.zeros(len(piece), *piece.shape[2:])
            for view in range(views):
                flip, quarters = view >= 4, view % 4
                seen = turn(piece, flip=flip, quarters=quarters).to(device)
                logits = network(seen.contiguous(memory_format=torch.channels_last)).cpu().float()
                said += turn_back(logits, flip=flip, quarters=quarters)
            parts.append(said / views)
    return torch.cat(parts)


def with_threshold(network: LandslideNetwork, threshold: float) -> LandslideNetwork:
    """The same network, with the threshold that was chosen on validation."""
    network.settings = replace(network.settings, threshold=threshold)
    return network


def _check_inputs(samples: Samples, settings: LandslideSettings, start: LandslideNetwork | None) -> None:
    count = len(settings.normaliser.channels)
    if samples.channels.shape[1] != count:
        raise ParameterError(f"Samples of {samples.channels.shape[1]} channels for a network that sees {count}.")
    if samples.channels.shape[-1] != settings.pixels or samples.label.shape[-2:] != samples.channels.shape[-2:]:
        raise ParameterError(
            f"Samples of {samples.channels.shape[-1]} pixels with labels of {samples.label.shape[-1]}: the network "
            f"learns from {settings.pixels} a side."
        )
    if not bool(torch.isfinite(samples.channels).all()):
        raise ParameterError("A channel is not a number somewhere: make channels with samples_of, which fills gaps.")
    if start is not None:
        theirs = (start.settings.network, start.settings.normaliser.channels)
        if theirs != (settings.network, settings.normaliser.channels):
            raise ParameterError(
                f"To begin with, a {theirs[0]} on {', '.join(theirs[1])} was given: it is of another network than "
                f"{settings.network} on {', '.join(settings.normaliser.channels)}."
            )


def _claim(recipe: LandslideRecipe, seed: int, steps: int) -> str:
    return repr({**recipe.facts(), "seed": seed, "steps": steps})
