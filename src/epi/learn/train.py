"""Training: a stream of simulated patches, one loss, the loop left to lightning."""

import os
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_avg_fn

from epi.errors import FileFormatError
from epi.learn.data import Batches, Sample
from epi.learn.devices import device_of, precision_of
from epi.learn.libraries import lightning, silent_lightning
from epi.learn.likelihood import VISIBLE_M, losses
from epi.learn.models import Answer, Locator, Settings
from epi.simulate.stream import Weather
from epi.storage import atomic_path, make_folder

CHECKPOINT = "last.ckpt"
DEVELOPMENT = 1_000_003
"""Added to a seed for the stream that is watched and never learned from."""


@dataclass(frozen=True)
class Plan:
    """How a network is trained.

    Attributes
    ----------
    patches : how many it learns from, each seen once.
    cycles : how often in that time the learning rate rises and falls to nothing (Loshchilov & Hutter 2017).
    batch, rate : patches a step, and the highest learning rate.
    memory : steps over which weights are averaged: the average is the network that stays.
    checks, watched : how often, and on how many patches, it is looked at on the way.
    seed : of the first weights and of the stream.
    workers : processes that draw patches.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    half : compute in bfloat16, where the device knows it (`epi.learn.devices.knows_half`).
    settings, weather : of the network and of the stream.
    """

    patches: int = 200_000
    cycles: int = 1
    batch: int = 32
    rate: float = 1.5e-3
    memory: int = 1000
    checks: int = 60
    watched: int = 512
    seed: int = 0
    workers: int = 1
    device: str = "auto"
    half: bool = True
    settings: Settings = field(default_factory=Settings)
    weather: Weather = field(default_factory=Weather)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.cycles * max(1, self.patches // (self.cycles * self.batch))

    def facts(self) -> dict[str, Any]:
        """Plain values of all that decides the weights: not the device, nor how many processes draw."""
        return {name: value for name, value in asdict(self).items() if name not in ("device", "workers")}


PLANS = {
    "cpu": Plan(patches=400_000, cycles=2, checks=120),
    "gpu": Plan(patches=2_000_000, batch=256, rate=3e-3, workers=max(1, (os.cpu_count() or 2) - 1)),
}
"""The recipes of the network that ships: an hour and a half on two cores, or (not yet run) a large GPU."""


class Learning(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser, the running average and what to watch."""

    def __init__(self, plan: Plan, watched: list[Sample], diary: Path | None = None) -> None:
        super().__init__()
        self.plan, self.watched, self.diary = plan, watched, diary
        self.network = Locator(plan.settings, seed=plan.seed)
        self.average = AveragedModel(self.network, avg_fn=get_ema_avg_fn(1 - 1 / plan.memory), use_buffers=True)  # type: ignore[no-untyped-call]
        self.rows: list[dict[str, float]] = []

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Loss of one batch."""
        channels, *truth = batch
        answer = self.network.answer(channels.contiguous(memory_format=torch.channels_last))
        return losses(answer, *truth, cell_km=self.plan.settings.cell_km)["total"]

    def optimizer_step(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # lightning's own arguments
        """Step, average the weights, look at the watched patches now and then; a checkpoint comes after all three."""
        step = self.global_step + 1
        super().optimizer_step(*given, **named)
        self.average.update_parameters(self.network)
        if step % max(1, self.plan.steps // self.plan.checks) == 0 or step == self.plan.steps:
            self.rows.append({"patches": step * self.plan.batch, **self.watch()})
            if self.diary:
                pd.DataFrame(self.rows).to_csv(self.diary, index=False)

    @property
    def averaged(self) -> Locator:
        """The network that stays."""
        return cast(Locator, self.average.module)

    @torch.no_grad()
    def watch(self) -> dict[str, float]:
        """Losses and median error (km) of the averaged network on the watched patches."""
        network = self.averaged.eval()
        parts, errors = [], []
        for sample in self.watched:
            channels, offset, magnitude, peak = (part.to(self.device) for part in sample)
            answer = network.answer(channels)
            parts.append(losses(answer, offset, magnitude, peak, cell_km=self.plan.settings.cell_km))
            errors.append((_mean(answer) - offset).norm(dim=1)[self.seen(offset, peak)])
        network.train()
        found = {name: float(torch.stack([part[name] for part in parts]).mean()) for name in parts[0]}
        return found | {"median_error_km": float(torch.cat(errors).median())}

    def seen(self, offset: Tensor, peak: Tensor) -> Tensor:
        """Which patches hold the epicentre of a visible earthquake."""
        return (peak >= VISIBLE_M) & (offset.abs().amax(1) < self.plan.settings.size_km / 2)

    def centre_km(self) -> float:
        """Median error of the patch's own centre on the watched patches."""
        apart = [offset.norm(dim=1)[self.seen(offset, peak)] for _, offset, _, peak in self.watched]
        return float(torch.cat(apart).median())

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW, its rate rising for a tenth of a cycle and falling to nothing over the rest (Smith & Topin 2018)."""
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=self.plan.rate, weight_decay=1e-2, fused=True)
        each = self.plan.steps // self.plan.cycles
        rising = partial(torch.optim.lr_scheduler.OneCycleLR, optimiser, self.plan.rate, pct_start=0.1)
        schedule = torch.optim.lr_scheduler.SequentialLR(
            optimiser,
            [rising(total_steps=each + 1) for _ in range(self.plan.cycles)],
            milestones=[each * cycle for cycle in range(1, self.plan.cycles)],
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history too, and the plan."""
        checkpoint["rows"], checkpoint["plan"] = self.rows, self.plan.facts()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again."""
        self.rows = list(checkpoint["rows"])


class Keeping(lightning.Callback):
    """Write a checkpoint every so many steps, whole or not at all."""

    def __init__(self, path: Path, every: int) -> None:
        self.path, self.every = path, every

    def on_train_batch_end(self, trainer: Any, *_: Any) -> None:  # noqa: ANN401  # lightning's own arguments
        """Save what training needs to go on from here."""
        if trainer.global_step % self.every == 0:
            with atomic_path(self.path) as temporary:
                trainer.save_checkpoint(temporary)


@dataclass(frozen=True)
class Trained:
    """A trained network and its history: a row a check, with the patches seen, the losses and the median error (km).

    ``centre_km`` is the median error of the patch's own centre on the same visible earthquakes.
    """

    network: Locator
    history: pd.DataFrame
    centre_km: float


def train_network(plan: Plan, *, folder: str | Path | None = None, every: int = 200) -> Trained:
    """Train a network on the stream.

    Parameters
    ----------
    plan : how.
    folder : for a checkpoint, which a later call with the same plan takes up where it stopped; None keeps none.
    every : steps from one checkpoint to the next: an interruption loses no more.

    Returns
    -------
    The averaged network at the end of the stream (nothing is chosen by what was watched), and its history. On one CPU
    the same plan gives the same weights, interrupted or not.

    Raises
    ------
    ParameterError : a device that is not here, or a batch that does not divide a block.
    FileFormatError : the folder's checkpoint is of another plan.
    """
    device_of(plan.device)
    draw = partial(
        Batches, batch=plan.batch, pixels=plan.settings.pixels, size_km=plan.settings.size_km, weather=plan.weather
    )
    aside = iter(draw(plan.seed + DEVELOPMENT))
    kept = make_folder(folder) / CHECKPOINT if folder else None
    watched = [next(aside) for _ in range(max(1, plan.watched // plan.batch))]
    learning = Learning(plan, watched, kept.with_name("history.csv") if kept else None)
    learning.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    done = _steps_done(kept, plan) if kept and kept.is_file() else 0
    batches = draw(plan.seed, first=done, workers=plan.workers)
    with silent_lightning():
        trainer = lightning.Trainer(
            max_steps=plan.steps,
            accelerator=device_of(plan.device),
            devices=1,
            precision=precision_of(device_of(plan.device), half=plan.half),
            callbacks=[Keeping(kept, every)] if kept else [],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(learning, batches, ckpt_path=kept if done else None, weights_only=True)
    return Trained(learning.averaged.cpu().eval(), pd.DataFrame(learning.rows), learning.centre_km())


def _mean(answer: Answer) -> Tensor:
    """Mean place of what lies on the map, (n, 2) km: a quick answer, for watching."""
    weight = answer.log_weight[:, :-1].softmax(1)
    return (answer.mean_km * weight[:, None]).sum(2)


def _steps_done(path: Path, plan: Plan) -> int:
    """Steps of a checkpoint, refused where it is of another plan; nothing in it is executed."""
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        steps, weights = int(kept["global_step"]), kept["state_dict"]
    except Exception as error:  # torch raises many kinds for a file it did not write
        raise FileFormatError(
            f"{path} is not a checkpoint ({type(error).__name__}): delete it to start again."
        ) from error
    shapes = {f"network.{name}": value.shape for name, value in Locator(plan.settings).state_dict().items()}
    if {name: value.shape for name, value in weights.items() if name.startswith("network.")} != shapes:
        raise FileFormatError(f"{path} is of another architecture: give another folder, or delete it to start again.")
    differ = [name for name, value in plan.facts().items() if kept.get("plan", {}).get(name) != value]
    if differ:
        raise FileFormatError(
            f"{path} is of another plan ({', '.join(differ)}): give another folder, or delete it to start again."
        )
    return steps
