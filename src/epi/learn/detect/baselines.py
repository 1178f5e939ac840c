"""Answers that need no network: how dense the fringes are, and a line through simple numbers."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from epi.errors import ParameterError
from epi.learn.detect.channels import DETECT_CHANNELS, scene_channels
from epi.learn.detect.data import block_of
from epi.simulate.labelled import Mixture

OVER = 9
"""Pixels a side over which fringes are counted."""
STATISTICS = (
    *("density_mean", "density_spread", "density_90", "density_99", "density_largest"),
    *("coherence_mean", "coherence_spread", "data", "whole_spread", "whole_range", "unwrapped"),
)
"""What the logistic regression is told of a scene."""

Floats = NDArray[Any]


def fringe_density(channels: Tensor) -> Tensor:
    """How fast the phase turns about each pixel, weighted by coherence: half turns a pixel.

    Parameters
    ----------
    channels : (n, channels, rows, columns), as `epi.learn.detect.detect_channels` makes them.

    Returns
    -------
    (n, rows, columns): length of the mean step of the phase over a square of 9 pixels, whose steps are averaged as the
    coherence of their pixels says; noise averages out, fringes do not. 0 without data.
    """
    part = {name: channels[:, n] for n, name in enumerate(DETECT_CHANNELS)}
    weight = part["coherence"] * part["data"]
    total = _mean(weight).clamp_min(1e-3)
    east, north = (_mean(part[name] * weight) / total for name in ("turn_east", "turn_north"))
    return torch.hypot(east, north) * part["data"]


def statistics(channels: Tensor) -> Floats:
    """Simple numbers of scenes, (n, numbers) in the order of ``STATISTICS``."""
    part = {name: channels[:, n].flatten(1) for n, name in enumerate(DETECT_CHANNELS)}
    density, data = fringe_density(channels).flatten(1), part["data"]
    count = data.sum(1).clamp_min(1)
    high = torch.quantile(density, torch.tensor([0.9, 0.99]), dim=1)

    def spread(values: Tensor) -> tuple[Tensor, Tensor]:
        mean = (values * data).sum(1) / count
        return mean, (((values - mean[:, None]) ** 2 * data).sum(1) / count).sqrt()

    whole = part["unwrapped"]
    numbers = [*spread(density), *high, density.amax(1), *spread(part["coherence"]), data.mean(1)]
    numbers += [spread(whole)[1], whole.amax(1) - whole.amin(1), (whole != 0).any(1).float()]
    return np.asarray(torch.stack(numbers, 1).numpy(), dtype=float)


@dataclass(frozen=True)
class Free:
    """Answers that cost nothing, with what they were fitted to.

    Attributes
    ----------
    line : logistic regression on ``STATISTICS``.
    density : fringe density from which ground counts as moved.
    """

    line: Pipeline
    density: float

    def presence(self, channels: Tensor) -> dict[str, Floats]:
        """Scores of presence by name, (n,) each: a probability of the line, 99th percentile of the density."""
        numbers = statistics(channels)
        return {
            "logistic regression": self.line.predict_proba(numbers)[:, 1],
            "fringe density": numbers[:, STATISTICS.index("density_99")],
        }

    def mask(self, channels: Tensor) -> NDArray[np.bool_]:
        """Ground on which fringes are dense, (n, rows, columns)."""
        return np.asarray((fringe_density(channels) >= self.density).numpy())


def fit_free(mixture: Mixture, *, seed: int, blocks: Iterable[int], pixels: int) -> Free:
    """Fit the line, and choose the density of the best pooled IoU, on simulated scenes.

    Parameters
    ----------
    mixture, seed, blocks, pixels : scenes that are not reported, with an earthquake and without.

    Returns
    -------
    The fitted line, and the density of the best IoU out of 0.02, 0.04, … 1 half turn a pixel.

    Raises
    ------
    ParameterError : no blocks.
    """
    blocks = list(blocks)
    if not blocks:
        raise ParameterError("No blocks of scenes to fit to: give at least one number.")
    numbers, present, dense, moved = [], [], [], []
    for number in blocks:
        scenes = block_of(mixture, seed, number, pixels=pixels)
        channels = scene_channels(scenes)
        numbers.append(statistics(channels))
        present.append(scenes.present.numpy())
        dense.append(fringe_density(channels)[scenes.valid])
        moved.append(scenes.mask[scenes.valid])
    line = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    line.fit(np.concatenate(numbers), np.concatenate(present))
    density, truth = torch.cat(dense), torch.cat(moved)
    levels = torch.linspace(0, 1, 51)[1:]
    both = torch.stack([(truth & (density >= level)).sum() for level in levels]).float()
    either = torch.stack([(truth | (density >= level)).sum() for level in levels]).float()
    return Free(line, float(levels[int((both / either).argmax())]))


def _mean(image: Tensor) -> Tensor:
    """Mean over a square."""
    return torch.nn.functional.avg_pool2d(image[:, None], OVER, 1, OVER // 2, count_include_pad=False)[:, 0]
