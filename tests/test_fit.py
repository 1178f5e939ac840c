"""What a rectangle costs, against the Gaussian density written out, and the search for the cheapest."""

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from epi.source import search
from epi.source.fit import Problem, prior
from epi.source.observe import Track

TRUE = torch.tensor([[2.0, -3.0, 7.0, 30.0, 50.0, 1.2, 1.0]]).double()
ALL = torch.tensor([[1.0, -1.0, 8.0, 50.0, 40.0, 1.1, 1.0], [3.0, -4.0, 6.0, 20.0, 60.0, 1.3, 0.9]]).double()


@pytest.fixture(scope="module")
def track():
    """Sixty places with nothing measured yet."""
    rng = np.random.default_rng(6)
    east, north = rng.uniform(-25, 25, (2, 60))
    look = np.tile([-0.6, -0.1, 0.79], (60, 1)) / np.linalg.norm([-0.6, -0.1, 0.79])
    ones = np.ones(60)
    return Track(east, north, 0 * ones, look, ones, ones, 0 * ones, (-25.0, -25.0, 25.0, 25.0))


@pytest.fixture(scope="module")
def seen(track):
    """The same places after a rupture whose slip lies at one end, with noise of 2 mm."""
    still = Problem([track], [np.eye(60)], cells=(5, 3))
    share = still.taper.reshape(5, 3) * torch.tensor([0.2, 0.4, 0.8, 1.5, 2.0]).double()[:, None]
    quiet = still.fit(TRUE)._replace(slip=torch.tensor([[-0.8, 0.6]]).double())
    los = still.displacement(quiet, share.flatten())[0]
    track = track.only(np.full(60, True))
    track.los[:] = los + np.random.default_rng(7).normal(0, 0.002, 60)
    return Problem([track], [4e-6 * np.eye(60)], cells=(5, 3)), share / share.mean()


def test_cost_is_the_gaussian_density_of_the_data(seen):
    """Differences of cost between rectangles are those of the density, the ramp projected out."""
    problem, _ = seen
    track = problem.tracks[0]
    keep = np.linalg.svd(np.eye(60) - track.ramp @ np.linalg.pinv(track.ramp))[0][:, :57]
    fitted, density = problem.fit(ALL), []
    for index in range(len(ALL)):
        one = fitted.rows([index])
        mean = problem.displacement(one, problem.taper)[0]
        covariance = 4e-6 * np.eye(60) + _field_covariance(problem, ALL[[index]])
        exact = multivariate_normal(keep.T @ mean, keep.T @ covariance @ keep).logpdf(keep.T @ track.los)
        density.append(-2 * exact + float(prior(one.parameters, one.slip).square().sum()))
    assert float(fitted.cost[0] - fitted.cost[1]) == pytest.approx(density[0] - density[1], rel=1e-6)


def _field_covariance(problem, parameters):
    """Covariance of uneven slip as large as the mean slip that an even fit of the same cells gives."""
    units = problem._units(parameters)[0][0]
    mean = torch.einsum("c,cnk->nk", problem.taper, units)
    design = np.column_stack([mean.numpy(), problem.tracks[0].ramp])
    slip = torch.from_numpy(np.linalg.lstsq(design, problem.tracks[0].los, rcond=None)[0][:2])
    field = problem.root.T @ (units @ slip)
    return (field.T @ field).numpy()


def test_uneven_slip_is_seen_where_it_is(seen):
    problem, truth = seen
    share = problem.share(problem.fit(TRUE))[0].reshape(5, 3).mean(1)
    truth = truth.mean(1)
    assert share.argmax() == truth.argmax()
    assert np.corrcoef(share, truth)[0, 1] > 0.9


def test_even_slip_is_one_cell(track):
    problem = Problem([track], [np.eye(60)])
    assert problem.even
    assert not problem.root.any()
    assert problem.share(problem.fit(ALL)).tolist() == [[1.0], [1.0]]


def test_posterior_of_a_known_gaussian_is_sampled():
    """Chains on a cost that is a parabola give its mean and width back."""
    width = torch.tensor([1.0, 2.0, 0.5, 8.0, 5.0, 0.05, 0.08]).double()

    class Parabola:
        def solve(self, parameters):
            return torch.zeros(len(parameters), 2).double(), (parameters - TRUE) / width

        def fit(self, parameters):
            slip, residual = self.solve(parameters)
            return search.Fit(parameters, slip, residual.square().sum(1))

    problem, rng = Parabola(), np.random.default_rng(3)
    start = search.descend(problem, TRUE + 0.1)
    drawn = search.sample(problem, start, rng, chains=40, generations=400).parameters
    assert ((drawn.mean(0) - TRUE[0]).abs() < 0.2 * width).all()
    assert ((drawn.std(0) / width - 1).abs() < 0.15).all()
