"""From the answers of many patches to one epicentre, with the ellipse it lies in 95 times of 100."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.learn.channels import look_vectors, phasors, stack_channels
from epi.learn.models import CELLS, Answer, Locator
from epi.patches import Patches

WIDE_KM, FINE_KM = 1.6, 0.5
"""Spacing of the grids on which the scene's density is summed up: over all of it, then about its best place."""
FINE_REACH_KM = 8.0
KEPT = 32
"""Gaussians a patch that count: the others of its mixture weigh next to nothing."""
FLOOR = 1e-4
"""Share of each patch's density that is spread evenly: no patch forbids a place."""

Floats = NDArray[np.float64]
Seen = tuple[Floats, list[Answer]]
"""Of one scene: centres of its patches, (patches, 2), km east and north, and the network's answers to them."""


@dataclass(frozen=True)
class Density:
    """Where an epicentre may lie: probability of each node of a grid, km east and north in the scene's frame."""

    east_km: Floats
    north_km: Floats
    probability: Floats


@dataclass(frozen=True)
class Located:
    """One epicentre from many patches.

    Attributes
    ----------
    east_km, north_km : the place from which the expected distance to the epicentre is least, in the scene's frame.
    covariance : of the density about it, km².
    visible : probability that an earthquake moved the ground by 3 cm or more.
    magnitude, magnitude_sigma : believed by the patch whose centre is nearest.
    density : over the whole scene.
    """

    east_km: float
    north_km: float
    covariance: Floats
    visible: float
    magnitude: float
    magnitude_sigma: float
    density: Density


def centres(patches: Patches) -> Floats:
    """Centres of patches, (patches, 2): km east and north in their scene's frame."""
    return patches.table[["center_east_km", "center_north_km"]].to_numpy(dtype=float)


def predict(network: Locator, patches: Patches, *, batch: int = 64) -> list[Answer]:
    """Answers of the network to patches seen plainly and in mirrors.

    A mirror image of an earthquake, seen by a mirrored satellite, is an earthquake too: four views of a patch give four
    answers, turned back here.

    Returns
    -------
    Four answers, each for all patches.
    """
    interferogram = phasors(patches)
    coherence, look = torch.from_numpy(patches.coh), look_vectors(patches)
    views = [(east, north) for east in (False, True) for north in (False, True)]
    with torch.inference_mode():
        return [_view(network.eval(), interferogram, coherence, look, view, batch) for view in views]


def _view(
    network: Locator, interferogram: Tensor, coherence: Tensor, look: Tensor, mirrored: tuple[bool, bool], batch: int
) -> Answer:
    """Answers to one view, mirrored east or north or not, as if it had been seen plainly."""
    axes = [axis for axis, mirror in zip((-1, -2), mirrored, strict=True) if mirror]
    turn = torch.tensor([-1.0 if mirror else 1.0 for mirror in mirrored])
    parts = []
    for first in range(0, len(look), batch):
        piece = slice(first, first + batch)
        channels = stack_channels(interferogram[piece].flip(axes), coherence[piece].flip(axes), look[piece] * turn)
        parts.append(network.answer(channels))
    whole = Answer(*(torch.cat(each) for each in zip(*parts, strict=True)))
    return whole._replace(mean_km=whole.mean_km * turn[None, :, None])


def combine(network: Locator, places: Floats, answers: list[Answer]) -> Located:
    """Put the answers of a scene's patches together.

    Patches overlap and their noise is shared, so the logarithms of their densities are not added but averaged
    (`log_product`), then multiplied by ``temper``. An epicentre beyond a patch's map has that patch's weight for it,
    spread evenly.

    Parameters
    ----------
    network : its settings hold ``temper``.
    places : centres of the patches, (patches, 2), km east and north in the scene's frame.
    answers : as `predict` gives them.
    """
    return combine_tracks(network, [(places, answers)])


def combine_tracks(network: Locator, seen: Sequence[Seen]) -> Located:
    """Put several scenes of one earthquake together: each has air of its own, so their densities are multiplied.

    Parameters
    ----------
    network : its settings hold ``temper``.
    seen : of each scene, places and answers as `combine` takes them, all in one frame.
    """
    lines = scene_grid(network, np.concatenate([places for places, _ in seen]))
    wide = density(network, lines, seen)
    best = np.unravel_index(np.argmax(wide.probability), wide.probability.shape)
    middle = np.array([lines[0][best[1]], lines[1][best[0]]])
    fine = [np.arange(at - FINE_REACH_KM, at + FINE_REACH_KM + FINE_KM / 2, FINE_KM) for at in middle]
    east, north = _best_place(wide, density(network, fine, seen))
    visible = max(float(torch.stack([answer.visible for answer in answers]).mean(0).max()) for _, answers in seen)
    magnitude, spread = _magnitude(min(seen, key=lambda one: _nearest(one[0], east, north)[1]), east, north)
    return Located(
        east,
        north,
        _spread(wide, east, north),
        float(torch.tensor(visible).sigmoid()),
        magnitude,
        spread,
        wide,
    )


def _nearest(places: Floats, east_km: float, north_km: float) -> tuple[int, float]:
    """Which of some places is nearest, and how far away it is (km)."""
    apart = np.hypot(*(places - [east_km, north_km]).T)
    return int(np.argmin(apart)), float(apart.min())


def _magnitude(seen: Seen, east_km: float, north_km: float) -> tuple[float, float]:
    """Magnitude and its standard deviation, believed by the patch that is nearest to a place."""
    places, answers = seen
    near, _ = _nearest(places, east_km, north_km)
    magnitude = torch.stack([answer.magnitude[near] for answer in answers])
    sigma = torch.stack([answer.log_sigma[near].exp() for answer in answers])
    return float(magnitude.mean()), float((sigma.square().mean() + magnitude.var(unbiased=False)).sqrt())


def scene_grid(network: Locator, places: Floats) -> list[Floats]:
    """Lines of a grid, km east and north, over all that the patches' maps cover."""
    reach = CELLS * network.settings.cell_km / 2
    ends = zip(places.min(0) - reach, places.max(0) + reach, strict=True)
    return [np.arange(low + WIDE_KM / 2, high, WIDE_KM) for low, high in ends]


def density(network: Locator, lines: list[Floats], seen: Sequence[Seen]) -> Density:
    """The product over scenes of the tempered means of their patches' densities on a grid, normalised there."""
    total = network.settings.temper * np.sum([log_product(network, lines, *scene) for scene in seen], axis=0)
    probability = np.exp(total - total.max())
    return Density(lines[0], lines[1], probability / probability.sum())


def log_product(network: Locator, lines: list[Floats], places: Floats, answers: list[Answer]) -> Floats:
    """Mean logarithm of the patches' densities, (north, east) of a grid.

    It is the sum over all patches and the mean over views, divided by the number of patches that look at one place
    where most do: neighbours see the same air, so nine of them know little more than one.
    """
    east, north = np.meshgrid(*lines)
    points = torch.tensor(np.stack([east.ravel(), north.ravel()]), dtype=torch.float32)
    reach = CELLS * network.settings.cell_km / 2
    area = np.prod(np.ptp(places, axis=0) + 2 * reach)
    beyond = max(float(area) - (2 * reach) ** 2, reach**2)
    total, looking = torch.zeros(points.shape[1]), torch.zeros(points.shape[1])
    for patch, place in enumerate(places):
        at = points - torch.tensor(place, dtype=torch.float32)[:, None]
        looking += at.abs().amax(0) < reach
        for answer in answers:
            total += _log_density(answer, patch, at, reach, beyond) / len(answers)
    return np.asarray((total / looking.max()).double().numpy().reshape(east.shape))


def _log_density(answer: Answer, patch: int, at: Tensor, reach: float, beyond: float) -> Tensor:
    """Logarithm of one patch's density (per km²) at places (2, n) about its centre."""
    weights = answer.log_weight[patch, :-1]
    chosen = torch.topk(weights, KEPT).indices
    mean, sigma = answer.mean_km[patch][:, chosen], answer.sigma_km[patch, chosen]
    squared = (at[0, :, None] - mean[0]) ** 2 + (at[1, :, None] - mean[1]) ** 2
    exponent = weights[chosen] - squared / (2 * sigma**2) - 2 * torch.log(sigma) - log(2 * np.pi)
    inside = at.abs().amax(0) < reach
    outside = answer.log_weight[patch, -1] - log(beyond)
    found = torch.where(inside, torch.logsumexp(exponent, 1), outside)
    floor = torch.tensor(log(FLOOR) - log((2 * reach) ** 2 + beyond))
    return torch.logaddexp(found, floor)


def _best_place(wide: Density, fine: Density) -> tuple[float, float]:
    """Where the expected distance is least: Weiszfeld's iteration on the wide grid, its peak on the fine one."""
    east, north = np.meshgrid(wide.east_km, wide.north_km)
    near = (np.abs(east - fine.east_km.mean()) <= FINE_REACH_KM) & (
        np.abs(north - fine.north_km.mean()) <= FINE_REACH_KM
    )
    share = float(wide.probability[near].sum())
    close = np.meshgrid(fine.east_km, fine.north_km)
    points = np.concatenate([np.stack([part.ravel() for part in close], 1), np.stack([east[~near], north[~near]], 1)])
    weight = np.concatenate([share * fine.probability.ravel(), wide.probability[~near]])
    kept = weight > 1e-7
    points, weight = points[kept], weight[kept] / weight[kept].sum()
    best = weight @ points
    for _ in range(60):
        pull = weight / np.maximum(np.linalg.norm(points - best, axis=1), 0.2)
        best = pull @ points / pull.sum()
    return float(best[0]), float(best[1])


def _spread(density: Density, east_km: float, north_km: float) -> Floats:
    """Second moments of a density about a place, km², its grid's own width included."""
    east, north = np.meshgrid(density.east_km - east_km, density.north_km - north_km)
    apart = np.stack([east.ravel(), north.ravel()])
    return np.asarray((apart * density.probability.ravel()) @ apart.T + WIDE_KM**2 / 12 * np.eye(2))


def patch_offsets(network: Locator, patches: Patches) -> Floats:
    """Where each patch alone believes the epicentre.

    Returns
    -------
    (patches, 3): offset east and north of the patch's centre, and how far off it may be (km, root of the variance).
    """
    answers = predict(network, patches)
    alone = [
        combine(network, np.zeros((1, 2)), [_chosen(answer, np.array([row])) for answer in answers])
        for row in range(len(patches))
    ]
    return np.array([[found.east_km, found.north_km, np.sqrt(np.trace(found.covariance))] for found in alone])


def _chosen(answer: Answer, rows: NDArray[np.intp]) -> Answer:
    return Answer(*(part[torch.from_numpy(rows)] for part in answer))


def squared_distance(found: Located, east_km: float, north_km: float) -> float:
    """Squared Mahalanobis distance of a place from an answer."""
    apart = np.array([east_km - found.east_km, north_km - found.north_km])
    return float(apart @ np.linalg.solve(found.covariance, apart))


def calibrate(
    network: Locator, found: Iterable[Located], known: Iterable[tuple[float, float]], *, level: float = 0.95
) -> float:
    """Measure by what a scene's covariance must be multiplied to be an honest ellipse; keep it with the network.

    Parameters
    ----------
    network : trained.
    found, known : answers and true epicentres (km) of scenes not trained on, and not reported on either.
    level : share of scenes whose ellipse holds the epicentre.

    Returns
    -------
    The ⌈level (n + 1)⌉-th smallest squared distance of n scenes, so that a further scene is inside with at least that
    probability (for n ≥ 19; the largest of fewer).

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 4.
    """
    squares = np.sort([squared_distance(one, *place) for one, place in zip(found, known, strict=True)])
    factor = float(squares[min(int(np.ceil(level * (squares.size + 1))), squares.size) - 1])
    network.settings = replace(network.settings, ellipse_factor=factor)
    return factor


def ellipse(covariance: Floats) -> tuple[float, float, float]:
    """Semi-axes (km, longer first) and azimuth of the longer one (degrees from north, 0 to 180) of a matrix (km²)."""
    values, vectors = np.linalg.eigh(covariance)
    east, north = vectors[:, 1]
    return float(np.sqrt(values[1])), float(np.sqrt(values[0])), float(np.rad2deg(np.arctan2(east, north)) % 180)
