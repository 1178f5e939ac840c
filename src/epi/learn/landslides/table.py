"""The tables of the landslide study: a row a method, with intervals over events and differences between pairs."""

from typing import Any

import numpy as np

from epi.learn.landslides.cells import Cell
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, difference, joined, score

TRUTH = "what really slid"
"""Name of the row that no network has."""
DIFFERENCES = ("iou", "recall_small", "precision")
"""Measures of which rows of one changed thing carry the difference."""

THESIS = (
    ("U-Net, ResNet-34", 0, 0.042, 0.081, 0.056, 0.142),
    ("UPerNet, ConvNeXt-Tiny", 0, 0.107, 0.188, 0.212, 0.139),
    ("SegFormer, MiT-B2", 0, 0.129, 0.228, 0.291, 0.187),
    ("SegFormer, MiT-B3", 0, 0.113, 0.203, 0.338, 0.145),
    ("SegFormer, MiT-B2", 3, 0.157, 0.271, 0.249, 0.299),
    ("SegFormer, MiT-B2", 5, 0.175, 0.298, 0.332, 0.270),
)
"""Published scores on 110 random patches of twenty real events (Benotto 2026, tables 6.1 and 6.2): network, softening
in pixels, IoU, F1, recall, precision."""


def thesis_rows() -> list[dict[str, Any]]:
    """The published scores as rows."""
    names = ("network", "sigma_px", "iou", "f1", "recall", "precision")
    known = {"part": "thesis", "method": "published scores", "split": "random", "events": 20, "patches": 110}
    return [known | dict(zip(names, row, strict=True)) for row in THESIS]


def recipe_row(part: str, recipe: LandslideRecipe, split: str, cells: list[list[Cell]], on: str) -> dict[str, Any]:
    """Settings and scores of one recipe.

    Parameters
    ----------
    part, recipe, split : of the row.
    cells : by seed, then by fold.
    on : patches on which thresholds were chosen.
    """
    judged = pooled(cells, on)
    flat = [cell for seed in cells for cell in seed]
    row: dict[str, Any] = {"part": part, "method": recipe.name, "network": recipe.network, "split": split}
    row |= {"parameters": flat[0].parameters, "began": flat[0].began, "channels": " ".join(recipe.channels)}
    names = (
        *("oversample", "sigma_px", "buckets", "augment", "loss", "rate", "schedule"),
        *("batch", "epochs", "memory", "half", "practice", "views"),
    )
    row |= {name: getattr(recipe, name) for name in names}
    row |= {"seeds": len(cells), "folds": len(cells[0])}
    row |= {"threshold_on": on, "thresholds": listed([cell.judged[on].threshold for cell in flat])}
    losses = np.array([cell.losses for cell in flat])
    row |= {"loss_halfway": losses[:, losses.shape[1] // 2 - 1].mean(), "loss_last": losses[:, -1].mean()}
    row |= {"validation_iou": float(np.mean([cell.validation_iou for cell in flat]))}
    return row | score(judged)


def baseline_row(name: str, split: str, parts: list[Judged], on: str) -> dict[str, Any]:
    """Scores of an answer that needs no network, judged fold by fold at thresholds chosen on some patches."""
    row: dict[str, Any] = {"part": "baseline", "method": name, "split": split, "folds": len(parts), "threshold_on": on}
    return row | {"thresholds": listed([one.threshold for one in parts])} | score([joined(parts)])


def ceiling_row(split: str, judged: Judged) -> dict[str, Any]:
    """Scores of what really slid, held against what was drawn: whoever finds that has no larger IoU."""
    return {"part": "truth", "method": TRUTH, "split": split} | score([judged])


def listed(thresholds: list[float]) -> str:
    """Thresholds by seed, then by fold: each was chosen on its own patches, and their mean says nothing."""
    return " ".join(f"{each:.3f}" for each in thresholds)


def difference_columns(one: list[Judged], other: list[Judged], against: str) -> dict[str, Any]:
    """By how much a row exceeds another: ``against``, and ``d_iou``, ``d_iou_low``, ``d_iou_high`` and so on."""
    found: dict[str, Any] = {"against": against}
    for name in DIFFERENCES:
        value, low, high = difference(one, other, name)
        found |= {f"d_{name}": float(value), f"d_{name}_low": float(low), f"d_{name}_high": float(high)}
    return found


def pooled(cells: list[list[Cell]], on: str) -> list[Judged]:
    """A judgement a seed, of all folds together, at thresholds chosen on some patches."""
    return [joined([cell.judged[on] for cell in seed]) for seed in cells]
