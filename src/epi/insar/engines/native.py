"""From two Sentinel-1 IW SLC products to one map of displacement, with nothing but packages from PyPI.

Each burst is coregistered by its geometry, its interferogram formed and averaged on the radar's own grid; bursts,
slices and subswaths then meet on one map, where the fringes are filtered and unwrapped. Every step is a function of its
own module and can be called alone; nothing here writes a file.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, EpiError, ParameterError, RunError
from epi.insar import product
from epi.insar.engines.mapping import map_product, put, scene_bounds, scene_map, split_fringes
from epi.insar.geometry.dem import Bounds, Dem
from epi.insar.geometry.geocode import RadarGrid
from epi.insar.geometry.mosaic import Mosaic, part_of
from epi.insar.geometry.terrain import WaterMask, fetch_dem, layover_shadow, local_incidence_angle, read_dem, read_water
from epi.insar.geometry.zero_doppler import (
    burst_arc,
    from_ecef,
    incidence_angle,
    line_seconds,
    look_vectors,
    perpendicular_baseline,
    pixel_points,
)
from epi.insar.slc.matching import (
    BurstPair,
    burst_pairs,
    common_polarisation,
    common_subswaths,
    holding,
    open_products,
)
from epi.insar.slc.safe import check_pixels, open_pixels
from epi.insar.topsar.bursts import LookedBurst, looked_burst
from epi.insar.topsar.deburst import burst_places
from epi.insar.topsar.diversity import AzimuthShift
from epi.insar.topsar.interferogram import looks_for
from epi.insar.topsar.misregistration import azimuth_shift
from epi.insar.unwrap import unwrap

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How an interferogram is made.

    Parameters
    ----------
    spacing_m : side of a pixel of the map; the looks follow from it.
    window : lines and samples over which coherence is estimated, full resolution.
    goldstein : exponent of the filter of the fringes, 0 (none) to 1.
    esd : whether an azimuth shift is estimated from burst overlaps and taken out; an earthquake's own motion biases it.
    unwrap : whether the phase is unwrapped and turned into displacement.
    """

    spacing_m: float = 50.0
    window: tuple[int, int] = (4, 20)
    goldstein: float = 0.5
    esd: bool = False
    unwrap: bool = True

    def __post_init__(self) -> None:
        if not 10 <= self.spacing_m <= 1000:
            raise ParameterError(f"Pixels of {self.spacing_m:g} m: a Sentinel-1 interferogram can have 10 to 1000 m.")
        if not 0 <= self.goldstein <= 1:
            raise ParameterError(f"A Goldstein exponent of {self.goldstein:g}: it lies between 0 (no filter) and 1.")
        if min(self.window) < 1 or self.window[0] * self.window[1] < 4:
            raise ParameterError(
                f"A coherence window of {self.window[0]} lines x {self.window[1]} samples: of fewer than four pixels "
                "coherence cannot be told; take more."
            )


def interferogram(
    reference: str | Path | Sequence[str | Path],
    secondary: str | Path | Sequence[str | Path],
    *,
    dem: Dem | str | Path | None = None,
    datum: str | None = None,
    undulation: float | str | Path | None = None,
    void_height: float | None = None,
    orbits: str | Path | None = None,
    fetch_orbits: bool = False,
    water: str | Path | None = None,
    water_values: Sequence[float] = (1,),
    subswaths: Sequence[str] = (),
    bursts: tuple[int, int] | Mapping[str, tuple[int, int]] | None = None,
    polarisation: str | None = None,
    choices: Choices | None = None,
    say: Say = lambda words: None,
) -> xr.Dataset:
    """Make the interferogram of two passages, on a map.

    Parameters
    ----------
    reference, secondary : the earlier and the later passage, each a product or neighbouring slices of one data take.
    dem : heights of the ground, or a file of them; fetched where not given.
    datum, undulation, void_height : of the file's heights, as for :func:`epi.insar.geometry.terrain.read_dem`.
    orbits : folder of POEORB and RESORB files to use instead of the annotations' state vectors.
    fetch_orbits : whether files that the folder lacks are fetched into it.
    water, water_values : a raster that tells water, and the values that mean it (80 in ESA WorldCover).
    subswaths : IW1 to IW3; default all that both passages have.
    bursts : first and last of every subswath, or by subswath; counted from 1 over the joined slices of the reference.
    polarisation : default what both passages have, VV or HH first.
    choices : how it is made.
    say : called with one line as each step begins.

    Returns
    -------
    A product on a map; its attribute ``failed`` names the subswaths that failed, and why, where others did not.

    Raises
    ------
    PairError, FileFormatError, OrbitError, DemError, ParameterError : what was given cannot make an interferogram.
    RunError : every subswath failed.
    """
    how = choices or Choices()
    first, second = open_products(reference), open_products(secondary)
    channel = polarisation or common_polarisation(first, second)
    pairs: dict[str, list[BurstPair]] = {}
    for swath in common_subswaths(first, second, channel, subswaths):
        one, other = (holding(side, swath, channel) for side in (first, second))
        chosen = bursts.get(swath) if isinstance(bursts, Mapping) else bursts
        pairs[swath] = burst_pairs(one, other, swath, channel, bursts=chosen, orbits=orbits, fetch=fetch_orbits)
    bounds = scene_bounds([pair for swath in pairs.values() for pair in swath])
    stated = {"datum": datum, "undulation": undulation, "void_height": void_height}

    def mapped() -> xr.Dataset:  # the terrain is let go with it
        ground = dem if isinstance(dem, Dem) else _ground(dem, bounds, stated, say)
        sea = None if water is None else read_water(water, bounds=bounds, values=water_values)
        return _mapped(pairs, ground, sea, how, say)

    made = mapped()
    return _unwrapped(made, say) if how.unwrap else made


def _mapped(pairs: dict[str, list[BurstPair]], dem: Dem, water: WaterMask | None, how: Choices, say: Say) -> xr.Dataset:
    """Make the interferograms of every subswath that can be made, and bring them to one map."""
    mosaic = Mosaic(scene_map([pair for swath in pairs.values() for pair in swath], dem, spacing_m=how.spacing_m))
    failed: dict[str, str] = {}
    shifts: dict[str, AzimuthShift] = {}
    for swath, chosen in pairs.items():
        try:
            looked = looked_bursts(chosen, dem, choices=how, say=say, shifts=shifts)
            for burst in looked:  # a subswath goes to the map whole or not at all
                part_of(mosaic.area, burst.latitude, burst.longitude)
        except EpiError as error:
            if len(pairs) == 1:
                raise
            failed[swath] = str(error)
            say(f"{swath} failed and is left out: {error}")
            continue
        while looked:
            put(mosaic, looked.pop(0), dem, water=water)
    done = [pair for swath, chosen in pairs.items() if swath not in failed for pair in chosen]
    if not done:
        raise RunError("Every subswath failed. " + " ".join(f"{swath}: {why}" for swath, why in failed.items()))
    return map_product(mosaic, alpha=how.goldstein, attrs=_facts(done, how, dem, failed) | _shifts(shifts))


def _unwrapped(made: xr.Dataset, say: Say) -> xr.Dataset:
    """Unwrap; a scene that cannot be is kept wrapped, and says so."""
    say("unwrapping")
    try:
        return unwrap(made)
    except (EmptyScene, RunError) as error:
        say(f"Not unwrapped, the wrapped interferogram is kept: {error}")
        return made.assign_attrs(unwrap=0, failed="; ".join(filter(None, [made.attrs.get("failed"), str(error)])))


def _shifts(found: dict[str, AzimuthShift]) -> dict[str, str]:
    """Return the azimuth shifts taken out, as an attribute."""
    said = [f"{swath} {shift.lines:+.5f} ± {shift.standard_deviation:.5f}" for swath, shift in found.items()]
    return {"azimuth_shift_lines": "; ".join(said)} if said else {}


def _check_pixels(pairs: Sequence[BurstPair]) -> None:
    """Make sure that every measurement is whole before work begins."""
    images = [image for pair in pairs for image in (pair.reference, pair.secondary)]
    for image in {image.measurement: image for image in images}.values():
        check_pixels(image)


def radar_product(
    pairs: Sequence[BurstPair], dem: Dem, *, choices: Choices | None = None, say: Say = lambda words: None
) -> xr.Dataset:
    """Make the interferogram of one subswath on the radar's own grid, bursts joined in the middle of their overlaps.

    Parameters
    ----------
    pairs : consecutive bursts of one image, in order of time, from :func:`epi.insar.slc.matching.burst_pairs`.
    dem : heights of the ground; must hold them.
    choices, say : as for :func:`interferogram`; the phase is filtered but not unwrapped.

    Returns
    -------
    A product in radar geometry: azimuth and range, with latitude and longitude of every cell.

    Raises
    ------
    ParameterError : a burst between them is missing, or they are of slices with different grids of lines.
    """
    how = choices or Choices()
    image = pairs[0].reference
    places = burst_places(image, [pair.reference_burst for pair in pairs], looks=looks_for(image, how.spacing_m)[0])
    lines = [(place.first, place.stop) for place in places]
    looked = looked_bursts(pairs, dem, choices=how, lines=lines, say=say)
    parts = [burst.fields() | _sight(burst.grid, dem) for burst in looked]
    fields = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    split_fringes(fields, alpha=how.goldstein)
    facts = _facts(pairs, how, dem, {}) | {"unwrap": 0}
    return product.build(fields, attrs=facts, geometry="radar", copy=False)


def _sight(grid: RadarGrid, dem: Dem) -> dict[str, NDArray[Any]]:
    """Return where a radar grid's cells lie on the ground and how they are seen."""
    points = pixel_points(grid.arc, grid.seconds(), grid.slant_ranges(), dem)
    latitude, longitude, height = from_ecef(points)
    seconds = np.broadcast_to(grid.seconds()[:, None], grid.shape)
    look = look_vectors(grid.arc, seconds, points)
    layover, shadow = layover_shadow(grid.arc, grid.seconds(), grid.slant_ranges(), dem)
    angles = {
        "elevation": height,
        "incidence_angle": incidence_angle(grid.arc, seconds, points),
        "local_incidence_angle": local_incidence_angle(dem, latitude, longitude, look),
    } | dict(zip(product.LOOK, look, strict=True))
    exact = {"latitude": latitude, "longitude": longitude, "layover_shadow": layover | shadow}
    return exact | {name: values.astype(np.float32) for name, values in angles.items()}


def looked_bursts(
    pairs: Sequence[BurstPair],
    dem: Dem,
    *,
    choices: Choices,
    lines: Sequence[tuple[int, int]] | None = None,
    shifts: dict[str, AzimuthShift] | None = None,
    say: Say = lambda words: None,
) -> list[LookedBurst]:
    """Make the averaged interferograms of one subswath's bursts.

    Parameters
    ----------
    pairs : bursts of one subswath, in order of time.
    dem : heights of the ground; must hold them.
    choices, say : as for :func:`interferogram`.
    lines : first and one past the last line of each burst; default all.
    shifts : where an azimuth shift that is taken out is noted, by subswath.
    """
    how = choices
    image, swath = pairs[0].reference, pairs[0].reference.subswath
    _check_pixels(pairs)
    shift = 0.0
    if how.esd:
        found = azimuth_shift(pairs, dem)
        shift = found.lines
        say(
            f"{swath}: azimuth shift {found.lines:+.5f} ± {found.standard_deviation:.5f} lines taken out; near a large "
            "earthquake its own motion along the flight is part of it"
        )
        if shifts is not None:
            shifts[swath] = found
    looked = []
    with ExitStack() as stack:
        images = {image.measurement: image for pair in pairs for image in (pair.reference, pair.secondary)}
        held = {name: stack.enter_context(open_pixels(one)) for name, one in images.items()}
        for number, pair in enumerate(pairs):
            say(f"{swath}: burst {number + 1} of {len(pairs)}")
            made = looked_burst(
                pair,
                dem,
                looks=looks_for(image, how.spacing_m),
                window=how.window,
                lines=lines[number] if lines else None,
                azimuth_shift=shift,
                pixels=(held[pair.reference.measurement], held[pair.secondary.measurement]),
            )
            looked.append(made)
    return looked


def _ground(dem: str | Path | None, bounds: Bounds, stated: dict[str, Any], say: Say) -> Dem:
    """Read the terrain model, or fetch one."""
    if dem is not None:
        return read_dem(dem, bounds=bounds, **stated)
    say("fetching a terrain model")
    return fetch_dem(bounds)


def _facts(pairs: Sequence[BurstPair], how: Choices, dem: Dem, failed: dict[str, str]) -> dict[str, Any]:
    """Return what the interferogram was made from and how."""
    first, last = pairs[0].reference, pairs[0].secondary
    used = {side: sorted({getattr(pair, side).product for pair in pairs}) for side in ("reference", "secondary")}
    facts: dict[str, Any] = {name: ", ".join(names) for name, names in used.items()}
    facts |= {
        "reference_time": str(first.start),
        "secondary_time": str(last.start),
        "temporal_baseline_days": float((last.start - first.start) / np.timedelta64(1, "D")),
        "perpendicular_baseline_m": _baseline(pairs[len(pairs) // 2], dem),
        "track": first.track,
        "direction": first.direction,
        "polarisation": first.polarisation,
        "subswath": ", ".join(dict.fromkeys(pair.reference.subswath for pair in pairs)),
        "bursts": len(pairs),
        "wavelength": first.wavelength,
        "engine": "native",
        "engine_version": version("epi"),
        "orbits": "; ".join(f"{image.orbit.kind} {image.orbit.source}" for image in (first, last)),
        "dem": f"{dem.source} (datum of the file: {dem.datum}; {'flat' if dem.flat else f'{dem.filled} nodes filled'})",
    }
    looks = looks_for(first, how.spacing_m)
    chosen = asdict(how) | {
        "window": f"{how.window[0]} x {how.window[1]}",
        "looks": looks[0] * looks[1],
        "looks_azimuth_range": f"{looks[0]} x {looks[1]}",
    }
    facts |= {name: int(value) if isinstance(value, bool) else value for name, value in chosen.items()}
    return facts | ({"failed": "; ".join(f"{swath}: {why}" for swath, why in failed.items())} if failed else {})


def _baseline(pair: BurstPair, dem: Dem) -> float:
    """Return the perpendicular baseline in the middle of a burst, m."""
    one = burst_arc(pair.reference, pair.reference_burst)
    other = burst_arc(pair.secondary, pair.secondary_burst)
    image, middle = pair.reference, np.array([pair.reference.lines_per_burst / 2])
    seconds = line_seconds(one, image, pair.reference_burst, middle)
    sample = (pair.reference_burst.first_sample + pair.reference_burst.last_sample) / 2
    points = pixel_points(one, seconds, np.array([image.near_range + sample * image.range_spacing]), dem)
    return float(perpendicular_baseline(one, other, points)[0, 0])
