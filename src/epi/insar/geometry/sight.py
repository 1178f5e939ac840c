"""One line of a radar image as compiled loops see it: the half-plane broadside of the satellite.

Everything a line sees lies in the plane through the satellite that its velocity is perpendicular to. A place in it is
an angle ``psi`` at the point of that plane nearest to the Earth's centre, counted from the satellite toward the side it
looks to, and a radius from that point. The ground is one radius for every angle; so is a slant range.
"""

import math

import numba
import numpy as np
from numpy.typing import NDArray

from epi.insar.compiled import njit
from epi.insar.geometry.dem import height_at, node_at
from epi.insar.geometry.ellipsoid import SEMI_MAJOR_M, geodetic

HEIGHT_TOLERANCE_M = 1e-4
POST = 100 / 6.4e6  # rad between the places of a line whose latitude and longitude are computed, 100 m
SHORTEST_STEP = 5 / 6.4e6  # rad of a profile of the ground, 5 m
FAR_UP_M = 1000.0
Grid = tuple[float, float, float, float]
Floats = NDArray[np.float64]


@njit()
def state(coefficients: Floats, half: float, second: float, out: Floats) -> None:
    """Write position, velocity and acceleration (rows of ``out``) of an arc at one moment."""
    u = second / half
    for axis in range(3):
        p = coefficients[coefficients.shape[0] - 1, axis]
        v = 0.0
        a = 0.0
        for k in range(coefficients.shape[0] - 2, -1, -1):
            a = a * u + v
            v = v * u + p
            p = p * u + coefficients[k, axis]
        out[0, axis] = p
        out[1, axis] = v / half
        out[2, axis] = 2.0 * a / (half * half)


@njit()
def frame(coefficients: Floats, half: float, second: float, side: float, out: Floats) -> float:
    """Write origin, upward and sideward unit vector (rows of ``out``) of a line's plane; return the satellite's radius.

    ``side`` is 1 to look right, -1 to look left.
    """
    at = np.empty((3, 3))
    state(coefficients, half, second, at)
    speed = math.sqrt(at[1, 0] ** 2 + at[1, 1] ** 2 + at[1, 2] ** 2)
    along = at[1] / speed
    ahead = at[0, 0] * along[0] + at[0, 1] * along[1] + at[0, 2] * along[2]
    for axis in range(3):
        out[0, axis] = ahead * along[axis]
        out[1, axis] = at[0, axis] - out[0, axis]
    radius = math.sqrt(out[1, 0] ** 2 + out[1, 1] ** 2 + out[1, 2] ** 2)
    for axis in range(3):
        out[1, axis] /= radius
    out[2, 0] = side * (along[1] * out[1, 2] - along[2] * out[1, 1])
    out[2, 1] = side * (along[2] * out[1, 0] - along[0] * out[1, 2])
    out[2, 2] = side * (along[0] * out[1, 1] - along[1] * out[1, 0])
    return radius


@njit()
def place(axes: Floats, psi: float, radius: float) -> tuple[float, float, float]:
    """Earth-fixed position of a place in the plane."""
    up, aside = radius * math.cos(psi), radius * math.sin(psi)
    return (
        axes[0, 0] + up * axes[1, 0] + aside * axes[2, 0],
        axes[0, 1] + up * axes[1, 1] + aside * axes[2, 1],
        axes[0, 2] + up * axes[1, 2] + aside * axes[2, 2],
    )


@njit()
def radius_at_range(satellite: float, psi: float, slant_range: float) -> float:
    """Radius at which a direction meets a slant range, below the satellite; NaN where it does not."""
    aside = satellite * math.sin(psi)
    square = slant_range * slant_range - aside * aside
    return satellite * math.cos(psi) - math.sqrt(square) if square >= 0 else math.nan


@njit()
def angle_at_height(axes: Floats, satellite: float, slant_range: float, height: float) -> float:
    """Angle of the place at a slant range and a height above the ellipsoid; 0 where the range is below the nadir's."""
    radius = SEMI_MAJOR_M
    psi = 0.0
    for _ in range(6):
        cosine = (satellite * satellite + radius * radius - slant_range * slant_range) / (2 * satellite * radius)
        psi = math.acos(min(max(cosine, -1.0), 1.0))
        x, y, z = place(axes, psi, radius)
        radius += height - geodetic(x, y, z)[2]
    return psi


@njit()
def lay_out(
    shape: tuple[int, int],
    grid: Grid,
    axes: Floats,
    satellite: float,
    nearest: float,
    farthest: float,
    lowest: float,
    highest: float,
) -> tuple[float, float, int, Floats]:
    """Prepare a line so that its places need no trigonometry: the ellipsoid below it, at every ``POST`` of angle.

    Returns the first angle, the step of a profile of the ground (about a node of the DEM), how many of these steps a
    post is, and per post (columns of ``posts``) radius of the ellipsoid, row and column of the DEM, how much both
    change with each metre of height, and how much height there is in a metre of radius. Between posts all are linear,
    to 0.2 mm.
    """
    middle = grid[0] - 0.5 * (shape[0] - 1) * grid[2]
    step = min(grid[2], grid[3] * max(math.cos(middle), 0.02))
    each = max(math.ceil(POST / max(step, SHORTEST_STEP)), 1)
    step = POST / each
    start = angle_at_height(axes, satellite, nearest, lowest - 1.0) - POST
    stop = angle_at_height(axes, satellite, farthest, highest + 1.0) + POST
    posts = np.empty((int((stop - start) / POST) + 3, 6))
    radius = SEMI_MAJOR_M
    for k in range(posts.shape[0]):
        psi = start + k * POST
        for _ in range(4 if k == 0 else 1):
            radius -= geodetic(*place(axes, psi, radius))[2]
        latitude, longitude, rest = geodetic(*place(axes, psi, radius))
        posts[k, 0] = radius - rest
        posts[k, 1], posts[k, 2] = node_at(shape, grid, latitude, longitude)
        latitude, longitude, higher = geodetic(*place(axes, psi, radius + FAR_UP_M))
        row, column = node_at(shape, grid, latitude, longitude)
        posts[k, 3], posts[k, 4] = (row - posts[k, 1]) / FAR_UP_M, (column - posts[k, 2]) / FAR_UP_M
        posts[k, 5] = (higher - rest) / FAR_UP_M
    return start, step, each, posts


@njit()
def above_ground(
    heights: NDArray[np.float32], posts: Floats, start: float, psi: float, radius: float
) -> tuple[float, float]:
    """How far a place is above the ground and above the ellipsoid, m."""
    t = (psi - start) / POST
    k = min(max(int(t), 0), posts.shape[0] - 2)
    t -= k
    height = posts[k, 5] * (radius - posts[k, 0] - t * (posts[k + 1, 0] - posts[k, 0]))
    row = posts[k, 1] + t * (posts[k + 1, 1] - posts[k, 1]) + height * posts[k, 3]
    column = posts[k, 2] + t * (posts[k + 1, 2] - posts[k, 2]) + height * posts[k, 4]
    return height - height_at(heights, row, column), height


@njit()
def ground_profile(
    heights: NDArray[np.float32], posts: Floats, start: float, step: float, each: int, satellite: float
) -> Floats:
    """Follow the ground outward: radius and slant range (rows) at ``start`` and every ``step``; NaN where no data."""
    ground = np.empty((2, (posts.shape[0] - 1) * each + 1))
    radius = posts[0, 0]
    for k in range(ground.shape[1]):
        psi = start + k * step
        above = 0.0
        for _ in range(3):
            above, height = above_ground(heights, posts, start, psi, radius)
            radius -= above if not math.isnan(above) else height
            if abs(above) < 1e-2:
                break
        ground[0, k] = math.nan if math.isnan(above) else radius
        cosine = math.cos(psi)
        ground[1, k] = math.sqrt(satellite * satellite + ground[0, k] * (ground[0, k] - 2 * satellite * cosine))
    return ground


@njit()
def meet_ground(
    heights: NDArray[np.float32],
    posts: Floats,
    start: float,
    satellite: float,
    slant_range: float,
    near: float,
    far: float,
    below: float,
    above: float,
) -> float:
    """Angle between ``near`` and ``far`` at which a slant range meets the ground; NaN where there is none.

    ``below`` and ``above`` are the heights over the ground at both ends; the secant through them starts. Where it does
    not find it, the ground is searched inward from ``far`` in small steps.
    """
    margin = 0.05 * (far - near)
    a, fa, b, fb = near, below, far, above
    for _ in range(6):
        if fb == fa:
            break
        psi = min(max(b - fb * (b - a) / (fb - fa), near - margin), far + margin)
        f = above_ground(heights, posts, start, psi, radius_at_range(satellite, psi, slant_range))[0]
        if abs(f) < HEIGHT_TOLERANCE_M:
            return psi
        a, fa, b, fb = (b, fb, psi, f) if abs(fb) <= abs(fa) else (a, fa, psi, f)
    return search_ground(heights, posts, start, satellite, slant_range, far + margin, (far - near) / 16)


@njit()
def search_ground(
    heights: NDArray[np.float32],
    posts: Floats,
    start: float,
    satellite: float,
    slant_range: float,
    far: float,
    step: float,
) -> float:
    """Step inward until below the ground, then halve the last step until on it."""
    near = far
    f = math.inf
    while f > 0 and near > start:
        far, near = near, near - step
        f = above_ground(heights, posts, start, near, radius_at_range(satellite, near, slant_range))[0]
    for _ in range(60):
        psi = 0.5 * (near + far)
        f = above_ground(heights, posts, start, psi, radius_at_range(satellite, psi, slant_range))[0]
        if abs(f) < HEIGHT_TOLERANCE_M:
            return psi
        if f > 0:
            far = psi
        else:
            near = psi
    return math.nan


@njit(parallel=True)
def find_broadside(coefficients: Floats, half: float, points: Floats) -> tuple[Floats, Floats]:
    """Newton's method on (P − S(t))·V(t) = 0, started from the neighbour's solution."""
    count = points.shape[0]
    seconds, ranges = np.empty(count), np.empty(count)
    block = 1024
    for b in numba.prange((count + block - 1) // block):
        at = np.empty((3, 3))
        second = 0.0
        for i in range(b * block, min((b + 1) * block, count)):
            seconds[i] = ranges[i] = math.nan
            if math.isnan(points[i, 0] + points[i, 1] + points[i, 2]):
                continue
            for _ in range(50):
                state(coefficients, half, second, at)
                x, y, z = points[i, 0] - at[0, 0], points[i, 1] - at[0, 1], points[i, 2] - at[0, 2]
                along = x * at[1, 0] + y * at[1, 1] + z * at[1, 2]
                slope = x * at[2, 0] + y * at[2, 1] + z * at[2, 2] - at[1, 0] ** 2 - at[1, 1] ** 2 - at[1, 2] ** 2
                step = -along / slope
                second = min(max(second + step, -1.5 * half), 1.5 * half)
                if abs(step) < 1e-5:  # the method converges quadratically: what is left is below 1e-12 s
                    if abs(second) <= half:
                        x -= step * at[1, 0]
                        y -= step * at[1, 1]
                        z -= step * at[1, 2]
                        seconds[i], ranges[i] = second, math.sqrt(x * x + y * y + z * z)
                    break
            if math.isnan(seconds[i]):
                second = 0.0
    return seconds, ranges


@njit()
def first_beyond(ranges: Floats, value: float, guess: int) -> int:
    """First index whose range is not below a value, searched from a guess nearby."""
    while guess > 0 and ranges[guess - 1] >= value:
        guess -= 1
    while guess < ranges.size and ranges[guess] < value:
        guess += 1
    return guess


@njit(parallel=True)
def find_ground(
    coefficients: Floats,
    half: float,
    seconds: Floats,
    ranges: Floats,
    heights: NDArray[np.float32],
    grid: Grid,
    lowest: float,
    highest: float,
    side: float,
) -> Floats:
    """Follow the ground broadside of each line, then refine where each slant range meets it last."""
    points = np.full((seconds.size, ranges.size, 3), math.nan)
    for row in numba.prange(seconds.size):
        axes = np.empty((3, 3))
        satellite = frame(coefficients, half, seconds[row], side, axes)
        start, step, each, posts = lay_out(heights.shape, grid, axes, satellite, ranges[0], ranges[-1], lowest, highest)
        ground = ground_profile(heights, posts, start, step, each, satellite)
        segments = np.full(ranges.size, -1)
        column = 0
        for k in range(ground.shape[1] - 1):
            if ground[1, k] <= ground[1, k + 1]:
                column = first_beyond(ranges, ground[1, k], column)
                while column < ranges.size and ranges[column] < ground[1, k + 1]:
                    segments[column] = k
                    column += 1
        for column in range(ranges.size):
            k = segments[column]
            if k >= 0:
                near, far, distance = start + k * step, start + (k + 1) * step, ranges[column]
                below = radius_at_range(satellite, near, distance) - ground[0, k]
                above = radius_at_range(satellite, far, distance) - ground[0, k + 1]
                psi = meet_ground(heights, posts, start, satellite, distance, near, far, below, above)
                x, y, z = place(axes, psi, radius_at_range(satellite, psi, distance))
                points[row, column, 0], points[row, column, 1], points[row, column, 2] = x, y, z
    return points


@njit()
def find_level(coefficients: Floats, half: float, seconds: Floats, ranges: Floats, height: float) -> Floats:
    """Places of pixels at one height above the ellipsoid, right of the flight."""
    points = np.empty((seconds.size, ranges.size, 3))
    axes = np.empty((3, 3))
    for row in range(seconds.size):
        satellite = frame(coefficients, half, seconds[row], 1.0, axes)
        for column in range(ranges.size):
            psi = angle_at_height(axes, satellite, ranges[column], height)
            x, y, z = place(axes, psi, radius_at_range(satellite, psi, ranges[column]))
            points[row, column, 0], points[row, column, 1], points[row, column, 2] = x, y, z
    return points
