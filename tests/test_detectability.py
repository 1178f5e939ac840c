import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from epi.errors import ParameterError
from epi.insar.product import SENTINEL1_HEADING_DEG, SENTINEL1_INCIDENCE_DEG, look_vector
from epi.source import detectability as module
from epi.source.detectability import detectability, peak_los, visible
from epi.source.okada import displacement
from epi.source.size import scaling

THESSALY = {"magnitude": 6.3, "depth_km": 8.0, "strike": 315.0, "dip": 36.0, "rake": -100.0}
IRAN_IRAQ = {"magnitude": 5.58, "depth_km": 19.0}


def test_thessaly_is_plain_and_iran_iraq_is_millimetres():
    thessaly, iran_iraq = peak_los(**THESSALY), peak_los(**IRAN_IRAQ)
    assert 0.15 < thessaly < 0.3
    assert 0.003 < iran_iraq < 0.006
    assert peak_los(**IRAN_IRAQ, over="max") < 0.007
    assert [str(visible(peak)) for peak in (thessaly, iran_iraq)] == ["plain", "hidden"]


def test_the_looks_are_sentinel_1s():
    headings = tuple(heading for _, heading in module.SENTINEL1_LOOKS)
    assert headings == tuple(SENTINEL1_HEADING_DEG.values())
    assert {incidence for incidence, _ in module.SENTINEL1_LOOKS} == {SENTINEL1_INCIDENCE_DEG}
    north_striking = module._looks(np.array([[0.0]]))[0]
    expected = np.transpose([look_vector(*look) for look in module.SENTINEL1_LOOKS])
    np.testing.assert_allclose(north_striking, expected, atol=1e-15)


@pytest.mark.parametrize(("strike", "dip", "rake"), [(315, 36, -100), (20, 90, 0), (200, 60, 170), (80, 20, 95)])
def test_a_known_mechanism_gives_the_peak_of_its_field(strike, dip, rake):
    mechanism = "dip-slip" if abs(np.sin(np.deg2rad(rake))) > 0.7 else "strike-slip"
    length, width, slip = (float(value) for value in scaling(6.0, mechanism=mechanism))
    motion = slip * np.cos(np.deg2rad(rake)), slip * np.sin(np.deg2rad(rake)), 0
    east, north = (grid.ravel() for grid in np.meshgrid(*[np.linspace(-25, 25, 251)] * 2))
    field = displacement(east, north, (0, 0, 8, strike, dip, length, width, *motion))[0].numpy()
    looks = np.array([look_vector(*look) for look in module.SENTINEL1_LOOKS])
    peak = np.abs(field @ looks.T).max()
    assert peak_los(6.0, 8.0, strike=strike, dip=dip, rake=rake) == pytest.approx(peak, rel=0.03)


def test_larger_and_shallower_is_plainer():
    magnitudes, depths = np.linspace(4, 7, 7), np.array([5.0, 10, 20, 40])
    peak = peak_los(magnitudes[:, None], depths)
    assert peak.shape == (7, 4)
    assert (np.diff(peak, axis=0) > 0).all()
    assert (np.diff(peak[:4], axis=1) < 0).all()
    assert (peak <= peak_los(magnitudes[:, None], depths, over="max")).all()


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
    without_mechanism = detectability(events[["depth_km", "magnitude"]])
    assert without_mechanism.loc["b"].equals(found.loc["b"])
    assert detectability(events.iloc[:0]).empty


def test_blocks_leave_no_seam(monkeypatch):
    magnitudes, depths = np.linspace(4, 7, 11), np.linspace(30, 3, 11)
    whole = peak_los(magnitudes, depths)
    monkeypatch.setattr(module, "_BLOCK", 4)
    np.testing.assert_allclose(peak_los(magnitudes, depths), whole, rtol=1e-12)


def test_what_cannot_be_is_named():
    with pytest.raises(ParameterError, match="choose mean or max"):
        peak_los(6, 10, over="median")
    with pytest.raises(ParameterError, match="Event 1: dip 95"):
        peak_los(6, 10, strike=0, dip=[45, 95], rake=0)
    with pytest.raises(ParameterError, match="no column depth_km"):
        detectability(pd.DataFrame({"magnitude": [6.0]}))


def test_torch_stays_out_until_it_is_needed():
    code = "import sys, epi.source.detectability; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
