"""From a table of points to a grid: what is linear stays exact, what is far from any point stays unknown."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from epi.errors import EmptyScene, ParameterError
from epi.insar import product
from epi.insar.frame import equidistant, local_frame
from epi.insar.gridding import grid_of_points
from epi.learn.scene import INTERPOLATED, locate_scene
from patch_scenes import ORIGIN, plane_scene
from test_learn_locate import SMALL, Locator


def table_of(east_km, north_km, los_m, *, origin=ORIGIN, look=None):
    """A table of points about an origin, in kilometres."""
    look = product.look_vector(39.0, -13.0) if look is None else look
    return product.build(
        {"los_displacement": los_m, **dict(zip(product.LOOK, look, strict=True))},
        x=1000 * np.asarray(east_km),
        y=1000 * np.asarray(north_km),
        crs=None if origin is None else equidistant(origin),
        attrs={"wavelength": product.SENTINEL1_WAVELENGTH_M},
        geometry="points",
    )


def scattered(seed=0, count=300, half=20.0):
    """Points anywhere, with one in each corner."""
    rng = np.random.default_rng(seed)
    corners = half * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]])
    return np.concatenate([rng.uniform(-half, half, (count, 2)), corners]).T


@settings(deadline=None, max_examples=15)
@given(slopes=st.tuples(*[st.floats(-0.02, 0.02)] * 3), seed=st.integers(0, 99))
def test_a_plane_is_kept_exactly(slopes, seed):
    east, north = scattered(seed)
    grid = grid_of_points(table_of(east, north, slopes[0] + slopes[1] * east + slopes[2] * north), spacing_km=1.0)
    frame = local_frame(grid)
    expected = slopes[0] + slopes[1] * frame.east_km + slopes[2] * frame.north_km
    known = grid["valid"].to_numpy()
    assert known[np.maximum(np.abs(frame.east_km), np.abs(frame.north_km)) < 19].all()
    np.testing.assert_allclose(grid["los_displacement"].to_numpy()[known], expected[known], atol=2e-7)


@pytest.mark.parametrize("origin", [ORIGIN, (-17.8, 179.95), None])
def test_the_grid_counts_from_where_the_points_do(origin):
    """Also where the points lie on one side only, and where they cross the antimeridian."""
    east, north = scattered()
    points = table_of(east + 3, north - 7, 0.01 * east, origin=origin)
    grid = grid_of_points(points)
    one, other = local_frame(points), local_frame(grid)
    assert one.origin == pytest.approx(other.origin, abs=1e-6) if origin else other.origin is None
    most = np.unravel_index(int(np.nanargmax(grid["los_displacement"].to_numpy())), grid["valid"].shape)
    largest = int(np.argmax(points["los_displacement"].to_numpy()))
    apart = other.east_km[most] - one.east_km[largest]
    assert abs(apart) < 0.5
    if origin:
        places = [frame.to_geographic(*at) for frame, at in ((one, (1.0, 2.0)), (other, (1.0, 2.0)))]
        metres = Geod(ellps="WGS84").inv(*(part for place in places for part in place[::-1]))[2]
        assert metres < 1


def test_holes_stay_holes_and_triangles_that_are_too_long_too():
    east, north = scattered(count=2000)
    near = np.hypot(east, north) > 8  # a hole of 16 km
    points = table_of(east[near], north[near], np.zeros(near.sum()))
    for longest, filled in ((5.0, False), (25.0, True)):
        grid = grid_of_points(points, spacing_km=1.0, longest_km=longest)
        frame = local_frame(grid)
        middle = np.hypot(frame.east_km, frame.north_km) < 4
        assert grid["valid"].to_numpy()[middle].all() == filled
        assert grid["valid"].to_numpy()[middle].any() == filled
        assert np.isnan(grid["los_displacement"].to_numpy()[~grid["valid"].to_numpy()]).all()


def test_look_vectors_keep_their_length():
    east, north = scattered()
    look = product.look_vector(np.linspace(30, 45, east.size), -13.0 + 0 * east)
    grid = grid_of_points(table_of(east, north, 0 * east, look=look))
    length = np.sqrt(sum(grid[name].to_numpy() ** 2 for name in product.LOOK))
    np.testing.assert_allclose(length[grid["valid"].to_numpy()], 1, atol=1e-6)


@pytest.mark.parametrize(
    ("east", "north"),
    [([0.0, 5.0], [0.0, 5.0]), ([0.0, 5.0, 10.0, 15.0], [0.0, 5.0, 10.0, 15.0]), ([1.0] * 5, [2.0] * 5)],
)
def test_points_without_an_area_are_refused(east, north):
    with pytest.raises(EmptyScene, match=r"point\(s\) span no area"):
        grid_of_points(table_of(east, north, np.zeros(len(east)), origin=None))


def test_what_cannot_be_gridded_is_refused():
    east, north = scattered()
    with pytest.raises(EmptyScene, match=r"No three neighbouring points lie within 0\.1 km"):
        grid_of_points(table_of(east, north, 0 * east), longest_km=0.1)
    with pytest.raises(ParameterError, match=r"too much for nodes 0\.4 km apart"):
        grid_of_points(table_of(100 * east, 100 * north, 0 * east))
    with pytest.raises(ParameterError, match="only points are interpolated"):
        grid_of_points(plane_scene())
    with pytest.raises(ParameterError, match="give more than 0"):
        grid_of_points(table_of(east, north, 0 * east), spacing_km=0)


def test_the_network_takes_points_and_says_that_they_were_interpolated():
    """A grid, and the same grid as a table of its points, give the same answer."""
    network = Locator(SMALL, seed=1).eval()
    scene = plane_scene(64, 400.0, turns_a_km=0.02)
    los = -product.SENTINEL1_WAVELENGTH_M * 0.02 * local_frame(scene).east_km / 2
    scene = product.add(scene.drop_vars(["i", "q", "phase", "coherence"]), {"los_displacement": los})
    frame = local_frame(scene)
    points = table_of(frame.east_km.ravel(), frame.north_km.ravel(), los.ravel())
    (plain, *_), (table, *_) = locate_scene(network, scene), locate_scene(network, points)
    assert INTERPOLATED in table["flags"]
    assert INTERPOLATED not in plain["flags"]
    for name in ("latitude", "longitude", "magnitude"):
        assert table[name] == pytest.approx(plain[name], abs=1e-2)


def test_a_scene_much_smaller_than_a_patch_is_refused_by_the_network():
    with pytest.raises(EmptyScene, match=r"squares of 25\.6 km, and this scene fills no quarter .* --method physics"):
        locate_scene(Locator(SMALL).eval(), plane_scene(12, 400.0))
