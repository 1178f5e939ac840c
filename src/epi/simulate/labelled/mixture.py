"""What the labelled interferograms hold, and how often: the mixtures to learn from and to be tested on.

The tests were written down before any network was trained on `TRAINING`, and stay as they are.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.simulate.atmosphere import OUTER_SCALE_KM

LBAND_WAVELENGTH_M = 0.2384
"""Of NISAR's L-band radar."""

KINDS = ("earthquake", "air", "layered air", "ramp", "lost ground", "subsidence", "volcano", "unwrapping error")
"""What a scene holds. All but the first are scenes without an earthquake, each with one thing that may pass for one."""
QUIET = KINDS[1:]
AIR = ("air", "layered air")
"""Of these, nothing but air."""
LEAST_M = 0.005
"""An earthquake counts as present where it moves ground of the scene by this much along the line of sight or more."""
PEAK_SHARE = 0.1
"""A pixel is in the mask where its displacement reaches this share of the scene's largest one, and `LEAST_M`."""


@dataclass(frozen=True)
class Mixture:
    """From where to where scenes are drawn.

    Attributes
    ----------
    name : under which scores are kept.
    stream : makes the random numbers of each mixture its own.
    magnitude, depth_km : of earthquakes (depth of the rectangle's centre), uniform.
    reach : the centre lies within so many sides of the scene's own, east and north, uniform; 0.5 is the edge.
    roughness : standard deviation of the logarithm of slip between cells, uniform.
    segments : largest number of rectangles that break in one earthquake.
    atmosphere_m : rms of the delay over the scene, log-uniform.
    slope : what is added to the exponents of the delay's power spectrum.
    outer_km : wavelength beyond which the delay does not grow.
    stratified : largest share of the delay's variance that follows the terrain, uniform from 0.
    ramp_m : largest rms of the ramp, uniform from 0.
    coherence : of the scene, uniform; single pixels scatter about it by ``land``.
    land, land_km : how much coherence changes from place to place, and over what distance.
    looks : independent samples a pixel, log-uniform.
    no_data : largest share of the scene that lakes take, uniform from 0.
    least_side : of the part of some scenes that the image covers, as a share of the scene's side.
    earthquakes : share of scenes with one; the others are divided evenly among ``quiet``.
    unwrapped : share of scenes whose phase is unwrapped.
    wavelength_m : of the radar.
    sides : scenes that see one rupture, each from another place, turned another way.
    quiet : kinds of scenes without an earthquake.
    falling : share of scenes whose layered delay falls with height; in the others it grows.
    filtered : share of scenes whose interferogram was filtered before anything else was done with it: each phasor, of
        length 1, becomes the mean of those about it; the coherence stays. Unwrapping it makes no errors of its own.
    filter_km : standard deviation of the filter's Gaussian, uniform.
    sunk_m3 : volume of a bowl of sinking ground at most; larger ones are made shallower. The default is beyond all.
    """

    name: str
    stream: int
    magnitude: tuple[float, float] = (5.0, 7.0)
    depth_km: tuple[float, float] = (2.0, 15.0)
    reach: float = 0.6
    roughness: tuple[float, float] = (0.0, 0.8)
    segments: int = 1
    atmosphere_m: tuple[float, float] = (0.003, 0.03)
    slope: float = 0.0
    outer_km: float = OUTER_SCALE_KM
    stratified: float = 0.6
    ramp_m: float = 0.03
    coherence: tuple[float, float] = (0.2, 0.9)
    land: float = 0.15
    land_km: float = 2.5
    looks: tuple[float, float] = (10.0, 200.0)
    no_data: float = 0.3
    least_side: float = 0.33
    earthquakes: float = 0.5
    unwrapped: float = 0.5
    wavelength_m: float = SENTINEL1_WAVELENGTH_M
    sides: int = 1
    quiet: tuple[str, ...] = QUIET
    falling: float = 0.0
    filtered: float = 0.0
    filter_km: tuple[float, float] = (0.2, 1.2)
    sunk_m3: float = 1e9

    def __post_init__(self) -> None:
        if not self.quiet or not set(self.quiet) <= set(QUIET):
            raise ParameterError(f"quiet {self.quiet}: give some of {', '.join(QUIET)}.")
        for name in ("earthquakes", "unwrapped", "stratified", "falling", "filtered", "no_data", "least_side"):
            if not 0 <= getattr(self, name) <= 1:
                raise ParameterError(f"{name} {getattr(self, name):g}: give a share from 0 to 1.")
        for name in ("magnitude", "depth_km", "roughness", "atmosphere_m", "coherence", "looks", "filter_km"):
            low, high = getattr(self, name)
            if not low <= high or low < 0:
                raise ParameterError(f"{name} from {low:g} to {high:g}: give two positive numbers, the smaller first.")
        least = {"atmosphere_m": 1e-9, "looks": 2.0, "filter_km": 1e-3}
        for name, value in least.items():
            if getattr(self, name)[0] < value:
                raise ParameterError(f"{name} from {getattr(self, name)[0]:g}: give {value:g} or more.")
        if self.coherence[1] > 1:
            raise ParameterError(f"coherence up to {self.coherence[1]:g}: it is 1 at most.")
        for name in ("wavelength_m", "sides", "segments", "outer_km", "land_km", "least_side", "sunk_m3"):
            if not getattr(self, name) > 0:
                raise ParameterError(f"{name} {getattr(self, name):g}: give more than 0.")
        for name in ("reach", "ramp_m", "land"):
            if not getattr(self, name) >= 0:
                raise ParameterError(f"{name} {getattr(self, name):g}: give 0 or more.")

    def kinds(self, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """Numbers of `KINDS` for some scenes, in random order; shares are kept as nearly as whole scenes allow."""
        quakes = round(count * self.earthquakes)
        numbers = np.array([KINDS.index(each) for each in self.quiet])
        others = numbers[(np.arange(count - quakes) + rng.integers(len(numbers))) % len(numbers)]
        return np.asarray(rng.permutation(np.concatenate([np.zeros(quakes, dtype=int), others])))


TRAINING = Mixture(
    "training",
    20,
    magnitude=(4.8, 7.1),
    depth_km=(1.5, 17.0),
    reach=0.65,
    atmosphere_m=(0.0015, 0.035),
    stratified=0.7,
    falling=0.5,
    ramp_m=0.04,
    coherence=(0.15, 0.99),
    looks=(10.0, 1000.0),
    no_data=0.4,
    least_side=0.18,
    sides=8,
)
"""What networks learn from: the frozen test lies within, and has layered air of one sign only."""
PLAIN = replace(
    TRAINING,
    name="plain",
    stream=24,
    magnitude=(5.5, 7.0),
    atmosphere_m=(0.001, 0.012),
    ramp_m=0.02,
    coherence=(0.45, 0.95),
    no_data=0.2,
)
"""Stronger earthquakes under fairer skies: what networks learn from first."""
FILTERED = replace(TRAINING, name="filtered", stream=25, filtered=0.5, sunk_m3=2e6)
"""`TRAINING`, half of it filtered, and no bowl of sinking ground larger than mines leave in 24 days: what U-Nets learn
from last.

In that time a longwall that takes 20,000 t of coal a day leaves room for 0.4 million m³, and 100 km² of a city that
sinks by 30 cm a year lose 2 million. The bowls of the tests hold up to 30 million, and 65 % of the scenes with any have
one of more than 2: there this mixture does not cover them. Wells under whole basins, and pairs of months, exceed it.
"""
FROZEN = Mixture("frozen", 21)
"""The test: depth 2 to 15 km, all mechanisms, 0.3 to 3 cm of air, coherence 0.2 to 0.9, every kind of quiet scene."""
SHIFTED = Mixture(
    "shifted",
    22,
    magnitude=(5.2, 7.2),
    depth_km=(1.5, 20.0),
    roughness=(0.8, 1.2),
    segments=2,
    atmosphere_m=(0.003, 0.04),
    slope=0.4,
    outer_km=30.0,
    ramp_m=0.05,
    coherence=(0.15, 0.8),
    land=0.25,
    land_km=1.2,
    looks=(4.0, 10.0),
)
"""A test of another nature: ruptures of two rough segments, rougher and shorter air, few looks, patchy ground."""
LBAND = replace(FROZEN, name="L band", stream=23, wavelength_m=LBAND_WAVELENGTH_M)
"""The test as NISAR would see it; the ionosphere, which matters more to that radar, is left out."""


def only_air(mixture: Mixture) -> Mixture:
    """The same skies and ground, and nothing else in them."""
    return replace(mixture, name=f"{mixture.name}, only air", earthquakes=0.0, quiet=AIR)


MIXTURES = {each.name: each for each in (PLAIN, TRAINING, FILTERED, FROZEN, SHIFTED, LBAND)}
