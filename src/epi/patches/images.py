"""Images of patches in HDF5: one float32 square, in one chunk, at ``/{group}/{coh|i|q}/{patch}``.

Images are written and read by the HDF5 library's own calls, not by h5py's objects, which take longer to make than the
pixels to move.
"""

import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import PatchStoreError
from epi.patches.patch import BANDS, Patches, refuse


def to_hdf5(patches: Patches, groups: Sequence[str], names: Sequence[str]) -> tuple[memoryview, list[str]]:
    """Write the images of patches as an HDF5 file in memory.

    Parameters
    ----------
    patches : float32 images.
    groups, names : of every patch; no two patches have the same of both.

    Returns
    -------
    The file, to be written in one go (the HDF5 library itself crashes where a disk fills up under it), and the
    checksum of every patch: CRC-32 of its three images, eight hexadecimal digits.
    """
    side = patches.coh.shape[1]
    space = h5py.h5s.create_simple((side, side))
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((side, side))
    layout.set_obj_track_times(False)  # the same patches make the same bytes
    sums, opened = [0] * len(names), {}
    buffer = BytesIO()
    with h5py.File(buffer, "w") as file:
        for n, (group, name) in enumerate(zip(groups, names, strict=True)):
            for band in BANDS:
                place = f"{group}/{band}"
                if place not in opened:
                    opened[place] = file.create_group(place).id
                image = np.ascontiguousarray(patches.band(band)[n], dtype="<f4")
                made = h5py.h5d.create(opened[place], name.encode(), h5py.h5t.IEEE_F32LE, space, layout)
                made.write_direct_chunk((0, 0), image)
                sums[n] = zlib.crc32(image.data, sums[n])
    return buffer.getbuffer(), [f"{value:08x}" for value in sums]


def from_hdf5(
    path: Path, table: pd.DataFrame, groups: Sequence[str], names: Sequence[str], *, side: int
) -> tuple[list[NDArray[np.float32]], list[str]]:
    """Read images of patches.

    Parameters
    ----------
    path : of the HDF5 file.
    table : rows of the patches, for the messages.
    groups, names : of every patch.
    side : pixels a side.

    Returns
    -------
    One (patches, side, side) array a band, and the checksums as `to_hdf5` gives them.

    Raises
    ------
    PatchStoreError : no such file, or for some rows no image, one of another type or shape, or values that are not
        finite.
    """
    if not path.is_file():
        raise PatchStoreError(f"No file {path}: cut the patches again.")
    arrays = [np.empty((len(names), side, side), dtype=np.float32) for _ in BANDS]
    faults = {fault: np.zeros((len(BANDS), len(names)), dtype=bool) for fault in ("lost", "odd", "bad")}
    sums, opened = [0] * len(names), {}
    try:
        with h5py.File(path, "r") as file:
            for n, (group, name) in enumerate(zip(groups, names, strict=True)):
                for number, band in enumerate(BANDS):
                    place = f"{group}/{band}"
                    if place not in opened:
                        opened[place] = file.get(place)
                    fault = _read_into(arrays[number][n], opened[place], name)
                    if fault:
                        faults[fault][number, n] = True
                    sums[n] = zlib.crc32(arrays[number][n].data, sums[n])
    except OSError as error:
        raise PatchStoreError(f"{path} cannot be read ({error}): cut the patches again.") from error
    said = {
        "lost": "{path} has no {band} for rows of its table",
        "odd": "{path}: {band} is not a float32 square of `pixels` a side",
        "bad": "{path}: {band} holds values that are not finite",
    }
    for fault, found in faults.items():
        for band, wrong in zip(BANDS, found, strict=True):
            refuse(wrong, table, said[fault].format(path=path, band=band))
    return arrays, [f"{value:08x}" for value in sums]


def listed(path: Path) -> set[str]:
    """Places of all images of a file of the form ``/{group}/{group}/{band}/{patch}``, whatever else it holds."""
    found: set[str] = set()

    def walk(group: h5py.Group, above: str) -> None:
        for name in group:
            if len(above.split("/")) > len(BANDS):
                found.add(f"{above}{name}")
            elif isinstance(group[name], h5py.Group):
                walk(group[name], f"{above}{name}/")
            else:
                found.add(f"{above}{name}")

    try:
        with h5py.File(path, "r") as file:
            walk(file, "")
    except OSError as error:
        raise PatchStoreError(f"{path} cannot be read ({error}): cut the patches again.") from error
    return found


def finite(images: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Whether every value of each image is finite; the extremes tell, without a mask of every pixel."""
    return np.asarray(np.isfinite(images.max(axis=(-2, -1))) & np.isfinite(images.min(axis=(-2, -1))))


def _read_into(image: NDArray[np.float32], group: h5py.Group | None, name: str) -> str:
    """Read one image; return what is wrong with it: lost, odd, bad, or nothing."""
    image[:] = 0
    if not isinstance(group, h5py.Group) or name not in group:
        return "lost"
    item = h5py.h5o.open(group.id, name.encode())
    if not isinstance(item, h5py.h5d.DatasetID):
        return "lost"
    if item.shape != image.shape or item.dtype != np.float32:
        return "odd"
    item.read(h5py.h5s.ALL, h5py.h5s.ALL, image)
    return "" if finite(image) else "bad"
