"""How wrong an answer is, in the published measures and with an interval over earthquakes."""

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from epi.learn.libraries import torchmetrics
from epi.learn.metrics import interval
from epi.learn.study.targets import labels
from epi.patches.place import GEOD

Floats = NDArray[np.float64]

UNITS = {"distance": "km", "epicentre": "degrees"}


def error(predicted: Floats, true: Floats, task: str) -> Floats:
    """Predicted less true; longitudes go the short way round the globe."""
    away = np.asarray(predicted, float) - np.asarray(true, float)
    if task == "epicentre":
        away = np.column_stack([away[:, 0], (away[:, 1] + 180) % 360 - 180])
    return np.asarray(away)


def score(predicted: Floats, table: pd.DataFrame, task: str, *, seed: int = 0) -> dict[str, float]:
    """Measures of one set of answers.

    Parameters
    ----------
    predicted : (patches, outputs): km, or degrees of latitude and longitude.
    table : rows of the patches, with their true answers and ``event``.
    task : "distance" or "epicentre".
    seed : of the bootstrap.

    Returns
    -------
    ``mae`` with its 95 % interval over earthquakes (``mae_low``, ``mae_high``), ``mse``, ``rmse`` and ``r2`` in km or
    degrees, averaged over latitude and longitude as published (``r2`` NaN where the truth does not vary); and
    ``median_km``, the median distance on the ground between predicted and true (epicentre), or of the error (distance).
    """
    true = labels(table, task)
    away = error(predicted, true, task)
    reached, actual = (torch.from_numpy(np.array(part, order="C")) for part in (true + away, true))
    each = np.abs(away).mean(axis=1)
    low, high = interval(each, table["event"].to_numpy(), np.mean, seed=seed)
    mse = float(torchmetrics.functional.mean_squared_error(reached, actual))
    varies = len(true) > 1 and bool((true.std(axis=0) > 0).all())
    return {
        "mae": float(torchmetrics.functional.mean_absolute_error(reached, actual)),
        **{"mae_low": low, "mae_high": high, "mse": mse, "rmse": mse**0.5},
        "r2": float(torchmetrics.functional.r2_score(reached, actual)) if varies else np.nan,
        "median_km": float(np.median(_km(predicted, true) if task == "epicentre" else each)),
    }


def _km(predicted: Floats, true: Floats) -> Floats:
    """Geodesic between two places; a latitude beyond the pole counts as the pole."""
    latitude = np.clip(predicted[:, 0], -90, 90)
    return np.asarray(GEOD.inv(predicted[:, 1], latitude, true[:, 1], true[:, 0])[2]) / 1e3
