"""Mountains with valleys: fractal ground, drained by rivers and held at the slope that its hillsides can stand."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates, spline_filter

from epi.simulate.landslides import drainage
from epi.simulate.landslides.fields import PIXEL_M, Floats, broad

if TYPE_CHECKING:
    from epi.simulate.landslides.mixture import Setting

CELL = 2  # pixels a side of a cell of the drainage
MARGIN = 24  # cells around the scene: the ridge along the closed sides stays outside
ROUNDS = 5  # times the drainage is laid out anew on the ground it made
SWEEPS = 2  # over ground that stands too steep above its neighbours
WANDER = 0.35  # scatter of the logarithm of the fall toward a neighbour
WARP_M, WARP_KM = 70.0, 0.5  # by which the grid of the drainage is bent, and over what distance
UNEVEN_REPOSE = 0.12  # scatter of the repose from cell to cell
FRACTAL_SLOPE = -3.6  # of the 2-D power spectrum of the first surface (Turcotte 1997: k^-3 to k^-4)
TILT = 2.5  # fall of that surface toward its outlets, in standard deviations
RIVER_M2 = 4e6  # catchment from which a channel has a valley floor
OPEN_WATER_M2 = 2.5e7  # catchment from which a river is as wide as a pixel
RIVER_WIDTH_M = 6.0  # times the root of the catchment in km²
ROUGHNESS_M = 6.0  # rms of relief finer than the drainage's cells, on slopes
BENCH_KM = 0.12  # over which curvature is taken: the size of hollows


@dataclass(frozen=True)
class Relief:
    """The ground of a scene; row 0 lies in the north.

    Attributes
    ----------
    height : (rows, columns) float32, m.
    east, north : slopes toward east and north, tangents: positive where the ground rises that way.
    slope_deg : degrees.
    concavity : Laplacian over `BENCH_KM`, in standard deviations of the scene: positive in hollows, negative on spurs.
    above_river_m : m above the nearest river downstream.
    water : sea and rivers wider than a pixel.
    banks : (rows, columns) bool, bars and banks within two widths of the water of a river.
    """

    height: Floats
    east: Floats
    north: Floats
    slope_deg: Floats
    concavity: Floats
    above_river_m: Floats
    water: NDArray[np.bool_]
    banks: NDArray[np.bool_]


def draw_relief(setting: "Setting", shape: tuple[int, int], rng: np.random.Generator) -> Relief:
    """Draw the ground of an event.

    A fractal surface is drained over its lowest sills; then heights are laid along the drainage, with channels as steep
    as rivers keep them against uplift (slope = k_s A^-0.45; large ones are gentler where they would rise by more than
    ``rise_m`` over the scene) and hillsides at their angle of repose at most, and the
    drainage is laid out anew, `ROUNDS` times. Floors of valleys are filled, and finer fractal relief is added.

    Parameters
    ----------
    setting : of the event: channel steepness, repose, floors, sea.
    shape : rows and columns of the scene.
    rng : source of randomness.

    References
    ----------
    Whipple & Tucker (1999), J. Geophys. Res. 104(B8), for channels; Burbank et al. (1996), Nature 379, for hillsides at
    their threshold.
    """
    cells = (-(-shape[0] // CELL) + 2 * MARGIN, -(-shape[1] // CELL) + 2 * MARGIN)
    step_m = CELL * PIXEL_M
    first, outlets = _first_surface(cells, setting, rng)
    steepness = setting.steepness * np.exp(0.35 * broad(cells, 5.0, rng, pixel_m=step_m, order=3).astype(float))
    stands = 1 + 0.12 * broad(cells, 1.5, rng, pixel_m=step_m, order=3) + UNEVEN_REPOSE * rng.standard_normal(cells)
    repose = np.tan(np.deg2rad(np.clip(setting.repose_deg * stands, 8, 55)))
    receiver, order = drainage.flood(first, outlets)
    trunk = 1.0
    for turn in range(ROUNDS):
        area = drainage.catchment(receiver, order, step_m**2)
        graded = np.where(area >= RIVER_M2, trunk, 1.0) * steepness.ravel()
        flat = drainage.raise_ground(receiver, order, area, graded, repose.ravel(), cells[1], step_m)
        drainage.lay_back(flat.reshape(cells), repose, step_m, SWEEPS)
        if turn < ROUNDS - 1:
            highest = float(flat[area >= RIVER_M2].max(initial=1.0))
            trunk = min(trunk * setting.rise_m / highest, 1.0)
            receiver = drainage.steepest(flat.reshape(cells), receiver, np.exp(WANDER * rng.standard_normal(cells)))
            order = np.argsort(flat, kind="stable")
    river = drainage.river_below(receiver, order, area, flat, RIVER_M2)
    above = flat - river
    floor = max(setting.floor_m, 1e-3)
    filled = river + above * above / (above + floor)
    bent = _bent(shape, rng)
    height, hand = (_on_pixels(each.reshape(cells), bent) for each in (filled, above))
    hand = np.maximum(hand, 0.0)
    rough = _roughness(shape, rng) * np.clip(hand / 120.0, 0.04, 1.0)
    sea = _on_pixels(outlets.astype(float), bent) > 0.5 if setting.sea > 0 else np.zeros(shape, bool)
    width, distance = _rivers(area.reshape(cells), bent)
    wet = distance < width / 2
    height = (setting.base_m + np.maximum(height, 0.0) + np.where(sea | wet, 0.0, rough)).astype(np.float32)
    north, east = (np.asarray(each, np.float32) for each in np.gradient(height, PIXEL_M))
    north = -north
    bend = gaussian_filter(height, BENCH_KM * 1000 / PIXEL_M / 2)
    laplacian = sum(np.gradient(np.gradient(bend, axis=axis), axis=axis) for axis in (0, 1))
    return Relief(
        height,
        east,
        north,
        np.rad2deg(np.arctan(np.hypot(east, north))).astype(np.float32),
        (laplacian / max(float(laplacian.std()), 1e-9)).astype(np.float32),
        hand,
        sea | wet,
        (distance < 2.5 * width) & ~wet & ~sea & (hand < 2 * floor),
    )


def _first_surface(
    cells: tuple[int, int], setting: "Setting", rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Fractal surface that falls toward one side, and the cells where it drains: that side, or the sea."""
    doubled = (2 * cells[0], 2 * cells[1])
    white = np.fft.rfft2(rng.standard_normal(doubled))
    k = np.hypot(np.fft.fftfreq(doubled[0])[:, None], np.fft.rfftfreq(doubled[1])[None, :])
    root = np.maximum(k, 1 / min(cells)) ** (FRACTAL_SLOPE / 2)
    surface = np.fft.irfft2(white * root, s=doubled)[: cells[0], : cells[1]]
    surface = (surface - surface.mean()) / surface.std()
    side = int(rng.integers(4))
    down = np.linspace(0, 1, cells[0])[:, None] + np.zeros(cells)
    right = np.linspace(0, 1, cells[1])[None, :] + np.zeros(cells)
    surface = surface + TILT * (down, 1 - down, right, 1 - right)[side]
    outlets = np.zeros(cells, bool)
    edge = ((0, slice(None)), (-1, slice(None)), (slice(None), 0), (slice(None), -1))[side]
    outlets[edge] = True
    if setting.sea > 0:
        outlets |= surface < np.quantile(surface, setting.sea)
    return surface, outlets


def _bent(shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """Row and column, in cells of the drainage, of every pixel; bent, so that nothing follows the grid."""
    rows, columns = (np.arange(size, dtype=np.float32) / CELL + MARGIN for size in shape)
    by = WARP_M / (CELL * PIXEL_M)
    return np.stack(
        [
            rows[:, None] + by * broad(shape, WARP_KM, rng, order=3),
            columns[None, :] + by * broad(shape, WARP_KM, rng, order=3),
        ]
    )


def _on_pixels(cells: NDArray[np.float64], bent: NDArray[np.float32]) -> Floats:
    """Values of cells, smoothed over one cell, on the scene's pixels."""
    smooth = spline_filter(gaussian_filter(cells, 0.8), output=np.float32)
    return np.asarray(map_coordinates(smooth, bent, order=3, prefilter=False), np.float32)


def _roughness(shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Fractal relief of wavelengths below half a kilometre."""
    k = np.hypot(np.fft.fftfreq(shape[0], PIXEL_M)[:, None], np.fft.rfftfreq(shape[1], PIXEL_M)[None, :])
    low = 1 / (4000 * BENCH_KM)
    root = np.where(k > low, np.maximum(k, low) ** (FRACTAL_SLOPE / 2), 0.0) * np.exp(-((k * 1.5 * PIXEL_M) ** 2))
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal(shape)) * root, s=shape)
    return np.asarray(field * (ROUGHNESS_M / field.std()), np.float32)


def _rivers(area: NDArray[np.float64], bent: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Width of the nearest river (m) and distance to its middle (m), for every pixel; without rivers infinitely far."""
    is_river = area >= OPEN_WATER_M2
    if not is_river.any():
        return np.zeros(bent.shape[1:], np.float32), np.full(bent.shape[1:], np.inf, np.float32)
    distance, nearest = distance_transform_edt(~is_river, return_indices=True)
    width = RIVER_WIDTH_M * np.sqrt(area[tuple(nearest)] / 1e6)
    smooth = np.maximum(gaussian_filter(distance, 0.8) - 0.35, 0) * CELL * PIXEL_M
    both = [map_coordinates(each.astype(np.float32), bent, order=1) for each in (width, smooth)]
    return np.asarray(both[0], np.float32), np.asarray(both[1], np.float32)
