"""The inventory a person would draw of an event: incomplete, a little off, smoother than the ground."""

import geopandas as gpd
import numpy as np
import xarray as xr
from rasterio import Affine, features
from shapely import MultiPolygon, Polygon, affinity
from shapely.geometry import shape as to_shape

from epi.errors import ParameterError
from epi.insar.product import crs_of
from epi.simulate.landslides.mixture import Mapping

STREAM = 90  # makes the mapper's random numbers his own


def mapped_inventory(made: xr.Dataset, mapping: Mapping | None = None) -> gpd.GeoDataFrame:
    """Draw the inventory of a simulated event as a person would.

    Small slides are missed more often than large ones, neighbours are drawn as one, outlines are generalised, and the
    whole inventory and each of its polygons are shifted against the images.

    Parameters
    ----------
    made : product of `simulate_landslide_event`.
    mapping : how well it is drawn; default `Mapping()`.

    Returns
    -------
    Polygons in the product's coordinate system, with ``event``, ``region``, ``date`` (of the trigger) and ``area_m2``;
    the same for the same product. It may be empty.

    Raises
    ------
    ParameterError : the product is not one of a simulated event.
    """
    if "slide" not in made or "stream" not in made.attrs:
        raise ParameterError("The product holds no slide numbers: give one of simulate_landslide_event.")
    how = mapping or Mapping()
    rng = np.random.default_rng([made.attrs["seed"], made.attrs["number"], made.attrs["stream"], STREAM])
    pixel = float(made["x"][1] - made["x"][0])
    off = rng.uniform(-1, 1, 2) * how.shift_px * pixel
    drawn = []
    for outline in _outlines(made, pixel):
        size = outline.area / pixel**2
        noticed, (east, north) = rng.random(), rng.normal(0, how.scatter_px * pixel, 2)
        if noticed >= how.missed * np.exp(-size / how.missed_px):
            drawn.append(affinity.translate(outline, off[0] + east, off[1] + north))
    table = gpd.GeoDataFrame(geometry=drawn, crs=crs_of(made))
    if how.bridge_m and len(table):
        joined = table.buffer(how.bridge_m).union_all().buffer(-how.bridge_m)
        table = gpd.GeoDataFrame(geometry=[joined], crs=table.crs).explode(ignore_index=True)
    if how.generalise_m:
        table["geometry"] = table.geometry.simplify(how.generalise_m).buffer(0)
    table = table[~table.geometry.is_empty & (table.area >= how.least_m2 * 0.999)].reset_index(drop=True)
    facts = {name: made.attrs[name] for name in ("event", "region")} | {"date": made.attrs["event_time"][:10]}
    return table.assign(**facts, area_m2=table.area)


def _outlines(made: xr.Dataset, pixel: float) -> list[Polygon | MultiPolygon]:
    """True outlines on the grid, one a slide and connected piece."""
    number = made["slide"].to_numpy()
    place = Affine(pixel, 0, float(made["x"][0]) - pixel / 2, 0, -pixel, float(made["y"][0]) + pixel / 2)
    found = features.shapes(number, mask=number > 0, connectivity=8, transform=place)
    return [to_shape(outline).buffer(0) for outline, _ in found]
