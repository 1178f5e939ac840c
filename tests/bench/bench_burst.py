"""Seconds of one full burst pair from pixels to averaged interferogram and coherence, on one and two threads.

Beside them, in the same run, the floor: reading the pixels and two passes of FFT over one image (lines, then samples),
which any processor that resamples in the frequency domain has to do at least. The geometry is given here (its own time
is not in it); its nodes are as dense as the engine's.

Run: python tests/bench/bench_burst.py
"""

import os
import resource
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("NUMBA_NUM_THREADS", "2")

import numba
import numpy as np
import rasterio
import scipy.fft
from rasterio.errors import NotGeoreferencedWarning

from epi.insar.geometry.zero_doppler import BurstGeometry
from epi.insar.topsar.interferogram import STEPS, look_pixels
from epi.insar.topsar.ramp import Ramp, coregister, doppler_rate

LINES, SAMPLES, INTERVAL, WAVELENGTH = 1507, 23055, 2.0555563e-3, 0.05546576
LOOKS, WINDOW = (4, 12), (4, 20)
REPEATS = 3


def ramp():
    """An IW1 burst's."""
    fm_rate = np.linspace(-2330.0, -2130.0, SAMPLES)
    centroid = np.linspace(5.0, -3.0, SAMPLES)
    return Ramp(
        rate=doppler_rate(fm_rate, 8700.0),
        centroid=centroid,
        reference_time=-centroid / fm_rate,
        interval=INTERVAL,
        middle=(LINES - 1) / 2,
        azimuth_band=(327 * INTERVAL, 0.7),
        range_band=(56.5 / 64.345, 0.75),
        valid=(20, 1486, 170, SAMPLES - 200),
    )


def geometry():
    """A perpendicular baseline of 100 m over rough ground: positions differ by hundredths of a pixel between nodes."""
    lines, samples = (np.arange(0, size + step - 1, step) for size, step in zip((LINES, SAMPLES), STEPS, strict=True))
    row, column = np.meshgrid(lines.astype(float), samples.astype(float), indexing="ij")
    rough = 0.05 * np.sin(row / 60) * np.sin(column / 300) + 0.002 * np.random.default_rng(0).normal(size=row.shape)
    at_line, at_sample = row + 3.3 + 2e-6 * column, column - 7.2 + 2e-4 * column + rough
    return BurstGeometry(lines, samples, row, row, row, at_line, at_sample, 2.33 * (at_sample - column))


def write(path):
    """Write a burst of noise as CInt16."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 60, (64, SAMPLES)) + 1j * rng.normal(0, 60, (64, SAMPLES))
    with rasterio.open(
        path, "w", driver="GTiff", width=SAMPLES, height=LINES, count=1, dtype="complex_int16"
    ) as dataset:
        for top in range(0, LINES, 64):
            count = min(64, LINES - top)
            window = rasterio.windows.Window(0, top, SAMPLES, count)
            dataset.write(np.roll(noise[:count], top, axis=1).astype(np.complex64), 1, window=window)


def read(path):
    with rasterio.open(path) as dataset:
        return dataset.read(1, out_dtype=np.complex64)


def chain(paths, secondary_ramp, places):
    """One burst pair, the reference read while the secondary is moved.

    Returns the seconds of reading one, of coregistration, of interferogram and coherence, of all, and of processor.
    """
    times, processor = [time.perf_counter()], time.process_time()
    with ThreadPoolExecutor(1) as reader:
        secondary = read(paths[1])
        waiting = reader.submit(read, paths[0])
        times.append(time.perf_counter())
        moved = coregister(secondary, secondary_ramp, places)
        reference = waiting.result()
        times.append(time.perf_counter())
    del secondary
    look_pixels(reference, moved, places, WAVELENGTH, looks=LOOKS, window=WINDOW)
    times.append(time.perf_counter())
    return [*np.diff(times), times[-1] - times[0], time.process_time() - processor]


def floor(paths, threads):
    """Reading both and two FFT passes over one."""
    start = time.perf_counter()
    read(paths[0])
    pixels = read(paths[1])
    pixels = scipy.fft.fft(pixels, axis=0, overwrite_x=True, workers=threads)
    scipy.fft.fft(pixels, axis=1, overwrite_x=True, workers=threads)
    return time.perf_counter() - start


def main():
    """Print a line for each number of threads."""
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    secondary_ramp, places = ramp(), geometry()
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("reference.tiff", "secondary.tiff")]
        for path in paths:
            write(path)
        chain(paths, secondary_ramp, places)  # compiles
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"one burst pair of {LINES} x {SAMPLES}; peak memory {peak:.2f} GiB; least of {REPEATS} runs, s")
        runs, floors = {1: [], 2: []}, {1: [], 2: []}
        for _ in range(REPEATS):
            for threads in runs:  # in turn, so that a busy machine is busy for both
                numba.set_num_threads(threads)
                runs[threads].append(chain(paths, secondary_ramp, places))
                floors[threads].append(floor(paths, threads))
        for threads, times in runs.items():
            reading, moving, looking, total, processor = min(times, key=lambda run: run[3])
            least = min(floors[threads])
            print(
                f"{threads} threads: {total:.2f} (reading one {reading:.2f}, coregistration and reading the other "
                f"{moving:.2f}, interferogram and coherence {looking:.2f}; {processor:.2f} of processor time); "
                f"floor {least:.2f}, {total / least:.2f} x the floor"
            )
        one, two = (min(run[3] for run in runs[threads]) for threads in (1, 2))
        print(f"two threads are {one / two:.2f} times as fast as one")


if __name__ == "__main__":
    main()
