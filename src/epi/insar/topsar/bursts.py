"""One burst pair, from its pixels to averages on the radar's grid."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio import DatasetReader

from epi.errors import PairError
from epi.insar.geometry.dem import Dem
from epi.insar.geometry.geocode import RadarGrid
from epi.insar.geometry.zero_doppler import BurstGeometry, burst_arc, burst_geometry
from epi.insar.slc.matching import BurstPair
from epi.insar.slc.safe import open_pixels, read_burst
from epi.insar.topsar.interferogram import ENOUGH, STEPS, Floats, Floats32, Pixels, Window, look_pixels
from epi.insar.topsar.ramp import Ramp, coregister


@dataclass(frozen=True)
class LookedBurst:
    """The averaged interferogram of one burst on the radar's grid.

    Parameters
    ----------
    grid : times and ranges of the cells' centres.
    latitude, longitude : of the geometry's nodes, degrees.
    interferogram, coherence, intensity_reference, intensity_secondary : a value a cell; NaN is no data.
    """

    grid: RadarGrid
    latitude: Floats
    longitude: Floats
    interferogram: Pixels
    coherence: Floats32
    intensity_reference: Floats32
    intensity_secondary: Floats32

    def fields(self) -> dict[str, NDArray[Any]]:
        """The values by name."""
        names = ("interferogram", "coherence", "intensity_reference", "intensity_secondary")
        return {name: getattr(self, name) for name in names}


def pair_geometry(pair: BurstPair, dem: Dem, *, lines: Window, steps: Window = STEPS) -> BurstGeometry:
    """Find where the secondary saw the ground of a burst's lines.

    Parameters
    ----------
    pair : the burst in both images.
    dem : heights of the ground; must hold those lines.
    lines : first and one past the last of the reference's burst.
    steps : lines and samples between the geometry's nodes.
    """
    return burst_geometry(
        pair.reference,
        pair.reference_burst,
        pair.secondary,
        pair.secondary_burst,
        dem,
        line_step=steps[0],
        sample_step=steps[1],
        lines=lines,
    )


def looked_burst(
    pair: BurstPair,
    dem: Dem,
    *,
    looks: Window,
    window: Window,
    lines: Window | None = None,
    azimuth_shift: float = 0.0,
    steps: Window = STEPS,
    pixels: tuple[DatasetReader, DatasetReader] | None = None,
) -> LookedBurst:
    """Make the interferogram of one burst pair.

    Parameters
    ----------
    pair : the burst in both images.
    dem : heights of the ground; must hold the burst.
    looks : lines and samples averaged.
    window : lines and samples over which coherence is estimated.
    lines : first and one past the last line of the reference's burst; default all.
    azimuth_shift : lines added to the secondary's positions.
    steps : lines and samples between the geometry's nodes.
    pixels : measurements of the reference and of the secondary held open, for several bursts of a zip.
    """
    image, other = pair.reference, pair.secondary
    first, stop = lines or (0, image.lines_per_burst)
    shape = (stop - first, image.samples_per_burst)
    with ExitStack() as stack:
        held = pixels or (stack.enter_context(open_pixels(image)), stack.enter_context(open_pixels(other)))
        reader = stack.enter_context(ThreadPoolExecutor(1))  # files are read while the cores compute
        later = reader.submit(read_burst, other, pair.secondary_burst.number, dataset=held[1])
        geometry = pair_geometry(pair, dem, lines=(first, stop), steps=steps)
        _check_overlap(pair, geometry)
        secondary = later.result()
        earlier = reader.submit(
            read_burst, image, pair.reference_burst.number, lines=slice(first, stop), dataset=held[0]
        )
        ramp = Ramp.of(other, pair.secondary_burst)
        moved = coregister(secondary, ramp, geometry, shape=shape, azimuth_shift=azimuth_shift)
        del secondary, later
        reference = earlier.result()
    sums, alike = look_pixels(reference, moved, geometry, image.wavelength, looks=looks, window=window)
    enough = sums.count >= ENOUGH * looks[0] * looks[1]
    share = np.where(enough, 1 / np.maximum(sums.count, 1), np.nan).astype(np.float32)
    return LookedBurst(
        looked_grid(pair, looks=looks, lines=(first, stop)),
        geometry.latitude,
        geometry.longitude,
        sums.interferogram * share,
        np.where(enough, alike, np.float32(np.nan)),
        sums.power_reference * share,
        sums.power_secondary * share,
    )


def _check_overlap(pair: BurstPair, geometry: BurstGeometry) -> None:
    """Raise where two bursts of one number do not show the same ground: an annotation is wrong."""
    apart = float(np.nanmedian(np.abs(geometry.secondary_line - geometry.lines[:, None])))
    if apart > pair.reference.lines_per_burst / 4:
        raise PairError(
            f"Burst {pair.reference_burst.burst_id} of {pair.reference.product} and of {pair.secondary.product} lie "
            f"{apart:.0f} lines apart on the ground, though they have one number: an annotation or an orbit is wrong."
        )


def looked_grid(pair: BurstPair, *, looks: Window, lines: Window | None = None) -> RadarGrid:
    """Return the grid of the centres of a burst's cells.

    Parameters
    ----------
    pair : the burst in both images; the grid is the reference's.
    looks : lines and samples averaged.
    lines : first and one past the last line; default all.
    """
    first, stop = lines or (0, pair.reference.lines_per_burst)
    image, arc = pair.reference, burst_arc(pair.reference, pair.reference_burst)
    start = float(arc.seconds(pair.reference_burst.azimuth_time)) + first * image.azimuth_time_interval
    return RadarGrid(
        arc,
        start + (looks[0] - 1) / 2 * image.azimuth_time_interval,
        looks[0] * image.azimuth_time_interval,
        image.near_range + (looks[1] - 1) / 2 * image.range_spacing,
        looks[1] * image.range_spacing,
        ((stop - first) // looks[0], image.samples_per_burst // looks[1]),
    )
