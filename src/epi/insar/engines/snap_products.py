"""What SNAP wrote becomes a product: bands by their names, signs by their dates, places from tie points or bands.

SNAP's interferogram is its own reference x conj(its own secondary), with phase 4π/λ (R_secondary − R_reference), and
its displacement is −λ/(4π) times the unwrapped phase: the conventions of the product, positive toward the satellite.
But SNAP takes whichever date comes first in the stack as reference, and the product takes the earlier date. Where
SNAP's is the later one (its dates stand in the names of its bands) the interferogram is conjugated: ``q``, ``phase``,
``unwrapped_phase`` and ``los_displacement`` change sign, and attribute ``reversed_by_reader`` is 1.

Phase and intensity of an interferogram are virtual bands: except in NetCDF4-CF and behind SnaphuImport they are
expressions without pixels, so the phase is made from ``i`` and ``q``.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from epi.errors import EmptyScene, FileFormatError
from epi.insar.engines.snap_files import layout_of, open_snap
from epi.insar.engines.snap_files import metadata as meta
from epi.insar.engines.snap_files.file import Floats, SnapFile
from epi.insar.engines.snap_files.names import DATE, Dates, dates_of, names_of, only, same_size
from epi.insar.engines.snap_files.pair import paired
from epi.insar.engines.snap_files.place import described_by, look_by, with_map
from epi.insar.product import build, los_displacement, unwrapped_phase, wrap

__all__ = ["layout_of", "open_snap", "read_snap"]

WINDOW = (3, 11)  # lines and samples: about 41 x 37 m on the ground in single-look IW
MEASURED = {  # variable: how the names of its bands begin
    "i": r"i_ifg_",
    "q": r"q_ifg_",
    "coherence": r"coh_",
    "phase": r"Phase_ifg_",
    "unwrapped_phase": r"Unw_?Phase_",
    "los_displacement": r"displacement",
}
SIGNED = ("q", "phase", "unwrapped_phase", "los_displacement")


def read_snap(
    path: str | Path,
    *,
    pair: str | Path | None = None,
    select: str = "",
    window: tuple[int, int] = WINDOW,
    wavelength: float | None = None,
) -> xr.Dataset:
    """Read what SNAP wrote into a product.

    Parameters
    ----------
    path : a ``.dim`` (or its ``.data`` folder), a ``.znap`` folder or zip, a ``.h5`` or a NetCDF4-CF ``.nc``.
    pair : the product of the other date, where each date of a coregistered pair was written alone: reference x
        conj(secondary) is formed, the earlier date being the reference. What SNAP removed from its own secondary (flat
        earth, topography) is gone from the interferogram too, and nothing more is removed.
    select : part of the names of the bands to take where a product holds several interferograms, e.g. ``"IW2_VV"``.
    window : lines and samples over which the coherence of a ``pair`` is estimated; a product's own is kept otherwise.
    wavelength : in m, where the product was written without metadata.

    Returns
    -------
    A valid product: radar geometry with latitude and longitude of every sample, map geometry after Terrain-Correction.
    NaN is no data: what the file declares so, and zeros of the interferogram itself.

    Raises
    ------
    FileFormatError : not SNAP's, truncated, or without a band that is needed (the message names those there).
    MissingConvention : no wavelength, or no dates to tell the sign by. NoGeoreference : nothing to place it by.
    ParameterError : a pair on two grids, or several interferograms and none selected. EmptyScene : no data at all.

    References
    ----------
    SNAP's operators Interferogram, SnaphuImport, PhaseToDisplacement and Terrain-Correction, versions 10 to 14.
    """
    file = open_snap(path)
    other = open_snap(pair) if pair is not None else None
    variables, dates, chosen = _measured(file, select) if other is None else paired(file, other, select, window)
    files = [file] if other is None else [file, other]
    if file.grid is None and meta.number(file.metadata, "is_terrain_corrected") == 1:
        files = [with_map(file)]
    described = described_by(files)
    metres = wavelength if wavelength is not None else meta.wavelength(file.metadata, file.name)
    variables = _completed(variables, metres, file)
    look, heading = look_by(files[0], described)
    attrs = _attributes(files, dates, chosen) | {"wavelength": float(metres), "heading": heading}
    grid = files[0].grid
    if grid is None:
        return build(variables | described | look, attrs=attrs, geometry="radar")
    return build(variables | described | look, attrs=attrs, x=grid.x, y=grid.y, crs=grid.crs)


def _measured(file: SnapFile, select: str) -> tuple[dict[str, Floats], Dates, str]:
    """Return the interferogram's variables in the product's signs, its dates and the name of its first band."""
    names = {variable: name for variable, start in MEASURED.items() if (name := only(file, start, select))}
    if not set(names) - {"coherence"} or ("i" in names) != ("q" in names):
        raise FileFormatError(
            f"{file.name} holds no interferogram{f' with {select!r} in its name' if select else ''} (i_ifg and q_ifg, "
            f"Phase_ifg, Unw_Phase_ifg or displacement): its bands are {', '.join(file.bands)}. Two dates coregistered "
            "into products of their own are read with pair."
        )
    values = {variable: file.bands[name]() for variable, name in names.items()}
    same_size(file.name, values)
    gone = {variable: array == 0 for variable, array in values.items()}
    if "i" in values:
        gone["i"] = gone["q"] = gone["i"] & gone["q"]
        gone["coherence"] = gone["i"]
    variables = {variable: np.where(gone[variable], np.nan, array) for variable, array in values.items()}
    dates = dates_of(list(names.values()), file)
    if dates.reversed:
        variables = {variable: -array if variable in SIGNED else array for variable, array in variables.items()}
    return variables | _intensities(file, dates, select), dates, next(iter(names.values()))


def _intensities(file: SnapFile, dates: Dates, select: str) -> dict[str, Floats]:
    """Return the intensities of the two dates where the product has them, each under the date in its name."""
    found = {}
    for name in names_of(file, r"Intensity_(?!ifg_)", select):
        days = [meta.day_of(text) for text in DATE.findall(name)]
        for role, day in (("reference", dates.reference), ("secondary", dates.secondary)):
            if days == [day]:
                found[f"intensity_{role}"] = file.bands[name]()
    return found


def _completed(variables: dict[str, Floats], metres: float, file: SnapFile) -> dict[str, Any]:
    """Add the phase, the unwrapped phase and the displacement that follow from what the file holds, and ``valid``."""
    made = dict(variables)
    if "i" in made:
        made["phase"] = np.arctan2(made["q"], made["i"])
    if "los_displacement" in made:
        made.setdefault("unwrapped_phase", unwrapped_phase(made["los_displacement"], wavelength=metres))
    if "unwrapped_phase" in made:
        made.setdefault("los_displacement", los_displacement(made["unwrapped_phase"], wavelength=metres))
        made.setdefault("phase", wrap(made["unwrapped_phase"]))
    valid = np.isfinite(made["phase"])
    if not valid.any():
        raise EmptyScene(f"{file.name} holds no finite, non-zero value: it may be all sea, or SNAP failed half-way.")
    return made | {"valid": valid}


def _attributes(files: list[SnapFile], dates: Dates, band: str) -> dict[str, Any]:
    """Return what the product says of its making; what SNAP left blank is left out."""
    tree = files[0].metadata
    operators = meta.processing(tree)
    subswath, polarisation = (re.search(rf"_({part})(?=_|$)", band) for part in (r"IW\d|EW\d|S\d", "VV|VH|HH|HV"))
    facts = {
        "engine": "snap",
        "engine_version": meta.version(tree),
        "layout": files[0].layout,
        "source_file": " ".join(file.name for file in files),
        "processing": operators or None,
        "subswath": subswath[1] if subswath else meta.fact(tree, "SWATH"),
        "polarisation": polarisation[1] if polarisation else meta.fact(tree, "mds1_tx_rx_polar"),
        "platform": str(meta.fact(tree, "MISSION") or "").replace("SENTINEL-1", "S1") or None,
        "direction": str(meta.fact(tree, "PASS") or "").lower() or None,
        "reversed_by_reader": int(dates.reversed),
        "near_range": meta.number(tree, "slant_range_to_first_pixel"),
        "azimuth_time_interval": meta.number(tree, "line_time_interval"),
    }
    for name in ("range_looks", "azimuth_looks", "range_spacing", "azimuth_spacing"):
        facts[name] = meta.number(tree, name)
    track = meta.number(tree, "REL_ORBIT")
    facts["track"] = None if track is None else int(track)
    return facts | _pair_attributes(files, dates)


def _pair_attributes(files: list[SnapFile], dates: Dates) -> dict[str, Any]:
    """Return products, times, orbits and baselines by the native engine's names, from the first file that knows them.

    A time that SNAP left blank is the day in the name of the band.
    """
    facts: dict[str, Any] = {}
    times, orbits = [], []
    for role, day in (("reference", dates.reference), ("secondary", dates.secondary)):
        known = next((found for file in files if (found := meta.product_of(file.metadata, day))), {})
        time = meta.utc(known.get("first_line_time"))
        times.append(day if time is None else time)
        orbits += [meta.orbit_label(known)] if known else []
        facts |= {role: known.get("PRODUCT"), f"{role}_time": str(times[-1])}
    facts["orbits"] = "; ".join(orbits) or None
    baselines = (meta.perpendicular_baseline(file.metadata, dates.reference, dates.secondary) for file in files)
    facts["perpendicular_baseline_m"] = next((baseline for baseline in baselines if baseline is not None), None)
    exact = times if all(time.dtype == "M8[ns]" for time in times) else [dates.reference, dates.secondary]
    facts["temporal_baseline_days"] = float((exact[1] - exact[0]) / np.timedelta64(1, "D"))
    return facts
