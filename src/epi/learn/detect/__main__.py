"""Detectors from the command line: ``python -m epi.learn.detect [--profile PROFILE] [--folder FOLDER]``."""

import argparse
import sys
from pathlib import Path

import torch

from epi.errors import EpiError
from epi.learn.detect.run import PROFILES, run_detectors


def main(arguments: list[str] | None = None) -> int:
    """Train, judge and write; progress goes to stderr; 0 done, 1 a stated error, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m epi.learn.detect", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--profile", choices=sorted(PROFILES), default="ship", help="full: published sizes, on a GPU")
    parser.add_argument("--folder", type=Path, help="for checkpoints and histories (default: runs/detect/PROFILE-SEED)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, default=0, help="processes that make scenes (default: none beside)")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes and the networks")
    parser.add_argument("--threads", type=int, help="of torch on a CPU (default: all)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        table = run_detectors(
            PROFILES[options.profile],
            folder=options.folder or Path("runs/detect") / f"{options.profile}-{options.seed}",
            command=f"python -m epi.learn.detect --profile {options.profile} --seed {options.seed}",
            device=options.device,
            workers=options.workers,
            seed=options.seed,
            say=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    shown = ["network", "test", "n", "precision", "recall", "f1", "f1_half", "f1_one", "auc", "air_alarms", "mask_iou"]
    print(table[[name for name in shown if name in table]].round(3).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
