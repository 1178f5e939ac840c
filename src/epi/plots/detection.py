"""Figures of detectors: what they see, how often they are right, where they looked and what they mark."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binomtest

from epi.plots.scenes import NO_DATA_COLOUR, colour_bar

STYLES = (("#0072b2", "-"), ("#d55e00", "--"), ("#009e73", "-."), ("#cc79a7", ":"), ("#000000", "-"))
"""Colours (Okabe and Ito) and lines of methods, in the order in which they are given."""
OUTLINE = "#f0e442"
"""Yellow of a mask's outline: it stands out of a cyclic colour map."""
SHARES = np.linspace(0, 1, 201)
"""Of false alarms or of earthquakes found, at which the bands of curves are drawn."""


def scene_gallery(
    phase: Sequence[ArrayLike],
    titles: Sequence[str],
    size_km: float,
    *,
    masks: Sequence[ArrayLike] | None = None,
    columns: int = 4,
) -> list[Axes]:
    """Interferograms side by side, their phase wrapped to ±π.

    Parameters
    ----------
    phase : (rows, columns) each, radians, row 0 in the north; NaN is grey.
    titles : of the panels.
    size_km : side of each on the ground.
    masks : moved ground, bool, outlined where there is any.
    columns : panels beside each other.
    """
    rows = -(-len(phase) // columns)
    figure, grid = plt.subplots(
        rows,
        columns,
        figsize=(2.7 * columns, 2.75 * rows),
        layout="constrained",
        sharex=True,
        sharey=True,
        squeeze=False,
    )
    half = size_km / 2
    place: dict[str, Any] = {"extent": (-half, half, -half, half)}
    for axes in grid.flat[len(phase) :]:
        axes.axis("off")
    for number, (axes, values, title) in enumerate(zip(grid.flat, phase, titles, strict=False)):
        wrapped = np.angle(np.exp(1j * np.asarray(values, dtype=float)))
        axes.set_facecolor(NO_DATA_COLOUR)
        drawn = axes.imshow(wrapped, cmap="twilight", vmin=-np.pi, vmax=np.pi, interpolation="nearest", **place)
        if masks is not None and np.asarray(masks[number]).any():
            outline(axes, masks[number], size_km)
        axes.set_title(title, fontsize=9)
    for axes in grid[-1]:
        axes.set_xlabel("east (km)")
    for axes in grid[:, 0]:
        axes.set_ylabel("north (km)")
    bar = figure.colorbar(drawn, ax=grid, label="phase (rad)", shrink=0.6)
    bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    return list(grid.flat[: len(phase)])


def outline(axes: Axes, mask: ArrayLike, size_km: float, *, colour: str = OUTLINE, label: str = "") -> None:
    """Outline of an area on a square scene about its centre; row 0 lies in the north."""
    area = np.asarray(mask, dtype=float)
    pixel = size_km / area.shape[1]
    line = (np.arange(area.shape[1]) + 0.5) * pixel - size_km / 2
    for width, shade in ((3.2, "black"), (1.7, colour)):
        axes.contour(line, -line[: area.shape[0]], area, levels=[0.5], colors=shade, linewidths=width)
    if label:
        axes.plot([], [], color=colour, label=label)


def ranking_curves(
    scores: Mapping[str, ArrayLike], present: ArrayLike, *, draws: int = 200, seed: int = 0
) -> list[Axes]:
    """How many earthquakes are found against false alarms, and how many alarms are right against how many are found.

    Light bands hold 95 % of the curves of as many scenes drawn from these, the same ones for all methods.

    Parameters
    ----------
    scores : of presence, (n,), by method.
    present : whether there is an earthquake, (n,); some are and some are not.
    draws, seed : of the bootstrap; no draws, no bands.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, for the bands.
    """
    _, row = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
    truth = np.asarray(present, dtype=bool)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(len(truth), np.full(len(truth), 1 / len(truth)), size=draws)
    for (name, score), (colour, line) in zip(scores.items(), STYLES, strict=False):
        order = np.argsort(-np.asarray(score, dtype=float), kind="stable")
        found, wrong = np.cumsum(truth[order]), np.cumsum(~truth[order])
        style: dict[str, Any] = {"color": colour, "linestyle": line, "label": name}
        row[0].plot(wrong / max((~truth).sum(), 1), found / max(truth.sum(), 1), **style)
        row[1].plot(found / max(truth.sum(), 1), found / (found + wrong), **style)
        if draws:
            bands = _ranking_bands(truth[order], counts[:, order])
            for axes, (low, high) in zip(row, bands, strict=True):
                axes.fill_between(SHARES, low, high, color=colour, alpha=0.18, linewidth=0)
    row[0].plot([0, 1], [0, 1], color="0.6", linewidth=0.8)
    row[1].axhline(truth.mean(), color="0.6", linewidth=0.8)
    row[0].set(xlabel="share of quiet scenes called earthquakes", ylabel="share of earthquakes found")
    row[1].set(xlabel="share of earthquakes found (recall)", ylabel="share of alarms that are right (precision)")
    row[1].set_ylim(0, 1.03)
    row[0].legend(frameon=False, loc="lower right")
    for axes in row:
        axes.spines[["top", "right"]].set_visible(False)
    return list(row)


def _ranking_bands(truth: NDArray[np.bool_], counts: NDArray[np.integer[Any]]) -> list[NDArray[np.float64]]:
    """Edges (2, `SHARES`) of 95 % of the drawn curves: share found by false alarms, share right by share found.

    Parameters
    ----------
    truth : (n,) whether there is an earthquake, surest scenes first.
    counts : (draws, n) how often each scene was drawn.
    """
    curves: list[list[NDArray[np.float64]]] = [[], []]
    for drawn in counts:
        found, wrong = np.cumsum(drawn * truth), np.cumsum(drawn * ~truth)
        if not (found[-1] and wrong[-1]):
            continue
        allowed = np.floor(SHARES * wrong[-1] + 1e-9)  # 0.14 of 150 is 21, and not a little more
        wanted = np.maximum(np.ceil(SHARES * found[-1] - 1e-9), 1)
        last, first = np.searchsorted(wrong, allowed, side="right") - 1, np.searchsorted(found, wanted)
        curves[0].append(np.where(last < 0, 0, found[last]) / found[-1])
        curves[1].append(found[first] / (found[first] + wrong[first]))
    return [np.quantile(each, [0.025, 0.975], axis=0) for each in curves]


def shares(table: pd.DataFrame, *, xlabel: str, ylabel: str, axes: Axes | None = None) -> Axes:
    """Shares of scenes by group and method, with 95 % intervals.

    Parameters
    ----------
    table : columns ``group``, ``method``, ``hits`` and ``scenes`` (counts), in the order in which they are to appear.
    xlabel, ylabel : of the axes.
    axes : to draw on; new ones by default.

    References
    ----------
    Clopper & Pearson (1934), Biometrika 26(4), for the intervals.
    """
    groups, methods = list(dict.fromkeys(table["group"])), list(dict.fromkeys(table["method"]))
    if axes is None:
        _, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for number, (method, (colour, _)) in enumerate(zip(methods, STYLES, strict=False)):
        for _, one in table[table["method"] == method].iterrows():
            place = groups.index(one["group"]) + 0.18 * (number - (len(methods) - 1) / 2)
            share = one["hits"] / one["scenes"]
            low, high = binomtest(int(one["hits"]), int(one["scenes"])).proportion_ci()
            label = method if one["group"] == groups[0] else ""
            axes.errorbar(place, share, yerr=[[share - low], [high - share]], fmt="osD^v"[number], color=colour,
                          capsize=3, label=label)  # fmt: skip
    count = table.groupby("group", sort=False)["scenes"].first()
    axes.set_xticks(range(len(groups)), [f"{name}\n({count[name]})" for name in groups], fontsize=9)
    axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(-0.03, 1.03))
    axes.grid(axis="y", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def looked_at(
    phase: ArrayLike,
    maps: Mapping[str, ArrayLike],
    size_km: float,
    *,
    mask: ArrayLike | None = None,
    boxes: Mapping[str, Sequence[Sequence[int]]] | None = None,
) -> list[Axes]:
    """An interferogram, and beside it maps of where a network looked, darkest where it looked most.

    Parameters
    ----------
    phase : (rows, columns), radians, row 0 in the north; NaN is grey.
    maps : (rows, columns) each, by name, at the pixels of the scene; each has its own scale.
    size_km : side on the ground.
    mask : the ground that really moved, outlined everywhere.
    boxes : rectangles of pixels (top, left, bottom, right) by the map's name.
    """
    count = 1 + len(maps)
    figure, row = plt.subplots(1, count, figsize=(3.4 * count, 4.3), layout="constrained", sharey=True)
    half = size_km / 2
    place: dict[str, Any] = {"extent": (-half, half, -half, half), "interpolation": "nearest"}
    wrapped = np.angle(np.exp(1j * np.asarray(phase, dtype=float)))
    row[0].set_facecolor(NO_DATA_COLOUR)
    drawn = row[0].imshow(wrapped, cmap="twilight", vmin=-np.pi, vmax=np.pi, **place)
    bar = figure.colorbar(drawn, ax=row[0], orientation="horizontal", label="rad")
    bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    row[0].set(title="phase", ylabel="north (km)")
    pixel = size_km / wrapped.shape[1]
    for axes, (name, values) in zip(row[1:], maps.items(), strict=True):
        drawn = axes.imshow(np.asarray(values, dtype=float), cmap="Blues", **place)
        figure.colorbar(drawn, ax=axes, orientation="horizontal", label="weight", ticks=MaxNLocator(3))
        axes.set_title(name)
        for top, left, bottom, right in (boxes or {}).get(name, ()):
            corner = (left * pixel - half, half - bottom * pixel)
            size = (right - left) * pixel, (bottom - top) * pixel
            axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor="#d55e00", linewidth=2))
    for axes in row:
        axes.set_xlabel("east (km)")
        if mask is not None and np.asarray(mask).any():
            outline(axes, mask, size_km)
    return list(row)


def moved_ground(
    axes: Axes, probability: ArrayLike, east_km: ArrayLike, north_km: ArrayLike, *, threshold: float, bar: bool = True
) -> Axes:
    """Map of the probability that ground moved, and the outline of where it reaches a threshold.

    Parameters
    ----------
    axes : to draw on.
    probability : (rows, columns), NaN is grey.
    east_km, north_km : (rows, columns), place of every pixel.
    threshold : of the outline.
    bar : whether to add the colour bar.
    """
    east, north, shown = (np.asarray(each, dtype=float) for each in (east_km, north_km, probability))
    axes.set_facecolor(NO_DATA_COLOUR)
    drawn = axes.pcolormesh(east, north, shown, cmap="viridis", vmin=0, vmax=1, shading="nearest", rasterized=True)
    if np.nanmax(shown, initial=0) >= threshold:
        area = np.nan_to_num(shown)
        axes.contour(east, north, area, levels=[threshold], colors="#d55e00", linewidths=1.6)
    axes.set(aspect="equal", xlabel="east (km)", ylabel="north (km)")
    if bar:
        colour_bar(axes, drawn, "probability that an earthquake moved it")
    return axes
