"""Maps of one scene in kilometres: phase, displacement, coherence, and the source found in it."""

from collections.abc import Mapping
from typing import Any, Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.ticker import MultipleLocator
from numpy.typing import ArrayLike, NDArray

NO_DATA_COLOUR = "0.55"
"""Grey of pixels without data: a colour of none of the maps."""


def wrapped_phase(
    phase: ArrayLike,
    east_km: ArrayLike,
    north_km: ArrayLike,
    *,
    wavelength: float,
    axes: Axes | None = None,
    title: str = "",
    epicentre: tuple[float, float] | None = None,
    bar: bool = True,
) -> Axes:
    """Map of wrapped phase in a cyclic colour map.

    Parameters
    ----------
    phase : radians within ±π, a grid or points; NaN is grey (points: left out).
    east_km, north_km : place of every sample, same shape.
    wavelength : metres, for what one fringe means.
    axes : to draw on; new ones by default.
    title : of the panel.
    epicentre : east and north (km) of a star.
    bar : whether to add the colour bar.
    """
    axes = _km_axes(axes, title, epicentre)
    drawn = _field(axes, phase, east_km, north_km, cmap="twilight", limits=(-np.pi, np.pi))
    if bar:
        colours = colour_bar(axes, drawn, f"phase (rad)\none fringe is {wavelength * 50:.2f} cm of range")
        colours.set_ticks([-np.pi, 0, np.pi], labels=["−π", "0", "π"])
    return axes


def displacement(
    los_m: ArrayLike,
    east_km: ArrayLike,
    north_km: ArrayLike,
    *,
    axes: Axes | None = None,
    title: str = "",
    epicentre: tuple[float, float] | None = None,
    limit_m: float | None = None,
    bar: bool = True,
) -> Axes:
    """Map of line-of-sight displacement in cm, toward the satellite red and away from it blue.

    Parameters
    ----------
    los_m : metres, positive toward the satellite, a grid or points; NaN is grey (points: left out).
    east_km, north_km : place of every sample, same shape.
    axes, title, epicentre, bar : as in `wrapped_phase`.
    limit_m : displacement of the strongest colours; by default the largest but for one sample in a thousand.
    """
    axes = _km_axes(axes, title, epicentre)
    centimetres = 100 * np.asarray(los_m, dtype=float)
    limit = 100 * limit_m if limit_m is not None else float(np.nanquantile(np.abs(centimetres), 0.999))
    drawn = _field(axes, centimetres, east_km, north_km, cmap="RdBu_r", limits=(-limit, limit))
    if bar:
        colour_bar(axes, drawn, "displacement along the line of sight (cm)\naway ← → toward the satellite")
    return axes


def coherence(
    coherence: ArrayLike,
    east_km: ArrayLike,
    north_km: ArrayLike,
    *,
    axes: Axes | None = None,
    title: str = "",
    bar: bool = True,
) -> Axes:
    """Map of coherence, from 0 (noise) to 1; `east_km` and `north_km` have its shape, NaN is grey."""
    axes = _km_axes(axes, title, None)
    drawn = _field(axes, coherence, east_km, north_km, cmap="viridis", limits=(0.0, 1.0))
    if bar:
        colour_bar(axes, drawn, "coherence")
    return axes


def fringe_profile(
    distance_km: ArrayLike, phase: ArrayLike, los_m: ArrayLike, *, wavelength: float
) -> tuple[Axes, Axes]:
    """Wrapped phase along a line, and below it the displacement that the fringes add up to.

    Parameters
    ----------
    distance_km : along the line, 1-D.
    phase : wrapped, radians. los_m : displacement, metres, positive toward the satellite. NaN leaves a gap.
    wavelength : metres; lines are drawn every half wavelength.
    """
    _, (above, below) = plt.subplots(2, 1, figsize=(8, 5), sharex=True, layout="constrained")
    above.plot(distance_km, phase, ".", color="#0072b2", markersize=3)
    above.set(ylabel="wrapped phase (rad)", ylim=(-np.pi * 1.05, np.pi * 1.05))
    above.set_yticks([-np.pi, 0, np.pi], ["−π", "0", "π"])
    centimetres = 100 * np.asarray(los_m, dtype=float)
    below.plot(distance_km, centimetres, color="#d55e00", linewidth=1.5)
    below.yaxis.set_major_locator(MultipleLocator(50 * wavelength))
    below.yaxis.set_major_formatter(lambda x, _: f"{x + 0.0:.1f}" if abs(x) > 0.01 else "0")
    below.grid(axis="y", linewidth=0.4)
    below.set(xlabel="distance from the deforming area's centre (km)", ylabel="LOS displacement (cm)\ntoward positive")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return above, below


def _km_axes(axes: Axes | None, title: str, epicentre: tuple[float, float] | None) -> Axes:
    """Return axes in km east and north, with a star at the epicentre where there is one."""
    if axes is None:
        _, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    axes.set(aspect="equal", xlabel="east (km)", ylabel="north (km)", title=title)
    label_rim(axes)
    if epicentre is not None:
        style: dict[str, Any] = {"marker": "*", "s": 160, "c": "yellow", "edgecolors": "black", "zorder": 4}
        axes.scatter(*epicentre, label="catalogue epicentre", **style)
        axes.legend(loc="upper right", fontsize=8)
    return axes


def _field(
    axes: Axes, values: ArrayLike, east_km: ArrayLike, north_km: ArrayLike, *, cmap: str, limits: tuple[float, float]
) -> ScalarMappable:
    """Draw points as dots, a grid along east and north as an image, any other grid as a mesh."""
    shown, east, north = (np.asarray(part, dtype=float) for part in (values, east_km, north_km))
    style: dict[str, Any] = {"cmap": cmap, "vmin": limits[0], "vmax": limits[1]}
    if shown.ndim == 1:
        return axes.scatter(east, north, c=shown, s=9, **style)
    axes.set_facecolor(NO_DATA_COLOUR)
    width, height = (
        abs(east[0, -1] - east[0, 0]) / (east.shape[1] - 1),
        abs(north[-1, 0] - north[0, 0]) / (len(north) - 1),
    )
    if np.ptp(east, axis=0).max() > width / 2 or np.ptp(north, axis=1).max() > height / 2:
        return axes.pcolormesh(east, north, shown, shading="nearest", rasterized=True, **style)
    edges = (east[0, 0] - width / 2, east[0, -1] + width / 2)
    sides = (north.min() - height / 2, north.max() + height / 2)
    origin: Literal["lower", "upper"] = "lower" if north[-1, 0] > north[0, 0] else "upper"
    return axes.imshow(shown, extent=(*edges, *sides), origin=origin, interpolation="nearest", **style)


def label_rim(axes: Axes) -> None:
    """Of panels that share their axes, label the left and lower ones alone."""
    if len(axes.get_shared_y_axes().get_siblings(axes)) > 1:
        axes.label_outer()


def colour_bar(axes: Axes, drawn: ScalarMappable, label: str) -> Colorbar:
    """Add a labelled colour bar beside the axes."""
    return axes.get_figure(root=True).colorbar(drawn, ax=axes, label=label, shrink=0.8)  # type: ignore[union-attr]


def ellipse_outline(
    centre_km: tuple[float, float], ellipse_km: tuple[float, float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """East and north (km) of the outline of an ellipse: semi-axes (km), azimuth of the first (degrees from north)."""
    turn, azimuth = np.linspace(0, 2 * np.pi, 100), np.deg2rad(ellipse_km[2])
    along, across = ellipse_km[0] * np.cos(turn), ellipse_km[1] * np.sin(turn)
    east = centre_km[0] + along * np.sin(azimuth) + across * np.cos(azimuth)
    return east, centre_km[1] + along * np.cos(azimuth) - across * np.sin(azimuth)


def source(
    axes: Axes,
    *,
    fault: Mapping[str, float],
    top_edge: Mapping[str, float],
    centroid: tuple[float, float],
    ellipse_km: tuple[float, float, float],
) -> None:
    """Draw a located source on a map in km: fault outline with its up-dip edge bold, centroid and its 95 % ellipse.

    Parameters
    ----------
    axes : a map of `displacement` or `wrapped_phase`.
    fault, top_edge : of a location: east, north (km), strike, dip (deg), length, width (km); ends of the up-dip edge.
    centroid : east and north, km.
    ellipse_km : semi-major and semi-minor axis (km) and azimuth of the major one (degrees from north).
    """
    start, end = (np.array([top_edge[f"{name}_east_km"], top_edge[f"{name}_north_km"]]) for name in ("start", "end"))
    strike, reach = np.deg2rad(fault["strike"]), fault["width_km"] * np.cos(np.deg2rad(fault["dip"]))
    down = reach * np.array([np.cos(strike), -np.sin(strike)])
    outline = np.array([start, end, end + down, start + down, start])
    axes.plot(*outline.T, color="black", lw=1.2, label="fault")
    axes.plot(*outline[:2].T, color="black", lw=3.5, label="its up-dip edge")
    axes.plot(*ellipse_outline(centroid, ellipse_km), color="#d55e00", lw=1.8, label="95 % region of the centroid")
    axes.plot(*centroid, marker="+", ms=10, mew=2, color="#d55e00", ls="none", label="centroid")
