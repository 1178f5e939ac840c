"""Speed of the dislocation kernel beside cutde's triangles: the same faults, the same points, one thread.

Run: python tests/bench/bench_okada.py
"""

import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("CUTDE_USE_BACKEND", "cpp")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

import cutde_faults
from epi.source import okada

FAULTS, POINTS, REPEATS = 1000, 300, 7


def seconds(call):
    """Least processor time of several calls: what the call needs on an idle machine."""
    call()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def main():
    """Print one line a function."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    dip, width = rng.uniform(5, 85, FAULTS), rng.uniform(3, 10, FAULTS)
    depth = rng.uniform(0.5, 12, FAULTS) + width / 2 * np.sin(np.deg2rad(dip))
    place, strike = rng.uniform(-20, 20, (2, FAULTS)), rng.uniform(0, 360, FAULTS)
    faults = np.column_stack((*place, depth, strike, dip, rng.uniform(5, 20, FAULTS), width))
    slipping = np.column_stack((faults, rng.normal(size=(FAULTS, 2)), np.zeros(FAULTS)))
    steep = faults.copy()
    steep[:, 2] += 5
    steep[:, 4] = 90
    east, north = rng.uniform(-50, 50, (2, POINTS))
    look = (-0.61, -0.14, 0.777)
    corners = cutde_faults.triangles(faults)[0].reshape(-1, 3, 3)
    points = np.column_stack((east, north, np.zeros(POINTS)))
    peer = seconds(lambda: cutde_faults.halfspace.disp_matrix(points, corners, 0.25))
    calls = {
        "los_greens": lambda: okada.los_greens(east, north, look, faults),
        "los_greens, vertical": lambda: okada.los_greens(east, north, look, steep),
        "displacement": lambda: okada.displacement(east, north, slipping),
        "greens": lambda: okada.greens(east, north, faults),
    }
    print(f"{FAULTS} faults x {POINTS} points, float64, one thread; cutde (two triangles a fault): {peer:.3f} s")
    for name, call in calls.items():
        own = seconds(call)
        print(
            f"{name:21s} {own:.3f} s, {own / FAULTS / POINTS * 1e9:4.0f} ns a pair, {peer / own:5.1f} x cutde's speed"
        )


if __name__ == "__main__":
    main()
