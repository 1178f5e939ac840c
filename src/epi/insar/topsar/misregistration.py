"""How far the secondary's lines lie from where its orbit puts them, from the overlaps of its bursts."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from epi.insar.geometry.dem import Dem
from epi.insar.slc.annotation import Image
from epi.insar.slc.matching import BurstPair
from epi.insar.slc.safe import read_burst
from epi.insar.topsar.bursts import pair_geometry
from epi.insar.topsar.deburst import overlap_lines
from epi.insar.topsar.diversity import AzimuthShift, Overlap, enhanced_spectral_diversity
from epi.insar.topsar.interferogram import coherence, form
from epi.insar.topsar.ramp import Ramp, coregister

WINDOW = (8, 32)  # lines and samples over which coherence is estimated
REACH = 20  # lines of the secondary read beyond those that are looked for: the kernel needs its neighbours

Pixels = NDArray[np.complex64]


def azimuth_shift(pairs: Sequence[BurstPair], dem: Dem) -> AzimuthShift:
    """Estimate the azimuth misregistration of a subswath by enhanced spectral diversity.

    Parameters
    ----------
    pairs : consecutive bursts of one subswath, in order of time, at least two.
    dem : heights of the ground; must hold the bursts.

    Returns
    -------
    Lines to add to the secondary's positions. An earthquake's own motion along the flight biases it: see
    :func:`epi.insar.topsar.diversity.enhanced_spectral_diversity`.

    Raises
    ------
    ParameterError : fewer than two bursts, bursts that do not overlap, or overlaps without coherent pixels.
    """
    overlaps = [_overlap(earlier, later, dem) for earlier, later in pairwise(pairs)]
    return enhanced_spectral_diversity(overlaps, interval=pairs[0].reference.azimuth_time_interval)


def _overlap(earlier: BurstPair, later: BurstPair, dem: Dem) -> Overlap:
    """Make both interferograms of the ground that two consecutive bursts share."""
    image = earlier.reference
    before, after = overlap_lines(image, earlier.reference_burst, later.reference_burst)
    first, alike = _lines(earlier, before, dem)
    second, also = _lines(later, after, dem)
    doppler = [
        Ramp.of(image, pair.reference_burst).doppler((part.start + part.stop - 1) / 2)[0]
        for pair, part in ((earlier, before), (later, after))
    ]
    return Overlap(first, second, doppler[0] - doppler[1], np.minimum(alike, also))


def _lines(pair: BurstPair, lines: slice, dem: Dem) -> tuple[Pixels, NDArray[np.float32]]:
    """Make the interferogram of some lines of a burst, and its coherence."""
    image, other = pair.reference, pair.secondary
    geometry = pair_geometry(pair, dem, lines=(lines.start, lines.stop))
    first, stop = _reach(geometry.secondary_line, other)
    pixels = read_burst(other, pair.secondary_burst.number, lines=slice(first, stop))
    ramp = Ramp.of(other, pair.secondary_burst).crop(first, 0, (stop - first, pixels.shape[1]))
    moved = coregister(
        pixels,
        ramp,
        replace(geometry, secondary_line=geometry.secondary_line - first),
        shape=(lines.stop - lines.start, image.samples_per_burst),
    )
    reference = read_burst(image, pair.reference_burst.number, lines=lines)
    waves = form(reference, moved, geometry, image.wavelength)
    return waves, coherence(reference, moved, waves, window=WINDOW)


def _reach(lines: NDArray[np.float64], image: Image) -> tuple[int, int]:
    """Return first and one past the last line of the secondary that are needed."""
    first = max(int(np.floor(np.nanmin(lines))) - REACH, 0)
    return first, min(int(np.ceil(np.nanmax(lines))) + REACH + 1, image.lines_per_burst)
