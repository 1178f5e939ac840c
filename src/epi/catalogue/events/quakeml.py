"""QuakeML: the XML in which seismological services answer, read through ObsPy."""

import re
import warnings
from pathlib import Path
from typing import Any

import pandas as pd

from epi.catalogue.events.cells import Cells
from epi.errors import FileFormatError

_COLUMNS = ["time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type", "place", "type", "source"]
_PLANE = ["strike", "dip", "rake"]
_AGENCIES = {"us": "usgs", "earthquake.usgs.gov": "usgs", "eu.emsc": "emsc", "emsc-csem": "emsc"}


def read_quakeml(file: Path) -> Cells:
    """Read the events of a QuakeML file: each with its preferred origin, magnitude and nodal plane, or its first.

    Parameters
    ----------
    file : QuakeML as services answer it, or as it was saved; depths are metres by that standard, and become km.

    Raises
    ------
    FileFormatError : it is no QuakeML, or an event has no origin.
    """
    with warnings.catch_warnings():  # importing ObsPy warns of the standard library's own changes
        warnings.simplefilter("ignore", DeprecationWarning)
        import obspy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ObsPy warns of every part it does not know
            catalogue = obspy.read_events(str(file), format="QUAKEML")
    except Exception as error:  # lxml, ObsPy and its plugins share no class of error
        reason = " ".join(str(error).split())[:120]
        raise FileFormatError(f"{file} is no QuakeML ({reason}): save the service's answer again.") from error
    rows = []
    for number, event in enumerate(catalogue, 1):
        origin = event.preferred_origin() or next(iter(event.origins), None)
        if origin is None:
            raise FileFormatError(f"{file}, event {number} ({event.resource_id}): no origin. Leave that event out.")
        rows.append(_row(event, origin))
    return Cells(file, pd.DataFrame(rows, columns=_COLUMNS + _PLANE, dtype=str), unit="event")


def _row(event: Any, origin: Any) -> list[str]:  # noqa: ANN401  ObsPy has no types
    """Return one event's cells."""
    size = event.preferred_magnitude() or next(iter(event.magnitudes), None)
    names = {text.type: text.text for text in event.event_descriptions}
    place = names.get("earthquake name") or names.get("Flinn-Engdahl region") or names.get("region name") or ""
    depth = None if origin.depth is None else origin.depth / 1000
    agency, name = _identity(event, origin)
    plane, source = _plane(event), f"{agency}:{name}"
    if plane[0] is not None:
        source += f"; mechanism:{agency}"
    values = (origin.latitude, origin.longitude, depth, size and size.mag, size and size.magnitude_type)
    return [str(origin.time), *map(_cell, values), place, _cell(event.event_type), source, *map(_cell, plane)]


def _plane(event: Any) -> tuple[float | None, float | None, float | None]:  # noqa: ANN401
    """Return strike, dip and rake of the preferred mechanism's first nodal plane."""
    mechanism = event.preferred_focal_mechanism() or next(iter(event.focal_mechanisms), None)
    planes = mechanism and mechanism.nodal_planes
    plane = planes and (planes.nodal_plane_1 or planes.nodal_plane_2)
    return (plane.strike, plane.dip, plane.rake) if plane else (None, None, None)


def _identity(event: Any, origin: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the agency and its own name of an event, from the many ways in which services write them."""
    text = str(event.resource_id)
    named = re.search(r"(?:eventid|evid)=([\w.-]+)", text)
    name = named[1] if named else re.split(r"[/#=]", text.rstrip("/"))[-1]
    authority = re.match(r"(?:quakeml|smi):([^/]+)/", text)
    info = event.creation_info or origin.creation_info
    agency = (authority[1] if authority else (info and info.agency_id) or "quakeml").lower()
    return _AGENCIES.get(agency, agency.removeprefix("www.").split(".")[0]), name


def _cell(value: object) -> str:
    return "" if value is None else str(value)
