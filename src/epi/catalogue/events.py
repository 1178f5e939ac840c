"""Earthquakes as rows of one table: read, filter, find."""

import math
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

import pandas as pd

from epi.errors import FileFormatError, ParameterError, UnknownEvent
from epi.settings import settings

KINDS = ("earthquake", "landslide", "quiet")
"""What a row may describe; ``quiet`` is a place and time where nothing happened."""

EVENTS_FILE = "events.csv"
"""Name of the shipped catalogue inside the data folder."""

_NUMBERS = ("latitude", "longitude", "depth_km", "magnitude", "strike", "dip", "rake")


@dataclass(frozen=True)
class Event:
    """One row of the catalogue.

    Parameters
    ----------
    event_id : date and place, such as ``20210303-thessaly``; also the name of its run folder.
    kind : one of `KINDS`.
    time : origin time, UTC.
    latitude, longitude : epicentre in degrees, WGS84, north and east positive.
    depth_km : depth of the hypocentre in km, positive down.
    magnitude, magnitude_type : size and its scale (``mb``, ``mw``, ``mww``); two scales differ by half a unit at times.
    place : a name for people.
    strike, dip, rake : one nodal plane in degrees (Aki & Richards: dip to the right of strike); NaN where unknown.
    source : where the facts come from, separated by ``;`` (``usgs:us7000df40`` is an event id of the USGS).
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON can hold them: ISO time, null where a number is unknown."""
        row = asdict(self) | {"time": self.time.isoformat()}
        return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}

    @classmethod
    def from_dict(cls, row: dict[str, Any]) -> Self:
        """Rebuild an event from `to_dict` or from one row of the catalogue frame."""
        values = {name: row[name] for name in COLUMNS}
        values |= {name: math.nan if values[name] is None else float(values[name]) for name in _NUMBERS}
        values["time"] = utc(values["time"])
        return cls(**values)


COLUMNS = tuple(field.name for field in fields(Event))
"""Columns of the catalogue, in order: the fields of `Event`."""


def utc(time: str | pd.Timestamp) -> pd.Timestamp:
    """Return a time as a UTC timestamp; a time without a zone is taken as UTC, as archives write it."""
    stamp = pd.Timestamp(time)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")


def read_events(path: str | Path | None = None) -> pd.DataFrame:
    """Read a catalogue of events.

    Parameters
    ----------
    path : a CSV file with the columns `COLUMNS`; the shipped catalogue by default.

    Returns
    -------
    One row an event, in order of time; ``time`` is UTC, unknown numbers are NaN.

    Raises
    ------
    FileFormatError : the file is missing or no such table, or a row is impossible (position, time, kind, an id twice).
    """
    file = settings().data / EVENTS_FILE if path is None else Path(path)
    try:
        events = pd.read_csv(file)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileFormatError(
            f"No catalogue at {file}: give a CSV file with the columns {', '.join(COLUMNS)}."
        ) from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise FileFormatError(
            f"{file} is not a CSV table: {str(error).splitlines()[0]}. Write it with commas."
        ) from error
    missing = [name for name in COLUMNS if name not in events]
    if missing:
        raise FileFormatError(f"{file} lacks the columns {', '.join(missing)}: a catalogue has {', '.join(COLUMNS)}.")
    try:
        events["time"] = pd.to_datetime(events["time"], utc=True, format="ISO8601")
        events = events.astype(dict.fromkeys(_NUMBERS, float))
    except ValueError as error:
        raise FileFormatError(f"{file} holds a value that is no time or number: {error}. Mend that row.") from error
    _check_rows(events, file)
    return events[list(COLUMNS)].sort_values("time", ignore_index=True)


def _check_rows(events: pd.DataFrame, file: Path) -> None:
    wrong = {
        "a latitude outside -90 to 90": ~events["latitude"].between(-90, 90),
        "a longitude outside -180 to 180": ~events["longitude"].between(-180, 180),
        "no time": events["time"].isna(),
        f"a kind other than {', '.join(KINDS)}": ~events["kind"].isin(KINDS),
        "an event_id used twice": events["event_id"].duplicated(),
    }
    for fault, rows in wrong.items():
        if rows.any():
            raise FileFormatError(f"{file} has {fault} at event {events.loc[rows, 'event_id'].iloc[0]}: mend that row.")


def select_events(
    events: pd.DataFrame,
    *,
    min_magnitude: float | None = None,
    max_depth_km: float | None = None,
    box: tuple[float, float, float, float] | None = None,
    since: str | pd.Timestamp | None = None,
    until: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """Keep the events that pass every filter given.

    Parameters
    ----------
    events : a frame from `read_events`.
    min_magnitude, max_depth_km : limits, both included; the magnitude is compared as it stands, whatever its scale.
    box : west, south, east, north in degrees; west may exceed east where the box crosses the antimeridian.
    since, until : UTC times, both included.

    Raises
    ------
    ParameterError : a box whose south is not below its north, or beyond a pole.
    """
    keep = pd.Series(data=True, index=events.index)
    if min_magnitude is not None:
        keep &= events["magnitude"] >= min_magnitude
    if max_depth_km is not None:
        keep &= events["depth_km"] <= max_depth_km
    if box is not None:
        west, south, east, north = box
        if not -90 <= south < north <= 90:
            raise ParameterError(
                f"A box from {south:g} to {north:g} degrees north holds nothing: give west, south, east, north."
            )
        width = 360.0 if east - west >= 360 else (east - west) % 360
        keep &= events["latitude"].between(south, north) & ((events["longitude"] - west) % 360 <= width)
    if since is not None:
        keep &= events["time"] >= utc(since)
    if until is not None:
        keep &= events["time"] <= utc(until)
    return events[keep].reset_index(drop=True)


def find_event(event_id: str, events: pd.DataFrame | None = None) -> Event:
    """Find one event by its id.

    Parameters
    ----------
    event_id : as in the first column, such as ``20210303-thessaly``.
    events : a frame from `read_events`; the shipped catalogue by default.

    Raises
    ------
    UnknownEvent : no such id; the message names the closest ones.
    """
    table = read_events() if events is None else events
    rows = table[table["event_id"] == event_id]
    if rows.empty:
        names = [str(name) for name in table["event_id"]]
        places = {name.split("-", 1)[-1]: name for name in names}
        near = get_close_matches(event_id, names, n=3, cutoff=0.5)
        near += [places[hit] for hit in get_close_matches(event_id, places, n=3, cutoff=0.5) if places[hit] not in near]
        advice = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(names)}."
        raise UnknownEvent(
            f"No event {event_id!r} among {len(names)} in the catalogue. {advice} List them: epi events."
        )
    return Event.from_dict({str(name): value for name, value in rows.iloc[0].to_dict().items()})
