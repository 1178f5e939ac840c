"""What the detector that ships makes of real interferograms, and what going on training does to it.

The real files do not ship: the bench looks for them beside the project (or where EPI_SHARED_DATA says) and leaves them
out where they are absent. Chapter 10 shows the tables.

python tests/bench/bench_detect.py                                     real scenes, printed: seconds
python tests/bench/bench_detect.py --real data/detect_real.csv         and kept, with the U-Net's masks as NetCDF
python tests/bench/bench_detect.py --finetune data/detect_finetune.csv  eight simulated earthquakes, each left out once
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from bench_real import CASES, REAL
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from epi.insar.frame import LocalFrame, local_frame
from epi.insar.readers.files import read_scene
from epi.learn import detect
from epi.settings import settings
from epi.simulate import labelled
from epi.simulate.labelled.mixture import PEAK_SHARE
from epi.storage import atomic_path

NETWORKS = {
    "U-Net": "detector_unet_resnet10",
    "transformer": "detector_vit_small",
    "ConvNeXt": "detector_unet_convnext",
}
SCENES = ("Thessaly, wrapped", "Thessaly, unwrapped", "Morocco, quiet")
COMMAND = "python tests/bench/bench_detect.py --real data/detect_real.csv"
TUNING = "python tests/bench/bench_detect.py --finetune data/detect_finetune.csv"
SIDES, BLOCKS, STEPS, SEED = 8, 2, 40, 700  # squares of one earthquake, blocks of scenes, steps of training, stream


def real() -> tuple[pd.DataFrame, xr.DataTree]:
    """Every dense real scene by every network that ships, and the first one's masks beside what was measured."""
    scenes = {case.name: read_scene(REAL / case.files[0], **case.reader) for case in CASES if case.name in SCENES}
    unwrapped = scenes["Thessaly, unwrapped"]
    scenes["Thessaly, unwrapped, sign turned"] = unwrapped.assign(
        {name: -unwrapped[name] for name in ("los_displacement", "unwrapped_phase") if name in unwrapped}
    )
    rows, masks = [], {}
    for place, scene in scenes.items():
        for name, file in NETWORKS.items():
            network = detect.load_detector(settings().data / f"{file}.safetensors")
            result, found = detect.detect_scene(network, scene)
            row = {"scene": f"{place}: {name}", "probability": result["probability"], "alarm": result["alarm"]}
            row |= {"present": result["present"], "tiles": result["tiles"], "moved_km2": result["moved_km2"]}
            apart = centre_km(unwrapped, result) if "Thessaly" in place else float("nan")
            rows.append(row | {"centre_km": apart, "boxes": len(result["boxes"])})
            if name == next(iter(NETWORKS)) and place in SCENES:
                masks[place] = detect.mask_product(found).round(2)
                if "Thessaly" in place:
                    there = measured(unwrapped, found.grid.frame)
                    masks[place]["measured"] = (("y", "x"), there.astype(np.uint8))
    return pd.DataFrame(rows).assign(command=COMMAND), xr.DataTree.from_dict(masks)


def measured(scene: xr.Dataset, frame: LocalFrame) -> NDArray[np.bool_]:
    """Where the measured displacement reaches a tenth of its largest, by the nearest pixel, on another frame."""
    moved, own = displaced(scene), local_frame(scene)
    known = np.isfinite(moved)
    tree = cKDTree(np.stack([own.east_km[known], own.north_km[known]], -1))
    _, nearest = tree.query(np.stack([frame.east_km, frame.north_km], -1))
    return np.asarray(moved[known][nearest] >= PEAK_SHARE * np.nanmax(moved))


def displaced(scene: xr.Dataset) -> NDArray[np.float64]:
    """Size of the displacement about its median, m."""
    los = scene["los_displacement"].to_numpy()
    return np.asarray(np.abs(los - np.nanmedian(los)), dtype=float)


def centre_km(scene: xr.Dataset, result: dict[str, dict[str, float] | None]) -> float:
    """From the middle of the mask to the centroid of the measured displacement; NaN without a mask."""
    if result["centre"] is None:
        return float("nan")
    moved, frame = displaced(scene), local_frame(scene)
    weight = np.where(moved >= PEAK_SHARE * np.nanmax(moved), moved, 0.0)
    east, north = ((weight * place).sum() / weight.sum() for place in (frame.east_km, frame.north_km))
    return float(np.hypot(result["centre"]["east_km"] - east, result["centre"]["north_km"] - north))


def tuned() -> pd.DataFrame:
    """Scenes of another nature as if they were real: each event judged by a network that learned from the others."""
    network = detect.load_detector(settings().data / f"{NETWORKS['U-Net']}.safetensors")
    mixture = replace(labelled.SHIFTED, name="as if real", stream=29, sides=SIDES)
    stream = labelled.labelled_scenes(mixture, SEED, pixels=network.settings.pixels)
    scenes = []
    for block in range(BLOCKS):
        made = next(stream)
        names = np.empty(len(made), dtype=object)
        for rows in (np.flatnonzero(made.kind == 0), np.flatnonzero(made.kind != 0)):
            names[rows] = [f"event {block}-{n // SIDES}" for n in range(rows.size)]
        scenes += detect.label_simulated(made, list(names))
    return detect.leave_one_out(network, scenes, steps=STEPS).assign(command=TUNING)


def main() -> None:
    """Print what was asked for, and keep it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--real", type=Path, help="CSV file to write")
    parser.add_argument("--finetune", type=Path, help="CSV file to write; takes minutes")
    given = parser.parse_args()
    if given.finetune:
        table = tuned()
        with atomic_path(given.finetune) as path:
            table.round(4).to_csv(path, index=False)
        print(table.drop(columns="command").groupby("event").mean().round(3).to_string())
        return
    if not REAL.is_dir():
        print("real scenes are not here: set EPI_SHARED_DATA to their folder")
        return
    table, masks = real()
    print(table.drop(columns="command").to_string(index=False))
    if given.real:
        with atomic_path(given.real) as path:
            table.round(4).to_csv(path, index=False)
        packed = {f"/{name}": {"moved_probability": {"zlib": True}} for name in masks.children}
        with atomic_path(given.real.with_suffix(".nc")) as path:
            masks.to_netcdf(path, engine="h5netcdf", encoding=packed)


if __name__ == "__main__":
    main()
