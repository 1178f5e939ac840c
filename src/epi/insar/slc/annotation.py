"""What the annotation of one Sentinel-1 IW SLC image says: timing, bursts, Doppler, orbit.

Times are ``numpy.datetime64[ns]`` in UTC as the annotation writes them. Slant-range times are two-way, in seconds.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from epi.insar.slc.orbits import Orbit

SPEED_OF_LIGHT = 299_792_458.0  # m/s

# Burst identifiers, S1-TN-MDA-52-7445 (Level 1 Detailed Algorithm Definition), section 9.25; s
BEAM_CYCLE = 2.758273
PREAMBLE = 2.299849
NOMINAL_ORBIT = 12 * 86400 / 175
MIDDLE_OF_CYCLE = {"IW1": 1.371, "IW2": 0.539, "IW3": -0.539}  # from a burst's first echo to the middle of IW2's


@dataclass(frozen=True)
class RangePolynomial:
    """A quantity over slant range at one azimuth time: sum of ``coefficients[k] (tau - t0)^k``.

    Parameters
    ----------
    azimuth_time : when it holds, zero-Doppler time.
    t0 : two-way slant-range time of its origin, s.
    coefficients : lowest power first; Hz/s^k for a Doppler centroid, Hz/s/s^k for a frequency-modulation rate.
    """

    azimuth_time: np.datetime64
    t0: float
    coefficients: tuple[float, ...]

    def __call__(self, tau: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evaluate at two-way slant-range times in seconds."""
        values: NDArray[np.float64] = np.polynomial.polynomial.polyval(tau - self.t0, np.array(self.coefficients))
        return values


@dataclass(frozen=True)
class Burst:
    """One burst of an image.

    Parameters
    ----------
    number : place in the image, from 1.
    azimuth_time : zero-Doppler time of its first line.
    sensing_time : when its first echo was received.
    anx_seconds : time of its first line since the ascending node.
    burst_id : ESA's relative burst number over the 175-orbit cycle, computed where an older annotation has none.
    byte_offset : where its first line begins in the measurement file.
    first_line, last_line, first_sample, last_sample : the rectangle valid in every line, inclusive, from 0.
    """

    number: int
    azimuth_time: np.datetime64
    sensing_time: np.datetime64
    anx_seconds: float
    burst_id: int
    byte_offset: int
    first_line: int
    last_line: int
    first_sample: int
    last_sample: int


@dataclass(frozen=True)
class GeolocationGrid:
    """The annotation's tie points, each field (rows, columns).

    Parameters
    ----------
    azimuth_time, slant_range_time : zero-Doppler time, UTC; two-way, s.
    line, pixel : in the measurement file, from 0.
    latitude, longitude, height : WGS84 degrees and m.
    incidence_angle : at the ellipsoid, degrees.
    """

    azimuth_time: NDArray[np.datetime64]
    slant_range_time: NDArray[np.float64]
    line: NDArray[np.int64]
    pixel: NDArray[np.int64]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    height: NDArray[np.float64]
    incidence_angle: NDArray[np.float64]

    def rows(self, chosen: NDArray[np.bool_], first_line: int) -> "GeolocationGrid":
        """Return some rows, their lines counted from ``first_line``."""
        kept = {entry.name: getattr(self, entry.name)[chosen] for entry in fields(self)}
        return GeolocationGrid(**kept | {"line": kept["line"] - first_line})


@dataclass(frozen=True)
class Image:
    """One SLC image: a subswath in one polarisation, as its annotation describes it.

    Parameters
    ----------
    product : name of the SAFE product, without ``.SAFE``.
    platform : S1A to S1D.
    subswath, polarisation : IW1-3; VV, VH, HH or HV.
    direction : ``ascending`` or ``descending``.
    orbit_number, track : absolute and relative orbit.
    radar_frequency : Hz.
    range_sampling_rate : Hz.
    slant_range_time : two-way, of the first sample, s.
    azimuth_time_interval : seconds between lines.
    azimuth_steering_rate : of the antenna beam during a burst, rad/s.
    pulse_repetition_frequency : of the raw data, Hz.
    range_bandwidth, azimuth_bandwidth : processed, Hz; range_window, azimuth_window : Hamming coefficients.
    lines_per_burst, samples_per_burst : shape of every burst.
    bursts : in order of time.
    fm_rates, doppler_centroids : azimuth frequency-modulation rates; Doppler centroids from the data; by time.
    orbit : the state vectors in use (the annotation's until a precise orbit replaces them).
    grid : geolocation grid.
    measurement : what to open for the pixels, as rasterio takes it (a path, or ``/vsizip/…``).
    md5 : of that file, as the manifest states it; empty where it does not.
    """

    product: str
    platform: str
    subswath: str
    polarisation: str
    direction: str
    orbit_number: int
    track: int
    radar_frequency: float
    range_sampling_rate: float
    slant_range_time: float
    azimuth_time_interval: float
    azimuth_steering_rate: float
    pulse_repetition_frequency: float
    range_bandwidth: float
    azimuth_bandwidth: float
    range_window: float
    azimuth_window: float
    lines_per_burst: int
    samples_per_burst: int
    bursts: tuple[Burst, ...]
    fm_rates: tuple[RangePolynomial, ...]
    doppler_centroids: tuple[RangePolynomial, ...]
    orbit: Orbit
    grid: GeolocationGrid = field(repr=False)
    measurement: str
    md5: str = ""

    @property
    def wavelength(self) -> float:
        """Radar wavelength in metres."""
        return SPEED_OF_LIGHT / self.radar_frequency

    @property
    def range_spacing(self) -> float:
        """Slant-range distance between samples in metres."""
        return SPEED_OF_LIGHT / (2 * self.range_sampling_rate)

    @property
    def start(self) -> np.datetime64:
        """Zero-Doppler time of the first line."""
        return self.bursts[0].azimuth_time

    @property
    def stop(self) -> np.datetime64:
        """Zero-Doppler time of the last line."""
        return self.bursts[-1].azimuth_time + _nanoseconds((self.lines_per_burst - 1) * self.azimuth_time_interval)

    @property
    def near_range(self) -> float:
        """Slant range of the first sample in metres."""
        return SPEED_OF_LIGHT / 2 * self.slant_range_time


def burst_identifier(anx_seconds: float, *, track: int, subswath: str) -> int:
    """Return ESA's relative burst number, the same for the same piece of ground on every passage.

    Parameters
    ----------
    anx_seconds : from the ascending node of orbit ``track`` to the burst's first echo (its sensing time).
    track : relative orbit, 1 to 175.
    subswath : IW1, IW2 or IW3.

    References
    ----------
    S1-TN-MDA-52-7445, Sentinel-1 Level 1 Detailed Algorithm Definition, equations 9-89 to 9-91.
    """
    since_cycle_start = anx_seconds + MIDDLE_OF_CYCLE[subswath] + (track - 1) * NOMINAL_ORBIT
    return 1 + int(np.floor((since_cycle_start - PREAMBLE) / BEAM_CYCLE))


def _nanoseconds(seconds: float) -> np.timedelta64:
    """Return a duration to the nanosecond."""
    return np.timedelta64(round(seconds * 1e9), "ns")
