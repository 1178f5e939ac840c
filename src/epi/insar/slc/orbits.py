"""Where the satellite was: state vectors, and the arc between them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from epi.errors import OrbitError

MARGIN = 60.0  # s of state vectors taken before and after what is asked
DEGREE = 7  # a circle of 6 degrees is met to 0.1 micrometre; more follows the noise of the vectors
FEWEST_VECTORS = 4


@dataclass(frozen=True)
class Arc:
    """A piece of an orbit as a polynomial that a compiled loop can evaluate.

    Position is the sum of ``coefficients[k] (seconds / half)^k`` with seconds counted from ``epoch``, in Earth-fixed m.

    Parameters
    ----------
    epoch : middle of the arc.
    half : half its length in s.
    coefficients : (degree + 1, 3), lowest power first.
    """

    epoch: np.datetime64
    half: float
    coefficients: NDArray[np.float64]

    def seconds(self, times: NDArray[np.datetime64] | np.datetime64) -> NDArray[np.float64]:
        """Seconds since the epoch."""
        return np.asarray((times - self.epoch) / np.timedelta64(1, "ns"), dtype=float) * 1e-9

    def position(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Earth-fixed positions (..., 3) in m."""
        return _evaluate(np.asarray(seconds) / self.half, self.coefficients)

    def velocity(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Earth-fixed velocities (..., 3) in m/s."""
        slope = np.polynomial.polynomial.polyder(self.coefficients) / self.half
        return _evaluate(np.asarray(seconds) / self.half, slope.astype(np.float64))


@dataclass(frozen=True)
class Orbit:
    """State vectors of one passage.

    Parameters
    ----------
    time : (n,) datetime64[ns], increasing, UTC.
    position, velocity : (n, 3) Earth-fixed (ITRF), m and m/s.
    kind : ``annotation``, ``RESORB`` or ``POEORB``.
    source : name of the file they were read from.
    platform : S1A to S1D.
    """

    time: NDArray[np.datetime64]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    kind: str
    source: str
    platform: str = ""

    def arc(self, start: np.datetime64, stop: np.datetime64) -> Arc:
        """Fit positions and velocities around ``start`` to ``stop`` by one polynomial.

        Vectors up to ``MARGIN`` seconds before and after take part, so the arc also serves a few seconds beyond.
        On real restituted vectors the position of one left out is met within 0.7 mm (0.1 mm r.m.s.).

        Parameters
        ----------
        start, stop : first and last zero-Doppler time wanted, UTC.

        Raises
        ------
        OrbitError : the vectors do not cover that time, or are too few.
        """
        first, last = start.astype("datetime64[ns]"), stop.astype("datetime64[ns]")
        if last < first:
            raise OrbitError(f"An arc from {shown(first)} to {shown(last)} runs backward: give the earlier time first.")
        if not self.covers(first, last):
            raise OrbitError(
                f"Orbit {self.source} holds {self._extent()}, not {shown(first)} to {shown(last)}: it is of another "
                "day or passage. Give the orbit file of the image's date, or none to use the annotation's vectors."
            )
        epoch = first + (last - first) // 2
        seconds = (self.time - epoch) / np.timedelta64(1, "ns") * 1e-9
        reach = (last - first) / np.timedelta64(2, "s") + MARGIN
        near = np.abs(seconds) <= reach
        if near.sum() < FEWEST_VECTORS:
            raise OrbitError(
                f"Orbit {self.source} has {near.sum()} state vectors within {MARGIN:.0f} s of {shown(first)} to "
                f"{shown(last)}, and {FEWEST_VECTORS} are needed: give a complete orbit file."
            )
        half = float(np.abs(seconds[near]).max())
        return Arc(epoch, half, _fit(seconds[near] / half, self.position[near], self.velocity[near] * half))

    def covers(self, start: np.datetime64, stop: np.datetime64) -> bool:
        """Whether ``start`` to ``stop`` lies between the first and the last state vector."""
        return bool(self.time.size and self.time[0] <= start and stop <= self.time[-1])

    def _extent(self) -> str:
        """Return what the vectors span, in words."""
        return f"{shown(self.time[0])} to {shown(self.time[-1])}" if self.time.size else "no state vector"


def shown(time: np.datetime64) -> str:
    """A time for a message, to the second."""
    return f"{np.datetime_as_string(time, unit='s')} UTC"


def _fit(place: NDArray[np.float64], position: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the least-squares polynomial through positions and slopes at ``place`` in [-1, 1], lowest power first."""
    power = np.arange(min(DEGREE, 2 * place.size - 3) + 1)
    values = place[:, None] ** power
    slopes = power * place[:, None] ** np.maximum(power - 1, 0)
    system, truth = np.vstack([values, slopes]), np.vstack([position, slope])
    return np.asarray(np.linalg.lstsq(system, truth, rcond=None)[0], dtype=np.float64)


def _evaluate(place: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the polynomial at every place, its three components last."""
    return np.moveaxis(np.polynomial.polynomial.polyval(place, coefficients), 0, -1).astype(np.float64)
