"""The ramp of a TOPS burst on real pixels, and resampling under it against pairs whose values are known exactly."""

import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from epi.errors import ParameterError
from epi.insar.geometry.zero_doppler import BurstGeometry
from epi.insar.slc.annotation import RangePolynomial
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.topsar import ramp as topsar
from epi.insar.topsar.deburst import burst_places, deburst, overlap_lines
from epi.insar.topsar.diversity import Overlap, enhanced_spectral_diversity
from epi.insar.topsar.interferogram import coherence, form
from epi.insar.topsar.resample import interpolation_weights, resample_ramped

INTERVAL, WAVELENGTH = 2.0555563e-3, 0.05546576
AZIMUTH_BAND, RANGE_BAND = (327 * INTERVAL, 0.7), (56.5e6 / 64.34523812571428e6, 0.75)  # IW1's, the widest
LINES, SAMPLES = 1507, 120
STEERING, FM_RATE = 8.7e3, -2.3e3  # Hz/s, as IW1's


def burst_ramp(*, centroid: float = 7.0, samples: int = SAMPLES, lines: int = LINES) -> topsar.Ramp:
    """A ramp that changes along the range twice as fast as a real one, so that a slip in the sample shows."""
    along = np.arange(samples) / SAMPLES
    fm_rate = FM_RATE * (1 + 0.001 * along)
    return topsar.Ramp(
        rate=topsar.doppler_rate(fm_rate, STEERING),
        centroid=centroid + 0.5 * along,
        reference_time=1e-5 * along,
        interval=INTERVAL,
        middle=(lines - 1) / 2,
        azimuth_band=AZIMUTH_BAND,
        range_band=RANGE_BAND,
        valid=(0, lines - 1, 0, samples - 1),
    )


def exact_phase(ramp: topsar.Ramp, lines, samples):
    """ESA's deramping function written out, linear in range between samples, independent of the package's tables."""
    at = np.arange(ramp.rate.size)
    eta = (lines - ramp.middle) * ramp.interval

    def phase(k):
        since = eta - ramp.reference_time[k]
        return np.pi * ramp.rate[k] * since**2 + 2 * np.pi * ramp.centroid[k] * since

    left = np.clip(np.floor(samples).astype(int), 0, at[-2])
    return phase(left) + (samples - left) * (phase(left + 1) - phase(left))


class Waves:
    """A picture that is known everywhere: a sum of plane waves within the processed bands, Hamming weighted."""

    def __init__(self, seed: int, count: int = 150) -> None:
        rng = np.random.default_rng(seed)
        self.frequency = rng.uniform(-0.5, 0.5, (2, count)) * [[AZIMUTH_BAND[0]], [RANGE_BAND[0]]]
        window = 1.0
        for band, f in zip((AZIMUTH_BAND, RANGE_BAND), self.frequency, strict=True):
            window = window * (band[1] + (1 - band[1]) * np.cos(2 * np.pi * f / band[0]))
        self.amplitude = 60 * window * (rng.normal(size=count) + 1j * rng.normal(size=count)) / np.sqrt(2 * count)

    def __call__(self, lines, samples):
        total = np.zeros(np.broadcast(lines, samples).shape, dtype=np.complex64)
        for a, f, g in zip(self.amplitude, *self.frequency, strict=True):
            cycles = f * lines + g * samples
            total += a.astype(np.complex64) * np.exp(2j * np.pi * (cycles - np.round(cycles)).astype(np.float32))
        return total


def pair(ramp: topsar.Ramp, *, seed: int = 0, lines=(0, LINES), shift: float = 0.0, quantise: bool = True):
    """Reference and secondary pixels of a noise-free pair, and the geometry that ties them.

    ``shift`` lines are left out of the geometry. The reference is the secondary's exact value at its places, with the
    phase 4π/λ ΔR more.
    """
    picture = Waves(seed)
    rows = np.append(np.arange(lines[0], lines[1] - 1, 8), lines[1] - 1)
    columns = np.append(np.arange(0, SAMPLES - 1, 24), SAMPLES - 1)
    row, column = np.meshgrid(rows, columns, indexing="ij")
    at_line = row + 2.3 + 2e-4 * column + 5e-5 * row
    at_sample = column - 1.7 + 8e-4 * column + 0.02 * np.sin(row / 90)
    difference = 12.0 + 0.01 * column + 0.02 * np.sin(row / 100)
    nodes = (rows, columns, row, column, row, at_line, at_sample, difference)

    def everywhere(values):
        along = np.array([np.interp(np.arange(*lines), rows, values[:, k]) for k in range(columns.size)])
        return np.array([np.interp(np.arange(SAMPLES), columns, v) for v in along.T])

    y, x = everywhere(at_line), everywhere(at_sample)
    phase = exact_phase(ramp, y, x) + 4 * np.pi / WAVELENGTH * everywhere(difference)
    reference = picture(y, x) * np.exp(1j * phase)
    line, sample = np.meshgrid(np.arange(LINES), np.arange(SAMPLES), indexing="ij")
    part = slice(max(lines[0] - 20, 0), min(lines[1] + 40, LINES))
    secondary = np.zeros((LINES, SAMPLES), dtype=complex)
    secondary[part] = picture(line[part], sample[part]) * np.exp(1j * exact_phase(ramp, line[part], sample[part]))
    if quantise:
        reference, secondary = np.round(reference), np.round(secondary)
    geometry = BurstGeometry(*nodes[:5], at_line - shift, at_sample, difference)
    return reference.astype(np.complex64), secondary.astype(np.complex64), geometry


def fringes(reference, secondary, ramp, geometry, wavelength=WAVELENGTH):
    """Coregister a pair and form its interferogram; pixels without data, and four more around them, are left out."""
    moved = topsar.coregister(secondary, ramp, geometry, shape=reference.shape)
    waves = form(reference, moved, geometry, wavelength)
    return moved, waves


def flaws(reference, moved, waves):
    """Loss of coherence, phase bias (rad), azimuth ramp (rad per 1000 lines) of an interferogram that should be 0."""
    known = moved != 0
    power = np.sqrt((np.abs(reference[known]) ** 2).sum() * (np.abs(moved[known]) ** 2).sum())
    total = waves[known].sum()
    weight = np.abs(waves).sum(axis=1)
    phase = np.angle(np.where(known, waves, 0).sum(axis=1) * np.exp(-1j * np.angle(total)))
    slope = np.polyfit(np.arange(len(phase)), phase, 1, w=np.sqrt(weight))[0]
    return 1 - np.abs(total) / power, np.abs(np.angle(total)), np.abs(1000 * slope)


@pytest.fixture(scope="module")
def whole_burst():
    ramp = burst_ramp()
    return ramp, *pair(ramp)


def test_a_noise_free_pair_is_coherent_and_without_phase(whole_burst):
    ramp, reference, secondary, geometry = whole_burst
    moved, waves = fringes(reference, secondary, ramp, geometry)
    lost, bias, slope = flaws(reference, moved, waves)
    assert (moved != 0).mean() > 0.8
    assert lost <= 0.005
    assert bias <= 0.02
    assert slope <= 0.01
    local = coherence(reference, moved, waves, window=(5, 20))
    assert np.nanmedian(local) >= 0.995


@pytest.mark.parametrize(
    "fault",
    ["ramp of the other sign", "no ramp", "centroid of the other sign", "range of the other sign", "shifted line"],
)
def test_planted_faults_show(whole_burst, fault):
    ramp, reference, secondary, geometry = whole_burst
    wavelength = WAVELENGTH
    if fault == "ramp of the other sign":
        ramp = replace(ramp, rate=-ramp.rate)
    elif fault == "no ramp":
        ramp = replace(ramp, rate=0 * ramp.rate)
    elif fault == "centroid of the other sign":
        reference, secondary, geometry = pair(burst_ramp(centroid=100.0), lines=(600, 900))
        ramp = burst_ramp(centroid=-100.0)
    elif fault == "range of the other sign":
        wavelength = -WAVELENGTH
    else:
        geometry = replace(geometry, secondary_line=geometry.secondary_line + 0.02)
    lost, bias, slope = flaws(reference, *fringes(reference, secondary, ramp, geometry, wavelength))
    assert lost > 0.005 or bias > 0.02 or slope > 0.01


def test_no_step_at_a_seam():
    """The end of one burst and the beginning of the next, with ramps of their own, have the same mean phase."""
    earlier, later = burst_ramp(centroid=9.0), burst_ramp(centroid=-12.0)
    phases = []
    for ramp, lines, seed in ((earlier, (1300, 1480), 1), (later, (20, 200), 2)):
        reference, secondary, geometry = pair(ramp, lines=lines, seed=seed)
        _, waves = fringes(reference, secondary, ramp, geometry)
        phases.append(np.angle(waves.sum()))
    assert abs(phases[0] - phases[1]) <= 0.02


def test_edges_are_zero_and_only_they():
    ramp = burst_ramp()
    reference, secondary, geometry = pair(ramp, lines=(0, 160))
    ramp = replace(ramp, valid=(30, LINES - 1, 11, SAMPLES - 15))
    moved = topsar.coregister(secondary, ramp, geometry, shape=reference.shape)
    line, sample = np.nonzero(moved)
    half = interpolation_weights(*AZIMUTH_BAND).shape[1] // 2, interpolation_weights(*RANGE_BAND).shape[1] // 2
    assert line.min() == 30 + half[0] - 1 - 2  # 2.3 lines later in the secondary, so from line 31 its place is 33.3
    assert sample.min() == 11 + half[1] - 1 + 2
    assert sample.max() == SAMPLES - 15 - half[1] + 1
    inside = moved[line.min() + 1 :, sample.min() : sample.max()]
    assert (inside != 0).all()


def test_a_place_that_is_not_known_is_no_data_and_harms_no_other():
    ramp = burst_ramp()
    reference, secondary, geometry = pair(ramp, lines=(0, 160))
    whole = topsar.coregister(secondary, ramp, geometry, shape=reference.shape)
    holed = geometry.secondary_line.copy()
    holed[10, 2] = np.nan
    moved = topsar.coregister(secondary, ramp, replace(geometry, secondary_line=holed), shape=reference.shape)
    gone = (moved == 0) & (whole != 0)
    line, sample = np.nonzero(gone)
    rows, columns = geometry.lines, geometry.samples
    assert gone.any()
    assert rows[9] <= line.min() < line.max() <= rows[11]
    assert columns[1] <= sample.min() < sample.max() <= columns[3]
    assert np.allclose(moved[~gone], whole[~gone], atol=1e-3)


def test_tiles_do_not_show(whole_burst):
    """A part that is one tile of its own equals the same part of the whole."""
    ramp, _, secondary, geometry = whole_burst
    whole = topsar.coregister(secondary, ramp, geometry)
    first = 20
    part = replace(
        geometry,
        **{
            name: getattr(geometry, name)[first:]
            for name in ("lines", "secondary_line", "secondary_sample", "range_difference")
        },
    )
    start = int(geometry.lines[first])
    moved = topsar.coregister(secondary, ramp, part, shape=(LINES - start, SAMPLES))
    scale = np.abs(whole).mean()
    assert np.abs(moved - whole[start:]).max() < 2e-3 * scale


def test_out_is_filled_and_checked(whole_burst):
    ramp, reference, secondary, geometry = whole_burst
    space = np.full(reference.shape, 7j, dtype=np.complex64)
    assert topsar.coregister(secondary, ramp, geometry, out=space) is space
    assert np.array_equal(space, topsar.coregister(secondary, ramp, geometry))
    with pytest.raises(ParameterError, match="contiguous complex64"):
        topsar.coregister(secondary, ramp, geometry, out=space[:10])
    with pytest.raises(ParameterError, match="crop the ramp"):
        topsar.coregister(secondary[:, :50], ramp, geometry)
    with pytest.raises(ParameterError, match="geometry of the whole image"):
        topsar.coregister(secondary, ramp, geometry, shape=(LINES + 1, SAMPLES))


@settings(max_examples=12, deadline=None)
@given(
    dy=st.floats(-0.5, 0.5),
    dx=st.floats(-0.5, 0.5),
    band=st.sampled_from([(56.5 / 64.345, 0.75), (48.3 / 64.345, 0.75), (42.8 / 64.345, 0.75)]),
)
def test_the_kernel_is_good_to_a_thousandth_of_a_pixel(dy, dx, band):
    """Band-limited noise shifted by a fraction of a pixel, against its exact shift by the Fourier transform."""
    shape, rng = (128, 512), np.random.default_rng(3)
    f, g = np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])
    amplitude = np.ones(shape)
    for (width, window), axis in ((AZIMUTH_BAND, f), (band, g)):
        amplitude = amplitude * np.where(
            np.abs(axis) <= width / 2, window + (1 - window) * np.cos(2 * np.pi * axis / width), 0
        )
    spectrum = amplitude * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
    truth = np.fft.ifft2(spectrum * np.exp(2j * np.pi * (f * dy + g * dx)))
    lines, samples = np.array([0, shape[0]]), np.array([0, 200, shape[1]])
    at = np.meshgrid(lines + dy, samples + dx, indexing="ij")
    moved = resample_ramped(
        np.fft.ifft2(spectrum).astype(np.complex64),
        np.zeros((shape[1], 3)),
        (lines, samples, *at),
        (interpolation_weights(*AZIMUTH_BAND), interpolation_weights(*band)),
        shape=shape,
        valid=(0, shape[0] - 1, 0, shape[1] - 1),
    )
    inner = np.s_[10:-10, 20:-20]
    truth, moved = truth[inner], moved[inner]
    taper = np.outer(np.hanning(truth.shape[0]), np.hanning(truth.shape[1]))
    cross = np.fft.fft2(moved * taper) * np.fft.fft2(truth * taper).conj()
    for axis, size in enumerate(truth.shape):
        frequency = np.expand_dims(np.fft.fftfreq(size), 1 - axis)
        shift = (cross.imag * frequency).sum() / (2 * np.pi * (np.abs(cross) * frequency**2).sum())
        assert abs(shift) < 1e-3
    assert abs(np.angle((moved * truth.conj()).sum())) < 1e-3
    assert np.sqrt((np.abs(moved - truth) ** 2).mean() / (np.abs(truth) ** 2).mean()) < 0.015


def test_deramp_and_reramp_undo_each_other_and_match_the_formula():
    ramp = burst_ramp()
    rng = np.random.default_rng(0)
    pixels = (rng.normal(size=(LINES, SAMPLES)) + 1j * rng.normal(size=(LINES, SAMPLES))).astype(np.complex64)
    line, sample = np.meshgrid(np.arange(LINES), np.arange(SAMPLES), indexing="ij")
    exact = exact_phase(ramp, line, sample)
    assert (
        np.abs(topsar.deramp(pixels, ramp) - pixels * np.exp(-1j * exact)).max() < 2e-3
    )  # rad: linear over 64 samples
    assert np.abs(topsar.reramp(topsar.deramp(pixels, ramp), ramp) - pixels).max() < 1e-5
    assert np.allclose(topsar.ramp_phase(ramp, line + 0.25, sample * 0.9), exact_phase(ramp, line + 0.25, sample * 0.9))
    part = ramp.crop(700, 30, (100, 50))
    assert np.allclose(topsar.ramp_phase(part, 5.5, 7.25), exact_phase(ramp, 705.5, 37.25))
    assert part.valid == (0, 99, 0, 49)
    turned = np.diff(exact_phase(ramp, np.arange(LINES), np.full(LINES, 60))) / (2 * np.pi * INTERVAL)
    assert np.allclose(turned, (ramp.doppler(np.arange(LINES - 1)) + ramp.doppler(np.arange(1, LINES)))[:, 60] / 2)
    with pytest.raises(ParameterError, match="crop the ramp"):
        topsar.deramp(pixels, part)


def test_rates_have_the_signs_and_sizes_of_sentinel_1():
    orbit = SimpleNamespace(
        time=np.array(["2022-09-18T07:49:30", "2022-09-18T07:49:40"], "datetime64[ns]"),
        velocity=np.array([[0.0, 7590, 0], [0, 0, 7610]]),
    )
    image = SimpleNamespace(orbit=orbit, radar_frequency=5.405e9, azimuth_steering_rate=np.deg2rad(1.59))
    steering = topsar.steering_rate(image, np.datetime64("2022-09-18T07:49:35", "ns"))
    assert steering == pytest.approx(2 * 7600 / 299792458 * 5.405e9 * 0.0277507, rel=1e-5)
    assert topsar.doppler_rate(np.array([-2300.0]), steering)[0] == pytest.approx(1 / (1 / steering + 1 / 2300))


def test_a_ramp_is_read_off_the_annotation():
    """A Doppler centroid of 10 Hz in the middle and 20 Hz at the end, under an FM rate of -2000 Hz/s."""
    start = np.datetime64("2022-09-18T07:49:30", "ns")
    image = SimpleNamespace(
        orbit=SimpleNamespace(time=start + np.arange(2) * np.timedelta64(10, "s"), velocity=np.full((2, 3), 4400.0)),
        radar_frequency=5.405e9,
        azimuth_steering_rate=0.0277507,
        azimuth_time_interval=2e-3,
        lines_per_burst=1501,
        samples_per_burst=201,
        slant_range_time=5e-3,
        range_sampling_rate=1e8,
        fm_rates=(RangePolynomial(start, 5e-3, (-2000.0,)),),
        doppler_centroids=(RangePolynomial(start, 5e-3, (0.0, 1e7)),),
        azimuth_bandwidth=300.0,
        azimuth_window=0.7,
        range_bandwidth=6e7,
        range_window=0.75,
    )
    burst = SimpleNamespace(azimuth_time=start, first_line=20, last_line=1480, first_sample=5, last_sample=190)
    ramp = topsar.Ramp.of(image, burst)
    assert ramp.centroid[[0, 100, 200]] == pytest.approx([0, 10, 20])
    assert ramp.reference_time[[0, 100, 200]] == pytest.approx([-0.005, 0, 0.005])
    assert ramp.middle == 750
    assert ramp.doppler([750])[0, 200] == pytest.approx(20 - ramp.rate[200] * 0.005)
    assert ramp.azimuth_band == pytest.approx((0.6, 0.7))
    assert ramp.range_band == pytest.approx((0.6, 0.75))
    assert ramp.valid == (20, 1480, 5, 190)


def test_the_nearest_records_are_used():
    times = np.datetime64("2022-09-18T07:49:20", "ns") + np.arange(3) * np.timedelta64(3, "s")
    records = tuple(RangePolynomial(time, 5e-3, (float(k),)) for k, time in enumerate(times))
    assert topsar._nearest(records, times[1] + np.timedelta64(1, "s"))(np.zeros(1))[0] == 1.0
    assert topsar._nearest(records, times[1] + np.timedelta64(2, "s"))(np.zeros(1))[0] == 2.0
    with pytest.raises(ParameterError, match="FM rate"):
        topsar._nearest((), times[0])


def real_image(path: Path):
    return read_annotation(ElementTree.parse(path).getroot(), product="", track=52, source=path.name)


def concentration(pixels, interval=INTERVAL):
    """How concentrated the azimuth spectrum is (0 to 1), and its centre in Hz: mean phasor of its power."""
    power = (np.abs(np.fft.fft(pixels, axis=0)) ** 2).mean(axis=1)
    phasor = (power * np.exp(2j * np.pi * np.fft.fftfreq(len(power)))).sum() / power.sum()
    return abs(phasor), np.angle(phasor) / (2 * np.pi * interval)


def test_real_pixels_gather_around_zero_doppler(shared_data):
    folder = shared_data / "slc" / "single_date_portugal"
    image = real_image(next(folder.glob("*.xml")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(next(folder.glob("*.tiff"))) as dataset:
            pixels = dataset.read(1).astype(np.complex64)
    ramp = topsar.Ramp.of(image, image.bursts[6]).crop(9800 - 6 * 1514, 9600, pixels.shape)
    inside = slice(0, ramp.valid[1] + 1)
    before, _ = concentration(pixels)
    after, centre = concentration(topsar.deramp(pixels, ramp))
    assert before == pytest.approx(0.064, abs=0.001)
    assert after == pytest.approx(0.636, abs=0.001)
    assert abs(centre) < 5
    assert concentration(topsar.reramp(pixels, ramp)[inside])[0] < 0.1  # the other sign


def test_real_bursts_lie_on_one_grid_of_lines(shared_data):
    files = sorted((shared_data / "slc" / "morocco_2023_annotations").glob("*.SAFE/annotation/*.xml"))
    assert len(files) == 6
    for path in files:
        image = real_image(path)
        seconds = (np.array([burst.azimuth_time for burst in image.bursts]) - image.start) / np.timedelta64(1, "ns")
        lines = seconds * 1e-9 / image.azimuth_time_interval
        assert np.abs(lines - np.round(lines)).max() < 1e-3
        for looks in (1, 4):
            places = burst_places(image, image.bursts, looks=looks)
            joined = deburst(
                [np.round(line) + np.arange(image.lines_per_burst)[:, None] for line in lines], places
            )  # every row holds its number on the common grid
            assert (np.diff(joined[:, 0]) == 1).all()
            assert all(place.row % looks == 0 for place in places)
            for place, burst in zip(places, image.bursts, strict=True):
                assert burst.first_line <= place.first < place.stop <= burst.last_line + 1
        with pytest.raises(ParameterError, match="consecutive"):
            burst_places(image, (image.bursts[0], image.bursts[2]))
        one, other = overlap_lines(image, image.bursts[0], image.bursts[1])
        assert one.stop - one.start == other.stop - other.start > 80
        assert one.start - other.start == round(lines[1])
        with pytest.raises(ParameterError, match="consecutive"):
            overlap_lines(image, image.bursts[0], image.bursts[2])


@pytest.mark.parametrize("noise", [0.0, 0.5])
@pytest.mark.parametrize("planted", [0.005, -0.005])
def test_spectral_diversity_recovers_a_planted_shift(planted, noise):
    """The end of a burst and the beginning of the next one, both misregistered by the same fraction of a line."""
    earlier, later = burst_ramp(centroid=4.0), burst_ramp(centroid=-6.0)
    rng, waves = np.random.default_rng(5), []
    for ramp, lines, seed in ((earlier, (1344, 1480), 1), (later, (2, 138), 2)):
        reference, secondary, geometry = pair(ramp, lines=lines, seed=seed, shift=planted)
        moved = topsar.coregister(secondary, ramp, geometry, shape=reference.shape)
        for image in (reference, moved):
            size = noise * np.sqrt((np.abs(image) ** 2).mean() / 2)
            image += (image != 0) * (rng.normal(size=image.shape) + 1j * rng.normal(size=image.shape)) * size
        part = np.s_[4:-4, 12:-12]
        waves.append(form(reference, moved, geometry, WAVELENGTH)[part])
    difference = (earlier.doppler([1400]) - later.doppler([1400 - 1342]))[0, 12:-12]
    assert 4000 < difference.mean() < 5500
    gamma = 1 / (1 + noise**2)
    overlap = Overlap(*waves, difference, gamma)
    found = enhanced_spectral_diversity([overlap], interval=INTERVAL, window=(8, 24), independent=1.0)
    assert found.lines == pytest.approx(planted, abs=5e-4)
    assert abs(found.lines - planted) < 4 * found.standard_deviation + 5e-5
    if noise:
        assert 3e-5 < found.standard_deviation < 5e-4


def test_spectral_diversity_needs_coherent_overlap():
    with pytest.raises(ParameterError, match="two bursts"):
        enhanced_spectral_diversity([], interval=INTERVAL)
    empty = np.zeros((40, 64), dtype=np.complex64)
    with pytest.raises(ParameterError, match="two bursts"):
        enhanced_spectral_diversity([Overlap(empty, empty, np.full(64, 4500.0), 0.9)], interval=INTERVAL)
