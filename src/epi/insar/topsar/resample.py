"""Moving complex pixels by fractions of a pixel: the best weights for a known spectrum, and the loops that apply them.

The value between samples is the linear combination of its neighbours with the least expected error for a signal of a
given spectrum. A radar image's spectrum is known: a band narrower than the sampling rate, weighted by a Hamming window.
Range is interpolated first, along each line of the secondary, then azimuth, across the lines just made: positions are
linear within a cell of the given grid, so weights and phases are computed at the ends of pieces of a few dozen samples.
"""

import numba
import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.insar.compiled import njit

Floats = NDArray[np.float64]
Weights = NDArray[np.float32]
Ints = NDArray[np.int64]

TAPS = (8, 12, 16)  # neighbours on a line that a kernel may use, in fours
LARGEST_ERROR = 1e-4  # expected squared error of a value half-way between samples, relative to the signal's power
MARGIN = 0.02  # cycles a sample left for a spectrum that is not quite centred
NOISE = 1e-6  # relative power of white noise: rounding; keeps the weights moderate
STEPS = 256  # rows of a table of weights per pixel; linear in between
PIECE = 64  # samples over which weights and phases run linearly
VECTOR = 16  # samples computed at once
DRIFT = 0.03  # pixels that a position may drift against the samples over a piece
TILE_LINES, TILE_SAMPLES = 128, 512  # output computed at a time: its lines of the secondary stay in a core's cache

# sin(2πx) = x S(x²) and cos(2πx) = C(x²) for |x| <= 1/2, to float32
_SQUARES = np.polynomial.chebyshev.chebpts1(64) / 8 + 1 / 8
_SIN = tuple(
    np.polynomial.Polynomial.fit(_SQUARES, np.sin(2 * np.pi * _SQUARES**0.5) / _SQUARES**0.5, 6)
    .convert()
    .coef.astype(np.float32)
)
_COS = tuple(
    np.polynomial.Polynomial.fit(_SQUARES, np.cos(2 * np.pi * _SQUARES**0.5), 6).convert().coef.astype(np.float32)
)
_FAST = {"contract", "reassoc", "arcp", "nsz", "afn"}  # all but the promise that nothing is NaN
_Index = np.uint64  # an index that cannot be negative needs no branch either


def interpolation_weights(bandwidth: float, window: float, *, taps: int | None = None) -> Weights:
    """Weights of the neighbours of a point between samples, for a signal of known spectrum.

    Parameters
    ----------
    bandwidth : of the signal, cycles a sample, below 1; the spectrum is centred on zero.
    window : coefficient a of the Hamming window a + (1 − a) cos(2πf/bandwidth) on the spectrum's amplitude; 1 is flat.
    taps : number of neighbours, even; default the least of ``TAPS`` whose expected squared error half-way between
        samples is below ``LARGEST_ERROR``.

    Returns
    -------
    (2 STEPS + 1, taps) float32: row r is for a point (r / STEPS − 1/2) samples after the neighbour number taps/2 − 1.

    References
    ----------
    Wiener's filter for a band-limited signal: Oetken, Parks and Schüßler (1975), IEEE Trans. ASSP 23(3).
    """
    band = min(bandwidth + MARGIN, 1.0)
    for count in TAPS if taps is None else (taps,):
        neighbours = np.arange(count) - count // 2 + 1.0
        alike = _autocorrelation(neighbours[:, None] - neighbours, band, window) + NOISE * np.eye(count)
        middle = _autocorrelation(neighbours - 0.5, band, window)
        if 1 - middle @ np.linalg.solve(alike, middle) < LARGEST_ERROR:
            break
    fractions = np.arange(2 * STEPS + 1) / STEPS - 0.5
    table = np.linalg.solve(alike, _autocorrelation(neighbours[:, None] - fractions, band, window)).T
    return np.ascontiguousarray(table, dtype=np.float32)


def _autocorrelation(lag: NDArray[np.floating], bandwidth: float, window: float) -> Floats:
    """Return the autocorrelation, 1 at lag 0, of a signal whose amplitude spectrum is a Hamming window."""
    power = (window**2 + (1 - window) ** 2 / 2, window * (1 - window), (1 - window) ** 2 / 4)
    x = bandwidth * lag
    total = power[0] * np.sinc(x)
    for k in (1, 2):
        total = total + power[k] * (np.sinc(x - k) + np.sinc(x + k))
    return np.asarray(total / power[0])


def resample_ramped(
    pixels: NDArray[np.complex64],
    cycles: Floats,
    grid: tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats],
    weights: tuple[Weights, Weights],
    *,
    shape: tuple[int, int],
    valid: tuple[int, int, int, int],
    out: NDArray[np.complex64] | None = None,
) -> NDArray[np.complex64]:
    """Take the values of a ramped image at other positions: deramp, interpolate, reramp, in one pass.

    Parameters
    ----------
    pixels : complex64, lines x samples.
    cycles : (samples, 3): the ramp's phase in cycles on line l is the polynomial in l, lowest power first.
    grid : output lines and samples (increasing, from 0), and on them the positions to read: line and sample of
        ``pixels``; linear in between. NaN is no position.
    weights : azimuth's and range's interpolation weights.
    shape : of the output; the grid reaches at least its last pixel.
    valid : first and last line, first and last sample of ``pixels`` that hold data, inclusive.
    out : array to write to: memory in use already is filled sooner than new memory is got.

    Returns
    -------
    complex64 of ``shape``; 0 where a neighbour is not valid or there is no position.

    Raises
    ------
    ParameterError : the grid does not hold the output.
    """
    lines, samples, at_line, at_sample = grid
    check_nodes(lines, samples, shape)
    made = np.empty(shape, dtype=np.complex64) if out is None else out
    if made.shape != shape or made.dtype != np.complex64 or not made.flags.c_contiguous:
        raise ParameterError(f"out is {made.dtype} {made.shape}: give a contiguous complex64 array of shape {shape}.")
    _resample(
        np.ascontiguousarray(pixels, dtype=np.complex64).view(np.float32),
        np.ascontiguousarray(cycles),
        np.ascontiguousarray(lines, dtype=np.int64),
        np.ascontiguousarray(samples, dtype=np.int64),
        np.ascontiguousarray(at_line, dtype=np.float64),
        np.ascontiguousarray(at_sample, dtype=np.float64),
        weights[0],
        weights[1],
        np.array(valid, dtype=np.int64),
        _tile_edges(samples, shape[1]),
        made.view(np.float32),
    )
    return made


def check_nodes(lines: NDArray[np.int64], samples: NDArray[np.int64], shape: tuple[int, int]) -> None:
    """Raise where nodes do not begin at 0 and reach the last pixel."""
    for name, nodes, size in (("lines", lines, shape[0]), ("samples", samples, shape[1])):
        if nodes.size < 2 or nodes[0] != 0 or nodes[-1] < size - 1 or (np.diff(nodes) < 1).any():
            raise ParameterError(
                f"The nodes' {name} run from {nodes[0]} to {nodes[-1]}, not over 0 to {size - 1}: make the geometry "
                "of the whole image."
            )


def _tile_edges(samples: NDArray[np.int64], width: int) -> NDArray[np.int64]:
    """Return the grid columns at which tiles begin and end, about ``TILE_SAMPLES`` apart."""
    wanted = np.arange(0, width, TILE_SAMPLES)
    last = int(np.searchsorted(samples, width - 1))
    return np.unique(np.append(np.searchsorted(samples, wanted), max(last, 1))).clip(0, len(samples) - 1)


@njit(inline="always")
def _row_weight(lines: Ints, row: float) -> tuple[int, float]:
    """Return the grid row before a fractional line, and how far the line is on its way to the next."""
    below = int(min(max(int(np.searchsorted(lines, row, side="right")) - 1, 0), lines.size - 2))
    return below, float((row - lines[below]) / (lines[below + 1] - lines[below]))


@njit(inline="always")
def _filled(count: int) -> int:
    """Return ``count`` rounded up to whole vectors: leftovers, one at a time, would take as long as the rest."""
    return (count + VECTOR - 1) // VECTOR * VECTOR


@njit(fastmath=_FAST)
def turn(values: Weights, begin: int, count: int, start: float, stop: float) -> None:
    """Multiply complex values by exp(2πi p), p running from ``start`` to ``stop`` over ``count`` of them.

    ``values`` holds pairs of floats, the first at ``begin``; those that fill the last vector are multiplied too.
    """
    first = np.float32(start - np.floor(start))
    step = np.float32((stop - start) / count)
    part = values[begin : begin + 2 * _filled(count)]
    for k in range(_filled(count)):
        p = first + step * np.float32(k)
        x = p - np.floor(p + np.float32(0.5))
        z = x * x
        s = x * (_SIN[0] + z * (_SIN[1] + z * (_SIN[2] + z * (_SIN[3] + z * (_SIN[4] + z * (_SIN[5] + z * _SIN[6]))))))
        c = _COS[0] + z * (_COS[1] + z * (_COS[2] + z * (_COS[3] + z * (_COS[4] + z * (_COS[5] + z * _COS[6])))))
        real, imag = part[2 * k], part[2 * k + 1]
        part[2 * k] = real * c - imag * s
        part[2 * k + 1] = real * s + imag * c


@njit(fastmath=_FAST, inline="always")
def ramp_cycles(cycles: Floats, line: float, sample: float) -> float:
    """Return the ramp's phase in cycles at a fractional position, linear between samples."""
    left = min(max(int(np.floor(sample)), 0), cycles.shape[0] - 2)
    u = sample - left
    p0 = cycles[left, 0] + u * (cycles[left + 1, 0] - cycles[left, 0])
    p1 = cycles[left, 1] + u * (cycles[left + 1, 1] - cycles[left, 1])
    p2 = cycles[left, 2] + u * (cycles[left + 1, 2] - cycles[left, 2])
    return float(p0 + line * (p1 + line * p2))


@njit(fastmath=_FAST)
def _interpolate(
    source: Weights, begin: int, stride: int, weights: Weights, first: float, last: float, half: Weights,
    out: Weights, place: int, count: int,
) -> None:  # fmt: skip
    """Interpolate ``count`` complex values, and those that fill the last vector, at ``first`` to ``last`` of a pixel.

    The first value's first neighbour is at ``source[begin]``, its next ``stride`` floats further.
    """
    top = 2 * STEPS - 1
    q0, q1 = min(max(int((first + 0.5) * STEPS), 0), top), min(max(int((last + 0.5) * STEPS), 0), top)
    u0 = np.float32(min(max((first + 0.5) * STEPS - q0, 0.0), 1.0))
    u1 = np.float32(min(max((last + 0.5) * STEPS - q1, 0.0), 1.0))
    share, at, size = np.float32(1.0) / np.float32(count), _Index(place), _Index(2 * _filled(count))
    for k in range(size):
        out[at + k] = 0
    for t in range(0, weights.shape[1], 4):  # four neighbours at a time: as many as keep the vector units busy
        a0 = weights[q0, t] + u0 * (weights[q0 + 1, t] - weights[q0, t])
        b0 = weights[q0, t + 1] + u0 * (weights[q0 + 1, t + 1] - weights[q0, t + 1])
        c0 = weights[q0, t + 2] + u0 * (weights[q0 + 1, t + 2] - weights[q0, t + 2])
        d0 = weights[q0, t + 3] + u0 * (weights[q0 + 1, t + 3] - weights[q0, t + 3])
        a1 = share * (weights[q1, t] + u1 * (weights[q1 + 1, t] - weights[q1, t]) - a0)
        b1 = share * (weights[q1, t + 1] + u1 * (weights[q1 + 1, t + 1] - weights[q1, t + 1]) - b0)
        c1 = share * (weights[q1, t + 2] + u1 * (weights[q1 + 1, t + 2] - weights[q1, t + 2]) - c0)
        d1 = share * (weights[q1, t + 3] + u1 * (weights[q1 + 1, t + 3] - weights[q1, t + 3]) - d0)
        a, b = _Index(begin + t * stride), _Index(begin + (t + 1) * stride)
        c, d = _Index(begin + (t + 2) * stride), _Index(begin + (t + 3) * stride)
        for k in range(size):
            h = half[k]
            out[at + k] += ((a0 + a1 * h) * source[a + k] + (b0 + b1 * h) * source[b + k]) + (
                (c0 + c1 * h) * source[c + k] + (d0 + d1 * h) * source[d + k]
            )


@njit(inline="always")
def _pieces(length: int, drift: float) -> int:
    """Return in how many pieces a cell of the grid is computed."""
    return max((length + PIECE - 1) // PIECE, min(int(abs(drift) / DRIFT) + 1, length))


@njit(fastmath=_FAST)
def _range_line(
    row: Weights, skipped: int, line: float, at: Floats, samples: Ints, k0: int, k1: int, cycles: Floats,
    weights: Weights, half: Weights, out: Weights, place: int, width: int,
) -> None:  # fmt: skip
    """Interpolate one line of the image to the output's samples in a tile, and deramp it.

    ``row`` begins ``skipped`` samples after the image's first; ``at`` holds the positions at the tile's grid columns,
    ``k0`` to ``k1``; the tile's ``width`` samples are written from ``out[place]``.
    """
    before = weights.shape[1] // 2 - 1
    for k in range(k0, k1):
        begin = samples[k] - samples[k0]
        length = (width if k == k1 - 1 else samples[k + 1] - samples[k0]) - begin
        first = at[k - k0]
        slope = (at[k - k0 + 1] - first) / (samples[k + 1] - samples[k])
        if np.isnan(slope):
            continue
        pieces = _pieces(length, (slope - 1) * length)
        for piece in range(pieces):
            j = length * piece // pieces
            count = length * (piece + 1) // pieces - j
            s0, s1 = first + slope * j, first + slope * (j + count)
            whole = int(np.floor((s0 + s1 - count) / 2))  # of the position less the sample's number in the piece
            c, o = 2 * (whole - skipped - before), place + 2 * (begin + j)
            _interpolate(row, c, 2, weights, s0 - whole, s1 - count - whole, half, out, o, count)
            turn(out, o, count, -ramp_cycles(cycles, line, s0), -ramp_cycles(cycles, line, s1))


@njit(fastmath=_FAST)
def _azimuth_line(
    rows: Weights, skipped: int, height: int, at_line: Floats, at: Floats, samples: Ints, k0: int, k1: int,
    cycles: Floats, weights: Weights, half: Weights, first_sample: float, last_sample: float, out: Weights,
    place: int, width: int,
) -> None:  # fmt: skip
    """Interpolate across the lines of a tile to one line of the output, and put the ramp back.

    ``rows`` holds ``height`` lines that begin ``skipped`` lines after the image's first; ``at_line`` and ``at`` hold
    the positions at the tile's grid columns; positions before ``first_sample`` or after ``last_sample`` get 0.
    """
    before, stride = weights.shape[1] // 2 - 1, rows.size // (height + 1)
    for k in range(k0, k1):
        begin, n = samples[k] - samples[k0], k - k0
        length = (width if k == k1 - 1 else samples[k + 1] - samples[k0]) - begin
        slope_line = (at_line[n + 1] - at_line[n]) / (samples[k + 1] - samples[k])
        slope = (at[n + 1] - at[n]) / (samples[k + 1] - samples[k])
        pieces = 1 if np.isnan(slope_line + slope) else _pieces(length, slope_line * length)
        for piece in range(pieces):
            j = length * piece // pieces
            count = length * (piece + 1) // pieces - j
            y0, y1 = at_line[n] + slope_line * j, at_line[n] + slope_line * (j + count)
            s0, s1 = at[n] + slope * j, at[n] + slope * (j + count)
            whole = int(np.floor((y0 + y1) / 2))
            row, o = whole - before - skipped, place + 2 * (begin + j)
            if np.isnan(slope_line + slope) or row < 0 or row + weights.shape[1] > height:
                for i in range(o, o + 2 * count):
                    out[i] = 0
                continue
            c = row * stride + 2 * (begin + j)
            _interpolate(rows, c, stride, weights, y0 - whole, y1 - whole, half, out, o, count)
            turn(out, o, count, ramp_cycles(cycles, y0, s0), ramp_cycles(cycles, y1, s1))
            if min(s0, s1) < first_sample or max(s0, s1) > last_sample:
                for i in range(count):
                    if not first_sample <= s0 + slope * i <= last_sample:
                        out[o + 2 * i] = 0
                        out[o + 2 * i + 1] = 0


@njit()
def _lines_needed(
    lines: Ints, at_line: Floats, k0: int, k1: int, i0: int, i1: int, offset: Floats
) -> tuple[float, float]:
    """Return the least and greatest position across a tile; in ``offset``, each grid column's in the tile's middle."""
    top, bottom = np.inf, -np.inf
    first, last = _row_weight(lines, float(i0))[0], _row_weight(lines, float(i1 - 1))[0] + 1
    middle = (i0 + i1) / 2
    r, w = _row_weight(lines, middle)
    for k in range(k0, k1 + 1):
        offset[k - k0] = (1 - w) * at_line[r, k] + w * at_line[r + 1, k] - middle
        for q in range(first, last + 1):
            y = at_line[q, k] - lines[q] + min(max(lines[q], i0), i1)
            if not np.isnan(y):
                top, bottom = min(top, y), max(bottom, y)
    return top, bottom


@njit()
def _tile(
    pixels: Weights, cycles: Floats, lines: Ints, samples: Ints, at_line: Floats, at_sample: Floats,
    weights_line: Weights, weights_sample: Weights, valid: Ints, half: Weights, out: Weights,
    i0: int, i1: int, k0: int, k1: int, width: int,
) -> None:  # fmt: skip
    """Compute lines ``i0`` to ``i1`` of the output between two grid columns."""
    columns = k1 - k0 + 1
    offset, at_y, at = np.empty(columns), np.empty(columns), np.empty(columns)
    top, bottom = _lines_needed(lines, at_line, k0, k1, i0, i1, offset)
    l0 = l1 = 0
    taps, stride = weights_sample.shape[1], 2 * (width + VECTOR)  # lines a power of two apart would share cache sets
    if top <= bottom:
        l0 = max(int(np.floor(top)) - weights_line.shape[1], valid[0])
        l1 = max(min(int(np.floor(bottom)) + weights_line.shape[1] + 1, valid[1] + 1), l0)
    rows = np.zeros((l1 - l0 + 1) * stride, dtype=np.float32)
    row = np.zeros(2 * TILE_SAMPLES, dtype=np.float32)
    for line in range(l0, l1):
        low, high = np.inf, -np.inf
        for n in range(columns):
            r, w = _row_weight(lines, line - offset[n])
            at[n] = (1 - w) * at_sample[r, k0 + n] + w * at_sample[r + 1, k0 + n]
            if not np.isnan(at[n]):
                low, high = min(low, at[n]), max(high, at[n])
        if not low <= high or high < valid[2] or low > valid[3]:
            continue
        skipped = int(np.floor(low)) - taps
        size = int(np.floor(high)) + 2 * taps + VECTOR - skipped
        if 2 * size > row.size:
            row = np.zeros(4 * size, dtype=np.float32)
        s0, s1 = max(skipped, valid[2]), min(skipped + size, valid[3] + 1)
        row[:] = 0
        row[2 * (s0 - skipped) : 2 * (s1 - skipped)] = pixels[line, 2 * s0 : 2 * s1]
        place = (line - l0) * stride
        _range_line(row, skipped, float(line), at, samples, k0, k1, cycles, weights_sample, half, rows, place, width)
    first, last = valid[2] + taps // 2 - 1.0, valid[3] - taps // 2 + 0.0
    done = np.empty(stride, dtype=np.float32)
    for i in range(i0, i1):
        r, w = _row_weight(lines, float(i))
        for n in range(columns):
            at_y[n] = (1 - w) * at_line[r, k0 + n] + w * at_line[r + 1, k0 + n]
            at[n] = (1 - w) * at_sample[r, k0 + n] + w * at_sample[r + 1, k0 + n]
        _azimuth_line(
            rows, l0, l1 - l0, at_y, at, samples, k0, k1, cycles, weights_line, half, first, last, done, 0, width
        )
        out[i, 2 * samples[k0] : 2 * (samples[k0] + width)] = done[: 2 * width]


@njit(parallel=True)
def _resample(
    pixels: Weights, cycles: Floats, lines: Ints, samples: Ints, at_line: Floats, at_sample: Floats,
    weights_line: Weights, weights_sample: Weights, valid: Ints, edges: Ints, out: Weights,
) -> None:  # fmt: skip
    """Do the work of ``resample_ramped``, tile by tile."""
    height, across = out.shape[0], edges.size - 1
    half = (np.arange(2 * (PIECE + VECTOR)) // 2).astype(np.float32)
    for tile in numba.prange(across * ((height + TILE_LINES - 1) // TILE_LINES)):
        i0, k0, k1 = tile // across * TILE_LINES, edges[tile % across], edges[tile % across + 1]
        stop = out.shape[1] // 2 if tile % across == across - 1 else samples[k1]
        _tile(
            pixels, cycles, lines, samples, at_line, at_sample, weights_line, weights_sample, valid, half, out,
            i0, min(i0 + TILE_LINES, height), k0, k1, stop - samples[k0],
        )  # fmt: skip
