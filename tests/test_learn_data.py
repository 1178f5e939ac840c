"""What the network learns from, and the scenes it is tested on."""

import itertools

import numpy as np
import pytest
import torch

from epi.errors import ParameterError
from epi.learn import CHANNELS, Batches, Settings, gridded, inputs, labels, quiet_scene, recipe_scene, scenes
from epi.simulate import recipe
from epi.simulate.stream import BLOCK, stream

SMALL = {"pixels": 64, "size_km": 25.6}


def first(number, **options):
    return list(itertools.islice(Batches(7, batch=BLOCK // 4, **SMALL, **options), number))


@pytest.fixture(scope="module")
def six():
    return first(6)


def test_batches_are_the_stream_in_order(six):
    block = next(stream(7, pixels=64, spacing_km=0.4))
    np.testing.assert_array_equal(torch.cat([offset for _, offset, _, _ in six[:4]]), block.offset_km)
    np.testing.assert_array_equal(six[1][0][:, CHANNELS.index("coherence")], block.coherence[64:128])


@pytest.mark.parametrize("number", [1, 4, 5])
def test_a_stream_is_taken_up_anywhere(six, number):
    taken = next(iter(Batches(7, batch=BLOCK // 4, first=number, **SMALL)))
    assert all(torch.equal(part, known) for part, known in zip(taken[::3], six[number][::3], strict=True))


def test_workers_do_not_change_what_is_drawn(six):
    shared = first(6, workers=2)
    assert all(torch.equal(one[0], other[0]) for one, other in zip(six, shared, strict=True))


def test_a_batch_must_divide_a_block():
    with pytest.raises(ParameterError, match=r"Batches of 100 patches were asked: give a divisor of 256\."):
        Batches(0, batch=100, **SMALL)


def test_a_scene_depends_on_its_seed_alone():
    once = list(scenes(recipe_scene, [20_001, 20_002]))
    alone = recipe_scene(20_002)
    assert [scene.seed for scene in once] == [20_001, 20_002]
    assert once[1].product.equals(alone.product)
    assert once[1].centroid == alone.centroid


def test_scenes_are_those_of_the_recipe_and_labelled_with_their_centroid():
    made, drawn = recipe.scene(10_003, recipe.UNSEEN)
    scene = recipe_scene(10_003)
    assert scene.product.equals(made.product)
    assert scene.centroid == drawn.rupture.centroid[:2]
    assert scene.peak_m == recipe.peak_los(made)
    grid = gridded(scene)
    assert grid.i.shape == (9, 128, 128)
    places = grid.table[["center_east_km", "center_north_km"]].to_numpy() + labels(grid)
    np.testing.assert_allclose(places, np.tile(scene.centroid, (9, 1)), atol=1e-9)


def test_patches_of_a_scene_look_like_those_of_the_stream():
    """The same pixel size, the same range in every channel, so that what was learned applies."""
    seen, drawn = inputs(gridded(recipe_scene(10_004))), first(1)[0][0]
    assert Settings().size_km / Settings().pixels == pytest.approx(recipe.SPACING_M / 1000)
    for name in CHANNELS:
        one, other = (part[:, CHANNELS.index(name)] for part in (seen, drawn))
        assert one.min() >= other.min() - 0.1, name
        assert one.max() <= other.max() + 0.1, name


def test_quiet_scenes_have_no_label():
    scene = quiet_scene(10_005)
    assert np.isnan(scene.magnitude)
    assert scene.peak_m == 0
    assert np.isnan(labels(gridded(scene))).all()
