"""What a simulated image says about itself before it has a pixel: timing, bursts, Doppler, geolocation."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epi.insar.geometry.dem import Dem
from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.slc.annotation import SPEED_OF_LIGHT, Burst, GeolocationGrid, Image, RangePolynomial, burst_identifier
from epi.insar.slc.orbits import Arc
from epi.simulate.slc import sensor, view
from epi.simulate.slc.focus import Band, Steering
from epi.simulate.slc.passage import Flight
from epi.simulate.slc.sensor import Subswath

_SENSING_DELAY = np.timedelta64(
    1_150_000_000, "ns"
)  # first echo of a burst after the zero-Doppler time of its first line
_BORDER = 24  # samples that the processor leaves empty on either side
_GRID_COLUMNS = 21
_EMPTY, _NO_PIXELS = np.zeros((0, 0)), np.zeros((0, 0), np.int64)
_NO_GRID = GeolocationGrid(  # until the terrain is known
    np.zeros((0, 0), "datetime64[ns]"), _EMPTY, _NO_PIXELS, _NO_PIXELS, _EMPTY, _EMPTY, _EMPTY, _EMPTY
)


@dataclass(frozen=True)
class Exposure:
    """An image together with the flight that took it.

    Parameters
    ----------
    image : its annotation.
    flight : orbit and node.
    arc : the flight over the image.
    swath : facts of the beam.
    """

    image: Image
    flight: Flight
    arc: Arc
    swath: Subswath

    def burst_seconds(self, number: int) -> float:
        """Time of the first line of a burst (from 0), seconds of the arc."""
        return float(self.arc.seconds(self.image.bursts[number].azimuth_time))

    def steering(self, number: int) -> Steering:
        """Ramp of a burst (from 0)."""
        image = self.image
        middle = self.burst_seconds(number) + (image.lines_per_burst - 1) / 2 * image.azimuth_time_interval
        return Steering(
            line_seconds=image.azimuth_time_interval,
            lines=image.lines_per_burst,
            near_seconds=image.slant_range_time,
            sample_seconds=1 / image.range_sampling_rate,
            samples=image.samples_per_burst,
            steering_rate=image.azimuth_steering_rate,
            speed=float(np.linalg.norm(self.arc.velocity(np.array(middle)))),
            frequency=image.radar_frequency,
            fm_rate=image.fm_rates[number + 1],
            centroid=image.doppler_centroids[number + 1],
        )

    def bands(self) -> tuple[Band, Band]:
        """Processed bands in azimuth and range."""
        image = self.image
        return (
            Band(1 / image.azimuth_time_interval, image.azimuth_bandwidth, image.azimuth_window),
            Band(image.range_sampling_rate, image.range_bandwidth, image.range_window),
        )


def choose_subswath(flight: Flight, latitude: float, longitude: float) -> str:
    """The beam that sees a place nearest to its middle."""
    elevation = _elevation(flight, latitude, longitude)
    return min(sensor.SUBSWATHS.values(), key=lambda each: abs(elevation - sum(each.elevation) / 2)).name


def first_image(
    flight: Flight,
    *,
    subswath: str,
    bursts: int,
    samples: int | None,
    lines: int | None,
    latitude: float,
    longitude: float,
    polarisation: str,
) -> Exposure:
    """The reference image: bursts and samples around a place.

    Parameters
    ----------
    flight : orbit.
    subswath : IW1 to IW3.
    bursts, samples, lines : how many; None for the beam's whole width and a whole burst.
    latitude, longitude : place in the middle, as far as the beam's edges allow.
    polarisation : VV, VH, HH or HV.
    """
    swath = sensor.SUBSWATHS[subswath]
    lines = lines or swath.lines
    step = sensor.BURST_STEP - (swath.lines - lines)
    moment, middle_range = _seen(flight, latitude, longitude)
    spacing = SPEED_OF_LIGHT / (2 * sensor.RANGE_SAMPLING_RATE)
    edge_near, edge_far = (_range_at(flight, moment, angle) for angle in swath.elevation)
    width = samples or min(swath.samples, int((edge_far - edge_near) / spacing))
    near = min(max(middle_range - width / 2 * spacing, edge_near), max(edge_near, edge_far - width * spacing))
    length = (bursts - 1) * step + lines
    delay = swath.delay * step / sensor.BURST_STEP  # shorter cycles bring the subswaths closer together too
    start = moment - (length / 2 - delay) * sensor.LINE_SECONDS
    near_time = float(f"{2 * near / SPEED_OF_LIGHT:.15e}")
    return _exposure(flight, swath, start, near_time, (bursts, lines, width), step, polarisation)


def second_image(reference: Exposure, flight: Flight, *, synchronisation: float) -> Exposure:
    """The secondary image: the same bursts from another flight.

    Parameters
    ----------
    reference : the first image.
    flight : of the second.
    synchronisation : seconds by which its bursts begin late over the same ground.
    """
    image = reference.image
    seconds = np.array(reference.burst_seconds(0))
    middle_range = image.near_range + image.samples_per_burst / 2 * image.range_spacing
    target = view.ground(reference.arc, seconds, np.array(middle_range), view.FLAT)
    begins = _after_node(reference, float(seconds))
    arc = flight.arc(begins - 20.0, begins + 20.0)
    start = float(view.broadside(arc, target)[0]) + begins + synchronisation
    shape = (len(image.bursts), image.lines_per_burst, image.samples_per_burst)
    step = sensor.BURST_STEP - (reference.swath.lines - image.lines_per_burst)
    return _exposure(flight, reference.swath, start, image.slant_range_time, shape, step, image.polarisation)


def with_grid(exposure: Exposure, dem: Dem) -> Exposure:
    """The same image with its geolocation grid: the first line of every burst and the last of all."""
    image = exposure.image
    numbers = [*range(len(image.bursts)), len(image.bursts) - 1]
    inside = np.array([0] * len(image.bursts) + [image.lines_per_burst - 1])
    pixel = np.unique(np.linspace(0, image.samples_per_burst - 1, _GRID_COLUMNS).astype(np.int64))
    begins = np.array([exposure.burst_seconds(number) for number in numbers])
    seconds, ranges = np.broadcast_arrays(
        (begins + inside * image.azimuth_time_interval)[:, None], image.near_range + pixel * image.range_spacing
    )
    points = view.ground(exposure.arc, seconds, ranges, dem)
    latitude, longitude, height = from_ecef(points)
    line = np.array(numbers) * image.lines_per_burst + inside
    begin = np.array([image.bursts[number].azimuth_time for number in numbers])
    later = np.round(inside * image.azimuth_time_interval * 1e6).astype("timedelta64[us]")
    grid = GeolocationGrid(
        azimuth_time=np.repeat((begin + later)[:, None], pixel.size, axis=1),
        slant_range_time=2 * ranges / SPEED_OF_LIGHT,
        line=np.repeat(line[:, None], pixel.size, axis=1),
        pixel=np.repeat(pixel[None, :], line.size, axis=0),
        latitude=latitude,
        longitude=longitude,
        height=height,
        incidence_angle=view.incidence(exposure.arc, seconds, points)[0],
    )
    return replace(exposure, image=replace(image, grid=grid))


def _exposure(
    flight: Flight,
    swath: Subswath,
    start: float,
    near_time: float,
    shape: tuple[int, int, int],
    step: int,
    polarisation: str,
) -> Exposure:
    """An image that begins ``start`` seconds after the node."""
    bursts, lines, samples = shape
    length = ((bursts - 1) * step + lines) * sensor.LINE_SECONDS
    arc = flight.arc(start - 10.0, start + length + 10.0)
    first = (flight.node_time + np.timedelta64(round(start * 1e9), "ns")).astype("datetime64[us]")
    times = [
        (first + np.timedelta64(round(k * step * sensor.LINE_SECONDS * 1e6), "us")).astype("datetime64[ns]")
        for k in range(bursts)
    ]
    image = Image(
        product="",
        platform=flight.platform,
        subswath=swath.name,
        polarisation=polarisation,
        direction=flight.passage.direction,
        orbit_number=flight.orbit_number,
        track=flight.passage.track,
        radar_frequency=sensor.RADAR_FREQUENCY,
        range_sampling_rate=sensor.RANGE_SAMPLING_RATE,
        slant_range_time=near_time,
        azimuth_time_interval=sensor.LINE_SECONDS,
        azimuth_steering_rate=float(np.radians(swath.steering_rate)),
        pulse_repetition_frequency=swath.pulse_rate,
        range_bandwidth=swath.range_bandwidth,
        azimuth_bandwidth=swath.azimuth_bandwidth,
        range_window=sensor.RANGE_WINDOW,
        azimuth_window=sensor.AZIMUTH_WINDOW,
        lines_per_burst=lines,
        samples_per_burst=samples,
        bursts=_bursts(flight, swath, times, lines, samples),
        fm_rates=(),
        doppler_centroids=(),
        orbit=flight.orbit(start, start + length),
        grid=_NO_GRID,
        measurement="",
    )
    return _with_doppler(Exposure(image, flight, arc, swath), step)


def _bursts(flight: Flight, swath: Subswath, times: list[np.datetime64], lines: int, samples: int) -> tuple[Burst, ...]:
    """The bursts that begin at given times: their numbers and valid parts.

    The first has the number of its place and the others count on from it, though cropped ones are not a cycle apart.
    Cropped ones keep the empty lines of a whole one.
    """
    after_node = [float((time - flight.node_time) / np.timedelta64(1, "ns")) * 1e-9 for time in times]
    first_echo = after_node[0] + float(_SENSING_DELAY / np.timedelta64(1, "ns")) * 1e-9
    first_id = burst_identifier(first_echo, track=flight.passage.track, subswath=swath.name)
    border = [min(_BORDER + 3 * (number % 3), samples // 8) for number in range(1, len(times) + 1)]
    return tuple(
        Burst(
            number=k + 1,
            azimuth_time=time,
            sensing_time=time + _SENSING_DELAY,
            anx_seconds=after_node[k],
            burst_id=first_id + k,
            byte_offset=0,
            first_line=swath.first_line,
            last_line=lines - (swath.lines - swath.last_line),
            first_sample=border[k],
            last_sample=samples - 1 - border[k],
        )
        for k, time in enumerate(times)
    )


def _with_doppler(exposure: Exposure, step: int) -> Exposure:
    """Add the FM rates and Doppler centroids: one in the middle of each burst, one before and one after all."""
    image, cycle = exposure.image, np.timedelta64(round(step * sensor.LINE_SECONDS * 1e6), "us")
    middle = np.timedelta64(round((image.lines_per_burst - 1) / 2 * image.azimuth_time_interval * 1e6), "us")
    times = [burst.azimuth_time + middle for burst in image.bursts]
    times = [times[0] - cycle, *times, times[-1] + cycle]
    rates = tuple(_fm_rate(exposure, time) for time in times)
    centroids = tuple(
        RangePolynomial(
            time,
            image.slant_range_time,
            (-10.0 + 3.0 * float(np.cos(2.0 * k)), 1.2e4 + 3e3 * float(np.sin(1.3 * k)), -1.8e7),
        )
        for k, time in enumerate(times)
    )
    return replace(exposure, image=replace(image, fm_rates=rates, doppler_centroids=centroids))


def _fm_rate(exposure: Exposure, time: np.datetime64) -> RangePolynomial:
    """Frequency-modulation rate of the echoes over range: twice the range's second derivative over the wavelength."""
    image = exposure.image
    ranges = image.near_range + np.linspace(0, image.samples_per_burst - 1, 40) * image.range_spacing
    seconds = np.full(40, float(exposure.arc.seconds(time)))
    sight = view.ground(exposure.arc, seconds, ranges, view.FLAT) - exposure.arc.position(seconds)
    speed = (exposure.arc.velocity(seconds) ** 2).sum(-1)
    bend = (speed - (sight * view.acceleration(exposure.arc, seconds)).sum(-1)) / ranges
    delay = 2 * ranges / SPEED_OF_LIGHT - image.slant_range_time
    fitted = np.polynomial.Polynomial.fit(delay, -2 / image.wavelength * bend, 2).convert().coef
    return RangePolynomial(time, image.slant_range_time, tuple(float(f"{value:.15e}") for value in fitted))


def _seen(flight: Flight, latitude: float, longitude: float) -> tuple[float, float]:
    """Seconds after the node when a place is broadside, and its slant range in m."""
    near = flight.passage.seconds
    seconds, slant_range = view.broadside(flight.arc(near - 20, near + 20), to_ecef(latitude, longitude, 0.0))
    return near + float(seconds), float(slant_range)


def _elevation(flight: Flight, latitude: float, longitude: float) -> float:
    """Angle off nadir at which a place is seen, degrees."""
    near = flight.passage.seconds
    arc = flight.arc(near - 20, near + 20)
    target = to_ecef(latitude, longitude, 0.0)
    return float(view.incidence(arc, view.broadside(arc, target)[0], target)[1])


def _range_at(flight: Flight, moment: float, elevation: float) -> float:
    """Slant range to the ellipsoid at an angle off nadir, m, on a sphere of the place's radius."""
    position = flight.position(np.array([moment]))[0]
    radius = np.linalg.norm(position) - float(from_ecef(position)[2])
    orbit, angle = np.linalg.norm(position), np.radians(elevation)
    return float(orbit * np.cos(angle) - np.sqrt(radius**2 - (orbit * np.sin(angle)) ** 2))


def _after_node(exposure: Exposure, seconds: float) -> float:
    """Seconds after the node from seconds of the arc."""
    since = (exposure.arc.epoch - exposure.flight.node_time) / np.timedelta64(1, "ns")
    return float(since) * 1e-9 + seconds


def line_indices(number: int, exposure: Exposure, lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number lines of a burst (from 0) through the whole image, so that overlapping bursts share their ground."""
    step = sensor.BURST_STEP - (exposure.swath.lines - exposure.image.lines_per_burst)
    return number * step + lines
