"""Earthquakes as rows of one table: read, find."""

from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from epi.catalogue.events.event import COLUMNS, KINDS, Event, identifiers, utc
from epi.catalogue.events.forms import read_form
from epi.errors import UnknownEvent
from epi.settings import settings

__all__ = ["COLUMNS", "EVENTS_FILE", "KINDS", "Event", "find_event", "read_events", "utc"]

EVENTS_FILE = "events.csv"
"""Name of the shipped catalogue inside the data folder."""


def read_events(path: str | Path | None = None) -> pd.DataFrame:
    """Read a catalogue of events.

    Parameters
    ----------
    path : the shipped catalogue by default; else a file in any of these forms, known by what it holds:

        * our own CSV, with the columns `COLUMNS`;
        * a CSV export or the GeoJSON of the USGS, the text form of FDSN event services, QuakeML (through ObsPy);
        * the published table (CSV or parquet): index, description, time, latitude, longitude, depth, magnitude,
          magnitude_type, image_ids_before, image_ids_after; the last two are kept behind `COLUMNS`.

    Returns
    -------
    One row an event, in order of time; ``time`` is UTC, unknown numbers are NaN. Events of others get an ``event_id``
    of date, place and time of day, their own identifier in ``source``, and a Flinn-Engdahl region where no place is
    named; explosions and eruptions are left out, with a warning that counts them.

    Depths of the published form are in metres where one of them is beyond 800 (no earthquake is that many km deep),
    else in km; those of the other forms have the unit of their standard. A time without a zone is UTC: the archives'
    forms say so by definition; in our own and in the published form a warning says that it was assumed.

    Raises
    ------
    FileFormatError : the file is missing or in no known form, or a cell is impossible: named by file, line and column.
    """
    return read_form(settings().data / EVENTS_FILE if path is None else Path(path))


def find_event(event_id: str, events: pd.DataFrame | None = None) -> Event:
    """Find one event by its id, or by what an agency calls it.

    Parameters
    ----------
    event_id : as in the first column, such as ``20210303-thessaly``; or an agency's identifier that ``source`` names,
        such as ``us7000df40`` or ``usgs:us7000df40``: of the earthquake, where landslides it set off name it too.
    events : a frame from `read_events`; the shipped catalogue by default.

    Raises
    ------
    UnknownEvent : no such id; the message names the closest ones.
    """
    table = read_events() if events is None else events
    rows = table[table["event_id"] == event_id]
    if rows.empty:
        rows = table[[event_id in identifiers(str(source)) for source in table["source"]]]
        rows = rows.sort_values("kind", key=lambda kinds: kinds != "earthquake", kind="stable")
    if rows.empty:
        names = [str(name) for name in table["event_id"]]
        places = {name.split("-", 1)[-1]: name for name in names}
        near = get_close_matches(event_id, names, n=3, cutoff=0.5)
        near += [places[hit] for hit in get_close_matches(event_id, places, n=3, cutoff=0.5) if places[hit] not in near]
        known = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
        advice = f"Did you mean {' or '.join(near)}?" if near else f"Known: {known}."
        raise UnknownEvent(
            f"No event {event_id!r} among {len(names)} in the catalogue. {advice} List them: epi events."
        )
    return Event.from_dict({str(name): value for name, value in rows.iloc[0].to_dict().items()})


_MOST_NAMED = 8
"""How many events an error names where none is like the one asked for."""
