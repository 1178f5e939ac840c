"""Figures of landslides: the stack, sizes, what is done to training patches, and what was found and missed."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from epi.plots.detection import STYLES
from epi.plots.scenes import NO_DATA_COLOUR, colour_bar

Looks = Mapping[str, dict[str, Any]]
BAND_LOOKS: Looks = {
    "phase": {"cmap": "twilight", "vmin": -np.pi, "vmax": np.pi},
    "coherence": {"cmap": "viridis", "vmin": 0, "vmax": 1},
    "intensity": {"cmap": "gray"},
    "elevation": {"cmap": "cividis"},
    "los_displacement": {"cmap": "RdBu_r"},
    "unwrapped_phase": {"cmap": "PuOr"},
    "local_incidence_angle": {"cmap": "gray"},
}
"""Colour maps of the bands: those of two colours lie about 0, others reach from the 2nd to the 98th percentile."""

DIFFERENCE_COLOURS: dict[str, dict[str, str]] = {
    "as published": {"found": "#008000", "false alarm": "#ff0000", "missed": "#ffa500"},
    "for every eye": {"found": "#0072b2", "false alarm": "#e69f00", "missed": "#000000"},
}
"""True positives, false positives and false negatives: in the colours of Benotto (2026), of which red, green and orange
look alike to one man in twelve; and in blue, orange and black (Okabe and Ito), which differ in lightness too."""
LAND_COLOUR = "0.93"
PART_COLOURS = {"train": "#0072b2", "validation": "#e69f00", "test": "#000000"}


def stack_panels(
    bands: Mapping[str, ArrayLike],
    units: Mapping[str, str],
    masks: Mapping[str, ArrayLike],
    pixel_m: float,
    *,
    valid: ArrayLike,
    columns: int = 3,
) -> list[Axes]:
    """The bands of a stack and its masks, each with its unit and scale.

    Parameters
    ----------
    bands : (rows, columns) by a key of `BAND_LOOKS`, row 0 in the north.
    units : of each.
    masks : (rows, columns) bool by title: black where true.
    pixel_m : side of a pixel.
    valid : (rows, columns) bool: elsewhere, bands are hatched.
    columns : panels beside each other.
    """
    there = np.asarray(valid, dtype=bool)
    count = len(bands) + len(masks)
    rows = -(-count // columns)
    _, grid = plt.subplots(
        rows, columns, figsize=(4.1 * columns, 3.35 * rows), layout="constrained", sharex=True, sharey=True
    )
    extent = _extent(there.shape, pixel_m)
    for axes, (name, values) in zip(grid.flat, bands.items(), strict=False):
        shown = np.where(there, np.asarray(values, dtype=float), np.nan)
        _hatch(axes)
        drawn = axes.imshow(shown, extent=extent, interpolation="nearest", **_limits(BAND_LOOKS[name], shown))
        axes.set_title(name.replace("_", " "), fontsize=10)
        bar = colour_bar(axes, drawn, f"({units[name]})")
        if name == "phase":
            bar.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    for axes, (name, mask) in zip(grid.flat[len(bands) :], masks.items(), strict=False):
        axes.imshow(np.asarray(mask, dtype=bool), extent=extent, interpolation="nearest", cmap="gray_r", vmin=0, vmax=1)
        axes.set_title(name, fontsize=10)
    for axes in grid.flat[count:]:
        axes.axis("off")
    for axes in grid[-1]:
        axes.set_xlabel("east (km)")
    for axes in grid[:, 0]:
        axes.set_ylabel("north (km)")
    return list(grid.flat[:count])


def mask_panels(masks: Mapping[str, ArrayLike], pixel_m: float, *, label: str = "target (1)") -> list[Axes]:
    """Labels side by side, from 0 (white) to 1 (black), on one scale; NaN is hatched.

    Parameters
    ----------
    masks : (rows, columns) by title, row 0 in the north.
    pixel_m : side of a pixel.
    label : of the colour bar.
    """
    figure, row = plt.subplots(
        1, len(masks), figsize=(3.6 * len(masks) + 0.8, 3.5), layout="constrained", sharey=True, squeeze=False
    )
    for axes, (title, values) in zip(row[0], masks.items(), strict=True):
        shown = np.asarray(values, dtype=float)
        _hatch(axes)
        drawn = axes.imshow(
            shown, extent=_extent(shown.shape, pixel_m), interpolation="nearest", cmap="gray_r", vmin=0, vmax=1
        )
        axes.set_title(title, fontsize=10)
        axes.set_xlabel("east (km)")
    row[0, 0].set_ylabel("north (km)")
    figure.colorbar(drawn, ax=list(row[0]), label=label, shrink=0.8)
    return list(row[0])


def size_distribution(
    sizes_px: Mapping[str, ArrayLike], *, lines: Mapping[str, tuple[ArrayLike, ArrayLike]] | None = None
) -> Axes:
    """Share of the landslides that are as large as this or larger, both axes logarithmic.

    Parameters
    ----------
    sizes_px : pixels of each landslide, by name.
    lines : pixels and shares of distributions to draw beside them, by name.
    """
    _, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for (name, values), (colour, _) in zip(sizes_px.items(), STYLES, strict=False):
        size = np.sort(np.asarray(values, dtype=float))
        share = 1 - np.arange(size.size) / size.size
        axes.step(size, share, where="pre", color=colour, label=f"{name} ({size.size:,})")
    for name, (at, expected) in (lines or {}).items():
        axes.plot(at, expected, color="0.35", linestyle="--", linewidth=1.3, label=name)
    axes.set(xscale="log", yscale="log", xlabel="size of a landslide (pixels)", ylabel="share as large or larger")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False)
    axes.grid(linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def positive_patches(pixels: ArrayLike, marks: Mapping[str, float], *, side: int) -> Axes:
    """How many landslide pixels patches hold that hold any, in classes of a logarithm.

    Parameters
    ----------
    pixels : (patches,) landslide pixels; those of 0 are counted in the label and not drawn.
    marks : numbers of pixels to mark, by name.
    side : of a patch, pixels: a second axis says the share of it.
    """
    count = np.asarray(pixels, dtype=float)
    held = count[count > 0]
    _, axes = plt.subplots(figsize=(8, 3.8), layout="constrained")
    edges = np.geomspace(1, max(side**2, 2), 29)
    label = f"{held.size} of {count.size} patches hold any"
    axes.hist(held, bins=edges.tolist(), color="#56b4e9", edgecolor="white", label=label)
    for (name, value), (colour, line) in zip(marks.items(), STYLES, strict=False):
        axes.axvline(value, color=colour, linestyle=line, linewidth=1.6, label=f"{name}: {value:.0f}")
    axes.set(xscale="log", xlabel="landslide pixels of a patch", ylabel="patches", xlim=(1, side**2))
    axes.xaxis.set_major_formatter("{x:g}")
    whole = side**2 / 100
    above = axes.secondary_xaxis("top", functions=(lambda x: np.divide(x, whole), lambda x: np.multiply(x, whole)))
    above.set_xlabel("share of the patch (%)")
    above.xaxis.set_major_formatter("{x:g}")
    axes.legend(frameon=False, fontsize=9)
    axes.spines[["right"]].set_visible(False)
    return axes


def split_bars(parts: Mapping[str, pd.DataFrame]) -> list[Axes]:
    """Which patches of each event train, validate and test, one division beside the other.

    Parameters
    ----------
    parts : by title, a frame with a row an event and a column a part (keys of `PART_COLOURS`): numbers of patches.
    """
    events = max(len(each) for each in parts.values())
    _, row = plt.subplots(
        1,
        len(parts),
        figsize=(4.6 * len(parts), 0.2 * events + 1.6),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    for axes, (title, table) in zip(row[0], parts.items(), strict=True):
        left = np.zeros(len(table))
        for name, colour in PART_COLOURS.items():
            axes.barh(table.index, table[name], left=left, color=colour, label=name, height=0.8)
            left = left + table[name].to_numpy(dtype=float)
        axes.set(title=title, xlabel="patches")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
    row[0, 0].invert_yaxis()
    row[0, 0].set_ylabel("event")
    row[0, -1].legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return list(row[0])


def by_size(table: pd.DataFrame, *, measures: Mapping[str, str], sizes: Sequence[str]) -> list[Axes]:
    """Measures by class of size and method, with 95 % intervals where the table has them.

    Parameters
    ----------
    table : a row a method, its name in the index; columns ``{measure}_{size}``, with ``_low`` and ``_high``.
    measures : what to write on the axis, by measure.
    sizes : classes, small first.
    """
    _, row = plt.subplots(1, len(measures), figsize=(5.4 * len(measures), 3.8), layout="constrained", squeeze=False)
    for axes, (measure, label) in zip(row[0], measures.items(), strict=True):
        for number, ((name, line), (colour, _)) in enumerate(zip(table.iterrows(), STYLES, strict=False)):
            shift = 0.16 * (number - (len(table) - 1) / 2)
            middle = np.array([line[f"{measure}_{size}"] for size in sizes], dtype=float)
            ends = [[line.get(f"{measure}_{size}_{end}", np.nan) for size in sizes] for end in ("low", "high")]
            low, high = np.array(ends, dtype=float)
            reach = np.nan_to_num([np.maximum(middle - low, 0), np.maximum(high - middle, 0)])
            axes.errorbar(np.arange(len(sizes)) + shift, middle, yerr=reach, fmt="osD^v"[number], color=colour,
                          capsize=3, label=str(name))  # fmt: skip
        axes.set_xticks(range(len(sizes)), sizes)
        axes.set(xlabel="size of the landslide", ylabel=label, ylim=(-0.03, 1.03))
        axes.grid(axis="y", linewidth=0.4)
        axes.spines[["top", "right"]].set_visible(False)
    row[0, 0].legend(frameon=False, fontsize=9, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=3)
    return list(row[0])


def difference_map(
    axes: Axes, said: ArrayLike, true: ArrayLike, valid: ArrayLike, pixel_m: float, *, colours: str = "for every eye"
) -> Axes:
    """What was found, what is a false alarm and what was missed, pixel by pixel; ground without data is grey.

    Parameters
    ----------
    axes : to draw on.
    said, true, valid : (rows, columns) bool, row 0 in the north.
    pixel_m : side of a pixel.
    colours : of `DIFFERENCE_COLOURS`.
    """
    marked, slid, there = (np.asarray(each, dtype=bool) for each in (said, true, valid))
    kinds = {"found": marked & slid, "false alarm": marked & ~slid, "missed": slid & ~marked}
    number = np.zeros(there.shape, dtype=int)
    palette = [to_rgba(LAND_COLOUR)]
    handles = []
    for place, (name, own) in enumerate(kinds.items(), start=1):
        colour = DIFFERENCE_COLOURS[colours][name]
        number[own & there] = place
        palette.append(to_rgba(colour))
        handles.append(Patch(color=colour, label=name))
    palette.append(to_rgba(NO_DATA_COLOUR))
    number[~there] = len(kinds) + 1
    extent = _extent(there.shape, pixel_m)
    last = len(palette) - 1
    axes.imshow(number, extent=extent, interpolation="nearest", cmap=ListedColormap(palette), vmin=0, vmax=last)
    axes.legend(handles=handles, fontsize=8, loc="lower left", framealpha=0.9)
    axes.set(xlabel="east (km)", ylabel="north (km)")
    return axes


def _hatch(axes: Axes) -> None:
    """Show through where there is nothing: grey would pass for a value of grey maps."""
    axes.patch.set(facecolor="white", edgecolor="0.7", hatch="////")


def _extent(shape: tuple[int, ...], pixel_m: float) -> tuple[float, float, float, float]:
    """Edges in kilometres from the south-west corner."""
    rows, columns = shape
    return (0.0, columns * pixel_m / 1000, 0.0, rows * pixel_m / 1000)


def _limits(look: dict[str, Any], values: np.ndarray) -> dict[str, Any]:
    """A colour map with its limits: given, or of the values."""
    if "vmin" in look or not np.isfinite(values).any():
        return look
    low, high = np.nanquantile(values, [0.02, 0.98])
    if look["cmap"] in ("RdBu_r", "PuOr"):
        high = max(abs(low), abs(high), 1e-6)
        low = -high
    return look | {"vmin": low, "vmax": high}
