"""Two coregistered dates, each in a product of its own: their interferogram, coherence and intensities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from epi.errors import FileFormatError, MissingConvention, ParameterError
from epi.insar.engines.snap_files import metadata as meta
from epi.insar.engines.snap_files.file import Floats, SnapFile
from epi.insar.engines.snap_files.names import DATE, Dates, only, same_size
from epi.insar.topsar.interferogram import coherence


def paired(
    first: SnapFile, second: SnapFile, select: str, window: tuple[int, int]
) -> tuple[dict[str, Floats], Dates, str]:
    """Form the interferogram of two coregistered dates, with its coherence and both intensities."""
    if len(window) != 2 or min(window) < 1:
        raise ParameterError(f"window is {window}: give lines and samples, each at least 1.")
    dated = sorted((_slc_band(file, select) for file in (first, second)), key=lambda found: found[0])
    (reference_day, name, reference), (secondary_day, _, secondary) = dated
    if reference_day == secondary_day:
        raise ParameterError(f"{first.name} and {second.name} are both of {reference_day}: give two dates.")
    _same_stack(first, second)
    images = [_complex(file, band) for _, band, file in dated]
    if images[0].shape != images[1].shape:
        sizes = " and ".join(f"{image.shape[0]} x {image.shape[1]}" for image in images)
        raise ParameterError(
            f"{reference.name} and {secondary.name} differ in size ({sizes}): cut both from one coregistered stack."
        )
    return _interferogram(images[0], images[1], window), Dates(reference_day, secondary_day, reversed=False), name


def _slc_band(file: SnapFile, select: str) -> tuple[np.datetime64, str, SnapFile]:
    """Return the day and the name of a product's one complex image."""
    name = only(file, r"i_(?!ifg_)", select)
    if name is None or "q" + name[1:] not in file.bands:
        raise FileFormatError(
            f"{file.name} holds no complex image of one date (i_... and q_...): its bands are {', '.join(file.bands)}."
        )
    days = [meta.day_of(text) for text in DATE.findall(name)] or meta.days(file.metadata)
    if len(days) != 1:
        raise MissingConvention(f"{file.name} does not say the date of {name}: name it as SNAP does, i_VV_19Mar2023.")
    return days[0], name, file


def _same_stack(first: SnapFile, second: SnapFile) -> None:
    """Refuse two dates on different radar grids, where the metadata tells."""
    for name in ("slant_range_to_first_pixel", "first_line_time"):
        ours, theirs = (meta.fact(file.metadata, name) for file in (first, second))
        if None not in (ours, theirs) and ours != theirs:
            raise ParameterError(
                f"{first.name} and {second.name} lie on different radar grids ({name} {ours} and {theirs}): give two "
                "dates of one coregistered stack (Back-Geocoding)."
            )


def _complex(file: SnapFile, name: str) -> NDArray[np.complexfloating[Any, Any]]:
    """Return a complex image; NaN where it has no data."""
    parts = {name: file.bands[name](), "q" + name[1:]: file.bands["q" + name[1:]]()}
    same_size(file.name, parts)
    real, imaginary = parts.values()
    return np.where((real == 0) & (imaginary == 0), np.nan, real + 1j * imaginary)


def _interferogram(
    reference: NDArray[np.complexfloating[Any, Any]],
    secondary: NDArray[np.complexfloating[Any, Any]],
    window: tuple[int, int],
) -> dict[str, Floats]:
    """Return reference x conj(secondary), its coherence magnitude over a window, and both intensities."""
    made = reference * secondary.conj()
    valid = np.isfinite(made)
    waves = (np.where(valid, image, 0).astype(np.complex64) for image in (reference, secondary, made))
    return {
        "i": made.real,
        "q": made.imag,
        "coherence": np.where(valid, coherence(*waves, window=window), np.nan),
        "intensity_reference": np.where(valid, np.abs(reference) ** 2, np.nan),
        "intensity_secondary": np.where(valid, np.abs(secondary) ** 2, np.nan),
    }
