"""Training a detector: simulated scenes, one loss, the loop left to lightning."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast

import pandas as pd
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from epi.learn.detect.data import Sample, SceneBatches, block_of, part_blocks, sample_of
from epi.learn.detect.networks import Detector, DetectSettings, Found, build_detector
from epi.learn.devices import device_of, precision_of
from epi.learn.libraries import lightning, silent_lightning
from epi.learn.train import Keeping
from epi.learn.weights import steps_done
from epi.simulate.labelled import BLOCK, TRAINING, Mixture
from epi.storage import make_folder

CHECKPOINT = "last.ckpt"


@dataclass(frozen=True)
class DetectPlan:
    """How a detector is trained.

    Attributes
    ----------
    settings : of the network.
    scenes : in all; 80 % are learned from, 10 % choose thresholds, 10 % are a test of the same kind.
    epochs : how often each scene is learned from.
    plain : scenes that are learned from first, drawn from `epi.simulate.labelled.PLAIN` (Bengio et al. 2009).
    optimiser, rate, schedule : AdamW or Adam, its highest rate, and whether that rises and falls or stays.
    batch : scenes a step.
    memory : steps over which weights are averaged; 0 keeps the last.
    checks, watched : how often, and on how many validation scenes, it is looked at on the way.
    mixture : what is simulated.
    start : name of what the weights were before, where they do not begin at random.
    seed : of the first weights and of the scenes.
    workers : processes that make scenes.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    half : compute in bfloat16, where the device knows it (`epi.learn.devices.knows_half`).
    """

    settings: DetectSettings
    scenes: int = 100_000
    epochs: int = 1
    plain: int = 0
    optimiser: Literal["adamw", "adam"] = "adamw"
    rate: float = 1e-3
    schedule: Literal["one cycle", "constant"] = "one cycle"
    batch: int = 32
    memory: int = 400
    checks: int = 30
    watched: int = 256
    mixture: Mixture = field(default_factory=lambda: TRAINING)
    start: str = ""
    seed: int = 0
    workers: int = 0
    device: str = "auto"
    half: bool = True

    @property
    def makes_scenes_on(self) -> str:
        """The GPU where there is one to train on and no processes beside it, or the CPU."""
        return "cpu" if self.workers else device_of(self.device)

    @property
    def steps(self) -> int:
        """Steps in all."""
        return self.epochs * len(self.blocks("train")) * BLOCK // self.batch

    def blocks(self, part: Literal["train", "validation", "test"]) -> range:
        """Numbers of the blocks of a part."""
        return part_blocks(self.scenes, part)

    def facts(self) -> dict[str, Any]:
        """Plain values of what decides the weights: not how many processes make scenes, nor the device, though one that
        does not know ``half`` computes in 32 bits.
        """
        return {name: value for name, value in asdict(self).items() if name not in ("device", "workers")}


def detect_losses(
    found: Found,
    mask: Tensor,
    valid: Tensor,
    present: Tensor,
    counts: Tensor | None = None,
    motion: Tensor | None = None,
) -> dict[str, Tensor]:
    """Cross-entropy of presence; of the mask, cross-entropy and soft Dice where there is data; of the motion, Huber's
    loss; their sum, ``total``.

    Parameters
    ----------
    found : of n scenes.
    mask, valid : (n, rows, columns), 1 or 0.
    present : (n,), 1 or 0.
    counts : (n,), 0 of scenes from which presence and Dice are not learned, 1 of others; None counts all.
    motion : (n, rows, columns), as `epi.learn.detect.data.motion` makes it; None where nobody knows it.

    References
    ----------
    Milletari et al. (2016) for the Dice loss: here the mean over scenes with moved ground, in which a small earthquake
    weighs as much as a large one.
    """
    counts = torch.ones_like(present) if counts is None else counts
    each = torch.nn.functional.binary_cross_entropy_with_logits(found.present, present, reduction="none")
    parts = {"present": (each * counts).sum() / counts.sum().clamp_min(1)}
    if found.mask is not None:
        each = torch.nn.functional.binary_cross_entropy_with_logits(found.mask, mask, reduction="none")
        parts["mask"] = (each * valid).sum() / valid.sum().clamp_min(1)
        share = found.mask.sigmoid() * valid
        both, either = (share * mask).sum((1, 2)), (share + mask * valid).sum((1, 2))
        moved = (mask * valid).amax((1, 2)) * counts
        parts["dice"] = ((1 - (2 * both + 1) / (either + 1)) * moved).sum() / moved.sum().clamp_min(1)
    if found.motion is not None and motion is not None:
        each = torch.nn.functional.smooth_l1_loss(found.motion, motion, reduction="none")
        parts["motion"] = (each * valid).sum() / valid.sum().clamp_min(1)
    return parts | {"total": torch.stack(list(parts.values())).sum()}


class DetectLearning(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser, the running average and what to watch."""

    def __init__(self, plan: DetectPlan, watched: list[Sample], diary: Path | None, say: Callable[[str], None]) -> None:
        super().__init__()
        self.plan, self.watched, self.diary, self.say = plan, watched, diary, say
        self.network = build_detector(plan.settings, seed=plan.seed)
        memory = max(plan.memory, 1)
        self.average = AveragedModel(self.network, avg_fn=partial(running_mean, memory=memory), use_buffers=True)
        self.rows: list[dict[str, float]] = []

    def training_step(self, batch: Sample, _: int) -> Tensor:
        """Loss of one batch."""
        channels, *truth = batch
        return detect_losses(self.network(channels.contiguous(memory_format=torch.channels_last)), *truth)["total"]

    def optimizer_step(self, *given: Any, **named: Any) -> None:  # noqa: ANN401  # lightning's own arguments
        """Step, average the weights, look at the watched scenes now and then; a checkpoint comes after all three."""
        step = self.global_step + 1
        super().optimizer_step(*given, **named)
        self.average.update_parameters(self.network)
        if step % max(1, self.plan.steps // self.plan.checks) == 0 or step == self.plan.steps:
            self.rows.append({"scenes": step * self.plan.batch, **self.watch()})
            self.say(" ".join(f"{name} {value:.3f}" for name, value in self.rows[-1].items()))
            if self.diary:
                pd.DataFrame(self.rows).to_csv(self.diary, index=False)

    @property
    def averaged(self) -> Detector:
        """The network that stays."""
        return cast(Detector, self.average.module) if self.plan.memory else self.network

    @torch.no_grad()
    def watch(self) -> dict[str, float]:
        """Losses of the averaged network on the watched scenes, share of right answers, and pooled IoU."""
        network = self.averaged.eval()
        parts, right, both, either = [], [], 0.0, 0.0
        for sample in self.watched:
            channels, *truth = (part.to(self.device) for part in sample)
            mask, valid, present = truth[:3]
            found = network(channels)
            parts.append(detect_losses(found, *truth))
            right.append(((found.present > 0) == (present > 0.5)).float().mean())
            if found.mask is not None:
                said, true = (found.mask > 0) & (valid > 0), mask > 0
                both, either = both + float((said & true).sum()), either + float((said | true).sum())
        network.train()
        seen = {name: float(torch.stack([part[name] for part in parts]).mean()) for name in parts[0]}
        return seen | {"accuracy": float(torch.stack(right).mean())} | ({"iou": both / either} if either else {})

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW or Adam; the rate rises for a tenth of the steps and then falls (Smith & Topin 2018), or stays."""
        kind = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam}[self.plan.optimiser]
        optimiser = kind(self.network.parameters(), lr=self.plan.rate, fused=True)
        if self.plan.schedule == "constant":
            return optimiser
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.plan.rate, total_steps=self.plan.steps + 1, pct_start=0.1
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the history too, and the plan."""
        checkpoint["rows"], checkpoint["plan"] = self.rows, repr(self.plan.facts())

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again."""
        self.rows = list(checkpoint["rows"])


@dataclass(frozen=True)
class TrainedDetector:
    """A trained network and its history: a row a check, with the scenes seen, losses, accuracy and pooled IoU."""

    network: Detector
    history: pd.DataFrame


def train_detector(
    plan: DetectPlan,
    *,
    folder: str | Path | None = None,
    every: int = 200,
    start: Detector | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> TrainedDetector:
    """Train a detector on simulated scenes.

    Parameters
    ----------
    plan : how.
    folder : for a checkpoint, which a later call with the same plan takes up where it stopped; None keeps none.
    every : steps from one checkpoint to the next: an interruption loses no more.
    start : a network of the same settings whose weights to begin with; default random ones.
    say : is told how it goes.

    Returns
    -------
    The averaged network, and its history. On one CPU the same plan gives the same weights, interrupted or not.

    Raises
    ------
    ParameterError : a device that is not here, a batch that does not divide a block, too few scenes.
    FileFormatError : the folder's checkpoint is of another plan, or no checkpoint.
    """
    device_of(plan.device)  # one that is not here is refused before scenes are made
    kept = make_folder(folder) / CHECKPOINT if folder else None
    pixels = plan.settings.pixels
    aside = plan.blocks("validation")[: max(1, plan.watched // BLOCK)]
    watched = [sample_of(block_of(plan.mixture, plan.seed, number, pixels=pixels)) for number in aside]
    learning = DetectLearning(plan, watched, kept.with_name("history.csv") if kept else None, say)
    if start is not None:
        learning.network.load_state_dict(start.state_dict())
        learning.average.module.load_state_dict(start.state_dict())
    learning.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    done = steps_done(kept, "plan", repr(plan.facts()), other="another plan") if kept and kept.is_file() else 0
    batches = SceneBatches(
        plan.mixture,
        plan.seed,
        plan.blocks("train"),
        batch=plan.batch,
        pixels=pixels,
        first=done,
        workers=plan.workers,
        plain=plan.plain,
        device=plan.makes_scenes_on,
    )
    fit(learning, batches, steps=plan.steps, device=plan.device, half=plan.half, kept=kept, every=every, done=done)
    return TrainedDetector(learning.averaged.cpu().eval(), pd.DataFrame(learning.rows))


def fit(
    learning: lightning.LightningModule,
    batches: Any,  # noqa: ANN401  # whatever lightning iterates over
    *,
    steps: int,
    device: str,
    half: bool,
    kept: Path | None = None,
    every: int = 200,
    done: int = 0,
) -> None:
    """Let lightning run so many steps, from a checkpoint of plain tensors and numbers where there is one."""
    with silent_lightning():
        trainer = lightning.Trainer(
            max_steps=steps,
            accelerator=device_of(device),
            devices=1,
            precision=precision_of(device_of(device), half=half),
            callbacks=[Keeping(kept, every)] if kept else [],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(learning, batches, ckpt_path=kept if done else None, weights_only=True)


def running_mean(average: Tensor, new: Tensor, count: Tensor | int, *, memory: int) -> Tensor:
    """Average of the weights over all steps so far, or exponentially over about so many."""
    return average + (new - average) / min(int(count) + 1, memory)
