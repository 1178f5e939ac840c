"""Every variant with every seed, scored on the same earthquakes: a table that grows a network at a time."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.torch
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.learn.ablation.network import Course, Material, SmallLocator, measure, predict, train
from epi.learn.ablation.pool import Pool, draw_pool, join, read_pool, save_pool, scene_pool
from epi.learn.ablation.variants import FULL, ORDER, VARIANTS, WEATHERS, Variant, chosen, made_up_coordinates
from epi.learn.metrics import compare, errors_km, interval
from epi.simulate.recipe import STORMY, UNSEEN, Recipe
from epi.storage import atomic_path

STREAM, WATCHED, ELSEWHERE = 4_000_000, 4_000_001, 1_000_000
"""Seeds of the stream learned from and of the one watched; added to the seed of coordinates elsewhere."""
PART = 8
"""Blocks drawn from one file to the next: an interruption loses no more."""
AIR_CM = {
    "0.3 to 4": (0.3, 4.0),
    "0.3 to 1": (0.3, 1.0),
    "1 to 2": (1.0, 2.0),
    "2 to 4": (2.0, 4.0),
    "4 to 8": (4.0, 8.0),
}
"""Classes of air, rms of the delay in cm, under which earthquakes are scored; the first holds the next three."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Scale:
    """How much is drawn, learned and tested.

    Attributes
    ----------
    blocks, watched : of the stream, 16 earthquakes each, that are learned from and watched.
    unseen, stormy : seeds of the test scenes of the two recipes.
    course : of the training.
    """

    blocks: int = 40
    watched: int = 4
    unseen: range = range(150)
    stormy: range = range(50)
    course: Course = field(default_factory=Course)


class Store:
    """The pools in a folder: drawn when first asked for, and kept."""

    def __init__(self, folder: Path, scale: Scale, progress: Progress) -> None:
        self.folder, self.scale, self.progress = folder, scale, progress
        self._held: tuple[str, Pool] | None = None

    def training(self, weather: str) -> Pool:
        """What is learned from, the last one asked for being held in memory."""
        if self._held is None or self._held[0] != weather:
            self._held = None  # two at a time would need twice the memory
            self._held = weather, self._drawn(weather, STREAM, self.scale.blocks, weather)
        return self._held[1]

    def watched(self) -> Pool:
        """What is looked at on the way."""
        return self._drawn("watched", WATCHED, self.scale.watched, "usual")

    def test(self) -> Pool:
        """The scenes that are scored, those under 4 to 8 cm of air with numbers of their own."""
        usual, storms = self._scenes(UNSEEN, self.scale.unseen), self._scenes(STORMY, self.scale.stormy)
        storms.event[:] += 1 + self.scale.unseen[-1]
        return join([usual, storms])

    def _drawn(self, name: str, seed: int, blocks: int, weather: str) -> Pool:
        parts = []
        for first in range(0, blocks, PART):
            numbers = range(first, min(first + PART, blocks))
            path = self.folder / f"{name}-{numbers[0]}-{numbers[-1]}.npz"
            if not path.is_file():
                self.progress(f"drawing {path.name}")
                save_pool(draw_pool(seed, numbers, weather=WEATHERS[weather]), path)
            parts.append(read_pool(path))
        return join(parts)

    def _scenes(self, which: Recipe, seeds: range) -> Pool:
        path = self.folder / f"{which.name}-{seeds[0]}-{seeds[-1]}.npz"
        if not path.is_file():
            self.progress(f"simulating {path.name}")
            save_pool(scene_pool(which, seeds), path)
        return read_pool(path)


def run_ablation(
    out: str | Path,
    *,
    folder: str | Path,
    variants: Iterable[str] = ORDER,
    seeds: Iterable[int] = (0, 1, 2),
    scale: Scale | None = None,
    command: str = "epi.learn.ablation.run_ablation",
    progress: Progress = lambda message: None,
) -> pd.DataFrame:
    """Train and score what is not yet in the table.

    Parameters
    ----------
    out : CSV of the scores, written after every network; the learning curves go beside it, to ``…_history.csv``.
    folder : of the patches, drawn once, and of the weights and errors of every network.
    variants, seeds : which; a seed decides first weights, order of the patches, and which earthquakes a small training
        set holds. All variants with one seed come before the next.
    scale : how much.
    command : kept in the table.
    progress : called with a line for each step.

    Returns
    -------
    The scores: a row for each variant, seed and class of air (`AIR_CM`), over the patches that hold the epicentre of
    an earthquake of 3 cm or more; intervals over earthquakes.

    Raises
    ------
    ParameterError : an unknown variant, or a table of another scale or without its learning curves.
    """
    amount, table, home = scale or Scale(), Path(out), Path(folder)
    names = chosen(variants)
    curves = table.with_name(f"{table.stem.removesuffix('_scores')}_history.csv")
    scores, history = _begun(table, curves, amount)
    store = Store(home, amount, progress)
    for seed in seeds:
        for name in names:
            if len(scores) and ((scores["variant"] == name) & (scores["seed"] == seed)).any():
                continue
            progress(f"training {name}, seed {seed}")
            rows, curve = _one(name, seed, store)
            scores = pd.concat([scores, rows.assign(**_facts(amount), command=command)], ignore_index=True)
            history = pd.concat([history, curve.assign(variant=name, seed=seed)], ignore_index=True)
            for path, frame in ((curves, history), (table, scores)):  # a row of scores says that all is written
                with atomic_path(path) as temporary:
                    frame.round(3).to_csv(temporary, index=False)
    return scores


def _facts(scale: Scale) -> dict[str, int]:
    """What rows of one table have in common."""
    return {"shown": scale.course.steps * scale.course.batch, "blocks": scale.blocks}


def _begun(table: Path, curves: Path, scale: Scale) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What an earlier run wrote; refused where it is of another scale, or has lost its learning curves."""
    if not table.is_file():
        return pd.DataFrame(), pd.DataFrame()
    if not curves.is_file():
        raise ParameterError(
            f"{table} is here, and its learning curves {curves} are not: give another file, or delete it."
        )
    scores = pd.read_csv(table, dtype={"variant": str})
    facts = _facts(scale)
    if not (scores[list(facts)] == pd.Series(facts)).all(axis=None):
        raise ParameterError(f"{table} was made with other amounts than {facts}: give another file, or delete it.")
    return scores, pd.read_csv(curves, dtype={"variant": str})


def _one(name: str, seed: int, store: Store) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and score one network."""
    variant, course = VARIANTS[name], store.scale.course
    pool = store.training(variant.weather)
    if variant.earthquakes is not None:
        pool = pool.earthquakes(variant.earthquakes, seed=seed)
    material, watched = _material(variant, pool, seed), _material(variant, store.watched(), seed + ELSEWHERE)
    network = SmallLocator(coordinates=variant.coordinates, seed=seed)
    if variant.start:
        safetensors.torch.load_model(network, _file(store, variant.start, seed, "safetensors"))
    network, curve = train(network, material, watched, course=course, seed=seed)
    test = _material(variant, store.test(), seed + ELSEWHERE)
    predicted = predict(network, test)
    facts: dict[str, Any] = {
        "variant": name,
        "seed": seed,
        "train_patches": len(pool),
        "train_earthquakes": np.unique(pool.event).size,
    }
    learned = {f"train_{measured}": value for measured, value in measure(network, material).items()}
    weights = {"parameters": sum(each.numel() for each in network.parameters())}
    full = _file(store, FULL, seed, "npy")
    np.save(_file(store, name, seed, "npy"), predicted)
    rows = _scores(test.pool, predicted, np.load(full) if full.is_file() else None)
    with atomic_path(_file(store, name, seed, "safetensors")) as temporary:
        safetensors.torch.save_model(network, str(temporary))
    return rows.assign(**facts, **learned, **weights), curve


def _material(variant: Variant, pool: Pool, seed: int) -> Material:
    return Material(pool, variant.sees, made_up_coordinates(pool, seed=seed) if variant.coordinates else None)


def _file(store: Store, name: str, seed: int, suffix: str) -> Path:
    return store.folder / f"{name}-seed{seed}.{suffix}"


def _scores(pool: Pool, predicted: NDArray[np.float64], full: NDArray[np.float64] | None) -> pd.DataFrame:
    """A row a class of air: error, what copying the centre costs, and the difference to the full input, paired."""
    rows, offset = [], pool.offset_km
    for air, (low, high) in AIR_CM.items():
        inside = (100 * pool.air_m >= low) & (100 * pool.air_m < high)
        if not inside.any():
            continue
        events = pool.event[inside]
        row: dict[Any, Any] = {"air_cm": air}
        row |= compare({"": predicted[inside]}, offset[inside], events).loc[""].to_dict()
        row |= {"centre_median_km": float(np.median(np.linalg.norm(offset[inside], axis=1)))}
        if full is not None:
            pair = errors_km(predicted[inside], offset[inside]), errors_km(full[inside], offset[inside])
            row |= _against(*pair, events)
        rows.append(row)
    return pd.DataFrame(rows)


def _against(errors: NDArray[np.float64], full: NDArray[np.float64], events: NDArray[np.int32]) -> dict[str, float]:
    """Difference of two medians on the same patches, with its interval over earthquakes."""

    def difference(rows: NDArray[np.float64]) -> float:
        return float(np.median(errors[rows.astype(int)]) - np.median(full[rows.astype(int)]))

    every = np.arange(len(errors))
    low, high = interval(every, events, difference)
    return {"against_full_km": difference(every.astype(float)), "against_low": low, "against_high": high}
