"""How often our detector calls a whole scene an earthquake, with one and without; wide ones have many squares.

Scenes are those of the recipe `unseen` of `epi.simulate.recipe` (air, layers, a ramp, decorrelation, lakes), each
without and with its earthquake, as wide as one square of the network, as the recipe's own, and as the swath of
Sentinel-1; every second one is wrapped, as in the detector's test. Chapter 9 shows the table.

python tests/bench/bench_wide.py                               a few scenes of each width, printed: seconds
python tests/bench/bench_wide.py --out data/detect_wide.csv    all of them, and kept: some ten minutes of one core
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import torch
from scipy.stats import binomtest

from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.learn import detect
from epi.learn.detect.networks import Detector
from epi.settings import settings
from epi.simulate.labelled import SIZE_KM
from epi.simulate.recipe import SIZE_KM as RECIPE_KM
from epi.simulate.recipe import SPACING_M, UNSEEN, draw, peak_los
from epi.simulate.scene import simulate_scene
from epi.storage import atomic_path

NETWORK = "detector_unet_resnet10.safetensors"
SIDES_KM = (SIZE_KM, RECIPE_KM, 250.0)  # a square, the recipe's scene, the swath of Sentinel-1
SEEDS, FEW = range(120, 240), range(120, 124)  # of 0 to 119, quiet scenes were looked at under one alarm for all widths
COMMAND = "python tests/bench/bench_wide.py --out data/detect_wide.csv"


def judged(network: Detector, seed: int, side_km: float) -> Iterator[dict[str, object]]:
    """What the network says of the scene of a seed without and with its earthquake."""
    drawn = draw(seed, UNSEEN)
    unwrapped = seed % 2 == 0
    for rupture in (None, drawn.rupture):
        made = simulate_scene(
            rupture, drawn.conditions, seed=seed, size_km=side_km, spacing_m=SPACING_M, unwrapped=unwrapped
        )
        result, _ = detect.detect_scene(network, made.product)
        row = {"seed": seed, "side_km": side_km, "tiles": result["tiles"], "unwrapped": unwrapped}
        row |= {"air_cm": 100 * drawn.conditions.atmosphere_m, "present": rupture is not None}
        row |= {"fringes": peak_los(made) / (SENTINEL1_WAVELENGTH_M / 2), "probability": result["probability"]}
        yield row | {"alarm": result["alarm"], "called": result["present"], "alarm_square": network.settings.alarm}


def main() -> None:
    """Print how many scenes of each width are called one, and keep the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="CSV file to write; takes minutes")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    network = detect.load_detector(settings().data / NETWORK)
    seeds = SEEDS if out else FEW
    table = pd.DataFrame([row for side in SIDES_KM for seed in seeds for row in judged(network, seed, side)])
    for (side, present), part in table.groupby(["side_km", "present"]):
        hits = int(part["called"].sum())
        low, high = binomtest(hits, len(part)).proportion_ci()
        kind = "with an earthquake" if present else "quiet"
        print(f"{side:g} km, {kind}: {hits} of {len(part)} called an earthquake ({low:.3f} to {high:.3f})")
    if out:
        with atomic_path(out) as path:
            table.assign(command=COMMAND).to_csv(path, index=False, float_format="%.7g")


if __name__ == "__main__":
    main()
