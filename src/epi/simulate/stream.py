"""An endless stream of simulated patches to learn from, as fast as a network can take them.

A scene of `epi.simulate.scene` costs a tenth of a second. Here what is costly is shared: each rupture is seen from many
sides, and each sky, ground and speckle is one large draw out of which many patches are cut. Recipes of the tests
(`epi.simulate.recipe`) lie well inside what is drawn here; their seeds are others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RectBivariateSpline

from epi.insar.product import SENTINEL1_WAVELENGTH_M, look_vector
from epi.simulate.atmosphere import smooth_field, turbulence
from epi.simulate.rupture import Rupture, draw_rupture
from epi.simulate.scene import INCIDENCE_RATE_DEG_PER_KM, RELIEF_KM
from epi.source.okada import displacement
from epi.source.size import scaling

BLOCK = 256  # patches that share ruptures, skies and speckle
SIDES = 16  # patches of one rupture
POOL = 512  # pixels a side of the large draws
CELL_KM = 6.0  # slip varies less finely than in the tests, at a sixth of the cost
REACH_KM = 64.0  # a patch's centre lies no farther from the rupture than this

Floats = NDArray[Any]


@dataclass(frozen=True)
class Weather:
    """From where to where the stream draws. The defaults are what the shipped network learned from.

    Attributes
    ----------
    magnitude, depth_km : of the earthquakes, uniform.
    atmosphere_m : rms of the delay over 80 km, log-uniform.
    stratified : largest share of its variance that follows the terrain.
    ramp_m : largest rms of the ramp over a patch.
    quiet : share of patches without an earthquake.
    """

    magnitude: tuple[float, float] = (5.3, 7.2)
    depth_km: tuple[float, float] = (2.0, 22.0)
    atmosphere_m: tuple[float, float] = (0.002, 0.04)
    stratified: float = 0.6
    ramp_m: float = 0.03
    quiet: float = 0.12


@dataclass(frozen=True)
class Batch:
    """Patches with what is true of them; arrays have one entry a patch, row 0 in the north.

    Attributes
    ----------
    interferogram : (n, pixels, pixels) complex64 of length 1, zero where there is no data.
    coherence : (n, pixels, pixels) float32, zero where there is no data.
    look : (n, 2) float32, east and north parts of the unit vector from the ground to the satellite.
    offset_km : (n, 2) float32, from the patch's centre to the centroid of slip, east and north; NaN where quiet.
    magnitude : (n,) float32, NaN where quiet.
    peak_m : (n,) float32, largest |LOS| displacement where the patch has data; 0 where quiet.
    """

    interferogram: NDArray[np.complex64]
    coherence: NDArray[np.float32]
    look: NDArray[np.float32]
    offset_km: NDArray[np.float32]
    magnitude: NDArray[np.float32]
    peak_m: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.magnitude)

    def take(self, chosen: slice | NDArray[Any]) -> "Batch":
        """Return some of the patches."""
        return Batch(*(getattr(self, each.name)[chosen] for each in fields(self)))


def stream(
    seed: int, *, first: int = 0, pixels: int = 128, spacing_km: float = 0.4, weather: Weather | None = None
) -> Iterator[Batch]:
    """Draw patches without end, ``BLOCK`` at a time.

    Parameters
    ----------
    seed : of the stream; block number n depends on the seed and n alone, so that a stream can be taken up anywhere.
    first : number of the first block.
    pixels, spacing_km : side of a patch and of a pixel.
    weather : what to draw from.
    """
    number = first
    while True:
        yield _block(np.random.default_rng([seed, number, 11]), pixels, spacing_km, weather or Weather())
        number += 1


@dataclass(frozen=True)
class _Field:
    """Displacement of one rupture on uneven nodes, fine where it is rough: east, north, up in metres."""

    nodes: tuple[Floats, Floats]  # km about the rectangle's centre, along columns and rows
    moved: Floats  # (3, rows, columns)
    centroid: Floats  # km about the rectangle's centre
    magnitude: float


@dataclass(frozen=True)
class _Pools:
    """Large draws of unit variance out of which patches are cut, and the looks behind the speckle."""

    turbulent: Floats
    layered: Floats
    land: Floats
    cover: Floats
    first: Floats
    second: Floats
    cross: NDArray[np.complex128]


def _block(rng: np.random.Generator, pixels: int, spacing_km: float, weather: Weather) -> Batch:
    """One block in random order."""
    pools = _pools(rng, spacing_km)
    rows: list[tuple[Any, ...]] = []
    for _ in range(BLOCK // SIDES):
        field = _field(_rupture(rng, weather), spacing_km)
        rows += [_patch(field, pools, rng, pixels, spacing_km, weather) for _ in range(SIDES)]
    order = rng.permutation(len(rows))
    kinds: tuple[Any, ...] = (np.complex64, *[np.float32] * 5)
    columns = zip(*(rows[n] for n in order), strict=True)
    return Batch(*(np.asarray(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def _rupture(rng: np.random.Generator, weather: Weather) -> Rupture:
    """A rupture whose rectangle fits under the ground, at the origin."""
    while True:
        magnitude, depth, dip = rng.uniform(*weather.magnitude), rng.uniform(*weather.depth_km), rng.uniform(10, 90)
        sizes = scaling(magnitude, mechanism="dip-slip" if rng.random() < 0.5 else "strike-slip")
        length, width = (float(size) * 10 ** (0.13 * rng.standard_normal()) for size in sizes[:2])
        if depth - width / 2 * np.sin(np.deg2rad(dip)) >= 0.1:
            break
    return draw_rupture(
        magnitude=magnitude,
        east_km=0.0,
        north_km=0.0,
        depth_km=depth,
        strike=rng.uniform(0, 360),
        dip=dip,
        rake=rng.uniform(-180, 180),
        length_km=length,
        width_km=width,
        rng=rng,
        cell_km=CELL_KM,
        roughness=rng.uniform(0, 0.8),
    )


def _field(rupture: Rupture, spacing_km: float) -> _Field:
    """Its displacement on nodes a third of the top depth apart over the rectangle, wider apart farther off."""
    _, _, depth, strike, dip, length, width = rupture.plane
    down, sine = np.deg2rad(dip), np.deg2rad(strike)
    top = depth - width / 2 * np.sin(down)
    step = float(np.clip(top / 3, spacing_km, 2.0))
    half = length / 2, width / 2 * np.cos(down)
    extents = (
        half[0] * abs(np.sin(sine)) + half[1] * abs(np.cos(sine)),
        half[0] * abs(np.cos(sine)) + half[1] * abs(np.sin(sine)),
    )
    east, north = (_nodes(extent + 1.5 * max(top, 1.0), step) for extent in extents)
    grid = np.meshgrid(east, north)
    moved = np.zeros((grid[0].size, 3))
    for part in np.array_split(rupture.faults, len(rupture.faults) // 8 + 1):
        moved += displacement(grid[0].ravel(), grid[1].ravel(), part, check=False).sum(0).numpy()
    centroid = np.array(rupture.centroid[:2])
    return _Field((east, north), moved.T.reshape(3, north.size, east.size), centroid, rupture.magnitude)


def _nodes(near_km: float, step_km: float) -> Floats:
    """Nodes on a line: evenly within a distance of the middle, from there each step an eighth longer, up to 4 km."""
    reach = REACH_KM + 48.0
    places, step = list(np.arange(0, near_km, step_km)), step_km
    while places[-1] < reach:
        step = min(step * 1.125, 4.0)
        places.append(places[-1] + step)
    half = np.array(places)
    return np.concatenate([-half[:0:-1], half])


def _pools(rng: np.random.Generator, spacing_km: float) -> _Pools:
    """Draw what a block's patches are cut from."""
    shape = (POOL, POOL)
    looks = np.exp(rng.uniform(np.log(20), np.log(400)))
    normal = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)
    return _Pools(
        turbulence(shape, spacing_km=spacing_km, rms=1.0, rng=rng),
        turbulence(shape, spacing_km=spacing_km, rms=1.0, rng=rng, outer_scale_km=RELIEF_KM),
        smooth_field(shape, spacing_km=spacing_km, correlation_km=rng.uniform(1, 5), rng=rng),
        smooth_field(shape, spacing_km=spacing_km, correlation_km=rng.uniform(2, 8), rng=rng),
        np.sqrt(rng.gamma(looks, size=shape) / looks),
        np.sqrt(rng.gamma(max(looks - 1, 1), size=shape) / looks),
        normal / np.sqrt(looks),
    )


def _patch(
    field: _Field, pools: _Pools, rng: np.random.Generator, pixels: int, spacing_km: float, weather: Weather
) -> tuple[Any, ...]:
    """One patch: the fields of `Batch` in their order."""
    heading = float(rng.choice([-13.0, -167.0])) + rng.uniform(-4, 4)
    incidence = rng.uniform(29, 46)
    quiet = rng.random() < weather.quiet
    centre = _centre(rng, pixels * spacing_km / 2)
    offsets = (np.arange(pixels) - (pixels - 1) / 2) * spacing_km
    if quiet:
        true, centroid = np.zeros((pixels, pixels)), np.full(2, np.nan)
    else:
        true, centroid = _los(field, centre, offsets, incidence, heading, rng)
    sky = _sky(pools, rng, pixels, spacing_km, weather) + _ramp(offsets, rng.uniform(0, weather.ramp_m), rng)
    coherence = np.clip(rng.uniform(0.3, 0.92) + 0.15 * _window(pools.land, rng, pixels), 0.05, 0.98)
    valid = _valid(pools, rng, pixels)
    phase = -4 * np.pi / SENTINEL1_WAVELENGTH_M * (true + sky)
    phasor, seen = _speckle(phase + rng.uniform(-np.pi, np.pi), coherence, pools, rng)
    look = np.array(look_vector(incidence, heading)[:2])
    peak = 0.0 if quiet else float(np.abs(true).max(where=valid, initial=0))
    magnitude = np.nan if quiet else field.magnitude
    return phasor[::-1] * valid[::-1], seen[::-1] * valid[::-1], look, centroid, magnitude, peak


def _centre(rng: np.random.Generator, half_km: float) -> Floats:
    """From a rupture to the middle of a patch: mostly so that the patch holds the rupture, sometimes far beyond it."""
    reach = half_km if rng.random() < 0.7 else min(2.3 * half_km, REACH_KM)
    return rng.uniform(-reach, reach, 2)


def _los(
    field: _Field, centre: Floats, offsets: Floats, incidence: float, heading: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """LOS displacement (m) over a patch, and the centroid's offset from its centre.

    The earthquake is turned by quarters and mirrored at random: eight earthquakes of one. The look is the satellite's.
    """
    (east, north), (moved_east, moved_north, up), (x, y) = field.nodes, field.moved, field.centroid
    if rng.random() < 0.5:  # mirrored in the west-east direction
        moved_east, moved_north, up, x = -moved_east[:, ::-1], moved_north[:, ::-1], up[:, ::-1], -x
    if rng.random() < 0.5:
        moved_east, moved_north, up, y = moved_east[::-1], -moved_north[::-1], up[::-1], -y
    if rng.random() < 0.5:  # mirrored in the diagonal: east becomes north
        east, north, x, y = north, east, y, x
        moved_east, moved_north, up = moved_north.T, moved_east.T, up.T
    across = np.cos(np.deg2rad(heading)) * (east - centre[0])[None, :]
    across = across - np.sin(np.deg2rad(heading)) * (north - centre[1])[:, None]
    angle = incidence + INCIDENCE_RATE_DEG_PER_KM * across
    look = look_vector(angle, np.full_like(angle, heading))
    los = moved_east * look[0] + moved_north * look[1] + up * look[2]
    spline = RectBivariateSpline(north, east, los)
    return spline(centre[1] + offsets, centre[0] + offsets), np.array([x, y]) - centre


def _window(pool: Floats, rng: np.random.Generator, pixels: int) -> Any:  # noqa: ANN401  # complex or real, as the pool
    """A random piece of a pool, mirrored at random."""
    row, column = rng.integers(POOL - pixels, size=2)
    turn = 1 if rng.random() < 0.5 else -1
    return pool[row : row + pixels, column : column + pixels][::turn]


def _sky(pools: _Pools, rng: np.random.Generator, pixels: int, spacing_km: float, weather: Weather) -> Floats:
    """Delay over a patch whose rms over 80 km is drawn log-uniformly."""
    rms, share = np.exp(rng.uniform(*np.log(weather.atmosphere_m))), rng.uniform(0, weather.stratified)
    wide = max(pixels, round(80 / spacing_km))
    first = (wide - pixels) // 2
    middle = (slice(first, first + pixels),) * 2
    total = np.zeros((pixels, pixels))
    for pool, part in ((pools.turbulent, 1 - share), (pools.layered, share)):
        piece = _window(pool, rng, wide)
        total += piece[middle] * (np.sqrt(part) * rms / piece.std())
    return total


def _ramp(offsets: Floats, rms: float, rng: np.random.Generator) -> Floats:
    """A plane of random direction with a standard deviation over the patch, m."""
    angle, unit = rng.uniform(0, 2 * np.pi), offsets / offsets.std()
    return np.asarray(rms * (np.cos(angle) * unit[None, :] + np.sin(angle) * unit[:, None]))


def _valid(pools: _Pools, rng: np.random.Generator, pixels: int) -> NDArray[np.bool_]:
    """Where there is data: holes as of water, at times a coast, at times the edge of the scene."""
    cover = _window(pools.cover, rng, pixels)
    valid = np.asarray(cover >= np.quantile(cover, rng.uniform(0, 0.25)))
    kind = rng.random()
    if kind < 0.12:  # a coast
        line, angle = np.linspace(-1, 1, pixels), rng.uniform(0, 2 * np.pi)
        land = np.cos(angle) * line[None, :] + np.sin(angle) * line[:, None] + 0.1 * cover
        valid &= land >= np.quantile(land, rng.uniform(0.05, 0.5))
    elif kind < 0.24:  # the edge of the scene
        rows, columns = (np.sort(rng.integers(0, pixels, 2)) if rng.random() < 0.7 else (0, pixels) for _ in range(2))
        if (rows[1] - rows[0]) * (columns[1] - columns[0]) > 0.2 * pixels**2:
            inside = np.zeros_like(valid)
            inside[rows[0] : rows[1], columns[0] : columns[1]] = True
            valid &= inside
    return valid


def _speckle(phase: Floats, coherence: Floats, pools: _Pools, rng: np.random.Generator) -> tuple[Any, Floats]:
    """Unit phasors and sample coherence of multilooked speckle (see `epi.simulate.scene`), from the pools' draws."""
    pixels = len(phase)
    first, second, cross = (_window(pool, rng, pixels) for pool in (pools.first, pools.second, pools.cross))
    root = np.sqrt(1 - coherence**2)
    mixed = coherence * first + root * cross
    length = np.abs(mixed)
    seen = length / np.sqrt(length**2 + (root * second) ** 2)
    return np.conj(mixed) * np.exp(1j * phase) / np.maximum(length, 1e-12), seen
