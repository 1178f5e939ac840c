"""Unwrapping gives back whole turns: planes, bowls, noise, gaps, and a real earthquake."""

import tracemalloc

import numpy as np
import pytest

from epi.errors import EmptyScene, ProductError
from epi.insar import filters, product
from epi.insar.readers.files import read_scene
from epi.insar.unwrap import unwrap

WAVELENGTH = product.SENTINEL1_WAVELENGTH_M
ROWS, COLUMNS = np.mgrid[:120, :140].astype(float)
BOWL = 45 * np.exp(-((ROWS - 60) ** 2 + (COLUMNS - 70) ** 2) / 900)


def scene(phase, **more):
    rows, columns = phase.shape
    return product.build(
        {"phase": product.wrap(phase), **more},
        x=100.0 * np.arange(columns),
        y=100.0 * np.arange(rows),
        attrs={"wavelength": WAVELENGTH},
    )


def misfit(ds, phase):
    """Unwrapped minus true phase, in turns, after the one constant that stays unknown."""
    difference = (ds["unwrapped_phase"].to_numpy() - phase) / (2 * np.pi)
    return difference - np.nanmedian(difference)


@pytest.mark.parametrize("phase", [0.6 * COLUMNS - 0.3 * ROWS, BOWL, -BOWL + 0.2 * ROWS], ids=["plane", "bowl", "both"])
def test_clean_fringes_come_back_whole(phase):
    ds = unwrap(scene(phase))
    error = misfit(ds, phase)
    known = np.isfinite(error)
    assert known.mean() > 0.98
    assert np.abs(error[known]).max() < 1e-4


def test_displacement_is_the_phase_with_the_other_sign():
    ds = unwrap(scene(BOWL))
    np.testing.assert_allclose(
        ds["los_displacement"], -WAVELENGTH / (4 * np.pi) * ds["unwrapped_phase"], rtol=1e-5, atol=1e-7
    )
    assert float(ds["los_displacement"].min()) == pytest.approx(-45 * WAVELENGTH / (4 * np.pi), abs=0.01)


def test_the_phase_itself_is_not_changed():
    rng = np.random.default_rng(2)
    ds = unwrap(scene(BOWL + rng.normal(0, 0.4, BOWL.shape)))
    again = product.wrap(ds["unwrapped_phase"] - ds["phase"]).to_numpy()
    assert np.nanmax(np.abs(again)) < 1e-4


def test_noise_costs_few_turns():
    rng = np.random.default_rng(3)
    ds = unwrap(scene(BOWL + rng.normal(0, 0.6, BOWL.shape), coherence=np.full(BOWL.shape, 0.5)))
    error = misfit(ds, BOWL)
    known = np.isfinite(error)
    assert known.mean() > 0.9
    assert (np.abs(error[known]) < 0.5).mean() > 0.995


def test_no_data_stays_no_data():
    phase = BOWL.copy()
    phase[:, :12] = np.nan
    valid, water = np.ones(BOWL.shape, bool), np.zeros(BOWL.shape, bool)
    valid[:9], water[-8:] = False, True
    ds = unwrap(scene(phase, valid=valid, water=water))
    values = ds["unwrapped_phase"].to_numpy()
    assert np.isnan(values[:, :12]).all()
    assert np.isnan(values[:9]).all()
    assert np.isnan(values[-8:]).all()
    assert np.isfinite(values[20:-20, 25:]).mean() > 0.98


def test_pixels_averaged_before_give_the_same_turns():
    for looks in (1, 2, 4):
        ds = unwrap(scene(BOWL / 2), looks=looks)
        assert np.nanmax(np.abs(misfit(ds, BOWL / 2))) < 1e-4
        assert ds.attrs["unwrapping_looks"] == looks


def test_nothing_is_printed(capfd):
    unwrap(scene(BOWL))
    assert capfd.readouterr() == ("", "")


def test_noise_and_emptiness_are_refused():
    with pytest.raises(EmptyScene, match="fringes to follow"):
        unwrap(scene(np.full(BOWL.shape, np.nan)))
    points = product.build({"los_displacement": [0.1]}, x=[0.0], y=[0.0], geometry="points")
    with pytest.raises(ProductError, match="grid with variable phase"):
        unwrap(points)


def test_the_filter_keeps_fringes_and_removes_noise():
    rng = np.random.default_rng(4)
    noisy = np.exp(1j * (BOWL + rng.normal(0, 0.8, BOWL.shape)))
    before = np.abs(np.angle(noisy * np.exp(-1j * BOWL)))
    after = np.abs(np.angle(filters.goldstein(noisy) * np.exp(-1j * BOWL)))
    assert np.median(after) < 0.4 * np.median(before)


def test_the_filter_works_in_strips_at_the_given_precision(monkeypatch):
    rng = np.random.default_rng(4)
    noisy = np.exp(1j * (BOWL + rng.normal(0, 0.8, BOWL.shape)))
    noisy[:9] = 0
    whole = filters.goldstein(noisy)
    monkeypatch.setattr(filters, "STRIP_PIXELS", 1)
    assert np.array_equal(filters.goldstein(noisy), whole)
    single = filters.goldstein(noisy.astype("complex64"))
    assert single.dtype == np.complex64
    assert np.abs(single - whole).max() < 1e-5 * np.abs(whole).max()
    noisy[:9] = np.nan
    assert np.array_equal(filters.goldstein(noisy), whole)


def test_the_filter_holds_two_more_of_what_it_is_given(monkeypatch):
    waves = np.ones((800, 1000), np.complex64)
    monkeypatch.setattr(filters, "STRIP_PIXELS", 2**14)
    tracemalloc.start()
    try:
        filters.goldstein(waves)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3.2 * waves.nbytes


def test_steadiness_tells_fringes_from_noise():
    rng = np.random.default_rng(5)
    steady, rate = filters.steadiness(np.exp(1j * (0.6 * COLUMNS - 0.3 * ROWS)))
    assert steady.min() > 0.999
    assert rate[5:-5, 5:-5] == pytest.approx(0.6)
    noise, _ = filters.steadiness(np.exp(1j * rng.uniform(-np.pi, np.pi, BOWL.shape)))
    assert np.median(noise) < 0.2


def test_lines_that_interpolation_left_along_the_wraps_are_found():
    wrapped = product.wrap(0.3 * COLUMNS)
    broken = (wrapped[:, 1:] + wrapped[:, :-1]) / 2  # halfway between pixels, as plain numbers
    truth = 0.3 * (COLUMNS[:, 1:] - 0.5)
    fringes, belongs = filters.robust_fringes(broken)
    inner = np.s_[20:-20, 20:-20]
    assert np.abs(np.angle(fringes * np.exp(-1j * truth)))[inner].max() < 0.2
    wrong = np.abs(product.wrap(broken - truth)) > 1.0
    assert wrong.any()
    assert not (belongs & wrong)[inner].any()


def test_multilook_sums_incomplete_blocks():
    assert filters.block_sums(np.ones((3, 5)), (2, 2)).tolist() == [[4, 4, 2], [2, 2, 1]]
    assert filters.block_sums(np.ones((3, 5)), (1, 3)).tolist() == 3 * [[3, 2]]


def test_the_wrapped_thessaly_interferogram_agrees_with_the_unwrapped_one(shared_data):
    folder, look = shared_data / "scenes" / "thessaly_2021", {"incidence": 39.0, "heading": -13.0}
    wrapped = read_scene(folder / "greece.diff", quantity="wrapped", positive="away", wavelength=WAVELENGTH, **look)
    published = read_scene(folder / "greece.unw", units="m", positive="away", **look)
    # its metres are a tenth of a wavelength a radian: undone here
    truth = -published["los_displacement"].to_numpy() * 10 / WAVELENGTH
    error = misfit(unwrap(wrapped), truth)
    known, core = np.isfinite(error), truth > 15
    assert known.mean() > 0.9
    assert (np.abs(error[known]) < 0.5).mean() > 0.999
    assert known[core].mean() > 0.85
    assert (np.abs(error[known & core]) < 0.5).mean() > 0.97
