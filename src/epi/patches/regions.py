"""Regions of the world: the names seismologists use, or cells of latitude and longitude."""

import numpy as np
from numpy.typing import ArrayLike

from epi.catalogue import region_names
from epi.errors import ParameterError


def regions(latitude: ArrayLike, longitude: ArrayLike, *, cell_deg: float | None = None) -> list[str]:
    """Region of each place.

    Parameters
    ----------
    latitude, longitude : degrees; longitudes of any turn.
    cell_deg : side of cells of latitude and longitude, which must part 180 degrees evenly; None takes the 757
        Flinn-Engdahl geographic regions.

    Returns
    -------
    Names such as ``Greece``, or of the south-west corner of a cell, such as ``30N020E``.

    References
    ----------
    Young et al. (1996), Phys. Earth Planet. Inter. 96(4); as implemented in ObsPy.
    """
    lat = np.atleast_1d(np.asarray(latitude, float))
    lon = (np.atleast_1d(np.asarray(longitude, float)) + 180) % 360 - 180
    if not (np.isfinite(lat).all() and np.isfinite(lon).all() and (np.abs(lat) <= 90).all()):
        raise ParameterError("A place without a latitude from -90 to 90 and a longitude has no region: leave it out.")
    if cell_deg is None:
        return region_names(lat, lon)
    if not 0 < cell_deg <= 180 or not np.isclose(180 / cell_deg, round(180 / cell_deg)):
        raise ParameterError(f"Cells of {cell_deg:g} degrees: give a side that parts 180 degrees evenly, such as 10.")
    count = round(180 / cell_deg)
    south = np.minimum(np.floor((lat + 90) / cell_deg), count - 1) * cell_deg - 90
    west = np.floor((lon + 180) / cell_deg) * cell_deg - 180
    return [_corner(y, x) for y, x in zip(south, west, strict=True)]


def _corner(south: float, west: float) -> str:
    """Name of a cell by its south-west corner."""
    return f"{abs(south):02g}{'N' if south >= 0 else 'S'}{abs(west):03g}{'E' if west >= 0 else 'W'}"
