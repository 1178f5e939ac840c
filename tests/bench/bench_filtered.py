"""How often the detectors that ship call a filtered interferogram an earthquake, with one and without.

Most interferograms that are handed on were filtered. Scenes are drawn as those of the test `frozen`, from another seed,
with nothing but air or with earthquakes above half a fringe, all given as wrapped phase; the coherence stays what it
was. Two filters: the mean of the complex numbers about each pixel of 533 m under a Gaussian, which the networks have
learned from, and that of Goldstein and Werner (1998) on pixels of 133 m in windows of 4.3 km, then averaged to 533 m,
which they have not. A pixel of 133 m has as many looks here as one of 533 m. Chapter 9 shows the table.

python tests/bench/bench_filtered.py                                 a block of scenes, printed: a minute
python tests/bench/bench_filtered.py --out data/detect_filtered.csv  all of them, and kept: some minutes of one core
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import binomtest

from epi.insar.filters import goldstein
from epi.learn import detect
from epi.learn.detect.data import block_of, clear
from epi.learn.detect.run import AGAIN
from epi.learn.detect.weights import weights_name
from epi.settings import settings
from epi.simulate.labelled import FROZEN, SIZE_KM, Scenes, only_air, sky
from epi.storage import atomic_path

PIXELS, FINE = 96, 4
"""Of a side, and pixels of 133 m to one of 533 m."""
FILTERS = (
    ("none", 0.0),
    *(("Gaussian", sigma_px * SIZE_KM / PIXELS) for sigma_px in (1.0, 1.5, 2.0)),
    ("none, 133 m", 0.0),
    *(("Goldstein, 133 m", alpha) for alpha in (0.5, 1.0)),
)
"""Names and strengths: standard deviation in km, or exponent."""
WINDOW = 32
SEED, BLOCKS, FEW = 5, range(5), range(1)  # no test has this seed
COMMAND = "python tests/bench/bench_filtered.py --out data/detect_filtered.csv"


def filtered(scenes: Scenes, name: str, strength: float) -> torch.Tensor:
    """Wrapped phase after a filter, on the scenes' own pixels."""
    if name == "Gaussian":
        return sky.filtered(scenes.phase, scenes.valid, torch.full((len(scenes),), strength / scenes.spacing_km))
    if name.startswith("Goldstein"):
        phasors = torch.polar(scenes.valid.float(), scenes.phase).numpy()
        smooth = np.stack([goldstein(each, alpha=strength, window=WINDOW) for each in phasors])
        return torch.from_numpy(smooth).angle()
    return scenes.phase


def averaged(scenes: Scenes, phase: torch.Tensor) -> Scenes:
    """Scenes of 96 pixels, all wrapped: means of phasors and of coherence over what has data."""
    real, imaginary, coherence, share = (
        torch.nn.functional.avg_pool2d(each * scenes.valid, scenes.phase.shape[-1] // PIXELS)
        for each in (phase.cos(), phase.sin(), scenes.coherence, scenes.valid.float())
    )
    valid = share >= 0.5
    return replace(
        scenes,
        phase=torch.atan2(imaginary, real) * valid,
        valid=valid,
        coherence=coherence / share.clamp_min(1e-6) * valid,
        unwrapped=torch.zeros_like(scenes.unwrapped),
    )


def scenes_of(kind: str, number: int, *, pixels: int) -> Scenes:
    """One block: nothing but air, or the earthquakes that anybody is asked to find."""
    if kind == "air":
        return block_of(only_air(FROZEN), SEED, number, pixels=pixels)
    made = block_of(FROZEN, SEED, number, pixels=pixels)
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
        numbers = BLOCKS if out else FEW
        made = {size: [scenes_of(kind, each, pixels=size) for each in numbers] for size in (PIXELS, FINE * PIXELS)}
        for name, strength in FILTERS:
            parts = made[FINE * PIXELS if name.endswith("133 m") else PIXELS]
            seen = torch.cat([detect.scene_channels(averaged(each, filtered(each, name, strength))) for each in parts])
            for network, detector in networks.items():
                said = detect.look(detector, seen)[0].div(detector.settings.temperature).sigmoid()
                called, n = int((said >= detector.settings.alarm).sum()), len(seen)
                low, high = binomtest(called, n).proportion_ci()
                row = {"network": network, "kind": kind, "filter": name, "strength": strength, "n": n, "called": called}
                rows.append(row | {"share": called / n, "low": low, "high": high})
                print(f"{network}, {kind}, {name} {strength:.2f}: {called} of {n}", flush=True)
    if out:
        with atomic_path(out) as path:
            pd.DataFrame(rows).assign(command=COMMAND).round(4).to_csv(path, index=False)


if __name__ == "__main__":
    main()
