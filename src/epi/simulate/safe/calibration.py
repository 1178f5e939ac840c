"""Calibration and noise data sets of a simulated image."""

import numpy as np
from numpy.typing import NDArray

from epi.simulate.safe.entries import array, document, header, last_time, line_count, listing
from epi.simulate.slc import sensor, view
from epi.simulate.slc.plan import Exposure

_PIXEL_STEP = 40  # of calibration and noise vectors
_VECTOR_SECONDS = 1.0  # between vectors


def calibration_xml(exposure: Exposure, *, number: int) -> bytes:
    """The calibration data set: vectors a second apart that turn digital numbers into backscatter."""
    image = exposure.image
    pixel = _every(image.samples_per_burst)
    vectors = []
    for time, line in _vector_lines(exposure):
        incidence = np.radians(incidence_over_range(exposure, time, pixel))
        beta = np.full(pixel.size, sensor.GAIN)
        vectors.append(
            [
                ("azimuthTime", time),
                ("line", line),
                array("pixel", pixel),
                array("sigmaNought", beta / np.sqrt(np.sin(incidence))),
                array("betaNought", beta),
                array("gamma", beta / np.sqrt(np.tan(incidence))),
                array("dn", beta),
            ]
        )
    return document(
        (
            "calibration",
            [
                header(exposure, number),
                ("calibrationInformation", [("absoluteCalibrationConstant", 1.0)]),
                listing("calibrationVector", vectors),
            ],
        )
    )


def noise_xml(exposure: Exposure, *, number: int) -> bytes:
    """The noise data set: power of the thermal noise in digital numbers squared, over range; flat along the track."""
    image = exposure.image
    pixel = _every(image.samples_per_burst)
    vectors = []
    for time, line in _vector_lines(exposure):
        incidence = np.radians(incidence_over_range(exposure, time, pixel))
        power = sensor.GAIN**2 * 10 ** (sensor.NOISE_SIGMA0_DB / 10) / np.sin(incidence)
        vectors.append([("azimuthTime", time), ("line", line), array("pixel", pixel), array("noiseRangeLut", power)])
    lines = _every(line_count(exposure))
    flat = [
        ("swath", image.subswath),
        ("firstAzimuthLine", 0),
        ("firstRangeSample", 0),
        ("lastAzimuthLine", line_count(exposure) - 1),
        ("lastRangeSample", image.samples_per_burst - 1),
        array("line", lines),
        array("noiseAzimuthLut", np.ones(lines.size)),
    ]
    return document(
        (
            "noise",
            [header(exposure, number), listing("noiseRangeVector", vectors), listing("noiseAzimuthVector", [flat])],
        )
    )


def incidence_over_range(exposure: Exposure, time: np.datetime64, pixel: NDArray[np.int64]) -> NDArray[np.float64]:
    """Angle of incidence over range on level ground, degrees."""
    seconds = np.full(pixel.size, float(exposure.arc.seconds(time)))
    ranges = exposure.image.near_range + pixel.astype(float) * exposure.image.range_spacing
    points = view.ground(exposure.arc, seconds, ranges, view.FLAT)
    return view.incidence(exposure.arc, seconds, points)[0]


def _every(size: int) -> NDArray[np.int64]:
    """Positions every 40, and the last."""
    return np.append(np.arange(0, size - 1, _PIXEL_STEP), size - 1)


def _vector_lines(exposure: Exposure) -> list[tuple[np.datetime64, int]]:
    """Times a second apart over the image, and the line (first of its burst's lines at that time) they belong to."""
    image = exposure.image
    first, last = image.bursts[0].azimuth_time, last_time(exposure)
    step = np.timedelta64(round(_VECTOR_SECONDS * 1e6), "us")
    times = np.arange(first, last + step, step)
    begins = np.array([burst.azimuth_time for burst in image.bursts])
    burst = np.clip(np.searchsorted(begins, times, side="right") - 1, 0, len(begins) - 1)
    inside = (times - begins[burst]) / np.timedelta64(1, "ns") * 1e-9 / image.azimuth_time_interval
    lines = burst * image.lines_per_burst + np.round(inside).astype(int)
    return list(zip(times, lines.tolist(), strict=True))
