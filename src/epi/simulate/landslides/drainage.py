"""Loops over a grid of heights: how water leaves it, and the heights that rivers and landslides would keep."""

import heapq

import numpy as np
from numpy.typing import NDArray

from epi.insar.compiled import njit

Heights = NDArray[np.float64]
Index = NDArray[np.int64]

CONCAVITY = 0.45
"""Exponent by which channels get gentler as their catchment grows (Whipple & Tucker 1999: 0.4 to 0.6)."""


@njit()
def flood(heights: Heights, outlets: NDArray[np.bool_]) -> tuple[Index, Index]:
    """Let every cell drain to an outlet over the lowest sill.

    Parameters
    ----------
    heights : (rows, columns), m.
    outlets : where water leaves the grid.

    Returns
    -------
    For every cell in row-major order the cell it drains to (an outlet: itself), and the cells from the outlets upward.

    References
    ----------
    Barnes et al. (2014), Computers & Geosciences 62: priority-flood.
    """
    rows, columns = heights.shape
    size = rows * columns
    receiver = np.full(size, -1, np.int64)
    order = np.empty(size, np.int64)
    heap = [(0.0, np.int64(-1))]
    heap.pop()
    for outlet in range(size):
        if outlets[outlet // columns, outlet % columns]:
            receiver[outlet] = outlet
            heapq.heappush(heap, (heights[outlet // columns, outlet % columns], np.int64(outlet)))
    found = 0
    while len(heap) > 0:
        level, k = heapq.heappop(heap)
        order[found] = k
        found += 1
        row, column = k // columns, k % columns
        for down in range(-1, 2):
            for right in range(-1, 2):
                y, x = row + down, column + right
                if y < 0 or y >= rows or x < 0 or x >= columns:
                    continue
                other = y * columns + x
                if receiver[other] < 0:
                    receiver[other] = k
                    heapq.heappush(heap, (max(heights[y, x], level), np.int64(other)))
    return receiver, order


@njit()
def steepest(heights: Heights, receiver: Index, wander: Heights) -> Index:
    """Cell to which each one falls most steeply, more or less; an outlet keeps itself.

    Parameters
    ----------
    heights : (rows, columns), m, without pits.
    receiver : of each cell until now.
    wander : (rows, columns) factors on the fall to each cell: without them water runs along eight directions.
    """
    rows, columns = heights.shape
    best = receiver.copy()
    for row in range(rows):
        for column in range(columns):
            k = row * columns + column
            if receiver[k] == k:
                continue
            most = 0.0
            for down in range(-1, 2):
                for right in range(-1, 2):
                    y, x = row + down, column + right
                    if (down == 0 and right == 0) or y < 0 or y >= rows or x < 0 or x >= columns:
                        continue
                    fall = (heights[row, column] - heights[y, x]) / np.sqrt(down * down + right * right) * wander[y, x]
                    if fall > most:
                        most = fall
                        best[k] = y * columns + x
    return best


@njit()
def catchment(receiver: Index, order: Index, cell_m2: float) -> Heights:
    """Area that drains through each cell, m², itself included; ``order`` goes from the outlets upward."""
    area = np.full(receiver.size, cell_m2)
    for n in range(order.size - 1, -1, -1):
        k = order[n]
        if receiver[k] != k:
            area[receiver[k]] += area[k]
    return area


@njit()
def raise_ground(
    receiver: Index,
    order: Index,
    area: Heights,
    steepness: Heights,
    repose: Heights,
    columns: int,
    step_m: float,
) -> Heights:
    """Heights of channels in balance with uplift, between hillslopes no steeper than they can stand.

    A channel's slope is its steepness times the catchment to the power of -`CONCAVITY`.

    Parameters
    ----------
    receiver, order, area : drainage.
    steepness : channel steepness of each cell, m^0.9.
    repose : largest slope of each cell, tangent.
    columns, step_m : of the grid.

    Returns
    -------
    (cells,) m above the outlets.
    """
    heights = np.zeros(receiver.size)
    for n in range(order.size):
        k = order[n]
        low = receiver[k]
        if low == k:
            continue
        straight = k // columns == low // columns or k % columns == low % columns
        slope = min(steepness[k] * area[k] ** -CONCAVITY, repose[k])
        heights[k] = heights[low] + slope * step_m * (1.0 if straight else np.sqrt(2.0))
    return heights


@njit()
def river_below(receiver: Index, order: Index, area: Heights, heights: Heights, least_m2: float) -> Heights:
    """Height of the first river cell (catchment of ``least_m2`` or an outlet) downstream of each cell, m."""
    below = np.empty(receiver.size)
    for n in range(order.size):
        k = order[n]
        below[k] = heights[k] if receiver[k] == k or area[k] >= least_m2 else below[receiver[k]]
    return below


@njit()
def lay_back(heights: Heights, repose: Heights, step_m: float, sweeps: int) -> None:
    """Lower ground that stands above a neighbour by more than its repose; ``heights`` is changed, no pit is made.

    Parameters
    ----------
    heights : (rows, columns), m.
    repose : largest slope of each cell, tangent.
    step_m : side of a cell.
    sweeps : there and back over the grid.
    """
    rows, columns = heights.shape
    for sweep in range(2 * sweeps):
        for n in range(rows * columns):
            k = n if sweep % 2 == 0 else rows * columns - 1 - n
            row, column = k // columns, k % columns
            for down in range(-1, 2):
                for right in range(-1, 2):
                    y, x = row + down, column + right
                    if (down == 0 and right == 0) or y < 0 or y >= rows or x < 0 or x >= columns:
                        continue
                    most = heights[y, x] + repose[row, column] * step_m * np.sqrt(down * down + right * right)
                    if heights[row, column] > most:
                        heights[row, column] = most
