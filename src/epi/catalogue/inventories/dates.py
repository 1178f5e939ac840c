"""When the ground slid: dates found in an inventory's columns, and held against the days of two images."""

import warnings
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from epi.catalogue.inventories.inventory import Inventory
from epi.catalogue.inventories.shapes import kinds
from epi.errors import InventoryError, ParameterError

COLUMNS = (
    *(
        "event_date",
        "eventdate",
        "ev_date",
        "date",
        "event_time",
        "datetime",
        "date_time",
        "time",
        "timestamp",
        "begin",
    ),
    *("occurrence", "occurred", "ls_date", "slide_date", "landslide_date", "landslide_"),
)
"""Names of columns of dates, in any case and in the order in which they are tried; shapefiles cut names at ten."""

FORMS = (
    "ISO8601",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d",
    "%d %b %Y",
    "%d-%b-%Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
"""Forms that can be read in one way only: 01/02/2018 is not among them."""

LAST = pd.Timedelta(days=1) - pd.Timedelta(microseconds=1)
"""From the beginning of a day to its end."""

Date = str | pd.Timestamp | np.datetime64


def dates_in(frame: pd.DataFrame, *, column: str | None, form: str | None, source: str) -> pd.Series:
    """Return the date of every feature.

    Parameters
    ----------
    frame : the columns of the file.
    column : which holds the dates; None takes the first of ``COLUMNS`` in which any date can be read.
    form : of the dates, as for ``strptime``; None reads ``FORMS``.
    source : for the messages.

    Returns
    -------
    UTC times, NaT where unknown or where nothing can be read; times without a zone are taken as UTC.

    Raises
    ------
    ParameterError : no such column, or one named in which no date can be read.
    """
    undated = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    if column is not None:
        if column not in frame:
            raise ParameterError(f"{source} has no column {column!r}: it has {', '.join(map(str, frame.columns))}.")
        found = _dates(frame[column], form)
        if found.isna().all() and frame[column].notna().any():
            first = frame[column].dropna().iloc[0]
            raise ParameterError(
                f"{source}: no date can be read in column {column}, such as {first!r}: state date_format."
            )
        return found
    named = {str(name).lower(): name for name in frame.columns}
    for name in COLUMNS:
        if name not in named or frame[named[name]].isna().all():
            continue
        if (found := _dates(frame[named[name]], form)).notna().any():
            return found
        first = frame[named[name]].dropna().iloc[0]
        warnings.warn(
            f"{source}: no date can be read in column {named[name]}, such as {first!r}: taken as undated. If these are "
            "dates, state date_format.",
            stacklevel=2,
        )
    return undated


def select_dates(inventory: Inventory, reference: Date, secondary: Date) -> Inventory:
    """Keep the landslides that slid between two images, and those whose date is not known.

    Parameters
    ----------
    inventory : whose dates are compared. A date without a time of day stands for its whole day (UTC).
    reference, secondary : days or times (UTC) of the two images; a day without a time of day is taken whole.

    Returns
    -------
    The landslides that can have slid between the two; the report counts the others as ``other_dates``.

    Raises
    ------
    InventoryError : every landslide is of another date.
    ParameterError : the secondary is before the reference.
    """
    start, end = _first(reference), _last(secondary)
    if not start < end:
        raise ParameterError(f"Nothing is between {reference} and {secondary}: the reference is the earlier image.")
    date = inventory.landslides["date"]
    last = date.where(date != date.dt.normalize(), date + LAST)
    between = date.isna() | ((last >= start) & (date <= end))
    kept = inventory.landslides[between]
    if kept.empty and len(date):
        raise InventoryError(
            f"The {len(date)} landslides of {inventory.source} are of {_span(date)}, and the images of "
            f"{start:%Y-%m-%d} and {end:%Y-%m-%d}: choose the pair that brackets them, or the inventory of its event."
        )
    polygons, points = kinds(kept.geometry.to_numpy())
    counts = {"polygons": polygons, "points": points, "dated": int(kept["date"].notna().sum())}
    other = inventory.report.other_dates + int((~between).sum())
    return replace(inventory, landslides=kept, report=replace(inventory.report, other_dates=other, **counts))


def _dates(values: pd.Series, form: str | None) -> pd.Series:
    """Read a column as UTC times, whatever cannot be read as NaT."""
    found = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
    if pd.api.types.is_datetime64_any_dtype(values):
        return pd.to_datetime(values, utc=True).astype("datetime64[us, UTC]")
    if pd.api.types.is_numeric_dtype(values):
        values = values.where(values.between(19000101, 21001231)).astype("Int64")
    text = values.astype("string").str.strip()
    for each in (form,) if form else FORMS:
        left = found.isna() & text.notna()
        if not left.any():
            break
        read = pd.to_datetime(text[left], format=each, errors="coerce", utc=True)
        found[left] = read.astype("datetime64[us, UTC]")
    return found


def _first(when: Date) -> pd.Timestamp:
    """A time as UTC."""
    try:
        time = pd.Timestamp(when)
    except (ValueError, TypeError) as error:
        raise ParameterError(f"{when!r} is no date: give one like 2018-02-19.") from error
    if pd.isna(time):
        raise ParameterError(f"{when!r} is no date: give one like 2018-02-19.")
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def _last(when: Date) -> pd.Timestamp:
    """A time as UTC, or the end of the day where only the day is known."""
    time = _first(when)
    return time + LAST if time == time.normalize() else time


def _span(dates: Iterable[pd.Timestamp]) -> str:
    """The days that dates span."""
    known = pd.Series(dates).dropna()
    days = sorted({f"{date:%Y-%m-%d}" for date in (known.min(), known.max())})
    return " to ".join(days)
