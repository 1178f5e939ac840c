"""The study from the command line: ``python -m epi.learn.study --out FOLDER [--profile cpu|full|small]``."""

import argparse
import sys

import torch

from epi.errors import EpiError
from epi.learn.study.run import HISTORY, PROFILES, SCORES, run_study


def main(arguments: list[str] | None = None) -> int:
    """Run the study; print its table. Progress goes to stderr; 0 done, 1 a stated error, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m epi.learn.study", description=__doc__)
    parser.add_argument("--out", required=True, metavar="FOLDER", help="where everything goes; run again, it goes on")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="cpu", help="full: the published size, on a GPU")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, default=0, help="of the earthquakes, the split and the networks")
    parser.add_argument("--workers", type=int, default=0, help="processes that read patches")
    parser.add_argument("--threads", type=int, help="of torch on a CPU (default: all)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    command = f"python -m epi.learn.study --profile {options.profile} --seed {options.seed}"
    try:
        scores, _ = run_study(
            options.out,
            profile=PROFILES[options.profile],
            seed=options.seed,
            device=options.device,
            workers=options.workers,
            command=command,
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    columns = ["task", "protocol", "labels", "model", "channels", "target", "mae", "mae_low", "mae_high", "rmse", "r2"]
    print(scores[columns].round(2).to_string(index=False))
    print(f"tables: {SCORES} and {HISTORY} in {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
