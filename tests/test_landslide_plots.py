"""Figures of landslides: what is drawn is what was given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from epi.insar.stack_bands import BAND_FACTS
from epi.plots import landslides


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_every_band_has_its_unit_and_scale_and_is_grey_where_not_valid():
    rng = np.random.default_rng(0)
    valid = np.ones((8, 8), dtype=bool)
    valid[0] = False
    bands = {name: rng.uniform(0.1, 0.9, (8, 8)) for name in BAND_FACTS}
    units = {name: fact.unit for name, fact in BAND_FACTS.items()}
    axes = landslides.stack_panels(bands, units, {"slid": valid, "not valid": ~valid}, 30.0, valid=valid)
    assert [one.get_title() for one in axes[-2:]] == ["slid", "not valid"]
    limits = {name: one.images[0].get_clim() for name, one in zip(bands, axes, strict=False)}
    assert limits["phase"] == (-np.pi, np.pi)
    assert limits["coherence"] == (0, 1)
    low, high = limits["los_displacement"]
    assert low == -high
    assert all(one.images[0].get_array().mask[0].all() for one in axes[:7])
    assert axes[0].images[0].get_extent() == [0, 0.24, 0, 0.24]
    bars = {one.get_ylabel() for one in axes[0].get_figure().axes}
    assert {"(rad)", "(dB)", "(m)", "(degree)"} <= bars
    assert set(landslides.BAND_LOOKS) == set(BAND_FACTS)


def test_masks_share_a_scale():
    axes = landslides.mask_panels({"a": np.eye(4), "b": np.full((4, 4), np.nan)}, 1000.0)
    assert {one.images[0].get_clim() for one in axes} == {(0, 1)}
    assert [one.get_title() for one in axes] == ["a", "b"]


def test_a_size_distribution_counts_from_the_largest():
    axes = landslides.size_distribution({"drawn": [8, 1, 2, 4]}, lines={"law": ([1, 10], [1.0, 0.1])})
    steps, law = axes.get_lines()
    assert list(steps.get_xdata()) == [1, 2, 4, 8]
    assert list(steps.get_ydata()) == [1, 0.75, 0.5, 0.25]
    assert steps.get_label() == "drawn (4)"
    assert list(law.get_ydata()) == [1.0, 0.1]


def test_patches_without_landslides_are_counted_and_not_drawn():
    axes = landslides.positive_patches([0, 0, 3, 50, 900], {"median": 50.0}, side=256)
    legend = {text.get_text() for text in axes.get_legend().get_texts()}
    assert legend == {"3 of 5 patches hold any", "median: 50"}
    assert sum(bar.get_height() for bar in axes.patches) == 3
    axes.get_figure().canvas.draw()  # places the second axis
    above = axes.child_axes[0]
    assert "%" in above.get_xlabel()
    assert above.get_xlim()[1] == pytest.approx(100)


def test_bars_of_a_division_add_up():
    table = pd.DataFrame({"train": [3, 0], "validation": [1, 0], "test": [0, 4]}, index=["one", "two"])
    axes = landslides.split_bars({"random": table, "by event": table})[0]
    ends = [bar.get_x() + bar.get_width() for bar in axes.containers[-1]]
    assert ends == [4, 4]
    assert [each.get_label() for each in axes.containers] == ["train", "validation", "test"]


def test_sizes_have_intervals_where_there_are_any():
    row = {"recall_small": 0.1, "recall_large": 0.5, "recall_small_low": 0.05, "recall_small_high": 0.2}
    (axes,) = landslides.by_size(
        pd.DataFrame([row], index=["ours"]), measures={"recall": "share found"}, sizes=["small", "large"]
    )
    segments = axes.containers[0].lines[2][0].get_segments()
    assert segments[0][:, 1].tolist() == pytest.approx([0.05, 0.2])
    assert segments[1][:, 1].tolist() == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("colours", landslides.DIFFERENCE_COLOURS)
def test_a_difference_map_tells_found_false_and_missed_apart(colours):
    said = np.array([[True, True], [False, False], [True, False]])
    true = np.array([[True, False], [True, False], [True, False]])
    valid = np.array([[True, True], [True, True], [False, True]])
    axes = landslides.difference_map(plt.figure().add_subplot(), said, true, valid, 1000.0, colours=colours)
    image = axes.images[0]
    shown = image.to_rgba(image.get_array())
    palette = {name: pytest.approx(to_rgba(each)) for name, each in landslides.DIFFERENCE_COLOURS[colours].items()}
    assert shown[0, 0].tolist() == palette["found"]
    assert shown[0, 1].tolist() == palette["false alarm"]
    assert shown[1, 0].tolist() == palette["missed"]
    assert shown[1, 1].tolist() == shown[2, 1].tolist() == pytest.approx(to_rgba(landslides.LAND_COLOUR))
    assert shown[2, 0].tolist() == pytest.approx(to_rgba(landslides.NO_DATA_COLOUR))


def lightness(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgba(colour)[:3]]
    luminance = float(np.dot([0.2126, 0.7152, 0.0722], linear))
    return 116 * np.cbrt(luminance) - 16


def test_the_second_palette_differs_in_lightness():
    colours = [*landslides.DIFFERENCE_COLOURS["for every eye"].values(), landslides.LAND_COLOUR]
    steps = np.diff(sorted(lightness(each) for each in colours))
    assert steps.min() > 15
