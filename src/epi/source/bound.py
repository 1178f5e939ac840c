"""The floor under every method: how well a source can be placed at best, given the noise (Cramér-Rao bound).

Around the true source the displacement is taken as linear in what is unknown: place, depth, strike, dip, logarithms of
the sides, mean slip, uneven slip and each track's ramp. The information about these that the observations hold, plus
what is known beforehand, is a matrix; its inverse bounds the covariance of every unbiased estimate. Where the noise is
large the displacement bends within the error and the true floor lies higher.
"""

from dataclasses import dataclass
from math import inf

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from epi.errors import ParameterError
from epi.source import fit, slip
from epi.source.observe import Track
from epi.source.okada import check_geometry, los_greens
from epi.source.size import SHEAR_MODULUS_PA

CHI2_95 = 5.991  # two degrees of freedom
STEPS = (1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-4, 1e-4)  # of the central differences, units of `epi.source.fit`

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Prior:
    """What is known before the data are seen. The default is nothing, but for how the slip is spread.

    Attributes
    ----------
    spread : standard deviations of east, north, depth (km), strike, dip (deg), log10 length and log10 width.
    magnitude : standard deviation of the magnitude.
    scaling : area and aspect scatter about the scaling relation as `epi.source.fit.prior` has it.
    roughness : standard deviation of the uneven slip over the slip itself, correlated as `epi.source.slip.field_root`
        says; 0: the share of every cell is known.
    """

    spread: tuple[float, ...] = (inf,) * 7
    magnitude: float = inf
    scaling: bool = False
    roughness: float = 0.0


PHYSICS = Prior(scaling=True, roughness=fit.ROUGHNESS)
"""What `epi.source.invert.locate` takes as known."""


@dataclass(frozen=True)
class Bound:
    """The least covariance of an unbiased estimate of the centroid of slip.

    Attributes
    ----------
    covariance_km2 : (2, 2) of east and north.
    depth_km, magnitude : least standard deviations.
    """

    covariance_km2: Array
    depth_km: float
    magnitude: float

    @property
    def rms_km(self) -> float:
        """Root of the least mean square distance from the truth."""
        return float(np.sqrt(np.trace(self.covariance_km2)))

    @property
    def ellipse_km(self) -> tuple[float, float, float]:
        """95 % ellipse: semi-major and semi-minor axis (km), azimuth of the major one (degrees from north)."""
        return ellipse(self.covariance_km2)


def ellipse(covariance_km2: Array, *, factor: float = 1.0) -> tuple[float, float, float]:
    """95 % ellipse of a covariance of east and north, its axes times a factor: semi-axes (km), azimuth (degrees)."""
    values, vectors = np.linalg.eigh(covariance_km2)
    minor, major = factor * np.sqrt(CHI2_95 * values)
    return float(major), float(minor), float(np.degrees(np.arctan2(vectors[0, 1], vectors[1, 1])) % 180)


def bound(
    tracks: list[Track],
    covariances: list[Array],
    plane: ArrayLike,
    *,
    rake: float,
    slip_m: ArrayLike,
    prior: Prior = PHYSICS,
) -> Bound:
    """Cramér-Rao bound of a known source's place, everything else about it being unknown too.

    Parameters
    ----------
    tracks : observations in one frame; their displacement is not used.
    covariances : (N, N) of each track's noise, m^2, without the ramp, which is always estimated along.
    plane : the whole rectangle, columns `epi.source.okada.GEOMETRY`.
    rake : degrees.
    slip_m : (along, down) slip of its cells, along strike and from the top edge down, m.
    prior : what is known beforehand. With it this is the Bayesian bound taken at this source, which holds on average
        over sources, not for each.

    Returns
    -------
    The bound of the centroid, its depth and the magnitude.

    Raises
    ------
    ParameterError : a rectangle that cannot be, slip that is not positive, a covariance of another size, or
        observations that leave something undetermined of which nothing is known beforehand.

    References
    ----------
    Kay (1993), Fundamentals of Statistical Signal Processing: Estimation Theory, section 3.9, for Gaussian noise; Van
    Trees (1968), Detection, Estimation, and Modulation Theory, part I, section 2.4.
    """
    source = _Source.of(plane, rake, slip_m, prior.roughness)
    information = source.known(prior)
    for track, covariance in zip(tracks, covariances, strict=True):
        derivative = source.derivatives(track)
        if covariance.shape != (len(track.los),) * 2:
            raise ParameterError(f"A covariance of shape {covariance.shape} for {len(track.los)} observations.")
        root = np.linalg.cholesky(covariance)
        whitened = np.linalg.solve(root, np.column_stack([track.ramp, derivative]))
        ramp = np.linalg.qr(whitened[:, :3])[0]
        seen = whitened[:, 3:] - ramp @ (ramp.T @ whitened[:, 3:])
        information = information + seen.T @ seen
    wanted = source.wanted()
    least = wanted @ _solve(information, wanted.T)
    deviations = np.sqrt(np.diag(least))
    return Bound(least[:2, :2], float(deviations[2]), float(deviations[3]))


@dataclass(frozen=True)
class _Source:
    """The true source and its unknowns: seven of `epi.source.fit`, mean strike and dip slip (m), the field's.

    ``share`` (cells,) is slip over mean slip; ``root`` (cells, amplitudes) is the relative change of a cell's slip by a
    unit of each amplitude.
    """

    unknowns: Tensor
    share: Tensor
    root: Tensor
    cells: tuple[int, int]

    @classmethod
    def of(cls, plane: ArrayLike, rake: float, slip_m: ArrayLike, roughness: float) -> "_Source":
        """From a rectangle, the direction of slip and the slip of its cells."""
        shape = np.array(plane, dtype=np.float64)
        check_geometry(shape[None])
        metres = np.array(slip_m, dtype=np.float64)
        if metres.ndim != 2 or not (metres > 0).all():
            raise ParameterError(f"Slip of shape {metres.shape} was given: give (along, down), every cell above 0 m.")
        turn, cells = np.deg2rad(rake), (metres.shape[0], metres.shape[1])
        mean = metres.mean() * np.array([np.cos(turn), np.sin(turn)])
        root = (
            roughness * slip.field_root(*cells, reach=fit.REACH) if roughness else torch.zeros(metres.size, 0).double()
        )
        unknowns = np.concatenate([shape[:5], np.log10(shape[5:]), mean, np.zeros(root.shape[1])])
        return cls(torch.from_numpy(unknowns), torch.from_numpy(metres.ravel() / metres.mean()), root, cells)

    def derivatives(self, track: Track) -> Array:
        """(N, unknowns) of the LOS displacement."""
        mean, steps = self.unknowns[7:9], torch.diag(torch.tensor(STEPS, dtype=torch.float64))
        responses = self._responses(track, self.unknowns[None, :7])[0]  # (cells, N, 2)
        by_slip = torch.einsum("c,cnk->nk", self.share, responses)
        by_field = torch.einsum("cf,c,cnk,k->nf", self.root, self.share, responses, mean)
        moved = self._responses(track, self.unknowns[:7] + torch.cat([steps, -steps]))
        fields = torch.einsum("c,bcnk,k->bn", self.share, moved, mean)
        by_shape = (fields[:7] - fields[7:]).T / (2 * torch.diag(steps))
        return np.asarray(torch.cat([by_shape, by_slip, by_field], dim=1).numpy())

    def known(self, prior: Prior) -> Array:
        """(unknowns, unknowns) information from before the data."""
        spread = np.array(prior.spread, dtype=np.float64)
        if spread.shape != (7,) or not (spread > 0).all():
            raise ParameterError(
                f"A prior spread of {prior.spread} was given; give seven numbers above 0, inf for none."
            )
        information = np.zeros((len(self.unknowns),) * 2)
        np.fill_diagonal(information, np.concatenate([spread**-2, [0, 0], np.ones(self.root.shape[1])]))
        if prior.scaling:
            at = self.unknowns.clone().requires_grad_()
            by = _slopes(fit.prior(at[None, :7], at[None, 7:9])[0, :2], at)
            information += by.T @ by
        by_magnitude = self.wanted()[3] / prior.magnitude
        return np.asarray(information + np.outer(by_magnitude, by_magnitude))

    def wanted(self) -> Array:
        """(4, unknowns) derivatives of the centroid (east, north, depth, km) and the magnitude."""
        at = self.unknowns.clone().requires_grad_()
        return _slopes(self._centroid_and_magnitude(at), at)

    def _centroid_and_magnitude(self, unknowns: Tensor) -> Tensor:
        share = self.share * (1 + self.root @ unknowns[9:])
        plane = _planes(unknowns[None, :7])
        centroid = share @ slip.cells(plane, *self.cells)[0, :, :3] / share.sum()
        moment = SHEAR_MODULUS_PA * 1e6 * plane[0, 5] * plane[0, 6] * unknowns[7:9].norm() * share.mean()
        return torch.cat([centroid, (2 / 3 * (torch.log10(moment) - 9.1))[None]])

    def _responses(self, track: Track, shapes: Tensor) -> Tensor:
        """(B, cells, N, 2) LOS responses to unit strike slip and dip slip in every cell."""
        field = los_greens(track.east, track.north, track.look, _planes(shapes), cells=self.cells, check=False)
        return field.reshape(len(shapes), len(self.share), -1, 2)


def _planes(shapes: Tensor) -> Tensor:
    """(B, 7) columns of `epi.source.okada.GEOMETRY`."""
    return torch.cat([shapes[:, :5], 10 ** shapes[:, 5:7]], dim=1)


def _slopes(values: Tensor, at: Tensor) -> Array:
    """(values, unknowns) derivatives of each value by what it was computed from."""
    return np.stack([torch.autograd.grad(value, at, retain_graph=True)[0].numpy() for value in values])


def _solve(information: Array, right: Array) -> Array:
    """Solve with the information scaled to a unit diagonal, the unknowns being in many units."""
    scale = np.sqrt(np.diag(information))
    scaled = information / np.outer(scale, scale) if (scale > 0).all() else np.zeros_like(information)
    if np.linalg.eigvalsh(scaled)[0] <= 1e-13:
        raise ParameterError(
            "The observations do not determine the source: give more of them, or say what is known with a prior."
        )
    return np.asarray(np.linalg.solve(scaled, right / scale[:, None]) / scale[:, None])
