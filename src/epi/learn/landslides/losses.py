"""What a landslide network is told it did wrong; pixels without data never count."""

from typing import Literal

import torch
from torch import Tensor

from epi.errors import ParameterError

Loss = Literal["bce", "bce+dice", "focal", "tversky"]
LOSSES: tuple[Loss, ...] = ("bce", "bce+dice", "focal", "tversky")
FOCUS = 2.0
"""Exponent of the focal loss (Lin et al. 2017)."""
MISSED = 0.7
"""Weight of what was missed in the Tversky loss (Salehi et al. 2017); of what was said wrongly, the rest of 1."""


def masked_bce(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    """Binary cross-entropy, mean over valid pixels; the gradient at any other is exactly zero.

    Parameters
    ----------
    logits, target : (n, rows, columns); the target from 0 to 1. What they hold without data, even NaN, does not count.
    valid : of the same shape, bool.

    Returns
    -------
    A number; 0 where no pixel is valid.
    """
    said, wanted = _seen(logits, target, valid)
    each = torch.nn.functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
    return (each * valid).sum() / valid.sum().clamp_min(1)


def landslide_loss(logits: Tensor, target: Tensor, valid: Tensor, *, kind: Loss = "bce") -> Tensor:
    """The loss of a recipe, over valid pixels only.

    Parameters
    ----------
    logits, target, valid : as of `masked_bce`.
    kind : ``"bce"``, as published; ``"bce+dice"``, with the soft Dice loss of the whole batch (Milletari et al. 2016);
        ``"focal"`` (Lin et al. 2017); ``"tversky"``, cross-entropy and the Tversky loss, for which a missed pixel
        weighs more than one said wrongly (Salehi et al. 2017).

    Raises
    ------
    ParameterError : another kind.
    """
    if kind not in LOSSES:
        raise ParameterError(f"Loss {kind!r} was asked: choose one of {', '.join(LOSSES)}.")
    if kind == "focal":
        return _focal(logits, target, valid)
    loss = masked_bce(logits, target, valid)
    if kind == "bce":
        return loss
    missed = 0.5 if kind == "bce+dice" else MISSED
    return loss + _overlap_loss(logits, target, valid, missed=missed)


def _focal(logits: Tensor, target: Tensor, valid: Tensor) -> Tensor:
    said, wanted = _seen(logits, target, valid)
    each = torch.nn.functional.binary_cross_entropy_with_logits(said, wanted, reduction="none")
    wrong = (wanted - said.sigmoid()).abs()
    return (each * wrong**FOCUS * valid).sum() / valid.sum().clamp_min(1)


def _overlap_loss(logits: Tensor, target: Tensor, valid: Tensor, *, missed: float) -> Tensor:
    """1 less the Tversky index of the batch; half and half it is the Dice index."""
    said, wanted = _seen(logits, target, valid)
    share = said.sigmoid() * valid
    wanted = wanted * valid
    both = (share * wanted).sum()
    lost, wrong = (wanted * (1 - share)).sum(), (share * (1 - wanted)).sum()
    return 1 - (both + 1) / (both + missed * lost + (1 - missed) * wrong + 1)


def _seen(logits: Tensor, target: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    zero = torch.zeros((), dtype=torch.float32, device=logits.device)
    return torch.where(valid, logits.float(), zero), torch.where(valid, target.float(), zero)
