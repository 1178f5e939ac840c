"""Where the samples of a SNAP product lie, how high, and how the radar saw them."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
from pyproj import Geod

from epi.errors import NoGeoreference
from epi.insar.contract import SENTINEL1_HEADING_DEG
from epi.insar.engines.snap_files import metadata as meta
from epi.insar.engines.snap_files.file import WGS84, Floats, MapGrid, SnapFile
from epi.insar.engines.snap_files.names import names_of
from epi.insar.product import look_vector

DESCRIBED = {
    "latitude": r"orthorectifiedLat|latitude|lat$",
    "longitude": r"orthorectifiedLon|longitude|lon$",
    "elevation": r"elevation(?!_angle)",
    "incidence_angle": r"incidenceAngleFromEllipsoid|incident_angle",
    "local_incidence_angle": r"localIncidenceAngle",
    "layover_shadow": r"layoverShadowMask|layover_shadow",
}
HIGHEST = 9e3  # m: SNAP's elevation models mark holes by -32768, -9999 or less


def described_by(files: list[SnapFile]) -> dict[str, Any]:
    """Return places, heights and angles: from bands where there are, else from tie-point grids."""
    found = {
        name: array for name, begin in DESCRIBED.items() if (array := _description(files, name, begin)) is not None
    }
    if {"latitude", "longitude"} <= set(found):
        nowhere = (found["latitude"] == 0) & (found["longitude"] == 0)
        found |= {name: np.where(nowhere, np.nan, found[name]) for name in ("latitude", "longitude")}
    elif files[0].grid is None:
        raise NoGeoreference(
            f"{files[0].name} has no latitude and longitude, as bands or tie points: write it with its tie-point "
            f"grids, or run Interferogram with outputLatLon. Its bands are {', '.join(files[0].bands)}."
        )
    for name in ("incidence_angle", "local_incidence_angle"):
        if name in found:
            found[name] = np.where(found[name] == 0, np.nan, found[name])
    if "elevation" in found:  # HDF5 does not say which value stands for none
        found["elevation"] = np.where(np.abs(found["elevation"]) > HIGHEST, np.nan, found["elevation"])
    if "layover_shadow" in found:
        found["layover_shadow"] = np.nan_to_num(found["layover_shadow"]) != 0
    return found


def _description(files: list[SnapFile], variable: str, begin: str) -> Floats | None:
    """Return one description of the scene at every pixel, or None."""
    for part in begin.split("|"):
        for file in files:
            if names := names_of(file, part):
                array = file.bands[names[0]]()
                if array.shape == file.shape:
                    return array
    for file in files:
        looks = [meta.number(file.metadata, f"{axis}_looks") or 1.0 for axis in ("azimuth", "range")]
        for name, grid in file.grids.items():
            if re.match(begin, name):
                return grid.at(file.shape, (looks[0], looks[1]), degrees=variable == "longitude")
    return None


def with_map(file: SnapFile) -> SnapFile:
    """Give a terrain-corrected product, whose layout keeps no map grid, the one its latitudes and longitudes make."""
    grid = None
    if (names := [names_of(file, start) for start in (r"latitude|lat$", r"longitude|lon$")]) and all(names):
        y, x = (_axis(file.bands[found[0]](), axis) for axis, found in enumerate(names))
        grid = MapGrid(WGS84, x, y) if x is not None and y is not None else None
    if grid is None:
        raise NoGeoreference(
            f"{file.name} is terrain-corrected, but {file.layout} does not keep its map grid: write BEAM-DIMAP or "
            "ZNAP, or run Terrain-Correction in WGS84 degrees with saveLatLon."
        )
    return replace(file, grid=grid)


def _axis(values: Floats, axis: int) -> Floats | None:
    """Return the evenly spaced coordinate along an axis, or None where the values are no straight grid."""
    known = np.where(values == 0, np.nan, values.astype(float))
    here = np.isfinite(known).any(axis=1 - axis)
    if here.sum() < 2:
        return None
    line = np.nanmedian(known.compress(here, axis=axis), axis=1 - axis)
    step, start = np.polyfit(np.flatnonzero(here), line, 1)
    fitted: Floats = start + step * np.arange(values.shape[axis])
    along = fitted[:, None] if axis == 0 else fitted[None, :]
    return fitted if np.nanmax(np.abs(known - along)) < 0.5 * abs(step) else None


def look_by(file: SnapFile, described: dict[str, Any]) -> tuple[dict[str, Floats], float | None]:
    """Return look vectors from the incidence angle and the heading (degrees), and that heading."""
    heading = _heading(file, described)
    if "incidence_angle" not in described or heading is None:
        return {}, heading
    east, north, up = look_vector(described["incidence_angle"], heading)
    return {"look_east": east, "look_north": north, "look_up": up}, heading


def _heading(file: SnapFile, described: dict[str, Any]) -> float | None:
    """Return the direction in which the lines follow each other on the ground, or what the metadata say of it."""
    held = {name: file.grids[name].values for name in ("latitude", "longitude") if name in file.grids}
    latitude, longitude = ((held if len(held) == 2 else described).get(name) for name in ("latitude", "longitude"))
    if file.grid is None and latitude is not None and longitude is not None and len(latitude) > 1:
        middle = latitude.shape[1] // 2
        ends = ((float(longitude[row, middle]), float(latitude[row, middle])) for row in (0, -1))
        azimuth = float(Geod(ellps="WGS84").inv(*next(ends), *next(ends))[0])
        if np.isfinite(azimuth):
            return azimuth
    stated = meta.number(file.metadata, "centre_heading")
    nominal = SENTINEL1_HEADING_DEG.get(str(meta.fact(file.metadata, "PASS")).lower())
    return (stated + 180) % 360 - 180 if stated is not None else nominal
