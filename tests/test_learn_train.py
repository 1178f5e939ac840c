"""Training: the loss, the loop, and that it learns what can be learned."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from epi.learn import Settings, copy_centre, errors_km, labels, laplace_loss, predict, train_network
from marked_scenes import marked_patches

SMALL = Settings(pixels=32, size_km=32.0)


@pytest.fixture(scope="module")
def marks():
    return marked_patches(range(40))


@pytest.fixture(scope="module")
def validation():
    return marked_patches(range(100, 112), size_km=32, pixels=32)


def test_loss_is_the_negative_logarithm_of_a_density():
    """exp(−loss)/2π integrates to one over the plane; the loss is least at a scale of half the distance."""
    step = 0.25
    line = torch.arange(-60, 60, step)
    east, north = torch.meshgrid(line, line, indexing="ij")
    true = torch.stack([east.ravel(), north.ravel()], dim=1)
    density = [
        torch.exp(-laplace_loss(torch.tensor([[0.0, 0.0, 3.0]]), place[None])) / (2 * torch.pi) for place in true[::97]
    ]
    assert float(torch.stack(density).mean()) * len(true) * step**2 == pytest.approx(1, abs=0.05)
    scales = torch.linspace(0.5, 10, 400)
    losses = [float(laplace_loss(torch.tensor([[3.0, 4.0, float(s)]]), torch.zeros(1, 2))) for s in scales]
    assert float(scales[int(np.argmin(losses))]) == pytest.approx(2.5, abs=0.05)


def test_same_seed_same_weights_and_no_seed_left_behind(marks, validation):
    once, again, other = (
        train_network(marks, validation, views=48, batch=8, checks=2, seed=seed, settings=SMALL).network.state_dict()
        for seed in (5, 5, 6)
    )
    assert all(torch.equal(once[name], again[name]) for name in once)
    assert any(not torch.equal(once[name], other[name]) for name in once)


def test_it_learns_where_a_visible_spot_is(marks, validation, capsys):
    """Modest training finds a visible spot several times better than the patch's centre does, on scenes never seen."""
    easy = replace(SMALL, architecture="resnet10t")  # learns small pictures faster
    trained = train_network(marks, validation, views=1600, batch=16, checks=4, seed=1, settings=easy)
    assert capsys.readouterr().out == ""
    assert list(trained.history["views"]) == [400, 800, 1200, 1600]
    answers = predict(trained.network, validation)
    inside = (np.abs(labels(validation)) < 14).all(1)
    found = np.median(errors_km(answers[inside], labels(validation)[inside]))
    guess = np.median(errors_km(copy_centre(validation)[inside], labels(validation)[inside]))
    assert found < guess / 2.5
    assert trained.history["validation_loss"].iloc[-1] < trained.history["validation_loss"].iloc[0]
    assert trained.history["median_error_km"].iloc[-1] == pytest.approx(
        np.median(errors_km(answers, labels(validation))), rel=0.05
    )
    assert not trained.network.training
