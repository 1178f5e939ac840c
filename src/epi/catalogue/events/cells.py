"""A table of text in which every cell knows its file, line and column, so that a fault can be named."""

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from epi.errors import FileFormatError

_UNKNOWN = {"", "nan", "null", "none", "na", "n/a"}
_ZONE = r"(?i)(?:Z|UTC|[T ]\d\d[\d:.,]*\s*[+-]\d\d(?::?\d\d)?)$"  # a day alone also ends in -03


class Cells:
    """The cells of one table as text.

    Parameters
    ----------
    file : where they were read.
    table : one column of text a name.
    places : where each row stands in the file (a line's number), counted from 1.
    unit : what such a number counts: line, feature, event, row.
    """

    def __init__(
        self, file: Path, table: pd.DataFrame, *, places: Iterable[int] | None = None, unit: str = "line"
    ) -> None:
        self.file, self.unit = file, unit
        self.table = table.reset_index(drop=True)
        self.places = np.arange(1, len(table) + 1) if places is None else np.asarray(list(places), int)

    def __contains__(self, column: str) -> bool:
        return column in self.table

    def __len__(self) -> int:
        return len(self.table)

    def renamed(self, names: dict[str, str]) -> "Cells":
        """Return the same cells under other column names; a fault is then told by the new one."""
        return Cells(self.file, self.table.rename(columns=names), places=self.places, unit=self.unit)

    def where(self, keep: pd.Series) -> "Cells":
        """Return some of the rows."""
        return Cells(self.file, self.table[keep], places=self.places[keep.to_numpy()], unit=self.unit)

    def fault(self, row: int, column: str, what: str, remedy: str = "Mend that row.") -> FileFormatError:
        """Return the error that names one cell."""
        return FileFormatError(f"{self.file}, {self.unit} {self.places[row]}, column {column}: {what}. {remedy}")

    def refuse(self, wrong: pd.Series, column: str, what: str) -> None:
        """Raise the fault of the first row that is wrong; ``{}`` in ``what`` is its text."""
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise self.fault(row, column, what.format(repr(self.text(column)[row])))

    def text(self, column: str) -> pd.Series:
        """Return a column as text without blanks at its ends; empty where the table has no such column."""
        if column not in self.table:
            return pd.Series("", index=self.table.index, dtype=str)
        return self.table[column].str.strip()

    def unknown(self, column: str) -> pd.Series:
        """Say which cells of a column hold nothing."""
        return self.text(column).str.lower().isin(_UNKNOWN)

    def numbers(self, column: str, *, low: float = -np.inf, high: float = np.inf) -> pd.Series:
        """Return a column as numbers, NaN where empty.

        Raises
        ------
        FileFormatError : a cell is no number or lies outside ``low`` to ``high``.
        """
        empty = self.unknown(column)
        values = pd.to_numeric(self.text(column).mask(empty), errors="coerce").astype(float)
        self.refuse(~empty & ~np.isfinite(values), column, "{} is no number")
        self.refuse((values < low) | (values > high), column, f"{{}} is outside {low:g} to {high:g}")
        return values

    def times(self, column: str) -> pd.Series:
        """Return a column as times in UTC; a time without a zone counts as UTC.

        Raises
        ------
        FileFormatError : a cell is empty or no time.
        """
        self.refuse(self.unknown(column), column, "no time")
        values = pd.to_datetime(self.text(column), utc=True, format="ISO8601", errors="coerce")
        self.refuse(values.isna(), column, "{} is no time such as 2021-03-03T10:16:09Z")
        return values.dt.as_unit("us")

    def without_zone(self, column: str) -> pd.Series:
        """Say which times of a column name no zone."""
        return ~self.text(column).str.contains(_ZONE, regex=True)


def read_cells(file: Path, *, delimiter: str = ",") -> Cells:
    """Read a table of text; blank lines are left out.

    Raises
    ------
    FileFormatError : it is no such table, or a line has more or fewer cells than the header.
    """
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if delimiter == "," else csv.QUOTE_NONE
    lines: list[tuple[int, list[str]]] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, quoting=quoting, strict=True)
            lines.extend((reader.line_num, row) for row in reader if any(cell.strip() for cell in row))
    except UnicodeDecodeError as error:
        raise FileFormatError(f"{file} is not a CSV table in UTF-8 ({error.reason}): save it as UTF-8.") from error
    except csv.Error as error:
        after = f" after line {lines[-1][0]}" if lines else ""
        raise FileFormatError(f"{file} is not a CSV table{after}: {error}. Write it with commas.") from error
    if not lines:
        raise FileFormatError(f"{file} is not a CSV table: it is empty. Its first line holds the columns' names.")
    names = [name.strip().lstrip("#").strip() for name in lines[0][1]]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise FileFormatError(f"{file}, line {lines[0][0]}: column {min(twice)} is there twice. Keep one of them.")
    for line, row in lines[1:]:
        if len(row) != len(names):
            raise FileFormatError(
                f"{file}, line {line}: {len(row)} cells under {len(names)} columns. Quote a cell that holds a comma."
            )
    table = pd.DataFrame([row for _, row in lines[1:]], columns=names, dtype=str)
    return Cells(file, table, places=[line for line, _ in lines[1:]])
