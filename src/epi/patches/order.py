"""Do patches lie in the order of their offsets, or were the offsets once sorted as text?"""

from itertools import product
from math import gcd

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

Floats = NDArray[np.float64]

FEWEST = 5
"""Patches of a scene below which a plane through their places fits nearly any order."""

MISSING = 3
"""Last rows, and last columns, of a scene that a table drawn from it may lack."""


def rank_as_text(offsets: ArrayLike, *, beyond: int = 0) -> NDArray[np.int64]:
    """Rank of whole-number offsets among those of a full grid, sorted as text: 0, 10000, 12000, 2000 are 0, 1, 2, 3.

    Parameters
    ----------
    offsets : of some or all patches of a scene. The grid they are from is completed from 0 to the largest in steps of
        the greatest common divisor, unless that would more than triple it.
    beyond : steps of the grid after the largest offset: those of patches that are not in the table.
    """
    whole = np.asarray(offsets).astype(int)
    present = sorted(set(whole.tolist()))
    step = gcd(*present) or 1
    full = list(range(0, present[-1] + (1 + beyond) * step, step))
    grid = full if len(full) <= 3 * len(present) + beyond else present
    rank = {value: n for n, value in enumerate(sorted(grid, key=str))}
    return np.array([rank[value] for value in whole.tolist()])


def misfit_km(first: ArrayLike, second: ArrayLike, place_km: Floats) -> float:
    """Rms distance (km) of places (patches, 2) from the best even grid with these row and column numbers."""
    design = np.column_stack([np.ones(len(place_km)), np.asarray(first, float), np.asarray(second, float)])
    design /= np.maximum(np.abs(design).max(axis=0), 1)
    left = place_km - design @ np.linalg.lstsq(design, place_km, rcond=None)[0]
    return float(np.sqrt((left**2).sum(axis=1).mean()))


def order_of(rows: ArrayLike, columns: ArrayLike, place_km: Floats) -> tuple[str, float, float]:
    """Say whether the patches of one scene lie where their offsets say.

    Parameters
    ----------
    rows, columns : first pixel of each patch.
    place_km : (patches, 2) their centres in a plane.

    Returns
    -------
    ``"numbers"`` where the places follow the offsets, ``"text"`` where they follow the offsets sorted as text,
    ``"neither"``, or ``"unknown"`` for too few patches; and the misfit (km) of the first and of the second order. The
    grid of a sound scene is even but for the slow change of a radar pixel's size on the ground, and that is no quarter
    of the way from a patch to the next.
    """
    if len(place_km) < FEWEST:
        return "unknown", np.nan, np.nan
    apart = float(np.median(KDTree(place_km).query(place_km, k=2)[0][:, 1]))
    numbers = misfit_km(rows, columns, place_km)
    ranks = [[rank_as_text(part, beyond=n) for n in range(MISSING + 1)] for part in (rows, columns)]
    text = min(misfit_km(row, column, place_km) for row, column in product(*ranks))
    if numbers > 0.25 * apart and text < 0.5 * numbers:
        return "text", numbers, text
    return ("neither" if numbers > 0.5 * apart else "numbers"), numbers, text
