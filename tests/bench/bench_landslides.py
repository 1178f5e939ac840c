"""How many pixels slid in the patches of the simulated landslide events, as they are and as a person mapped them.

Chapter 12 shows the table beside the published shares and sizes.

python tests/bench/bench_landslides.py --out data/landslide_patches.csv   twenty events of full size: some minutes
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from epi.catalogue import inventory_of
from epi.patches.stack import cut_patches, landslide_mask, make_stack
from epi.simulate.landslides import FIELD, event_name, mapped_inventory, simulate_landslide_event
from epi.storage import atomic_path

COMMAND = "python tests/bench/bench_landslides.py --out data/landslide_patches.csv"
SEED, PIXELS = 0, 256  # of events of the study's recipe, and the published side of a patch


def patches_of(number: int, *, side: int | None) -> pd.DataFrame:
    """A row a patch of one event."""
    made = simulate_landslide_event(FIELD, SEED, number, rows=side, columns=side)
    drawn = mapped_inventory(made, FIELD.mapping)
    true = made["landslide"] == 1
    mapped = landslide_mask(made, inventory_of(drawn)) if len(drawn) else true & False
    cut = [cut_patches(make_stack(made, mask), PIXELS) for mask in (true, mapped)]
    slid, said, valid = (
        each.to_numpy().astype(bool) for each in (cut[0]["landslide"], cut[1]["landslide"], cut[0]["valid"])
    )
    numbers = made["slide"].to_numpy()
    count = [
        np.unique(numbers[row : row + PIXELS, column : column + PIXELS]).size - 1
        for row, column in zip(cut[0]["row"].to_numpy(), cut[0]["column"].to_numpy(), strict=True)
    ]
    columns = {"event": event_name(number), "region": made.attrs["region"], "slides": count}
    sums = {"true": slid, "mapped": said, "both": slid & said, "valid": valid, "mapped_valid": said & valid}
    return pd.DataFrame(columns | {name: each.sum((1, 2)) for name, each in sums.items()})


def main() -> None:
    """Simulate, count, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True, help="the table")
    parser.add_argument("--side", type=int, help="rows and columns of an event (default: the recipe's)")
    options = parser.parse_args()
    parts = []
    for number in range(FIELD.events or 0):
        parts.append(patches_of(number, side=options.side))
        print(f"{parts[-1]['event'].iloc[0]}: {len(parts[-1])} patches", flush=True)
    command = COMMAND + (f" --side {options.side}" if options.side else "")
    with atomic_path(options.out) as path:
        pd.concat(parts, ignore_index=True).assign(pixels=PIXELS, seed=SEED, command=command).to_csv(path, index=False)


if __name__ == "__main__":
    main()
