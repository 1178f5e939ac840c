"""Magnitudes from the command line: ``python -m epi.learn.magnitude [--profile cpu|five|full] [--data FOLDER]``."""

import argparse
import sys
from pathlib import Path

import torch

from epi.errors import EpiError
from epi.learn.magnitude.run import PROFILES, run_magnitude


def main(arguments: list[str] | None = None) -> int:
    """Train, score and write; progress goes to stderr; 0 done, 1 a stated error, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m epi.learn.magnitude", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--profile", choices=sorted(PROFILES), default="cpu", help="full: published sizes, on a GPU")
    parser.add_argument("--data", type=Path, help="folder of QuakeSet's earthquakes.h5 (default: simulate)")
    parser.add_argument("--folder", type=Path, default=Path("runs/magnitude"), help="for pairs and checkpoints")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--threads", type=int, help="of torch on a CPU (default: all)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    command = f"python -m epi.learn.magnitude --profile {options.profile}" + (" --data FOLDER" if options.data else "")
    command += f" --threads {options.threads}" if options.threads else ""  # the latency of the tables depends on it
    asked = {
        "command": command,
        "device": options.device,
        "say": lambda line: print(line, file=sys.stderr, flush=True),
    }
    try:
        table = run_magnitude(PROFILES[options.profile], folder=options.folder, data=options.data, **asked)
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    shown = ["network", "ranking", "seed", "practice", "n", "mae", "mae_positives", "mae_negatives", "auc", "spearman"]
    print(table[[name for name in shown if name in table]].round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
