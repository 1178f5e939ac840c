"""Zero-Doppler geometry: closed forms on a circular orbit, and what SNAP and ESA say of real scenes."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core import caching
from pyproj import Transformer
from shapely.geometry import Point

from epi.catalogue.images import baseline as catalogue_baseline
from epi.catalogue.images.scenes import OrbitState
from epi.errors import DemError, ParameterError
from epi.insar.compiled import njit
from epi.insar.geometry.dem import Dem, flat_dem
from epi.insar.geometry.zero_doppler import (
    burst_arc,
    burst_bounds,
    burst_geometry,
    from_ecef,
    incidence_angle,
    line_seconds,
    locate_pixels,
    look_vectors,
    perpendicular_baseline,
    to_ecef,
    zero_doppler,
)
from epi.insar.slc.annotation import SPEED_OF_LIGHT, Burst, Image
from epi.insar.slc.orbits import Orbit
from epi.insar.slc.safe import read_image

START = np.datetime64("2023-03-31T05:50:00", "ns")
RADIUS, RATE = 7_071_000.0, 1.06e-3  # m, rad/s: about Sentinel-1's
GEODETIC = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


def circle(*, tilt=98.0, node=20.0, latitude=30.0, radius=RADIUS, ascending=True):
    """Axes of a circular orbit that is at a latitude at START: along its position and along its velocity then."""
    angle, turn = np.deg2rad(tilt), np.deg2rad(node)
    along = np.array([np.cos(turn), np.sin(turn), 0.0])
    across = np.array([-np.cos(angle) * np.sin(turn), np.cos(angle) * np.cos(turn), np.sin(angle)])
    u = np.arcsin(np.sin(np.deg2rad(latitude)) / np.sin(angle))
    u = u if ascending else np.pi - u
    return np.cos(u) * along + np.sin(u) * across, np.cos(u) * across - np.sin(u) * along, radius


def orbit(axes):
    first, second, radius = axes
    seconds = np.arange(-100.0, 101.0, 10.0)
    c, s = np.cos(RATE * seconds)[:, None], np.sin(RATE * seconds)[:, None]
    time = START + (seconds * 1e9).astype("timedelta64[ns]")
    return Orbit(
        time=time,
        position=radius * (c * first + s * second),
        velocity=radius * RATE * (c * second - s * first),
        kind="POEORB",
        source="a circle",
    )


def arc_of(axes, seconds=3):
    return orbit(axes).arc(START - np.timedelta64(seconds, "s"), START + np.timedelta64(seconds, "s"))


def image_of(axes, *, lines=200, samples=2000):
    burst = Burst(1, START, START, 0.0, 1, 0, 0, lines - 1, 0, samples - 1)
    return Image(
        product="a circle", platform="S1A", subswath="IW1", polarisation="VV", direction="ascending", orbit_number=1,
        track=1, radar_frequency=5.405000454334349e9, range_sampling_rate=64.34523812571427e6,
        slant_range_time=2 * 850e3 / SPEED_OF_LIGHT, azimuth_time_interval=2.0555563e-3, azimuth_steering_rate=0.0,
        pulse_repetition_frequency=1717.0, range_bandwidth=56.5e6, azimuth_bandwidth=327.0, range_window=0.75,
        azimuth_window=0.7, lines_per_burst=lines, samples_per_burst=samples, bursts=(burst,), fm_rates=(),
        doppler_centroids=(), orbit=orbit(axes), grid=None, measurement="",
    )  # fmt: skip


def rough_dem(bounds, *, sigma=400.0, seed=1, step=1 / 1200):
    """Fractal mountains."""
    west, south, east, north = bounds
    shape = int((north - south) / step) + 2, int((east - west) / step) + 2
    noise = np.fft.rfft2(np.random.default_rng(seed).standard_normal(shape))
    k = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    k[0, 0] = np.inf
    heights = np.fft.irfft2(noise * k**-2.0, s=shape)
    return Dem((1500 + sigma * heights / heights.std()).astype(np.float32), north, west, step, step, "fractal")


@given(
    latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), height=st.floats(-1000, 10_000)
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_earth_fixed_positions_are_those_of_proj(latitude, longitude, height):
    point = to_ecef(latitude, longitude, height)
    assert point == pytest.approx(GEODETIC.transform(longitude, latitude, height), abs=1e-8)
    back = from_ecef(point)
    assert to_ecef(*back) == pytest.approx(point, abs=1e-6)
    assert back[2] == pytest.approx(height, abs=1e-7)


def test_loops_are_compiled_where_nothing_can_be_kept(monkeypatch):
    def refuse(self):
        raise OSError("read-only")

    for locator in (caching.InTreeCacheLocator, caching.UserWideCacheLocator, caching.InTreeCacheLocatorFsAgnostic):
        monkeypatch.setattr(locator, "ensure_cache_path", refuse)
    with pytest.raises(RuntimeError, match="locator"):
        numba.njit(cache=True)(_twice)
    assert njit()(_twice)(21) == 42


def _twice(number):
    return 2 * number


def test_positions_keep_shape_and_gaps():
    points = to_ecef(np.array([[10.0], [np.nan]]), np.array([1.0, 2.0, 3.0]), 0.0)
    assert points.shape == (2, 3, 3)
    assert np.isnan(points[1]).all()
    assert np.isnan(from_ecef(points)[0]).tolist() == [[False] * 3, [True] * 3]


@given(along=st.floats(-0.05, 0.05), across=st.floats(-0.2, 0.2), height=st.floats(-500, 9000))
@settings(max_examples=100, deadline=None)
def test_closest_moment_of_a_circular_orbit(along, across, height):
    axes = circle()
    first, second, radius = axes
    point = (6.371e6 + height) * (
        np.cos(across) * (np.cos(along) * first + np.sin(along) * second) + np.sin(across) * np.cross(first, second)
    )
    seconds, distance = zero_doppler(arc_of(axes, 30), point[None])
    assert seconds[0] == pytest.approx(along / RATE, abs=1e-9)
    satellite = radius * (np.cos(along) * first + np.sin(along) * second)
    assert distance[0] == pytest.approx(np.linalg.norm(point - satellite), abs=1e-4)


def test_no_moment_outside_the_arc():
    axes = circle()
    arc = arc_of(axes)
    first, second, _ = axes
    angle = RATE * np.array([0.0, arc.half - 0.1, arc.half + 0.1, 900.0])[:, None]
    points = 6.4e6 * (np.cos(angle) * first + np.sin(angle) * second) + 2e5 * np.cross(first, second)
    points = np.vstack([points, np.full((1, 3), np.nan), points[:1]])
    seconds, distance = zero_doppler(arc, points)
    assert np.isfinite(seconds).tolist() == [True, True, False, False, False, True]
    assert np.array_equal(np.isnan(seconds), np.isnan(distance))
    with pytest.raises(ParameterError, match="n, 3"):
        zero_doppler(arc, np.zeros(3))


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    ("ascending", "latitude", "node"), [(True, 30, 20), (False, -12, 200), (True, 79, 100), (False, 0, 0)]
)
def test_a_located_pixel_is_seen_at_its_time_and_range(side, ascending, latitude, node):
    axes = circle(latitude=latitude, node=node, ascending=ascending)
    arc = arc_of(axes)
    times, ranges = np.linspace(-1.5, 1.5, 7), 850e3 + 2.33 * np.arange(0, 12_000, 40)
    flat = from_ecef(np.array([axes[0]]) * 6.4e6)
    wide = 6 / np.cos(np.deg2rad(flat[0][0] + 3))
    bounds = (flat[1][0] - wide, flat[0][0] - 6, flat[1][0] + wide, flat[0][0] + 6)
    dem = rough_dem(bounds, step=1 / 60, sigma=800)
    latitude_found, longitude_found, height = locate_pixels(arc, times, ranges, dem, side=side)
    assert np.isfinite(height).all()
    seconds, distance = zero_doppler(arc, to_ecef(latitude_found, longitude_found, height).reshape(-1, 3))
    assert 7500 * np.abs(seconds.reshape(height.shape) - times[:, None]).max() < 1e-6
    assert np.abs(distance.reshape(height.shape) - ranges).max() < 1e-6
    assert np.abs(dem.sample(latitude_found, longitude_found) - height).max() < 1e-3
    right = np.cross(arc.velocity(times), arc.position(times))[:, None]
    offset = (to_ecef(latitude_found, longitude_found, height) - arc.position(times)[:, None]) * right
    assert (np.sign(offset.sum(-1)) == (1 if side == "right" else -1)).all()


def test_in_layover_a_pixel_is_the_farthest_of_its_places():
    axes = circle()
    image = image_of(axes)
    dem = rough_dem(burst_bounds(image, image.bursts[0]), sigma=900, seed=3)
    arc, ranges = burst_arc(image, image.bursts[0]), image.near_range + image.range_spacing * np.arange(0, 2000, 40)
    second = line_seconds(arc, image, image.bursts[0], [50])
    found = locate_pixels(arc, second, ranges, dem)[2][0]
    lowest, highest = dem.extremes()
    levels = np.arange(highest + 5, lowest - 10, -5.0)
    above = []
    for level in levels:
        place = locate_pixels(arc, second, ranges, flat_dem((0, 0, 60, 60), height=level))
        above.append(level - dem.sample(*place[:2])[0])
    below = np.array(above) <= 0
    crossings = np.abs(np.diff(below, axis=0)).sum(axis=0)
    assert crossings.max() >= 3, "no layover to test"
    assert np.abs(levels[below.argmax(axis=0)] - found).max() <= 5.001
    alone = [locate_pixels(arc, second, [r], dem)[2][0, 0] for r in ranges]
    assert np.abs(np.array(alone) - found).max() < 1e-3


def test_pixels_without_ground_are_nan():
    arc = arc_of(circle())
    whole = locate_pixels(arc, [0.0], 850e3 + 500 * np.arange(80), flat_dem((0, 0, 60, 60)))
    east = (whole[1].min() + whole[1].max()) / 2
    half = locate_pixels(arc, [0.0], 850e3 + 500 * np.arange(80), flat_dem((0, 0, east, 60)))
    outside = whole[1] > east
    assert np.array_equal(np.isnan(half[2]), outside)
    assert 0.3 < outside.mean() < 0.7
    assert np.allclose(half[0][~outside], whole[0][~outside], atol=1e-9)
    below_the_satellite = locate_pixels(arc, [0.0], [5e5, 6e5], flat_dem((0, 0, 60, 60)))
    assert np.isnan(below_the_satellite[0]).all()


@pytest.mark.parametrize(
    ("seconds", "ranges", "side", "message"),
    [([0.0], [9e5, 8e5], "right", "increases"), ([1e4], [8e5, 9e5], "right", "arc"), ([0.0], [8e5], "up", "side")],
)
def test_pixels_of_no_image_are_refused(seconds, ranges, side, message):
    with pytest.raises(ParameterError, match=message):
        locate_pixels(arc_of(circle()), seconds, ranges, flat_dem((0, 0, 60, 60)), side=side)


def test_a_burst_seen_by_itself_is_where_it_is():
    image = image_of(circle())
    burst = image.bursts[0]
    dem = rough_dem(burst_bounds(image, burst))
    grid = burst_geometry(image, burst, image, burst, dem, line_step=16, sample_step=64)
    assert (grid.lines[0], grid.lines[-1]) == (0, 208)
    assert (grid.samples[0], grid.samples[-1]) == (0, 2048)
    assert np.abs(grid.secondary_line - grid.lines[:, None]).max() < 1e-6
    assert np.abs(grid.secondary_sample - grid.samples).max() < 1e-6
    assert np.abs(grid.range_difference).max() < 1e-6
    part = burst_geometry(image, burst, image, burst, dem, line_step=2, sample_step=8, lines=(16, 47), samples=(64, 65))
    assert part.lines.tolist() == list(range(16, 47, 2))
    assert part.samples.tolist() == [64, 72]
    assert np.abs(part.height[[0, 8], 0] - grid.height[[1, 2], 1]).max() < 1e-3


def between(nodes, values, wanted_lines, wanted_samples):
    """Bilinear interpolation at every pixel."""
    lines, samples = nodes
    at = np.array([np.interp(wanted_samples, samples, row) for row in values])
    return np.array([np.interp(wanted_lines, lines, column) for column in at.T]).T


@pytest.mark.parametrize(("line_step", "sample_step", "limit_rad"), [(4, 8, 0.01), (2, 4, 0.005)])
def test_nodes_every_few_pixels_are_enough(line_step, sample_step, limit_rad):
    """On 30 m mountains (mean slope 14 degrees) and 10 m of baseline: 0.001 px, and 0.01 rad r.m.s. outside layover."""
    first, second, radius = circle()
    reference = image_of((first, second, radius))
    secondary = replace(reference, orbit=orbit((first, second, radius + 10 * np.sqrt(2))))
    burst = reference.bursts[0]
    dem = rough_dem(burst_bounds(reference, burst), sigma=220, step=1 / 3600)
    slopes = np.rad2deg(np.arctan(np.hypot(*np.gradient(dem.heights, 30.8, 26.7))))
    assert 10 < slopes.mean() < 20
    area = {"lines": (40, 104), "samples": (200, 712)}
    every = burst_geometry(reference, burst, secondary, burst, dem, line_step=1, sample_step=1, **area)
    some = burst_geometry(reference, burst, secondary, burst, dem, line_step=line_step, sample_step=sample_step, **area)
    wanted = every.lines, every.samples
    for name in ("secondary_line", "secondary_sample"):
        guess = between((some.lines, some.samples), getattr(some, name), *wanted)
        assert np.abs(guess - getattr(every, name)).max() < 1e-3
    guess = between((some.lines, some.samples), some.range_difference, *wanted)
    error = 4 * np.pi / reference.wavelength * (guess - every.range_difference)
    assert error.std() < limit_rad


def test_a_dem_that_ends_is_refused_with_both_places():
    image = image_of(circle())
    burst = image.bursts[0]
    west, south, east, north = burst_bounds(image, burst, heights=(0, 1))
    short = flat_dem((west, south, (west + east) / 2, north))
    with pytest.raises(DemError, match=rf"(?s){west:.4f} to {(west + east) / 2:.4f} E.*burst 1 of IW1.*needs"):
        burst_geometry(image, burst, image, burst, short, line_step=8, sample_step=64)


@pytest.mark.parametrize("latitude", [10.0, 80.0])
def test_bounds_hold_the_burst_even_across_the_antimeridian(latitude):
    axes = circle(latitude=latitude)
    plain = image_of(axes, samples=20_000)
    middle = np.mean(burst_bounds(plain, plain.bursts[0])[::2])
    turn = np.deg2rad(180 - middle)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    turned = image_of((rotation @ axes[0], rotation @ axes[1], axes[2]), samples=20_000)
    west, south, east, north = burst_bounds(turned, turned.bursts[0])
    assert west < 180 < east < west + 90
    for height in (-400.0, 8000.0):
        dem = flat_dem((west, south, east, north), height=height)
        grid = burst_geometry(turned, turned.bursts[0], turned, turned.bursts[0], dem, line_step=20, sample_step=400)
        assert (grid.longitude > 0).any()
        assert (grid.longitude < 0).any()
        same = burst_geometry(
            plain, plain.bursts[0], plain, plain.bursts[0], flat_dem((0, -89, 359, 89), height=height),
            line_step=20, sample_step=400,
        )  # fmt: skip
        difference = (grid.longitude - same.longitude - np.rad2deg(turn) + 180) % 360 - 180
        assert np.abs(difference).max() < 1e-9


def test_look_vectors_lead_from_the_ground_to_the_satellite():
    arc = arc_of(circle())
    points = to_ecef(*locate_pixels(arc, [0.0, 1.0], [8.5e5, 9.5e5], flat_dem((0, 0, 60, 60), height=300)))
    seconds, distance = zero_doppler(arc, points.reshape(-1, 3))
    points = points.reshape(-1, 3)
    east, north, up = look_vectors(arc, seconds, points)
    latitude, longitude, height = from_ecef(points)
    small = 1e-6
    frame = [
        to_ecef(latitude, longitude + small, height) - points,
        to_ecef(latitude + small, longitude, height) - points,
        to_ecef(latitude, longitude, height + 0.1) - points,
    ]
    frame = [axis / np.linalg.norm(axis, axis=-1, keepdims=True) for axis in frame]
    sight = east[:, None] * frame[0] + north[:, None] * frame[1] + up[:, None] * frame[2]
    assert np.abs(points + distance[:, None] * sight - arc.position(seconds)).max() < 1.0
    assert np.allclose(incidence_angle(arc, seconds, points), np.rad2deg(np.arccos(up)))
    assert (east < 0).all(), "ascending and looking right, the satellite is in the west"


@pytest.mark.parametrize("apart", [-80.0, 5.0, 150.0])
def test_baseline_of_circles_one_above_the_other(apart):
    first, second, radius = circle()
    reference, secondary = arc_of((first, second, radius)), arc_of((first, second, radius + apart))
    points = to_ecef(*locate_pixels(reference, [0.0, 1.0], [8.5e5, 9.5e5], flat_dem((0, 0, 60, 60))))
    seconds, distance = zero_doppler(reference, points.reshape(-1, 3))
    satellite = reference.position(seconds)
    down = np.sum((points.reshape(-1, 3) - satellite) * -satellite, axis=-1) / (radius * distance)
    expected = (apart * np.sqrt(1 - down**2)).reshape(2, 2)
    assert perpendicular_baseline(reference, secondary, points) == pytest.approx(expected, abs=1e-3)


def test_baseline_has_the_sign_of_the_catalogues():
    first, second, radius = circle()
    aside = np.cross(first, second)
    other = (np.cos(1.5e-5) * first + np.sin(1.5e-5) * aside, second, radius + 40)
    point = to_ecef(*locate_pixels(arc_of((first, second, radius)), [0.0], [9e5], flat_dem((0, 0, 60, 60))))
    place = from_ecef(point[0, 0])

    def scene(axes):
        vectors = orbit(axes)
        times = tuple(vectors.time[i].astype("datetime64[us]").item() for i in (9, 11))
        state = OrbitState(times=times, positions=vectors.position[[9, 11]], velocities=vectors.velocity[[9, 11]])
        return SimpleNamespace(state=state, footprint=Point(place[1], place[0]))

    theirs = catalogue_baseline.perpendicular_baseline(scene((first, second, radius)), scene(other))
    ours = perpendicular_baseline(arc_of((first, second, radius)), arc_of(other), point)[0, 0]
    assert abs(ours) > 30
    assert ours == pytest.approx(theirs, abs=0.5)


class Snap:
    """What SNAP 12 wrote of a real pair, and of a third date."""

    def __init__(self, folder):
        self.folder = folder
        self.elements = json.loads((folder / "20230331-coreg.znap/SNAP/product_metadata.json").read_text())
        self.facts = self.attributes(self.elements[0])
        self.interval = self.facts["line_time_interval"][0]
        self.spacing = SPEED_OF_LIGHT / 2 / (self.facts["range_sampling_rate"][0] * 1e6)
        boundary = self.child(self.child(self.child(self.elements[0], "BurstBoundary"), "IW3"), "Burst0")
        epoch = np.datetime64("2000-01-01", "ns")
        self.burst_start = epoch + np.timedelta64(
            round(self.attributes(boundary)["FirstLineTime"][0] * 1e6) * 1000, "ns"
        )
        self.first_line = self.facts["subset_offset_y"][0]

    @staticmethod
    def attributes(element):
        return {entry["name"]: entry["data"]["elems"] for entry in element.get("attributes", [])}

    @staticmethod
    def child(element, name):
        return next(entry for entry in element["elements"] if entry["name"] == name)

    def orbit(self, element):
        rows = [self.attributes(e) for e in self.child(element, "Orbit_State_Vectors")["elements"]]
        days, seconds, micro = np.array([row["time"] for row in rows]).T
        return Orbit(
            time=np.datetime64("2000-01-01", "ns")
            + ((days * 86_400 + seconds) * 1_000_000 + micro) * np.timedelta64(1000, "ns"),
            position=np.array([[row[f"{axis}_pos"][0] for axis in "xyz"] for row in rows]),
            velocity=np.array([[row[f"{axis}_vel"][0] for axis in "xyz"] for row in rows]),
            kind="POEORB",
            source="SNAP",
        )

    def band(self, name):
        return np.fromfile(self.folder / f"20230331-coreg.znap/{name}/0.0", ">f4").reshape(84, 338).astype(float)


@pytest.fixture(scope="module")
def snap(shared_data):
    return Snap(shared_data / "slc" / "snap_pair_amsterdam")


def test_snap_puts_the_same_places_at_the_same_pixels(snap):
    """SNAP's latitudes are float32, a step of 0.42 m: its rounding alone is 0.0088 lines and 0.006 samples, 1 sigma.

    Its elevations must be taken as they are: they are above the ellipsoid already. No constant is needed when lines are
    counted from the burst's own first line; SNAP's ``first_line_time`` of the cut image is 1.2 lines late.
    """
    second = np.timedelta64(1, "s")
    arc = snap.orbit(snap.elements[0]).arc(snap.burst_start, snap.burst_start + 3 * second)
    latitude, longitude, elevation = (snap.band(f"{name}_VV") for name in ("latitude", "longitude", "elevation"))
    rows, columns = np.mgrid[: latitude.shape[0], : latitude.shape[1]]

    def residuals(height):
        seconds, distance = zero_doppler(arc, to_ecef(latitude, longitude, height).reshape(-1, 3))
        line = (seconds - arc.seconds(snap.burst_start)) / snap.interval - snap.first_line
        sample = (distance - snap.facts["slant_range_to_first_pixel"][0]) / snap.spacing
        return line.reshape(rows.shape) - rows, sample.reshape(rows.shape) - columns

    line, sample = residuals(elevation)
    assert line.std() < 0.01
    assert sample.std() < 0.01
    assert abs(line.mean()) < 0.003
    assert abs(sample.mean()) < 0.002
    rounding = np.spacing(np.float32(52.37)) / np.sqrt(12) * 111_270 / 13.86
    assert line.std() < 1.1 * rounding
    _, geoid = residuals(elevation + 43.0)  # the geoid is 43 m above the ellipsoid in Amsterdam
    assert abs(geoid.mean()) > 10


@pytest.mark.parametrize(("date", "folder"), [("19Mar2023", "20230319"), ("06Jan2023", "20230331")])
def test_snap_finds_the_same_baseline(snap, date, folder):
    elements = json.loads((snap.folder / f"{folder}-coreg.znap/SNAP/product_metadata.json").read_text())
    stated = snap.attributes(
        snap.child(snap.child(snap.child(elements[0], "Baselines"), "Ref_31Mar2023"), f"Secondary_{date}")
    )
    second = np.timedelta64(1, "s")
    arc = snap.orbit(snap.elements[0]).arc(snap.burst_start, snap.burst_start + 3 * second)
    other = snap.orbit(elements[-1]["elements"][0])
    other = other.arc(other.time[6], other.time[-7])
    lines, samples = 1524, 25_583
    near = snap.facts["slant_range_to_first_pixel"][0] - snap.facts["subset_offset_x"][0] * snap.spacing
    times = arc.seconds(snap.burst_start) + snap.interval * np.array([lines / 2])
    place = locate_pixels(arc, times, near + snap.spacing * np.array([samples / 2]), flat_dem((3, 50, 7, 54)))
    baseline = perpendicular_baseline(arc, other, to_ecef(*place))[0, 0]
    assert baseline == pytest.approx(stated["Perp Baseline"][0], abs=0.5)


@pytest.mark.parametrize("subswath", ["IW1", "IW2", "IW3"])
def test_esa_puts_its_tie_points_at_the_same_times_and_ranges(shared_data, subswath):
    """Their azimuth times are ours; their line numbers are not, by up to 0.13 lines (1.8 m) across the three swaths.

    The difference is half the two-way travel time, less that of one range for all three swaths: the part of the
    satellite's flight between sending and receiving that the processor's line times leave out.
    """
    product = next((shared_data / "slc" / "morocco_2023_annotations").glob("*_20230904T*.SAFE"))
    image = read_image(product, subswath, "VV")
    grid = image.grid
    arc = image.orbit.arc(image.start, image.stop)
    points = to_ecef(grid.latitude, grid.longitude, grid.height)
    seconds, distance = (found.reshape(grid.line.shape) for found in zero_doppler(arc, points.reshape(-1, 3)))
    line = (seconds - arc.seconds(grid.azimuth_time)) / image.azimuth_time_interval
    assert np.abs(line).max() < 1e-3
    assert np.abs(distance - SPEED_OF_LIGHT / 2 * grid.slant_range_time).max() < 2e-3
    assert np.abs((distance - image.near_range) / image.range_spacing - grid.pixel)[:-1].max() < 2e-3
    inside = grid.line[:, 0] % image.lines_per_burst == 0
    starts = np.array([burst.azimuth_time for burst in image.bursts])
    numbers = grid.line[inside, 0] // image.lines_per_burst
    kept = numbers < len(starts)
    late = seconds[inside][kept] - arc.seconds(starts[numbers[kept]])[:, None]
    travel = distance[inside][kept] / SPEED_OF_LIGHT
    assert np.ptp(late - travel) < 2e-6
    assert 0.02 < np.abs(late).max() / image.azimuth_time_interval < 0.2
