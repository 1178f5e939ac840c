"""What looks like a landslide to a radar and is none: cut forest, worked fields, snow, river bars, scree, old scars."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.simulate.landslides import shapes
from epi.simulate.landslides.cover import COVERS, Cover
from epi.simulate.landslides.fields import PIXEL_M, Floats, broad, ranks
from epi.simulate.landslides.relief import Relief
from epi.simulate.landslides.slides import Slides, draw_areas, lay_slides

if TYPE_CHECKING:
    from epi.simulate.landslides.mixture import Setting

CONFUSERS = ("none", "clearing", "harvest", "snow", "river bar", "scree", "old scar")
"""Kinds, by their number in `Confusers.kind`."""

CLEARINGS_KM2 = 0.12  # forest cut or burnt between the images, a km² of forest
CLEARING_M2 = (4e3, 2e5)
SCREE_KM2 = 0.5  # gullies and scree that move in any fortnight, a km² of steep bare ground
OLD_SCARS_KM2 = 0.25  # slides of earlier years, bare by now, a km² of steep ground
HARVESTED = 0.12  # share of the fields that were worked between the images
SNOWED = 0.25  # share of the ground above the snow line, and of that close below it, where snow came or went
MOVED_BARS = 0.35  # share of the banks that a flood reworked


@dataclass(frozen=True)
class Confusers:
    """What else happened between the images.

    Attributes
    ----------
    kind : (rows, columns) uint8, numbers of `CONFUSERS`.
    keeps : share of the coherence that stays.
    change_db : of backscatter from the first image to the second.
    """

    kind: NDArray[np.uint8]
    keeps: Floats
    change_db: Floats


def draw_old_scars(setting: "Setting", relief: Relief, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark bare scars that slides of earlier years left: they have the shape of a landslide, and stay coherent."""
    where = (relief.slope_deg > setting.failing_deg) & ~relief.water
    return _downhill(OLD_SCARS_KM2 * setting.confusers, where, relief, rng).mask & ~relief.water


def draw_confusers(
    setting: "Setting", relief: Relief, cover: Cover, scars: NDArray[np.bool_], rng: np.random.Generator
) -> Confusers:
    """Draw what else happened between the images of an event, each kind on the ground where it can."""
    shape = relief.height.shape
    kind = np.where(scars, CONFUSERS.index("old scar"), 0).astype(np.uint8)
    keeps, change = np.ones(shape, np.float32), np.zeros(shape, np.float32)
    often = setting.confusers

    def mark(name: str, where: NDArray[np.bool_], stays: Floats | float, db: Floats | float) -> None:
        kind[where] = CONFUSERS.index(name)
        keeps[where] = np.broadcast_to(stays, shape)[where]
        change[where] = np.broadcast_to(db, shape)[where]

    worked = (cover.kind == COVERS.index("crops")) & (cover.parcel < HARVESTED * often)
    lot = cover.parcel / (HARVESTED * often)
    mark("harvest", worked, 0.05 + 0.4 * lot, 6 * (lot - 0.5))
    near = relief.height > setting.snowline_m - 300
    snowed = near & (ranks(broad(shape, 1.0, rng) + 0.5 * relief.north) > 1 - SNOWED * often) & (relief.slope_deg < 45)
    mark("snow", snowed & (cover.kind != COVERS.index("forest")), 0.1, -2.5)
    bars = relief.banks & (ranks(broad(shape, 0.6, rng)) < MOVED_BARS * often)
    mark("river bar", bars, 0.15, 1.0)
    bare = (cover.kind == COVERS.index("bare")) & (relief.slope_deg > 30) & ~scars
    moving = _downhill(SCREE_KM2 * often, bare, relief, rng)
    mark("scree", moving.mask & ~relief.water, 0.3, 0.5 * rng.standard_normal())
    forest = cover.kind == COVERS.index("forest")
    cut, stays, db = _clearings(CLEARINGS_KM2 * often, forest, rng)
    mark("clearing", cut & forest, stays, db)
    dry = ~relief.water
    return Confusers(np.where(dry, kind, 0).astype(np.uint8), np.where(dry, keeps, 1), np.where(dry, change, 0))


def _places(each_km2: float, where: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Random pixels of some ground, (count, 2)."""
    ground = np.flatnonzero(where)
    count = rng.poisson(each_km2 * ground.size * (PIXEL_M / 1000) ** 2)
    if not count:
        return np.zeros((0, 2))
    return np.stack(np.unravel_index(rng.choice(ground, count), where.shape), axis=1).astype(float)


def _downhill(each_km2: float, where: NDArray[np.bool_], relief: Relief, rng: np.random.Generator) -> Slides:
    """Shapes as of landslides, with crowns on some ground."""
    places = _places(each_km2, where, rng)
    areas = draw_areas(len(places), (2 * PIXEL_M**2, 300 * PIXEL_M**2), rng)
    return lay_slides(pd.DataFrame({"row": places[:, 0], "column": places[:, 1], "area_m2": areas}), relief, rng)


def _clearings(
    each_km2: float, forest: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Stretches of cut or burnt forest, whichever way the ground slopes: mask, what stays, and change in dB."""
    places = _places(each_km2, forest, rng)
    share, depth = np.zeros(forest.shape, np.float32), np.zeros(forest.shape, np.float32)
    owner = np.zeros(forest.shape, np.int32)
    for n, place in enumerate(places):
        area = np.exp(rng.uniform(*np.log(CLEARING_M2))) / PIXEL_M**2
        width = np.sqrt(area / (rng.uniform(1.1, 2.5) - 1 + np.pi / 4))
        length, turn = max((area - np.pi * width**2 / 4) / width, 0.5), rng.uniform(0, 2 * np.pi)
        along = np.linspace(-length / 2, length / 2, max(int(length / shapes.STEP), 2))[:, None]
        path = place + along * np.array([np.sin(turn), np.cos(turn)])
        wobble = np.stack([rng.normal(0, 0.1, 3), rng.uniform(0, 2 * np.pi, 3)], axis=-1)
        shapes.cover(path, width / 2, rng.uniform(-0.2, 0.2), wobble, n + 1, share, owner, depth)
    keeps = np.concatenate([[1.0], rng.uniform(0.0, 0.4, len(places))]).astype(np.float32)
    change = np.concatenate([[0.0], rng.normal(-1.5, 1.5, len(places))]).astype(np.float32)
    return share >= 0.5, keeps[owner], change[owner]
