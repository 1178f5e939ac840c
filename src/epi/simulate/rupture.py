"""Ruptures with uneven slip: what an earthquake did, known because it was drawn."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.source.okada import magnitude_moment, moment_magnitude

SHEAR_MODULUS_PA = 30e9


@dataclass(frozen=True)
class Rupture:
    """A rectangular fault cut into cells, each with its own slip.

    Attributes
    ----------
    faults : (cells, 10) array, the columns of `epi.source.okada.displacement`: east, north, depth of the cell's centre
        (km), strike, dip (deg), length, width (km), strike slip, dip slip, opening (m).
    plane : east, north, depth (km), strike, dip (deg), length, width (km) of the whole rectangle.
    rake : direction of slip, degrees.
    """

    faults: NDArray[np.float64]
    plane: tuple[float, ...]
    rake: float
    slip: NDArray[np.float64] = field(repr=False)

    @property
    def magnitude(self) -> float:
        """Moment magnitude of all cells together."""
        area = self.faults[:, 5] * self.faults[:, 6] * 1e6
        return float(moment_magnitude(SHEAR_MODULUS_PA * float((area * self.slip).sum())))

    @property
    def centroid(self) -> tuple[float, float, float]:
        """Slip-weighted centre: east, north, depth in km. This is the location every result is scored against."""
        east, north, depth = (self.slip @ self.faults[:, :3]) / self.slip.sum()
        return float(east), float(north), float(depth)


def draw_rupture(
    *,
    magnitude: float,
    east_km: float,
    north_km: float,
    depth_km: float,
    strike: float,
    dip: float,
    rake: float,
    length_km: float,
    width_km: float,
    rng: np.random.Generator,
    cell_km: float = 1.5,
    roughness: float = 0.5,
) -> Rupture:
    """A rectangular rupture whose slip is uneven, tapers to its edges and adds up to the magnitude.

    Parameters
    ----------
    magnitude : moment magnitude.
    east_km, north_km, depth_km : centre of the rectangle, km; depth positive down.
    strike, dip, rake : degrees; dip to the right of strike, rake 0 left-lateral, 90 thrust.
    length_km, width_km : along strike and down dip, km.
    rng : source of randomness for the slip.
    cell_km : wanted size of a cell, km (at most 12 x 10 cells).
    roughness : standard deviation of the logarithm of slip between patches; 0 gives a smooth taper.

    Returns
    -------
    The rupture.

    Raises
    ------
    ParameterError : the top edge is above the ground.
    """
    top = depth_km - width_km / 2 * np.sin(np.deg2rad(dip))
    if top < 0:
        raise ParameterError(
            f"The rupture's top edge is {-top:.1f} km above the ground (depth {depth_km:.1f} km, "
            f"width {width_km:.1f} km, dip {dip:.0f}): make it deeper or narrower."
        )
    along, down = (int(np.clip(round(size / cell_km), 3, most)) for size, most in ((length_km, 12), (width_km, 10)))
    u = ((np.arange(along) + 0.5) / along - 0.5) * length_km
    v = ((np.arange(down) + 0.5) / down - 0.5) * width_km  # positive down dip
    taper = np.sqrt(np.cos(np.pi * u / length_km))[:, None] * np.sqrt(np.cos(np.pi * v / width_km))[None, :]
    slip = taper * np.exp(roughness * _correlated(u, v, length_km / 4, width_km / 4, rng))
    area = length_km * width_km / (along * down) * 1e6
    slip *= magnitude_moment(magnitude) / (SHEAR_MODULUS_PA * area * slip.sum())
    s, d, r = np.deg2rad([strike, dip, rake])
    grid_u, grid_v = (a.ravel() for a in np.meshgrid(u, v, indexing="ij"))
    flat = slip.ravel()
    faults = np.column_stack(
        [
            east_km + grid_u * np.sin(s) + grid_v * np.cos(d) * np.cos(s),
            north_km + grid_u * np.cos(s) - grid_v * np.cos(d) * np.sin(s),
            depth_km + grid_v * np.sin(d),
            np.full(flat.size, strike),
            np.full(flat.size, dip),
            np.full(flat.size, length_km / along),
            np.full(flat.size, width_km / down),
            flat * np.cos(r),
            flat * np.sin(r),
            np.zeros(flat.size),
        ]
    )
    plane = (east_km, north_km, depth_km, strike, dip, length_km, width_km)
    return Rupture(faults, plane, rake, flat)


def _correlated(
    u: NDArray[np.float64], v: NDArray[np.float64], length_u: float, length_v: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Unit-variance Gaussian field on a small grid, exponentially correlated along each axis."""
    roots = [
        np.linalg.cholesky(np.exp(-np.abs(x[:, None] - x[None, :]) / scale) + 1e-9 * np.eye(x.size))
        for x, scale in ((u, length_u), (v, length_v))
    ]
    return np.asarray(roots[0] @ rng.standard_normal((u.size, v.size)) @ roots[1].T)
