"""From rows of single networks to one row a variant, and to words."""

import numpy as np
import pandas as pd
from scipy.stats import t as student

from epi.learn.ablation.variants import FULL, VARIANTS

INTERVALS = {"median": ("low_km", "high_km"), "against_full": ("against_low", "against_high")}
"""Columns of the intervals of a quantity."""


def over_seeds(scores: pd.DataFrame, *, air_cm: str = "0.3 to 4") -> pd.DataFrame:
    """One row a variant, over its seeds.

    Parameters
    ----------
    scores : as `run_ablation` writes them.
    air_cm : class of air.

    Returns
    -------
    Index the variant's title, in the order of ``VARIANTS``: ``variant``, ``seeds`` and ``parameters``; ``median_km``,
    the mean over seeds; ``low_km`` and ``high_km``, its 95 % interval over earthquakes and over seeds (see `_end`);
    ``against_full_km``, ``against_low`` and ``against_high``, the difference to all channels and all earthquakes, the
    same way; ``train_km``, the median error on the training set itself; ``verdict``, in words.
    """
    rows = scores[scores["air_cm"] == air_cm]
    groups = rows.groupby("variant")
    found = groups.agg(
        seeds=("seed", "size"),
        parameters=("parameters", "first"),
        median_km=("median_km", "mean"),
        against_full_km=("against_full_km", "mean"),
        train_km=("train_median_km", "mean"),
    )
    for kind, names in INTERVALS.items():
        for name, side in zip(names, ("low", "high"), strict=True):
            column = f"{kind.removesuffix('_full')}_{side}"
            found[name] = groups.apply(_end, value=f"{kind}_km", end=column)
    ends = [name for names in INTERVALS.values() for name in names]
    order = ["seeds", "parameters", "median_km", *ends[:2], "against_full_km", *ends[2:], "train_km"]
    found = found[order].loc[[name for name in VARIANTS if name in found.index]].reset_index()
    found["verdict"] = np.select(
        [found["variant"] == FULL, found["against_low"] > 0, found["against_high"] < 0, found["against_low"].notna()],
        ["", "worse", "better", "not told apart"],
        "not compared",
    )
    return found.set_index(
        found["variant"].map({name: each.title for name, each in VARIANTS.items()}).rename("trained")
    )


def _end(rows: pd.DataFrame, *, value: str, end: str) -> float:
    """One end of the 95 % interval of a mean over seeds.

    All seeds are tested on the same earthquakes, so the reach over earthquakes does not shrink with their number: it is
    the mean of theirs. That over seeds is Student's for a mean of so few, unknown (0) of a single one. The two are
    independent and add in quadrature.
    """
    middle, count = float(rows[value].mean()), len(rows)
    seeds = student.ppf(0.975, count - 1) * float(rows[value].std()) / np.sqrt(count) if count > 1 else 0.0
    reach = float(rows[end].mean()) - middle
    return middle + float(np.copysign(np.hypot(reach, seeds), 1.0 if end.endswith("high") else -1.0))


def sentences(table: pd.DataFrame) -> list[str]:
    """Say of every variant how far off it is, and how it compares with all channels and all earthquakes.

    Parameters
    ----------
    table : of `over_seeds`.
    """
    said = []
    for title, row in table.iterrows():
        text = f"{title}: {row['median_km']:.1f} km"
        if row["verdict"] not in ("", "not compared"):
            more = f"{row['against_full_km']:+.1f} km ({row['against_low']:+.1f} to {row['against_high']:+.1f})"
            text += f", {more}, {row['verdict']}"
        said.append(f"{text}; on its own training set {row['train_km']:.1f} km")
    return said


def missing(scores: pd.DataFrame) -> str:
    """Name the variants of which a table holds nothing, or none."""
    return ", ".join(name for name in VARIANTS if name not in set(scores["variant"])) or "none"
