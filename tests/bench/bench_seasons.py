"""What seasons do to the network of magnitudes that ships, which has never met any.

The test earthquakes of its table once more, in scenes that are the same but for the course of the year (recipe
`seasonal` of `epi.simulate.backscatter`). Nothing is trained. Chapter 11 shows the table.

python tests/bench/bench_seasons.py                                   few earthquakes, printed: seconds
python tests/bench/bench_seasons.py --out data/magnitude_seasons.csv  all of them, and kept: some minutes of one core
"""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import torch

from epi.learn import magnitude
from epi.learn.magnitude.quakeset import open_quakeset
from epi.learn.magnitude.run import DATA_SEED, EVENTS
from epi.learn.magnitude.scores import STATISTICS
from epi.learn.metrics import rounded
from epi.settings import settings
from epi.simulate.backscatter import FILENAME, SEASONAL, SIMULATED, Backscatter, write_quakeset
from epi.storage import atomic_path

NETWORK = "magnitude_mobilenetv3_small.safetensors"
FEW = 8
NAMES = {"difference": "difference", "low": "difference_low", "high": "difference_high"}
COMMAND = "python tests/bench/bench_seasons.py --out data/magnitude_seasons.csv"


def heard(recipe: Backscatter, events: int) -> pd.DataFrame:
    """What the network says of the first test earthquakes of a recipe, a row a pair."""
    network = magnitude.load_magnitude(settings().data / NETWORK)
    pixels = network.settings.pixels
    with TemporaryDirectory() as folder:
        write_quakeset(Path(folder) / FILENAME, recipe, DATA_SEED, {"test": events}, pixels)
        test = open_quakeset(folder, pixels=pixels)["test"]
        return test.table.assign(predicted=magnitude.predict(network, test))


def main() -> None:
    """Print the scores without seasons and with them, and keep them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, help="CSV file to write; takes minutes")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    said = {each: heard(each, EVENTS["test"] if out else FEW) for each in (SIMULATED, SEASONAL)}
    rows = [
        {"data": recipe.name, "season_db": recipe.season_db} | magnitude.magnitude_scores(answers)
        for recipe, answers in said.items()
    ]
    apart = magnitude.paired_differences({0: said[SEASONAL]}, {0: said[SIMULATED]})  # of the same pairs
    rows[1] |= {f"{name}_{NAMES[end]}": apart[f"{name}_{end}"] for name in STATISTICS for end in NAMES}
    table = pd.DataFrame(rows)
    print(table.round(3).T.to_string())
    if out:
        with atomic_path(out) as path:
            rounded(table.assign(command=COMMAND)).to_csv(path, index=False)


if __name__ == "__main__":
    main()
