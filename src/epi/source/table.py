"""A quantity over magnitude and depth, interpolated between nodes that are worked out when they are first asked for."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError

MAGNITUDES, DEPTHS_KM = (2.0, 9.6), (0.5, 800.0)
"""Between these every earthquake on record lies; numbers beyond are a mistake, such as a depth in metres."""

Floats = NDArray[np.float64]

_NODES = 39, 16
_AXES = (
    np.linspace(MAGNITUDES[0], MAGNITUDES[1], _NODES[0]),
    np.linspace(np.log(DEPTHS_KM[0]), np.log(DEPTHS_KM[1]), _NODES[1]),
)


class Table:
    """Interpolate what costs too much to work out for every earthquake: linear in magnitude and logarithm of depth.

    Parameters
    ----------
    at : gives an array, one row an event, of magnitudes and depths (km); finite, and smooth enough.
    """

    def __init__(self, at: Callable[[Floats, Floats], Floats]) -> None:
        self._at = at
        self._held: Floats | None = None
        self._known = np.zeros(_NODES[0] * _NODES[1], dtype=bool)

    def __call__(self, magnitude: Floats, depth_km: Floats) -> Floats:
        """Return one row an event (N,); NaN where magnitude or depth is NaN, the nearest value beyond the axes."""
        places = magnitude, np.log(np.clip(depth_km, *DEPTHS_KM))
        (i, u), (j, v) = (_cell(values, axis) for values, axis in zip(places, _AXES, strict=True))
        corners = [(i + k) * _NODES[1] + j + m for k in (0, 1) for m in (0, 1)]
        rows = self._rows(np.unique(corners))
        shape = (-1, *[1] * (rows.ndim - 1))
        weights = [(1 - u) * (1 - v), (1 - u) * v, u * (1 - v), u * v]
        return np.asarray(
            sum(weight.reshape(shape) * rows[corner] for weight, corner in zip(weights, corners, strict=True))
        )

    def _rows(self, nodes: NDArray[np.int64]) -> Floats:
        """Return the table, with at least these nodes worked out."""
        missing = nodes[~self._known[nodes]]
        if len(missing) or self._held is None:
            missing = missing if len(missing) else np.array([0])
            size, log_depth = _AXES[0][missing // _NODES[1]], _AXES[1][missing % _NODES[1]]
            found = self._at(size, np.exp(log_depth))
            if self._held is None:
                self._held = np.full((len(self._known), *found.shape[1:]), np.nan)
            self._held[missing] = found
            self._known[missing] = True
        return self._held


def check_sizes(magnitude: Floats, depth_km: Floats) -> None:
    """Refuse magnitudes and depths that no earthquake has; NaN is unknown and passes, so does a depth in a mountain.

    Raises
    ------
    ParameterError : naming the first faulty event, counted from 0.
    """
    asked = (
        ("magnitude", magnitude, MAGNITUDES, "check the column"),
        ("depth_km", depth_km, (-10.0, DEPTHS_KM[1]), "give kilometres, positive down"),
    )
    for name, values, (low, high), remedy in asked:
        wrong = np.ravel((values < low) | (values > high))
        if wrong.any():
            row = int(wrong.argmax())
            raise ParameterError(
                f"Event {row}: {name} {np.ravel(values)[row]:g} is outside {low:g} to {high:g}; {remedy}."
            )


def _cell(values: Floats, axis: Floats) -> tuple[NDArray[np.int64], Floats]:
    """Return the number of the cell that holds each value, and where in it the value lies (0 to 1; NaN of NaN)."""
    place = np.clip((values - axis[0]) / (axis[1] - axis[0]), 0, len(axis) - 1)
    cell = np.minimum(np.nan_to_num(place).astype(np.int64), len(axis) - 2)
    return cell, place - cell
