"""Where a beam's image begins and ends: the beam that sees a place, its window in range, its bursts' place in time."""

import numpy as np

from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.slc.annotation import BEAM_CYCLE, MIDDLE_OF_CYCLE, NOMINAL_ORBIT, PREAMBLE, SPEED_OF_LIGHT
from epi.simulate.slc import sensor, view
from epi.simulate.slc.passage import Flight
from epi.simulate.slc.sensor import Subswath

_BORDER = 24  # samples left empty on either side of an image that is cropped in range
_CLEAR = 0.02  # of a beam cycle: 55 ms, ten times what real passages begin apart, between a burst and the next number


def choose_subswath(flight: Flight, latitude: float, longitude: float) -> str:
    """The beam that sees a place farthest from its edges."""
    angle = _elevation(flight, latitude, longitude)

    def inside(swath: Subswath) -> float:
        near, far = swath.elevation
        return min(angle - near, far - angle)

    return max(sensor.SUBSWATHS.values(), key=inside).name


def seen(flight: Flight, latitude: float, longitude: float) -> tuple[float, float]:
    """Seconds after the node when a place is broadside, and its slant range in m.

    Parameters
    ----------
    flight : orbit.
    latitude, longitude : degrees.
    """
    near = flight.passage.seconds
    seconds, slant_range = view.broadside(flight.arc(near - 20, near + 20), to_ecef(latitude, longitude, 0.0))
    return near + float(seconds), float(slant_range)


def range_window(
    flight: Flight, swath: Subswath, moment: float, middle: float, samples: int | None
) -> tuple[float, int, tuple[int, int]]:
    """The whole beam, with the empty samples of a real image, or a part that lies in its valid range.

    Parameters
    ----------
    flight : orbit; swath : beam.
    moment : seconds after the node.
    middle : slant range of the place to be in the middle, as far as the beam's edges allow, m.
    samples : of the part; None for the whole beam.

    Returns
    -------
    Slant range of the first sample (m), number of samples, and how many are empty before and after the valid ones.
    """
    spacing = SPEED_OF_LIGHT / (2 * sensor.RANGE_SAMPLING_RATE)
    first, last = (_range_at(flight, moment, angle) for angle in swath.elevation)
    if samples is None:
        return first - swath.empty[0] * spacing, int((last - first) / spacing) + 1 + sum(swath.empty), swath.empty
    border = min(_BORDER, samples // 8)
    nearest, farthest = first - border * spacing, last - (samples - border) * spacing
    return min(max(middle - samples / 2 * spacing, nearest), max(nearest, farthest)), samples, (border, border)


def clear_of_edges(start: float, swath: Subswath, track: int) -> float:
    """Move the start of an image, by 55 ms at most, to where the bursts of another passage have the same numbers.

    Real bursts begin at one place of the cycle after which numbers change, far from its edges, and keep it to a few
    milliseconds.

    Parameters
    ----------
    start : zero-Doppler time of the first line, seconds after the node of orbit ``track``.
    swath : beam.
    track : relative orbit, 1 to 175.
    """
    begins = start + swath.sensing_delay + MIDDLE_OF_CYCLE[swath.name] + (track - 1) * NOMINAL_ORBIT - PREAMBLE
    place = begins / BEAM_CYCLE % 1
    return start + (min(max(place, _CLEAR), 1 - _CLEAR) - place) * BEAM_CYCLE


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
