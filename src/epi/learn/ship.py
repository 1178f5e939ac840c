"""The network that ships: trained, its error bars adjusted on scenes of their own, and scored on others.

``python -m epi.learn.ship --plan cpu --folder FOLDER`` (make train-locator) writes ``data/locator.safetensors``,
``data/locator_scores.csv`` and ``data/patch_scores.csv``; interrupted, it goes on from its last checkpoint.
``python -m epi.learn.ship --patches`` trains nothing and scores the patches anew, by the weights that are there.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from epi.errors import EpiError
from epi.learn.channels import labels
from epi.learn.known import KnownScene, gridded, quiet_scene, recipe_scene
from epi.learn.likelihood import VISIBLE_M
from epi.learn.locate import (
    Located,
    calibrate,
    centres,
    combine,
    ellipse,
    log_product,
    patch_offsets,
    predict,
    scene_grid,
)
from epi.learn.metrics import interval
from epi.learn.models import Locator, load_network, save_network
from epi.learn.scores import error_row, free_row, truth_row
from epi.learn.train import PLANS, Plan, train_network
from epi.settings import settings
from epi.simulate.recipe import STORMY, UNSEEN
from epi.storage import atomic_path

CALIBRATION = range(12_000, 12_150)
"""Seeds on whose scenes error bars are adjusted."""
REPORTED = {(UNSEEN, "earthquake"): range(200), (UNSEEN, "quiet"): range(100), (STORMY, "earthquake"): range(100)}
"""Seeds of the scenes that are scored, by recipe and kind."""
SAID = ("network_east_km", "network_north_km", "network_sigma_km")
"""Of the table of patches: what `epi.learn.patch_offsets` answers."""
LIBRARIES = ("torch", "lightning", "numpy", "scipy")
"""Whose versions a card names: what trained the network and made its patches."""
TEMPERS = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)


def adjust(network: Locator, seeds: Iterable[int] = CALIBRATION) -> dict[str, float]:
    """Choose how sharp the joint density of patches is, then how wide its ellipse must be; the network keeps both.

    Parameters
    ----------
    network : trained.
    seeds : of scenes of the recipe that are not reported.

    Returns
    -------
    ``temper``, under which the true epicentres are the likeliest, ``ellipse_factor``, and ``presence``, measured on the
    same scenes without their earthquakes.
    """
    known, seen = [], []
    for scene in map(recipe_scene, seeds):
        patches = gridded(scene, network.settings)
        known.append(scene.centroid)
        seen.append((centres(patches), predict(network, patches)))
    sums = []
    for (places, answers), (east, north) in zip(seen, known, strict=True):
        lines = scene_grid(network, places)
        at = int(np.argmin(np.abs(lines[1] - north))), int(np.argmin(np.abs(lines[0] - east)))
        sums.append((log_product(network, lines, places, answers), at))
    likelihood = {temper: sum(_log_softmax(temper * total)[at] for total, at in sums) for temper in TEMPERS}
    temper = max(likelihood, key=lambda each: likelihood[each])
    network.settings = replace(network.settings, temper=temper)
    factor = calibrate(network, [combine(network, *each) for each in seen], known)
    presence = quiet_level(network, seeds)
    network.settings = replace(network.settings, presence=presence)
    return {"temper": temper, "ellipse_factor": factor, "presence": presence}


def quiet_level(network: Locator, seeds: Iterable[int] = CALIBRATION, *, alarms: float = 0.05) -> float:
    """Probability of a visible earthquake that so large a share of scenes without one reaches."""
    said = []
    for scene in map(quiet_scene, seeds):
        patches = gridded(scene, network.settings)
        said.append(combine(network, centres(patches), predict(network, patches)).visible)
    return float(np.quantile(said, 1 - alarms, method="higher"))


def _log_softmax(values: np.ndarray[Any, np.dtype[np.float64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    top = values.max()
    return np.asarray(values - top - np.log(np.exp(values - top).sum()))


def score(network: Locator) -> pd.DataFrame:
    """Locate the reported scenes.

    Parameters
    ----------
    network : adjusted.

    Returns
    -------
    One row a scene: ``recipe, kind`` (earthquake, quiet), what is true of it, what the network and the answers that
    cost nothing say, and how long the network took (s, simulation left out).
    """
    makers = {"earthquake": recipe_scene, "quiet": quiet_scene}
    rows = []
    for (which, kind), seeds in REPORTED.items():
        for scene in map(partial(makers[kind], which=which), seeds):
            start = time.perf_counter()
            patches = gridded(scene, network.settings)
            found = combine(network, centres(patches), predict(network, patches))
            seconds = time.perf_counter() - start
            row = {"recipe": which.name, "kind": kind, **_row(network, scene, found)}
            rows.append(row | {"seconds": seconds})
    return pd.DataFrame(rows)


def _row(network: Locator, scene: KnownScene, found: Located) -> dict[str, float]:
    """What is true of a scene, and what was said of it; errors in km, NaN without an earthquake."""
    axes = ellipse(found.covariance * float(network.settings.ellipse_factor or np.nan))
    return {
        **truth_row(scene),
        "network_east_km": found.east_km,
        "network_north_km": found.north_km,
        **error_row(scene, (found.east_km, found.north_km), axes),
        "visible": found.visible,
        "network_magnitude": found.magnitude,
        "magnitude_sigma": found.magnitude_sigma,
        **free_row(scene),
    }


def score_patches(network: Locator, seeds: Iterable[int] = REPORTED[UNSEEN, "earthquake"]) -> pd.DataFrame:
    """Ask single patches of the reported earthquakes where the epicentre lies.

    Parameters
    ----------
    network : trained.
    seeds : of the recipe `epi.simulate.recipe.UNSEEN`.

    Returns
    -------
    One row a patch that holds the epicentre: seed, place of the patch in its scene, largest displacement of the scene
    (cm), the true offset of the epicentre from the patch's centre and the network's, and how far off that may be (km).
    """
    tables = []
    for scene in map(recipe_scene, seeds):
        patches = gridded(scene, network.settings)
        true = labels(patches)
        held = np.flatnonzero((np.abs(true) < network.settings.size_km / 2).all(axis=1))
        said = patch_offsets(network, patches.take(held.tolist()))
        table = patches.table.iloc[held][["row", "column"]].assign(seed=scene.seed, peak_cm=100 * scene.peak_m)
        table[["east_km", "north_km"]] = true[held]
        tables.append(table.assign(**dict(zip(SAID, said.T, strict=True))))
    return pd.concat(tables, ignore_index=True)[["seed", "row", "column", "peak_cm", "east_km", "north_km", *SAID]]


def summary(scores: pd.DataFrame) -> dict[str, float]:
    """The figures of a network's card: the visible earthquakes of the recipe, and coverage over all and in storms."""
    earthquakes = scores[scores["kind"] == "earthquake"]
    usual = earthquakes[earthquakes["recipe"] == UNSEEN.name]
    seen = usual[usual["peak_cm"] >= 100 * VISIBLE_M]
    return {
        "scenes": len(usual),
        "visible_scenes": len(seen),
        "median_km": float(seen["error_km"].median()),
        "mean_km": float(seen["error_km"].mean()),
        "coverage": float(usual["inside"].mean()),
        "coverage_stormy": float(earthquakes.loc[earthquakes["recipe"] == STORMY.name, "inside"].mean()),
    }


def trivial(scores: pd.DataFrame) -> dict[str, float]:
    """Median errors (km) of the answers that cost nothing on the visible earthquakes of the recipe."""
    seen = scores[(scores["recipe"] == UNSEEN.name) & (scores["peak_cm"] >= 100 * VISIBLE_M)]
    return {name: float(seen[f"{name}_error_km"].median()) for name in ("centre", "steepest", "peak")}


def intervals(scores: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """95 % intervals over scenes of the figures of `summary`: bootstrap, and of shares Wilson's (1927)."""
    earthquakes = scores[scores["kind"] == "earthquake"]
    usual, stormy = (earthquakes[earthquakes["recipe"] == which.name] for which in (UNSEEN, STORMY))
    seen = usual[usual["peak_cm"] >= 100 * VISIBLE_M]
    return {
        "median_km": interval(seen["error_km"], seen["seed"], np.median),
        "mean_km": interval(seen["error_km"], seen["seed"], np.mean),
        "coverage": _of_share(usual["inside"]),
        "coverage_stormy": _of_share(stormy["inside"]),
    }


def _of_share(inside: pd.Series) -> tuple[float, float]:
    """Wilson's interval, which knows that all of a hundred are not all there are."""
    found = binomtest(int(inside.sum()), len(inside)).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


def limits(plan: Plan) -> list[str]:
    """Where a network that was trained by a plan should not be trusted."""
    weather, centimetres = plan.weather, [f"{100 * each:g}" for each in plan.weather.atmosphere_m]
    return [
        "C band and the looks of Sentinel-1; trained on single tracks, and its ellipses are adjusted on these",
        f"earthquakes of magnitude {weather.magnitude[0]:g} to {weather.magnitude[1]:g} at depths of "
        f"{weather.depth_km[0]:g} to {weather.depth_km[1]:g} km: rectangles that slip in a uniform elastic half-space",
        f"simulated air of {' to '.join(centimetres)} cm rms; real air, land and unwrapping errors may be unlike it",
        f"where the ground moves by less than {100 * VISIBLE_M:g} cm, or less than the air seems to, it can only guess",
        "the 95 % ellipses are adjusted over all scenes of the recipe: single kinds of scenes may be covered less",
    ]


def card_of(
    plan: Plan,
    history: pd.DataFrame,
    centre_km: float,
    adjusted: Mapping[str, float],
    table: pd.DataFrame,
    command: str,
) -> dict[str, object]:
    """The card of a network: how it came, on what, what it scores, and what it cannot do.

    Parameters
    ----------
    plan : it was trained by.
    history, centre_km : of `epi.learn.Trained`.
    adjusted : as `adjust` returns it.
    table : as `score` returns it.
    command : that made the network.

    Returns
    -------
    Values ready for JSON; ``intervals`` are those of the figures of the same names.
    """
    card: dict[str, object] = {"command": command, "seed": plan.seed, "patches": plan.patches, "batch": plan.batch}
    card |= {"plan": plan.facts(), "history": history.round(3).to_dict("list"), "centre_km": centre_km}
    card |= {"data": vars(plan.weather), "calibration_seeds": [CALIBRATION[0], CALIBRATION[-1]], **adjusted}
    card |= {"trivial_median_km": trivial(table), "libraries": {name: version(name) for name in LIBRARIES}}
    return card | {**summary(table), "intervals": intervals(table), "limits": limits(plan)}


def ship(plan: Plan, *, folder: Path, weights: Path, scores: Path, patches: Path, command: str) -> dict[str, float]:
    """Train, adjust, score, and write weights and scores.

    Parameters
    ----------
    plan : how to train.
    folder : for the checkpoint.
    weights, scores, patches : files to write; the last two are tables, of scenes and of patches.
    command : kept in the card.

    Returns
    -------
    The card's figures.
    """
    trained = train_network(plan, folder=folder)
    adjusted = adjust(trained.network)
    table = score(trained.network)
    card = card_of(plan, trained.history, trained.centre_km, adjusted, table, command)
    for path, rows in ((scores, table), (patches, score_patches(trained.network))):
        _keep(rows, path)
    save_network(trained.network, weights, card)
    return summary(table)


def _keep(table: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all."""
    with atomic_path(path) as temporary:
        table.round(4).to_csv(temporary, index=False)


def main(words: list[str]) -> int:
    """Read the command line and ship: 0 done, 1 a stated error, 2 wrong usage."""
    reader = argparse.ArgumentParser(prog="python -m epi.learn.ship", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--plan", choices=sorted(PLANS), default="cpu", help="for two cores, or for a large GPU")
    reader.add_argument("--folder", type=Path, default=Path("runs/locator"), help="for checkpoints and history")
    reader.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    reader.add_argument("--patches", action="store_true", help="only score patches, by the weights that are there")
    given = reader.parse_args(words)
    data = settings().data
    command = f"python -m epi.learn.ship --plan {given.plan}"
    plan = replace(PLANS[given.plan], device=given.device)
    files = {"weights": data / "locator.safetensors", "scores": data / "locator_scores.csv"}
    files["patches"] = data / "patch_scores.csv"
    try:
        if given.patches:
            _keep(score_patches(load_network(files["weights"])), files["patches"])
        else:
            print(ship(plan, folder=given.folder, **files, command=command))
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
