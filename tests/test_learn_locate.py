"""From patches to one epicentre and an ellipse that keeps its word."""

import json

import numpy as np
import pytest
import torch

from epi.errors import ParameterError
from epi.insar import product
from epi.learn import OffsetNetwork, Settings, calibrate, combine, ellipse, locate_scene
from epi.learn.locate import squared_distance
from epi.patches import concatenate, cut, offset
from patch_scenes import ORIGIN, plane_scene

PLACES = np.array([[e, n] for e in (-20.0, 0.0, 20.0) for n in (-20.0, 0.0, 20.0)])


def answers(truth, scale, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([truth - PLACES + noise * rng.standard_normal((9, 2)), np.broadcast_to(scale, 9)])


def test_agreeing_patches_give_the_place_they_agree_on():
    found = combine(PLACES, answers([3.0, -7.0], 2.0))
    assert (found.east_km, found.north_km) == pytest.approx((3.0, -7.0), abs=1e-3)
    np.testing.assert_allclose(found.covariance, 4 * np.eye(2), atol=1e-5)
    assert found.trusted.all()


def test_a_liar_is_outvoted_and_the_unsure_are_not_asked():
    said = answers([3.0, -7.0], 2.0)
    said[0, :2] += 200
    found = combine(PLACES, said)
    assert (found.east_km, found.north_km) == pytest.approx((3.0, -7.0), abs=0.2)
    said[:6] = [50.0, 50.0, 30.0]
    found = combine(PLACES, said)
    assert found.trusted.sum() == 3
    assert (found.east_km, found.north_km) == pytest.approx((3.0, -7.0), abs=1e-3)


def test_it_is_the_place_of_least_weighted_distance():
    said = answers([1.0, 2.0], np.linspace(1, 2, 9), noise=4.0)
    found = combine(PLACES, said)
    cost = lambda e, n: (np.hypot(*(PLACES + said[:, :2] - [e, n]).T) / said[:, 2]).sum()  # noqa: E731
    here = cost(found.east_km, found.north_km)
    around = [cost(found.east_km + de, found.north_km + dn) for de in (-0.1, 0, 0.1) for dn in (-0.1, 0, 0.1)]
    assert here <= min(around) + 1e-6


def test_ellipse_of_a_known_covariance():
    """Two km along an azimuth of 30 degrees, one across."""
    along = np.array([np.sin(np.deg2rad(30)), np.cos(np.deg2rad(30))])
    across = np.array([along[1], -along[0]])
    assert ellipse(4 * np.outer(along, along) + np.outer(across, across)) == pytest.approx((2, 1, 30))


class Oracle(OffsetNetwork):
    """Stands in for a trained network: the label plus an error of each event, larger than the scale it states."""

    def __init__(self, patches, noise_km, seed):
        super().__init__(Settings(pixels=20, size_km=10.0))
        rng = np.random.default_rng(seed)
        events = patches.table["event"].astype("category").cat.codes.to_numpy()
        shared = noise_km * rng.standard_normal((events.max() + 1, 2))
        said = patches.table[["offset_east_km", "offset_north_km"]].to_numpy() + shared[events]
        self.said = torch.from_numpy(np.column_stack([said, np.full(len(said), 1.0)])).float()
        self.next = 0

    def forward(self, seen):
        self.next += len(seen)
        return self.said[self.next - len(seen) : self.next]


def many_events(count):
    one = cut(plane_scene(60), size_km=10, pixels=20, epicentre=(39.8, 22.2)).take([0, 6, 12, 18])
    return concatenate([type(one)(one.table.assign(event=f"e{n:03d}"), one.coh, one.i, one.q) for n in range(count)])


def test_calibrated_ellipses_hold_what_they_promise():
    """The errors are five times the scale the network states; after calibration 95 % of further scenes are inside."""
    known, fresh = many_events(60), many_events(400)
    network = Oracle(known, 5.0, seed=1)
    factor = calibrate(network, known)
    assert network.settings.ellipse_factor == factor
    other = Oracle(fresh, 5.0, seed=2)
    held = []
    for start in range(0, len(fresh), 4):
        rows = fresh.table.iloc[start : start + 4]
        found = combine(rows[["center_east_km", "center_north_km"]].to_numpy(), other.said[start : start + 4].numpy())
        place = rows[["epicenter_east_km", "epicenter_north_km"]].to_numpy()[0]
        held.append(squared_distance(found, *place) <= factor)
    assert 0.90 <= np.mean(held) <= 0.995


def test_location_is_ready_for_json_and_agrees_with_itself():
    network = OffsetNetwork(Settings(pixels=20, size_km=10.0, ellipse_factor=6.0)).eval()
    result, patches, said = locate_scene(network, plane_scene(60))
    assert json.loads(json.dumps(result)) == {**result, "ellipse_km": list(result["ellipse_km"])}
    assert result["method"] == "network"
    assert len(patches) == len(said) == result["patches"] == 25
    _, east, north = offset(*ORIGIN, (result["latitude"], result["longitude"]))
    assert (float(east), float(north)) == pytest.approx((result["east_km"], result["north_km"]), abs=0.05)
    major, minor, azimuth = result["ellipse_km"]
    assert major >= minor > 0
    assert 0 <= azimuth <= 180


def test_without_a_georeference_only_kilometres():
    network = OffsetNetwork(Settings(pixels=20, size_km=10.0, ellipse_factor=6.0)).eval()
    result, _, _ = locate_scene(network, plane_scene(60, origin=None))
    assert "latitude" not in result
    assert np.isfinite([result["east_km"], result["north_km"]]).all()


def test_what_cannot_be_located_is_refused():
    with pytest.raises(ParameterError, match="never calibrated: call calibrate first"):
        locate_scene(OffsetNetwork(Settings(pixels=20, size_km=10.0)), plane_scene(60))
    flat = plane_scene(60)
    latitude, longitude = product.local_frame(flat).to_geographic(*np.meshgrid(flat["x"] / 1e3, flat["y"] / 1e3))
    fields = {name: flat[name].to_numpy() for name in ("i", "q", "phase", "coherence", *product.LOOK)}
    fields |= {"latitude": latitude, "longitude": longitude}
    radar = product.build(fields, geometry="radar", attrs=flat.attrs)
    with pytest.raises(ParameterError, match=r"Patches of 51\.2 km were asked of a scene of 30\.\d km"):
        locate_scene(OffsetNetwork(Settings(ellipse_factor=6.0)), radar)


def test_a_map_smaller_than_a_patch_is_one_patch_in_the_middle():
    network = OffsetNetwork(Settings(ellipse_factor=6.0)).eval()
    result, pieces, said = locate_scene(network, plane_scene(60))
    assert (result["patches"], len(pieces)) == (1, 1)
    middle = pieces.table.loc[0, ["center_east_km", "center_north_km"]].to_numpy(float)
    np.testing.assert_allclose([result["east_km"], result["north_km"]], middle + said[0, :2], atol=1e-3)
