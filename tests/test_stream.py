"""The stream of simulated patches: what is said of a patch is true of it."""

import numpy as np
import pytest

from epi.insar.product import look_vector
from epi.simulate.stream import BLOCK, Weather, stream

CALM = Weather(
    magnitude=(6.6, 6.8), depth_km=(9.0, 10.0), atmosphere_m=(1e-6, 2e-6), stratified=0.0, ramp_m=0.0, quiet=0.0
)


@pytest.fixture(scope="module")
def block():
    return next(stream(3, pixels=64))


@pytest.fixture(scope="module")
def calm():
    return next(stream(5, pixels=64, spacing_km=0.8, weather=CALM))


def test_a_block_depends_on_its_number_alone(block):
    later = stream(3, first=0, pixels=64)
    assert np.array_equal(next(later).interferogram, block.interferogram)
    second = next(later)
    assert np.array_equal(second.interferogram, next(stream(3, first=1, pixels=64)).interferogram)
    assert not np.array_equal(second.interferogram, block.interferogram)


def test_pixels_are_unit_phasors_or_no_data(block):
    assert len(block) == BLOCK
    length = np.abs(block.interferogram)
    data = length > 0
    np.testing.assert_allclose(length[data], 1, rtol=1e-5)
    assert (block.coherence[~data] == 0).all()
    assert (block.coherence[data] > 0).all()
    assert 0.02 < 1 - data.mean() < 0.5
    assert data.any((1, 2)).all()


def test_quiet_patches_hold_no_earthquake(block):
    quiet = np.isnan(block.magnitude)
    assert 0.02 < quiet.mean() < 0.3
    assert np.isnan(block.offset_km[quiet]).all()
    assert (block.peak_m[quiet] == 0).all()
    assert np.isfinite(block.offset_km[~quiet]).all()
    assert (block.peak_m[~quiet] > 0).all()


def test_satellites_look_as_sentinel_1_does(block):
    steepest, flattest = (np.hypot(*look_vector(angle, -13.0)[:2]) for angle in (29.0, 46.0))
    across = np.hypot(*block.look.T)
    assert (across >= steepest - 1e-5).all()
    assert (across <= flattest + 1e-5).all()
    assert 0.3 < (block.look[:, 0] < 0).mean() < 0.7  # ascending: the satellite is in the west


def test_ground_moves_about_the_centroid(calm):
    """Without air, the phase turns fastest near the epicentre, and a mirrored label would point the wrong way."""
    turn = np.abs(np.angle(calm.interferogram[:, 1:, 1:] * calm.interferogram[:, 1:, :-1].conj()))
    turn += np.abs(np.angle(calm.interferogram[:, 1:, 1:] * calm.interferogram[:, :-1, 1:].conj()))
    place = (np.arange(63) - 31) * 0.8
    weight = np.clip(turn * calm.coherence[:, 1:, 1:] - 0.5, 0, None)
    inside = (np.abs(calm.offset_km) < 12).all(1) & (weight.sum((1, 2)) > 0)
    assert inside.sum() > 20
    weight = weight / np.maximum(weight.sum((1, 2), keepdims=True), 1e-9)
    east, north = (weight * place[None, None, :]).sum((1, 2)), (weight * -place[None, :, None]).sum((1, 2))
    for found, known in ((east, calm.offset_km[:, 0]), (north, calm.offset_km[:, 1])):
        assert np.corrcoef(found[inside], known[inside])[0, 1] > 0.5


def test_one_earthquake_is_seen_from_many_sides(calm):
    """Sixteen patches share a magnitude, and no two of them look alike."""
    values, counts = np.unique(calm.magnitude, return_counts=True)
    assert (counts == 16).all()
    alike = calm.interferogram[calm.magnitude == values[0]]
    agreement = np.abs((alike[0] * alike[1:].conj()).mean((1, 2)))
    assert (agreement < 0.9).all()
