"""Labelled scenes: what is said of them is so, and a block is itself wherever the reading began."""

from dataclasses import fields, replace
from itertools import islice
from math import pi

import numpy as np
import pytest
import torch

from epi.errors import ParameterError
from epi.simulate.labelled import (
    BLOCK,
    FILTERED,
    FROZEN,
    KINDS,
    LBAND,
    MIXTURES,
    QUIET,
    SHIFTED,
    SIZE_KM,
    TRAINING,
    labelled_scenes,
    scenes,
    sky,
    sources,
)
from epi.simulate.labelled.mixture import LBAND_WAVELENGTH_M, LEAST_M, PEAK_SHARE, Mixture

PIXELS = 32
CLEAN = replace(
    TRAINING, atmosphere_m=(1e-7, 1e-7), ramp_m=0.0, coherence=(0.98, 0.98), land=0.0, looks=(1e6, 1e6), unwrapped=1.0
)
"""Nothing but what moved: no air, no noise to speak of, every phase unwrapped."""


def block(mixture=TRAINING, seed=0, number=0, pixels=PIXELS):
    return next(labelled_scenes(mixture, seed, first=number, pixels=pixels))


def tensors(made):
    return {each.name: value for each in fields(made) if isinstance(value := getattr(made, each.name), torch.Tensor)}


def same(one, other):
    return all(torch.equal(a.nan_to_num(-1), tensors(other)[name].nan_to_num(-1)) for name, a in tensors(one).items())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_makes_the_same_earthquakes():
    """Its noise is another."""
    here, there = (next(labelled_scenes(TRAINING, 3, pixels=PIXELS, device=device)) for device in ("cpu", "cuda"))
    for name in ("kind", "magnitude", "depth_km", "displacement"):
        one, other = getattr(here, name), getattr(there, name).cpu()
        torch.testing.assert_close(other, one, equal_nan=True, rtol=1e-3, atol=1e-5)


@pytest.fixture(scope="module")
def many():
    """Some blocks of every mixture."""
    return {name: list(islice(labelled_scenes(each, 5, pixels=PIXELS), 2)) for name, each in MIXTURES.items()}


def test_a_block_is_the_same_wherever_the_reading_began():
    third = list(islice(labelled_scenes(TRAINING, 0, pixels=PIXELS), 3))[2]
    assert same(third, block(number=2))
    assert same(third, block(number=2))
    assert not torch.equal(third.phase, block(number=1).phase)


def test_seed_and_mixture_make_scenes_their_own():
    one = block()
    assert not torch.equal(one.phase, block(seed=1).phase)
    for other in (replace(TRAINING, stream=99), FROZEN):
        assert not torch.equal(one.phase, block(other).phase)


def test_nothing_else_decides_a_block():
    """Neither numpy's nor torch's own state, which both stay as they were."""
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002  # the state that must not matter
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one = block()
    assert torch.equal(before[0], torch.random.get_rng_state())
    assert np.array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002
    torch.manual_seed(4)
    assert same(one, block())


def test_sources_do_not_depend_on_the_pixels():
    small, large = block(pixels=32), block(pixels=64)
    for name in ("kind", "magnitude", "depth_km", "unwrapped", "atmosphere_m"):
        assert torch.equal(getattr(small, name).nan_to_num(-1), getattr(large, name).nan_to_num(-1)), name
    assert large.spacing_km == SIZE_KM / 64
    averaged = torch.nn.functional.avg_pool2d(large.displacement, 2)
    seen = small.displacement.abs().amax((1, 2))
    apart = (averaged - small.displacement).abs().flatten(1).quantile(0.9, dim=1)
    assert (apart <= 0.05 * seen).all()


@pytest.mark.parametrize("name", list(MIXTURES))
def test_kinds_are_balanced_and_all_there(many, name):
    for each in many[name]:
        count = torch.bincount(each.kind, minlength=len(KINDS))
        assert count[0] == BLOCK / 2
        assert set(count[1:].tolist()) == {4, 5}
        assert len(each) == BLOCK


def test_shares_are_kept_as_nearly_as_whole_scenes_allow():
    rng = np.random.default_rng(0)
    for share, quakes in ((0.0, 0), (0.25, 16), (1.0, 64)):
        kinds = replace(FROZEN, earthquakes=share).kinds(64, rng)
        count = np.bincount(kinds, minlength=len(KINDS))
        assert count[0] == quakes
        assert np.ptp(count[1:]) <= 1
    total = sum(np.bincount(FROZEN.kinds(64, rng), minlength=len(KINDS)) for _ in range(400))
    np.testing.assert_allclose(total[1:] / total[1:].sum(), 1 / len(QUIET), rtol=0.05)  # no kind has the odd ones


@pytest.mark.parametrize("name", list(MIXTURES))
def test_the_mask_is_the_ground_that_moved(many, name):
    """|LOS| at least half a centimetre and a tenth of the scene's peak, where there is data, and nowhere else."""
    for each in many[name]:
        moved = each.displacement.abs()
        least = (PEAK_SHARE * moved.amax((1, 2), keepdim=True)).clamp_min(LEAST_M)
        assert torch.equal(each.mask, (moved >= least) & each.valid)
        assert torch.equal(each.peak_m, (moved * each.valid).amax((1, 2)))
        assert torch.equal(each.present, (each.kind == 0) & (each.peak_m >= LEAST_M))
        quiet = each.kind != 0
        assert not each.mask[quiet].any()
        assert (each.displacement[quiet] == 0).all()
        assert each.magnitude[quiet].isnan().all()
        assert each.present[~quiet].float().mean() > 0.8


@pytest.mark.parametrize("name", list(MIXTURES))
def test_phases_and_coherences_keep_their_range(many, name):
    for each in many[name]:
        wrapped = each.phase[~each.unwrapped]
        assert float(wrapped.abs().max()) <= np.pi + 1e-5
        assert float(each.phase[each.unwrapped].abs().max()) > 2 * np.pi
        assert (each.phase[~each.valid] == 0).all()
        assert (each.coherence[~each.valid] == 0).all()
        assert each.phase.isfinite().all()
        assert float(each.coherence.min()) >= 0
        assert float(each.coherence.max()) <= 1
        assert each.valid.flatten(1).any(1).all()


@pytest.mark.parametrize("name", list(MIXTURES))
def test_facts_lie_within_the_mixture(many, name):
    mixture = MIXTURES[name]
    for each in many[name]:
        quakes = each.kind == 0
        for values, (low, high) in (
            (each.magnitude[quakes], mixture.magnitude),
            (each.depth_km[quakes], mixture.depth_km),
            (each.atmosphere_m, mixture.atmosphere_m),
        ):
            assert float(values.min()) >= low * (1 - 1e-6)
            assert float(values.max()) <= high * (1 + 1e-6)
        assert each.wavelength_m == mixture.wavelength_m


def test_training_sees_each_rupture_from_eight_places_and_tests_from_one(many):
    for each in (*many["training"], *many["filtered"]):
        assert len(each.magnitude[each.kind == 0].unique()) == BLOCK / 2 / 8
    for name in ("frozen", "shifted", "L band"):
        assert all(len(each.magnitude[each.kind == 0].unique()) == BLOCK / 2 for each in many[name])


def test_the_tests_lie_within_what_is_learned_from_and_beyond():
    for name in ("magnitude", "depth_km", "atmosphere_m", "coherence", "looks"):
        (low, high), (least, most) = getattr(FROZEN, name), getattr(TRAINING, name)
        assert least <= low < high <= most
    assert max(SHIFTED.looks) <= min(TRAINING.looks)
    assert min(SHIFTED.roughness) >= max(TRAINING.roughness)
    assert len({each.stream for each in MIXTURES.values()}) == len(MIXTURES)


def still(each):
    """Scenes of a clean block in which nothing but an earthquake can have changed the phase."""
    return (each.kind == 0) & torch.tensor([float(v.float().mean()) > 0.2 for v in each.valid])


def test_without_air_and_noise_the_phase_is_the_displacement(monkeypatch):
    """-4π/λ times it, but for a constant and a small remainder of noise where coherence is lost within a pixel."""
    monkeypatch.setattr(scenes, "_TRICKS", np.array([1]))
    made = block(CLEAN)
    phase = made.phase.double() + 4 * np.pi / CLEAN.wavelength_m * made.displacement
    for n in torch.nonzero(still(made)).ravel():
        steady = phase[n][made.valid[n] & (made.coherence[n] > 0.9)]
        if len(steady) > 50:
            assert float((steady - steady.median()).abs().quantile(0.95)) < 0.02


@pytest.mark.parametrize("unwrapped", [0.0, 1.0])
def test_a_filter_takes_noise_away_and_leaves_the_displacement(monkeypatch, unwrapped):
    """Of noisy scenes without air; where the ground hardly moves from one pixel to the next."""
    monkeypatch.setattr(scenes, "_TRICKS", np.array([1]))
    noisy = replace(CLEAN, coherence=(0.7, 0.7), looks=(10.0, 10.0), no_data=0.0, unwrapped=unwrapped)
    scatter = {}
    for width_km in (0.0, 0.5, 1.0):
        filter_km = {"filtered": 1.0, "filter_km": (width_km, width_km)} if width_km else {}
        made = block(replace(noisy, **filter_km), pixels=96)
        left = made.phase.double() + 4 * np.pi / CLEAN.wavelength_m * made.displacement
        slow = torch.stack(torch.gradient(made.displacement, dim=(1, 2))).abs().amax(0) < 1e-4
        found, far = [], []
        for n in torch.nonzero(still(made)).ravel():
            phasor = torch.polar(torch.ones_like(left[n]), left[n])[made.valid[n] & slow[n]]
            if len(phasor) > 500:
                found.append(float((phasor / phasor.mean()).angle().std()))
                turned = left[n] - left[n][made.valid[n] & slow[n]].median()
                far.append(float(turned[made.valid[n] & slow[n]].abs().quantile(0.99)))
        assert len(found) > 10
        assert unwrapped == 0 or max(far) < 3  # no whole turn is lost, over slopes of many
        scatter[width_km] = np.median(found)
    spacing_km = SIZE_KM / 96
    for width_km in (0.5, 1.0):  # the mean of independent pixels; little of the noise is so large that it turns around
        expected = spacing_km / (2 * np.pi**0.5 * width_km)
        assert scatter[width_km] / scatter[0.0] == pytest.approx(expected, rel=0.25)


def test_half_of_the_filtered_mixture_is_filtered_and_nothing_of_the_tests(monkeypatch):
    seen, filtered = [], sky.filtered

    def counted(phase, valid, width_px):
        seen.extend(width_px.tolist())
        return filtered(phase, valid, width_px)

    monkeypatch.setattr(sky, "filtered", counted)
    for mixture in MIXTURES.values():
        list(islice(labelled_scenes(mixture, 0, pixels=PIXELS), 4))
    assert 0.4 < len(seen) / (4 * BLOCK) < 0.6
    low, high = (each * PIXELS / SIZE_KM for each in FILTERED.filter_km)
    assert low <= min(seen) < 2 * low < high / 2 < max(seen) <= high


def test_mines_are_small_where_networks_learn_last_and_as_they_were_in_the_tests(monkeypatch):
    """No bowl that is drawn holds as much as the widest and deepest would."""
    asked, bowls = [], sources.bowls

    def listened(*given, largest_m3):
        asked.append(largest_m3)
        return bowls(*given, largest_m3=largest_m3)

    monkeypatch.setattr(sources, "bowls", listened)
    for mixture in (FILTERED, TRAINING, FROZEN, SHIFTED, LBAND):
        block(replace(mixture, earthquakes=0.0, quiet=("subsidence",)))
    assert asked[0] == 2e6
    assert min(asked[1:]) > 2 * pi * 4000**2 * 0.3


def test_layered_air_falls_with_height_in_the_share_asked():
    """The same scenes, the sign of their layered delay aside: mountains, of which there are few, stand out below."""
    layers = replace(
        CLEAN, earthquakes=0.0, quiet=("layered air",), atmosphere_m=(0.02, 0.02), least_side=1.0, no_data=0.0
    )

    def skewness(falling):
        phase = block(replace(layers, falling=falling)).phase.flatten(1)
        about = phase - phase.mean(1, keepdim=True)
        return (about**3).mean(1) / (about**2).mean(1) ** 1.5

    rising, falling, both = (skewness(share) for share in (0.0, 1.0, 0.5))
    assert rising.median() < -0.2
    assert falling.median() > 0.2
    assert 0.3 < float((both > 0).float().mean()) < 0.7


def test_the_l_band_sees_the_same_ground_with_slower_phase(monkeypatch):
    monkeypatch.setattr(scenes, "_TRICKS", np.array([1]))
    short, long = block(CLEAN), block(replace(CLEAN, wavelength_m=LBAND_WAVELENGTH_M))
    assert torch.equal(short.displacement, long.displacement)
    assert torch.equal(short.kind, long.kind)
    ratio = short.wavelength_m / long.wavelength_m
    compared = 0
    for n in torch.nonzero(still(short)).ravel():
        both = short.valid[n] & long.valid[n] & (short.coherence[n] > 0.9)
        apart = (long.phase[n] - ratio * short.phase[n])[both]
        if len(apart) > 50:
            assert float((apart - apart.median()).abs().quantile(0.95)) < 0.02
            compared += 1
    assert compared > 15
    assert replace(LBAND, name=FROZEN.name, stream=FROZEN.stream, wavelength_m=FROZEN.wavelength_m) == FROZEN


def test_unwrapping_errors_are_whole_turns_of_pieces(monkeypatch):
    """Against the same block without them: one or two turns in some places of those scenes, nothing in the others."""
    wrong = block(FROZEN)
    made = scenes._unwrapping_errors
    monkeypatch.setattr(scenes, "_unwrapping_errors", lambda *given: 0 * made(*given))
    right = block(FROZEN)
    turns = (wrong.phase - right.phase) / (2 * np.pi)
    np.testing.assert_allclose(turns, turns.round(), atol=1e-4)
    assert torch.equal(wrong.valid, right.valid)
    off = turns.round().abs().flatten(1)
    assert (off.amax(1) <= 2).all()
    broken = wrong.kind == KINDS.index("unwrapping error")
    assert wrong.unwrapped[broken].all()
    assert (off[broken].amax(1) >= 1).float().mean() > 0.7  # in the others the piece lies where no data is
    assert ((off[broken] > 0).float().mean(1) < 0.7).all()
    assert not off[~broken & (wrong.kind != 0)].any()
    assert off[wrong.kind == 0].amax(1).bool().any()  # an earthquake's scene may be broken too


def test_some_of_the_scenes():
    made = block()
    part = made.take(made.present)
    assert len(part) == int(made.present.sum())
    assert part.present.all()
    assert torch.equal(part.phase, made.phase[made.present])
    assert part.spacing_km == made.spacing_km


def test_scenes_too_small_to_show_anything_are_refused():
    with pytest.raises(ParameterError, match=r"Scenes of 15 pixels a side: give 16 or more"):
        next(labelled_scenes(FROZEN, 0, pixels=15))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"earthquakes": 1.5}, "earthquakes 1.5: give a share from 0 to 1"),
        ({"unwrapped": -0.1}, "unwrapped -0.1: give a share"),
        ({"stratified": float("nan")}, "stratified nan: give a share"),
        ({"falling": 1.1}, "falling 1.1: give a share"),
        ({"filtered": 1.1}, "filtered 1.1: give a share"),
        ({"sunk_m3": 0.0}, "sunk_m3 0: give more than 0"),
        ({"filter_km": (0.0, 1.0)}, "filter_km from 0: give 0.001 or more"),
        ({"filter_km": (1.0, 0.5)}, "filter_km from 1 to 0.5"),
        ({"no_data": 2}, "no_data 2: give a share"),
        ({"magnitude": (7.0, 5.0)}, "magnitude from 7 to 5: give two positive numbers, the smaller first"),
        ({"depth_km": (-1.0, 5.0)}, "depth_km from -1 to 5: give two positive"),
        ({"atmosphere_m": (0.03, 0.003)}, "atmosphere_m from 0.03 to 0.003"),
        ({"coherence": (float("nan"), 0.5)}, "coherence from nan to 0.5"),
        ({"looks": (10.0, 4.0)}, "looks from 10 to 4"),
        ({"wavelength_m": 0.0}, "wavelength_m 0: give more than 0"),
        ({"sides": 0}, "sides 0: give more than 0"),
        ({"segments": 0}, "segments 0: give more than 0"),
        ({"outer_km": float("nan")}, "outer_km nan: give more than 0"),
        ({"land_km": -1.0}, "land_km -1: give more than 0"),
        ({"least_side": 0.0}, "least_side 0: give more than 0"),
        ({"least_side": 2.0}, "least_side 2: give a share"),
        ({"reach": -0.1}, "reach -0.1: give 0 or more"),
        ({"ramp_m": float("nan")}, "ramp_m nan: give 0 or more"),
        ({"land": -0.1}, "land -0.1: give 0 or more"),
        ({"roughness": (0.8, 0.2)}, "roughness from 0.8 to 0.2"),
        ({"looks": (1.0, 4.0)}, "looks from 1: give 2 or more"),
        ({"coherence": (0.5, 1.5)}, "coherence up to 1.5: it is 1 at most"),
        ({"atmosphere_m": (0.0, 0.03)}, "atmosphere_m from 0: give 1e-09 or more"),
    ],
)
def test_mixtures_that_make_no_sense_are_refused(change, told):
    with pytest.raises(ParameterError, match=told):
        replace(FROZEN, **change)


def test_the_tests_stay_as_they_were_written_down():
    """Scores are of these scenes: whoever changes a mixture must train and judge anew."""
    assert Mixture(
        "frozen", 21, (5.0, 7.0), (2.0, 15.0), 0.6, (0.0, 0.8), 1, (0.003, 0.03), 0.0, 60.0, 0.6, 0.03,
        (0.2, 0.9), 0.15, 2.5, (10.0, 200.0), 0.3, 0.33, 0.5, 0.5, 0.05546576, 1,
    ) == FROZEN  # fmt: skip
    assert Mixture(
        "shifted", 22, (5.2, 7.2), (1.5, 20.0), 0.6, (0.8, 1.2), 2, (0.003, 0.04), 0.4, 30.0, 0.6, 0.05,
        (0.15, 0.8), 0.25, 1.2, (4.0, 10.0), 0.3, 0.33, 0.5, 0.5, 0.05546576, 1,
    ) == SHIFTED  # fmt: skip
    facts = {
        FROZEN: ([6.5683, 6.342, 6.1529, 5.4453], [0.0965, 0.2919, 0.0672, 0.0102]),
        SHIFTED: ([6.3376, 5.9518, 6.36, 6.6434], [0.1485, 0.0135, 0.0497, 0.1043]),
    }
    for mixture, (magnitude, peak) in facts.items():
        scenes = next(labelled_scenes(mixture, 0, pixels=32))
        quakes = scenes.take(scenes.kind == 0)
        assert quakes.magnitude[:4].tolist() == pytest.approx(magnitude, abs=1e-4)
        assert quakes.displacement[:4].abs().amax((1, 2)).tolist() == pytest.approx(peak, abs=2e-4)
