"""Figures of what matters to a network: error by variant, by size of the training set, by air, and while it learned."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Okabe and Ito."""
MARKERS = ("o", "s", "D", "^", "v")


def variant_errors(scores: pd.DataFrame, *, centre_km: float, axes: Axes | None = None) -> Axes:
    """Median error of every variant, a mark a seed, with 95 % intervals over earthquakes.

    Parameters
    ----------
    scores : columns ``title``, ``seed``, ``median_km``, ``median_low``, ``median_high``; a row a network, the network
        that the others are compared with first.
    centre_km : median error of the patch's own centre.
    axes : to draw on; new ones where None.
    """
    titles = list(dict.fromkeys(scores["title"]))
    axes = _axes(axes, height=0.45 * len(titles) + 1.5)
    seeds = scores.groupby("seed")
    for number, (_, rows) in enumerate(seeds):
        place = [-titles.index(title) + 0.18 * ((len(seeds) - 1) / 2 - number) for title in rows["title"]]
        axes.errorbar(rows["median_km"], place, xerr=_reach(rows), capsize=2, **_style(number))
    axes.axvline(scores.loc[scores["title"] == titles[0], "median_km"].mean(), color="0.6", linewidth=0.9)
    axes.axvline(centre_km, color="black", linewidth=0.9, linestyle="dashed")
    axes.annotate("copy the\ncentre", (centre_km, 0.4), ha="right", va="top", fontsize=8, xytext=(-3, 0), **_POINTS)
    axes.set_yticks(-np.arange(len(titles)), titles)
    axes.set(ylim=(-len(titles) + 0.4, 0.6), xlabel="median error (km); a mark a seed")
    return _bare(axes, grid="x")


def size_curve(scores: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Median error against the number of earthquakes learned from, on other earthquakes and on these themselves.

    Parameters
    ----------
    scores : columns ``train_earthquakes``, ``median_km``, ``median_low``, ``median_high``, ``train_median_km``; a row
        a network.
    axes : to draw on; new ones where None.
    """
    axes = _axes(axes)
    counts = scores["train_earthquakes"]
    for number, (column, label) in enumerate((("median_km", "never seen"), ("train_median_km", "its training set"))):
        mean = scores.groupby("train_earthquakes")[column].mean()
        axes.plot(mean.index, mean, color=COLOURS[number], label=label, linestyle=("solid", "dashed")[number])
        reach = _reach(scores) if number == 0 else None
        axes.errorbar(counts, scores[column], yerr=reach, capsize=2, **_style(number))
    axes.set(xscale="log", xlabel="earthquakes in the training set", ylabel="median error (km)")
    axes.set_xticks(sorted(counts.unique()), [f"{count:,}" for count in sorted(counts.unique())], minor=False)
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return _bare(axes, grid="y")


def air_errors(scores: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Median error by class of air, a line a variant through the means of its seeds.

    Parameters
    ----------
    scores : columns ``air_cm`` (classes in their order), ``title``, ``median_km``, ``median_low``, ``median_high``,
        ``centre_median_km``; a row a network and class.
    axes : to draw on; new ones where None.
    """
    axes = _axes(axes)
    classes = list(dict.fromkeys(scores["air_cm"]))
    groups = scores.groupby("title", sort=False)
    for number, (title, rows) in enumerate(groups):
        place = np.array([classes.index(air) for air in rows["air_cm"]]) + 0.1 * (number - (len(groups) - 1) / 2)
        axes.errorbar(place, rows["median_km"], yerr=_reach(rows), capsize=2, **_style(number))
        mean = rows.groupby("air_cm")["median_km"].mean().reindex(classes)
        axes.plot(range(len(classes)), mean, color=COLOURS[number], label=str(title))
    centre = scores.groupby("air_cm")["centre_median_km"].mean().reindex(classes)
    axes.plot(range(len(classes)), centre, color="black", linewidth=0.9, linestyle="dashed", label="copy the centre")
    axes.set_xticks(range(len(classes)), classes)
    axes.set(xlabel="air of the test, rms (cm)", ylabel="median error (km)")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return _bare(axes, grid="y")


def training_curves(history: pd.DataFrame, *, axes: Axes | None = None) -> Axes:
    """Median error on watched earthquakes while networks learned: the mean over seeds, and from least to most.

    Parameters
    ----------
    history : columns ``title``, ``seed``, ``patches`` (shown so far) and ``median_km``.
    axes : to draw on; new ones where None.
    """
    axes = _axes(axes)
    for number, (title, rows) in enumerate(history.groupby("title", sort=False)):
        each = rows.groupby("patches")["median_km"]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.plot(each.mean().index, each.mean(), color=colour, marker=marker, markersize=4, label=str(title))
        axes.fill_between(each.min().index, each.min(), each.max(), color=colour, alpha=0.2, linewidth=0)
    axes.set(xlabel="patches shown, thousands", ylabel="median error, watched (km)")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value / 1000:g}")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=9)
    return _bare(axes, grid="y")


_POINTS: dict[str, Any] = {"textcoords": "offset points"}


def _axes(axes: Axes | None, *, height: float = 3.8) -> Axes:
    return axes if axes is not None else plt.subplots(figsize=(8.5, height), layout="constrained")[1]


def _style(number: int) -> dict[str, Any]:
    """Marks without a line between them."""
    style = {"linestyle": "none", "markersize": 5, "elinewidth": 0.9}
    return style | {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def _reach(rows: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """From the median down and up to the ends of its interval."""
    ends = rows[["median_low", "median_high"]].to_numpy(float).T
    return np.asarray(np.abs(ends - rows["median_km"].to_numpy(float)))


def _bare(axes: Axes, *, grid: Any) -> Axes:  # noqa: ANN401  # matplotlib's own literal
    axes.grid(axis=grid, linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
