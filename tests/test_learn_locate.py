"""From patches to one epicentre and an ellipse that keeps its word."""

import json

import numpy as np
import pytest
import torch

from epi.errors import NoGeoreference, ParameterError
from epi.learn import (
    Locator,
    Settings,
    calibrate,
    centres,
    combine,
    combine_tracks,
    ellipse,
    locate_scene,
    locate_tracks,
    predict,
    squared_distance,
)
from epi.learn.models import CELLS, Answer
from epi.learn.scene import FRAMED, INVISIBLE, UNSURE
from epi.patches import cut, offset
from patch_scenes import ORIGIN, plane_scene

SMALL = Settings(pixels=64, size_km=25.6, widths=(8, 16, 32), mixers=1, ellipse_factor=6.0)
PLACES = np.array([[e, n] for e in (-12.0, 0.0, 12.0) for n in (-12.0, 0.0, 12.0)])


@pytest.fixture(scope="module")
def network():
    """Not trained: its answers are arbitrary, and its last layers are opened so that they depend on what it sees."""
    made = Locator(SMALL, seed=1).eval()
    for name, weight in made.named_parameters():
        if "last_norm.weight" in name or name.endswith("over_places.2.weight") or name.startswith("whole"):
            torch.nn.init.normal_(weight, std=0.5, generator=torch.Generator().manual_seed(2))
    return made


def said(place, sigma, *, share=0.99999, beyond=(), visible=3.0, places=PLACES):
    """What patches say that agree on a place, each sure by a share; those ``beyond`` say it is not on their map."""
    weights = torch.full((9, CELLS**2 + 1), -30.0)
    weights[:, 0], weights[:, -1] = np.log(share), np.log(1 - share)
    weights[list(beyond), 0], weights[list(beyond), -1] = -30.0, 0.0
    mean = torch.zeros(9, 2, CELLS**2)
    mean[:, :, 0] = torch.tensor(np.asarray(place) - places)
    numbers = (torch.full((9,), visible), torch.arange(9) / 10 + 6, torch.full((9,), np.log(0.2)))
    return Answer(weights, mean, torch.full((9, CELLS**2), float(sigma)), *numbers)


def test_agreeing_patches_give_the_place_they_agree_on(network):
    found = combine(network, PLACES, [said((3.0, -7.0), 2.0)])
    assert (found.east_km, found.north_km) == pytest.approx((3.0, -7.0), abs=0.05)
    assert found.density.probability.sum() == pytest.approx(1)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx([2.0] * 2, abs=0.3)  # nine of 2 km know no more than one
    assert found.visible == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-5)
    assert found.magnitude == pytest.approx(6.3)  # the patch at (0, -12) is the nearest


def test_the_temper_widens_and_does_not_move(network):
    mild = Locator(Settings(**vars(SMALL) | {"temper": 0.4})).eval()
    plain, tempered = (combine(each, PLACES, [said((3.0, -7.0), 2.0)]) for each in (network, mild))
    assert tempered.covariance[0, 0] > 1.8 * plain.covariance[0, 0]
    assert (tempered.east_km, tempered.north_km) == pytest.approx((plain.east_km, plain.north_km), abs=0.3)


def test_patches_that_hold_no_epicentre_say_where_it_is_not(network):
    """Eight of nine say that it is beyond their maps; the ninth alone places it."""
    apart = 4 * PLACES
    found = combine(network, apart, [said((-60.0, -55.0), 2.0, beyond=range(1, 9), places=apart)])
    assert (found.east_km, found.north_km) == pytest.approx((-60.0, -55.0), abs=1.5)


def test_a_liar_is_outvoted(network):
    lying = said((3.0, -7.0), 2.0)
    lying.mean_km[0, :, 0] += 20
    found = combine(network, PLACES, [lying])
    assert (found.east_km, found.north_km) == pytest.approx((3.0, -7.0), abs=0.5)


def test_mirrored_views_are_turned_back(network):
    """A scene seen in a mirror gives the mirrored answer: the four views of either are the same four."""
    scene = plane_scene(64, 400.0, turns_a_km=0.08)
    patches = cut(scene, size_km=25.6, pixels=64)
    mirrored = type(patches)(
        patches.table.assign(look_east=-patches.table["look_east"]),
        *(np.ascontiguousarray(band[:, :, ::-1]) for band in (patches.coh, patches.i, patches.q)),
    )
    plain, turned = (combine(network, np.zeros((1, 2)), predict(network, each)) for each in (patches, mirrored))
    np.testing.assert_allclose(turned.density.probability, plain.density.probability[:, ::-1], atol=1e-6)
    assert turned.east_km == pytest.approx(-plain.east_km, abs=0.02)
    assert plain.covariance[0, 0] > 0
    single = [answer.log_weight for answer in predict(network, patches)]
    assert not torch.allclose(single[0], single[-1])  # the views differ: nothing is trivially alike


def test_tracks_are_multiplied_and_outvote_nobody(network):
    """Two tracks that agree are surer than one by a factor of two in variance; two that differ meet in between."""
    one, other = (PLACES, [said((3.0, -7.0), 2.0)]), (PLACES, [said((5.0, -7.0), 2.0)])
    alone, twice, apart = (combine_tracks(network, seen) for seen in ([one], [one, one], [one, other]))
    assert np.diag(twice.covariance) == pytest.approx(np.diag(alone.covariance) / 2, rel=0.15)
    assert (twice.east_km, twice.north_km) == pytest.approx((3.0, -7.0), abs=0.05)
    assert (apart.east_km, apart.north_km) == pytest.approx((4.0, -7.0), abs=0.2)


def test_tracks_are_placed_in_the_frame_of_the_first(network):
    """A scene beside the first: alone it is counted from its own middle, behind another from that one's."""
    here = plane_scene(64, 400.0)
    there = plane_scene(64, 400.0, origin=(ORIGIN[0] + 0.1, ORIGIN[1] + 0.2))
    _, east, north = offset(*ORIGIN, (ORIGIN[0] + 0.1, ORIGIN[1] + 0.2))
    result, found, (first, second) = locate_tracks(network, [here, there])
    assert result["patches"] == len(first) + len(second) == 2
    own = combine(network, centres(second), predict(network, second))
    moved = combine_tracks(network, [(np.array([[float(east), float(north)]]), predict(network, second))])
    assert (moved.east_km - float(east), moved.north_km - float(north)) == pytest.approx(
        (own.east_km, own.north_km), abs=0.3
    )
    both = [
        (centres(first), predict(network, first)),
        (np.array([[float(east), float(north)]]), predict(network, second)),
    ]
    expected = combine_tracks(network, both)
    assert (found.east_km, found.north_km) == pytest.approx((expected.east_km, expected.north_km), abs=0.05)


def test_nothing_and_mixed_scenes_are_refused(network):
    with pytest.raises(ParameterError, match="at least one scene"):
        locate_tracks(network, [])
    with pytest.raises(NoGeoreference, match="locate them apart"):
        locate_tracks(network, [plane_scene(64, 400.0), plane_scene(64, 400.0, origin=None)])


def test_ellipse_of_a_known_covariance():
    """Two km along an azimuth of 30 degrees, one across."""
    along = np.array([np.sin(np.deg2rad(30)), np.cos(np.deg2rad(30))])
    across = np.array([along[1], -along[0]])
    assert ellipse(4 * np.outer(along, along) + np.outer(across, across)) == pytest.approx((2, 1, 30))


def test_calibrated_ellipses_hold_what_they_promise():
    """Errors are five times what the answers state; after calibration 95 % of further scenes are inside."""
    network = Locator(SMALL)
    one = combine(network, PLACES, [said((0.0, 0.0), 2.0)])
    rng = np.random.default_rng(1)
    known, fresh = (5 * np.sqrt(one.covariance[0, 0]) * rng.standard_normal((n, 2)) for n in (60, 400))
    factor = calibrate(network, [one] * 60, [tuple(place) for place in known])
    assert network.settings.ellipse_factor == factor
    assert 0.90 <= np.mean([squared_distance(one, *place) <= factor for place in fresh]) <= 0.995


def test_location_is_ready_for_json_and_agrees_with_itself(network):
    result, found, patches = locate_scene(network, plane_scene(96, 400.0))
    assert json.loads(json.dumps(result)) == {**result, "ellipse_km": list(result["ellipse_km"])}
    assert result["method"] == "network"
    assert len(patches) == result["patches"] == 4
    assert (result["east_km"], result["north_km"]) == (found.east_km, found.north_km)
    _, east, north = offset(*ORIGIN, (result["latitude"], result["longitude"]))
    assert (float(east), float(north)) == pytest.approx((result["east_km"], result["north_km"]), abs=0.05)
    major, minor, azimuth = result["ellipse_km"]
    assert major >= minor > 0
    assert 0 <= azimuth < 180
    assert result["visible"] == (result["visible_probability"] >= 0.5)
    assert "latitude" not in locate_scene(network, plane_scene(64, 400.0, origin=None))[0]


def test_doubts_are_flagged():
    wide = Locator(Settings(**vars(SMALL) | {"ellipse_factor": 1e4})).eval()
    with torch.no_grad():
        wide.whole.bias[1] = -10
    flags = locate_scene(wide, plane_scene(36, 400.0))[0]["flags"]  # framed: a third of its patch holds data
    assert flags == [UNSURE, INVISIBLE, FRAMED]
    sure = Locator(Settings(**vars(SMALL) | {"ellipse_factor": 1e-3})).eval()
    with torch.no_grad():
        sure.whole.bias[1] = 10
    assert locate_scene(sure, plane_scene(64, 400.0))[0]["flags"] == []


def test_an_ellipse_that_was_never_calibrated_is_refused():
    with pytest.raises(ParameterError, match="never calibrated"):
        locate_scene(Locator(Settings(**vars(SMALL) | {"ellipse_factor": None})), plane_scene(64, 400.0))
