"""The study's networks: built, trained, interrupted, gone on with, and asked."""

import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import r2_score

from epi.errors import DownloadError, FileFormatError, ParameterError, PatchStoreError
from epi.learn.study import (
    HeldImages,
    Recipe,
    WeightsUnreachable,
    build_network,
    combined_loss,
    fit,
    load_checkpoint,
    predict,
    score,
    simulate_patches,
    split,
    trivial_answers,
)
from epi.learn.study.__main__ import main
from epi.learn.study.networks import begin_network
from epi.learn.study.recipe import LOSSES, MODELS, TARGETS
from epi.learn.study.run import OFFSET, PROFILES, Attempt, Profile, run_study
from epi.patches import Patches, offset, shifted

TINY = {"model": "test_resnet", "pixels": 16, "batch": 8, "epochs": 5, "checkpoint_every": 2, "seed": 7}


class KilledError(Exception):
    """Stands for a process that was killed."""


def unreachable():
    """Stands for a hub that cannot be had."""
    raise OSError("no route to the hub")


def toy_patches(events: int = 6, each: int = 12, seed: int = 0) -> Patches:
    """Patches of noise whose mean coherence says how far the epicentre is."""
    rng = np.random.default_rng(seed)
    frames, bands = [], []
    for number in range(events):
        place = (rng.uniform(-40, 40), rng.uniform(-150, 150))
        row, column = np.divmod(np.arange(each), 4)
        east = rng.uniform(-60, 60) + 40 * (column - 1.5)
        north = rng.uniform(-60, 60) - 40 * (row - 1.0)
        lat, lon = shifted(place[0], place[1], east, north)
        distance, to_east, to_north = offset(lat, lon, place)
        facts = {"event": f"event-{number}", "group": f"event-{number}", "subswath": "IW1", "pixels": 16}
        facts |= {"patch": [f"patch_{n:02d}" for n in range(each)], "center_lat": lat, "center_lon": lon}
        facts |= {"row": 16 * row, "column": 16 * column}
        facts |= {"reference": f"{2000 + number}-01-03", "secondary": f"{2000 + number}-01-15"}
        facts |= {"epicenter_lat": place[0], "epicenter_lon": place[1], "distance_km": distance}
        frames.append(pd.DataFrame(facts | {"offset_east_km": to_east, "offset_north_km": to_north}))
        band = rng.standard_normal((3, each, 16, 16)) * 0.1
        band[0] += distance[:, None, None] / 100
        bands.append(band)
    coh, i, q = np.concatenate(bands, axis=1).astype(np.float32)
    return Patches(pd.concat(frames, ignore_index=True), coh, i, q)


@pytest.fixture(scope="module")
def toys():
    return toy_patches()


@pytest.fixture(scope="module")
def parts(toys):
    return split(toys.table, "as published", seed=0)


@pytest.fixture(scope="module")
def unbroken(toys, parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unbroken")
    return fit(Recipe(**TINY), HeldImages(toys), parts, folder=folder, device="cpu"), folder


def same_weights(one, other) -> bool:
    one, other = one.state_dict(), other.state_dict()
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("killed_in", [3, 4])
def test_a_run_that_was_killed_and_resumed_gives_the_same_weights(toys, parts, unbroken, tmp_path, killed_in):
    seen = []

    def kill(line):
        seen.append(line)
        if line.startswith(f"epoch {killed_in} of"):
            raise KilledError

    images = HeldImages(toys)
    with pytest.raises(KilledError):
        fit(Recipe(**TINY), images, parts, folder=tmp_path, device="cpu", progress=kill)
    done_again = []
    resumed = fit(Recipe(**TINY), images, parts, folder=tmp_path, device="cpu", progress=done_again.append)
    assert same_weights(resumed.network, unbroken[0].network)
    assert resumed.history.equals(unbroken[0].history)
    kept = killed_in - killed_in % TINY["checkpoint_every"]  # no more than one interval was lost
    assert [line.split()[1] for line in done_again] == [str(n) for n in range(kept + 1, 6)]
    at_the_end = fit(Recipe(**TINY), images, parts, folder=tmp_path, device="cpu", progress=done_again.append)
    assert len(done_again) == 5 - kept
    assert same_weights(at_the_end.network, unbroken[0].network)


def test_another_seed_gives_other_weights_and_no_seed_is_left_behind(toys, parts, unbroken):
    state = torch.random.get_rng_state()
    again = fit(Recipe(**TINY), HeldImages(toys), parts, device="cpu")
    other = fit(Recipe(**TINY | {"seed": 8}), HeldImages(toys), parts, device="cpu")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert same_weights(again.network, unbroken[0].network)
    assert not same_weights(other.network, unbroken[0].network)


def test_a_checkpoint_answers_as_the_network_it_was_written_by(toys, unbroken):
    fitted, folder = unbroken
    images, rows = HeldImages(toys), [3, 1, 40]
    kept = load_checkpoint(folder / "checkpoint.ckpt", Recipe(**TINY))
    assert np.array_equal(predict(kept, images, rows), predict(fitted, images, rows))
    assert kept.history.equals(fitted.history)
    one_by_one = np.concatenate([predict(fitted, images, [row]) for row in rows])
    assert np.allclose(one_by_one, predict(fitted, images, rows), atol=1e-3)


@pytest.mark.parametrize("change", [
    {"model": "resnet18"}, {"channels": 3}, {"task": "epicentre", "target": "raw"}, {"target": "raw"}, {"loss": "mse"},
])  # fmt: skip
def test_a_checkpoint_of_another_run_is_refused(toys, parts, unbroken, change):
    recipe = Recipe(**TINY | change)
    name = next(iter(change))
    with pytest.raises(FileFormatError, match=f"another run .*{name} .*choose another folder"):
        load_checkpoint(unbroken[1] / "checkpoint.ckpt", recipe)
    with pytest.raises(FileFormatError, match="another run"):
        fit(recipe, HeldImages(toys), parts, folder=unbroken[1], device="cpu")


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No checkpoint"):
        load_checkpoint(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("not weights")
    with pytest.raises(FileFormatError, match="not a checkpoint of the study"):
        load_checkpoint(tmp_path / "text.ckpt")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    with pytest.raises(FileFormatError, match="not a checkpoint of the study"):
        load_checkpoint(tmp_path / "other.ckpt")


def test_it_learns_what_the_patches_show(toys, parts):
    recipe = Recipe(**TINY | {"epochs": 20, "channels": 3, "target": "normalised", "loss": "mse"})
    fitted = fit(recipe, HeldImages(toys), parts, device="cpu")
    rows = np.flatnonzero(parts == "test")
    test, training = toys.table.iloc[rows], toys.table[(parts == "train").to_numpy()]
    found = score(predict(fitted, HeldImages(toys), rows.tolist()), test, "distance")
    guess = score(trivial_answers(training, test, "distance")["constant (median)"], test, "distance")
    assert found["mae"] < 0.5 * guess["mae"]
    assert found["r2"] > 0.5 > guess["r2"]
    assert list(fitted.history["epoch"]) == list(range(1, 21))
    assert fitted.history["r2"].iloc[-1] > 0.5


def test_nan_in_the_data_and_patches_of_another_size_are_refused(toys, parts):
    broken = toys.take(range(len(toys)))
    broken.i[9] = np.nan
    with pytest.raises(PatchStoreError, match="first row 10"):
        fit(Recipe(**TINY), HeldImages(broken), parts, device="cpu")
    with pytest.raises(ParameterError, match=r"\[16\] pixels for a network of 32"):
        fit(Recipe(**TINY | {"pixels": 32}), HeldImages(toys), parts, device="cpu")


def test_faulty_labels_are_not_learned_from_unless_that_is_asked(toys, parts):
    faulty = toys.table.assign(distance_km=1.7 * toys.table["distance_km"])
    recipe, images = Recipe(**TINY | {"epochs": 1}), HeldImages(toys)
    with pytest.raises(PatchStoreError, match=r"distance not the geodesic.*row 1 \(event-0 IW1 patch_00\)"):
        fit(recipe, images, parts, table=faulty, device="cpu")
    fitted = fit(recipe, images, parts, table=faulty, sound=False, device="cpu")
    assert fitted.history["mae"].notna().all()


@pytest.mark.parametrize("recipe", [{}, {"task": "epicentre", "target": "offset", "channels": 3}])
def test_patches_that_lie_nowhere_are_refused_where_their_place_is_used(toys, parts, recipe):
    lost = toys.take(range(len(toys)))
    lost.table.loc[[4, 7], ["center_lat", "offset_east_km"]] = np.nan
    with pytest.raises((PatchStoreError, ParameterError), match=r"row 5 \(event-0 IW1 patch_04\)|2 of .* no offset"):
        fit(
            Recipe(**TINY | recipe),
            HeldImages(lost),
            pd.Series("train", lost.table.index).where(np.arange(len(lost)) < 40, "validation"),
            sound=False,
            device="cpu",
        )


@pytest.mark.parametrize(("change", "message"), [
    (lambda parts: parts.replace("train", "test"), "0 patches are in the part 'train'"),
    (lambda parts: parts.replace("validation", "test"), "0 patches are in the part 'validation'"),
    (lambda parts: parts.iloc[:-3], "69 parts and 72 labels for 72 patches"),
    (lambda parts: parts.set_axis(parts.index + 1), "under the same index"),
])  # fmt: skip
def test_parts_that_do_not_fit_the_patches_are_refused(toys, parts, change, message):
    with pytest.raises(ParameterError, match=message):
        fit(Recipe(**TINY), HeldImages(toys), change(parts), device="cpu")
    with pytest.raises(ParameterError, match="70 labels for 72 patches"):
        fit(Recipe(**TINY), HeldImages(toys), parts.iloc[:70], table=toys.table.iloc[:70], device="cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there(toys, parts):
    with pytest.raises(ParameterError, match="sees no GPU here: give --device cpu"):
        fit(Recipe(**TINY), HeldImages(toys), parts, device="cuda")


def test_a_device_that_nobody_knows(toys, parts):
    with pytest.raises(ParameterError, match="device tpu was asked: give auto, cpu or cuda"):
        fit(Recipe(**TINY), HeldImages(toys), parts, device="tpu")


def test_weights_out_of_reach_are_said_once_and_chance_is_used():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        network = build_network(Recipe(**TINY | {"weights": "auto"}), reach=unreachable)
    assert [warning.category for warning in said] == [WeightsUnreachable]
    assert "test_resnet cannot be had (no route to the hub)" in str(said[0].message)
    assert same_weights(network, build_network(Recipe(**TINY)))
    with pytest.raises(DownloadError, match=r"of test_resnet cannot be had from .* \(no route to the hub\): .*'auto'"):
        build_network(Recipe(**TINY | {"weights": "published"}), reach=unreachable)


def test_what_a_network_began_with_is_kept(toys, parts, tmp_path, monkeypatch):
    """A run that was to begin with published weights, and could not, says so in its scores, also when it goes on."""
    monkeypatch.setattr(begin_network, "__kwdefaults__", {"reach": unreachable})
    recipe, images = Recipe(**TINY | {"weights": "auto", "epochs": 2}), HeldImages(toys)
    with pytest.warns(WeightsUnreachable):
        assert fit(recipe, images, parts, folder=tmp_path, device="cpu").began == "random (unreachable)"
    further = Recipe(**TINY | {"weights": "auto", "epochs": 3})  # goes on without looking for them again
    assert fit(further, images, parts, folder=tmp_path, device="cpu").began == "random (unreachable)"
    assert load_checkpoint(tmp_path / "checkpoint.ckpt").began == "random (unreachable)"
    monkeypatch.setattr(begin_network, "__kwdefaults__", {"reach": lambda: None})
    monkeypatch.setattr("epi.learn.study.networks.timm.create_model", lambda *_, **made: torch.nn.Linear(1, 1))
    assert begin_network(recipe)[1] == begin_network(Recipe(**TINY | {"weights": "published"}))[1] == "published"
    assert begin_network(Recipe(**TINY))[1] == "random"


@pytest.mark.parametrize(("model", "rate"), list(zip(MODELS, (1e-3, 1e-3, 1e-5, 1e-4), strict=True)))
def test_the_published_networks_take_the_published_inputs(model, rate):
    recipe = Recipe(model=model, task="epicentre", channels=5, target="normalised", pixels=64)
    assert recipe.learning_rate == rate
    network = build_network(recipe).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 5, 64, 64)).shape == (1, 2)


@pytest.mark.parametrize(("wrong", "message"), [
    ({"task": "magnitude"}, "task='magnitude'"),
    ({"channels": 4}, "choose one of 3, 5"),
    ({"target": "offset"}, "target='offset' was asked for the task 'distance'"),
    ({"loss": "l1"}, "'combined', 'mse'"),
    ({"epochs": 0}, "epochs=0"),
    ({"weights": "imagenet"}, "None, 'auto'"),
])  # fmt: skip
def test_a_recipe_the_study_does_not_know(wrong, message):
    with pytest.raises(ParameterError, match=message):
        Recipe(**TINY | wrong)


def test_networks_that_cannot_be_built():
    with pytest.raises(ParameterError, match="no model 'resnet19': try"):
        build_network(Recipe(**TINY | {"model": "resnet19"}))
    with pytest.raises(ParameterError, match="choose 48 pixels"):
        build_network(Recipe(model="vit_tiny_patch16_224", pixels=50))
    with pytest.raises(ParameterError, match="give a rate"):
        _ = Recipe(model="efficientnet_b0").learning_rate


def test_the_published_loss():
    far, near = combined_loss(torch.tensor([3.0]), torch.zeros(1)), combined_loss(torch.tensor([0.5]), torch.zeros(1))
    assert float(far) == pytest.approx(0.7 * 9 + 0.3 * 2.5)
    assert float(near) == pytest.approx(0.7 * 0.25 + 0.3 * 0.125)


def test_scores_are_the_usual_ones_and_go_the_short_way_round(toys):
    table, rng = toys.table, np.random.default_rng(1)
    true = table[["distance_km"]].to_numpy()
    said = true + rng.standard_normal(true.shape) * 10
    found = score(said, table, "distance")
    assert found["mae"] == pytest.approx(np.abs(said - true).mean())
    assert found["rmse"] ** 2 == pytest.approx(found["mse"]) == pytest.approx(np.square(said - true).mean())
    assert found["r2"] == pytest.approx(r2_score(true, said))
    assert found["mae_low"] < found["mae"] < found["mae_high"]
    places = table[["epicenter_lat", "epicenter_lon"]].to_numpy()
    east_of_date_line = table.assign(epicenter_lon=-179.0)
    found = score(np.column_stack([places[:, 0], np.full(len(table), 179.0)]), east_of_date_line, "epicentre")
    assert found["mae"] == pytest.approx(1.0)  # 0 in latitude, 2 in longitude
    assert np.isnan(found["r2"])
    north = score(places + np.array([1, 0]), table, "epicentre")
    assert north["median_km"] == pytest.approx(111, abs=1)


def test_trivial_answers_are_what_they_say(toys):
    training, test = toys.table.iloc[::2], toys.table.iloc[1::2]
    place = trivial_answers(training, test, "epicentre")
    assert np.array_equal(place["copy the centre"], test[["center_lat", "center_lon"]])
    true = test[["epicenter_lat", "epicenter_lon"]].to_numpy()
    assert np.allclose(place["nearest neighbour"], true)  # every event is on both sides, and far from the others
    away = trivial_answers(training, test, "distance")
    assert (away["copy the centre"] == 0).all()
    assert (away["constant (median)"] == training["distance_km"].median()).all()
    far = test.assign(center_lon=np.where(test["center_lon"] < 0, 180, -180), center_lat=0.0)
    assert len(np.unique(trivial_answers(training, far, "distance")["nearest neighbour"])) == 1  # one place, two names


def test_the_whole_study_tries_every_target_and_both_losses():
    attempts = PROFILES["full"].attempts
    for task, targets in TARGETS.items():
        assert {each.target for each in attempts[task]} == set(targets)
        assert len(set(attempts[task])) == len(attempts[task])
    assert {each.loss for task in attempts.values() for each in task} == set(LOSSES)
    assert {each.channels for task in attempts.values() for each in task} == {3, 5}


@pytest.mark.filterwarnings("ignore::epi.learn.study.networks.WeightsUnreachable")
def test_the_command_does_it_all_and_does_nothing_twice(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(begin_network, "__kwdefaults__", {"reach": unreachable})
    small = Profile(
        ("test_resnet",),
        {"distance": (Attempt(3, "raw", "mse"),), "epicentre": (Attempt(5, "normalised"), OFFSET)},
        events=4,
        every=23,
        pixels=16,
        epochs=1,
        weights="auto",
    )
    monkeypatch.setitem(__import__("epi.learn.study.run", fromlist=["PROFILES"]).PROFILES, "small", small)
    assert main(["--out", str(tmp_path), "--profile", "small", "--device", "cpu"]) == 0
    scores = pd.read_csv(tmp_path / "scores.csv")
    networks = scores[scores["channels"].notna()]
    told = networks[["task", "protocol", "labels", "target"]].to_numpy().tolist()
    assert told == [
        ["distance", "as published", "true", "raw"],
        ["epicentre", "as published", "true", "normalised"],
        ["distance", "honest", "true", "raw"],
        ["epicentre", "honest", "true", "normalised"],
        ["epicentre", "honest", "true", "offset"],
    ]
    assert set(networks["weights"]) == {"random (unreachable)"}
    assert (scores["command"] == "python -m epi.learn.study --profile small --seed 0").all()
    counts = scores.groupby(["task", "protocol", "labels"])["channels"].apply(lambda column: column.isna().sum())
    assert (counts == 4).all()
    assert len(counts) == 6
    said = pd.read_csv(tmp_path / "honest-epicentre-test_resnet-3ch-offset-combined" / "predictions.csv")
    assert list(said.columns[:5]) == ["event", "subswath", "patch", "center_lat", "center_lon"]
    row = networks[(networks["target"] == "offset")].iloc[0]
    assert len(said) == row["n_test"]
    wrong = said["predicted_latitude"] - said["true_latitude"], said["predicted_longitude"] - said["true_longitude"]
    assert row["mae"] == pytest.approx(np.mean(np.abs(wrong)), rel=1e-3)
    capsys.readouterr()
    lines = []
    again, _ = run_study(tmp_path, profile=small, device="cpu", progress=lines.append)
    assert not [line for line in lines if "epoch" in line or "simulating" in line]
    assert np.allclose(again["mae"], scores["mae"], rtol=1e-4)
    assert main(["--out", str(tmp_path), "--profile", "small", "--seed", "1"]) == 1
    assert "holds a study with other settings" in capsys.readouterr().err


def test_the_studys_own_patches_fit_its_networks():
    made = simulate_patches(events=3, pixels=16, every=30)
    network = build_network(Recipe(**TINY | {"channels": 3})).eval()
    with torch.inference_mode():
        assert network(torch.from_numpy(np.stack([made.coh, made.i, made.q], axis=1))).shape == (len(made), 1)
