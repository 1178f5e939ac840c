"""Which band is what: SNAP says it in the names, ``i_ifg_IW1_VV_06Jan2018_18Jan2018``."""

import re
from dataclasses import dataclass

import numpy as np

from epi.errors import FileFormatError, MissingConvention, ParameterError
from epi.insar.engines.snap_files import metadata as meta
from epi.insar.engines.snap_files.file import Floats, SnapFile

DATE = re.compile(r"\d{2}[A-Z][a-z]{2}\d{4}")


@dataclass(frozen=True)
class Dates:
    """The two days of a pair, the earlier first, and whether SNAP has them the other way round."""

    reference: np.datetime64
    secondary: np.datetime64
    reversed: bool


def names_of(file: SnapFile, pattern: str, select: str = "") -> list[str]:
    """Return the bands whose names begin so; of several, those that hold ``select``."""
    found = [name for name in file.bands if re.match(pattern, name, re.IGNORECASE)]
    return [name for name in found if select in name] or ([] if select and len(found) > 1 else found)


def only(file: SnapFile, pattern: str, select: str) -> str | None:
    """Return the one band whose name begins so, or None; ParameterError where there are several."""
    found = names_of(file, pattern, select)
    if len(found) > 1:
        raise ParameterError(f"{file.name} holds several: {', '.join(found)}. Choose with select, a part of one name.")
    return found[0] if found else None


def same_size(name: str, values: dict[str, Floats]) -> None:
    """Refuse bands of different sizes."""
    if len({array.shape for array in values.values()}) > 1:
        sizes = ", ".join(f"{variable} {array.shape[0]} x {array.shape[1]}" for variable, array in values.items())
        raise FileFormatError(f"{name} holds bands of different sizes ({sizes}): resample them to one grid first.")


def dates_of(names: list[str], file: SnapFile) -> Dates:
    """Return the two dates of an interferogram, from its bands' names, else from the metadata of its stack."""
    found = next((days for name in names if len(days := DATE.findall(name)) >= 2), None)
    days = [meta.day_of(text) for text in (found[0], found[-1])] if found else meta.days(file.metadata)
    if len(days) != 2:
        raise MissingConvention(
            f"{file.name} does not say which of its dates is SNAP's reference (bands {', '.join(names)}): its sign is "
            "unknown. Write it with its metadata, or with the dates in the names of its bands as SNAP puts them."
        )
    return Dates(min(days), max(days), bool(days[0] > days[1]))
