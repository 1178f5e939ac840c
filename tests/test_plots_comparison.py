"""Methods beside each other: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from epi.plots.comparison import METHOD_STYLE, answers, coverage, errors_by_strength


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_errors_and_the_floor_are_the_table():
    rows = [
        (name, group, 2.0 + n, 1.0 + n, 4.0 + n) for group in ("weak", "strong") for n, name in enumerate(METHOD_STYLE)
    ]
    table = pd.DataFrame(rows, columns=["method", "group", "value", "low", "high"])
    axes = errors_by_strength(table, floor=pd.Series({"weak": 1.5, "strong": 0.5}), xlabel="strength", ylabel="km")
    drawn = {bars.get_label(): bars for bars in axes.containers}
    assert set(drawn) == set(METHOD_STYLE)
    physics = drawn["physics"]
    np.testing.assert_allclose(physics.lines[0].get_ydata(), [3.0, 3.0])
    low, high = physics.lines[2][0].get_segments()[0][:, 1]
    assert (low, high) == (2.0, 5.0)
    places = np.array([bars.lines[0].get_xdata() for bars in axes.containers])
    assert (np.abs(places - [0, 1]) < 0.5).all()
    assert len(np.unique(places)) == places.size  # side by side, none over another
    assert [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--"] == [1.5, 0.5]


def test_coverage_is_counted_and_its_bars_are_wilson_s():
    """Of a hundred truths spread evenly over the levels, each region holds as many as it promises."""
    even = (np.arange(100) + 0.5) / 100
    axes = coverage({"physics": even, "network": even**2, "both": np.zeros(10)}, nominal=(0.5, 0.9))
    drawn = {bars.get_label(): bars for bars in axes.containers}
    shares = {name: bars.lines[0].get_ydata() for name, bars in drawn.items()}
    np.testing.assert_allclose(shares["physics (100)"], [50, 90])
    np.testing.assert_allclose(shares["network (100)"], [71, 95])  # roots of 0.5 and 0.9
    np.testing.assert_allclose(shares["both (10)"], [100, 100])
    low, high = drawn["physics (100)"].lines[2][0].get_segments()[1][:, 1]
    centre, half = (90 + 100 * 1.96**2 / 200) / (1 + 1.96**2 / 100), 1.96 / (1 + 1.96**2 / 100)
    half *= 100 * np.sqrt(0.9 * 0.1 / 100 + 1.96**2 / 40_000)
    assert (low, high) == pytest.approx((centre - half, centre + half), abs=0.01)
    places = np.array([bars.lines[0].get_xdata() for bars in axes.containers])
    assert (np.abs(places - [50, 90]) < 2).all()
    assert len(np.unique(places)) == places.size


def test_answers_lie_where_they_were_given_and_leave_the_map_alone():
    axes = plt.figure().add_subplot()
    axes.set(xlim=(-10, 10), ylim=(-10, 10))
    answers(axes, {"both": (1.0, 2.0, 3.0, 1.0, 90.0), "physics": (1.0, 2.0, 99.0, 99.0, 0.0)}, truth_km=(4.0, 5.0))
    marks = {line.get_label(): line.get_xydata() for line in axes.lines if not line.get_label().startswith("_")}
    assert {name: tuple(place[0]) for name, place in marks.items()} == {
        "both": (1.0, 2.0),
        "physics": (1.0, 2.0),
        "true centroid": (4.0, 5.0),
    }
    assert (axes.get_xlim(), axes.get_ylim()) == ((-10, 10), (-10, 10))
    outline = next(line for line in axes.lines if line.get_label().startswith("_")).get_xydata()
    assert outline[:, 0].max() == pytest.approx(4.0, abs=0.01)  # the longer semi-axis points east
    assert outline[:, 1].max() == pytest.approx(3.0, abs=0.01)
