"""Zero-Doppler geometry: which place a pixel shows, and where and how far away another passage saw that place.

A pixel of a focused image is a line, whose time says where the satellite was, and a sample, whose slant range says how
far it saw. The place is on the ground, in the plane broadside of the satellite, at that range.

Times and ranges are used as the annotation gives them, as SNAP does: no correction for the atmosphere, solid-earth
tides, the instrument, or what is left of the flight between sending and receiving. The processor allows for that flight
with one travel time for all three swaths (2926 microseconds one way) and not each sample's own, so a line's time is
early or late by their difference: up to 0.14 lines, 2 m, at the outer edges of IW1 and IW3. ESA's tie points have it.
Between two dates of one track all these are alike and drop out; a place on the map carries them (some metres).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.errors import DemError, ParameterError
from epi.insar.geometry.dem import Bounds, Dem, continuous, shown
from epi.insar.geometry.ellipsoid import from_ecef, to_ecef
from epi.insar.geometry.sight import find_broadside, find_ground, find_level
from epi.insar.slc.annotation import Burst, Image
from epi.insar.slc.orbits import Arc

__all__ = [
    "BurstGeometry",
    "burst_bounds",
    "burst_geometry",
    "from_ecef",
    "incidence_angle",
    "locate_pixels",
    "look_vectors",
    "perpendicular_baseline",
    "to_ecef",
    "zero_doppler",
]

ARC_MARGIN = np.timedelta64(2, "s")  # along-track difference of two passages of one track is milliseconds
Floats = NDArray[np.float64]


def zero_doppler(arc: Arc, points: ArrayLike) -> tuple[Floats, Floats]:
    """When a satellite was broadside of places, and how far from them.

    Parameters
    ----------
    arc : of the satellite.
    points : (n, 3) Earth-fixed positions in m; NaN stays NaN. Fastest where neighbours in the list are close.

    Returns
    -------
    Seconds since the arc's epoch and slant range in m, both (n,); NaN where the moment is outside the arc, which is
    ``arc.half`` seconds long on either side of its epoch.

    References
    ----------
    Curlander & McDonough (1991), Synthetic Aperture Radar, section 8.2.
    """
    array = np.ascontiguousarray(points, dtype=float)
    if array.ndim != 2 or array.shape[1] != 3:
        raise ParameterError(f"points has shape {array.shape}: give (n, 3) Earth-fixed metres.")
    seconds, ranges = find_broadside(np.ascontiguousarray(arc.coefficients), arc.half, array)
    return seconds, ranges


def locate_pixels(
    arc: Arc, seconds: ArrayLike, slant_ranges: ArrayLike, dem: Dem, *, side: str = "right"
) -> tuple[Floats, Floats, Floats]:
    """Which place on the ground each pixel shows.

    Range and Doppler are met exactly, the height of the ground within 0.1 mm. Where the ground folds over itself in
    range (layover) a pixel shows several places: this is the one farthest from the satellite's track.

    Parameters
    ----------
    arc : of the satellite.
    seconds : (rows,) zero-Doppler times of the lines, since the arc's epoch.
    slant_ranges : (cols,) of the samples in m, increasing.
    dem : heights of the ground.
    side : ``"right"`` or ``"left"`` of the flight, where the radar looks.

    Returns
    -------
    Latitude, longitude (degrees) and height (m above WGS84), each (rows, cols); NaN where the DEM has no data or ends.
    """
    points = pixel_points(arc, seconds, slant_ranges, dem, side=side)
    return from_ecef(points)


def pixel_points(arc: Arc, seconds: ArrayLike, slant_ranges: ArrayLike, dem: Dem, *, side: str = "right") -> Floats:
    """Earth-fixed positions (rows, cols, 3) of what :func:`locate_pixels` finds."""
    times, ranges, sign = check_pixels(arc, seconds, slant_ranges, side)
    lowest, highest = dem.extremes()
    points: Floats = find_ground(
        np.ascontiguousarray(arc.coefficients),
        arc.half,
        times,
        ranges,
        dem.heights,
        dem.grid(),
        lowest,
        highest,
        sign,
    )
    return points


def check_pixels(arc: Arc, seconds: ArrayLike, slant_ranges: ArrayLike, side: str) -> tuple[Floats, Floats, float]:
    """Return times, ranges and 1 (right) or -1 (left), or raise where they are not pixels of an image in the arc."""
    times, ranges = np.asarray(seconds, dtype=float), np.asarray(slant_ranges, dtype=float)
    if side not in ("right", "left"):
        raise ParameterError(f"side is {side!r}: give 'right' (Sentinel-1) or 'left'.")
    if times.ndim != 1 or ranges.ndim != 1 or not (np.diff(ranges) > 0).all():
        raise ParameterError("seconds and slant_ranges are one axis each, and slant_ranges increases.")
    if np.abs(times).max(initial=0.0) > arc.half:
        raise ParameterError(f"A line is outside the arc of {arc.half:.1f} s around {arc.epoch}: ask for a longer arc.")
    return times, ranges, 1.0 if side == "right" else -1.0


@dataclass(frozen=True)
class BurstGeometry:
    """Where the pixels of one burst are, and where another image has them.

    Known at nodes; between them everything is to be interpolated linearly. The last node may be outside the burst.

    Parameters
    ----------
    lines, samples : (rows,), (cols,) of the nodes, from 0 at the burst's first line and sample, evenly spaced.
    latitude, longitude, height : (rows, cols), degrees and m above WGS84.
    secondary_line, secondary_sample : (rows, cols) in pixels from the secondary burst's first line and sample.
    range_difference : slant range of the secondary less that of the reference, m.
    """

    lines: NDArray[np.int64]
    samples: NDArray[np.int64]
    latitude: Floats
    longitude: Floats
    height: Floats
    secondary_line: Floats
    secondary_sample: Floats
    range_difference: Floats


def burst_geometry(
    reference: Image,
    reference_burst: Burst,
    secondary: Image,
    secondary_burst: Burst,
    dem: Dem,
    *,
    line_step: int,
    sample_step: int,
    lines: tuple[int, int] | None = None,
    samples: tuple[int, int] | None = None,
) -> BurstGeometry:
    """Geometry of a burst and of the same ground in another image, at every few pixels.

    Parameters
    ----------
    reference, reference_burst : whose pixels are located.
    secondary, secondary_burst : where they are looked for.
    dem : heights of the ground; must hold the burst.
    line_step, sample_step : pixels between nodes. On 30 m mountains (mean slope 13 degrees) linear interpolation
        between nodes every 4 x 8 is good to 0.0001 px, and leaves 0.004 rad of phase (r.m.s.) for every 10 m of
        perpendicular baseline; 2 x 4 leaves 0.0014 rad, and hills (3 degrees) 0.0007 and 0.0002 rad.
    lines, samples : first and one past the last pixel wanted; default the whole burst.

    Raises
    ------
    DemError : the DEM does not cover the burst.
    """
    rows = _nodes(lines or (0, reference.lines_per_burst), line_step)
    columns = _nodes(samples or (0, reference.samples_per_burst), sample_step)
    arc = burst_arc(reference, reference_burst)
    times = line_seconds(arc, reference, reference_burst, rows)
    ranges = reference.near_range + columns * reference.range_spacing
    points = pixel_points(arc, times, ranges, dem)
    _require_cover(points, dem, reference, reference_burst)
    other = burst_arc(secondary, secondary_burst)
    seconds, distance = (found.reshape(points.shape[:2]) for found in zero_doppler(other, points.reshape(-1, 3)))
    start = line_seconds(other, secondary, secondary_burst, np.zeros(1))[0]
    latitude, longitude, height = from_ecef(points)
    return BurstGeometry(
        lines=rows,
        samples=columns,
        latitude=latitude,
        longitude=longitude,
        height=height,
        secondary_line=(seconds - start) / secondary.azimuth_time_interval,
        secondary_sample=(distance - secondary.near_range) / secondary.range_spacing,
        range_difference=distance - ranges,
    )


def line_seconds(arc: Arc, image: Image, burst: Burst, lines: ArrayLike) -> Floats:
    """Zero-Doppler times of a burst's lines, in seconds since the arc's epoch."""
    start = float(arc.seconds(burst.azimuth_time))
    times: Floats = start + np.asarray(lines, dtype=float) * image.azimuth_time_interval
    return times


def burst_bounds(image: Image, burst: Burst, *, heights: tuple[float, float] = (-500.0, 9000.0)) -> Bounds:
    """West, south, east, north (degrees) that hold a burst wherever its ground is between two heights (m).

    The longitudes are continuous: east passes 180 where the burst crosses the antimeridian. Read the DEM for these.
    """
    arc = burst_arc(image, burst)
    seconds = line_seconds(arc, image, burst, np.linspace(0, image.lines_per_burst - 1, 9))
    ranges = image.near_range + image.range_spacing * np.linspace(0, image.samples_per_burst - 1, 33)
    points = np.stack(
        [find_level(np.ascontiguousarray(arc.coefficients), arc.half, seconds, ranges, h) for h in heights]
    )
    latitude, longitude, _ = from_ecef(points)
    longitude = longitude.flat[0] + (longitude - longitude.flat[0] + 180) % 360 - 180
    edge = 0.005  # degrees, for the curve of an edge, nodes just beyond it, and a step of the DEM
    wide = edge / math.cos(math.radians(float(np.abs(latitude).max())))
    return continuous(
        (
            float(longitude.min()) - wide,
            float(latitude.min()) - edge,
            float(longitude.max()) + wide,
            float(latitude.max()) + edge,
        )
    )


def look_vectors(arc: Arc, seconds: ArrayLike, points: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """East, north and up components of the unit vectors from places to the satellite.

    Parameters
    ----------
    arc : of the satellite.
    seconds : (...) when it was broadside, since the arc's epoch.
    points : (..., 3) Earth-fixed positions in m; NaN stays NaN.
    """
    array = np.asarray(points, dtype=float)
    sight = arc.position(np.asarray(seconds, dtype=float)) - array
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    latitude, longitude, _ = (np.deg2rad(value) for value in from_ecef(array))
    x, y, z = np.moveaxis(sight, -1, 0)
    outward = np.cos(longitude) * x + np.sin(longitude) * y
    east = np.cos(longitude) * y - np.sin(longitude) * x
    return (
        east,
        np.cos(latitude) * z - np.sin(latitude) * outward,
        np.cos(latitude) * outward + np.sin(latitude) * z,
    )


def incidence_angle(arc: Arc, seconds: ArrayLike, points: ArrayLike) -> Floats:
    """Angle (degrees) between line of sight and the ellipsoid's normal; parameters as :func:`look_vectors`."""
    up = look_vectors(arc, seconds, points)[2]
    angle: Floats = np.rad2deg(np.arccos(up))
    return angle


def perpendicular_baseline(reference: Arc, secondary: Arc, points: ArrayLike) -> Floats:
    """Distance of two orbits perpendicular to the flight and to the line of sight, as places see it.

    Parameters
    ----------
    reference, secondary : arcs of both dates.
    points : (..., 3) Earth-fixed positions in m.

    Returns
    -------
    (...) metres, positive where the secondary flies above the reference's line of sight (the sign of
    :func:`epi.catalogue.images.baseline.perpendicular_baseline`); NaN where an arc does not reach.

    References
    ----------
    Bamler & Hartl (1998), Inverse Problems 14(4), section 4.
    """
    array = np.asarray(points, dtype=float)
    flat = array.reshape(-1, 3)
    (first_seconds, _), (second_seconds, _) = zero_doppler(reference, flat), zero_doppler(secondary, flat)
    first, second = reference.position(first_seconds), secondary.position(second_seconds)
    flight = reference.velocity(first_seconds)
    normal = np.cross(flight, flat - first)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    normal *= np.sign(np.sum(normal * first, axis=-1, keepdims=True))
    baseline: Floats = np.sum((second - first) * normal, axis=-1)
    return baseline.reshape(array.shape[:-1])


def _nodes(span: tuple[int, int], step: int) -> NDArray[np.int64]:
    """Return evenly spaced pixels from the first wanted to the last or just beyond."""
    first, stop = span
    if step < 1 or stop - first < 1:
        raise ParameterError(f"Nodes every {step} pixels from {first} to {stop}: both must be at least 1 pixel.")
    count = -(-(stop - 1 - first) // step) + 1
    return first + step * np.arange(max(count, 2), dtype=np.int64)


def burst_arc(image: Image, burst: Burst) -> Arc:
    """Return the arc that covers a burst."""
    length = np.timedelta64(round(image.lines_per_burst * image.azimuth_time_interval * 1e9), "ns")
    return image.orbit.arc(burst.azimuth_time - ARC_MARGIN, burst.azimuth_time + length + ARC_MARGIN)


def _require_cover(points: Floats, dem: Dem, image: Image, burst: Burst) -> None:
    """Raise where pixels have no place because the DEM ends or has a hole."""
    missing = float(np.isnan(points[..., 0]).mean())
    if missing:
        bounds = burst_bounds(image, burst, heights=dem.extremes())
        raise DemError(
            f"The DEM {dem.source} covers {shown(dem.bounds)} and has no height for {missing:.1%} of burst "
            f"{burst.number} of {image.subswath}, which needs {shown(bounds)}: give a DEM that covers "
            "it, or none to fetch one."
        )
