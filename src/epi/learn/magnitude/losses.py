"""What is asked of magnitudes: to be right, and to be in the right order."""

import torch
from torch import Tensor

MARGIN = 0.02
"""Published: by so much the larger of two earthquakes should be said to be larger, in units of magnitude."""


def ranking_loss(predicted: Tensor, true: Tensor, margin: float = MARGIN) -> Tensor:
    """Margin ranking loss over all pairs of a batch, ordered by their true magnitudes.

    max(0, -y (x_i - x_j) + m) with y = 1 where the i-th is truly larger and -1 where it is smaller, averaged over the
    pairs. Pairs of equal truth have no order and are left out: two images without an earthquake (magnitude 0) should be
    said to be alike, and any order would push them apart.

    Parameters
    ----------
    predicted, true : (n,) magnitudes.
    margin : in units of magnitude.

    Returns
    -------
    A number; 0, with a gradient of 0, where no two magnitudes differ.

    References
    ----------
    Rege Cambrin et al. (2024), Estimating earthquake magnitude in Sentinel-1 imagery via ranking, equations 1 to 3.
    Their equation 2 takes the order from the predictions (see `ranking_loss_as_printed`); their program takes it from
    the truth, as here, but gives pairs of equal truth y = 1 and averages over them too. Where half of a batch has
    magnitude 0 these are a quarter of all pairs, so what is trained here is not exactly the published loss. It also
    compares one half of a batch with the other, one to one, where here all pairs are: in expectation the same.
    """
    first, second = torch.triu_indices(len(true), len(true), offset=1, device=true.device)
    order = torch.sign(true[first] - true[second])
    kept = order != 0
    if not kept.any():
        return predicted.sum() * 0
    one, other = predicted[first][kept], predicted[second][kept]
    return torch.nn.functional.margin_ranking_loss(one, other, order[kept], margin=margin)


def ranking_loss_as_printed(predicted: Tensor, margin: float = MARGIN) -> Tensor:
    """The same with the order taken from the predictions, as the published equation has it.

    Then -y (x_i - x_j) is -|x_i - x_j|: the loss is max(0, m - |x_i - x_j|), which knows nothing of the truth and only
    pushes apart what is closer than the margin. It is here to be looked at; nothing is trained with it.

    Parameters
    ----------
    predicted : (n,) magnitudes, two at least.
    margin : in units of magnitude.
    """
    first, second = torch.triu_indices(len(predicted), len(predicted), offset=1, device=predicted.device)
    one, other = predicted[first], predicted[second]
    order = torch.where(one >= other, 1.0, -1.0)
    return torch.nn.functional.margin_ranking_loss(one, other, order, margin=margin)


def magnitude_losses(predicted: Tensor, true: Tensor, *, ranking: bool, margin: float = MARGIN) -> dict[str, Tensor]:
    """What is asked of a batch: to be right, to be in order, and what is learned from.

    Parameters
    ----------
    predicted, true : (n,) magnitudes, 0 without an earthquake.
    ranking : whether order is asked for too.
    margin : of the ranking loss, in units of magnitude.

    Returns
    -------
    ``mse`` (mean square error), ``ranking`` (counted either way) and ``total``: the first, or the sum of both.
    """
    parts = {
        "mse": torch.nn.functional.mse_loss(predicted, true),
        "ranking": ranking_loss(predicted, true, margin),
    }
    return parts | {"total": parts["mse"] + parts["ranking"] if ranking else parts["mse"]}
