"""The landslide study: the published recipe and ours, every device on and off, and what costs nothing, in two tables.

``python -m epi.learn.landslides`` writes them. Interrupted, it goes on from its last checkpoint: each network has a
folder of its own, and one that is done is only read.
"""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from epi.learn.landslides.baselines import NEEDED, baseline_logits
from epi.learn.landslides.cells import WEIGHTS, Cell, practise, run_cell
from epi.learn.landslides.data import Patches, read_patches
from epi.learn.landslides.hidden import hidden_rows
from epi.learn.landslides.maps import example_maps
from epi.learn.landslides.networks import LandslideNetwork, load_landslide, save_landslide
from epi.learn.landslides.profiles import BY_EVENT, RANDOM, LandslideProfile, Trial, ablation, trials
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, by_event, choose_threshold, count_levels, joined, judge, score, terciles
from epi.learn.landslides.splits import Fold, event_folds, random_split
from epi.learn.landslides.table import baseline_row, difference_columns, pooled, recipe_row, rounded, thesis_rows
from epi.learn.landslides.wider import wider_row
from epi.storage import atomic_path

Say = Callable[[str], None]
SCORES, ABLATION = "landslide_scores.csv", "landslide_ablation.csv"
EVENTS, MAPS, SHIPPED = "landslide_events.csv", "landslide_maps.nc", "landslide.safetensors"


@dataclass
class LandslideStudy:
    """One study in one folder.

    Attributes
    ----------
    profile : how much of it.
    data : patches, see `epi.learn.landslides.data.read_patches`.
    practice : makes the patches that a network may practise on; called only where one does.
    folder : for checkpoints and results.
    device, seed, say : of the networks; of the divisions; is told how it goes.
    """

    profile: LandslideProfile
    data: xr.Dataset
    practice: Callable[[], xr.Dataset]
    folder: Path
    device: str = "auto"
    seed: int = 0
    say: Say = print

    @cached_property
    def patches(self) -> Patches:
        """The data, checked, with every channel that anybody looks at."""
        return read_patches(self.data, self._channels())

    @cached_property
    def folds(self) -> dict[str, list[Fold]]:
        """The divisions by the name of the split."""
        event = self.patches.event
        held = event_folds(event, self.patches.region, folds=self.profile.folds, seed=self.seed)
        return {RANDOM: [random_split(len(event), seed=self.seed)], BY_EVENT: list(held)}

    def cells(self, recipe: LandslideRecipe, split: str, *, keep: bool = False) -> list[list[Cell]]:
        """Train and judge a recipe, by seed and fold."""
        sizes = terciles(self.patches.label)
        found = []
        for seed in self.profile.seeds:
            own = []
            for fold in self.folds[split]:
                self.say(f"{recipe.name}, {split}, fold {fold.number + 1} of {len(self.folds[split])}, seed {seed}")
                cell = run_cell(
                    recipe,
                    self.patches,
                    fold,
                    sizes=sizes,
                    seed=seed,
                    folder=self.cell_folder(recipe, fold, seed),
                    device=self.device,
                    practised=self.practised,
                    keep=keep and seed == self.profile.seeds[0],
                    say=self.say,
                )
                own.append(cell)
            found.append(own)
        return found

    def cell_folder(self, recipe: LandslideRecipe, fold: Fold, seed: int) -> Path:
        """Where a network of the study lives."""
        own = self.profile.practice
        practised = f"-{own.events}-{own.patches}-{own.epochs}" if recipe.practice else ""
        return self.folder / (_slug(recipe.name) + practised) / f"{_slug(fold.split)}-{fold.number}-{seed}"

    def practised(self, recipe: LandslideRecipe) -> LandslideNetwork:
        """The network that a recipe begins with: recipes of one network, channels and loss share it.

        Practice is with hard labels, buckets, flips and turns, whatever is done with the data afterwards.
        """
        own = self.profile.practice
        plan = replace(recipe, name="practice", practice=False, epochs=own.epochs, rate=own.rate)
        plan = replace(plan, oversample=False, sigma_px=0.0, buckets=True, augment=True)
        name = f"practice-{recipe.network}-{own.events}-{own.patches}-{_stable(repr(plan.facts()))}"
        home = self.folder / name
        return practise(
            plan,
            lambda: read_patches(self.practice(), recipe.channels),
            folder=home,
            device=self.device,
            say=self.say,
        )

    def baselines(self, split: str) -> dict[str, list[Judged]]:
        """Answers that need no network, a judgement a fold, each at a threshold chosen on its validation."""
        sizes = terciles(self.patches.label)
        parts: dict[str, list[Judged]] = {}
        for fold in self.folds[split]:
            for name, answer in baseline_logits(self.patches, fold.train, seed=self.seed).items():
                watched, tested = fold.validation, fold.test
                level = choose_threshold(count_levels(answer(watched), *self._labels(watched)))
                truth = self.patches.truth_of(tested)
                judged = judge(answer(tested), *self._labels(tested), threshold=level, sizes=sizes, truth=truth)
                parts.setdefault(name, []).append(judged)
        return parts

    def rows(
        self, lines: Iterable[Trial], *, keep: tuple[str, ...] = ()
    ) -> tuple[list[dict[str, Any]], dict[str, list[Judged]]]:
        """Rows of trials, and what was judged by event, by the name of the recipe."""
        made: list[dict[str, Any]] = []
        known: dict[tuple[str, str], list[Judged]] = {}
        for trial in lines:
            cells = self.cells(trial.recipe, trial.split, keep=trial.recipe.name in keep and trial.split == BY_EVENT)
            judged = pooled(cells)
            known[trial.recipe.name, trial.split] = judged
            row = recipe_row(trial.part, trial.recipe, trial.split, cells)
            if trial.against:
                row |= difference_columns(judged, known[trial.against, trial.split], trial.against)
            shown = ("iou", "precision", "recall", "recall_small", "validation_iou")
            self.say("  " + ", ".join(f"{name} {row[name]:.3f}" for name in shown))
            made.append(row)
        return made, {name: judged for (name, split), judged in known.items() if split == BY_EVENT}

    def _labels(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.patches.label[rows], self.patches.valid[rows], self.patches.event[rows]

    def _channels(self) -> tuple[str, ...]:
        wanted = [name for trial in trials(self.profile) for name in trial.recipe.channels]
        return tuple(dict.fromkeys([*wanted, *NEEDED]))


def run_landslides(study: LandslideStudy, *, command: str, home: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do the study, and write its tables, its example maps and the weights of our network.

    Parameters
    ----------
    study : what to do, and where.
    command : kept in the tables.
    home : the project's data folder.

    Returns
    -------
    Scores and ablation: a row a method and split, as written.
    """
    profile = study.profile
    base, ours = profile.published, profile.ours
    rows = thesis_rows()
    free = {split: study.baselines(split) for split in (RANDOM, BY_EVENT)}
    for split, found in free.items():
        rows += [baseline_row(name, split, parts) for name, parts in found.items()]
    made, known = study.rows(trials(profile), keep=(base.name, ours.name))
    made.append(wider_row(study, ours, known[ours.name]))
    facts: dict[str, Any] = {"pixels": profile.pixels, "seed": study.seed, "command": command}
    scores = rounded(pd.DataFrame(rows + made).assign(**facts))
    parts, _ = study.rows(ablation(profile) if profile.retrain else ())
    parts = hidden_rows(study, ours, known[ours.name]) + parts
    channels = rounded(pd.DataFrame(parts).assign(**facts))
    judged = {"low coherence": [joined(free[BY_EVENT]["low coherence"])]} | {
        name: known[name] for name in (base.name, ours.name)
    }
    events = pd.concat([by_event(each).assign(method=name) for name, each in judged.items()], ignore_index=True)
    for name, table in ((SCORES, scores), (ABLATION, channels), (EVENTS, rounded(events.assign(command=command)))):
        with atomic_path(home / name) as path:
            table.to_csv(path, index=False)
    shown = {"published": base, "ours": ours}
    example_maps(study, shown).to_netcdf(home / MAPS, engine="h5netcdf")
    _ship(study, ours, scores, command, home / SHIPPED)
    return scores, channels


def _ship(study: LandslideStudy, ours: LandslideRecipe, scores: pd.DataFrame, command: str, path: Path) -> None:
    """Write our network of the first fold, whose events it never saw, with a card."""
    fold, seed = study.folds[BY_EVENT][0], study.profile.seeds[0]
    network = load_landslide(study.cell_folder(ours, fold, seed) / WEIGHTS)
    own = study.cells(ours, BY_EVENT, keep=True)[0][0]
    row = scores[(scores["method"] == ours.name) & (scores["split"] == BY_EVENT)].iloc[0]
    save_landslide(network, path, card(study, ours, own, row, command))


def card(study: LandslideStudy, ours: LandslideRecipe, own: Cell, row: pd.Series, command: str) -> dict[str, object]:
    """What the weights that ship say of themselves."""
    numbers = {name: value for name, value in row.items() if isinstance(value, float) and np.isfinite(value)}
    tested = sorted(set(own.judged.table["event"].tolist()))
    return {
        "command": command,
        "recipe": ours.facts(),
        "practice": vars(study.profile.practice) if ours.practice else None,
        "never_seen": tested,
        "scores_there": score([own.judged], draws=200),
        "scores_all_folds": numbers,
        "limits": [
            "simulated scenes and inventories: real ground, air and mappers may be unlike them",
            "practised and tested in one simulator: what practice is worth on real scenes was not asked",
            f"pixels of {study.patches.pixel_m:.0f} m: landslides of a few pixels are mostly missed",
            "fields that were ploughed, snow that fell and water that rose lose coherence too: look at other images",
            "one pair of images says that the ground changed between them, not when, and not why",
        ],
    }


def _slug(name: str) -> str:
    return "".join(each if each.isalnum() or each in "_-" else "-" for each in name)


def _stable(text: str) -> int:
    """A short number of a text, the same in every process."""
    return zlib.crc32(text.encode())
