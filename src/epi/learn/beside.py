"""Physics, network, both, the answers that cost nothing and the floor, on the same simulated scenes.

``python -m epi.learn.beside --out data/comparison_scores.csv`` scores the reported scenes;
``python -m epi.learn.beside --calibrate`` measures the doubt of `epi.learn.both` on scenes of their own;
``python -m epi.learn.beside --propose data/proposal_scores.csv`` lets the network tell the fault where to look.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr

from epi.errors import EpiError
from epi.insar.frame import local_frame
from epi.learn.both import chance, joined
from epi.learn.known import quiet_scene, recipe_scene, with_truth
from epi.learn.locate import Located
from epi.learn.models import Locator, load_network
from epi.learn.scene import locate_scene
from epi.learn.scores import error_row, free_row, truth_row
from epi.settings import settings
from epi.simulate import recipe
from epi.simulate.floor import position_bound
from epi.source.invert import locate
from epi.source.proposal import Proposal
from epi.storage import atomic_path

REPORTED = {"earthquake": range(200), "quiet": range(100)}
"""Seeds of the recipe `epi.simulate.recipe.UNSEEN`, by kind."""
CALIBRATION = range(13_000, 13_080)
"""Seeds of the scenes on which the doubt of `epi.learn.both` is measured."""
DEVELOPMENT = CALIBRATION[:40]
"""Seeds of the earthquakes on which the search that starts from the network's map is tried."""
MISLEADING = 0.05
"""How often a network's map is taken to say nothing: as often as its 95 % ellipses may miss."""

Case = tuple[dict[str, Any], Located, tuple[float, float]]
"""Of an earthquake: the fault as `epi locate` gives it, the network's belief, and the true centroid (km)."""


def answers(network: Locator, product: xr.Dataset) -> tuple[dict[str, dict[str, Any]], Located]:
    """What physics, network and both say of a scene, as `epi locate` gives it, and the network's belief."""
    physics = locate([product]).to_dict()
    start = time.perf_counter()
    by_network, found, _ = locate_scene(network, product)
    by_network["seconds"] = time.perf_counter() - start
    together = joined(physics, by_network, found, local_frame(product))
    return {"physics": physics, "network": by_network, "both": together}, found


def row(network: Locator, seed: int, kind: str) -> dict[str, Any]:
    """One line of the table: what is true of a scene of the recipe, and every answer.

    Parameters
    ----------
    network : trained and adjusted.
    seed : of the recipe.
    kind : earthquake, or quiet for the same scene without it.
    """
    least = dict.fromkeys(("floor_km", "floor_major_km", "floor_minor_km"), np.nan)
    if kind == "quiet":
        scene = quiet_scene(seed)
    else:
        made, drawn = recipe.scene(seed, recipe.UNSEEN)
        scene, bound = with_truth(seed, made, drawn), position_bound(made, drawn, recipe=recipe.UNSEEN)
        least = dict(zip(least, (bound.rms_km, *bound.ellipse_km), strict=False))
    found = {"kind": kind, **truth_row(scene), **free_row(scene), **least}
    said, _ = answers(network, scene.product)
    for name, answer in said.items():
        place = answer["east_km"], answer["north_km"]
        one = {"east_km": place[0], "north_km": place[1], **error_row(scene, place, answer["ellipse_km"])}
        one |= {"azimuth": answer["ellipse_km"][2], "said_magnitude": answer["magnitude"]}
        one |= {"visible": answer["visible"], "warned": bool(answer["flags"]), "seconds": answer["seconds"]}
        found |= {f"{name}_{key}": value for key, value in one.items()}
    return found | {"trust": said["both"]["trust"]}


def table(weights: Path, seeds: Mapping[str, Iterable[int]], *, processes: int = 2) -> pd.DataFrame:
    """Score scenes of the recipe, several at a time.

    Parameters
    ----------
    weights : of the network.
    seeds : by kind: earthquake, quiet.
    processes : scenes at a time, each on one core.

    Returns
    -------
    One row a scene, sorted by kind and seed; km, cm, degrees, seconds; NaN where there is no earthquake.
    """
    asked = [(seed, kind) for kind, each in seeds.items() for seed in each]
    found = list(_on_each(_row, asked, weights, processes))
    return pd.DataFrame(found).sort_values(["kind", "seed"], ignore_index=True)


def proposal_row(network: Locator, seed: int) -> dict[str, Any]:
    """The fault's answer alone, and with the network's map: as places to start from, and as what is expected.

    Parameters
    ----------
    network : trained and adjusted.
    seed : of an earthquake of the recipe.

    Returns
    -------
    What is true of the scene, the network's error, and of each way (``alone``, ``starts``, ``expected``) error, ellipse
    and seconds, whether an earthquake was seen, and the error of fault and network put together (``both_error_km``).
    """
    scene = recipe_scene(seed)
    by_network, found, _ = locate_scene(network, scene.product)
    start, expected = (Proposal(**asdict(found.density), doubt=doubt) for doubt in (None, MISLEADING))
    place = by_network["east_km"], by_network["north_km"]
    one = truth_row(scene) | {"network_error_km": error_row(scene, place, by_network["ellipse_km"])["error_km"]}
    for name, proposal in {"alone": None, "starts": start, "expected": expected}.items():
        fault = locate([scene.product], proposal=proposal).to_dict()
        together = joined(fault, by_network | {"seconds": 0.0}, found, local_frame(scene.product))
        told = error_row(scene, (fault["east_km"], fault["north_km"]), fault["ellipse_km"])
        told |= {"visible": fault["visible"], "seconds": fault["seconds"]}
        told["both_error_km"] = error_row(scene, (together["east_km"], together["north_km"]), together["ellipse_km"])[
            "error_km"
        ]
        one |= {f"{name}_{key}": value for key, value in told.items()}
    return one


def measured_doubt(cases: Iterable[Case]) -> float:
    """How often the place of a fault that sees an earthquake has nothing to do with it (`epi.learn.both.DOUBT`).

    Parameters
    ----------
    cases : of earthquakes that are not reported: the fault, the network's belief, and the truth.

    Returns
    -------
    The mean of its posterior, when every doubt is as likely beforehand.
    """
    levels = np.linspace(0.0005, 0.9995, 1000)
    chances = [chance(*each) for each in cases if each[0]["visible"]]
    logs = sum((np.log((1 - levels) * right + levels * wrong) for right, wrong in chances), np.zeros(levels.size))
    return float(np.average(levels, weights=np.exp(logs - logs.max())))


def _on_each(
    work: Callable[[tuple[int, str]], Any], asked: list[tuple[int, str]], weights: Path, processes: int
) -> Iterator[Any]:
    """Results of a function of a seed and a kind, in processes of one core that hold the network."""
    with get_context("spawn").Pool(processes, _prepare, (weights,)) as pool:
        for done, result in enumerate(pool.imap_unordered(work, asked), 1):
            print(f"{done} of {len(asked)} scenes", file=sys.stderr)
            yield result


_HELD: dict[str, Locator] = {}
"""The network of a worker process."""


def _prepare(weights: Path) -> None:
    """Get a worker ready: one core, and the network."""
    torch.set_num_threads(1)
    _HELD["network"] = load_network(weights)


def _row(asked: tuple[int, str]) -> dict[str, Any]:
    return row(_HELD["network"], *asked)


def _proposed(asked: tuple[int, str]) -> dict[str, Any]:
    return proposal_row(_HELD["network"], asked[0])


def _answered(asked: tuple[int, str]) -> Case:
    scene = recipe_scene(asked[0])
    said, found = answers(_HELD["network"], scene.product)
    return said["physics"], found, scene.centroid


def main(words: list[str]) -> int:
    """Read the command line; write a table, or print the constants: 0 done, 1 a stated error, 2 wrong usage."""
    reader = argparse.ArgumentParser(prog="python -m epi.learn.beside", description=(__doc__ or "").partition("\n")[0])
    what = reader.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, metavar="FILE.csv", help="score the reported scenes")
    what.add_argument("--calibrate", action="store_true", help="measure the doubt of the combination instead")
    what.add_argument("--propose", type=Path, metavar="FILE.csv", help="score faults that the network proposes instead")
    reader.add_argument("--network", type=Path, metavar="FILE", help="weights (default: those that ship)")
    reader.add_argument("--earthquakes", type=range_of, metavar="FIRST-LAST", help="other seeds")
    reader.add_argument("--quiet", type=range_of, metavar="FIRST-LAST", help="other seeds of scenes without one")
    reader.add_argument("--processes", type=int, default=2)
    given = reader.parse_args(words)
    weights = given.network or settings().data / "locator.safetensors"
    try:
        load_network(weights)  # one that cannot be read would end every worker, and each would be started again
        if given.calibrate:
            asked = [(seed, "earthquake") for seed in given.earthquakes or CALIBRATION]
            print(f"DOUBT = {measured_doubt(_on_each(_answered, asked, weights, given.processes)):.3f}")
        elif given.propose:
            asked = [(seed, "earthquake") for seed in given.earthquakes or DEVELOPMENT]
            found = pd.DataFrame(_on_each(_proposed, asked, weights, given.processes))
            _keep(found.sort_values("seed"), given.propose)
        else:
            chosen = {"earthquake": given.earthquakes, "quiet": given.quiet}
            seeds = {kind: seeds or REPORTED[kind] for kind, seeds in chosen.items()}
            _keep(table(weights, seeds, processes=given.processes), given.out)
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


def _keep(scores: pd.DataFrame, path: Path) -> None:
    """Write a table, whole or not at all."""
    with atomic_path(path) as temporary:
        scores.to_csv(temporary, index=False, float_format="%.5g")


def range_of(text: str) -> range:
    """Seeds from the first to the last, both included."""
    first, last = map(int, text.split("-"))
    return range(first, last + 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
