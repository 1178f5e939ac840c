"""Train detectors, adjust them, judge them, and write their weights and tables.

``python -m epi.learn.detect --profile ship`` (make train-detectors) writes the weights that ship and their scores;
``--profile further --seed N`` goes on from the weights of the U-Nets with scenes of which half are filtered, from a
seed that they have not learned from; ``--profile convnext`` trains the ConvNeXt alone, and ``--profile judge`` judges
those that ship once more; ``--profile compare`` the published networks beside them, small enough for a CPU;
``--profile full`` all of them at their published size, on a GPU. Interrupted, each goes on from its last checkpoint.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from epi.errors import ParameterError
from epi.learn.detect.baselines import fit_free
from epi.learn.detect.judge import adjust_detector, judge
from epi.learn.detect.networks import Detector, DetectSettings, Ensemble
from epi.learn.detect.rows import (
    AS_LEARNED,
    FREE_SEED,
    TEST_SEED,
    TESTS,
    beside,
    card_of,
    free_rows,
    network_row,
)
from epi.learn.detect.train import DetectPlan, TrainedDetector, train_detector
from epi.learn.detect.weights import load_detector, read_detector_card, save_detector, training_rounds, weights_name
from epi.learn.metrics import rounded
from epi.settings import settings
from epi.simulate.labelled import FILTERED, TRAINING, Mixture
from epi.storage import atomic_path

Say = Callable[[str], None]


@dataclass(frozen=True)
class DetectProfile:
    """What is trained and judged together.

    Attributes
    ----------
    table : file of the project's data that is written.
    plans : by network.
    validation, test : blocks of scenes on which thresholds are chosen, and of each test.
    test_seed : of the scenes of the tests.
    ships : whether weights and the table of single scenes are kept; the networks are then asked of mirror images too.
    again : networks that ship already and are only adjusted and judged again.
    """

    table: str
    plans: Mapping[str, DetectPlan]
    validation: int
    test: int
    test_seed: int = TEST_SEED
    ships: bool = False
    again: tuple[str, ...] = ()


def _plan(network: str, pixels: int = 96, **named: Any) -> DetectPlan:  # noqa: ANN401  # fields of the plan
    return DetectPlan(DetectSettings(network, pixels=pixels), **named)


def _further(network: str, **named: Any) -> DetectPlan:  # noqa: ANN401  # fields of the plan
    """Going on from the weights that ship, at a lower rate, with scenes they have not seen (give another seed), of
    which half are filtered (`epi.simulate.labelled.mixture.FILTERED`).
    """
    return _plan(network, rate=6e-4, mixture=FILTERED, start=weights_name(network), **named)


def _few(network: str) -> DetectPlan:
    """What a CPU can do of any network in some ten minutes: 12,800 scenes to learn from, half of them plain."""
    few: dict[str, Any] = {"scenes": 16_000, "plain": 6_400, "checks": 8, "memory": 100, "batch": 16}
    return _plan(network, **few, rate=5e-4)


def _published(network: str, pixels: int, **named: Any) -> DetectPlan:  # noqa: ANN401  # fields of the plan
    """Adam, 1e-5, 20 epochs, cross-entropy: a million scenes, of which 80 % are learned from."""
    recipe: dict[str, Any] = {"scenes": 1_000_000, "epochs": 20, "optimiser": "adam", "rate": 1e-5, "memory": 0}
    return _plan(network, pixels, **(recipe | {"schedule": "constant"} | named))


TOGETHER = ("unet-inceptionv3", "unet-vgg19")
"""Networks whose intersection was hoped for."""
AGAIN = ("unet-resnet10", "vit-small", "unet-convnext")
"""Networks that ship, which ``judge`` judges once more: their plans and seeds are those of their cards."""
_CONVNEXT = _plan("unet-convnext", scenes=120_000, plain=30_000)
POSTER = ("unet-inceptionv3", "unet-vgg19", "unet-resnet50", "dual-attention")
PROFILES: dict[str, DetectProfile] = {
    "ship": DetectProfile(
        "detect_scores.csv",
        {
            "unet-resnet10": _plan("unet-resnet10", scenes=200_000, plain=40_000),
            "vit-small": _plan("vit-small", scenes=140_000, plain=40_000, rate=6e-4),
            "unet-convnext": _CONVNEXT,
        },
        validation=40,
        test=32,
        ships=True,
    ),
    "further": DetectProfile(
        "detect_scores.csv",
        {
            "unet-resnet10": _further("unet-resnet10", scenes=200_000),
            "unet-convnext": _further("unet-convnext", scenes=200_000),
        },
        validation=40,
        test=32,
        ships=True,
        again=("vit-small",),
    ),
    "convnext": DetectProfile(
        "detect_scores.csv", {"unet-convnext": _CONVNEXT}, validation=40, test=32, ships=True, again=AGAIN[:2]
    ),
    "judge": DetectProfile("detect_scores.csv", {}, validation=40, test=32, ships=True, again=AGAIN),
    "compare": DetectProfile(
        "detect_compare.csv",
        {name: _few(name) for name in (*POSTER, "unet-convnext")},
        validation=8,
        test=6,
        test_seed=2,
    ),
    "full": DetectProfile(
        "detect_full.csv",
        {"vit-b16": _published("vit-b16", 224)}
        | {name: _plan(name, 256, scenes=200_000, batch=32, rate=3e-4) for name in POSTER}
        | {name: _plan(name, 256, scenes=1_000_000) for name in ("unet-convnext", "convnext")},
        validation=160,
        test=160,
    ),
}


def run_detectors(
    profile: DetectProfile,
    *,
    folder: str | Path,
    command: str,
    device: str = "auto",
    workers: int = 0,
    seed: int = 0,
    say: Say = print,
) -> pd.DataFrame:
    """Train the networks of a profile and judge them and the answers that cost nothing on every test.

    Parameters
    ----------
    profile : of `PROFILES`.
    folder : for checkpoints and histories; tables, and weights where the profile ships them, go to the project's data.
    command : kept in tables and cards.
    device : ``"auto"``, ``"cpu"`` or ``"cuda"``.
    workers : processes that make scenes to learn from; 0 makes them between the steps.
    seed : of scenes and networks.
    say : is told how it goes.

    Raises
    ------
    ParameterError : weights to go on from have learned from these scenes already, no GPU where one was asked for, or a
        seed where nothing is trained.

    Returns
    -------
    A row a network and test, with intervals and settings, as written to the profile's table.
    """
    if seed and not profile.plans:
        raise ParameterError(f"--seed {seed} was given, and nothing is trained here: leave it out.")
    rows: list[dict[str, Any]] = []
    scenes: dict[str, pd.DataFrame] = {}
    kept: dict[str, Detector] = {}
    cards: dict[str, dict[str, object]] = {}
    for plan, trained, before in _learned(profile, Path(folder), device, workers, seed, say):
        name = plan.settings.network
        again = name in profile.again
        learned = sum(each["scenes"] for each in (training_rounds(before) if before else []))
        learned += 0 if again else plan.steps * plan.batch
        trained.network.settings = replace(trained.network.settings, mirrors=profile.ships)
        trained.network.to(plan.makes_scenes_on)
        blocks = plan.blocks("validation")[: profile.validation]
        adjusted = adjust_detector(trained.network, plan.mixture, seed=plan.seed, blocks=blocks)
        judged = {
            each.name: judge(trained.network, each, seed=profile.test_seed, blocks=range(profile.test), air=True)
            for each in TESTS
        }
        aside = plan.blocks("test")[: profile.test]
        judged[AS_LEARNED] = judge(trained.network, plan.mixture, seed=plan.seed, blocks=aside, air=True)
        made = [network_row(test, one, trained.network, plan, learned, command) for test, one in judged.items()]
        rows += made
        kept[name] = trained.network
        for test, one in ((each.name, judged[each.name]) for each in TESTS):
            scenes[test] = beside(scenes.get(test), name, one, trained.network)
        if profile.ships:
            card = card_of(plan, trained.history, adjusted, made, command, before=before)
            if before and again:  # it learned nothing new
                card = before | {part: card[part] for part in ("judged", "adjusted", "scores", "limits")}
            cards[name] = card
    if set(TOGETHER) <= set(kept):
        rows += _ensemble_rows([kept[name] for name in TOGETHER], profile, seed, command)
    pixels = next(iter(kept.values())).settings.pixels
    free = fit_free(TRAINING, seed=FREE_SEED, blocks=range(profile.validation), pixels=pixels)
    rows += free_rows(
        free,
        scenes,
        validation=range(profile.validation),
        test=range(profile.test),
        seed=profile.test_seed,
        pixels=pixels,
        command=command,
    )
    table = pd.DataFrame(rows)
    with atomic_path(settings().data / profile.table) as temporary:
        rounded(table).to_csv(temporary, index=False)
    for name, card in cards.items():  # at last: weights that were written could not be gone on from again
        save_detector(kept[name], settings().data / weights_name(name), card)
    if profile.ships:
        whole = pd.concat([table.assign(test=test) for test, table in scenes.items()], ignore_index=True)
        with atomic_path(settings().data / "detect_scenes.csv") as temporary:
            rounded(whole).to_csv(temporary, index=False)
    return table


def _learned(
    profile: DetectProfile, folder: Path, device: str, workers: int, seed: int, say: Say
) -> Iterator[tuple[DetectPlan, TrainedDetector, dict[str, Any] | None]]:
    """Networks of a profile, trained, each with its plan and the card of the weights it began with."""
    for name, each in profile.plans.items():
        plan = replace(each, device=device, workers=workers, seed=seed)
        say(f"{name}: training on {plan.steps * plan.batch:,} scenes of {plan.settings.pixels} pixels")
        begun = settings().data / plan.start if plan.start else None
        start = load_detector(begun) if begun else None
        before = read_detector_card(begun) if begun else None
        if before and any(each["seed"] == seed for each in training_rounds(before)):
            raise ParameterError(f"{begun} has learned from the scenes of seed {seed} already: give another --seed.")
        yield plan, train_detector(plan, folder=folder / name, start=start, say=say), before
    for name in profile.again:
        ready = settings().data / weights_name(name)
        card = read_detector_card(ready)
        yield plan_of(card, device=device), TrainedDetector(load_detector(ready), pd.DataFrame(card["history"])), card


def plan_of(card: Mapping[str, Any], *, device: str = "auto") -> DetectPlan:
    """The plan by which a network last learned, as its card has it: with the mixture of that time."""
    plan = dict(card["plan"])
    mixture: dict[str, Any] = {
        name: tuple(each) if isinstance(each, list) else each for name, each in plan.pop("mixture").items()
    }
    settings_of = DetectSettings(**plan.pop("settings"))
    return DetectPlan(settings_of, mixture=Mixture(**mixture), device=device, **plan)


def _ensemble_rows(networks: list[Detector], profile: DetectProfile, seed: int, command: str) -> list[dict[str, Any]]:
    """Scores of networks put together, at thresholds of their own."""
    plan = profile.plans[TOGETHER[0]]
    rows = []
    for agree in (False, True):
        both = Ensemble(networks, agree=agree)
        adjust_detector(both, plan.mixture, seed=seed, blocks=plan.blocks("validation")[: profile.validation])
        for mixture in TESTS:
            judged = judge(both, mixture, seed=profile.test_seed, blocks=range(profile.test), air=True)
            own = replace(plan, seed=seed)
            rows.append(network_row(mixture.name, judged, both, own, plan.steps * plan.batch, command))
    return rows
