"""Forming, averaging and judging interferograms, against arithmetic written out."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epi.errors import ParameterError
from epi.insar.geometry.terrain import read_dem
from epi.insar.geometry.zero_doppler import BurstGeometry, burst_bounds
from epi.insar.slc.annotation_xml import read_annotation
from epi.insar.slc.matching import BurstPair
from epi.insar.topsar import bursts
from epi.insar.topsar.bursts import looked_burst
from epi.insar.topsar.interferogram import (
    coherence,
    form,
    look_pixels,
    looks_for,
    multilook,
    window_sums,
)
from epi.insar.topsar.ramp import Ramp, reramp

WAVELENGTH = 0.05546576


def noise(shape, seed=0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def geometry_of(shape, difference, step=(7, 30), first=(0, 0)):
    """Nodes over an image, with a range difference given as a function of line and sample."""
    lines, samples = (f + np.arange(0, size + s, s) for f, size, s in zip(first, shape, step, strict=True))
    row, column = np.meshgrid(lines - first[0], samples - first[1], indexing="ij")
    values = difference(row.astype(float), column.astype(float))
    return BurstGeometry(lines, samples, *(np.zeros_like(values) for _ in range(5)), values)


def plane(line, sample):
    return 3.0 + 0.004 * line - 0.011 * sample


@pytest.fixture(scope="module")
def images():
    shape = (150, 700)
    one = noise(shape)
    other = (0.8 * one + 0.6 * noise(shape, 1)).astype(np.complex64)
    other[:, :9] = 0
    one[140:] = 0
    return one, other


def test_form_takes_off_the_phase_of_range(images):
    one, other = images
    waves = form(one, other, geometry_of(one.shape, plane), WAVELENGTH)
    line, sample = np.meshgrid(*map(np.arange, one.shape), indexing="ij")
    exact = one * other.conj() * np.exp(-4j * np.pi / WAVELENGTH * plane(line, sample))
    assert np.abs(waves - exact).max() < 2e-4 * np.abs(exact).max()
    assert ((waves == 0) == ((one == 0) | (other == 0))).all()


def test_motion_away_is_positive_phase():
    """A secondary 5 mm farther than its geometry says."""
    shape, known = (20, 64), 2.0
    scene = noise(shape)
    reference = scene * np.exp(-4j * np.pi / WAVELENGTH * 800e3)
    secondary = scene * np.exp(-4j * np.pi / WAVELENGTH * (800e3 + known + 0.005))
    geometry = geometry_of(shape, lambda line, sample: known + 0 * line)
    waves = form(reference.astype(np.complex64), secondary.astype(np.complex64), geometry, WAVELENGTH)
    assert np.angle(waves.sum()) == pytest.approx(4 * np.pi / WAVELENGTH * 0.005, abs=1e-3)


def test_form_in_place_by_parts_and_from_a_later_node(images):
    one, other = images
    whole = form(one, other, geometry_of(one.shape, plane), WAVELENGTH)
    space = other.copy()
    assert form(one, space, geometry_of(one.shape, plane), WAVELENGTH, out=space) is space
    assert np.array_equal(space, whole)
    part = form(one[50:90], other[50:90], geometry_of(one.shape, plane), WAVELENGTH, first_line=50)
    assert np.array_equal(part, whole[50:90])
    later = form(one, other, geometry_of(one.shape, plane, first=(300, 4000)), WAVELENGTH)
    assert np.array_equal(later, whole)


def test_form_without_a_place_is_no_data(images):
    one, other = images
    geometry = geometry_of(one.shape, plane)
    geometry.range_difference[3, 4] = np.nan
    gone = (form(one, other, geometry, WAVELENGTH) == 0) & (one != 0) & (other != 0)
    line, sample = np.nonzero(gone)
    assert 14 <= line.min() < line.max() <= 28
    assert 90 <= sample.min() < sample.max() < 150


def test_form_refuses_what_does_not_fit(images):
    one, other = images
    with pytest.raises(ParameterError, match="coregister"):
        form(one, other[:-1], geometry_of(one.shape, plane), WAVELENGTH)
    with pytest.raises(ParameterError, match="geometry of the whole image"):
        form(one, other, geometry_of((100, 700), plane), WAVELENGTH)


@settings(max_examples=15, deadline=None)
@given(
    window=st.tuples(st.integers(1, 9), st.integers(1, 30)),
    looks=st.tuples(st.integers(1, 5), st.integers(1, 20)),
)
def test_coherence_is_what_it_says(window, looks):
    shape = (33, 90)
    one, other = noise(shape), noise(shape, 1)
    other[:, 40:45] = 0
    waves = one * other.conj()
    found = coherence(one, other, waves, window=window, looks=looks)
    assert found.shape == (shape[0] // looks[0], shape[1] // looks[1])
    assert np.nanmin(found) >= 0
    assert np.nanmax(found) <= 1
    for row, column in ((0, 0), (found.shape[0] // 2, found.shape[1] // 2), (found.shape[0] - 1, found.shape[1] - 1)):
        top, left = (
            int(np.floor((cell + 0.5) * look - size / 2))
            for cell, look, size in zip((row, column), looks, window, strict=True)
        )
        part = np.s_[max(top, 0) : max(top + window[0], 0), max(left, 0) : max(left + window[1], 0)]
        power = (np.abs(one[part]) ** 2 * (waves[part] != 0)).sum() * (np.abs(other[part]) ** 2).sum()
        if power == 0:
            assert np.isnan(found[row, column])
        else:
            assert found[row, column] == pytest.approx(np.abs(waves[part].sum()) / np.sqrt(power), abs=2e-5)


def test_coherence_of_known_noise_and_its_bias():
    shape = (400, 400)
    one, noisy = noise(shape), noise(shape, 1)
    alike = (0.7 * one + np.sqrt(1 - 0.49) * noisy).astype(np.complex64)
    assert coherence(one, alike, one * alike.conj(), window=(20, 20)).mean() == pytest.approx(0.7, abs=0.01)
    flattered = coherence(one, noisy, one * noisy.conj(), window=(5, 10))[10:-10, 10:-10].mean()
    assert flattered == pytest.approx(np.sqrt(np.pi / 4 / 50), rel=0.05)
    assert np.isnan(coherence(one * 0, noisy, one * 0, window=(3, 3))).all()


def test_multilook_averages_what_holds_data():
    values = np.arange(24, dtype=float).reshape(4, 6)
    assert np.array_equal(multilook(values, (2, 3)), [[4, 7], [16, 19]])
    assert multilook(values, (3, 4)).shape == (1, 1)
    values[0, :3] = np.nan
    assert multilook(values, (2, 3))[0, 0] == 7
    values[1, 0] = np.nan
    assert np.isnan(multilook(values, (2, 3))[0, 0])
    waves = np.array([[1 + 1j, 0], [3 - 1j, 2 + 0j]], dtype=np.complex64)
    assert multilook(waves, (2, 2)) == pytest.approx(2)
    assert multilook(waves, (2, 2)).dtype == np.complex64


def test_by_blocks_equals_the_whole(images):
    one, other = images
    geometry = geometry_of(one.shape, plane)
    looks, window = (4, 12), (7, 20)
    sums, alike = look_pixels(one, other, geometry, WAVELENGTH, looks=looks, window=window)
    waves = form(one, other, geometry, WAVELENGTH)
    assert np.allclose(alike, coherence(one, other, waves, window=window, looks=looks), atol=1e-5, equal_nan=True)
    mean = multilook(waves, looks)
    enough = sums.count >= 24
    assert enough.any()
    assert not enough.all()
    assert np.allclose(sums.interferogram[enough] / sums.count[enough], mean[enough], atol=1e-4)
    assert np.isnan(mean[~enough]).all()
    known = np.where((one != 0) & (other != 0), np.abs(other) ** 2, 0)
    cells = known[:148, :696].reshape(37, 4, 58, 12).sum(axis=(1, 3))
    assert np.allclose(sums.power_secondary, cells, rtol=1e-4, atol=1e-3)


def test_windows_must_be_whole_pixels(images):
    one, other = images
    with pytest.raises(ParameterError, match="at least 1"):
        window_sums(one, other, one, window=(0, 4))
    with pytest.raises(ParameterError, match="one shape"):
        window_sums(one, other[:-1], one, window=(2, 4))


def test_looks_make_square_pixels_on_the_ground():
    """A grid of tie points on a meridian at the equator: one line is 14 m, one sample 4 m."""
    lines = np.array([0, 1000])
    grid = SimpleNamespace(
        line=np.tile(lines[:, None], (1, 3)),
        azimuth_time=np.datetime64("2020-01-01", "ns") + np.tile(lines[:, None], (1, 3)) * np.timedelta64(2, "ms"),
        latitude=np.tile(lines[:, None] * 14 / 110574.4, (1, 3)),
        longitude=np.zeros((2, 3)),
        incidence_angle=np.full((2, 3), np.rad2deg(np.arcsin(2.33 / 4))),
    )
    image = SimpleNamespace(grid=grid, azimuth_time_interval=2e-3, range_spacing=2.33)
    assert looks_for(image, 56.0) == (4, 14)
    assert looks_for(image, 20.0) == (1, 5)
    assert looks_for(image, 1.0) == (1, 1)


def test_looks_of_real_images(shared_data):
    """The annotations give 13.9 to 14.0 m a line and 2.33 m a sample in slant range."""
    expected = {"iw1": (4, 12), "iw2": (4, 14), "iw3": (4, 15)}
    for path in (shared_data / "slc" / "morocco_2023_annotations").glob("*.SAFE/annotation/*.xml"):
        image = read_annotation(ElementTree.parse(path).getroot(), product="", track=52, source=path.name)
        assert looks_for(image, 50.0) == expected[path.name[4:7]]


def test_an_image_with_itself_has_no_fringes(shared_data, monkeypatch):
    """A real burst's orbit and ground, cut to 200 x 900 pixels of noise: every place is its own, and coherence is 1."""
    folder = shared_data / "slc" / "morocco_2023_annotations"
    path = next(folder.glob("*20230904*.SAFE/annotation/*iw1*.xml"))
    whole = read_annotation(ElementTree.parse(path).getroot(), product="", track=52, source=path.name)
    burst = replace(whole.bursts[0], first_line=10, last_line=189, first_sample=20, last_sample=879)
    image = replace(whole, lines_per_burst=200, samples_per_burst=900, bursts=(burst,))
    pixels = noise((200, 900))
    pixels[:10] = pixels[190:] = 0
    pixels[:, :20] = pixels[:, 880:] = 0
    ramp = Ramp.of(image, burst)
    f, g = np.fft.fftfreq(200)[:, None], np.fft.fftfreq(900)
    band = (np.abs(f) < ramp.azimuth_band[0] / 2) & (np.abs(g) < ramp.range_band[0] / 2)
    pixels = reramp(np.fft.ifft2(np.fft.fft2(pixels) * band).astype(np.complex64), ramp)
    monkeypatch.setattr(bursts, "read_burst", lambda image, number, *, lines=slice(None), dataset: pixels[lines])
    monkeypatch.setattr(bursts, "open_pixels", lambda image: nullcontext())
    dem = read_dem(
        folder / "dem_iw1_burst1.tif", bounds=burst_bounds(image, burst, heights=(0.0, 3000.0)), datum="ellipsoid"
    )
    made = looked_burst(BurstPair(image, burst, image, burst), dem, looks=(4, 12), window=(4, 20))
    known = np.isfinite(made.coherence)
    assert known.shape == made.grid.shape == (50, 75)
    assert 0.8 < known.mean() < 0.95
    assert made.coherence[known].min() > 0.999
    assert np.abs(np.angle(made.interferogram[known])).max() < 0.01
    assert made.intensity_reference[known] == pytest.approx(made.intensity_secondary[known], rel=0.05)
    inside = np.abs(pixels[24:176, 48:840]) ** 2
    assert made.intensity_reference[6:44, 4:70] == pytest.approx(
        inside.reshape(38, 4, 66, 12).mean(axis=(1, 3)), rel=1e-3
    )
    assert set(made.fields()) == {"interferogram", "coherence", "intensity_reference", "intensity_secondary"}
    assert made.grid.second_step == pytest.approx(4 * image.azimuth_time_interval)
    first = made.grid.first_range - image.near_range
    assert first == pytest.approx(5.5 * image.range_spacing)
