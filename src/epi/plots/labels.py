"""Figures of places and labels: what a table says of its patches beside what is so."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Polygon
from numpy.typing import ArrayLike

MARKERS = (
    ("^", "#d55e00"),
    ("s", "#0072b2"),
    ("D", "#cc79a7"),
    ("v", "#e69f00"),
    ("P", "#56b4e9"),
    ("X", "#000000"),
)
"""Marker and colour of each kind of fault, in the order given."""

SOUND = ("o", "#009e73")


def label_distances(
    true_km: ArrayLike, label_km: ArrayLike, kind: ArrayLike, *, sound: str = "sound", axes: Axes | None = None
) -> Axes:
    """Labelled distance against the true one, both logarithmic, each kind of fault in its own marker.

    Parameters
    ----------
    true_km, label_km : of every patch; what is not above zero is left out.
    kind : of every patch, the name of its fault or ``sound``; drawn in the order in which the kinds first appear.
    sound : name of the kind that is none.
    axes : to draw on; new ones by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(7, 5), layout="constrained")
    true, label, kinds = np.asarray(true_km, float), np.asarray(label_km, float), pd.Series(np.asarray(kind))
    drawn = (true > 0) & (label > 0)
    faults = [name for name in kinds[drawn].unique() if name != sound]
    style = dict(zip(faults, MARKERS, strict=False)) | {sound: SOUND}
    for name in [*faults, *([sound] if (kinds[drawn] == sound).any() else [])]:
        (marker, colour), chosen = style[name], drawn & (kinds == name).to_numpy()
        axes.plot(
            true[chosen], label[chosen], marker, color=colour, markersize=4, markeredgewidth=0, alpha=0.6, label=name
        )
    ends = np.array([min(true[drawn].min(), label[drawn].min()), max(true[drawn].max(), label[drawn].max())])
    axes.plot(ends, ends, color="0.3", linewidth=1, label="label = distance")
    axes.set(
        xscale="log", yscale="log", xlabel="geodesic from patch to epicentre (km)", ylabel="distance in the label (km)"
    )
    axes.legend(fontsize=9, markerscale=1.8)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def offset_order(offset: ArrayLike, place_km: ArrayLike, *, text_km: ArrayLike, axes: Axes | None = None) -> Axes:
    """Where the patches of one row lie, by their offset: as numbers sort, and as text sorts.

    Parameters
    ----------
    offset : first pixel of each patch, ascending.
    place_km : true distance of each from the first.
    text_km : the distance a table gives whose offsets were sorted as text.
    axes : to draw on; new ones by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    (marker, colour), (sound, green) = MARKERS[0], SOUND
    axes.plot(offset, place_km, sound + "-", color=green, markersize=5, linewidth=1, label="sorted as numbers")
    axes.plot(offset, text_km, marker + "--", color=colour, markersize=6, linewidth=1, label="sorted as text")
    axes.set(xlabel="offset of the patch (pixels)", ylabel="place along the row (km)")
    axes.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def patch_shapes(shapes_km: Mapping[str, ArrayLike], *, chosen: int = 0, axes: Axes | None = None) -> Axes:
    """Outlines of patches on the ground, kind by kind, one of each filled.

    Parameters
    ----------
    shapes_km : by the name of the kind, (patches, corners, 2): east and north of the corners, in turn.
    chosen : number of the patch to fill of the last kind; of the others the one nearest to it.
    axes : to draw on; new ones by default.
    """
    if axes is None:
        _, axes = plt.subplots(figsize=(6, 7), layout="constrained")
    kinds = {name: np.asarray(shapes, dtype=float) for name, shapes in shapes_km.items()}
    aim = list(kinds.values())[-1][chosen].mean(axis=0)
    colours = (MARKERS[0][1], MARKERS[1][1], SOUND[1])
    for (name, shapes), colour in zip(kinds.items(), colours, strict=False):
        filled = int(np.argmin(np.hypot(*(shapes.mean(axis=1) - aim).T)))
        for n, shape in enumerate(shapes):
            axes.add_patch(Polygon(shape, fill=False, edgecolor=colour, linewidth=1.2, label="" if n else name))
        axes.add_patch(Polygon(shapes[filled], facecolor=colour, alpha=0.35))
    axes.autoscale_view()
    axes.set(aspect="equal", xlabel="east (km)", ylabel="north (km)")
    axes.legend(fontsize=9, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    return axes
