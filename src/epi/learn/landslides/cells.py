"""One network of the study: trained on a fold, its threshold chosen on validation and frozen, judged on the test."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import FileFormatError
from epi.learn.landslides.data import Patches, fit_normaliser, samples_of
from epi.learn.landslides.networks import LandslideNetwork, LandslideSettings, load_landslide, save_landslide
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import COLUMNS, Judged, Terciles, best_iou, choose_threshold, count_levels, judge
from epi.learn.landslides.splits import Fold
from epi.learn.landslides.training import predict, train_landslide, with_threshold
from epi.storage import atomic_path, make_folder

Say = Callable[[str], None]
Practised = Callable[[LandslideRecipe], LandslideNetwork]
"""Gives the network that a recipe begins with, trained on simulated scenes of other events."""

RESULT, WEIGHTS = "result.npz", "network.safetensors"
TRAINING = "training"


@dataclass(frozen=True)
class Cell:
    """What a network of one fold and seed made of its test.

    Attributes
    ----------
    judged : of the test, at the frozen threshold.
    validation_iou : on the validation patches, at the threshold that is best there.
    parameters : of the network.
    began : what it began with.
    losses : mean loss of each pass over what it learned from.
    """

    judged: Judged
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
    start = practised(recipe) if recipe.practice and practised else None
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
    where = "cuda" if device == "cuda" else "cpu"
    watched = count_on(network, patches, fold.validation, half=recipe.half, device=where)
    network = with_threshold(network, choose_threshold(watched))
    test = samples_of(patches, normaliser, fold.test)
    logits = predict(network, test.channels, half=recipe.half, device=where).numpy()
    network = network.cpu()
    judged = judge(
        logits,
        patches.label[fold.test],
        patches.valid[fold.test],
        patches.event[fold.test],
        threshold=network.settings.threshold,
        sizes=sizes,
        truth=patches.truth_of(fold.test),
    )
    count = sum(each.numel() for each in network.parameters())
    cell = Cell(judged, best_iou(watched), count, trained.began, tuple(trained.history["loss"]))
    if keep:
        save_landslide(network, folder / WEIGHTS)
    trained.history.to_csv(folder / "history.csv", index=False)
    _write(done, cell, claim)
    (folder / TRAINING / "last.ckpt").unlink(missing_ok=True)
    return cell


def count_on(
    network: LandslideNetwork, patches: Patches, rows: NDArray[np.intp], *, half: bool, device: str = "cpu"
) -> NDArray[np.int64]:
    """`count_levels` of a network on some patches."""
    samples = samples_of(patches, network.settings.normaliser, rows)
    logits = predict(network, samples.channels, half=half, device=device).numpy()
    return count_levels(logits, patches.label[rows], patches.valid[rows], patches.event[rows])


def practise(
    recipe: LandslideRecipe, make: Callable[[], Patches], *, folder: Path, device: str = "auto", say: Say
) -> LandslideNetwork:
    """Train a network on simulated scenes, all of them, or read the one that was; it is always read from its file.

    Parameters
    ----------
    recipe : of this practice, with its own passes and rate.
    make : makes the patches, of simulated events that are in no other part, labelled with what is true; called where
        they are needed.
    folder : of this network alone.
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
        trained = train_landslide(recipe, samples, settings, device=device, folder=folder / TRAINING, say=say)
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
    kept: Mapping[str, Any] = {
        "table": cell.judged.table[list(COLUMNS)].to_numpy(dtype=np.int64),
        "event": cell.judged.table["event"].to_numpy().astype(str),
        "levels": cell.judged.levels,
        "facts": json.dumps({**asdict(replace(cell, judged=None)), "threshold": cell.judged.threshold}),  # type: ignore[arg-type]
        "claim": claim,
    }
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **kept)


def _read(path: Path, claim: str) -> Cell:
    try:
        with np.load(path, allow_pickle=False) as kept:
            known, facts = str(kept["claim"]), json.loads(str(kept["facts"]))
            table = pd.DataFrame(kept["table"], columns=list(COLUMNS)).assign(event=kept["event"].astype(str))
            judged = Judged(table, kept["levels"], facts.pop("threshold"))
    except Exception as error:  # numpy raises many kinds for a file it did not write
        raise FileFormatError(f"{path} is no result ({type(error).__name__}): delete it to start again.") from error
    if known != claim:
        raise FileFormatError(f"{path} is of another recipe or other patches: give another folder, or delete it.")
    return Cell(**{**facts, "losses": tuple(facts["losses"]), "judged": judged})
