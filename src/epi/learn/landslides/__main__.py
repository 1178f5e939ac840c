"""The landslide study from the command line: ``python -m epi.learn.landslides [--profile NAME] [--data FOLDER]``."""

import argparse
import sys
from pathlib import Path

import torch
import xarray as xr

from epi.errors import EpiError
from epi.learn.landslides.choice import choose
from epi.learn.landslides.profiles import PROFILES, LandslideProfile
from epi.learn.landslides.run import LandslideStudy, run_landslides
from epi.learn.landslides.simulated import folder_patches, kept_patches, simulated_patches
from epi.settings import settings
from epi.simulate.landslides import FIELD, PRACTICE, Mixture
from epi.storage import crc_of, source_crc

DEVELOPMENT_SEED = 900_001
"""Of the events by which a recipe is chosen: of the same regions as those of the study, and never in its tables."""
PRACTICE_SEED = 900_003
SEED = 1
"""Of the events of the tables that ship: earlier recipes were scored on those of seed 0."""
EVENTS = 20


def main(arguments: list[str] | None = None) -> int:
    """Train, judge and write; progress goes to stderr; 0 done, 1 a stated error, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m epi.learn.landslides", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--profile", choices=sorted(PROFILES), default="cpu", help="full: published sizes, on a GPU")
    parser.add_argument(
        "--data", type=Path, metavar="FOLDER", help="NetCDF patches of real events (default: simulated)"
    )
    parser.add_argument("--folder", type=Path, default=Path("runs/landslides"), help="for checkpoints and results")
    parser.add_argument("--choose", action="store_true", help="compare candidates on events that are in no table")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--seed", type=int, default=SEED, help="of the events and their divisions")
    parser.add_argument("--threads", type=int, help="of torch on a CPU (default: all)")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    if options.choose and options.data:
        parser.error("--choose compares candidates on simulated events that are in no table: leave --data out.")
    profile = PROFILES[options.profile]
    command = f"python -m epi.learn.landslides --profile {options.profile} --seed {options.seed}"
    command += " --data FOLDER" if options.data else ""
    try:
        study = study_of(profile, options)
        if options.choose:
            table = choose(study, command=f"{command} --choose", home=settings().data)
        else:
            table, _ = run_landslides(study, command=command, home=settings().data)
    except EpiError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    shown = ["part", "method", "network", "split", "iou", "iou_low", "iou_high", "precision", "recall", "recall_small"]
    print(table[shown].round(3).to_string(index=False))
    return 0


def study_of(profile: LandslideProfile, options: argparse.Namespace) -> LandslideStudy:
    """The study that was asked for, with its patches."""
    side, source = profile.event_pixels, source_crc("epi.simulate", "epi.patches.stack")

    def say(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    def simulate(recipe: Mixture, seed: int, events: int, *, keep: int | None, mapped: bool) -> xr.Dataset:
        name = f"{recipe.name}-{crc_of(f'{recipe} {source}')}-{seed}-{events}-{profile.pixels}-{side}-{keep}.nc"
        return kept_patches(
            options.folder / name,
            lambda: simulated_patches(
                recipe, seed, range(events), pixels=profile.pixels, side=side, keep=keep, mapped=mapped, say=say
            ),
        )

    seed = DEVELOPMENT_SEED if options.choose else options.seed
    if options.data:
        data = folder_patches(options.data, pixels=profile.pixels, keep=profile.patches, seed=options.seed)
    else:
        data = simulate(FIELD, seed, EVENTS, keep=profile.patches, mapped=True)
    own = profile.practice
    return LandslideStudy(
        profile,
        data,
        lambda: simulate(PRACTICE, PRACTICE_SEED, own.events, keep=own.patches, mapped=False),
        options.folder / f"{'choice' if options.choose else 'study'}-{crc_of(f'{PRACTICE} {source}')}",
        tables=table_names(options),
        simulated=not options.data,
        device=options.device,
        seed=options.seed,
        say=say,
    )


def table_names(options: argparse.Namespace) -> str:
    """Beginning of the names of what is written: only the command without options writes what ships."""
    parts = ["landslide", *([] if options.profile == "cpu" else [options.profile]), *(["data"] if options.data else [])]
    return "_".join(parts + ([] if options.seed == SEED else [f"seed{options.seed}"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
