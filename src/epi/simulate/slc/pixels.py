"""The samples of one burst on both dates, from one draw of the ground."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, make_interp_spline

from epi.insar.geometry.ellipsoid import from_ecef
from epi.simulate.slc import sensor, view
from epi.simulate.slc.focus import Canvas
from epi.simulate.slc.plan import Exposure, line_indices
from epi.simulate.slc.truth import Ground

FloatArray = NDArray[np.float64]

NODE_LINES, NODE_SAMPLES = 8, 16
"""Distance of the nodes at which the geometry is solved; splines in between."""

_BLOCK = 64  # lines drawn at a time
_FELT = 24  # lines and samples over which the response of a point fades
_STREAMS = {"ground": 0, "changed": 1, "reference": 2, "secondary": 3, "place": 4}


@dataclass(frozen=True)
class Sight:
    """What both dates see of one burst, at nodes of the reference's lines and samples.

    Parameters
    ----------
    lines, samples : of the nodes; they reach beyond the burst on all sides.
    fields : (lines, samples) each: what `epi.simulate.slc.truth` names, and ``brightness`` (beta nought, linear).
    """

    lines: NDArray[np.int64]
    samples: NDArray[np.int64]
    fields: dict[str, FloatArray]


class Surface:
    """A field at nodes as a bicubic spline, evaluated on whole lines and samples."""

    def __init__(self, lines: NDArray[np.int64], samples: NDArray[np.int64], values: FloatArray) -> None:
        along = make_interp_spline(lines, values, k=3, axis=0)
        across = make_interp_spline(samples, along.c, k=3, axis=1)
        self._knots, self._coefficients = (along.t, across.t), np.moveaxis(across.c, 0, 1)

    def __call__(self, lines: NDArray[np.int64], samples: NDArray[np.int64]) -> FloatArray:
        """Values (lines, samples)."""
        rows, columns = (
            BSpline.design_matrix(np.asarray(at, float), knots, 3)
            for at, knots in zip((lines, samples), self._knots, strict=True)
        )
        return np.asarray((columns @ (rows @ self._coefficients).T).T)


def see(reference: Exposure, secondary: Exposure, number: int, ground: Ground, *, azimuth_error_lines: float) -> Sight:
    """Solve the geometry of a burst at its nodes.

    Parameters
    ----------
    reference, secondary : the two images.
    number : of the burst, from 0.
    ground : terrain, motion and air.
    azimuth_error_lines : see `epi.simulate.slc.pair.Conditions`.
    """
    image = reference.image
    margin = _margin(reference, secondary)
    lines, samples = (
        np.arange(-margin, size + margin + step, step)
        for size, step in ((image.lines_per_burst, NODE_LINES), (image.samples_per_burst, NODE_SAMPLES))
    )
    seconds, ranges = np.broadcast_arrays(
        (reference.burst_seconds(number) + lines * image.azimuth_time_interval)[:, None],
        image.near_range + samples * image.range_spacing,
    )
    points = view.ground(reference.arc, seconds, ranges, ground.dem)
    latitude, longitude, height = from_ecef(points)
    east, north = ground.kilometres(latitude, longitude)
    moved = ground.moved(east, north)
    axes = view.local_axes(points)
    shifted = points + sum(moved[..., [k]] * axis for k, axis in enumerate(axes))
    when, distance = view.broadside(secondary.arc, shifted)
    when_at_rest, at_rest = view.broadside(secondary.arc, points)
    delays = [sky(east, north, height) for sky in ground.skies]
    change = distance - ranges
    apparent = change + delays[1] - delays[0]
    incidence, _, look = view.incidence(reference.arc, seconds, points)
    cover = ground.cover(latitude, longitude, east, north)
    begin, steering = secondary.burst_seconds(number), secondary.steering(number)
    line = (when - begin) / image.azimuth_time_interval + azimuth_error_lines
    sample = (ranges + apparent - secondary.image.near_range) / image.range_spacing
    line_foreseen = (when_at_rest - begin) / image.azimuth_time_interval
    sample_foreseen = (at_rest - secondary.image.near_range) / image.range_spacing
    return Sight(
        lines,
        samples,
        {
            "latitude": latitude,
            "longitude": longitude,
            "elevation": height,
            "displacement_east": moved[..., 0],
            "displacement_north": moved[..., 1],
            "displacement_up": moved[..., 2],
            "los_displacement": (moved * look).sum(-1),
            "range_change": change,
            "geometric_range_change": at_rest - ranges,
            "delay_reference": delays[0],
            "delay_secondary": delays[1],
            "phase": 4 * np.pi / image.wavelength * apparent,
            "squint_phase": steering(line, sample) - steering(line_foreseen, sample_foreseen),
            "azimuth_offset": line - lines[:, None],
            "range_offset": sample - samples,
            "coherence": cover.coherence,
            "water": cover.water.astype(float),
            "incidence_angle": incidence,
            "brightness": cover.sigma0 / np.sin(np.radians(incidence)) * _tilt(points, incidence),
        },
    )


def _margin(reference: Exposure, secondary: Exposure) -> int:
    """Lines and samples beyond a burst from which the other date may still feel a point."""
    image = reference.image
    target = view.ground(
        reference.arc,
        np.array(reference.burst_seconds(0)),
        np.array(image.near_range + image.samples_per_burst / 2 * image.range_spacing),
        view.FLAT,
    )
    when, distance = view.broadside(secondary.arc, target)
    lines = (float(when) - secondary.burst_seconds(0)) / image.azimuth_time_interval
    samples = (float(distance) - secondary.image.near_range) / image.range_spacing - image.samples_per_burst / 2
    return _FELT + int(np.ceil(1.5 * max(abs(lines), abs(samples))))


def _tilt(points: FloatArray, incidence: FloatArray) -> FloatArray:
    """How much more ground lies under a sample than on the ellipsoid: bright foreslopes, at most eight times."""
    along, across = np.gradient(points, axis=0), np.gradient(points, axis=1)
    area = np.linalg.norm(np.cross(along, across), axis=-1)
    level = area * np.sin(np.radians(incidence))
    return np.asarray(np.clip(level / np.median(level), 0.1, 8.0))


def expose(
    reference: Exposure, secondary: Exposure, number: int, sight: Sight, *, seed: int, noise: bool
) -> tuple[NDArray[np.complex64], NDArray[np.complex64]]:
    """Draw a burst of the reference and of the secondary, in digital numbers before rounding, two threads at once.

    Parameters
    ----------
    reference, secondary : the two images.
    number : of the burst, from 0.
    sight : its geometry.
    seed : of the ground and the noise; bursts that overlap share their ground.
    noise : thermal noise.
    """

    def draw(exposure: Exposure) -> NDArray[np.complex64]:
        image = exposure.image
        canvas = Canvas(image.lines_per_burst, image.samples_per_burst, *exposure.bands(), margin=_FELT)
        for block in _blocks(reference, secondary, number, sight, seed, noise, second=exposure is secondary):
            canvas.add(*block)
        picture = canvas.picture()
        steering, sample = exposure.steering(number), np.arange(image.samples_per_burst, dtype=float)
        for start in range(0, len(picture), _BLOCK):
            line = np.arange(start, min(start + _BLOCK, len(picture)), dtype=float)
            picture[start : start + _BLOCK] *= _turn(steering(line[:, None], sample))
        return picture

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(draw, (reference, secondary))
    return first, second


def _blocks(
    reference: Exposure, secondary: Exposure, number: int, sight: Sight, seed: int, noise: bool, *, second: bool
) -> Iterator[tuple[NDArray[np.complex64], FloatArray, FloatArray]]:
    """Points of the ground, some lines at a time: value without the burst's ramp, line and sample."""
    exposure = secondary if second else reference
    steering = exposure.steering(number)
    azimuth, range_ = exposure.bands()
    gain = sensor.GAIN / np.sqrt(azimuth.energy * range_.energy)
    names = ("brightness", "coherence", "phase", "azimuth_offset", "range_offset") if second else ("brightness",)
    surfaces = {name: Surface(sight.lines, sight.samples, sight.fields[name]) for name in names}
    level = 10 ** (sensor.NOISE_SIGMA0_DB / 10) / np.sin(np.radians(sight.fields["incidence_angle"].mean()))
    samples = np.arange(sight.samples[0], sight.samples[-1] + 1)
    lines = np.arange(sight.lines[0], sight.lines[-1] + 1)
    for line in np.array_split(lines, lines.size // _BLOCK + 1):
        index = line_indices(number, reference, line)
        value = _points("ground", seed, reference.swath.code, index, samples.size)
        aside = _places(seed, reference.swath.code, index, samples.size)
        at = {name: surface(line, samples) for name, surface in surfaces.items()}
        y, x = np.broadcast_arrays(line[:, None] + aside, samples.astype(float))
        phase = np.zeros(1)
        if second:
            y, x = y + at["azimuth_offset"], x + at["range_offset"]
            phase = at["phase"] + aside * np.gradient(at["phase"], axis=0)
            stays = np.clip(at["coherence"], 0, 1).astype(np.float32)
            if stays.min() < 1:
                changed = _points("changed", seed, reference.swath.code, index, samples.size)
                value = (stays * value + np.sqrt(1 - stays**2) * changed).astype(np.complex64)
        value = value * np.sqrt(np.maximum(at["brightness"], 1e-4)).astype(np.float32)
        value = (value * _turn(-phase - steering(y, x))).astype(np.complex64)
        if noise:
            stream = "secondary" if second else "reference"
            drawn = _points(stream, seed, reference.swath.code, index + 10_000_000 * (number + 1), samples.size)
            value = value + np.float32(np.sqrt(level)) * drawn
        yield (value * np.float32(gain)).astype(np.complex64), np.ascontiguousarray(y), np.ascontiguousarray(x)


def _points(stream: str, seed: int, code: int, lines: NDArray[np.int64], samples: int) -> NDArray[np.complex64]:
    """Complex Gaussian points of unit power, line by line from a counter, so that a line is always the same."""
    drawn = np.empty((lines.size, 2 * samples), np.float32)
    for row, line in zip(drawn, lines, strict=True):
        bits = np.random.Philox(key=[seed, 100 * code + _STREAMS[stream]], counter=[0, 0, 0, int(line) + 1_000_000])
        np.random.Generator(bits).standard_normal(out=row, dtype=np.float32)
    return drawn.view(np.complex64) * np.float32(np.sqrt(0.5))


def _places(seed: int, code: int, lines: NDArray[np.int64], samples: int) -> NDArray[np.float32]:
    """How far from its line each point lies, -1/2 to 1/2.

    On the lines exactly, the points' spectrum would repeat with the line frequency, and bursts that overlap would see
    one speckle wherever their Doppler frequencies differ by about that much.
    """
    drawn = np.empty((lines.size, samples), np.float32)
    for row, line in zip(drawn, lines, strict=True):
        bits = np.random.Philox(key=[seed, 100 * code + _STREAMS["place"]], counter=[0, 0, 0, int(line) + 1_000_000])
        np.random.Generator(bits).random(out=row, dtype=np.float32)
    return drawn - np.float32(0.5)


def _turn(phase: FloatArray) -> NDArray[np.complex64]:
    """Unit phasors; the phase is folded in double precision first."""
    folded = (phase - 2 * np.pi * np.round(phase / (2 * np.pi))).astype(np.float32)
    turned = np.empty(folded.shape, np.complex64)
    np.cos(folded, out=turned.real)
    np.sin(folded, out=turned.imag)
    return turned
