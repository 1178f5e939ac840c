"""Figures of places and labels: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from epi import plots


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_kind_of_label_has_its_marker_and_sound_ones_lie_on_the_line():
    true, label, kind = [10.0, 20.0, 30.0, 0.0], [10.0, 40.0, 3000.0, 5.0], ["sound", "long", "swapped", "long"]
    axes = plots.label_distances(true, label, kind)
    drawn = {line.get_label(): line for line in axes.lines}
    assert {name: line.get_xydata().tolist() for name, line in drawn.items()} == {
        "sound": [[10, 10]],
        "long": [[20, 40]],  # a distance of zero has no place on a logarithmic axis
        "swapped": [[30, 3000]],
        "label = distance": [[10, 10], [3000, 3000]],
    }
    assert len({line.get_marker() for name, line in drawn.items() if "=" not in name}) == 3


def test_places_are_drawn_by_offset_in_both_orders():
    axes = plots.offset_order([0, 2000, 10000], [0, 8, 40], text_km=[0, 16, 8])
    numbers, text = (line.get_ydata().tolist() for line in axes.lines)
    assert (numbers, text) == ([0, 8, 40], [0, 16, 8])


def test_one_patch_of_each_kind_is_filled_where_the_chosen_lies():
    square = np.array([[0, 0], [10, 0], [10, 10], [0, 10]])
    kinds = {
        "radar": [square, np.add(square, (21, 0)), np.add(square, (40, 0))],
        "ground": [square, np.add(square, (20, 0))],
    }
    axes = plots.patch_shapes(kinds, chosen=1)
    outlined = [shape for shape in axes.patches if not shape.get_fill()]
    filled = [shape.get_xy()[0].tolist() for shape in axes.patches if shape.get_fill()]
    assert len(outlined) == 5
    assert filled == [[21, 0], [20, 0]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["radar", "ground"]
