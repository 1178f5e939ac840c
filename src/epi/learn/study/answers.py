"""Answers that cost nothing: what every network of the study must beat."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsRegressor

from epi.errors import ParameterError
from epi.learn.study.recipe import TASKS
from epi.learn.study.targets import labels

Floats = NDArray[np.float64]

TRIVIAL = ("constant (mean)", "constant (median)", "copy the centre", "nearest neighbour")


def trivial_answers(training: pd.DataFrame, patches: pd.DataFrame, task: str) -> dict[str, Floats]:
    """What can be said of patches without looking at them.

    Parameters
    ----------
    training : rows with true answers.
    patches : rows to answer for; of these only the centre is used.
    task : "distance" or "epicentre".

    Returns
    -------
    Answers (patches, outputs), km or degrees, by name: the mean and the median of the training labels, the patch's own
    centre (a distance of 0), and the answer of the training patch whose centre is nearest on the globe.
    """
    if task not in TASKS:
        raise ParameterError(f"Task {task!r} was asked: choose {' or '.join(TASKS)}.")
    known = labels(training, task)
    centre = patches[["center_lat", "center_lon"]].to_numpy(dtype=float)
    near = KNeighborsRegressor(n_neighbors=1).fit(_on_globe(training), known)
    found = (
        np.tile(known.mean(axis=0), (len(patches), 1)),
        np.tile(np.median(known, axis=0), (len(patches), 1)),
        centre if task == "epicentre" else np.zeros((len(patches), 1)),
        np.asarray(near.predict(_on_globe(patches)), dtype=float).reshape(len(patches), -1),
    )
    return dict(zip(TRIVIAL, found, strict=True))


def _on_globe(table: pd.DataFrame) -> Floats:
    """Unit vectors of the centres, so that no meridian is an edge."""
    latitude, longitude = (np.deg2rad(table[f"center_{axis}"].to_numpy(dtype=float)) for axis in ("lat", "lon"))
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
