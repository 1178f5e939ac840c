"""Patches of simulated events: those of the study, others to choose a recipe by, and endless ones to practise on."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import xarray as xr

from epi.catalogue import inventory_of
from epi.errors import EmptyScene, ParameterError, ProductError
from epi.patches.stack import cut_patches, join_patches, load_patches, make_stack, save_patches
from epi.simulate.landslides import Mixture, mapped_inventory, simulate_landslide_event

Say = Callable[[str], None]


def simulated_patches(
    recipe: Mixture,
    seed: int,
    numbers: Iterable[int],
    *,
    pixels: int,
    side: int | None = None,
    keep: int | None = None,
    mapped: bool = True,
    say: Say = lambda _: None,
) -> xr.Dataset:
    """Simulate events, make their stacks and cut them.

    Parameters
    ----------
    recipe, seed, numbers : which events.
    pixels : side of a patch.
    side : rows and columns of an event; None takes the recipe's own.
    keep : patches kept of each event, at random; None keeps all.
    mapped : label with the inventory that a person would have drawn, as real data are; else with what is true.
    say : is told how it goes.

    Returns
    -------
    Patches as of `epi.patches.stack.join_patches`; where they are mapped, with ``truth`` (uint8) beside
    ``landslide``: 1 where the ground really slid. An event of which nothing can be seen, or whose ground came out
    higher than a product may hold, is left out, and ``say`` is told.

    Raises
    ------
    EmptyScene : nothing can be seen of any event.
    """
    parts = []
    for number in numbers:
        try:
            made = simulate_landslide_event(recipe, seed, number, rows=side, columns=side)
        except ProductError as error:
            say(f"{recipe.name} event {number}: its ground is like none on Earth, left out ({error})")
            continue
        inventory = mapped_inventory(made) if mapped else None
        drawn = inventory_of(inventory) if inventory is not None and len(inventory) else None
        label = drawn or (made["landslide"] if inventory is None else xr.zeros_like(made["landslide"]))
        try:
            patches = cut_patches(make_stack(made, label), pixels)
            if mapped:
                exact = cut_patches(make_stack(made, made["landslide"]), pixels)
                patches = patches.assign(truth=exact["landslide"])
        except EmptyScene:
            say(f"{recipe.name} event {number}: nothing can be seen, left out")
            continue
        parts.append(thinned(patches, keep, seed=[seed, number]))
        say(f"{recipe.name} event {number}: {parts[-1].sizes['patch']} patches")
    if not parts:
        raise EmptyScene(f"Nothing can be seen of any event of {recipe.name}: ask for others.")
    return join_patches(parts)


def thinned(patches: xr.Dataset, keep: int | None, *, seed: list[int]) -> xr.Dataset:
    """So many patches at random, in their order; all of them where there are no more."""
    count = patches.sizes["patch"]
    if keep is None or keep >= count:
        return patches
    return patches.isel(patch=np.sort(np.random.default_rng(seed).permutation(count)[:keep]))


def kept_patches(path: Path, make: Callable[[], xr.Dataset]) -> xr.Dataset:
    """Read patches from a file, or make and keep them there."""
    if not path.is_file():
        save_patches(make(), path)
    return load_patches(path)


def folder_patches(folder: str | Path, *, pixels: int, keep: int | None = None, seed: int = 0) -> xr.Dataset:
    """Patches of real events: every NetCDF file of a folder, as `epi.patches.stack.save_patches` writes them.

    Raises
    ------
    ParameterError : no such file in the folder, or patches of another size.
    """
    files = sorted(Path(folder).glob("*.nc"))
    if not files:
        raise ParameterError(f"No patches in {folder}: give a folder of NetCDF files made with save_patches.")
    parts = [load_patches(file) for file in files]
    sizes = {part.sizes["x"] for part in parts}
    if sizes != {pixels}:
        raise ParameterError(
            f"Patches of {', '.join(map(str, sorted(sizes)))} pixels in {folder}, and {pixels} were asked: cut them "
            "anew."
        )
    return join_patches([thinned(part, keep, seed=[seed, number]) for number, part in enumerate(parts)])
