"""Radar images: one shape for what every archive says of them, and what a product name says alone."""

import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import shapely
from shapely.geometry import MultiPolygon, Polygon

from epi.catalogue.events.read import utc
from epi.errors import FileFormatError

ORBITS_PER_CYCLE = 175
"""Sentinel-1 flies 175 orbits in 12 days, then repeats its ground track."""

_FIRST_ORBIT = {"S1A": 73, "S1B": 27, "S1C": 172, "S1D": 42}
"""Absolute orbit that is track 1 of a cycle (ESA, SentiWiki, SAR naming convention)."""

_MOVED_ORBIT = {"S1C": (8018, 99)}
"""Last absolute orbit before a satellite was moved along its path (June 2026), and the number that holds after it."""

_POLARISATIONS = {"SV": ("VV",), "SH": ("HH",), "DV": ("VV", "VH"), "DH": ("HH", "HV")}

_NAME = re.compile(
    r"(?P<platform>S1[A-D])_(?P<mode>IW|EW|S[1-6]|WV)_(?P<level>SLC|GRD|RAW|OCN)[FHM_]_[012]S(?P<polarisation>[SD][VH])_"
    r"(?P<start>\d{8}T\d{6})_(?P<stop>\d{8}T\d{6})_(?P<orbit>\d{6})_[0-9A-F]{6}_[0-9A-F]{4}"
)


@dataclass(frozen=True, eq=False)
class OrbitState:
    """Two state vectors that bracket an image, in the Earth-fixed frame.

    Parameters
    ----------
    times : the two UTC times.
    positions, velocities : arrays (2, 3) in m and m/s.
    """

    times: tuple[pd.Timestamp, pd.Timestamp]
    positions: np.ndarray
    velocities: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        vectors = {"positions": self.positions.tolist(), "velocities": self.velocities.tolist()}
        return {"times": [time.isoformat() for time in self.times]} | vectors

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Rebuild from `to_dict`."""
        first, last = (utc(time) for time in row["times"])
        return cls((first, last), np.array(row["positions"], float), np.array(row["velocities"], float))


@dataclass(frozen=True, eq=False)
class Scene:
    """One radar image in an archive.

    Parameters
    ----------
    name : the archive's name; names that start with ``SIM_`` are simulated.
    platform : ``S1A``, ``S1B``, …
    start, stop : first and last line, UTC.
    track : relative orbit, 1 to 175; None where the record does not say.
    frame : the archive's frame number along the track, or None.
    direction : ``ascending``, ``descending`` or None.
    polarisations : such as ``("VV", "VH")``.
    mode, level : ``IW``, ``SLC``; ``BURST`` is one burst of an SLC.
    footprint : longitude, latitude in degrees, or None.
    url, bytes, md5 : where the file is, its size and checksum; empty or None where unknown.
    burst : identity of a burst that repeats (``174_372326_IW3``), else empty.
    version : processor version, else empty.
    state : orbit state vectors, or None.
    node : when the satellite last went north over the equator, UTC; None where the record does not say.
    """

    name: str
    platform: str
    start: pd.Timestamp
    stop: pd.Timestamp
    track: int | None
    frame: int | None
    direction: str | None
    polarisations: tuple[str, ...]
    mode: str
    level: str
    footprint: Polygon | MultiPolygon | None
    url: str = ""
    bytes: int | None = None
    md5: str = ""
    burst: str = ""
    version: str = ""
    state: OrbitState | None = None
    node: pd.Timestamp | None = None

    @property
    def simulated(self) -> bool:
        """True where the image never existed."""
        return self.name.startswith("SIM_")

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold; the footprint as WKT."""
        return {
            "name": self.name,
            "platform": self.platform,
            "start": self.start.isoformat(),
            "stop": self.stop.isoformat(),
            "track": self.track,
            "frame": self.frame,
            "direction": self.direction,
            "polarisations": "+".join(self.polarisations),
            "mode": self.mode,
            "level": self.level,
            "footprint": None if self.footprint is None else shapely.to_wkt(self.footprint, rounding_precision=6),
            "url": self.url,
            "bytes": self.bytes,
            "md5": self.md5,
            "burst": self.burst,
            "version": self.version,
            "node": None if self.node is None else self.node.isoformat(),
            "state": None if self.state is None else self.state.to_dict(),
        }

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Rebuild a scene from `to_dict`, or from a row of a scene table, which has no state vectors."""
        given = {key: value for key, value in row.items() if known(value)}
        footprint = shapely.from_wkt(given["footprint"]) if "footprint" in given else None
        return cls(
            name=given["name"],
            platform=given["platform"],
            start=utc(given["start"]),
            stop=utc(given["stop"]),
            track=integer(given.get("track")),
            frame=integer(given.get("frame")),
            direction=given.get("direction"),
            polarisations=tuple(given.get("polarisations", "").split("+")) if given.get("polarisations") else (),
            mode=given.get("mode", ""),
            level=given.get("level", ""),
            footprint=footprint,
            url=given.get("url", ""),
            bytes=integer(given.get("bytes")),
            md5=given.get("md5", ""),
            burst=given.get("burst", ""),
            version=given.get("version", ""),
            state=OrbitState.from_dict(given["state"]) if "state" in given else None,
            node=utc(given["node"]) if "node" in given else None,
        )


def track_of(platform: str, orbit: int) -> int | None:
    """Return the track (relative orbit, 1 to 175) of an absolute orbit number; None for an unknown platform.

    The number of the orbit is in every product name, so a name alone tells the track.
    """
    first = _FIRST_ORBIT.get(platform)
    last, moved = _MOVED_ORBIT.get(platform, (orbit, first))
    first = moved if orbit > last else first
    return None if first is None else (orbit - first) % ORBITS_PER_CYCLE + 1


def is_product_name(name: str) -> bool:
    """Tell whether a name follows the Sentinel-1 product naming convention."""
    return _NAME.search(name) is not None


def scene_from_name(name: str) -> Scene:
    """Read what a Sentinel-1 product name says: platform, mode, polarisations, times, track; it has no footprint.

    Raises
    ------
    FileFormatError : the name does not follow the convention.
    """
    match = _NAME.search(name)
    if match is None:
        raise FileFormatError(f"{name!r} is not a Sentinel-1 product name such as S1A_IW_SLC__1SDV_20180106T025411_….")
    part = match.groupdict()
    return Scene(
        name=match.group(),
        platform=part["platform"],
        start=utc(part["start"]),
        stop=utc(part["stop"]),
        track=track_of(part["platform"], int(part["orbit"])),
        frame=None,
        direction=None,
        polarisations=_POLARISATIONS[part["polarisation"]],
        mode=part["mode"],
        level=part["level"],
        footprint=None,
    )


def known(value: object) -> bool:
    """Tell a fact from the many ways archives write that they have none."""
    return value is not None and value == value and value not in ("", "None", "NA", "null", "Not provided")


def integer(value: object) -> int | None:
    """Return a number an archive may have written as text, or None where it has none."""
    return int(float(str(value))) if known(value) else None
