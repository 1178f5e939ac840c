"""Where a source may lie, by a belief that the fit did not form itself: where to start, and what to expect."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Proposal:
    """A map of where the epicentre may lie.

    Attributes
    ----------
    east_km, north_km : lines of its grid, evenly spaced, in the first scene's frame.
    probability : of each node, (north, east).
    doubt : d, how probable it is that the map says nothing. A rectangle is then expected with the density
        (1 − d) p + d / A at its centre, where A is the ground that the map covers. None: the map tells where to start,
        and nothing is expected.
    """

    east_km: Floats
    north_km: Floats
    probability: Floats
    doubt: float | None = None

    def draw(self, count: int, rng: np.random.Generator) -> Floats:
        """Places from the map, (count, 2) km east and north."""
        share = self.probability.ravel() / self.probability.sum()
        chosen = np.unravel_index(rng.choice(share.size, size=count, p=share), self.probability.shape)
        step = self.east_km[1] - self.east_km[0]
        places = np.stack([self.east_km[chosen[1]], self.north_km[chosen[0]]], axis=1)
        return np.asarray(places + rng.uniform(-step / 2, step / 2, places.shape))

    def departure(self, parameters: Tensor) -> Tensor:
        """(B, 1) roots whose squares are minus twice the logarithm of what is expected, over that of the best place."""
        doubt = self.doubt or 0.0
        east, north = (line[1] - line[0] for line in (self.east_km, self.north_km))
        density = self.probability / (self.probability.sum() * east * north)
        spread = doubt / (np.ptp(self.east_km) * np.ptp(self.north_km))
        place = parameters[:, :2].numpy()
        at = (place[:, 1] - self.north_km[0]) / north, (place[:, 0] - self.east_km[0]) / east
        found = (1 - doubt) * map_coordinates(density, at, order=1, cval=0.0) + spread
        best = (1 - doubt) * density.max() + spread
        return torch.from_numpy(np.sqrt(2 * np.log(best / np.maximum(found, 1e-30))))[:, None]
