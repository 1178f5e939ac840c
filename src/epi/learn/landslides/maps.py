"""A few test patches with what two networks made of them, small enough to ship, for the figures of a chapter."""

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.learn.devices import device_of
from epi.learn.landslides.cells import WEIGHTS, logits_on
from epi.learn.landslides.data import Patches
from epi.learn.landslides.networks import load_landslide
from epi.learn.landslides.profiles import BY_EVENT
from epi.learn.landslides.recipe import LandslideRecipe
from epi.learn.landslides.scores import landslides_of

if TYPE_CHECKING:
    from epi.learn.landslides.run import LandslideStudy

PATCHES = 4
SHOWN = {
    "phase": ("phase", "rad"),
    "coherence": ("coherence", "1"),
    "intensity": ("intensity", "dB"),
    "elevation": ("elevation", "m"),
}
"""Bands that a figure shows, and their units."""


def example_maps(study: "LandslideStudy", recipes: dict[str, LandslideRecipe]) -> xr.Dataset:
    """Bands, label, data and probabilities of some test patches, stored as small whole numbers.

    Parameters
    ----------
    study : done, with the weights of these recipes kept.
    recipes : by the name under which their probability is kept.

    Returns
    -------
    (patch, y, x): ``phase``, ``coherence``, ``intensity``, ``elevation``, ``landslide``, ``valid``, and per recipe
    ``probability_…`` with its threshold (patch) as ``threshold_…``; coordinates ``event``, ``region``. Every
    patch is from an event that the network never saw.
    """
    patches = study.patches
    chosen = example_patches(patches)
    coords = {"event": ("patch", patches.event[chosen]), "region": ("patch", patches.region[chosen])}
    made = xr.Dataset(coords=coords, attrs={"pixel_m": patches.pixel_m})
    dims = ("patch", "y", "x")
    for name, (channel, unit) in SHOWN.items():
        made[name] = (dims, patches.raw[channel][chosen].astype(np.float32), {"units": unit})
    made["landslide"] = (dims, patches.label[chosen].astype(np.uint8), {"units": "1"})
    made["valid"] = (dims, patches.valid[chosen].astype(np.uint8), {"units": "1"})
    for name, recipe in recipes.items():
        probability, threshold = _looked_at(study, recipe, chosen)
        made[f"probability_{name}"] = (dims, probability, {"units": "1"})
        made[f"threshold_{name}"] = ("patch", threshold, {"units": "1"})
    return _packed(made)


def example_patches(patches: Patches) -> NDArray[np.intp]:
    """Of up to four regions, those with the most landslides, the patch with the most landslides."""
    count = np.array([len(landslides_of(one)[1]) for one in patches.label])
    best: dict[str, int] = {}
    for number in np.argsort(-count, kind="stable"):
        best.setdefault(str(patches.region[number]), int(number))
    return np.array(list(best.values())[:PATCHES])


def _looked_at(
    study: "LandslideStudy", recipe: LandslideRecipe, chosen: NDArray[np.intp]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Probabilities and thresholds of the networks that were tested on each patch."""
    side = study.patches.label.shape[-1]
    probability = np.zeros((len(chosen), side, side), dtype=np.float32)
    threshold = np.zeros(len(chosen), dtype=np.float32)
    for fold in study.folds[BY_EVENT]:
        own = np.flatnonzero(np.isin(chosen, fold.test))
        if not len(own):
            continue
        network = load_landslide(study.cell_folder(recipe, fold, study.profile.seeds[0]) / WEIGHTS)
        logits = logits_on(network, study.patches, chosen[own], recipe=recipe, device=device_of(study.device))
        probability[own] = 1 / (1 + np.exp(-logits))
        threshold[own] = network.settings.threshold
    return probability, threshold


def _packed(made: xr.Dataset) -> xr.Dataset:
    """Steps that no eye sees: a fiftieth of a radian or dB, a thousandth of a probability, a metre."""
    step = {"phase": 0.02, "intensity": 0.02, "coherence": 0.002, "elevation": 1.0}
    for name in made.data_vars:
        size = 0.001 if str(name).startswith("probability") else step.get(str(name))
        made[name].encoding = {"zlib": True, "complevel": 9}
        if size:
            made[name].encoding |= {"dtype": "int16", "scale_factor": size, "_FillValue": -32768}
    return made
