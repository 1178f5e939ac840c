"""Small scenes whose interferogram, places and epicentre are known, for the tests of patches."""

import numpy as np
import xarray as xr

from epi.insar import product
from epi.insar.frame import LocalFrame, equidistant

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


def radar_scene(
    shape: tuple[int, int] = (60, 80),
    *,
    looks: tuple[float, float] = (10, 25),
    flight: str = "ascending",
    origin=ORIGIN,
    stated: bool = True,
) -> xr.Dataset:
    """A subswath in radar geometry, 14 m along and 4 m across a full-resolution pixel, on a satellite's heading.

    Coherence counts the pixels from 0.1 (first) to 0.9 (last) in the radar's own order; the phase is a plane.
    """
    heading = np.deg2rad(-13.0 if flight == "ascending" else -167.0)
    along = ((np.arange(shape[0]) - (shape[0] - 1) / 2) * 14 * looks[0])[:, None]
    across = ((np.arange(shape[1]) - (shape[1] - 1) / 2) * 4 * looks[1])[None, :]
    east = along * np.sin(heading) + across * np.cos(heading)
    north = along * np.cos(heading) - across * np.sin(heading)
    frame = LocalFrame(east / 1e3, north / 1e3, origin)
    latitude, longitude = frame.to_geographic(frame.east_km, frame.north_km)
    phase = 2 * np.pi * (0.02 * frame.east_km + 0.01 * frame.north_km)
    coherence = 0.1 + 0.8 * np.arange(phase.size).reshape(shape) / (phase.size - 1)
    facts = {"azimuth_looks": looks[0], "range_looks": looks[1]} if stated else {}
    return product.build(
        {
            "i": coherence * np.cos(phase),
            "q": coherence * np.sin(phase),
            "coherence": coherence,
            **{"latitude": latitude, "longitude": longitude},
            **dict(zip(product.LOOK, product.look_vector(39.0, np.rad2deg(heading)), strict=True)),
        },
        geometry="radar",
        attrs={
            "wavelength": product.SENTINEL1_WAVELENGTH_M,
            "subswath": "IW1",
            "event_id": "20210303-thessaly",
            **facts,
        },
    )
