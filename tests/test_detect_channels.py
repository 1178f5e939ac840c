"""What the detectors see, and what they refuse to look at."""

import math

import numpy as np
import pytest
import torch

from epi.errors import EmptyScene, ParameterError
from epi.learn.detect.channels import (
    DETECT_CHANNELS,
    LARGEST_TURNS,
    check_inputs,
    detect_channels,
    mirrored,
    scene_channels,
)
from epi.simulate.labelled import FROZEN, labelled_scenes


def drawn(count=3, pixels=24, seed=0):
    """Smooth phases of some turns, any coherence, and holes."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, pixels)
    phase = 20 * rng.standard_normal((count, 1, 1)) * x[None, None] + 9 * x[None, :, None] ** 2
    phase = torch.from_numpy(phase + 0 * rng.random((count, pixels, pixels)))
    coherence = torch.from_numpy(rng.uniform(0, 1, phase.shape))
    valid = torch.from_numpy(rng.random(phase.shape) > 0.3)
    return phase, coherence, valid


def wrap(phase):
    return torch.remainder(phase + math.pi, 2 * math.pi) - math.pi


def channel(found, name):
    return found[:, DETECT_CHANNELS.index(name)]


def test_what_is_not_data_is_zero_and_does_not_count():
    """Whatever stands there: NaN, or a huge number, or nothing."""
    phase, coherence, valid = drawn()
    unwrapped = torch.tensor([True, False, True])
    found = detect_channels(phase, coherence, valid, unwrapped)
    for other in (float("nan"), 1e9, 0.0):
        told = detect_channels(phase.where(valid, other), coherence.where(valid, other), valid, unwrapped)
        assert torch.equal(told, found)
    assert found.isfinite().all()
    assert found.dtype == torch.float32
    assert tuple(found.shape) == (3, len(DETECT_CHANNELS), 24, 24)
    assert (found.movedim(1, -1)[~valid] == 0).all()
    assert torch.equal(channel(found, "data") == 1, valid)


def test_whole_turns_do_not_change_a_wrapped_phase():
    phase, coherence, valid = drawn()
    turns = torch.randint(-3, 4, phase.shape, generator=torch.Generator().manual_seed(0))
    one = detect_channels(phase, coherence, valid, torch.zeros(3, dtype=torch.bool))
    other = detect_channels(wrap(phase + 2 * math.pi * turns), coherence, valid, torch.zeros(3, dtype=torch.bool))
    torch.testing.assert_close(one, other, atol=2e-5, rtol=0)
    assert (channel(one, "unwrapped") == 0).all()


def test_an_unwrapped_phase_counts_from_its_mean_and_keeps_its_turns():
    phase, coherence, valid = drawn()
    known = torch.ones(3, dtype=torch.bool)
    found = detect_channels(phase, coherence, valid, known)
    moved = detect_channels(phase + 2 * math.pi * 5, coherence, valid, known)
    torch.testing.assert_close(found, moved, atol=3e-5, rtol=0)
    mean = torch.stack([one[v].mean() for one, v in zip(phase, valid, strict=True)])[:, None, None]
    expected = (torch.asinh((phase - mean) / math.pi) / 2).where(valid, 0)
    torch.testing.assert_close(channel(found, "unwrapped").double(), expected, atol=1e-5, rtol=0)
    assert torch.equal(found[:, :6], detect_channels(phase, coherence, valid, ~known)[:, :6])


def test_steps_are_the_slope_of_the_phase_in_half_turns():
    """A plane that rises by 0.7 rad a pixel eastward and 2.9 northward; row 0 lies in the north."""
    east, north = torch.arange(10.0)[None, :], -torch.arange(10.0)[:, None]
    phase = wrap(0.7 * east + 2.9 * north)[None]
    whole = torch.ones(1, 10, 10, dtype=torch.bool)
    found = detect_channels(phase, whole.float(), whole, torch.tensor([False]))
    np.testing.assert_allclose(channel(found, "turn_east")[0, :, 1:], 0.7 / math.pi, atol=1e-6)
    np.testing.assert_allclose(channel(found, "turn_north")[0, 1:], 2.9 / math.pi, atol=1e-6)
    np.testing.assert_allclose(channel(found, "cosine") ** 2 + channel(found, "sine") ** 2, 1, atol=1e-6)


def test_no_step_leads_over_a_hole():
    phase, coherence, valid = drawn()
    found = detect_channels(phase, coherence, valid, torch.zeros(3, dtype=torch.bool))
    alone_east = ~(valid[:, :, 1:] & valid[:, :, :-1])
    assert (channel(found, "turn_east")[:, :, 1:][alone_east] == 0).all()
    alone_north = ~(valid[:, 1:] & valid[:, :-1])
    assert (channel(found, "turn_north")[:, 1:][alone_north] == 0).all()


def test_simulated_scenes_pass_the_check():
    scenes = next(labelled_scenes(FROZEN, 0, pixels=32))
    check_inputs(scenes.phase, scenes.coherence, scenes.valid, scenes.unwrapped)
    found = scene_channels(scenes)
    assert torch.equal(channel(found, "coherence"), scenes.coherence)
    assert ((channel(found, "unwrapped") != 0).flatten(1).any(1) == scenes.unwrapped).all()


def test_channels_of_a_mirror_image_are_those_of_the_scene_turned_over():
    """With holes, wrapped and unwrapped; and twice turned over is as before."""
    phase, coherence, valid = drawn()
    unwrapped = torch.tensor([True, False, True])
    expected = detect_channels(phase.flip(-1), coherence.flip(-1), valid.flip(-1), unwrapped)
    seen = detect_channels(phase, coherence, valid, unwrapped)
    torch.testing.assert_close(mirrored(seen), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(mirrored(mirrored(seen)), seen, atol=0, rtol=0)


def given(**changes):
    """Good inputs with something changed."""
    phase, coherence, valid = drawn()
    parts = {
        "phase": wrap(phase),
        "coherence": coherence,
        "valid": valid,
        "unwrapped": torch.zeros(3, dtype=torch.bool),
    }
    return parts | {name: change(parts[name]) for name, change in changes.items()}


def put(value, place=(1, 5, 7)):
    """Write a value into an image."""

    def change(image):
        image = image.clone()
        image[place] = value
        return image

    return change


def test_good_inputs_pass_with_anything_where_there_is_no_data():
    phase, coherence, valid = drawn()
    odd = [each.where(valid, float("nan")) for each in (wrap(phase), coherence)]
    check_inputs(*odd, valid, torch.zeros(3, dtype=torch.bool))
    check_inputs(phase, coherence, valid, torch.ones(3, dtype=torch.bool))


SEEN = {"valid": put(True)}
BAD = {
    "coherence of another shape": (
        {"coherence": lambda image: image[:, :-1]},
        ParameterError,
        r"shapes \(3, 24, 24\), \(3, 23, 24\), .* give \(n, rows, columns\) and \(n,\)",
    ),
    "one scene without its axis": (
        {name: lambda image: image[0] for name in ("phase", "coherence", "valid")},
        ParameterError,
        r"shapes \(24, 24\)",
    ),
    "too few answers": ({"unwrapped": lambda each: each[:2]}, ParameterError, r"\(2,\): give"),
    "a phase that is no number": (
        SEEN | {"phase": put(float("nan"))},
        ParameterError,
        "The phase is not a number where data is stated: mark these pixels as no data",
    ),
    "a coherence that is infinite": (
        SEEN | {"coherence": put(float("inf"))},
        ParameterError,
        "The coherence is not a number where data is stated",
    ),
    "a tile without data": (
        {"valid": put(False, 1)},
        EmptyScene,
        "A scene without a single pixel of data was given: leave it out",
    ),
    "no data at all": ({"valid": torch.zeros_like}, EmptyScene, "without a single pixel of data"),
    "an unwrapped phase said to be wrapped": (
        SEEN | {"phase": put(-7.5)},
        ParameterError,
        r"A wrapped phase of 7.5 was given: .* wrap it, or say that it is unwrapped",
    ),
    "degrees": ({"phase": torch.rad2deg}, ParameterError, "A wrapped phase of 179 was given"),
    "coherence above one": (
        SEEN | {"coherence": put(1.2)},
        ParameterError,
        r"A coherence from \S+ to 1.2 was given: it lies between 0 and 1",
    ),
    "coherence below nought": (SEEN | {"coherence": put(-0.2)}, ParameterError, "A coherence from -0.2 to"),
    "coherence in 0 to 255": ({"coherence": lambda image: 255 * image}, ParameterError, "it lies between 0 and 1"),
    "an unwrapped phase of absurd span": (
        {"unwrapped": torch.ones_like, "phase": lambda image: 1e4 * image},
        ParameterError,
        r"An unwrapped phase that spans \d+ turns was given: check the unit",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_inputs_are_refused_with_one_clear_error(what):
    changes, error, told = BAD[what]
    with pytest.raises(error, match=told) as caught:
        check_inputs(**given(**changes))
    assert "\n" not in str(caught.value)


def test_the_largest_span_is_the_one_stated():
    parts = given(unwrapped=torch.ones_like)
    valid = parts["valid"][0]
    steady = torch.zeros(1, 24, 24)
    row, column = (int(each[0]) for each in torch.nonzero(valid, as_tuple=True))
    for turns, passes in ((0.99 * LARGEST_TURNS, True), (1.01 * LARGEST_TURNS, False)):
        steady[0, row, column] = 2 * math.pi * turns
        told = steady, torch.full_like(steady, 0.5), valid[None], torch.tensor([True])
        if passes:
            check_inputs(*told)
        else:
            with pytest.raises(ParameterError, match="spans 2020 turns"):
                check_inputs(*told)
