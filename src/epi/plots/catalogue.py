"""Map of what a catalogue holds: the world, by kind of event."""

import cartopy.crs as ccrs
import numpy as np
import pandas as pd
from cartopy.mpl.geoaxes import GeoAxes
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from epi.plots.maps import map_axes

KIND_STYLE = {
    "earthquake": ("#d55e00", "o"),
    "landslide": ("#009e73", "^"),
    "quiet": ("#0072b2", "s"),
}
"""Colour (Okabe and Ito) and marker of a kind of event: told apart without colour too."""

_HOLLOW = {"landslide": (30, 5), "quiet": (80, 3)}
"""Area in points squared and draw order of what has no magnitude: a quiet window goes around its earthquake."""


def kinds_map(events: pd.DataFrame) -> GeoAxes:
    """World map of a catalogue by kind: earthquakes, larger where their magnitude is; landslides; quiet windows.

    Parameters
    ----------
    events : columns kind (a key of `KIND_STYLE`), latitude, longitude (degrees), magnitude.
    """
    axes = map_axes()
    handles = []
    for kind, (colour, marker) in KIND_STYLE.items():
        rows = events[events["kind"] == kind]
        if rows.empty:
            continue
        filled = kind == "earthquake"
        area, order = (_area(rows["magnitude"]), 4) if filled else _HOLLOW[kind]
        axes.scatter(
            rows["longitude"],
            rows["latitude"],
            s=area,
            marker=marker,
            facecolors=colour if filled else "none",
            edgecolors="white" if filled else colour,
            linewidths=0.5 if filled else 1.4,
            alpha=0.8 if filled else 1,
            transform=ccrs.PlateCarree(),
            zorder=order,
        )
        face = colour if filled else "none"
        label = f"{kind} ({len(rows)})"
        handles.append(Line2D([], [], ls="", marker=marker, mfc=face, mec=colour, mew=1.4, ms=6, label=label))
    if (events["kind"] == "earthquake").any():
        handles += [
            Line2D([], [], ls="", marker="o", color="0.6", ms=float(area) ** 0.5, label=f"magnitude {size}")
            for size, area in zip((5, 6, 7), _area([5.0, 6.0, 7.0]), strict=True)
        ]
    axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.02), ncols=6, frameon=False, fontsize=9)
    return axes


def _area(magnitude: ArrayLike) -> NDArray[np.float64]:
    """Return the area of a marker in points squared: it doubles every unit of magnitude."""
    return np.asarray(22 * 2.0 ** (np.asarray(magnitude, float) - 5))
