"""A map of where the source may lie: what is drawn from it, what it costs to leave it, and what the fit makes of it."""

import numpy as np
import pytest
import torch

from epi.simulate import Conditions, draw_rupture, simulate_scene
from epi.source.fit import Problem
from epi.source.invert import locate
from epi.source.observe import observe
from epi.source.proposal import Proposal
from epi.source.search import candidates

LINE = np.arange(-60.0, 60.1, 1.0)
ROUND = {"magnitude": 6.0, "depth_km": 7.0, "strike": 30.0, "dip": 35.0, "rake": 80.0, "length_km": 12.0}


def around(east, north, sigma, doubt=None):
    """A Gaussian."""
    x, y = np.meshgrid(LINE, LINE)
    probability = np.exp(-((x - east) ** 2 + (y - north) ** 2) / (2 * sigma**2))
    return Proposal(LINE, LINE, probability / probability.sum(), doubt)


def at(*places):
    """Rectangles there."""
    rows = [[east, north, 8.0, 30.0, 45.0, 1.0, 0.9] for east, north in places]
    return torch.tensor(rows, dtype=torch.float64)


@pytest.fixture(scope="module")
def scene():
    rupture = draw_rupture(
        **ROUND, width_km=9.0, east_km=4.0, north_km=-6.0, rng=np.random.default_rng(2), roughness=0.0
    )
    return simulate_scene(rupture, Conditions(atmosphere_m=0.006), seed=11, spacing_m=800, unwrapped=True).product


def test_places_drawn_are_spread_as_the_map_is():
    drawn = around(20.0, -10.0, 5.0).draw(20_000, np.random.default_rng(0))
    np.testing.assert_allclose(drawn.mean(0), [20.0, -10.0], atol=0.15)
    np.testing.assert_allclose(np.cov(drawn.T), 25 * np.eye(2), atol=1.0)


def test_what_is_expected_is_the_map_with_its_doubt():
    """Of a Gaussian the squares are chi-squared; far away they stop where the doubt's even spread takes over."""
    sure, doubting = around(0.0, 0.0, 5.0, 0.0), around(0.0, 0.0, 5.0, 0.1)
    places = at((0.0, 0.0), (3.0, 4.0), (10.0, 0.0), (50.0, 50.0), (500.0, 0.0))
    np.testing.assert_allclose(sure.departure(places)[:3, 0].square(), [0, 1, 4], atol=0.01)
    peak, spread = 0.9 / (2 * np.pi * 25), 0.1 / 120.0**2
    density = peak * np.exp(-np.array([0, 25, 100]) / 50)
    expected = 2 * np.log((peak + spread) / np.append(density + spread, [spread, spread]))
    np.testing.assert_allclose(doubting.departure(places)[:, 0].square(), expected, rtol=0.01, atol=0.01)


def test_half_of_the_search_starts_where_it_is_proposed(scene):
    track = observe(scene, origin=None, most=100)
    tried = candidates([track], 1000, np.random.default_rng(0), proposal=around(-55.0, 55.0, 1.0)).numpy()
    near = np.hypot(tried[:, 0] + 55, tried[:, 1] - 55) < 15
    assert near[::2].mean() > 0.99
    assert near[1::2].mean() < 0.05


def test_only_a_proposal_with_a_doubt_is_expected(scene):
    track = observe(scene, origin=None, most=100)
    noise, places = 1e-4 * np.eye(len(track.los)), at((4.0, -6.0), (30.0, 30.0))
    free = Problem([track], [noise]).fit(places).cost
    starts, expected = (
        Problem([track], [noise], proposal=around(4.0, -6.0, 5.0, doubt)).fit(places).cost for doubt in (None, 0.05)
    )
    assert torch.equal(starts, free)
    assert float(expected[0] - free[0]) == pytest.approx(0, abs=1e-6)
    assert float(expected[1] - free[1]) > 5


def test_a_clear_earthquake_is_found_whatever_is_proposed(scene):
    """A map that is sure of another place moves the search and not the answer."""
    for doubt in (None, 0.05):
        found = locate([scene], proposal=around(-40.0, 40.0, 3.0, doubt))
        assert np.hypot(found.east_km - 4.0, found.north_km + 6.0) < 1.5
        assert found.visible
