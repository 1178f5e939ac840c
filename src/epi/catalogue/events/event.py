"""What an earthquake, a landslide or a quiet window is: one row, its columns, its time."""

import math
import re
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Self

import pandas as pd

KINDS = ("earthquake", "landslide", "quiet")
"""What a row may describe; ``quiet`` is a place and time where nothing happened."""

NUMBERS = ("latitude", "longitude", "depth_km", "magnitude", "strike", "dip", "rake")
"""Columns that hold a number, NaN where it is unknown."""


_ABOUT = ("mechanism", "trigger", "place", "until", "published", "geonames", "depth_km", "magnitude")
"""Parts of a ``source`` that say where one of the facts is from, and not what the event is called."""

_LAST_DAY = re.compile(r"(?:^|;)\s*until:\s*([^;]*)")


@dataclass(frozen=True)
class Event:
    """One row of the catalogue.

    Parameters
    ----------
    event_id : date and place, such as ``20210303-thessaly``; also the name of its run folder.
    kind : one of `KINDS`.
    time : origin time, UTC; where only the day is known, the start of that day.
    latitude, longitude : epicentre in degrees, WGS84, north and east positive.
    depth_km : depth of the hypocentre in km, positive down.
    magnitude, magnitude_type : size and its scale (``mb``, ``mw``, ``mww``); two scales differ by half a unit at times.
    place : a name for people.
    strike, dip, rake : one nodal plane in degrees (Aki & Richards: dip to the right of strike); NaN where unknown.
    source : where the facts come from, separated by ``;`` (``usgs:us7000df40`` is an event id of the USGS;
        ``until:2019-08-09`` is the last day, UTC, of what has no instant).
    """

    event_id: str
    kind: str
    time: pd.Timestamp
    latitude: float
    longitude: float
    depth_km: float
    magnitude: float
    magnitude_type: str
    place: str
    strike: float
    dip: float
    rake: float
    source: str

    @property
    def end(self) -> pd.Timestamp:
        """When it was over: at once, or at the end of the last day where ``source`` names one."""
        day = last_day(self.source)
        return self.time if day is None else max(self.time, day + pd.Timedelta(days=1))

    @property
    def noun(self) -> str:
        """What a sentence calls it: an earthquake, or else an event."""
        return "earthquake" if self.kind == "earthquake" else "event"

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them: ISO time, null where a number is unknown."""
        row = asdict(self) | {"time": self.time.isoformat()}
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Rebuild an event from `to_dict` or from one row of the catalogue frame."""
        values = {name: row[name] for name in COLUMNS}
        values |= {name: math.nan if values[name] is None else float(values[name]) for name in NUMBERS}
        values["time"] = utc(values["time"])
        return cls(**values)


COLUMNS = tuple(field.name for field in fields(Event))
"""Columns of the catalogue, in order: the fields of `Event`."""


def utc(time: str | pd.Timestamp) -> pd.Timestamp:
    """Return a time as a UTC timestamp; a time without a zone is taken as UTC, as archives write it."""
    stamp = pd.Timestamp(time)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")


def identifiers(source: str) -> set[str]:
    """Return what agencies call an event, as its ``source`` tells: with the agency before it, and without."""
    parts = [part.strip().removeprefix("same:") for part in source.split(";")]
    named = {part for part in parts if ":" in part and part.partition(":")[0] not in _ABOUT}
    return named | {part.partition(":")[2] for part in named}


@cache
def last_day(source: str) -> pd.Timestamp | None:
    """Return the day, UTC, that a ``source`` names as the last, or None.

    Raises
    ------
    ValueError : what stands behind ``until:`` is no day.
    """
    found = _LAST_DAY.search(source)
    return None if found is None else pd.to_datetime(found[1].strip(), format="%Y-%m-%d", utc=True)
