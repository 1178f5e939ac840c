"""How often the detectors that ship call a filtered interferogram an earthquake, with one and without.

Most interferograms that are handed on were filtered; those that the networks learned from were not. Scenes are drawn
as those of the test `frozen`, from another seed, with nothing but air or with earthquakes above half a fringe, all
given as wrapped phase. The filter is the mean of the complex numbers about each pixel under a Gaussian; the coherence
stays what it was. Chapter 9 shows the table.

python tests/bench/bench_filtered.py                                 a block of scenes, printed: a minute
python tests/bench/bench_filtered.py --out data/detect_filtered.csv  all of them, and kept: some minutes of one core
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import binomtest

from epi.learn import detect
from epi.learn.detect.data import block_of, clear
from epi.learn.detect.rows import TEST_SEED
from epi.learn.detect.run import AGAIN
from epi.learn.detect.weights import weights_name
from epi.settings import settings
from epi.simulate.labelled import FROZEN, SIZE_KM, Scenes, only_air
from epi.storage import atomic_path

PIXELS = 96
SIGMAS_PX = (0.0, 1.0, 1.5, 2.0)  # of the filter; a pixel is 533 m
SEED, BLOCKS, FEW = TEST_SEED + 2, range(5), range(1)
COMMAND = "python tests/bench/bench_filtered.py --out data/detect_filtered.csv"


def filtered(scenes: Scenes, sigma_px: float) -> Scenes:
    """Wrapped scenes whose phase is the angle of the mean about each pixel."""
    phasor = np.where(scenes.valid, np.exp(1j * scenes.phase.numpy()), 0)
    if sigma_px:
        phasor = np.stack([gaussian_filter(one, sigma_px) for one in phasor])
    phase = torch.from_numpy(np.angle(phasor)).float()
    return replace(scenes, phase=phase, unwrapped=torch.zeros_like(scenes.unwrapped))


def scenes_of(kind: str, number: int) -> Scenes:
    """One block: nothing but air, or the earthquakes that anybody is asked to find."""
    if kind == "air":
        return block_of(only_air(FROZEN), SEED, number, pixels=PIXELS)
    made = block_of(FROZEN, SEED, number, pixels=PIXELS)
    return made.take(made.present & clear(made.present, made.peak_m / (made.wavelength_m / 2)))


def main() -> None:
    """Print how many scenes are called an earthquake, and keep the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="CSV file to write; takes minutes")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    networks = {name: detect.load_detector(settings().data / weights_name(name)) for name in AGAIN}
    rows = []
    for kind in ("air", "earthquake"):
        parts = [scenes_of(kind, number) for number in (BLOCKS if out else FEW)]
        for sigma_px in SIGMAS_PX:
            seen = torch.cat([detect.scene_channels(filtered(each, sigma_px)) for each in parts])
            for name, network in networks.items():
                said = detect.look(network, seen)[0].div(network.settings.temperature).sigmoid()
                called, n = int((said >= network.settings.alarm).sum()), len(seen)
                low, high = binomtest(called, n).proportion_ci()
                row = {"network": name, "kind": kind, "sigma_px": sigma_px, "n": n, "called": called}
                rows.append(row | {"share": called / n, "low": low, "high": high})
                print(f"{name}, {kind}, filter of {sigma_px * SIZE_KM / PIXELS:.2f} km: {called} of {n}")
    if out:
        with atomic_path(out) as path:
            pd.DataFrame(rows).assign(command=COMMAND).round(4).to_csv(path, index=False)


if __name__ == "__main__":
    main()
