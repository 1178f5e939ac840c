"""Chains of operators as boxes and arrows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch

_OURS, _THEIRS = "#d6e9f5", "#fbe5d0"
_TEXT = 8.5  # points: legible on a page 700 pixels wide


def chain(rows: Sequence[tuple[str, str, str]], *, heads: tuple[str, str, str]) -> Axes:
    """The steps of a chain from top to bottom, each with its name in two programs.

    Parameters
    ----------
    rows : what is done, and the name of that step in the one and in the other program; empty where it has none.
    heads : titles of the three columns.
    """
    _, axes = plt.subplots(figsize=(8.5, 0.47 * len(rows) + 0.5), layout="constrained")
    colours, edges, widths = ("#ffffff", _OURS, _THEIRS), (0.0, 4.2, 7.9), (4.0, 3.5, 4.1)
    for left, width, head in zip(edges, widths, heads, strict=True):
        axes.text(left + width / 2, 0.65, head, ha="center", weight="bold")
    for number, row in enumerate(rows):
        for left, width, colour, text in zip(edges, widths, colours, row, strict=True):
            if text:
                _box(axes, (left + width / 2, -number), (width, 0.56), text, colour)
    for column, (left, width) in enumerate(zip(edges, widths, strict=True)):
        there = [number for number, row in enumerate(rows) if row[column]]
        for start, stop in pairwise(there):
            _arrow(axes, (left + width / 2, -start - 0.32), (left + width / 2, -stop + 0.32))
    axes.set(xlim=(-0.2, 12.2), ylim=(-len(rows) + 0.5, 1.1))
    axes.set_axis_off()
    return axes


def graph(boxes: Mapping[str, str], arrows: Sequence[tuple[str, str]]) -> Axes:
    """Stages and what each takes from others: every box lies below all that it needs.

    Parameters
    ----------
    boxes : text by name, in the order of work.
    arrows : names of a box and of one that takes what it makes.
    """
    row: dict[str, int] = {}
    for name in boxes:
        row[name] = 1 + max((row[start] for start, stop in arrows if stop == name), default=-1)
    lines = [[name for name in boxes if row[name] == number] for number in range(1 + max(row.values()))]
    _, axes = plt.subplots(figsize=(8.5, 0.72 * len(lines)), layout="constrained")
    place = {
        name: (12 * (number + 0.5) / len(line), -float(row[name])) for line in lines for number, name in enumerate(line)
    }
    width = {name: min(7.0, 11.4 / len(line)) for line in lines for name in line}
    for name, text in boxes.items():
        _box(axes, place[name], (width[name], 0.6), text, _THEIRS)
    for start, stop in arrows:
        (x, y), (x_end, y_end) = place[start], place[stop]
        if y - y_end == 1:
            _arrow(axes, (x, y - 0.34), (x_end, y_end + 0.34))
        else:  # past the boxes between
            right, right_end = x + width[start] / 2 + 0.1, x_end + width[stop] / 2 + 0.1
            _arrow(axes, (right, y), (right_end, y_end), bend=-0.35)
    axes.set(xlim=(-0.2, 12.2), ylim=(-len(lines) + 0.5, 0.5))
    axes.set_axis_off()
    return axes


def _box(axes: Axes, middle: tuple[float, float], size: tuple[float, float], text: str, colour: str) -> None:
    """A box with a text in it."""
    corner = (middle[0] - size[0] / 2, middle[1] - size[1] / 2)
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0.04", fc=colour, ec="0.3"))
    axes.text(*middle, text, ha="center", va="center", fontsize=_TEXT)


def _arrow(axes: Axes, start: tuple[float, float], stop: tuple[float, float], *, bend: float = 0.0) -> None:
    """An arrow from one place to another, straight or bent."""
    style = {"arrowstyle": "->", "color": "0.3", "connectionstyle": f"arc3,rad={bend}"}
    axes.annotate("", stop, start, arrowprops=style)
