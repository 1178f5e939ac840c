"""What the radar makes of a scene: angles, folded and hidden ground, speckle, estimated coherence, unwrapped phase."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, uniform_filter

from epi.insar.compiled import njit
from epi.insar.filters import goldstein
from epi.insar.product import look_vector, wrap
from epi.simulate.landslides.fields import PIXEL_M, Floats, broad
from epi.simulate.landslides.relief import Relief

NOISE_DB = (
    -23.0
)  # noise-equivalent sigma nought of Sentinel-1's interferometric wide swath (measured: about -24 to -22)
RESOLUTION_M = 2.9  # in slant range
SLANT_RANGE_M = 870e3
FAR_DEG_KM = 0.062  # growth of the angle of incidence across the swath
WINDOW = 3
"""Pixels a side of the window over which coherence is estimated."""
FOLDED = 0.4  # share of its coherence that folded ground keeps: several places in one pixel
FOLDED_DB = 4.0
LOST_WAY = 0.22
"""Mean sample coherence below which an unwrapper may lose its way."""
LOST_KM = 0.9  # size of the pieces that it gets wrong

Flags = NDArray[np.bool_]
Complex = NDArray[np.complex64]


def look_at(shape: tuple[int, int], incidence_deg: float, heading_deg: float) -> tuple[Floats, tuple[Floats, ...]]:
    """Angle of incidence and look vectors (east, north, up) of a scene, all (rows, columns).

    Parameters
    ----------
    shape : rows and columns of `PIXEL_M`.
    incidence_deg : in the middle.
    heading_deg : of the flight; the radar looks to the right.
    """
    look_east = -np.cos(np.deg2rad(heading_deg))  # of the direction to the satellite: the angle grows away from it
    look_north = np.sin(np.deg2rad(heading_deg))
    rows, columns = (np.arange(size) - (size - 1) / 2 for size in shape)
    away = (-look_east * columns[None, :] + look_north * rows[:, None]) * PIXEL_M / 1000
    incidence = incidence_deg + FAR_DEG_KM * away
    look = look_vector(incidence, heading_deg)
    return incidence.astype(np.float32), tuple(each.astype(np.float32) for each in look)


def local_incidence(relief: Relief, look: tuple[Floats, ...]) -> Floats:
    """Angle between the line of sight and the normal of the ground, degrees."""
    up = look[2] - relief.east * look[0] - relief.north * look[1]
    cosine = up / np.sqrt(1 + relief.east**2 + relief.north**2)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))), np.float32)


def layover_shadow(height: Floats, incidence: Floats, heading_deg: float) -> tuple[Flags, Flags]:
    """Where the ground folds over itself in slant range, and where it is hidden.

    Each line of pixels that leads away from the satellite is followed; the satellite is taken to be far, so that rays
    are parallel. A pixel is in layover where its range is not larger than that of every pixel before it, or not smaller
    than that of every one behind; it is in shadow where a pixel before it rises above its ray. Gaps of a pixel are
    closed.

    Parameters
    ----------
    height : (rows, columns), m.
    incidence : degrees.
    heading_deg : of the flight; the radar looks to the right.
    """
    east, north = np.cos(np.deg2rad(heading_deg)), -np.sin(np.deg2rad(heading_deg))  # horizontal, away from it
    drift = -north / abs(east)  # rows a column
    step = PIXEL_M / abs(east)
    ground = np.ascontiguousarray(height[:, :: 1 if east > 0 else -1], np.float32)
    angle = np.deg2rad(np.ascontiguousarray(incidence[:, :: 1 if east > 0 else -1], np.float32))
    back = slice(None, None, 1 if east > 0 else -1)
    layover, shadow = (binary_closing(each[:, back], np.ones((3, 3))) for each in _follow(ground, angle, drift, step))
    return layover, shadow


@njit()
def _follow(height: Floats, angle: Floats, drift: float, step: float) -> tuple[Flags, Flags]:
    """Follow lines from the first column to the last."""
    rows, columns = height.shape
    layover, shadow = np.zeros((rows, columns), np.bool_), np.zeros((rows, columns), np.bool_)
    spread = int(np.ceil(abs(drift) * columns)) + 1
    reach, across = np.empty(columns), np.empty(columns)
    for line in range(-spread, rows + spread):
        last = 0.0
        farthest = highest = -1e30
        first = end = -1
        for x in range(columns):
            y = line + int(np.floor(drift * x + 0.5))
            if y < 0 or y >= rows:
                continue
            if first < 0:
                first = x
                reach[x] = across[x] = 0.0
            else:
                rise = height[y, x] - last
                reach[x] = reach[x - 1] + step * np.sin(angle[y, x]) - rise * np.cos(angle[y, x])
                across[x] = across[x - 1] + step * np.cos(angle[y, x]) + rise * np.sin(angle[y, x])
            last = height[y, x]
            end = x
            layover[y, x] = reach[x] <= farthest
            shadow[y, x] = across[x] < highest
            farthest, highest = max(farthest, reach[x]), max(highest, across[x])
        nearest = 1e30
        for x in range(end, first - 1, -1):
            y = line + int(np.floor(drift * x + 0.5))
            if first < 0 or y < 0 or y >= rows:
                continue
            if reach[x] >= nearest:
                layover[y, x] = True
            nearest = min(nearest, reach[x])
    return layover, shadow


def brightness(sigma0_db: Floats, local_deg: Floats, folded: Flags, hidden: Flags) -> Floats:
    """Backscatter a pixel on the slant plane, linear: slopes that face the radar are bright, hidden ones have none."""
    angle = np.deg2rad(np.clip(local_deg, 8.0, 88.0))
    shape = np.cos(angle) / np.cos(np.deg2rad(35.0)) * np.sin(np.deg2rad(35.0)) / np.sin(angle)
    linear = 10 ** ((sigma0_db + FOLDED_DB * folded) / 10) * shape
    return np.where(hidden, 0.0, linear).astype(np.float32)


def surviving(
    coherence: Floats, bright: tuple[Floats, Floats], local_deg: Floats, baseline_m: float, wavelength_m: float
) -> Floats:
    """Coherence after the radar's own noise and the baseline took their part.

    References
    ----------
    Zebker & Villasenor (1992), IEEE Trans. Geosci. Remote Sens. 30(5).
    """
    noise = 10 ** (NOISE_DB / 10)
    signal = 1 / np.sqrt((1 + noise / np.maximum(bright[0], 1e-9)) * (1 + noise / np.maximum(bright[1], 1e-9)))
    angle = np.deg2rad(np.clip(local_deg, 3.0, 87.0))
    geometric = 1 - 2 * RESOLUTION_M * abs(baseline_m) / (wavelength_m * SLANT_RANGE_M * np.tan(angle))
    return np.asarray(np.clip(coherence * signal * np.clip(geometric, 0, 1), 0, 0.98), np.float32)


def speckle(
    coherence: Floats, bright: tuple[Floats, Floats], phase: Floats, looks: float, rng: np.random.Generator
) -> tuple[Complex, Floats, Floats]:
    """Multilooked interferogram and intensities of circular Gaussian pixels.

    Drawn exactly from the complex Wishart distribution, by its Bartlett decomposition.

    Parameters
    ----------
    coherence : true, 0 to below 1.
    bright : expected intensity of reference and secondary, the radar's noise included.
    phase : expected, rad.
    looks : independent samples a pixel, above 1.
    rng : source of randomness.

    Returns
    -------
    Interferogram (reference x conj(secondary)), and the intensity of both images.

    References
    ----------
    Goodman (1963), Ann. Math. Stat. 34.
    """
    shape = coherence.shape
    first = rng.standard_gamma(looks, shape, dtype=np.float32)
    rest = rng.standard_gamma(looks - 1, shape, dtype=np.float32)
    cross = (
        rng.standard_normal(shape, dtype=np.float32) + 1j * rng.standard_normal(shape, dtype=np.float32)
    ) / np.sqrt(2)
    lost = np.sqrt(1 - coherence**2)
    both = coherence * first + lost * np.sqrt(first) * cross
    second = np.abs(coherence * np.sqrt(first) + lost * cross) ** 2 + lost**2 * rest
    root = np.sqrt(bright[0] * bright[1])
    made = (root / looks * both * np.exp(1j * phase)).astype(np.complex64)
    return made, (bright[0] * first / looks).astype(np.float32), (bright[1] * second / looks).astype(np.float32)


def estimate_coherence(interferogram: Complex, reference: Floats, secondary: Floats) -> Floats:
    """Sample coherence over `WINDOW` x `WINDOW` pixels: biased upward where there is little, and blurred.

    References
    ----------
    Touzi et al. (1999), IEEE Trans. Geosci. Remote Sens. 37(1).
    """
    sums = [uniform_filter(part, WINDOW) for part in (interferogram.real, interferogram.imag, reference, secondary)]
    return np.asarray(
        np.clip(np.hypot(sums[0], sums[1]) / np.sqrt(np.maximum(sums[2] * sums[3], 1e-20)), 0, 1), np.float32
    )


def filtered_phase(interferogram: Complex, strength: float) -> Floats:
    """Phase of the interferogram after Goldstein's filter, rad; unfiltered where ``strength`` is 0."""
    smooth = (
        goldstein(interferogram / np.maximum(np.abs(interferogram), 1e-12), alpha=strength)
        if strength
        else interferogram
    )
    return np.asarray(np.angle(smooth), np.float32)


def unwrap_near(phase: Floats, smooth: Floats, coherence: Floats, rng: np.random.Generator) -> Floats:
    """Unwrapped phase, as an unwrapper that knows the smooth part of it would find it, and fails where it is blind.

    Every pixel gets the whole turns that bring it within half a turn of the smooth phase (air, orbits, earthquake), so
    that a slide is never found to have moved by more than a quarter of the wavelength against its surroundings; in
    pieces of ground without coherence whole turns are wrong. No unwrapper is run: this is a stand-in for one.

    Parameters
    ----------
    phase : wrapped, rad.
    smooth : true phase without slides and noise, rad.
    coherence : estimated.
    rng : source of randomness.
    """
    near = smooth + wrap(phase - smooth)
    blind = uniform_filter(coherence, 9) < LOST_WAY
    turns = np.rint(0.7 * broad(phase.shape, LOST_KM, rng))
    return np.asarray(near + 2 * np.pi * np.where(blind, turns, 0), np.float32)
