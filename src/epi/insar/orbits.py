"""Where the satellite was: state vectors, from the annotation or an orbit file, and the arc between them.

An annotation carries the vectors its processor knew. ESA then publishes restituted orbits (RESORB, within hours,
10 cm) and precise ones (POEORB, after 20 days, 5 cm) as Earth Explorer ``.EOF`` files.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from epi.errors import FileFormatError, OrbitError
from epi.storage import make_folder

if TYPE_CHECKING:
    from epi.insar.annotation import Image

Kind = Literal["POEORB", "RESORB"]

MARGIN = 60.0  # s of state vectors taken before and after what is asked
DEGREE = 7  # a circle of 6 degrees is met to 0.1 micrometre; more follows the noise of the vectors
FEWEST_VECTORS = 4
_COLUMNS = ("X", "Y", "Z", "VX", "VY", "VZ")


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


def read_orbit_file(path: str | Path) -> Orbit:
    """Read a POEORB or RESORB file.

    Parameters
    ----------
    path : an Earth Explorer ``.EOF`` file in Earth-fixed coordinates and UTC.

    Returns
    -------
    Its state vectors; ``kind`` is the file's type.

    Raises
    ------
    FileFormatError : missing, truncated, of another type or frame, or without state vectors.

    References
    ----------
    Sentinels POD team, Sentinel-1 Precise Orbit Determination File Format Specification, GMES-GSEG-EOPG-FS-10-0075.
    """
    source = Path(path)
    try:
        root = ET.parse(source).getroot()
    except FileNotFoundError as error:
        raise FileFormatError(f"No orbit file {source}: check the path, relative to {Path.cwd()}.") from error
    except (OSError, ET.ParseError) as error:
        raise FileFormatError(
            f"{source} is not a readable orbit file ({error}): it may be truncated; download it again."
        ) from error
    kind = re.search("POEORB|RESORB", root.findtext(".//{*}File_Type") or "")
    frame = root.findtext(".//{*}Ref_Frame")
    if kind is None or frame != "EARTH_FIXED":
        raise FileFormatError(
            f"{source} holds {root.findtext('.//{*}File_Type') or 'no orbit'} in frame {frame}: "
            "give a Sentinel-1 AUX_POEORB or AUX_RESORB file."
        )
    try:
        time, position, velocity = _vectors(root)
    except (TypeError, ValueError) as error:
        raise FileFormatError(f"{source} has an incomplete state vector ({error}): download it again.") from error
    if time.size == 0 or (np.diff(time) <= np.timedelta64(0)).any():
        raise FileFormatError(f"{source} has no state vectors in order of time: download it again.")
    mission = root.findtext(".//{*}Mission") or ""
    return Orbit(time, position, velocity, kind[0], source.name, f"S1{mission[-1:]}")


def with_orbit(image: "Image", path: str | Path) -> "Image":
    """Return the image with the state vectors of an orbit file in place of its own.

    Parameters
    ----------
    image : whose platform and time the file must fit.
    path : a POEORB or RESORB file.

    Raises
    ------
    OrbitError : the file is of another satellite, or does not cover the image.
    FileFormatError : it is not such a file.
    """
    orbit = read_orbit_file(path)
    if orbit.platform != image.platform:
        raise OrbitError(
            f"Orbit file {orbit.source} is of {orbit.platform}, {image.product} of {image.platform}: "
            "give the orbit file of that satellite."
        )
    orbit.arc(image.start, image.stop)
    return replace(image, orbit=orbit)


def find_orbit(image: "Image", folder: str | Path) -> Path | None:
    """Return the best orbit file in a folder for an image by the names: precise before restituted, the newest first.

    Parameters
    ----------
    image : to be covered, a minute before and after included where possible.
    folder : searched for ``.EOF`` files, not its subfolders.
    """
    pattern = re.compile(rf"{image.platform}_OPER_AUX_(POEORB|RESORB)_OPOD_(\w+)_V(\d+T\d+)_(\d+T\d+)\.EOF")
    covering = [
        (match[1] == "POEORB", match[2], path)
        for path in Path(folder).glob("*.EOF")
        if (match := pattern.fullmatch(path.name))
        and _moment(match[3]) <= image.start
        and image.stop <= _moment(match[4])
    ]
    return max(covering)[2] if covering else None


def fetch_orbit(image: "Image", folder: str | Path, *, kind: Kind = "POEORB") -> Path:
    """Return an orbit file for an image from a folder, downloaded into it by sentineleof where it is not there yet.

    Parameters
    ----------
    image : to be covered.
    folder : where orbit files are kept.
    kind : ``POEORB`` (from 20 days after the image) or ``RESORB`` (from a few hours after). A POEORB file already in
        the folder serves for either.

    Raises
    ------
    OrbitError : the archives cannot be reached, or have no such file yet.
    """
    found = find_orbit(image, folder)
    if found is not None and kind in {"RESORB", found.name[13:19]}:
        return found
    from eof.download import download_eofs

    remedy = (
        f"Put an {image.platform}_OPER_AUX_{kind} file that covers {shown(image.start)} into {folder} by hand "
        "(https://s1-orbits.s3.amazonaws.com), or go on with the annotation's vectors."
    )
    middle = (image.start + (image.stop - image.start) // 2).astype("datetime64[us]").item()
    try:
        download_eofs(
            [middle],
            [image.platform],
            save_dir=str(make_folder(folder)),
            orbit_type="precise" if kind == "POEORB" else "restituted",
        )
    except (OSError, ValueError) as error:  # requests' errors are OSErrors
        reason = str(error).partition("\n")[0]
        raise OrbitError(f"No {kind} for {image.product}: the archives failed ({reason}). {remedy}") from error
    found = find_orbit(image, folder)
    if found is None:
        raise OrbitError(f"The archives have no {kind} for {image.product} yet. {remedy}")
    return found


def _moment(text: str) -> np.datetime64:
    """Return the time of a file name, as 20220918T053155."""
    return np.datetime64(f"{text[:4]}-{text[4:6]}-{text[6:8]}T{text[9:11]}:{text[11:13]}:{text[13:15]}", "ns")


def _vectors(root: ET.Element) -> tuple[NDArray[np.datetime64], NDArray[np.float64], NDArray[np.float64]]:
    """Return times, positions and velocities of an orbit file."""
    vectors = root.findall(".//{*}OSV")
    values = [[float(vector.findtext(f"{{*}}{name}") or "") for name in _COLUMNS] for vector in vectors]
    table = np.array(values, dtype=float).reshape(-1, 6)
    times = [(vector.findtext("{*}UTC") or "").removeprefix("UTC=") for vector in vectors]
    return np.array(times, dtype="datetime64[ns]"), table[:, :3], table[:, 3:]


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
