"""A table of points as a grid, for what looks at pictures and not at points."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import Delaunay, QhullError

from epi.errors import EmptyScene, ParameterError
from epi.insar.contract import LOOK, geometry_of
from epi.insar.frame import equidistant, local_frame
from epi.insar.product import build

LONGEST_KM = 25.0
"""The longest side of a triangle of points that is still filled: half the width of what a network looks at."""
MOST_NODES = 4_000_000
"""Nodes of a grid that is still made: 800 km a side at 400 m."""

Floats = NDArray[np.float64]


def grid_of_points(points: xr.Dataset, *, spacing_km: float = 0.4, longest_km: float = LONGEST_KM) -> xr.Dataset:
    """Interpolate the displacement of a table of points linearly between them, onto a square grid.

    Tables are thinned where the displacement is smooth, so a straight line between neighbours is close to what was left
    out, but for the noise, and but for the places where the ground broke.

    Parameters
    ----------
    points : a product of points with ``los_displacement`` and look vectors.
    spacing_km : between the nodes.
    longest_km : a triangle of neighbouring points with a longer side is left without data.

    Returns
    -------
    A product on a map about the same origin (`epi.insar.frame.local_frame`), or in the same local metres, with
    ``los_displacement`` (m) and look vectors, NaN outside the triangles; the attribute ``interpolated_points`` counts
    the points.

    Raises
    ------
    ParameterError : a product that is no table of points, a spacing that is not positive, or more nodes than make
        sense.
    EmptyScene : no three points near each other.
    """
    if geometry_of(points) != "points":
        raise ParameterError(f"A product in {geometry_of(points)} geometry was given: only points are interpolated.")
    if not (spacing_km > 0 and longest_km > 0):
        raise ParameterError(f"Nodes {spacing_km:g} km apart, sides up to {longest_km:g} km: give more than 0.")
    frame = local_frame(points)
    places = np.stack([frame.east_km, frame.north_km], axis=1)
    try:
        mesh = Delaunay(places)
    except (QhullError, ValueError) as error:
        raise EmptyScene(f"{len(places)} point(s) span no area: nothing can be interpolated between them.") from error
    lines = _lines(places, spacing_km, centred=frame.origin is not None)
    if lines[0].size * lines[1].size > MOST_NODES:
        raise ParameterError(
            f"The points span {np.ptp(places, axis=0).max():.0f} km, too much for nodes {spacing_km:g} km apart: "
            "leave out what is far from the earthquake."
        )
    names = ("los_displacement", *LOOK)
    values = np.stack([points[name].to_numpy() for name in names], axis=1)
    east, north = np.meshgrid(*lines)
    filled = LinearNDInterpolator(mesh, values)(east, north)
    filled[~_near(mesh, east, north, longest_km)] = np.nan
    if not np.isfinite(filled).any():
        raise EmptyScene(f"No three neighbouring points lie within {longest_km:g} km of each other: the table is thin.")
    fields = dict(zip(names, np.moveaxis(filled, 2, 0), strict=True))
    length = np.sqrt(sum(np.square(fields[name]) for name in LOOK))  # a mean of unit vectors is a little shorter
    fields |= {name: fields[name] / length for name in LOOK}
    return build(
        {**fields, "valid": np.isfinite(fields["los_displacement"])},
        x=1000 * lines[0],
        y=1000 * lines[1],
        crs=equidistant(frame.origin) if frame.origin else None,
        attrs={**points.attrs, "interpolated_points": len(places)},
    )


def _lines(places: Floats, spacing_km: float, *, centred: bool) -> list[Floats]:
    """Nodes east and north that cover the points; on both sides of the origin alike where that is their middle."""
    low, high = places.min(0), places.max(0)
    if centred:
        high = np.maximum(np.abs(low), np.abs(high))
        low = -high
    counts = np.ceil((high - low) / spacing_km).astype(int) + 1
    middles = (low + high) / 2
    return [at + (np.arange(n) - (n - 1) / 2) * spacing_km for at, n in zip(middles, counts, strict=True)]


def _near(mesh: Delaunay, east: Floats, north: Floats, longest_km: float) -> NDArray[np.bool_]:
    """Which nodes lie in a triangle whose sides are short enough."""
    corners = mesh.points[mesh.simplices]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    triangle = mesh.find_simplex(np.stack([east, north], axis=-1))
    return np.asarray((triangle >= 0) & (sides[triangle] <= longest_km))
