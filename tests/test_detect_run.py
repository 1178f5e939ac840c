"""From a profile to weights, tables and cards; and the tables that ship."""

import json
from itertools import product

import numpy as np
import pandas as pd
import pytest
import safetensors
import safetensors.torch
import torch

from conftest import ROOT
from epi.errors import FileFormatError
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.insar.readers.files import read_scene
from epi.learn import detect
from epi.learn.detect import rows, run, scores
from epi.learn.detect.judge import judge
from epi.learn.detect.networks import Ensemble
from epi.settings import Settings
from epi.simulate import labelled
from epi.simulate.labelled import BLOCK

DATA = ROOT / "data"
SHIPPED = ("detector_unet_resnet10", "detector_vit_small", "detector_unet_convnext")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A profile of one small network, run whole."""
    home = tmp_path_factory.mktemp("data")
    plan = detect.DetectPlan(detect.DetectSettings("vit-small", pixels=32), scenes=640, plain=128, checks=2, watched=64)
    profile = run.DetectProfile("table.csv", {"vit-small": plan}, validation=1, test=1, ships=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "settings", lambda: Settings(data=home))
        patch.setattr(scores, "DRAWS", 10)
        said = []
        table = detect.run_detectors(
            profile, folder=home / "folder", command="a command", device="cpu", say=said.append
        )
        again = detect.run_detectors(
            profile, folder=home / "folder", command="a command", device="cpu", say=said.append
        )
    return home, table, again, said


def test_every_method_is_on_every_test(made):
    _, table, _, _ = made
    methods = {"vit-small", "logistic regression", "fringe density", "all ground"}
    expected = {(m, t.name) for m in methods for t in rows.TESTS} | {("vit-small", rows.AS_LEARNED)}
    assert {(row.network, row.test) for row in table.itertuples()} == expected
    assert set(table["command"]) == {"a command"}
    whole = table[table["network"] == "all ground"].set_index("test")
    assert (whole["mask_iou"] > 0).all()
    assert np.allclose(whole["mask_iou"], whole["mask_accuracy"])  # all that is right is what moved


def test_run_again_it_trains_nothing_and_says_the_same(made):
    home, table, again, _ = made
    pd.testing.assert_frame_equal(table, again)
    kept = pd.read_csv(home / "table.csv")
    assert np.allclose(kept["f1"], table["f1"].astype(float), rtol=1e-3, equal_nan=True)


def test_single_scenes_add_up_to_the_table(made):
    home, table, _, _ = made
    scenes = pd.read_csv(home / "detect_scenes.csv")
    network = table.set_index(["network", "test"]).loc[("vit-small", "frozen")]
    own = scenes[(scenes["test"] == "frozen") & (scenes["present"] | (scenes["kind"] != "earthquake"))]
    alarms = own["vit-small_probability"] >= network["alarm"]
    assert alarms[own["present"]].mean() == pytest.approx(network["recall"], abs=1e-9)
    quakes = own[own["present"] & (own["vit-small_true"] > 0)]  # as every score of a mask
    both, either = quakes["vit-small_both"].sum(), (quakes["vit-small_said"] + quakes["vit-small_true"]).sum()
    assert both / (either - both) == pytest.approx(network["mask_iou"], rel=1e-3)


def test_weights_carry_their_card(made):
    home, table, _, _ = made
    file = home / "detector_vit_small.safetensors"
    card = detect.read_detector_card(file)
    assert card["command"] == "a command"
    assert card["scenes"] == 512
    assert card["scores"]["frozen"]["f1"] == pytest.approx(
        float(table.set_index(["network", "test"]).loc[("vit-small", "frozen"), "f1"])
    )
    assert card["judged"] == "a command"
    assert card["limits"]
    network = detect.load_detector(file)
    assert network.settings.alarm == card["adjusted"]["alarm"]


def test_networks_put_together_are_a_mean_and_an_agreement():
    parts = [detect.build_detector(detect.DetectSettings("vit-small", pixels=32), seed=seed) for seed in (0, 1)]
    channels = torch.randn(2, 7, 32, 32)
    alone = torch.stack([detect.look(part, channels)[1] for part in parts])
    _, mean = detect.look(Ensemble(parts, agree=False), channels)
    _, agreed = detect.look(Ensemble(parts, agree=True), channels)
    assert torch.allclose(mean, alone.mean(0), atol=1e-5)
    assert torch.equal(agreed >= 0.5, (alone >= 0.5).all(0))


def test_the_command_says_what_is_wrong(capsys):
    from epi.learn.detect.__main__ import main

    assert main(["--profile", "further", "--seed", "1"]) == 1
    assert "has learned from the scenes of seed 1 already: give another --seed." in capsys.readouterr().err
    assert main(["--profile", "judge", "--seed", "1"]) == 1
    assert "nothing is trained here: leave it out." in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        main(["--profile", "nonsense"])
    assert stop.value.code == 2


def test_the_full_profile_is_the_published_recipe():
    full = run.PROFILES["full"]
    vit = full.plans["vit-b16"]
    assert (vit.optimiser, vit.rate, vit.schedule, vit.epochs) == ("adam", 1e-5, "constant", 20)
    assert (vit.settings.pixels, vit.scenes, vit.memory) == (224, 1_000_000, 0)
    assert len(vit.blocks("train")) * BLOCK == pytest.approx(800_000, abs=BLOCK)
    assert {plan.settings.pixels for name, plan in full.plans.items() if name != "vit-b16"} == {256}
    assert {*run.POSTER, "unet-convnext", "convnext", "vit-b16"} == set(full.plans)


# The files that ship


def test_the_comparison_is_what_its_profile_makes():
    table = pd.read_csv(DATA / "detect_compare.csv").set_index(["network", "test"])
    profile = run.PROFILES["compare"]
    assert set(table["command"]) == {"python -m epi.learn.detect --profile compare --seed 0"}
    for name, plan in profile.plans.items():
        row = table.loc[(name, "frozen")]
        assert row["scenes"] == plan.steps * plan.batch
        assert row["air_n"] == profile.test * BLOCK
        assert row["n"] <= profile.test * BLOCK


def facts_of(plan):
    """A plan as a card has it."""
    return json.loads(json.dumps(plan.facts()))


@pytest.mark.parametrize(("name", "seeds"), list(zip(SHIPPED, ([0, 1, 2, 3, 4, 5], [0, 4], [0, 4, 5]), strict=True)))
def test_cards_of_what_ships_state_the_commands_seeds_scenes_and_the_last_plan(name, seeds):
    """All went on from what an earlier command made; of earlier rounds the number of scenes and the settings."""
    card = detect.read_detector_card(DATA / f"{name}.safetensors")
    network = card["plan"]["settings"]["network"]
    rounds = detect.training_rounds(card)
    if network == "vit-small":  # it learned last when all did, from mines of any size
        assert (card["plan"]["seed"], card["plan"]["scenes"], card["scenes"]) == (4, 90_000, 72_000)
        assert (card["plan"]["mixture"]["filtered"], card["plan"]["mixture"].get("sunk_m3")) == (0.5, None)
    else:
        further = run.PROFILES["further"].plans[network]
        assert card["plan"] == facts_of(further) | {"seed": seeds[-1]}
        assert card["scenes"] == further.steps * further.batch
    assert detect.load_detector(DATA / f"{name}.safetensors").settings.mirrors
    assert [each["seed"] for each in rounds] == seeds
    beginning = "convnext" if network == "unet-convnext" else "ship"
    commands = [beginning, *["further"] * (len(seeds) - 1)]
    assert [each["command"] for each in rounds] == [
        f"python -m epi.learn.detect --profile {profile} --seed {seed}"
        for profile, seed in zip(commands, seeds, strict=True)
    ]
    table = pd.read_csv(DATA / "detect_scores.csv")
    assert set(table.loc[table["network"] == network, "scenes"]) == {sum(each["scenes"] for each in rounds)}
    plan = run.PROFILES[beginning].plans[network]
    assert rounds[0]["scenes"] == plan.steps * plan.batch
    later = ("alarm_growth", "mirrors")  # no part of training
    before = {name: value for name, value in facts_of(plan)["settings"].items() if name not in later}
    assert {name: value for name, value in rounds[0]["plan"]["settings"].items() if name not in later} == before


def test_going_on_keeps_the_card_of_the_beginning_and_judging_again_changes_no_weights(made, tmp_path, monkeypatch):
    home = made[0]
    for file in home.glob("detector*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(run, "settings", lambda: Settings(data=tmp_path))
    monkeypatch.setattr(scores, "DRAWS", 10)
    settings = detect.DetectSettings("vit-small", pixels=32)
    few = {"scenes": 640, "checks": 1, "watched": 64}
    ship = run.DetectProfile("a.csv", {"vit-small": detect.DetectPlan(settings, **few, plain=128)}, 1, 1, ships=True)
    monkeypatch.setitem(run.PROFILES, "ship", ship)
    unet = detect.DetectPlan(detect.DetectSettings("unet-resnet10", pixels=32), **few)
    both = run.DetectProfile("b.csv", {"unet-resnet10": unet}, 1, 1, ships=True, again=("vit-small",))
    before = safetensors.torch.load_file(home / "detector_vit_small.safetensors")
    table = detect.run_detectors(both, folder=tmp_path / "one", command="again", device="cpu", say=lambda _: None)
    after = safetensors.torch.load_file(tmp_path / "detector_vit_small.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert detect.read_detector_card(tmp_path / "detector_vit_small.safetensors")["command"] == "a command"
    assert set(table["network"]) >= {"unet-resnet10", "vit-small"}
    on = {"unet-resnet10": detect.DetectPlan(unet.settings, **few, start="detector_unet_resnet10.safetensors")}
    further = run.DetectProfile("c.csv", on, 1, 1, ships=True)
    table = detect.run_detectors(further, folder=tmp_path / "two", command="on", device="cpu", seed=1, say=lambda _: 0)
    card = detect.read_detector_card(tmp_path / "detector_unet_resnet10.safetensors")
    assert (card["command"], card["before"]["command"]) == ("on", "again")
    assert set(table.loc[table["network"] == "unet-resnet10", "scenes"]) == {2 * 512}


def test_stopped_after_the_first_of_two_networks_it_goes_on(made, tmp_path, monkeypatch):
    """Nothing is written before all is done: weights with a new card could not be gone on from by the same command."""
    weights = tmp_path / "detector_vit_small.safetensors"
    weights.write_bytes((made[0] / weights.name).read_bytes())
    before = weights.read_bytes()
    monkeypatch.setattr(run, "settings", lambda: Settings(data=tmp_path))
    monkeypatch.setattr(scores, "DRAWS", 10)
    few = {"scenes": 640, "checks": 1, "watched": 64}
    plans = {
        "vit-small": detect.DetectPlan(detect.DetectSettings("vit-small", pixels=32), **few, start=weights.name),
        "unet-convnext": detect.DetectPlan(detect.DetectSettings("unet-convnext", pixels=32), **few),
    }
    profile = run.DetectProfile("table.csv", plans, 1, 1, ships=True)
    given = {"folder": tmp_path / "kept", "command": "on", "device": "cpu", "seed": 1, "say": lambda _: None}
    learn = run.train_detector

    def broken(plan, **named):
        if plan.settings.network == "unet-convnext":
            raise KeyboardInterrupt
        return learn(plan, **named)

    monkeypatch.setattr(run, "train_detector", broken)
    with pytest.raises(KeyboardInterrupt):
        detect.run_detectors(profile, **given)
    assert weights.read_bytes() == before
    monkeypatch.setattr(run, "train_detector", learn)
    detect.run_detectors(profile, **given)
    assert [each["seed"] for each in detect.training_rounds(detect.read_detector_card(weights))] == [0, 1]


@pytest.mark.parametrize("ships", [True, False])
def test_what_ships_is_asked_of_mirror_images_when_its_thresholds_are_chosen(tmp_path, monkeypatch, ships):
    def adjust(network, *_, **__):
        assert network.settings.mirrors == ships
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "adjust_detector", adjust)
    plan = detect.DetectPlan(detect.DetectSettings("vit-small", pixels=32), scenes=640, checks=1, watched=64)
    profile = run.DetectProfile("table.csv", {"vit-small": plan}, 1, 1, ships=ships)
    with pytest.raises(KeyboardInterrupt):
        detect.run_detectors(profile, folder=tmp_path, command="one", device="cpu", say=lambda _: None)


def test_cards_say_what_was_not_learned_last():
    plan = run.PROFILES["further"].plans["unet-resnet10"]
    (told,) = (limit for limit in rows.limits(plan) if "mine" in limit)
    assert "more than 2 million m³" in told
    assert not any("mine" in limit for limit in rows.limits(run.PROFILES["ship"].plans["unet-resnet10"]))


def test_what_ships_is_small_and_in_half_precision():
    files = [DATA / f"{name}.safetensors" for name in SHIPPED]
    assert sum(file.stat().st_size for file in files) <= 20 * 2**20
    for file in files:
        with safetensors.safe_open(file, framework="pt") as opened:
            kinds = {opened.get_tensor(key).dtype for key in opened.keys()}  # noqa: SIM118
        assert kinds <= {torch.float16, torch.int64}


@pytest.mark.parametrize("name", SHIPPED)
def test_scores_that_ship_are_those_of_the_weights(name):
    network = detect.load_detector(DATA / f"{name}.safetensors")
    scenes = pd.read_csv(DATA / "detect_scenes.csv")
    frozen = scenes[scenes["test"] == "frozen"].reset_index(drop=True)[:64]
    judged = judge(network, labelled.FROZEN, seed=rows.TEST_SEED, blocks=[0], outlines=False).table
    assert np.allclose(judged["peak_cm"], frozen["peak_cm"], rtol=1e-3, atol=1e-4)
    assert np.allclose(judged["probability"], frozen[f"{network.settings.network}_probability"], atol=0.02)


def test_filters_cost_few_alarms_and_few_earthquakes():
    table = pd.read_csv(DATA / "detect_filtered.csv")
    assert set(table["command"]) == {"python tests/bench/bench_filtered.py --out data/detect_filtered.csv"}
    assert set(table["network"]) == set(run.AGAIN)
    assert set(table["filter"]) == {"none", "Gaussian", "none, 133 m", "Goldstein, 133 m"}
    air = table[table["kind"] == "air"]
    assert (air["n"] == 320).all()
    mild = air[air["filter"].isin(["none", "Gaussian", "none, 133 m"])]
    assert mild.loc[mild["network"] == "unet-resnet10", "share"].max() <= 0.02
    assert air["share"].max() < 0.1
    least = {"unet-resnet10": 0.4, "vit-small": 0.3, "unet-convnext": 0.35}
    found = table[table["kind"] == "earthquake"]
    assert (found["share"] >= found["network"].map(least)).all()


@pytest.mark.xfail(strict=True, reason="3.1 % with an exponent of 1: a filter that it did not learn from")
def test_the_strongest_goldstein_filter_raises_as_few_alarms_as_none():
    table = pd.read_csv(DATA / "detect_filtered.csv").set_index(["network", "kind"])
    assert table.loc[("unet-resnet10", "air"), "share"].max() <= 0.02


def test_a_locator_is_no_detector():
    with pytest.raises(FileFormatError, match="does not hold weights of a detector"):
        detect.read_detector_card(DATA / "locator.safetensors")


def frozen(metric: str, network: str = "unet-resnet10", test: str = "frozen") -> float:
    """A figure of the table that ships."""
    return float(pd.read_csv(DATA / "detect_scores.csv").set_index(["network", "test"]).loc[(network, test), metric])


SHORT = "small ruptures are taken for magma or a mine at 533 m a pixel"


@pytest.mark.xfail(strict=True, reason=f"0.829: {SHORT}")
def test_earthquakes_above_one_fringe_are_found():
    assert frozen("f1_one") >= 0.95


@pytest.mark.xfail(strict=True, reason=f"0.752: {SHORT}")
def test_earthquakes_above_half_a_fringe_are_found():
    assert frozen("f1_half") >= 0.85


@pytest.mark.xfail(strict=True, reason=f"0.563: {SHORT}")
def test_masks_fit():
    assert frozen("mask_iou") >= 0.75


@pytest.mark.xfail(strict=True, reason="0.101 less: few looks and patchy ground are outside what it learned from")
def test_the_shifted_test_costs_little():
    assert frozen("f1_one") - frozen("f1_one", test="shifted") <= 0.07


def test_air_alone_raises_few_alarms():
    assert frozen("air_alarms") <= 0.02
    for test in ("frozen", "shifted"):
        assert frozen("air_n", test=test) >= 2000


def test_air_of_another_nature_raises_few_alarms():
    assert frozen("air_alarms", test="shifted") <= 0.02


def test_the_network_beats_what_costs_nothing():
    for name in ("logistic regression", "fringe density"):
        assert frozen("auc_low") > frozen("auc", network=name)
    for name in ("fringe density", "all ground"):
        assert frozen("mask_iou_low") > frozen("mask_iou_high", network=name)


def real(scene: str) -> pd.Series:
    """What a network made of a real scene."""
    return pd.read_csv(DATA / "detect_real.csv").set_index("scene").loc[scene]


def test_a_quiet_real_scene_raises_no_alarm():
    for network in NETWORKS:
        assert not real(f"Morocco, quiet: {network}")["present"]


NETWORKS = ("U-Net", "transformer", "ConvNeXt")
FORMS = ("Thessaly, wrapped", "Thessaly, unwrapped")


def thessaly(form: str, network: str, reason: str) -> list[object]:
    """Every form by every network, one of which fails."""
    failing = pytest.mark.xfail(strict=True, reason=reason)
    return [pytest.param(*pair, marks=failing if pair == (form, network) else ()) for pair in product(FORMS, NETWORKS)]


@pytest.mark.parametrize(("form", "network"), thessaly(FORMS[1], "ConvNeXt", "5.3 km, before the last round 3.1"))
def test_real_thessaly_is_marked_where_it_moved(form, network):
    assert real(f"{form}: {network}")["centre_km"] <= 5


@pytest.mark.parametrize(("form", "network"), thessaly(FORMS[1], "U-Net", "0.63, alarm of nine squares 0.68"))
def test_real_thessaly_is_seen(form, network):
    assert real(f"{form}: {network}")["present"]


SEEN = {"positive": "away", "incidence": 33.6, "heading": -13.5, "wavelength": SENTINEL1_WAVELENGTH_M}
WRAPPED = SEEN | {"quantity": "wrapped", "units": "rad"}


def test_the_unet_still_says_of_real_scenes_what_the_table_says(shared_data):
    network = detect.load_detector(DATA / f"{SHIPPED[0]}.safetensors")
    folder = shared_data / "scenes"
    quiet = folder / "morocco_quiet_crop"
    scenes = {
        "Thessaly, wrapped": read_scene(folder / "thessaly_2021/greece.diff", **WRAPPED),
        "Thessaly, unwrapped": read_scene(
            folder / "thessaly_2021/greece.unw", **SEEN, quantity="displacement", units="m"
        ),
        "Morocco, quiet": read_scene(quiet / "phi_vv.tif", **WRAPPED, coherence=quiet / "coh_vv.tif"),
    }
    for place, scene in scenes.items():
        said, _ = detect.detect_scene(network, scene)
        stored = real(f"{place}: U-Net")
        assert said["probability"] == pytest.approx(stored["probability"], abs=1e-2), place
        assert (said["present"], said["tiles"]) == (stored["present"], stored["tiles"]), place
        assert said["alarm"] == pytest.approx(stored["alarm"], abs=1e-4), place
