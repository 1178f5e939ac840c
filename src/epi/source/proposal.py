"""Where another method believes the source to be: a density over the ground that the physics may start from.

The belief is flattened before it counts, so that one that is wrong and sure of itself cannot forbid the truth: its
density is tempered and mixed with an even one over the scenes. Where it comes from the same data as the fit, it counts
those data twice, and tempering softens that but does not undo it.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.errors import ParameterError
from epi.source.observe import Track

TEMPER = 2.0  # temperature: of a Gaussian, the factor on its covariance
DOUBT = 0.2  # weight of the even density

Array = NDArray[np.float64]


class Proposal(Protocol):
    """A density over the ground, in km east and north of the origin that the location is counted from."""

    @property
    def peak(self) -> float:
        """Largest density, per square km."""

    def density(self, east_km: Array, north_km: Array) -> Array:
        """Density at places, per square km, tempered; it adds up to 1."""

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """(count, 2) places east and north, drawn from it."""


@dataclass(frozen=True)
class GaussianProposal:
    """A place with its uncertainty.

    Attributes
    ----------
    east_km, north_km : the place.
    covariance_km2 : (2, 2) of east and north; a 95 % ellipse has semi-axes of 2.45 times the roots of its eigenvalues.

    Raises
    ------
    ParameterError : numbers that are not finite, or a covariance that is not symmetric and positive definite.
    """

    east_km: float
    north_km: float
    covariance_km2: Array

    def __post_init__(self) -> None:
        covariance = np.asarray(self.covariance_km2, dtype=np.float64)
        if not np.isfinite([self.east_km, self.north_km]).all():
            raise ParameterError(f"A source was proposed at {self.east_km}, {self.north_km} km: give two numbers.")
        sound = covariance.shape == (2, 2) and bool(np.isfinite(covariance).all())
        if not sound or not np.allclose(covariance, covariance.T) or np.linalg.eigvalsh(covariance)[0] <= 0:
            raise ParameterError(
                f"The proposed covariance {covariance.tolist()} is not one: give [[ee, en], [en, nn]] in square km, "
                "symmetric and positive definite."
            )
        object.__setattr__(self, "covariance_km2", covariance)

    @property
    def peak(self) -> float:
        """Largest density, per square km."""
        return float(1 / (2 * np.pi * TEMPER * np.sqrt(np.linalg.det(self.covariance_km2))))

    def density(self, east_km: Array, north_km: Array) -> Array:
        """Density at places, per square km."""
        away = np.stack([np.asarray(east_km) - self.east_km, np.asarray(north_km) - self.north_km])
        squared = (away * np.tensordot(np.linalg.inv(TEMPER * self.covariance_km2), away, axes=1)).sum(0)
        return np.asarray(self.peak * np.exp(-squared / 2))

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """(count, 2) places east and north."""
        return rng.multivariate_normal([self.east_km, self.north_km], TEMPER * self.covariance_km2, count)


class GridProposal:
    """A density on a grid, as a heat map gives it.

    Parameters
    ----------
    east_km, north_km : (columns,) and (rows,) evenly spaced and increasing, the middles of the cells.
    density : (rows, columns), not negative, of any scale; outside the grid it is nothing.

    Raises
    ------
    ParameterError : axes that are not evenly spaced, another shape, negative densities, or nothing at all.
    """

    def __init__(self, east_km: ArrayLike, north_km: ArrayLike, density: ArrayLike) -> None:
        self.east_km, self.north_km = (np.asarray(axis, dtype=np.float64) for axis in (east_km, north_km))
        values = np.asarray(density, dtype=np.float64)
        for name, axis in (("east_km", self.east_km), ("north_km", self.north_km)):
            steps = np.diff(axis)
            if axis.ndim != 1 or len(axis) < 2 or not (steps > 0).all() or not np.allclose(steps, steps[0], rtol=1e-3):
                raise ParameterError(f"The proposal's {name} is not an axis: give two or more even, increasing steps.")
        if values.shape != (len(self.north_km), len(self.east_km)):
            raise ParameterError(
                f"The proposal's density has the shape {values.shape} for {len(self.north_km)} places north and "
                f"{len(self.east_km)} east; give (north, east)."
            )
        if not np.isfinite(values).all() or (values < 0).any() or not values.any():
            raise ParameterError("The proposal's density must be finite, nowhere negative and somewhere above 0.")
        self._steps = self.east_km[1] - self.east_km[0], self.north_km[1] - self.north_km[0]
        tempered = (values / values.max()) ** (1 / TEMPER)
        self._density: Array = tempered / (tempered.sum() * self._steps[0] * self._steps[1])

    @property
    def peak(self) -> float:
        """Largest density, per square km."""
        return float(self._density.max())

    def density(self, east_km: Array, north_km: Array) -> Array:
        """Density at places, per square km: between the middles of cells, what lies between them."""
        column = (np.asarray(east_km) - self.east_km[0]) / self._steps[0] + 1
        row = (np.asarray(north_km) - self.north_km[0]) / self._steps[1] + 1
        padded = np.pad(self._density, 1)  # it fades to nothing within one cell of the edge
        rows, columns = padded.shape
        inside = (row >= 0) & (row < rows - 1) & (column >= 0) & (column < columns - 1)
        row, column = np.where(inside, row, 0), np.where(inside, column, 0)
        i, j = row.astype(int), column.astype(int)
        u, v = row - i, column - j
        upper = (1 - v) * padded[i + 1, j] + v * padded[i + 1, j + 1]
        lower = (1 - v) * padded[i, j] + v * padded[i, j + 1]
        return np.where(inside, (1 - u) * lower + u * upper, 0.0)

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """(count, 2) places east and north, spread over their cells."""
        share = self._density.ravel() / self._density.sum()
        row, column = np.divmod(rng.choice(share.size, size=count, p=share), len(self.east_km))
        middle = np.column_stack([self.east_km[column], self.north_km[row]])
        return np.asarray(middle + rng.uniform(-0.5, 0.5, (count, 2)) * self._steps)


@dataclass(frozen=True)
class Belief:
    """A proposal flattened over the ground that the scenes cover.

    Attributes
    ----------
    proposal : what another method believes.
    even : the even part of the density, per square km.
    """

    proposal: Proposal
    even: float

    @classmethod
    def over(cls, proposal: Proposal, tracks: list[Track]) -> "Belief":
        """Spread the doubt over the box around all tracks."""
        edges = np.array([track.extent for track in tracks])
        sides = edges[:, 2:].max(0) - edges[:, :2].min(0)
        return cls(proposal, DOUBT / float(sides.prod()))

    def departure(self, east_km: Array, north_km: Array) -> Array:
        """Root of minus twice the log of the density over its peak: 0 at the peak, and nowhere without end."""
        trust = 1 - DOUBT
        here = trust * self.proposal.density(east_km, north_km) + self.even
        return np.asarray(np.sqrt(np.maximum(2 * np.log((trust * self.proposal.peak + self.even) / here), 0.0)))
