"""Seconds for the geometry of one full burst (1507 x 23055) on 30 m mountains, for one thread and for two.

Beside it: pyproj bringing as many points to Earth-fixed metres once, which a geometry cannot be much faster than.

python tests/bench/bench_geometry.py
"""

import os
import time

import numba
import numpy as np
from pyproj import Transformer

from epi.insar.geometry.dem import Dem
from epi.insar.geometry.zero_doppler import burst_bounds, burst_geometry
from epi.insar.slc.annotation import SPEED_OF_LIGHT, Burst, Image
from epi.insar.slc.orbits import Orbit

START = np.datetime64("2023-03-31T05:50:00", "ns")
LINES, SAMPLES = 1507, 23055
RADIUS, RATE, TILT = 7_071_000.0, 1.06e-3, np.deg2rad(98.2)


def image(*, higher: float = 0.0) -> Image:
    """One burst of a satellite on a circle, some metres higher."""
    seconds = np.arange(-100.0, 101.0, 10.0)
    u = RATE * seconds[:, None] + 0.6
    east, north = np.array([1.0, 0, 0]), np.array([0, np.cos(TILT), np.sin(TILT)])
    radius = RADIUS + higher
    orbit = Orbit(
        time=START + (seconds * 1e9).astype("timedelta64[ns]"),
        position=radius * (np.cos(u) * east + np.sin(u) * north),
        velocity=radius * RATE * (np.cos(u) * north - np.sin(u) * east),
        kind="POEORB",
        source="a circle",
    )
    return Image(
        product="bench", platform="S1A", subswath="IW1", polarisation="VV", direction="ascending", orbit_number=1,
        track=1, radar_frequency=5.405000454334349e9, range_sampling_rate=64.34523812571427e6,
        slant_range_time=2 * 800e3 / SPEED_OF_LIGHT, azimuth_time_interval=2.0555563e-3, azimuth_steering_rate=0.0,
        pulse_repetition_frequency=1717.0, range_bandwidth=56.5e6, azimuth_bandwidth=327.0, range_window=0.75,
        azimuth_window=0.7, lines_per_burst=LINES, samples_per_burst=SAMPLES,
        bursts=(Burst(1, START, START, 0.0, 1, 0, 0, LINES - 1, 0, SAMPLES - 1),), fm_rates=(),
        doppler_centroids=(), orbit=orbit, grid=None, measurement="",  # type: ignore[arg-type]
    )  # fmt: skip


def mountains(bounds: tuple[float, float, float, float]) -> Dem:
    """Fractal ground with a node every arc second."""
    west, south, east, north = bounds
    step = 1 / 3600
    shape = int((north - south) / step) + 2, int((east - west) / step) + 2
    noise = np.fft.rfft2(np.random.default_rng(1).standard_normal(shape))
    k = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1]))
    k[k < 1 / 800] = np.inf
    heights = np.fft.irfft2(noise * k**-2.2, s=shape)
    return Dem((1500 + 400 * heights / heights.std()).astype(np.float32), north, west, step, step, "fractal")


def best(work: object, *, times: int = 3) -> float:
    """Least seconds of several runs."""
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()  # type: ignore[operator]
        spent.append(time.perf_counter() - start)
    return min(spent)


def main() -> None:
    """Print one line a choice of steps."""
    reference, secondary = image(), image(higher=30)
    burst = reference.bursts[0]
    dem = mountains(burst_bounds(reference, burst, heights=(-500, 4500)))
    to_earth_fixed = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, DEM {dem.heights.shape}")
    for line_step, sample_step in ((4, 8), (2, 8), (2, 4)):

        def work(steps: tuple[int, int] = (line_step, sample_step)) -> None:
            burst_geometry(reference, burst, secondary, burst, dem, line_step=steps[0], sample_step=steps[1])

        seconds = {}
        for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(threads)
            work()
            seconds[threads] = best(work)
        count = (LINES // line_step + 1) * (SAMPLES // sample_step + 1)
        points = np.full((3, count), 30.0)
        floor = best(lambda points=points: to_earth_fixed.transform(*points))
        one, most = seconds[1], seconds[max(seconds)]
        print(
            f"every {line_step} lines x {sample_step} samples, {count / 1e6:.2f} M nodes: {one:.2f} s on one thread, "
            f"{most:.2f} s on {max(seconds)} (ratio {one / most:.2f}); "
            f"pyproj once {floor:.2f} s (ratio {one / floor:.1f})"
        )


if __name__ == "__main__":
    main()
