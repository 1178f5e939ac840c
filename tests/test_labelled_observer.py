"""The observer who knows the earthquake: filters have the spread and the reach that are said of them."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import norm

from conftest import ROOT
from epi.errors import ParameterError
from epi.learn.detect.data import block_of
from epi.learn.detect.rows import TEST_SEED
from epi.simulate.atmosphere import OUTER_SCALE_KM
from epi.simulate.labelled import FROZEN, sky
from epi.simulate.labelled.observer import FREE_M, matched_filter

sys.path.insert(0, str(ROOT / "tests" / "bench"))
import bench_bound

PIXELS, SPACING_KM = 24, 2.0
ROW, COLUMN = np.mgrid[:PIXELS, :PIXELS]
MOVED = 0.04 * np.exp(-((ROW - 11) ** 2 + (COLUMN - 9) ** 2) / 18.0)
EVERYWHERE = np.ones((PIXELS, PIXELS), bool)
ERROR = np.full((PIXELS, PIXELS), 0.004)


def filtered(moved=MOVED, valid=EVERYWHERE, **changed):
    named = {"air_m": 0.01, "error_m": ERROR, "spacing_km": SPACING_KM} | changed
    return matched_filter(moved, valid, **named)


def skies(count=2000):
    """Delay of air, a constant, a ramp and phase errors, as the filter takes them to be."""
    rng, noise = np.random.default_rng(1), torch.Generator().manual_seed(1)
    wild = sky.air(count, PIXELS, SPACING_KM, outer_km=OUTER_SCALE_KM, slope=0.0, noise=noise).numpy()
    line = np.linspace(-(3**0.5), 3**0.5, PIXELS)
    free, east, north = rng.standard_normal((3, count, 1, 1))
    ramp = 0.03 * (east * line + north * line[:, None])
    return 0.01 * wild + FREE_M * free + ramp + ERROR * rng.standard_normal(wild.shape)


def test_what_it_shows_of_skies_has_deviation_one_and_of_the_earthquake_the_ratio():
    weights, ratio = filtered()
    assert float((weights * MOVED).sum()) == pytest.approx(ratio, rel=1e-3)
    shown = (weights * skies()).sum((1, 2))
    assert shown.std() == pytest.approx(1, abs=0.06)
    assert abs(shown.mean()) < 0.06


def test_no_other_weights_lift_it_as_far():
    ratio, dark = filtered()[1], skies()
    _, calm = filtered(air_m=0.002)
    others = (MOVED, MOVED - MOVED.mean(), filtered(air_m=1e-4)[0], filtered(np.roll(MOVED, 3, 0))[0])
    for weights in others:
        assert (weights * MOVED).sum() / (weights * dark).sum((1, 2)).std() < 0.97 * ratio
    assert calm > 1.5 * ratio


def test_without_air_or_ramp_it_is_the_displacement_over_the_noise():
    """A constant is not known: what stands out is the displacement about its mean."""
    _, ratio = filtered(air_m=1e-6, ramp_m=0.0)
    assert ratio == pytest.approx(np.sqrt(((MOVED - MOVED.mean()) ** 2).sum()) / 0.004, rel=1e-3)


def test_twice_the_displacement_is_twice_as_far_and_ramps_are_nothing():
    ratio = filtered()[1]
    assert filtered(2 * MOVED)[1] == pytest.approx(2 * ratio, rel=1e-3)
    assert filtered(MOVED + 0.003 * COLUMN, ramp_m=1.0)[1] == pytest.approx(filtered(ramp_m=1.0)[1], rel=0.01)


def test_ground_without_data_has_no_weight_and_takes_from_the_ratio():
    half = COLUMN < 9
    error = np.where(half, ERROR, np.nan)
    weights, ratio = filtered(np.where(half, MOVED, np.nan), half, error_m=error)
    assert not weights[~half].any()
    assert 0 < ratio < filtered()[1]
    assert filtered(np.zeros_like(MOVED))[1] == 0


def test_the_table_that_ships_is_of_the_reported_test():
    """Two of its rows computed anew; what empty scenes exceed is more than of a Gaussian, and of a search more yet."""
    table = pd.read_csv(ROOT / "data" / "detect_bound.csv").set_index("scene")
    scenes = block_of(FROZEN, TEST_SEED, 0, pixels=96)
    for n in table.index[:2]:
        assert float(scenes.peak_m[n]) == pytest.approx(table.loc[n, "peak_cm"] / 100, abs=1e-5)
        assert bench_bound.ratios(scenes.take([n]))[0] == pytest.approx(table.loc[n, "ratio"], rel=0.01)
    assert norm.isf(0.02) < table["known"].iloc[0] < table["search"].iloc[0]


def test_errors_of_nothing_are_refused():
    with pytest.raises(ParameterError, match=r"error_m is 0 or less on some pixels with data"):
        filtered(error_m=0 * ERROR)
