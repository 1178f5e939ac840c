"""The network that ships: what its card and its scores say is so, on simulated and on real scenes."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from conftest import ROOT
from epi.insar import product
from epi.insar.readers.files import read_scene
from epi.learn import centres, combine, gridded, load_network, locate_scene, predict, read_card, recipe_scene
from epi.learn.locate import Density, Located
from epi.learn.ship import CALIBRATION, REPORTED, card_of, limits, main, score_patches, summary, trivial
from epi.learn.train import CHECKPOINT, PLANS
from epi.settings import settings
from epi.simulate.recipe import UNSEEN
from patch_scenes import plane_scene

sys.path.insert(0, str(ROOT / "tests" / "bench"))
import bench_real

MIB = 2**20


@pytest.fixture(scope="module")
def path():
    return settings().data / "locator.safetensors"


@pytest.fixture(scope="module")
def network(path):
    return load_network(path)


@pytest.fixture(scope="module")
def scores():
    return pd.read_csv(settings().data / "locator_scores.csv")


def test_the_weights_are_small_and_their_card_says_how_they_came(path):
    assert path.stat().st_size <= 20 * MIB
    card = read_card(path)
    assert json.dumps(card)
    assert str(card["command"]).startswith("python -m epi.learn.ship")
    for fact in ("seed", "patches", "batch", "data", "history", "temper", "ellipse_factor", "median_km", "coverage"):
        assert card[fact] is not None
    for fact in ("plan", "intervals", "limits", "trivial_median_km", "libraries"):
        assert card[fact]
    assert card["plan"] == json.loads(json.dumps(PLANS["cpu"].facts()))


def test_a_card_tells_the_plan_the_intervals_and_the_limits(scores):
    plan = replace(PLANS["cpu"], seed=7, memory=123)
    history = pd.DataFrame({"patches": [1, 2], "median_error_km": [5.12345, 4.0]})
    card = card_of(plan, history, 20.0, {"temper": 0.7, "ellipse_factor": 2.0}, scores, "make it")
    kept = json.loads(json.dumps(card))
    assert (kept["command"], kept["seed"], kept["temper"], kept["centre_km"]) == ("make it", 7, 0.7, 20.0)
    assert kept["history"]["median_error_km"] == [5.123, 4.0]
    assert {"cycles", "rate", "memory", "half", "settings", "weather"} <= set(kept["plan"])
    assert kept["plan"]["memory"] == 123
    assert not {"device", "workers"} & set(kept["plan"])
    for name in ("median_km", "mean_km", "coverage", "coverage_stormy"):
        low, high = kept["intervals"][name]
        assert low < kept[name] <= high
    assert len(kept["limits"]) >= 4
    assert kept["median_km"] < min(kept["trivial_median_km"].values())
    assert kept["libraries"]["torch"] == str(torch.__version__)
    weaker = replace(plan, weather=replace(plan.weather, atmosphere_m=(0.001, 0.013)))
    assert any("0.1 to 1.3 cm" in line for line in limits(weaker))


def test_what_is_reported_was_not_calibrated_on():
    assert all(not set(CALIBRATION) & set(seeds) for seeds in REPORTED.values())
    assert max(max(seeds) for seeds in REPORTED.values()) < 10_000 <= min(CALIBRATION)


def test_the_card_is_the_table(path, scores):
    card = read_card(path)
    for name, value in summary(scores).items():
        assert card[name] == pytest.approx(value, abs=1e-3), name
    assert card["trivial_median_km"] == pytest.approx(trivial(scores), abs=1e-3)


@pytest.mark.parametrize("seed", [0, 2])
def test_shipped_scores_are_found_again(network, scores, seed):
    scene = recipe_scene(seed)
    patches = gridded(scene, network.settings)
    found = combine(network, centres(patches), predict(network, patches))
    rows = scores[(scores["recipe"] == UNSEEN.name) & (scores["kind"] == "earthquake")]
    row = rows.set_index("seed").loc[seed]
    assert (found.east_km, found.north_km) == pytest.approx((row["network_east_km"], row["network_north_km"]), abs=0.1)
    assert scene.centroid == pytest.approx((row["east_km"], row["north_km"]), abs=1e-3)
    assert row["error_km"] == pytest.approx(
        np.hypot(row["network_east_km"] - row["east_km"], row["network_north_km"] - row["north_km"]), abs=1e-3
    )


@pytest.fixture(scope="module")
def of_patches():
    return pd.read_csv(settings().data / "patch_scores.csv")


def test_shipped_scores_of_patches_are_found_again(network, of_patches):
    assert set(of_patches["seed"]) <= set(REPORTED[UNSEEN, "earthquake"])
    found = score_patches(network, [3])
    kept = of_patches[of_patches["seed"] == 3].reset_index(drop=True)
    assert list(found.columns) == list(kept.columns)
    np.testing.assert_allclose(found, kept, atol=0.1)
    assert (kept[["east_km", "north_km"]].abs() < network.settings.size_km / 2).all(axis=None)


def distance_shares(of_patches):
    """Mean absolute error of the distance, km: of the network, and of the constant that is best here."""
    seen = of_patches[of_patches["peak_cm"] >= 3]
    far, true = (np.hypot(seen[f"{who}east_km"], seen[f"{who}north_km"]) for who in ("network_", ""))
    return (far - true).abs().mean(), (true - true.median()).abs().mean()


def test_the_distance_is_better_known_than_by_a_constant(of_patches):
    """What is reached; the goal below is not."""
    network, constant = distance_shares(of_patches)
    assert network <= 0.65 * constant


@pytest.mark.xfail(
    strict=True, reason="3.73 of 6.24 km: as with the mean error, a few signals of 3 to 10 cm under as much air rule it"
)
def test_the_distance_is_at_most_half_as_far_off_as_a_constant(of_patches):
    network, constant = distance_shares(of_patches)
    assert network <= 0.5 * constant


def visible(scores):
    quakes = scores[(scores["recipe"] == UNSEEN.name) & (scores["kind"] == "earthquake")]
    return quakes[quakes["peak_cm"] >= 3]


def test_it_beats_every_answer_that_costs_nothing(scores):
    seen = visible(scores)
    free = seen[["centre_error_km", "steepest_error_km", "peak_error_km"]].median()
    assert seen["error_km"].median() < free.min()


@pytest.mark.parametrize(("low", "high"), [(3, 6), (6, 20), (20, np.inf)])
def test_it_beats_every_answer_that_costs_nothing_in_every_class_of_signal(scores, low, high):
    seen = visible(scores)
    part = seen[(seen["peak_cm"] >= low) & (seen["peak_cm"] < high)]
    assert len(part) >= 25
    free = part[["centre_error_km", "steepest_error_km", "peak_error_km"]].median()
    assert part["error_km"].median() < free.min()


def test_where_nothing_is_to_be_seen_its_ellipses_hold_the_truth(scores):
    quakes = scores[(scores["recipe"] == UNSEEN.name) & (scores["kind"] == "earthquake")]
    hidden = quakes[quakes["peak_cm"] < 3]
    assert len(hidden) >= 50
    assert (hidden["inside"] == 1).all()


def test_its_ellipses_keep_their_promise(scores):
    quakes = scores[scores["kind"] == "earthquake"]
    assert 0.90 <= quakes.loc[quakes["recipe"] == UNSEEN.name, "inside"].mean() <= 0.98
    assert quakes.loc[quakes["recipe"] == "stormy", "inside"].mean() >= 0.85


@pytest.mark.xfail(
    strict=True, reason="median 3.2 km: 400,000 patches are an hour and a half on two cores; the curve still falls"
)
def test_visible_earthquakes_are_found_within_3_km(scores):
    assert visible(scores)["error_km"].median() <= 3.0


@pytest.mark.xfail(strict=True, reason="mean 5.8 km: a signal of 3 cm under 4 cm of air stays hidden from this network")
def test_visible_earthquakes_are_found_within_4500_m_on_average(scores):
    assert visible(scores)["error_km"].mean() <= 4.5


def test_visible_earthquakes_are_found(scores):
    """What is reached; the two goals above are not."""
    assert visible(scores)["error_km"].median() <= 3.5


@pytest.mark.parametrize(("name", "quantity"), [("greece.diff", "wrapped"), ("greece.unw", "displacement")])
def test_thessaly_is_found(shared_data, network, name, quantity):
    """Real, never learned from: the centre of the published fault, from the whole scene and from most crops."""
    stated = {"quantity": quantity, "units": {"displacement": "m", "wrapped": "rad"}[quantity], "positive": "away"}
    stated |= {"incidence": 33.6, "heading": -13.5, "wavelength": product.SENTINEL1_WAVELENGTH_M}
    scene = read_scene(shared_data / "scenes" / "thessaly_2021" / name, **stated)
    result, *_ = locate_scene(network, scene)
    assert np.hypot(result["east_km"] - 0.15, result["north_km"] + 0.15) <= 2.0
    assert result["visible"]
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(12):  # every crop of 51.2 km holds more than half of a signal in the middle of 80 km
        row, column = rng.integers(0, 801 - 513, 2)
        crop = scene.isel(y=slice(row, row + 513), x=slice(column, column + 513))
        found, *_ = locate_scene(network, crop)
        errors.append(np.hypot(found["east_km"] - 0.15, found["north_km"] + 0.15))
    assert np.median(errors) <= 2.0


def test_real_earthquakes_are_near_their_published_sources():
    """As tests/bench/bench_real.py measured it: the files do not ship."""
    table = pd.read_csv(settings().data / "real_scores.csv")
    found = table[table["method"] == "network"].set_index("scene")
    assert found["km_from_centre"].filter(like="Thessaly").max() <= 2.0
    assert found["km_from_centre"].max() <= 4.0
    whole = found[found["km_from_centre"].notna() & ~found.index.str.contains("crops")]
    assert whole["inside"].astype(bool).all()
    assert (found["km_from_trace"].dropna() <= 4.0).all()
    assert str(found.loc["Morocco, quiet", "visible"]) == "False"


@pytest.mark.parametrize(("more", "seen"), [(-0.01, False), (0.01, True)])
def test_a_scene_too_small_for_it_is_called_by_its_own_threshold(network, monkeypatch, more, seen):
    chance, line = network.settings.presence + more, np.arange(2.0)
    found = Located(0.0, 0.0, np.eye(2), chance, 6.0, 0.2, Density(line, line, np.full((2, 2), 0.25)))
    monkeypatch.setattr(bench_real, "predict", lambda *_: [])
    monkeypatch.setattr(bench_real, "combine", lambda *_: found)
    assert bench_real.asked_anyway(network, plane_scene(40))["visible"] == seen


def test_a_gpu_that_is_not_here_is_one_line(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert main(["--device", "cuda", "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("ParameterError: device cuda was asked, and PyTorch sees no GPU here")


def test_a_checkpoint_of_another_architecture_is_one_line(capsys, tmp_path):
    torch.save({"global_step": 5, "state_dict": {"network.stem.0.weight": torch.zeros(3)}}, tmp_path / CHECKPOINT)
    assert main(["--device", "cpu", "--folder", str(tmp_path)]) == 1
    assert "is of another architecture: give another folder, or delete it" in capsys.readouterr().err


def test_an_unknown_plan_is_refused(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--plan", "toaster"])
    assert stopped.value.code == 2
    assert "invalid choice: 'toaster'" in capsys.readouterr().err
