"""Training a network to say magnitudes, with or without ranking, by the published recipe, and practice before it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from epi.errors import ParameterError
from epi.learn.detect.train import fit
from epi.learn.devices import device_of
from epi.learn.libraries import lightning
from epi.learn.magnitude.losses import MARGIN, magnitude_losses
from epi.learn.magnitude.networks import MagnitudeNetwork, MagnitudeSettings, build_magnitude
from epi.learn.magnitude.quakeset import CHANNELS, Pairs, Scaling
from epi.learn.study.networks import RANDOM, UNREACHABLE
from epi.learn.weights import steps_done
from epi.storage import make_folder

CHECKPOINT, PRACTISED = "last.ckpt", "practised"
PRACTICE_RATE = 2e-3
"""Highest learning rate of practice: twenty times the published one, which is meant for weights that can see."""
SEEN = 0.01
"""Share of a patch from which an earthquake's changes can be seen well enough to practise on."""
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class MagnitudePlan:
    """How a network is trained; as published where nothing else is said.

    Attributes
    ----------
    model, pixels : see `MagnitudeSettings`.
    ranking, margin : whether the ranking loss is added, and its margin.
    epochs, batch : passes over the training pairs, and pairs a step; a last batch that is not full is left out.
    rate, warm, decay : highest learning rate, share of the steps over which it rises evenly (then it falls evenly to
        0), and AdamW's weight decay.
    practice : passes of `practise`, which makes the weights that it begins with: not published.
    flips : probability of each of the two flips.
    weights : what it begins with: ``"auto"`` takes those learned on photographs where they can be had.
    contrast : whether random weights, those too that stand in for ones that cannot be had, begin as
        `begin_with_contrast` makes them; not published.
    standardised : whether answers begin at the mean of the training magnitudes, in units of their spread; not
        published, and of use where random weights have few steps.
    seed : of the first weights, and of the order of the pairs and their flips.
    device, half : where it is trained, and whether in bfloat16 (if the device knows it).
    """

    model: str
    pixels: int = 512
    ranking: bool = True
    margin: float = MARGIN
    epochs: int = 10
    batch: int = 16
    rate: float = 1e-4
    warm: float = 0.1
    decay: float = 0.01
    flips: float = 0.5
    practice: int = 0
    weights: str | None = "auto"
    contrast: bool = False
    standardised: bool = False
    seed: int = 0
    device: str = "auto"
    half: bool = False

    def facts(self) -> dict[str, Any]:
        """Plain values of all that decides the weights: not the device."""
        return {name: value for name, value in asdict(self).items() if name != "device"}

    def steps(self, pairs: int) -> int:
        """Steps in all, of so many training pairs.

        Raises
        ------
        ParameterError : fewer pairs than a batch.
        """
        if self.batch < 1 or pairs < self.batch:
            raise ParameterError(f"{pairs} training pairs, and batches of {self.batch}: give more, or smaller batches.")
        return self.epochs * (pairs // self.batch)


class PairBatches:
    """Batches of training pairs: the n-th depends on the seed and on n alone, wherever the reading began.

    Parameters
    ----------
    pairs, scaling : what is read, and how it is scaled.
    plan : its batch, flips and seed.
    first : number of the first batch.
    """

    def __init__(self, pairs: Pairs, scaling: Scaling, plan: MagnitudePlan, *, first: int = 0) -> None:
        self.pairs, self.scaling, self.plan, self.first = pairs, scaling, plan, first
        self.true = torch.tensor(pairs.magnitude, dtype=torch.float32)

    def __iter__(self) -> Iterator[Batch]:
        """Yield scaled channels, (batch, 4, pixels, pixels), and magnitudes, (batch,); every pair once an epoch."""
        number, each = self.first, len(self.pairs) // self.plan.batch
        while True:
            epoch, place = divmod(number, each)
            order = np.random.default_rng([self.plan.seed, 0, epoch]).permutation(len(self.pairs))
            chosen = order[place * self.plan.batch : (place + 1) * self.plan.batch]
            flips = np.random.default_rng([self.plan.seed, 1, number]).uniform(size=(len(chosen), 2)) < self.plan.flips
            images = [
                self.pairs.decibels(int(pair)).flip([axis - 2 for axis in (0, 1) if turned[axis]])
                for pair, turned in zip(chosen, flips, strict=True)
            ]
            yield self.scaling(torch.stack(images)), self.true[chosen]
            number += 1


class MagnitudeLearning(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser and its rate."""

    def __init__(self, plan: MagnitudePlan, network: MagnitudeNetwork, began: str, steps: int) -> None:
        super().__init__()
        self.plan, self.network, self.began, self.steps = plan, network, began, steps
        self.rows: list[dict[str, float]] = []

    def training_step(self, batch: Batch, _: int) -> Tensor:
        """Loss of one batch; chance inside a network depends on the seed and the step alone."""
        torch.manual_seed(1_000_003 * (self.plan.seed + 1) + self.global_step)
        channels, true = batch
        said = self.network(channels.contiguous(memory_format=torch.channels_last))
        parts = magnitude_losses(said, true, ranking=self.plan.ranking, margin=self.plan.margin)
        self.rows.append({"step": self.global_step + 1, **{name: float(part.detach()) for name, part in parts.items()}})
        return parts["total"]

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW; the rate rises evenly, then falls evenly to 0."""
        optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=self.plan.rate, weight_decay=self.plan.decay, fused=True
        )
        share = partial(rate_share, steps=self.steps, warm=self.plan.warm)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history, the plan and what it began with."""
        checkpoint["rows"], checkpoint["began"] = self.rows, self.began
        checkpoint["plan"] = _stated(self.plan, self.network.settings, self.steps)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take them up again."""
        self.rows, self.began = list(checkpoint["rows"]), str(checkpoint["began"])


@dataclass(frozen=True)
class TrainedMagnitude:
    """A trained network, its history (a row a step: losses), and what it began with."""

    network: MagnitudeNetwork
    history: pd.DataFrame
    began: str


def rate_share(step: int, steps: int, warm: float) -> float:
    """Share of the highest rate at a step: even rise over a share of the steps, then even fall to 0."""
    rising = max(1, round(warm * steps))
    return (step + 1) / rising if step < rising else max(0.0, (steps - step) / (steps - rising + 1))


def train_magnitude(
    plan: MagnitudePlan,
    pairs: Pairs,
    scaling: Scaling,
    *,
    practised: MagnitudeNetwork | None = None,
    folder: str | Path | None = None,
    every: int = 50,
    say: Callable[[str], None] = lambda _: None,
) -> TrainedMagnitude:
    """Train a network on the training pairs.

    Parameters
    ----------
    plan : how.
    pairs, scaling : of the training part.
    practised : begin with its weights, last layer and all, in place of the plan's: see `practise`.
    folder : for a checkpoint, which a later call with the same plan takes up where it stopped; None keeps none.
    every : steps from one checkpoint to the next: an interruption loses no more.
    say : is told how it goes.

    Returns
    -------
    The network after the last step: nothing is chosen by any score. On one CPU the same plan gives the same weights,
    interrupted or not.

    Raises
    ------
    ParameterError : a device that is not here, too few pairs, pairs of other pixels, a network that is not known.
    FileFormatError : the folder's checkpoint is of another plan, or no checkpoint.
    DownloadError : published weights and no others were asked for, and they cannot be had.
    """
    device_of(plan.device)  # one that is not here is refused before anything is made
    if pairs.pixels != plan.pixels:
        raise ParameterError(f"Pairs of {pairs.pixels} pixels for a network of {plan.pixels}: make them alike.")
    steps, true = plan.steps(len(pairs)), pairs.magnitude
    centre, spread = (float(true.mean()), float(true.std())) if plan.standardised else (0.0, 1.0)
    settings = MagnitudeSettings(plan.model, plan.pixels, scaling, centre, spread)
    if practised:
        settings = practised.settings
    kept = make_folder(folder) / CHECKPOINT if folder else None
    done = (
        steps_done(kept, "plan", _stated(plan, settings, steps), other="another plan or other pairs")
        if kept and kept.is_file()
        else 0
    )
    network, began = build_magnitude(settings, seed=plan.seed, weights=None if done or practised else plan.weights)
    if practised:
        network.load_state_dict(practised.state_dict())
        began = PRACTISED
    elif plan.contrast and not done and began in (RANDOM, UNREACHABLE):
        begin_with_contrast(network)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learning = MagnitudeLearning(plan, network, began, steps)
    batches = PairBatches(pairs, scaling, plan, first=done)
    say(f"{plan.model}: steps {done} to {steps} of {plan.batch} pairs")
    with torch.random.fork_rng(devices=[]):
        fit(learning, batches, steps=steps, device=plan.device, half=plan.half, kept=kept, every=every, done=done)
    return TrainedMagnitude(network.cpu().eval(), pd.DataFrame(learning.rows), learning.began)


def begin_with_contrast(network: MagnitudeNetwork) -> None:
    """Let the first half of the first layer's filters see the difference of the two dates, and the others their sum.

    Random filters hold what changed and what stayed in one number, and many passes go by before they are apart. Each
    filter keeps its random weights of the first date; those of the second become the same, with the other sign in the
    first half.
    """
    first = next(each for each in network.modules() if isinstance(each, nn.Conv2d) and each.in_channels == CHANNELS)
    half, dates = len(first.weight) // 2, CHANNELS // 2
    with torch.no_grad():
        first.weight[:half, dates:] = -first.weight[:half, :dates]
        first.weight[half:, dates:] = first.weight[half:, :dates]


def practise(
    plan: MagnitudePlan,
    pairs: Pairs,
    scaling: Scaling,
    *,
    folder: str | Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> MagnitudeNetwork:
    """First weights where those learned on photographs are not to be had: from earthquakes that can be seen.

    Weights that know nothing learn little from earthquakes that changed nothing, and most are such. So a network first
    sees the patches alone of which the earthquake changed more than `SEEN`, with both their pairs and without ranking:
    one set of weights for both ways of each seed.

    Parameters
    ----------
    plan : its passes of practice, and all else but rate and ranking.
    pairs, scaling : of the training part, simulated: no others say what changed.
    folder, say : as for `train_magnitude`.

    Raises
    ------
    ParameterError : pairs that do not say what changed, or too few that were; see also `train_magnitude`.
    """
    seen = pairs.take(np.flatnonzero(pairs.changed > SEEN))
    say(f"{plan.model}: practice on {len(seen)} pairs of {len(pairs)}")
    begun = replace(plan, epochs=plan.practice, practice=0, rate=PRACTICE_RATE, ranking=False)
    return train_magnitude(begun, seen, scaling, folder=folder, say=say).network


def _stated(plan: MagnitudePlan, settings: MagnitudeSettings, steps: int) -> str:
    """All that must be alike to go on from a checkpoint."""
    return repr({**plan.facts(), "scaling": asdict(settings.scaling), "centre": settings.centre, "steps": steps})
