"""The truth of a simulated pair, on the grid of a scene made from it."""

import json
from collections.abc import Container, Hashable, Iterable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pyproj import Transformer
from scipy.interpolate import CloughTocher2DInterpolator

from epi.errors import FileFormatError, NoGeoreference
from epi.insar import product
from epi.insar.frame import LocalFrame, equidistant, local_frame
from epi.simulate.terrain import MapField
from epi.source.okada import displacement

NODES = (2, 4)  # of the truth's lines and samples one is taken: some 220 m apart, closer than the air's own nodes

_SLIP = ("faults", "plane", "centroid_depth_km", "magnitude", "rake", "centroid_latitude", "centroid_longitude")
_FIELDS = (
    *("latitude", "longitude", "range_change", "geometric_range_change", "delay_reference", "delay_secondary"),
    "squint_phase",
)

Floats = NDArray[np.float64]


def truth_of(path: str | Path, scene: xr.Dataset) -> xr.Dataset:
    """Motion that was put into a simulated pair, as a scene made from the pair would show it without any error.

    Parameters
    ----------
    path : truth that :func:`epi.simulate.slc.pair.simulate_pair` wrote.
    scene : a georeferenced product on a map, with look vectors.

    Returns
    -------
    A product on the scene's grid with ``los_displacement`` (m, of the dislocation along the scene's look vectors) and
    ``valid`` (the scene's). In its attributes magnitude, rake, faults, plane and centroid of the slip: degrees, and km
    east and north in the scene's own :func:`epi.insar.frame.local_frame`.

    Raises
    ------
    FileFormatError : not such a file, or one of an older form.
    NoGeoreference : the scene has only coordinates of its own.
    """
    header = _header(path)
    frame = local_frame(scene)
    if frame.origin is None:
        raise NoGeoreference("The scene has no georeference: the truth of a pair cannot be laid on it.")
    los = np.zeros(frame.east_km.shape)
    known: dict[str, Any] = {"wavelength": header["wavelength"], "earthquake": "none"}
    if "faults" in header:
        _require(path, _SLIP, header)
        known = _known(header, frame)
        moved = _moved(np.array(json.loads(known["faults"])), frame)
        for part, name in zip(moved, product.LOOK, strict=True):
            los = los + part * scene[name].to_numpy()
    valid = scene["valid"].to_numpy() if "valid" in scene else np.isfinite(los)
    x, y, fields = scene["x"].to_numpy(), scene["y"].to_numpy(), {"los_displacement": los, "valid": valid}
    return product.build(fields, x=x, y=y, crs=product.crs_of(scene), attrs=known)


def expected_phase(path: str | Path, scene: xr.Dataset) -> xr.DataArray:
    """Phase of a simulated pair without noise: the motion and the air, with flat earth and terrain taken off.

    Motion along the flight is in it too. At the ends of a burst the steered beam looks half a degree ahead or back, so
    that 10 cm along the flight are 0.2 rad, of opposite signs on the two sides of a seam. An image moved by spectral
    diversity lacks the mean.

    Parameters
    ----------
    path, scene : as for :func:`truth_of`.

    Returns
    -------
    Radians, not wrapped, on the scene's grid; NaN outside the pair's bursts. Where they overlap, of the burst in which
    the pixel lies farthest from the edge, as in :class:`epi.insar.geometry.mosaic.Mosaic`.

    References
    ----------
    Grandin et al. (2016), Geophys. Res. Lett. 43(6), for the phase of motion along the flight.
    """
    wavelength = _header(path)["wavelength"]
    frame = local_frame(scene)
    found, depth = np.full(frame.east_km.shape, np.nan), np.zeros(frame.east_km.shape)
    for subswath in _subswaths(path):
        with xr.open_dataset(path, group=subswath, engine="h5netcdf") as whole:
            _require(path, _FIELDS, whole)
            _require(path, ("size",), whole.attrs)
            ds = whole.isel(line=slice(None, None, NODES[0]), sample=slice(None, None, NODES[1]))
            for burst in range(ds.sizes["burst"]):
                near, phase, inside = _burst(ds.isel(burst=burst), frame, wavelength)
                better = inside > depth[near]
                taken = tuple(place[better] for place in np.nonzero(near))
                found[taken], depth[taken] = phase[better], inside[better]
    attrs = {"units": "rad", "long_name": "phase without noise: motion and air"}
    return xr.DataArray(found, scene["look_up"].coords, scene["look_up"].dims, attrs=attrs)


def _burst(ds: xr.Dataset, frame: LocalFrame, wavelength: float) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Return which pixels of a scene are near a burst, their phase, and how deep in the burst (0 to 1) each lies."""
    east, north = frame.from_geographic(ds["latitude"].to_numpy(), ds["longitude"].to_numpy())
    near = (frame.east_km > east.min()) & (frame.east_km < east.max())
    near &= (frame.north_km > north.min()) & (frame.north_km < north.max())
    longer = ds["range_change"] - ds["geometric_range_change"]
    longer = longer + (ds["delay_secondary"] - ds["delay_reference"]).astype(float)
    phase = 4 * np.pi / wavelength * longer + ds["squint_phase"].astype(float)
    line, sample, phase = xr.broadcast(ds["line"], ds["sample"], phase)
    values = np.stack([each.to_numpy().ravel() for each in (phase, line, sample)], axis=-1)
    spline = CloughTocher2DInterpolator(np.stack([east.ravel(), north.ravel()], axis=-1), values)
    at = spline(frame.east_km[near], frame.north_km[near])
    last = np.asarray(ds.attrs["size"]) - 1
    inward = 1 - np.abs(2 * at[..., 1:] / last - 1)
    return near, at[..., 0], np.nan_to_num(inward.clip(0)).prod(axis=-1)


def _header(path: str | Path) -> dict[str, Any]:
    """Return the attributes of a truth."""
    try:
        with xr.open_dataset(path, engine="h5netcdf") as root:
            header = dict(root.attrs)
    except (OSError, ValueError) as error:
        raise FileFormatError(f"{path} is not a readable truth of a simulated pair ({error}).") from error
    if "wavelength" not in header or "event" not in header:
        raise FileFormatError(
            f"{path} is NetCDF, but not the truth of a simulated pair: give the one beside its SAFEs."
        )
    return header


def _require(path: str | Path, names: Iterable[str], held: Container[Hashable]) -> None:
    """Raise where a truth lacks what those of today hold."""
    missing = [name for name in names if name not in held]
    if missing:
        raise FileFormatError(
            f"{path} is a truth of an older form, without {', '.join(missing)}: simulate the pair again."
        )


def _subswaths(path: str | Path) -> list[str]:
    """Return the names of the groups of a truth."""
    with h5py.File(path) as file:
        return [name for name, group in file.items() if isinstance(group, h5py.Group)]


def _known(header: dict[str, Any], frame: LocalFrame) -> dict[str, Any]:
    """Return the attributes with every place in the scene's frame; strikes stay (frames differ by 0.1 degree)."""
    event = json.loads(header["event"])
    degrees = Transformer.from_crs(equidistant((event["latitude"], event["longitude"])), 4326, always_xy=True)

    def placed(rows: Floats) -> Floats:
        longitude, latitude = degrees.transform(1000 * rows[:, 0], 1000 * rows[:, 1])
        return np.column_stack([*frame.from_geographic(latitude, longitude), rows[:, 2:]])

    names = ("wavelength", "centroid_depth_km", "magnitude", "rake", "centroid_latitude", "centroid_longitude")
    known: dict[str, Any] = {name: header[name] for name in names}
    east, north = frame.from_geographic(header["centroid_latitude"], header["centroid_longitude"])
    known |= {"centroid_east_km": float(east), "centroid_north_km": float(north)}
    known["plane"] = json.dumps(placed(np.array([json.loads(header["plane"])]))[0].tolist())
    return known | {"faults": json.dumps(np.round(placed(np.array(json.loads(header["faults"]))), 5).tolist())}


def _moved(faults: Floats, frame: LocalFrame) -> tuple[Floats, Floats, Floats]:
    """Displacement east, north and up (m) at every pixel, splined from nodes a quarter of the top's depth apart."""
    top = float((faults[:, 2] - faults[:, 6] / 2 * np.sin(np.deg2rad(faults[:, 4]))).min())
    step = float(np.clip(top / 4, 0.25, 1.5))
    beyond = 6 * step  # splines go astray at their ends
    start = float(frame.east_km.min()) - beyond, float(frame.north_km.min()) - beyond
    stop = float(frame.east_km.max()) + beyond, float(frame.north_km.max()) + beyond
    east, north = np.meshgrid(np.arange(start[0], stop[0], step), np.arange(start[1], stop[1], step))
    total = np.zeros((east.size, 3))
    for block in np.array_split(faults, len(faults) // 8 + 1):
        total += displacement(east.ravel(), north.ravel(), block).sum(0).numpy()
    fields = (MapField(total[:, axis].reshape(east.shape), start, step) for axis in range(3))
    parts = [field(frame.east_km, frame.north_km) for field in fields]
    return parts[0], parts[1], parts[2]
