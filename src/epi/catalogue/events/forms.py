"""The forms in which catalogues of earthquakes come, told apart by what they hold, and read into one table."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from epi.catalogue.events.cells import Cells, read_cells
from epi.catalogue.events.event import COLUMNS, KINDS, last_day
from epi.catalogue.events.places import is_id, make_ids, region_names
from epi.errors import FileFormatError, MissingPackage

IMAGE_COLUMNS = ("image_ids_before", "image_ids_after")
"""Columns of the published form that name radar images; they are kept behind `COLUMNS`."""

DEEPEST_KM = 800.0
"""Deeper than any earthquake known (about 740 km): a column of depths that goes beyond it is in metres."""

_PLANE = ("strike", "dip", "rake")
_USGS = {"time", "latitude", "longitude", "depth", "mag", "magType", "id"}
_PUBLISHED = {"time", "latitude", "longitude", "depth", "magnitude", "magnitude_type"}
_FDSN_TEXT = {"EventID", "Time", "Latitude", "Longitude", "Depth/km", "MagType", "Magnitude"}


def read_form(file: Path) -> pd.DataFrame:
    """Read a catalogue in any of the known forms; see `epi.catalogue.read_events`."""
    try:
        with file.open("rb") as stream:
            start = stream.read(512).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileFormatError(
            f"No catalogue at {file}: give a CSV file with the columns {', '.join(COLUMNS)}, or another known form."
        ) from error
    if start.startswith(b"PAR1"):
        return _from_table(_parquet(file))
    if start.startswith((b"{", b"[")):
        return _foreign(_geojson(file))
    if start.startswith(b"<"):
        from epi.catalogue.events.quakeml import read_quakeml  # here, for ObsPy takes a second

        return _foreign(read_quakeml(file))
    if start.startswith(b"#EventID|"):
        return _from_table(read_cells(file, delimiter="|"))
    _refuse_other_tables(file, start)
    return _from_table(read_cells(file))


def _refuse_other_tables(file: Path, start: bytes) -> None:
    """Refuse what calls itself parquet and is none, and a table whose columns are not parted by commas."""
    if file.suffix.lower() in (".parquet", ".pq"):
        raise FileFormatError(f"{file} is no parquet table, though its name says so: write it again.")
    header = start.partition(b"\n")[0]
    for mark, name in ((b";", "semicolons"), (b"\t", "tabs")):
        if mark in header and b"," not in header:
            raise FileFormatError(f"{file} parts its columns by {name}: write it with commas.")


def _from_table(cells: Cells) -> pd.DataFrame:
    """Read a table in the form its columns tell."""
    names = set(cells.table)
    known: tuple[tuple[set[str], Callable[[Cells], pd.DataFrame]], ...] = (
        (set(COLUMNS), _own),
        (_USGS, _usgs),
        (_FDSN_TEXT, _fdsn_text),
        (_PUBLISHED, _published),
    )
    for columns, read in known:
        if columns <= names:
            return read(cells)
    missing = [name for name in COLUMNS if name not in names]
    raise FileFormatError(
        f"{cells.file} lacks the columns {', '.join(missing)}. Exports of the USGS (CSV, GeoJSON), FDSN text, QuakeML "
        "and the published table are known by their own columns."
    )


def _own(cells: Cells) -> pd.DataFrame:
    """Read our own form: nothing is guessed but a zone, and that is said."""
    cells.refuse(~cells.text("event_id").map(is_id), "event_id", "{} cannot name a folder")
    cells.refuse(cells.text("event_id").duplicated(), "event_id", "{} is an event_id used twice")
    cells.refuse(~cells.text("kind").isin(KINDS), "kind", f"{{}} is a kind other than {', '.join(KINDS)}")
    events = _checked(cells)
    cells.refuse(~cells.text("source").map(_ends_well), "source", "{} has an until that is no day such as 2023-05-17")
    size_unknown = cells.text("kind").eq("earthquake") & cells.unknown("magnitude")
    cells.refuse(size_unknown, "magnitude", "an earthquake without a magnitude")
    _warn_without_zone(cells)
    return events


def _warn_without_zone(cells: Cells) -> None:
    """Say which times were taken as UTC though no rule of their form says that they are."""
    bare = cells.without_zone("time")
    if bare.any():
        first = int(np.flatnonzero(bare)[0])
        warnings.warn(
            f"{cells.file}, {cells.unit} {cells.places[first]}, column time: no zone, so taken as UTC "
            f"({int(bare.sum())} such rows). Write a Z behind a time in UTC.",
            stacklevel=3,
        )


def _ends_well(source: str) -> bool:
    """Say whether a source names a day as the last, or none."""
    try:
        last_day(source)
    except ValueError:
        return False
    return True


def _usgs(cells: Cells) -> pd.DataFrame:
    """Read the CSV export of the USGS."""
    return _foreign(_of_the_usgs(cells.renamed({"depth": "depth_km", "mag": "magnitude", "magType": "magnitude_type"})))


def _of_the_usgs(cells: Cells) -> Cells:
    cells.table["source"] = "usgs:" + cells.text("id")
    return cells


def _fdsn_text(cells: Cells) -> pd.DataFrame:
    """Read the text form of the FDSN event services."""
    names = {name: name.lower() for name in ("Time", "Latitude", "Longitude", "Magnitude")}
    cells = cells.renamed(
        names | {"Depth/km": "depth_km", "MagType": "magnitude_type", "EventLocationName": "place", "EventType": "type"}
    )
    agency = cells.text("Catalog").where(cells.text("Catalog") != "", cells.text("Contributor")).str.lower()
    agency = agency.where(agency != "", "fdsn").replace({"us": "usgs", "emsc-rts": "emsc"})
    cells.table["source"] = agency + ":" + cells.text("EventID").str.removeprefix("smi:ISC/evid=")
    return _foreign(cells)


def _published(cells: Cells) -> pd.DataFrame:
    """Read the table published with the thesis: depth in km or in metres, names of the images at the end."""
    cells = cells.renamed({"description": "place", "index": "number"})
    number = cells.text("number").where(~cells.unknown("number"), pd.Series(cells.places).astype(str))
    cells.table["source"] = f"{cells.file.stem}:" + number
    depth = cells.numbers("depth")
    if (depth > DEEPEST_KM).any():
        cells.refuse(
            (depth > 0) & (depth < 100), "depth", f"{{}} is no depth in metres, but others are beyond {DEEPEST_KM:g} km"
        )
        depth = depth / 1000
    cells.table["depth_km"] = depth.astype(str)
    events = _foreign(cells, sort=False)
    _warn_without_zone(cells)
    for name in IMAGE_COLUMNS:
        events[name] = cells.text(name)
    return events.sort_values("time", kind="stable", ignore_index=True)


def _foreign(cells: Cells, *, sort: bool = True) -> pd.DataFrame:
    """Read rows of others, times in UTC by definition: only earthquakes and landslides, with ids made here."""
    kind = cells.text("type").str.lower()
    other = ~kind.isin(["", "earthquake", "landslide"])
    if other.any():
        left = ", ".join(f"{count} {name}" for name, count in kind[other].value_counts().items())
        warnings.warn(f"{cells.file}: {left} left out, being no earthquake.", stacklevel=2)
        cells, kind = cells.where(~other), kind[~other].reset_index(drop=True)
    cells.table["kind"] = kind.where(kind == "landslide", "earthquake")
    cells.table["magnitude_type"] = cells.text("magnitude_type").str.lower()
    events = _checked(cells, sort=False)
    unnamed = events["place"] == ""
    events.loc[unnamed, "place"] = region_names(events.loc[unnamed, "latitude"], events.loc[unnamed, "longitude"])
    events["event_id"] = make_ids(events["time"], events["place"])
    return events.sort_values("time", kind="stable", ignore_index=True) if sort else events


def _checked(cells: Cells, *, sort: bool = True) -> pd.DataFrame:
    """Turn text into the catalogue's columns, refusing what no event can be."""
    for name in ("latitude", "longitude"):
        cells.refuse(cells.unknown(name), name, f"no {name}")
    events = pd.DataFrame(index=cells.table.index)
    for name in ("event_id", "kind", "magnitude_type", "place", "source"):
        events[name] = cells.text(name)
    events["time"] = cells.times("time")
    events["latitude"] = cells.numbers("latitude", low=-90, high=90)
    events["longitude"] = cells.numbers("longitude", low=-180, high=180)
    events["depth_km"] = cells.numbers("depth_km", low=-10, high=DEEPEST_KM)  # above the sea in a mountain: negative
    events["magnitude"] = cells.numbers("magnitude", low=-5, high=10)
    for name, low, high in (("strike", -360, 360), ("dip", 0, 90), ("rake", -360, 360)):
        events[name] = cells.numbers(name, low=low, high=high)
    known = events[list(_PLANE)].notna()
    for name in _PLANE:
        cells.refuse(known.any(axis=1) & ~known[name], name, "a mechanism without its " + name)
    events = events[list(COLUMNS)]
    return events.sort_values("time", kind="stable", ignore_index=True) if sort else events


def _parquet(file: Path) -> Cells:
    """Read the rows of a parquet file as text."""
    try:
        table = pd.read_parquet(file)
    except ImportError as error:
        raise MissingPackage("Parquet needs pyarrow: pip install pyarrow, or give the table as CSV.") from error
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{file} is no parquet table: {error}. Write it again.") from error
    if table.index.name:
        table = table.reset_index()
    return Cells(file, table.map(_as_text), unit="row")


def _as_text(value: object) -> str:
    """Write a value of a typed table as a cell; lists of image names are joined by a blank."""
    if isinstance(value, np.ndarray | list | tuple):
        return " ".join(map(str, value))
    if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT:
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)


def _geojson(file: Path) -> Cells:
    """Read the features of the USGS's GeoJSON."""
    try:
        answer = json.loads(file.read_text(encoding="utf-8-sig"))
        rows = [_feature(each) for each in answer.get("features", [answer])]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FileFormatError(
            f"{file} is no GeoJSON of events as the USGS writes it ({reason}): save the answer again."
        ) from error
    names = ["id", "time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type", "place", "type"]
    return _of_the_usgs(Cells(file, pd.DataFrame(rows, columns=names, dtype=str), unit="feature"))


def _feature(feature: dict[str, Any]) -> list[str]:
    """Return one feature's cells; its time is in milliseconds since 1970."""
    facts, position = feature["properties"], feature["geometry"]["coordinates"]
    time = "" if facts["time"] is None else pd.Timestamp(facts["time"], unit="ms", tz="UTC").isoformat()
    depth = position[2] if len(position) > 2 else None
    values = (position[1], position[0], depth, facts.get("mag"), facts.get("magType"), facts.get("place"))
    return [str(feature["id"]), time, *map(_as_text, values), _as_text(facts.get("type"))]


def no_events() -> pd.DataFrame:
    """Return a catalogue without a row, with the types of one that has some."""
    return _checked(Cells(Path(), pd.DataFrame(columns=list(COLUMNS), dtype=str)))
