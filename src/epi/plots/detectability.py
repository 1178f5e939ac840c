"""What the radar would see: a world map of chances, curves, and the curve held against what happened."""

import cartopy.crs as ccrs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cartopy.geodesic import Geodesic
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm
from numpy.typing import NDArray

from epi.plots.maps import map_axes

_STEPS = (0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)
"""Edges of the colours of the map."""


def probability_map(events: pd.DataFrame) -> GeoAxes:
    """World map of a catalogue, coloured by the probability that the radar sees each earthquake.

    Parameters
    ----------
    events : columns latitude, longitude (degrees), magnitude and probability (0 to 1); rows without a probability are
        drawn as small crosses.
    """
    axes = map_axes()
    place = ccrs.PlateCarree()
    unknown = events[events["probability"].isna()]
    axes.scatter(
        unknown["longitude"], unknown["latitude"], s=24, marker="x", c="#d55e00", lw=1, transform=place, zorder=4
    )
    known = events.dropna(subset=["probability"]).sort_values("probability")
    drawn = axes.scatter(
        known["longitude"],
        known["latitude"],
        s=12 * 2.2 ** (known["magnitude"] - 5),
        c=known["probability"],
        cmap="cividis",
        norm=BoundaryNorm(_STEPS, 256),
        edgecolors="black",
        linewidths=0.5,
        transform=place,
        zorder=3,
    )
    bar = axes.figure.colorbar(drawn, ax=axes, orientation="horizontal", fraction=0.045, pad=0.04, aspect=45)
    bar.set_label("probability that an interferogram shows it (size: magnitude; ×: not known)")
    return axes


def case_map(events: pd.DataFrame, *, latitude: float, longitude: float, radius_km: float) -> GeoAxes:
    """Regional map of a case: its earthquakes, numbered in order of time, and the ground that can have moved.

    Parameters
    ----------
    events : columns event_id, time, latitude, longitude (degrees) and magnitude; no edge at the antimeridian within.
    latitude, longitude : of the epicentre, degrees.
    radius_km : of the circle around it.
    """
    local = ccrs.PlateCarree(central_longitude=longitude)
    circle = np.array(Geodesic().circle(longitude, latitude, radius_km * 1000, n_samples=90))
    circle = np.vstack([circle, circle[:1]])
    ordered = events.sort_values("time")
    x, y = (ordered["longitude"].to_numpy(float) - longitude + 180) % 360 - 180, ordered["latitude"].to_numpy(float)
    round_x, round_y = (circle[:, 0] - longitude + 180) % 360 - 180, circle[:, 1]
    wide = 1.2 * max(np.abs(x).max(), np.abs(round_x).max())
    high = 1.2 * max(np.abs(y - latitude).max(), np.abs(round_y - latitude).max())
    axes = map_axes(extent=(-wide, wide, latitude - high, latitude + high), centre=longitude)
    axes.set_aspect(1 / np.cos(np.deg2rad(latitude)))  # the circle is round, the bar right in every direction
    name = f"within {radius_km:.0f} km: all ground that can have moved"
    axes.plot(round_x, round_y, color="0.2", linestyle=":", transform=local, label=name)
    _scale_bar(axes, width_km=2 * wide * radius_km / np.abs(round_x).max())
    size = ordered["magnitude"].to_numpy(float)
    axes.scatter(x, y, s=14 * 3.0 ** (size - 3), c="#e69f00", ec="black", transform=local, zorder=3)
    when = ordered["time"].dt.strftime("%H:%M")
    for number, (time, magnitude, place) in enumerate(zip(when, size, zip(x, y, strict=True), strict=True), 1):
        axes.annotate(str(number), place, ha="center", va="center", fontsize=8, zorder=4)
        axes.plot([], [], ls="", label=f"{number}: {time} UTC, magnitude {magnitude:g}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False, fontsize=9, handlelength=0.8)
    return axes


def _scale_bar(axes: GeoAxes, *, width_km: float) -> None:
    """Draw a bar of a round length, about a quarter of the map's width, into its lower left corner."""
    step = 10.0 ** np.floor(np.log10(width_km / 4))
    length = float(max(step * each for each in (1, 2, 5) if step * each <= width_km / 4))
    share = length / width_km
    bar = {"transform": axes.transAxes, "color": "black", "zorder": 5}
    axes.plot([0.05, 0.05 + share], [0.05, 0.05], linewidth=3, solid_capstyle="butt", **bar)
    axes.text(0.05 + share / 2, 0.065, f"{length:g} km", ha="center", va="bottom", fontsize=9, **bar)


def detection_curves(magnitudes: NDArray[np.float64], chances: dict[str, NDArray[np.float64]]) -> Axes:
    """Probability against magnitude, a line a case.

    Parameters
    ----------
    magnitudes : moment magnitudes.
    chances : probabilities at them by what the line is called, in order.
    """
    _, axes = plt.subplots(figsize=(7.5, 4.2), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(chances)))
    styles = ("-", "--", "-.", ":")
    for number, (name, chance) in enumerate(chances.items()):
        axes.plot(magnitudes, chance, styles[number % 4], color=colours[number], lw=2, label=name)
    axes.axhline(0.5, color="0.7", linewidth=0.8)
    axes.set(xlabel="moment magnitude", ylabel="probability", ylim=(-0.02, 1.02))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return axes


def predicted_and_seen(
    predicted: NDArray[np.float64], happened: NDArray[np.bool_], *, edges: NDArray[np.float64]
) -> Axes:
    """How often something happened against the probability that was predicted, in bins, with 95 % intervals.

    Parameters
    ----------
    predicted : probabilities.
    happened : whether it did.
    edges : of the bins, from 0 to 1.

    References
    ----------
    Wilson (1927), J. Am. Stat. Assoc. 22(158), for the intervals.
    """
    _, axes = plt.subplots(figsize=(5.6, 5.2), layout="constrained")
    axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", label="as predicted")
    bins = np.clip(np.digitize(predicted, edges) - 1, 0, len(edges) - 2)
    for number in np.unique(bins):
        inside = bins == number
        count, rate = int(inside.sum()), float(happened[inside].mean())
        low, high = _wilson(rate, count)
        at = float(predicted[inside].mean())
        axes.plot([at, at], [low, high], color="#0072b2", linewidth=1.5)
        axes.plot(at, rate, "o", color="#0072b2", label="simulated" if number == bins.min() else None)
        axes.annotate(str(count), (at, rate), (7, -3), textcoords="offset points", fontsize=8)
    axes.set(xlabel="predicted probability", ylabel="share that stood out", xlim=(-0.03, 1.05), ylim=(-0.03, 1.05))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    return axes


def _wilson(rate: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """95 % interval of a share of so many."""
    middle = (rate + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(rate * (1 - rate) / count + z**2 / (4 * count**2))
    return middle - half, middle + half
