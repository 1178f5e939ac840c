"""What a simulated image says about itself before it has a pixel: timing, bursts, Doppler, geolocation."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from epi.insar.geometry.dem import Dem
from epi.insar.geometry.ellipsoid import from_ecef
from epi.insar.slc.annotation import SPEED_OF_LIGHT, Burst, GeolocationGrid, Image, RangePolynomial, burst_identifier
from epi.insar.slc.orbits import Arc
from epi.simulate.slc import sensor, view
from epi.simulate.slc.aim import clear_of_edges, range_window, seen
from epi.simulate.slc.focus import Band, Steering
from epi.simulate.slc.passage import Flight
from epi.simulate.slc.sensor import Subswath

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
    moment, middle_range = seen(flight, latitude, longitude)
    near, width, empty = range_window(flight, swath, moment, middle_range, samples)
    length = (bursts - 1) * step + lines
    delay = swath.delay * step / sensor.BURST_STEP  # shorter cycles bring the subswaths closer together too
    start = clear_of_edges(moment - (length / 2 - delay) * sensor.LINE_SECONDS, swath, flight.passage.track)
    near_time = float(f"{2 * near / SPEED_OF_LIGHT:.15e}")
    return _exposure(flight, swath, start, near_time, (bursts, lines, width), empty, step, polarisation)


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
    empty = (image.bursts[0].first_sample, image.samples_per_burst - 1 - image.bursts[0].last_sample)
    step = sensor.BURST_STEP - (reference.swath.lines - image.lines_per_burst)
    return _exposure(flight, reference.swath, start, image.slant_range_time, shape, empty, step, image.polarisation)


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
    empty: tuple[int, int],
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
        bursts=_bursts(flight, swath, times, lines, (empty[0], samples - 1 - empty[1])),
        fm_rates=(),
        doppler_centroids=(),
        orbit=flight.orbit(start, start + length),
        grid=_NO_GRID,
        measurement="",
    )
    return _with_doppler(Exposure(image, flight, arc, swath), step)


def _bursts(
    flight: Flight, swath: Subswath, times: list[np.datetime64], lines: int, valid: tuple[int, int]
) -> tuple[Burst, ...]:
    """The bursts that begin at given times: their numbers and valid parts, some a few samples narrower.

    The first has the number of its place and the others count on from it, though cropped ones are not a cycle apart.
    Cropped ones keep the empty lines of a whole one.
    """
    after_node = [float((time - flight.node_time) / np.timedelta64(1, "ns")) * 1e-9 for time in times]
    first_id = burst_identifier(after_node[0] + swath.sensing_delay, track=flight.passage.track, subswath=swath.name)
    return tuple(
        Burst(
            number=k + 1,
            azimuth_time=time,
            sensing_time=time + np.timedelta64(round(swath.sensing_delay * 1e9), "ns"),
            anx_seconds=after_node[k],
            burst_id=first_id + k,
            byte_offset=0,
            first_line=swath.first_line,
            last_line=lines - (swath.lines - swath.last_line),
            first_sample=valid[0] + 3 * (k % 3),
            last_sample=valid[1] - 3 * (k % 3),
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


def _after_node(exposure: Exposure, seconds: float) -> float:
    """Seconds after the node from seconds of the arc."""
    since = (exposure.arc.epoch - exposure.flight.node_time) / np.timedelta64(1, "ns")
    return float(since) * 1e-9 + seconds


def line_indices(number: int, exposure: Exposure, lines: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number lines of a burst (from 0) through the whole image, so that overlapping bursts share their ground."""
    step = sensor.BURST_STEP - (exposure.swath.lines - exposure.image.lines_per_burst)
    return number * step + lines
