"""Figures of patches and answers: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

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


def test_arrows_lead_from_centres_to_answers():
    centres, answers = np.array([[0.0, 0.0], [10.0, 0.0]]), np.array([[5.0, 1.0], [4.0, 2.0]])
    style = {"epicentre": (5.0, 1.0), "ellipse_km": (3.0, 2.0, 45.0)}
    axes = plots.patch_answers(plt.figure().add_subplot(), centres, answers, [True, False], **style)
    drawn = {tuple(arrows.get_offsets()[0]): (arrows.U[0], arrows.V[0]) for arrows in axes.collections}
    assert drawn == {(0.0, 0.0): (5.0, 1.0), (10.0, 0.0): (-6.0, 2.0)}


def test_bands_have_their_own_scales():
    axes = plots.patch_bands({"coh": np.full((4, 4), 0.5), "i": np.eye(4) * 3, "q": -np.eye(4)}, 8.0)
    assert [one.images[0].get_clim() for one in axes] == [(0, 1), (-3, 3), (-1, 1)]
    assert axes[0].images[0].get_extent() == [-4, 4, -4, 4]


def test_offsets_put_the_surest_on_top():
    left, _ = plots.offsets([[0, 0], [1, 2]], [[0, 1], [1, 1]], [3.0, 9.0])
    points = left.collections[0]
    assert points.get_array().tolist() == [9.0, 3.0]
    assert points.get_offsets().tolist() == [[1, 1], [0, 0]]


def test_learning_curve_starts_at_zero_error():
    history = pd.DataFrame({"views": [10, 20], "median_error_km": [8.0, 4.0]})
    axes = plots.learning_curve(history, reference_km=9.0, reference="centre")
    assert axes.get_ylim()[0] == 0
    assert axes.lines[1].get_ydata().tolist() == [8.0, 4.0]
