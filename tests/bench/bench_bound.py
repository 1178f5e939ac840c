"""How far the earthquakes of the detectors' test stand out of their air and noise, for an observer who knows them.

Of every earthquake of the test `frozen` the ratio of `epi.simulate.labelled.observer.matched_filter`: what a filter
made for this very displacement would show of it, in standard deviations of what it shows of air, ramp and phase noise.
The filter takes all delay as turbulent, as strong as the scene's, and the phase noise as that of the fewest looks of
the mixture. The test's layered air is neither turbulent nor Gaussian; so what a filter shows of nothing is counted on
scenes with nothing but air, as the test has them. An observer who does not know which earthquake to look for may try
many filters, and has to ask for more: how much more is counted on Gaussian skies of one strength, and stretched by as
much as the test's air exceeds a Gaussian's.

python tests/bench/bench_bound.py                               a few scenes, printed: a minute
python tests/bench/bench_bound.py --out data/detect_bound.csv   all of them, and kept: half an hour of one core
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.stats import norm

from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.learn.detect.data import block_of
from epi.learn.detect.judge import facts
from epi.learn.detect.rows import TEST_SEED
from epi.simulate.atmosphere import OUTER_SCALE_KM
from epi.simulate.labelled import FROZEN, SIZE_KM, Scenes, only_air, sky
from epi.simulate.labelled.observer import FREE_M, matched_filter
from epi.storage import atomic_path

PIXELS = 96
SPACING_KM = SIZE_KM / PIXELS
METRES = SENTINEL1_WAVELENGTH_M / (4 * np.pi)  # a radian
SKY_SEED = 4  # of skies that no test has
BLOCKS, FEW = range(32), range(1)
FALSE_ALARMS = 0.02
AIR_M, COHERENCE = 0.01, 0.55  # of the skies on which the search is tried: the middle of the mixture's ranges
FILTERS, SKIES = 600, 4000
EMPTY = range(20)  # blocks with nothing but air, half of whose scenes are unwrapped
COMMAND = "python tests/bench/bench_bound.py --out data/detect_bound.csv"


def error_m(coherence: np.ndarray) -> np.ndarray:
    """Standard deviation of the phase error at the fewest looks (Rodriguez and Martin 1992), at most that of chance."""
    seen = np.clip(coherence, 0.05, 0.98)
    variance = (1 - seen**2) / (2 * FROZEN.looks[0] * seen**2)
    return np.asarray(METRES * np.sqrt(np.minimum(variance, np.pi**2 / 3)))


def lifted(scenes: Scenes, n: int, moved: np.ndarray) -> tuple[np.ndarray, float]:
    """The filter of a displacement under the sky and on the ground of one of some scenes, and its ratio."""
    valid, error = scenes.valid[n].numpy(), error_m(scenes.coherence[n].numpy())
    return matched_filter(moved, valid, air_m=float(scenes.atmosphere_m[n]), error_m=error, spacing_km=SPACING_KM)


def ratios(scenes: Scenes) -> np.ndarray:
    """Ratio of every scene, NaN without an earthquake."""
    found = np.full(len(scenes), np.nan)
    for n in np.flatnonzero(scenes.present.numpy()):
        found[n] = lifted(scenes, n, scenes.displacement[n].numpy())[1]
    return found


def empty(blocks: range) -> np.ndarray:
    """What filters of other scenes' earthquakes show of unwrapped scenes with nothing but air."""
    shown = []
    for number in blocks:
        skies = block_of(only_air(FROZEN), SKY_SEED, number, pixels=PIXELS)
        quakes = block_of(FROZEN, SKY_SEED, number, pixels=PIXELS)
        moved = quakes.displacement[quakes.present].numpy()
        for n, one in zip(np.flatnonzero(skies.unwrapped.numpy()), moved, strict=False):
            weights, ratio = lifted(skies, n, one)
            if ratio > 0:
                shown.append(float((weights * -METRES * skies.phase[n].numpy()).sum()))
    return np.array(shown)


def searching(filters: int, skies: int) -> tuple[float, float]:
    """What the largest of many filters exceeds on `FALSE_ALARMS` of skies; and the deviation of one of them."""
    rng, noise = np.random.default_rng(0), torch.Generator().manual_seed(0)
    error = error_m(np.full((PIXELS, PIXELS), COHERENCE))
    everywhere = np.ones((PIXELS, PIXELS), bool)
    bank: list[np.ndarray] = []
    block = 0
    while len(bank) < filters:
        scenes = block_of(FROZEN, SKY_SEED, block, pixels=PIXELS)
        for moved in scenes.displacement[scenes.present].numpy():
            bank.append(matched_filter(moved, everywhere, air_m=AIR_M, error_m=error, spacing_km=SPACING_KM)[0])
        block += 1
    weights = np.stack(bank[:filters]).reshape(filters, -1)
    line = np.linspace(-(3**0.5), 3**0.5, PIXELS)
    shown = []
    for _ in range(0, skies, 200):
        wild = AIR_M * sky.air(200, PIXELS, SPACING_KM, outer_km=OUTER_SCALE_KM, slope=0.0, noise=noise).numpy()
        free, east, north = rng.standard_normal((3, 200, 1, 1)) * np.array([FREE_M, 0.03, 0.03])[:, None, None, None]
        total = wild + free + east * line + north * line[:, None] + error * rng.standard_normal(wild.shape)
        shown.append(total.reshape(200, -1) @ weights.T)
    answers = np.concatenate(shown)
    return float(np.quantile(answers.max(1), 1 - FALSE_ALARMS)), float(answers.std())


def main() -> None:
    """Print what an observer would find, and keep the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="CSV file to write; takes half an hour")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    rows = []
    for number in BLOCKS if out else FEW:
        scenes = block_of(FROZEN, TEST_SEED, number, pixels=PIXELS)
        rows.append(pd.DataFrame(facts(scenes) | {"ratio": ratios(scenes)}))
    table = pd.concat(rows, ignore_index=True)
    search, deviation = searching(FILTERS if out else 40, SKIES if out else 1000)
    shown = empty(EMPTY if out else range(1))
    known = float(np.quantile(shown, 1 - FALSE_ALARMS))
    print(f"{len(shown)} scenes of air: deviation {shown.std():.2f}, {FALSE_ALARMS:.0%} exceed {known:.2f}")
    search *= known / norm.isf(FALSE_ALARMS)
    print(f"deviation of a filter {deviation:.2f} (1 expected); {FALSE_ALARMS:.0%} exceed {search:.2f} in a search")
    table = table.assign(known=known, search=search, command=COMMAND)
    quakes = table[table["present"]]
    for least in (0.5, 1.0):
        part = quakes[quakes["fringes"] > least]
        shares = {name: norm.cdf(part["ratio"] - part[name]).mean() for name in ("known", "search")}
        print(
            f"above {least:g} fringe(s), {len(part)}: " + ", ".join(f"{n} {value:.3f}" for n, value in shares.items())
        )
    if out:
        with atomic_path(out) as temporary:
            quakes.round(4).to_csv(temporary, index_label="scene")


if __name__ == "__main__":
    main()
