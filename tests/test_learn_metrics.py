"""Errors and their intervals over earthquakes."""

import numpy as np
import pytest

from epi.learn import compare, errors_km, interval
from epi.learn.metrics import with_bounds


def test_errors_are_distances():
    np.testing.assert_allclose(errors_km([[3, 4, 99], [0, 0, 99]], [[0, 0], [0, 2]]), [5, 2])


def test_interval_counts_earthquakes_not_patches():
    """Copying every patch of every earthquake a hundred times adds no knowledge, and must not narrow the interval."""
    rng = np.random.default_rng(0)
    errors, events = rng.exponential(5, 20), np.arange(20)
    once = interval(errors, events, np.mean)
    copied = interval(np.repeat(errors, 100), np.repeat(events, 100), np.mean)
    np.testing.assert_allclose(once, copied)
    as_if_independent = interval(np.repeat(errors, 100), np.arange(2000), np.mean)
    assert np.ptp(as_if_independent) < np.ptp(once) / 5


def test_interval_covers_as_it_says():
    """95 % intervals of a mean over 40 earthquakes of four patches that err together."""
    rng = np.random.default_rng(1)
    inside = 0
    for trial in range(200):
        events = np.repeat(np.arange(40), 4)
        errors = np.repeat(rng.normal(10, 3, 40), 4) + rng.normal(0, 1, 160)
        low, high = interval(errors, events, np.mean, draws=300, seed=trial)
        inside += low <= 10 <= high
    assert 178 <= inside <= 199


def test_table_has_a_row_a_method_in_order():
    true = np.zeros((6, 2))
    events = ["a", "a", "b", "b", "c", "c"]
    table = compare({"perfect": true, "north": true + np.array([0, 3])}, true, events)
    assert list(table.index) == ["perfect", "north"]
    assert table.loc["north", ["n", "earthquakes", "median_km", "mean_low", "mean_high"]].tolist() == [6, 3, 3, 3, 3]
    assert table.loc["perfect", "median_km"] == pytest.approx(0)


def test_bounds_hold_the_middle_of_the_draws():
    found = with_bounds("mae", 0.5, np.linspace(0, 1, 1001))
    assert found == pytest.approx({"mae": 0.5, "mae_low": 0.025, "mae_high": 0.975})
    assert with_bounds("auc", 1.0, [0.2, np.nan, 0.2]) == {"auc": 1.0, "auc_low": 0.2, "auc_high": 0.2}
    assert np.isnan(with_bounds("auc", 1.0, [np.nan])["auc_low"])
