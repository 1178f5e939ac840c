"""How well the network and the physics do on real interferograms that neither learned from.

The files do not ship: the bench looks for them beside the project (or where EPI_SHARED_DATA says) and ends where they
are absent. Chapter 7 shows the table it writes.

python tests/bench/bench_real.py --out data/real_scores.csv    every scene, and crops of Thessaly with half its signal
python tests/bench/bench_real.py --no-physics                  the network alone: a minute
"""

import argparse
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import xarray as xr

from epi.catalogue import find_event
from epi.errors import EmptyScene
from epi.insar.frame import LocalFrame, local_frame
from epi.insar.product import SENTINEL1_WAVELENGTH_M
from epi.insar.readers.files import read_scene
from epi.learn import centres, combine, ellipse, load_network, locate_tracks, predict
from epi.learn.models import Locator
from epi.patches import cut
from epi.settings import settings
from epi.source.invert import Location, locate
from epi.storage import atomic_path

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("EPI_SHARED_DATA", ROOT.parent / "shared" / "data")) / "scenes"
COMMAND = "python tests/bench/bench_real.py --out data/real_scores.csv"
CROPS, CROP_KM, HALF = (
    24,
    (35.0, 70.0),
    0.5,
)  # how many, from how wide to how wide, and how much of the signal each holds

SENTINEL = {"incidence": 33.6, "heading": -13.5, "positive": "away", "wavelength": SENTINEL1_WAVELENGTH_M}
RIDGECREST = {"columns": "lon,lat,height,e,n,u,los,weight", "units": "mm"}
UTM = {"columns": "easting_km,northing_km,los,e,n,u", "units": "m"}


class Truth(NamedTuple):
    """What is published of a source.

    Attributes
    ----------
    centre : of the fault, north and east: degrees, or km where the scene has no georeference; None where unknown.
    trace : (n, 2) places along the fault, as the centre.
    """

    centre: tuple[float, float] | None = None
    trace: tuple[tuple[float, float], ...] = ()


# Watson (2022), after LiCSAR: km about the middle of the grid
THESSALY = Truth((-0.15, 0.15))
# github.com/ustcer-jun, the inversion package the points come with: ends of the five joined segments of the main shock,
# km about 35.77 N 117.599 W there; how much slipped where is not stated, so no centre
RIDGE = Truth(
    trace=(
        *((35.9340, -117.7571), (35.8252, -117.6266), (35.7143, -117.5635), (35.6641, -117.5019)),
        *((35.6303, -117.4360), (35.4987, -117.2853)),
    )
)
# github.com/ruthamey/slipBERI, the fault beside the points (UTM 10 N): its western strand and its northern end; the
# centre is the middle of the two ends
NAPA = Truth(
    centre=(38.2797, -122.3317),
    trace=(
        (38.2111, -122.3043),
        (38.2684, -122.3344),
        (38.2942, -122.3442),
        (38.3159, -122.3420),
        (38.3483, -122.3591),
    ),
)


class Case(NamedTuple):
    """A real earthquake: its files, how they are read, and what is known of it."""

    name: str
    event: str | None
    files: tuple[str, ...]
    reader: dict[str, object]
    truth: Truth


CASES = (
    Case("Thessaly, wrapped", "20210303-thessaly", ("thessaly_2021/greece.diff",),
         SENTINEL | {"quantity": "wrapped", "units": "rad"}, THESSALY),
    Case("Thessaly, unwrapped", "20210303-thessaly", ("thessaly_2021/greece.unw",),
         SENTINEL | {"quantity": "displacement", "units": "m"}, THESSALY),
    Case("Ridgecrest, T64", "20190706-ridgecrest", ("ridgecrest_2019/t64_asc_edit.lltnde",), RIDGECREST, RIDGE),
    Case("Ridgecrest, T71", "20190706-ridgecrest", ("ridgecrest_2019/t71_des.lltnde",), RIDGECREST, RIDGE),
    Case("Ridgecrest, both", "20190706-ridgecrest",
         ("ridgecrest_2019/t64_asc_edit.lltnde", "ridgecrest_2019/t71_des.lltnde"), RIDGECREST, RIDGE),
    Case("Napa", "20140824-napa", ("napa_2014/140807-140831_corrected.6cols",), UTM | {"crs": "EPSG:32610"}, NAPA),
    Case("Elazığ", "20200124-elazig", ("elazig_2020/elazig_asc.okinv",),
         UTM | {"columns": UTM["columns"] + ",ignore", "crs": "EPSG:32637"}, Truth()),
    Case("Morocco, quiet", None, ("morocco_quiet_crop/phi_vv.tif",),
         SENTINEL | {"quantity": "wrapped", "units": "rad", "coherence": str(REAL / "morocco_quiet_crop/coh_vv.tif")},
         Truth()),
)  # fmt: skip


def scenes(case: Case) -> list[xr.Dataset]:
    """The tracks of a case, read as a user would read them."""
    event = find_event(case.event) if case.event else None
    return [read_scene(REAL / file, event=event, **case.reader) for file in case.files]


def crops(scene: xr.Dataset, signal: np.ndarray, count: int) -> Iterator[xr.Dataset]:
    """Square pieces of random size and place that hold at least half of the squared displacement."""
    rng = np.random.default_rng(0)
    spacing = abs(float(scene["x"][1] - scene["x"][0])) / 1000
    total = np.nansum(signal)
    while count:
        side = round(rng.uniform(*CROP_KM) / spacing)
        row, column = (int(rng.integers(0, length - side + 1)) for length in signal.shape)
        piece = slice(row, row + side), slice(column, column + side)
        if np.nansum(signal[piece]) >= HALF * total:
            count -= 1
            yield scene.isel(y=piece[0], x=piece[1])


def row_of(case: Case, frame: LocalFrame, found: dict[str, object]) -> dict[str, object]:
    """One line of the table: where, how sure, what was warned of, and how far from what is known."""
    place = np.array([found["east_km"], found["north_km"]])
    row: dict[str, object] = {"scene": case.name, "method": found["method"], "tracks": len(case.files)}
    row |= {name: found.get(name) for name in ("latitude", "longitude", "east_km", "north_km", "magnitude", "visible")}
    row |= {"visible_probability": found.get("visible_probability")}
    row |= dict(zip(("major_km", "minor_km", "azimuth"), found["ellipse_km"], strict=True))
    if case.truth.centre:
        centre = flat(frame, [case.truth.centre])[0]
        row |= {"km_from_centre": np.hypot(*(place - centre)), "inside": within(found, centre)}
    if case.truth.trace:
        line = along(flat(frame, case.truth.trace))
        row |= {"km_from_trace": np.hypot(*(line - place).T).min()}
        row |= {"touches_trace": any(within(found, point) for point in line)}
    event = find_event(case.event) if case.event else None
    row |= {"catalogue_magnitude": event.magnitude if event else None}
    if event and frame.origin:
        row |= {"km_from_catalogue": np.hypot(*(place - flat(frame, [(event.latitude, event.longitude)])[0]))}
    return row | {"flags": "; ".join(found["flags"]), "seconds": found.get("seconds")}


def flat(frame: LocalFrame, places: object) -> np.ndarray:
    """Places (n, 2), north and east as in `Truth`, in km east and north of the frame's origin."""
    north, east = np.asarray(places, dtype=float).T
    return np.stack(frame.from_geographic(north, east) if frame.origin else (east, north), axis=1)


def along(corners: np.ndarray) -> np.ndarray:
    """Points every 100 m along a line of corners, km."""
    steps = np.hypot(*np.diff(corners, axis=0).T)
    at = np.concatenate([[0], np.cumsum(steps)])
    fine = np.arange(0, at[-1], 0.1)
    return np.stack([np.interp(fine, at, part) for part in corners.T], axis=1)


def within(found: dict[str, object], place: np.ndarray) -> bool:
    """Whether a place (km east and north) lies in the answer's ellipse."""
    major, minor, azimuth = found["ellipse_km"]
    east, north = place - [found["east_km"], found["north_km"]]
    turn = np.deg2rad(azimuth)
    return bool(
        ((east * np.sin(turn) + north * np.cos(turn)) / major) ** 2
        + ((east * np.cos(turn) - north * np.sin(turn)) / minor) ** 2
        <= 1
    )


def from_rectangle(case: Case, frame: LocalFrame, found: Location) -> float | None:
    """Distance (km) from the catalogue's epicentre to the ground above the fitted rectangle; 0 inside."""
    if not (case.event and frame.origin):
        return None
    event, fault = find_event(case.event), found.fault
    apart = flat(frame, [(event.latitude, event.longitude)])[0] - [fault["east_km"], fault["north_km"]]
    strike, half = np.deg2rad(fault["strike"]), fault["width_km"] / 2 * np.cos(np.deg2rad(fault["dip"]))
    on_axes = abs(apart @ [np.sin(strike), np.cos(strike)]), abs(apart @ [np.cos(strike), -np.sin(strike)])
    return float(np.hypot(*np.maximum(np.array(on_axes) - [fault["length_km"] / 2, half], 0)))


def of_crops(network: Locator, case: Case, scene: xr.Dataset, signal: np.ndarray) -> dict[str, object]:
    """The network's median over crops of a scene."""
    rows = [row_of(case, local_frame(each), locate_tracks(network, [each])[0]) for each in crops(scene, signal, CROPS)]
    table = pd.DataFrame(rows)
    return {
        **{"scene": f"{case.name}: {CROPS} crops", "method": "network", "tracks": 1},
        **table[["major_km", "minor_km", "magnitude", "visible_probability", "km_from_centre"]].median(),
        "worst_km": table["km_from_centre"].max(),
        **table[["inside", "visible"]].mean(),
    }


def asked_anyway(network: Locator, scene: xr.Dataset) -> dict[str, object]:
    """What the network would say of a scene that is too small for it."""
    pieces = cut(scene, size_km=network.settings.size_km, pixels=network.settings.pixels, min_valid=0.0)
    found = combine(network, centres(pieces), predict(network, pieces))
    axes = ellipse(found.covariance * float(network.settings.ellipse_factor or np.nan))
    row: dict[str, object] = dict(zip(("major_km", "minor_km", "azimuth"), axes, strict=True))
    return row | {"visible": found.visible >= network.settings.presence, "visible_probability": found.visible}


def main() -> None:
    """Print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--no-physics", action="store_true", help="the network alone")
    parser.add_argument("--out", type=Path, help="CSV to write")
    options = parser.parse_args()
    if not REAL.is_dir():
        print(f"skipped: no real interferograms in {REAL} (EPI_SHARED_DATA names another folder)")
        return
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    network = load_network(settings().data / "locator.safetensors")
    rows: list[dict[str, object]] = []
    for case in CASES:
        tracks = scenes(case)
        frame, before = local_frame(tracks[0]), len(rows)
        try:
            rows.append(row_of(case, frame, locate_tracks(network, tracks)[0]))
        except EmptyScene as error:
            row = {"scene": case.name, "method": "network", "tracks": len(tracks), "flags": f"refused: {error}"}
            rows.append(row | asked_anyway(network, tracks[0]))
        if case.name == "Thessaly, unwrapped":
            moved = tracks[0]["los_displacement"]
            rows.append(of_crops(network, case, tracks[0], np.square(moved - moved.median()).to_numpy()))
        if not options.no_physics:
            found = locate(tracks)
            rows.append(
                row_of(case, frame, found.to_dict()) | {"km_catalogue_to_fault": from_rectangle(case, frame, found)}
            )
        print(pd.DataFrame(rows[before:]).T.dropna(how="all").to_string(header=False), end="\n\n", flush=True)
    if options.out:
        command = COMMAND + (" --no-physics" if options.no_physics else "")
        with atomic_path(options.out) as path:
            pd.DataFrame(rows).assign(command=command).to_csv(path, index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
