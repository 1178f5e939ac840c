"""Search for rectangles: starts where the ground moved, Levenberg-Marquardt from many of them, and Markov chains.

Rectangles are rows of the seven numbers that `epi.source.fit` fits; a batch comes first.
"""

import numpy as np
import torch
from torch import Tensor

from epi.source.fit import AREA_CONSTANT, STEPS, Fit, Problem, geometry
from epi.source.observe import Track
from epi.source.proposal import Proposal

ASPECT = 0.2  # log10 of length over width of the rectangles tried
SPREAD = (0.05, 0.05, 0.05, 0.5, 0.5, 0.005, 0.005)  # of the sampler's jitter
LONGEST = (5.0, 5.0, 3.0, 30.0, 20.0, 0.3, 0.3)  # step downhill
WIDEST = (5.0, 5.0, 3.0, 30.0, 20.0, 0.2, 0.2)  # standard deviations of where its chains start


def candidates(
    tracks: list[Track], count: int, rng: np.random.Generator, *, proposal: Proposal | None = None
) -> Tensor:
    """(count, 7) rectangles to start from: where the ground moved, of any mechanism, as large as magnitude 5 to 7.3.

    With a proposal, every other one of them lies where that has it.
    """
    east, north = (np.concatenate([getattr(t, axis) for t in tracks]) for axis in ("east", "north"))
    weight = []
    for track in tracks:
        design = track.ramp
        moved = track.los - design @ np.linalg.lstsq(design, track.los, rcond=None)[0]
        weight.append((moved - np.median(moved)) ** 2 * track.size**2)
    share = np.concatenate(weight)
    share = 0.8 * share / share.sum() + 0.2 / len(share)
    chosen = rng.choice(len(share), size=count, p=share)
    place = np.stack([east[chosen], north[chosen]], axis=1)
    if proposal is not None:
        place[::2] = proposal.draw(len(place[::2]), rng)
    size = rng.uniform(5.0, 7.3, count)
    area = size - AREA_CONSTANT
    aspect = rng.normal(ASPECT, 0.15, count)
    width = (area - aspect) / 2
    return torch.from_numpy(
        np.column_stack(
            [
                place[:, 0] + rng.normal(0, 4, count),
                place[:, 1] + rng.normal(0, 4, count),
                np.exp(rng.uniform(np.log(1.5), np.log(20), count)),
                rng.uniform(0, 360, count),
                np.degrees(np.arccos(rng.uniform(0, np.cos(np.deg2rad(10)), count))),
                width + aspect,
                width,
            ]
        )
    )


def descend(problem: Problem, start: Tensor, *, iterations: int = 10) -> Fit:
    """Levenberg-Marquardt from every row of ``start`` at once, derivatives by forward differences."""
    current, (slip, residual) = start.clone(), problem.solve(start)
    cost = residual.square().sum(1)
    damping = torch.full_like(cost, 1e-2)
    for _ in range(iterations):
        jacobian = _jacobian(problem, current, residual)
        normal = jacobian @ jacobian.transpose(1, 2)
        scale = torch.diagonal(normal, dim1=1, dim2=2)
        gradient = (jacobian @ residual[:, :, None])[:, :, 0]
        damped = normal + torch.diag_embed(damping[:, None] * scale + 1e-9 * scale.sum(1, keepdim=True) + 1e-12)
        step = -torch.linalg.solve(damped, gradient)
        limit = torch.tensor(LONGEST, dtype=torch.float64)
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


def _jacobian(problem: Problem, parameters: Tensor, residual: Tensor) -> Tensor:
    """(B, 7, R) derivatives of the residuals by forward differences."""
    steps = torch.tensor(STEPS, dtype=torch.float64)
    moved = problem.solve((parameters[:, None] + torch.diag(steps)).reshape(-1, 7))[1]
    return (moved.reshape(len(parameters), 7, -1) - residual[:, None]) / steps[:, None]


def _widths(problem: Problem, modes: Fit) -> Tensor:
    """(B, 7, 7) roots of the covariance that the curvature at each mode suggests, nowhere wider than `WIDEST`."""
    jacobian = _jacobian(problem, modes.parameters, problem.solve(modes.parameters)[1])
    least = torch.diag(torch.tensor(WIDEST, dtype=torch.float64) ** -2)
    root: Tensor = torch.linalg.cholesky(torch.linalg.inv(jacobian @ jacobian.transpose(1, 2) + least))
    return root


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
    return fit.rows(kept)


def sample(
    problem: Problem,
    modes: Fit,
    rng: np.random.Generator,
    *,
    chains: int,
    generations: int,
    heat: float = 1.0,
) -> Fit:
    """Posterior by differential-evolution Markov chains started around the modes; the first half is dropped.

    Parameters
    ----------
    problem, modes : what is fitted and the optima found.
    rng : source of randomness.
    chains, generations : size of the ensemble and number of its moves.
    heat : temperature at the start; it falls to 1 by the half.

    References
    ----------
    ter Braak (2006), Statistics and Computing 16.
    """
    share = torch.exp(-(modes.cost - modes.cost.min()) / (8 * heat))
    which = rng.choice(len(share), size=chains, p=(share / share.sum()).numpy())
    spread = torch.tensor(SPREAD, dtype=torch.float64)
    widths = _widths(problem, modes)
    moved = widths[which] @ torch.from_numpy(rng.standard_normal((chains, 7, 1)))
    state = problem.fit(modes.parameters[which] + moved[:, :, 0])
    kept: list[Fit] = []
    for generation in range(generations):
        pick = np.array([rng.choice(chains - 1, 2, replace=False) for _ in range(chains)])
        pick += pick >= np.arange(chains)[:, None]
        first, second = state.parameters[pick[:, 0]], state.parameters[pick[:, 1]]
        stretch = 1.0 if generation % 10 == 9 else 2.38 / np.sqrt(14) * rng.uniform(0.5, 1.0)
        jitter = spread * torch.from_numpy(rng.standard_normal((chains, 7)))
        trial = problem.fit(state.parameters + stretch * (first - second) + jitter)
        warmth = heat ** max(0.0, 1 - 2 * generation / generations)
        accept = torch.log(torch.from_numpy(rng.uniform(size=chains))) < (state.cost - trial.cost) / (2 * warmth)
        state = Fit(
            *(torch.where(accept[:, None] if a.ndim == 2 else accept, b, a) for a, b in zip(state, trial, strict=True))
        )
        if generation >= generations // 2:
            kept.append(state)
    return Fit(*(torch.cat(parts) for parts in zip(*kept, strict=True)))
