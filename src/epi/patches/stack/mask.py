"""From an inventory to a mask: which pixels of a product slid."""

from typing import NamedTuple

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.features import rasterize
from rasterio.transform import Affine
from scipy.spatial import KDTree
from shapely.geometry.base import BaseGeometry

from epi.catalogue.inventories import Inventory
from epi.catalogue.inventories.shapes import areas_and_points
from epi.errors import InventoryError, NoGeoreference, ParameterError, ProductError
from epi.insar.contract import DIMENSIONS, crs_of, geometry_of
from epi.insar.frame import WGS84, LocalFrame, equidistant, local_frame

AT_ONCE = 500_000
"""Pixels of a radar grid that are held as points at a time, some 100 MB."""

RIM_STEPS = 32
"""Places along each side of a scene's outline."""

Ids = NDArray[np.int32]
Shapes = NDArray[np.object_]
Places = NDArray[np.float64]


class Shown(NamedTuple):
    """The landslides that a scene shows, on a plane about its middle."""

    origin: tuple[float, float]
    polygons: Shapes
    polygon_owner: NDArray[np.intp]
    points: Shapes
    point_owner: NDArray[np.intp]
    inside: int
    outside: int


def landslide_mask(product: xr.Dataset, inventory: Inventory, *, all_touched: bool = False) -> xr.DataArray:
    """Burn the landslides of an inventory onto a product's grid.

    A pixel slid where its centre lies in an outline, so that areas are kept on average; a landslide that holds no
    centre of a pixel is lost, and counted. A point with a radius is a disk of ground; without one it is the pixel it
    lies in.

    Parameters
    ----------
    product : on a map with a georeference, or on a radar's grid.
    inventory : in any reference system; its corners are transformed, and joined by straight lines of the map.
    all_touched : whether every pixel that an outline touches slid; this keeps small landslides and makes all of them
        larger, by half a pixel around. On a map only.

    Returns
    -------
    Bool, with the product's dimensions and coordinates. Attributes: ``inventory``, the file; ``landslides`` in the
    scene; ``outside``, how many are not; ``below_a_pixel``, how many of those in the scene got no pixel.

    Raises
    ------
    InventoryError : every landslide lies outside the scene, or is too small for the grid.
    NoGeoreference : the product has only local coordinates.
    ProductError : a table of points. ParameterError : ``all_touched`` on a radar's grid.
    """
    geometry = geometry_of(product)
    if geometry == "points":
        raise ProductError("Landslides were to be burned into a table of points: give a product on a grid.")
    if geometry == "radar" and all_touched:
        raise ParameterError(
            "all_touched needs a grid of pixels with edges: geocode the product to a map, or leave it."
        )
    crs = crs_of(product)
    if geometry == "radar":
        frame = local_frame(product)
        shown = _shown(inventory, *_radar_outline(frame))
        ids = _on_radar(frame, shown)
    elif crs is None:
        raise NoGeoreference(
            "The product has only local coordinates, so an inventory cannot be placed in it: give the mask itself."
        )
    else:
        grid = _transform(product)
        shown = _shown(inventory, *_map_outline(product, grid, crs))
        ids = _on_map((product.sizes["y"], product.sizes["x"]), grid, crs, shown, all_touched)
    lost = shown.inside - np.unique(ids[ids > 0]).size
    if lost == shown.inside:
        raise InventoryError(
            f"The {shown.inside} landslides of {inventory.source} in the scene hold no centre of a pixel: take a finer "
            "grid, or all_touched=True."
        )
    facts = {"inventory": inventory.source, "landslides": shown.inside, "outside": shown.outside, "below_a_pixel": lost}
    attrs = {"units": "1", "long_name": "true where the ground slid"} | facts
    like = {name: product.coords[name] for name in ("x", "y", "spatial_ref") if name in product.coords}
    return xr.DataArray(ids > 0, coords=like, dims=DIMENSIONS[geometry], attrs=attrs, name="landslide")


def _shown(inventory: Inventory, outline: BaseGeometry, origin: tuple[float, float]) -> Shown:
    """Bring the landslides to the plane about a scene's middle, and keep those that touch its outline (m)."""
    plane = equidistant(origin)
    flat = np.asarray(inventory.landslides.geometry.to_crs(plane).to_numpy())
    there = np.isfinite(shapely.bounds(flat)).all(axis=1)
    away = np.full(len(flat), np.inf)
    away[there] = shapely.distance(flat[there], outline)
    inside = away <= (inventory.radius_m or 0.0)
    if not inside.any():
        raise InventoryError(
            f"{inventory.source} lies outside the scene about {origin[0]:.2f} N {origin[1]:.2f} E: its nearest "
            f"landslide is {away.min() / 1e3:.0f} km away{_exchanged(inventory, outline, plane)}. Choose the inventory "
            "of this event, or check its reference system."
        )
    polygons, polygon_owner, points, point_owner = areas_and_points(flat[inside])
    if inventory.radius_m is not None:
        polygons = np.concatenate([polygons, shapely.buffer(points, inventory.radius_m, quad_segs=16)])
        polygon_owner = np.concatenate([polygon_owner, point_owner])
        points, point_owner = points[:0], point_owner[:0]
    largest_first = np.argsort(-shapely.area(polygons), kind="stable")  # the small ones are not burned over
    outside = len(flat) - int(inside.sum())
    return Shown(
        origin,
        polygons[largest_first],
        polygon_owner[largest_first],
        points,
        point_owner,
        int(inside.sum()),
        outside,
    )


def _exchanged(inventory: Inventory, outline: BaseGeometry, plane: CRS) -> str:
    """Say so where latitude and longitude look exchanged."""
    shapes = inventory.landslides.geometry
    if not shapes.crs.is_geographic or np.abs(shapes.total_bounds).max() > 90:
        return ""
    turned = shapely.transform(shapes.to_numpy(), lambda place: place[:, ::-1])
    placed = type(shapes)(turned, crs=shapes.crs).to_crs(plane).to_numpy()
    there = np.isfinite(shapely.bounds(placed)).all(axis=1)
    inside = shapely.intersects(placed[there], outline).any()
    return ", but it would lie in it with latitude and longitude exchanged" if inside else ""


def _on_map(shape: tuple[int, int], grid: Affine, crs: CRS, shown: Shown, all_touched: bool) -> Ids:
    """Number, from 1, of the landslide in every pixel of a map; 0 where there is none."""
    middle = (grid @ (shape[1] / 2, 0))[0]
    to_map = Transformer.from_crs(equidistant(shown.origin), crs, always_xy=True)

    def placed(corners: Places) -> Places:
        x, y = to_map.transform(corners[:, 0], corners[:, 1])
        if crs.is_geographic:  # on the scene's own turn of longitude
            x = middle + (x - middle + 180) % 360 - 180
        return np.column_stack([x, y])

    ids = np.zeros(shape, dtype=np.int32)
    if shown.polygons.size:
        burned = zip(shapely.transform(shown.polygons, placed), shown.polygon_owner + 1, strict=True)
        rasterize(burned, out=ids, transform=grid, all_touched=all_touched)
    if shown.points.size:
        column, row = ~grid @ tuple(placed(shapely.get_coordinates(shown.points)).T)
        row, column = np.floor(row).astype(int), np.floor(column).astype(int)
        here = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
        ids[row[here], column[here]] = shown.point_owner[here] + 1
    return ids


def _on_radar(frame: LocalFrame, shown: Shown) -> Ids:
    """Number, from 1, of the landslide in every cell of a radar's grid, by the place of its centre."""
    ids = np.zeros(frame.east_km.size, dtype=np.int32)
    east, north = frame.east_km.ravel() * 1e3, frame.north_km.ravel() * 1e3
    if shown.polygons.size:
        left, low, right, high = shapely.total_bounds(shown.polygons)
        near = np.flatnonzero((east >= left) & (east <= right) & (north >= low) & (north <= high))
        for part in np.array_split(near, max(1, -(-near.size // AT_ONCE))):
            tree = shapely.STRtree(shapely.points(east[part], north[part]))
            which, inside = tree.query(shown.polygons, predicate="intersects")
            order = np.argsort(which, kind="stable")
            ids[part[inside[order]]] = shown.polygon_owner[which[order]] + 1
    if shown.points.size:
        known = np.flatnonzero(np.isfinite(east) & np.isfinite(north))
        away, nearest = KDTree(np.column_stack([east[known], north[known]])).query(
            shapely.get_coordinates(shown.points)
        )
        here = away <= 0.75 * np.hypot(*_steps(frame))  # half a diagonal, and some for a slope that stretches a cell
        ids[known[nearest[here]]] = shown.point_owner[here] + 1
    return ids.reshape(frame.east_km.shape)


def _steps(frame: LocalFrame) -> tuple[float, float]:
    """Ground distance from one row to the next and from one column to the next, m; the median."""
    along, across = (np.hypot(np.diff(frame.east_km, axis=axis), np.diff(frame.north_km, axis=axis)) for axis in (0, 1))
    return float(np.nanmedian(along)) * 1e3, float(np.nanmedian(across)) * 1e3


def _transform(product: xr.Dataset) -> Affine:
    """From column and row, counted from the outer corner of the first pixel, to x and y."""
    x, y = product["x"].to_numpy(), product["y"].to_numpy()
    if min(x.size, y.size) < 2:
        raise ProductError(
            f"A product of {y.size} x {x.size} pixels has no spacing: give at least two rows and columns."
        )
    right, down = (x[-1] - x[0]) / (x.size - 1), (y[-1] - y[0]) / (y.size - 1)
    return Affine(right, 0, x[0] - right / 2, 0, down, y[0] - down / 2)


def _map_outline(product: xr.Dataset, grid: Affine, crs: CRS) -> tuple[BaseGeometry, tuple[float, float]]:
    """Outline of a map (m) on the plane about its middle, and latitude and longitude of that."""
    rows, columns = product.sizes["y"], product.sizes["x"]
    to_earth = Transformer.from_crs(crs, WGS84, always_xy=True)
    longitude, latitude = to_earth.transform(*(grid @ (columns / 2, rows / 2)))
    origin = (float(latitude), float((longitude + 180) % 360 - 180))
    along = np.linspace(0, 1, RIM_STEPS + 1)[:-1]
    column = np.concatenate([along, np.ones_like(along), 1 - along, np.zeros_like(along)]) * columns
    row = np.concatenate([np.zeros_like(along), along, np.ones_like(along), 1 - along]) * rows
    rim = to_earth.transform(*(grid @ (column, row)))
    east, north = Transformer.from_crs(WGS84, equidistant(origin), always_xy=True).transform(*rim)
    return shapely.make_valid(shapely.polygons(np.column_stack([east, north]))), origin


def _radar_outline(frame: LocalFrame) -> tuple[BaseGeometry, tuple[float, float]]:
    """Convex outline of a radar's grid (m) on the plane about its middle, and latitude and longitude of that."""
    known = np.isfinite(frame.east_km) & np.isfinite(frame.north_km)
    if frame.origin is None or not known.any():
        raise NoGeoreference("No sample of the product has a latitude and longitude: an inventory cannot be placed.")
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    by_row, by_column = known[rows], known.T[columns]
    ends = [  # the first and the last known sample of every row and of every column
        (rows, by_row.argmax(axis=1)),
        (rows, known.shape[1] - 1 - by_row[:, ::-1].argmax(axis=1)),
        (by_column.argmax(axis=1), columns),
        (known.shape[0] - 1 - by_column[:, ::-1].argmax(axis=1), columns),
    ]
    at = tuple(np.concatenate(side) for side in zip(*ends, strict=True))
    places = np.column_stack([frame.east_km[at], frame.north_km[at]]) * 1e3
    return shapely.convex_hull(shapely.multipoints(places)), frame.origin
