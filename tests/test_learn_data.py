"""What the network learns from: the simulated earthquakes and their views."""

import numpy as np
import pytest

from epi.learn import CHANNELS, Views, gridded, labels, recipe_scene, scenes, training_scene, whole
from epi.simulate import recipe
from marked_scenes import marked_patches


@pytest.fixture(scope="module")
def marks():
    return marked_patches(range(6))


def test_the_label_of_every_view_points_at_the_spot(marks):
    """Crops and mirrors move the spot of coherence 1 and the label alike."""
    middle = (32 - 1) / 2
    seen = 0
    for image, offset in (Views(marks, views=60, pixels=32, seed=1)[n] for n in range(60)):
        coherence = image[CHANNELS.index("coherence")].numpy()
        if coherence.max() == 1:
            row, column = np.unravel_index(coherence.argmax(), coherence.shape)
            np.testing.assert_allclose(offset.numpy(), [column - middle, middle - row], atol=1e-4)
            seen += 1
    assert seen > 30


def test_mirrors_turn_the_phase_and_the_look_vector_together(marks):
    """Slopes are positive and looks southward in the scenes: mirrors and the sign give all eight combinations."""
    turned = set()
    names = ("turn_east", "turn_north", "look_east", "look_north")
    table = marks.table.set_index("event")
    for image, _ in (Views(marks, views=80, pixels=32, seed=2)[n] for n in range(80)):
        east, north, look_e, look_n = (float(np.median(image[CHANNELS.index(name)])) for name in names)
        heads = table.loc[np.isclose(table["look_east"].abs(), abs(look_e)), "look_east"]
        assert len(heads)
        mirrored_n = look_n > 0  # every scene's look points south
        turned.add((mirrored_n, bool(np.sign(east) == np.sign(north)), bool(look_e > 0)))
    assert len(turned) == 8


def test_views_are_numbered_not_random(marks):
    first, again, other = (Views(marks, views=4, pixels=32, seed=seed) for seed in (3, 3, 4))
    assert all((first[n][0] == again[n][0]).all() for n in range(4))
    assert not (first[0][0] == other[0][0]).all()
    assert len(first) == 4
    with pytest.raises(IndexError):
        first[4]


def test_a_scene_depends_on_its_seed_alone():
    once = list(scenes(training_scene, [20_001, 20_002]))
    alone = training_scene(20_002)
    assert [scene.seed for scene in once] == [20_001, 20_002]
    assert once[1].product.equals(alone.product)
    assert once[1].centroid == alone.centroid


def test_training_scenes_are_visible_and_labelled_with_their_centroid():
    scene = training_scene(20_003)
    los = scene.product["los_displacement"].to_numpy()
    assert np.nanmax(np.abs(los - np.nanmedian(los))) > recipe.PEAK_LOS_M / 2
    patch, grid = whole(scene), gridded(scene)
    assert patch.i.shape == (1, 100, 100)
    assert grid.i.shape == (9, 64, 64)
    np.testing.assert_allclose(labels(patch)[0], scene.centroid, atol=1e-9)
    np.testing.assert_allclose(
        grid.table[["epicenter_east_km", "epicenter_north_km"]].to_numpy(), np.tile(scene.centroid, (9, 1))
    )


def test_reported_scenes_are_those_of_the_frozen_recipe():
    made, drawn = recipe.scene(3)
    scene = recipe_scene(3)
    assert scene.product.equals(made.product)
    assert scene.centroid == drawn.rupture.centroid[:2]
    assert scene.event == "simulated-000003"
