"""Rectangles cut into cells, and uneven slip on them."""

import numpy as np
import torch

from epi.source.okada import los_greens
from epi.source.slip import cells, centres, field_root, taper

FAULTS = torch.tensor([[3.0, -2.0, 9.0, 40.0, 55.0, 20.0, 12.0], [0.0, 5.0, 8.0, 300.0, 90.0, 15.0, 10.0]]).double()
LOOK = (-0.6, -0.1, 0.79)


def points():
    """Points at the surface, km."""
    return np.random.default_rng(4).normal(0, 15, (2, 60))


def test_cells_move_the_ground_as_the_whole_does():
    whole = los_greens(*points(), LOOK, FAULTS)
    parts = los_greens(*points(), LOOK, cells(FAULTS, 5, 3).reshape(-1, 7)).reshape(2, 15, 60, 2)
    torch.testing.assert_close(parts.sum(1), whole, rtol=0, atol=1e-9)


def test_cut_dislocation_is_as_many_dislocations():
    apart = los_greens(*points(), LOOK, cells(FAULTS, 4, 2).reshape(-1, 7))
    at_once = los_greens(*points(), LOOK, FAULTS, cells=(4, 2))
    torch.testing.assert_close(at_once, apart, rtol=0, atol=1e-9)


def test_cells_count_along_strike_and_from_the_top_down():
    first, below, *_, last = cells(FAULTS[:1], 5, 3)[0]
    assert first[2] < below[2]
    along = torch.tensor([np.sin(np.deg2rad(40)), np.cos(np.deg2rad(40))])
    assert float((last[:2] - first[:2]) @ along) > 0
    assert cells(FAULTS, 5, 3)[:, :, :3].mean(1).allclose(FAULTS[:, :3])


def test_taper_keeps_the_mean_and_falls_to_the_edges():
    slip = taper(5, 3).reshape(5, 3)
    assert abs(float(slip.mean()) - 1) < 1e-12
    assert slip[2, 1] == slip.max()
    assert slip[0, 0] == slip.min()
    assert taper(1, 1).tolist() == [1.0]


def test_field_has_the_correlation_it_was_asked_for():
    root = field_root(5, 3, reach=0.25)
    u, v = centres(5, 3)
    expected = torch.exp(-((u[:, None] - u).abs() + (v[:, None] - v).abs()) / 0.25)
    torch.testing.assert_close(root @ root.T, expected, rtol=0, atol=1e-8)
