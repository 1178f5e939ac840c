"""Seconds and peak memory of the native engine, for 1, 3 and 9 full bursts, on one processor core and on two.

From two measurement files to averaged interferogram and coherence: reading, geometry on a 30 m terrain, deramping,
resampling, reramping, forming, coherence. Beside it, in the same run and on the same cores, the floor: reading the
pixels of every burst and two FFT passes over one image's (lines, then samples). The pixels are noise: time does not
depend on what they show. Loops are compiled before the clock starts.

Then the peak memory of a whole scene, three subswaths of nine bursts: from bursts that are averaged already, over the
map of 50 m, its filtered fringes and unwrapping, to the file.

Each setting is a process of its own; annotations and terrain are made before it starts. Memory is the largest resident
set that Linux notes for a process since its program began (VmHWM), read ten times a second while SNAPHU runs; what
``getrusage`` tells of a child would hold the memory of the process that started it too.

Run: python tests/bench/bench_engine.py
Quick look: python tests/bench/bench_engine.py --only bursts --bursts 1 --cores 1
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

SPACING_M = 50.0


def images(subswaths, bursts):
    """Burst pairs of whole images over Thessaly, by subswath, and the terrain below them."""
    from scipy.ndimage import zoom

    from epi.catalogue import find_event
    from epi.insar.geometry.dem import Dem
    from epi.insar.geometry.zero_doppler import burst_bounds
    from epi.simulate.slc.passage import pair_flights
    from epi.simulate.slc.plan import first_image, second_image, with_grid
    from epi.simulate.terrain import fractal_dem

    event = find_event("20210303-thessaly")
    flights = pair_flights(event, baseline_m=40.0, parallel_m=12.0)
    place = {"latitude": event.latitude, "longitude": event.longitude}
    both = []
    for swath in subswaths:
        first = first_image(
            flights[0], subswath=swath, bursts=bursts, samples=None, lines=None, polarisation="VV", **place
        )
        both.append((first, second_image(first, flights[1], synchronisation=0.0008)))
    boxes = [burst_bounds(first.image, burst) for first, _ in both for burst in first.image.bursts]
    bounds = tuple(pick(box[k] for box in boxes) for k, pick in enumerate((min, min, max, max)))
    coarse = fractal_dem(bounds, relief_m=250.0, water=0.0, seed=0)  # nodes 90 m apart
    heights = zoom(coarse.heights, 3, order=1)
    steps = [
        step * (n - 1) / (m - 1)
        for step, n, m in zip(
            (coarse.latitude_step, coarse.longitude_step), coarse.heights.shape, heights.shape, strict=True
        )
    ]
    dem = Dem(heights, coarse.north, coarse.west, *steps, source="fractal")
    return [tuple(with_grid(one, dem).image for one in pair) for pair in both], dem


def paired(first, second):
    """Bursts of two images."""
    from epi.insar.slc.matching import BurstPair

    return [BurstPair(first, a, second, b) for a, b in zip(first.bursts, second.bursts, strict=True)]


def in_own_process(folder, *arguments):
    """Run this file again and return what it measured."""
    command = [sys.executable, __file__, "--measure", str(folder), *map(str, arguments)]
    return json.loads(subprocess.check_output(command))


def held(process="self"):
    """Largest memory a process has held since its program began or :func:`forget`, GiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def forget():
    """Let the largest memory of this process start again from what it holds now."""
    Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def watched(program):
    """Give a list to which the memory of this process's children that run a program is added, again and again."""
    found, done = [], threading.Event()

    def look():
        while not done.wait(0.1):
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                    if parent == os.getpid() and (process / "exe").readlink().name == program:
                        found.append(held(process.name))
                except (OSError, IndexError):  # it has ended
                    continue

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        done.set()
        thread.join()


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

    from epi.insar.engines.native import Choices, looked_bursts
    from epi.insar.slc.safe import read_burst

    [(first, second)], dem = pickle.loads((folder / "images").read_bytes())
    first = replace(first, measurement=str(folder / "reference.tiff"))
    second = replace(second, measurement=str(folder / "secondary.tiff"))
    pairs, how = paired(first, second), Choices(spacing_m=SPACING_M)
    looked_bursts(pairs[:1], dem, choices=how)  # compiles
    start = time.perf_counter()
    looked_bursts(pairs[:bursts], dem, choices=how)
    seconds = time.perf_counter() - start
    peak = held()
    start = time.perf_counter()
    read_burst(first, 1)
    pixels = read_burst(second, 1)
    pixels = scipy.fft.fft(pixels, axis=0, overwrite_x=True, workers=cores)
    scipy.fft.fft(pixels, axis=1, overwrite_x=True, workers=cores)
    floor = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak": peak, "floor": floor}))


def averaged(pair, dem):
    """A burst as the engine averages it, with a bowl of fringes and noise, and no data around."""
    import numpy as np

    from epi.insar.topsar.bursts import LookedBurst, looked_grid, pair_geometry
    from epi.insar.topsar.interferogram import looks_for

    image = pair.reference
    grid = looked_grid(pair, looks=looks_for(image, SPACING_M))
    places = pair_geometry(pair, dem, lines=(0, image.lines_per_burst), steps=(64, 256))
    row, column = (np.linspace(-1, 1, size, dtype="f4") for size in grid.shape)
    noise = np.random.default_rng(pair.reference_burst.number).normal(0, 0.3, grid.shape)
    waves = np.exp(1j * (30 * np.exp(-8 * (row[:, None] ** 2 + column**2)) + noise)).astype("c8")
    waves[:6] = waves[-6:] = waves[:, :15] = waves[:, -15:] = np.nan * (1 + 1j)
    steady = np.where(np.isnan(waves), np.nan, 0.6).astype("f4")
    return LookedBurst(grid, places.latitude, places.longitude, waves, steady, steady, steady)


def measure_scene(folder):
    """Bring a whole scene to a map, unwrap it and write it, in this process."""
    from epi.insar import product
    from epi.insar.contract import SENTINEL1_WAVELENGTH_M
    from epi.insar.engines.mapping import map_product, put, scene_map
    from epi.insar.geometry.mosaic import Mosaic
    from epi.insar.unwrap import unwrap

    start = time.perf_counter()

    def mapped():  # the terrain is let go with it, as in the engine
        swaths, dem = pickle.loads((folder / "images").read_bytes())
        pairs = [pair for both in swaths for pair in paired(*both)]
        mosaic = Mosaic(scene_map(pairs, dem, spacing_m=SPACING_M))
        for pair in pairs:
            put(mosaic, averaged(pair, dem), dem)
        return map_product(mosaic, alpha=0.5, attrs={"wavelength": SENTINEL1_WAVELENGTH_M})

    made = mapped()
    found = {"size": [made.sizes["y"], made.sizes["x"]], "map": held()}
    forget()
    with watched("snaphu") as snaphu:
        made = unwrap(made)
    found |= {"unwrapping": held(), "looks": made.attrs["unwrapping_looks"], "snaphu": max(snaphu)}
    forget()
    product.save(made, folder / "scene.nc")
    found |= {"saving": held(), "seconds": time.perf_counter() - start}
    print(json.dumps(found))


def bursts_figures(numbers, cores):
    """Print a line for each number of bursts and cores, then the ratios."""
    least = {}
    for bursts in numbers:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            made = images(["IW1"], bursts)
            [(first, second)], _ = made
            (folder / "images").write_bytes(pickle.dumps(made))
            write(folder / "reference.tiff", first)
            write(folder / "secondary.tiff", second)
            for count in cores:
                runs = [in_own_process(folder, "bursts", bursts, count) for _ in range(2)]
                best = min(runs, key=lambda run: run["seconds"])
                least[bursts, count] = best["seconds"]
                floor = min(run["floor"] for run in runs)
                print(
                    f"{bursts} bursts of {first.lines_per_burst} x {first.samples_per_burst}, {count} cores: "
                    f"{best['seconds']:.2f} s, {best['seconds'] / bursts:.2f} s a burst pair, "
                    f"{best['seconds'] / bursts / floor:.2f} x the floor of {floor:.2f} s; "
                    f"peak memory {best['peak']:.2f} GiB",
                    flush=True,
                )
    few, many, one, all_cores = min(numbers), max(numbers), min(cores), max(cores)
    if all_cores > one:
        gains = ", ".join(f"{least[n, one] / least[n, all_cores]:.2f}" for n in numbers)
        print(f"{all_cores} cores are {gains} times as fast as {one}")
    if many > few:
        ratios = ", ".join(f"{least[many, n] * few / least[few, n] / many:.2f}" for n in cores)
        print(f"a burst of {many} takes {ratios} of one of {few}")


def scene_figure():
    """Print the memory of a whole scene."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "images").write_bytes(pickle.dumps(images(["IW1", "IW2", "IW3"], 9)))
        found = in_own_process(name, "scene")
    rows, columns = found["size"]
    print(
        f"three subswaths of 9 bursts, {rows} x {columns} pixels of {SPACING_M:g} m: peak memory {found['map']:.2f} "
        f"GiB to the filtered map, {found['unwrapping']:.2f} GiB unwrapping at {found['looks']} x {found['looks']} "
        f"pixels, {found['saving']:.2f} GiB saving; SNAPHU, a process of its own, {found['snaphu']:.2f} GiB; "
        f"{found['seconds']:.0f} s",
        flush=True,
    )


def main():
    """Print the figures asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("scene", "bursts"), help="one part")
    parser.add_argument("--bursts", type=int, nargs="+", default=[1, 3, 9], help="how many bursts, each a setting")
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2], help="on how many cores, each a setting")
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)  # in a process of its own: folder and setting
    options = parser.parse_args()
    if options.measure:
        folder, part, *setting = options.measure
        {"scene": measure_scene, "bursts": measure}[part](Path(folder), *map(int, setting))
        return
    if options.only != "bursts":
        scene_figure()
    if options.only != "scene":
        bursts_figures(options.bursts, options.cores)


if __name__ == "__main__":
    main()
