"""An earthquake by its name, wherever it is listed: in the shipped catalogue, a file, or an agency's."""

from collections.abc import Callable
from pathlib import Path

from epi.catalogue.events.agencies import fetch_event
from epi.catalogue.events.event import Event
from epi.catalogue.events.read import find_event, read_events
from epi.catalogue.events.service import is_service
from epi.errors import UnknownEvent


def look_up(
    name: str, catalogue: str | Path | None = None, *, progress: Callable[[str], None] = lambda _: None
) -> tuple[Event, Path | None]:
    """Find an earthquake, and the file that lists it.

    Parameters
    ----------
    name : an ``event_id``, or an agency's identifier such as ``us7000df40``.
    catalogue : None for the shipped one; a file as `read_events` takes it; or an agency or the address of its service,
        which is asked for this one earthquake.
    progress : told what an agency is asked.

    Returns
    -------
    The event, and the file it was read from: of an agency, its answer as it is kept; None for the shipped catalogue.

    Raises
    ------
    UnknownEvent : it is not listed there.
    FileFormatError, ArchiveError, ParameterError : as `read_events` and `fetch_event`.
    """
    if catalogue is None:
        try:
            return find_event(name), None
        except UnknownEvent as error:
            raise UnknownEvent(f"{error} One of another catalogue: --catalogue FILE|usgs|isc|emsc.") from None
    if not is_service(str(catalogue)):
        return find_event(name, read_events(catalogue)), Path(catalogue)
    answer = fetch_event(str(catalogue), name, progress=progress)
    progress(f"{catalogue}: {len(answer.events)} events, {answer.age()}")
    if answer.events.empty:
        raise UnknownEvent(f"{catalogue} lists no earthquake {name!r}: epi events --source {catalogue} lists its own.")
    only = str(answer.events["event_id"].iloc[0])  # an agency may know it by another identifier than the one asked for
    for file in answer.files:
        events = read_events(file)
        wanted = only if len(answer.events) == 1 else name
        if wanted in set(events["event_id"]) or len(answer.files) == 1:
            return find_event(wanted, events), file
    raise UnknownEvent(f"{catalogue} lists no earthquake {name!r} on that day: epi events --source {catalogue}.")
