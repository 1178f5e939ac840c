"""Figures that set methods beside each other on the same earthquakes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from epi.plots.scenes import ellipse_outline

SIZE = {"physics": 14, "network": 11}
"""Of markers that may lie under another's: the fault's is the largest, that of both the smallest."""

METHOD_STYLE: dict[str, tuple[str, str]] = {
    "both": ("#000000", "D"),
    "physics": ("#d55e00", "s"),
    "network": ("#0072b2", "o"),
    "largest |LOS|": ("#009e73", "^"),
    "fastest phase": ("#cc79a7", "v"),
    "scene's centre": ("#999999", "X"),
}
"""Colour (Okabe and Ito) and marker of a method."""


def errors_by_strength(table: pd.DataFrame, *, floor: pd.Series | None = None, xlabel: str, ylabel: str) -> Axes:
    """Error of every method in classes of scenes, with 95 % intervals, side by side within a class.

    Parameters
    ----------
    table : columns ``method`` (a key of `METHOD_STYLE`), ``group`` (what to write below a class), ``value``, ``low``
        and ``high`` (km), classes in the order they appear.
    floor : least error by class, drawn as a step.
    xlabel, ylabel : of the axes.
    """
    groups = list(dict.fromkeys(table["group"]))
    methods = [name for name in METHOD_STYLE if name in set(table["method"])]
    _, axes = plt.subplots(figsize=(9, 4.8), layout="constrained")
    for number, method in enumerate(methods):
        colour, marker = METHOD_STYLE[method]
        rows = table[table["method"] == method]
        place = np.array([groups.index(group) for group in rows["group"]]) + 0.13 * (number - (len(methods) - 1) / 2)
        middle = rows["value"].to_numpy()
        reach = np.abs(rows[["low", "high"]].to_numpy().T - middle)
        axes.errorbar(place, middle, yerr=reach, fmt=marker, color=colour, capsize=2, label=method)
    if floor is not None:
        for number, group in enumerate(groups):
            name = "floor" if number == 0 else ""
            axes.plot(number + np.array([-0.45, 0.45]), [floor[group]] * 2, "--", color="0.4", label=name)
    for edge in range(1, len(groups)):
        axes.axvline(edge - 0.5, color="0.9", linewidth=0.8)
    axes.set_xticks(range(len(groups)), groups)
    axes.set(xlim=(-0.5, len(groups) - 0.5), xlabel=xlabel, ylabel=ylabel, yscale="log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(axis="y", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, ncols=4, fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return axes


def coverage(
    levels: Mapping[str, ArrayLike], *, nominal: Sequence[float] = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
) -> Axes:
    """How often regions hold the truth, against how often they should, with 95 % intervals.

    Parameters
    ----------
    levels : by method (a key of `METHOD_STYLE`), the probability of the smallest region of each scene that reaches the
        truth, (scenes,), from 0 to 1.
    nominal : probabilities of the regions asked for; the marks of several methods stand side by side.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22(158), for the intervals.
    """
    _, axes = plt.subplots(figsize=(6.4, 5), layout="constrained")
    ends = 100 * min(nominal) - 3, 101.0
    axes.plot(ends, ends, color="0.5", linewidth=0.9, label="as promised")
    methods = [name for name in METHOD_STYLE if name in levels]
    for number, method in enumerate(methods):
        colour, marker = METHOD_STYLE[method]
        level = np.asarray(levels[method], float)
        rows = []
        for asked in nominal:
            held = binomtest(int((level <= asked).sum()), level.size)
            bounds = held.proportion_ci(method="wilson")
            share = held.statistic
            rows.append((100 * asked, 100 * share, 100 * (share - bounds.low), 100 * (bounds.high - share)))
        place, share, below, above = np.array(rows).T
        place = place + 0.6 * (number - (len(methods) - 1) / 2)
        axes.errorbar(place, share, yerr=np.clip([below, above], 0, None), fmt=marker, color=colour, capsize=2,
                      markersize=5, label=f"{method} ({level.size})")  # fmt: skip
    axes.set(xlim=ends, xlabel="probability of the region (%)", ylabel="regions that hold the truth (%)")
    axes.grid(linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return axes


def answers(axes: Axes, said: Mapping[str, Sequence[float]], *, truth_km: Sequence[float] | None = None) -> Axes:
    """Places and 95 % ellipses of several methods over a map in km.

    Parameters
    ----------
    axes : of the map; its limits stay.
    said : east, north (km), semi-axes (km) and azimuth of the longer one (degrees), by method (a key of
        `METHOD_STYLE`).
    truth_km : east and north of a star, where it is known.
    """
    limits = axes.get_xlim(), axes.get_ylim()
    for method, (east, north, *ellipse) in said.items():
        colour, marker = METHOD_STYLE[method]
        style: dict[str, Any] = {"color": colour, "markeredgecolor": "white", "linestyle": "none"}
        style["markersize"] = SIZE.get(method, 6)
        outline = ellipse_outline((east, north), (ellipse[0], ellipse[1], ellipse[2]))
        if method != "both":  # its ellipse may lie on another's, and is dashed
            axes.plot(*outline, color="white", linewidth=3)
        axes.plot(
            *outline,
            color=colour,
            linewidth=1.4,
            linestyle="-" if method != "both" else "--",
            zorder=3 + (method == "both"),
        )
        axes.plot(east, north, marker, label=method, zorder=7 - SIZE.get(method, 6) / 100, **style)
    if truth_km is not None:
        star: dict[str, Any] = {"color": "yellow", "markeredgecolor": "black", "markersize": 15, "linestyle": "none"}
        axes.plot(truth_km[0], truth_km[1], "*", label="true centroid", zorder=8, **star)
    axes.set(xlim=limits[0], ylim=limits[1])
    return axes
