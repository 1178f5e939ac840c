"""Figures of magnitudes from backscatter: what was seen, what changed, what order costs, and what was said of whom."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Patch
from numpy.typing import ArrayLike
from scipy.stats import gamma

from epi.plots.detection import STYLES
from epi.plots.scenes import NO_DATA_COLOUR

CHANGE_COLOUR = {"slid": "#0072b2", "collapsed": "#d55e00", "torn": "#cc79a7"}
"""What an earthquake did to the ground (Okabe and Ito)."""


def backscatter_panels(
    images: Mapping[str, ArrayLike],
    changes: Mapping[str, ArrayLike],
    size_km: float,
    *,
    limits_db: tuple[float, float] = (-22.0, -2.0),
    change_db: float = 6.0,
) -> list[Axes]:
    """Images of one place in decibels, and below them what changed from one to another.

    Parameters
    ----------
    images : (rows, columns) dB by title, row 0 in the north; NaN is grey.
    changes : the same of differences, the second image less the first.
    size_km : side of the place.
    limits_db : of the grey scale.
    change_db : of the strongest colours.
    """
    columns = max(len(images), len(changes))
    figure, grid = plt.subplots(
        2, columns, figsize=(3.5 * columns, 6.6), layout="constrained", sharex=True, sharey=True, squeeze=False
    )
    half = size_km / 2
    place: dict[str, Any] = {"extent": (-half, half, -half, half), "interpolation": "nearest"}
    looks: tuple[dict[str, Any], ...] = (
        {"cmap": "gray", "vmin": limits_db[0], "vmax": limits_db[1]},
        {"cmap": "PuOr", "vmin": -change_db, "vmax": change_db},
    )
    names = ("backscatter (dB)", "change (dB)")
    for row, panels, look, name in zip(grid, (images, changes), looks, names, strict=True):
        for axes, (title, values) in zip(row, panels.items(), strict=False):
            axes.set_facecolor(NO_DATA_COLOUR)
            drawn = axes.imshow(np.asarray(values, dtype=float), **look, **place)
            axes.set_title(title, fontsize=10)
        for axes in row[len(panels) :]:
            axes.axis("off")
        figure.colorbar(drawn, ax=list(row), label=name, shrink=0.8, extend="both")
    for axes in grid[-1]:
        axes.set_xlabel("east (km)")
    for axes in grid[:, 0]:
        axes.set_ylabel("north (km)")
    return list(grid.flat)


def changed_ground(axes: Axes, shares: Mapping[str, ArrayLike], size_km: float, *, least: float = 0.5) -> Axes:
    """Map of what an earthquake did: ground that slid, buildings that collapsed, ground torn along the fault.

    Parameters
    ----------
    axes : to draw on.
    shares : (rows, columns) of each pixel, by a key of `CHANGE_COLOUR`; later ones lie on top.
    size_km : side of the place.
    least : share from which a pixel is coloured.
    """
    half = size_km / 2
    handles = []
    for name, share in shares.items():
        there = np.asarray(share, dtype=float) >= least
        colour = to_rgba(CHANGE_COLOUR[name])
        axes.imshow(there[..., None] * np.array(colour), extent=(-half, half, -half, half), interpolation="nearest")
        handles.append(Patch(color=colour, label=f"{name} ({there.mean():.1%})"))
    axes.legend(handles=handles, loc="lower left", fontsize=8, framealpha=0.9)
    axes.set(xlabel="east (km)", aspect="equal")
    return axes


def speckle_histogram(power: ArrayLike, looks: float) -> list[Axes]:
    """Backscatter of uniform ground beside the gamma distribution: as a factor of its mean, and in decibels.

    Parameters
    ----------
    power : linear, positive, any shape.
    looks : equivalent number of looks of the distribution that is drawn.
    """
    factor = np.asarray(power, dtype=float).ravel()
    factor = factor / factor.mean()
    decibels = 10 * np.log10(factor)
    density = gamma(looks, scale=1 / looks)
    _, row = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    style: dict[str, Any] = {"bins": 60, "density": True, "color": "#56b4e9"}
    row[0].hist(factor, label=f"{factor.size:,} pixels", **style)
    row[1].hist(decibels, **style)
    line = np.linspace(0, factor.max(), 300)
    row[0].plot(line, density.pdf(line), color="black", linewidth=1.4, label=f"gamma, {looks:g} looks")
    line = np.linspace(decibels.min(), decibels.max(), 300)
    linear = 10 ** (line / 10)
    row[1].plot(line, density.pdf(linear) * linear * np.log(10) / 10, color="black", linewidth=1.4)
    row[0].set(xlabel="backscatter over its mean (1)", ylabel="density (1)", xlim=(0, None))
    row[1].set(xlabel="backscatter over its mean (dB)", ylabel="density (1/dB)")
    row[0].legend(frameon=False)
    for axes in row:
        axes.spines[["top", "right"]].set_visible(False)
    return list(row)


def order_losses(difference: ArrayLike, losses: Mapping[str, ArrayLike], *, margin: float) -> Axes:
    """What the order of two earthquakes costs, by how much larger the truly larger one is said to be.

    Parameters
    ----------
    difference : magnitude said of the larger less that of the smaller.
    losses : of the same length, by name.
    margin : marked.
    """
    _, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for (name, values), (colour, line) in zip(losses.items(), STYLES, strict=False):
        axes.plot(difference, np.asarray(values, dtype=float), color=colour, linestyle=line, label=name)
    axes.axvspan(0, margin, color="0.85", zorder=0, label="margin")
    axes.axvline(0, color="0.6", linewidth=0.8)
    axes.set(xlabel="said of the larger, less said of the smaller (magnitudes)", ylabel="ranking loss (magnitudes)")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def changed_by_magnitude(table: pd.DataFrame, *, least: float = 1e-5) -> Axes:
    """How much ground an earthquake changed, by its magnitude; each point is a patch.

    Parameters
    ----------
    table : ``magnitude``, and shares ``slid``, ``collapsed`` and ``torn`` of the patch's ground.
    least : share at which those that are smaller are drawn.
    """
    _, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for (name, colour), marker in zip(CHANGE_COLOUR.items(), "os^", strict=True):
        share = np.maximum(table[name].to_numpy(dtype=float), least)
        axes.plot(table["magnitude"], share, marker, color=colour, markersize=4.5, alpha=0.6, label=name, mec="none")
    axes.axhline(least, color="0.7", linewidth=0.8)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
    axes.set(xlabel="magnitude", ylabel=f"share of the patch\n(those below {100 * least:g} % on the line)")
    axes.legend(frameon=False, loc="upper left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def said_by_magnitude(true: ArrayLike, said: Mapping[str, ArrayLike], *, edges: ArrayLike) -> Axes:
    """What was said of pairs without an earthquake and of earthquakes by their magnitude: median and middle 80 %.

    Parameters
    ----------
    true : (n,) magnitudes, 0 without an earthquake.
    said : (n,) by method.
    edges : of the classes of magnitude, rising.
    """
    real, bounds = np.asarray(true, dtype=float), np.asarray(edges, dtype=float)
    classes = [("none", real == 0)]
    pairs = list(pairwise(bounds.tolist()))
    classes += [(f"{low:g} to {high:g}", (real > 0) & (real >= low) & (real < high)) for low, high in pairs]
    classes = [(name, own) for name, own in classes if own.any()]
    _, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for place, (_, own) in enumerate(classes):
        middle = float(np.median(real[own]))
        label = "the truth" if place == 0 else ""
        axes.plot([place - 0.35, place + 0.35], [middle, middle], color="0.35", linewidth=2.5, label=label)
    for number, ((method, values), (colour, _)) in enumerate(zip(said.items(), STYLES, strict=False)):
        shift = 0.16 * (number - (len(said) - 1) / 2)
        low, middle, high = np.transpose([np.quantile(np.asarray(values)[own], [0.1, 0.5, 0.9]) for _, own in classes])
        axes.errorbar(np.arange(len(classes)) + shift, middle, yerr=[middle - low, high - middle], fmt="osD^v"[number],
                      color=colour, capsize=3, label=method)  # fmt: skip
    axes.set_xticks(range(len(classes)), [f"{name}\n({int(own.sum())})" for name, own in classes])
    axes.set(xlabel="true magnitude (pairs)", ylabel="magnitude said: median, 8 of 10")
    axes.grid(axis="y", linewidth=0.4)
    axes.legend(frameon=False, fontsize=9, ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
