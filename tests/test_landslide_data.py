"""What landslide networks are shown: channels, normalisation, divisions, and what is done to training patches."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from epi.errors import EmptyScene, ParameterError, PatchStoreError, ProductError
from epi.insar.stack_bands import BANDS
from epi.learn import landslides as ls
from epi.learn.landslides import simulated
from epi.learn.landslides.channels import make_channel
from epi.simulate.landslides import FIELD, PRACTICE
from landslide_patches import toy_patches


@pytest.fixture(scope="module")
def toy():
    return toy_patches()


@pytest.fixture(scope="module")
def patches(toy):
    return ls.read_patches(toy)


def samples(patches, channels=ls.PUBLISHED_CHANNELS):
    return ls.samples_of(patches, ls.fit_normaliser(patches, channels, np.arange(len(patches))))


# Channels


def test_published_bands_are_normalised_by_what_is_learned_from_alone(patches):
    rows = np.arange(8)
    normaliser = ls.fit_normaliser(patches, BANDS, rows)
    made = ls.samples_of(patches, normaliser, rows)
    for number in range(len(BANDS)):
        seen = made.channels[:, number][made.valid]
        assert float(seen.mean()) == pytest.approx(0, abs=1e-4)
        assert float(seen.std()) == pytest.approx(1, abs=1e-3)
    other = ls.fit_normaliser(patches, BANDS, np.arange(8, 16))
    assert other.mean != normaliser.mean


def test_no_nan_reaches_a_network_and_ground_without_data_is_zero(patches):
    made = samples(patches, ls.CHANNELS)
    assert torch.isfinite(made.channels).all()
    assert not made.valid.all()
    hidden = (~made.valid)[:, None].expand_as(made.channels)
    assert (made.channels[hidden] == 0).all()
    assert not made.label[~made.valid].any()


def test_what_lies_under_no_data_changes_nothing(toy, patches):
    other = toy.copy(deep=True)
    hidden = ~other["valid"].to_numpy()
    values = other["bands"].to_numpy()
    values[np.broadcast_to(hidden[:, None], values.shape)] = 12345.0
    for name, made in ls.read_patches(other).raw.items():
        assert np.array_equal(made, patches.raw[name]), name


def test_slope_of_a_plane_and_a_high_pass_of_what_is_level():
    rows, columns = np.mgrid[:40, :40]
    valid = np.ones((1, 40, 40), dtype=bool)
    plane = (30.0 * columns * np.tan(np.deg2rad(20)))[None].astype(np.float32)
    made = make_channel("slope", {"elevation": plane}, valid, pixel_m=30.0)
    assert np.allclose(made, 20, atol=1e-3)
    level = np.full((1, 40, 40), 7.5, dtype=np.float32)
    assert np.abs(make_channel("local_coherence", {"coherence": level}, valid, pixel_m=30.0)).max() < 1e-5
    holes = valid & (rows % 7 > 0)
    assert np.abs(make_channel("local_intensity", {"intensity": level}, holes, pixel_m=30.0)).max() < 1e-4


def test_cosine_and_sine_do_not_jump_where_the_phase_does(patches):
    assert np.allclose(patches.raw["cosine"] ** 2 + patches.raw["sine"] ** 2, patches.valid.astype(float), atol=1e-5)


def test_a_channel_can_be_left_out_or_shown_alone(patches):
    without = tuple(name for name in BANDS if name != "phase")
    assert samples(patches, without).channels.shape[1] == 6
    assert samples(patches, ("coherence",)).channels.shape[1] == 1


# Bad input


def test_one_clear_error_each(toy):
    few = toy.isel(band=slice(0, 5))
    with pytest.raises(PatchStoreError, match=r"must be phase, coherence"):
        ls.read_patches(few)
    with pytest.raises(PatchStoreError, match="need landslide with dimensions"):
        ls.read_patches(toy.assign(landslide=toy["landslide"].rename(y="row", x="col")))
    with pytest.raises(ParameterError, match="values other than 0 and 1"):
        ls.read_patches(toy.assign(landslide=toy["landslide"] * 2))
    blank = toy.copy(deep=True)
    blank["valid"][3] = False
    with pytest.raises(EmptyScene, match="the first of them number 3"):
        ls.read_patches(blank)
    broken = toy.copy(deep=True)
    broken["bands"][2, 1, 30, 30] = np.nan
    with pytest.raises(ParameterError, match=r"'coherence' is not a number in 1 pixel.*patch 2"):
        ls.read_patches(broken)
    with pytest.raises(PatchStoreError, match="need valid with dimensions"):
        ls.read_patches(toy.drop_vars("valid"))
    with pytest.raises(ParameterError, match="no channel colour"):
        ls.read_patches(toy, ("phase", "colour"))
    with pytest.raises(EmptyScene, match="No patch"):
        ls.read_patches(toy.isel(patch=slice(0, 0)))


# Divisions


def test_random_parts_have_the_published_shares():
    fold = ls.random_split(100, seed=1)
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [70, 20, 10]
    assert sorted(np.concatenate([fold.train, fold.validation, fold.test])) == list(range(100))
    with pytest.raises(PatchStoreError):
        ls.random_split(3)


@given(st.integers(2, 5), st.integers(0, 50))
@settings(max_examples=20, deadline=None)
def test_no_event_and_no_region_is_in_two_parts(folds, seed):
    event = np.repeat([f"e{n}" for n in range(12)], 3)
    region = np.repeat([f"r{n % 7}" for n in range(12)], 3)
    tested = []
    for fold in ls.event_folds(event, region, folds=folds, seed=seed):
        parts = [set(region[getattr(fold, name)]) for name in ("train", "validation", "test")]
        assert all(parts)
        assert sum(map(len, parts)) == len(set.union(*parts))
        tested += fold.test.tolist()
    assert sorted(tested) == list(range(len(event)))


def test_leave_one_event_out_tests_each_event_alone():
    event = np.repeat(["a", "b", "c", "d"], 2)
    tested = ["".join(np.unique(event[fold.test]).tolist()) for fold in ls.event_folds(event)]
    assert sorted(tested) == ["a", "b", "c", "d"]
    with pytest.raises(PatchStoreError, match="2 group"):
        list(ls.event_folds(event, np.repeat(["n", "n", "s", "s"], 2)))


def test_a_leak_is_refused_by_name():
    event = np.array(["a", "a", "b", "c"])
    with pytest.raises(PatchStoreError, match=r"a \(test, train\)"):
        ls.check_fold(ls.Fold("by event", 0, np.array([0]), np.array([2, 3]), np.array([1])), event)


# What is done to training patches


def test_small_landslides_are_cropped_as_well_and_only_those(patches):
    made = samples(patches)
    pixels = made.label.sum((1, 2)).numpy()
    limit = ls.small_limit(pixels)
    assert limit == np.quantile(pixels[pixels > 0], 0.25)
    more = ls.oversample(made, limit=limit)
    small = (pixels > 0) & (pixels <= limit)
    assert len(more) == len(made) + small.sum()
    assert torch.equal(more.channels[: len(made)], made.channels)
    inner = slice(16, 48)
    for crop, number in zip(range(len(made), len(more)), np.flatnonzero(small), strict=True):
        row, column = ls.crop_corner(made.label[number].numpy(), 32)
        part = made.channels[number, :, row : row + 32, column : column + 32]
        assert torch.equal(more.channels[crop][:, inner, inner], part)
        outside = torch.ones(64, 64, dtype=torch.bool)
        outside[inner, inner] = False
        assert not more.valid[crop][outside].any()
        assert not more.channels[crop][:, outside].any()


def test_a_crop_lies_about_the_middle_of_the_landslides_and_within_the_patch():
    label = np.zeros((256, 256), dtype=bool)
    label[100:104, 60:70] = True
    assert ls.crop_corner(label, 128) == (102 - 64, 65 - 64)
    label[:] = False
    label[250, 2] = True
    assert ls.crop_corner(label, 128) == (128, 0)


@pytest.mark.parametrize("sigma", [3.0, 5.0])
def test_soft_labels_are_a_gaussian_of_the_distance(sigma):
    label = np.zeros((1, 41, 41), dtype=bool)
    label[0, 20, 20] = True
    soft = ls.soft_labels(label, sigma_px=sigma)[0]
    rows, columns = np.mgrid[:41, :41]
    away = np.hypot(rows - 20, columns - 20)
    assert np.allclose(soft, np.exp(-(away**2) / (2 * sigma**2)), atol=1e-6)
    assert soft[20, 20] == 1


def test_hard_labels_and_empty_ones_stay(patches):
    assert np.array_equal(ls.soft_labels(patches.label, sigma_px=0), patches.label.astype(np.float32))
    assert not ls.soft_labels(np.zeros((2, 8, 8), dtype=bool), sigma_px=5).any()
    soft = ls.soft_labels(patches.label, sigma_px=5)
    assert (soft[patches.label] == 1).all()
    with pytest.raises(ParameterError):
        ls.soft_labels(patches.label, sigma_px=-1)


def test_buckets_have_their_published_shares():
    pixels = np.array([0] * 500 + list(range(1, 101)))
    buckets = ls.fill_buckets(pixels)
    names = ls.bucket_names(pixels)
    for name, share in {"none": 0.1, "small": 0.5, "medium": 0.3, "large": 0.1}.items():
        assert buckets.weights[names == name].sum() == pytest.approx(share)
    assert (names == "small").sum() == 25
    assert (names == "large").sum() == 25


def test_an_empty_bucket_is_named_and_its_share_goes_to_the_others():
    buckets = ls.fill_buckets(np.array([3, 4, 5, 6, 7, 8, 9, 50]))
    assert buckets.empty == ("none",)
    assert buckets.weights.sum() == pytest.approx(1)
    assert buckets.shares["small"] == pytest.approx(0.5 / 0.9)
    only = ls.fill_buckets(np.zeros(4, dtype=int))
    assert only.empty == ("small", "medium", "large")
    assert np.allclose(only.weights, 0.25)


def test_batches_follow_the_buckets(patches):
    made = samples(patches, ("coherence",))
    pixels = made.label.sum((1, 2)).numpy()
    draws = ls.Draws(made, batch=8, seed=0, buckets=ls.fill_buckets(pixels))
    names = ls.bucket_names(pixels)
    seen = np.concatenate([names[draws.order(turn)] for turn in range(200)])
    assert (seen == "small").mean() == pytest.approx(0.5, abs=0.03)
    assert (seen == "none").mean() == pytest.approx(0.1, abs=0.02)


def test_everything_turns_together(patches):
    made = samples(patches, ("coherence", "valid"))
    for flip in (False, True):
        for quarters in range(4):
            after = ls.turned(made, flip=flip, quarters=quarters)
            assert torch.equal(after.channels[:, 1].bool(), after.valid)
            assert torch.equal(after.target.bool(), after.label)
            back = torch.rot90(after.channels, -quarters, (-2, -1))
            assert torch.equal(back.flip(-1) if flip else back, made.channels)


def test_the_nth_batch_is_the_same_wherever_reading_began(patches):
    made = samples(patches)
    buckets = ls.fill_buckets(made.label.sum((1, 2)).numpy())
    for known in (None, buckets):
        whole = iter(ls.Draws(made, batch=8, seed=3, buckets=known))
        batches = [next(whole) for _ in range(8)]
        later = next(iter(ls.Draws(made, batch=8, seed=3, buckets=known, first=7)))
        assert all(torch.equal(one, other) for one, other in zip(batches[7], later, strict=True))


# Simulated patches


def test_simulated_patches_hold_what_was_drawn_and_what_slid():
    size = {"pixels": 64, "side": 128, "keep": 3}
    drawn = simulated.simulated_patches(FIELD, 0, [0, 9], **size)
    exact = simulated.simulated_patches(FIELD, 0, [0, 9], mapped=False, **size)
    assert drawn["event"].to_numpy().tolist() == ["slides-00"] * 3 + ["slides-09"] * 3
    assert "truth" not in exact
    assert exact["landslide"].sum() > 0
    np.testing.assert_array_equal(drawn["truth"], exact["landslide"])
    assert (drawn["landslide"] != drawn["truth"]).any()
    read = ls.read_patches(drawn)
    np.testing.assert_array_equal(
        read.truth_of(np.array([4])), (exact["landslide"].to_numpy() == 1)[[4]] & read.valid[[4]]
    )
    assert ls.read_patches(exact).truth_of(np.array([0])) is None


def test_an_event_that_cannot_be_is_left_out_and_said(monkeypatch):
    true = simulated.simulate_landslide_event

    def too_high(recipe, seed, number, **size):
        if number:
            raise ProductError("Variable elevation spans 0 to 14562 m")
        return true(recipe, seed, number, **size)

    monkeypatch.setattr(simulated, "simulate_landslide_event", too_high)
    said = []
    made = simulated.simulated_patches(PRACTICE, 0, [0, 1], pixels=64, side=128, mapped=False, say=said.append)
    assert set(made["event"].to_numpy().tolist()) == {"slides-00"}
    assert "practice event 1: its ground is like none on Earth, left out" in said[1]
    with pytest.raises(EmptyScene, match="Nothing can be seen of any event of practice"):
        simulated.simulated_patches(PRACTICE, 0, [1], pixels=64, side=128, mapped=False)
