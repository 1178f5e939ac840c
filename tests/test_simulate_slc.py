"""The simulated pair: pixels against sums written out, interferograms against the stored truth."""

import json
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import rasterio
import xarray as xr

from epi.catalogue.events.read import Event, find_event
from epi.errors import ParameterError, RunError
from epi.insar.geometry.dem import Dem
from epi.insar.geometry.ellipsoid import to_ecef
from epi.insar.slc.annotation import Image, RangePolynomial, burst_identifier
from epi.insar.slc.safe import read_burst, read_image
from epi.insar.topsar.ramp import Ramp, ramp_phase
from epi.simulate.acquisitions import passages
from epi.simulate.safe.publish import hidden_folder, publish
from epi.simulate.slc import sensor, view
from epi.simulate.slc.aim import choose_subswath, seen
from epi.simulate.slc.focus import Band, Canvas, Steering
from epi.simulate.slc.pair import PERFECT, Conditions, SimulatedPair, simulate_pair
from epi.simulate.slc.passage import Flight, flight_on, pair_flights
from epi.simulate.slc.pixels import Surface
from epi.simulate.slc.plan import Exposure, first_image, second_image, with_grid
from epi.simulate.terrain import fractal_dem

SIZE = {"lines": 300, "samples": 160, "bursts": 2}


@pytest.fixture(scope="module")
def event() -> Event:
    return find_event("20210303-thessaly")


@pytest.fixture(scope="module")
def perfect(event: Event, tmp_path_factory: pytest.TempPathFactory) -> SimulatedPair:
    return simulate_pair(event, tmp_path_factory.mktemp("perfect"), conditions=PERFECT, **SIZE)


@pytest.fixture(scope="module")
def whole(event: Event, tmp_path_factory: pytest.TempPathFactory) -> SimulatedPair:
    """Bursts of all their lines: only those overlap under the Doppler frequencies of a real product."""
    return simulate_pair(event, tmp_path_factory.mktemp("whole"), conditions=PERFECT, **(SIZE | {"lines": None}))


def _response(band: Band, distance: np.ndarray, size: int) -> np.ndarray:
    frequency = np.fft.fftfreq(size)
    return (np.exp(2j * np.pi * frequency * distance[..., None]) * band(frequency)).mean(-1)


def test_points_between_samples_are_focused_to_a_ten_thousandth() -> None:
    rng = np.random.default_rng(0)
    azimuth, range_ = Band(486.486, 327.0, 0.7), Band(64.345e6, 56.5e6, 0.75)
    line, sample = rng.uniform(5, 65, 30), rng.uniform(5, 75, 30)
    value = (rng.standard_normal(30) + 1j * rng.standard_normal(30)).astype(np.complex64)
    canvas = Canvas(70, 80, azimuth, range_, margin=24)
    rows, columns = canvas.period
    canvas.add(value[None], line[None], sample[None])
    along = _response(azimuth, np.arange(70)[:, None] - line, rows)
    across = _response(range_, np.arange(80)[:, None] - sample, columns)
    expected = np.einsum("in,jn,n->ij", along, across, value)
    miss = np.abs(canvas.picture() - expected)
    assert np.sqrt((miss**2).mean() / (np.abs(expected) ** 2).mean()) < 1e-4


def test_band_energy_is_the_power_white_noise_keeps() -> None:
    band = Band(64.345e6, 48.3e6, 0.75)
    assert np.mean(band(np.fft.fftfreq(100_000)) ** 2) == pytest.approx(band.energy, rel=1e-4)


def test_ramp_sweeps_the_doppler_that_steering_and_motion_give() -> None:
    """The beam that turns with the flight slows the sweep: 1 / (1/ka - 1/ks), some 1800 Hz/s in the first subswath."""
    time, rate, speed = np.datetime64("2021-03-03", "ns"), -2331.0, 7590.0
    steering = Steering(
        line_seconds=sensor.LINE_SECONDS,
        lines=1507,
        near_seconds=5.334e-3,
        sample_seconds=1 / sensor.RANGE_SAMPLING_RATE,
        samples=1000,
        steering_rate=np.radians(1.590368784),
        speed=speed,
        frequency=sensor.RADAR_FREQUENCY,
        fm_rate=RangePolynomial(time, 5.334e-3, (rate, 0.0, 0.0)),
        centroid=RangePolynomial(time, 5.334e-3, (25.0, 0.0, 0.0)),
    )
    line = np.arange(1507.0)
    doppler = np.gradient(steering(line, np.array(500.0)), sensor.LINE_SECONDS) / (2 * np.pi)
    swept = 2 * speed / (299792458.0 / sensor.RADAR_FREQUENCY) * np.radians(1.590368784)
    rate_of_burst = np.polyfit(((line - 753) * sensor.LINE_SECONDS)[1:-1], doppler[1:-1], 1)
    assert rate_of_burst[0] == pytest.approx(1 / (1 / swept - 1 / rate), rel=1e-6)
    assert rate_of_burst[1] == pytest.approx(25.0, abs=0.1)


def test_radar_sees_the_point_it_looks_at(event: Event) -> None:
    """From a pixel to the ground and back, on real relief, within a nanosecond and a micrometre."""
    passage = next(each for each in passages(event.latitude, event.longitude) if each.track == 102)
    flight = flight_on("S1B", passage, event.time)
    arc = flight.arc(passage.seconds - 15, passage.seconds + 15)
    dem = fractal_dem((21.9, 39.5, 22.5, 40.0), relief_m=300.0, water=0.1, seed=3)
    seconds = np.linspace(-1.0, 1.0, 9)[:, None] * np.ones(20)
    middle = view.broadside(arc, to_ecef(event.latitude, event.longitude, 300.0))[1]
    ranges = middle + np.linspace(-8e3, 8e3, 20) * np.ones((9, 1))
    points = view.ground(arc, seconds, ranges, dem)
    again, distance = view.broadside(arc, points)
    np.testing.assert_allclose(again, seconds, atol=1e-9)
    np.testing.assert_allclose(distance, ranges, atol=1e-6)
    latitude, longitude, height = view.from_ecef(points)
    np.testing.assert_allclose(height, dem.sample(latitude, longitude), atol=1e-3)


def test_baseline_is_the_one_asked_for(event: Event) -> None:
    passage = next(each for each in passages(event.latitude, event.longitude) if each.track == 102)
    flight = flight_on("S1B", passage, event.time)
    moved = flight.aside(event.latitude, event.longitude, perpendicular_m=120.0, parallel_m=-30.0)
    target = to_ecef(event.latitude, event.longitude, 0.0)
    arcs = [each.arc(passage.seconds - 5, passage.seconds + 5) for each in (flight, moved)]
    (first, near), (second, far) = (view.broadside(arc, target) for arc in arcs)
    apart = arcs[1].position(second) - arcs[0].position(first)
    assert far - near == pytest.approx(30.0 + 120.0**2 / (2 * near), abs=1e-3)
    assert np.linalg.norm(apart) == pytest.approx(np.hypot(120.0, 30.0), abs=0.01)


def _apart(first: Flight, second: Flight, place: np.ndarray, seconds: float) -> np.ndarray:
    """From the first flight to the second, each broadside of a place, along the axes of the first: right and up."""
    arcs = [each.arc(each.passage.seconds - 20, each.passage.seconds + 20) for each in (first, second)]
    when = [float(view.broadside(arc, place)[0]) for arc in arcs]
    along = arcs[0].velocity(np.array(when[0])) / np.linalg.norm(arcs[0].velocity(np.array(when[0])))
    apart = arcs[1].position(np.array(when[1])) - arcs[0].position(np.array(when[0]))
    up = arcs[0].position(np.array(when[0]))
    up = up / np.linalg.norm(up)
    assert when[0] == pytest.approx(seconds, abs=0.1)
    return np.array([apart @ np.cross(along, up), apart @ up])


def test_flights_draw_apart_about_the_baseline_asked_for(event: Event) -> None:
    """0.15 m/s aside and 0.02 up, as between real passages: 1.5 m in ten seconds, and nothing at the epicentre."""
    parallel, crossing = (
        pair_flights(event, baseline_m=40.0, parallel_m=12.0, drift=drift) for drift in ((0.0, 0.0), (0.15, 0.02))
    )
    arc = crossing[0].arc(crossing[0].passage.seconds - 20, crossing[0].passage.seconds + 20)
    target = to_ecef(event.latitude, event.longitude, 0.0)
    middle, distance = (float(each) for each in view.broadside(arc, target))
    for since in (-10.0, 0.0, 10.0):
        place = view.ground(arc, np.array(middle + since), np.array(distance), view.FLAT)
        still, drifted = (_apart(*flights, place, middle + since) for flights in (parallel, crossing))
        np.testing.assert_allclose(drifted - still, np.array([0.15, 0.02]) * since, atol=0.002)


def test_offset_between_the_dates_is_not_constant(event: Event, tmp_path: Path) -> None:
    """A flight that turns to the right is broadside of far ground later than of near: by its angle x ground range."""
    pair = simulate_pair(event, tmp_path, seed=3, conditions=PERFECT, **(SIZE | {"bursts": 1, "samples": 2000}))
    aside, _ = json.loads(xr.load_dataset(pair.truth).attrs["convergence_m_per_s"])
    assert 0.01 < abs(aside) <= PERFECT.convergence
    truth = xr.load_dataset(pair.truth, group="IW1").isel(burst=0, line=10)
    across = float(truth["azimuth_offset"][-1] - truth["azimuth_offset"][0])
    metres = float(np.hypot(*np.diff(_ground_metres(truth))[:, 0]))
    line_metres = 7590.0 * sensor.LINE_SECONDS  # of flight
    assert across == pytest.approx(aside / 7590.0 * metres / line_metres, rel=0.2)  # height takes part


def _ground_metres(truth: xr.Dataset) -> np.ndarray:
    """East and north (2, 2) of the first and last place, m."""
    latitude, longitude = truth["latitude"].values[[0, -1]], truth["longitude"].values[[0, -1]]
    return 111_195 * np.stack([longitude * np.cos(np.radians(latitude.mean())), latitude])


def test_state_vectors_and_polynomial_are_one_orbit(event: Event) -> None:
    passage = passages(event.latitude, event.longitude)[0]
    flight = flight_on("S1A", passage, event.time).aside(39.7, 22.2, perpendicular_m=90.0, parallel_m=5.0)
    orbit = flight.orbit(passage.seconds, passage.seconds + 8)
    arc = orbit.arc(*(flight.node_time + np.timedelta64(round(1e9 * (passage.seconds + s)), "ns") for s in (0, 8)))
    true = flight.arc(passage.seconds - 10, passage.seconds + 18)
    at = np.linspace(0, 8, 5)
    times = flight.node_time + np.round(1e9 * (passage.seconds + at)).astype("timedelta64[ns]")
    np.testing.assert_allclose(arc.position(arc.seconds(times)), true.position(true.seconds(times)), atol=1e-5)
    np.testing.assert_allclose(arc.velocity(arc.seconds(times)), true.velocity(true.seconds(times)), atol=1e-5)


def _bursts(pair: SimulatedPair) -> list[tuple[Image, list[np.ndarray]]]:
    images = [read_image(path, "IW1", "VV") for path in (pair.reference, pair.secondary)]
    return [(image, [read_burst(image, burst.number) for burst in image.bursts]) for image in images]


def _interferogram(
    pair: SimulatedPair, number: int, *, first_line: int = 0, last_line: int = 10_000
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference, and the secondary moved onto it and freed of the stored phase, in the middle of a burst's valid part.

    Written out by the definition of a band-limited signal (a 40-point windowed sinc), from the products alone.
    """
    truth = xr.open_dataset(pair.truth, group="IW1")
    (first, one), (second, two) = _bursts(pair)
    burst = first.bursts[number]
    lines = np.arange(max(burst.first_line + 25, first_line), min(burst.last_line - 25, last_line) + 1)
    samples = np.arange(burst.first_sample + 25, burst.last_sample - 24)
    at = {
        name: Surface(truth["line"].values, truth["sample"].values, truth[name].values[number].astype(float))(
            lines, samples
        )
        for name in ("azimuth_offset", "range_offset", "phase")
    }
    steering = _steering(second, number)
    y, x = lines[:, None] + at["azimuth_offset"], samples + at["range_offset"]
    grid = np.arange(first.lines_per_burst, dtype=float), np.arange(first.samples_per_burst, dtype=float)
    flat = two[number] * np.exp(-1j * steering(grid[0][:, None], grid[1]))
    top, left = np.floor(y).astype(int), np.floor(x).astype(int)
    moved = np.zeros(y.shape, complex)
    for i in range(-19, 21):
        row = sum(_sinc(x - left - j) * flat[top + i, left + j] for j in range(-19, 21))
        moved += _sinc(y - top - i) * row
    moved *= np.exp(1j * (steering(y, x) + at["phase"]))
    return one[number][np.ix_(lines, samples)], moved, lines


def _sinc(distance: np.ndarray) -> np.ndarray:
    return np.sinc(distance) * np.i0(9 * np.sqrt(np.maximum(1 - (distance / 20) ** 2, 0))) / np.i0(9.0)


def _steering(image: Image, number: int) -> Steering:
    burst = image.bursts[number]
    middle = np.timedelta64(round((image.lines_per_burst - 1) / 2 * image.azimuth_time_interval * 1e9), "ns")
    arc = image.orbit.arc(image.bursts[0].azimuth_time, image.bursts[-1].azimuth_time)
    nearest = [
        min(each, key=lambda polynomial: abs(polynomial.azimuth_time - burst.azimuth_time - middle))
        for each in (image.fm_rates, image.doppler_centroids)
    ]
    return Steering(
        line_seconds=image.azimuth_time_interval,
        lines=image.lines_per_burst,
        near_seconds=image.slant_range_time,
        sample_seconds=1 / image.range_sampling_rate,
        samples=image.samples_per_burst,
        steering_rate=image.azimuth_steering_rate,
        speed=float(np.linalg.norm(arc.velocity(arc.seconds(burst.azimuth_time + middle)))),
        frequency=image.radar_frequency,
        fm_rate=nearest[0],
        centroid=nearest[1],
    )


def test_perfect_pair_is_the_truth_to_a_thousandth_of_a_radian(perfect: SimulatedPair) -> None:
    """Far inside what is asked of a processor: coherence 0.995, bias 0.02 rad, ramp 0.01 rad in 1000 lines."""
    for number in range(2):
        one, two, lines = _interferogram(perfect, number)
        product = one * np.conj(two)
        coherence = np.abs(product.sum()) / np.sqrt((np.abs(one) ** 2).sum() * (np.abs(two) ** 2).sum())
        assert coherence > 0.999
        assert abs(np.angle(product.sum())) < 0.002
        thirds = np.array_split(product, 3)
        step = np.angle(thirds[2].sum() * np.conj(thirds[0].sum()))
        assert abs(step) < 0.004, (step, lines.size)


def test_ramp_is_the_one_the_annotation_asks_for(perfect: SimulatedPair) -> None:
    """Two writings of ESA's definition, one from what was simulated and one from what was read."""
    image = _bursts(perfect)[1][0]
    line, sample = np.arange(0.0, 300.0, 7.3)[:, None], np.arange(0.0, 159.0, 10.0)
    read = ramp_phase(Ramp.of(image, image.bursts[1]), line, sample)
    apart = read - _steering(image, 1)(line, sample)
    slope = np.polyfit(line[:, 0], apart, 1)[0]  # a shift of frequency, below a hertz, does no harm
    assert np.abs(slope / (2 * np.pi * image.azimuth_time_interval)).max() < 1.0
    bend = apart - apart.mean(axis=0) - slope * (line - line.mean())
    assert np.abs(bend).max() < 1e-3


def test_overlapping_bursts_agree(whole: SimulatedPair) -> None:
    """The same ground under Doppler frequencies 4.8 kHz apart gives the same phase (no step) from another speckle."""
    step = sensor.BURST_STEP
    image, pictures = _bursts(whole)[0]
    last = image.bursts[0].last_line - 25
    one, two, lines = _interferogram(whole, 0, first_line=image.bursts[1].first_line + 25 + step)
    other, again, follows = _interferogram(whole, 1, last_line=last - step)
    assert lines.size > 60
    np.testing.assert_array_equal(lines, follows + step)
    product = (one * np.conj(two)).sum() * np.conj((other * np.conj(again)).sum())
    assert abs(np.angle(product)) < 0.003
    top, bottom = (picture[:, 30:-30] for picture in pictures)
    top, bottom = top[lines[0] : last], bottom[lines[0] - step : last - step]
    alike = np.abs(np.vdot(top, bottom)) / (np.linalg.norm(top) * np.linalg.norm(bottom))
    assert alike < 0.05


def _flights(event: Event) -> tuple[Flight, Flight]:
    return pair_flights(event, baseline_m=40.0, parallel_m=12.0)


def _image(event: Event, **size: object) -> Exposure:
    place = {"latitude": event.latitude, "longitude": event.longitude, "polarisation": "VV"}
    size = {"subswath": "IW1", "bursts": 3, "samples": 64, "lines": None} | size
    return first_image(_flights(event)[0], **place, **size)  # type: ignore[arg-type]


@pytest.mark.parametrize("subswath", ["IW1", "IW2", "IW3"])
@pytest.mark.parametrize("lines", [None, 900, 400, 240])
def test_every_burst_has_a_number_of_its_own(event: Event, subswath: str, lines: int | None) -> None:
    """Consecutive, the same on both dates, and of whole bursts those of ESA's formula."""
    first = _image(event, subswath=subswath, lines=lines)
    second = second_image(first, _flights(event)[1], synchronisation=0.0008)
    numbers = [[burst.burst_id for burst in exposure.image.bursts] for exposure in (first, second)]
    assert numbers[0] == [numbers[0][0] + k for k in range(3)]
    assert numbers[0] == numbers[1]
    image = first.image
    echoes = [(burst.sensing_time - first.flight.node_time) / np.timedelta64(1, "ns") * 1e-9 for burst in image.bursts]
    by_formula = [burst_identifier(float(echo), track=image.track, subswath=subswath) for echo in echoes]
    assert by_formula[0] == numbers[0][0]
    if lines is None:
        assert by_formula == numbers[0]


def test_numbers_agree_wherever_the_bursts_begin(event: Event) -> None:
    """Move the image until its number changes: there, too, a passage 5 ms early or late counts as the first does."""
    first, second = _flights(event)

    def image(latitude: float) -> Exposure:
        place = {"latitude": latitude, "longitude": event.longitude, "polarisation": "VV"}
        return first_image(first, subswath="IW1", bursts=1, samples=64, lines=None, **place)  # type: ignore[arg-type]

    def number(exposure: Exposure) -> int:
        return exposure.image.bursts[0].burst_id

    low, high = event.latitude, event.latitude + 0.2  # more than a burst's step of 19 km
    assert number(image(low)) != number(image(high))
    for _ in range(16):  # to a third of a metre
        middle = (low + high) / 2
        low, high = (middle, high) if number(image(middle)) == number(image(low)) else (low, middle)
    for latitude in (low, high):
        reference = image(latitude)
        for late in (-0.005, 0.005):
            assert number(second_image(reference, second, synchronisation=late)) == number(reference)


@pytest.mark.parametrize("subswath", ["IW1", "IW2", "IW3"])
def test_a_whole_beam_is_that_of_a_real_image(event: Event, shared_data: Path, subswath: str) -> None:
    """Valid part, empty edges and place in range, of another orbit over another latitude."""
    folders = sorted((shared_data / "slc/morocco_2023_annotations").glob("*.SAFE"))
    if not folders:
        pytest.skip(f"no annotations in {shared_data}")
    real, ours = read_image(folders[0], subswath, "VV"), _image(event, subswath=subswath, samples=None, bursts=1).image
    assert ours.samples_per_burst == pytest.approx(real.samples_per_burst, rel=0.01)
    for image, burst in ((real, real.bursts[5]), (ours, ours.bursts[0])):
        assert burst.first_sample == sensor.SUBSWATHS[subswath].empty[0]
        assert image.samples_per_burst - 1 - burst.last_sample == pytest.approx(
            sensor.SUBSWATHS[subswath].empty[1], abs=1
        )
    angles = [_valid_incidence(image) for image in (real, _gridded(event, subswath))]
    np.testing.assert_allclose(*angles, atol=0.25)


def _gridded(event: Event, subswath: str) -> Image:
    plain = Dem(np.full((2, 2), 500.0, np.float32), 60.0, 0.0, 60.0, 60.0, "a plain")
    return with_grid(_image(event, subswath=subswath, samples=None, bursts=1), plain).image


def _valid_incidence(image: Image) -> np.ndarray:
    """Incidence at the first and last valid sample, mean over the lines of the grid, degrees."""
    burst, grid = image.bursts[-1], image.grid
    ends = [burst.first_sample, burst.last_sample]
    rows = zip(grid.pixel, grid.incidence_angle, strict=True)
    return np.mean([np.interp(ends, pixel, angle) for pixel, angle in rows], axis=0)


def test_neighbouring_beams_share_two_kilometres(event: Event) -> None:
    """The files share 12 km of ground, their valid parts 2, as in real products."""
    images = [_image(event, subswath=name, samples=None, bursts=1).image for name in sensor.SUBSWATHS]
    for near, far in pairwise(images):
        last = near.near_range + near.bursts[0].last_sample * near.range_spacing
        first = far.near_range + far.bursts[0].first_sample * far.range_spacing
        assert 1000 < last - first < 1700
        assert 6500 < near.near_range + near.samples_per_burst * near.range_spacing - far.near_range < 7700


@pytest.mark.parametrize("samples", [64, 1500, None])
def test_the_beam_chosen_holds_the_place(event: Event, samples: int | None) -> None:
    """From the near edge of the first to the far edge of the last, at the two borders too."""
    flight, chosen = _flights(event)[0], []
    for longitude in event.longitude + np.linspace(-0.3, 1.9, 23 if samples is None else 89):
        name = choose_subswath(flight, event.latitude, longitude)
        place = {"latitude": event.latitude, "longitude": longitude, "polarisation": "VV"}
        image = first_image(flight, subswath=name, bursts=1, lines=None, samples=samples, **place).image  # type: ignore[arg-type]
        sample = (seen(flight, event.latitude, longitude)[1] - image.near_range) / image.range_spacing
        assert image.bursts[0].first_sample - 15 < sample < image.bursts[0].last_sample + 15, (name, longitude)
        chosen.append(name)
    assert chosen == sorted(chosen)
    assert set(chosen) == set(sensor.SUBSWATHS)


@pytest.mark.parametrize("bursts", [1, 2])
@pytest.mark.parametrize("lines", [None, 300, 240])
def test_subswaths_see_the_same_ground(event: Event, bursts: int, lines: int | None) -> None:
    """Neighbours overlap along the flight as whole ones do (by 42 % of one burst), however few lines a burst has."""
    images = [_image(event, subswath=name, bursts=bursts, lines=lines).image for name in ("IW1", "IW2", "IW3")]
    spans = [
        (image.start, image.bursts[-1].azimuth_time + np.timedelta64(round(image.lines_per_burst * 2_055_556), "ns"))
        for image in images
    ]
    for (start, stop), (other_start, other_stop) in pairwise(spans):
        assert min(stop, other_stop) - max(start, other_start) > 0.4 * (stop - start)


def test_planted_azimuth_error_is_found_between_the_bursts(event: Event, tmp_path: Path) -> None:
    """Undoing all but the error leaves 2 pi (Doppler difference) (error) in the overlap."""
    planted = 0.005
    pair = simulate_pair(event, tmp_path, conditions=replace(PERFECT, azimuth_error_lines=planted), **SIZE)
    truth = xr.load_dataset(pair.truth, group="IW1")
    header = xr.load_dataset(pair.truth)
    truth["azimuth_offset"] = truth["azimuth_offset"] - planted
    header.to_netcdf(pair.truth, engine="h5netcdf")
    truth.to_netcdf(pair.truth, group="IW1", mode="a", engine="h5netcdf")
    (one, two, lines), (other, again, follows) = (_interferogram(pair, number) for number in range(2))
    step = sensor.BURST_STEP - (sensor.SUBSWATHS["IW1"].lines - SIZE["lines"])
    shared = np.intersect1d(lines, follows + step)
    first, second = np.isin(lines, shared), np.isin(follows + step, shared)
    product = (one * np.conj(two))[first].sum() * np.conj((other * np.conj(again))[second].sum())
    image = _bursts(pair)[0][0]
    rates = [_steering(image, number).terms(np.array([image.samples_per_burst / 2])) for number in range(2)]
    seconds = (shared.mean() - (image.lines_per_burst - 1) / 2) * image.azimuth_time_interval
    doppler = [
        float((rate * (seconds - number * step * image.azimuth_time_interval - beam) + centroid)[0])
        for number, (rate, centroid, beam) in enumerate(rates)
    ]
    found = np.angle(product) / (2 * np.pi * (doppler[0] - doppler[1]) * image.azimuth_time_interval)
    assert found == pytest.approx(planted, abs=0.0005)
    told = [truth["squint_phase"].isel(burst=number).interp(sample=80) for number in range(2)]
    seam = [float(each.interp(line=shared.mean() - number * step)) for number, each in enumerate(told)]
    assert seam[0] - seam[1] == pytest.approx(
        2 * np.pi * (doppler[0] - doppler[1]) * planted * image.azimuth_time_interval, rel=0.01
    )


def test_noise_and_time_take_the_coherence_they_should(event: Event, tmp_path: Path) -> None:
    conditions = Conditions(baseline_m=5.0, parallel_m=2.0, relief_m=50.0, water=0.0, coherence=0.7)
    pair = simulate_pair(event, tmp_path, conditions=conditions, **(SIZE | {"bursts": 1}))
    one, two, _ = _interferogram(pair, 0)
    found = np.abs(np.vdot(two, one)) / np.sqrt((np.abs(one) ** 2).sum() * (np.abs(two) ** 2).sum())
    truth = xr.open_dataset(pair.truth, group="IW1")
    assert 0.75 * truth["coherence"].mean() < found < truth["coherence"].max()
    assert np.isclose(np.angle(np.vdot(two, one)), 0.0, atol=0.05)


def test_given_terrain_and_its_water(event: Event, tmp_path: Path) -> None:
    """A shore at the epicentre: the sea to the south is level, dark, and keeps nothing from date to date."""
    latitude = np.linspace(40.3, 39.2, 1000)[:, None]
    heights = np.maximum(0.0, (latitude - event.latitude) * 3000) * np.ones(1000)
    dem = Dem(heights.astype(np.float32), 40.3, 21.5, 1.1 / 999, 1.4 / 999, "a shore")
    pair = simulate_pair(event, tmp_path, dem=dem, conditions=Conditions(noise=False), **(SIZE | {"lines": 800}))
    truth = xr.open_dataset(pair.truth, group="IW1").isel(burst=0)
    sea = truth["water"].astype(bool)
    np.testing.assert_allclose(truth["elevation"].where(sea, 0.0), 0.0, atol=1e-3)
    assert (truth["coherence"].where(sea, 0.0) == 0).all()
    assert 0.1 < sea.mean() < 0.9
    lines = truth["line"].where(sea.all("sample")).dropna("line").astype(int)
    land = truth["line"].where(~sea.any("sample")).dropna("line").astype(int)
    power = np.abs(_bursts(pair)[0][1][0]) ** 2
    wet, dry = (power[np.clip(each, 40, 760)][:, 40:-40].mean() for each in (lines, land))
    assert wet < 0.2 * dry


def test_earthquake_moves_pixels_and_phase(event: Event, tmp_path: Path, perfect: SimulatedPair) -> None:
    pair = simulate_pair(event, tmp_path, conditions=replace(PERFECT, earthquake=True), **(SIZE | {"bursts": 1}))
    truth = xr.open_dataset(pair.truth, group="IW1")
    motion = truth["range_change"] - truth["geometric_range_change"]
    np.testing.assert_allclose(motion, -truth["los_displacement"], atol=2e-5)
    assert float(np.abs(truth["los_displacement"]).max()) > 0.1
    header = xr.open_dataset(pair.truth).attrs
    assert header["magnitude"] == pytest.approx(event.magnitude, abs=0.01)
    assert json.loads(header["event"])["event_id"] == event.event_id
    still = xr.open_dataset(perfect.truth, group="IW1")
    assert not still["displacement_up"].any()


def test_same_seed_gives_the_same_pixels(event: Event, tmp_path: Path) -> None:
    size = {"lines": 240, "samples": 64, "bursts": 1}
    pairs = [simulate_pair(event, tmp_path / str(k), seed=seed, **size) for k, seed in enumerate((5, 5, 6))]
    pixels = [_measurement(pair.secondary) for pair in pairs]
    assert (pixels[0] == pixels[1]).all()
    assert (pixels[0] != pixels[2]).mean() > 0.3
    assert pairs[0].reference.name == pairs[1].reference.name


def _measurement(product: Path) -> np.ndarray:
    with rasterio.open(next((product / "measurement").glob("*.tiff"))) as source:
        return np.asarray(source.read(1))


def test_a_crash_leaves_nothing(event: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epi.simulate.slc.pair.write_truth", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        simulate_pair(event, tmp_path, lines=240, samples=64, bursts=1)
    assert _left(tmp_path) == []


def _left(folder: Path) -> list[str]:
    """Names of what is in a folder, but for the lock that stays."""
    return sorted(path.name for path in folder.iterdir() if path.name != ".simulating.lock")


RESULTS = ("dem.tif", "truth.nc", "A.SAFE", "B.SAFE")


@pytest.mark.parametrize("renames", range(9))
def test_killed_while_publishing_leaves_one_making(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """After any number of renames: nothing half, nothing new beside old, no product without its terrain and truth."""
    hidden = tmp_path / ".simulating-new"
    for folder, making in ((tmp_path, "old"), (hidden, "new")):
        for name in RESULTS:
            (folder / name).mkdir(parents=True)
            for part in ("annotation", "measurement"):
                (folder / name / part).write_text(making)
    really, done = Path.rename, iter(range(renames))

    def rename(path: Path, target: Path) -> Path:
        if next(done, None) is None:
            raise KeyboardInterrupt
        return really(path, target)

    monkeypatch.setattr(Path, "rename", rename)
    monkeypatch.setattr("epi.simulate.safe.publish.rmtree", lambda path, **_: pytest.fail(f"{path} removed in place"))
    with nullcontext() if renames == 8 else pytest.raises(KeyboardInterrupt):
        publish([hidden / name for name in RESULTS], tmp_path)
    there = [name for name in RESULTS if (tmp_path / name).exists()]
    assert there == list(RESULTS[: len(there)])
    makings = {file.read_text() for name in there for file in (tmp_path / name).iterdir()}
    assert all(len(list((tmp_path / name).iterdir())) == 2 for name in there)
    assert makings == (set() if renames == 4 else {"old"} if renames < 4 else {"new"})


def test_one_simulation_at_a_time(event: Event, tmp_path: Path) -> None:
    """A second one is refused and leaves the first alone; what a killed one left goes, its lock means nothing."""
    small = {"lines": 240, "samples": 64, "bursts": 1}
    with hidden_folder(tmp_path) as running:
        with pytest.raises(RunError, match="Another simulation is at work"):
            simulate_pair(event, tmp_path, **small)
        assert running.is_dir()
    (tmp_path / ".simulating-killed").mkdir()
    pair = simulate_pair(event, tmp_path, **small)
    assert _left(tmp_path) == sorted(path.name for path in (pair.reference, pair.secondary, pair.dem, pair.truth))
    again = simulate_pair(event, tmp_path, **small)
    assert again == pair
    assert len(_left(tmp_path)) == 4


def test_another_seed_replaces_the_pair(event: Event, tmp_path: Path) -> None:
    """One pair in a folder, whatever it was drawn from; what else is there stays."""
    small = {"lines": 240, "samples": 64, "bursts": 1}
    (tmp_path / "notes.txt").write_text("mine")
    first = simulate_pair(event, tmp_path, seed=1, **small)
    second = simulate_pair(event, tmp_path, seed=2, **small)
    assert first.reference != second.reference
    there = (second.reference, second.secondary, second.dem, second.truth)
    assert _left(tmp_path) == sorted([*(path.name for path in there), "notes.txt"])


def test_a_pair_is_not_put_beside_other_images(event: Event, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is drawn."""
    small = {"lines": 240, "samples": 64, "bursts": 1}
    mine = simulate_pair(event, tmp_path, seed=1, **small)
    monkeypatch.setattr("epi.simulate.slc.pair.fractal_dem", None)
    other = replace(event, event_id="20210304-elsewhere")
    with pytest.raises(RunError, match=mine.truth.name):
        simulate_pair(other, tmp_path, **small)
    mine.truth.unlink()
    before = _left(tmp_path)
    with pytest.raises(RunError, match=mine.reference.name):
        simulate_pair(event, tmp_path, seed=2, **small)
    assert _left(tmp_path) == before


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"subswaths": ("IW4",)}, "No subswath IW4"),
        ({"polarisation": "XX"}, "No polarisation XX"),
        ({"bursts": 0}, "cannot be drawn"),
        ({"track": 33}, "Track 33 does not see"),
        ({"dates": ("2021-03-03", "2021-02-25")}, "not in order"),
        ({"dates": ("2021-02-25", "2021-03-02")}, "nearest day"),
        ({"dem": fractal_dem((0.0, 0.0, 0.1, 0.1), relief_m=10.0, water=0.0, seed=0)}, "does not cover"),
    ],
)
def test_impossible_wishes_are_refused(event: Event, tmp_path: Path, asked: dict[str, object], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        simulate_pair(event, tmp_path, **({"lines": 240, "samples": 64, "bursts": 1} | asked))  # type: ignore[arg-type]
    assert _left(tmp_path) == []
