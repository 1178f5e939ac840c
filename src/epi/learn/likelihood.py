"""What the network is asked: the truth should be likely under its answer."""

from math import log, pi

import torch
from torch import Tensor

from epi.learn.models import CELLS, Answer

VISIBLE_M = 0.03
"""Displacement along the line of sight from which an earthquake counts as visible."""
SHARES = {"place": 1.0, "visible": 1.0, "magnitude": 0.3}
"""Weights of the three losses in their sum."""


def log_density(answer: Answer, east_km: Tensor, north_km: Tensor) -> Tensor:
    """Logarithm of the density (per km²) that the answers give to one place a patch.

    Parameters
    ----------
    answer : of n patches.
    east_km, north_km : (n,) from each patch's centre.
    """
    place = torch.stack([east_km, north_km], 1)[:, :, None]
    squared = ((answer.mean_km - place) ** 2).sum(1)
    exponent = -squared / (2 * answer.sigma_km**2) - 2 * torch.log(answer.sigma_km) - log(2 * pi)
    return torch.logsumexp(answer.log_weight[:, :-1] + exponent, 1)


def losses(
    answer: Answer, offset_km: Tensor, magnitude: Tensor, peak_m: Tensor, *, cell_km: float
) -> dict[str, Tensor]:
    """Mean negative log-likelihoods of place, visibility and magnitude, and their weighted sum ``total``.

    Parameters
    ----------
    answer : of n patches.
    offset_km : (n, 2) from the patch's centre to the epicentre; beyond the map, the weight of that answer is asked
        instead of a density. NaN where there is no earthquake: no place is then asked.
    magnitude : (n,), NaN where there is none; asked where the epicentre lies on the map.
    peak_m : (n,) largest |LOS| displacement in the patch.
    cell_km : side of a cell of the map.
    """
    known = torch.isfinite(offset_km[:, 0])
    offset = torch.nan_to_num(offset_km)
    inside = known & (offset.abs().amax(1) < CELLS * cell_km / 2)
    place = torch.where(inside, log_density(answer, offset[:, 0], offset[:, 1]), answer.log_weight[:, -1])
    found = {"place": -(place * known).sum() / known.sum().clamp(min=1)}
    visible = (peak_m >= VISIBLE_M).to(answer.visible)
    found["visible"] = torch.nn.functional.binary_cross_entropy_with_logits(answer.visible, visible)
    apart = (answer.magnitude - torch.nan_to_num(magnitude)) / answer.log_sigma.exp()
    found["magnitude"] = ((apart**2 / 2 + answer.log_sigma) * inside).sum() / inside.sum().clamp(min=1)
    total = torch.stack([share * found[name] for name, share in SHARES.items()]).sum()
    return found | {"total": total}
