"""The answers that cost nothing."""

from dataclasses import replace

import numpy as np
import pytest

from epi.errors import ProductError
from epi.insar import product
from epi.learn import constant, copy_centre, errors_km, labels, nearest_neighbour, peak_los
from epi.learn.baselines import fringe_map
from epi.patches import cut
from marked_scenes import marked, marked_patches
from patch_scenes import plane_scene


def test_copying_the_centre_errs_by_the_distance():
    patches = marked_patches(range(3), size_km=24, pixels=24)
    np.testing.assert_allclose(errors_km(copy_centre(patches), labels(patches)), patches.table["distance_km"])


def test_constant_is_the_training_median():
    training = marked_patches(range(5), size_km=24, pixels=24)
    np.testing.assert_allclose(constant(training, training.take([0, 1]))[1], np.median(labels(training), axis=0))


def test_a_patch_is_its_own_nearest_neighbour():
    patches = marked_patches(range(4), size_km=24, pixels=24)
    rough = replace(patches, i=np.random.default_rng(0).standard_normal(patches.i.shape).astype(np.float32))
    np.testing.assert_allclose(nearest_neighbour(rough, rough), labels(rough))


def test_fringe_map_is_the_slope_of_the_phase():
    patches = cut(plane_scene(60, turns_a_km=0.1), size_km=10, pixels=20)
    np.testing.assert_allclose(fringe_map(patches, 4), 2 * np.pi * 0.1 * 0.5, rtol=1e-4)


def test_peak_is_found_where_it_is():
    scene, spot = marked(3)
    east, north = np.meshgrid(scene["x"] / 1000, scene["y"] / 1000)
    bowl = -0.3 * np.exp(-((east - spot[0]) ** 2 + (north - spot[1]) ** 2) / 50) + 0.02
    bowl[0, :] = np.nan
    scene = product.add(scene, {"los_displacement": bowl})
    patches = cut(scene, size_km=48, pixels=48, epicentre=spot)
    np.testing.assert_allclose(peak_los(scene, patches), labels(patches), atol=1e-6)
    parts = cut(scene, size_km=24, pixels=24, epicentre=spot)
    holding = (np.abs(labels(parts)) < 12).all(1)
    np.testing.assert_allclose(peak_los(scene, parts)[holding], labels(parts)[holding], atol=1e-6)
    assert (np.abs(peak_los(scene, parts)) <= 12).all()


def test_peak_needs_the_displacement():
    scene, _ = marked(3)
    with pytest.raises(ProductError, match="unwrap the scene first"):
        peak_los(scene, cut(scene, size_km=24, pixels=24))
