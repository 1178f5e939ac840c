"""How wrong: errors in km, with intervals over earthquakes, because patches of one earthquake err together."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], float]


def errors_km(predicted: ArrayLike, true: ArrayLike) -> Floats:
    """Distance between predicted and true offsets, (n,) km, from (n, 2 or more) and (n, 2) arrays of km."""
    return np.asarray(np.linalg.norm(np.asarray(predicted, float)[:, :2] - np.asarray(true, float)[:, :2], axis=1))


def with_bounds(name: str, value: float, draws: ArrayLike) -> dict[str, float]:
    """A statistic with the interval that 95 % of its bootstrap draws lie in.

    Parameters
    ----------
    name : of the statistic.
    value : of the whole data.
    draws : the same of each draw (Efron & Tibshirani 1993); those that gave no number are left out.

    Returns
    -------
    The value under its name, and ``…_low`` and ``…_high``, NaN where no draw gave a number.
    """
    values = np.asarray(draws, dtype=float)
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.025, 0.975]) if known.size else (np.nan, np.nan)
    return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}


def interval(
    errors: ArrayLike,
    events: ArrayLike,
    statistic: Callable[..., object] = np.median,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float]:
    """Bootstrap interval of a statistic, drawing whole earthquakes with replacement.

    Parameters
    ----------
    errors, events : error and earthquake of every patch (or scene).
    statistic : of a 1-D array.
    draws, seed : of the bootstrap.
    level : share of the draws within the interval.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 8.
    """
    values, names = np.asarray(errors, float), np.asarray(events)
    per_event = [values[names == name] for name in np.unique(names)]
    rng = np.random.default_rng(seed)
    found = [
        statistic(np.concatenate([per_event[k] for k in rng.integers(len(per_event), size=len(per_event))]))
        for _ in range(draws)
    ]
    low, high = np.quantile(np.asarray(found, float), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def compare(predictions: Mapping[str, ArrayLike], true: ArrayLike, events: ArrayLike, *, seed: int = 0) -> pd.DataFrame:
    """Table of methods on the same patches (or scenes): median and mean error with 95 % intervals over earthquakes.

    Parameters
    ----------
    predictions : offsets (n, 2), km, by the method's name.
    true : offsets (n, 2), km.
    events : earthquake of each, (n,).
    seed : of the bootstrap.

    Returns
    -------
    One row a method, in the order given: ``n``, ``earthquakes``, ``median_km``, ``median_low``, ``median_high``,
    ``mean_km``, ``mean_low``, ``mean_high``.
    """
    rows = []
    for method, predicted in predictions.items():
        errors = errors_km(predicted, true)
        row: dict[str, object] = {"method": method, "n": errors.size, "earthquakes": np.unique(np.asarray(events)).size}
        for name, statistic in (("median", np.median), ("mean", np.mean)):
            low, high = interval(errors, events, statistic, seed=seed)
            row |= {f"{name}_km": float(statistic(errors)), f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return pd.DataFrame(rows).set_index("method")


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Six significant digits, more than any of these figures has; a probability beside its threshold needs them.

    Columns of whole numbers, such as counts, become integers; gaps stay gaps.
    """
    whole = [name for name, column in table.items() if _whole(column)]
    told = table.drop(columns=whole).map(lambda value: float(f"{value:.6g}") if isinstance(value, float) else value)
    return told.assign(**{str(name): table[name].astype("Int64") for name in whole})[list(table.columns)]


def _whole(column: pd.Series) -> bool:
    return (
        bool(pd.api.types.is_numeric_dtype(column)) and column.dtype != bool and bool((column.dropna() % 1 == 0).all())
    )
