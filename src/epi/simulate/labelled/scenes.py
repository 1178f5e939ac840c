"""Labelled interferograms without end: is there an earthquake, and which ground did it move?

Many scenes are made at once, as float32 tensors on one device, and none is ever written to disk.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import ParameterError
from epi.insar.product import look_vector
from epi.simulate.labelled import sky, sources
from epi.simulate.labelled.mixture import KINDS, LEAST_M, PEAK_SHARE, Mixture

SIZE_KM = 51.2
"""Side of a scene on the ground."""
BLOCK = 64
"""Scenes that are made at once; block number n depends on mixture, seed, size and n alone."""
CANDIDATES = 3
"""Places among which a scene's own is chosen: the first from which the earthquake is seen at all."""
COARSE = 32  # pixels a side of the look at a candidate

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scenes:
    """Interferograms with what is true of them; the first axis counts scenes, row 0 lies in the north.

    Attributes
    ----------
    phase : (n, pixels, pixels) float32, radians: reference x conj(secondary); wrapped unless ``unwrapped``; 0 without
        data.
    coherence : (n, pixels, pixels) float32, of the samples; 0 without data.
    valid : (n, pixels, pixels) bool, where there is data.
    unwrapped : (n,) bool.
    mask : (n, pixels, pixels) bool, ground with data that an earthquake moved by `LEAST_M` and by `PEAK_SHARE` of the
        largest displacement in the scene, or more; empty where that lies under ground without data and nothing else
        reaches its share.
    displacement : (n, pixels, pixels) float32, of the earthquake alone, metres along the line of sight, toward
        positive.
    kind : (n,) int, numbers of `KINDS`.
    magnitude, depth_km : (n,) float32, NaN without an earthquake.
    peak_m : (n,) float32, largest |LOS| of the earthquake where there is data; 0 without one.
    atmosphere_m : (n,) float32, rms of the air's delay.
    spacing_km : side of a pixel.
    wavelength_m : of the radar.
    """

    phase: Tensor
    coherence: Tensor
    valid: Tensor
    unwrapped: Tensor
    mask: Tensor
    displacement: Tensor
    kind: Tensor
    magnitude: Tensor
    depth_km: Tensor
    peak_m: Tensor
    atmosphere_m: Tensor
    spacing_km: float
    wavelength_m: float

    def __len__(self) -> int:
        """Number of scenes."""
        return len(self.kind)

    @property
    def present(self) -> Tensor:
        """(n,) bool: an earthquake moved ground of the scene by `LEAST_M` or more."""
        return (self.kind == 0) & (self.peak_m >= LEAST_M)

    def take(self, chosen: Any) -> "Scenes":  # noqa: ANN401  # whatever a tensor may be indexed with
        """Return some of the scenes."""
        whole = {each.name: getattr(self, each.name) for each in fields(self)}
        part: dict[str, Any] = {
            name: value[chosen] if isinstance(value, Tensor) else value for name, value in whole.items()
        }
        return Scenes(**part)


def labelled_scenes(
    mixture: Mixture, seed: int, *, first: int = 0, pixels: int = 224, device: str | torch.device = "cpu"
) -> Iterator[Scenes]:
    """Make labelled interferograms of 51.2 km without end, `BLOCK` at a time.

    Parameters
    ----------
    mixture : what they hold.
    seed : of all that is random. Sources, places and kinds are the same on every device; the noise is not.
    first : number of the first block.
    pixels : of a side.
    device : where they are made and stay.

    Raises
    ------
    ParameterError : fewer than 16 pixels a side.
    """
    if pixels < 16:
        raise ParameterError(f"Scenes of {pixels} pixels a side: give 16 or more.")
    number = first
    while True:
        yield _block(mixture, [seed, number, mixture.stream], pixels, device)
        number += 1


def _block(mixture: Mixture, seed: list[int], pixels: int, device: str | torch.device) -> Scenes:
    """One block."""
    rng = np.random.default_rng(seed)
    noise = torch.Generator(device).manual_seed(int(rng.integers(2**62)))
    spacing = SIZE_KM / pixels
    offsets = ((torch.arange(pixels, dtype=torch.float32) - (pixels - 1) / 2) * spacing).to(device)
    kind = mixture.kinds(BLOCK, rng)
    look = _looks(rng, BLOCK)
    shaken, magnitude, depth = _earthquakes(mixture, rng, kind, look, offsets)
    ground = shaken + _other_motion(mixture, rng, kind, look, offsets)
    trick = np.where(kind == 0, rng.choice(_TRICKS, BLOCK), kind)  # earthquakes have the same trouble as other scenes
    delay, rms = _delay(mixture, rng, trick, offsets, spacing, noise)
    coherence, valid = _land(mixture, rng, trick, pixels, spacing, noise)
    to_phase = -4 * np.pi / mixture.wavelength_m
    moved = to_phase * ground
    coherence = coherence * sky.within_a_pixel(moved)
    looks = _log_uniform(rng, mixture.looks, BLOCK)
    error, seen = sky.speckle(coherence, torch.tensor(looks, dtype=torch.float32, device=device), noise)
    constant = torch.tensor(rng.uniform(-np.pi, np.pi, BLOCK), dtype=torch.float32, device=device)[:, None, None]
    clean = moved + to_phase * delay + constant
    phase = clean + error
    if mixture.filtered:
        chosen = torch.from_numpy(np.flatnonzero(rng.random(BLOCK) < mixture.filtered)).to(device)
        width = torch.tensor(rng.uniform(*mixture.filter_km, len(chosen)), dtype=torch.float32, device=device)
        smoothed = sky.filtered(phase[chosen], valid[chosen], width / spacing)
        phase[chosen] = clean[chosen] + _wrapped(smoothed - clean[chosen])
    unwrapped = (rng.random(BLOCK) < mixture.unwrapped) | (trick == _UNWRAPPING)
    phase = phase + _unwrapping_errors(rng, trick, pixels, spacing, noise)
    open_ground = torch.tensor(rng.uniform(0, 0.3, BLOCK) * unwrapped, dtype=torch.float32, device=device)
    valid &= seen >= open_ground[:, None, None]  # unwrappers leave out what they cannot trust
    is_unwrapped = torch.from_numpy(unwrapped).to(device)
    phase = torch.where(is_unwrapped[:, None, None], phase, _wrapped(phase)) * valid
    size = shaken.abs() * valid
    peak = size.amax((1, 2))
    mask = size >= (PEAK_SHARE * shaken.abs().amax((1, 2))).clamp_min(LEAST_M)[:, None, None]
    images = (phase, seen * valid, valid, mask, shaken)
    phase, seen, valid, mask, shaken = (each.flip(1).contiguous() for each in images)
    strong, deep, air = (torch.tensor(each, dtype=torch.float32, device=device) for each in (magnitude, depth, rms))
    kinds = torch.from_numpy(kind).to(device)
    return Scenes(
        phase, seen, valid, is_unwrapped, mask, shaken, kinds, strong, deep, peak, air, spacing, mixture.wavelength_m
    )


_LAYERED, _RAMP, _LOST, _SUBSIDENCE, _VOLCANO, _UNWRAPPING = (
    KINDS.index(name) for name in ("layered air", "ramp", "lost ground", "subsidence", "volcano", "unwrapping error")
)
_TRICKS = np.array([1, 1, 1, _LAYERED, _RAMP, _LOST, _UNWRAPPING])


def _wrapped(phase: Tensor) -> Tensor:
    return torch.remainder(phase + np.pi, 2 * np.pi) - np.pi


def _log_uniform(rng: np.random.Generator, limits: tuple[float, float], count: int) -> Floats:
    low, high = np.log(limits)
    return np.exp(rng.uniform(low, high, count))


def _looks(rng: np.random.Generator, count: int) -> Floats:
    """Unit vectors to Sentinel-1's satellites, (count, 3)."""
    heading = rng.choice([-13.0, -167.0], count) + rng.uniform(-4, 4, count)
    return np.stack(look_vector(rng.uniform(29, 46, count), heading), axis=1)


def _earthquakes(
    mixture: Mixture, rng: np.random.Generator, kind: NDArray[np.intp], look: Floats, offsets: Tensor
) -> tuple[Tensor, Floats, Floats]:
    """LOS displacement of the scenes' earthquakes (0 where there is none), magnitudes and depths."""
    count, device = len(kind), offsets.device
    total = torch.zeros(count, len(offsets), len(offsets), device=device)
    magnitude, depth = np.full((2, count), np.nan)
    rows = np.flatnonzero(kind == 0)
    if not rows.size:
        return total, magnitude, depth
    reach = mixture.reach * SIZE_KM
    fields_ = sources.rupture_fields(
        rng,
        -(-rows.size // mixture.sides),
        magnitude=mixture.magnitude,
        depth_km=mixture.depth_km,
        roughness=mixture.roughness,
        segments=mixture.segments,
        reach_km=1.5 * (reach + SIZE_KM / 2),
        least_m=2 * LEAST_M,
        device=device,
    )
    chosen = np.arange(rows.size) // mixture.sides
    strike = rng.uniform(0, 360, (CANDIDATES, rows.size))
    centre = rng.uniform(-reach, reach, (CANDIDATES, rows.size, 2))
    centre[-1] *= 0.3  # the last one is near: an earthquake of a scene is seen there
    coarse = torch.linspace(float(offsets[0]), float(offsets[-1]), COARSE, device=device)
    best = np.full(rows.size, CANDIDATES - 1)
    for candidate in reversed(range(CANDIDATES - 1)):
        seen = sources.los_fields(fields_, chosen, strike[candidate], centre[candidate], look[rows], coarse)
        best[seen.abs().amax((1, 2)).cpu().numpy() >= 1.5 * LEAST_M] = candidate
    each = np.arange(rows.size)
    los = sources.los_fields(fields_, chosen, strike[best, each], centre[best, each], look[rows], offsets)
    total[torch.from_numpy(rows).to(device)] = los
    magnitude[rows], depth[rows] = fields_.magnitude[chosen], fields_.depth_km[chosen]
    return total, magnitude, depth


def _other_motion(
    mixture: Mixture, rng: np.random.Generator, kind: NDArray[np.intp], look: Floats, offsets: Tensor
) -> Tensor:
    """LOS displacement of volcanoes and sinking ground."""
    device = offsets.device
    total = torch.zeros(len(kind), len(offsets), len(offsets), device=device)
    rows = np.flatnonzero(kind == _SUBSIDENCE)
    sunk = sources.bowls(rng, rows.size, look[rows], offsets, largest_m3=mixture.sunk_m3)
    total[torch.from_numpy(rows).to(device)] = sunk
    rows = np.flatnonzero(kind == _VOLCANO)
    if not rows.size:
        return total
    half = SIZE_KM / 2
    centre = rng.uniform(-half, half, (rows.size, 2))
    magma = sources.opening_fields(rng, rows.size, reach_km=3 * half, device=device)
    strike = rng.uniform(0, 360, rows.size)
    opened = sources.los_fields(magma, np.arange(rows.size), strike, centre, look[rows], offsets)
    deep = np.exp(rng.uniform(np.log(1.0), np.log(10.0), rows.size))
    swollen = sources.inflation(deep, centre, look[rows], offsets)
    round_one = torch.from_numpy(rng.random(rows.size) < 0.5).to(device)
    shape = torch.where(round_one[:, None, None], swollen, opened)
    size = np.exp(rng.uniform(np.log(0.02), np.log(0.4), rows.size)) * rng.choice([-1, 1], rows.size, p=[0.25, 0.75])
    largest = shape.abs().amax((1, 2), keepdim=True).clamp_min(1e-9)
    scaled = shape / largest * torch.tensor(size, dtype=torch.float32, device=device)[:, None, None]
    total[torch.from_numpy(rows).to(device)] = scaled
    return total


def _delay(
    mixture: Mixture,
    rng: np.random.Generator,
    trick: NDArray[np.intp],
    offsets: Tensor,
    spacing: float,
    noise: torch.Generator,
) -> tuple[Tensor, Floats]:
    """Delay of air and ramp (m), and the rms of the air alone."""
    count, pixels = len(trick), len(offsets)
    rms = _log_uniform(rng, mixture.atmosphere_m, count)
    share = np.where(trick == _LAYERED, rng.uniform(0.6, 1.0, count), rng.uniform(0, mixture.stratified, count))
    steep = np.where(trick == _RAMP, rng.uniform(0.03, 0.1, count), rng.uniform(0, mixture.ramp_m, count))
    wild = sky.air(count, pixels, spacing, outer_km=mixture.outer_km, slope=mixture.slope, noise=noise)
    layered = sky.relief(count, pixels, spacing, noise=noise)
    sign = np.where(rng.random(count) < mixture.falling, -1, 1) if mixture.falling else 1
    parts = (
        torch.tensor(each, dtype=torch.float32, device=offsets.device)[:, None, None]
        for each in (rms * np.sqrt(1 - share), sign * rms * np.sqrt(share))
    )
    total = sum(part * field for part, field in zip(parts, (wild, layered), strict=True))
    return total + sky.ramps(steep, rng.uniform(0, 2 * np.pi, count), offsets), rms


def _land(
    mixture: Mixture,
    rng: np.random.Generator,
    trick: NDArray[np.intp],
    pixels: int,
    spacing: float,
    noise: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Coherence of the ground, and where there is data."""
    count, device = len(trick), noise.device
    grown = sky.smooth(count, pixels, spacing, over_km=mixture.land_km, noise=noise)
    cover = sky.smooth(count, pixels, spacing, over_km=2 * mixture.land_km, noise=noise)
    usual = torch.tensor(rng.uniform(*mixture.coherence, count), dtype=torch.float32, device=device)[:, None, None]
    coherence = usual + mixture.land * grown
    lost = trick == _LOST
    dead = np.where(lost, rng.uniform(0.3, 0.9, count), 1e-6)
    level = torch.special.ndtri(torch.tensor(dead, dtype=torch.float32, device=device))[:, None, None]
    wide = sky.smooth(count, pixels, spacing, over_km=4 * mixture.land_km, noise=noise)
    coherence = torch.where(wide < level, 0.05, coherence).clamp(0.05, 0.98)
    bare = np.where(lost, rng.uniform(0.2, 0.6, count), rng.uniform(0, mixture.no_data, count))
    return coherence, sky.holes(cover, bare, rng, least_side=mixture.least_side)


def _unwrapping_errors(
    rng: np.random.Generator, trick: NDArray[np.intp], pixels: int, spacing: float, noise: torch.Generator
) -> Tensor:
    """Whole turns by which pieces of some scenes are off (rad)."""
    off = trick == _UNWRAPPING
    field = sky.smooth(len(trick), pixels, spacing, over_km=10.0, noise=noise, only=np.flatnonzero(off))
    level = torch.tensor(rng.uniform(0.8, 1.6, len(trick)), dtype=torch.float32, device=noise.device)
    turns = torch.tensor(rng.choice([-2, -1, 1, 2], len(trick)) * off, dtype=torch.float32, device=noise.device)
    below = torch.tensor(rng.choice([-1, 0, 1], len(trick)) * off, dtype=torch.float32, device=noise.device)
    high, low = field > level[:, None, None], field < -level[:, None, None]
    return 2 * np.pi * (turns[:, None, None] * high + below[:, None, None] * low)
