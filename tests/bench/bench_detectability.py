"""How often simulated earthquakes stand out of their interferograms, beside the probability that was predicted.

Run: python tests/bench/bench_detectability.py --out data/detectability_check.csv

Every scene starts from a catalogue's row; the rupture is off it by a catalogue's errors, and has air and land of its
own. The prediction is given only what one has beforehand: the listed magnitude and depth, the usual air, the coherence.
Scenes of the part "calibration" set GAIN of `epi.source.detectability`, those of the part "quiet", without an
earthquake, its THRESHOLD; those of the part "check" are for checking alone.
"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from epi.simulate import recipe
from epi.simulate.scene import simulate_scene
from epi.simulate.sighting import sighting
from epi.source import detectability
from epi.source.size import scaling

RECIPE = replace(recipe.UNSEEN, name="sighting", stream=21)
MAGNITUDE, DEPTH_KM = (4.8, 6.8), (3.0, 30.0)  # as listed, uniform
AIR_M, COHERENCE = (0.005, 0.02), (0.05, 0.85)  # usual rms, log-uniform; median, uniform
SPACING_M = 800.0
PARTS = {"quiet": (20_000, 100), "calibration": (50_000, 150), "check": (60_000, 250)}  # first seed, scenes


def judged(seed: int, *, quiet: bool) -> dict[str, object]:
    """What the catalogue would say of one scene, and what the judge says."""
    rng = np.random.default_rng([seed, 22])
    usual = float(np.exp(rng.uniform(*np.log(AIR_M))))
    air = usual * float(np.exp(detectability.AIR_SCATTER * rng.standard_normal()))
    magnitude, listed = rng.uniform(*MAGNITUDE), rng.uniform(*DEPTH_KM)
    drawn = recipe.draw(seed, _off(magnitude, listed, rng))
    conditions = replace(drawn.conditions, atmosphere_m=air, coherence=rng.uniform(*COHERENCE))
    rupture = None if quiet else drawn.rupture
    made = simulate_scene(rupture, conditions, seed=seed, size_km=recipe.SIZE_KM, spacing_m=SPACING_M, unwrapped=True)
    seen = sighting(made.product, air_m=air)
    row: dict[str, object] = {"seed": seed, "air_m": usual, "coherence": conditions.coherence, "score": seen.score}
    if rupture is None:
        return row
    east, north, _ = rupture.centroid
    return row | {
        "magnitude": magnitude,
        "depth_km": listed,
        "peak_m": recipe.peak_los(made),
        "miss_km": float(np.hypot(seen.east_km - east, seen.north_km - north)),
    }


def _off(magnitude: float, depth_km: float, rng: np.random.Generator) -> recipe.Recipe:
    """The recipe of the one earthquake that a row stands for: off it, and as deep as its fault needs."""
    size = magnitude + detectability.MAGNITUDE_ERROR * rng.standard_normal()
    depth = depth_km * float(np.exp(detectability.DEPTH_ERROR * rng.standard_normal()))
    least = 0.6 * float(scaling(size)[1]) * np.sin(np.deg2rad(recipe.DIP[0])) + 0.5
    return replace(RECIPE, magnitude=(size, size), depth_km=(max(depth, least),) * 2)


def main() -> int:
    """Write a row a scene."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="CSV to write")
    parser.add_argument("--parts", default=",".join(PARTS), help="which of: " + ", ".join(PARTS))
    parser.add_argument("--scenes", type=int, help="at most so many of each part")
    options = parser.parse_args()
    rows = []
    for part in options.parts.split(","):
        first, count = PARTS[part]
        for seed in range(first, first + min(count, options.scenes or count)):
            rows.append({"part": part} | judged(seed, quiet=part == "quiet"))
        print(f"{part}: {sum(row['part'] == part for row in rows)} scenes", file=sys.stderr)
    table = pd.DataFrame(rows)
    known = table["part"] != "quiet"
    columns = {name: table.loc[known, name] for name in ("magnitude", "depth_km", "air_m", "coherence")}
    table.loc[known, "probability"] = detectability.probability(**columns, passes="mean")
    table["seen"] = table["score"] >= detectability.THRESHOLD
    columns = ["part", "seed", "air_m", "coherence", "score", "magnitude", "depth_km", "peak_m", "miss_km"]
    table = table[[*columns, "probability", "seen"]]
    table.round(4).to_csv(options.out, index=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
