"""A whole scene at the square pixels of a network: which of its layers is taken, averaged, north up."""

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError
from epi.insar.frame import LocalFrame, local_frame
from epi.insar.product import SENTINEL1_WAVELENGTH_M, los_displacement, unwrapped_phase, wavelength_of
from epi.patches.cut import ground_spacing_km
from epi.patches.layers import layers, north_up, oriented
from epi.patches.resize import area_mean

LEAST_KM = 8.0
"""A scene of which less than this squared holds data is too small to tell an earthquake from air."""
LARGEST_M = 30.0
"""No earthquake on record moved the ground by more along a line of sight: a larger span is another unit."""
LEAST_RAD = 1e-6
"""An unwrapped phase that spans no more is the same everywhere."""
JUMPS = 0.05
"""Share of rows and columns with neighbours half a turn apart from which a phase of one turn counts as wrapped."""

_ANOTHER_UNIT = (
    "The displacement spans {span:.3g} m, or differs between most neighbours by more than a radar can follow: is it in "
    "radians or millimetres, or a wrapped phase? State its own --units and --quantity."
)

Floats = NDArray[np.float64]
Layer = Literal["wrapped", "unwrapped"]
"""Which phase of a product is looked at; a displacement counts as unwrapped."""


class Grid(NamedTuple):
    """A scene at the pixels of a network, row 0 in the north: radians, and where there is data."""

    phase: Floats
    coherence: Floats
    valid: NDArray[np.bool_]
    unwrapped: bool
    frame: LocalFrame


def as_grid(product: xr.Dataset, spacing_km: float, *, quantity: Layer | None = None) -> Grid:
    """A scene at square pixels of a network's size, averaged as complex numbers where its phase is wrapped.

    Parameters
    ----------
    product : on a map or in radar geometry, its rows and columns in any order; NaN is no data.
    spacing_km : side of the network's pixels.
    quantity : the phase that is taken; None takes the unwrapped where the product holds it.

    Returns
    -------
    The scene, row 0 in the north and column 0 in the west; phase in radians, positive away from the satellite.

    Raises
    ------
    EmptyScene : too little data, or an unwrapped phase that is the same everywhere.
    ParameterError : a displacement in another unit, a wrapped phase stated as unwrapped, or a product without the
        quantity.
    ProductError : a table of points, or no interferogram.
    """
    if quantity == "wrapped":
        product = _wrapped_alone(product)
    scene = oriented(layers(product))
    whole = _unwrapped(product)
    if quantity == "unwrapped" and whole is None:
        raise ParameterError(_lacking(product, "unwrapped", "unwrapped_phase or los_displacement"))
    valid = scene.valid & (np.isfinite(whole) if whole is not None else True)
    rows, columns = (
        max(1, round(size * step / spacing_km))
        for size, step in zip(scene.valid.shape, ground_spacing_km(scene.frame), strict=True)
    )
    if rows * columns * spacing_km**2 < LEAST_KM**2 or valid.mean() * rows * columns * spacing_km**2 < LEAST_KM**2:
        area = valid.mean() * rows * columns * spacing_km**2
        raise EmptyScene(
            f"The scene holds data over {area:.0f} km², and the network needs {LEAST_KM:g} km squared at least: "
            "give a wider scene."
        )
    if whole is not None and float(np.ptp(whole[valid])) <= LEAST_RAD:
        raise EmptyScene(
            f"The unwrapped phase is {whole[valid][0]:.3g} rad everywhere: it holds neither motion nor air; check "
            "the file."
        )
    size = (rows, columns)
    phasor, known = area_mean(scene.phasor, valid, size)
    coherence = np.clip(area_mean(scene.coherence, valid, size)[0].real, 0, 1)
    phase = np.angle(phasor) if whole is None else area_mean(np.where(valid, whole, 0), valid, size)[0].real
    east, north = (_resampled(each, size) for each in (scene.frame.east_km, scene.frame.north_km))
    frame = LocalFrame(east, north, scene.frame.origin)
    if whole is not None and float(np.median(_steps(np.where(known, phase, np.nan)))) > np.pi:
        metres = los_displacement(phase[known], wavelength=_wavelength(product))
        raise ParameterError(_ANOTHER_UNIT.format(span=float(np.ptp(metres))))
    return Grid(np.asarray(phase, dtype=float), coherence, known, whole is not None, frame)


def _wrapped_alone(product: xr.Dataset) -> xr.Dataset:
    """The product without its unwrapped phase and displacement."""
    if not ({"i", "q"} <= set(product) or "phase" in product):
        raise ParameterError(_lacking(product, "wrapped", "i and q, or phase"))
    return product.drop_vars(["unwrapped_phase", "los_displacement"], errors="ignore")


def _lacking(product: xr.Dataset, quantity: Layer, names: str) -> str:
    held = ", ".join(str(name) for name in product.data_vars)
    return f"The product holds no {quantity} phase ({names}), only {held}: leave quantity out, or ask for another."


def _unwrapped(product: xr.Dataset) -> Floats | None:
    """The unwrapped phase of a scene, turned as its layers are; None where there is none."""
    if "unwrapped_phase" in product and bool(np.isfinite(product["unwrapped_phase"]).any()):
        whole = product["unwrapped_phase"].to_numpy().astype(float)
        wavelength = _wavelength(product)
        metres = los_displacement(whole, wavelength=wavelength)
    elif "los_displacement" in product:
        metres, wavelength = product["los_displacement"].to_numpy().astype(float), wavelength_of(product)
        whole = unwrapped_phase(metres, wavelength=wavelength)
    else:
        return None
    _check_displacement(metres, wavelength)
    _check_unwrapped(whole)
    return north_up(whole, local_frame(product))


def _wavelength(product: xr.Dataset) -> float:
    """Wavelength in metres; Sentinel-1's where the product states none."""
    return float(product.attrs.get("wavelength", SENTINEL1_WAVELENGTH_M))


def _steps(values: NDArray[np.floating[Any]]) -> Floats:
    """Differences between neighbours along either axis, without sign; 0 where there are none."""
    steps = np.concatenate([np.abs(np.diff(values, axis=axis)).ravel() for axis in range(values.ndim)])
    return np.asarray(steps[np.isfinite(steps)] if np.isfinite(steps).any() else np.zeros(1), dtype=float)


def _check_displacement(metres: NDArray[np.floating[Any]], wavelength: float) -> None:
    """Refuse a displacement that spans too much, or jumps between most neighbours by more than the quarter wavelength
    up to which a phase can be unwrapped: it is in another unit.
    """
    span = float(np.nanmax(metres, initial=-np.inf) - np.nanmin(metres, initial=np.inf))
    if span > LARGEST_M or float(np.median(_steps(metres))) > wavelength / 4:
        raise ParameterError(_ANOTHER_UNIT.format(span=span))


def _check_unwrapped(phase: Floats) -> None:
    """Refuse what is stated as unwrapped and fills one turn, no more, with lines along which it jumps by one."""
    span = float(np.nanmax(phase, initial=-np.inf) - np.nanmin(phase, initial=np.inf)) / (2 * np.pi)
    lines = [(np.abs(np.diff(phase, axis=axis)) > np.pi).any(axis) for axis in (0, 1)]
    jumps = float(np.concatenate(lines).mean())
    if 0.9 < span < 1.001 and jumps > JUMPS:
        raise ParameterError(
            f"The unwrapped phase spans one turn, and {jumps:.0%} of its rows and columns hold neighbours half a turn "
            "apart: it is a wrapped one. Give it as such (--quantity wrapped)."
        )


def _resampled(place: Floats, size: tuple[int, int]) -> Floats:
    """Places of the new pixels' centres, linear between the old ones."""
    whole = torch.from_numpy(np.ascontiguousarray(place))[None, None]
    return np.asarray(
        torch.nn.functional.interpolate(whole, size=size, mode="bilinear", align_corners=False)[0, 0].numpy()
    )
