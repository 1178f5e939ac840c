"""Maps and calendars of the catalogue: events, footprints, candidates."""

import itertools

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
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.typing import LineStyleType
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
    for (direction, track), slices in chosen.groupby(["direction", "track"]):
        colour, line = PASS_COLOUR[str(direction)], _track_line(chosen, str(direction), int(str(track)))
        outline = {"facecolor": "none", "edgecolor": colour, "linestyle": line, "linewidth": 1.8}
        axes.add_geometries(slices["footprint"], local, **outline)
        name = f"track {track} {direction}" + (f" ({len(slices)} joined)" if len(slices) > 1 else "")
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
        for role, days in pair.groupby("role")["days"].first().items():
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
