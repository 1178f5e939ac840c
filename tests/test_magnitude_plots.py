"""Figures of magnitudes and of differences: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from epi.plots import differences, magnitude


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_images_share_a_scale_and_changes_lie_about_nothing():
    image = np.full((4, 4), -12.0)
    image[0, 0] = np.nan
    axes = magnitude.backscatter_panels({"pre": image, "post": image + 3, "x": image}, {"post − pre": image * 0 + 3}, 5)
    assert len(axes) == 6
    assert {one.images[0].get_clim() for one in axes[:3]} == {(-22, -2)}
    assert axes[3].images[0].get_clim() == (-6, 6)
    assert axes[0].images[0].get_extent() == [-2.5, 2.5, -2.5, 2.5]
    assert np.isnan(axes[0].images[0].get_array().filled(np.nan)[0, 0])
    assert not axes[4].axison  # no second change was given
    labels = [one.get_ylabel() for one in axes[0].get_figure().axes]
    assert {"backscatter (dB)", "change (dB)", "north (km)"} <= set(labels)


def test_changed_ground_is_counted_in_its_legend():
    share = np.zeros((10, 10))
    share[:2] = 1
    axes = magnitude.changed_ground(plt.figure().add_subplot(), {"slid": share, "torn": share * 0}, 5.0)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["slid (20.0%)", "torn (0.0%)"]
    drawn = axes.images[0].get_array()
    assert drawn[0, 0].tolist() == pytest.approx(to_rgba(magnitude.CHANGE_COLOUR["slid"]))
    assert drawn[5, 0, 3] == 0  # transparent elsewhere


def test_speckle_stands_beside_its_law():
    power = np.random.default_rng(0).gamma(4, size=20_000)
    linear, decibels = magnitude.speckle_histogram(power, 4)
    for axes in (linear, decibels):
        heights = np.array([bar.get_height() for bar in axes.patches])
        middle = np.array([bar.get_x() + bar.get_width() / 2 for bar in axes.patches])
        line = axes.get_lines()[0]
        law = np.interp(middle, *line.get_data())
        assert np.abs(heights - law).max() < 0.1 * law.max()
        assert np.trapezoid(line.get_ydata(), line.get_xdata()) == pytest.approx(1, abs=0.01)
    assert decibels.get_xlabel().endswith("(dB)")


def test_order_costs_are_drawn_as_they_are():
    axes = magnitude.order_losses([-1, 0, 1], {"by truth": [1.02, 0.02, 0], "as printed": [0, 0.02, 0]}, margin=0.02)
    first, second = axes.get_lines()[:2]
    assert list(first.get_ydata()) == [1.02, 0.02, 0]
    assert first.get_linestyle() != second.get_linestyle()


def test_a_share_of_nothing_lies_on_the_line():
    table = pd.DataFrame({"magnitude": [5.0, 7.0], "slid": [0.0, 0.1], "collapsed": 0.0, "torn": 0.0})
    axes = magnitude.changed_by_magnitude(table, least=1e-4)
    assert list(axes.get_lines()[0].get_ydata()) == [1e-4, 0.1]
    assert axes.get_yscale() == "log"


def test_what_was_said_is_summed_up_by_class():
    true = np.array([0, 0, 5.5, 5.7, 7.1])
    said = {"network": np.array([1.0, 3.0, 4.0, 6.0, 7.0])}
    axes = magnitude.said_by_magnitude(true, said, edges=[5, 6, 7, 8])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["none\n(2)", "5 to 6\n(2)", "7 to 8\n(1)"]
    bars = next(each for each in axes.containers if each.get_label() == "network")
    assert list(bars.lines[0].get_ydata()) == [2.0, 5.0, 7.0]
    low, high = bars.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx(tuple(np.quantile([1, 3], [0.1, 0.9])))


@pytest.mark.parametrize(
    ("low", "high", "more", "said"),
    [
        (0.1, 0.2, True, "better"),
        (0.1, 0.2, False, "worse"),
        (-0.2, -0.1, True, "worse"),
        (-0.2, -0.1, False, "better"),
        (-0.1, 0.1, True, "cannot be told"),
        (0.0, 0.1, True, "cannot be told"),
        (np.nan, np.nan, True, "cannot be told"),
    ],
)
def test_an_interval_says_no_more_than_it_can(low, high, more, said):
    assert differences.verdict(low, high, more_is_better=more) == said


def test_differences_stand_in_order_with_their_intervals():
    rows = {"first": (0.2, 0.1, 0.3), "second": (-0.1, -0.3, 0.2), "third": (-0.2, -0.3, -0.1)}
    table = pd.DataFrame(rows, index=["difference", "low", "high"]).T
    axes = differences.paired_intervals(table, xlabel="IoU (1)", more_is_better=True, words=("helps", "harms"))
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)
    drawn = [each.lines[2][0].get_segments()[0][:, 0].tolist() for each in axes.containers]
    assert drawn == [pytest.approx([low, high]) for _, low, high in rows.values()]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["helps", "cannot be told", "harms"]
    colours = [each.lines[0].get_color() for each in axes.containers]
    assert colours == [differences.BETTER, differences.UNSURE, differences.WORSE]
