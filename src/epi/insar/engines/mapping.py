"""Averaged bursts of all subswaths brought to one map, and the map made a product.

One field of a whole scene is 0.1 GB at 50 m (three subswaths of nine bursts, 250 x 190 km) and a product has fifteen:
they are made once, handed on, and never held twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.insar import product
from epi.insar.filters import goldstein
from epi.insar.geometry.dem import Bounds, Dem, continuous
from epi.insar.geometry.geocode import MapGrid, map_around, resample_to_map, view
from epi.insar.geometry.mosaic import Mosaic, part_of
from epi.insar.geometry.terrain import WaterMask, layover_shadow, local_incidence_angle
from epi.insar.geometry.zero_doppler import burst_bounds, incidence_angle, look_vectors
from epi.insar.slc.matching import BurstPair
from epi.insar.topsar.bursts import LookedBurst


def scene_bounds(pairs: Sequence[BurstPair], *, heights: tuple[float, float] = (-500.0, 9000.0)) -> Bounds:
    """Return west, south, east, north of all bursts; east passes 180 where they lie across the antimeridian.

    Parameters
    ----------
    pairs : bursts of any subswaths.
    heights : lowest and highest ground there may be, m above the ellipsoid.
    """
    each = np.array([burst_bounds(pair.reference, pair.reference_burst, heights=heights) for pair in pairs])
    each[:, [0, 2]] += 360 * np.round((each[0, 0] - each[:, :1]) / 360)
    west, south = each[:, :2].min(axis=0)
    east, north = each[:, 2:].max(axis=0)
    return continuous((float(west), float(south), float(east), float(north)))


def scene_map(pairs: Sequence[BurstPair], dem: Dem, *, spacing_m: float) -> MapGrid:
    """Return the map that holds every burst, wherever its ground lies between the terrain's lowest and highest.

    Parameters
    ----------
    pairs : bursts of any subswaths.
    dem : heights of the ground.
    spacing_m : side of a pixel.
    """
    west, south, east, north = scene_bounds(pairs, heights=dem.extremes())
    along = np.linspace(0.0, 1.0, 9)
    latitude, longitude = np.meshgrid(south + along * (north - south), west + along * (east - west))
    return map_around(latitude, longitude, spacing_m=spacing_m)


def put(mosaic: Mosaic, looked: LookedBurst, dem: Dem, *, water: WaterMask | None = None) -> None:
    """Bring one burst to the map, with how its ground is seen.

    Parameters
    ----------
    mosaic : the map so far; changed.
    looked : the burst.
    dem : heights of the ground.
    water : where there is water, if that is known.
    """
    grid = looked.grid
    part = part_of(mosaic.area, looked.latitude, looked.longitude)
    window = MapGrid(mosaic.area.x[part[1]], mosaic.area.y[part[0]], mosaic.area.crs)
    seen = view(grid, window, dem)
    layover, shadow = layover_shadow(grid.arc, grid.seconds(), grid.slant_ranges(), dem)
    fields = resample_to_map(looked.fields() | {"layover_shadow": (layover | shadow).astype(np.float32)}, seen)
    seconds = grid.first_second + grid.second_step * seen.row
    look = look_vectors(grid.arc, seconds, seen.points)
    latitude, longitude = window.geographic()
    angles = {
        "incidence_angle": incidence_angle(grid.arc, seconds, seen.points),
        "local_incidence_angle": local_incidence_angle(dem, latitude, longitude, look),
        "elevation": seen.height,
    } | dict(zip(product.LOOK, look, strict=True))
    fields |= {name: values.astype(np.float32) for name, values in angles.items()}
    fields["layover_shadow"] = fields["layover_shadow"] > 0.5
    if water is not None:
        fields["water"] = water.sample(latitude, longitude)
    mosaic.add(fields, seen, part, grid.shape)


def map_product(mosaic: Mosaic, *, alpha: float, attrs: Mapping[str, Any]) -> xr.Dataset:
    """Turn a map of bursts into a product with filtered fringes.

    Parameters
    ----------
    mosaic : the map; its fields go over to the product.
    alpha : exponent of the filter of the fringes, 0 (none) to 1.
    attrs : what was done.
    """
    area, fields = mosaic.trimmed()
    split_fringes(fields, alpha=alpha)
    return product.build(fields, x=area.x, y=area.y, crs=area.crs, attrs=attrs, copy=False)


def split_fringes(fields: dict[str, NDArray[Any]], *, alpha: float) -> None:
    """Put a product's variables in place of the complex ``interferogram``: ``i``, ``q``, filtered ``phase``, ``valid``.

    Parameters
    ----------
    fields : by name; changed.
    alpha : exponent of the filter of the fringes, 0 (none) to 1.
    """
    waves = fields.pop("interferogram")
    valid = np.isfinite(waves)
    phase = np.angle(goldstein(waves, alpha=alpha) if alpha else waves)
    phase[~valid] = np.nan
    fields |= {"i": waves.real.copy(), "q": waves.imag.copy(), "phase": phase, "valid": valid}
