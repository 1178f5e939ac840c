"""Answers that need no network: a constant, and a line through how much the images changed."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from epi.errors import FileFormatError
from epi.learn.magnitude.quakeset import CHANGED, Pairs

Floats = NDArray[np.float64]

STATISTICS = tuple(
    f"{band}_{name}" for band in ("vv", "vh") for name in ("mean", "mean_size", "spread", "95", "99", "smooth_99")
)
"""What the line is told of a pair: of the change in dB, its mean, mean size, standard deviation, the 95th and 99th
percentile of its size, and the 99th of its size where it is averaged over squares of 4 pixels."""
LEAST_PIXELS = 64
"""Pixels that both images of a pair must have for these numbers to mean anything."""
CONSTANTS = ("mean", "median", "zero")
PENALTIES = tuple(10.0**power for power in range(-2, 5))
CHANGE = "change statistics"
KNOWN = "known changes"


def change_statistics(pairs: Pairs) -> Floats:
    """Simple numbers of how much the images of pairs differ.

    Parameters
    ----------
    pairs : each with some ground that has data at both dates.

    Returns
    -------
    (n, 12) in the order of `STATISTICS`, dB; ground without data (NaN) is left out, and counts as unchanged where
    changes are averaged over squares.

    Raises
    ------
    FileFormatError : a pair cannot be read, see `Pairs.decibels`, or its two images share too little ground.
    """
    rows = []
    for number in range(len(pairs)):
        values = pairs.decibels(number)
        change = values[2:] - values[:2]
        row: list[torch.Tensor] = []
        for band in change:
            known = band[torch.isfinite(band)]
            if known.numel() < LEAST_PIXELS:
                named = "/".join(pairs.table.iloc[number][["event", "patch"]])
                raise FileFormatError(
                    f"{named}: its two images share data in {known.numel()} pixels, and {LEAST_PIXELS} are needed: "
                    "leave the patch out."
                )
            coarse = torch.nn.functional.avg_pool2d(torch.nan_to_num(band)[None], 4).abs().flatten()
            high = torch.quantile(known.abs()[:: max(1, known.numel() // 1_000_000)], torch.tensor([0.95, 0.99]))
            row += [known.mean(), known.abs().mean(), known.std(), *high, torch.quantile(coarse, 0.99)]
        rows.append(torch.stack(row))
    return np.asarray(torch.stack(rows).double().numpy())


def known_changes(pairs: Pairs) -> Floats:
    """What an earthquake changed between the images of pairs.

    Parameters
    ----------
    pairs : simulated ones, which know the shares of their patch.

    Returns
    -------
    (n, 3) in the order of `CHANGED`: decades of the share above 0.00001 of the patch, 0 without an earthquake.
    """
    shares = np.array(pairs.table[list(CHANGED)], dtype=float) * np.array(pairs.table["label"], dtype=float)[:, None]
    return np.asarray(np.log10(shares + 1e-5) + 5)


@dataclass(frozen=True)
class Free:
    """Answers that cost nothing, fitted to training pairs.

    Attributes
    ----------
    constants : by name.
    line : ridge regression on `STATISTICS`, its penalty chosen among `PENALTIES` by leaving one out.
    known : of simulated pairs, trees on what really changed, however little and through no speckle: better than any
        network could do, since a share of 0.00001 is less than a pixel of 128 by 128; None of others.
    """

    constants: dict[str, float]
    line: Pipeline
    known: RandomForestRegressor | None = None

    def predict(self, pairs: Pairs) -> dict[str, Floats]:
        """Say magnitudes by the answer's name, (n,) each.

        Parameters
        ----------
        pairs : simulated ones where `known` was fitted.
        """
        said = {name: np.full(len(pairs), value) for name, value in self.constants.items()}
        said[CHANGE] = np.asarray(self.line.predict(change_statistics(pairs)), dtype=float)
        if self.known is not None:
            said[KNOWN] = np.asarray(self.known.predict(known_changes(pairs)), dtype=float)
        return said


def fit_free(pairs: Pairs) -> Free:
    """Fit constants, line and, where the pairs know what changed, trees.

    Parameters
    ----------
    pairs : of the training part, positives and negatives as they come.
    """
    true = pairs.magnitude
    line = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(change_statistics(pairs), true)
    values = (float(true.mean()), float(np.median(true)), 0.0)
    known = None
    if set(CHANGED) <= set(pairs.table):
        known = RandomForestRegressor(200, min_samples_leaf=10, random_state=0).fit(known_changes(pairs), true)
    return Free(dict(zip(CONSTANTS, values, strict=True)), line, known)
