"""A few hundred observations that stand for a scene: averages over squares, small where the ground moved unevenly."""

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene
from epi.insar.contract import LOOK
from epi.insar.frame import local_frame

FINEST = 7  # the finest squares are 1/2^7 of the scene's side
COARSEST = 4
LEAST_OBSERVATIONS = 30

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """Observations of one scene.

    Attributes
    ----------
    east, north : (N,) km, centre of the samples behind an observation.
    los : (N,) mean LOS displacement, metres, toward the satellite positive.
    look : (N, 3) unit vector to the satellite, east, north, up.
    size : (N,) side of the square, km.
    samples : (N,) samples behind an observation.
    spread : (N,) standard deviation of the samples about their mean, the scene's own plane removed, metres.
    extent : west, south, east, north edges of the data, km.
    """

    east: Array
    north: Array
    los: Array
    look: Array
    size: Array
    samples: Array
    spread: Array
    extent: tuple[float, float, float, float]

    @property
    def ramp(self) -> Array:
        """(N, 3) design of a constant and a plane (km scaled to the scene's half-width)."""
        half = max(self.extent[2] - self.extent[0], self.extent[3] - self.extent[1]) / 2
        middle = (self.extent[0] + self.extent[2]) / 2, (self.extent[1] + self.extent[3]) / 2
        return np.column_stack(
            [np.ones_like(self.east), (self.east - middle[0]) / half, (self.north - middle[1]) / half]
        )

    def only(self, chosen: NDArray[np.bool_]) -> "Track":
        """The same track with some of its observations; the extent stays."""
        names = ("east", "north", "los", "look", "size", "samples", "spread")
        return replace(self, **{name: getattr(self, name)[chosen] for name in names})


def observe(ds: xr.Dataset, *, origin: tuple[float, float] | None = None, most: int = 450) -> Track:
    """Average a scene over squares that are split where the displacement varies most.

    Parameters
    ----------
    ds : a product with ``los_displacement``, or with ``phase``, which is then unwrapped first; any geometry; NaN and
        ``valid`` False are no data.
    origin : latitude and longitude that east and north are counted from; default the scene's middle.
    most : about so many observations.

    Returns
    -------
    The track's observations.

    Raises
    ------
    EmptyScene : fewer than 30 finite samples.

    References
    ----------
    Jonsson et al. (2002), Bull. Seismol. Soc. Am. 92(4), for the quadtree.
    """
    if "los_displacement" not in ds:
        from epi.insar.unwrap import unwrap

        ds = unwrap(ds)
    frame = local_frame(ds, origin)
    columns = [frame.east_km, frame.north_km, ds["los_displacement"].to_numpy()]
    columns += [np.broadcast_to(ds[name].to_numpy(), columns[0].shape) for name in LOOK]
    table = np.column_stack([np.asarray(column, float).ravel() for column in columns])
    good = np.isfinite(table).all(1)
    if "valid" in ds:
        good &= ds["valid"].to_numpy().ravel()
    if good.sum() < LEAST_OBSERVATIONS:
        raise EmptyScene(
            f"The scene has {int(good.sum())} samples with a finite displacement and look vector; "
            f"locating needs {LEAST_OBSERVATIONS}. "
            "Check its no-data mask and its coherence."
        )
    return _quadtree(table[good], most)


def _quadtree(table: Array, most: int) -> Track:
    """Choose squares by bisection on the spread of displacement that lets a square stay whole."""
    low, high = table[:, :2].min(0), table[:, :2].max(0)
    side = float((high - low).max()) * (1 + 1e-9)
    levels = [_sums(table, low, side, level) for level in range(COARSEST, FINEST + 1)]
    least, largest = 0.0, float(np.ptp(table[:, 2])) + 1e-9
    leaves = _leaves(levels, 0.0)
    if len(leaves) > most:
        for _ in range(25):
            threshold = (least + largest) / 2
            leaves = _leaves(levels, threshold)
            least, largest = (threshold, largest) if len(leaves) > most else (least, threshold)
        leaves = _leaves(levels, largest)
    rows = np.array([levels[level][0][cell] for level, cell in leaves])
    count = rows[:, 0]
    means = rows[:, 1:7] / count[:, None]
    look = means[:, 3:6] / np.linalg.norm(means[:, 3:6], axis=1, keepdims=True)
    spread = np.array([levels[level][1][cell] for level, cell in leaves])
    size = np.array([side / 2 ** (COARSEST + level) for level, _ in leaves])
    extent = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Track(means[:, 0], means[:, 1], means[:, 2], look, size, count, spread, extent)


def _sums(table: Array, low: Array, side: float, level: int) -> tuple[Array, Array, int]:
    """Per square of one level: count and sums of the columns; spread of the displacement about the scene's plane."""
    n = 2**level
    cell = np.clip(((table[:, :2] - low) / side * n).astype(int), 0, n - 1)
    flat = cell[:, 1] * n + cell[:, 0]
    count = np.bincount(flat, minlength=n * n).astype(float)
    sums = [np.bincount(flat, column, minlength=n * n) for column in table.T]
    design = np.column_stack([np.ones(len(table)), table[:, :2]])
    level_los = table[:, 2] - design @ np.linalg.lstsq(design, table[:, 2], rcond=None)[0]
    first, second = (np.bincount(flat, level_los**power, minlength=n * n) for power in (1, 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(np.maximum(second / count - (first / count) ** 2, 0))
    return np.column_stack([count, *sums]), np.nan_to_num(spread), n


def _leaves(levels: list[tuple[Array, Array, int]], threshold: float) -> list[tuple[int, int]]:
    """Squares that are whole: (level, cell), from the coarsest down, empty ones left out."""
    leaves: list[tuple[int, int]] = []
    cells = np.arange(levels[0][2] ** 2)
    for index, (rows, spread, n) in enumerate(levels):
        cells = cells[rows[cells, 0] > 0]
        last = index == len(levels) - 1
        split = (spread[cells] > threshold) & (rows[cells, 0] > 1) & (not last)
        leaves += [(index, int(cell)) for cell in cells[~split]]
        y, x = np.divmod(cells[split], n)
        cells = np.concatenate([(2 * y + a) * 2 * n + 2 * x + b for a in (0, 1) for b in (0, 1)])
    return leaves
