"""Training: a stream of views, one loss, the loop left to lightning."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader

from epi.learn.channels import inputs, labels
from epi.learn.data import Views
from epi.learn.libraries import lightning, torchmetrics
from epi.learn.models import OffsetNetwork, Settings
from epi.patches import Patches


def laplace_loss(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean negative logarithm of a two-dimensional Laplace density about the predicted offsets.

    Parameters
    ----------
    predicted : (patches, 3): east, north and scale s, km.
    true : (patches, 2): east and north, km.

    Returns
    -------
    Mean of r/s + 2 ln s, r the distance between predicted and true, without the constant ln 2π. A scale that is too
    small is punished by r/s, one that is too large by 2 ln s; the best one is r/2.
    """
    distance = (predicted[:, :2] - true).square().sum(1).add(1e-2).sqrt()  # 0.1 km: no corner at zero
    scale = predicted[:, 2]
    return (distance / scale + 2 * torch.log(scale)).mean()


@dataclass(frozen=True)
class Trained:
    """A trained network and its history: a row a check, with the views seen, both losses and the median error (km)."""

    network: OffsetNetwork
    history: pd.DataFrame


class Learning(lightning.LightningModule):
    """What lightning needs to know: the loss, the optimiser and what to watch."""

    def __init__(self, network: OffsetNetwork, *, rate: float, steps: int) -> None:
        super().__init__()
        self.network, self.rate, self.steps = network, rate, steps
        self.train_loss, self.error = torchmetrics.MeanMetric(), torchmetrics.CatMetric()
        self.validation_loss = torchmetrics.MeanMetric()
        self.rows: list[dict[str, float]] = []

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Loss of one batch."""
        loss = laplace_loss(self.network(batch[0]), batch[1])
        self.train_loss.update(loss.detach())
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        """Error and loss of one batch never trained on."""
        predicted = self.network(batch[0])
        self.validation_loss.update(laplace_loss(predicted, batch[1]), weight=len(batch[1]))
        self.error.update((predicted[:, :2] - batch[1]).norm(dim=1))

    def on_validation_epoch_end(self) -> None:
        """Note where training stands."""
        row = {"step": float(self.global_step), "median_error_km": float(self.error.compute().quantile(0.5))}
        row |= {"loss": float(self.train_loss.compute()), "validation_loss": float(self.validation_loss.compute())}
        self.rows.append(row)
        for metric in (self.train_loss, self.validation_loss, self.error):
            metric.reset()

    def configure_optimizers(self) -> Any:  # noqa: ANN401  # what lightning takes has no shorter name
        """AdamW, its rate rising for a fifth of the steps and falling to nothing over the rest (Smith & Topin 2018)."""
        optimiser = torch.optim.AdamW(self.network.parameters(), lr=self.rate, weight_decay=1e-2, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, self.rate, total_steps=self.steps, pct_start=0.2)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def train_network(
    scenes: Patches,
    validation: Patches,
    *,
    views: int = 6400,
    batch: int = 16,
    rate: float = 1e-3,
    checks: int = 8,
    seed: int = 0,
    settings: Settings | None = None,
    weights: str | None = None,
) -> Trained:
    """Train a network on random views of whole simulated scenes.

    Parameters
    ----------
    scenes : whole scenes, one patch each, with known epicentres.
    validation : patches of the network's size, from other earthquakes: watched, never learned from.
    views : how many views it learns from, each seen once.
    batch, rate : views a step, and the highest learning rate.
    checks : how often the validation patches are looked at.
    seed : of the first weights and of the views: the same seed gives the same weights on the same machine's CPU.
    settings, weights : of the network, see `OffsetNetwork`.

    Returns
    -------
    The network at the end of the stream (nothing is chosen by the validation), and its history.
    """
    steps = views // batch
    network = OffsetNetwork(settings or Settings(), seed=seed, weights=weights)
    learning = Learning(network, rate=rate, steps=steps)
    stream = DataLoader(Views(scenes, views=steps * batch, pixels=network.settings.pixels, seed=seed), batch_size=batch)
    watched = torch.utils.data.TensorDataset(inputs(validation), torch.tensor(labels(validation), dtype=torch.float32))
    quiet: dict[str, Any] = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    with _silent_lightning():
        trainer = lightning.Trainer(
            max_epochs=1,
            accelerator="cpu",
            val_check_interval=max(1, steps // checks),
            num_sanity_val_steps=0,
            **quiet,
        )
        trainer.fit(learning, stream, DataLoader(watched, batch_size=64))
    history = pd.DataFrame(learning.rows).assign(views=lambda rows: (rows["step"] * batch).astype(int))
    return Trained(network.eval(), history.drop(columns="step"))


@contextmanager
def _silent_lightning() -> Iterator[None]:
    """Keep lightning from advertising, and from warning about what is so on purpose."""
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have many workers.*")  # a view costs less than a worker
        warnings.filterwarnings("ignore", message=".*LeafSpec.*", category=FutureWarning)  # lightning's own, with torch
        try:
            yield
        finally:
            log.setLevel(level)


def predict(network: OffsetNetwork, patches: Patches, *, batch: int = 64) -> NDArray[np.float64]:
    """Where the network believes the epicentre of each patch.

    Parameters
    ----------
    network : trained.
    patches : of the ground size and pixels the network was trained on.
    batch : patches at a time.

    Returns
    -------
    (patches, 3): offset east and north of the patch's centre, and scale, km.
    """
    seen = inputs(patches)
    with torch.inference_mode():
        found = torch.cat([network.eval()(seen[n : n + batch]) for n in range(0, len(seen), batch)])
    return found.numpy().astype(float)
