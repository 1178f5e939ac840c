"""How well a rectangular dislocation explains LOS displacement: slip and ramp linear, uneven slip integrated out.

Geometry is seven numbers: east, north, depth of the centre (km), strike, dip (deg), log10 length, log10 width (km). For
every geometry the two components of mean slip and each track's ramp follow linearly (variable projection), so thousands
of rectangles are tried in one call of the dislocation model. All arrays are float64 tensors; a batch comes first.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from epi.source import slip as uneven
from epi.source.observe import Track
from epi.source.okada import SHEAR_MODULUS_PA, los_greens
from epi.source.proposal import Proposal

# Leonard (2010), Bull. Seismol. Soc. Am. 100(5A), areas in km^2: Mw = log10(area) + 4.0, length = 0.7 area^0.6 km, so
# log10(length / width) = 0.2 log10(area) - 0.29; the scatter is ours
AREA_CONSTANT, ASPECT_SLOPE, ASPECT_CONSTANT = 4.0, 0.2, 0.29
AREA_SCATTER, ASPECT_SCATTER = 0.2, 0.2  # log10 standard deviations
BOTTOM_KM, BOTTOM_SCATTER_KM = 25.0, 5.0  # few earthquakes within reach of the radar break deeper
TOP_KM = 0.05  # the least depth of the top edge
LOG_LENGTH, LOG_WIDTH = (0.0, 2.3), (0.0, 1.6)
LEAST_DIP = 5.0
STEPS = (0.05, 0.05, 0.05, 0.5, 0.5, 0.01, 0.01)  # of the finite differences
ROUGHNESS, REACH = 0.5, 0.25  # of uneven slip: standard deviation over mean, correlation length over the sides


class Fit(NamedTuple):
    """A batch of rectangles and how well they do."""

    parameters: Tensor  # (B, 7)
    slip: Tensor  # (B, 2) strike slip, dip slip, m
    cost: Tensor  # (B,) minus twice the logarithm of the posterior density, but for a constant

    def rows(self, chosen: ArrayLike) -> "Fit":
        """Some of the batch."""
        index = torch.as_tensor(chosen)
        return Fit(*(part[index] for part in self))

    def join(self, other: "Fit") -> "Fit":
        """Both batches, one after the other."""
        return Fit(*(torch.cat(parts) for parts in zip(self, other, strict=True)))


class Problem:
    """Whitened observations of one or several tracks, their ramps projected out.

    Slip is even, or, on a rectangle cut into cells, a tapered mean plus a Gaussian field, which is integrated out. With
    whitened data d, responses M to the mean slip m and F to the field's independent amplitudes, a rectangle costs

        (d − M m)' C⁻¹ (d − M m) + log |C|,   C = 1 + F F'

    and its prior: minus twice the logarithm of its posterior density, but for a constant. In terms of the amplitudes
    a = (1 + F'F)⁻¹ F' r given the data, r = d − M m, that is |r − F a|² + |a|² + log |1 + F'F|.

    Parameters
    ----------
    tracks : observations in one frame.
    covariances : (N, N) of each track's errors, m^2.
    cells : along strike and down dip; (1, 1) is even slip.
    proposal : where the rectangle is expected, if it has a doubt; default anywhere.

    References
    ----------
    Fukuda and Johnson (2010), Geophys. J. Int. 181(3), for linear beside nonlinear parameters.
    """

    def __init__(
        self,
        tracks: list[Track],
        covariances: list[NDArray[np.float64]],
        *,
        cells: tuple[int, int] = (1, 1),
        proposal: Proposal | None = None,
    ) -> None:
        self.tracks, self.cells, self.proposal = tracks, cells, proposal
        self.taper = uneven.taper(*cells)
        self.even = cells == (1, 1)
        spread = 0.0 if self.even else ROUGHNESS
        self.root = spread * self.taper[:, None] * uneven.field_root(*cells, reach=REACH)
        self.whiten: list[Tensor] = []
        data: list[Tensor] = []
        for track, covariance in zip(tracks, covariances, strict=True):
            root = np.linalg.inv(np.linalg.cholesky(covariance))
            basis = np.linalg.qr(root @ track.ramp)[0]
            matrix = root - basis @ (basis.T @ root)
            self.whiten.append(torch.from_numpy(matrix))
            data.append(torch.from_numpy(matrix @ track.los))
        self.data = torch.cat(data)
        self.places = [(torch.from_numpy(t.east), torch.from_numpy(t.north), torch.from_numpy(t.look)) for t in tracks]

    def solve(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Best mean slip (B, 2) and residuals (B, R) whose squares add up to the cost: data, field, log |C|, prior.

        The field is scaled by the mean slip of a fit without it.
        """
        units = self._units(parameters)
        mean = self._whitened(torch.einsum("c,bcnk->bkn", self.taper, part) for part in units)
        means = _least_squares(mean @ mean.transpose(1, 2), mean @ self.data)
        if self.even:
            residual = self.data - (means[:, None, :] @ mean)[:, 0]
            return means, torch.cat([residual, self._expected(parameters, means)], dim=1)
        field = self._field(units, means)
        factor = _factor(field)
        shared = field @ mean.transpose(1, 2)
        by_mean = torch.cholesky_solve(shared, factor)
        by_data = torch.cholesky_solve((field @ self.data)[:, :, None], factor)
        normal = mean @ mean.transpose(1, 2) - shared.transpose(1, 2) @ by_mean
        means = _least_squares(normal, mean @ self.data - (shared.transpose(1, 2) @ by_data)[:, :, 0])
        residual = self.data - (means[:, None, :] @ mean)[:, 0]
        amplitude = torch.cholesky_solve(field @ residual[:, :, None], factor)[:, :, 0]
        residual = residual - (amplitude[:, None, :] @ field)[:, 0]
        logarithms = (2 * torch.log(torch.diagonal(factor, dim1=1, dim2=2)).clamp(min=1e-12)).sqrt()
        return means, torch.cat([residual, amplitude, logarithms, self._expected(parameters, means)], dim=1)

    def fit(self, parameters: Tensor) -> Fit:
        """Cost and mean slip of a batch of rectangles."""
        means, residual = self.solve(parameters)
        return Fit(parameters, means, residual.square().sum(1))

    def displacement(self, fit: Fit, share: Tensor) -> list[NDArray[np.float64]]:
        """LOS displacement (m) of the first rectangle at each track's observations; ``share`` of mean slip a cell."""
        return [
            torch.einsum("c,cnk,k->n", share, part[0], fit.slip[0]).numpy() for part in self._units(fit.parameters[:1])
        ]

    def share(self, fit: Fit, rng: np.random.Generator | None = None) -> Tensor:
        """(B, cells) slip over the mean slip: its mean given the data or, with ``rng``, a draw; nowhere backward."""
        units = self._units(fit.parameters)
        field = self._field(units, fit.slip)
        mean = self._whitened(torch.einsum("c,bcnk->bkn", self.taper, part) for part in units)
        residual = self.data - (fit.slip[:, None, :] @ mean)[:, 0]
        factor = _factor(field)
        amplitude = torch.cholesky_solve(field @ residual[:, :, None], factor)
        if rng is not None:
            noise = torch.from_numpy(rng.standard_normal(amplitude.shape))
            amplitude = amplitude + torch.linalg.solve_triangular(factor.transpose(1, 2), noise, upper=True)
        return (self.taper + (self.root @ amplitude)[:, :, 0]).clamp(min=0.01)

    def unevenness(self, fit: Fit) -> list[NDArray[np.float64]]:
        """(N, N) covariance of what the first rectangle's uneven slip may do to each track, m^2; zero for even slip."""
        fields = [self.root.T @ (part[0] @ fit.slip[0]) for part in self._units(fit.parameters[:1])]
        return [(field.T @ field).numpy() for field in fields]

    def effects(self, fit: Fit) -> list[NDArray[np.float64]]:
        """Design of all that fitting the first rectangle took from each track: slip, derivatives by its shape, ramp."""
        best = fit.parameters[:1]
        trial = torch.cat([best, best + torch.diag(torch.tensor(STEPS, dtype=torch.float64))])
        columns = []
        for part, track in zip(self._units(trial), self.tracks, strict=True):
            responses = torch.einsum("c,bcnk->bnk", self.taper, part)
            moved = (responses @ fit.slip[0]).numpy()
            columns.append(np.column_stack([responses[0].numpy(), (moved[1:] - moved[0]).T, track.ramp]))
        return columns

    def draw(self, fit: Fit, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centroids (B, 3: east, north, depth, km) and magnitudes (B,), uneven slip drawn from its posterior."""
        places = uneven.cells(geometry(fit.parameters), *self.cells)[:, :, :3]
        share = self.share(fit, rng)
        centroid = (share[:, :, None] * places).sum(1) / share.sum(1, keepdim=True)
        return centroid.numpy(), (magnitude(fit.parameters, fit.slip) + 2 / 3 * torch.log10(share.mean(1))).numpy()

    def _expected(self, parameters: Tensor, means: Tensor) -> Tensor:
        """Departures from what is expected of any earthquake and, where that was proposed, of this one's place."""
        expected = prior(parameters, means)
        if self.proposal is None or self.proposal.doubt is None:
            return expected
        return torch.cat([expected, self.proposal.departure(parameters)], dim=1)

    def _units(self, parameters: Tensor) -> list[Tensor]:
        """(B, cells, N, 2) LOS responses of each track to unit strike slip and dip slip in every cell."""
        shapes = geometry(parameters)
        return [
            los_greens(*place, shapes, cells=self.cells, check=False).reshape(len(shapes), len(self.taper), -1, 2)
            for place in self.places
        ]

    def _field(self, units: list[Tensor], means: Tensor) -> Tensor:
        """(B, cells, N) whitened responses to the field's independent amplitudes."""
        return self._whitened(torch.einsum("cf,bcnk,bk->bfn", self.root, part, means) for part in units)

    def _whitened(self, parts: Iterable[Tensor]) -> Tensor:
        """(B, K, N) of all tracks together."""
        return torch.cat([part @ matrix.T for part, matrix in zip(parts, self.whiten, strict=True)], dim=2)


def _least_squares(normal: Tensor, right: Tensor) -> Tensor:
    """Solve (B, 2, 2) normal equations, damped so little that it only matters where they are singular."""
    damping = 1e-9 * torch.diagonal(normal, dim1=1, dim2=2).sum(1, keepdim=True)
    solution: Tensor = torch.linalg.solve(normal + torch.diag_embed(damping.expand(-1, 2)), right)
    return solution


def _factor(field: Tensor) -> Tensor:
    """Lower Cholesky factor of one plus the field's Gram matrix."""
    gram = field @ field.transpose(1, 2)
    factor: Tensor = torch.linalg.cholesky(gram + torch.eye(gram.shape[1], dtype=torch.float64))
    return factor


def geometry(parameters: Tensor) -> Tensor:
    """(B, 7) columns of `epi.source.okada.GEOMETRY` from fitted parameters, folded into what a fault can be.

    A dip over 90 degrees is the same plane seen from the other side; a rectangle that sticks out of the ground is
    lowered.
    """
    east, north, depth, strike, dip, log_length, log_width = parameters.unbind(1)
    dip = torch.remainder(dip, 180.0)
    strike = torch.where(dip > 90, strike + 180, strike)
    dip = torch.where(dip > 90, 180 - dip, dip).clamp(min=LEAST_DIP)
    length, width = 10 ** log_length.clamp(*LOG_LENGTH), 10 ** log_width.clamp(*LOG_WIDTH)
    shallowest = width / 2 * torch.sin(torch.deg2rad(dip)) + TOP_KM
    return torch.stack([east, north, torch.maximum(depth, shallowest), strike, dip, length, width], dim=1)


def magnitude(parameters: Tensor, slip: Tensor) -> Tensor:
    """(B,) moment magnitude of rectangles with this mean slip."""
    shape = geometry(parameters)
    moment = SHEAR_MODULUS_PA * 1e6 * shape[:, 5] * shape[:, 6] * slip.norm(dim=1).clamp(min=1e-6)
    return 2 / 3 * (torch.log10(moment) - 9.1)


def prior(parameters: Tensor, slip: Tensor) -> Tensor:
    """(B, 6) normalised departures: area and aspect from the scaling relation, and limits that were crossed."""
    _, _, depth, _, _, log_length, log_width = parameters.unbind(1)
    shape = geometry(parameters)
    bottom = shape[:, 2] + shape[:, 6] / 2 * torch.sin(torch.deg2rad(shape[:, 4]))
    expected = magnitude(parameters, slip) - AREA_CONSTANT
    over = [(log - log.clamp(*limits)) / 0.05 for log, limits in ((log_length, LOG_LENGTH), (log_width, LOG_WIDTH))]
    return torch.stack(
        [
            (log_length + log_width - expected) / AREA_SCATTER,
            (log_length - log_width - (ASPECT_SLOPE * expected - ASPECT_CONSTANT)) / ASPECT_SCATTER,
            (shape[:, 2] - depth) / 0.5,
            (bottom - BOTTOM_KM).clamp(min=0) / BOTTOM_SCATTER_KM,
            *over,
        ],
        dim=1,
    )
