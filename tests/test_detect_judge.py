"""How well a detector does, counted again by plain loops and by scikit-learn; its thresholds; its intervals."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import metrics

from conftest import ROOT
from detect_stubs import Known
from epi.errors import ParameterError
from epi.learn.detect import judge as judging
from epi.learn.detect import scores
from epi.learn.detect.channels import mirrored, scene_channels
from epi.learn.detect.data import block_of
from epi.learn.detect.judge import (
    AIR_ALARMS,
    BINS,
    Judged,
    adjust_detector,
    balanced_f1,
    choose_alarm,
    choose_threshold,
    count_pixels,
    facts,
    judge,
    look,
    mean_excess,
    outline_km,
)
from epi.learn.detect.networks import DetectSettings, build_detector
from epi.learn.detect.scores import calibration_error, mask_scores, pooled_iou, presence_scores, with_intervals
from epi.simulate.labelled import FROZEN, KINDS, TRAINING


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch):
    """Intervals in a moment."""
    monkeypatch.setattr(scores, "DRAWS", 60)


@pytest.fixture(scope="module")
def scenes():
    return block_of(TRAINING, 0, 0, pixels=32)


def probabilities(scenes, seed=0):
    return torch.rand(scenes.mask.shape, generator=torch.Generator().manual_seed(seed))


def test_pixels_are_counted_as_a_plain_loop_does(scenes):
    part = scenes.take(slice(0, 6))
    said = probabilities(part)
    found = count_pixels(said, part)
    expected = np.zeros((6, 2, BINS), dtype=int)
    for n, row, column in np.ndindex(*said.shape):
        if part.valid[n, row, column]:
            expected[n, int(part.mask[n, row, column]), int(float(said[n, row, column]) * BINS)] += 1
    np.testing.assert_array_equal(found, expected)
    ends = torch.stack([torch.zeros(6, 32, 32), torch.ones(6, 32, 32)])
    for level, each in zip((0, BINS - 1), ends, strict=True):
        assert count_pixels(each, part)[:, :, level].sum() == part.valid.sum()


@pytest.mark.parametrize("threshold", [0.05, 0.15, 0.35, 0.5, 0.95])
def test_overlaps_are_those_of_the_masks(scenes, threshold):
    said = probabilities(scenes)
    table = Judged(pd.DataFrame(facts(scenes)), count_pixels(said, scenes)).overlap(threshold)
    for n in range(len(scenes)):
        moved = ((said[n] >= threshold) & scenes.valid[n]).numpy()
        true, known = scenes.mask[n].numpy(), scenes.valid[n].numpy()
        expected = {"both": moved & true, "either": moved | true, "said": moved, "true": true, "all": known}
        expected["right"] = (moved == true) & known
        assert table.iloc[n].to_dict() == {name: int(part.sum()) for name, part in expected.items()}


def test_a_network_that_only_says_whether_has_no_mask(scenes):
    with pytest.raises(ParameterError, match="has no mask to compare"):
        Judged(pd.DataFrame(facts(scenes)), None).overlap(0.5)


def test_networks_look_in_pieces_and_in_order(scenes):
    channels = torch.rand(7, 7, 32, 32)
    network = Known(lambda seen: seen["cosine"], lambda seen: seen["sine"].sum((1, 2)))
    for batch in (2, 64):
        present, mask = look(network, channels, batch=batch)
        torch.testing.assert_close(present, channels[:, 1].sum((1, 2)))
        torch.testing.assert_close(mask, channels[:, 0].sigmoid())
    assert look(Known(None), channels)[1] is None


def test_answers_to_a_scene_and_its_mirror_image_are_averaged():
    """Of a network that hears of the western half alone, and marks what it sees there."""
    channels = torch.randn(3, 7, 32, 32, generator=torch.Generator().manual_seed(4))
    western = torch.arange(32) < 16
    network = Known(
        lambda seen: seen["cosine"].where(western, 0.0),
        lambda seen: seen["coherence"][:, :, :16].mean((1, 2)),
        mirrors=True,
    )
    present, mask = look(network, channels)
    torch.testing.assert_close(present, channels[:, 4].mean((1, 2)), atol=1e-6, rtol=0)
    torch.testing.assert_close(mask, (channels[:, 0].sigmoid() + 0.5) / 2)
    assert look(Known(None, mirrors=True), channels)[1] is None


def test_a_network_says_the_same_of_a_scene_and_its_mirror_image(scenes):
    network = build_detector(DetectSettings("vit-small", pixels=32), seed=3)
    channels = scene_channels(scenes)[:4]
    assert (look(network, channels)[0] - look(network, mirrored(channels))[0]).abs().min() > 1e-4
    network.settings = replace(network.settings, mirrors=True)
    (one, mask), (other, turned) = look(network, channels), look(network, mirrored(channels))
    torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
    torch.testing.assert_close(mask, turned.flip(-1), atol=1e-5, rtol=0)


def test_a_judgement_holds_what_is_true_and_what_was_said():
    network = Known(lambda seen: 8 * (seen["coherence"] - 0.5), lambda seen: seen["data"].mean((1, 2)), temperature=2.0)
    found = judge(network, TRAINING, seed=3, blocks=[4, 1])
    scenes = block_of(TRAINING, 3, 1, pixels=32)
    table = found.table.iloc[64:].reset_index(drop=True)
    assert (table["kind"] == np.array(KINDS)[scenes.kind]).all()
    share = scenes.valid.float().mean((1, 2)).double().numpy()
    np.testing.assert_allclose(table["logit"], share, rtol=1e-5)
    np.testing.assert_allclose(table["probability"], 1 / (1 + np.exp(-share / 2)), rtol=1e-5)
    np.testing.assert_allclose(table["fringes"], scenes.peak_m.double() / (0.05546576 / 2), rtol=1e-5)
    np.testing.assert_allclose(table["peak_cm"], 100 * scenes.peak_m.double(), rtol=1e-5)
    for n in range(0, 64, 9):
        mean = scenes.coherence[n][scenes.valid[n]].double().mean()
        assert table["coherence"][n] == pytest.approx(float(mean), rel=1e-4)
    np.testing.assert_array_equal(found.counts[64:].sum((1, 2)), scenes.valid.sum((1, 2)))
    quiet = table["kind"] != KINDS[0]
    assert table["boundary_km"][quiet].isna().all()
    assert (table["boundary_km"].dropna() > 0).all()
    assert "boundary_km" not in judge(Known(None), TRAINING, seed=3, blocks=[1]).table


def square(first, last, side=40):
    area = np.zeros((side, side), dtype=bool)
    area[first:last, first:last] = True
    return area


def test_outlines_of_two_squares():
    """One of 10 pixels within one of 14: two apart along the sides, more at the corners of the larger."""
    small, large = square(15, 25), square(13, 27)
    assert outline_km(small, small, 0.5) == 0
    outward = (40 * 2 + 8 * np.sqrt(5) + 4 * np.sqrt(8)) / 52  # of the 52 pixels of the larger outline
    assert outline_km(large, small, 0.5) == pytest.approx(0.5 * (outward + 2) / 2)
    assert outline_km(small, large, 0.5) == outline_km(large, small, 0.5)
    line = np.zeros((40, 40), dtype=bool)
    line[10] = True
    assert outline_km(line, np.roll(line, 7, axis=0), 0.4) == pytest.approx(2.8)
    empty = np.zeros_like(line)
    assert np.isnan(outline_km(line, empty, 1.0))
    assert np.isnan(outline_km(empty, line, 1.0))


def test_the_scenes_edge_is_no_outline():
    """Half a scene against a little more than half: their straight sides count and nothing else."""
    rows = np.arange(40)[:, None] + np.zeros((40, 40))
    assert outline_km(rows < 20, rows < 23, 1.0) == pytest.approx(3)
    assert np.isnan(outline_km(rows < 20, rows < 99, 1.0))


def table_of(count=2000, seed=0):
    """A judged table and a score that knows something."""
    rng = np.random.default_rng(seed)
    kind = rng.permutation(np.array(KINDS)[np.arange(count) % 14 % 8 * (np.arange(count) % 2)])
    present = kind == KINDS[0]
    fringes = np.where(present, np.exp(rng.normal(0, 1, count)), 0)
    present &= fringes > 0.2
    score = 1 / (1 + np.exp(-(1.5 * np.log(fringes + 0.1) + 1 + rng.normal(0, 1, count))))
    return pd.DataFrame({"kind": kind, "present": present, "fringes": fringes, "probability": score})


@pytest.mark.parametrize("seed", range(4))
def test_the_alarm_is_the_best_that_air_seldom_raises(seed):
    table = table_of(seed=seed)
    score = table["probability"].to_numpy()
    air = (table["kind"] == "air").to_numpy()
    alarm = choose_alarm(table, score, score[air])
    quiet = (table["kind"] != KINDS[0]).to_numpy()
    strong = (table["present"] & (table["fringes"] > 0.5)).to_numpy()
    assert air.sum() >= 100
    assert (score[air] >= alarm).mean() <= AIR_ALARMS

    def worth(level):
        return balanced_f1((score[strong] >= level).mean(), (score[quiet] >= level).mean())

    free = [worth(level) for level in np.unique(score) if (score[air] >= level).mean() <= AIR_ALARMS]
    assert worth(alarm) == pytest.approx(max(free), abs=0.01)


def test_balanced_f1_is_f1_where_both_are_as_many():
    rng = np.random.default_rng(0)
    present = np.repeat([True, False], 500)
    said = rng.random(1000) < np.where(present, 0.8, 0.15)
    found = balanced_f1(said[present].mean(), said[~present].mean())
    assert found == pytest.approx(metrics.f1_score(present, said))
    rarer = np.concatenate([np.flatnonzero(present)[:50], np.flatnonzero(~present)])
    assert balanced_f1(said[rarer][present[rarer]].mean(), said[~present].mean()) == pytest.approx(found, abs=0.05)


def counted(count=60, seed=0, best=0.3):
    """Masks whose probability reaches ``best`` on moved ground and seldom elsewhere, as pixels and as counts."""
    rng = np.random.default_rng(seed)
    true = rng.random((count, 400)) < rng.uniform(0, 0.5, (count, 1))
    true[::5] = False
    level = np.where(
        true, rng.integers(round(best * BINS), BINS, true.shape), rng.integers(0, round(best * BINS) + 2, true.shape)
    )
    counts = np.array(
        [[np.bincount(one[part], minlength=BINS) for part in (~t, t)] for one, t in zip(level, true, strict=True)]
    )
    facts_ = {"present": true.any(1), "kind": np.where(true.any(1), KINDS[0], "air")}
    facts_ |= {
        "fringes": rng.uniform(0, 2, count) * true.any(1),
        "boundary_km": np.where(true.any(1), rng.random(count), np.nan),
    }
    return true, level, Judged(pd.DataFrame(facts_), counts)


@pytest.mark.parametrize("best", [0.3, 0.55])
def test_the_threshold_is_that_of_the_best_overlap(best):
    true, level, judged = counted(best=best)
    pooled = [metrics.jaccard_score(true.ravel(), (level >= cut).ravel()) for cut in range(1, BINS)]
    found = choose_threshold(judged)
    assert found == pytest.approx((1 + np.argmax(pooled)) / BINS)
    assert found >= best


@pytest.mark.parametrize("stretch", [0.5, 3.0])
def test_the_temperature_makes_a_network_keep_its_word(monkeypatch, stretch):
    """Logits that are stretched by a factor are divided by it again; what is chosen stays with the network."""
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 2, 6000)
    present = rng.random(6000) < 1 / (1 + np.exp(-logit))
    table = pd.DataFrame({"kind": np.where(present, KINDS[0], "air"), "present": present})
    table = table.assign(fringes=present * 1.0, logit=(stretch * logit).astype(np.float32))
    counts = np.tile(counted()[2].counts, (100, 1, 1))
    air = table[~table["present"]].sample(500, random_state=1)
    monkeypatch.setattr(judging, "judge", lambda _, mixture, **__: Judged(table if mixture is FROZEN else air, counts))
    network = Known(None)
    found = adjust_detector(network, FROZEN, seed=0, blocks=[])
    assert found["temperature"] == pytest.approx(stretch, rel=0.08)
    kept = network.settings
    assert (kept.temperature, kept.alarm, kept.alarm_growth, kept.threshold) == tuple(found.values())
    said = 1 / (1 + np.exp(-table["logit"] / kept.temperature))
    assert calibration_error(said, present) < 0.02
    assert (said[air.index] >= kept.alarm).mean() <= AIR_ALARMS


@pytest.mark.parametrize("squares", [1, 4, 24])
def test_scenes_of_many_squares_are_called_one_as_seldom_as_those_of_one(squares):
    """The largest of many exponential excesses, against the alarm that grows with their number."""
    rng = np.random.default_rng(2)
    growth = mean_excess(rng.exponential(0.4, 20_000))
    assert growth == pytest.approx(0.4, rel=0.05)
    level = 1.0 + 0.4 * np.log(0.1 / 0.02)  # exceeded by one in fifty, where one in ten exceeds 1
    known = DetectSettings("unet-resnet10", alarm=float(1 / (1 + np.exp(-level))), alarm_growth=growth)
    largest = np.where(rng.random((20_000, squares)) < 0.1, 1 + rng.exponential(0.4, (20_000, squares)), 0).max(1)
    called = 1 / (1 + np.exp(-largest)) >= known.alarm_over(squares)
    assert called.mean() == pytest.approx(0.02, abs=0.005)
    assert known.alarm_over(1) == known.alarm


def test_scores_of_presence_are_scikit_learns():
    table = table_of(600)
    alarm = 0.6
    air = np.array([0.1, 0.7, 0.6, 0.2])
    found = presence_scores(table, alarm=alarm, air=air)
    kept = table[table["present"] | (table["kind"] != KINDS[0])]
    assert found["n"] == len(kept) < len(table)
    true, score = kept["present"].to_numpy(), kept["probability"].to_numpy()
    said = score >= alarm
    expected = {
        "precision": metrics.precision_score(true, said),
        "recall": metrics.recall_score(true, said),
        "f1": metrics.f1_score(true, said),
        "accuracy": metrics.accuracy_score(true, said),
        "auc": metrics.roc_auc_score(true, score),
        "average_precision": metrics.average_precision_score(true, score),
        "air_alarms": 0.5,
        "air_n": 4,
        "quiet_alarms": said[~true].mean(),
        "recall_half": said[true & (kept["fringes"] > 0.5)].mean(),
        "recall_one": said[true & (kept["fringes"] > 1)].mean(),
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value), name
    assert found["f1_one"] == pytest.approx(2 * found["recall_one"] / (1 + found["recall_one"] + found["quiet_alarms"]))
    assert found["f1_half"] == pytest.approx(balanced_f1(found["recall_half"], found["quiet_alarms"]))


def test_scores_of_masks_are_scikit_learns():
    true, level, judged = counted()
    found = mask_scores(judged, threshold=0.4)
    kept = true.any(1)
    said = level >= 8
    assert found["n"] == kept.sum()
    flat = true[kept].ravel(), said[kept].ravel()
    for name, measure in (
        ("iou", metrics.jaccard_score),
        ("dice", metrics.f1_score),
        ("accuracy", metrics.accuracy_score),
    ):
        assert found[name] == pytest.approx(measure(*flat)), name
        if name != "accuracy":
            each = [measure(a, b) for a, b in zip(true[kept], said[kept], strict=True)]
            assert found[f"{name}_image"] == pytest.approx(np.mean(each)), name
    large = kept & (judged.table["fringes"] > 1).to_numpy()
    assert found["iou_one"] == pytest.approx(metrics.jaccard_score(true[large].ravel(), said[large].ravel()))
    assert found["boundary_km"] == pytest.approx(judged.table["boundary_km"].median())


def test_intervals_hold_their_values_and_are_those_of_the_seed():
    one, again, other = (presence_scores(table_of(400), alarm=0.6, seed=seed) for seed in (0, 0, 1))
    assert one == again
    assert one["f1_low"] != other["f1_low"]
    assert one["f1"] == other["f1"]
    for found in (one, mask_scores(counted()[2], threshold=0.4)):
        bounded = [name for name in found if f"{name}_low" in found]
        assert len(bounded) >= 8
        for name in bounded:
            assert found[f"{name}_low"] <= found[name] <= found[f"{name}_high"], name


def calibration_of(said, true) -> dict[str, float]:
    """The interval of the calibration, and under another name that of the draws as they are."""

    def error(each: pd.DataFrame) -> float:
        return calibration_error(each["said"], each["true"])

    table = pd.DataFrame({"said": said, "true": true})
    return with_intervals(table, {"calibration": error, "plain": error}, seed=0)


def test_the_interval_of_a_perfect_calibration_holds_it():
    """As many are so as is said, exactly: each draw is off by chance, and the interval of the plain draws is too."""
    said = np.repeat((np.arange(10) + 0.5) / 10, 100)
    found = calibration_of(said, np.concatenate([np.arange(100) < 10 * level + 5 for level in range(10)]))
    assert found["calibration"] == pytest.approx(0, abs=1e-12)
    assert found["plain_low"] > 0.01
    assert found["calibration_low"] == pytest.approx(0, abs=1e-12)
    assert 0.005 < found["calibration_high"] < found["plain_high"]


@pytest.mark.parametrize("seed", range(4))
def test_the_interval_of_a_network_that_keeps_its_word_holds_its_calibration(seed):
    rng = np.random.default_rng(seed)
    said = rng.uniform(0, 1, 300)
    found = calibration_of(said, rng.random(300) < said)
    assert 0 <= found["calibration_low"] < found["calibration"] < found["calibration_high"]
    middle = (found["calibration_low"] + found["calibration_high"]) / 2
    assert abs(middle - found["calibration"]) < 0.01


@pytest.mark.parametrize("file", ["detect_scores.csv", "detect_compare.csv"])
def test_intervals_that_ship_hold_their_values(file):
    table = pd.read_csv(ROOT / "data" / file)
    names = [name for name in table if f"{name}_low" in table]
    assert len(names) >= 15
    for name in names:
        kept = table[table[[name, f"{name}_low"]].notna().all(axis=1)]
        assert kept[name].between(kept[f"{name}_low"] - 1e-6, kept[f"{name}_high"] + 1e-6).all(), name


def test_intervals_of_a_mean_are_as_wide_as_theory_says(monkeypatch):
    """1.96 standard errors to either side."""
    monkeypatch.setattr(scores, "DRAWS", 400)
    table = pd.DataFrame({"value": np.random.default_rng(0).normal(3, 2, 900)})
    found = with_intervals(table, {"mean": lambda each: float(each["value"].mean())}, seed=0)
    half = 1.96 * table["value"].std() / 30
    assert found["mean"] == table["value"].mean()
    assert found["mean_high"] - found["mean_low"] == pytest.approx(2 * half, rel=0.15)


def test_a_network_that_keeps_its_word_has_no_calibration_error():
    """In each class as many are so as it says; one that says it is sure, and is right half the time, is half off."""
    said = np.repeat(np.arange(10) / 10, 100)
    true = np.concatenate([np.arange(100) < 10 * level for level in range(10)])
    assert calibration_error(said, true) == pytest.approx(0, abs=1e-12)
    order = np.random.default_rng(0).permutation(1000)
    mixed = calibration_error(said[order], true[order])
    assert mixed == pytest.approx(0, abs=1e-12)
    assert calibration_error(np.ones(200), np.arange(200) % 2) == pytest.approx(0.5)


def test_pooled_overlap_is_of_all_pixels_together():
    """A large right answer and a small wrong one: pooled they are nearly right, by image half."""
    table = pd.DataFrame({"both": [90, 0], "either": [90, 10]})
    assert pooled_iou(table) == 0.9
    assert pooled_iou(table.iloc[:0]) == 0
