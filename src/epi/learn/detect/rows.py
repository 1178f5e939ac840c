"""Rows of the tables of detectors, and the card that a network carries."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from epi.learn.detect.baselines import Free
from epi.learn.detect.channels import scene_channels
from epi.learn.detect.data import block_of
from epi.learn.detect.judge import Judged, choose_alarm, count_pixels, facts
from epi.learn.detect.networks import Detector
from epi.learn.detect.scores import mask_scores, presence_scores
from epi.learn.detect.train import DetectPlan
from epi.simulate.labelled import FROZEN, LBAND, SHIFTED, TRAINING, Mixture, only_air

TESTS = (FROZEN, SHIFTED, LBAND)
"""Mixtures on which every method is judged."""
AS_LEARNED = "as learned"
"""Test of scenes like those that a network learned from: the tenth of its own that was set aside."""
TEST_SEED = 6
"""Of the tests that are reported. Those of lower seeds were looked at between one round of training and the next, or
are the benches' (4 of observers, 5 of filters)."""
FREE_SEED = 900_001
"""Of the scenes that the answers without a network are fitted to; their thresholds are chosen on those of the next."""


def card_of(
    plan: DetectPlan,
    history: pd.DataFrame,
    adjusted: Mapping[str, float],
    rows: list[dict[str, Any]],
    command: str,
    *,
    before: Mapping[str, Any] | None = None,
) -> dict[str, object]:
    """The card of a detector: how it came, on what, what it scores with intervals, and what it cannot do."""
    scores = {
        row["test"]: {name: value for name, value in row.items() if isinstance(value, float | int)} for row in rows
    }
    kept = ("before", "command", "seed", "scenes", "plan")
    earlier = {"before": {name: before[name] for name in kept if name in before}} if before else {}
    return earlier | {
        "command": command,
        "seed": plan.seed,
        "scenes": plan.steps * plan.batch,
        "plan": plan.facts(),
        "judged": command,
        "adjusted": dict(adjusted),
        "scores": scores,
        "history": history.round(4).to_dict("list"),
        "limits": limits(plan),
    }


def limits(plan: DetectPlan) -> list[str]:
    """What a detector that was trained by a plan should not be trusted with."""
    mixture, known = plan.mixture, plan.settings
    low, high = mixture.magnitude
    narrow, wide = mixture.filter_km
    filters = (
        f"filters other than Gaussians of {narrow:g} to {wide:g} km" if mixture.filtered else "filters of any kind"
    )
    sunk = (
        "in the last round no bowl over a mine lost more than {:g} million m³: a larger one may pass for an earthquake"
    )
    return [
        f"rectangles that slip in a uniform elastic half-space, magnitude {low:g} to {high:g}, depth "
        f"{mixture.depth_km[0]:g} to {mixture.depth_km[1]:g} km; simulated air of {100 * mixture.atmosphere_m[0]:g} to "
        f"{100 * mixture.atmosphere_m[1]:g} cm rms: real air and land may be unlike it",
        f"pixels of {1000 * known.size_km / known.pixels:.0f} m: what is finer is averaged away; earthquakes wider "
        f"than {known.size_km:.0f} km are seen in parts",
        "magma that opens or swells deep down moves the ground much as an earthquake does: it may be taken for one",
        "an earthquake that moves the ground less than the air seems to can only be guessed at; none that moves it by "
        "half a fringe or less was asked for",
        ("" if mixture.falling else "layered air always seems to lift mountains here, and ")
        + "ground that only sinks is mostly no earthquake's: the sign of an unwrapped scene matters",
        *([sunk.format(mixture.sunk_m3 / 1e6)] if mixture.sunk_m3 < TRAINING.sunk_m3 else []),
        filters + ": what is left of air may look like an earthquake",
        "the mask's outline is where the ground moved by a tenth of the largest displacement: no damage is implied",
    ]


def network_row(
    test: str, judged: Judged, network: Detector, plan: DetectPlan, learned: int, command: str
) -> dict[str, Any]:
    """Scores of a network that learned from so many scenes, at its own thresholds and, of masks, at one half too."""
    known = network.settings
    row: dict[str, Any] = {
        "network": network.settings.network,
        "test": test,
        "parameters": sum(each.numel() for each in network.parameters()),
    }
    row |= {"pixels": known.pixels, "scenes": learned, "alarm": known.alarm}
    row |= presence_scores(judged.table, alarm=known.alarm, air=judged.air)
    if judged.counts is not None:
        row |= {"threshold": known.threshold}
        row |= {f"mask_{part}": value for part, value in mask_scores(judged, threshold=known.threshold).items()}
        row |= {
            f"half_{part}": value
            for part, value in mask_scores(judged, threshold=0.5).items()
            if "boundary" not in part
        }
    return row | {"seed": plan.seed, "command": command}


def beside(table: pd.DataFrame | None, name: str, judged: Judged, network: Detector) -> pd.DataFrame:
    """The table of single scenes with what one more network made of them."""
    own = judged.table
    told = {f"{name}_probability": own["probability"]}
    if judged.counts is not None:
        pixels = judged.overlap(network.settings.threshold)
        told |= {f"{name}_{part}": pixels[part] for part in ("both", "said", "true", "all")}
        told |= {f"{name}_boundary_km": own["boundary_km"]}
    true = own.drop(columns=["logit", "probability", "boundary_km"], errors="ignore")
    return (true if table is None else table).assign(**told)


def free_rows(
    free: Free,
    scenes: dict[str, pd.DataFrame],
    *,
    validation: range,
    test: range,
    seed: int,
    pixels: int,
    command: str,
) -> list[dict[str, Any]]:
    """Scores of the answers that cost nothing; their scores of single scenes join the table."""
    level: dict[str, float] = {}
    told, known = _free_scores(free, TRAINING, FREE_SEED + 1, validation, pixels)
    air, _ = _free_scores(free, only_air(TRAINING), FREE_SEED + 1, validation, pixels)
    for name, score in told.items():
        level[name] = choose_alarm(known.table, score, air[name])
    rows = []
    for mixture in TESTS:
        told, known = _free_scores(free, mixture, seed, test, pixels)
        air, _ = _free_scores(free, only_air(mixture), seed, test, pixels)
        for name, score in told.items():
            row = {"network": name, "test": mixture.name, "pixels": pixels, "alarm": level[name]}
            row |= presence_scores(known.table.assign(probability=score), alarm=level[name], air=air[name])
            if name == "fringe density":
                row |= {f"mask_{part}": value for part, value in mask_scores(known, threshold=0.5).items()}
            rows.append(row | {"command": command})
            scenes[mixture.name] = scenes[mixture.name].assign(**{f"{name}_score": score})
        whole = {f"mask_{part}": value for part, value in mask_scores(_everywhere(known), threshold=0.5).items()}
        rows.append({"network": "all ground", "test": mixture.name, "pixels": pixels} | whole | {"command": command})
    return rows


def _free_scores(
    free: Free, mixture: Mixture, seed: int, blocks: range, pixels: int
) -> tuple[dict[str, NDArray[Any]], Judged]:
    """Scores of presence by name, and the masks as if they were probabilities of 0 and 1."""
    tables, counts, told = [], [], []
    for number in blocks:
        scenes = block_of(mixture, seed, number, pixels=pixels)
        channels = scene_channels(scenes)
        counts.append(count_pixels(torch.from_numpy(free.mask(channels)).float(), scenes))
        told.append(free.presence(channels))
        tables.append(pd.DataFrame(facts(scenes)))
    scores = {name: np.concatenate([each[name] for each in told]) for name in told[0]}
    return scores, Judged(pd.concat(tables, ignore_index=True), np.concatenate(counts))


def _everywhere(known: Judged) -> Judged:
    """The same scenes with all ground marked."""
    if known.counts is None:
        return known
    counts = np.zeros_like(known.counts)
    counts[:, :, -1] = known.counts.sum(2)
    return Judged(known.table, counts)
