"""Answers that need no network: fringes are counted as they are, noise is not, and a line knows a little."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from epi.learn.detect.baselines import OVER, STATISTICS, fit_free, fringe_density, statistics
from epi.learn.detect.channels import detect_channels, scene_channels
from epi.learn.detect.data import block_of
from epi.simulate.labelled import FROZEN, TRAINING


def channels_of(phase, coherence=None, valid=None):
    phase = torch.remainder(torch.as_tensor(phase, dtype=torch.float32) + math.pi, 2 * math.pi) - math.pi
    coherence = torch.full_like(phase, 0.7) if coherence is None else coherence
    valid = torch.ones_like(phase, dtype=torch.bool) if valid is None else valid
    return detect_channels(phase, coherence, valid, torch.zeros(len(phase), dtype=torch.bool))


def ramp(east, north, pixels=40):
    place = np.arange(pixels, dtype=float)
    return (east * place[None, :] - north * place[:, None])[None]


def inner(image):
    return image[:, OVER:-OVER, OVER:-OVER]


@pytest.mark.parametrize(("east", "north"), [(0.3, 0.0), (0.0, -0.8), (1.1, 2.0), (-2.5, 0.4)])
def test_the_density_of_a_plane_is_its_slope(east, north):
    found = inner(fringe_density(channels_of(ramp(east, north))))
    np.testing.assert_allclose(found, math.hypot(east, north) / math.pi, rtol=1e-4)


def test_noise_averages_out():
    """Mean of 81 steps that are uniform within a half turn each: about √(2/3/81)."""
    phase = torch.empty(4, 60, 60).uniform_(-math.pi, math.pi, generator=torch.Generator().manual_seed(0))
    found = inner(fringe_density(channels_of(phase)))
    assert float(found.square().mean().sqrt()) < 1.2 * math.sqrt(2 / 3 / OVER**2)


def test_coherent_pixels_count_and_others_do_not():
    """A plane whose other half of the pixels is noise of no coherence: the slope where the pixels agree."""
    phase = torch.as_tensor(ramp(0.5, 0.0)).repeat(2, 1, 1)
    phase[1, 20:] += 0.9 * torch.arange(40.0)  # a steeper plane, without coherence
    coherence = torch.full_like(phase, 0.8).float()
    coherence[1, 20:] = 0.0
    one, other = fringe_density(channels_of(phase, coherence))
    torch.testing.assert_close(one[OVER:20, OVER:-OVER], other[OVER:20, OVER:-OVER], atol=1e-5, rtol=1e-4)


def test_no_data_no_density():
    valid = torch.rand(1, 40, 40, generator=torch.Generator().manual_seed(0)) > 0.4
    found = fringe_density(channels_of(ramp(0.5, 0.2), valid=valid))
    assert (found[~valid] == 0).all()
    assert (found[valid] > 0).float().mean() > 0.99


def test_statistics_are_what_they_are_called():
    scenes = block_of(TRAINING, 0, 0, pixels=32)
    channels = scene_channels(scenes)
    found = dict(zip(STATISTICS, statistics(channels).T, strict=True))
    density = fringe_density(channels)
    for n in range(0, 64, 7):
        known = scenes.valid[n]
        expected = {
            "density_mean": density[n][known].mean(),
            "density_largest": density[n].max(),
            "density_99": np.quantile(density[n].numpy(), 0.99),
            "coherence_mean": scenes.coherence[n][known].mean(),
            "coherence_spread": scenes.coherence[n][known].std(correction=0),
            "data": known.float().mean(),
            "unwrapped": scenes.unwrapped[n],
        }
        for name, value in expected.items():
            assert found[name][n] == pytest.approx(float(value), rel=1e-3, abs=1e-5), name
    wrapped = ~scenes.unwrapped.numpy()
    assert (found["whole_range"][wrapped] == 0).all()
    assert (found["whole_range"][~wrapped] > 0).all()


def test_a_line_knows_a_little_and_dense_fringes_moved():
    """Fitted to some scenes, both are better than chance on others; the density's mask better than all ground."""
    free = fit_free(TRAINING, seed=9, blocks=range(8), pixels=32)
    scenes = [block_of(FROZEN, 0, number, pixels=32) for number in range(3)]
    channels = torch.cat([scene_channels(each) for each in scenes])
    present = torch.cat([each.present for each in scenes]).numpy()
    told = free.presence(channels)
    assert set(told) == {"logistic regression", "fringe density"}
    assert roc_auc_score(present, told["logistic regression"]) > 0.6
    assert ((told["logistic regression"] >= 0) & (told["logistic regression"] <= 1)).all()
    moved, valid = (torch.cat([getattr(each, name) for each in scenes]).numpy() for name in ("mask", "valid"))
    said = free.mask(channels) & valid
    overlap = (said & moved).sum() / (said | moved).sum()
    assert 0 < free.density <= 1
    assert overlap > (moved & valid).sum() / valid.sum()
