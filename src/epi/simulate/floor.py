"""How well the source of a simulated scene could be placed at best: the noise it was given, and the bound it sets."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.simulate.atmosphere import OUTER_SCALE_KM, power_spectrum, variance_within
from epi.simulate.recipe import DIP, LOCATION, PLACE_KM, SIZE_KM, SPACING_M, Draw, Recipe
from epi.simulate.scene import RELIEF_KM, Simulated
from epi.source.bound import PHYSICS, Bound, Prior, bound
from epi.source.observe import Track, observe

OBSERVATIONS = 240  # as many as `epi.source.invert` fits
POINTS = 3  # along each side of a square, that stand for its average

Array = NDArray[np.float64]


def position_bound(made: Simulated, drawn: Draw, *, recipe: Recipe = LOCATION, most: int = OBSERVATIONS) -> Bound:
    """Cramér-Rao bound of the centroid of slip in a scene of a recipe.

    Known beforehand are the scaling relation and uneven slip as `epi.source.invert.locate` takes them, and the spread
    of place, depth, strike, dip and magnitude over the recipe, as Gaussians of the same variance: so the bound of an
    earthquake that cannot be seen is the recipe's own spread. Squares are those that the inversion fits; a method that
    sees every pixel may do a little better.

    Parameters
    ----------
    made, drawn : from `epi.simulate.recipe.scene`.
    recipe : the same that was drawn from.
    most : about so many squares.

    Returns
    -------
    The bound.
    """
    track, rupture = observe(made.product, most=most), drawn.rupture
    along, down = (round(rupture.plane[side] / rupture.faults[0, side]) for side in (5, 6))
    return bound(
        [track],
        [noise_covariance(track, made, drawn)],
        rupture.plane,
        rake=rupture.rake,
        slip_m=rupture.slip.reshape(along, down),
        prior=recipe_prior(recipe),
    )


def recipe_prior(recipe: Recipe) -> Prior:
    """What somebody who knows the recipe knows of every earthquake."""
    place, depth, magnitude = 2 * PLACE_KM, np.ptp(recipe.depth_km), np.ptp(recipe.magnitude)
    uniform = np.array([place, place, depth, 360.0, np.ptp(DIP), np.inf, np.inf, magnitude]) / np.sqrt(12)
    return replace(PHYSICS, spread=tuple(uniform[:7].tolist()), magnitude=float(uniform[7]))


def noise_covariance(track: Track, made: Simulated, drawn: Draw) -> Array:
    """(N, N) covariance of a scene's noise in the averages over squares, m^2, the ramp left out.

    The delay of turbulent and of layered air has the spectrum it was drawn from; the phase noise is that of the
    scene's coherence and looks and averages away.

    Parameters
    ----------
    track : from `epi.source.observe.observe` of the scene.
    made, drawn : from `epi.simulate.recipe.scene`.

    References
    ----------
    Rodriguez and Martin (1992), IEE Proc. F 139(2), for the phase noise of many looks.
    """
    conditions = drawn.conditions
    pixels, spacing_km = round(SIZE_KM * 1000 / SPACING_M), SPACING_M / 1000
    covariance = (1 - conditions.stratified) * autocovariance(pixels, spacing_km, OUTER_SCALE_KM)
    if conditions.stratified:
        covariance = covariance + conditions.stratified * autocovariance(pixels, spacing_km, RELIEF_KM)
    air = conditions.atmosphere_m**2 * _averaged(track, covariance, spacing_km)
    coherence = made.product["coherence"].to_numpy()[made.product["valid"].to_numpy()]
    of_phase = np.minimum((1 - coherence**2) / (2 * conditions.looks * coherence**2), np.pi**2 / 3).mean()
    metres = SENTINEL1_WAVELENGTH_M / (4 * np.pi)
    return np.asarray(air + np.diag(metres**2 * of_phase / track.samples))


@lru_cache(maxsize=8)
def autocovariance(pixels: int, spacing_km: float, outer_scale_km: float) -> Array:
    """Covariance of turbulent delay between pixels so many rows and columns apart, (pixels, pixels).

    Scaled so that the variance over a square scene of so many pixels a side, about its own mean, is 1 on average.
    """
    count = 2 * pixels  # the field is drawn over twice the scene and cropped
    wavenumber = np.hypot(np.fft.fftfreq(count, spacing_km)[:, None], np.fft.rfftfreq(count, spacing_km)[None])
    power = power_spectrum(wavenumber, outer_scale_km=outer_scale_km)
    field = np.fft.irfft2(power, s=(count, count))[:pixels, :pixels]
    return np.asarray(field / variance_within(field))


def _averaged(track: Track, covariance: Array, spacing_km: float) -> Array:
    """(N, N) covariance of squares' averages from that of pixels; each square is the mean of a few points."""
    steps = (np.arange(POINTS) + 0.5) / POINTS - 0.5
    across, up = (grid.ravel() for grid in np.meshgrid(steps, steps))
    total = np.zeros((len(track.east),) * 2)
    apart = np.subtract.outer
    for east, north in zip(across, up, strict=True):
        here_east, here_north = track.east + east * track.size, track.north + north * track.size
        for other_east, other_north in zip(across, up, strict=True):
            columns = np.abs(apart(here_east, track.east + other_east * track.size)) / spacing_km
            rows = np.abs(apart(here_north, track.north + other_north * track.size)) / spacing_km
            total += map_coordinates(covariance, [rows, columns], order=1, mode="nearest")
    return (total + total.T) / (2 * POINTS**4)
