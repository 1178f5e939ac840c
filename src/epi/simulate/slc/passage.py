"""The flight of a simulated passage: the calendar's orbit in metres, moved aside by a chosen baseline."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.catalogue.events.read import Event, utc
from epi.catalogue.images.scenes import ORBITS_PER_CYCLE
from epi.catalogue.pairs.match import match_pairs
from epi.errors import ParameterError
from epi.insar.geometry.ellipsoid import to_ecef
from epi.insar.slc.orbits import Arc, Orbit
from epi.simulate import acquisitions
from epi.simulate.acquisitions import Passage

STATE_VECTOR_SECONDS = 10.0

_LATE = 0.37  # s by which the second flight of a pair is behind the calendar

_FIRST_CYCLE = {"S1A": 36041, "S1B": 24970}
"""Absolute orbit on the calendar's track 94 in its cycle 0 (track = (orbit - 73) mod 175 + 1, and 27 for S1B)."""

_DEGREE = 11  # of the polynomial over half a minute: exact to a nanometre


@dataclass(frozen=True)
class Flight:
    """One satellite on one passage.

    Parameters
    ----------
    platform : S1A or S1B.
    passage : track and moment of the place.
    cycle : number of the 12-day cycle of the calendar.
    late : seconds by which it flies behind the calendar.
    right_m, up_m : how far it is moved off the calendar's orbit, to the right of the flight and up, where the place is
        broadside.
    right_rate, up_rate : how fast it goes on moving off, m/s.
    """

    platform: str
    passage: Passage
    cycle: int
    late: float = 0.0
    right_m: float = 0.0
    up_m: float = 0.0
    right_rate: float = 0.0
    up_rate: float = 0.0

    @property
    def time(self) -> pd.Timestamp:
        """When the place is broadside."""
        return acquisitions.passage_time(self.platform, self.passage, self.cycle) + pd.Timedelta(seconds=self.late)

    @property
    def node_time(self) -> np.datetime64:
        """When it crossed the equator going north; seconds of the flight count from there."""
        nanoseconds = self.time.as_unit("ns").value - round(self.passage.seconds * 1e9)
        return np.datetime64(nanoseconds // 1000 * 1000, "ns")

    @property
    def orbit_number(self) -> int:
        """Absolute orbit number, consistent with the track."""
        revolutions = self.passage.track - acquisitions.NODE_TRACK
        return _FIRST_CYCLE[self.platform] + revolutions + ORBITS_PER_CYCLE * self.cycle

    def position(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Earth-fixed positions (n, 3) in m at seconds after the node."""
        up, _, right = acquisitions.flight_axes(self.passage.track, seconds)
        centre = 1000 * acquisitions.satellite_position(self.passage.track, seconds)
        since = (seconds - self.passage.seconds)[:, None]
        aside, above = self.right_m + self.right_rate * since, self.up_m + self.up_rate * since
        return np.asarray(centre + aside * right + above * up)

    def velocity(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Earth-fixed velocities (n, 3) in m/s."""
        step = 0.5  # s: the error of this five-point slope is below a nanometre a second
        near = self.position(seconds + step) - self.position(seconds - step)
        far = self.position(seconds + 2 * step) - self.position(seconds - 2 * step)
        return np.asarray((8 * near - far) / (12 * step))

    def arc(self, start: float, stop: float) -> Arc:
        """The flight from ``start`` to ``stop`` seconds after the node as one polynomial, epoch in the middle."""
        middle, half = (start + stop) / 2, (stop - start) / 2
        unit = np.cos(np.pi * (np.arange(2 * _DEGREE) + 0.5) / (2 * _DEGREE))
        coefficients = np.polynomial.polynomial.polyfit(unit, self.position(middle + half * unit), _DEGREE)
        epoch = self.node_time + np.timedelta64(round(middle * 1e9), "ns")
        return Arc(epoch, half, np.asarray(coefficients, dtype=np.float64))

    def orbit(self, start: float, stop: float) -> Orbit:
        """State vectors every 10 s that reach a minute beyond ``start`` and ``stop``."""
        first = np.floor(start / STATE_VECTOR_SECONDS) - 6
        last = np.ceil(stop / STATE_VECTOR_SECONDS) + 6
        seconds = STATE_VECTOR_SECONDS * np.arange(first, last + 1)
        times = self.node_time + np.round(seconds * 1e9).astype("timedelta64[ns]")
        return Orbit(times, self.position(seconds), self.velocity(seconds), "annotation", "simulated")

    def aside(self, latitude: float, longitude: float, *, perpendicular_m: float, parallel_m: float) -> "Flight":
        """The same flight, moved by a baseline as seen from a place (see `epi.catalogue.images.baseline`).

        Parameters
        ----------
        latitude, longitude : degrees.
        perpendicular_m : across the line of sight, positive up.
        parallel_m : along the line of sight, positive toward the ground.
        """
        target = to_ecef(latitude, longitude, 0.0)
        moment = np.array([self.passage.seconds])
        position, velocity = self.position(moment)[0], self.velocity(moment)[0]
        sight = (target - position) / np.linalg.norm(target - position)
        normal = np.cross(velocity / np.linalg.norm(velocity), sight)
        normal *= np.sign(normal @ position)
        shift = perpendicular_m * normal + parallel_m * sight
        up, _, right = acquisitions.flight_axes(self.passage.track, moment)
        return replace(self, right_m=self.right_m + float(shift @ right[0]), up_m=self.up_m + float(shift @ up[0]))


def flight_on(platform: str, passage: Passage, day: pd.Timestamp) -> Flight:
    """The flight of a satellite over a place nearest to a day.

    Parameters
    ----------
    platform : S1A or S1B.
    passage : over the place.
    day : any time of that day, UTC.
    """
    cycle = round((day - acquisitions.passage_time(platform, passage, 0)) / acquisitions.CYCLE)
    return Flight(platform, passage, cycle)


def pair_flights(
    event: Event,
    *,
    baseline_m: float,
    parallel_m: float,
    drift: tuple[float, float] = (0.0, 0.0),
    track: int | None = None,
    dates: tuple[str, str] | None = None,
) -> tuple[Flight, Flight]:
    """The two flights of a pair over an earthquake, the earlier first.

    Parameters
    ----------
    event : from the catalogue.
    baseline_m, parallel_m : of the second flight, across and along the line of sight at the epicentre.
    drift : m/s at which the second flight moves off to the right of the first and up.
    track, dates : of the pair (days of the two images); default the best pair of the calendar.

    Raises
    ------
    ParameterError : the track does not see the epicentre, no satellite flies it on those days, or they are not in
        order.
    """
    seen = {passage.track: passage for passage in acquisitions.passages(event.latitude, event.longitude)}
    scenes = acquisitions.candidate_scenes(event)
    pairs = [pair for pair in match_pairs(event, scenes).pairs if track in (None, pair.reference.track)]
    chosen = track if track is not None or not pairs else pairs[0].reference.track
    if chosen not in seen:
        raise ParameterError(
            f"Track {chosen} does not see {event.event_id} ({event.latitude:.2f} N {event.longitude:.2f} E): "
            f"choose one of {', '.join(map(str, sorted(seen)))}."
        )
    if dates is None and not pairs:
        raise ParameterError(f"No pair of track {chosen} brackets {event.event_id}: give dates=(before, after).")
    days = [pd.Timestamp(day) for day in dates] if dates else [pairs[0].reference.start, pairs[0].secondary.start]
    first, second = (_flight_of_day(seen[chosen], day) for day in days)
    if first.node_time >= second.node_time:
        raise ParameterError(f"The dates {days[0]:%Y-%m-%d} and {days[1]:%Y-%m-%d} are not in order: earlier first.")
    late = replace(second, late=_LATE, right_rate=drift[0], up_rate=drift[1])
    return first, late.aside(event.latitude, event.longitude, perpendicular_m=baseline_m, parallel_m=parallel_m)


def _flight_of_day(passage: Passage, day: pd.Timestamp) -> Flight:
    """The flight on a passage on a day, of whichever satellite passes then."""
    noon = utc(day).normalize() + pd.Timedelta(hours=12)
    flights = [flight_on(platform, passage, noon) for platform in acquisitions.IN_SERVICE]
    nearest = min(flights, key=lambda flight: abs(flight.time - noon))
    if abs(nearest.time - noon) > pd.Timedelta(hours=13):
        raise ParameterError(
            f"No satellite flies track {passage.track} on {day:%Y-%m-%d}: the nearest day is {nearest.time:%Y-%m-%d}."
        )
    return nearest
