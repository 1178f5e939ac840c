"""Small scenes whose interferogram, places and epicentre are known, for the tests of patches."""

import numpy as np
import xarray as xr

from epi.insar import product
from epi.insar.frame import equidistant

ORIGIN = (39.75, 22.18)


def plane_scene(pixels: int = 60, spacing_m: float = 500.0, *, origin=ORIGIN, turns_a_km: float = 0.05, **changes):
    """A map scene whose phase is a plane rising to the east, `turns_a_km` cycles a km; coherence 0.8, no holes."""
    place = (np.arange(pixels) - (pixels - 1) / 2) * spacing_m
    east, _ = np.meshgrid(place, place)
    phase = 2 * np.pi * turns_a_km * east / 1000
    look = product.look_vector(39.0, -13.0)
    variables = {
        "i": 0.8 * np.cos(phase),
        "q": 0.8 * np.sin(phase),
        "phase": product.wrap(phase),
        "coherence": np.full_like(phase, 0.8),
        **dict(zip(product.LOOK, look, strict=True)),
    }
    return product.build(
        variables | changes,
        x=place,
        y=place,
        crs=None if origin is None else equidistant(origin),
        attrs={"wavelength": product.SENTINEL1_WAVELENGTH_M, "event_id": "20210303-thessaly"},
    )


def geographic_scene(rows: int = 50, columns: int = 40) -> xr.Dataset:
    """A map scene in degrees, row 0 in the north, coherence counting the pixels from 0 (first) to 1 (last)."""
    longitude, latitude = 22.0 + 0.01 * np.arange(columns), 40.0 - 0.008 * np.arange(rows)
    count = np.arange(rows * columns).reshape(rows, columns) / (rows * columns - 1)
    variables = {"phase": np.zeros_like(count), "coherence": count}
    attrs = {"wavelength": product.SENTINEL1_WAVELENGTH_M}
    return product.build(variables, x=longitude, y=latitude, crs="EPSG:4326", attrs=attrs)
