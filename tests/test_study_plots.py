"""Figures of the study: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from epi.plots.study import PROTOCOL_STYLE, patch_epicentre, protocol_errors, r2_by_epoch


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_errors_stand_beside_their_answers():
    scores = pd.DataFrame(
        [
            ["constant", "as published", True, 50.0, 40.0, 65.0],
            ["constant", "honest", True, 45.0, 40.0, 55.0],
            ["network", "as published", False, 30.0, 20.0, 35.0],
            ["network", "honest", False, 60.0, 50.0, 75.0],
        ],
        columns=["answer", "protocol", "trivial", "mae", "mae_low", "mae_high"],
    )
    axes = protocol_errors(scores, unit="km")
    assert [label.get_text() for label in axes.get_yticklabels()] == ["network", "constant"]  # trivial ones below
    assert "MAE (km)" in axes.get_xlabel()
    drawn = {each.get_label(): each for each in axes.containers}
    assert set(drawn) == set(PROTOCOL_STYLE)
    line, _, (bars,) = drawn["honest"].lines
    assert list(line.get_xdata()) == [45.0, 60.0]
    assert [tuple(segment[:, 0]) for segment in bars.get_segments()] == [(40.0, 55.0), (50.0, 75.0)]
    assert protocol_errors(scores, unit="km", log=True).get_xscale() == "log"


def test_r2_below_the_axis_lies_on_its_edge():
    history = pd.DataFrame({"epoch": [1, 2], "r2": [-7.0, 0.5], "model": "resnet18", "protocol": "honest"})
    axes = r2_by_epoch(history, lowest=-1)
    line = next(line for line in axes.get_lines() if line.get_label() == "resnet18, honest")
    assert list(line.get_ydata()) == [-1.0, 0.5]
    assert axes.get_ylim()[0] < -1


def test_a_map_shows_patch_and_answers_on_both_sides_of_the_antimeridian():
    corners = [(-17.0, 179.0), (-17.0, 179.1), (-17.3, 179.1), (-17.3, 179.0)]
    axes = patch_epicentre(corners, (-17.8, -179.6), {"centre": (-17.1, 179.05), "far": (-16.0, -178.0)})
    west, east = axes.get_xlim()
    assert east - west < 10  # not around the globe
    places = {line.get_label(): np.array(line.get_xydata()) for line in axes.get_lines()}
    assert places["true epicentre"][0] == pytest.approx([1.4, -17.8])
    assert places["far"][0] == pytest.approx([3.0, -16.0])
    assert len(places["the patch"]) == 5
