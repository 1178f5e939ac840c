import subprocess
import sys

import numpy as np
import pytest

from epi.errors import ParameterError
from epi.insar.product import SENTINEL1_HEADING_DEG, SENTINEL1_INCIDENCE_DEG, look_vector
from epi.source import motion
from epi.source.motion import UNKNOWN_MECHANISMS, affected_radius_km, moved_radius_km, peak_los
from epi.source.okada import displacement
from epi.source.size import scaling
from epi.source.table import Table


def fault(magnitude, depth_km, *, strike, dip, rake):
    """One rectangle of the usual size, as `displacement` takes it."""
    mechanism = "dip-slip" if abs(np.sin(np.deg2rad(rake))) > 0.7 else "strike-slip"
    length, width, slip = (float(value) for value in scaling(magnitude, mechanism=mechanism))
    motion = slip * np.cos(np.deg2rad(rake)), slip * np.sin(np.deg2rad(rake)), 0
    depth = max(depth_km, width / 2 * np.sin(np.deg2rad(dip)))
    return (0, 0, depth, strike, dip, length, width, *motion)


def los(east, north, rectangle):
    """|LOS| displacement of one rectangle in the two passes, (points, 2)."""
    field = displacement(east, north, rectangle)[0].numpy()
    looks = np.array([look_vector(*look) for look in motion.SENTINEL1_LOOKS])
    return np.abs(field @ looks.T)


def test_the_looks_are_sentinel_1s():
    headings = tuple(heading for _, heading in motion.SENTINEL1_LOOKS)
    assert headings == tuple(SENTINEL1_HEADING_DEG.values())
    assert {incidence for incidence, _ in motion.SENTINEL1_LOOKS} == {SENTINEL1_INCIDENCE_DEG}
    north_striking = motion._looks(np.array([[0.0]]))[0]
    expected = np.transpose([look_vector(*look) for look in motion.SENTINEL1_LOOKS])
    np.testing.assert_allclose(north_striking, expected, atol=1e-15)


@pytest.mark.parametrize(("strike", "dip", "rake"), [(315, 36, -100), (20, 90, 0), (200, 60, 170), (80, 20, 95)])
def test_a_known_mechanism_gives_the_peak_of_its_field(strike, dip, rake):
    east, north = (grid.ravel() for grid in np.meshgrid(*[np.linspace(-25, 25, 251)] * 2))
    peak = los(east, north, fault(6.0, 8.0, strike=strike, dip=dip, rake=rake)).max()
    assert peak_los(6.0, 8.0, strike=strike, dip=dip, rake=rake) == pytest.approx(peak, rel=0.03)


def test_larger_and_shallower_is_plainer():
    magnitudes, depths = np.linspace(4, 7, 7), np.array([5.0, 10, 20, 40])
    peak = peak_los(magnitudes[:, None], depths)
    assert peak.shape == (7, 4)
    assert (np.diff(peak, axis=0) > 0).all()
    assert (np.diff(peak[:4], axis=1) < 0).all()
    assert (peak <= peak_los(magnitudes[:, None], depths, over="max")).all()


def test_blocks_leave_no_seam(monkeypatch):
    magnitudes, depths = np.linspace(4, 7, 11), np.linspace(30, 3, 11)
    whole = peak_los(magnitudes, depths)
    monkeypatch.setattr(motion, "_BLOCK", 4)
    np.testing.assert_allclose(peak_los(magnitudes, depths), whole, rtol=1e-12)


@pytest.mark.parametrize(("magnitude", "depth"), [(5.3, 6.0), (5.9, 8.0), (6.6, 22.0), (7.05, 11.0)])
def test_the_moved_ground_ends_where_the_displacement_falls_below_the_level(magnitude, depth):
    azimuth, radius = np.deg2rad(np.arange(0, 360, 6)), np.geomspace(0.5, 400, 120)
    points = [np.outer(wave(azimuth), radius).ravel() for wave in (np.sin, np.cos)]
    reached = np.zeros(len(radius))
    for dip, rake in UNKNOWN_MECHANISMS:
        for strike in range(0, 360, 30):
            field = los(*points, fault(magnitude, depth, strike=strike, dip=dip, rake=rake))
            reached = np.maximum(reached, field.reshape(len(azimuth), len(radius), 2).max(axis=(0, 2)))
    level = max(0.005, 0.05 * reached.max())
    expected = radius[reached >= level].max()
    assert moved_radius_km(magnitude, depth) == pytest.approx(expected, rel=0.1)


def test_the_level_and_the_share_decide_what_counts_as_moved():
    wide = moved_radius_km(6.5, 10, share=0)
    assert wide > moved_radius_km(6.5, 10) > moved_radius_km(6.5, 10, share=0.3)
    assert moved_radius_km(6.5, 10, level_m=0.02, share=0) < wide
    assert moved_radius_km(4.5, 15) == 0
    assert np.isnan(moved_radius_km([np.nan, 6], [10, np.nan])).all()
    assert moved_radius_km([], []).shape == (0,)


def test_far_away_the_displacement_falls_as_the_square_of_distance():
    near, far = (float(moved_radius_km(6.5, 10, level_m=level, share=0)) for level in (4e-3, 1e-3))
    assert far / near == pytest.approx(2, rel=0.1)


def test_what_a_pair_should_cover_holds_the_rupture_and_the_epicentres_error():
    assert affected_radius_km(4.5, 15) == 10
    assert affected_radius_km(4.5, 15, epicentre_error_km=3) == 3
    length = float(scaling(7.0, mechanism="strike-slip")[0])
    assert affected_radius_km(7.0, 10) == pytest.approx(float(moved_radius_km(7.0, 10)) + length / 2 + 10)
    sizes = affected_radius_km(np.linspace(4, 9, 30), 10)
    assert (np.diff(sizes) >= 0).all()
    assert np.isnan(affected_radius_km(np.nan, 10))


def test_a_table_works_out_only_the_nodes_it_needs():
    asked = []

    def plane(magnitude, depth):
        asked.append(len(magnitude))
        return np.column_stack([2 * magnitude + np.log(depth), magnitude])

    table = Table(plane)
    rng = np.random.default_rng(0)
    magnitude, depth = rng.uniform(4, 8, 200), rng.uniform(1, 500, 200)
    np.testing.assert_allclose(table(magnitude[:1], depth[:1])[0, 1], magnitude[0])
    assert sum(asked) == 4
    found = table(magnitude, depth)
    np.testing.assert_allclose(found[:, 0], 2 * magnitude + np.log(depth))
    nodes = sum(asked)
    table(magnitude, depth)
    assert sum(asked) == nodes
    assert np.isnan(table(np.array([np.nan, 6]), np.array([3, np.nan]))).all()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: peak_los(6, 10, over="median"), "choose mean or max"),
        (lambda: peak_los(6, 10, strike=0, dip=[45, 95], rake=0), "Event 1: dip 95"),
        (lambda: peak_los([6, 60], 10), "Event 1: magnitude 60 is outside 2 to 9.6"),
        (lambda: peak_los(6, [10, 10_000]), "Event 1: depth_km 10000 is outside -10 to 800; give kilometres"),
        (lambda: moved_radius_km(6, -50), "depth_km -50 is outside"),
        (lambda: moved_radius_km(6, 10, level_m=0), "A level of 0 m"),
        (lambda: moved_radius_km(6, 10, share=1), "share from 0 to below 1"),
        (lambda: affected_radius_km(6, 10, epicentre_error_km=-1), "must be 0 or more"),
    ],
)
def test_what_cannot_be_is_named(asked, said):
    with pytest.raises(ParameterError, match=said):
        asked()


def test_torch_stays_out_until_it_is_needed():
    code = "import sys, epi.source.detectability; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
