"""From two coregistered bursts to fringes: the product, its coherence, and averages over pixels.

No data is 0 in complex pixels, as in the products themselves, and NaN in everything averaged from them.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from epi.errors import ParameterError
from epi.insar.compiled import njit
from epi.insar.filters import block_sums
from epi.insar.geometry.zero_doppler import BurstGeometry
from epi.insar.slc.annotation import Image
from epi.insar.topsar.resample import PIECE, VECTOR, check_nodes, turn

Pixels = NDArray[np.complex64]
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Window = tuple[int, int]

STEPS = (4, 16)  # lines and samples between nodes of the geometry: about 56 x 64 m on the ground
BLOCK_LINES = 64  # lines of an interferogram held at a time where only its averages are kept
ENOUGH = 0.5  # share of a cell that must hold data


def form(
    reference: Pixels,
    secondary: Pixels,
    geometry: BurstGeometry,
    wavelength: float,
    *,
    first_line: int = 0,
    out: Pixels | None = None,
) -> Pixels:
    """Interferogram of two coregistered bursts, without the phase of the flat earth and of the terrain.

    The reference times the conjugate of the secondary has the phase 4π/λ (R_secondary − R_reference); what the geometry
    knows of that difference is taken off, and motion away from the satellite is left as positive phase.

    Parameters
    ----------
    reference : complex64 pixels of the reference burst, from the geometry's first node on.
    secondary : the secondary on the same grid, from :func:`epi.insar.topsar.ramp.coregister`.
    geometry : of the pair.
    wavelength : m.
    first_line : where ``reference`` and ``secondary`` begin, if they are only some lines of the burst.
    out : array to write to, and to return; may be ``secondary``.

    Returns
    -------
    complex64 of full resolution; 0 where either has no data, or the geometry no place.
    """
    if reference.shape != secondary.shape or reference.ndim != 2:
        raise ParameterError(f"Reference of shape {reference.shape} and secondary of {secondary.shape}: coregister it.")
    lines, samples = geometry.lines - geometry.lines[0], geometry.samples - geometry.samples[0]
    check_nodes(lines, samples, (first_line + reference.shape[0], reference.shape[1]))
    made = np.empty(reference.shape, dtype=np.complex64) if out is None else out
    _form(
        np.ascontiguousarray(reference, dtype=np.complex64).view(np.float32),
        np.ascontiguousarray(secondary, dtype=np.complex64).view(np.float32),
        np.ascontiguousarray(lines),
        np.ascontiguousarray(samples),
        np.ascontiguousarray(geometry.range_difference) * (-2 / wavelength),
        first_line,
        made.view(np.float32),
    )
    return made


@njit(parallel=True)
def _form(
    reference: Floats32,
    secondary: Floats32,
    lines: NDArray[np.int64],
    samples: NDArray[np.int64],
    cycles: Floats,
    first_line: int,
    out: Floats32,
) -> None:
    """Do the work of ``form``: multiply line by line, and turn by the cycles given at the nodes."""
    width = reference.shape[1] // 2
    for i in numba.prange(reference.shape[0]):
        piece = np.empty(2 * (PIECE + VECTOR), dtype=np.float32)
        below = 0
        while below < lines.size - 2 and lines[below + 1] <= first_line + i:
            below += 1
        share = (first_line + i - lines[below]) / (lines[below + 1] - lines[below])
        for k in range(samples.size - 1):
            last = width if k == samples.size - 2 else min(samples[k + 1], width)
            left = (1 - share) * cycles[below, k] + share * cycles[below + 1, k]
            right = (1 - share) * cycles[below, k + 1] + share * cycles[below + 1, k + 1]
            slope = (right - left) / (samples[k + 1] - samples[k])
            for start in range(samples[k], last, PIECE):
                count = min(PIECE, last - start)
                if np.isnan(slope):
                    out[i, 2 * start : 2 * (start + count)] = 0
                    continue
                r, s = reference[i, 2 * start : 2 * (start + count)], secondary[i, 2 * start : 2 * (start + count)]
                for j in range(count):
                    piece[2 * j] = r[2 * j] * s[2 * j] + r[2 * j + 1] * s[2 * j + 1]
                    piece[2 * j + 1] = r[2 * j + 1] * s[2 * j] - r[2 * j] * s[2 * j + 1]
                first = left + slope * (start - samples[k])
                turn(piece, 0, count, first, first + slope * count)
                out[i, 2 * start : 2 * (start + count)] = piece[: 2 * count]


@dataclass(frozen=True)
class Sums:
    """Sums over windows of pixels: of the interferogram, of both powers, and how many pixels hold data."""

    interferogram: Pixels
    power_reference: Floats32
    power_secondary: Floats32
    count: Floats32

    def coherence(self) -> Floats32:
        """Magnitude of the interferogram over the root of both powers, at most 1; NaN without data."""
        power = np.sqrt(self.power_reference) * np.sqrt(self.power_secondary)
        known = power > 0
        values = np.full(power.shape, np.nan, dtype=np.float32)
        values[known] = np.minimum(np.abs(self.interferogram[known]) / power[known], 1)
        return values


def window_sums(
    reference: Pixels,
    secondary: Pixels,
    interferogram: Pixels,
    *,
    window: Window,
    looks: Window = (1, 1),
    lines: Window | None = None,
) -> Sums:
    """Sum an interferogram and its powers over windows centred on cells of pixels.

    Parameters
    ----------
    reference, secondary, interferogram : of one shape; pixels where any is 0 are left out.
    window : lines and samples summed; cut where it reaches beyond the image.
    looks : lines and samples of a cell; incomplete cells at the end are dropped.
    lines : first and one past the last line whose cells are wanted; the others still serve windows.

    Returns
    -------
    One value a cell.
    """
    if min(*window, *looks) < 1 or not reference.shape == secondary.shape == interferogram.shape:
        raise ParameterError(
            f"Windows of {window} around cells of {looks} pixels, images of shapes {reference.shape}, "
            f"{secondary.shape}, {interferogram.shape}: give whole pixels, at least 1, and images of one shape."
        )
    first, stop = lines or (0, reference.shape[0])
    shape = ((stop - first) // looks[0], reference.shape[1] // looks[1])
    totals = np.empty((5, *shape), dtype=np.float32)
    _window_sums(reference, secondary, interferogram, window, looks, first, totals)
    return Sums(totals[0] + np.complex64(1j) * totals[1], totals[2], totals[3], totals[4])


@njit(parallel=True)
def _window_sums(
    reference: Pixels,
    secondary: Pixels,
    interferogram: Pixels,
    window: Window,
    looks: Window,
    first: int,
    out: Floats32,
) -> None:
    """Do the work of ``window_sums``: columns of the window first, then along the line from running sums."""
    height, width = reference.shape
    for row in numba.prange(out.shape[1]):
        top = math.floor(first + (row + 0.5) * looks[0] - window[0] / 2)
        columns = np.zeros((5, width), dtype=np.float32)
        for i in range(max(top, 0), min(top + window[0], height)):
            for j in range(width):
                z, r, s = interferogram[i, j], reference[i, j], secondary[i, j]
                first_power, second_power = r.real * r.real + r.imag * r.imag, s.real * s.real + s.imag * s.imag
                known = np.float32((first_power > 0) & (second_power > 0) & ((z.real != 0) | (z.imag != 0)))
                columns[0, j] += z.real
                columns[1, j] += z.imag
                columns[2, j] += known * first_power
                columns[3, j] += known * second_power
                columns[4, j] += known
        running = np.zeros(width + 1)
        for quantity in range(5):
            for j in range(width):
                running[j + 1] = running[j] + columns[quantity, j]
            for cell in range(out.shape[2]):
                left = math.floor((cell + 0.5) * looks[1] - window[1] / 2)
                out[quantity, row, cell] = running[min(left + window[1], width)] - running[max(left, 0)]


def coherence(
    reference: Pixels, secondary: Pixels, interferogram: Pixels, *, window: Window, looks: Window = (1, 1)
) -> Floats32:
    """Coherence: how alike two images are around each pixel, after the phase of the terrain is taken off.

    The magnitude of a mean of few pixels is never 0: for ground that changed wholly it is about sqrt(π / 4n) with n
    independent pixels in the window, so small windows flatter noise. Fringes within the window lower it.

    Parameters
    ----------
    reference, secondary : coregistered pixels.
    interferogram : of :func:`form`.
    window : lines and samples over which it is estimated.
    looks : lines and samples between estimates; each is centred on such a cell.

    Returns
    -------
    float32 in [0, 1]; NaN where the window holds no data.

    References
    ----------
    Touzi et al. (1999), IEEE Trans. Geosci. Remote Sens. 37(1).
    """
    return window_sums(reference, secondary, interferogram, window=window, looks=looks).coherence()


def multilook(values: NDArray[Any], looks: Window) -> NDArray[Any]:
    """Average cells of pixels.

    Parameters
    ----------
    values : complex (0 is no data) or real (NaN is no data), 2-D.
    looks : lines and samples of a cell; incomplete cells at the end are dropped.

    Returns
    -------
    Mean of what holds data; NaN where that is less than half of the cell.
    """
    rows, columns = (size // look * look for size, look in zip(values.shape, looks, strict=True))
    whole = values[:rows, :columns]
    known = whole != 0 if np.iscomplexobj(whole) else ~np.isnan(whole)
    count = block_sums(known, looks)
    enough = count >= ENOUGH * looks[0] * looks[1]
    total = block_sums(np.where(known, whole, 0), looks)
    averaged: NDArray[Any] = np.where(enough, total / np.maximum(count, 1), np.nan).astype(values.dtype)
    return averaged


def looks_for(image: Image, spacing_m: float) -> Window:
    """Lines and samples to average for pixels about as wide as long on the ground.

    Parameters
    ----------
    image : whose grid of tie points says how far apart its pixels are on the ground, in the middle of the swath.
    spacing_m : side wanted; at least 1 look is taken either way.
    """
    grid, geod = image.grid, Geod(ellps="WGS84")
    row, column = grid.line.shape[0] // 2, grid.line.shape[1] // 2
    _, _, along = geod.inv(
        grid.longitude[0, column], grid.latitude[0, column], grid.longitude[-1, column], grid.latitude[-1, column]
    )
    seconds = (grid.azimuth_time[-1, column] - grid.azimuth_time[0, column]) / np.timedelta64(1, "s")
    line_m = along / float(seconds) * image.azimuth_time_interval
    sample_m = image.range_spacing / math.sin(math.radians(float(grid.incidence_angle[row, column])))
    return max(round(spacing_m / line_m), 1), max(round(spacing_m / sample_m), 1)


def look_pixels(
    reference: Pixels, secondary: Pixels, geometry: BurstGeometry, wavelength: float, *, looks: Window, window: Window
) -> tuple[Sums, Floats32]:
    """Sum the interferogram over cells and estimate its coherence, without holding it whole.

    Parameters are those of :func:`form` and :func:`coherence`, which this calls for some lines at a time.

    Returns
    -------
    The sums over cells, and the coherence at them.

    Raises
    ------
    ParameterError : there is not one whole cell.
    """
    if reference.shape[0] < looks[0] or reference.shape[1] < looks[1]:
        raise ParameterError(
            f"{reference.shape[0]} lines x {reference.shape[1]} samples are less than one pixel of {looks[0]} x "
            f"{looks[1]}: ask for smaller pixels, or give more lines and samples."
        )
    height = reference.shape[0] // looks[0] * looks[0]
    step = max(BLOCK_LINES // looks[0], 1) * looks[0]
    sums, alike = [], []
    for first in range(0, height, step):
        stop = min(first + step, height)
        top, bottom = max(first - window[0], 0), min(stop + window[0], reference.shape[0])
        one, other = reference[top:bottom], secondary[top:bottom]
        waves = form(one, other, geometry, wavelength, first_line=top)
        lines = (first - top, stop - top)
        sums.append(window_sums(one, other, waves, window=looks, looks=looks, lines=lines))
        alike.append(window_sums(one, other, waves, window=window, looks=looks, lines=lines).coherence())
    return Sums(*(np.concatenate([getattr(part, field) for part in sums]) for field in Sums.__annotations__)), (
        np.concatenate(alike)
    )
