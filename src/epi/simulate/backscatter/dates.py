"""What changes between any two dates without an earthquake: moisture, canopy, wind, fields, felling."""

import numpy as np
from numpy.typing import NDArray

from epi.simulate.backscatter.ground import CROPS, FOREST, MEAN_DB, ROCK, URBAN, WATER, Place, smooth_noise
from epi.simulate.backscatter.recipe import Backscatter

Floats = NDArray[np.float32]

VH_FOLLOWS = 0.7
"""Correlation of a field's change in VH with that in VV."""
SHOWER_DB, SHOWER_PIXELS = 0.5, 60.0
"""Standard deviation of moisture from place to place, and over how many pixels it is smooth."""
CLEARING_M = (100.0, 300.0)
"""Side of ground that is felled, uniform."""


def quiet_changes(recipe: Backscatter, place: Place, rng: np.random.Generator, *, dates: int = 3) -> list[Floats]:
    """Backscatter beside its mean state at each of some dates, (2, side, side) dB, VV and VH.

    Every step from one date to the next is drawn alike. But the series begins with fields that are not worked and
    forest that is not felled, and both add up: the spread over fields grows by a fifth over the three dates.

    Parameters
    ----------
    recipe : how much changes.
    place : where.
    rng : source of randomness.
    dates : how many.
    """
    state = recipe.crops_db * _both(rng, int(place.field.max()) + 1)
    worked, cleared = np.zeros_like(state), np.zeros(place.cover.shape, dtype=bool)
    stays = float(np.exp(-recipe.interval_days / recipe.memory_days))
    crops, forest, water = (place.cover == number for number in (CROPS, FOREST, WATER))
    soil = (crops + 0.7 * (place.cover == ROCK) + 0.1 * (place.cover == URBAN)).astype(np.float32)
    bare = np.array(MEAN_DB["rock"]) - np.array(MEAN_DB["forest"])
    found = []
    for date in range(dates):
        if date:
            drawn = recipe.crops_db * _both(rng, state.shape[1])
            state = stays * state + np.sqrt(1 - stays**2) * drawn
            at_work = rng.uniform(size=state.shape[1]) < recipe.harvest
            worked = worked + at_work * recipe.harvest_db * _both(rng, state.shape[1])
            cleared |= _clearing(recipe, rng, place)
        shower = smooth_noise(rng, recipe.side, SHOWER_PIXELS)
        moisture, canopy, wind = rng.standard_normal(3) * (recipe.moisture_db, recipe.canopy_db, recipe.wind_db)
        wet = (np.float32(moisture) + np.float32(SHOWER_DB) * shower) * soil + np.float32(canopy) * forest
        felled = cleared & forest
        tilled = (state + worked).astype(np.float32)
        change = np.stack([wet + tilled[band][place.field] * crops for band in range(2)])
        change[0] += np.float32(wind) * water
        for band in range(2):
            change[band][felled] += bare[band]
        found.append(change)
    return found


def _both(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Changes of VV and VH for so many fields, (2, count), alike but not the same."""
    own = rng.standard_normal((2, count))
    own[1] = VH_FOLLOWS * own[0] + np.sqrt(1 - VH_FOLLOWS**2) * own[1]
    return own


def _clearing(recipe: Backscatter, rng: np.random.Generator, place: Place) -> NDArray[np.bool_]:
    """Ground that is felled in one interval; the same numbers are drawn whether any is or not."""
    there, top, left = rng.uniform(size=3)
    high, wide = rng.uniform(*CLEARING_M, 2) / recipe.posting_m
    felled = np.zeros(place.cover.shape, dtype=bool)
    if there < recipe.logging:
        row, column = int(top * recipe.side), int(left * recipe.side)
        felled[row : row + int(high), column : column + int(wide)] = True
    return felled
