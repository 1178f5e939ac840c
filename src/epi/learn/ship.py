"""The network that ships: trained, its error bars adjusted on scenes of their own, and scored on others.

``python -m epi.learn.ship --plan cpu --folder FOLDER`` (make train-locator) writes ``data/locator.safetensors`` and
``data/locator_scores.csv``; interrupted, it goes on from its last checkpoint.
"""

import argparse
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from epi.learn.baselines import peak_los, steepest
from epi.learn.known import KnownScene, gridded, quiet_scene, recipe_scene
from epi.learn.likelihood import VISIBLE_M
from epi.learn.locate import (
    Located,
    calibrate,
    centres,
    combine,
    ellipse,
    log_product,
    predict,
    scene_grid,
    squared_distance,
)
from epi.learn.models import Locator, save_network
from epi.learn.train import PLANS, Plan, train_network
from epi.settings import settings
from epi.simulate.recipe import STORMY, UNSEEN
from epi.storage import atomic_path

CALIBRATION = range(12_000, 12_150)
"""Seeds on whose scenes error bars are adjusted."""
REPORTED = {(UNSEEN, "earthquake"): range(200), (UNSEEN, "quiet"): range(100), (STORMY, "earthquake"): range(100)}
"""Seeds of the scenes that are scored, by recipe and kind."""
TEMPERS = (0.4, 0.55, 0.7, 0.85, 1.0, 1.2, 1.5, 2.0, 3.0)


def adjust(network: Locator, seeds: Iterable[int] = CALIBRATION) -> dict[str, float]:
    """Choose how sharp the joint density of patches is, then how wide its ellipse must be; the network keeps both.

    Parameters
    ----------
    network : trained.
    seeds : of scenes of the recipe that are not reported.

    Returns
    -------
    ``temper``, under which the true epicentres are the likeliest, and ``ellipse_factor``.
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
    return {"temper": temper, "ellipse_factor": factor}


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
    east, north = scene.centroid
    axes = ellipse(found.covariance * float(network.settings.ellipse_factor or np.nan))
    whole = gridded(scene, replace(network.settings, size_km=80.0, pixels=200))
    simple = {
        "peak": peak_los(scene.product, whole)[0],
        "steepest": steepest(whole, cells=25)[0],
        "centre": np.zeros(2),
    }
    known = not np.isnan(scene.magnitude)
    inside = squared_distance(found, east, north) <= float(network.settings.ellipse_factor or np.nan)
    return {
        "seed": scene.seed,
        "magnitude": scene.magnitude,
        "peak_cm": 100 * scene.peak_m,
        "atmosphere_cm": 100 * scene.atmosphere_m,
        "east_km": east,
        "north_km": north,
        "network_east_km": found.east_km,
        "network_north_km": found.north_km,
        "error_km": float(np.hypot(found.east_km - east, found.north_km - north)),
        "major_km": axes[0],
        "minor_km": axes[1],
        "inside": float(inside) if known else np.nan,
        "visible": found.visible,
        "network_magnitude": found.magnitude,
        "magnitude_sigma": found.magnitude_sigma,
        **{f"{name}_error_km": float(np.hypot(*(place - [east, north]))) for name, place in simple.items()},
    }


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


def ship(plan: Plan, *, folder: Path, weights: Path, scores: Path, command: str) -> dict[str, float]:
    """Train, adjust, score, and write weights and scores.

    Parameters
    ----------
    plan : how to train.
    folder : for the checkpoint.
    weights, scores : files to write.
    command : kept in the card.

    Returns
    -------
    The card's figures.
    """
    trained = train_network(plan, folder=folder)
    adjusted = adjust(trained.network)
    table = score(trained.network)
    figures = summary(table)
    card: dict[str, object] = {"command": command, "seed": plan.seed, "patches": plan.patches, "batch": plan.batch}
    card |= {"history": trained.history.round(3).to_dict("list"), "centre_km": trained.centre_km}
    card |= {"data": vars(plan.weather), "calibration_seeds": [CALIBRATION[0], CALIBRATION[-1]], **adjusted, **figures}
    with atomic_path(scores) as temporary:
        table.round(4).to_csv(temporary, index=False)
    save_network(trained.network, weights, card)
    return figures


def main(words: list[str]) -> None:
    """Read the command line and ship."""
    reader = argparse.ArgumentParser(prog="python -m epi.learn.ship", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--plan", choices=sorted(PLANS), default="cpu", help="for two cores, or for a large GPU")
    reader.add_argument("--folder", type=Path, default=Path("runs/locator"), help="for checkpoints and history")
    reader.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    given = reader.parse_args(words)
    data = settings().data
    command = f"python -m epi.learn.ship --plan {given.plan}"
    plan = replace(PLANS[given.plan], device=given.device)
    print(
        ship(
            plan,
            folder=given.folder,
            weights=data / "locator.safetensors",
            scores=data / "locator_scores.csv",
            command=command,
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
