"""Figures of the book: finished arrays and frames in, matplotlib axes out."""

import itertools
from collections.abc import Mapping
from typing import Any, Literal

import cartopy
import cartopy.crs as ccrs
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import shapely
from cartopy.geodesic import Geodesic
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MultipleLocator
from matplotlib.typing import LineStyleType
from numpy.typing import ArrayLike
from shapely import Point, Polygon
from shapely.geometry.base import BaseGeometry

from epi.settings import settings

COASTLINE = "50m"
"""Scale of the one coastline that ships with the project (Natural Earth); no other may be asked of cartopy."""

VERDICT_STYLE = {
    "plain": ("#d55e00", "o"),
    "faint": ("#56b4e9", "s"),
    "hidden": ("#000000", "v"),
    "unknown": ("#999999", "X"),
}
"""Colour (Okabe and Ito) and marker of a verdict of detectability: told apart without colour too."""

_LABEL_DEG = 6.0
"""Height of a line of text on the world map, in degrees of latitude."""

_REGION_DEG = 5.0
"""Footprints farther than this from the epicentre are left off a regional map."""

PASS_COLOUR = {"ascending": "#0072b2", "descending": "#e69f00"}
"""Colour of a viewing geometry."""


def map_axes(*, extent: tuple[float, float, float, float] | None = None, centre: float = 0.0) -> GeoAxes:
    """Make axes with the shipped coastline, without asking a network for anything.

    Parameters
    ----------
    extent : west, east, south, north in degrees, longitudes counted from ``centre``; the whole world by default.
    centre : longitude of the middle of the map, degrees.
    """
    cartopy.config["pre_existing_data_dir"] = settings().data / "cartopy"
    world = extent is None
    projection = ccrs.Robinson() if world else ccrs.PlateCarree(central_longitude=centre)
    figure = plt.figure(figsize=(11, 4.8) if world else (7.2, 6.4))
    axes: GeoAxes = figure.add_subplot(projection=projection)
    axes.coastlines(COASTLINE, linewidth=0.4, color="0.35")
    if extent is None:
        axes.set_extent((-180, 180, -58, 78), crs=ccrs.PlateCarree())
        axes.gridlines(linewidth=0.3, color="0.85")
    else:
        axes.set_extent(extent, crs=projection)
        lines = axes.gridlines(draw_labels=True, linewidth=0.3, color="0.8")
        lines.top_labels = lines.right_labels = False
    return axes


def catalogue_map(events: pd.DataFrame) -> GeoAxes:
    """World map of a catalogue: size by magnitude, colour and marker by what the radar would see.

    Parameters
    ----------
    events : columns latitude, longitude (degrees), magnitude, event_id and visible (a key of `VERDICT_STYLE`).
    """
    axes = map_axes()
    for _, event in events.sort_values("magnitude", ascending=False).iterrows():
        colour, marker = VERDICT_STYLE[str(event["visible"])]
        axes.scatter(
            event["longitude"],
            event["latitude"],
            s=_marker_area(event["magnitude"]),
            c=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.6,
            transform=ccrs.PlateCarree(),
            zorder=3,
        )
    _label_places(axes, events)
    found = [verdict for verdict in VERDICT_STYLE if (events["visible"] == verdict).any()]
    handles = [Line2D([], [], ls="", color=VERDICT_STYLE[v][0], marker=VERDICT_STYLE[v][1], label=v) for v in found]
    sizes = [
        Line2D([], [], ls="", color="0.6", marker="o", markersize=_marker_area(m) ** 0.5, label=f"magnitude {m}")
        for m in (5, 6, 7)
    ]
    axes.legend(
        handles=handles + sizes, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=7, frameon=False, fontsize=9
    )
    return axes


def _marker_area(magnitude: float) -> float:
    """Return the area of a marker in points squared: it doubles every half unit of magnitude."""
    return float(18 * 4.0 ** (magnitude - 5))


def _label_places(axes: GeoAxes, events: pd.DataFrame, *, most: int = 20) -> None:
    """Write place and year to the right of each event, spread downward where neighbours are close; none in a crowd."""
    if len(events) > most:
        return
    plate = ccrs.PlateCarree()._as_mpl_transform(axes)
    east = events["longitude"].to_numpy()
    written: list[tuple[float, float]] = []
    for _, event in events.sort_values("latitude", ascending=False).iterrows():
        longitude, height = float(event["longitude"]), float(event["latitude"])
        for other, taken in written:
            if abs(other - longitude) < 45 and abs(taken - height) < _LABEL_DEG:
                height = taken - _LABEL_DEG
        written.append((longitude, height))
        axes.annotate(
            str(event["event_id"]),
            xy=(longitude, float(event["latitude"])),
            xytext=(max(east[(east >= longitude) & (east < longitude + 30)]) + 9, height),
            xycoords=plate,
            textcoords=plate,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": "0.2", "shrinkA": 0},
            va="center",
            fontsize=8,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
        )


def peak_bars(events: pd.DataFrame, *, noise_m: float, fringe_m: float) -> Axes:
    """Peak line-of-sight displacement expected of each event, against the noise and one fringe.

    Parameters
    ----------
    events : columns event_id, peak_los_m, peak_los_max_m (metres) and visible (a key of `VERDICT_STYLE`); the finite
        values of a column observed_m, where there is one, are drawn as diamonds.
    noise_m : rms noise of one interferogram, m.
    fringe_m : displacement of one fringe, m.
    """
    ordered = events.sort_values("peak_los_m", ignore_index=True)
    figure, axes = plt.subplots(figsize=(9, 1.6 + 0.34 * len(ordered)), layout="constrained")
    colours = [VERDICT_STYLE[str(verdict)][0] for verdict in ordered["visible"]]
    axes.barh(ordered.index, ordered["peak_los_m"] * 100, color=colours, height=0.6)
    axes.hlines(ordered.index, ordered["peak_los_m"] * 100, ordered["peak_los_max_m"] * 100, color="0.4", linewidth=1.5)
    axes.axvline(noise_m * 100, color="black", linestyle="--", linewidth=1)
    axes.axvline(fringe_m * 100, color="black", linestyle=":", linewidth=1)
    handles: list[Artist] = [
        Line2D([], [], color="black", ls="--", label="noise"),
        Line2D([], [], color="black", ls=":"),
    ]
    handles[1].set_label("one fringe")
    found = [verdict for verdict in VERDICT_STYLE if (ordered["visible"] == verdict).any()]
    handles += [Patch(color=VERDICT_STYLE[verdict][0], label=verdict) for verdict in found]
    if "observed_m" in ordered:
        axes.plot(ordered["observed_m"] * 100, ordered.index, ls="", marker="D", mfc="white", mec="black")
        handles += [Line2D([], [], ls="", marker="D", mfc="white", mec="black", label="observed")]
    axes.set_xscale("log")
    axes.set_xlim(left=0.1)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("largest line-of-sight displacement (cm)")
    axes.set_yticks(ordered.index, ordered["event_id"])
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(handles=handles, loc="outside lower center", ncols=6, frameon=False, fontsize=9)
    return axes


def footprint_map(candidates: pd.DataFrame, *, latitude: float, longitude: float, radius_km: float) -> GeoAxes:
    """Regional map of the images around an epicentre: chosen footprints by pass, the others in grey.

    Parameters
    ----------
    candidates : columns footprint (longitude, latitude in degrees; None where unknown), role, track, direction.
    latitude, longitude : of the epicentre, degrees.
    radius_km : radius of the area around it that a pair should cover.
    """
    local = ccrs.PlateCarree(central_longitude=longitude)
    seen = candidates[candidates["footprint"].notna()]
    seen = seen.assign(footprint=[_around(footprint, longitude) for footprint in seen["footprint"]])
    epicentre = Point(0, latitude)
    seen = seen[np.array([footprint.distance(epicentre) < _REGION_DEG for footprint in seen["footprint"]], bool)]
    circle = _around(Polygon(Geodesic().circle(longitude, latitude, radius_km * 1000, n_samples=90)), longitude)
    west, south, east, north = shapely.total_bounds([circle, *seen["footprint"]])
    axes = map_axes(extent=(west - 0.4, east + 0.4, south - 0.3, north + 0.3), centre=longitude)
    axes.add_geometries(
        seen.loc[seen["role"] == "rejected", "footprint"], local, facecolor="none", edgecolor="0.7", linewidth=0.6
    )
    handles = [Line2D([], [], color="0.7", linewidth=0.8, label="not chosen (may lie below the chosen)")]
    chosen = seen[seen["role"] == "reference"]
    for _, row in chosen.sort_values(["direction", "track"]).iterrows():
        colour, line = PASS_COLOUR[row["direction"]], _track_line(chosen, row["direction"], row["track"])
        outline = {"facecolor": "none", "edgecolor": colour, "linestyle": line, "linewidth": 1.8}
        axes.add_geometries([row["footprint"]], local, **outline)
        name = f"track {row['track']} {row['direction']}"
        handles.append(Line2D([], [], color=colour, linestyle=line, linewidth=1.8, label=name))
    axes.plot(*circle.exterior.xy, color="0.2", linestyle=":", transform=local)
    axes.plot(0, latitude, "k*", markersize=13, transform=local)
    handles += [Line2D([], [], color="0.2", linestyle=":", label=f"{radius_km:g} km around the epicentre")]
    handles += [Line2D([], [], color="k", marker="*", ls="", markersize=11, label="epicentre")]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, frameon=False, fontsize=9)
    return axes


def _around(geometry: BaseGeometry, longitude: float) -> BaseGeometry:
    """Count a geometry's longitudes from a given one, within half a turn: the antimeridian is then no edge."""

    def shift(points: np.ndarray) -> np.ndarray:
        return np.column_stack(((points[:, 0] - longitude + 180) % 360 - 180, points[:, 1]))

    return shapely.transform(geometry, shift)


def _track_line(candidates: pd.DataFrame, direction: str, track: int) -> LineStyleType:
    """Return a line style that differs between the tracks of one pass."""
    tracks = sorted(candidates.loc[candidates["direction"] == direction, "track"].unique())
    styles: tuple[LineStyleType, ...] = ("solid", "dashed", "dashdot")
    return styles[tracks.index(track) % 3]


def timeline(candidates: pd.DataFrame, *, window_days: float) -> Axes:
    """Calendar of the images around an earthquake: one line a track, chosen pairs joined, the others with their rule.

    Parameters
    ----------
    candidates : columns days (from the origin time, negative before it), track, direction, role (reference, secondary,
        rejected) and rule (why a candidate was rejected); those without a track are left out.
    window_days : how far from the earthquake an image may be.
    """
    candidates = candidates.dropna(subset=["direction", "track"])
    tracks = sorted(set(zip(candidates["direction"], candidates["track"], strict=True)), reverse=True)
    rows = {(str(direction), int(track)): number for number, (direction, track) in enumerate(tracks)}
    figure, axes = plt.subplots(figsize=(10, 1.9 + 0.75 * len(rows)), layout="constrained")
    axes.axvspan(-window_days, window_days, color="0.94", zorder=0)
    axes.axvline(0, color="black", linewidth=1.2)
    rules = sorted(candidates.loc[candidates["role"] == "rejected", "rule"].unique())
    markers = dict(zip(rules, itertools.cycle("xs+D1^vp"), strict=False))
    for (direction, track), row in rows.items():
        here = candidates[(candidates["direction"] == direction) & (candidates["track"] == track)]
        colour = PASS_COLOUR[direction]
        pair = here[here["role"] != "rejected"].sort_values("days")
        for rule, group in here[here["role"] == "rejected"].groupby("rule"):
            beside = [(abs(pair["days"] - day) < 0.5).any() for day in group["days"]]
            height = row - 0.25 * np.array(beside)
            axes.scatter(group["days"], height, marker=markers[str(rule)], c="0.45", s=34, zorder=3)
        axes.plot(pair["days"], np.full(len(pair), row), color=colour, linewidth=3, zorder=2)
        axes.scatter(pair["days"], np.full(len(pair), row), c=colour, s=90, edgecolors="black", zorder=4)
        for role, days in zip(pair["role"], pair["days"], strict=True):
            side = "right" if role == "reference" else "left"
            axes.annotate(str(role), (days, row), (0, 9), textcoords="offset points", ha=side, fontsize=8)
    axes.set_yticks(list(rows.values()), [f"track {track}\n{direction}" for direction, track in rows])
    axes.set_ylim(-0.6, len(rows) - 0.3)
    axes.set_xlabel("days from the origin time")
    axes.spines[["top", "right"]].set_visible(False)
    handles: list[Artist] = [Line2D([], [], color="0.5", lw=3, marker="o", mec="black", label="chosen pair")]
    handles += [Line2D([], [], color="0.45", marker=markers[rule], ls="", label=rule) for rule in rules]
    handles += [Patch(color="0.94", label=f"window of {window_days:g} days")]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return axes


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
        colours = _colour_bar(axes, drawn, f"phase (rad); one fringe is {wavelength * 50:.2f} cm of range")
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
        _colour_bar(axes, drawn, "displacement along the line of sight (cm)\naway ← → toward the satellite")
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
        _colour_bar(axes, drawn, "coherence")
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
    below.yaxis.set_major_locator(
        MultipleLocator(50 * wavelength * max(1, round((np.nanmax(centimetres) - np.nanmin(centimetres)) / 20)))
    )
    below.yaxis.set_major_formatter("{x:.1f}")
    below.grid(axis="y", linewidth=0.4)
    below.set(xlabel="distance from the deforming area's centre (km)", ylabel="LOS displacement (cm)\ntoward positive")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    return above, below


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
        style: dict[str, Any] = {"linewidth": 2.5, "zorder": 5} if bold else {"linewidth": 0.9, "linestyle": "--"}
        square = Rectangle(corner, size_km, size_km, fill=False, edgecolor="#d55e00" if bold else "0.1", **style)
        square.set_label("the patch below" if bold else label if n == 0 else "")
        axes.add_patch(square)
        axes.plot(east, north, "+", color="0.1", markersize=7)
    axes.legend(loc="upper right", fontsize=8)
    return axes


def patch_bands(bands: Mapping[str, ArrayLike], size_km: float) -> list[Axes]:
    """The bands of one patch side by side: coherence, real and imaginary part, each with its own scale.

    Parameters
    ----------
    bands : (pixels, pixels) by name, row 0 in the north; ``coh`` is drawn from 0 to 1, the others about zero.
    size_km : side of the patch.
    """
    _, row = plt.subplots(1, len(bands), figsize=(4.2 * len(bands), 3.6), layout="constrained")
    half = size_km / 2
    for axes, (name, values) in zip(row, bands.items(), strict=True):
        shown = np.asarray(values, dtype=float)
        largest = float(np.abs(shown).max())
        style: dict[str, Any] = {"cmap": "cividis", "vmin": 0, "vmax": 1}
        if name != "coh":
            style = {"cmap": "PuOr", "vmin": -largest, "vmax": largest}
        drawn = axes.imshow(shown, extent=(-half, half, -half, half), interpolation="nearest", **style)
        axes.set(title=name, xlabel="east of the centre (km)", ylabel="north of the centre (km)")
        _colour_bar(axes, drawn, "coherence" if name == "coh" else "interferogram (1)")
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


def patch_answers(
    axes: Axes, centre_km: ArrayLike, answer_km: ArrayLike, trusted: ArrayLike, ellipse: pd.DataFrame
) -> Axes:
    """Arrows from the patches' centres to where each believes the epicentre, and the ellipse they agree on.

    Parameters
    ----------
    axes : of a map in km.
    centre_km, answer_km : (patches, 2), east and north.
    trusted : (patches,) whether a patch took part; the others are drawn faintly.
    ellipse : outline, columns ``east_km`` and ``north_km``.
    """
    centres, answers = np.asarray(centre_km, dtype=float), np.asarray(answer_km, dtype=float)
    sure = np.asarray(trusted, dtype=bool)
    for chosen, colour, label in ((~sure, "0.45", "unsure"), (sure, "#d55e00", "trusted")):
        if chosen.any():
            step = (answers - centres)[chosen].T
            style: dict[str, Any] = {"angles": "xy", "scale_units": "xy", "scale": 1, "width": 0.004, "zorder": 5}
            axes.quiver(*centres[chosen].T, *step, color=colour, label=f"answer of a patch ({label})", **style)
    axes.plot(ellipse["east_km"], ellipse["north_km"], color="black", linewidth=3, zorder=5)
    axes.plot(ellipse["east_km"], ellipse["north_km"], color="#f0e442", linewidth=1.5, zorder=6, label="95 % ellipse")
    axes.legend(loc="upper right", fontsize=8)
    return axes


def learning_curve(history: pd.DataFrame, *, reference_km: float, reference: str) -> Axes:
    """Median error on earthquakes never trained on, against the number of views learned from.

    Parameters
    ----------
    history : columns ``views`` and ``median_error_km``.
    reference_km, reference : error of a simple answer, and its name.
    """
    _, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
    axes.axhline(reference_km, color="0.5", linestyle="--", linewidth=1, label=reference)
    axes.plot(history["views"], history["median_error_km"], "o-", color="#0072b2", label="network")
    axes.set(xlabel="views learned from", ylabel="median error (km)", ylim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _km_axes(axes: Axes | None, title: str, epicentre: tuple[float, float] | None) -> Axes:
    """Return axes in km east and north, with a star at the epicentre where there is one."""
    if axes is None:
        _, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    axes.set(aspect="equal", xlabel="east (km)", ylabel="north (km)", title=title)
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


def _colour_bar(axes: Axes, drawn: ScalarMappable, label: str) -> Colorbar:
    """Add a labelled colour bar beside the axes."""
    return axes.get_figure(root=True).colorbar(drawn, ax=axes, label=label, shrink=0.8)  # type: ignore[union-attr]


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
    turn = np.linspace(0, 2 * np.pi, 100)
    azimuth = np.deg2rad(ellipse_km[2])
    along, across = ellipse_km[0] * np.cos(turn), ellipse_km[1] * np.sin(turn)
    east = centroid[0] + along * np.sin(azimuth) + across * np.cos(azimuth)
    north = centroid[1] + along * np.cos(azimuth) - across * np.sin(azimuth)
    axes.plot(east, north, color="#d55e00", lw=1.8, label="95 % region of the centroid")
    axes.plot(*centroid, marker="+", ms=10, mew=2, color="#d55e00", ls="none", label="centroid")
