"""The Cramér-Rao bound of a source's place, against fits of many draws of noise and against what scenes are made of."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from epi.errors import ParameterError
from epi.settings import PROJECT_ROOT
from epi.simulate import floor, recipe
from epi.simulate.atmosphere import turbulence
from epi.source import bound as bounds
from epi.source.bound import PHYSICS, Prior, bound
from epi.source.observe import Track
from epi.source.okada import los_greens

PLANE = (2.0, -3.0, 7.0, 30.0, 50.0, 16.0, 10.0)
EVEN = np.full((1, 1), 1.0)
UNEVEN = np.array([[0.4, 0.3], [1.2, 0.7], [0.6, 0.5]])
NOISE_M = 0.001


def seen_from(side):
    """Sixty places seen from the east or the west, with nothing measured."""
    east, north = np.random.default_rng(6).uniform(-25, 25, (2, 60))
    look = np.tile([side * 0.6, -0.1, 0.79], (60, 1)) / np.linalg.norm([0.6, -0.1, 0.79])
    ones = np.ones(60)
    return Track(east, north, 0 * ones, look, ones, ones, 0 * ones, (-25.0, -25.0, 25.0, 25.0))


@pytest.fixture(scope="module")
def track():
    return seen_from(-1)


def white(sigma=NOISE_M):
    return [sigma**2 * np.eye(60)]


def forward(track, unknowns):
    """(B, N) displacement of rectangles of even slip: the seven columns of a plane, strike slip and dip slip."""
    responses = los_greens(track.east, track.north, track.look, unknowns[:, :7])
    return np.einsum("bnk,bk->bn", responses.numpy(), unknowns[:, 7:])


def fitted(track, truth, draws, rng):
    """Most likely unknowns under white noise, by Gauss-Newton steps with the ramp fitted along."""
    data = forward(track, truth[None]) + NOISE_M * rng.standard_normal((draws, 60)) + track.ramp @ [0.02, 0.01, -0.03]
    steps = np.diag([0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.01, 0.001, 0.001])
    found = np.tile(truth, (draws, 1))
    for _ in range(8):
        now = forward(track, found)
        moved = forward(track, (found[:, None] + steps).reshape(-1, 9)).reshape(draws, 9, 60)
        slopes = (moved - now[:, None]) / np.diag(steps)[:, None]
        for row in range(draws):
            design = np.column_stack([slopes[row].T, track.ramp])
            found[row] += np.linalg.lstsq(design, data[row] - now[row], rcond=None)[0][:9]
    return found


def test_best_fits_scatter_as_the_bound_says(track):
    truth = np.array([*PLANE, 0.8, 0.6])
    found = fitted(track, truth, 200, np.random.default_rng(4))
    away = found[:, :2] - truth[:2]
    least = bound([track], white(), PLANE, rake=np.degrees(np.arctan2(0.6, 0.8)), slip_m=EVEN, prior=Prior())
    assert abs(away.mean(0)).max() < 4 * least.rms_km / np.sqrt(200)
    departure = np.einsum("bi,ij,bj->b", away, np.linalg.inv(least.covariance_km2), away)
    assert 2 * (1 - 0.2) < departure.mean() < 2 * (1 + 0.25)
    assert found[:, 2].std() == pytest.approx(least.depth_km, rel=0.2)


def test_magnitude_of_a_known_rectangle_is_that_of_least_squares(track):
    """With the rectangle known, slip is linear and its covariance has a formula."""
    known = Prior(spread=(1e-6,) * 7)
    least = bound([track], white(), PLANE, rake=90.0, slip_m=EVEN, prior=known)
    responses = los_greens(track.east, track.north, track.look, PLANE)[0].numpy()
    design = np.column_stack([responses, track.ramp])
    of_dip_slip = NOISE_M * np.sqrt(np.linalg.inv(design.T @ design)[1, 1])
    assert least.magnitude == pytest.approx(2 / 3 * of_dip_slip / np.log(10), rel=1e-3)
    assert least.rms_km < 1e-5


def test_bound_grows_with_the_noise(track):
    one, two = (bound([track], white(s), PLANE, rake=60.0, slip_m=EVEN, prior=Prior()) for s in (0.002, 0.006))
    np.testing.assert_allclose(two.covariance_km2, 9 * one.covariance_km2, rtol=1e-6)
    assert two.depth_km == pytest.approx(3 * one.depth_km, rel=1e-6)


def test_more_knowledge_never_harms_and_unknown_slip_does(track):
    """Loewner order: each covariance less the next is nowhere negative."""
    tracks, noise = [track, seen_from(1)], white() + white()
    cases = [
        bound(tracks[:1], noise[:1], PLANE, rake=60.0, slip_m=UNEVEN, prior=Prior(roughness=0.5)),
        bound(tracks[:1], noise[:1], PLANE, rake=60.0, slip_m=UNEVEN, prior=PHYSICS),
        bound(tracks, noise, PLANE, rake=60.0, slip_m=UNEVEN, prior=PHYSICS),
        bound(tracks, noise, PLANE, rake=60.0, slip_m=UNEVEN, prior=Prior(scaling=True)),
    ]
    for more, less in pairwise(cases):
        assert np.linalg.eigvalsh(more.covariance_km2 - less.covariance_km2)[0] >= -1e-12
        assert more.rms_km > less.rms_km


def test_derivatives_are_those_of_automatic_differentiation(track):
    """Of a mixture of all observations, slip being the exponential of the field that recorded earthquakes suggest."""
    source = bounds._Source.of(PLANE, 60.0, UNEVEN, 0.5)
    weights = torch.from_numpy(np.random.default_rng(1).standard_normal(60))
    unknowns = source.unknowns.clone().requires_grad_()
    share = source.share * torch.exp(source.root @ unknowns[9:])
    responses = source._responses(track, unknowns[None, :7])[0]
    torch.einsum("n,c,cnk,k->", weights, share, responses, unknowns[7:9]).backward()
    np.testing.assert_allclose(weights.numpy() @ source.derivatives(track), unknowns.grad.numpy(), rtol=1e-6)


def test_what_cannot_be_bounded_is_refused(track):
    few = track.only(np.arange(60) < 8)
    with pytest.raises(ParameterError, match="do not determine"):
        bound([few], [np.eye(8)], PLANE, rake=0.0, slip_m=EVEN, prior=Prior())
    with pytest.raises(ParameterError, match="60 observations"):
        bound([track], [np.eye(8)], PLANE, rake=0.0, slip_m=EVEN)
    with pytest.raises(ParameterError, match="every cell above 0"):
        bound([track], white(), PLANE, rake=0.0, slip_m=-EVEN)
    with pytest.raises(ParameterError, match="seven numbers"):
        bound([track], white(), PLANE, rake=0.0, slip_m=EVEN, prior=Prior(spread=(1.0,)))


def test_covariance_of_the_air_is_that_of_its_draws():
    """Squared differences between pixels, over eighty small skies; the mean of each is removed as it is of a scene."""
    rng = np.random.default_rng(5)
    skies = np.stack([turbulence((50, 50), spacing_km=0.4, rms=1.0, rng=rng) for _ in range(80)])
    covariance = floor.autocovariance(50, 0.4, floor.OUTER_SCALE_KM)
    for apart in (1, 4, 16):
        drawn = np.mean((skies[:, :, apart:] - skies[:, :, :-apart]) ** 2)
        assert drawn == pytest.approx(2 * (covariance[0, 0] - covariance[0, apart]), rel=0.15)


@pytest.fixture(scope="module")
def scenes():
    return {seed: recipe.scene(seed) for seed in (0, 3, 6)}


def test_shipped_locations_do_not_beat_the_bound(scenes):
    shipped = pd.read_csv(PROJECT_ROOT / "data" / "location_scores.csv")
    shipped = shipped[shipped["kind"] == "earthquake"].set_index("seed")["error_km"]
    least = {seed: floor.position_bound(*drawn).rms_km for seed, drawn in scenes.items()}
    assert all(0.05 < value < 2 for value in least.values())
    ratio = np.array([(shipped[seed] / value) ** 2 for seed, value in least.items()])
    assert ratio.mean() > 1 - 2 / np.sqrt(len(ratio)) * 0.5


def test_invisible_earthquake_is_bounded_by_its_recipe(scenes):
    """Under a thousand times the air, nothing is known of the place but what the recipe says."""
    made, drawn = scenes[0]
    air = drawn._replace(conditions=replace(drawn.conditions, atmosphere_m=10.0))
    least = floor.position_bound(made, air)
    assert least.rms_km == pytest.approx(np.sqrt(2) * 2 * recipe.PLACE_KM / np.sqrt(12), rel=0.05)
    assert floor.position_bound(made, drawn).rms_km < 0.1 * least.rms_km
