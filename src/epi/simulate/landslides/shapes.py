"""Loops that lay landslides on a grid: a path down the steepest slope, and the ground within some distance of it."""

import numpy as np
from numpy.typing import NDArray

from epi.insar.compiled import njit

SUBSAMPLES = 3
"""Points a side of a pixel at which it is asked whether a slide covers it."""

STEP = 0.5  # pixels between points of a path
INERTIA = 0.7  # share of the direction that a slide keeps from one step to the next
LONGEST = 400  # points of a path
FLAT = 0.09  # tangent: on gentler ground a slide comes to rest

Floats = NDArray[np.float32]


@njit()
def descend(
    height: Floats, water: NDArray[np.bool_], row: float, column: float, length: float, pixel_m: float
) -> NDArray[np.float64]:
    """Path of steepest descent.

    Parameters
    ----------
    height : smoothed, m.
    water : where a slide ends.
    row, column : of its crown, pixels.
    length : pixels.
    pixel_m : side of a pixel.

    Returns
    -------
    (points, 2) row and column, from the crown down; one point where the ground is flat.
    """
    rows, columns = height.shape
    points = np.empty((LONGEST, 2))
    points[0, 0], points[0, 1] = row, column
    count = 1
    down, right = 0.0, 0.0
    wanted = min(int(np.ceil(length / STEP)), LONGEST - 1)
    for _ in range(wanted):
        y, x = int(row + 0.5), int(column + 0.5)
        if y < 1 or y >= rows - 1 or x < 1 or x >= columns - 1 or water[y, x]:
            break
        fall_down = (height[y - 1, x] - height[y + 1, x]) / (2 * pixel_m)
        fall_right = (height[y, x - 1] - height[y, x + 1]) / (2 * pixel_m)
        slope = np.sqrt(fall_down**2 + fall_right**2)
        if slope < FLAT and count > 1:
            break
        slope = max(slope, 1e-6)
        here = height[y, x]
        down = INERTIA * down + (1 - INERTIA) * fall_down / slope
        right = INERTIA * right + (1 - INERTIA) * fall_right / slope
        norm = max(np.sqrt(down**2 + right**2), 1e-6)
        row += STEP * down / norm
        column += STEP * right / norm
        y, x = min(max(int(row + 0.5), 0), rows - 1), min(max(int(column + 0.5), 0), columns - 1)
        if height[y, x] > here + 1.0:
            break
        points[count, 0], points[count, 1] = row, column
        count += 1
    return points[:count].copy()


@njit()
def cover(
    path: NDArray[np.float64],
    half: float,
    widening: float,
    wobble: NDArray[np.float64],
    number: int,
    share: Floats,
    owner: NDArray[np.int32],
    depth: Floats,
) -> None:
    """Lay a slide on the grid: where it covers more of a pixel than any before, the pixel becomes its own.

    Parameters
    ----------
    path : (points, 2) row and column.
    half : half of its width, pixels.
    widening : relative change of the width from the middle to the toe; the crown changes by the opposite.
    wobble : (3, 2) amplitudes and phases of the outline's irregularity along the path.
    number : of the slide, from 1.
    share, owner, depth : changed: share of the pixel covered (0 to 1), number of the slide, and how far inside its
        outline the covered part lies (0 at the rim, 1 from halfway to the middle).
    """
    rows, columns = share.shape
    most = half * (1 + abs(widening) + np.abs(wobble[:, 0]).sum()) + 1.5
    top = max(int(path[:, 0].min() - most), 0)
    bottom = min(int(path[:, 0].max() + most) + 1, rows - 1)
    left = max(int(path[:, 1].min() - most), 0)
    right = min(int(path[:, 1].max() + most) + 1, columns - 1)
    last = max(path.shape[0] - 1, 1)
    widths = np.empty(path.shape[0])
    for n in range(path.shape[0]):
        at = n / last
        irregular = 1.0
        for m in range(wobble.shape[0]):
            irregular += wobble[m, 0] * np.sin(2 * np.pi * (m + 1) * at + wobble[m, 1])
        widths[n] = max(half * (1 + widening * (2 * at - 1)) * irregular, 0.2)
    for y in range(top, bottom + 1):
        for x in range(left, right + 1):
            inside = 0
            deep = 0.0
            for j in range(SUBSAMPLES):
                for i in range(SUBSAMPLES):
                    v = y + (j + 0.5) / SUBSAMPLES - 0.5
                    u = x + (i + 0.5) / SUBSAMPLES - 0.5
                    best = 2.0
                    for n in range(path.shape[0]):
                        away = ((v - path[n, 0]) ** 2 + (u - path[n, 1]) ** 2) / widths[n] ** 2
                        best = min(best, away)
                    if best < 1.0:
                        inside += 1
                        deep += min(2 * (1 - np.sqrt(best)), 1.0)
            covered = inside / SUBSAMPLES**2
            if covered > share[y, x]:
                share[y, x] = covered
                owner[y, x] = number
                depth[y, x] = deep / inside
