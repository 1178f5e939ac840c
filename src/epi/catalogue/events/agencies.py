"""Catalogues as agencies answer them, and the answers kept from them."""

import hashlib
import json
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from epi.catalogue.events.event import utc
from epi.catalogue.events.forms import no_events
from epi.catalogue.events.read import read_events
from epi.catalogue.events.service import AGENCIES, Conversation, client_name
from epi.catalogue.kept import FRESH_DAYS, age
from epi.errors import ArchiveError, FileFormatError, ParameterError
from epi.settings import settings
from epi.storage import atomic_path

MIN_MAGNITUDE = 4.0
"""Smallest magnitude asked of a service where none is stated: less moves the ground by less than radar sees."""

_EDGES = ("minlongitude", "minlatitude", "maxlongitude", "maxlatitude")

_MADE_ID = re.compile(r"(\d{8})-[a-z0-9]")  # of an `event_id`, not of 20210303_0000045 as the EMSC has them

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class EventAnswer:
    """What a service said, and when.

    Parameters
    ----------
    events : as `epi.catalogue.read_events` gives them.
    files : the answers as they came, QuakeML; `epi.catalogue.read_events` reads them again.
    asked : when the service was asked.
    live : asked now, and not kept from before.
    """

    events: pd.DataFrame
    files: tuple[Path, ...]
    asked: pd.Timestamp
    live: bool

    def age(self) -> str:
        """Say for people how old the answer is."""
        if self.live:
            return "asked now"
        return f"kept from {self.asked:%Y-%m-%d %H:%M} UTC, {age(self.asked, pd.Timestamp.now('UTC'))} old"


def fetch_events(
    agency: str,
    *,
    since: str | pd.Timestamp,
    until: str | pd.Timestamp | None = None,
    min_magnitude: float = MIN_MAGNITUDE,
    box: Box | None = None,
    min_depth_km: float | None = None,
    max_depth_km: float | None = None,
    refresh: bool = False,
    timeout_s: float = 60.0,
    progress: Callable[[str], None] = lambda _: None,
) -> EventAnswer:
    """Ask an agency for its earthquakes, or take the answer it gave before.

    Parameters
    ----------
    agency : ``usgs``, ``isc``, ``emsc``, or the address of any FDSN event service (``http://…``).
    since, until : UTC; until now by default.
    min_magnitude : smallest magnitude.
    box : west, south, east, north in degrees; a box across the antimeridian is asked for in two halves.
    min_depth_km, max_depth_km : limits.
    refresh : ask even where a fresh answer is kept.
    timeout_s : without a word from the service.
    progress : told what is done.

    Returns
    -------
    The answer. One younger than `FRESH_DAYS` is not asked for again. A service that does not answer is asked three
    times, after longer and longer waits; then an older answer to the same question is taken, and a warning says so.

    Raises
    ------
    ArchiveError : the service does not answer, or refuses, and no answer is kept; the message names what there is.
    ParameterError : a question that has no answer: an end before its beginning, an unknown agency.
    """
    start, end = utc(since), pd.Timestamp.now("UTC").floor("s") if until is None else utc(until)
    if not start < end:
        raise ParameterError(f"From {start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M} is no time: --since comes first.")
    boxes = _halves(box)
    question: dict[str, Any] = {"agency": agency, "since": start.isoformat(), "min_magnitude": min_magnitude}
    question |= {"until": None if until is None else end.isoformat(), "box": box, "max_depth_km": max_depth_km}
    question |= {} if min_depth_km is None else {"min_depth_km": min_depth_km}
    limits = {"minmagnitude": min_magnitude, "mindepth": min_depth_km, "maxdepth": max_depth_km}
    given = {name: limit for name, limit in limits.items() if limit is not None}
    places = [{} if part is None else dict(zip(_EDGES, part, strict=True)) for part in boxes]

    def ask(service: Conversation) -> list[bytes]:
        return [text for place in places for text in service.span(start, end, given | place)]

    return _answer(agency, question, ask, refresh=refresh, timeout_s=timeout_s, progress=progress)


def fetch_event(
    agency: str,
    name: str,
    *,
    refresh: bool = False,
    timeout_s: float = 60.0,
    progress: Callable[[str], None] = lambda _: None,
) -> EventAnswer:
    """Ask an agency for one earthquake, or take the answer it gave before.

    Parameters
    ----------
    agency, refresh, timeout_s, progress : as in `fetch_events`.
    name : the agency's identifier, with or without the agency before it (``usgs:us7000df40``); or an ``event_id`` made
        here of date, place and time, for which all earthquakes of that day are asked for.

    Returns
    -------
    The answer, in which the earthquake may be missing.

    Raises
    ------
    ArchiveError, ParameterError : as `fetch_events`.
    """
    made = _MADE_ID.match(name)
    day = pd.to_datetime(made[1], format="%Y%m%d", utc=True, errors="coerce") if made else pd.NaT
    if not pd.isna(day):
        next_day = day + pd.Timedelta(days=1)
        return fetch_events(agency, since=day, until=next_day, refresh=refresh, timeout_s=timeout_s, progress=progress)
    identifier = name.removeprefix(f"{agency}:")
    question = {"agency": agency, "event": identifier}

    def ask(service: Conversation) -> list[bytes]:
        return service.named(identifier)

    return _answer(agency, question, ask, refresh=refresh, timeout_s=timeout_s, progress=progress)


def _answer(
    agency: str,
    question: dict[str, Any],
    ask: Callable[[Conversation], list[bytes]],
    *,
    refresh: bool,
    timeout_s: float,
    progress: Callable[[str], None],
) -> EventAnswer:
    """Take the fresh answer that is kept, else ask, else take the older one."""
    client_name(agency)
    folder = _folder(agency, question)
    kept = _kept(folder)
    if kept and not refresh and pd.Timestamp.now("UTC") - kept.asked < pd.Timedelta(days=FRESH_DAYS):
        return kept
    try:
        return _keep(folder, ask(Conversation(agency, timeout_s, progress)), question)
    except (ArchiveError, FileFormatError) as error:
        if kept is None:
            raise ArchiveError(f"{error} {_instead(folder)}") from error
        warnings.warn(f"{error} Its answer {kept.age()} is used.", stacklevel=3)
        return kept


def _halves(box: Box | None) -> list[Box | None]:
    """Return a box in parts that do not cross the antimeridian."""
    if box is None:
        return [None]
    west, south, east, north = box
    if not -90 <= south < north <= 90:
        raise ParameterError(
            f"A box from {south:g} to {north:g} degrees north holds nothing: give west, south, east, north."
        )
    if east - west >= 360:
        return [(-180.0, south, 180.0, north)]
    west, east = ((each + 180) % 360 - 180 if abs(each) != 180 else each for each in (west, east))
    return [(west, south, east, north)] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]


def _folder(agency: str, question: dict[str, Any]) -> Path:
    """Return where the answer to a question is kept."""
    name = agency.lower() if agency.lower() in AGENCIES else "service"
    key = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:12]
    about = question["since"][:10] if "since" in question else "event"
    return settings().cache.expanduser() / "events" / f"{name}-{about}-{key}"


def _keep(folder: Path, texts: list[bytes], question: dict[str, Any]) -> EventAnswer:
    """Keep the answers as they came; what was asked, and when, is written last and makes them whole."""
    asked = pd.Timestamp.now("UTC")
    stem = f"{asked:%Y%m%dT%H%M%S%f}"
    files = [folder / f"{stem}-{number:03d}.xml" for number in range(1, len(texts) + 1)]
    for file, text in zip(files, texts, strict=True):
        with atomic_path(file) as path:
            path.write_bytes(text)
    events = _read(files)  # what cannot be read is no answer to keep
    with atomic_path(folder / "question.json") as path:
        facts = {"asked": asked.isoformat(), "files": [file.name for file in files], "question": question}
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    for old in set(folder.glob("*.xml")) - set(files):
        old.unlink(missing_ok=True)
    return EventAnswer(events, tuple(files), asked, live=True)


def _kept(folder: Path) -> EventAnswer | None:
    """Return the answer kept in a folder; None where there is none that can be read."""
    try:
        facts = json.loads((folder / "question.json").read_text(encoding="utf-8"))
        files = tuple(folder / name for name in facts["files"])
        return EventAnswer(_read(list(files)), files, utc(facts["asked"]), live=False)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _read(files: list[Path]) -> pd.DataFrame:
    """Read the parts of an answer; an event on the seam of two is there once."""
    parts = [read_events(file) for file in files]
    events = pd.concat(parts, ignore_index=True) if parts else no_events()
    events = events.drop_duplicates("source", ignore_index=True)
    return events.sort_values("time", kind="stable", ignore_index=True)


def _instead(folder: Path) -> str:
    """Name what can be read without the service."""
    kept = sorted(path.parent.name for path in folder.parent.glob("*/question.json"))
    here = f"kept in {folder.parent}: {', '.join(kept[:5])}" if kept else f"none is kept in {folder.parent} yet"
    return (
        "Without it, read a recorded answer or an export (QuakeML, GeoJSON, CSV) with epi events --source FILE, "
        f"or epi pairs EVENT --catalogue FILE ({here}), or the shipped catalogue with epi events."
    )
