"""Figures of differences between two ways to do one thing, each with its interval."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

BETTER, WORSE, UNSURE = "#0072b2", "#d55e00", "0.45"
"""Of differences whose interval lies on the good side of nothing, on the bad side, or on both (Okabe and Ito)."""


def verdict(low: float, high: float, *, more_is_better: bool) -> str:
    """Say what an interval of a difference says: "better", "worse" or "cannot be told"."""
    if not low <= high or low <= 0 <= high:
        return "cannot be told"
    return "better" if (low > 0) == more_is_better else "worse"


def paired_intervals(
    table: pd.DataFrame,
    *,
    xlabel: str,
    more_is_better: bool,
    words: tuple[str, str] = ("better", "worse"),
    axes: Axes | None = None,
) -> Axes:
    """Differences one under the other, with 95 % intervals, and nothing as a line.

    Parameters
    ----------
    table : rows by name; columns ``difference``, ``low``, ``high``.
    xlabel : what was subtracted from what, and its unit.
    more_is_better : whether a positive difference is good; colours and markers say which are surely so.
    words : for the legend: what a difference on the good side means, and on the bad side.
    axes : to draw on; new ones by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(8.5, 0.42 * len(table) + 1.4), layout="constrained")
    styles = {"better": (BETTER, "o"), "worse": (WORSE, "s"), "cannot be told": (UNSURE, "D")}
    meant = {"better": words[0], "worse": words[1], "cannot be told": "cannot be told"}
    seen: set[str] = set()
    for place, (_, row) in zip(np.arange(len(table))[::-1], table.iterrows(), strict=True):
        said = verdict(row["low"], row["high"], more_is_better=more_is_better)
        colour, marker = styles[said]
        reach = [[max(row["difference"] - row["low"], 0)], [max(row["high"] - row["difference"], 0)]]
        axes.errorbar(row["difference"], place, xerr=reach, fmt=marker, color=colour, capsize=3.5,
                      label=meant[said] if said not in seen else "")  # fmt: skip
        seen.add(said)
    axes.axvline(0, color="0.4", linewidth=1)
    axes.set_yticks(np.arange(len(table))[::-1], table.index)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    axes.set(xlabel=xlabel, ylim=(-0.6, len(table) - 0.4))
    axes.grid(axis="x", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)
    return axes
