"""What changes between any two dates without an earthquake: moisture, canopy, wind, fields, felling, seasons."""

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
SEASON = {CROPS: (0.5, 1.0), FOREST: (0.15, 0.3)}
"""Of ``season_db``, what the year changes in VV and VH of covers that green: crops more than forest, and VH, which
vegetation scatters, more than VV (Vreugdenhil et al. 2018, Remote Sens. 10(9)). An assumption as to the numbers."""
SOWN_DAYS = 20.0
"""Standard deviation between fields of the day on which their year begins."""
YEAR_DAYS = 365.25
FORGOTTEN = 4.0
"""Times the memory of fields, or of forest, after which what was is forgotten (2 % of it are left)."""


def quiet_changes(recipe: Backscatter, place: Place, rng: np.random.Generator, *, dates: int = 3) -> list[Floats]:
    """Backscatter beside its mean state at each of some dates, (2, side, side) dB, VV and VH.

    The series is in its steady state from the first date on: fields were worked before it as after it and forget it
    with all else, and forest was felled before it and greens again. So no date can be told from another by its image,
    nor one interval from the next: what tells a pair with an earthquake from one without is the earthquake.

    Parameters
    ----------
    recipe : how much changes.
    place : where.
    rng : source of randomness.
    dates : how many.

    Returns
    -------
    An array a date, finite everywhere. With seasons all is as without them, and the course of the year is added, from
    a day of it that is drawn.
    """
    fields = recipe.crops_db * _both(rng, int(place.field.max()) + 1)
    for _ in range(round(FORGOTTEN * recipe.memory_days / recipe.interval_days)):
        fields = _later(recipe, fields, rng)
    bare = _bare_share(recipe, rng, dates)
    crops, forest, water = (place.cover == number for number in (CROPS, FOREST, WATER))
    soil = (crops + 0.7 * (place.cover == ROCK) + 0.1 * (place.cover == URBAN)).astype(np.float32)
    bare_db = np.array(MEAN_DB["rock"], dtype=np.float32) - np.array(MEAN_DB["forest"], dtype=np.float32)
    year = _seasons(recipe, place, rng.spawn(1)[0], dates) if recipe.season_db else None
    found = []
    for date in range(dates):
        fields = _later(recipe, fields, rng) if date else fields
        shower = smooth_noise(rng, recipe.side, SHOWER_PIXELS)
        moisture, canopy, wind = rng.standard_normal(3) * (recipe.moisture_db, recipe.canopy_db, recipe.wind_db)
        wet = (np.float32(moisture) + np.float32(SHOWER_DB) * shower) * soil + np.float32(canopy) * forest
        tilled = fields.astype(np.float32)
        change = np.stack([wet + tilled[band][place.field] * crops for band in range(2)])
        change[0] += np.float32(wind) * water
        change += bare_db[:, None, None] * (bare[date] * forest)
        found.append(change if year is None else change + year[date])
    return found


def _seasons(recipe: Backscatter, place: Place, rng: np.random.Generator, dates: int) -> list[Floats]:
    """What the time of year adds at each date, (2, side, side) dB: a sine of a year, of mean 0."""
    sown = rng.normal(0, SOWN_DAYS, int(place.field.max()) + 1)[place.field]
    begins = np.where(place.cover == CROPS, sown, 0.0) - rng.uniform(0, YEAR_DAYS)
    share = np.zeros((2, *place.cover.shape))
    for cover, parts in SEASON.items():
        share += np.array(parts)[:, None, None] * (place.cover == cover)
    days = [date * recipe.interval_days - begins for date in range(dates)]
    return [np.asarray(recipe.season_db * share * np.sin(2 * np.pi * day / YEAR_DAYS), np.float32) for day in days]


def _later(recipe: Backscatter, fields: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Fields one interval later, (2, fields) dB: part of their state is forgotten, and some are worked."""
    stays = float(np.exp(-recipe.interval_days / recipe.memory_days))
    count = fields.shape[1]
    drawn = recipe.crops_db * _both(rng, count)
    at_work = rng.uniform(size=count) < recipe.harvest
    changed = np.sqrt(1 - stays**2) * drawn + at_work * recipe.harvest_db * _both(rng, count)
    return np.asarray(stays * fields + changed, dtype=float)


def _both(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Changes of VV and VH for so many fields, (2, count), alike but not the same."""
    own = rng.standard_normal((2, count))
    own[1] = VH_FOLLOWS * own[0] + np.sqrt(1 - VH_FOLLOWS**2) * own[1]
    return own


def _bare_share(recipe: Backscatter, rng: np.random.Generator, dates: int) -> list[Floats]:
    """How bare ground is that was forest, at each date, (side, side) from 0 to 1: 1 when felled, then less and less.

    A date knows of as many intervals before it as the others, so it is as likely to have old clearings as they are. The
    same numbers are drawn whether anything is felled or not.
    """
    remembered = max(1, round(FORGOTTEN * recipe.regrowth_days / recipe.interval_days))
    intervals = remembered + dates - 1
    there, top, left = rng.uniform(size=(3, intervals))
    high, wide = (rng.uniform(*CLEARING_M, (2, intervals)) / recipe.posting_m).astype(int)
    row, column = (top * recipe.side).astype(int), (left * recipe.side).astype(int)
    found = []
    for date in range(dates):
        bare = np.zeros((recipe.side, recipe.side), dtype=np.float32)
        for k in date + np.flatnonzero(there[date : date + remembered] < recipe.logging):
            age_days = (date + remembered - 1 - k) * recipe.interval_days
            bare[row[k] : row[k] + high[k], column[k] : column[k] + wide[k]] = np.exp(-age_days / recipe.regrowth_days)
        found.append(bare)
    return found
