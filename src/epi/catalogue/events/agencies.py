"""Catalogues as agencies answer them: the FDSN event services, through ObsPy, and the answers kept from them."""

import hashlib
import json
import re
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from epi.catalogue.events.event import utc
from epi.catalogue.events.forms import no_events
from epi.catalogue.events.read import read_events
from epi.catalogue.kept import FRESH_DAYS, age
from epi.errors import ArchiveError, FileFormatError, ParameterError
from epi.settings import settings
from epi.storage import atomic_path

AGENCIES = ("usgs", "isc", "emsc")
"""Agencies whose event service ObsPy knows by name."""

MIN_MAGNITUDE = 4.0
"""Smallest magnitude asked of a service where none is stated: less moves the ground by less than radar sees."""

_ATTEMPTS = 3
_FIRST_WAIT_S = 2.0
_SHORTEST_SPAN = pd.Timedelta("1h")  # a request too large is halved down to this
_EDGES = ("minlongitude", "minlatitude", "maxlongitude", "maxlatitude")

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
    max_depth_km : greatest depth.
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
    _client_name(agency)
    boxes = _halves(box)
    question: dict[str, Any] = {"agency": agency, "since": start.isoformat(), "min_magnitude": min_magnitude}
    question |= {"until": None if until is None else end.isoformat(), "box": box, "max_depth_km": max_depth_km}
    folder = _folder(agency, question)
    kept = _kept(folder)
    if kept and not refresh and pd.Timestamp.now("UTC") - kept.asked < pd.Timedelta(days=FRESH_DAYS):
        return kept
    try:
        asking = _Asking(agency, timeout_s, progress)
        limits = {"minmagnitude": min_magnitude} | ({} if max_depth_km is None else {"maxdepth": max_depth_km})
        places = [{} if part is None else dict(zip(_EDGES, part, strict=True)) for part in boxes]
        return _keep(folder, [text for place in places for text in asking.span(start, end, limits | place)], question)
    except (ArchiveError, FileFormatError) as error:
        if kept is None:
            raise ArchiveError(f"{error} {_instead(folder)}") from error
        warnings.warn(f"{error} Its answer {kept.age()} is used.", stacklevel=2)
        return kept


def _client_name(agency: str) -> str:
    """Return what ObsPy calls a service."""
    if agency.lower() in AGENCIES:
        return agency.upper()
    if agency.startswith(("http://", "https://")):
        return agency.removesuffix("/").removesuffix("/query").removesuffix("/fdsnws/event/1")
    raise ParameterError(f"No agency {agency!r}: give {', '.join(AGENCIES)}, a file, or an FDSN service's address.")


class _TooMuch(Exception):  # noqa: N818
    """The service gives less at once than it was asked for."""


class _Later(Exception):  # noqa: N818
    """The service may answer if it is asked again."""


class _Asking:
    """One conversation with a service."""

    def __init__(self, agency: str, timeout_s: float, progress: Callable[[str], None]) -> None:
        with warnings.catch_warnings():  # importing ObsPy warns of the standard library's own changes
            warnings.simplefilter("ignore", DeprecationWarning)
            from obspy import UTCDateTime
            from obspy.clients import fdsn  # here, for ObsPy takes a second
        self.agency, self.progress, self.errors, self.time = agency, progress, fdsn.header, UTCDateTime
        # without discovery: it would ask for three descriptions before the one question
        self.client = fdsn.Client(_client_name(agency), timeout=timeout_s, _discover_services=False)

    def span(self, start: pd.Timestamp, end: pd.Timestamp, limits: dict[str, float]) -> list[bytes]:
        """Ask for a span of time, in halves where it holds more than the service gives at once."""
        try:
            return self._patiently(start, end, limits)
        except _TooMuch as error:
            if end - start < _SHORTEST_SPAN:
                raise ArchiveError(f"{self.agency} does not give one hour at once: {error}.") from error
        self.progress(f"{self.agency}: too many events at once, asking in halves")
        middle = (start + (end - start) / 2).floor("s")
        return self.span(start, middle, limits) + self.span(middle, end, limits)  # one on the seam comes twice

    def _patiently(self, start: pd.Timestamp, end: pd.Timestamp, limits: dict[str, float]) -> list[bytes]:
        """Ask until there is an answer, or a reason why there is none."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                wait = _FIRST_WAIT_S * 2 ** (attempt - 1)
                self.progress(f"{self.agency}: {reason}; asking again in {wait:g} s")
                time.sleep(wait)
            try:
                return self._once(start, end, limits)
            except _Later as error:
                reason = str(error)
        raise ArchiveError(f"{self.agency} does not answer ({reason}; asked {_ATTEMPTS} times).")

    def _once(self, start: pd.Timestamp, end: pd.Timestamp, limits: dict[str, float]) -> list[bytes]:
        """Ask once; nothing found is an empty list."""
        errors, answer = self.errors, BytesIO()
        try:
            times = {"starttime": self.time(start.isoformat()), "endtime": self.time(end.isoformat())}
            self.client.get_events(**times, **limits, orderby="time-asc", filename=answer)
        except errors.FDSNNoDataException:
            return []
        except (errors.FDSNException, OSError, HTTPException) as error:
            raise self._stated(error) from error
        text = answer.getvalue()
        if text.strip() and b"quakeml" not in text[:2000].lower():
            raise ArchiveError(f"{self.agency} answers with something else than QuakeML: {text[:60]!r}.")
        return [text] if text.strip() else []

    def _stated(self, error: Exception) -> Exception:
        """Say of a failure whether it is a refusal, too large a question, or one to be tried again."""
        errors, said = self.errors, _first_line(error)
        if isinstance(error, errors.FDSNRequestTooLargeException):
            return _TooMuch(said)
        if isinstance(error, errors.FDSNBadRequestException) and "limit" in str(error):
            return _TooMuch(said)
        refusals = ("BadRequest", "Unauthorized", "Forbidden", "NotImplemented")
        if isinstance(error, tuple(getattr(errors, f"FDSN{name}Exception") for name in refusals)):
            return ArchiveError(f"{self.agency} refuses the question: {said}.")
        if "HTTP code: 404" in str(error):
            return ArchiveError(f"{self.agency} has no FDSN event service at its address (404).")
        return _Later(said)


def _first_line(error: Exception) -> str:
    """Return what a service says, in one short line."""
    if network := re.search(r"<urlopen error (?:\[.*?\] )?(.*?)>", str(error)):
        return network[1]
    text, _, detail = str(error).partition("Detailed response of server:")
    lines = (detail if detail.strip() else text).split("\n")
    return " ".join(" ".join(lines).split())[:200].rstrip(".") or type(error).__name__


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
    return settings().cache.expanduser() / "events" / f"{name}-{question['since'][:10]}-{key}"


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
        "Without it, read a recorded answer or an export (QuakeML, GeoJSON, CSV) with epi events --source FILE "
        f"({here}), or the shipped catalogue with epi events."
    )
