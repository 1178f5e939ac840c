"""How often the detector that ships calls a whole scene without an earthquake one: the more squares, the oftener.

Scenes are those of the recipe `unseen` of `epi.simulate.recipe` (air, layers, a ramp, decorrelation, lakes) without
their earthquakes, as wide as one square of the network, as the recipe's own, and as the swath of Sentinel-1; every
second one is wrapped, as in the detector's test. Chapter 9 shows the table.

python tests/bench/bench_quiet.py                                 a few scenes of each width, printed: seconds
python tests/bench/bench_quiet.py --out data/detect_quiet.csv     all of them, and kept: some six minutes of one core
"""

import argparse
from pathlib import Path

import pandas as pd
import torch
from scipy.stats import binomtest

from epi.learn import detect
from epi.learn.detect.networks import Detector
from epi.settings import settings
from epi.simulate.labelled import SIZE_KM
from epi.simulate.recipe import SIZE_KM as RECIPE_KM
from epi.simulate.recipe import SPACING_M, UNSEEN, draw
from epi.simulate.scene import simulate_scene
from epi.storage import atomic_path

NETWORK = "detector_unet_resnet10.safetensors"
SIDES_KM = (SIZE_KM, RECIPE_KM, 250.0)  # a square, the recipe's scene, the swath of Sentinel-1
SEEDS, FEW = range(120), range(4)
COMMAND = "python tests/bench/bench_quiet.py --out data/detect_quiet.csv"


def judged(network: Detector, seed: int, side_km: float) -> dict[str, object]:
    """What the network says of the scene of a seed without its earthquake."""
    sky = draw(seed, UNSEEN).conditions
    unwrapped = seed % 2 == 0
    made = simulate_scene(None, sky, seed=seed, size_km=side_km, spacing_m=SPACING_M, unwrapped=unwrapped)
    result, _ = detect.detect_scene(network, made.product)
    row = {"seed": seed, "side_km": side_km, "tiles": result["tiles"], "unwrapped": unwrapped}
    row |= {"air_cm": 100 * sky.atmosphere_m, "probability": result["probability"], "alarm": result["alarm"]}
    return row | {"called": result["present"]}


def main() -> None:
    """Print how many scenes of each width are called one, and keep the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="CSV file to write; takes minutes")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    network = detect.load_detector(settings().data / NETWORK)
    table = pd.DataFrame([judged(network, seed, side) for side in SIDES_KM for seed in (SEEDS if out else FEW)])
    for side, part in table.groupby("side_km"):
        hits = int(part["called"].sum())
        low, high = binomtest(hits, len(part)).proportion_ci()
        print(f"{side:g} km: {hits} of {len(part)} called an earthquake ({low:.3f} to {high:.3f})")
    if out:
        with atomic_path(out) as path:
            table.assign(command=COMMAND).to_csv(path, index=False, float_format="%.7g")


if __name__ == "__main__":
    main()
