"""How much longer a training step of the study takes when its patches come from the store than when they are in memory.

Each pair of steps is the same batch through the same network, one after the other, in turns first and second; beside
the ratio stand the milliseconds of a batch by the loader, by h5py one dataset at a time, and by memory.

python tests/bench/bench_loader.py [--pixels 64] [--pairs 24]
"""

import argparse
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch

from epi.learn.study import HeldImages, Recipe, Samples, StoredImages, build_network, combined_loss
from epi.learn.study.loader import Images, measure_scaling
from epi.patches import BANDS, COLUMNS, Patches, write

COUNT, BATCH = 256, 16


def drawn(pixels: int) -> Patches:
    """Patches of noise with the rows of a store."""
    rng = np.random.default_rng(0)
    facts = {name: 0.0 for name in COLUMNS} | {"subswath": "IW1", "group": "bench", "pixels": pixels}
    facts |= dict.fromkeys(("polarisation", "reference", "secondary"), "")
    table = pd.DataFrame({**facts, "event": "bench", "patch": [f"patch_{n:06d}" for n in range(COUNT)]})
    bands = rng.standard_normal((3, COUNT, pixels, pixels)).astype(np.float32)
    return Patches(table[list(COLUMNS)], *bands)


def samples(images: Images) -> Samples:
    """All patches with their coordinates, as a network of five channels gets them."""
    rows = list(range(COUNT))
    return Samples(images, rows, np.zeros((COUNT, 1)), measure_scaling(images, rows), channels=5)


def by_h5py(folder: Path, rows: list[int]) -> float:
    """Seconds of the same batch by h5py, the file open."""
    with h5py.File(folder / "patches.h5", "r") as file:
        start = time.process_time()
        np.stack([[file[f"bench/IW1/{band}/patch_{n:06d}"][()] for band in BANDS] for n in rows])
        return time.process_time() - start


def main() -> None:
    """Print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pixels", type=int, default=64)
    parser.add_argument("--pairs", type=int, default=24)
    parser.add_argument("--model", default="resnet18")
    options = parser.parse_args()
    torch.set_num_threads(1)
    patches = drawn(options.pixels)
    with tempfile.TemporaryDirectory() as folder:
        write(folder, patches)
        sources = {"memory": samples(HeldImages(patches)), "store": samples(StoredImages(folder))}
        network = build_network(Recipe(model=options.model, pixels=options.pixels))
        optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
        steps: dict[str, list[float]] = {name: [] for name in sources}
        reads: dict[str, list[float]] = {**{name: [] for name in sources}, "h5py": []}
        rng = np.random.default_rng(1)
        for pair in range(options.pairs + 2):
            rows = rng.choice(COUNT, BATCH, replace=False).tolist()
            order = list(sources) if pair % 2 else list(sources)[::-1]
            for name in order:
                start = time.process_time()
                inputs, answers = sources[name].__getitems__(rows)
                read = time.process_time() - start
                loss = combined_loss(network(inputs), answers)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                if pair > 1:  # the first two warm up
                    steps[name].append(time.process_time() - start)
                    reads[name].append(read)
            reads["h5py"].append(by_h5py(Path(folder), rows))
    ratio = np.array(steps["store"]) / np.array(steps["memory"])
    extra = (np.median(reads["store"]) - np.median(reads["memory"])) / np.median(steps["memory"])
    print(f"{options.model}, {options.pixels} pixels, batches of {BATCH}, {options.pairs} pairs, processor time")
    print(f"step {1e3 * np.median(steps['memory']):.1f} ms in memory; batch: " +
          ", ".join(f"{name} {1e3 * np.median(times):.2f} ms" for name, times in reads.items()))  # fmt: skip
    print(f"step from the store / step in memory: median of the pairs {np.median(ratio):.3f}")
    print(f"reading alone adds {extra:.2%} of a step")


if __name__ == "__main__":
    main()
