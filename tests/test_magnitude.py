"""Magnitudes: what ranking asks, that training goes on where it stopped, sizes, scores, and the study as a whole."""

import json
from dataclasses import replace
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from epi.errors import EpiError, FileFormatError, ParameterError
from epi.learn.magnitude import run
from epi.learn.magnitude.__main__ import main
from epi.learn.magnitude.baselines import CHANGE, KNOWN, STATISTICS, change_statistics, fit_free, known_changes
from epi.learn.magnitude.losses import magnitude_losses, ranking_loss, ranking_loss_as_printed
from epi.learn.magnitude.networks import (
    MODELS,
    MagnitudeSettings,
    build_magnitude,
    count_mflops,
    load_magnitude,
    measure_size,
    predict,
    read_magnitude_card,
    save_magnitude,
)
from epi.learn.magnitude.quakeset import Pairs, Scaling, measure_scaling, open_quakeset
from epi.learn.magnitude.run import PROFILES, MagnitudeProfile, run_magnitude
from epi.learn.magnitude.scores import magnitude_scores, paired_differences
from epi.learn.magnitude.training import (
    CHECKPOINT,
    PRACTICE_RATE,
    MagnitudePlan,
    PairBatches,
    begin_with_contrast,
    practise,
    rate_share,
    train_magnitude,
)
from epi.settings import Settings
from epi.simulate.backscatter import FILENAME, SEASONAL, SIMULATED, write_quakeset
from test_detect_networks import Trap

SMALLEST = "mobilenetv3_small_100"
FLAT = Scaling((-10.0,) * 4, (3.0,) * 4)
RECIPE = replace(SIMULATED, side=32)
PLAN = MagnitudePlan(
    SMALLEST, pixels=32, epochs=2, batch=4, rate=1e-3, weights=None, standardised=True, seed=3, device="cpu"
)


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    write_quakeset(folder / FILENAME, RECIPE, 0, {"train": 8, "validation": 2, "test": 4}, 32)
    return open_quakeset(folder, pixels=32)


def same(one, other):
    kept = other.state_dict()
    return all(torch.equal(value, kept[name]) for name, value in one.state_dict().items())


def test_ranking_by_hand():
    """Three pairs: one in order by more than the margin, one by less, one the wrong way round."""
    true = torch.tensor([6.0, 5.0, 4.0])
    said = torch.tensor([5.01, 5.0, 5.2])
    by_hand = [max(0, -(5.01 - 5.0) + 0.02), max(0, -(5.01 - 5.2) + 0.02), max(0, -(5.0 - 5.2) + 0.02)]
    assert float(ranking_loss(said, true, 0.02)) == pytest.approx(np.mean(by_hand), abs=1e-6)
    assert float(ranking_loss(torch.tensor([6.0, 5.0, 4.0]), true, 0.02)) == 0


def test_pairs_without_an_order_are_left_out():
    said = torch.tensor([0.3, 0.1, 5.0], requires_grad=True)
    loss = ranking_loss(said, torch.tensor([0.0, 0.0, 5.0]))
    loss.backward()
    assert float(loss.detach()) == 0
    assert said.grad.tolist() == [0, 0, 0]
    nothing = ranking_loss(said, torch.zeros(3))
    nothing.backward()
    assert float(nothing.detach()) == 0


def test_ordered_by_predictions_the_loss_only_pushes_apart():
    """As printed: two answers closer than the margin are driven apart, whichever earthquake was larger."""
    said = torch.tensor([5.005, 5.0], requires_grad=True)
    loss = ranking_loss_as_printed(said, 0.02)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(0.02 - 0.005, abs=1e-6)
    assert said.grad.tolist() == [-1, 1]  # going downhill, the larger answer grows
    wrong = torch.tensor([5.0, 7.0])  # of earthquakes of magnitude 7 and 5: quite wrong, and the loss does not mind
    assert float(ranking_loss_as_printed(wrong)) == 0
    assert float(ranking_loss(wrong, torch.tensor([7.0, 5.0]))) == pytest.approx(2.02)


def test_losses_add_up_only_where_ranking_is_asked():
    said, true = torch.tensor([5.0, 6.0]), torch.tensor([6.0, 5.0])
    plain, both = (magnitude_losses(said, true, ranking=ranking) for ranking in (False, True))
    assert float(plain["total"]) == float(plain["mse"]) == 1
    assert float(both["total"]) == pytest.approx(1 + 1.02)


def test_the_rate_rises_for_a_tenth_and_falls_to_nothing():
    shares = [rate_share(step, 100, 0.1) for step in range(101)]
    assert shares[:10] == pytest.approx(np.arange(1, 11) / 10)
    assert np.diff(shares[10:]) == pytest.approx(-1 / 91)
    assert shares[100] == 0


@pytest.mark.parametrize("model", list(MODELS))
def test_every_published_network_says_a_magnitude(model):
    settings = MagnitudeSettings(model, 32, FLAT, centre=3.0, spread=0.0)
    network, began = build_magnitude(settings, seed=1)
    assert began == "random"
    assert network.eval()(torch.zeros(2, 4, 32, 32)).tolist() == [3.0, 3.0]
    millions = sum(each.numel() for each in network.parameters()) / 1e6
    assert millions == pytest.approx(MODELS[model].parameters, abs=0.3)


def test_answers_begin_near_the_mean_or_small():
    """timm's own first weights of a mobile network's last layer would make them tens of magnitudes."""
    channels = torch.randn(4, 4, 32, 32, generator=torch.Generator().manual_seed(0))
    for model in MODELS:
        mean, _ = build_magnitude(MagnitudeSettings(model, 32, FLAT, centre=3.0, spread=2.0))
        assert mean.eval()(channels).tolist() == [3.0] * 4
        plain, _ = build_magnitude(MagnitudeSettings(model, 32, FLAT))
        assert plain.train()(channels).abs().max() < 5


def test_the_seed_makes_the_weights():
    one, again, other = (build_magnitude(MagnitudeSettings(SMALLEST, 32, FLAT), seed=n)[0] for n in (1, 1, 2))
    assert same(one, again)
    assert not same(one, other)


def test_operations_of_a_layer_are_known():
    """A convolution of 3 x 3 from 4 to 8 channels on 16 x 16 pixels, and a product of 8 x 1."""
    layers = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 1))
    size = measure_size(layers, pixels=16, repeats=1)
    assert size.mflops * 1e6 == 2 * (16 * 16 * 9 * 4 * 8) + 2 * 8
    assert size.parameters == 4 * 8 * 9 + 8 + 8 + 1
    assert size.latency_ms > 0


def test_published_operations_are_not_those_of_512_pixels():
    """Counted at 128 pixels the smallest network is near the printed figure; at 512, 13 times above it."""
    for model, factor in zip(MODELS, (1.0, 1.0, 1.0, 1.0, 0.5), strict=True):  # the transformer's fits no size
        network, _ = build_magnitude(MagnitudeSettings(model, 128, FLAT))
        assert count_mflops(network, pixels=128) == pytest.approx(factor * MODELS[model].flops, rel=0.15)
    large, _ = build_magnitude(MagnitudeSettings(SMALLEST, 512, FLAT))
    assert count_mflops(large, pixels=512) > 13 * MODELS[SMALLEST].flops


def test_attention_is_counted_too():
    """On a CPU torch's counter misses it: 12 layers, two products of 17 tokens with 17 over 192 features."""
    network, _ = build_magnitude(MagnitudeSettings("vit_tiny_patch16_224", 64, FLAT))
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.zeros(1, 4, 64, 64))
    missed = count_mflops(network, pixels=64) - counter.get_total_flops() / 1e6
    assert missed == pytest.approx(12 * 2 * 2 * 17 * 17 * 192 / 1e6)


def test_what_a_network_cannot_be():
    with pytest.raises(ParameterError, match="No network 'resnet'"):
        build_magnitude(MagnitudeSettings("resnet", 32, FLAT))
    with pytest.raises(ParameterError, match="cannot look at 100 pixels"):
        build_magnitude(MagnitudeSettings(SMALLEST, 100, FLAT))


def test_batches_are_the_same_wherever_reading_begins(parts):
    scaling = measure_scaling(parts["train"])
    whole = [next_ for next_, _ in zip(PairBatches(parts["train"], scaling, PLAN), range(10), strict=False)]
    later = iter(PairBatches(parts["train"], scaling, PLAN, first=7))
    for channels, true in whole[7:]:
        again = next(later)
        assert torch.equal(channels, again[0])
        assert torch.equal(true, again[1])
    seen = torch.cat([true for _, true in whole[:4]]).sort()[0]  # 16 pairs, batches of 4: one epoch
    assert torch.equal(seen, torch.tensor(parts["train"].magnitude).float().sort()[0])
    other = next(iter(PairBatches(parts["train"], scaling, replace(PLAN, seed=4))))
    assert not torch.equal(whole[0][1], other[1])


def test_flips_are_of_both_images_and_of_half_the_pairs(parts):
    train = parts["train"]
    plain = {float(train.decibels(n).sum()): train.decibels(n) for n in range(len(train))}
    nothing = Scaling((0.0,) * 4, (1.0,) * 4)
    turned = []
    for (channels, _), _ in zip(PairBatches(train, nothing, PLAN), range(40), strict=False):
        for image in channels:
            original = min(plain.items(), key=lambda item: abs(item[0] - float(image.sum())))[1]
            ways = [(rows, columns) for rows in (0, 1) for columns in (0, 1)
                    if torch.equal(image, original.flip([-2] * rows + [-1] * columns))]  # fmt: skip
            assert len(ways) == 1
            turned.append(ways[0])
    assert np.mean(turned, axis=0) == pytest.approx([0.5, 0.5], abs=0.15)


def changed_pairs(parts, shares):
    """Training pairs of earthquakes that changed so much of their patches, one after the other."""
    table = parts["train"].table.assign(slid=np.repeat(shares, 2), collapsed=0.0, torn=0.0)
    return Pairs(parts["train"].source, table, 32)


@pytest.mark.parametrize("model", MODELS)
def test_half_of_the_first_filters_begin_as_differences(model):
    network, _ = build_magnitude(MagnitudeSettings(model, 64, FLAT), seed=3)
    first = next(each for each in network.modules() if isinstance(each, nn.Conv2d))
    before = first.weight.clone()
    begin_with_contrast(network)
    same = torch.rand(1, 2, 64, 64).repeat(1, 2, 1, 1)  # the two dates are alike
    seen = nn.functional.conv2d(same, first.weight).detach()
    half = len(first.weight) // 2
    assert float(seen[:, :half].abs().max()) < 1e-6
    assert float(seen[:, half:].abs().mean()) > 0.01
    assert torch.equal(first.weight[:, :2], before[:, :2])


@pytest.mark.filterwarnings("ignore::epi.learn.study.networks.WeightsUnreachable")
@pytest.mark.parametrize("weights", [None, "auto"])
def test_weights_that_cannot_be_had_begin_with_contrast_like_random_ones(parts, monkeypatch, weights):
    def unreachable():
        raise URLError("nobody answers")

    monkeypatch.setattr("epi.learn.magnitude.networks.reach_hub", unreachable)
    begun = []
    monkeypatch.setattr("epi.learn.magnitude.training.begin_with_contrast", begun.append)
    train_magnitude(replace(PLAN, contrast=True, weights=weights), parts["train"], FLAT)
    assert len(begun) == 1


def test_practice_is_on_patches_that_an_earthquake_changed(parts, monkeypatch, tmp_path):
    pairs = changed_pairs(parts, [0.2, 0.0, 0.05, 0.005, 0.0, 0.02, 0.0, 0.3])
    shown = []
    monkeypatch.setattr(
        "epi.learn.magnitude.training.train_magnitude",
        lambda plan, pairs, *rest, **more: shown.append((plan, pairs)) or train_magnitude(plan, pairs, *rest, **more),
    )
    plan = replace(PLAN, practice=3, ranking=True)
    first = practise(plan, pairs, FLAT, folder=tmp_path)
    ((begun, seen),) = shown
    assert (begun.epochs, begun.rate, begun.ranking, begun.seed) == (3, PRACTICE_RATE, False, plan.seed)
    rows = [0, 1, 4, 5, 10, 11, 14, 15]  # the quiet pair of each of the four patches too
    pd.testing.assert_frame_equal(seen.table, pairs.table.iloc[rows].reset_index(drop=True))
    assert all(torch.equal(seen.decibels(place), pairs.decibels(row)) for place, row in enumerate(rows))
    assert same(first, practise(plan, pairs, FLAT, folder=tmp_path))  # read again, not made again
    assert len(shown[1:]) == 1


def test_training_goes_on_from_practice(parts):
    """With no rate to learn at, what comes out is what went in, last layer, scaling and all; with one it is not."""
    train = parts["train"]
    settings = MagnitudeSettings(SMALLEST, 32, FLAT, centre=4.0, spread=2.0)
    practised = build_magnitude(settings, seed=9)[0]
    nn.init.ones_(practised.body.get_classifier().weight)
    still = train_magnitude(replace(PLAN, rate=0.0, epochs=1), train, FLAT, practised=practised)
    assert still.began == "practised"
    assert still.network.settings == settings
    learned = dict(still.network.named_parameters())
    assert all(torch.equal(value, learned[name]) for name, value in practised.named_parameters())
    moved = train_magnitude(replace(PLAN, epochs=1), train, FLAT, practised=practised).network
    assert not same(moved, practised)


def test_practice_needs_to_know_what_changed(parts):
    plan = replace(PLAN, practice=1)
    unknown = Pairs(parts["train"].source, parts["train"].table.drop(columns=["slid", "torn"]), 32)
    with pytest.raises(ParameterError, match="do not say what share slid or torn: only simulated ones do"):
        practise(plan, unknown, FLAT)
    with pytest.raises(ParameterError, match="2 training pairs, and batches of 4"):
        practise(plan, changed_pairs(parts, [0.2] + [0.0] * 7), FLAT)


class StoppedError(Exception):
    pass


def test_stopped_and_taken_up_again_it_gives_the_same_weights(parts, tmp_path, monkeypatch):
    train, scaling = parts["train"], measure_scaling(parts["train"])
    unbroken = train_magnitude(PLAN, train, scaling)
    batches = PairBatches.__iter__

    def few(self):
        for number, batch in enumerate(batches(self)):
            if number == 5:
                raise StoppedError
            yield batch

    with monkeypatch.context() as patch:
        patch.setattr(PairBatches, "__iter__", few)
        with pytest.raises(StoppedError):
            train_magnitude(PLAN, train, scaling, folder=tmp_path, every=3)
    assert torch.load(tmp_path / CHECKPOINT, weights_only=True)["global_step"] == 3
    resumed = train_magnitude(PLAN, train, scaling, folder=tmp_path, every=3)
    assert same(unbroken.network, resumed.network)
    pd.testing.assert_frame_equal(unbroken.history, resumed.history)
    assert len(resumed.history) == PLAN.steps(len(train)) == 8
    with pytest.raises(FileFormatError, match="of another plan"):
        train_magnitude(replace(PLAN, ranking=False), train, scaling, folder=tmp_path)


class Brighter:
    """Pairs whose second image is brighter the larger the earthquake: anything that learns can learn this."""

    def __init__(self, magnitude):
        self.magnitude = magnitude

    def __getitem__(self, number):
        power = torch.rand(2, 32, 32, generator=torch.Generator().manual_seed(number)) * 0.1 + 0.1
        return {"image": torch.cat([power, power * 10 ** (self.magnitude[number] / 10)])}


def test_it_learns_what_can_be_seen(parts):
    table = parts["train"].table
    pairs = Pairs(Brighter(table["magnitude"].to_numpy()), table, 32)
    plan = replace(PLAN, model="convnextv2_atto", epochs=15)
    trained = train_magnitude(plan, pairs, measure_scaling(pairs))
    assert trained.history["mse"].head(4).mean() > 0.5 * pairs.magnitude.var()
    assert magnitude_scores(pairs.table.assign(predicted=predict(trained.network, pairs)), draws=2)["mae"] < 1.0
    assert np.isfinite(predict(trained.network, parts["test"])).all()
    larger = Pairs(Brighter(table["magnitude"].to_numpy()), table, 64)
    with pytest.raises(ParameterError, match="Pairs of 64 pixels were given: the network looks at 32"):
        predict(trained.network, larger)


def test_checkpoints_are_never_executed(parts, tmp_path):
    torch.save({"trap": Trap(tmp_path / "sprung")}, tmp_path / CHECKPOINT)
    with pytest.raises(FileFormatError, match="is not a checkpoint"):
        train_magnitude(PLAN, parts["train"], measure_scaling(parts["train"]), folder=tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_plans_that_do_not_fit(parts):
    train = parts["train"]
    for plan, told in (
        (replace(PLAN, pixels=64), "Pairs of 32 pixels for a network of 64"),
        (replace(PLAN, batch=64), "16 training pairs, and batches of 64"),
    ):
        with pytest.raises(ParameterError, match=told):
            train_magnitude(plan, train, FLAT)
    if not torch.cuda.is_available():
        with pytest.raises(ParameterError, match="no GPU here"):
            train_magnitude(replace(PLAN, device="cuda"), train, FLAT)


def test_a_network_is_kept_with_all_it_needs(parts, tmp_path):
    network, _ = build_magnitude(MagnitudeSettings(SMALLEST, 32, FLAT, centre=4.0, spread=2.0), seed=5)
    path = save_magnitude(network, tmp_path / "one.safetensors", {"seed": 5})
    again = load_magnitude(path)
    assert again.settings == network.settings
    assert read_magnitude_card(path) == {"seed": 5}
    said = [predict(each, parts["test"]) for each in (network, again)]
    assert said[0] == pytest.approx(said[1], abs=0.05)  # half precision
    with pytest.raises(FileFormatError, match="No network"):
        load_magnitude(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    for read in (load_magnitude, read_magnitude_card):
        with pytest.raises(FileFormatError, match="does not hold weights of a magnitude network"):
            read(tmp_path / "bad.safetensors")


def table(true, said, events=None):
    names = [f"{n // 2}" for n in range(len(true))] if events is None else events
    return pd.DataFrame({"event": names, "magnitude": true, "predicted": said})


def test_scores_of_known_answers():
    true, said = [5.0, 0.0, 6.0, 0.0, 7.0, 0.0], [5.5, 1.0, 5.0, 0.0, 7.0, 5.2]
    found = magnitude_scores(table(true, said), draws=50)
    assert (found["n"], found["positives"], found["events"]) == (6, 3, 3)
    assert found["mae"] == pytest.approx((0.5 + 1 + 1 + 0 + 0 + 5.2) / 6)
    assert found["mae_positives"] == pytest.approx(0.5)
    assert found["mae_negatives"] == pytest.approx(6.2 / 3)
    assert found["auc"] == pytest.approx(8 / 9)  # of nine couples one is the wrong way round: 5.0 below 5.2
    assert found["spearman"] == pytest.approx(0.5)
    assert all(found[f"{name}_low"] <= found[name] <= found[f"{name}_high"] for name in ("mae", "auc"))
    with pytest.raises(ParameterError, match="1 predictions are not numbers"):
        magnitude_scores(table(true, [*said[:5], np.nan]))


def test_a_constant_knows_no_order():
    found = magnitude_scores(table([5.0, 0.0, 6.0, 0.0], [3.0] * 4), draws=50)
    assert found["auc"] == 0.5
    assert np.isnan(found["spearman"])


def test_whole_earthquakes_are_drawn():
    """A hundred pairs of one earthquake say no more than one: the interval is that of two earthquakes."""
    events = ["a"] * 100 + ["b"] * 100
    found = magnitude_scores(table([5.0] * 200, [5.0] * 100 + [7.0] * 100, events), draws=200)
    assert (found["mae_low"], found["mae_high"]) == (0, 2)


def test_differences_are_paired():
    """Two ways that err alike but for a tenth: the interval holds the tenth and nothing of the common error."""
    rng = np.random.default_rng(0)
    true = np.where(np.arange(80) % 2, 0.0, rng.uniform(4, 8, 80))
    ways = [{}, {}]
    for seed in range(3):
        wrong = 1 + rng.uniform(0, 2, 80)
        for way, more in zip(ways, (0.0, 0.1), strict=True):
            way[seed] = table(true, true + wrong + more)
    found = paired_differences(*ways, draws=40)
    assert found["mae_difference"] == pytest.approx(-0.1)
    assert found["mae_low"] == pytest.approx(-0.1)
    assert found["mae_high"] == pytest.approx(-0.1)
    assert (found["seeds"], found["events"]) == (3, 40)
    with pytest.raises(ParameterError, match="cannot be compared"):
        paired_differences(ways[0], {0: ways[1][0]})
    with pytest.raises(ParameterError, match="other pairs"):
        paired_differences(ways[0], {n: each.iloc[::-1] for n, each in ways[1].items()})


def test_answers_that_cost_nothing(parts):
    train, test = parts["train"], parts["test"]
    numbers = change_statistics(train)
    assert numbers.shape == (len(train), len(STATISTICS))
    change = train.decibels(0)[2:] - train.decibels(0)[:2]
    assert numbers[0, :3] == pytest.approx(
        [float(change[0].mean()), float(change[0].abs().mean()), float(change[0].std())]
    )
    free = fit_free(train)
    said = free.predict(test)
    assert said["mean"] == pytest.approx([train.magnitude.mean()] * len(test))
    assert set(said["zero"]) == {0.0}
    assert np.isfinite(said[CHANGE]).all()
    assert np.unique(known_changes(test)[1::2]).tolist() == [0.0]  # nothing changed between the images of negatives
    assert (known_changes(test)[::2] > 0).any()
    assert np.isfinite(said[KNOWN]).all()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "settings", lambda: Settings(data=tmp_path / "data"))
    return tmp_path


def test_the_study_writes_its_tables_and_goes_on_where_it_was(home, monkeypatch):
    monkeypatch.setattr("epi.learn.magnitude.training.SEEN", -1.0)  # these few changed nothing: all are practised on
    plan = replace(PLAN, epochs=1, practice=1, seed=0)
    events = {"train": 4, "validation": 2, "test": 3}
    profile = MagnitudeProfile("tiny", {SMALLEST: plan}, events, recipe=RECIPE, seeds=(0, 1), draws=10, ships=SMALLEST)
    heard = []
    asked = {"folder": home / "work", "command": "as asked", "device": "cpu"}
    first = run_magnitude(profile, say=heard.append, **asked)
    assert list(first["network"]) == ["mean", "median", "zero", CHANGE, KNOWN, *[SMALLEST] * 6]
    assert set(first["command"]) == {"as asked"}
    assert set(first["n"]) == {6}
    written = {
        name: pd.read_csv(home / f"data/tiny_{name}.csv") for name in ("scores", "ranking", "sizes", "predictions")
    }
    known = written["predictions"]
    for _, row in written["scores"].iloc[5:].iterrows():
        said = known[f"{SMALLEST} {row['ranking']} {int(row['seed'])}"]
        assert row["mae"] == pytest.approx(np.abs(said - known["magnitude"]).mean(), rel=1e-4)
    ranking = written["ranking"].iloc[0]
    assert ranking["mae_difference"] == pytest.approx(ranking["mae_with"] - ranking["mae_without"], abs=1e-4)
    assert list(written["sizes"]["network"]) == list(MODELS)  # those that are not trained are counted too
    assert written["sizes"].set_index("network").loc[SMALLEST, "printed_mflops"] == 44.1
    shipped = home / "data/magnitude_mobilenetv3_small.safetensors"
    network, written = load_magnitude(shipped), shipped.read_bytes()
    card = read_magnitude_card(home / "data/magnitude_mobilenetv3_small.safetensors")
    assert card["plan"]["ranking"] is True
    best = max(card["validation_auc"], key=card["validation_auc"].get)  # not by a score of the test
    assert card["plan"]["seed"] == int(best)
    own = first[(first["ranking"] == "with") & (first["seed"] == int(best))]
    assert card["scores"]["mae"] == pytest.approx(own["mae"].iloc[0])
    assert network.settings.pixels == 32

    own = next((home / "work").glob("*/earthquakes.h5")).parent
    real = run_magnitude(replace(profile, seeds=(0,)), data=own, say=heard.append, **asked)
    assert (home / "data/tiny_quakeset_scores.csv").is_file()
    assert set(real["data"]) == {"QuakeSet"}
    assert set(real["practice"].dropna()) == {0}  # of real pairs nobody knows what changed
    assert any("no practice" in line for line in heard)
    assert shipped.read_bytes() == written

    monkeypatch.setattr(run, "write_quakeset", None)  # neither simulated nor trained again
    again = run_magnitude(profile, say=heard.append, **asked)
    pd.testing.assert_frame_equal(first, again, check_exact=False)
    note = next((home / "work/tiny").glob(f"{SMALLEST}-with-1/done.json"))
    note.write_text(json.dumps(json.loads(note.read_text()) | {"plan": {}}))
    with pytest.raises(ParameterError, match="other settings"):
        run_magnitude(profile, say=heard.append, **asked)


def test_the_network_that_ships_sees_what_strong_earthquakes_changed(tmp_path):
    """On places it never saw, where earthquakes changed much: one that has learned nothing would tell half of them."""
    strong = replace(SIMULATED, name="strong", stream=77, magnitude=(7.0, 8.0), depth_km=(3.0, 6.0), reach_km=5.0)
    write_quakeset(tmp_path / FILENAME, strong, 0, {"test": 48}, 128)
    asked = open_quakeset(tmp_path, pixels=128)["test"]
    path = Settings().data / "magnitude_mobilenetv3_small.safetensors"
    said = predict(load_magnitude(path), asked)
    assert magnitude_scores(asked.table.assign(predicted=said), draws=2)["auc"] > 0.7


@pytest.mark.xfail(
    strict=True, reason="the seed that is best on validation, AUC 0.617, has 0.538 (0.491 to 0.586) here"
)
def test_the_network_that_ships_tells_earthquakes_of_every_size_from_none():
    card = read_magnitude_card(Settings().data / "magnitude_mobilenetv3_small.safetensors")
    assert card["scores"]["auc_low"] > 0.5


@pytest.mark.xfail(strict=True, reason="mobilenetv3_small_100, 128 pixels, 3 seeds: MAE 0.011 larger (-0.003 to 0.027)")
def test_ranking_makes_the_smallest_no_worse_on_average_over_seeds():
    table = pd.read_csv(Settings().data / "magnitude_ranking.csv")
    assert (table["mae_difference"] <= 0).all()


def test_all_five_were_trained_both_ways_from_three_seeds_on_the_reported_test():
    ranking = pd.read_csv(Settings().data / "magnitude_five_ranking.csv").set_index("network")
    scores = pd.read_csv(Settings().data / "magnitude_five_scores.csv")
    one = pd.read_csv(Settings().data / "magnitude_scores.csv")
    five = PROFILES["five"]
    assert list(ranking.index) == list(five.plans)
    assert set(ranking["train"]) == {2 * five.events["train"]}
    assert set(scores["command"]) == set(ranking["command"]) == {"python -m epi.learn.magnitude --profile five"}
    for name in ("zero", KNOWN):  # the first has nothing to learn: so the earthquakes are the same
        here, there = (table.set_index("network").loc[name] for table in (scores, one))
        assert (here["n"], here["events"]) == (there["n"], there["events"])
    assert scores.set_index("network").loc["zero", "mae"] == one.set_index("network").loc["zero", "mae"]
    for name, row in ranking.iterrows():
        own = scores[scores["network"] == name].groupby("ranking")["mae"].agg(["mean", "size"])
        assert own.loc[["with", "without"], "size"].tolist() == [3, 3]
        assert row["mae_difference"] == pytest.approx(own["mean"]["with"] - own["mean"]["without"], abs=1e-4)


@pytest.mark.xfail(strict=True, reason="convnextv2_atto, 640 pairs, 3 seeds: MAE 0.0005 larger (-0.009 to 0.011)")
def test_ranking_makes_none_of_the_five_worse_on_average_over_seeds():
    table = pd.read_csv(Settings().data / "magnitude_five_ranking.csv")
    assert (table["mae_difference"] <= 0).all()


def test_ranking_makes_none_of_the_five_surely_worse():
    table = pd.read_csv(Settings().data / "magnitude_five_ranking.csv")
    assert (table["mae_low"] <= 0).all()


def test_seasons_are_asked_of_the_test_that_is_reported():
    table = pd.read_csv(Settings().data / "magnitude_seasons.csv").set_index("data")
    card = read_magnitude_card(Settings().data / "magnitude_mobilenetv3_small.safetensors")
    assert list(table["season_db"]) == [SIMULATED.season_db, SEASONAL.season_db]
    assert set(table["n"]) == {len(pd.read_csv(Settings().data / "magnitude_predictions.csv"))}
    for name in ("mae", "auc", "spearman"):
        assert table.loc["simulated", name] == pytest.approx(card["scores"][name], abs=5e-3)
        assert table.loc["seasonal", name] != table.loc["simulated", name]
        apart = table.loc["seasonal", name] - table.loc["simulated", name]
        assert table.loc["seasonal", f"{name}_difference"] == pytest.approx(apart, abs=1e-4)
    assert table["auc"].between(table["auc_low"], table["auc_high"]).all()
    assert table.loc["seasonal", "mae_negatives_difference_low"] > 0  # greening is taken for damage, surely


def test_profiles_are_the_published_study_and_what_a_cpu_can_do():
    full, cpu, five = PROFILES["full"], PROFILES["cpu"], PROFILES["five"]
    assert list(full.plans) == list(five.plans) == list(MODELS)
    assert all(plan == replace(cpu.plans[SMALLEST], model=model) for model, plan in five.plans.items())
    assert five.events["train"] * 5 == cpu.events["train"]
    assert list(cpu.plans) == [SMALLEST]
    for plan in full.plans.values():
        assert (plan.pixels, plan.epochs, plan.batch, plan.rate, plan.warm) == (512, 10, 16, 1e-4, 0.1)
        assert (plan.weights, plan.margin, plan.flips, plan.standardised) == ("auto", 0.02, 0.5, False)
        assert plan.practice == 0  # of real earthquakes nobody knows what they changed
    assert (cpu.plans[SMALLEST].pixels, cpu.plans[SMALLEST].rate) == (128, 1e-4)
    assert len(cpu.seeds) == 3


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], "--profile cpu"),
        (["--threads", "1"], "--profile cpu --threads 1"),
        (["--data", "quakes", "--threads", "3"], "--profile cpu --data FOLDER --threads 3"),
    ],
)
def test_the_command_that_is_kept_names_the_threads_that_were_asked(monkeypatch, given, kept):
    """How long a pair takes depends on them."""
    told, threads = {}, []

    def study(profile, **asked):
        told.update(asked)
        raise EpiError("not here")

    monkeypatch.setattr("epi.learn.magnitude.__main__.run_magnitude", study)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    assert main(given) == 1
    assert told["command"] == f"python -m epi.learn.magnitude {kept}"
    assert threads == [int(each) for each in given if each.isdigit()]


def test_the_command_states_its_errors(tmp_path, capsys):
    assert main(["--profile", "cpu", "--data", str(tmp_path), "--folder", str(tmp_path)]) == 1
    assert "FileFormatError: No " in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["--profile", "none"])
