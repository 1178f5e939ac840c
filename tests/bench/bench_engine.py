"""Seconds and peak memory of the native engine, for 1, 3 and 9 full bursts, on one processor core and on two.

From two measurement files to averaged interferogram and coherence: reading, geometry on a 30 m terrain, deramping,
resampling, reramping, forming, coherence. Beside it, in the same run and on the same cores, the floor: reading the
pixels of every burst and two FFT passes over one image's (lines, then samples). The pixels are noise: time does not
depend on what they show. Loops are compiled before the clock starts.

Run: python tests/bench/bench_engine.py
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path

BURSTS, CORES = (1, 3, 9), (1, 2)


def images(bursts):
    """Annotations of a pair of whole images over Thessaly, and the terrain below them."""
    from epi.catalogue import find_event
    from epi.insar.geometry.zero_doppler import burst_bounds
    from epi.simulate.slc.passage import pair_flights
    from epi.simulate.slc.plan import first_image, second_image, with_grid
    from epi.simulate.terrain import fractal_dem

    event = find_event("20210303-thessaly")
    flights = pair_flights(event, baseline_m=40.0, parallel_m=12.0)
    place = {"latitude": event.latitude, "longitude": event.longitude}
    first = first_image(
        flights[0], subswath="IW1", bursts=bursts, samples=23055, lines=1507, polarisation="VV", **place
    )
    second = second_image(first, flights[1], synchronisation=0.0008)
    boxes = [burst_bounds(first.image, burst) for burst in first.image.bursts]
    bounds = tuple(pick(box[k] for box in boxes) for k, pick in enumerate((min, min, max, max)))
    dem = fractal_dem(bounds, relief_m=250.0, water=0.0, seed=0)
    return with_grid(first, dem).image, with_grid(second, dem).image, dem


def write(path, image):
    """Write an image of noise as CInt16."""
    import numpy as np
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    rng = np.random.default_rng(1)
    lines, samples = image.lines_per_burst * len(image.bursts), image.samples_per_burst
    noise = (rng.normal(0, 60, (512, samples)) + 1j * rng.normal(0, 60, (512, samples))).astype(np.complex64)
    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    shape = {"width": samples, "height": lines, "count": 1, "dtype": "complex_int16"}
    with rasterio.open(path, "w", driver="GTiff", **shape) as file:
        for top in range(0, lines, 512):
            count = min(512, lines - top)
            file.write(noise[:count], 1, window=rasterio.windows.Window(0, top, samples, count))


def measure(folder, bursts, cores):
    """Time one setting in this process, on so many cores."""
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:cores]))
    os.environ.update(NUMBA_NUM_THREADS=str(cores), OMP_NUM_THREADS=str(cores))
    import scipy.fft

    from epi.insar.engines.native import Choices, _subswath
    from epi.insar.slc.matching import BurstPair
    from epi.insar.slc.safe import read_burst

    first, second, dem = images(bursts)
    first = replace(first, measurement=str(Path(folder) / "reference.tiff"))
    second = replace(second, measurement=str(Path(folder) / "secondary.tiff"))
    pairs = [BurstPair(first, a, second, b) for a, b in zip(first.bursts, second.bursts, strict=True)]
    how = Choices(spacing_m=50.0)
    _subswath(pairs[:1], dem, how, lambda words: None)  # compiles
    start = time.perf_counter()
    _subswath(pairs, dem, how, lambda words: None)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = time.perf_counter()
    read_burst(first, 1)
    pixels = read_burst(second, 1)
    pixels = scipy.fft.fft(pixels, axis=0, overwrite_x=True, workers=cores)
    scipy.fft.fft(pixels, axis=1, overwrite_x=True, workers=cores)
    floor = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak, "floor": floor}))


def main():
    """Print a line for each setting, then the ratios."""
    least = {}
    for bursts in BURSTS:
        with tempfile.TemporaryDirectory() as folder:
            first, second, _ = images(bursts)
            write(Path(folder) / "reference.tiff", first)
            write(Path(folder) / "secondary.tiff", second)
            for cores in CORES:
                command = [sys.executable, __file__, folder, str(bursts), str(cores)]
                runs = [json.loads(subprocess.check_output(command)) for _ in range(2)]
                best = min(runs, key=lambda run: run["seconds"])
                least[bursts, cores] = best["seconds"]
                print(
                    f"{bursts} bursts of {first.lines_per_burst} x {first.samples_per_burst}, {cores} cores: "
                    f"{best['seconds']:.2f} s, {best['seconds'] / bursts:.2f} s a burst pair, "
                    f"{best['seconds'] / bursts / best['floor']:.2f} x the floor of {best['floor']:.2f} s; "
                    f"peak memory {best['peak']:.2f} GiB",
                    flush=True,
                )
    print("two cores are " + ", ".join(f"{least[n, 1] / least[n, 2]:.2f}" for n in BURSTS) + " times as fast as one")
    print("a burst of 9 takes " + ", ".join(f"{least[9, n] / 9 / least[1, n]:.2f}" for n in CORES) + " of one alone")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
