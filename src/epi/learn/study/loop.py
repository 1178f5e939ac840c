"""What lightning runs: the published loss, optimiser and measures, the order of the patches, and the checkpoints."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Sampler

from epi.learn.libraries import lightning, torchmetrics
from epi.learn.study.recipe import DECAY, Recipe
from epi.storage import atomic_path

Progress = Callable[[str], None]


class Shuffled(Sampler[int]):
    """Every patch once an epoch, in an order that depends on the seed and on the number of the epoch alone."""

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed, self.epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Lightning calls this before each epoch, also after a checkpoint was loaded."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Number of patches."""
        return self.count

    def __iter__(self) -> Iterator[int]:
        """The order of this epoch."""
        yield from np.random.default_rng([self.seed, self.epoch]).permutation(self.count).tolist()


def combined_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """0.7 of the mean square error and 0.3 of the smooth absolute error, as published."""
    return 0.7 * nn.functional.mse_loss(predicted, true) + 0.3 * nn.functional.smooth_l1_loss(predicted, true)


class Study(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser and the published measures."""

    def __init__(self, network: nn.Module, recipe: Recipe, kept: dict[str, Any]) -> None:
        super().__init__()
        self.network, self.recipe, self.kept = network, recipe, kept
        self.loss: Callable[[Tensor, Tensor], Tensor] = (
            combined_loss if recipe.loss == "combined" else nn.functional.mse_loss
        )
        self.measures = torchmetrics.MetricCollection(
            {
                "mae": torchmetrics.MeanAbsoluteError(),
                "mse": torchmetrics.MeanSquaredError(),
                "r2": torchmetrics.R2Score(),
            }
        )
        self.train_loss = torchmetrics.MeanMetric()
        self.rows: list[dict[str, float]] = []

    def on_train_epoch_start(self) -> None:
        """Let chance (dropped paths of a network) depend on the seed and the epoch alone."""
        torch.manual_seed(1_000_003 * (self.recipe.seed + 1) + self.current_epoch)

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch."""
        inputs = batch[0].contiguous(memory_format=torch.channels_last)
        loss = self.loss(self.network(inputs).float(), batch[1])
        self.train_loss.update(loss.detach())
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Measures of one batch that is only watched, in the network's own units."""
        said = self.network(batch[0].contiguous(memory_format=torch.channels_last)).float()
        self.measures.update(said.squeeze(1), batch[1].squeeze(1))

    def on_validation_epoch_end(self) -> None:
        """Note where training stands."""
        if self.trainer.sanity_checking:
            return
        found = {name: float(value) for name, value in self.measures.compute().items()}
        self.rows.append({"epoch": self.current_epoch + 1, "loss": float(self.train_loss.compute()), **found})
        self.measures.reset()
        self.train_loss.reset()

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW, its rate falling by 5 % an epoch."""
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=self.recipe.learning_rate, fused=True)
        return [optimiser], [torch.optim.lr_scheduler.ExponentialLR(optimiser, DECAY)]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the network was built for, and its history."""
        checkpoint["study"] = {**self.kept, "history": self.rows}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on with the history."""
        self.rows = list(checkpoint["study"]["history"])


class Keeper(lightning.Callback):
    """Writes a checkpoint every few epochs and after the last, whole or not at all; without a path, none."""

    def __init__(self, path: Path | None, every: int, progress: Progress) -> None:
        self.path, self.every, self.progress = path, every, progress

    def on_train_epoch_end(self, trainer: Any, study: Any) -> None:  # noqa: ANN401  # any trainer and module
        """Save, and say where training stands."""
        done = trainer.current_epoch + 1
        if self.path and (done % self.every == 0 or done == trainer.max_epochs):
            with atomic_path(self.path) as path:
                trainer.save_checkpoint(path)
        row = study.rows[-1] if study.rows else {}
        self.progress(f"epoch {done} of {trainer.max_epochs}: " + ", ".join(f"{k} {v:.4g}" for k, v in row.items()))
