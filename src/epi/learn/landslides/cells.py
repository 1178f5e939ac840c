"""One network of the study: trained on a fold, its threshold chosen on validation and frozen, judged on the test."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from epi.errors import FileFormatError
from epi.learn.devices import device_of
from epi.learn.landslides.data import Patches, fit_normaliser, samples_of
from epi.learn.landslides.networks import LandslideNetwork, LandslideSettings, load_landslide, save_landslide
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import COLUMNS, Judged, Terciles, best_iou, choose_threshold, count_levels, judge
from epi.learn.landslides.splits import Fold
from epi.learn.landslides.training import predict, train_landslide, with_threshold
from epi.storage import atomic_path, make_folder

Say = Callable[[str], None]
Rows = NDArray[np.intp]
Answer = Callable[[Rows], NDArray[Any]]
"""Gives logits of patches of given numbers."""
Practised = Callable[[LandslideRecipe, int], LandslideNetwork]
"""Gives the network that a recipe begins with, by seed, trained on simulated scenes of other events."""

RESULT, WEIGHTS = "result.npz", "network.safetensors"
TRAINING = "training"
THRESHOLDS = VALIDATION, OTHERS = "validation", "all others"
"""On which patches the threshold of the best IoU is chosen: as published on those that validate, or on all that are not
tested. A fold's validation patches are of one or two regions, and what suits them need not suit others; many regions
say more, if the network has not learned its training patches by heart, as after few gentle passes."""
KEPT = OTHERS
"""The threshold that stays with the weights."""


@dataclass(frozen=True)
class Cell:
    """What a network of one fold and seed made of its test.

    Attributes
    ----------
    judged : of the test, at each of the frozen `THRESHOLDS`.
    validation_iou : on the validation patches, at the threshold that is best there.
    parameters : of the network.
    began : what it began with.
    losses : mean loss of each pass over what it learned from.
    """

    judged: dict[str, Judged]
    validation_iou: float
    parameters: int
    began: str
    losses: tuple[float, ...] = ()


def run_cell(
    recipe: LandslideRecipe,
    patches: Patches,
    fold: Fold,
    *,
    sizes: Terciles,
    seed: int,
    folder: Path,
    device: str = "auto",
    practised: Practised | None = None,
    keep: bool = False,
    say: Say = lambda _: None,
) -> Cell:
    """Train, choose the threshold, judge; done before in the same folder, only read what was found.

    Parameters
    ----------
    recipe, patches, fold, sizes, seed, device : of the network, and what it is judged by.
    folder : of this cell alone: a checkpoint while it trains, then its result, and its weights if they are kept.
    practised : gives the network to begin with, where the recipe asks for one.
    keep : keep the weights too.

    Raises
    ------
    FileFormatError : the folder holds the result of another recipe, fold or data.
    """
    claim = cell_claim(recipe, patches, fold, seed)
    done = folder / RESULT
    if done.is_file() and (not keep or (folder / WEIGHTS).is_file()):
        return _read(done, claim)
    make_folder(folder)
    start = practised(recipe, seed) if recipe.practice and practised else None
    # weights that were practised belong to the means and deviations that they were practised with
    normaliser = start.settings.normaliser if start else fit_normaliser(patches, recipe.channels, fold.train)
    settings = LandslideSettings(recipe.network, normaliser, pixels=patches.label.shape[-1], pixel_m=patches.pixel_m)
    trained = train_landslide(
        recipe,
        samples_of(patches, normaliser, fold.train),
        settings,
        seed=seed,
        device=device,
        folder=folder / TRAINING,
        start=start,
        say=say,
    )
    network = trained.network
    where = device_of(device)
    answer = partial(logits_on, network, patches, recipe=recipe, device=where)
    judged, watched = judged_on(answer, patches, fold, sizes=sizes)
    network = with_threshold(network, judged[KEPT].threshold).cpu()
    count = sum(each.numel() for each in network.parameters())
    cell = Cell(judged, watched, count, trained.began, tuple(trained.history["loss"]))
    if keep:
        save_landslide(network, folder / WEIGHTS)
    trained.history.to_csv(folder / "history.csv", index=False)
    _write(done, cell, claim)
    (folder / TRAINING / "last.ckpt").unlink(missing_ok=True)
    return cell


def logits_on(
    network: LandslideNetwork,
    patches: Patches,
    rows: Rows,
    *,
    recipe: LandslideRecipe,
    device: str = "cpu",
    exchanged: Sequence[str] = (),
) -> NDArray[np.float32]:
    """Logits of a network on patches of some numbers, as its recipe looks at them, with some channels exchanged for
    those of another of these patches.
    """
    normaliser = network.settings.normaliser
    channels = samples_of(patches, normaliser, rows).channels
    if exchanged:
        numbers = [normaliser.channels.index(name) for name in exchanged]
        order = torch.from_numpy(np.random.default_rng(len(rows)).permutation(len(rows)))[:, None]
        channels[order, numbers] = channels[order.roll(1, 0), numbers]
    return np.asarray(predict(network, channels, half=recipe.half, device=device, views=recipe.views).numpy())


def judged_on(answer: Answer, patches: Patches, fold: Fold, *, sizes: Terciles) -> tuple[dict[str, Judged], float]:
    """Judge an answer on the test patches of a fold at each of the `THRESHOLDS`; the best IoU of the validation too."""

    def known(rows: Rows) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.str_]]:
        return patches.label[rows], patches.valid[rows], patches.event[rows]

    watched, learned = (count_levels(answer(rows), *known(rows)) for rows in (fold.validation, fold.train))
    levels = dict(zip(THRESHOLDS, (watched, np.concatenate([watched, learned])), strict=True))
    rows = fold.test
    said, truth = answer(rows), patches.truth_of(rows)
    judged = {
        name: judge(said, *known(rows), threshold=choose_threshold(each), sizes=sizes, truth=truth)
        for name, each in levels.items()
    }
    return judged, best_iou(watched)


def practise(
    recipe: LandslideRecipe, make: Callable[[], Patches], *, folder: Path, seed: int, device: str = "auto", say: Say
) -> LandslideNetwork:
    """Train a network on simulated scenes, all of them, or read the one that was; it is always read from its file.

    Parameters
    ----------
    recipe : of this practice, with its own passes and rate.
    make : makes the patches, of simulated events that are in no other part, labelled with what is true; called where
        they are needed.
    folder : of this network alone.
    seed : of the first weights, the order, flips and turns.
    """
    file = folder / WEIGHTS
    if not file.is_file():
        patches = make()
        rows = np.arange(len(patches))
        normaliser = fit_normaliser(patches, recipe.channels, rows)
        say(f"practice of {recipe.network} on {len(rows)} patches, {recipe.epochs} passes")
        settings = LandslideSettings(
            recipe.network, normaliser, pixels=patches.label.shape[-1], pixel_m=patches.pixel_m
        )
        samples = samples_of(patches, normaliser)
        del patches  # thousands of them: not twice in memory
        trained = train_landslide(
            recipe, samples, settings, seed=seed, device=device, folder=folder / TRAINING, say=say
        )
        trained.history.to_csv(folder / "history.csv", index=False)
        save_landslide(trained.network, file, {"recipe": recipe.facts()})
        (folder / TRAINING / "last.ckpt").unlink(missing_ok=True)
    return load_landslide(file)


def cell_claim(recipe: LandslideRecipe, patches: Patches, fold: Fold, seed: int) -> str:
    """What decides a cell's result, to refuse that of another."""
    facts: dict[str, Any] = {"recipe": recipe.facts(), "seed": seed, "fold": fold.number, "split": fold.split}
    facts |= {"pixels": int(patches.landslide_pixels.sum()), "valid": int(patches.valid.sum())}
    facts |= {"truth": None if patches.truth is None else int(patches.truth.sum())}
    facts |= {name: [int(n) for n in getattr(fold, name)] for name in ("train", "validation", "test")}
    return json.dumps(facts)


def _write(path: Path, cell: Cell, claim: str) -> None:
    judged = {name: cell.judged[name] for name in THRESHOLDS}
    kept: Mapping[str, Any] = {
        "tables": np.stack([one.table[list(COLUMNS)].to_numpy(dtype=np.int64) for one in judged.values()]),
        "event": judged[KEPT].table["event"].to_numpy().astype(str),
        "levels": judged[KEPT].levels,
        "facts": json.dumps(
            {**asdict(replace(cell, judged={})), "thresholds": [one.threshold for one in judged.values()]}
        ),
        "claim": claim,
    }
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **kept)


def _read(path: Path, claim: str) -> Cell:
    try:
        with np.load(path, allow_pickle=False) as kept:
            known, facts = str(kept["claim"]), json.loads(str(kept["facts"]))
            event, levels, thresholds = kept["event"].astype(str), kept["levels"], facts.pop("thresholds")
            tables = [pd.DataFrame(one, columns=list(COLUMNS)).assign(event=event) for one in kept["tables"]]
            both = [Judged(table, levels, one) for table, one in zip(tables, thresholds, strict=True)]
            judged = dict(zip(THRESHOLDS, both, strict=True))
    except Exception as error:  # numpy raises many kinds for a file it did not write
        raise FileFormatError(f"{path} is no result ({type(error).__name__}): delete it to start again.") from error
    if known != claim:
        raise FileFormatError(f"{path} is of another recipe or other patches: give another folder, or delete it.")
    return Cell(**{**facts, "losses": tuple(facts["losses"]), "judged": judged})
