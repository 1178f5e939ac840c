"""One conversation with an agency's event service (FDSN), through ObsPy: patience, halves, and refusals in words."""

import re
import time
import warnings
from collections.abc import Callable
from http.client import HTTPException
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pandas as pd

from epi.catalogue.online.addresses import shown
from epi.errors import ArchiveError, ParameterError

AGENCIES = ("usgs", "isc", "emsc")
"""Agencies whose event service ObsPy knows by name."""

FIRST_WAIT_S = 2.0
"""Before a service is asked a second time; every further wait is twice as long."""

_ATTEMPTS = 3
_SHORTEST_SPAN = pd.Timedelta("1h")  # a request too large is halved down to this


def is_service(text: str) -> bool:
    """Tell an agency, or the address of a service, from the name of a file."""
    return text.lower() in AGENCIES or "://" in text


def client_name(agency: str) -> str:
    """Return what ObsPy calls a service."""
    if agency.lower() in AGENCIES:
        return agency.upper()
    if "://" not in agency:
        raise ParameterError(f"No agency {agency!r}: give {', '.join(AGENCIES)}, a file, or an FDSN service's address.")
    return _address(agency).removesuffix("/").removesuffix("/query").removesuffix("/fdsnws/event/1")


def _address(text: str) -> str:
    """Return an address that may be asked and shown: of the web, and with nothing in it that could be a secret."""
    try:
        parts, plain = urlsplit(text), shown(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:  # nothing of it is shown: what cannot be taken apart may hold a password
        raise ParameterError("The event service's address is none: give http://HOST or https://HOST, with its port.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ParameterError(
            f"{plain} was given with a login or a query, which would be shown and kept: give the address alone."
        )
    return plain


class _TooMuch(Exception):  # noqa: N818
    """The service gives less at once than it was asked for."""


class _NotThereError(ArchiveError):
    """Nothing is at the address: no service, or no event of that identifier."""


class _Later(Exception):  # noqa: N818
    """The service may answer if it is asked again."""


class Conversation:
    """One conversation with a service."""

    def __init__(self, agency: str, timeout_s: float, progress: Callable[[str], None]) -> None:
        with warnings.catch_warnings():  # importing ObsPy warns of the standard library's own changes
            warnings.simplefilter("ignore", DeprecationWarning)
            from obspy import UTCDateTime
            from obspy.clients import fdsn  # here, for ObsPy takes a second
        self.agency, self.progress, self.errors, self.time = agency, progress, fdsn.header, UTCDateTime
        # without discovery: it would ask for three descriptions before the one question
        self.client = fdsn.Client(client_name(agency), timeout=timeout_s, _discover_services=False)

    def span(self, start: pd.Timestamp, end: pd.Timestamp, limits: dict[str, float]) -> list[bytes]:
        """Ask for a span of time, in halves where it holds more than the service gives at once."""
        try:
            times = {"starttime": self.time(start.isoformat()), "endtime": self.time(end.isoformat())}
            return self._patiently(times | limits | {"orderby": "time-asc"})
        except _TooMuch as error:
            if end - start < _SHORTEST_SPAN:
                raise ArchiveError(f"{self.agency} does not give one hour at once: {error}.") from error
        self.progress(f"{self.agency}: too many events at once, asking in halves")
        middle = (start + (end - start) / 2).floor("s")
        return self.span(start, middle, limits) + self.span(middle, end, limits)  # one on the seam comes twice

    def named(self, identifier: str) -> list[bytes]:
        """Ask for one event by the agency's own identifier; none is an empty list."""
        try:
            return self._patiently({"eventid": identifier})
        except _NotThereError:
            return []

    def _patiently(self, question: dict[str, Any]) -> list[bytes]:
        """Ask until there is an answer, or a reason why there is none."""
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                wait = FIRST_WAIT_S * 2 ** (attempt - 1)
                self.progress(f"{self.agency}: {reason}; asking again in {wait:g} s")
                time.sleep(wait)
            try:
                return self._once(question)
            except _Later as error:
                reason = str(error)
        raise ArchiveError(f"{self.agency} does not answer ({reason}; asked {_ATTEMPTS} times).")

    def _once(self, question: dict[str, Any]) -> list[bytes]:
        """Ask once; nothing found is an empty list."""
        errors, answer = self.errors, BytesIO()
        try:
            self.client.get_events(**question, filename=answer)
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
            return _NotThereError(f"{self.agency} has no FDSN event service at its address (404).")
        return _Later(said)


def _first_line(error: Exception) -> str:
    """Return what a service says, in one short line."""
    if network := re.search(r"<urlopen error (?:\[.*?\] )?(.*?)>", str(error)):
        return network[1]
    text, _, detail = str(error).partition("Detailed response of server:")
    lines = (detail if detail.strip() else text).split("\n")
    return " ".join(" ".join(lines).split())[:200].rstrip(".") or type(error).__name__
