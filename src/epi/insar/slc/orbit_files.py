"""Orbit files: read, found in a folder, fetched.

An annotation carries the state vectors its processor knew. ESA then publishes restituted orbits (RESORB, within hours,
10 cm) and precise ones (POEORB, after 20 days, 5 cm) as Earth Explorer ``.EOF`` files.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import requests
from numpy.typing import NDArray

from epi.catalogue.online.addresses import why
from epi.catalogue.online.download import download
from epi.catalogue.online.wanted import Wanted
from epi.errors import DownloadError, FileFormatError, OrbitError, StorageError
from epi.insar.slc.annotation import Image
from epi.insar.slc.orbits import Orbit, shown
from epi.storage import make_folder, storage_error

Kind = Literal["POEORB", "RESORB"]

_MARGIN = timedelta(minutes=1)  # before and after an image, that an orbit file is to cover
_UNTIL_PRECISE = np.timedelta64(21, "D")  # POEORB files come 20 days after their day, at noon
_COLUMNS = ("X", "Y", "Z", "VX", "VY", "VZ")


class Timed(Protocol):
    """What an orbit file is looked for: an image, or whatever else has a satellite and a time."""

    @property
    def product(self) -> str:
        """Name, for messages."""

    @property
    def platform(self) -> str:
        """S1A to S1D."""

    @property
    def start(self) -> np.datetime64:
        """First line, UTC."""

    @property
    def stop(self) -> np.datetime64:
        """Last line, UTC."""


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


def with_orbit(image: Image, path: str | Path) -> Image:
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


def find_orbit(image: Timed, folder: str | Path) -> Path | None:
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


def fetch_orbit(image: Timed, folder: str | Path, *, kind: Kind | None = None) -> Path:
    """Return an orbit file for an image from a folder, downloaded into it where it is not there yet.

    Which file of the public archive covers the image is found by sentineleof.

    Parameters
    ----------
    image : to be covered.
    folder : where orbit files are kept.
    kind : ``POEORB`` (from 20 days after the image) or ``RESORB`` (from a few hours after). A POEORB file already in
        the folder serves for either. Default: POEORB, or RESORB where the archives have no POEORB of so new an image.

    Raises
    ------
    OrbitError : the archives cannot be reached, have no such file yet, or answer with something else.
    StorageError : the disk is full or the folder cannot be written.
    """
    new = np.datetime64("now") - image.stop < _UNTIL_PRECISE
    kinds: tuple[Kind, ...] = (kind,) if kind else ("POEORB", "RESORB") if new else ("POEORB",)
    for each in kinds:
        found = _held(image, folder, each) or _fetched(image, make_folder(folder), each)
        if found is not None:
            return found
    raise OrbitError(
        f"The archives have no {' or '.join(kinds)} for {image.product} yet. {_remedy(image, folder, kinds[-1])}"
    )


def _held(image: Timed, folder: str | Path, kind: Kind) -> Path | None:
    """Return the best file in a folder that is of a kind or better."""
    found = find_orbit(image, folder)
    return found if found is not None and kind in {"RESORB", found.name[13:19]} else None


def _fetched(image: Timed, root: Path, kind: Kind) -> Path | None:
    """Download an orbit file into a folder; None where the archives have none."""
    for address in _addresses(image, root, kind):
        path = root / address.rpartition("/")[2]
        try:
            download([Wanted(address, path)])
            read_orbit_file(path)
        except (DownloadError, FileFormatError) as error:
            path.unlink(missing_ok=True)  # an XML that is no orbit must not be found later
            raise _failure(image, root, kind, str(error).rstrip(".")) from error
    return _held(image, root, kind)


def _addresses(image: Timed, root: Path, kind: Kind) -> list[str]:
    """Ask sentineleof which file of the public archive covers an image; none where there is no such file yet."""
    from eof.asf_client import ASFClient

    middle = (image.start + (image.stop - image.start) // 2).astype("datetime64[us]").item()
    orbit_type = "precise" if kind == "POEORB" else "restituted"
    margins = {"margin0": _MARGIN, "margin1": _MARGIN}
    try:
        found = ASFClient().get_download_urls([middle], [image.platform], orbit_type=orbit_type, **margins)
    except (OSError, ValueError, ET.ParseError) as error:  # requests' errors are OSErrors
        if isinstance(error, OSError) and isinstance(stated := storage_error(error, root), StorageError):
            raise stated from error
        known = isinstance(error, requests.RequestException)
        reason = why(error) if known else "what they list cannot be read"
        raise _failure(image, root, kind, reason) from None  # the error's own text may hold an address
    return [address for address in found if kind in address.rpartition("/")[2]]  # it offers another kind instead


def _failure(image: Timed, folder: Path, kind: Kind, reason: str) -> OrbitError:
    remedy = _remedy(image, folder, kind)
    return OrbitError(f"No {kind} for {image.product}: the archives failed ({reason}). {remedy}")


def _remedy(image: Timed, folder: str | Path, kind: Kind) -> str:
    """Return what to do where no orbit file can be had."""
    return (
        f"Put an {image.platform}_OPER_AUX_{kind} file that covers {shown(image.start)} into {folder} by hand "
        "(https://s1-orbits.s3.amazonaws.com), or go on with the annotation's vectors."
    )


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
