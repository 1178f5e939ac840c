"""From a patch store to a network: pixels read straight from the file, batch by batch."""

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import h5py
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from epi.errors import PatchStoreError
from epi.patches import BANDS, Patches, read_table
from epi.patches.patch import KEY, refuse
from epi.patches.store import H5_NAME, check_rows

Floats = NDArray[np.float64]


class Images(Protocol):
    """Something that gives the bands of patches: a store on disk, or patches in memory."""

    table: pd.DataFrame

    def read(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Bands of patches, (rows, 3, pixels, pixels)."""


class HeldImages:
    """Patches in memory.

    Raises
    ------
    PatchStoreError : a value is not finite; the first rows concerned are named.
    """

    def __init__(self, patches: Patches) -> None:
        self.table = patches.table
        self._bands: NDArray[np.float32] = np.stack([patches.band(name) for name in BANDS], axis=1)
        _refuse_nan(self._bands, self.table, range(len(self.table)))

    def read(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Bands of patches, (rows, 3, pixels, pixels)."""
        return np.asarray(self._bands[np.asarray(rows)])


class StoredImages:
    """Patches of a store, read when they are asked for.

    Once, all pixels are compared with the checksums of their rows, and the places of the images in the file are noted;
    from then on a patch is three plain reads, without the HDF5 library and its lock. The file is opened at the first
    read, once in each worker process.

    Parameters
    ----------
    folder : of ``patches.h5`` and ``patches.csv``.

    Raises
    ------
    PatchStoreError : a file is missing, its rows and pixels disagree, or a row has no image of the kind it should have;
        on reading, a value that is not finite. The first rows concerned are named.
    """

    def __init__(self, folder: str | Path) -> None:
        self.path = Path(folder) / H5_NAME
        self.table = read_table(folder)
        if not self.path.is_file():
            raise PatchStoreError(f"No {H5_NAME} beside the table in {folder}: cut the patches again.")
        check_rows(self.table, folder)
        self.pixels = int(self.table["pixels"].iloc[0])
        self._places = self._index()
        self._file: int | None = None
        self._process = 0
        self._verify()

    def __getstate__(self) -> dict[str, Any]:
        """A copy in another process opens the file for itself."""
        return self.__dict__ | {"_file": None}

    def __del__(self) -> None:
        """Close the file."""
        if getattr(self, "_file", None) is not None and self._process == os.getpid():
            os.close(self._file)  # type: ignore[arg-type]

    def read(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Bands of patches, (rows, 3, pixels, pixels)."""
        found = self._pixels(rows)
        _refuse_nan(found, self.table, rows)
        return found

    def _verify(self, batch: int = 64) -> None:
        """Refuse pixels that are not those the rows were written with."""
        wrong, sums = np.zeros(len(self.table), dtype=bool), self.table["checksum"].to_numpy()
        for first in range(0, len(wrong), batch):
            rows = range(first, min(first + batch, len(wrong)))
            wrong[rows] = [f"{zlib.crc32(image.data):08x}" for image in self._pixels(rows)] != sums[rows]
        refuse(wrong, self.table, f"{self.path}: pixels differ from those the table beside it was written with")

    def _pixels(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Bands of patches as they are in the file."""
        found = np.empty((len(rows), len(BANDS), self.pixels, self.pixels), dtype="<f4")
        file = self._open()
        for n, row in enumerate(rows):
            for band, place in enumerate(self._places[row]):
                if os.preadv(file, [memoryview(found[n, band]).cast("B")], int(place)) != found[n, band].nbytes:
                    raise PatchStoreError(f"{self.path} ends before row {row + 1}: cut the patches again.")
        return found

    def _open(self) -> int:
        """The file, opened once in each process."""
        if self._file is None or self._process != os.getpid():
            self._file, self._process = os.open(self.path, os.O_RDONLY), os.getpid()
        return self._file

    def _index(self) -> NDArray[np.int64]:
        """Where each image begins in the file, bytes, (patches, 3)."""
        places = np.full((len(self.table), len(BANDS)), -1, dtype=np.int64)
        try:
            with h5py.File(self.path, "r") as file:
                for n, (event, subswath, patch) in enumerate(self.table[list(KEY)].itertuples(index=False, name=None)):
                    for band, name in enumerate(BANDS):
                        places[n, band] = _place(file.get(f"{event}/{subswath}/{name}/{patch}"), self.pixels)
        except OSError as error:
            raise PatchStoreError(f"{self.path} cannot be read ({error}): cut the patches again.") from error
        wrong = np.flatnonzero((places < 0).any(axis=1))
        if wrong.size:
            raise PatchStoreError(
                f"{self.path}: {wrong.size} rows without three plain float32 images of {self.pixels} pixels a side, "
                f"first row {wrong[0] + 1} ({_named(self.table, int(wrong[0]))}). Cut the patches again."
            )
        return places


def _place(item: object, pixels: int) -> int:
    """First byte of an image stored as one plain block, −1 for anything else."""
    if not isinstance(item, h5py.Dataset) or item.shape != (pixels, pixels) or item.dtype != np.dtype("<f4"):
        return -1
    if item.chunks is None:
        return -1 if item.id.get_offset() is None else int(item.id.get_offset())
    if item.id.get_num_chunks() != 1:
        return -1
    block = item.id.get_chunk_info(0)
    return int(block.byte_offset) if block.size == 4 * pixels * pixels and item.compression is None else -1


def _refuse_nan(bands: NDArray[np.float32], table: pd.DataFrame, rows: Sequence[int]) -> None:
    """Raise PatchStoreError where a value is not finite, naming the first row."""
    if np.isfinite(bands.sum(dtype=np.float64)) and np.isfinite(bands).all():
        return
    wrong = np.flatnonzero(~np.isfinite(bands).all(axis=(1, 2, 3)))
    row = rows[int(wrong[0])]
    raise PatchStoreError(
        f"{wrong.size} of {len(rows)} patches hold values that are not finite, first row {row + 1} "
        f"({_named(table, row)}). Cut the patches again."
    )


def _named(table: pd.DataFrame, row: int) -> str:
    """Event, subswath and patch of a row."""
    return " ".join(str(table[name].iloc[row]) for name in KEY)


class Scaling(NamedTuple):
    """Mean and standard deviation of the bands over the training part, and how coordinates are normalised."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    signed: bool = False

    def planes(self, table: pd.DataFrame) -> NDArray[np.float32]:
        """Normalised latitude and longitude of the centres: 0 to 1, or −1 to 1 where ``signed``, (patches, 2).

        Raises
        ------
        PatchStoreError : a centre is unknown.
        """
        lost = table[["center_lat", "center_lon"]].isna().any(axis=1).to_numpy()
        refuse(lost, table, "No latitude or longitude of the centre for a network of five channels", "Give three.")
        unit = np.column_stack([(table["center_lat"] + 90) / 180, (table["center_lon"] + 180) / 360])
        return (2 * unit - 1 if self.signed else unit).astype(np.float32)


def measure_scaling(images: Images, rows: Sequence[int], *, signed: bool = False, batch: int = 256) -> Scaling:
    """Mean and standard deviation of each band over some patches, a batch at a time."""
    count, total, square = 0, np.zeros(len(BANDS)), np.zeros(len(BANDS))
    for start in range(0, len(rows), batch):
        bands = images.read(rows[start : start + batch])
        count += bands.size // len(BANDS)
        total += bands.sum((0, 2, 3), dtype=float)
        square += np.square(bands).sum((0, 2, 3), dtype=float)
    mean = total / count
    deviation = np.sqrt(np.maximum(square / count - mean**2, 1e-12))
    return Scaling(tuple(mean.tolist()), tuple(deviation.tolist()), signed)


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """What a network is shown, a batch at a time, and what it is to answer.

    Parameters
    ----------
    images : of all patches.
    rows : those of this part.
    answers : what the network is to say, (rows, outputs).
    scaling : of the bands and coordinates.
    channels : 3 or 5.
    """

    def __init__(
        self, images: Images, rows: Sequence[int], answers: Floats, scaling: Scaling, *, channels: int = 3
    ) -> None:
        self.images, self.rows = images, np.asarray(rows, dtype=int)
        self.answers = torch.tensor(answers, dtype=torch.float32)
        self.planes = scaling.planes(images.table.iloc[self.rows]) if channels > len(BANDS) else None
        self._mean, self._deviation = (np.array(part, np.float32)[:, None, None] for part in scaling[:2])

    def __len__(self) -> int:
        """Number of patches in this part."""
        return len(self.rows)

    def __getitem__(self, position: int) -> tuple[Tensor, Tensor]:
        """One patch, and its answer."""
        inputs, answers = self.__getitems__([position])
        return inputs[0], answers[0]

    def __getitems__(self, positions: Sequence[int]) -> tuple[Tensor, Tensor]:
        """A batch of patches, (batch, channels, pixels, pixels), and their answers."""
        bands = (self.images.read(self.rows[np.asarray(positions)].tolist()) - self._mean) / self._deviation
        if self.planes is not None:
            planes = self.planes[np.asarray(positions), :, None, None]
            bands = np.concatenate([bands, np.broadcast_to(planes, (*planes.shape[:2], *bands.shape[2:]))], axis=1)
        return torch.from_numpy(np.ascontiguousarray(bands, dtype=np.float32)), self.answers[positions]
