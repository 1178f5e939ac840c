"""The landslide study: the published recipe and ours, every device on and off, and what costs nothing, in two tables.

``python -m epi.learn.landslides`` writes them. Interrupted, it goes on from its last checkpoint: each network has a
folder of its own, and one that is done is only read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from epi.learn.landslides.baselines import NEEDED, baseline_logits
from epi.learn.landslides.cells import KEPT, THRESHOLDS, WEIGHTS, Cell, judged_on, practise, run_cell
from epi.learn.landslides.data import Patches, read_patches
from epi.learn.landslides.exchanged import exchanged_rows
from epi.learn.landslides.maps import example_maps
from epi.learn.landslides.networks import LandslideNetwork, load_landslide, save_landslide
from epi.learn.landslides.profiles import BY_EVENT, RANDOM, LandslideProfile, Trial, ablation, trials, with_practice
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import Judged, by_event, joined, judge, score, terciles
from epi.learn.landslides.splits import Fold, event_folds, random_split
from epi.learn.landslides.table import baseline_row, ceiling_row, difference_columns, pooled, recipe_row, thesis_rows
from epi.learn.metrics import rounded
from epi.storage import atomic_path, crc_of

Say = Callable[[str], None]


@dataclass
class LandslideStudy:
    """One study in one folder.

    Attributes
    ----------
    profile : how much of it.
    data : patches, see `epi.learn.landslides.data.read_patches`.
    practice : makes the patches that a network may practise on; called only where one does.
    folder : for checkpoints and results.
    tables : beginning of the names of the files that are written.
    simulated : whether the data are.
    device, seed, say : of the networks; of the divisions; is told how it goes.
    """

    profile: LandslideProfile
    data: xr.Dataset
    practice: Callable[[], xr.Dataset]
    folder: Path
    tables: str = "landslide"
    simulated: bool = True
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
        after = f"-after-{self._practice_name(recipe)}" if recipe.practice else ""
        return self.folder / (_slug(recipe.name) + after) / f"{_slug(fold.split)}-{fold.number}-{seed}"

    def practised(self, recipe: LandslideRecipe, seed: int) -> LandslideNetwork:
        """The network that a recipe begins with, by seed: recipes of one network, channels and loss share it."""
        return practise(
            self._practice_plan(recipe),
            lambda: read_patches(self.practice(), recipe.channels),
            folder=self.folder / f"practice-{self._practice_name(recipe)}-{seed}",
            seed=seed,
            device=self.device,
            say=self.say,
        )

    def _practice_plan(self, recipe: LandslideRecipe) -> LandslideRecipe:
        """How a recipe's network practises: with hard labels, buckets, flips and turns, at a rate that rises first,
        whatever is done with the data afterwards.
        """
        own = self.profile.practice
        plan = replace(recipe, name="practice", practice=False, views=1, epochs=own.epochs, rate=own.rate)
        return replace(plan, oversample=False, sigma_px=0.0, buckets=True, augment=True, schedule="one cycle")

    def _practice_name(self, recipe: LandslideRecipe) -> str:
        own = self.profile.practice
        return f"{recipe.network}-{own.events}-{own.patches}-{crc_of(repr(self._practice_plan(recipe).facts()))}"

    def baselines(self, split: str) -> dict[str, list[dict[str, Judged]]]:
        """Answers that need no network, a judgement a fold, at each of the thresholds."""
        sizes = terciles(self.patches.label)
        parts: dict[str, list[dict[str, Judged]]] = {}
        for fold in self.folds[split]:
            for name, answer in baseline_logits(self.patches, fold.train, seed=self.seed).items():
                parts.setdefault(name, []).append(judged_on(answer, self.patches, fold, sizes=sizes)[0])
        return parts

    def ceiling(self, split: str) -> list[Judged]:
        """What really slid, judged by the drawn labels as an answer like any other; nothing where nobody knows it."""
        own = self.patches
        if own.truth is None:
            return []
        rows = np.concatenate([fold.test for fold in self.folds[split]])
        right, sizes = np.where(own.truth[rows], 1.0, -1.0), terciles(own.label)
        return [judge(right, own.label[rows], own.valid[rows], own.event[rows], threshold=0.5, sizes=sizes)]

    def rows(
        self, lines: Iterable[Trial], *, keep: tuple[str, ...] = ()
    ) -> tuple[list[dict[str, Any]], dict[str, list[Judged]]]:
        """Rows of trials, two each, and what was judged by event at the kept thresholds, by the name of the recipe."""
        made: list[dict[str, Any]] = []
        known: dict[tuple[str, str, str], list[Judged]] = {}
        for trial in lines:
            cells = self.cells(trial.recipe, trial.split, keep=trial.recipe.name in keep and trial.split == BY_EVENT)
            for on in THRESHOLDS:
                judged = known[trial.recipe.name, trial.split, on] = pooled(cells, on)
                row = recipe_row(trial.part, trial.recipe, trial.split, cells, on)
                if trial.against:
                    row |= difference_columns(judged, known[trial.against, trial.split, on], trial.against)
                shown = ("iou", "precision", "recall", "recall_small", "validation_iou")
                self.say(f"  threshold on {on}: " + ", ".join(f"{name} {row[name]:.3f}" for name in shown))
                made.append(row)
        return made, {name: judged for (name, *how), judged in known.items() if how == [BY_EVENT, KEPT]}

    def _channels(self) -> tuple[str, ...]:
        wanted = [name for trial in trials(self.profile) for name in trial.recipe.channels]
        return tuple(dict.fromkeys([*wanted, *NEEDED]))


def run_landslides(study: LandslideStudy, *, command: str, home: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do the study, and write its tables, its example maps and the weights of our network; those two, of data that are
    not simulated, into the study's own folder.

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
    base, after, ours = profile.published, with_practice(profile), profile.ours
    rows = thesis_rows()
    for split in (RANDOM, BY_EVENT):
        rows += [ceiling_row(split, one) for one in study.ceiling(split)]
    free = {split: study.baselines(split) for split in (RANDOM, BY_EVENT)}
    for split, found in free.items():
        for name, folds in found.items():
            rows += [baseline_row(name, split, [fold[on] for fold in folds], on) for on in THRESHOLDS]
    made, known = study.rows(trials(profile), keep=(after.name, ours.name))
    facts: dict[str, Any] = {"pixels": profile.pixels, "seed": study.seed} | terciles(study.patches.label).facts()
    facts["command"] = command
    scores = rounded(pd.DataFrame(rows + made).assign(**facts))
    parts, _ = study.rows(ablation(profile) if profile.retrain else ())
    parts = exchanged_rows(study, ours, known[ours.name]) + parts
    channels = rounded(pd.DataFrame(parts).assign(**facts))
    judged = {"low coherence": [joined([fold[KEPT] for fold in free[BY_EVENT]["low coherence"]])]}
    judged |= {name: known[name] for name in (base.name, after.name, ours.name)}
    events = pd.concat([by_event(each).assign(method=name) for name, each in judged.items()], ignore_index=True)
    written = {"scores": scores, "ablation": channels, "events": rounded(events.assign(command=command))}
    for name, table in written.items():
        with atomic_path(home / f"{study.tables}_{name}.csv") as path:
            table.to_csv(path, index=False)
    place = home if study.simulated else study.folder  # ground and landslides of others are not ours to pass on
    with atomic_path(place / f"{study.tables}_maps.nc") as path:
        example_maps(study, {"published": after, "ours": ours}).to_netcdf(path, engine="h5netcdf")
    _ship(study, ours, scores, command, place / f"{study.tables}.safetensors")
    return scores, channels


def _ship(study: LandslideStudy, ours: LandslideRecipe, scores: pd.DataFrame, command: str, path: Path) -> None:
    """Write our network of the first fold, whose events it never saw, with a card."""
    fold, seed = study.folds[BY_EVENT][0], study.profile.seeds[0]
    network = load_landslide(study.cell_folder(ours, fold, seed) / WEIGHTS)
    own = study.cells(ours, BY_EVENT, keep=True)[0][0]
    chosen = (scores["method"] == ours.name) & (scores["split"] == BY_EVENT) & (scores["threshold_on"] == KEPT)
    row = scores[chosen].iloc[0]
    save_landslide(network, path, card(study, ours, own, row, command))


def card(study: LandslideStudy, ours: LandslideRecipe, own: Cell, row: pd.Series, command: str) -> dict[str, object]:
    """What the weights that ship say of themselves."""
    numbers = {
        name: value
        for name, value in row.items()
        if isinstance(value, float | int) and not isinstance(value, bool) and np.isfinite(value)
    }
    tested = sorted(set(own.judged[KEPT].table["event"].tolist()))
    limits = [f"pixels of {study.patches.pixel_m:.0f} m: landslides of a few pixels are mostly missed"]
    if study.simulated:
        limits += [
            "simulated scenes and inventories: real ground, air and mappers may be unlike them",
            "practised and tested in one simulator: what practice is worth on real scenes was not asked",
        ]
    return {
        "command": command,
        "recipe": ours.facts(),
        "practice": vars(study.profile.practice) if ours.practice else None,
        "never_seen": tested,
        "scores_there": score([own.judged[KEPT]], draws=200),
        "scores_all_folds": numbers,
        "limits": [
            *limits,
            "fields that were ploughed, snow that fell and water that rose lose coherence too: look at other images",
            "one pair of images says that the ground changed between them, not when, and not why",
        ],
    }


def _slug(name: str) -> str:
    return "".join(each if each.isalnum() or each in "_-" else "-" for each in name)
