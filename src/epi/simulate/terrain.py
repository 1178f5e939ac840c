"""Ground to look at: fractal relief with lakes, and what grows on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from epi.insar.geometry.dem import Bounds, Dem
from epi.simulate.atmosphere import smooth_field

POSTING_DEG = 1 / 1200
"""Distance between heights: 3 arc seconds, as in the SRTM model."""

WATER_SIGMA0_DB = -22.0

_LARGEST_KM, _SMALLEST_KM = 40.0, 0.6  # wavelengths between which relief is fractal
_SLOPE = -3.6  # of the power spectrum of relief over wavenumber (Turcotte 1997: 2-D spectra fall as k^-3 to k^-4)


@dataclass(frozen=True)
class LandClass:
    """A kind of land cover: share of the land, backscatter in dB, and coherence added to the scene's."""

    share: float
    sigma0_db: float
    coherence: float


LAND = {
    "forest": LandClass(0.3, -8.5, -0.25),
    "crops": LandClass(0.4, -11.0, 0.0),
    "rock": LandClass(0.3, -12.5, 0.15),
}
"""Classes from the wettest to the driest; medians of C-band at 35 degrees (Ulaby & Dobson 1989), rounded."""


def fractal_dem(bounds: Bounds, *, relief_m: float, water: float, seed: int, posting_deg: float = POSTING_DEG) -> Dem:
    """Draw a terrain whose relief is fractal between 0.6 and 40 km, with its lowest part under flat water.

    Parameters
    ----------
    bounds : west, south, east, north, degrees.
    relief_m : standard deviation of heights; 0 for a plain.
    water : share of the area under water, 0 to below 1.
    seed : the same seed gives the same terrain.
    posting_deg : distance between heights.

    Returns
    -------
    Heights above the ellipsoid, the water (or, without any, the lowest point) at 30 m.
    """
    west, south, east, north = bounds
    rows = int(np.ceil((north - south) / posting_deg)) + 1
    columns = int(np.ceil((east - west) / posting_deg)) + 1
    step_km = posting_deg * 111.2
    stretch = np.cos(np.radians((south + north) / 2))
    white = np.fft.rfft2(np.random.default_rng([seed, 11]).standard_normal((rows, columns)))
    k = np.hypot(np.fft.fftfreq(rows, step_km)[:, None], np.fft.rfftfreq(columns, step_km * stretch)[None, :])
    power = np.maximum(k, 1 / _LARGEST_KM) ** _SLOPE * np.exp(-((k * _SMALLEST_KM) ** 4))
    power[0, 0] = 0.0
    heights = np.fft.irfft2(white * np.sqrt(power), s=(rows, columns))
    heights *= relief_m / heights.std()
    heights -= np.quantile(heights, water)
    heights = 30.0 + np.maximum(heights, 0.0) if water > 0 else 30.0 + heights - heights.min()
    return Dem(heights.astype(np.float32), north, west, posting_deg, posting_deg, "fractal relief (simulated)")


@dataclass(frozen=True)
class MapField:
    """A quantity on a square grid of kilometres east and north of a place, cubic between its nodes.

    Parameters
    ----------
    values : (rows, columns), southernmost row first.
    start_km : east and north of the first node.
    step_km : distance of the nodes.
    """

    values: NDArray[np.float64]
    start_km: tuple[float, float]
    step_km: float

    def __call__(self, east: NDArray[np.float64], north: NDArray[np.float64]) -> NDArray[np.float64]:
        """Interpolate at places in km."""
        at = np.stack([(north - self.start_km[1]) / self.step_km, (east - self.start_km[0]) / self.step_km])
        return np.asarray(map_coordinates(self.values, at, order=3, mode="nearest"))


@dataclass(frozen=True)
class Cover:
    """Backscatter (sigma nought, linear), coherence of the pair (0 to 1) and water (bool) at places."""

    sigma0: NDArray[np.float64]
    coherence: NDArray[np.float64]
    water: NDArray[np.bool_]


def land_cover(
    classes: MapField,
    detail: MapField,
    *,
    east: NDArray[np.float64],
    north: NDArray[np.float64],
    water: NDArray[np.bool_],
    coherence: float,
) -> Cover:
    """What the radar meets at places, by class of land cover.

    Parameters
    ----------
    classes, detail : fields of unit variance: one decides the class, the other what varies inside it.
    east, north : km.
    water : where there is none of the land's classes.
    coherence : of the scene's middle class; 1 switches all temporal decorrelation off, over water too.
    """
    rank = classes(east, north)
    edges = np.quantile(classes.values, np.cumsum([each.share for each in LAND.values()])[:-1])
    kind = np.searchsorted(edges, rank)
    variation = detail(east, north)
    sigma0_db = np.array([each.sigma0_db for each in LAND.values()])[kind] + 0.7 * variation
    added = np.array([each.coherence for each in LAND.values()])[kind] + 0.05 * variation
    stays = np.ones_like(rank) if coherence == 1 else np.where(water, 0.0, np.clip(coherence + added, 0.05, 0.98))
    return Cover(10 ** (np.where(water, WATER_SIGMA0_DB, sigma0_db) / 10), stays, water)


def draw_fields(
    start_km: tuple[float, float], stop_km: tuple[float, float], *, seed: int, step_km: float = 0.25
) -> tuple[MapField, MapField]:
    """Draw the two fields behind `land_cover` over a rectangle of east and north, km."""
    shape = grid_shape(start_km, stop_km, step_km)
    rng = np.random.default_rng([seed, 12])
    broad = smooth_field(shape, spacing_km=step_km, correlation_km=2.0, rng=rng)
    fine = smooth_field(shape, spacing_km=step_km, correlation_km=0.5, rng=rng)
    return MapField(broad, start_km, step_km), MapField(fine, start_km, step_km)


def grid_shape(start_km: tuple[float, float], stop_km: tuple[float, float], step_km: float) -> tuple[int, int]:
    """Rows and columns of a grid that spans a rectangle."""
    across, along = (int(np.ceil((stop - start) / step_km)) + 4 for start, stop in zip(start_km, stop_km, strict=True))
    return along, across
