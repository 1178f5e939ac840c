"""Patches on disk: ``patches.h5`` holds the pixels, ``patches.csv`` the facts, and this module alone keeps them alike.

``/{event}/{subswath}/{coh|i|q}/{patch}`` in HDF5 is one float32 image, in one chunk; one row of the CSV is one patch.
Each row carries a checksum of its three images, so that a pair of files that do not belong together is noticed, and
which rows are wrong can be said.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import ParameterError, PatchStoreError
from epi.patches.images import finite, from_hdf5, listed, to_hdf5
from epi.patches.patch import BANDS, COLUMNS, KEY, Patches, refuse
from epi.storage import atomic_path

H5_NAME, CSV_NAME = "patches.h5", "patches.csv"
TEXT = (*KEY, "group", "polarisation", "reference", "secondary", "checksum")
NUMBERS = tuple(name for name in COLUMNS if name not in TEXT)


def write(folder: str | Path, patches: Patches) -> tuple[Path, Path]:
    """Write a store, whole or not at all; one that is there is replaced.

    Parameters
    ----------
    folder : where ``patches.h5`` and ``patches.csv`` go.
    patches : at least one, without NaN in the bands and without two of one event, subswath and name. While it is
        written the HDF5 file is held in memory, so as much again as the patches take must be free.

    Returns
    -------
    Paths of the HDF5 and of the CSV file.

    Raises
    ------
    PatchStoreError : the patches break the contract; nothing was written.
    StorageError : the disk is full or the folder cannot be written.
    """
    home = Path(folder)
    _check_content(patches, f"The patches for {home}")
    pixels, checksums = to_hdf5(patches, _groups(patches.table), list(patches.table["patch"]))
    table = patches.table[list(COLUMNS)].assign(checksum=checksums)
    # The pixels take their name first: killed between the two, the old rows fail the check against the new pixels.
    with atomic_path(home / CSV_NAME) as csv:
        table.to_csv(csv, index=False)
        with atomic_path(home / H5_NAME) as file:
            file.write_bytes(pixels)
    return home / H5_NAME, home / CSV_NAME


def read(folder: str | Path, *, rows: NDArray[np.bool_] | Sequence[int] | None = None) -> Patches:
    """Read a store into memory, and check that its two files agree.

    Parameters
    ----------
    folder : of ``patches.h5`` and ``patches.csv``.
    rows : mask or positions of the rows wanted, of the table that `read_table` gives; default all. That every row has
        its images and every image its row is checked for the whole store, the pixels for the rows wanted.

    Raises
    ------
    PatchStoreError : a file is missing or unreadable, or rows and pixels disagree; the first rows concerned are named.
    ParameterError : rows that the store does not have.
    """
    home = Path(folder)
    table = read_table(home)
    if not (home / H5_NAME).is_file():
        raise PatchStoreError(f"No {H5_NAME} beside {home / CSV_NAME}: cut the patches again.")
    check_rows(table, home)
    if rows is not None:
        table = _chosen(table, rows)
    side = int(table["pixels"].iloc[0])
    arrays, checksums = from_hdf5(home / H5_NAME, table, _groups(table), list(table["patch"]), side=side)
    wrong = table["checksum"].to_numpy() != np.array(checksums)
    refuse(wrong, table, f"{home}: pixels differ from those {CSV_NAME} was written with")
    return Patches(table.drop(columns="checksum"), *arrays)


def read_table(folder: str | Path) -> pd.DataFrame:
    """Read the rows of a store without its pixels: the columns of ``COLUMNS`` and the checksum.

    Raises
    ------
    PatchStoreError : no such file, a missing column, a key missing or given twice, text or infinity where
        a number belongs.
    """
    path = Path(folder) / CSV_NAME
    if not path.is_file():
        raise PatchStoreError(f"No {CSV_NAME} in {path.parent}: cut the patches first.")
    try:
        table = pd.read_csv(path, dtype=dict.fromkeys(TEXT, str), keep_default_na=True)
    except (ValueError, UnicodeDecodeError) as error:
        raise PatchStoreError(f"{path} is not a table of patches ({error}): cut the patches again.") from error
    if missing := [name for name in (*COLUMNS, "checksum") if name not in table]:
        raise PatchStoreError(f"{path} lacks the columns {', '.join(missing)}: cut the patches again.")
    if not len(table):
        raise PatchStoreError(f"{path} has no row: cut the patches again.")
    table[list(TEXT)] = table[list(TEXT)].fillna("")
    _check_keys(table, str(path))
    for name in NUMBERS:
        if not pd.api.types.is_numeric_dtype(table[name]):
            text = pd.to_numeric(table[name], errors="coerce").isna() & table[name].notna()
            refuse(text.to_numpy(), table, f"{path}: {name} is no number", "Put the number back or cut again.")
        endless = np.isinf(pd.to_numeric(table[name], errors="coerce").to_numpy(float))
        refuse(endless, table, f"{path}: {name} is infinite", "Put the number back or cut again.")
    return table[[*COLUMNS, "checksum"]]


def check(folder: str | Path) -> int:
    """Return the number of patches of a store whose two files agree; raise PatchStoreError where they do not."""
    return len(read(folder))


def _groups(table: pd.DataFrame) -> list[str]:
    """Group of every row in the HDF5 file, without the band."""
    return [f"{event}/{subswath}" for event, subswath in zip(table["event"], table["subswath"], strict=True)]


def _chosen(table: pd.DataFrame, rows: NDArray[np.bool_] | Sequence[int]) -> pd.DataFrame:
    """Some rows of the table, by a mask or by their positions."""
    wanted = np.asarray(rows)
    if wanted.dtype == bool:
        wanted = np.flatnonzero(wanted) if wanted.shape == (len(table),) else np.array([-1])
    if not wanted.size or wanted.min() < 0 or wanted.max() >= len(table):
        raise ParameterError(
            f"Rows of a store of {len(table)} patches were asked by {np.asarray(rows).size} values: give a mask of as "
            f"many, or positions from 0 to {len(table) - 1}."
        )
    return table.iloc[wanted].reset_index(drop=True)


def check_rows(table: pd.DataFrame, folder: str | Path) -> None:
    """Refuse rows without images, images without a row, and patches of several sizes.

    Parameters
    ----------
    table : all rows of a store, as `read_table` gives them.
    folder : of the store.

    Raises
    ------
    PatchStoreError : the first rows or images concerned are named.
    """
    home = Path(folder)
    sizes = table["pixels"].to_numpy(float)
    refuse(~(sizes >= 1) | (sizes != np.round(sizes)), table, f"{home / CSV_NAME}: pixels is no whole number")
    if len(set(sizes)) > 1:
        raise PatchStoreError(
            f"{home}: patches of {sorted({int(size) for size in sizes})} pixels a side in one store: cut them to one "
            "size."
        )
    found, groups = listed(home / H5_NAME), _groups(table)
    wanted = set()
    for band in BANDS:
        places = [f"{group}/{band}/{name}" for group, name in zip(groups, table["patch"], strict=True)]
        lost = np.array([place not in found for place in places], dtype=bool)
        refuse(lost, table, f"{home / H5_NAME} has no {band} for rows of {CSV_NAME}")
        wanted |= set(places)
    if extra := sorted(found - wanted):
        raise PatchStoreError(
            f"{home}: {len(extra)} images have no row in {CSV_NAME} (first {extra[0]}): cut the patches again."
        )


def _check_content(patches: Patches, where: str) -> None:
    """Refuse an empty store, wrong shapes, values that are not finite and a patch given twice."""
    table = patches.table
    if not len(table):
        raise PatchStoreError(f"{where}: no patch at all. Cut a scene first.")
    if missing := [name for name in COLUMNS if name not in table]:
        raise PatchStoreError(f"{where}: the columns {', '.join(missing)} are missing. Fill what is unknown with NaN.")
    for band in BANDS:
        images = patches.band(band)
        square = images.ndim == 3 and images.shape[1] == images.shape[2] and images.shape == patches.coh.shape
        if not square or len(images) != len(table) or images.dtype != np.float32:
            raise PatchStoreError(
                f"{where}: {band} is {images.shape} of {images.dtype} for {len(table)} rows: give (patches, pixels, "
                "pixels) of float32."
            )
        refuse(~finite(images), table, f"{where}: {band} holds values that are not finite", "Make no data zero.")
    refuse(
        table["pixels"].to_numpy() != patches.coh.shape[1],
        table,
        f"{where}: pixels is not the {patches.coh.shape[1]} of the images",
        "Correct the column.",
    )
    _check_keys(table, where)


def _check_keys(table: pd.DataFrame, where: str) -> None:
    """Refuse rows without a key, with one that no HDF5 file can hold, or with another's."""
    text = table[list(KEY)].astype(str)
    odd = text.isin(["", ".", "..", "nan"]).any(axis=1) | text.apply(lambda part: part.str.contains("/")).any(axis=1)
    refuse(odd.to_numpy(), table, f"{where}: event, subswath or patch is empty or holds a slash", "Name all three.")
    refuse(table.duplicated(list(KEY)).to_numpy(), table, f"{where}: one event, subswath and patch given twice")
