"""Figures of patches and of what a network answers."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from epi.plots.scenes import NO_DATA_COLOUR, colour_bar

EDGES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""Of the classes of a probability, narrow where most of them lie."""


def patch_outlines(
    axes: Axes, centre_km: ArrayLike, size_km: float, *, chosen: int | None = None, label: str = "patches"
) -> Axes:
    """Squares of patches, and their centres, over a map in km.

    Parameters
    ----------
    axes : of the map.
    centre_km : (patches, 2), east and north.
    size_km : side of a patch.
    chosen : number of a patch to draw boldly.
    label : for the legend.
    """
    for n, (east, north) in enumerate(np.asarray(centre_km, dtype=float)):
        bold = n == chosen
        corner = (east - size_km / 2, north - size_km / 2)
        style: dict[str, Any] = {"linewidth": 3.5, "zorder": 5} if bold else {"linewidth": 1.6, "linestyle": "--"}
        square = Rectangle(corner, size_km, size_km, fill=False, edgecolor="#009e73" if bold else "white", **style)
        square.set_path_effects([Stroke(linewidth=style["linewidth"] + 1.4, foreground="black"), Normal()])
        square.set_label("the patch below" if bold else label if n == 0 else "")
        axes.add_patch(square)
        axes.plot(east, north, "P", color="white", markeredgecolor="black", markersize=9, zorder=6)
    axes.legend(loc="lower right", fontsize=8)
    return axes


def patch_bands(bands: Mapping[str, ArrayLike], size_km: float) -> list[Axes]:
    """The bands of one patch side by side: coherence, real and imaginary part, each with its own scale.

    Parameters
    ----------
    bands : (pixels, pixels) by name, row 0 in the north; ``coh`` is drawn from 0 to 1, the others about zero. Where all
        are 0 there are no data: grey.
    size_km : side of the patch.
    """
    _, row = plt.subplots(1, len(bands), figsize=(4.2 * len(bands), 3.6), layout="constrained")
    half = size_km / 2
    empty = np.all([np.asarray(values) == 0 for values in bands.values()], axis=0)
    for axes, (name, values) in zip(row, bands.items(), strict=True):
        shown = np.where(empty, np.nan, np.asarray(values, dtype=float))
        largest = float(np.nanmax(np.abs(shown), initial=0.0)) or 1.0
        style: dict[str, Any] = {"cmap": "cividis", "vmin": 0, "vmax": 1}
        if name != "coh":
            style = {"cmap": "PuOr", "vmin": -largest, "vmax": largest}
        drawn = axes.imshow(shown, extent=(-half, half, -half, half), interpolation="nearest", **style)
        axes.set_facecolor(NO_DATA_COLOUR)
        axes.set(title=name, xlabel="east of the centre (km)", ylabel="north of the centre (km)")
        colour_bar(axes, drawn, "coherence" if name == "coh" else "interferogram (1)")
    return list(row)


def error_intervals(table: pd.DataFrame, *, statistic: str = "median", axes: Axes | None = None) -> Axes:
    """Error of each method with its 95 % interval over earthquakes.

    Parameters
    ----------
    table : rows by method, columns ``{statistic}_km``, ``{statistic}_low`` and ``{statistic}_high``.
    statistic : which of the errors.
    axes : to draw on; new ones by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(8, 0.55 * len(table) + 1.3), layout="constrained")
    middle = table[f"{statistic}_km"].to_numpy()
    reach = np.abs(table[[f"{statistic}_low", f"{statistic}_high"]].to_numpy().T - middle)
    rows = np.arange(len(table))[::-1]
    axes.errorbar(middle, rows, xerr=reach, fmt="o", color="#0072b2", capsize=4)
    axes.set_yticks(rows, table.index)
    axes.set(xlabel=f"{statistic} error (km), with 95 % interval over earthquakes", ylim=(-0.6, len(table) - 0.4))
    axes.set_xlim(left=0)
    axes.grid(axis="x", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def offsets(true_km: ArrayLike, predicted_km: ArrayLike, scale_km: ArrayLike) -> list[Axes]:
    """Predicted against true offset, east and north; the colour says how far off the network expects to be.

    Parameters
    ----------
    true_km, predicted_km : (patches, 2), east and north.
    scale_km : expected error of each patch, km.
    """
    true, predicted = np.asarray(true_km, dtype=float), np.asarray(predicted_km, dtype=float)
    figure, row = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharey=True)
    limit = float(np.abs(true).max()) * 1.05
    order = np.argsort(np.asarray(scale_km))[::-1]
    for axes, part, name in zip(row, (0, 1), ("east", "north"), strict=True):
        axes.plot([-limit, limit], [-limit, limit], color="0.5", linewidth=0.8)
        drawn = axes.scatter(
            true[order, part], predicted[order, part], c=np.asarray(scale_km)[order], s=10, cmap="viridis_r"
        )
        axes.set(xlabel=f"true offset {name} (km)", ylabel=f"predicted offset {name} (km)", aspect="equal")
        axes.set(xlim=(-limit, limit), ylim=(-limit, limit))
    figure.colorbar(drawn, ax=row, label="error the network expects (km)", shrink=0.8)
    return list(row)


def epicentre_density(
    axes: Axes,
    east_km: ArrayLike,
    north_km: ArrayLike,
    probability: ArrayLike,
    *,
    levels: tuple[float, ...] = (0.5, 0.95),
) -> Axes:
    """Outlines of the smallest regions that hold given shares of where an epicentre may lie.

    Parameters
    ----------
    axes : of a map in km.
    east_km, north_km : (columns,) and (rows,) of the grid.
    probability : (rows, columns), summing to one.
    levels : shares held, rising.
    """
    values = np.asarray(probability, dtype=float)
    falling = np.sort(values.ravel())[::-1]
    held = np.cumsum(falling)
    for level, style in zip(levels[::-1], ("--", "-"), strict=False):
        threshold = float(falling[np.searchsorted(held, level)])
        drawn = axes.contour(
            east_km, north_km, values, levels=[threshold], colors="#f0e442", linestyles=style, zorder=6
        )
        drawn.set_path_effects([Stroke(linewidth=3.6, foreground="black"), Normal()])
        axes.plot([], [], style, color="#f0e442", path_effects=[Stroke(linewidth=3.6, foreground="black"), Normal()])
        axes.lines[-1].set_label(f"holds {level:.0%} of the network's belief")
    return axes


def reliability(said: ArrayLike, happened: ArrayLike, *, edges: ArrayLike = EDGES, axes: Axes | None = None) -> Axes:
    """How often something was so, against how likely it was said to be, with 95 % intervals.

    Parameters
    ----------
    said : probabilities, (n,).
    happened : whether it was so, (n,).
    edges : of the classes into which the probabilities are sorted, rising; an empty class is left out.
    axes : to draw on; new ones by default.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4), for the intervals.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    chance, true, bounds = np.asarray(said, float), np.asarray(happened, bool), np.asarray(edges, float)
    group = np.clip(np.searchsorted(bounds, chance, side="right") - 1, 0, len(bounds) - 2)
    axes.plot([0, 1], [0, 1], color="0.5", linewidth=0.9, label="as said")
    for number in np.unique(group):
        here = group == number
        middle, share, count = chance[here].mean(), true[here].mean(), int(here.sum())
        low, high = binomtest(int(true[here].sum()), count).proportion_ci()
        axes.errorbar(middle, share, yerr=[[share - low], [high - share]], fmt="o", color="#0072b2", capsize=4)
        below = share > 0.5  # the number stands where there is room
        axes.annotate(f"{count}", (middle, low if below else high), xytext=(0, -12 if below else 5),
                      textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
    axes.set(xlabel="probability that was said", ylabel="share that was so", xlim=(-0.05, 1.05), ylim=(-0.1, 1.1))
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def learning_curve(history: pd.DataFrame, *, reference_km: float, reference: str) -> Axes:
    """Median error on earthquakes never trained on, against the number of patches learned from.

    Parameters
    ----------
    history : columns ``patches`` and ``median_error_km``.
    reference_km, reference : error of a simple answer, and its name.
    """
    _, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axes.axhline(reference_km, color="0.5", linestyle="--", linewidth=1, label=reference)
    axes.plot(history["patches"], history["median_error_km"], "o-", color="#0072b2", label="network")
    axes.set(xlabel="patches learned from", ylabel="median error (km)", ylim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
