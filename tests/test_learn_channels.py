"""What the network sees of a patch."""

import numpy as np
import pytest

from epi.errors import MissingConvention
from epi.insar import product
from epi.learn import CHANNELS, inputs, labels
from epi.patches import cut
from patch_scenes import plane_scene


@pytest.fixture(scope="module")
def patches():
    return cut(plane_scene(60, turns_a_km=0.1), size_km=10, pixels=20, epicentre=(39.8, 22.3))


def channel(patches, name):
    return inputs(patches).numpy()[:, CHANNELS.index(name)]


def test_shape_type_and_order(patches):
    seen = inputs(patches)
    assert tuple(seen.shape) == (25, len(CHANNELS), 20, 20)
    assert seen.dtype.is_floating_point
    assert np.isfinite(seen.numpy()).all()


def test_cosine_and_sine_are_of_unit_length(patches):
    np.testing.assert_allclose(channel(patches, "cosine") ** 2 + channel(patches, "sine") ** 2, 1, rtol=1e-5)
    np.testing.assert_allclose(channel(patches, "coherence"), 0.8, rtol=1e-5)


def test_the_steps_are_the_slope_of_the_phase(patches):
    """A plane of 0.1 turns a km rising to the east: 2π x 0.1 x 0.5 rad from pixel to pixel, nothing to the north."""
    east, north = channel(patches, "turn_east"), channel(patches, "turn_north")
    np.testing.assert_allclose(east[:, :, 1:], 2 * np.pi * 0.1 * 0.5, rtol=1e-4)
    np.testing.assert_allclose(north, 0, atol=1e-5)


def test_north_is_up():
    scene = plane_scene(60)
    north = np.meshgrid(scene["x"], scene["y"])[1] / 1000
    phase = 0.3 * north
    rising = product.add(scene, {"phase": product.wrap(phase)}).drop_vars(["i", "q"])
    patches = cut(rising, size_km=10, pixels=20)
    np.testing.assert_allclose(channel(patches, "turn_north")[:, 1:], 0.15, rtol=1e-3)


def test_holes_are_zero_in_the_phase():
    valid = np.ones((60, 60), bool)
    valid[:, 20:30] = False
    patches = cut(plane_scene(60, valid=valid), size_km=10, pixels=20, overlap=0)
    hole = (patches.i == 0) & (patches.q == 0)
    assert hole.any()
    for name in ("cosine", "sine", "coherence", "turn_east", "turn_north", "data"):
        assert (channel(patches, name)[hole] == 0).all()
    assert (channel(patches, "data")[~hole] == 1).all()


def test_look_vector_fills_its_channels(patches):
    east, north, _ = product.look_vector(39.0, -13.0)
    np.testing.assert_allclose(channel(patches, "look_east"), east, rtol=1e-6)
    np.testing.assert_allclose(channel(patches, "look_north"), north, rtol=1e-6)


def test_without_a_look_vector_the_error_says_what_to_state():
    blind = cut(plane_scene(60).drop_vars(list(product.LOOK)), size_km=10, pixels=20)
    with pytest.raises(MissingConvention, match=r"state incidence and heading \(or the pass\)"):
        inputs(blind)


def test_labels_are_the_offsets(patches):
    np.testing.assert_array_equal(labels(patches), patches.table[["offset_east_km", "offset_north_km"]])
