"""Patches on disk: ``patches.h5`` holds the pixels, ``patches.csv`` the facts, and this module alone keeps them alike.

``/{event}/{subswath}/{coh|i|q}/{patch}`` in HDF5 is one float32 image, in one chunk; one row of the CSV is one patch.
Each row carries a checksum of its three images, so that a pair of files that do not belong together is noticed, and
which rows are wrong can be said.
"""

import zlib
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import PatchStoreError
from epi.patches.cut import BANDS, COLUMNS, Patches
from epi.patches.place import CORNERS
from epi.storage import atomic_path

H5_NAME, CSV_NAME = "patches.h5", "patches.csv"
KEY = ("event", "subswath", "patch")
TEXT = (*KEY, "group", "polarisation", "reference", "secondary", "checksum")
INTEGER = ("row", "column", "pixels")

PUBLISHED = (
    *("index", "interferogram", "band", "iw_band", "patch_index", "patches"),
    *(f"{axis}_{corner}" for corner in CORNERS for axis in ("lat", "lon")),
    *("center_lat", "center_lon", "epicenter_lat", "epicenter_lon", "distance", "normalized_distance"),
)
"""Columns of the published patch labels, one row a band."""


def write(folder: str | Path, patches: Patches) -> tuple[Path, Path]:
    """Write a store, whole or not at all; one that is there is replaced.

    Parameters
    ----------
    folder : where ``patches.h5`` and ``patches.csv`` go.
    patches : at least one, without NaN in the bands and without two of one event, subswath and name.

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
    table = patches.table[list(COLUMNS)].assign(checksum=_checksums(patches))
    # The pixels take their name first: killed between the two, the old rows fail the check against the new pixels.
    with atomic_path(home / CSV_NAME) as csv:
        table.to_csv(csv, index=False)
        with atomic_path(home / H5_NAME) as pixels:
            pixels.write_bytes(_hdf5(table, patches))
    return home / H5_NAME, home / CSV_NAME


def read(folder: str | Path) -> Patches:
    """Read a store into memory, and check that its two files agree.

    Raises
    ------
    PatchStoreError : a file is missing or unreadable, or rows and pixels disagree; the first rows concerned are named.
    """
    home = Path(folder)
    table = read_table(home)
    if not (home / H5_NAME).is_file():
        raise PatchStoreError(f"No {H5_NAME} beside {home / CSV_NAME}: cut the patches again.")
    try:
        with h5py.File(home / H5_NAME, "r") as file:
            arrays = _read_bands(file, table, home)
    except OSError as error:
        raise PatchStoreError(f"{home / H5_NAME} cannot be read ({error}): cut the patches again.") from error
    patches = Patches(table.drop(columns="checksum"), *arrays)
    _check_content(patches, str(home))
    wrong = table["checksum"].to_numpy() != np.array(_checksums(patches))
    _refuse(wrong, table, f"{home}: pixels differ from those {CSV_NAME} was written with")
    return patches


def read_table(folder: str | Path) -> pd.DataFrame:
    """Read the rows of a store without its pixels: the columns of ``COLUMNS`` and the checksum.

    Raises
    ------
    PatchStoreError : no such file, a missing column, a key given twice.
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
    table[list(TEXT)] = table[list(TEXT)].fillna("")
    _refuse(table.duplicated(list(KEY)).to_numpy(), table, f"{path}: one event, subswath and patch given twice")
    return table[[*COLUMNS, "checksum"]]


def check(folder: str | Path) -> int:
    """Return the number of patches of a store whose two files agree; raise PatchStoreError where they do not."""
    return len(read(folder))


def export_published(patches: Patches, path: str | Path, *, index: Mapping[str, int] | None = None) -> Path:
    """Write the rows in the published form: a row a band, the published columns, the distance the true geodesic.

    Parameters
    ----------
    patches : with a georeference; ``distance`` is in whole metres, 0 to half the globe, where the epicentre is known.
    path : the CSV file to write.
    index : number of each event; default 1, 2, … in the order of their names.

    Returns
    -------
    The path. ``normalized_distance`` keeps its published definition, the hypotenuse of the differences in latitude
    and longitude as shares of 180 and 360 degrees, but goes the short way round the globe.
    """
    table = patches.table
    _refuse(table["center_lat"].isna().to_numpy(), table, "No latitude and longitude to publish")
    numbers = index or {event: n for n, event in enumerate(sorted(table["event"].unique()), start=1)}
    frames = []
    for band_number, band in enumerate(BANDS):
        facts = table[[name for name in PUBLISHED if name in table]].assign(
            index=table["event"].map(numbers),
            interferogram="Interferogram_" + table["event"].map(numbers).astype(str) + "_" + table["subswath"],
            band=[_band_name(band, row) for _, row in table.iterrows()],
            iw_band=band,
            patch_index=np.arange(len(table)) + band_number * len(table) + 1,
            patches="patch_" + table["row"].astype(str) + "_" + table["column"].astype(str),
            distance=(table["distance_km"] * 1000).round().astype("Int64"),
            normalized_distance=_normalised_distance(table),
        )
        frames.append(facts[list(PUBLISHED)])
    published = pd.concat(frames).sort_index(kind="stable")
    with atomic_path(path) as temporary:
        published.to_csv(temporary, index=False)
    return Path(path)


def _normalised_distance(table: pd.DataFrame) -> pd.Series:
    """Hypotenuse of the differences in latitude and longitude as shares of 180 and of 360 degrees."""
    across = (table["epicenter_lon"] - table["center_lon"] + 180) % 360 - 180
    return pd.Series(np.hypot((table["epicenter_lat"] - table["center_lat"]) / 180, across / 360), index=table.index)


def _band_name(band: str, row: pd.Series) -> str:
    """Published name of a band, after the naming of SNAP: ``coh_IW1_VV_16Apr2018_28Apr2018``, ``i_ifg_VV_…``."""
    dates = [pd.Timestamp(row[which]).strftime("%d%b%Y") for which in ("reference", "secondary") if row[which]]
    stem = f"coh_{row['subswath']}" if band == "coh" else f"{band}_ifg"
    return "_".join(part for part in (stem, row["polarisation"], *dates) if part)


def _keys(table: pd.DataFrame) -> list[tuple[str, ...]]:
    """Event, subswath and patch of every row."""
    return list(table[list(KEY)].itertuples(index=False, name=None))


def _dataset(key: Sequence[str], band: str) -> str:
    """Path of one image in the HDF5 file."""
    event, subswath, patch = key
    return f"{event}/{subswath}/{band}/{patch}"


def _checksums(patches: Patches) -> list[str]:
    """CRC-32 of the three images of every patch, eight hexadecimal digits."""
    sums = []
    for n in range(len(patches)):
        value = 0
        for band in BANDS:
            value = zlib.crc32(np.ascontiguousarray(patches.band(band)[n], dtype="<f4").tobytes(), value)
        sums.append(f"{value:08x}")
    return sums


def _hdf5(table: pd.DataFrame, patches: Patches) -> memoryview:
    """Return the HDF5 file as bytes, made in memory: the HDF5 library itself crashes where a disk fills up under it."""
    buffer = BytesIO()
    with h5py.File(buffer, "w") as file:
        for n, key in enumerate(_keys(table)):
            for band in BANDS:
                image = patches.band(band)[n]
                file.create_dataset(_dataset(key, band), data=image, chunks=image.shape)
    return buffer.getbuffer()


def _read_bands(file: h5py.File, table: pd.DataFrame, home: Path) -> list[NDArray[np.float32]]:
    """Images of every row, one array a band; refuses rows without pixels, pixels without a row, and other types."""
    keys = _keys(table)
    wanted = {_dataset(key, band) for key in keys for band in BANDS}
    found: dict[str, h5py.Dataset] = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    for band in BANDS:
        lost = np.array([_dataset(key, band) not in found for key in keys], dtype=bool)
        _refuse(lost, table, f"{home / H5_NAME} has no {band} for rows of {CSV_NAME}")
    if extra := sorted(set(found) - wanted):
        raise PatchStoreError(
            f"{home}: {len(extra)} images have no row in {CSV_NAME} (first {extra[0]}): cut the patches again."
        )
    side = table["pixels"].to_numpy()
    if len(set(side)) > 1:
        raise PatchStoreError(
            f"{home}: patches of {sorted(set(side))} pixels a side in one store: cut them to one size."
        )
    arrays = []
    for band in BANDS:
        items = [found[_dataset(key, band)] for key in keys]
        wrong = [item.dtype != np.float32 or item.shape != (n, n) for item, n in zip(items, side, strict=True)]
        _refuse(
            np.array(wrong, dtype=bool), table, f"{home / H5_NAME}: {band} is not a float32 square of `pixels` a side"
        )
        arrays.append(np.stack([item[()] for item in items]))
    return arrays


def _check_content(patches: Patches, where: str) -> None:
    """Refuse an empty store, wrong shapes, values that are not finite and a patch given twice."""
    table = patches.table
    if not len(table):
        raise PatchStoreError(f"{where}: no patch at all. Cut a scene first.")
    if missing := [name for name in COLUMNS if name not in table]:
        raise PatchStoreError(f"{where}: the columns {', '.join(missing)} are missing.")
    for band in BANDS:
        images = patches.band(band)
        if len(images) != len(table) or images.dtype != np.float32:
            raise PatchStoreError(
                f"{where}: {band} is {images.shape} of {images.dtype} for {len(table)} rows of float32."
            )
        _refuse(
            np.asarray(~np.isfinite(images).all((1, 2))), table, f"{where}: {band} holds values that are not finite"
        )
    _refuse(table.duplicated(list(KEY)).to_numpy(), table, f"{where}: one event, subswath and patch given twice")


def _refuse(wrong: NDArray[np.bool_], table: pd.DataFrame, what: str) -> None:
    """Raise PatchStoreError naming the first rows (counted from 1, as in the CSV without its header) that are wrong."""
    rows = np.flatnonzero(wrong)
    if rows.size:
        named = ", ".join(f"row {n + 1} ({table['event'].iloc[n]} {table['patch'].iloc[n]})" for n in rows[:3])
        more = f" and {rows.size - 3} more" if rows.size > 3 else ""
        raise PatchStoreError(f"{what}: {named}{more}. Cut the patches again.")
