"""Names of places: the region of an epicentre, and the identifier of an event made of its date and place."""

import re
import unicodedata
import warnings
from functools import cache
from typing import Any

import pandas as pd
from numpy.typing import ArrayLike

from epi.errors import ParameterError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_BEFORE_THE_PLACE = re.compile(
    r"^\d+\s*km\s+[NESW]{1,3}\s+(of\s+)?|^(near|off|offshore|(north|south|east|west)+ of)\s+(the\s+)?", re.I
)


def region_names(latitude: ArrayLike, longitude: ArrayLike) -> list[str]:
    """Flinn-Engdahl region of each place, in the usual spelling of a name.

    Parameters
    ----------
    latitude, longitude : degrees; any latitude from -90 to 90, the poles and the antimeridian included.

    Returns
    -------
    Names such as ``Greece`` or ``Fiji Islands Region``.

    References
    ----------
    Young et al. (1996), Phys. Earth Planet. Inter. 96(4); as implemented in ObsPy.
    """
    places = pd.DataFrame({"latitude": latitude, "longitude": longitude}, dtype=float)
    if not places["latitude"].between(-90, 90).all() or not places["longitude"].between(-360, 360).all():
        raise ParameterError("A place without a latitude from -90 to 90 and a longitude has no region: leave it out.")
    east = (places["longitude"] + 180) % 360 - 180
    table = _flinn_engdahl()
    return [_titled(table.get_region(x, y)) for x, y in zip(east, places["latitude"], strict=True)]


@cache
def _flinn_engdahl() -> Any:  # noqa: ANN401  ObsPy has no types
    with warnings.catch_warnings():  # importing ObsPy warns of the standard library's own changes
        warnings.simplefilter("ignore", DeprecationWarning)
        from obspy.geodetics import FlinnEngdahl  # here, for it takes a second
    return FlinnEngdahl()


def _titled(name: str) -> str:
    """Write ``SOUTHEAST OF LOYALTY ISLANDS`` as ``Southeast of Loyalty Islands``."""
    words = name.title().replace("'S ", "'s ")
    return re.sub(r"\b(Of|The|And)\b", lambda word: word[0].lower(), words[1:]).join([words[0], ""])


def slug(place: str) -> str:
    """Turn a place into the word of an identifier: ``9 km W of Týrnavos, Greece`` becomes ``tyrnavos``."""
    first = _BEFORE_THE_PLACE.sub("", place.strip()).split(",")[0]
    plain = unicodedata.normalize("NFKD", first).encode("ascii", "ignore").decode().lower()
    return "-".join(re.findall(r"[a-z0-9]+", plain.replace("'", ""))) or "somewhere"


def make_ids(times: pd.Series, places: pd.Series) -> pd.Series:
    """Identifiers of events that bring none of their own: date, place and time of day.

    Returns
    -------
    ``20210303-tyrnavos-1016``; with seconds where two of one place fall in a minute, then with a number: only in those
    rare cases does an identifier depend on what else is in the list.
    """
    days, words = times.dt.strftime("%Y%m%d-"), places.map(slug)
    ids = days + words + times.dt.strftime("-%H%M")
    twice = ids.duplicated(keep=False)
    ids = ids.mask(twice, days + words + times.dt.strftime("-%H%M%S"))
    again = ids.groupby(ids).cumcount()
    numbered: pd.Series = ids.mask(again > 0, ids + "-" + (again + 1).astype(str))
    return numbered


def is_id(text: str) -> bool:
    """Say whether a text may name a run folder: letters, digits, points and hyphens, no folder inside another."""
    return _ID.fullmatch(text) is not None
