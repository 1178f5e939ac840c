"""The ground: read without guessing, and folded or hidden where simple shapes say so."""

import math
import sys
import warnings
from types import ModuleType

import dem_stitcher
import dem_stitcher.geoid
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.transform import Affine
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import brentq

from epi.errors import DemError, FileFormatError, MissingConvention, NoGeoreference, ParameterError, RunError
from epi.insar.geometry.dem import Dem, continuous, flat_dem
from epi.insar.geometry.terrain import (
    fetch_dem,
    layover_shadow,
    local_incidence_angle,
    read_dem,
    read_water,
    write_dem,
)
from epi.insar.geometry.zero_doppler import (
    from_ecef,
    incidence_angle,
    locate_pixels,
    look_vectors,
    to_ecef,
    zero_doppler,
)
from epi.insar.slc.orbits import Orbit
from local_archive import serving

BOUNDS = (22.0, 39.0, 22.2, 39.1)


def from_origin(west, north, right, down):
    return Affine(right, 0, west, 0, -down, north)


def write(path, values, *, west=21.9, north=39.2, step=0.01, crs="EPSG:4326", nodata=None, transform=None, dtype=None):
    values = np.asarray(values)
    transform = transform or from_origin(west, north, step, step)
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype=dtype or "float32", crs=crs, transform=transform, nodata=nodata,
    ) as ds:  # fmt: skip
        ds.write(values.astype(dtype or "float32"), 1)
    return path


def ramp(rows=40, columns=50, west=21.9, north=39.2, step=0.01):
    """Heights that are a plane in latitude and longitude, at the pixel centres."""
    latitude = north - step * (np.arange(rows) + 0.5)
    longitude = west + step * (np.arange(columns) + 0.5)
    return plane(latitude[:, None], longitude)


def plane(latitude, longitude):
    return 500 + 800 * (latitude - 39) - 300 * (longitude - 22)


@given(latitude=st.floats(9.99, 12.03), longitude=st.floats(178.99, 182.06))
@settings(max_examples=200, deadline=None)
def test_heights_are_bilinear_and_end_at_the_nodes(latitude, longitude):
    heights = np.random.default_rng(0).normal(500, 200, (21, 31)).astype("float32")
    dem = Dem(heights, north=12.0, west=179.0, latitude_step=0.1, longitude_step=0.1, source="noise")
    rows, columns = 12 - 0.1 * np.arange(21), 179 + 0.1 * np.arange(31)
    reference = RegularGridInterpolator((rows[::-1], columns), heights[::-1].astype(float), bounds_error=False)
    expected = reference([[latitude, longitude]])[0]
    for turn in (0, -360, 360):
        found = float(dem.sample(latitude, longitude + turn))
        on_the_edge = min(abs(latitude - edge) for edge in (10, 12)) < 1e-6 or min(
            abs(longitude - edge) for edge in (179, 182)) < 1e-6  # fmt: skip
        assert on_the_edge or found == pytest.approx(expected, abs=1e-4, nan_ok=True)


def test_a_node_without_data_leaves_its_cells_without():
    heights = np.zeros((5, 5), np.float32)
    heights[2, 2] = np.nan
    dem = Dem(heights, 1.0, 0.0, 0.25, 0.25, "a hole")
    inside = dem.sample([[0.5, 0.4, 0.3], [0.1, 0.9, 0.5]], [[0.5, 0.6, 0.7], [0.1, 0.1, 0.9]])
    assert np.isnan(inside).tolist() == [[True, True, True], [False, False, False]]


def test_a_dem_needs_four_nodes():
    with pytest.raises(DemError, match="1 x 5 nodes"):
        Dem(np.zeros((1, 5), np.float32), 1.0, 0.0, 0.25, 0.25, "a line")
    with pytest.raises(DemError, match="steps"):
        Dem(np.zeros((5, 5), np.float32), 1.0, 0.0, -0.25, 0.25, "upside down")


def test_flat_says_so():
    dem = flat_dem((179.0, -10.0, -179.0, -9.0), height=120)
    assert dem.flat
    assert "flat" in dem.source
    assert dem.bounds == (179.0, -10.0, 181.0, -9.0)
    assert dem.sample([-9.5, -9.5], [179.9, -179.9]).tolist() == [120, 120]
    with pytest.raises(DemError, match="pole"):
        flat_dem((0, 80, 20, 90))
    assert continuous((350.0, 1.0, 355.0, 2.0)) == (-10.0, 1.0, -5.0, 2.0)


def test_nodes_of_a_file_are_taken_as_they_are(tmp_path):
    values = np.random.default_rng(1).normal(300, 100, (40, 50)).astype("float32")
    path = write(tmp_path / "dem.tif", values)
    dem = read_dem(path, bounds=BOUNDS, datum="ellipsoid")
    assert dem.bounds[0] <= BOUNDS[0] < dem.bounds[0] + 0.011
    assert dem.bounds[2] >= BOUNDS[2] > dem.bounds[2] - 0.011
    assert dem.bounds[1] <= BOUNDS[1] < dem.bounds[1] + 0.011
    assert dem.bounds[3] >= BOUNDS[3] > dem.bounds[3] - 0.011
    row, column = 15, 20
    place = 39.2 - 0.01 * (row + 0.5), 21.9 + 0.01 * (column + 0.5)
    assert float(dem.sample(*place)) == pytest.approx(values[row, column], abs=1e-3)
    assert dem.filled == 0
    assert dem.source == "dem.tif"


def test_the_datum_is_never_guessed(tmp_path):
    path = write(tmp_path / "dem.tif", ramp())
    with pytest.raises(MissingConvention, match="ellipsoid or the geoid"):
        read_dem(path, bounds=BOUNDS)
    with pytest.raises(MissingConvention, match="undulation"):
        read_dem(path, bounds=BOUNDS, datum="geoid")
    with pytest.raises(ParameterError, match="already"):
        read_dem(path, bounds=BOUNDS, datum="ellipsoid", undulation=30.0)
    with pytest.raises(ParameterError, match="mean sea"):
        read_dem(path, bounds=BOUNDS, datum="mean sea")
    stated = write(tmp_path / "stated.tif", ramp(), crs="EPSG:4326+5773")
    with pytest.raises(MissingConvention, match="EGM96"):
        read_dem(stated, bounds=BOUNDS)
    with pytest.raises(ParameterError, match="states"):
        read_dem(stated, bounds=BOUNDS, datum="ellipsoid")
    above = read_dem(stated, bounds=BOUNDS, undulation=30.0)
    plain = read_dem(path, bounds=BOUNDS, datum="ellipsoid")
    assert np.allclose(above.heights, plain.heights + 30, atol=1e-3)


def test_undulation_from_a_grid_that_counts_longitudes_to_360(tmp_path):
    geoid = np.tile(np.linspace(-50, 50, 1440, dtype="float32"), (720, 1))
    write(tmp_path / "geoid.tif", geoid, west=0, north=90, step=0.25)
    path = write(tmp_path / "dem.tif", ramp(west=-5.2), west=-5.2)
    bounds = (-5.0, 39.0, -4.9, 39.1)
    above = read_dem(path, bounds=bounds, datum="geoid", undulation=tmp_path / "geoid.tif")
    plain = read_dem(path, bounds=bounds, datum="ellipsoid")
    place = 39.05, -4.95
    expected = np.interp(360 - 4.95, 0.125 + 0.25 * np.arange(1440), geoid[0])
    assert float(above.sample(*place) - plain.sample(*place)) == pytest.approx(expected, abs=1e-3)
    write(tmp_path / "small.tif", geoid[:4, :4], west=-5, north=39.08, step=0.01)
    with pytest.raises(DemError, match="undulation"):
        read_dem(path, bounds=bounds, datum="geoid", undulation=tmp_path / "small.tif")


def test_small_holes_are_filled_and_counted(tmp_path):
    values = ramp()
    values[13:16, 20:24] = -9999
    values[17, 15] = -32768  # a mark the file does not declare
    path = write(tmp_path / "holes.tif", values, nodata=-9999)
    with pytest.warns(UserWarning, match="13 nodes"):
        dem = read_dem(path, bounds=BOUNDS, datum="ellipsoid")
    assert dem.filled == 13
    whole = read_dem(write(tmp_path / "whole.tif", ramp()), bounds=BOUNDS, datum="ellipsoid")
    assert np.abs(dem.heights - whole.heights).max() < 10


def test_large_holes_are_an_error_or_sea(tmp_path):
    values = ramp()
    values[11:19, 12:26] = np.nan
    path = write(tmp_path / "sea.tif", values, nodata=np.nan)
    with pytest.raises(DemError, match=r"112 nodes without data, 112 of them around 39\.0\d+ N 22\.09"):
        read_dem(path, bounds=BOUNDS, datum="ellipsoid")
    dem = read_dem(path, bounds=BOUNDS, datum="geoid", undulation=31.5, void_height=0.0)
    assert float(dem.sample(39.05, 22.1)) == pytest.approx(31.5)


def test_a_file_of_somewhere_else_names_both_places(tmp_path):
    path = write(tmp_path / "dem.tif", ramp())
    with pytest.raises(DemError, match=r"21\.9000 to 22\.4000 E.*10\.0000 to 11\.0000 E"):
        read_dem(path, bounds=(10, 39.0, 11, 39.1), datum="ellipsoid")
    metres = write(tmp_path / "utm.tif", ramp(), transform=from_origin(6e5, 4.3e6, 100, 100), crs="EPSG:32634")
    with pytest.raises(DemError, match=r"nothing of 10\.0000"):
        read_dem(metres, bounds=(10, 39.0, 11, 39.1), datum="ellipsoid")


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(FileFormatError, match="No file"):
        read_dem(tmp_path / "none.tif", bounds=BOUNDS, datum="ellipsoid")
    path = write(tmp_path / "dem.tif", np.random.default_rng(0).normal(0, 1, (40, 50)))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(FileFormatError, match="truncated"):
        read_dem(path, bounds=BOUNDS, datum="ellipsoid")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nowhere = write(tmp_path / "nowhere.tif", ramp(), crs=None)
    with pytest.raises(NoGeoreference, match="coordinate reference"):
        read_dem(nowhere, bounds=BOUNDS, datum="ellipsoid")


@pytest.mark.parametrize(
    ("crs", "bounds", "pixel"),
    [
        ("EPSG:32634", (22.0, 39.0, 22.2, 39.1), 90),
        ("EPSG:3413", (178.0, 84.9, 182.0, 85.0), 100),
        ("EPSG:3031", (-60.3, -78.1, -60.0, -78.0), 100),
    ],
)
def test_projected_files_are_brought_to_degrees(tmp_path, crs, bounds, pixel):
    to_file = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    t = np.linspace(0, 1, 50)
    x, y = to_file.transform(*(v.ravel() for v in np.meshgrid(
        bounds[0] + t * (bounds[2] - bounds[0]), bounds[1] + t * (bounds[3] - bounds[1]))))  # fmt: skip
    west, north = x.min() - 20 * pixel, y.max() + 20 * pixel
    columns, rows = int((x.max() - west) / pixel) + 20, int((north - y.min()) / pixel) + 20
    px, py = west + pixel * (np.arange(columns) + 0.5), north - pixel * (np.arange(rows) + 0.5)
    longitude, latitude = to_file.transform(*np.meshgrid(px, py), direction="INVERSE")
    longitude = (longitude - bounds[0] + 180) % 360 - 180 + bounds[0]

    def field(latitude, longitude):
        return 900 + 3000 * (latitude - bounds[1]) + 30 * (longitude - bounds[0])

    path = write(
        tmp_path / "dem.tif", field(latitude, longitude), crs=crs, transform=from_origin(west, north, pixel, pixel)
    )
    dem = read_dem(path, bounds=bounds, datum="ellipsoid")
    inside = dem.bounds
    assert inside[0] <= bounds[0] + 1e-9
    assert inside[2] >= bounds[2] - 1e-9
    rng = np.random.default_rng(0)
    latitude, longitude = rng.uniform(bounds[1], bounds[3], 500), rng.uniform(bounds[0], bounds[2], 500)
    assert np.abs(dem.sample(latitude, longitude) - field(latitude, longitude)).max() < 0.5
    spacing = dem.latitude_step * 111_000, dem.longitude_step * 111_000 * math.cos(math.radians(bounds[1]))
    assert spacing == pytest.approx((pixel, pixel), rel=0.1)


def test_a_world_file_is_joined_across_the_antimeridian(tmp_path):
    longitude = -180 + 0.5 * (np.arange(720) + 0.5)
    values = np.tile(100 * np.cos(np.deg2rad(longitude)), (360, 1)).astype("float32")
    path = write(tmp_path / "world.tif", values, west=-180, north=90, step=0.5)
    dem = read_dem(path, bounds=(178.0, 10.0, -177.0, 12.0), datum="ellipsoid")
    assert dem.bounds[0] <= 178
    assert dem.bounds[2] >= 183
    places = np.array([178.0, 179.9, 180.0, -179.9, -177.0])
    assert dem.sample(np.full(5, 11.0), places) == pytest.approx(100 * np.cos(np.deg2rad(places)), abs=0.01)


def test_a_written_dem_is_read_the_same(tmp_path):
    dem = Dem(np.random.default_rng(0).normal(0, 99, (40, 60)).astype("f4"), 1.0, 179.5, 0.01, 0.02, "noise")
    path = write_dem(dem, tmp_path / "made.tif")
    again = read_dem(path, bounds=dem.bounds)
    assert np.array_equal(again.heights, dem.heights)
    assert again.bounds == pytest.approx(dem.bounds, abs=1e-9)


def stitcher(monkeypatch, answer):
    """Put a stand-in for dem-stitcher in place."""
    module, exceptions = ModuleType("dem_stitcher"), ModuleType("dem_stitcher.exceptions")

    class NoDEMCoverage(Exception):  # noqa: N818
        pass

    def stitch_dem(bounds, name, **options):
        assert name == "glo_30"
        assert options["dst_ellipsoidal_height"]
        if isinstance(answer, str):
            raise {"sea": NoDEMCoverage, "offline": ConnectionError}[answer](answer)
        warnings.warn("Requesting extent beyond raster bounds of a tile. Shrinking", RuntimeWarning, stacklevel=2)
        return answer

    module.stitch_dem, exceptions.NoDEMCoverage = stitch_dem, NoDEMCoverage
    monkeypatch.setitem(sys.modules, "dem_stitcher", module)
    monkeypatch.setitem(sys.modules, "dem_stitcher.exceptions", exceptions)


def test_fetching(monkeypatch):
    stitcher(monkeypatch, "offline")
    with pytest.raises(RunError, match="give a DEM file"):
        fetch_dem(BOUNDS)
    stitcher(monkeypatch, "sea")
    with pytest.raises(DemError, match="flat_dem"):
        fetch_dem(BOUNDS)
    stitcher(monkeypatch, (ramp(), {"transform": Affine(0.01, 0, 21.9, 0, -0.01, 39.2)}))
    dem = fetch_dem(BOUNDS)
    assert float(dem.sample(39.05, 22.1)) == pytest.approx(plane(39.05, 22.1), abs=0.01)


OWN_WARNINGS = pytest.mark.filterwarnings(  # dem-stitcher's
    "ignore:Use `@` matmul:PendingDeprecationWarning", "ignore:Getting tiles across dateline:UserWarning"
)


@pytest.fixture
def tiles(tmp_path, monkeypatch):
    """A server that holds tiles as the Copernicus archive does, for dem-stitcher as it is.

    Its table of tiles gives their addresses: only their host is changed. The geoid cannot be served: the library takes
    an address that begins with https, or a file, which it is here.
    """
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    table = dem_stitcher.datasets.get_global_dem_tile_extents
    geoid = write(tmp_path / "geoid.tif", np.full((180, 360), 30, "f4"), west=-180, north=90, step=1, crs="EPSG:4326")
    monkeypatch.setitem(dem_stitcher.geoid.GEOID_PATHS_AGI, "egm_08", str(geoid))
    with serving() as archive:

        def turned(name):
            held = table(name)
            return held.assign(url=held.url.str.replace(r"https://[^/]+", archive.url, regex=True))

        monkeypatch.setattr(dem_stitcher.datasets, "get_global_dem_tile_extents", turned)
        archive.folder = tmp_path
        yield archive


def tile(archive, south, west, field, nodes=100):
    """Add a tile of one degree: its first node lies on its north-west corner, as in the real ones."""
    name = f"Copernicus_DSM_COG_10_{'NS'[south < 0]}{abs(south):02d}_00_{'EW'[west < 0]}{abs(west):03d}_00_DEM"
    step = 1 / nodes
    latitude, longitude = np.meshgrid(
        south + 1 - step * np.arange(nodes), west + step * np.arange(nodes), indexing="ij"
    )
    path = archive.folder / f"{name}.tif"
    write(path, field(latitude, longitude).astype("f4"), west=west - step / 2, north=south + 1 + step / 2, step=step)
    with rasterio.open(path, "r+") as ds:
        ds.update_tags(AREA_OR_POINT="Point")
    archive.files[f"/{name}/{name}.tif"] = path.read_bytes()


@OWN_WARNINGS
def test_dem_stitcher_brings_tiles_above_the_ellipsoid(tiles):
    tile(tiles, 39, 21, plane)
    tile(tiles, 39, 22, plane)
    dem = fetch_dem((21.9, 39.2, 22.1, 39.4))
    latitude, longitude = np.meshgrid(np.linspace(39.2, 39.4, 9), np.linspace(21.9, 22.1, 9))
    assert dem.sample(latitude, longitude) == pytest.approx(plane(latitude, longitude) + 30, abs=0.05)
    assert {path for path in tiles.asked if path.endswith("DEM.tif")} == set(tiles.files)


@OWN_WARNINGS
def test_a_fetched_dem_goes_on_across_the_antimeridian(tiles):
    def field(latitude, longitude):
        return 100 * (longitude % 360 - 180) + 10 * latitude

    tile(tiles, -17, 179, field)
    tile(tiles, -17, -180, field)
    dem = fetch_dem((179.8, -16.6, -179.8, -16.4))
    latitude, longitude = np.meshgrid(np.linspace(-16.6, -16.4, 9), np.linspace(179.8, 180.2, 9))
    assert dem.sample(latitude, longitude) == pytest.approx(field(latitude, longitude) + 30, abs=0.05)


def test_an_archive_of_tiles_that_fails(tiles):
    with pytest.raises(DemError, match="no land in"):
        fetch_dem((-30.2, 40.2, -30.1, 40.3))
    tiles.files["/"] = 503
    with pytest.raises(RunError, match=r"cannot be fetched \(RasterioIOError\): check the network"):
        fetch_dem((21.9, 39.2, 22.1, 39.4))


def equatorial_orbit():
    """A satellite that flies north over the equator at longitude 0, and its arc."""
    seconds = np.arange(-100.0, 101.0, 10.0)
    u = 1.06e-3 * seconds[:, None]
    north, out = np.array([0.0, 0, 1]), np.array([1.0, 0, 0])
    start = np.datetime64("2023-01-01", "ns")
    orbit = Orbit(
        time=start + (seconds * 1e9).astype("timedelta64[ns]"),
        position=7.071e6 * (np.cos(u) * out + np.sin(u) * north),
        velocity=7.071e6 * 1.06e-3 * (np.cos(u) * north - np.sin(u) * out),
        kind="POEORB",
        source="a circle",
    )
    return orbit.arc(start, start)


def ridge(*, height, inner, outer, top=4.0):
    """A ridge along the track: up over ``inner`` degrees of longitude, down over ``outer``."""
    longitude = 3.5 + 0.0002 * np.arange(6000)
    heights = np.interp(longitude, [top - inner, top, top + outer], [0.0, height, 0.0])
    return Dem(np.tile(heights, (3, 1)).astype("f4"), 0.5, 3.5, 0.5, 0.0002, "a ridge")


def seen(arc, longitude, height):
    """Slant range and look angle of a place on the equator."""
    point = to_ecef(0.0, longitude, height)
    satellite = arc.position(0.0)
    _, distance = zero_doppler(arc, point[None])
    return distance[0], math.acos((satellite - point) @ satellite / distance[0] / np.linalg.norm(satellite))


def test_a_steep_slope_folds_over_what_is_before_and_behind():
    arc = equatorial_orbit()
    dem = ridge(height=2000, inner=0.01, outer=0.1)
    foot, peak = seen(arc, 3.99, 0.0)[0], seen(arc, 4.0, 2000.0)[0]
    assert peak < foot, "the foreslope must be steeper than the look angle"
    ranges = np.arange(peak - 3000, foot + 3000, 5.0)
    layover, shadow = layover_shadow(arc, [0.0], ranges, dem)
    expected = (ranges > peak) & (ranges < foot)
    assert np.flatnonzero(layover[0] != expected).size <= 4
    assert not shadow.any()
    gentle, _ = layover_shadow(arc, [0.0], ranges, ridge(height=300, inner=0.1, outer=0.1))
    assert not gentle.any()


def test_a_cliff_hides_what_is_behind_it():
    arc = equatorial_orbit()
    dem = ridge(height=2000, inner=0.2, outer=0.005)
    peak_range, peak_look = seen(arc, 4.0, 2000.0)
    edge = brentq(lambda longitude: seen(arc, longitude, 0.0)[1] - peak_look, 4.0, 4.5)
    ranges = np.arange(peak_range - 3000, seen(arc, edge, 0.0)[0] + 3000, 5.0)
    layover, shadow = layover_shadow(arc, [0.0], ranges, dem)
    expected = (ranges > peak_range) & (ranges < seen(arc, edge, 0.0)[0])
    assert expected.sum() > 100
    assert np.flatnonzero(shadow[0] != expected).size <= 16, "more than the node beside the edge"
    assert not layover.any()


def test_masks_follow_the_side_the_radar_looks_to():
    arc = equatorial_orbit()
    dem = ridge(height=2000, inner=0.01, outer=0.1)
    mirrored = Dem(dem.heights[:, ::-1].copy(), dem.north, -dem.bounds[2], 0.5, 0.0002, "the other side")
    ranges = np.arange(8.0e5, 8.6e5, 20.0)
    right = layover_shadow(arc, [0.0], ranges, dem)
    left = layover_shadow(arc, [0.0], ranges, mirrored, side="left")
    assert right[0].any()
    assert np.count_nonzero(right[0] != left[0]) <= 2
    assert not layover_shadow(arc, [0.0], ranges, dem, side="left")[0].any()


def test_local_incidence_of_flat_and_of_tilted_ground():
    arc = equatorial_orbit()
    ranges = np.arange(8.3e5, 8.5e5, 1000.0)
    flat = flat_dem((3, -1, 6, 1), height=10)
    place = locate_pixels(arc, [0.0], ranges, flat)
    points = to_ecef(*place)
    look = look_vectors(arc, np.zeros((1, ranges.size)), points)
    ellipsoidal = incidence_angle(arc, np.zeros((1, ranges.size)), points)
    fine = Dem(np.zeros((401, 601), "f4"), 1.0, 3.0, 0.005, 0.005, "flat")
    assert local_incidence_angle(fine, *place[:2], look) == pytest.approx(ellipsoidal, abs=1e-9)
    longitude = 3 + 0.005 * np.arange(601)
    for slope in (-30.0, 10.0, 55.0):
        rise = np.tan(np.deg2rad(slope)) * np.deg2rad(longitude - 4) * 6_378_137.0
        tilted = Dem(np.tile(rise, (401, 1)).astype("f4"), 1.0, 3.0, 0.005, 0.005, "tilted")
        found = local_incidence_angle(tilted, *place[:2], look)
        assert found == pytest.approx(np.abs(ellipsoidal - slope), abs=0.02)
    steep = local_incidence_angle(tilted, *place[:2], (np.asarray(-look[0]), look[1], look[2]))
    assert (steep > 80).all()
    assert np.isnan(local_incidence_angle(tilted, [40.0], [4.0], (0.0, 0.0, 1.0))).all()


def test_water_is_what_the_users_classes_say(tmp_path):
    classes = np.full((40, 50), 30)
    classes[:, 25:] = 80
    path = write(tmp_path / "classes.tif", classes, dtype="uint8", nodata=0)
    mask = read_water(path, bounds=BOUNDS, values=[80])
    border = 21.9 + 0.25
    found = mask.sample(39.05, np.array([border - 0.002, border + 0.002, 22.01, 23.0]))
    assert found.tolist() == [False, True, False, False]
    assert not read_water(path, bounds=BOUNDS, values=[1]).water.any()


def test_a_real_dem_and_a_real_burst_agree(shared_data):
    """ESA's tie points rise and fall with a real terrain model, and the burst's pixels are on that ground."""
    from epi.insar.slc.safe import read_image

    folder = shared_data / "slc" / "morocco_2023_annotations"
    image = read_image(next(folder.glob("*_20230904T*.SAFE")), "IW1", "VV")
    dem = read_dem(folder / "dem_iw1_burst1.tif", bounds=(-8.8, 31.6, -7.9, 31.85), datum="ellipsoid")
    grid = image.grid
    heights = dem.sample(grid.latitude, grid.longitude)
    inside = np.isfinite(heights)
    assert inside.sum() >= 10
    assert np.corrcoef(heights[inside], grid.height[inside])[0, 1] > 0.7
    arc = image.orbit.arc(image.start, image.stop)
    place = locate_pixels(
        arc, arc.seconds(grid.azimuth_time[:2, 0]), image.near_range + 2.33 * np.arange(0, 20_000, 1000), dem
    )
    found = np.isfinite(place[2])
    assert found.any()
    assert np.abs(dem.sample(*place[:2]) - place[2])[found].max() < 1e-3
    assert from_ecef(to_ecef(*place))[2][found] == pytest.approx(place[2][found], abs=1e-6)
