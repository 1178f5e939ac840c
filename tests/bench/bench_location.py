"""How well `epi locate` does on scenes whose truth is known.

python tests/bench/bench_location.py              the test: 200 earthquakes and 100 quiet scenes, seeds below 10,000
python tests/bench/bench_location.py --calibrate  what the formal ellipses leave out, on seeds from 10,100
python tests/bench/bench_location.py --rough      the same earthquakes with slip rougher than the method expects
python tests/bench/bench_location.py --recipe unseen   another recipe of `epi.simulate.recipe`: location, unseen, stormy

Every scene is written with its floor: the root mean square distance and the 95 % ellipse of the Cramér-Rao bound.
"""

import argparse
import warnings
from functools import partial
from multiprocessing import get_context

import numpy as np
import pandas as pd

RECIPES = ("location", "unseen", "stormy")


def one(seed: int, name: str = "location") -> dict[str, float]:
    """Locate one earthquake of a recipe and compare with its truth and with the least error possible."""
    from epi.insar.frame import local_frame
    from epi.simulate import recipe
    from epi.simulate.floor import position_bound
    from epi.source.invert import locate

    chosen = getattr(recipe, name.upper())
    made, drawn = recipe.scene(seed, chosen)
    floor = position_bound(made, drawn, recipe=chosen)
    found = locate([made.product])
    east, north, depth = drawn.rupture.centroid
    offset = found.east_km - east, found.north_km - north
    major, minor, azimuth = found.ellipse_km
    turn = np.deg2rad(azimuth)
    along = offset[0] * np.sin(turn) + offset[1] * np.cos(turn)
    across = offset[0] * np.cos(turn) - offset[1] * np.sin(turn)
    signal = np.abs(made.truth["los_displacement"].where(made.truth["valid"]))
    los, frame = made.product["los_displacement"], local_frame(made.product)
    most = np.unravel_index(int(np.nanargmax(np.abs(los - los.median()))), los.shape)
    return {
        "seed": seed,
        "centre_error_km": float(np.hypot(east, north)),
        "peak_error_km": float(np.hypot(frame.east_km[most] - east, frame.north_km[most] - north)),
        "error_km": float(np.hypot(*offset)),
        "along_km": along,
        "across_km": across,
        "major_km": major,
        "minor_km": minor,
        "inside": float((along / major) ** 2 + (across / minor) ** 2 <= 1),
        "magnitude": drawn.rupture.magnitude,
        "magnitude_error": found.magnitude - drawn.rupture.magnitude,
        "depth_error_km": found.depth_km - depth,
        "length_km": found.fault["length_km"],
        "evidence": found.evidence,
        "visible": found.visible,
        "flagged": bool(found.flags),
        "unsure": any(flag.split(":")[0] in {"two solutions", "poorly located"} for flag in found.flags),
        "peak_cm": 100 * float(signal.max()),
        "atmosphere_cm": 100 * drawn.conditions.atmosphere_m,
        "seconds": found.seconds,
        "floor_km": floor.rms_km,
        "floor_major_km": floor.ellipse_km[0],
        "floor_minor_km": floor.ellipse_km[1],
    }


def quiet(seed: int, name: str = "location") -> dict[str, float]:
    """Try to locate an earthquake where there is none."""
    from epi.simulate import recipe
    from epi.source.invert import locate

    found = locate([recipe.quiet_scene(seed, getattr(recipe, name.upper())).product])
    return {"seed": seed, "evidence": found.evidence, "visible": found.visible, "magnitude": found.magnitude}


def formal_one(seed: int, name: str = "location") -> dict[str, float]:
    """Locate one earthquake with its formal ellipse, the correction switched off."""
    from epi.source import invert

    warnings.simplefilter("ignore")
    invert.INFLATION = 1.0
    return one(seed, name)


def rough_one(seed: int, name: str = "location") -> dict[str, float]:
    """Locate one earthquake whose slip is of another kind than the method expects."""
    from epi.simulate import recipe, rupture

    rupture.REACH = 0.1
    recipe.draw_rupture = partial(rupture.draw_rupture, roughness=0.9)
    return one(seed, name)


def summary(table: pd.DataFrame) -> pd.Series:
    """The figures that are reported."""
    return pd.Series(
        {
            "n": len(table),
            "scene's centre, median km": table.centre_error_km.median(),
            "largest |LOS|, median km": table.peak_error_km.median(),
            "centroid median km": table.error_km.median(),
            "centroid 90th percentile km": table.error_km.quantile(0.9),
            "centroid rms km": np.sqrt((table.error_km**2).mean()),
            "Cramér-Rao bound, rms km": np.sqrt((table.floor_km**2).mean()),
            "rms of error over bound": np.sqrt(((table.error_km / table.floor_km) ** 2).mean()),
            "|magnitude error| median": table.magnitude_error.abs().median(),
            "|depth error| median km": table.depth_error_km.abs().median(),
            "95 % ellipses cover %": 100 * table.inside.mean(),
            "semi-major axis median km": table.major_km.median(),
            "seconds median": table.seconds.median(),
            "visible %": 100 * table.visible.mean(),
            "flagged unsure %": 100 * table.unsure.mean(),
        }
    )


def calibrate(table: pd.DataFrame) -> float:
    """The least factor on the ellipses' axes with which 95 % of these scenes lie inside."""
    departure = np.hypot(table.along_km / table.major_km, table.across_km / table.minor_km)
    return float(departure.quantile(0.95, interpolation="higher"))


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calibrate", action="store_true")
    parser.add_argument(
        "--rough", action="store_true", help="slip scattering by 90 %% of itself, over a tenth of a side"
    )
    parser.add_argument("--recipe", choices=RECIPES, default="location", help="which scenes")
    parser.add_argument("--scenes", type=int, help="fewer scenes, for a quick look")
    parser.add_argument("--out", help="CSV of every scene")
    options = parser.parse_args()
    first, count, still = (10_100, 100, 60) if options.calibrate else (0, 200, 100)
    count = options.scenes or count
    with get_context("spawn").Pool(2) as pool:
        kind = formal_one if options.calibrate else rough_one if options.rough else one
        located = pool.imap_unordered(partial(kind, name=options.recipe), range(first, first + count))
        table = pd.DataFrame(located).sort_values("seed")
        without = pool.imap_unordered(partial(quiet, name=options.recipe), range(first, first + min(count, still)))
        silent = pd.DataFrame(without).sort_values("seed")
    if options.out:
        both = pd.concat({"earthquake": table, "quiet": silent}, names=["kind"]).reset_index("kind")
        both.to_csv(options.out, index=False, float_format="%.4g")
    between = table.peak_cm.between(3, 6, inclusive="left")
    rows = {"all": table, "signal 3-6 cm": table[between], "signal over 6 cm": table[table.peak_cm >= 6]}
    if (faint := table.peak_cm < 3).any():
        rows["signal under 3 cm"] = table[faint]
    rows["neither unsure nor invisible"] = table[~table.unsure & table.visible]
    print(pd.DataFrame({name: summary(part) for name, part in rows.items()}).round(3).to_string())
    print(f"quiet scenes: {len(silent)}, called visible: {int(silent.visible.sum())}")
    for name, part in (("quiet scenes", silent), ("earthquakes", table)):
        shares = [0.01, 0.05, 0.1, 0.5, 0.9, 0.95, 0.99]
        print(f"evidence of {name}, quantiles {shares}: {part.evidence.quantile(shares).round(1).tolist()}")
    if options.calibrate:
        print(f"INFLATION = {calibrate(table):.2f}")


if __name__ == "__main__":
    main()
