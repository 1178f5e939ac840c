import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from epi.errors import ParameterError
from epi.source import detectability as module
from epi.source.coherence import LAND, LEAST_COHERENCE, Decay, coherence_after, usable_share
from epi.source.detectability import detectability, peak_los, probability, visible

THESSALY = {"magnitude": 6.3, "depth_km": 8.0, "strike": 315.0, "dip": 36.0, "rake": -100.0}
IRAN_IRAQ = {"magnitude": 5.58, "depth_km": 19.0}


def test_thessaly_is_plain_and_iran_iraq_is_millimetres():
    thessaly, iran_iraq = peak_los(**THESSALY), peak_los(**IRAN_IRAQ)
    assert 0.15 < thessaly < 0.3
    assert 0.003 < iran_iraq < 0.006
    assert peak_los(**IRAN_IRAQ, over="max") < 0.007
    assert [str(visible(peak)) for peak in (thessaly, iran_iraq)] == ["plain", "hidden"]
    assert probability(**THESSALY) > 0.9
    assert probability(**IRAN_IRAQ) < 0.1


def test_the_verdict_follows_the_noise():
    peaks = [0.05, 0.03, 0.02, 0.009, np.nan]
    assert visible(peaks).tolist() == ["plain", "plain", "faint", "hidden", "unknown"]
    assert visible(peaks, noise_m=0.001).tolist() == ["plain"] * 4 + ["unknown"]
    with pytest.raises(ParameterError, match="greater than 0"):
        visible(peaks, noise_m=0)


def test_a_catalogue_gets_a_verdict_a_row():
    events = pd.DataFrame([THESSALY, IRAN_IRAQ, {"magnitude": 6.0}], index=["a", "b", "c"])
    found = detectability(events)
    assert found.index.tolist() == ["a", "b", "c"]
    assert found["visible"].tolist() == ["plain", "hidden", "unknown"]
    assert (
        found.loc["a", "peak_los_m"] == found.loc["a", "peak_los_max_m"] == pytest.approx(float(peak_los(**THESSALY)))
    )
    assert found.loc["b", "peak_los_max_m"] > found.loc["b", "peak_los_m"]
    assert found.loc["a", "probability"] == pytest.approx(float(probability(**THESSALY)))
    assert found.loc["c", ["extent_km", "probability"]].isna().all()
    without_mechanism = detectability(events[["depth_km", "magnitude"]])
    assert without_mechanism.loc["b"].equals(found.loc["b"])
    assert detectability(events.iloc[:0]).empty


def test_what_is_less_certain_is_neither_sure_to_be_seen_nor_to_be_hidden():
    small = pd.DataFrame({"magnitude": 5.2, "depth_km": [11.0, 11.0, 10.0], "magnitude_type": ["mww", "mb", "mww"]})
    by_mw, by_mb, put_in = detectability(small)["probability"]
    assert by_mb > by_mw
    assert put_in > by_mw


def test_probability_rises_with_size_and_falls_with_depth_air_and_decorrelation():
    by_size = probability(np.linspace(4, 7.5, 15), 10)
    assert (np.diff(by_size) > 0).all()
    assert by_size[0] < 0.001
    assert by_size[-1] > 0.95
    assert (np.diff(probability(5.8, [4, 8, 16, 32, 64])) < 0).all()
    assert (np.diff(probability(5.8, 8, air_m=[0.003, 0.01, 0.03])) < 0).all()
    assert (np.diff(probability(5.8, 8, coherence=[0.05, 0.2, 0.4, 0.8])) > 0).all()
    assert probability(5.8, 8) > probability(5.8, 8, passes="mean")
    either = [probability(5.6, 8, strike=13, dip=30, rake=90, passes=one) for one in ("ascending", "descending")]
    assert either[0] > either[1] + 0.1  # a thrust that dips east moves up and west: toward who looks from the west
    assert probability(5.6, 8, strike=13, dip=30, rake=90) == pytest.approx(max(either))
    assert probability(5.6, 8, strike=13, dip=30, rake=90, passes="mean") == pytest.approx(np.mean(either))
    assert np.isnan(probability([np.nan, 6], [8, np.nan])).all()
    assert probability([[6.0], [5.0]], [5, 10, 15]).shape == (2, 3)


def test_probability_is_the_mean_over_what_is_not_known():
    """Against draws: a magnitude, a depth and a day's air at a time, the signal's strength from the field itself."""
    rng, draws = np.random.default_rng(3), 4000
    mechanism = {"strike": 40.0, "dip": 55.0, "rake": 80.0}
    size = 5.7 + 0.1 * rng.standard_normal(draws)
    depth = 9 * np.exp(0.35 * rng.standard_normal(draws))
    columns = [np.broadcast_to(value, size.shape) for value in (size, depth, *mechanism.values())]
    peak, radius = module.signals(*columns)
    strength = (peak * (80 / radius) ** (1 / 3))[:, 0].max(axis=1)
    scatter = np.exp(np.hypot(module.AIR_SCATTER, module.SOURCE_SCATTER) * rng.standard_normal(draws))
    share = np.sqrt(usable_share(0.5))
    drawn = ndtr(module.GAIN * strength * share / 0.008 * scatter - module.THRESHOLD)
    found = probability(5.7, 9, **mechanism, air_m=0.008, coherence=0.5)
    assert found == pytest.approx(drawn.mean(), abs=4 * drawn.std() / np.sqrt(draws) + 0.01)


def test_an_unknown_mechanism_is_the_mean_of_those_it_stands_for():
    exact = {"magnitude_error": 0, "depth_error": 0}
    cases = [
        probability(5.9, 9, strike=strike, dip=dip, rake=rake, **exact)
        for dip, rake in module.UNKNOWN_MECHANISMS
        for strike in range(0, 360, 45)
    ]
    assert probability(5.9, 9, **exact) == pytest.approx(np.mean(cases), abs=0.02)


def test_wide_ground_has_to_move_more():
    narrow, wide = module._strength(np.array([0.02, 0.02]), np.array([5.0, 40.0]))
    assert narrow / wide == pytest.approx(2)


def test_blocks_leave_no_seam(monkeypatch):
    rng = np.random.default_rng(1)
    size, depth, strike = rng.uniform(5, 7, 20), rng.uniform(3, 30, 20), np.where(rng.random(20) < 0.5, 30.0, np.nan)
    whole = probability(size, depth, strike=strike, dip=50, rake=90)
    monkeypatch.setattr(module, "_BLOCK", 3)
    np.testing.assert_allclose(probability(size, depth, strike=strike, dip=50, rake=90), whole, rtol=1e-12)


@pytest.mark.parametrize("land", LAND)
def test_coherence_decays_to_its_floor(land):
    decay = LAND[land]
    assert coherence_after(0, land=land) == decay.at_once
    assert coherence_after(1e6, land=land) == pytest.approx(decay.at_last)
    assert coherence_after(decay.days, land=decay) == pytest.approx(
        decay.at_last + (decay.at_once - decay.at_last) / np.e
    )
    assert (np.diff(coherence_after([6, 12, 24, 48], land=land)) < 0).all()


def test_the_usable_share_is_a_half_at_the_least_coherence():
    assert usable_share(LEAST_COHERENCE) == pytest.approx(0.5)
    assert usable_share(0.85) > 0.99
    assert usable_share(0.05) < 0.1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: detectability(pd.DataFrame({"magnitude": [6.0]})), "no column depth_km"),
        (lambda: detectability(pd.DataFrame({"magnitude": [6.0], "depth_km": [8000.0]})), "Event 0: depth_km 8000"),
        (lambda: probability([6, 0.5], 10), "Event 1: magnitude 0.5"),
        (lambda: probability(6, 10, strike=0, dip=[45, 95], rake=0), "Event 1: dip 95"),
        (lambda: probability(6, 10, air_m=0), "A noise of 0 m"),
        (lambda: probability(6, 10, air_m=np.nan), "A noise of nan m"),
        (lambda: probability(6, 10, coherence=1.2), "A coherence of 1.2"),
        (lambda: probability(6, 10, magnitude_error=-0.1), "error of magnitude or depth below 0"),
        (lambda: probability(6, 10, passes="both"), "choose best, mean, ascending, descending"),
        (lambda: coherence_after(12, land="lava"), "choose bare, urban"),
        (lambda: coherence_after(-12, land=Decay(0.8, 0.2, 30)), "-12 days"),
    ],
)
def test_what_cannot_be_is_named(asked, said):
    with pytest.raises(ParameterError, match=said):
        asked()
