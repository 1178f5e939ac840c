"""Tables of how well detectors do, with 95 % intervals over scenes: each sees an earthquake of its own."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

from epi.learn.detect.data import clear
from epi.learn.detect.judge import Judged, balanced_f1
from epi.learn.metrics import with_bounds
from epi.simulate.labelled import KINDS

DRAWS = 400
"""Of each bootstrap."""
LEANING = ("calibration",)
"""Statistics that are larger in a draw than in the whole: drawing adds to the distances that they average."""

Statistic = Callable[[pd.DataFrame], float]


def presence_scores(
    table: pd.DataFrame, *, alarm: float, air: NDArray[Any] | None = None, seed: int = 0
) -> dict[str, float]:
    """Precision, recall, F1 and more of presence, each with its interval (``…_low``, ``…_high``).

    Intervals are bootstrapped over scenes (Efron & Tibshirani 1993); those of the shares of false alarms are Wilson's
    (1927), which know that none in a hundred is not none.

    Parameters
    ----------
    table : as in `Judged`; scenes with an earthquake too weak to count as present are left out.
    alarm : probability from which a scene is called one with an earthquake.
    air : probabilities of scenes with nothing but air; None where none were looked at: there is no ``air_alarms`` then.
    seed : of the bootstrap (Efron & Tibshirani 1993).

    Returns
    -------
    ``n``, ``earthquakes``, ``precision``, ``recall``, ``f1``, ``accuracy``, ``auc``, ``average_precision``,
    ``auc_half`` and ``calibration`` (mean distance of probability and frequency over ten classes) without earthquakes
    of half a fringe and less, ``air_alarms`` (share of scenes with nothing but air that are called earthquakes;
    ``air_n`` of them), ``quiet_alarms`` (of all quiet scenes), and of
    earthquakes above half a fringe and above one: ``recall_half``, ``f1_half``, ``recall_one``, ``f1_one``, with F1 as
    if there were as many scenes without an earthquake.
    """
    kept = table[table["present"] | (table["kind"] != KINDS[0])]
    statistics: dict[str, Statistic] = {
        "precision": lambda each: _share(each["present"], each["probability"] >= alarm),
        "recall": lambda each: _share(each["probability"] >= alarm, each["present"]),
        "f1": lambda each: _f1(each["present"], each["probability"] >= alarm),
        "accuracy": lambda each: float(((each["probability"] >= alarm) == each["present"]).mean()),
        "auc": lambda each: float(roc_auc_score(each["present"], each["probability"])),
        "average_precision": lambda each: float(average_precision_score(each["present"], each["probability"])),
        "auc_half": lambda each: float(roc_auc_score(*_clear(each))),
        "calibration": lambda each: calibration_error(*_clear(each)[::-1]),
    }
    for name, least in (("half", 0.5), ("one", 1.0)):
        statistics[f"recall_{name}"] = partial(_recall_above, alarm=alarm, fringes=least)
        statistics[f"f1_{name}"] = partial(_f1_above, alarm=alarm, fringes=least)
    found: dict[str, float] = {"n": len(kept), "earthquakes": int(kept["present"].sum())}
    found |= with_intervals(kept, statistics, seed=seed)
    quiet = kept.loc[kept["kind"] != KINDS[0], "probability"].to_numpy()
    for name, scores in (("air_alarms", air), ("quiet_alarms", quiet)):
        if scores is not None and len(scores):
            hits = int((scores >= alarm).sum())
            bounds = binomtest(hits, len(scores)).proportion_ci(method="wilson")
            found |= {name: hits / len(scores), f"{name}_low": float(bounds.low), f"{name}_high": float(bounds.high)}
    return found | ({} if air is None else {"air_n": len(air)})


def mask_scores(judged: Judged, *, threshold: float, seed: int = 0) -> dict[str, float]:
    """IoU, Dice and accuracy of masks on scenes with an earthquake, pooled and per image, each with its interval.

    Parameters
    ----------
    judged : of a network that says where.
    threshold : probability from which a pixel belongs to the mask; a multiple of 1/20.
    seed : of the bootstrap.

    Returns
    -------
    ``n``, ``iou``, ``dice``, ``accuracy`` (pixels of all scenes together), ``iou_image``, ``dice_image`` (mean over
    scenes), ``iou_half``, ``iou_one`` (pooled, earthquakes above half a fringe and above one), ``boundary_km``
    (median).
    """
    table = pd.concat([judged.table, judged.overlap(threshold)], axis=1)
    kept = table[table["present"] & (table["true"] > 0)]
    statistics: dict[str, Statistic] = {
        "iou": lambda each: pooled_iou(each),
        "dice": lambda each: float(2 * each["both"].sum() / max((each["said"] + each["true"]).sum(), 1)),
        "accuracy": lambda each: float(each["right"].sum() / each["all"].sum()),
        "iou_image": lambda each: float((each["both"] / each["either"]).mean()),
        "dice_image": lambda each: float((2 * each["both"] / (each["said"] + each["true"])).mean()),
        "iou_half": lambda each: pooled_iou(each[each["fringes"] > 0.5]),
        "iou_one": lambda each: pooled_iou(each[each["fringes"] > 1.0]),
    }
    if "boundary_km" in kept:
        statistics["boundary_km"] = lambda each: float(each["boundary_km"].median())
    found: dict[str, float] = {"n": len(kept)}
    return found | with_intervals(kept, statistics, seed=seed)


def with_intervals(table: pd.DataFrame, statistics: Mapping[str, Statistic], *, seed: int) -> dict[str, float]:
    """Statistics of a table with 95 % bootstrap intervals over its rows.

    Draws of what is named in `LEANING` are moved by the difference of the value and their mean, and clipped at 0: a
    frequency of a draw lies as much farther from what was said as drawing scatters it, so that the interval would lie
    above the value, and need not hold it. Moved, it does (Efron & Tibshirani 1993, chapter 10: bias of the bootstrap).

    Parameters
    ----------
    table : a row a scene.
    statistics : what to compute of a table, by name.
    seed : of the bootstrap.

    Returns
    -------
    Each value under its name, and its bounds as ``…_low`` and ``…_high``, NaN where no draw gave a number.
    """
    rng = np.random.default_rng(seed)
    drawn = [table.take(rng.integers(len(table), size=len(table))) for _ in range(DRAWS)]
    found: dict[str, float] = {}
    for name, statistic in statistics.items():
        value, draws = statistic(table), np.array([statistic(each) for each in drawn])
        if name in LEANING:
            draws = np.clip(draws + value - np.nanmean(draws), 0, None)
        found |= with_bounds(name, value, draws)
    return found


def pooled_iou(table: pd.DataFrame) -> float:
    """Intersection over union of all pixels of all scenes together.

    Parameters
    ----------
    table : a row a scene, with pixels ``both`` and ``either`` as of `Judged.overlap`.

    Returns
    -------
    0 to 1; 0 where nothing is marked and nothing is true.
    """
    return float(table["both"].sum() / max(table["either"].sum(), 1))


def calibration_error(probability: Any, present: Any, *, classes: int = 10) -> float:  # noqa: ANN401  # any array
    """Mean distance between what is said and how often it happens, over classes of equally many scenes (ECE)."""
    said, true = np.asarray(probability, dtype=float), np.asarray(present, dtype=float)
    order = np.argsort(said, kind="stable")
    parts = np.array_split(order, classes)
    return float(sum(len(part) * abs(said[part].mean() - true[part].mean()) for part in parts if len(part)) / said.size)


def _clear(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Truth and probability of quiet scenes and of earthquakes that move the ground enough to be learned from."""
    kept = table[clear(table["present"], table["fringes"])]
    return kept["present"], kept["probability"]


def _share(what: NDArray[np.bool_] | pd.Series, among: NDArray[np.bool_] | pd.Series) -> float:
    """How many of some scenes are so."""
    return float(np.asarray(what)[np.asarray(among)].mean()) if np.asarray(among).any() else float("nan")


def _f1(present: pd.Series, said: pd.Series) -> float:
    return float(2 * (present & said).sum() / max(present.sum() + said.sum(), 1))


def _recall_above(table: pd.DataFrame, alarm: float, fringes: float) -> float:
    return _share(table["probability"] >= alarm, table["present"] & (table["fringes"] > fringes))


def _f1_above(table: pd.DataFrame, alarm: float, fringes: float) -> float:
    false_alarms = _share(table["probability"] >= alarm, table["kind"] != KINDS[0])
    return balanced_f1(_recall_above(table, alarm, fringes), false_alarms)
