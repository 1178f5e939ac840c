import sys

import numpy as np
import pandas as pd
import pytest

from conftest import ROOT
from epi.errors import EmptyScene, ParameterError
from epi.insar import product
from epi.settings import settings
from epi.simulate import sighting as module
from epi.simulate.atmosphere import turbulence
from epi.simulate.sighting import RADII_KM, sighting
from epi.source.coherence import LEAST_COHERENCE
from epi.source.detectability import THRESHOLD, probability

sys.path.insert(0, str(ROOT / "tests" / "bench"))
import bench_detectability

SPACING_KM, PIXELS = 0.8, 100
PLACE = (np.arange(PIXELS) - (PIXELS - 1) / 2) * SPACING_KM


def scene(los, *, coherence=0.7):
    """A product of one displacement field in local metres."""
    covered = np.broadcast_to(coherence, los.shape).copy()
    fields = {"los_displacement": los, "coherence": covered}
    return product.build(fields, x=PLACE * 1000, y=PLACE * 1000, crs=None, attrs={"wavelength": 0.05546576})


def bump(east, north, *, radius_km, height_m):
    x, y = np.meshgrid(PLACE, PLACE)
    return height_m * np.exp(-((x - east) ** 2 + (y - north) ** 2) / (2 * radius_km**2))


def air(seed, rms=0.01):
    return turbulence((PIXELS, PIXELS), spacing_km=SPACING_KM, rms=rms, rng=np.random.default_rng(seed))


def test_a_bump_is_found_where_it_is():
    found = sighting(scene(air(1) + bump(12, -20, radius_km=4, height_m=0.08)), air_m=0.01)
    assert found.score > THRESHOLD
    assert np.hypot(found.east_km - 12, found.north_km + 20) < 2


def test_a_ramp_is_nothing_to_see():
    x, y = np.meshgrid(PLACE, PLACE)
    ramp = 0.002 * x - 0.003 * y + 0.5
    assert sighting(scene(ramp), air_m=0.01).score < 0.01
    plain, tilted = (sighting(scene(air(2) + extra), air_m=0.01) for extra in (0, ramp))
    assert tilted.score == pytest.approx(plain.score)


def test_the_expected_contrast_is_that_of_air():
    for radius in RADII_KM:
        fields = [module._contrast(air(seed, rms=1.0), radius / SPACING_KM) for seed in range(12)]
        inner = np.array([field[20:-20, 20:-20] for field in fields])
        assert np.sqrt((inner**2).mean()) == pytest.approx(module._of_air(PIXELS, SPACING_KM, radius, 60.0), rel=0.25)


def test_what_is_not_coherent_is_not_looked_at():
    spoiled = np.where(np.abs(bump(12, -20, radius_km=4, height_m=1)) > 0.01, 0.1, 0.7)
    found = sighting(scene(air(3) + bump(12, -20, radius_km=4, height_m=0.08), coherence=spoiled), air_m=0.01)
    assert found.score < THRESHOLD
    with pytest.raises(EmptyScene, match=f"coherence of {LEAST_COHERENCE}"):
        sighting(scene(air(3), coherence=0.1), air_m=0.01)
    with pytest.raises(ParameterError, match="Air of 0"):
        sighting(scene(air(3)), air_m=0)


@pytest.fixture(scope="module")
def check() -> pd.DataFrame:
    return pd.read_csv(settings().data / "detectability_check.csv")


def test_the_shipped_check_is_of_todays_prediction(check):
    told = check[check["part"] != "quiet"]
    again = probability(**{name: told[name] for name in ("magnitude", "depth_km", "air_m", "coherence")}, passes="mean")
    np.testing.assert_allclose(again, told["probability"], atol=2e-3)
    assert (check["seen"] == (check["score"] >= THRESHOLD)).all()
    assert (check["seed"] >= 10_000).all()


@pytest.mark.parametrize("part", ["quiet", "check"])
def test_the_shipped_check_can_be_made_again(check, part):
    row = check[check["part"] == part].iloc[1]
    again = bench_detectability.judged(int(row["seed"]), quiet=part == "quiet")
    for name, value in again.items():
        assert value == pytest.approx(row[name], abs=1e-3), name


def test_the_probability_is_honest(check):
    told = check[check["part"] == "check"]
    predicted, seen = told["probability"].to_numpy(), told["seen"].to_numpy(float)
    assert len(told) >= 200
    spread = np.sqrt((predicted * (1 - predicted)).sum()) / len(told)
    assert abs(predicted.mean() - seen.mean()) < 3 * spread
    assert ((predicted - seen) ** 2).mean() < 0.6 * seen.var()
    assert seen[predicted < 0.1].mean() < 0.15
    assert seen[predicted > 0.9].mean() > 0.85


def test_hardly_ever_is_something_seen_where_there_is_nothing(check):
    assert check.loc[check["part"] == "quiet", "seen"].mean() <= 0.03
