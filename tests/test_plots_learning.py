"""Figures of patches and answers: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta

from epi import plots
from epi.learn import ellipse
from epi.plots.scenes import ellipse_outline


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_outline_of_an_ellipse_has_the_covariance_it_was_made_of():
    covariance = np.array([[5.0, 2.0], [2.0, 3.0]])
    east, north = ellipse_outline((1.0, -2.0), ellipse(covariance))
    apart = np.array([east - 1.0, north + 2.0])
    np.testing.assert_allclose((apart * np.linalg.solve(covariance, apart)).sum(0), 1.0)


def test_every_patch_is_outlined_where_it_lies():
    axes = plots.patch_outlines(plt.figure().add_subplot(), [[0, 0], [10, 5]], 20.0, chosen=1)
    assert [square.get_bbox().bounds for square in axes.patches] == [(-10, -10, 20, 20), (0, -5, 20, 20)]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"patches", "the patch below"}


def test_error_bars_are_the_table():
    columns = {"median_km": [3.0, 5.0], "median_low": [2.0, 4.5], "median_high": [6.0, 5.5]}
    axes = plots.error_intervals(pd.DataFrame(columns, index=["network", "centre"]))
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 0]
    assert (low, high) == (2.0, 6.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["network", "centre"]


def test_outlines_hold_the_shares_they_say():
    line = np.linspace(-10, 10, 101)
    east, north = np.meshgrid(line, line)
    probability = np.exp(-(east**2 + north**2) / 8)  # a Gaussian of 2 km: 95 % within 4.9 km, half within 2.35
    axes = plots.epicentre_density(plt.figure().add_subplot(), line, line, probability / probability.sum())
    radii = sorted(np.hypot(*drawn.get_paths()[0].vertices.T).mean() for drawn in axes.collections)
    assert radii == pytest.approx([2.35, 4.90], abs=0.1)


def test_bands_have_their_own_scales():
    axes = plots.patch_bands({"coh": np.full((4, 4), 0.5), "i": np.eye(4) * 3, "q": -np.eye(4)}, 8.0)
    assert [one.images[0].get_clim() for one in axes] == [(0, 1), (-3, 3), (-1, 1)]
    assert axes[0].images[0].get_extent() == [-4, 4, -4, 4]


def test_offsets_put_the_surest_on_top():
    left, _ = plots.offsets([[0, 0], [1, 2]], [[0, 1], [1, 1]], [3.0, 9.0])
    points = left.collections[0]
    assert points.get_array().tolist() == [9.0, 3.0]
    assert points.get_offsets().tolist() == [[1, 1], [0, 0]]


def test_reliability_counts_what_happened():
    """Forty said at 0.1 of which four were so, sixty at 0.9 of which all were; a class of nobody is not drawn."""
    said, happened = np.repeat([0.1, 0.9], [40, 60]), np.r_[np.arange(40) < 4, np.ones(60, bool)]
    axes = plots.reliability(said, happened)
    drawn = [bar.lines[0].get_xydata()[0] for bar in axes.containers]
    np.testing.assert_allclose(drawn, [[0.1, 0.1], [0.9, 1.0]])
    assert [text.get_text() for text in axes.texts] == ["40", "60"]
    low, high = axes.containers[0].lines[2][0].get_segments()[0][:, 1]
    assert beta.cdf(low, 4, 37) == pytest.approx(0.025, abs=1e-3)  # Clopper and Pearson's ends
    assert beta.cdf(high, 5, 36) == pytest.approx(0.975, abs=1e-3)


def test_learning_curve_starts_at_zero_error():
    history = pd.DataFrame({"patches": [10, 20], "median_error_km": [8.0, 4.0]})
    axes = plots.learning_curve(history, reference_km=9.0, reference="centre")
    assert axes.get_ylim()[0] == 0
    assert axes.lines[1].get_ydata().tolist() == [8.0, 4.0]
