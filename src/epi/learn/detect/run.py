"""Train detectors, adjust them, judge them, and write their weights and tables.

``python -m epi.learn.detect --profile ship`` (make train-detectors) writes the weights that ship and their scores;
``--profile compare`` the published networks beside them, small enough for a CPU; ``--profile full`` all of them
at their published size, on a GPU. Interrupted, each goes on from its last checkpoint.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from epi.learn.detect.baselines import Free, fit_free
from epi.learn.detect.channels import scene_channels
from epi.learn.detect.data import block_of
from epi.learn.detect.judge import Judged, adjust_detector, choose_alarm, facts, judge
from epi.learn.detect.networks import Detector, DetectSettings, Ensemble, save_detector
from epi.learn.detect.scores import mask_scores, presence_scores
from epi.learn.detect.train import DetectPlan, train_detector
from epi.settings import settings
from epi.simulate.labelled import FROZEN, LBAND, SHIFTED, TRAINING, Mixture
from epi.storage import atomic_path

TESTS = (FROZEN, SHIFTED, LBAND)
TEST_SEED = 0
FREE_SEED = 900_001
"""Of the scenes that the answers without a network are fitted to."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class DetectProfile:
    """What is trained and judged together.

    Attributes
    ----------
    plans : by network.
    validation, test : blocks of scenes on which thresholds are chosen, and of each test.
    ships : whether weights and the table of single scenes are kept.
    """

    plans: Mapping[str, DetectPlan]
    validation: int
    test: int
    ships: bool = False


def _plan(network: str, pixels: int = 96, **named: Any) -> DetectPlan:  # noqa: ANN401  # fields of the plan
    return DetectPlan(DetectSettings(network, pixels=pixels), **named)


def _published(network: str, pixels: int, **named: Any) -> DetectPlan:  # noqa: ANN401  # fields of the plan
    """Adam, 1e-5, 20 epochs, cross-entropy: a million scenes, of which 80 % are learned from."""
    recipe: dict[str, Any] = {"scenes": 1_000_000, "epochs": 20, "optimiser": "adam", "rate": 1e-5, "memory": 0}
    return _plan(network, pixels, **(recipe | {"schedule": "constant"} | named))


TOGETHER = ("unet-inceptionv3", "unet-vgg19")
"""Networks whose intersection was hoped for."""
POSTER = ("unet-inceptionv3", "unet-vgg19", "unet-resnet50", "dual-attention")
PROFILES: dict[str, DetectProfile] = {
    "ship": DetectProfile(
        {
            "unet-resnet10": _plan("unet-resnet10", scenes=200_000, plain=40_000),
            "vit-small": _plan("vit-small", scenes=140_000, plain=40_000, rate=6e-4),
        },
        validation=40,
        test=32,
        ships=True,
    ),
    "compare": DetectProfile(
        {
            name: _plan(name, 96, scenes=3_840, checks=3, memory=50, batch=16, rate=5e-4)
            for name in (*POSTER, "convnext")
        }
        | {"unet-convnext": _plan("unet-convnext", scenes=3_840, checks=3, memory=50, batch=16, rate=5e-4)},
        validation=6,
        test=8,
    ),
    "full": DetectProfile(
        {"vit-b16": _published("vit-b16", 224)}
        | {name: _plan(name, 256, scenes=200_000, batch=32, rate=3e-4, workers=8) for name in POSTER}
        | {name: _plan(name, 256, scenes=1_000_000, workers=8) for name in ("unet-convnext", "convnext")},
        validation=160,
        test=160,
    ),
}


def run_detectors(
    profile: DetectProfile, *, folder: str | Path, command: str, device: str = "auto", seed: int = 0, say: Say = print
) -> pd.DataFrame:
    """Train the networks of a profile and judge them and the answers that cost nothing on every test.

    Parameters
    ----------
    profile : of `PROFILES`.
    folder : for checkpoints, histories and the table of networks; where the profile ships, weights and scores go to the
        project's own data.
    command : kept in tables and cards.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    seed : of scenes and networks.
    say : is told how it goes.

    Returns
    -------
    A row a network and test, with intervals and settings; written to ``detect_networks.csv`` in the folder.
    """
    place, rows = Path(folder), []
    scenes: dict[str, pd.DataFrame] = {}
    kept: dict[str, Detector] = {}
    for name, plan in profile.plans.items():
        plan = replace(plan, device=device, seed=seed)
        say(f"{name}: training on {plan.steps * plan.batch:,} scenes of {plan.settings.pixels} pixels")
        trained = train_detector(plan, folder=place / name, say=lambda line, name=name: say(f"{name}: {line}"))
        blocks = plan.blocks("validation")[: profile.validation]
        adjusted = adjust_detector(trained.network, plan.mixture, seed=plan.seed, blocks=blocks)
        judged = {each.name: judge(trained.network, each, seed=TEST_SEED, blocks=range(profile.test)) for each in TESTS}
        made = [_row(name, test, one, trained.network, plan, command) for test, one in judged.items()]
        rows += made
        kept[name] = trained.network
        for test, one in judged.items():
            scenes[test] = _beside(scenes.get(test), name, one, trained.network)
        if profile.ships:
            card = card_of(plan, trained.history, adjusted, made, command)
            save_detector(trained.network, settings().data / f"detector_{name.replace('-', '_')}.safetensors", card)
    if set(TOGETHER) <= set(kept):
        rows += _ensemble_rows([kept[name] for name in TOGETHER], profile, seed, command)
    pixels = next(iter(profile.plans.values())).settings.pixels
    free = fit_free(TRAINING, seed=FREE_SEED, blocks=range(profile.validation), pixels=pixels)
    rows += _free_rows(free, scenes, profile, pixels, command)
    table = pd.DataFrame(rows)
    with atomic_path(place / "detect_networks.csv") as temporary:
        rounded(table).to_csv(temporary, index=False)
    if profile.ships:
        whole = pd.concat([table.assign(test=test) for test, table in scenes.items()], ignore_index=True)
        with atomic_path(settings().data / "detect_scenes.csv") as temporary:
            rounded(whole).to_csv(temporary, index=False)
    return table


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """Four significant digits are more than any of these figures has."""
    return table.map(lambda value: float(f"{value:.4g}") if isinstance(value, float) else value)


def card_of(
    plan: DetectPlan,
    history: pd.DataFrame,
    adjusted: Mapping[str, float],
    rows: list[dict[str, Any]],
    command: str,
) -> dict[str, object]:
    """The card of a detector: how it came, on what, what it scores with intervals, and what it cannot do."""
    scores = {
        row["test"]: {name: value for name, value in row.items() if isinstance(value, float | int)} for row in rows
    }
    return {
        "command": command,
        "seed": plan.seed,
        "scenes": plan.steps * plan.batch,
        "plan": plan.facts(),
        "adjusted": dict(adjusted),
        "scores": scores,
        "history": history.round(4).to_dict("list"),
        "limits": limits(plan.mixture),
    }


def limits(mixture: Mixture) -> list[str]:
    """What a detector that learned from a mixture should not be trusted with."""
    low, high = mixture.magnitude
    return [
        f"rectangles that slip in a uniform elastic half-space, magnitude {low:g} to {high:g}, depth "
        f"{mixture.depth_km[0]:g} to {mixture.depth_km[1]:g} km; simulated air of {100 * mixture.atmosphere_m[0]:g} to "
        f"{100 * mixture.atmosphere_m[1]:g} cm rms: real air and land may be unlike it",
        "pixels of 400 m: what is finer is averaged away; earthquakes much wider than 51 km are seen in parts",
        "magma that opens or swells deep down moves the ground much as an earthquake does: it may be taken for one",
        "an earthquake that moves the ground less than the air seems to can only be guessed at",
        "the mask's outline is where the ground moved by a tenth of the largest displacement: no damage is implied",
    ]


def _row(name: str, test: str, judged: Judged, network: Detector, plan: DetectPlan, command: str) -> dict[str, Any]:
    """Scores of a network on a test, at its own thresholds and, of masks, at one half too."""
    known = network.settings
    row: dict[str, Any] = {
        "network": name,
        "test": test,
        "parameters": sum(each.numel() for each in network.parameters()),
    }
    row |= {"pixels": known.pixels, "scenes": plan.steps * plan.batch, "alarm": known.alarm}
    row |= presence_scores(judged.table, alarm=known.alarm)
    if judged.counts is not None:
        row |= {"threshold": known.threshold}
        row |= {f"mask_{part}": value for part, value in mask_scores(judged, threshold=known.threshold).items()}
        row |= {
            f"half_{part}": value
            for part, value in mask_scores(judged, threshold=0.5).items()
            if "boundary" not in part
        }
    return row | {"seed": plan.seed, "command": command}


def _ensemble_rows(networks: list[Detector], profile: DetectProfile, seed: int, command: str) -> list[dict[str, Any]]:
    """Scores of networks put together, at thresholds of their own."""
    plan = next(iter(profile.plans.values()))
    rows = []
    for agree in (False, True):
        both = Ensemble(networks, agree=agree)
        adjust_detector(both, plan.mixture, seed=seed, blocks=plan.blocks("validation")[: profile.validation])
        for mixture in TESTS:
            judged = judge(both, mixture, seed=TEST_SEED, blocks=range(profile.test))
            rows.append(_row(both.settings.network, mixture.name, judged, both, replace(plan, seed=seed), command))
    return rows


def _beside(table: pd.DataFrame | None, name: str, judged: Judged, network: Detector) -> pd.DataFrame:
    """The table of single scenes with what one more network made of them."""
    own = judged.table
    told = {f"{name}_probability": own["probability"]}
    if judged.counts is not None:
        pixels = judged.overlap(network.settings.threshold)
        told |= {f"{name}_{part}": pixels[part] for part in ("both", "said", "true", "all")}
        told |= {f"{name}_boundary_km": own["boundary_km"]}
    facts_ = own.drop(columns=["logit", "probability", "boundary_km"], errors="ignore")
    return (facts_ if table is None else table).assign(**told)


def _free_rows(
    free: Free, scenes: dict[str, pd.DataFrame], profile: DetectProfile, pixels: int, command: str
) -> list[dict[str, Any]]:
    """Scores of the answers that cost nothing; their scores of single scenes join the table."""
    level: dict[str, float] = {}
    told, known = _free_scores(free, TRAINING, FREE_SEED + 1, range(profile.validation), pixels)
    for name, score in told.items():
        level[name] = choose_alarm(known.table, score)
    rows = []
    for mixture in TESTS:
        told, known = _free_scores(free, mixture, TEST_SEED, range(profile.test), pixels)
        for name, score in told.items():
            row = {"network": name, "test": mixture.name, "pixels": pixels, "alarm": level[name]}
            row |= presence_scores(known.table.assign(probability=score), alarm=level[name])
            if name == "fringe density":
                row |= {f"mask_{part}": value for part, value in mask_scores(known, threshold=0.5).items()}
            rows.append(row | {"command": command})
            scenes[mixture.name] = scenes[mixture.name].assign(**{f"{name}_score": score})
        everywhere = Judged(known.table, np.stack([known.counts.sum(2) * 0, known.counts.sum(2)], 2))
        whole = {f"mask_{part}": value for part, value in mask_scores(everywhere, threshold=0.5).items()}
        rows.append({"network": "all ground", "test": mixture.name, "pixels": pixels} | whole | {"command": command})
    return rows


def _free_scores(
    free: Free, mixture: Mixture, seed: int, blocks: range, pixels: int
) -> tuple[dict[str, np.ndarray[Any, Any]], Judged]:
    """Scores of presence by name, and the masks as if they were probabilities of 0 and 1."""
    tables, counts, told = [], [], []
    for number in blocks:
        scenes = block_of(mixture, seed, number, pixels=pixels)
        channels = scene_channels(scenes)
        said, valid, true = free.mask(channels), scenes.valid.numpy(), scenes.mask.numpy()
        counts.append(
            [[[(piece & ~said & valid).sum((1, 2)), (piece & said & valid).sum((1, 2))]] for piece in (~true, true)]
        )
        told.append(free.presence(channels))
        tables.append(pd.DataFrame(facts(scenes)))
    counted = np.concatenate([np.moveaxis(np.array(each)[:, 0], 2, 0) for each in counts])
    scores = {name: np.concatenate([each[name] for each in told]) for name in told[0]}
    return scores, Judged(pd.concat(tables, ignore_index=True), counted)
