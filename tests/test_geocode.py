"""From the radar's grid to a map, and from pieces to a whole."""

import numpy as np
import pytest
from pyproj import CRS

from epi.errors import EmptyScene, ParameterError
from epi.insar.geometry.dem import flat_dem
from epi.insar.geometry.geocode import MapGrid, RadarGrid, map_around, resample_to_map, view
from epi.insar.geometry.mosaic import Mosaic, part_of
from epi.insar.geometry.zero_doppler import locate_pixels
from epi.insar.slc.orbits import Arc

EPOCH = np.datetime64("2021-03-03T16:23:28", "ns")


@pytest.fixture(scope="module")
def grid() -> RadarGrid:
    """A straight, level flight 700 km above 20 E on the equator, northward, seen for half a minute."""
    position, velocity = np.array([6378137.0 + 7e5, 0.0, 0.0]), np.array([0.0, 0.0, 7500.0])
    turn = np.array([[np.cos(0.35), -np.sin(0.35), 0], [np.sin(0.35), np.cos(0.35), 0], [0, 0, 1]])
    arc = Arc(EPOCH, 15.0, np.stack([turn @ position, 15.0 * velocity]))
    return RadarGrid(arc, first_second=-1.0, second_step=0.008, first_range=8.6e5, range_step=25.0, shape=(200, 300))


def places(grid: RadarGrid, dem):
    latitude, longitude, _ = locate_pixels(grid.arc, grid.seconds(), grid.slant_ranges(), dem)
    return latitude, longitude


@pytest.fixture(scope="module")
def dem():
    return flat_dem((15.0, -3.0, 40.0, 3.0), height=120.0)


def test_a_field_of_the_ground_is_the_same_on_the_map(grid, dem):
    latitude, longitude = places(grid, dem)
    area = map_around(latitude, longitude, spacing_m=100.0)
    seen = view(grid, area, dem)
    maps = resample_to_map({"lat": latitude, "turns": np.exp(1j * 40 * longitude)}, seen)
    lat, lon = area.geographic()
    inside = np.isfinite(maps["lat"])
    assert inside.mean() > 0.5
    np.testing.assert_allclose(maps["lat"][inside], lat[inside], atol=2e-7)
    assert np.abs(np.angle(maps["turns"][inside] * np.exp(-40j * lon[inside]))).max() < 1e-5
    np.testing.assert_allclose(seen.height, 120.0)


def test_what_the_radar_did_not_see_is_no_data(grid, dem):
    latitude, longitude = places(grid, dem)
    area = map_around(latitude, longitude, spacing_m=200.0)
    seen = view(grid, area, dem)
    outside = (seen.row < -1) | (seen.row > 200) | (seen.column < -1) | (seen.column > 300)
    hole = np.ones(grid.shape)
    hole[50:60, 100:140] = np.nan
    found = resample_to_map({"a": hole}, seen)["a"]
    assert outside.any()
    assert np.isnan(found[outside]).all()
    in_hole = (np.abs(seen.row - 54.5) < 4) & (np.abs(seen.column - 119.5) < 19)
    assert in_hole.any()
    assert np.isnan(found[in_hole]).all()
    np.testing.assert_allclose(found[np.isfinite(found)], 1.0, atol=1e-6)


def test_pieces_of_a_field_make_the_whole_again(grid, dem):
    latitude, longitude = places(grid, dem)
    area = map_around(latitude, longitude, spacing_m=100.0)
    whole = resample_to_map({"lat": latitude}, view(grid, area, dem))["lat"]
    mosaic, origin = Mosaic(area), Mosaic(area)
    for first, last in ((0, 110), (90, 200)):
        piece = RadarGrid(grid.arc, grid.seconds()[first], 0.008, 8.6e5, 25.0, (last - first, 300))
        part = part_of(area, latitude[first:last], longitude[first:last])
        window = MapGrid(area.x[part[1]], area.y[part[0]], area.crs)
        seen = view(piece, window, dem)
        mosaic.add(resample_to_map({"lat": latitude[first:last]}, seen), seen, part, piece.shape)
        origin.add(resample_to_map({"n": np.full(piece.shape, float(first))}, seen), seen, part, piece.shape)
    np.testing.assert_allclose(mosaic.fields["lat"], whole, atol=1e-9)
    trimmed, fields = mosaic.trimmed()
    assert mosaic.fields == {}  # handed over, not held twice
    assert trimmed.shape <= area.shape
    assert np.isfinite(fields["lat"]).any(axis=0).all()
    seen = view(grid, area, dem)
    near = np.isfinite(whole) & (np.abs(seen.column - 150) < 100)
    assert np.allclose(origin.fields["n"][near & (seen.row < 99)], 0)
    assert np.allclose(origin.fields["n"][near & (seen.row > 100.5)], 90)


def test_the_map_lies_in_the_zone_of_its_middle_and_on_whole_multiples():
    area = map_around(np.array([39.5, 40.0]), np.array([22.0, 22.4]), spacing_m=50.0)
    assert area.crs == CRS.from_epsg(32634)
    assert np.all(area.x % 50 == 0)
    assert np.all(np.diff(area.y) == -50)
    row, column = area.pixel(*(value[3, 5] for value in area.geographic()))
    np.testing.assert_allclose([row, column], [3, 5], atol=1e-5)
    assert map_around(np.array([-17.0]), np.array([179.9]), spacing_m=50.0).crs == CRS.from_epsg(32760)
    assert map_around(np.array([85.0]), np.array([10.0]), spacing_m=50.0).crs == CRS.from_epsg(32661)


def test_a_map_across_the_antimeridian_is_small():
    area = map_around(np.array([-17.0, -17.2]), np.array([179.9, -179.9]), spacing_m=100.0)
    assert area.shape[1] < 300


def test_bad_maps_are_refused():
    with pytest.raises(ParameterError, match="above 0"):
        map_around(np.array([0.0]), np.array([0.0]), spacing_m=0.0)
    with pytest.raises(ParameterError, match="not in metres"):
        map_around(np.array([0.0]), np.array([0.0]), spacing_m=50.0, crs=CRS.from_epsg(4326))
    with pytest.raises(ParameterError, match="DEM lies elsewhere"):
        map_around(np.array([np.nan]), np.array([0.0]), spacing_m=50.0)
    with pytest.raises(EmptyScene):
        Mosaic(map_around(np.array([0.0, 0.1]), np.array([0.0, 0.1]), spacing_m=500.0)).trimmed()
