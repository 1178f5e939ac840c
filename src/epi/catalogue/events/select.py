"""Filters of a catalogue: size, depth, time and place."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from epi.catalogue.events.event import KINDS, utc
from epi.errors import FileFormatError, ParameterError


def select_events(
    events: pd.DataFrame,
    *,
    kind: str | None = None,
    min_magnitude: float | None = None,
    magnitude_type: str | Sequence[str] | None = None,
    min_depth_km: float | None = None,
    max_depth_km: float | None = None,
    box: tuple[float, float, float, float] | None = None,
    polygon: BaseGeometry | None = None,
    since: str | pd.Timestamp | None = None,
    until: str | pd.Timestamp | None = None,
    sea_km: float | None = None,
) -> pd.DataFrame:
    """Keep the events that pass every filter given.

    Parameters
    ----------
    events : a frame from `read_events`.
    kind : one of `KINDS`.
    min_magnitude, min_depth_km, max_depth_km : limits, included; the magnitude is compared as it stands, whatever its
        scale. An event whose magnitude (depth) is unknown does not pass.
    magnitude_type : one scale or several, in any case; ``mw`` also takes its variants ``mww``, ``mwb``, …, others none.
    box : west, south, east, north in degrees; west may exceed east where the box crosses the antimeridian.
    polygon : an area in degrees (longitude, latitude), its edge included; where it crosses the antimeridian, its
        longitudes may go on beyond 180 or be two parts.
    since, until : UTC times, both included.
    sea_km : keep land, and the sea within this distance of a coast (`epi.catalogue.coast_km` says how good that is).

    Raises
    ------
    ParameterError : a filter that nothing can pass, such as a box whose south is not below its north.
    """
    limits = [("magnitude", min_magnitude), ("depth", min_depth_km), ("depth", max_depth_km)]
    for name, limit in (*limits, ("distance from the coast", sea_km)):
        if limit is not None and np.isnan(limit):
            raise ParameterError(f"A {name} that is no number lets nothing pass: give a number.")
    if since is not None and until is not None and utc(since) > utc(until):
        raise ParameterError(
            f"Nothing is from {utc(since):%Y-%m-%d %H:%M} until {utc(until):%Y-%m-%d %H:%M}: swap them."
        )
    keep = pd.Series(data=True, index=events.index)
    if kind is not None:
        if kind not in KINDS:
            raise ParameterError(f"No kind {kind!r}: an event is one of {', '.join(KINDS)}.")
        keep &= events["kind"] == kind
    if min_magnitude is not None:
        keep &= events["magnitude"] >= min_magnitude
    if magnitude_type is not None:
        scales = (magnitude_type,) if isinstance(magnitude_type, str) else tuple(magnitude_type)
        listed = events["magnitude_type"].str.lower()
        asked = [scale.lower() for scale in scales]
        keep &= listed.isin(asked) | (listed.str.startswith("mw") if "mw" in asked else False)
    if min_depth_km is not None and max_depth_km is not None and min_depth_km > max_depth_km:
        raise ParameterError(f"Nothing is from {min_depth_km:g} to {max_depth_km:g} km deep: swap them.")
    if min_depth_km is not None:
        keep &= events["depth_km"] >= min_depth_km
    if max_depth_km is not None:
        keep &= events["depth_km"] <= max_depth_km
    if since is not None:
        keep &= events["time"] >= utc(since)
    if until is not None:
        keep &= events["time"] <= utc(until)
    if box is not None:
        keep &= _in_box(events, box)
    chosen = events[keep]
    if polygon is not None:
        chosen = chosen[_in_polygon(chosen, polygon)]
    if sea_km is not None:
        chosen = chosen[_near_land(chosen, sea_km)]
    return chosen.reset_index(drop=True)


def read_polygon(path: str | Path) -> BaseGeometry:
    """Read an area from GeoJSON: a polygon, a feature, or a collection of them, in degrees.

    Raises
    ------
    FileFormatError : the file is missing, holds no polygon, or one that crosses itself.
    """
    file = Path(path)
    try:
        answer = json.loads(file.read_text(encoding="utf-8-sig"))
        parts = [each.get("geometry", each) for each in answer.get("features", [answer])]
        area = shapely.union_all([shape(part) for part in parts if _is_valid(shape(part), file)])
    except OSError as error:
        raise FileFormatError(f"No polygon at {file}: give a GeoJSON file.") from error
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"{file} holds no polygon ({type(error).__name__}: {error}): give GeoJSON.") from error
    if area.geom_type not in ("Polygon", "MultiPolygon") or area.is_empty:
        raise FileFormatError(f"{file} holds {area.geom_type} and no polygon: give an area.")
    return area


def _is_valid(part: BaseGeometry, file: Path) -> bool:
    """Refuse an outline that crosses itself: what lies inside it is anyone's guess."""
    if not part.is_valid:
        raise FileFormatError(f"{file} holds an invalid polygon: {shapely.is_valid_reason(part)}. Mend its outline.")
    return True


def _in_box(events: pd.DataFrame, box: tuple[float, float, float, float]) -> pd.Series:
    west, south, east, north = box
    if not -90 <= south < north <= 90:
        raise ParameterError(
            f"A box from {south:g} to {north:g} degrees north holds nothing: give west, south, east, north."
        )
    if not (np.isfinite([west, east]).all() and max(abs(west), abs(east)) <= 360):
        raise ParameterError(f"A box from {west:g} to {east:g} degrees east is not on Earth: give -180 to 180.")
    width = 360.0 if east - west >= 360 else (east - west) % 360
    return events["latitude"].between(south, north) & ((events["longitude"] - west) % 360 <= width)


def _in_polygon(events: pd.DataFrame, polygon: BaseGeometry) -> pd.Series:
    """Test each epicentre on every turn of longitude that the polygon may be drawn on."""
    if not polygon.is_valid or polygon.is_empty:
        raise ParameterError(f"A polygon that is no area ({shapely.is_valid_reason(polygon)}) holds nothing: mend it.")
    inside = np.zeros(len(events), bool)
    for turn in (-360, 0, 360):
        inside |= shapely.intersects_xy(polygon, events["longitude"].to_numpy() + turn, events["latitude"].to_numpy())
    return pd.Series(inside, index=events.index)


def _near_land(events: pd.DataFrame, sea_km: float) -> pd.Series:
    from epi.catalogue.events.coast import coast_km  # here, for it reads the coastline

    if sea_km < 0:
        raise ParameterError(f"A distance of {sea_km:g} km from the coast: give 0 (land alone) or more.")
    return pd.Series(coast_km(events["latitude"], events["longitude"]) >= -sea_km, index=events.index)
