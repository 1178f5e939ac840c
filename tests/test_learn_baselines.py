"""The answers that cost nothing."""

import numpy as np
import pandas as pd
import pytest

from epi.errors import ProductError
from epi.insar import product
from epi.learn import copy_centre, errors_km, labels, nearest_in_stream, peak_los, steepest
from epi.learn.baselines import fringe_map
from epi.patches import Patches, cut
from epi.simulate.stream import stream
from marked_scenes import marked, marked_patches
from patch_scenes import plane_scene


def test_copying_the_centre_errs_by_the_distance():
    patches = marked_patches(range(3), size_km=24, pixels=24)
    np.testing.assert_allclose(errors_km(copy_centre(patches), labels(patches)), patches.table["distance_km"])


def test_a_patch_of_the_stream_is_its_own_nearest_neighbour():
    block = next(stream(4, pixels=64))
    holding = block.take((np.abs(block.offset_km) < 12.8).all(1))
    table = pd.DataFrame({"size_km": np.full(len(holding), 25.6)})
    phasor = holding.interferogram
    patches = Patches(table, holding.coherence, phasor.real.copy(), phasor.imag.copy())
    found = np.abs(nearest_in_stream([block], patches) - holding.offset_km).max(1) < 1e-5
    assert found.mean() > 0.9  # but where several have next to no data


def test_fringe_map_is_the_slope_of_the_phase():
    patches = cut(plane_scene(60, turns_a_km=0.1), size_km=10, pixels=20)
    np.testing.assert_allclose(fringe_map(patches, 4), 2 * np.pi * 0.1 * 0.5, rtol=1e-4)


def test_the_steepest_square_is_where_the_phase_turns():
    """Fringes in one corner only; noise in another is not taken for fringes."""
    scene = plane_scene(60, turns_a_km=0.02)
    east, north = np.meshgrid(scene["x"] / 1000, scene["y"] / 1000)
    phase = 1.5 * np.where((east > 5) & (north > 5), east, 0)
    noisy = (east < -5) & (north < -5)
    phase = np.where(noisy, np.random.default_rng(0).uniform(-np.pi, np.pi, phase.shape), phase)
    changed = product.add(scene, {"i": np.cos(phase), "q": np.sin(phase), "coherence": np.where(noisy, 0.1, 0.8)})
    ((found_east, found_north),) = steepest(cut(changed, size_km=30, pixels=60), cells=6)
    assert found_east > 5
    assert found_north > 5


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
