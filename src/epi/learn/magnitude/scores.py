"""How wrong magnitudes are, with and without an earthquake apart, and whether they are in the right order."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from epi.errors import ParameterError
from epi.learn.metrics import with_bounds

Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float]
DRAWS = 400


def mae(true: Floats, said: Floats) -> float:
    """Mean absolute error, as published: pairs with an earthquake and pairs without (magnitude 0) together."""
    return float(np.abs(said - true).mean())


def mae_positives(true: Floats, said: Floats) -> float:
    """The same of pairs with an earthquake."""
    return _mean_or_nan(np.abs(said - true)[true > 0])


def mae_negatives(true: Floats, said: Floats) -> float:
    """The same of pairs without: how large what is not there is said to be."""
    return _mean_or_nan(np.abs(said - true)[true == 0])


def auc(true: Floats, said: Floats) -> float:
    """Probability that a pair with an earthquake is said to be larger than one without; 0.5 is chance."""
    positive = true > 0
    return float(roc_auc_score(positive, said)) if 0 < positive.sum() < positive.size else float("nan")


def rank_correlation(true: Floats, said: Floats) -> float:
    """Spearman's, over pairs with an earthquake; not a number where all answers are the same."""
    positive = true > 0
    if np.unique(said[positive]).size < 2 or np.unique(true[positive]).size < 2:
        return float("nan")
    return float(spearmanr(true[positive], said[positive]).statistic)


STATISTICS: dict[str, Statistic] = {
    "mae": mae,
    "mae_positives": mae_positives,
    "mae_negatives": mae_negatives,
    "auc": auc,
    "spearman": rank_correlation,
}
"""Scores of the tables, by their column."""


def magnitude_scores(table: pd.DataFrame, *, seed: int = 0, draws: int = DRAWS) -> dict[str, float]:
    """Scores of predictions, each with its 95 % bootstrap interval over earthquakes (``…_low``, ``…_high``).

    Parameters
    ----------
    table : a row a pair: ``event``, ``magnitude`` (true, 0 without an earthquake) and ``predicted``.
    seed, draws : of the bootstrap; all pairs of an earthquake are drawn together.

    Returns
    -------
    ``n`` pairs, ``positives``, ``events``, and each of `STATISTICS`.

    Raises
    ------
    ParameterError : predictions that are not numbers.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 8.
    """
    true, said = table["magnitude"].to_numpy(dtype=float), table["predicted"].to_numpy(dtype=float)
    if not np.isfinite(said).all():
        raise ParameterError(f"{int((~np.isfinite(said)).sum())} predictions are not numbers: nothing can be scored.")
    drawn = list(_drawn(table["event"], seed, draws))
    found: dict[str, float] = {"n": len(true), "positives": int((true > 0).sum()), "events": table["event"].nunique()}
    for name, statistic in STATISTICS.items():
        found |= with_bounds(name, statistic(true, said), [statistic(true[rows], said[rows]) for rows in drawn])
    return found


def paired_differences(
    one: Mapping[int, pd.DataFrame], other: Mapping[int, pd.DataFrame], *, seed: int = 0, draws: int = DRAWS
) -> dict[str, float]:
    """Differences of the scores of two ways to train, over the same seeds and the same pairs, with intervals.

    Parameters
    ----------
    one, other : predictions by the seed of the network, as for `magnitude_scores`, rows in the same order.
    seed, draws : of the bootstrap: each draw takes seeds and earthquakes, both with replacement.

    Returns
    -------
    ``seeds``, ``n``, ``events``, and for each of `STATISTICS` the means over seeds ``…_one`` and ``…_other``, their
    difference ``…_difference`` (one less the other) and its interval ``…_low``, ``…_high``. With few seeds the interval
    knows little of how much they scatter.

    Raises
    ------
    ParameterError : other seeds or other pairs.
    """
    first = next(iter(one.values()))
    facts = first[["event", "magnitude"]].reset_index(drop=True)
    for table in (*one.values(), *other.values()):
        if not table[["event", "magnitude"]].reset_index(drop=True).equals(facts):
            raise ParameterError("Predictions of other pairs cannot be compared: give the same test, in one order.")
    if set(one) != set(other):
        raise ParameterError(f"Seeds {sorted(one)} and {sorted(other)} cannot be compared: give the same ones.")
    true, seeds = facts["magnitude"].to_numpy(dtype=float), sorted(one)
    said = np.stack(
        [[ways[each]["predicted"].to_numpy(dtype=float) for each in seeds] for ways in (one, other)]
    )  # (2, seeds, pairs)
    rng = np.random.default_rng([seed, 1])
    drawn = [(rows, rng.integers(len(seeds), size=len(seeds))) for rows in _drawn(facts["event"], seed, draws)]
    found: dict[str, float] = {"seeds": len(seeds), "n": len(true), "events": facts["event"].nunique()}
    for name, statistic in STATISTICS.items():
        means = [float(np.mean([statistic(true, each) for each in way])) for way in said]
        apart = []
        for rows, chosen in drawn:
            of = {k: [statistic(true[rows], way[k][rows]) for way in said] for k in set(chosen.tolist())}
            apart.append(np.mean([of[k][0] - of[k][1] for k in chosen.tolist()]))
        bounds = with_bounds(name, means[0] - means[1], apart)
        found |= {f"{name}_one": means[0], f"{name}_other": means[1], f"{name}_difference": bounds.pop(name)} | bounds
    return found


def _drawn(events: pd.Series, seed: int, draws: int) -> list[NDArray[np.intp]]:
    """Rows of each draw of whole earthquakes with replacement."""
    numbers, names = pd.factorize(events)
    rows = [np.flatnonzero(numbers == number) for number in range(len(names))]
    rng = np.random.default_rng([seed, 0])
    return [np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))]) for _ in range(draws)]


def _mean_or_nan(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")
