"""Figures of detectors: the bands around curves of alarms hold what they say."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import norm
from sklearn.metrics import precision_recall_curve, roc_curve

from epi.plots import detection


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def scenes(count, rng, stand_out=1.0):
    """Scores of scenes, half of them with an earthquake, which stands out by so many standard deviations."""
    present = np.arange(count) % 2 == 0
    return rng.normal(size=count) + stand_out * present, present


def edges(axes):
    """Lower and upper edge of the first band, at `detection.SHARES`."""
    x, y = axes.collections[0].get_paths()[0].vertices.T
    at = [y[np.isclose(x, share)] for share in detection.SHARES]
    return np.array([each.min() for each in at]), np.array([each.max() for each in at])


def test_the_curves_of_the_scenes_themselves_are_scikit_learns():
    """Every scene drawn once: found at so many false alarms at most, right where so many are found at least."""
    score, present = scenes(300, np.random.default_rng(0))
    order = np.argsort(-score)
    (found, _), (right, _) = detection._ranking_bands(present[order], np.ones((1, 300), dtype=int))
    wrong, hits, _ = roc_curve(present, score, drop_intermediate=False)
    for share, value in zip(detection.SHARES, found, strict=True):
        assert value == hits[wrong <= share + 1e-12].max()
    precision, recall, _ = precision_recall_curve(present, score)
    for share, value in zip(detection.SHARES[1:], right[1:], strict=True):
        enough = recall >= share - 1e-12
        assert value == precision[recall == recall[enough].min()].max()


def test_a_band_lies_about_its_curve_and_narrows_with_the_scenes():
    """Four times the scenes, half the width."""
    width = []
    for count in (500, 2000):
        score, present = scenes(count, np.random.default_rng(1))
        for axes in detection.ranking_curves({"one": score}, present):
            low, high = edges(axes)
            x, y = axes.lines[0].get_data()
            inner = (detection.SHARES > 0.1) & (detection.SHARES < 0.9)
            curve = np.interp(detection.SHARES, x, y)
            assert (low <= curve + 0.02)[inner].all()
            assert (curve - 0.02 <= high)[inner].all()
            width.append((high - low)[inner].mean())
    assert width[0] / width[2] == pytest.approx(2, rel=0.3)
    assert width[1] / width[3] == pytest.approx(2, rel=0.3)


def test_bands_cover_as_they_say():
    """What is found at two false alarms in ten, of scores whose curve is known, in 60 tests of 400 scenes."""
    rng, inside, at = np.random.default_rng(2), 0, int(np.argmin(abs(detection.SHARES - 0.2)))
    true = norm.sf(norm.isf(0.2) - 1)
    for _ in range(60):
        score, present = scenes(400, rng)
        order = np.argsort(-score)
        counts = rng.multinomial(400, np.full(400, 1 / 400), size=100)
        low, high = detection._ranking_bands(present[order], counts)[0][:, at]
        inside += low <= true <= high
    assert inside >= 52


def test_every_method_has_a_band_of_its_own_colour_and_none_without_draws():
    score, present = scenes(200, np.random.default_rng(3))
    panels = detection.ranking_curves({"one": score, "two": -score}, present, draws=20)
    for axes in panels:
        for band, (colour, _) in zip(axes.collections, detection.STYLES, strict=False):
            assert to_hex(band.get_facecolor()[0]) == colour
        assert len(axes.collections) == 2
    assert not detection.ranking_curves({"one": score}, present, draws=0)[0].collections
