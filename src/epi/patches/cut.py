"""From a scene to patches: square pieces of ground, each with its place and its label."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError, ProductError
from epi.insar.product import LOOK, LocalFrame, geometry_of, local_frame
from epi.patches.place import CORNERS, describe, label
from epi.patches.resize import area_mean, interferogram, phase_agreement

BANDS = ("coh", "i", "q")
"""What every patch holds: coherence, real and imaginary part of the interferogram."""

COLUMNS = (
    *("event", "subswath", "patch", "group", "row", "column", "size_km", "pixels", "valid_fraction", "coherence_mean"),
    *(f"{axis}_{corner}" for corner in CORNERS for axis in ("lat", "lon")),
    *("center_lat", "center_lon", "center_east_km", "center_north_km"),
    *("epicenter_lat", "epicenter_lon", "epicenter_east_km", "epicenter_north_km"),
    *("distance_km", "offset_east_km", "offset_north_km"),
    *LOOK,
    *("polarisation", "reference", "secondary"),
)
"""One row a patch. Degrees are NaN where the scene has no georeference; kilometres east and north count from the
scene's own origin; the offset points from the patch's centre to the epicentre; the look vector is the patch's mean."""

SLACK = 0.05
"""Part of a step by which neighbours may overlap less than asked, so that one pixel too many makes no more patches."""


@dataclass(frozen=True)
class Patches:
    """Patches of one or several scenes.

    Attributes
    ----------
    table : one row a patch, the columns of ``COLUMNS``.
    coh, i, q : float32 arrays (patches, pixels, pixels), row 0 in the north, column 0 in the west; no-data pixels are
        zero in all three, never NaN.
    """

    table: pd.DataFrame
    coh: NDArray[np.float32]
    i: NDArray[np.float32]
    q: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.table)

    def band(self, name: str) -> NDArray[np.float32]:
        """Return one of ``BANDS`` as a (patches, pixels, pixels) array."""
        return {"coh": self.coh, "i": self.i, "q": self.q}[name]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer] | Sequence[int]) -> "Patches":
        """Return some of the patches, by a mask or by their positions."""
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)
        return Patches(self.table.iloc[chosen].reset_index(drop=True), self.coh[chosen], self.i[chosen], self.q[chosen])


def concatenate(parts: Sequence[Patches]) -> Patches:
    """Join the patches of several scenes; all must have the same number of pixels a side."""
    sizes = sorted({part.coh.shape[1] for part in parts})
    if len(sizes) != 1:
        raise ParameterError(f"Patches of {sizes} pixels a side were to be joined: cut them all to one size.")
    table = pd.concat([part.table for part in parts], ignore_index=True)
    coh, i, q = (np.concatenate([part.band(name) for part in parts]) for name in BANDS)
    return Patches(table, coh, i, q)


def cut(
    product: xr.Dataset,
    *,
    size_km: float,
    pixels: int,
    overlap: float = 0.5,
    epicentre: tuple[float, float] | None = None,
    event: str | None = None,
    group: str | None = None,
    min_valid: float = 0.25,
) -> Patches:
    """Cut a scene into square patches of ground.

    Patches follow the scene's own axes, turned so that row 0 lies in the north and column 0 in the west. They cover the
    scene from edge to edge: where its side is no whole number of steps, neighbours overlap a little more than asked.
    Pixels are averaged by area as complex numbers; a wrapped phase is never averaged. A scene on a map that is narrower
    than a patch is framed by no data, evenly on both sides, so that one patch holds it whole.

    Parameters
    ----------
    product : map or radar geometry, with ``i`` and ``q``, a phase, or ``los_displacement``. Without ``coherence``, the
        agreement of the phase with its neighbours stands in. NaN, zero phasors and what ``valid`` leaves out are no
        data.
    size_km : side of a patch on the ground, km.
    pixels : pixels a side after resizing.
    overlap : share of its side that a patch shares with the next, in [0, 1).
    epicentre : latitude and longitude (degrees), or east and north (km) of the scene's own frame where it has no
        georeference; None where it is unknown, and the labels are then NaN.
    event : default the product's ``event_id``.
    group : events of one group are never split apart; default the event.
    min_valid : least share of valid ground; patches below it are left out.

    Returns
    -------
    The patches from north to south, west to east in each row; where the scene was framed, ``row`` and ``column``
    count from the frame's corner.

    Raises
    ------
    ParameterError : a size or an overlap that no scene can give, or patches wider than a scene in radar geometry.
    ProductError : a table of points, or no interferogram in the product.
    EmptyScene : no patch holds enough valid ground.
    """
    oriented = _oriented(product)
    height, width = (round(size_km / spacing) for spacing in _spacing_km(oriented[3]))
    on_map = geometry_of(product) == "map"
    bands, valid, looks, frame = _framed(*oriented, (height, width)) if on_map else oriented
    windows = [
        (row, column)
        for row in starts(valid.shape[0], height, overlap, size_km)
        for column in starts(valid.shape[1], width, overlap, size_km)
    ]
    pieces = [(slice(row, row + height), slice(column, column + width)) for row, column in windows]
    shares = np.array([valid[piece].mean() for piece in pieces])
    kept = np.flatnonzero((shares >= min_valid) & (shares > 0))
    if not kept.size:
        raise EmptyScene(
            f"None of {len(windows)} patches of {size_km:g} km holds {min_valid:.0%} valid ground (most: "
            f"{shares.max():.0%}): lower min_valid or choose another scene."
        )
    arrays, look = _resized(bands, valid, looks, [pieces[n] for n in kept], pixels)
    rows, columns = np.array([windows[n] for n in kept]).T
    places = describe(frame, rows, columns, height, width)
    facts: dict[str, object] = {
        **_names(product, event, group),
        "patch": [patch_name(row, column) for row, column in zip(rows, columns, strict=True)],
        **{"row": rows, "column": columns, "size_km": float(size_km), "pixels": pixels},
        **{"valid_fraction": shares[kept], "coherence_mean": _mean_coherence(arrays)},
        **places,
        **label(frame, places, epicentre),
        **look,
    }
    return Patches(pd.DataFrame(facts, columns=list(COLUMNS), index=range(kept.size)), *arrays)


def patch_name(row: int, column: int) -> str:
    """Name of the patch whose first pixel is at a row and a column, padded so that names sort as numbers do."""
    return f"patch_{row:06d}_{column:06d}"


def starts(length: int, window: int, overlap: float, size_km: float) -> list[int]:
    """First pixels of windows that cover a side from edge to edge, evenly spread, overlapping at least about as asked.

    Parameters
    ----------
    length, window : pixels of the scene's side and of a patch's.
    overlap : share of a patch's side, in [0, 1).
    size_km : of a patch, for the message.
    """
    if not 0 <= overlap < 1:
        raise ParameterError(f"An overlap of {overlap:g} was asked: give a share from 0 up to, but not including, 1.")
    if window < 1:
        raise ParameterError(f"Patches of {size_km:g} km were asked: give at least the size of one pixel.")
    if window > length:
        raise ParameterError(
            f"Patches of {size_km:g} km were asked of a scene of {length * size_km / window:.1f} km: ask for less."
        )
    steps = (length - window) / max(window * (1 - overlap), 1)
    count = int(np.ceil(steps - SLACK)) + 1
    return [int(start) for start in np.round(np.linspace(0, length - window, count))]


def _oriented(
    product: xr.Dataset,
) -> tuple[
    tuple[NDArray[np.float32], NDArray[np.complex64]], NDArray[np.bool_], dict[str, NDArray[np.float32]], LocalFrame
]:
    """Coherence and interferogram, mask, look vectors and positions as plain arrays, north up and west left."""
    if geometry_of(product) == "points":
        raise ProductError("A table of points was given, and patches are cut from a grid: read a raster of the scene.")
    phasor = interferogram(product)
    valid = np.isfinite(phasor) & (phasor != 0)
    if "valid" in product:
        valid &= product["valid"].to_numpy()
    coherence = product["coherence"].to_numpy() if "coherence" in product else phase_agreement(phasor, valid)
    valid &= np.isfinite(coherence)
    frame = local_frame(product)
    south_first = frame.north_km[0].mean() < frame.north_km[-1].mean()
    east_first = frame.east_km[:, 0].mean() > frame.east_km[:, -1].mean()
    turn = (slice(None, None, -1 if south_first else 1), slice(None, None, -1 if east_first else 1))
    looks = {name: product[name].to_numpy()[turn] for name in LOOK if name in product}
    turned = LocalFrame(frame.east_km[turn], frame.north_km[turn], frame.origin)
    return (coherence[turn], phasor[turn]), valid[turn], looks, turned


def _framed(
    bands: tuple[NDArray[np.float32], NDArray[np.complex64]],
    valid: NDArray[np.bool_],
    looks: dict[str, NDArray[np.float32]],
    frame: LocalFrame,
    least: tuple[int, int],
) -> tuple[
    tuple[NDArray[np.float32], NDArray[np.complex64]], NDArray[np.bool_], dict[str, NDArray[np.float32]], LocalFrame
]:
    """The same with no data around, so that each side has at least so many pixels; places run on at even steps."""
    short = [max(wanted - there, 0) for wanted, there in zip(least, valid.shape, strict=True)]
    if not any(short):
        return bands, valid, looks, frame
    around = [(missing // 2, missing - missing // 2) for missing in short]
    coherence = np.pad(bands[0], around, constant_values=np.nan)
    phasor = np.pad(bands[1], around, constant_values=np.nan)
    looks = {name: np.pad(part, around, constant_values=np.nan) for name, part in looks.items()}
    east, north = (_extended(part, around) for part in (frame.east_km, frame.north_km))
    return (coherence, phasor), np.pad(valid, around), looks, LocalFrame(east, north, frame.origin)


def _extended(place: NDArray[np.float64], around: list[tuple[int, int]]) -> NDArray[np.float64]:
    """A grid of places with more rows and columns at either end, as far apart as those at the edge."""
    for axis, (before, after) in enumerate(around):
        place = np.moveaxis(place, axis, 0)
        ahead = place[0] - (place[1] - place[0]) * np.arange(before, 0, -1)[:, None]
        behind = place[-1] + (place[-1] - place[-2]) * np.arange(1, after + 1)[:, None]
        place = np.moveaxis(np.concatenate([ahead, place, behind]), 0, axis)
    return place


def _spacing_km(frame: LocalFrame) -> tuple[float, float]:
    """Ground distance from one row to the next and from one column to the next, through the middle of the scene."""
    rows, columns = frame.east_km.shape
    spacings = []
    for line in ((slice(None), columns // 2), (rows // 2, slice(None))):
        east, north = frame.east_km[line], frame.north_km[line]
        spacings.append(float(np.hypot(np.diff(east), np.diff(north)).mean()))
    return spacings[0], spacings[1]


def _resized(
    bands: tuple[NDArray[np.float32], NDArray[np.complex64]],
    valid: NDArray[np.bool_],
    looks: dict[str, NDArray[np.float32]],
    pieces: list[tuple[slice, slice]],
    pixels: int,
) -> tuple[tuple[NDArray[np.float32], ...], dict[str, list[float]]]:
    """The three bands of each piece at the wanted size, and its mean look vector (NaN where the product has none)."""
    coh, phasor = (np.stack([area_mean(band[piece], valid[piece], pixels)[0] for piece in pieces]) for band in bands)
    arrays = tuple(np.ascontiguousarray(part, dtype=np.float32) for part in (coh, phasor.real, phasor.imag))
    look = {name: [_mean(looks[name][piece]) if name in looks else np.nan for piece in pieces] for name in LOOK}
    return arrays, look


def _mean(values: NDArray[np.float32]) -> float:
    """Mean of the finite values, NaN where there is none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean(dtype=float)) if finite.size else np.nan


def _mean_coherence(arrays: tuple[NDArray[np.float32], ...]) -> NDArray[np.float64]:
    """Mean coherence of each patch over its pixels with data."""
    coh, i, q = arrays
    known = (i != 0) | (q != 0)
    return np.asarray((coh * known).sum((1, 2), dtype=float) / np.maximum(known.sum((1, 2)), 1))


def _names(product: xr.Dataset, event: str | None, group: str | None) -> dict[str, str]:
    """Names under which a scene's patches are kept, and what the product says of its images."""
    name = str(event or product.attrs.get("event_id", "unknown"))
    subswath = str(product.attrs.get("subswath", "merged"))
    for part in (name, subswath):
        if "/" in part or part in ("", ".", ".."):
            raise ParameterError(f"{part!r} cannot name an event or a subswath: use letters, digits and dashes.")
    images = {fact: str(product.attrs.get(fact, "")) for fact in ("polarisation", "reference", "secondary")}
    return {"event": name, "subswath": subswath, "group": str(group or name)} | images
