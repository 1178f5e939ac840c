"""Ruptures with uneven slip: what an earthquake did, known because it was drawn."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.source.okada import SHEAR_MODULUS_PA, magnitude_moment, moment_magnitude
from epi.source.slip import cells, field_root, taper

REACH = 0.25  # correlation length of the slip's unevenness, as a fraction of the sides


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
    plane = (east_km, north_km, depth_km, strike, dip, length_km, width_km)
    field = field_root(along, down, reach=REACH).numpy() @ rng.standard_normal(along * down)
    slip = taper(along, down).numpy() * np.exp(roughness * field)
    area = length_km * width_km / (along * down) * 1e6
    slip *= magnitude_moment(magnitude) / (SHEAR_MODULUS_PA * area * slip.sum())
    shapes = cells(torch.tensor([plane], dtype=torch.float64), along, down)[0].numpy()
    turn = np.deg2rad(rake)
    faults = np.column_stack([shapes, slip * np.cos(turn), slip * np.sin(turn), np.zeros(slip.size)])
    return Rupture(faults, plane, rake, slip)
