"""Simulated images in the layout of QuakeSet's file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

from epi.errors import ParameterError
from epi.simulate.backscatter.recipe import SPLITS, Backscatter
from epi.simulate.backscatter.scene import simulate_triplet
from epi.storage import atomic_path

FILENAME = "earthquakes.h5"
TRUTH = ("depth_km", "distance_km", "slid", "collapsed", "torn", "intensity")
"""What only a simulation knows, kept with each patch: shares of the patch's ground, and its mean intensity."""


def write_quakeset(
    path: str | Path,
    recipe: Backscatter,
    seed: int,
    events: Mapping[str, int],
    pixels: int,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write an HDF5 file as QuakeSet's ``earthquakes.h5``, a patch an earthquake.

    A group an earthquake, its name of seven digits, with attributes ``magnitude`` and ``split``; in it datasets ``x``
    and ``y`` (degrees, of the patch's centre) and a group ``patch_0`` with ``before``, ``pre`` and ``post``: (pixels,
    pixels, 2) float32, linear power, VV and VH. What is known beside is in the patch's attributes (`TRUTH`), which no
    reader needs.

    Parameters
    ----------
    path : the file; it is whole or absent.
    recipe, seed : what is drawn.
    events : how many earthquakes of each of `SPLITS`; those of a part are the same whatever the others hold.
    pixels : a side; see `simulate_triplet`.
    say : is told how it goes.

    Raises
    ------
    ParameterError : an unknown part, no earthquake, or pixels that do not divide the recipe's side.
    StorageError : it cannot be written there.
    """
    unknown = [name for name in events if name not in SPLITS]
    if unknown or not sum(events.values()):
        raise ParameterError(f"Earthquakes {dict(events)} were asked: give some for {', '.join(SPLITS)}.")
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        for split, count in events.items():
            for number in range(SPLITS[split], SPLITS[split] + count):
                _write_event(file, recipe, seed, number, split, pixels)
                if (number - SPLITS[split]) % 100 == 99:
                    say(f"simulated {number - SPLITS[split] + 1} of {count} earthquakes for {split}")
    return Path(path)


def _write_event(file: h5py.File, recipe: Backscatter, seed: int, number: int, split: str, pixels: int) -> None:
    made = simulate_triplet(recipe, seed, number, pixels=pixels)
    group = file.create_group(f"{number:07d}")
    group.attrs["magnitude"], group.attrs["split"] = made.quake.magnitude, split
    group["x"], group["y"] = np.array([made.quake.longitude]), np.array([made.quake.latitude])
    patch = group.create_group("patch_0")
    for name in ("before", "pre", "post"):
        patch[name] = getattr(made, name)
    known = {"depth_km": made.quake.depth_km, "distance_km": made.quake.distance_km}
    known |= {name: float(getattr(made, name).mean()) for name in TRUTH[2:]}
    for name, value in known.items():
        patch.attrs[name] = value
