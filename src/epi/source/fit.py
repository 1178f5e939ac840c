"""One rectangular dislocation fitted to LOS displacement: slip and ramp linear, the rectangle by search, then sampled.

Geometry is fitted as seven numbers: east, north, depth of the centre (km), strike, dip (deg), log10 length, log10
width (km). For every geometry the two components of slip and each track's ramp follow linearly (variable projection),
so thousands of rectangles are tried in one call of the dislocation model. All arrays are float64 tensors; a batch comes
first.
"""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.source.observe import Track
from epi.source.okada import SHEAR_MODULUS_PA, los_greens

AREA_SCATTER, ASPECT_SCATTER = 0.2, 0.2  # log10 standard deviations about the scaling relation
AREA_CONSTANT = 4.0  # Mw = log10(area in km^2) + 4.0: Leonard (2010), Bull. Seismol. Soc. Am. 100(5A)
ASPECT = 0.2  # log10 of length over width
TOP_KM = 0.05  # the least depth of the top edge
LOG_LENGTH, LOG_WIDTH = (0.0, 2.3), (0.0, 1.6)
LEAST_DIP = 5.0
STEPS = (0.05, 0.05, 0.05, 0.5, 0.5, 0.01, 0.01)  # of the finite differences
SPREAD = (0.05, 0.05, 0.05, 0.5, 0.5, 0.005, 0.005)  # of the sampler's jitter
PRIOR_ROWS = 5


class Fit(NamedTuple):
    """A batch of rectangles and how well they do."""

    parameters: Tensor  # (B, 7)
    slip: Tensor  # (B, 2) strike slip, dip slip, m
    cost: Tensor  # (B,) chi-squared of data and prior


class Problem:
    """Whitened observations of one or several tracks, their ramps projected out.

    Parameters
    ----------
    tracks : observations in one frame.
    covariances : (N, N) of each track's errors, m^2.
    """

    def __init__(self, tracks: list[Track], covariances: list[NDArray[np.float64]]) -> None:
        self.tracks = tracks
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

    def responses(self, parameters: Tensor) -> Tensor:
        """(B, 2, N) whitened LOS responses to unit strike slip and dip slip."""
        shapes = geometry(parameters)
        parts = [
            los_greens(*place, shapes, check=False).transpose(1, 2) @ matrix.T
            for place, matrix in zip(self.places, self.whiten, strict=True)
        ]
        return torch.cat(parts, dim=2)

    def solve(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
        """Best slip (B, 2) and residuals (B, N + 5): whitened data, then the prior's rows."""
        responses = self.responses(parameters)
        normal = responses @ responses.transpose(1, 2)
        normal = normal + 1e-9 * torch.diag_embed(
            torch.diagonal(normal, dim1=1, dim2=2).sum(1, keepdim=True).expand(-1, 2)
        )
        slip = torch.linalg.solve(normal, responses @ self.data)
        residual = self.data - (slip[:, None, :] @ responses)[:, 0]
        return slip, torch.cat([residual, prior(parameters, slip)], dim=1)

    def fit(self, parameters: Tensor) -> Fit:
        """Cost and slip of a batch of rectangles."""
        slip, residual = self.solve(parameters)
        return Fit(parameters, slip, residual.square().sum(1))

    def displacement(self, parameters: Tensor, slip: Tensor) -> list[NDArray[np.float64]]:
        """LOS displacement (m) of one rectangle at each track's observations."""
        shape = geometry(parameters[None])
        return [(los_greens(*place, shape, check=False)[0] @ slip).numpy() for place in self.places]

    def effects(self, parameters: Tensor, slip: Tensor) -> list[NDArray[np.float64]]:
        """Columns that a fit has used up at each track: slip components, derivatives by the rectangle, ramp."""
        trial = torch.cat([parameters[None], parameters + torch.diag(torch.tensor(STEPS, dtype=torch.float64))])
        shapes = geometry(trial)
        columns = []
        for place, track in zip(self.places, self.tracks, strict=True):
            responses = los_greens(*place, shapes, check=False)
            moved = (responses @ slip).numpy()
            columns.append(np.column_stack([responses[0].numpy(), (moved[1:] - moved[0]).T, track.ramp]))
        return columns


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
    """(B,) moment magnitude of rectangles with even slip."""
    shape = geometry(parameters)
    moment = SHEAR_MODULUS_PA * 1e6 * shape[:, 5] * shape[:, 6] * slip.norm(dim=1).clamp(min=1e-6)
    return 2 / 3 * (torch.log10(moment) - 9.1)


def prior(parameters: Tensor, slip: Tensor) -> Tensor:
    """(B, 5) normalised departures: area and aspect from the scaling relation, and limits that were crossed."""
    _, _, depth, _, _, log_length, log_width = parameters.unbind(1)
    shape = geometry(parameters)
    expected = magnitude(parameters, slip) - AREA_CONSTANT
    over = [(log - log.clamp(*limits)) / 0.05 for log, limits in ((log_length, LOG_LENGTH), (log_width, LOG_WIDTH))]
    return torch.stack(
        [
            (log_length + log_width - expected) / AREA_SCATTER,
            (log_length - log_width - ASPECT) / ASPECT_SCATTER,
            (shape[:, 2] - depth) / 0.5,
            *over,
        ],
        dim=1,
    )


def candidates(tracks: list[Track], count: int, rng: np.random.Generator) -> Tensor:
    """(count, 7) rectangles to start from: where the ground moved, of any mechanism, as large as magnitude 5 to 7.3."""
    east, north = (np.concatenate([getattr(t, axis) for t in tracks]) for axis in ("east", "north"))
    weight = []
    for track in tracks:
        design = track.ramp
        moved = track.los - design @ np.linalg.lstsq(design, track.los, rcond=None)[0]
        weight.append((moved - np.median(moved)) ** 2 * track.size**2)
    share = np.concatenate(weight)
    share = 0.8 * share / share.sum() + 0.2 / len(share)
    chosen = rng.choice(len(share), size=count, p=share)
    size = rng.uniform(5.0, 7.3, count)
    area = size - AREA_CONSTANT
    aspect = rng.normal(ASPECT, 0.15, count)
    width = (area - aspect) / 2
    return torch.from_numpy(
        np.column_stack(
            [
                east[chosen] + rng.normal(0, 4, count),
                north[chosen] + rng.normal(0, 4, count),
                np.exp(rng.uniform(np.log(1.5), np.log(20), count)),
                rng.uniform(0, 360, count),
                np.degrees(np.arccos(rng.uniform(0, np.cos(np.deg2rad(10)), count))),
                width + aspect,
                width,
            ]
        )
    )


def descend(problem: Problem, start: Tensor, *, iterations: int = 25) -> Fit:
    """Levenberg-Marquardt from every row of ``start`` at once, derivatives by forward differences."""
    steps = torch.diag(torch.tensor(STEPS, dtype=torch.float64))
    current, (slip, residual) = start.clone(), problem.solve(start)
    cost = residual.square().sum(1)
    damping = torch.full_like(cost, 1e-2)
    for _ in range(iterations):
        moved = (current[:, None] + steps).reshape(-1, 7)
        jacobian = (problem.solve(moved)[1].reshape(len(current), 7, -1) - residual[:, None]) / steps.diagonal()[
            :, None
        ]
        normal = jacobian @ jacobian.transpose(1, 2)
        scale = torch.diagonal(normal, dim1=1, dim2=2)
        gradient = (jacobian @ residual[:, :, None])[:, :, 0]
        damped = normal + torch.diag_embed(damping[:, None] * scale + 1e-9 * scale.sum(1, keepdim=True) + 1e-12)
        step = -torch.linalg.solve(damped, gradient)
        limit = torch.tensor([5.0, 5.0, 3.0, 30.0, 20.0, 0.3, 0.3], dtype=torch.float64)
        trial = current + step.clamp(-limit, limit)
        trial_slip, trial_residual = problem.solve(trial)
        trial_cost = trial_residual.square().sum(1)
        better = trial_cost < cost
        gain = float(((cost - trial_cost) / cost)[better].max()) if bool(better.any()) else 0.0
        current, residual = (
            torch.where(better[:, None], trial, current),
            torch.where(better[:, None], trial_residual, residual),
        )
        slip, cost = torch.where(better[:, None], trial_slip, slip), torch.where(better, trial_cost, cost)
        damping = torch.where(better, damping / 5, damping * 4).clamp(1e-6, 1e6)
        if gain < 1e-5 and float(damping.min()) > 10:
            break
    return Fit(current, slip, cost)


def distinct(fit: Fit, most: int) -> Fit:
    """The best rectangles that differ by more than 1 km in place, 30 degrees in strike or 20 in dip."""
    shape = geometry(fit.parameters)
    kept: list[int] = []
    for index in torch.argsort(fit.cost).tolist():
        apart = [
            bool((shape[index, :3] - shape[k, :3]).norm() > 1.0)
            or abs((float(shape[index, 3] - shape[k, 3]) + 90) % 180 - 90) > 30
            or abs(float(shape[index, 4] - shape[k, 4])) > 20
            for k in kept
        ]
        if all(apart):
            kept.append(index)
        if len(kept) == most:
            break
    return Fit(*(part[kept] for part in fit))


def sample(
    problem: Problem,
    modes: Fit,
    rng: np.random.Generator,
    *,
    chains: int = 48,
    generations: int = 120,
) -> Fit:
    """Posterior by differential-evolution Markov chains started from the modes; the first half is dropped.

    Parameters
    ----------
    problem, modes : what is fitted and the optima found.
    rng : source of randomness.
    chains, generations : size of the ensemble and number of its moves.

    References
    ----------
    ter Braak (2006), Statistics and Computing 16.
    """
    share = torch.exp(-(modes.cost - modes.cost.min()) / 8)
    which = rng.choice(len(share), size=chains, p=(share / share.sum()).numpy())
    spread = torch.tensor(SPREAD, dtype=torch.float64)
    state = problem.fit(modes.parameters[which] + 10 * spread * torch.from_numpy(rng.standard_normal((chains, 7))))
    kept: list[Fit] = []
    for generation in range(generations):
        pick = np.array([rng.choice(chains - 1, 2, replace=False) for _ in range(chains)])
        pick += pick >= np.arange(chains)[:, None]
        first, second = state.parameters[pick[:, 0]], state.parameters[pick[:, 1]]
        stretch = 1.0 if generation % 10 == 9 else 2.38 / np.sqrt(14) * rng.uniform(0.5, 1.0)
        jitter = spread * torch.from_numpy(rng.standard_normal((chains, 7)))
        trial = problem.fit(state.parameters + stretch * (first - second) + jitter)
        accept = torch.log(torch.from_numpy(rng.uniform(size=chains))) < (state.cost - trial.cost) / 2
        state = Fit(
            *(torch.where(accept[:, None] if a.ndim == 2 else accept, b, a) for a, b in zip(state, trial, strict=True))
        )
        if generation >= generations // 2:
            kept.append(state)
    return Fit(*(torch.cat(parts) for parts in zip(*kept, strict=True)))
