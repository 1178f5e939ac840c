"""What is under the radar and above it, and the record of it that is stored beside simulated products."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer

from epi.catalogue.events.read import Event
from epi.insar.frame import equidistant
from epi.insar.geometry.dem import Bounds, Dem
from epi.simulate.atmosphere import turbulence
from epi.simulate.rupture import Rupture
from epi.simulate.scene import truth_attributes
from epi.simulate.terrain import Cover, MapField, draw_fields, grid_shape, land_cover
from epi.source.okada import displacement

FloatArray = NDArray[np.float64]

_SKY_STEP_KM = 0.25
_SCALE_HEIGHT_M = 2000.0  # of the water vapour that makes the stratified delay (Hanssen 2001, section 6.2)


@dataclass(frozen=True)
class Sky:
    """The air of one date: turbulent delay (m) on the map, and delay per km of height at sea level (m)."""

    turbulent: MapField
    stratified: float

    def __call__(self, east: FloatArray, north: FloatArray, height: FloatArray) -> FloatArray:
        """Delay along the line of sight in m at places in km and heights in m."""
        below = _SCALE_HEIGHT_M / 1000 * (1 - np.exp(-height / _SCALE_HEIGHT_M))
        return np.asarray(self.turbulent(east, north) - self.stratified * below)


@dataclass(frozen=True)
class Ground:
    """Terrain, cover, motion and air of one event, as functions of the place.

    Parameters
    ----------
    origin : latitude and longitude of the epicentre, from which km are counted.
    dem : terrain.
    motion : displacement east, north, up in m; None without an earthquake.
    rupture : what caused it.
    skies : of the two dates.
    classes, detail : see `land_cover`.
    coherence : of the middle class.
    """

    origin: tuple[float, float]
    dem: Dem
    motion: tuple[MapField, MapField, MapField] | None
    rupture: Rupture | None
    skies: tuple[Sky, Sky]
    classes: MapField
    detail: MapField
    coherence: float

    def kilometres(self, latitude: FloatArray, longitude: FloatArray) -> tuple[FloatArray, FloatArray]:
        """East and north of the epicentre in km."""
        transformer = Transformer.from_crs(4326, equidistant(self.origin), always_xy=True)
        east, north = transformer.transform(longitude, latitude)
        return np.asarray(east) / 1000, np.asarray(north) / 1000

    def moved(self, east: FloatArray, north: FloatArray) -> FloatArray:
        """Displacement (..., 3) east, north, up in m at places in km."""
        if self.motion is None:
            return np.zeros((*east.shape, 3))
        return np.stack([part(east, north) for part in self.motion], axis=-1)

    def cover(self, latitude: FloatArray, longitude: FloatArray, east: FloatArray, north: FloatArray) -> Cover:
        """Backscatter, coherence and water at places given in degrees and in km."""
        level = float(np.nanmin(self.dem.heights))
        still = float(np.mean(self.dem.heights == level)) > 1e-3  # a level that many nodes share is water
        water = self.dem.sample(latitude, longitude) == level if still else np.zeros(east.shape, bool)
        return land_cover(self.classes, self.detail, east=east, north=north, water=water, coherence=self.coherence)


def draw_ground(
    event: Event,
    bounds: Bounds,
    *,
    dem: Dem,
    rupture: Rupture | None,
    atmosphere_m: float,
    stratified_m: float,
    coherence: float,
    seed: int,
) -> Ground:
    """Draw what the two passages meet.

    Parameters
    ----------
    event : its epicentre is the origin.
    bounds : west, south, east, north of the ground in degrees.
    dem : terrain.
    rupture : in km about the epicentre; None for ground that does not move.
    atmosphere_m, stratified_m : see `epi.simulate.slc.pair.Conditions`.
    coherence : of the middle class of land cover.
    seed : of the air and the cover.
    """
    origin = (event.latitude, event.longitude)
    longitude, latitude = (part.ravel() for part in np.meshgrid(bounds[::2], bounds[1::2]))
    transformer = Transformer.from_crs(4326, equidistant(origin), always_xy=True)
    east, north = (np.asarray(part) / 1000 for part in transformer.transform(longitude, latitude))
    start, stop = (float(east.min()), float(north.min())), (float(east.max()), float(north.max()))
    rng = np.random.default_rng([seed, 13])
    shape = grid_shape(start, stop, _SKY_STEP_KM)
    skies = tuple(
        Sky(
            MapField(turbulence(shape, spacing_km=_SKY_STEP_KM, rms=atmosphere_m, rng=rng), start, _SKY_STEP_KM),
            stratified_m * rng.standard_normal(),
        )
        for _ in range(2)
    )
    classes, detail = draw_fields(start, stop, seed=seed)
    motion = None if rupture is None else _motion(rupture, start, stop)
    return Ground(origin, dem, motion, rupture, (skies[0], skies[1]), classes, detail, coherence)


def _motion(
    rupture: Rupture, start: tuple[float, float], stop: tuple[float, float]
) -> tuple[MapField, MapField, MapField]:
    """Displacement on a grid as fine as a quarter of the depth of the rupture's top asks for."""
    _, _, depth, _, dip, _, width = rupture.plane
    step = float(np.clip((depth - width / 2 * np.sin(np.deg2rad(dip))) / 4, 0.25, 1.5))
    rows, columns = grid_shape(start, stop, step)
    east, north = np.meshgrid(start[0] + step * np.arange(columns), start[1] + step * np.arange(rows))
    total = np.zeros((east.size, 3))
    for block in np.array_split(np.arange(len(rupture.faults)), len(rupture.faults) // 8 + 1):
        total += displacement(east.ravel(), north.ravel(), rupture.faults[block]).sum(0).numpy()
    parts = [MapField(total[:, axis].reshape(rows, columns), start, step) for axis in range(3)]
    return parts[0], parts[1], parts[2]


_UNITS = {
    "latitude": ("degrees_north", "of the pixel of the reference"),
    "longitude": ("degrees_east", "of the pixel of the reference"),
    "elevation": ("m", "height above WGS84"),
    "displacement_east": ("m", "motion of the ground between the dates"),
    "displacement_north": ("m", "motion of the ground between the dates"),
    "displacement_up": ("m", "motion of the ground between the dates"),
    "los_displacement": ("m", "motion toward the satellite"),
    "range_change": ("m", "slant range of the secondary minus that of the reference: geometry and motion, without air"),
    "geometric_range_change": ("m", "the same without the motion"),
    "delay_reference": ("m", "delay of the air along the line of sight"),
    "delay_secondary": ("m", "delay of the air along the line of sight"),
    "phase": (
        "rad",
        "4 pi / wavelength (range change + delays), unwrapped; with squint_phase that of reference x conj(secondary)",
    ),
    "squint_phase": (
        "rad",
        "added by motion along the flight and a planted azimuth error, to which a steered beam is not square",
    ),
    "azimuth_offset": ("1", "lines by which the pixel lies later in the secondary's burst"),
    "range_offset": ("1", "samples by which the pixel lies farther in the secondary's burst"),
    "coherence": ("1", "temporal coherence, without thermal noise and baseline"),
    "water": ("1", "whether the ground is water"),
    "incidence_angle": ("degree", "on the ellipsoid"),
}


def truth_dataset(
    parts: Sequence[tuple[int, NDArray[np.int64], NDArray[np.int64], dict[str, FloatArray]]], *, size: tuple[int, int]
) -> xr.Dataset:
    """Put the bursts of one subswath's truth together.

    Parameters
    ----------
    parts : for each burst its number from 1, lines and samples of the nodes, and their fields.
    size : lines and samples of a burst, an attribute.

    Returns
    -------
    Variables over ``burst, line, sample``: lines count within the burst, from 0.
    """
    _, lines, samples, _ = parts[0]
    stacked = {
        name: (("burst", "line", "sample"), np.stack([fields[name] for *_, fields in parts])) for name in parts[0][-1]
    }
    ds = xr.Dataset(
        stacked, {"burst": [number for number, *_ in parts], "line": lines, "sample": samples}, {"size": size}
    )
    for name, (unit, meaning) in _UNITS.items():
        ds[name].attrs |= {"units": unit, "long_name": meaning}
        if name not in ("latitude", "longitude", "range_change", "geometric_range_change", "phase", "water"):
            ds[name] = ds[name].astype(np.float32)
    return ds


def truth_header(
    event: Event,
    ground: Ground,
    conditions: dict[str, Any],
    products: Sequence[str],
    *,
    drift: tuple[float, float],
    seed: int,
    wavelength: float,
) -> dict[str, Any]:
    """Attributes of the truth: event, rupture, conditions, what was drawn, and the products it belongs to."""
    return {
        "title": "Ground truth of a simulated Sentinel-1 pair",
        "event": json.dumps(event.to_dict()),
        "conditions": json.dumps(conditions),
        "seed": seed,
        "reference": products[0],
        "secondary": products[1],
        "dem": ground.dem.source,
        "convergence_m_per_s": json.dumps(drift),
        "stratified_m_per_km": json.dumps([sky.stratified for sky in ground.skies]),
        **truth_attributes(ground.rupture, ground.origin, wavelength),
    }


def results(folder: Path, event_id: str) -> list[Path]:
    """Where the results of an event's simulation are: terrain, truth, and the two products that the truth names.

    Parameters
    ----------
    folder : of the results; event_id : of the event.
    """
    truth = folder / f"{event_id}_truth.nc"
    try:
        with h5py.File(truth) as file:
            products = [str(file.attrs[side]) for side in ("reference", "secondary")]
    except (OSError, KeyError):  # none there, or one that names nothing
        products = []
    return [folder / f"{event_id}_dem.tif", truth, *(folder / f"{name}.SAFE" for name in products)]


def write_truth(path: Path, parts: dict[str, xr.Dataset], header: dict[str, Any]) -> Path:
    """Write one NetCDF group a subswath; the header is in the root.

    Parameters
    ----------
    path : file to make; parts : by name of subswath; header : attributes.
    """
    xr.Dataset(attrs=header).to_netcdf(path, engine="h5netcdf")
    for name, ds in parts.items():
        packed = {"zlib": True, "complevel": 4, "shuffle": True}
        encoding: dict[Any, Any] = {variable: dict(packed) for variable in ds.data_vars}
        ds.to_netcdf(path, group=name, mode="a", engine="h5netcdf", encoding=encoding)
    return path
