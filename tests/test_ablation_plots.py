"""Figures of what matters to the network: what is drawn is what was given."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from epi.plots.ablation import air_errors, size_curve, training_curves, variant_errors


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def scores():
    rows = [
        ["everything", 0, 400, 7.0, 6.0, 8.5, 5.0],
        ["few", 0, 40, 14.0, 12.0, 15.0, 2.0],
        ["everything", 1, 400, 8.0, 7.0, 9.0, 5.5],
    ]
    names = ["title", "seed", "train_earthquakes", "median_km", "median_low", "median_high", "train_median_km"]
    return pd.DataFrame(rows, columns=names)


def drawn(axes):
    """Marks with their bars, by axes: ((x, y), bar) in the order of drawing."""
    return [(each.lines[0].get_xydata().tolist(), each.lines[2][0].get_segments()) for each in axes.containers]


def test_a_mark_a_seed_stands_beside_its_variant(scores):
    axes = variant_errors(scores, centre_km=19.0)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["everything", "few"]
    (first, bars), (second, _) = drawn(axes)
    assert [round(y) for _, y in first] == [0, -1]
    assert [x for x, _ in first + second] == [7.0, 14.0, 8.0]
    assert bars[0][:, 0].tolist() == [6.0, 8.5]
    assert {line.get_xdata()[0] for line in axes.get_lines()} >= {7.5, 19.0}


def test_the_size_curve_goes_through_the_means(scores):
    axes = size_curve(scores)
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert lines["never seen"] == [[40, 14.0], [400, 7.5]]
    assert lines["its training set"] == [[40, 2.0], [400, 5.25]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["40", "400"]


def test_classes_of_air_keep_their_order(scores):
    each = [scores.assign(air_cm=air, centre_median_km=19.0) for air in ("0.3 to 1", "2 to 4", "1 to 2")]
    axes = air_errors(pd.concat(each))
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0.3 to 1", "2 to 4", "1 to 2"]
    line = next(line for line in axes.get_lines() if line.get_label() == "everything")
    assert list(line.get_ydata()) == [7.5, 7.5, 7.5]


def test_training_curves_show_the_spread_over_seeds():
    rows = [["full", 0, 1000, 19.0], ["full", 0, 2000, 9.0], ["full", 1, 1000, 17.0], ["full", 1, 2000, 8.0]]
    axes = training_curves(pd.DataFrame(rows, columns=["title", "seed", "patches", "median_km"]))
    assert axes.get_lines()[0].get_xydata().tolist() == [[1000, 18.0], [2000, 8.5]]
    corners = axes.collections[0].get_paths()[0].vertices
    assert (corners[:, 1].min(), corners[:, 1].max()) == (8.0, 19.0)
