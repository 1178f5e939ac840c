"""How an answer is written for the network, and read back from it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.learn.study.recipe import TARGETS, TASKS
from epi.patches import shifted

Floats = NDArray[np.float64]

LABELS = {"distance": ("distance_km",), "epicentre": ("epicenter_lat", "epicenter_lon")}
"""Columns of the answers to each task."""

OFFSET = ("offset_east_km", "offset_north_km")


def labels(table: pd.DataFrame, task: str) -> Floats:
    """True answers of a task, (patches, outputs): km, or degrees of latitude and longitude.

    Raises
    ------
    ParameterError : a label is unknown.
    """
    return _known(table, LABELS[task], task)


@dataclass(frozen=True)
class Target:
    """A way to write answers, fitted to the training part alone.

    Attributes
    ----------
    task, kind : what is asked, and one of ``TARGETS`` of it.
    shift, scale : of the labels: written = (label − shift) / scale.
    """

    task: str
    kind: str
    shift: tuple[float, ...]
    scale: tuple[float, ...]

    @classmethod
    def of(cls, task: str, kind: str, training: pd.DataFrame) -> "Target":
        """Fit to the rows that are trained on, and to no others."""
        if kind not in TARGETS[task]:
            raise ParameterError(f"Target {kind!r} was asked for {task}: choose one of {', '.join(TARGETS[task])}.")
        shift, scale = np.zeros(TASKS[task]), np.ones(TASKS[task])
        if kind == "hundred_km":
            scale = scale * 100
        elif kind != "raw":
            known = _unscaled(training, task, kind)
            shift, scale = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-9)
        return cls(task, kind, tuple(map(float, shift)), tuple(map(float, scale)))

    def write(self, table: pd.DataFrame) -> Floats:
        """What the network is to say of patches, (patches, outputs)."""
        return np.asarray((_unscaled(table, self.task, self.kind) - self.shift) / self.scale)

    def read(self, said: Floats, table: pd.DataFrame) -> Floats:
        """What the network says of patches, as km or degrees."""
        found = np.asarray(said, float) * self.scale + self.shift
        if self.kind != "offset":
            return np.asarray(found)
        centre = table[["center_lat", "center_lon"]].to_numpy(dtype=float)
        return np.column_stack(shifted(centre[:, 0], centre[:, 1], found[:, 0], found[:, 1]))


def _unscaled(table: pd.DataFrame, task: str, kind: str) -> Floats:
    """Labels, or the offset from the centre that stands for them."""
    return _known(table, OFFSET, kind) if kind == "offset" else labels(table, task)


def _known(table: pd.DataFrame, names: tuple[str, ...], what: str) -> Floats:
    """Columns of a table; ParameterError where a value is missing."""
    found = table[list(names)].to_numpy(dtype=float)
    if not np.isfinite(found).all():
        lost = int((~np.isfinite(found).all(axis=1)).sum())
        raise ParameterError(f"{lost} of {len(found)} patches have no {what} to learn: leave them out, or label them.")
    return found
