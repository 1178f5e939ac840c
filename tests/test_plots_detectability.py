import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection

from epi import plots
from epi.plots import detectability as module


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_bin_shows_how_often_it_happened():
    predicted = np.repeat([0.1, 0.7], 10)
    happened = np.array([True] + [False] * 9 + [True] * 8 + [False] * 2)
    axes = plots.predicted_and_seen(predicted, happened, edges=np.array([0, 0.5, 1]))
    points = [line.get_xydata()[0].tolist() for line in axes.lines if line.get_marker() == "o"]
    assert points == [[pytest.approx(0.1), 0.1], [pytest.approx(0.7), 0.8]]
    assert [text.get_text() for text in axes.texts] == ["10", "10"]


def test_the_interval_of_a_share_is_wilsons():
    low, high = module._wilson(0.0, 10)
    assert low == pytest.approx(0, abs=1e-12)
    assert high == pytest.approx(0.2775, abs=1e-3)  # known: 1.96² / (10 + 1.96²)
    assert module._wilson(0.5, 100) == (pytest.approx(0.4038, abs=1e-3), pytest.approx(0.5962, abs=1e-3))


def test_the_world_map_colours_what_has_a_probability_and_crosses_the_rest():
    events = pd.DataFrame(
        {
            "latitude": [10.0, 20, 30],
            "longitude": [-170.0, 0, 170],
            "magnitude": [6.0, 7, np.nan],
            "probability": [0.2, 0.95, np.nan],
        }
    )
    axes = plots.probability_map(events)
    crosses, circles = (part for part in axes.collections if isinstance(part, PathCollection))
    assert len(crosses.get_offsets()) == 1
    assert circles.get_array().tolist() == [0.2, 0.95]
    assert circles.get_sizes()[1] == pytest.approx(2.2 * circles.get_sizes()[0])


@pytest.mark.parametrize("longitude", [45.75, 179.98])
def test_the_map_of_a_case_holds_its_events_and_its_circle(longitude):
    events = pd.DataFrame(
        {
            "time": pd.to_datetime(["2018-01-11T08:00:00Z", "2018-01-11T06:59:31Z"]),
            "latitude": [33.9, 33.7],
            "longitude": [(longitude + 0.3 + 180) % 360 - 180, longitude],
            "magnitude": [5.3, 5.58],
        }
    )
    axes = plots.case_map(events, latitude=33.7, longitude=longitude, radius_km=10)
    west, east, south, north = axes.get_extent()
    assert west < -0.3 < 0.3 < east
    assert south < 33.6 < 33.9 < north
    assert east - west < 2
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == [
        "within 10 km: all ground that can have moved",
        "1: 06:59 UTC, magnitude 5.58",
        "2: 08:00 UTC, magnitude 5.3",
    ]


@pytest.mark.parametrize("latitude", [0.0, 60.0])
def test_the_bar_of_a_case_is_as_long_as_it_says_and_the_circle_round(latitude):
    events = pd.DataFrame(
        {
            "time": pd.to_datetime(["2018-01-11T08:00:00Z"]),
            "latitude": [latitude],
            "longitude": [10.0],
            "magnitude": [5.3],
        }
    )
    axes = plots.case_map(events, latitude=latitude, longitude=10, radius_km=50)
    axes.figure.canvas.draw()
    circle, bar = axes.lines[:2]
    round_px = circle.get_transform().transform(circle.get_xydata())
    bar_px = bar.get_transform().transform(bar.get_xydata())
    [length] = [float(text.get_text().removesuffix(" km")) for text in axes.texts if text.get_text().endswith(" km")]
    across, up = np.ptp(round_px, axis=0)
    assert np.ptp(bar_px[:, 0]) / length == pytest.approx(across / 100, rel=0.02)
    assert up == pytest.approx(across, rel=0.02)


def test_curves_are_named_and_end_where_the_magnitudes_do():
    axes = plots.detection_curves(np.array([5.0, 6, 7]), {"a": np.array([0, 0.5, 1]), "b": np.zeros(3)})
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b"]
    assert axes.lines[0].get_xdata().tolist() == [5, 6, 7]
