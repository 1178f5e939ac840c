"""From a vector file to an inventory: placed, dated, mended, and counted."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from epi.catalogue.inventories.dates import Date, dates_in, select_dates
from epi.catalogue.inventories.files import read_features
from epi.catalogue.inventories.inventory import Inventory, Report
from epi.catalogue.inventories.shapes import holes, kinds, repeated, sound
from epi.errors import InventoryError, NoGeoreference, ParameterError

if TYPE_CHECKING:
    import geopandas as gpd


def read_inventory(
    path: str | Path,
    *,
    layer: str | None = None,
    crs: str | int | CRS | None = None,
    dates: tuple[Date, Date] | None = None,
    date_column: str | None = None,
    date_format: str | None = None,
    radius_m: float | None = None,
) -> Inventory:
    """Read landslides from a shapefile, KML, KMZ, GeoJSON or GeoPackage.

    Parameters
    ----------
    path : the file, or a ``.zip`` that holds one; a shapefile is its ``.shp``.
    layer : layer, folder or file in the zip, where there are several; the folders of a KML are read together.
    crs : reference system of a file that states none, such as ``"EPSG:32647"``; anything pyproj understands.
    dates : days of the reference and of the secondary image: only what slid between them is kept (`select_dates`).
    date_column : that says when a landslide slid; default a column of a common name, such as ``event_date`` or
        ``date``, in any case.
    date_format : of its dates, as for ``strptime``, where they are not written year first or with the month's name.
    radius_m : radius of the disk of ground that a point stands for, m. Without it a point is the one pixel it lies in.

    Returns
    -------
    Valid outlines and points in the file's own reference system; ``report`` counts what was mended and left out.

    Raises
    ------
    FileFormatError : no such file, another format, or damaged.
    NoGeoreference : no reference system, or coordinates that do not belong to the one stated.
    InventoryError : no landslide in it, a line among them, or all of another date.
    ParameterError : a layer or a column that is not there, or a radius that is not above 0.
    """
    frame, closed = read_features(path, layer=layer)
    made = inventory_of(
        frame,
        source=Path(path).name,
        crs=crs,
        date_column=date_column,
        date_format=date_format,
        radius_m=radius_m,
        closed=closed,
    )
    return made if dates is None else select_dates(made, *dates)


def inventory_of(
    frame: "gpd.GeoDataFrame",
    *,
    source: str = "the frame",
    crs: str | int | CRS | None = None,
    date_column: str | None = None,
    date_format: str | None = None,
    radius_m: float | None = None,
    closed: NDArray[np.bool_] | None = None,
) -> Inventory:
    """Make an inventory of a geopandas frame, as `read_inventory` does of a file.

    Parameters
    ----------
    frame : one row a landslide.
    source : its name, for messages.
    crs, date_column, date_format, radius_m : as for `read_inventory`.
    closed : which of its rows had rings that were closed when they were read, counted as mended; default none.
    """
    if radius_m is not None and not 0 < radius_m < np.inf:
        raise ParameterError(f"A radius of {radius_m:g} m for the points of {source}: give metres above 0.")
    if frame.empty:
        raise InventoryError(f"{source} is empty: it has no feature. Choose the inventory of the event.")
    frame = frame.reset_index(drop=True)
    open_before = np.zeros(len(frame), dtype=bool) if closed is None else closed
    shapes, counts = sound(frame.geometry.to_numpy(), open_before, source)
    date = dates_in(frame.drop(columns=frame.geometry.name), column=date_column, form=date_format, source=source)
    there = ~shapely.is_missing(shapes)
    if not there.any():
        raise InventoryError(
            f"{source} is empty: none of its {len(frame)} features has ground. It may be truncated; get it again."
        )
    twice = np.zeros(len(frame), dtype=bool)
    twice[there] = repeated(shapes[there], date[there])
    kept = there & ~twice
    system = _system(frame.crs, crs, shapes[kept], source)
    import geopandas as gpd

    landslides = gpd.GeoDataFrame({"date": date[kept]}, geometry=shapes[kept], crs=system, index=frame.index[kept])
    polygons, points = kinds(shapes[kept])
    report = Report(
        read=len(frame),
        polygons=polygons,
        points=points,
        duplicates=int(twice.sum()),
        holes=holes(shapes[kept]),
        dated=int(landslides["date"].notna().sum()),
        **counts,
    )
    return Inventory(landslides, source, report, radius_m)


def _system(stated: CRS | None, given: str | int | CRS | None, shapes: NDArray[np.object_], source: str) -> CRS:
    """Return the reference system the coordinates are in: the file's own, or the one given where it states none."""
    try:
        said = None if given is None else CRS.from_user_input(given)
    except CRSError as error:
        raise ParameterError(f"{given!r} is no reference system: give one like EPSG:32647.") from error
    system = stated if stated is not None else said
    if system is None:
        raise NoGeoreference(
            f"{source} states no coordinate reference system (a shapefile without its .prj): give crs, such as "
            "EPSG:4326."
        )
    if said is not None and not said.equals(system, ignore_axis_order=True):
        if _fits(system, shapes):
            raise ParameterError(f"{source} states {system.name}, and crs says {said.name}: leave crs out.")
        system = said  # GeoJSON without a system is taken to be in degrees, and this is not
    if not _fits(system, shapes):
        raise NoGeoreference(
            f"{source} is in {system.name}, but its coordinates reach {np.abs(shapely.total_bounds(shapes)).max():g}, "
            "which is no degree: give the system they are in as crs, or exchange latitude and longitude."
        )
    return system


def _fits(system: CRS, shapes: NDArray[np.object_]) -> bool:
    """Whether coordinates can be degrees, where the system has degrees."""
    west, south, east, north = shapely.total_bounds(shapes)
    return not system.is_geographic or bool(max(-south, north) <= 90 and max(-west, east) <= 360)
