"""Densities of place that other methods propose, and how the physics takes them."""

import numpy as np
import pytest
import torch

from epi.errors import ParameterError
from epi.simulate import Conditions, draw_rupture, simulate_scene
from epi.source import search
from epi.source.fit import Problem
from epi.source.invert import locate
from epi.source.observe import Track
from epi.source.proposal import DOUBT, TEMPER, Belief, GaussianProposal, GridProposal

COVARIANCE = np.array([[4.0, 1.5], [1.5, 1.0]])
AXES = np.arange(-30.0, 30.1, 0.5), np.arange(-20.0, 20.1, 0.5)


def on_grid(proposal):
    """The density a grid must be given to say the same as a Gaussian, before it is tempered."""
    return GridProposal(*AXES, proposal.density(*np.meshgrid(*AXES)) ** TEMPER)


@pytest.fixture(scope="module", params=["gaussian", "grid"])
def proposal(request):
    gaussian = GaussianProposal(3.0, -2.0, COVARIANCE)
    return gaussian if request.param == "gaussian" else on_grid(gaussian)


@pytest.fixture(scope="module")
def track():
    """Sixty places over 50 km by 50 km."""
    rng = np.random.default_rng(6)
    east, north = rng.uniform(-25, 25, (2, 60))
    ones = np.ones(60)
    look = np.tile([-0.6, 0.0, 0.8], (60, 1))
    return Track(east, north, rng.normal(0, 0.01, 60), look, ones, ones, 0 * ones, (-25.0, -25.0, 25.0, 25.0))


def test_density_adds_up_to_one_and_is_tempered(proposal):
    east, north = np.meshgrid(np.arange(-40, 40, 0.25), np.arange(-40, 40, 0.25))
    density = proposal.density(east, north) / 16
    assert density.sum() == pytest.approx(1, rel=1e-3)
    assert proposal.peak == pytest.approx(16 * density.max(), rel=1e-2)
    away = np.stack([east - 3, north + 2])
    spread = np.einsum("iyx,jyx,yx->ij", away, away, density)
    np.testing.assert_allclose(spread, TEMPER * COVARIANCE, rtol=0.02)


def test_draws_follow_the_density(proposal):
    drawn = proposal.draw(4000, np.random.default_rng(2))
    np.testing.assert_allclose(drawn.mean(0), [3, -2], atol=0.2)
    np.testing.assert_allclose(np.cov(drawn.T), TEMPER * COVARIANCE, rtol=0.1)


def test_surest_proposal_forbids_no_place(track):
    """Far away the cost is finite and even, and the same for a proposal that is surer only grows by a logarithm."""
    far = np.array([-20.0, 20.0]), np.array([20.0, -20.0])
    belief = Belief.over(GaussianProposal(3.0, -2.0, 0.01 * np.eye(2)), [track])
    cost = belief.departure(*far) ** 2
    assert cost[0] == pytest.approx(cost[1])
    assert cost[0] < 2 * np.log(2500 / (2 * np.pi * TEMPER * 0.01) / DOUBT)
    assert belief.departure(np.array([3.0]), np.array([-2.0])) == pytest.approx(0, abs=1e-6)


def test_objective_gains_the_density_and_nothing_else(track):
    rectangles = torch.tensor([[1.0, -1.0, 8.0, 50.0, 40.0, 1.1, 1.0], [9.0, 4.0, 6.0, 20.0, 60.0, 1.3, 0.9]]).double()
    belief = Belief.over(GaussianProposal(3.0, -2.0, COVARIANCE), [track])
    plain, guided = (Problem([track], [1e-4 * np.eye(60)], belief=each).fit(rectangles) for each in (None, belief))
    place = belief.departure(rectangles[:, 0].numpy(), rectangles[:, 1].numpy())
    np.testing.assert_allclose((guided.cost - plain.cost).numpy(), place**2, rtol=1e-9)
    assert (guided.slip == plain.slip).all()


def test_half_of_the_starts_lie_where_it_says_and_the_rest_stay(track):
    proposal = GaussianProposal(3.0, -2.0, 0.01 * np.eye(2))
    plain = search.candidates([track], 40, np.random.default_rng(1))
    guided = search.candidates([track], 40, np.random.default_rng(1), proposal=proposal)
    assert (plain[20:] == guided[20:]).all()
    assert (plain[:20, 2:] == guided[:20, 2:]).all()
    np.testing.assert_allclose(guided[:20, :2], np.tile([3.0, -2.0], (20, 1)), atol=1.0)


def test_wrong_and_sure_proposal_does_not_move_a_clear_earthquake():
    rupture = draw_rupture(
        magnitude=6.2,
        east_km=4.0,
        north_km=-6.0,
        depth_km=7.0,
        strike=30.0,
        dip=35.0,
        rake=80.0,
        length_km=14.0,
        width_km=10.0,
        rng=np.random.default_rng(2),
        roughness=0.0,
    )
    made = simulate_scene(rupture, Conditions(atmosphere_m=0.004), seed=11, spacing_m=400, unwrapped=True)
    found = locate([made.product], proposal=GaussianProposal(-20.0, 15.0, np.eye(2)))
    east, north, _ = rupture.centroid
    assert np.hypot(found.east_km - east, found.north_km - north) < 1.0
    assert found.visible


@pytest.mark.parametrize(
    ("covariance", "said"),
    [(np.eye(3), "not one"), ([[1, 2], [2, 1]], "positive definite"), ([[1, 0.5], [0, 1]], "sym")],
)
def test_covariance_that_is_none_is_refused(covariance, said):
    with pytest.raises(ParameterError, match=said):
        GaussianProposal(0.0, 0.0, covariance)


@pytest.mark.parametrize(
    ("east", "density", "said"),
    [
        ([0, 1, 3], np.ones((2, 3)), "not an axis"),
        ([0, 1, 2], np.ones((3, 2)), "shape"),
        ([0, 1, 2], np.zeros((2, 3)), "above 0"),
        ([0, 1, 2], -np.ones((2, 3)), "negative"),
        ([0, 1, 2], np.full((2, 3), np.nan), "finite"),
    ],
)
def test_grid_that_is_none_is_refused(east, density, said):
    with pytest.raises(ParameterError, match=said):
        GridProposal(east, [0, 1], density)


def test_place_that_is_none_is_refused():
    with pytest.raises(ParameterError, match="two numbers"):
        GaussianProposal(np.nan, 0.0, np.eye(2))
