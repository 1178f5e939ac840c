"""One earthquake, listed by several agencies: which rows are the same, and whose numbers are kept."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from epi.catalogue.events.near import neighbours
from epi.errors import ParameterError

PREFERRED = ("usgs", "isc", "emsc")
"""Whose numbers are kept where several agencies list one earthquake, the first of these that does."""

_FROM = "catalogues"  # column: numbers of the catalogues that a row stands for, while they are put together

_FILLED_TOGETHER = (("depth_km",), ("magnitude", "magnitude_type"), ("strike", "dip", "rake"))


def merge_catalogues(
    catalogues: Sequence[pd.DataFrame],
    *,
    preferred: Sequence[str] = PREFERRED,
    seconds: float = 16.0,
    km: float = 100.0,
    magnitudes: float = 1.5,
) -> pd.DataFrame:
    """Put catalogues of several agencies together, each earthquake once.

    Two rows of different catalogues, both earthquakes, are the same one where their times differ by no more than
    ``seconds``, their epicentres by no more than ``km`` and their magnitudes (where both have one) by no more than
    ``magnitudes``. Of several candidates the nearest goes first, in time and distance as parts of their limits, and no
    row is used twice.
    Rows of one catalogue are never joined, whatever agencies they are from: whoever made it told them apart.

    Parameters
    ----------
    catalogues : frames from `read_events` or `fetch_events`.
    preferred : agencies, as the first word of ``source`` names them, in order; catalogues of others follow as given.
    seconds, km, magnitudes : the window. Agencies locate a large earthquake tens of km and some seconds apart, and mb
        and Mw of one earthquake differ by half a unit and more; two earthquakes within 16 s of each other are rare.

    Returns
    -------
    Rows in order of time. The preferred agency's row stays; ``source`` names it first and then what it stands for:
    ``usgs:us7000df40; same:isc:620117843``. Where it lacks depth, magnitude or mechanism, the other's are taken and
    ``source`` says so: ``depth_km:isc:620117843``.
    """
    if min(seconds, km, magnitudes) < 0:
        raise ParameterError("A window of less than nothing joins nothing: give 0 or more.")
    if not catalogues:
        raise ParameterError("No catalogue to merge: give at least one.")
    rank = {agency: place for place, agency in enumerate(preferred)}
    parts = _by_agency(catalogues)
    parts.sort(key=lambda part: rank.get(part[0], len(rank)))  # stable: the others stay as given
    if not parts:
        return catalogues[0].copy()
    merged = parts[0][1]
    for _, part in parts[1:]:
        merged = _joined(merged, part, seconds=seconds, km=km, magnitudes=magnitudes)
    return merged.drop(columns=_FROM).sort_values("time", kind="stable", ignore_index=True)


def _by_agency(catalogues: Sequence[pd.DataFrame]) -> list[tuple[str, pd.DataFrame]]:
    """Split catalogues by the agency that each row comes from; each row keeps the number of its catalogue."""
    parts = []
    for number, events in enumerate(catalogues):
        numbered = events.assign(**{_FROM: pd.Series([{number}] * len(events), index=events.index, dtype=object)})
        agencies = numbered.groupby(events["source"].str.split(":").str[0], sort=False)
        parts += [(str(agency), rows.reset_index(drop=True)) for agency, rows in agencies]
    return parts


def _joined(kept: pd.DataFrame, new: pd.DataFrame, *, seconds: float, km: float, magnitudes: float) -> pd.DataFrame:
    """Add one agency's rows to those that are kept."""
    near = neighbours(kept, new, seconds=seconds, km=km)
    size = [frame["magnitude"].to_numpy()[rows] for frame, rows in ((kept, near.first), (new, near.second))]
    alike = ~(np.abs(size[0] - size[1]) > magnitudes)  # unknown sizes may be alike
    for frame, rows in ((kept, near.first), (new, near.second)):
        alike &= (frame["kind"] == "earthquake").to_numpy()[rows]
    ends = (kept[_FROM].to_numpy()[near.first], new[_FROM].to_numpy()[near.second])
    alike &= np.array([one.isdisjoint(two) for one, two in zip(*ends, strict=True)], bool)
    cost = np.abs(near.seconds) / max(seconds, 1e-9) + near.km / max(km, 1e-9)
    taken: dict[int, int] = {}
    used: set[int] = set()
    for number in np.flatnonzero(alike)[np.argsort(cost[alike], kind="stable")]:
        one, two = int(near.first[number]), int(near.second[number])
        if one not in taken and two not in used:
            taken[one] = two
            used.add(two)
    kept = _filled(kept, new, list(taken), list(taken.values()))
    both = pd.concat([kept, new[~new.index.isin(used)]], ignore_index=True)
    twice = both["event_id"].duplicated()
    both.loc[twice, "event_id"] += "-" + both.loc[twice, "source"].str.split(":").str[0]
    return both


def _filled(kept: pd.DataFrame, new: pd.DataFrame, one: list[int], two: list[int]) -> pd.DataFrame:
    """Record in the kept rows ``one`` that they stand for ``two``, and take from those what they lack."""
    kept, other = kept.copy(), new.iloc[two].set_index(pd.Index(one))
    name = other["source"].str.split(";").str[0]
    kept.loc[one, "source"] += "; same:" + name
    numbers = kept[_FROM].tolist()
    for row, more in zip(one, other[_FROM], strict=True):
        numbers[row] = numbers[row] | more
    kept[_FROM] = numbers
    for columns in _FILLED_TOGETHER:
        lacks = kept.loc[one, columns[0]].isna() & other[columns[0]].notna()
        rows = lacks.index[lacks]
        kept.loc[rows, list(columns)] = other.loc[rows, list(columns)]
        kept.loc[rows, "source"] += f"; {'mechanism' if 'strike' in columns else columns[0]}:" + name[rows]
    return kept
