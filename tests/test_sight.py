"""What one chosen pair would show: it depends on its pass, its days, its ground, and on what it covers."""

import json
import math
from dataclasses import replace

import pytest

from epi.catalogue import find_event, match_pairs
from epi.catalogue.pairs.choice import Pair
from epi.catalogue.pairs.sight import pair_probability
from epi.errors import ParameterError
from epi.simulate.acquisitions import simulated_scenes
from epi.source.coherence import coherence_after
from epi.source.detectability import probability

THESSALY = find_event("20210303-thessaly")


@pytest.fixture(scope="module")
def pairs() -> dict[str, Pair]:
    """The best pair of either pass."""
    found = match_pairs(THESSALY, simulated_scenes(THESSALY)).pairs
    return {pair.reference.direction: pair for pair in reversed(found)}


@pytest.mark.parametrize("passes", ["ascending", "descending"])
def test_it_is_the_probability_of_that_pass_after_those_days(pairs, passes):
    pair = replace(pairs[passes], temporal_baseline_days=12.0, coverage=1.0)
    expected = probability(
        THESSALY.magnitude,
        THESSALY.depth_km,
        strike=THESSALY.strike,
        dip=THESSALY.dip,
        rake=THESSALY.rake,
        coherence=coherence_after(12, land="crops"),
        passes=passes,
    )
    assert pair_probability(THESSALY, pair, land="crops") == pytest.approx(float(expected))


def test_it_falls_with_days_with_decay_and_with_what_is_not_covered(pairs):
    pair, event = replace(pairs["ascending"], coverage=1.0), replace(THESSALY, magnitude=5.9)
    by_days = [pair_probability(event, replace(pair, temporal_baseline_days=days)) for days in (6.0, 24.0, 200.0)]
    assert by_days[0] > by_days[1] > by_days[2] > 0
    by_land = [pair_probability(event, pair, land=land) for land in ("bare", "crops", "forest")]
    assert by_land[0] > by_land[1] > by_land[2]
    whole = pair_probability(event, pair)
    assert pair_probability(event, replace(pair, coverage=0.4)) == pytest.approx(0.4 * whole)
    assert pair_probability(event, pair, air_m=0.03) < whole
    with pytest.raises(ParameterError, match="choose bare, urban"):
        pair_probability(event, pair, land="moon")


def test_what_reaches_no_coast_is_not_seen_and_what_is_unknown_stays_so(pairs):
    pair = pairs["ascending"]
    assert pair_probability(replace(THESSALY, latitude=34.0, longitude=19.0), pair) == 0
    assert math.isnan(pair_probability(replace(THESSALY, magnitude=math.nan), pair))
    assert math.isnan(pair_probability(replace(THESSALY, kind="landslide"), pair))


def test_the_command_says_it(says):
    code, out, _ = says("pairs", THESSALY.event_id, "--json")
    assert code == 0
    best = json.loads(out)["results"][0]
    assert best["land"] == "dry grass"
    assert 0.8 < best["probability"] <= 1
    text = says("pairs", THESSALY.event_id)[1]
    assert f"probability that it shows the earthquake: {best['probability']:.2f} (usual air, dry grass)" in text
    forest = json.loads(says("pairs", THESSALY.event_id, "--json", "--land", "forest")[1])["results"][0]
    assert forest["probability"] < best["probability"]
    quiet = json.loads(says("pairs", "20200303-thessaly-quiet", "--json")[1])["results"][0]
    assert quiet["probability"] is None
    assert "probability" not in says("pairs", "20200303-thessaly-quiet")[1]
