"""Figures of the published study: error by answer, R² by epoch, and one patch's epicentre on a map."""

from collections.abc import Mapping, Sequence
from typing import Any

import cartopy.crs as ccrs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from epi.plots.maps import map_axes

PROTOCOL_STYLE = {"as published": ("#d55e00", "s"), "honest": ("#0072b2", "o")}
"""Colour (Okabe and Ito) and marker of a protocol."""

LINES = ("solid", "dashed", "dotted", "dashdot")


def protocol_errors(scores: pd.DataFrame, *, unit: str, measure: str = "mae", log: bool = False) -> Axes:
    """Error of every answer by both protocols, one under the other, with 95 % intervals over earthquakes.

    Parameters
    ----------
    scores : columns ``answer`` (what to write beside it), ``protocol`` (a key of `PROTOCOL_STYLE`), ``trivial``
        (whether it costs nothing) and ``{measure}``, ``{measure}_low``, ``{measure}_high``.
    unit : of the measure.
    measure : column to draw.
    log : logarithmic axis.
    """
    answers = list(dict.fromkeys(scores.sort_values("trivial", kind="stable")["answer"]))
    _, axes = plt.subplots(figsize=(8.5, 0.5 * len(answers) + 1.5), layout="constrained")
    for number, (protocol, rows) in enumerate(scores.groupby("protocol", sort=False)):
        colour, marker = PROTOCOL_STYLE[str(protocol)]
        place = np.array([-answers.index(answer) for answer in rows["answer"]]) + 0.16 - 0.32 * number
        middle = rows[measure].to_numpy()
        reach = np.abs(rows[[f"{measure}_low", f"{measure}_high"]].to_numpy().T - middle)
        axes.errorbar(middle, place, xerr=reach, fmt=marker, color=colour, capsize=3, label=str(protocol))
    trivial = [answer for answer in answers if scores.loc[scores["answer"] == answer, "trivial"].all()]
    if trivial and len(trivial) < len(answers):
        axes.axhspan(-len(answers) + 0.5, -(len(answers) - len(trivial)) + 0.5, color="0.93", zorder=0)
    axes.set_yticks(-np.arange(len(answers)), answers)
    axes.set_ylim(-len(answers) + 0.5, 0.5)
    axes.set_xlabel(f"{measure.upper()} ({unit}), with 95 % interval over earthquakes")
    axes.set_xscale("log" if log else "linear")
    if log:
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(left=0)
    axes.grid(axis="x", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return axes


def r2_by_epoch(history: pd.DataFrame, *, lowest: float = -1.0) -> Axes:
    """R² of the watched patches against the number of passes over the training patches.

    Parameters
    ----------
    history : columns ``epoch``, ``r2``, ``model`` and ``protocol`` (a key of `PROTOCOL_STYLE`).
    lowest : the axis ends here; what lies below is drawn on its edge.
    """
    _, axes = plt.subplots(figsize=(8.5, 3.8), layout="constrained")
    axes.axhline(0, color="0.5", linewidth=0.9)
    axes.annotate("a constant", (0.01, 0), xycoords=("axes fraction", "data"), va="bottom", color="0.35", fontsize=9)
    models = list(dict.fromkeys(history["model"]))
    for (protocol, model), rows in history.groupby(["protocol", "model"], sort=False):
        colour, marker = PROTOCOL_STYLE[str(protocol)]
        style: dict[str, Any] = {
            "color": colour,
            "marker": marker,
            "linestyle": LINES[models.index(model) % len(LINES)],
        }
        axes.plot(rows["epoch"], rows["r2"].clip(lower=lowest), label=f"{model}, {protocol}", **style)
    axes.set(xlabel="passes over the training patches", ylabel="R² of the watched patches", ylim=(lowest - 0.05, 1.05))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(axis="y", linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return axes


def patch_epicentre(
    corners: ArrayLike, true: Sequence[float], predicted: Mapping[str, Sequence[float]], *, margin: float = 0.25
) -> GeoAxes:
    """One patch on a map, the true epicentre of its earthquake and what was predicted.

    Parameters
    ----------
    corners : (4, 2) latitude and longitude (degrees) of the patch, going round.
    true : latitude and longitude of the epicentre, degrees.
    predicted : the same, by the name of the answer.
    margin : blank border as a share of the map.
    """
    outline = np.asarray(corners, dtype=float)
    centre = float(outline[0, 1])
    places = np.array([*outline, true, *predicted.values()], dtype=float)
    away = (places[:, 1] - centre + 180) % 360 - 180
    low, high = np.array([away.min(), places[:, 0].min()]), np.array([away.max(), places[:, 0].max()])
    border = margin * max(*(high - low), 1.0)
    (west, south), (east, north) = low - border, high + border
    axes = map_axes(extent=(west, east, max(south, -90), min(north, 90)), centre=centre)
    local = ccrs.PlateCarree(central_longitude=centre)
    ring = np.r_[np.arange(len(outline)), 0]
    axes.plot(away[ring], outline[ring, 0], color="#009e73", linewidth=2.2, transform=local, label="the patch")
    star: dict[str, Any] = {"color": "black", "markeredgecolor": "white", "markersize": 12, "markeredgewidth": 0.7}
    axes.plot(away[4], places[4, 0], "*", transform=local, label="true epicentre", ls="none", zorder=6, **star)
    styles = zip(predicted, ("X", "P", "D", "v"), ("#d55e00", "#0072b2", "#cc79a7", "#e69f00"), strict=False)
    for number, (name, marker, colour) in enumerate(styles):
        at = (away[5 + number], places[5 + number, 0])
        style: dict[str, Any] = {"color": colour, "markeredgecolor": "black", "markersize": 14, "linestyle": "none"}
        axes.plot(*at, marker, transform=local, label=name, **style)
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, frameon=False, fontsize=9)
    return axes
