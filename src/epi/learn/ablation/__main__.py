"""The comparison from the command line: ``python -m epi.learn.ablation --out FILE``; run again, it goes on."""

import argparse
import shlex
import sys
from pathlib import Path

import torch

from epi.errors import EpiError
from epi.learn.ablation.run import run_ablation
from epi.learn.ablation.variants import ORDER


def main(words: list[str] | None = None) -> int:
    """Train and score; print the table. Progress goes to stderr; 0 done, 1 a stated error, 2 wrong usage."""
    reader = argparse.ArgumentParser(
        prog="python -m epi.learn.ablation", description=(__doc__ or "").partition("\n")[0]
    )
    reader.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV of the scores")
    reader.add_argument("--folder", type=Path, default=Path("runs/ablation"), help="for the patches and the weights")
    reader.add_argument("--variants", nargs="+", default=list(ORDER), metavar="NAME", help=", ".join(ORDER))
    reader.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], metavar="N")
    reader.add_argument("--threads", type=int, default=1, help="of torch; the weights depend on it a little")
    given = reader.parse_args(words)
    torch.set_num_threads(given.threads)
    try:
        scores = run_ablation(
            given.out,
            folder=given.folder,
            variants=given.variants,
            seeds=given.seeds,
            command=_command(reader, given),
            progress=lambda line: print(line, file=sys.stderr, flush=True),
        )
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    columns = ["variant", "seed", "air_cm", "n", "earthquakes", "median_km", "median_low", "median_high"]
    print(scores[columns].round(2).to_string(index=False))
    return 0


def _command(reader: argparse.ArgumentParser, given: argparse.Namespace) -> str:
    """What was asked, without where patches are kept: an absolute path is kept as its last part."""
    said = [
        "python",
        "-m",
        "epi.learn.ablation",
        "--out",
        given.out.name if given.out.is_absolute() else str(given.out),
    ]
    for name in ("variants", "seeds", "threads"):
        value = getattr(given, name)
        if value != reader.get_default(name):
            said += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return shlex.join(said)


if __name__ == "__main__":
    sys.exit(main())
