"""Pair records: which images each earthquake is seen in, when and where, and which earthquakes are therefore one group.

Two earthquakes whose pairs share an image, or whose pairs span the same days over the same ground, are seen through
the same air and may both move the same ground: what is learned of one gives the other away.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from epi.catalogue.pairs.match import PairMatch
from epi.errors import ParameterError, PatchStoreError
from epi.insar.frame import LocalFrame
from epi.patches.place import offset
from epi.patches.splits import linked

NEAR_KM = 300.0
"""Earthquakes nearer than this can lie in one image: the diagonal of a Sentinel-1 product of 250 x 170 km."""

REACH_KM = 1500.0
"""Footprints of earthquakes farther apart than this are not compared: no two images reach so far."""

RECORD = ("event", "reference", "secondary", "start", "end", "latitude", "longitude")
"""Columns of pair records; ``footprint`` is optional."""


def pair_records(matches: Iterable[PairMatch]) -> pd.DataFrame:
    """One row a pair of every event, from what `epi.catalogue.match_pairs` found.

    Returns
    -------
    ``event``; ``reference`` and ``secondary``, the names of the images; ``start`` and ``end``, their UTC times;
    ``latitude`` and ``longitude`` of the epicentre; ``footprint``, what either image covers (None where unknown).
    """
    rows: list[dict[str, Any]] = []
    for match in matches:
        for pair in match.pairs:
            shapes = [scene.footprint for _, scene in pair.members if scene.footprint is not None]
            rows.append(
                {
                    "event": match.event.event_id,
                    **{"reference": pair.reference.name, "secondary": pair.secondary.name},
                    **{"start": pair.reference.start, "end": pair.secondary.start},
                    **{"latitude": match.event.latitude, "longitude": match.event.longitude},
                    "footprint": shapely.MultiPolygon(_polygons(shapes)) if shapes else None,
                }
            )
    return pd.DataFrame(rows, columns=[*RECORD, "footprint"])


def groups_by_pair(records: pd.DataFrame, *, near_km: float = NEAR_KM) -> dict[str, str]:
    """Group events whose pairs share an image, or overlap in time and in space.

    Parameters
    ----------
    records : one row a pair with the columns of ``RECORD``, as `pair_records` makes them; a column ``footprint``
        (shapely polygons in degrees, None where unknown) is used where there is one.
    near_km : epicentres no farther apart than this overlap in space; so do footprints that touch. Time overlaps where
        each pair begins before the other ends; the order of a pair's two images does not matter.

    Returns
    -------
    Group of each event, named after the first of its events in alphabetical order; transitive.

    Raises
    ------
    PatchStoreError : a missing column, or a row without a time or a place, by name.
    """
    if not near_km >= 0:
        raise ParameterError(f"Earthquakes within {near_km:g} km were to be one group: give 0 or more.")
    rows = _checked(records)
    holder: dict[str, str] = {}
    shared = [
        (holder.setdefault(image, event), event)
        for event, *images in rows[["event", "reference", "secondary"]].itertuples(index=False, name=None)
        for image in images
        if image
    ]
    return linked(rows["event"], [*shared, *_overlaps(rows, near_km)])


def _checked(records: pd.DataFrame) -> pd.DataFrame:
    """The records with times in order, refused where they cannot be compared."""
    if missing := [name for name in RECORD if name not in records]:
        raise PatchStoreError(f"Pair records lack the columns {', '.join(missing)}: see pair_records.")
    rows = records.reset_index(drop=True).copy()
    times = pd.DataFrame({name: pd.to_datetime(rows[name], utc=True, format="ISO8601") for name in ("start", "end")})
    unknown = times.isna().any(axis=1) | rows[["latitude", "longitude"]].isna().any(axis=1)
    if unknown.any():
        named = ", ".join(f"row {n + 1} ({rows['event'][n]})" for n in np.flatnonzero(unknown)[:3])
        raise PatchStoreError(
            f"{int(unknown.sum())} pair record(s) have no time or no place: {named}. Fill them in, or leave the events "
            "out: they cannot be told from the others."
        )
    rows["start"], rows["end"] = times.min(axis=1), times.max(axis=1)
    rows[["reference", "secondary"]] = rows[["reference", "secondary"]].fillna("")
    return rows


def _overlaps(rows: pd.DataFrame, near_km: float) -> Iterator[tuple[str, str]]:
    """Pairs of events that overlap in time and in space."""
    latitude, longitude = rows["latitude"].to_numpy(float), rows["longitude"].to_numpy(float)
    start, end = (rows[name].to_numpy() for name in ("start", "end"))
    events = rows["event"].to_numpy()
    for n in range(len(rows)):
        later = np.arange(n + 1, len(rows))
        later = later[(start[later] <= end[n]) & (start[n] <= end[later]) & (events[later] != events[n])]
        if not later.size:
            continue
        apart = offset(latitude[later], longitude[later], (latitude[n], longitude[n]))[0]
        yield from ((events[n], events[m]) for m in later[apart <= near_km])
        if "footprint" in rows:
            beside = later[(apart > near_km) & (apart <= REACH_KM)]
            yield from ((events[n], events[m]) for m in beside if _touch(rows.iloc[n], rows.iloc[m]))


def _touch(one: pd.Series, other: pd.Series) -> bool:
    """Whether two footprints have ground in common; compared in kilometres about the first epicentre."""
    shapes = [row["footprint"] for row in (one, other)]
    if not all(isinstance(shape, BaseGeometry) and not shape.is_empty for shape in shapes):
        return False
    frame = LocalFrame(np.zeros(1), np.zeros(1), (float(one["latitude"]), float(one["longitude"])))

    def flat(corners: np.ndarray) -> np.ndarray:
        return np.column_stack(frame.from_geographic(corners[:, 1], corners[:, 0]))

    first, second = (shapely.transform(shape, flat).buffer(0) for shape in shapes)
    return bool(first.intersects(second))


def _polygons(shapes: Iterable[BaseGeometry]) -> list[shapely.Polygon]:
    """The polygons that shapes are made of."""
    return [part for shape in shapes for part in getattr(shape, "geoms", [shape])]
