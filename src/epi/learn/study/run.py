"""The whole study: every network by both protocols beside every trivial answer, in one table."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from epi.errors import ParameterError
from epi.learn.devices import device_of
from epi.learn.study.answers import trivial_answers
from epi.learn.study.loader import Images, StoredImages
from epi.learn.study.protocols import PROTOCOLS, published_labels, split
from epi.learn.study.recipe import MODELS, TASKS, Recipe
from epi.learn.study.scores import UNITS, score
from epi.learn.study.swaths import simulate_patches
from epi.learn.study.targets import labels
from epi.learn.study.training import fit, predict
from epi.patches import write
from epi.storage import atomic_path

SMALL = ("resnet18", "vit_tiny_patch16_224")
"""Networks a CPU can train: the smallest published one, and a small sibling of the published transformer."""


class Attempt(NamedTuple):
    """One way to ask: channels, target and loss (see `Recipe`), and by which protocols it is tried."""

    channels: int
    target: str
    loss: str = "combined"
    protocols: tuple[str, ...] = PROTOCOLS


OFFSET = Attempt(3, "offset", protocols=PROTOCOLS[1:])
"""What the honest protocol adds: where the epicentre lies as seen from the patch."""

ATTEMPTS: dict[str, tuple[Attempt, ...]] = {
    "distance": (
        *(Attempt(3, "raw"), Attempt(5, "normalised")),
        *(Attempt(5, "hundred_km"), Attempt(5, "hundred_km", "mse")),
    ),
    "epicentre": (Attempt(5, "raw"), Attempt(3, "normalised"), Attempt(5, "normalised"), OFFSET),
}
"""The attempts at each task: every target, and both losses."""

SCORES, HISTORY, SETTINGS = "scores.csv", "history.csv", "settings.json"

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Profile:
    """How much of the study is done.

    Attributes
    ----------
    models, attempts : which networks, and what each is asked, by task.
    events, every, pixels : earthquakes; every n-th patch of each; side of a patch.
    epochs, checkpoint_every : of training.
    weights, precision : see `Recipe`.
    """

    models: tuple[str, ...]
    attempts: dict[str, tuple[Attempt, ...]]
    events: int = 40
    every: int = 1
    pixels: int = 256
    epochs: int = 30
    checkpoint_every: int = 5
    weights: str | None = None
    precision: str = "32-true"


FEWER: dict[str, tuple[Attempt, ...]] = {
    "distance": (Attempt(5, "hundred_km"),),
    "epicentre": (Attempt(3, "normalised", protocols=PROTOCOLS[:1]), Attempt(5, "normalised"), OFFSET),
}
"""The attempts a processor without a GPU can afford."""

PROFILES = {
    "full": Profile(MODELS, ATTEMPTS, weights="auto"),
    "cpu": Profile(SMALL, FEWER, every=16, pixels=128, epochs=4, checkpoint_every=2),
    "small": Profile(SMALL, FEWER, every=16, pixels=32, epochs=3, checkpoint_every=1),
}
"""The published study at its own size, for a GPU; a named subset for a CPU (every 16th patch, 128 pixels, 4 passes over
the patches, the two small networks, fewer attempts); and a smaller one, of 32 pixels and 3 passes."""


class Case(NamedTuple):
    """One line of the study: who is in which part, with which labels."""

    protocol: str
    labels: str
    table: pd.DataFrame
    parts: pd.Series


def run_study(
    folder: str | Path,
    *,
    profile: Profile,
    seed: int = 0,
    device: str = "auto",
    workers: int = 0,
    command: str = "epi.learn.study.run_study",
    progress: Progress = lambda message: None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Do the study in a folder; killed at any moment and started again, it goes on from its last checkpoint.

    Parameters
    ----------
    folder : of the patches, a subfolder a network (checkpoint, predictions), and the tables.
    profile : how much to do.
    seed : of the earthquakes, the split and the networks.
    device : "cpu", "cuda" or "auto".
    workers : processes that read patches.
    command : kept in the table, so that it says how it was made.
    progress : called with a line for each step.

    Returns
    -------
    Scores (a row an answer: task, protocol, labels, model, channels, target, loss, sizes, measures, command) and the
    history of every network (a row an epoch). Both are in the folder as CSV too. ``weights`` says what each network
    really began with.

    Raises
    ------
    ParameterError : the folder holds another study, or no GPU where one was asked for.
    """
    home = Path(folder)
    device_of(device)
    _claim(home, {"profile": asdict(profile), "seed": seed})
    if not (home / "patches" / "patches.csv").is_file():
        progress(f"simulating {profile.events} earthquakes")
        drawn = simulate_patches(events=profile.events, pixels=profile.pixels, every=profile.every, seed=seed)
        write(home / "patches", drawn)
    images = StoredImages(home / "patches")
    rows: list[dict[str, object]] = []
    histories: list[pd.DataFrame] = []
    for case in _cases(images.table, seed):
        for task in TASKS:
            if not profile.attempts.get(task):
                continue
            rows += _trivial(case, task, seed)
            for recipe in _recipes(profile, task, case, seed):
                row, history = _network(home, images, case, recipe, device=device, workers=workers, progress=progress)
                rows.append(row)
                histories.append(history)
    scores = pd.DataFrame(rows).assign(patches=len(images.table), pixels=profile.pixels, seed=seed, command=command)
    history = pd.concat(histories, ignore_index=True)
    for name, table in ((SCORES, scores), (HISTORY, history)):
        with atomic_path(home / name) as path:
            table.to_csv(path, index=False, float_format="%.5g")
    return scores, history


def _claim(home: Path, settings: dict[str, object]) -> None:
    """Note what is done in a folder, and refuse one where something else was begun."""
    text = json.dumps(settings, indent=1)
    note = home / SETTINGS
    if note.is_file():
        if json.loads(note.read_text(encoding="utf-8")) != json.loads(text):
            raise ParameterError(f"{home} holds a study with other settings ({note}): choose another folder.")
        return
    with atomic_path(note) as path:
        path.write_text(text + "\n", encoding="utf-8")


def _cases(table: pd.DataFrame, seed: int) -> Iterator[Case]:
    """Both protocols with true labels, and the published one with the published labels."""
    for protocol in PROTOCOLS:
        yield Case(protocol, "true", table, split(table, protocol, seed=seed))
    yield Case(PROTOCOLS[0], "as published", published_labels(table), split(table, PROTOCOLS[0], seed=seed))


def _recipes(profile: Profile, task: str, case: Case, seed: int) -> Iterator[Recipe]:
    """The networks of one task and case; with the faulty labels only the trivial answers are scored."""
    if case.labels != "true":
        return
    for attempt in profile.attempts[task]:
        for model in profile.models if case.protocol in attempt.protocols else ():
            yield Recipe(
                model=model,
                task=task,
                channels=attempt.channels,
                target=attempt.target,
                loss=attempt.loss,
                pixels=profile.pixels,
                epochs=profile.epochs,
                checkpoint_every=profile.checkpoint_every,
                weights=profile.weights,
                precision=profile.precision,
                seed=seed,
            )


def _trivial(case: Case, task: str, seed: int) -> list[dict[str, object]]:
    """Scores of the answers that cost nothing."""
    training, test = (case.table[(case.parts == part).to_numpy()] for part in ("train", "test"))
    return [
        _row(case, task, {"model": name}, answers, test, seed)
        for name, answers in trivial_answers(training, test, task).items()
    ]


def _network(
    home: Path, images: Images, case: Case, recipe: Recipe, *, device: str, workers: int, progress: Progress
) -> tuple[dict[str, object], pd.DataFrame]:
    """Score and history of one network, trained or gone on with in its own folder."""
    name = f"{case.protocol.replace(' ', '-')}-{recipe.name}"
    progress(name)
    fitted = fit(
        recipe,
        images,
        case.parts,
        folder=home / name,
        table=case.table,
        device=device,
        workers=workers,
        progress=lambda line: progress(f"{name}: {line}"),
    )
    rows = np.flatnonzero((case.parts == "test").to_numpy())
    answers = predict(fitted, images, rows.tolist(), device=device)
    test = case.table.iloc[rows]
    save_predictions(home / name / "predictions.csv", test, answers, recipe.task)
    settings = {name: getattr(recipe, name) for name in ("model", "channels", "target", "loss", "epochs", "batch")}
    settings |= {"rate": recipe.learning_rate, "weights": fitted.began}
    row = _row(case, recipe.task, settings, answers, test, recipe.seed)
    known = {"task": recipe.task, "protocol": case.protocol}
    known |= {name: getattr(recipe, name) for name in ("model", "channels", "target")}
    return row, fitted.history.assign(**known)


def _row(
    case: Case, task: str, settings: dict[str, object], answers: np.ndarray, test: pd.DataFrame, seed: int
) -> dict[str, object]:
    """One line of the table of scores."""
    return {
        **{"task": task, "protocol": case.protocol, "labels": case.labels, **settings},
        **{"n_train": int((case.parts == "train").sum()), "n_test": len(test)},
        **{"events_test": int(test["event"].nunique()), "unit": UNITS[task], **score(answers, test, task, seed=seed)},
    }


def save_predictions(path: str | Path, table: pd.DataFrame, answers: np.ndarray, task: str) -> Path:
    """Write true and predicted answers, one row a patch.

    Parameters
    ----------
    path : the CSV file.
    table : rows of the patches, with their true answers.
    answers : (patches, outputs), km or degrees.
    task : "distance" or "epicentre".
    """
    names = ("distance_km",) if task == "distance" else ("latitude", "longitude")
    true = labels(table, task)
    facts = {f"{kind}_{name}": values[:, n] for n, name in enumerate(names)
             for kind, values in (("true", true), ("predicted", answers))}  # fmt: skip
    kept = table[["event", "subswath", "patch", "center_lat", "center_lon"]].reset_index(drop=True)
    with atomic_path(path) as temporary:
        kept.assign(**facts).to_csv(temporary, index=False, float_format="%.6g")
    return Path(path)
