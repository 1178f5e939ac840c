"""Three images of one place, before, just before and after an earthquake near it, with the truth behind them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from epi.errors import ParameterError
from epi.simulate.backscatter import shaking
from epi.simulate.backscatter.dates import quiet_changes
from epi.simulate.backscatter.ground import (
    COVERS,
    DETAIL_DB,
    MEAN_DB,
    NOISE_DB,
    ROCK,
    URBAN,
    WATER,
    Place,
    draw_place,
    mean_db,
    smooth_noise,
)
from epi.simulate.backscatter.recipe import Backscatter
from epi.simulate.backscatter.speckle import correlated_normal, speckle

Floats = NDArray[np.float32]

SCAR_DB, SCAR_PIXELS = 2.0, 2.5
"""A scar scatters as bare ground does, with this standard deviation about it; slides are smooth over so many pixels
(25 m: areas of some thousand square metres, larger where much slides)."""
RUBBLE_DB = (-4.0, -2.0)
"""What a collapsed building loses of its double bounce, dB, VV and VH: rubble scatters 4 dB less in VV, between a wall
and rough ground (a choice; Matsuoka & Yamazaki 2004 find less backscatter the more of a block is destroyed)."""
BUILDING_PIXELS = 2.0
"""Over how many pixels buildings stand or fall together."""
TRACE_M, TRACE_DB = (20.0, 20.0), 2.5
"""Half width of broken ground along a rupture: so many metres, and as many more for each metre of offset; its
standard deviation of backscatter."""


@dataclass(frozen=True)
class Quake:
    """An earthquake as a patch sees it.

    Attributes
    ----------
    magnitude, depth_km : of the hypocentre.
    east_km, north_km : of the epicentre from the patch's centre.
    strike_deg : of the fault.
    broken : whether the rupture reaches the surface.
    felt : intensity that this earthquake has beyond the mean of its size.
    ground : coefficient of the rock (`epi.simulate.backscatter.shaking.LITHOLOGY`).
    vulnerability : of the buildings.
    longitude, latitude : of the patch's centre, degrees; they say nothing of the ground.
    """

    magnitude: float
    depth_km: float
    east_km: float
    north_km: float
    strike_deg: float
    broken: bool
    felt: float
    ground: float
    vulnerability: float
    longitude: float
    latitude: float

    @property
    def distance_km(self) -> float:
        """From the patch's centre to the epicentre."""
        return float(np.hypot(self.east_km, self.north_km))


@dataclass(frozen=True)
class Triplet:
    """Backscatter of one place at three dates, and what happened there.

    Attributes
    ----------
    number : of the earthquake in its recipe.
    quake : between ``pre`` and ``post``.
    before, pre, post : (pixels, pixels, 2) backscatter, linear power, VV and VH.
    slope_deg, intensity : mean of each pixel.
    slid, collapsed, torn : share of each pixel that slid, whose buildings collapsed, that broke along the fault.
    cover : share of each pixel under each of `epi.simulate.backscatter.ground.COVERS`, (5, pixels, pixels).
    """

    number: int
    quake: Quake
    before: Floats
    pre: Floats
    post: Floats
    slope_deg: Floats
    intensity: Floats
    slid: Floats
    collapsed: Floats
    torn: Floats
    cover: Floats


def simulate_triplet(recipe: Backscatter, seed: int, number: int, *, pixels: int | None = None) -> Triplet:
    """Simulate the images of one earthquake.

    The ground, the changes that have nothing to do with the earthquake and the speckle come from other random numbers
    than the earthquake: ``before`` and ``pre`` do not depend on it in any way.

    Parameters
    ----------
    recipe : what is drawn.
    seed, number : decide all of it.
    pixels : a side, each the mean power of a square of full resolution; default the recipe's own.

    Returns
    -------
    Images in linear power, VV and VH, with the truth; all values are finite and the images positive.

    Raises
    ------
    ParameterError : pixels that do not divide the recipe's side.
    """
    pixels = recipe.side if pixels is None else pixels
    if pixels < 1 or recipe.side % pixels:
        raise ParameterError(f"{pixels} pixels were asked of patches of {recipe.side}: give a divisor of it.")
    land, weather, noise, source, effects = (
        np.random.default_rng([seed, recipe.stream, number, part]) for part in range(5)
    )
    place, quake = draw_place(recipe, land), draw_quake(recipe, source)
    mean = mean_db(place)
    states = [mean + change for change in quiet_changes(recipe, place, weather)]
    felt = intensity_map(recipe, quake, effects)
    slid, collapsed = _slides(quake, place, felt, effects), _collapses(quake, place, felt, effects)
    torn = trace_map(recipe, quake) & (place.cover != WATER)
    states[2] = _changed(states[2], place, slid, collapsed, torn, effects)
    new = slid | collapsed | torn
    common = [correlated_normal(noise, recipe.side, recipe.spread) for _ in range(2)]
    images = []
    for date, state in enumerate(states):
        alike = np.where(new, np.float32(0), place.coherence**2) if date == 2 else place.coherence**2
        powers = []
        for band in range(2):
            own = correlated_normal(noise, recipe.side, recipe.spread)
            drawn = np.sqrt(alike) * common[band] + np.sqrt(1 - alike) * own
            power = np.exp(np.float32(np.log(10) / 10) * state[band]) + np.float32(10 ** (NOISE_DB / 10))
            powers.append(_mean(power * speckle(drawn, recipe.looks), pixels))
        images.append(np.stack(powers, axis=-1).astype(np.float32))
    cover = np.stack([_mean(place.cover == kind, pixels) for kind in range(len(COVERS))])
    before, pre, post = images
    slope, shaken, slides, collapses, tears = (
        _mean(each, pixels) for each in (place.slope_deg, felt, slid, collapsed, torn)
    )
    return Triplet(number, quake, before, pre, post, slope, shaken, slides, collapses, tears, cover)


def draw_quake(recipe: Backscatter, rng: np.random.Generator) -> Quake:
    """Draw an earthquake near a patch.

    Parameters
    ----------
    recipe : its magnitudes, depths and distances.
    rng : source of randomness.
    """
    low, high = recipe.magnitude
    least = 10 ** (-recipe.b_value * (high - low))
    magnitude = float(low - np.log10(1 - rng.uniform() * (1 - least)) / recipe.b_value)
    depth = float(rng.uniform(*recipe.depth_km))
    away, turn = recipe.reach_km * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
    return Quake(
        magnitude=round(magnitude, 2),
        depth_km=depth,
        east_km=float(away * np.sin(turn)),
        north_km=float(away * np.cos(turn)),
        strike_deg=float(rng.uniform(0, 180)),
        broken=bool(rng.uniform() < shaking.reaches_surface(magnitude, depth)),
        felt=float(rng.normal(0, shaking.BETWEEN_EVENTS)),
        ground=float(rng.choice(shaking.LITHOLOGY)),
        vulnerability=float(rng.uniform(*recipe.vulnerability)),
        longitude=float(rng.uniform(-180, 180)),
        latitude=float(rng.uniform(-60, 60)),
    )


def intensity_map(recipe: Backscatter, quake: Quake, rng: np.random.Generator) -> Floats:
    """Modified Mercalli intensity at every pixel of full resolution, with its scatter.

    Parameters
    ----------
    recipe : size and posting of the patch.
    quake : its magnitude, depth and distance (km).
    rng : source of the scatter from place to place.

    Returns
    -------
    (side, side), finite; far from weak earthquakes it is below 1.
    """
    east, north = _grid_km(recipe)
    distance = np.sqrt((east - quake.east_km) ** 2 + (north - quake.north_km) ** 2 + quake.depth_km**2)
    scatter = shaking.WITHIN_EVENT * rng.standard_normal()
    rough = smooth_noise(rng, recipe.side, shaking.WITHIN_KM * 1000 / recipe.posting_m / 4)
    return np.asarray(
        shaking.intensity(quake.magnitude, distance) + quake.felt + 0.9 * scatter + 0.4 * shaking.WITHIN_EVENT * rough,
        dtype=np.float32,
    )


def trace_map(recipe: Backscatter, quake: Quake) -> NDArray[np.bool_]:
    """Ground broken along the rupture, which runs through the epicentre for half its length either way.

    Parameters
    ----------
    recipe : size and posting of the patch.
    quake : its epicentre from the patch's centre (km), strike (degrees from north) and magnitude.

    Returns
    -------
    (side, side), whether a pixel is broken; nowhere where the rupture stays below the surface.
    """
    east, north = _grid_km(recipe)
    if not quake.broken:
        return np.zeros(east.shape, dtype=bool)
    strike = np.radians(quake.strike_deg)
    x, y = east - quake.east_km, north - quake.north_km
    along, across = x * np.sin(strike) + y * np.cos(strike), x * np.cos(strike) - y * np.sin(strike)
    half = (TRACE_M[0] + TRACE_M[1] * shaking.rupture_offset_m(quake.magnitude)) / 1000
    return np.asarray((np.abs(across) < half) & (np.abs(along) < shaking.rupture_length_km(quake.magnitude) / 2))


def _slides(quake: Quake, place: Place, felt: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Ground that slid: as much of it as the share says, in patches."""
    kinds = np.array([shaking.COVER.get(name, -np.inf) for name in COVERS])
    share = shaking.landslide_share(felt, place.slope_deg, kinds[place.cover] + quake.ground)
    return _patchy(rng, share, SCAR_PIXELS)


def _collapses(quake: Quake, place: Place, felt: Floats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Built-up ground whose buildings collapsed."""
    share = shaking.collapse_share(felt, quake.vulnerability) * (place.cover == URBAN)
    return _patchy(rng, share, BUILDING_PIXELS)


def _changed(
    state: Floats,
    place: Place,
    slid: NDArray[np.bool_],
    collapsed: NDArray[np.bool_],
    torn: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Floats:
    """Backscatter after the earthquake, dB."""
    fresh = np.stack([smooth_noise(rng, state.shape[1], SCAR_PIXELS * 2) for _ in range(2)])
    bare = np.array(MEAN_DB[COVERS[ROCK]])[:, None, None] + place.tilt_db + DETAIL_DB * place.detail + SCAR_DB * fresh
    found = np.where(slid, bare, state)
    found = found + np.array(RUBBLE_DB)[:, None, None] * collapsed
    return np.asarray(found + TRACE_DB * fresh * (torn & ~slid), dtype=np.float32)


def _patchy(rng: np.random.Generator, share: NDArray[np.float64], pixels: float) -> NDArray[np.bool_]:
    """Draw ground in patches, so that each pixel belongs to them as often as its share says."""
    return np.asarray(ndtr(smooth_noise(rng, share.shape[0], pixels)) < share)


def _grid_km(recipe: Backscatter) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """East and north of the pixels from the patch's centre."""
    along = (np.arange(recipe.side) - (recipe.side - 1) / 2) * recipe.posting_m / 1000
    east, south = np.meshgrid(along, along)
    return east, -south


def _mean(values: NDArray[np.generic], pixels: int) -> Floats:
    """Mean over squares."""
    size = values.shape[0] // pixels
    blocks = values.reshape(pixels, size, pixels, size).astype(np.float32)
    return np.asarray(blocks.mean((1, 3)), dtype=np.float32)
