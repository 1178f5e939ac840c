"""Pictures of images: axes count lines and samples, spectra are shares, a chain's boxes stand where its steps are."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyBboxPatch

from epi.plots import chain, graph, radar_picture, spectra


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def test_a_picture_counts_lines_downward_and_samples_to_the_right():
    axes = radar_picture(np.ones((10, 5)), kind="coherence", first_line=100, looks=(6, 24))
    assert axes.get_ylim() == (160, 100)
    assert axes.get_xlim() == (0, 120)
    assert axes.images[0].get_clim() == (0, 1)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("sample", "line")


def test_amplitudes_are_stretched_over_what_is_known():
    values = np.arange(101.0).reshape(1, -1)
    values[0, 0] = np.nan
    low, high = radar_picture(values, kind="amplitude", bar=False).images[0].get_clim()
    assert (low, high) == pytest.approx(tuple(np.nanpercentile(values, [2, 98])))


def test_phase_has_a_cyclic_map_and_its_bar_ends_at_pi():
    axes = radar_picture(np.zeros((4, 4)), kind="phase")
    assert axes.images[0].get_cmap().name == "twilight"
    bar = axes.images[0].colorbar
    assert [label.get_text() for label in bar.ax.get_yticklabels()] == ["−π", "0", "π"]


def test_spectra_are_shares_of_their_own_power():
    axes = spectra({"a": np.array([1.0, 3.0]), "b": np.array([5.0, 5.0])}, np.array([-1.0, 1.0]), band_hz=1.0)
    assert [list(line.get_ydata()) for line in axes.lines] == [[25, 75], [50, 50]]


def test_a_chain_has_a_box_for_every_name_and_arrows_past_the_gaps():
    axes = chain([("one", "a", "x"), ("two", "b", ""), ("three", "", "y")], heads=("what", "here", "there"))
    boxes = [box for box in axes.patches if isinstance(box, FancyBboxPatch)]
    assert len(boxes) == 7
    texts = {text.get_text(): text.get_position() for text in axes.texts if text.get_text()}
    assert texts["three"][1] == texts["y"][1] == -2
    assert texts["a"][0] == texts["b"][0] == texts["here"][0]
    arrows = [text for text in axes.texts if text.get_text() == ""]
    assert len(arrows) == 2 + 1 + 1


def test_a_graph_puts_every_box_below_all_that_it_needs():
    boxes = {name: name.upper() for name in ("one", "other", "both", "more", "last")}
    arrows = [("one", "both"), ("other", "both"), ("both", "more"), ("both", "last"), ("more", "last")]
    axes = graph(boxes, arrows)
    place = {text.get_text().lower(): text.get_position() for text in axes.texts if text.get_text()}
    assert set(place) == set(boxes)
    assert all(place[stop][1] < place[start][1] for start, stop in arrows)
    assert place["one"][1] == place["other"][1]
    assert place["one"][0] < place["other"][0]
    assert sum(text.get_text() == "" for text in axes.texts) == len(arrows)


def test_panels_that_share_their_axes_are_labelled_at_the_rim():
    _, row = plt.subplots(1, 2, sharex=True, sharey=True)
    for axes in row:
        radar_picture(np.ones((4, 4)), kind="coherence", axes=axes, bar=False)
    assert [axes.get_ylabel() for axes in row] == ["line", ""]
