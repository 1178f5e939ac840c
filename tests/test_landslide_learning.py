"""Learning to see landslides: the loss, the networks, the training, the scores, and the study from end to end."""

import argparse
import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import safetensors
import torch
import xarray as xr
from sklearn.metrics import average_precision_score

from conftest import ROOT
from epi.errors import FileFormatError, ParameterError
from epi.learn import landslides as ls
from epi.learn.landslides import cells, choice, run, sampling, scores
from epi.learn.landslides.__main__ import EVENTS
from epi.learn.landslides.networks import SHARP, SMALL, blank_settings
from epi.learn.study.networks import WeightsUnreachable
from landslide_patches import toy_patches

DATA = ROOT / "data"
TINY = dataclasses.replace(ls.PUBLISHED, network="segformer-mit_b0", epochs=2, batch=8, rate=1e-3, half=False)


@pytest.fixture(scope="module")
def patches():
    return ls.read_patches(toy_patches())


@pytest.fixture(scope="module")
def learned_from(patches):
    rows = np.arange(16)
    normaliser = ls.fit_normaliser(patches, ls.PUBLISHED_CHANNELS, rows)
    settings = ls.LandslideSettings(TINY.network, normaliser, pixels=64)
    return ls.samples_of(patches, normaliser, rows), settings


# The loss


@pytest.mark.parametrize("kind", ls.LOSSES)
def test_pixels_without_data_give_exactly_no_gradient(kind):
    torch.manual_seed(0)
    logits = torch.randn(3, 16, 16)
    valid = torch.rand(3, 16, 16) > 0.3
    target = torch.rand(3, 16, 16)
    target[~valid] = torch.nan
    logits[~valid] = torch.inf
    logits.requires_grad_()
    loss = ls.landslide_loss(logits, target, valid, kind=kind)
    loss.backward()
    assert torch.isfinite(loss)
    assert (logits.grad[~valid] == 0).all()
    assert (logits.grad[valid] != 0).all()


def test_masked_cross_entropy_is_the_mean_over_valid_pixels():
    logits, target = torch.randn(2, 8, 8), torch.rand(2, 8, 8)
    valid = torch.rand(2, 8, 8) > 0.5
    each = torch.nn.functional.binary_cross_entropy_with_logits(logits[valid], target[valid])
    assert float(ls.masked_bce(logits, target, valid)) == pytest.approx(float(each), rel=1e-5)
    assert float(ls.masked_bce(logits, target, torch.zeros_like(valid))) == 0
    with pytest.raises(ParameterError, match="choose one of bce"):
        ls.landslide_loss(logits, target, valid, kind="hinge")


def test_what_lies_under_no_data_moves_no_weight():
    """Through a network: other values and labels under invalid pixels give the same gradient of every weight."""
    toy = toy_patches(events=3, each=2)
    other = toy.copy(deep=True)
    hidden = ~other["valid"].to_numpy()
    values = other["bands"].to_numpy()
    values[np.broadcast_to(hidden[:, None], values.shape)] = -77.0
    other["landslide"].to_numpy()[hidden] = 1
    grads = []
    for data in (toy, other):
        patches = ls.read_patches(data, ls.PUBLISHED_CHANNELS)
        made = ls.samples_of(patches, ls.fit_normaliser(patches, ls.PUBLISHED_CHANNELS, np.arange(6)))
        network, _ = ls.build_landslide(blank_settings("segformer-mit_b0", pixels=64))
        torch.manual_seed(1)
        ls.masked_bce(network(made.channels), made.target, made.valid).backward()
        grads.append([each.grad for each in network.parameters()])
    assert all(torch.equal(one, two) for one, two in zip(*grads, strict=True))


# Networks


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("sharp-unet-resnet34", 24.4),
        ("unet-resnet34", 24.4),
        ("upernet-convnext_tiny", 37.1),
        ("segformer-mit_b2", 24.7),
        ("segformer-mit_b3", 44.6),
    ],
)
def test_published_networks_have_the_published_size(name, millions):
    network, _ = ls.build_landslide(blank_settings(name, pixels=256))
    assert sum(each.numel() for each in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.01)


@pytest.mark.parametrize("name", [*SMALL, SHARP[1]])
def test_small_networks_look_at_patches_and_pass_through_a_file(name, tmp_path):
    settings = blank_settings(name, ("coherence", "slope"), pixels=64)
    network, began = ls.build_landslide(settings, seed=4)
    again, _ = ls.build_landslide(settings, seed=4)
    assert began == "random"
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))
    seen = torch.randn(2, 2, 64, 64)
    assert ls.predict(network, seen).shape == (2, 64, 64)
    file = ls.save_landslide(network, tmp_path / "w.safetensors", {"command": "c"})
    assert file.stat().st_size < 8 * 2**20
    loaded = ls.load_landslide(file)
    assert loaded.settings == settings
    assert ls.read_landslide_card(file) == {"command": "c"}
    assert torch.allclose(ls.predict(loaded, seen), ls.predict(network, seen), atol=0.05)


def test_networks_refuse_what_they_cannot_do(tmp_path, patches, learned_from):
    samples, settings = learned_from
    with pytest.raises(ParameterError, match="No network 'yolo'"):
        ls.build_landslide(blank_settings("yolo", pixels=64))
    with pytest.raises(ParameterError, match="multiple of 32"):
        ls.build_landslide(blank_settings("segformer-mit_b0", pixels=100))
    network, _ = ls.build_landslide(blank_settings("segformer-mit_b0", ("coherence",), pixels=64))
    with pytest.raises(ParameterError, match=r"the network sees \(n, 1"):
        ls.predict(network, samples.channels)
    with pytest.raises(ParameterError, match="is not a number"):
        ls.predict(network, torch.full((1, 1, 64, 64), torch.nan))
    with pytest.raises(ParameterError, match="it is of another network"):
        ls.train_landslide(TINY, samples, settings, start=network)
    with pytest.raises(FileFormatError, match="does not hold weights of a landslide network"):
        ls.load_landslide(ROOT / "data" / "locator.safetensors")
    with pytest.raises(FileFormatError, match="No network"):
        ls.load_landslide(tmp_path / "none.safetensors")
    broken = dataclasses.replace(samples, channels=torch.full_like(samples.channels, torch.nan))
    with pytest.raises(ParameterError, match="is not a number"):
        ls.train_landslide(TINY, broken, settings)


def test_unreachable_weights_are_said_once():
    def away() -> None:
        raise OSError("no route")

    with pytest.warns(WeightsUnreachable, match="no route"):
        _, began = ls.build_landslide(blank_settings("segformer-mit_b0", pixels=64), weights="auto", reach=away)
    assert began == "random (unreachable)"


# Training


def weights(trained):
    return torch.cat([each.flatten() for each in trained.network.state_dict().values()])


@pytest.mark.parametrize("memory", [0, 5])
def test_interrupted_training_ends_with_the_same_weights_bit_for_bit(learned_from, tmp_path, memory, monkeypatch):
    samples, settings = learned_from
    recipe = dataclasses.replace(TINY, memory=memory)
    whole = ls.train_landslide(recipe, samples, settings, seed=1, device="cpu")
    from epi.learn.landslides import training

    def stops_early(learning, draws, **named):
        fitted(learning, draws, **(named | {"steps": 3}))
        raise KeyboardInterrupt

    fitted = training.fit
    monkeypatch.setattr(training, "fit", stops_early)
    with pytest.raises(KeyboardInterrupt):
        ls.train_landslide(recipe, samples, settings, seed=1, device="cpu", folder=tmp_path, every=3)
    monkeypatch.setattr(training, "fit", fitted)
    assert torch.load(tmp_path / "last.ckpt", weights_only=True)["global_step"] == 3
    resumed = ls.train_landslide(recipe, samples, settings, seed=1, device="cpu", folder=tmp_path, every=3)
    assert torch.equal(weights(whole), weights(resumed))
    pd.testing.assert_frame_equal(whole.history, resumed.history)
    assert whole.history["epoch"].tolist() == list(range(1, recipe.epochs + 1))
    other = dataclasses.replace(recipe, rate=2e-3)
    with pytest.raises(FileFormatError, match="of another recipe"):
        ls.train_landslide(other, samples, settings, seed=1, device="cpu", folder=tmp_path)


def test_training_begins_with_what_was_practised(learned_from):
    samples, settings = learned_from
    start, _ = ls.build_landslide(settings, seed=9)
    slow = dataclasses.replace(TINY, rate=1e-12, epochs=1)
    trained = ls.train_landslide(slow, samples, settings, seed=1, device="cpu", start=start)
    assert trained.began == "practice"
    pairs = zip(trained.network.parameters(), start.parameters(), strict=True)
    assert all(torch.allclose(one, two, atol=1e-8) for one, two in pairs)


def test_an_empty_bucket_is_said(patches, learned_from):
    samples, settings = learned_from
    positive = torch.nonzero(samples.label.any(2).any(1))[:, 0]
    some = ls.Samples(*(part[positive] for part in vars(samples).values()))
    said = []
    ls.train_landslide(dataclasses.replace(TINY, epochs=1), some, settings, device="cpu", say=said.append)
    assert said[0].startswith("no patch is in the bucket(s) none")


# Scores


def toy_answer(seed=0, n=10, side=32):
    rng = np.random.default_rng(seed)
    label = np.zeros((n, side, side), dtype=bool)
    for number in range(n - 1):
        label[number, 4 : 5 + number, 4 : 8 + number] = True
        label[number, 26:28, 26:28] = True
    valid = rng.random(label.shape) > 0.1
    logits = rng.normal(size=label.shape) + 2 * label - 1
    event = np.array([f"e{number % 4}" for number in range(n)])
    return logits, label & valid, valid, event


def test_counts_are_those_of_plain_arithmetic():
    logits, label, valid, event = toy_answer()
    sizes = ls.terciles(label)
    judged = ls.judge(logits, label, valid, event, threshold=0.6, sizes=sizes)
    said = (1 / (1 + np.exp(-logits)) >= 0.6) & valid
    found = ls.score([judged], draws=50)
    both, either = (said & label).sum(), (said | label).sum()
    assert found["iou"] == pytest.approx(both / either)
    assert found["precision"] == pytest.approx(both / said.sum())
    assert found["recall"] == pytest.approx(both / label.sum())
    assert found["f1"] == pytest.approx(2 * both / (said.sum() + label.sum()))
    assert found["iou_low"] < found["iou"] < found["iou_high"]
    sums = judged.table[[f"pixels_{size}" for size in ls.SIZES]].to_numpy().sum()
    assert sums == label.sum()
    assert judged.table[[f"number_{s}" for s in ls.SIZES]].to_numpy().sum() == sum(
        len(ls.landslides_of(one)[1]) for one in label
    )


def test_what_really_slid_is_scored_beside_what_was_drawn():
    logits, label, valid, event = toy_answer()
    truth = np.roll(label, 1, axis=2)
    judged = ls.judge(logits, label, valid, event, threshold=0.5, sizes=ls.terciles(label), truth=truth)
    said, slid = (logits >= 0) & valid, truth & valid
    found = ls.score([judged], draws=20)
    assert found["truth_iou"] == pytest.approx((said & slid).sum() / (said | slid).sum())
    assert found["truth_precision"] == pytest.approx((said & slid).sum() / said.sum())
    assert found["truth_recall"] == pytest.approx((said & slid).sum() / slid.sum())
    assert found["truth_iou"] < found["iou"]
    nobody = ls.score([ls.judge(logits, label, valid, event, threshold=0.5, sizes=ls.terciles(label))], draws=20)
    assert np.isnan(nobody["truth_iou"])
    assert nobody["iou"] == found["iou"]


def test_average_precision_is_that_of_scikit_learn():
    logits, label, valid, event = toy_answer(3)
    coarse = np.round(logits * 20) / 20 + 0.01  # within classes of probability, so that ties agree
    levels = scores.count_levels(coarse, label, valid, event)
    known = average_precision_score(label[valid], coarse[valid])
    assert ls.average_precision(levels.sum(0)) == pytest.approx(known, rel=1e-6)


def test_the_threshold_is_the_best_on_its_own_pixels():
    logits, label, valid, event = toy_answer(5)
    threshold = ls.choose_threshold(scores.count_levels(logits, label, valid, event))

    def iou(level):
        said = (logits >= level) & valid
        return (said & label).sum() / (said | label).sum()

    best = max(iou(level) for level in scores.LEVELS)
    assert iou(np.log(threshold / (1 - threshold)) - 1e-9) == pytest.approx(best)


def test_landslides_of_a_size_have_their_own_recall():
    label = np.zeros((1, 32, 32), dtype=bool)
    label[0, 2:4, 2:4] = True
    label[0, 10:14, 10:14] = True
    label[0, 20:30, 20:30] = True
    logits = np.full(label.shape, -5.0)
    logits[0, 10:14, 10:12] = 5
    logits[0, 20:30, 20:30] = 5
    sizes = scores.Terciles((4.0, 16.0), (1.0, 2.0))
    found = ls.score([ls.judge(logits, label, label | True, np.array(["e"]), threshold=0.5, sizes=sizes)], draws=10)
    assert [found[f"recall_{size}"] for size in ls.SIZES] == [0, 0.5, 1]
    assert [found[f"found_{size}"] for size in ls.SIZES] == [0, 1, 1]


def test_a_method_differs_from_itself_by_nothing_and_from_a_better_one_by_less():
    logits, label, valid, event = toy_answer()
    sizes = ls.terciles(label)
    made = [ls.judge(each, label, valid, event, threshold=0.5, sizes=sizes) for each in (logits, logits + 2 * label)]
    assert np.allclose(ls.difference([made[0]], [made[0]], "iou"), 0)
    apart, low, high = ls.difference([made[1]], [made[0]], "iou")
    assert 0 < low <= apart <= high


# The study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The whole study on toy patches with few passes, done twice in one folder."""
    home = tmp_path_factory.mktemp("data")
    profile = ls.LandslideProfile(
        ("segformer-mit_b0",),
        dataclasses.replace(TINY, name="published", epochs=1),
        dataclasses.replace(ls.OURS, network="segformer-mit_b0", epochs=1, batch=8, half=False),
        pixels=64,
        folds=2,
        practice=dataclasses.replace(ls.PROFILES["cpu"].practice, epochs=1),
    )
    data = toy_patches(events=6, each=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "DRAWS", 20)
        patch.setattr(run, "trials", few)
        patch.setattr(run, "ablation", lambda given: list(ls.ablation(given))[:2])
        done = []
        for _ in range(2):
            one = run.LandslideStudy(
                profile,
                data,
                lambda: toy_patches(events=3, each=2, seed=5),
                home / "folder",
                device="cpu",
                say=done.append,
            )
            tables = ls.run_landslides(one, command="a command", home=home)
    return home, tables, one


CHANGED = ("ours", "ours, labels softened over 3 pixels", "ours without practice", "published with practice")


def few(profile):
    """The lines of the study that differ in kind."""
    kept = ("published", "ours", *CHANGED[1:])
    return [trial for trial in ls.trials(profile) if trial.recipe.name in kept]


def test_the_tables_hold_every_kind_of_row(study):
    home, (table, ablation), _ = study
    assert set(table["part"]) == {"thesis", "baseline", "architecture", "device", "recipe"}
    assert set(table["split"]) == {"random", "by event"}
    assert set(table["command"]) == {"a command"}
    changed = table[table["against"].notna()]
    assert set(changed["method"]) == set(CHANGED)
    judged = table[table["part"] != "thesis"]
    assert set(judged["threshold_on"]) == {"validation", "all others"}
    for _, both in judged.groupby(["method", "network", "split"], dropna=False):  # one answer at two thresholds
        assert both["threshold_on"].tolist() == ["validation", "all others"]
        assert both["average_precision"].iloc[0] == pytest.approx(both["average_precision"].iloc[1], nan_ok=True)
    assert (changed["d_iou_low"] <= changed["d_iou_high"]).all()
    kept = table["threshold_on"] == "all others"
    rows = table[kept & (table["part"] == "baseline")].set_index(["method", "split"])
    share = rows.loc[("everything", "by event")]
    assert share["precision"] == pytest.approx(share["iou"])
    assert rows.loc[("nothing", "by event"), "iou"] == 0
    assert set(table["began"].dropna()) == {"random", "practice"}
    trained = table[table["part"].isin(["architecture", "recipe", "device"])]
    assert (trained["thresholds"].str.split().map(len) == trained["folds"] * trained["seeds"]).all()
    assert trained[["schedule", "memory", "half", "practice", "loss_halfway", "loss_last"]].notna().all(axis=None)
    assert trained["truth_iou"].isna().all()  # nobody knows what really slid in these
    exchanged = ablation[ablation["how"].notna()]
    assert exchanged["method"].tolist()[:3] == ["nothing exchanged", "without phase", "without coherence"]
    ours = table[kept & (table["method"] == "ours") & (table["split"] == "by event")].iloc[0]
    assert exchanged["iou"].iloc[0] == ours["iou"]
    assert ablation[ablation["how"].isna()]["method"].unique().tolist() == ["all bands", "without phase"]
    kept = pd.read_csv(home / "landslide_scores.csv")
    assert np.allclose(kept["iou"], table["iou"], equal_nan=True)
    assert pd.read_csv(home / "landslide_events.csv")["event"].nunique() == 6


def test_what_really_slid_is_judged_by_what_was_drawn(study):
    """Labels themselves are wholly right; moved by a pixel, as a person draws them, they are not."""
    _, _, one = study
    assert one.ceiling("by event") == []  # nobody knows what slid in these
    found = {}
    for moved in (0, 1):
        truth = one.data["landslide"].roll(x=moved)
        (judged,) = dataclasses.replace(one, data=one.data.assign(truth=truth)).ceiling("by event")
        found[moved] = scores.score([judged], draws=2)
    assert found[0]["iou"] == found[0]["recall_small"] == 1
    assert 0 < found[1]["iou"] < 0.9


def test_maps_and_weights_are_of_events_that_were_never_seen(study):
    home, _, one = study
    with xr.open_dataset(home / "landslide_maps.nc", engine="h5netcdf") as maps:
        assert {"probability_published", "probability_ours", "threshold_ours"} <= set(maps)
        assert float(maps["probability_ours"].max()) <= 1
    card = ls.read_landslide_card(home / "landslide.safetensors")
    assert card["never_seen"] == sorted(set(one.patches.event[one.folds["by event"][0].test].tolist()))
    network = ls.load_landslide(home / "landslide.safetensors")
    assert 0 < network.settings.threshold < 1


@pytest.mark.parametrize("view", range(8))
def test_views_are_turned_back_as_they_were(view):
    image = torch.arange(18.0).reshape(2, 3, 3)
    how = {"flip": view >= 4, "quarters": view % 4}
    assert torch.equal(sampling.turn_back(sampling.turn(image, **how), **how), image)


def test_what_is_said_in_eight_views_turns_with_the_patch():
    patches = ls.read_patches(toy_patches(events=2, each=1, gap=False))
    normaliser = ls.fit_normaliser(patches, ls.OURS.channels, np.arange(2))
    network, _ = ls.build_landslide(ls.LandslideSettings("sharp-unet-resnet10", normaliser, pixels=64, pixel_m=30.0))
    channels = ls.samples_of(patches, normaliser).channels
    one, eight = (ls.predict(network, channels, views=views) for views in (1, 8))
    turned = sampling.turn(channels, flip=True, quarters=1)
    back = [sampling.turn_back(ls.predict(network, turned, views=n), flip=True, quarters=1) for n in (1, 8)]
    assert torch.allclose(back[1], eight, atol=1e-4)
    assert float((back[0] - one).abs().max()) > 10 * float((back[1] - eight).abs().max())


def test_only_the_plain_command_writes_what_ships():
    from epi.learn.landslides.__main__ import SEED, table_names

    def named(profile="cpu", data=None, seed=SEED):
        return table_names(argparse.Namespace(profile=profile, data=data, seed=seed))

    assert named() == "landslide"
    assert len({named(), named("full"), named(data="folder"), named("full", "folder"), named(seed=SEED + 1)}) == 5


def test_a_folder_of_other_patches_is_refused(study):
    _, _, one = study
    other = dataclasses.replace(one, data=toy_patches(events=6, each=2, seed=8))
    with pytest.raises(FileFormatError, match="other patches"):
        other.cells(one.profile.published, "by event")


def test_candidates_are_compared_in_a_table_of_their_own(study, monkeypatch):
    home, _, one = study
    tried = list(ls.candidates(one.profile))
    assert {"published", "chosen", "tried"} == {trial.part for trial in tried}
    assert one.profile.ours in [trial.recipe for trial in tried]
    monkeypatch.setattr(choice, "candidates", lambda _: tried[:2])
    table = ls.choose(one, command="a command --choose", home=home)
    assert table["method"].tolist() == ["published", "published", "ours", "ours"]  # at both thresholds
    assert (home / "landslide_choice.csv").is_file()


def test_an_exchanged_channel_is_that_of_another_patch(patches, learned_from, monkeypatch):
    samples, settings = learned_from
    network, _ = ls.build_landslide(settings)
    seen = []
    monkeypatch.setattr(cells, "predict", lambda _, channels, **__: seen.append(channels) or channels[:, 0])
    rows = np.arange(16)
    cells.logits_on(network, patches, rows, recipe=TINY, exchanged=["coherence"])
    number = settings.normaliser.channels.index("coherence")
    others = [n for n in range(samples.channels.shape[1]) if n != number]
    assert torch.equal(seen[0][:, others], samples.channels[:, others])
    came_from = [next(n for n in rows if torch.equal(one[number], samples.channels[n, number])) for one in seen[0]]
    assert sorted(came_from) == rows.tolist()
    assert all(one != other for one, other in zip(came_from, rows, strict=True))


def test_real_ground_and_landslides_stay_in_the_folder_of_the_study(study, tmp_path, monkeypatch):
    """Tables go to the project's data, maps and weights of data that are not simulated do not."""
    _, _, one = study
    monkeypatch.setattr(scores, "DRAWS", 20)
    monkeypatch.setattr(run, "trials", few)
    monkeypatch.setattr(run, "ablation", lambda given: list(ls.ablation(given))[:2])
    (tmp_path / "data").mkdir()
    real = dataclasses.replace(one, simulated=False, tables="landslide_data")
    ls.run_landslides(real, command="a command", home=tmp_path / "data")
    assert sorted(file.name for file in (tmp_path / "data").iterdir()) == [
        f"landslide_data_{name}.csv" for name in ("ablation", "events", "scores")
    ]
    assert {"landslide_data_maps.nc", "landslide_data.safetensors"} <= {file.name for file in one.folder.iterdir()}


def test_the_command_says_what_is_wrong(capsys, tmp_path):
    from epi.learn.landslides.__main__ import main

    with pytest.raises(SystemExit) as stop:
        main(["--choose", "--data", str(tmp_path)])
    assert stop.value.code == 2
    assert "leave --data out" in capsys.readouterr().err
    assert main(["--data", str(tmp_path), "--folder", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("ParameterError: No patches in")
    with pytest.raises(SystemExit) as stop:
        main(["--profile", "nonsense"])
    assert stop.value.code == 2


# The files that ship


def shipped(metric, method="ours", split="by event", on="all others"):
    """A figure of the table that ships."""
    table = pd.read_csv(DATA / "landslide_scores.csv").set_index(["method", "split", "threshold_on"])
    return float(table.loc[(method, split, on), metric])


def test_what_ships_is_what_the_command_makes():
    card = ls.read_landslide_card(DATA / "landslide.safetensors")
    network = ls.load_landslide(DATA / "landslide.safetensors")
    profile = ls.PROFILES["cpu"]
    assert card["recipe"] == json.loads(json.dumps(profile.ours.facts()))
    assert card["practice"] == vars(profile.practice)
    assert card["scores_all_folds"]["iou"] == shipped("iou")
    assert network.settings.normaliser.channels == profile.ours.channels
    table = pd.read_csv(DATA / "landslide_scores.csv")
    assert set(table["command"]) == {card["command"]} == {"python -m epi.learn.landslides --profile cpu --seed 1"}
    named = {trial.recipe.name for trial in ls.trials(profile)}
    assert named | set(ls.BASELINES) | {"published scores", "what really slid"} == set(table["method"])
    folds = {"random": 1, "by event": profile.folds}
    for _, row in table[table["folds"].notna()].iterrows():
        assert row["folds"] == folds[row["split"]]
    by_event = table[(table["split"] == "by event") & table["patches"].notna()]
    assert set(by_event["patches"]) == {EVENTS * profile.patches}  # each tested once
    assert set(table["seeds"].dropna()) == {len(profile.seeds)}


def test_no_answer_has_more_than_what_really_slid():
    """In IoU; and less than half of the outlines of small ones lie on ground that slid."""
    table = pd.read_csv(DATA / "landslide_scores.csv")
    truth = table[table["part"] == "truth"].set_index("split")
    others = table[table["part"].isin(["baseline", "architecture", "recipe", "device"])]
    for split, rows in others.groupby("split"):
        assert (rows["iou"] < truth.loc[split, "iou"]).all()
    assert truth.loc["by event", "recall_small"] < 0.5


def test_what_ships_is_small_and_in_half_precision():
    assert (DATA / "landslide.safetensors").stat().st_size <= 8 * 2**20
    assert (DATA / "landslide_maps.nc").stat().st_size <= 2**20
    with safetensors.safe_open(DATA / "landslide.safetensors", framework="pt") as opened:
        kinds = {opened.get_tensor(key).dtype for key in opened.keys()}  # noqa: SIM118
    assert kinds <= {torch.float16, torch.int64}


@pytest.mark.parametrize("on", ["validation", "all others"])
def test_our_recipe_more_than_doubles_the_published_one_on_events_never_seen(on):
    rivals = ("published", "published with practice", *(f"published, {network}" for network in SMALL[:2]))
    for name in rivals:
        assert shipped("iou", on=on) >= 2 * shipped("iou", name, on=on)
    assert shipped("d_iou_high", "published with practice", on=on) < 0  # against ours
    assert shipped("iou_low", on=on) > shipped("iou_high", "published", on=on)
    assert shipped("iou", on=on) >= 2 * max(shipped("iou", name, on=on) for name in ls.BASELINES)


@pytest.mark.xfail(
    strict=True,
    reason="79,000 practice samples of 128 pixels on one core: 0.07; of the drawn outlines of small ones what really "
    "slid has 0.41 itself (row 'truth' of the table)",
)
def test_small_landslides_are_found():
    assert shipped("recall_small") >= 0.2


@pytest.mark.xfail(strict=True, reason="79,000 practice samples of 128 pixels on one core: 0.2995")
def test_alarms_are_mostly_landslides():
    assert shipped("precision") >= 0.3
