"""Comparing variants of a small network: kept pools, honest tests, a table that grows and can be taken up again."""

import numpy as np
import pandas as pd
import pytest
import torch

from epi.errors import ParameterError
from epi.learn.ablation import (
    VARIANTS,
    Course,
    Material,
    Scale,
    SmallLocator,
    best_places,
    draw_pool,
    made_up_coordinates,
    missing,
    over_seeds,
    run_ablation,
    scene_pool,
    sentences,
)
from epi.learn.ablation.__main__ import main
from epi.learn.ablation.network import LOSS_CELL_KM, train
from epi.learn.ablation.run import STREAM, WATCHED
from epi.learn.channels import CHANNELS
from epi.learn.models import CELLS, Answer
from epi.simulate.recipe import UNSEEN
from epi.simulate.stream import Weather

TINY = Scale(blocks=1, watched=1, unseen=range(2), stormy=range(1), course=Course(patches=96, batch=16, checks=2))
SEEDS = (0,)


@pytest.fixture(scope="module")
def pool():
    return draw_pool(1, range(1))


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A first run: two variants, of which the second is of one more pool."""
    home = tmp_path_factory.mktemp("ablation")
    scores = run_ablation(
        home / "a_scores.csv", folder=home / "kept", variants=("full", "weak-air"), seeds=SEEDS, scale=TINY
    )
    return home, scores


def test_a_pool_keeps_earthquakes_apart(pool):
    assert 60 < len(pool) < 150
    assert (pool.peak_m >= 0.03).all()
    assert (np.abs(pool.offset_km) < 25.6).all()
    for event in np.unique(pool.event):
        assert np.unique(pool.magnitude[pool.event == event]).size == 1
    assert np.unique(pool.magnitude).size == np.unique(pool.event).size
    few = pool.earthquakes(5, seed=3)
    kept = np.unique(few.event)
    assert kept.size == 5
    assert len(few) == np.isin(pool.event, kept).sum()
    assert set(kept) != set(np.unique(pool.earthquakes(5, seed=4).event))
    assert len(pool.earthquakes(1000, seed=0)) == len(pool)


def test_a_block_is_the_same_wherever_drawing_began_and_less_air_moves_no_earthquake(pool):
    weak = draw_pool(1, range(1), weather=Weather(atmosphere_m=(0.002, 0.01)))
    for name in ("offset_km", "event", "magnitude", "look"):
        assert np.array_equal(getattr(weak, name), getattr(pool, name))
    assert not np.array_equal(weak.planes, pool.planes)
    later = draw_pool(1, range(1, 2))
    assert later.event.min() >= 16
    assert not np.isin(later.magnitude, pool.magnitude).any()


def test_no_rupture_is_both_learned_from_and_tested(pool):
    test = scene_pool(UNSEEN, range(2))
    assert 6 < len(test) <= 18
    assert set(test.event) == {0, 1}
    learned, tested = {STREAM, WATCHED}, {*Scale().unseen, *Scale().stormy}
    assert len(learned) == 2
    assert min(learned) >= 10_000 > max(tested)


@pytest.mark.parametrize(
    ("name", "zero"),
    [
        ("full", ()),
        ("no-look", ("look_east", "look_north")),
        ("no-coherence", ("coherence",)),
        ("no-steps", ("turn_east", "turn_north")),
        ("angle", ("sine",)),
        ("angle-no-steps", ("sine", "turn_east", "turn_north")),
    ],
)
def test_a_variant_loses_what_it_says(pool, name, zero):
    rows = np.arange(16)
    seen = Material(pool, VARIANTS[name].sees).channels(rows)
    whole = Material(pool, VARIANTS["full"].sees).channels(rows)
    empty = [not seen[:, number].any() for number in range(len(CHANNELS))]
    assert [name for name, gone in zip(CHANNELS, empty, strict=True) if gone] == list(zero)
    if name.startswith("angle"):
        assert torch.allclose(
            torch.cos(torch.pi * seen[:, 0])[whole[:, 5] > 0], whole[:, 0][whole[:, 5] > 0], atol=2e-3
        )


def test_the_small_map_has_the_loss_s_reach():
    network = SmallLocator()
    centres = network.centres_km()
    cell = network.settings.cell_km
    assert float(centres.max()) + cell / 2 == pytest.approx(CELLS * LOSS_CELL_KM / 2)
    with torch.inference_mode():
        answer = network.eval().answer(torch.zeros(2, len(CHANNELS), 64, 64))
    assert answer.mean_km.shape == (2, 2, 144)


def test_the_best_place_is_a_median_not_a_mean():
    weight = torch.log(torch.tensor([[0.6, 0.4, 1e-9]]))
    mean = torch.tensor([[[3.0, -20.0], [1.0, 10.0]]])
    answer = Answer(weight, mean, torch.full((1, 2), 0.3), *torch.zeros(3, 1))
    assert best_places(answer)[0] == pytest.approx([3.0, 1.0], abs=0.5)


def test_coordinates_tell_the_earthquake_and_agree_with_the_offsets(pool):
    found = made_up_coordinates(pool, seed=0) * np.array([90, 180])
    mine = np.flatnonzero(pool.event == np.bincount(pool.event).argmax())
    epicentre = found[mine, 0] + pool.offset_km[mine, 1] / 111.2
    assert np.ptp(epicentre) < 0.01  # all patches of one earthquake say the same epicentre
    assert np.ptp(found[mine, 0]) > 0.1  # from different sides
    assert np.ptp(found[:, 1]) > 180
    assert not np.allclose(found, made_up_coordinates(pool, seed=1) * np.array([90, 180]))
    assert SmallLocator(coordinates=True).stem[0].in_channels == len(CHANNELS) + 2


def test_it_learns_its_training_set(pool):
    """Sixteen patches, shown over and over, are known by heart."""
    few = pool.take(np.argsort(-pool.peak_m)[:16])
    material = Material(few, VARIANTS["full"].sees)
    _, curve = train(SmallLocator(), material, material, course=Course(960, batch=16, memory=5, checks=4), seed=0)
    assert list(curve["patches"]) == [240, 480, 720, 960]
    assert curve["learning_place"].iloc[-1] < curve["learning_place"].iloc[0] - 1
    assert curve["median_km"].iloc[-1] < 0.5 * np.median(np.linalg.norm(few.offset_km, axis=1))


def test_the_table_grows_and_nothing_is_done_twice(begun):
    home, first = begun
    lines = []
    options = {"folder": home / "kept", "seeds": SEEDS, "scale": TINY, "progress": lines.append}
    more = run_ablation(home / "a_scores.csv", variants=("full", "weak-air", "40-pretrained"), **options)
    assert [line for line in lines if "training" in line] == ["training 40-pretrained, seed 0"]
    assert list(dict.fromkeys(more["variant"])) == ["full", "weak-air", "40-pretrained"]
    pd.testing.assert_frame_equal(more.iloc[: len(first)][first.columns], first.round(3), check_dtype=False)
    history = pd.read_csv(home / "a_history.csv")
    assert list(history["patches"]) == [48, 96] * 3
    full = first[first["variant"] == "full"]
    assert (full["against_full_km"] == 0).all()
    assert (full["median_low"] <= full["median_km"]).all()
    table = over_seeds(more)
    assert list(table["variant"]) == ["full", "40-pretrained", "weak-air"]
    assert table["verdict"].iloc[0] == ""
    assert missing(more).startswith("no-steps, angle, ")
    assert [line.split(":")[0] for line in sentences(table)] == list(table.index)
    assert (table["low_km"] <= table["median_km"]).all()


def fabricated(rows, values):
    """Rows of one variant whose difference is told by value, low and high; one a seed."""
    row = rows[(rows["variant"] == "weak-air") & (rows["air_cm"] == "0.3 to 4")].iloc[:1]
    names = ("against_full_km", "against_low", "against_high")
    return pd.concat([row.assign(seed=n, **dict(zip(names, each, strict=True))) for n, each in enumerate(values)])


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([(0.9, 0.2, 1.5)], "worse"),
        ([(-0.9, -1.5, -0.2)], "better"),
        ([(0.1, -0.5, 0.9)], "not told apart"),
        ([(0.9, 0.2, 1.5)] * 3, "worse"),
        ([(0.9, 0.2, 1.5), (0.1, -0.6, 0.7), (1.7, 1.0, 2.3)], "not told apart"),
    ],
)
def test_a_verdict_follows_the_interval(begun, values, verdict):
    _, rows = begun
    assert over_seeds(fabricated(rows, values))["verdict"].tolist() == [verdict]


def test_seeds_that_agree_add_nothing_and_more_of_them_narrow_the_interval(begun):
    _, rows = begun
    one = over_seeds(fabricated(rows, [(0.9, 0.2, 1.5)])).iloc[0]
    alike = over_seeds(fabricated(rows, [(0.9, 0.2, 1.5)] * 3)).iloc[0]
    assert (one["against_low"], one["against_high"]) == pytest.approx((0.2, 1.5))
    assert (alike["against_low"], alike["against_high"]) == pytest.approx((0.2, 1.5))
    apart = [(0.4, -0.3, 1.0), (1.4, 0.7, 2.0)]
    few, many = (over_seeds(fabricated(rows, apart * times)).iloc[0] for times in (1, 8))
    assert few["against_low"] < many["against_low"] < 0.2
    assert 1.5 < many["against_high"] < few["against_high"]
    # two seeds: sd 0.7071, Student's 12.706 on one degree of freedom, over the root of two; 0.7 over earthquakes
    assert few["against_low"] == pytest.approx(0.9 - np.hypot(0.7, 12.706 * 0.5), abs=1e-3)


def test_the_same_seed_gives_the_same_row(begun, tmp_path):
    home, first = begun
    again = run_ablation(tmp_path / "b_scores.csv", folder=home / "kept", variants=("full",), seeds=SEEDS, scale=TINY)
    pd.testing.assert_frame_equal(again, first[first["variant"] == "full"])


def test_what_cannot_be_done_is_said(begun, capsys, tmp_path):
    home, _ = begun
    options = {"folder": home / "kept", "seeds": SEEDS}
    with pytest.raises(ParameterError, match=r"no variant 'fulll': choose from full, no-steps, "):
        run_ablation(tmp_path / "c_scores.csv", variants=("fulll",), scale=TINY, **options)
    with pytest.raises(ParameterError, match=r"40-pretrained starts from weak-air: name that one before it"):
        run_ablation(tmp_path / "c_scores.csv", variants=("40-pretrained",), scale=TINY, **options)
    with pytest.raises(ParameterError, match=r"was made with other amounts than .* give another file"):
        run_ablation(home / "a_scores.csv", variants=("full",), scale=Scale(blocks=2), **options)
    kept = tmp_path / "d_scores.csv"
    kept.write_bytes((home / "a_scores.csv").read_bytes())
    with pytest.raises(ParameterError, match=r"d_scores.csv is here, and its learning curves .*d_history.csv are not"):
        run_ablation(kept, variants=("full",), scale=TINY, **options)
    assert kept.read_bytes() == (home / "a_scores.csv").read_bytes()
    assert main(["--out", str(tmp_path / "c.csv"), "--variants", "nothing"]) == 1
    assert "ParameterError: There is no variant 'nothing'" in capsys.readouterr().err


def test_the_table_says_what_was_asked(monkeypatch, tmp_path):
    asked = []

    def stand_in(out, **options):
        asked.append(options["command"])
        raise ParameterError("enough")

    monkeypatch.setattr("epi.learn.ablation.__main__.run_ablation", stand_in)
    usual = "python -m epi.learn.ablation --out data/ablation_scores.csv"
    assert main(usual.split()[3:]) == 1
    assert main(["--out", str(tmp_path / "b.csv"), "--variants", "full", "40", "--seeds", "3"]) == 1
    assert asked == [usual, "python -m epi.learn.ablation --out b.csv --variants full 40 --seeds 3"]
