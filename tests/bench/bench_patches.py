"""Speed of the patch store, beside plain h5py on the same arrays in the same run.

The store writes images, a table and checksums, whole or not at all, and checks every value on the way in and out.
Beside it, h5py's own objects write and read the same images in the same layout (one dataset, one chunk, an image), with
no table and no check. Each works on files that are new, in turns, and the best of several turns counts; files stay in
the system's cache, so it is the work of the library that is measured, not the disk.

Run: python tests/bench/bench_patches.py
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from epi.patches import BANDS, COLUMNS, Patches, patch_name, read, write

TURNS = 5
SIZES = ((160, 256), (1200, 64))  # patches and their pixels a side


def patches(count: int, side: int) -> Patches:
    """Random images of three subswaths of four events, with the rows they need."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "event": [f"event-{n * 4 // count}" for n in range(count)],
            "subswath": [f"IW{n % 3 + 1}" for n in range(count)],
            "patch": [patch_name(2000 * n, 0) for n in range(count)],
            "pixels": side,
        }
    ).reindex(columns=list(COLUMNS))
    return Patches(table, *(rng.random((count, side, side), dtype=np.float32) for _ in BANDS))


def places(made: Patches) -> list[tuple[str, str]]:
    """Group and name of every image, without the band."""
    keys = made.table[["event", "subswath", "patch"]].itertuples(index=False, name=None)
    return [(f"{event}/{subswath}", patch) for event, subswath, patch in keys]


def plain_write(path: Path, made: Patches) -> None:
    """Write the images with h5py."""
    with h5py.File(path, "w") as file:
        for n, (group, name) in enumerate(places(made)):
            for band in BANDS:
                image = made.band(band)[n]
                file.create_dataset(f"{group}/{band}/{name}", data=image, chunks=image.shape)


def plain_read(path: Path, made: Patches) -> list[np.ndarray]:
    """Read the images with h5py."""
    found = [np.empty_like(made.band(band)) for band in BANDS]
    with h5py.File(path, "r") as file:
        for n, (group, name) in enumerate(places(made)):
            for number, band in enumerate(BANDS):
                found[number][n] = file[f"{group}/{band}/{name}"][()]
    return found


def seconds(work: Callable[..., object], *arguments: object) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def main() -> None:
    """Print a line for writing and one for reading, for each size of patch."""
    for count, side in SIZES:
        made = patches(count, side)
        megabytes = sum(made.band(band).nbytes for band in BANDS) / 1e6
        print(f"{count} patches of 3 x {side} x {side}, {megabytes:.0f} MB; load {os.getloadavg()[0]:.1f}", flush=True)
        spent: dict[str, list[float]] = {name: [] for name in ("write", "plain write", "read", "plain read")}
        for _ in range(TURNS):
            with tempfile.TemporaryDirectory() as folder:
                home, plain = Path(folder) / "store", Path(folder) / "plain.h5"
                spent["plain write"].append(seconds(plain_write, plain, made))
                spent["write"].append(seconds(write, home, made))
                spent["plain read"].append(seconds(plain_read, plain, made))
                spent["read"].append(seconds(read, home))
        best = {name: min(times) for name, times in spent.items()}
        for name in ("write", "read"):
            took, floor = best[name], best[f"plain {name}"]
            print(
                f"  {name}: {megabytes / took:.0f} MB/s, {count / took:.0f} patches/s; plain h5py "
                f"{megabytes / floor:.0f} MB/s, {count / floor:.0f} patches/s; ratio {took / floor:.2f}"
            )


if __name__ == "__main__":
    main()
