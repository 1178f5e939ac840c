"""Whether patches lie where their product says: every corner and every centre, worked out anew and by another way."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from epi.errors import NoGeoreference, PatchStoreError, ProductError
from epi.insar.product import crs_of, geometry_of
from epi.patches.cut import frame_width
from epi.patches.patch import Patches
from epi.patches.place import CORNERS, GEOD

Floats = NDArray[np.float64]
Place = tuple[Floats, Floats]
"""Latitudes and longitudes (degrees)."""
Locate = Callable[[Floats, Floats], Place]
"""Latitude and longitude of places given in pixels, rows and columns in the product's own order."""

PLACES = {**CORNERS, "center": (0.5, 0.5)}
"""What is compared, by the share of a patch's height and width that lies before it."""


def check_places(product: xr.Dataset, patches: Patches, *, tolerance: float = 1.0) -> pd.DataFrame:
    """Compare corners and centre of every patch with the product's own latitude and longitude.

    The places are worked out again from ``row``, ``column``, ``height`` and ``width``, straight from the product's
    latitudes and longitudes (radar) or through its map projection (map), and not in the scene's own kilometres, in
    which patches are cut.

    Parameters
    ----------
    product : the one the patches were cut from, by `epi.patches.cut` or `epi.patches.cut_radar`.
    patches : of that product alone.
    tolerance : how far a place may be off, in pixels of the product.

    Returns
    -------
    How far each place is off, in pixels of the product, the larger of rows and columns: one row a patch, one column a
    place (``top_left``, …, ``center``).

    Raises
    ------
    PatchStoreError : a place is off by more than the tolerance, is missing, or lies outside the product; the first
        patches concerned are named.
    NoGeoreference : the product has only local coordinates.
    ProductError : a table of points.
    """
    locate, shape = _locator(product)
    table = patches.table
    first = {"row": _first(product, table, "row", shape[0]), "column": _first(product, table, "column", shape[1])}
    turned = _turned(locate, shape)
    pixels, metres = {}, {}
    for name, shares in PLACES.items():
        at = [
            first[start] - 0.5 + share * table[extent].to_numpy(float)
            for start, extent, share in zip(("row", "column"), ("height", "width"), shares, strict=True)
        ]
        at = [length - 1 - index if turn else index for index, length, turn in zip(at, shape, turned, strict=True)]
        stated = ("center_lat", "center_lon") if name == "center" else (f"lat_{name}", f"lon_{name}")
        pixels[name], metres[name] = _apart(locate, at[0], at[1], table[list(stated)].to_numpy(float))
    off = pd.DataFrame(pixels, index=table.index)
    worst = off.fillna(np.inf).max(axis=1)
    if (worst > tolerance).any():
        raise PatchStoreError(_what_is_off(table, off, pd.DataFrame(metres, index=table.index), tolerance))
    return off


def _locator(product: xr.Dataset) -> tuple[Locate, tuple[int, int]]:
    """How places in pixels are found in a product, and its shape."""
    if geometry_of(product) == "points":
        raise ProductError("A table of points was given, and patches are cut from a grid: give the raster they are of.")
    if geometry_of(product) == "radar":
        return _by_radar(product["latitude"].to_numpy(), product["longitude"].to_numpy())
    crs = crs_of(product)
    if crs is None:
        raise NoGeoreference(
            "The product has no latitude and longitude to compare the patches with: read the scene with a crs."
        )
    return _by_map(product["x"].to_numpy(), product["y"].to_numpy(), crs)


def _by_radar(latitude: Floats, longitude: Floats) -> tuple[Locate, tuple[int, int]]:
    """Bilinear between the latitudes and longitudes of the pixels, and half a pixel beyond."""
    known = longitude[np.isfinite(longitude)]
    if not known.size:
        raise NoGeoreference("No pixel of the product has a latitude and longitude: make it with them.")
    longitude = known[0] + (longitude - known[0] + 180) % 360 - 180  # no jump at the antimeridian
    rows, columns = latitude.shape

    def locate(row: Floats, column: Floats) -> Place:
        top = np.clip(np.floor(row), 0, rows - 2).astype(int)
        left = np.clip(np.floor(column), 0, columns - 2).astype(int)
        down, right = row - top, column - left
        found = [
            (1 - down) * ((1 - right) * grid[top, left] + right * grid[top, left + 1])
            + down * ((1 - right) * grid[top + 1, left] + right * grid[top + 1, left + 1])
            for grid in (latitude, longitude)
        ]
        return found[0], found[1]

    return locate, (rows, columns)


def _by_map(x: Floats, y: Floats, crs: CRS) -> tuple[Locate, tuple[int, int]]:
    """Straight along the axes of the map, then out of its projection."""
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    step_x, step_y = np.ptp(x) / (x.size - 1), np.ptp(y) / (y.size - 1)
    step_x, step_y = np.copysign(step_x, x[-1] - x[0]), np.copysign(step_y, y[-1] - y[0])

    def locate(row: Floats, column: Floats) -> Place:
        longitude, latitude = to_degrees.transform(x[0] + column * step_x, y[0] + row * step_y)
        return np.asarray(latitude), np.asarray(longitude)

    return locate, (y.size, x.size)


def _turned(locate: Locate, shape: tuple[int, int]) -> tuple[bool, bool]:
    """Whether rows run from south to north and columns from east to west, through the middle of the product."""
    middle = [(length - 1) / 2 for length in shape]
    steps = [_move(locate, *(np.array([float(m)]) for m in middle), axis=axis) for axis in (0, 1)]
    return bool(steps[0][1][0] > 0), bool(steps[1][0][0] < 0)


def _first(product: xr.Dataset, table: pd.DataFrame, name: str, length: int) -> Floats:
    """First row or column of every patch, counted from the product's edge; refuses what lies beyond it."""
    start = table[name].to_numpy(float)
    size = table["height" if name == "row" else "width"].to_numpy(float)
    room = np.full(size.shape, float(length))
    if geometry_of(product) == "map":  # one narrower than a patch was framed, and counts from the frame
        frames = [frame_width(length, int(wanted)) for wanted in np.nan_to_num(size)]
        start, room = start - [ends[0] for ends in frames], room + [ends[1] for ends in frames]
    outside = np.flatnonzero(~((table[name].to_numpy(float) >= 0) & (start + size <= room)))
    if outside.size:
        raise PatchStoreError(
            f"{outside.size} patch(es) reach beyond the product's {length} {name}s, first {_named(table, outside[0])} "
            f"from {name} {table[name].iloc[outside[0]]:g} over {size[outside[0]]:g}: give the product they were cut "
            "from."
        )
    return np.asarray(start)


def _move(locate: Locate, row: Floats, column: Floats, *, axis: int) -> tuple[Floats, Floats]:
    """Metres east and north from one pixel to the next along an axis."""
    here, there = locate(row, column), locate(row + (axis == 0), column + (axis == 1))
    return _east_north(here, there)


def _east_north(here: Place, there: Place) -> tuple[Floats, Floats]:
    """Metres east and north from one place to another."""
    azimuth, _, metres = GEOD.inv(here[1], here[0], there[1], there[0])
    angle = np.deg2rad(azimuth)
    return np.asarray(metres * np.sin(angle)), np.asarray(metres * np.cos(angle))


def _apart(locate: Locate, row: Floats, column: Floats, stated: Floats) -> tuple[Floats, Floats]:
    """How far stated places (latitude, longitude) are from where the product has them: in pixels, and in metres."""
    east, north = _east_north(locate(row, column), (stated[:, 0], stated[:, 1]))
    down, right = (_move(locate, row, column, axis=axis) for axis in (0, 1))
    area = down[0] * right[1] - down[1] * right[0]
    rows = (east * right[1] - north * right[0]) / area
    columns = (down[0] * north - down[1] * east) / area
    return np.maximum(np.abs(rows), np.abs(columns)), np.hypot(east, north)


def _what_is_off(table: pd.DataFrame, off: pd.DataFrame, metres: pd.DataFrame, tolerance: float) -> str:
    """Name the first patches that are off, each with its worst place."""
    worst = off.fillna(np.inf).max(axis=1).to_numpy()
    wrong = np.flatnonzero(worst > tolerance)
    said = []
    for n in wrong[:3]:
        place = off.iloc[n].fillna(np.inf).idxmax()
        far = f"{metres[place].iloc[n] / 1e3:.3f} km, {off[place].iloc[n]:.1f} pixels"
        said.append(f"{_named(table, n)} ({place}: {far if worst[n] < np.inf else 'nowhere'})")
    more = f" and {wrong.size - 3} more" if wrong.size > 3 else ""
    return (
        f"{wrong.size} of {len(table)} patches are not where the product has them, by more than {tolerance:g} "
        f"pixel(s): {', '.join(said)}{more}. Cut them again from this product, or give the product they were cut from."
    )


def _named(table: pd.DataFrame, n: int) -> str:
    """Event, subswath and name of a patch."""
    return "/".join(str(table[part].iloc[n]) for part in ("event", "subswath", "patch"))
