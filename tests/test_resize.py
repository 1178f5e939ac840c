"""Averaging of complex pixels: exact means, holes, and why a wrapped phase is never averaged."""

import numpy as np
import pytest

from epi.errors import ProductError
from epi.insar import product
from epi.patches import area_mean
from epi.patches.resize import interferogram, phase_agreement
from patch_scenes import plane_scene


def test_whole_factor_is_the_block_mean():
    values = np.random.default_rng(0).standard_normal((12, 12))
    mean, known = area_mean(values, np.ones((12, 12), bool), 4)
    assert known.all()
    np.testing.assert_allclose(mean, values.reshape(4, 3, 4, 3).mean((1, 3)), rtol=1e-12)


@pytest.mark.parametrize("pixels", [1, 5, 7, 11, 30])
def test_any_factor_keeps_the_mean_and_a_plane(pixels):
    """By area nothing is gained or lost, and a plane stays the plane at the centres of the new pixels."""
    rows, columns = np.mgrid[0:11, 0:11] + 0.5
    plane = 2 * rows - 3 * columns
    mean, _ = area_mean(plane, np.ones((11, 11), bool), pixels)
    assert mean.mean() == pytest.approx(plane.mean())
    if pixels <= 11:
        centres = (np.arange(pixels) + 0.5) * 11 / pixels
        if 11 % pixels == 0:
            np.testing.assert_allclose(mean, 2 * centres[:, None] - 3 * centres[None, :], atol=1e-12)


def test_holes_do_not_count_and_half_a_hole_is_no_data():
    values = np.ones((4, 4))
    values[0, 0] = np.nan
    valid = np.isfinite(values)
    mean, known = area_mean(values, valid, 2)
    np.testing.assert_array_equal(mean, np.ones((2, 2)))
    valid[:2, :2] = [[False, False], [False, True]]
    mean, known = area_mean(values, valid, 2)
    assert not known[0, 0]
    assert mean[0, 0] == 0
    assert known.sum() == 3


def test_averaged_phasor_keeps_a_ramp_where_averaged_phase_does_not():
    """A ramp through ±π: the phase of the mean phasor is the ramp; the mean of the wrapped phase is off by up to π."""
    ramp = np.tile(np.linspace(0, 6 * np.pi, 64), (64, 1))
    wrapped = np.angle(np.exp(1j * ramp))
    all_valid = np.ones_like(ramp, bool)
    true, _ = area_mean(ramp, all_valid, 16)
    phasor, _ = area_mean(np.exp(1j * wrapped), all_valid, 16)
    averaged, _ = area_mean(wrapped, all_valid, 16)

    def error(phase):
        return np.abs(np.angle(np.exp(1j * (phase - true)))).max()

    assert error(np.angle(phasor)) < 1e-6
    assert error(averaged) > 1.0


def test_interferogram_of_each_kind_of_product():
    scene = plane_scene()
    np.testing.assert_allclose(np.angle(interferogram(scene)), scene["phase"], atol=1e-5)
    only_phase = scene.drop_vars(["i", "q"])
    np.testing.assert_allclose(interferogram(only_phase), np.exp(1j * scene["phase"].to_numpy()), atol=1e-6)
    unwrapped = scene.drop_vars(["i", "q", "phase"]).assign(unwrapped_phase=scene["phase"] + 6 * np.pi)
    np.testing.assert_allclose(np.angle(interferogram(unwrapped)), scene["phase"], atol=1e-5)
    los = product.los_displacement(unwrapped["unwrapped_phase"], wavelength=product.SENTINEL1_WAVELENGTH_M)
    moved = unwrapped.drop_vars("unwrapped_phase").assign(los_displacement=los)
    np.testing.assert_allclose(np.angle(interferogram(moved)), scene["phase"], atol=1e-4)
    with pytest.raises(ProductError, match=r"need i and q, a phase or los_displacement; the product holds coherence"):
        interferogram(scene.drop_vars(["i", "q", "phase"]))


def test_phase_agreement_tells_noise_from_signal():
    rng = np.random.default_rng(1)
    valid = np.ones((80, 80), bool)
    smooth = np.exp(1j * np.linspace(0, 4 * np.pi, 80))[None, :] * np.ones((80, 1))
    noise = np.exp(2j * np.pi * rng.random((80, 80)))
    assert phase_agreement(smooth, valid).min() > 0.9
    assert phase_agreement(noise, valid).mean() < 0.3
    holed = np.where(np.arange(80) < 40, smooth, np.nan)
    inside = phase_agreement(holed, np.isfinite(holed))[:, :38]
    np.testing.assert_allclose(inside[:, 4:], phase_agreement(smooth, valid)[:, 4:38], atol=0.05)
