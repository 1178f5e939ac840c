"""Sound shapes: flat, closed, not crossing themselves, of some area, each only once."""

from collections import Counter

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from epi.errors import InventoryError

POLYGON, MULTIPOLYGON, POINT = 3, 6, 0  # type numbers of shapely
LINES = {1: "LineString", 2: "LinearRing", 5: "MultiLineString"}

Shapes = NDArray[np.object_]


def sound(shapes: Shapes, closed: NDArray[np.bool_], source: str) -> tuple[Shapes, dict[str, int]]:
    """Return shapes of two dimensions that are valid, None where no ground is left, and counts of what was done.

    Parameters
    ----------
    shapes : as read; None and empty ones stay without ground.
    closed : which of them had their rings closed as they were read, and count as mended.
    source : for the message.

    Returns
    -------
    Polygons, multipolygons, points, multipoints, or collections of polygons and points; counts ``flattened``,
    ``mended`` and ``empty`` of a `Report`.

    Raises
    ------
    InventoryError : a line among them.
    """
    _refuse_lines(shapes, source)
    counts = {"flattened": int(shapely.has_z(shapes).sum())}
    flat = shapely.force_2d(shapes)
    there = ~(shapely.is_missing(flat) | shapely.is_empty(flat))
    finite = there & np.isfinite(shapely.bounds(flat)).all(axis=-1)
    broken = finite & ~shapely.is_valid(flat)
    whole = flat.copy()
    whole[~finite] = None
    whole[broken] = [
        _ground(shapely.make_valid(each, method="structure", keep_collapsed=False)) for each in flat[broken]
    ]
    areal = shapely.get_type_id(whole) != POINT
    gone = shapely.is_missing(whole) | (areal & ~_has_ground(whole))
    whole[gone] = None
    return whole, counts | {"mended": int(((broken | closed) & ~gone).sum()), "empty": int(gone.sum())}


def repeated(shapes: Shapes, dates: pd.Series) -> NDArray[np.bool_]:
    """Whether a shape before has the same outline, wherever it begins and whichever way it runs, and the same date."""
    outlines = shapely.to_wkb(shapely.normalize(shapes))
    return np.asarray(pd.DataFrame({"outline": outlines, "date": dates.to_numpy()}).duplicated())


def holes(shapes: Shapes) -> int:
    """How many holes there are."""
    return int(shapely.get_num_interior_rings(areas_and_points(shapes)[0]).sum())


def kinds(shapes: Shapes) -> tuple[int, int]:
    """How many have an area, and how many are points alone."""
    areas = shapely.area(shapes) > 0
    return int(areas.sum()), int((~areas).sum())


def areas_and_points(shapes: Shapes) -> tuple[Shapes, NDArray[np.intp], Shapes, NDArray[np.intp]]:
    """Polygons, the position of the shape each is of, points, and theirs."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(parts) > POLYGON).any():
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    area, point = shapely.get_type_id(parts) == POLYGON, shapely.get_type_id(parts) == POINT
    return parts[area], owner[area], parts[point], owner[point]


def _refuse_lines(shapes: Shapes, source: str) -> None:
    """Refuse lines, alone or in a collection: they bound no ground."""
    parts = shapely.get_parts(shapes)
    while (shapely.get_type_id(parts) > MULTIPOLYGON).any():
        parts = shapely.get_parts(parts)
    found = Counter(int(number) for number in shapely.get_type_id(parts) if int(number) in LINES)
    if found:
        named = ", ".join(f"{count} {LINES[number]}" for number, count in sorted(found.items()))
        raise InventoryError(
            f"{source} holds lines ({named}), and a line has no ground that slid: close them to polygons, or keep "
            "polygons and points in a file of their own."
        )


def _ground(shape: BaseGeometry) -> BaseGeometry | None:
    """The polygons and points of what was mended; the lines that are left of a collapsed part are dropped."""
    parts = shapely.get_parts(shape)
    kept = parts[np.isin(shapely.get_type_id(parts), [POINT, POLYGON, MULTIPOLYGON])]
    if not kept.size:
        return None
    return kept[0] if kept.size == 1 else shapely.union_all(kept)


def _has_ground(shapes: Shapes) -> NDArray[np.bool_]:
    """Whether there is an area, or a point."""
    inner, owner = shapely.get_parts(shapes, return_index=True)
    counts = np.zeros(len(shapes), dtype=bool)
    counts[owner[(shapely.area(inner) > 0) | (shapely.get_dimensions(inner) == 0)]] = True
    return counts
