"""Scenes to learn from: three parts that share nothing, and batches that are the same wherever one begins."""

from itertools import islice

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from epi.errors import ParameterError
from epi.learn.detect.data import SceneBatches, block_of, part_blocks, sample_of
from epi.simulate.labelled import BLOCK, TRAINING

PARTS = ("train", "validation", "test")


@given(scenes=st.integers(10 * BLOCK, 2_000_000))
def test_parts_are_disjoint_and_cover_all_blocks(scenes):
    parts = [list(part_blocks(scenes, part)) for part in PARTS]
    assert [*parts[0], *parts[1], *parts[2]] == list(range(scenes // BLOCK))
    learned, watched, tested = (len(part) / (scenes // BLOCK) for part in parts)
    assert learned == pytest.approx(0.8, abs=0.06)
    assert min(watched, tested) > 0.05
    assert max(watched, tested) < 0.16


def test_too_few_scenes_for_three_parts():
    with pytest.raises(ParameterError, match=r"639 scenes were asked: give at least 640, for three parts"):
        part_blocks(639, "train")


def batches(first=0, count=5, workers=0):
    made = SceneBatches(TRAINING, 0, range(3, 5), batch=32, pixels=16, first=first, workers=workers)
    return list(islice(made, count))


@pytest.fixture(scope="module")
def whole():
    return batches()


def equal(some, others):
    pairs = zip(some, others, strict=True)
    return all(torch.equal(a, b) for one, other in pairs for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("first", [1, 2, 3])
def test_batches_are_the_same_from_any_of_them_on(whole, first):
    assert equal(batches(first, 5 - first), whole[first:])


def test_batches_are_the_blocks_of_the_part_again_and_again(whole):
    for n, number in enumerate((3, 4)):
        sample = sample_of(block_of(TRAINING, 0, number, pixels=16))
        joined = [torch.cat(parts) for parts in zip(*whole[2 * n : 2 * n + 2], strict=True)]
        assert equal([sample], [joined])
    assert equal(whole[4:], whole[:1])


def test_workers_share_the_blocks_out_and_change_nothing(whole):
    assert equal(batches(1, 3, workers=2), whole[1:4])


def test_a_sample_says_what_is_true():
    scenes = block_of(TRAINING, 0, 1, pixels=16)
    channels, mask, valid, present, counts, moved = sample_of(scenes)
    assert channels.shape[0] == BLOCK
    assert torch.equal(mask > 0, scenes.mask)
    assert torch.equal(valid > 0, scenes.valid)
    assert torch.equal(present > 0, scenes.present)
    assert torch.allclose(torch.sinh(moved) * scenes.wavelength_m / 4, scenes.displacement, atol=1e-6)
    weak = scenes.present & (scenes.peak_m <= scenes.wavelength_m / 4)
    assert 0 < weak.sum() < scenes.present.sum()
    assert torch.equal(counts == 0, weak)


@pytest.mark.parametrize("batch", [0, 3, 48, 128])
def test_batches_that_do_not_divide_a_block_are_refused(batch):
    with pytest.raises(ParameterError, match=rf"Batches of {batch} scenes were asked: give a divisor of 64"):
        SceneBatches(TRAINING, 0, range(2), batch=batch, pixels=16)
