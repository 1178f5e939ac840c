"""From a scene to patches: square pieces of ground, each with its place and its label."""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError
from epi.insar.product import LocalFrame, geometry_of
from epi.patches.layers import Layers, layers, mean_coherence, oriented, resized
from epi.patches.patch import COLUMNS, Patches, names_of, patch_name
from epi.patches.place import describe, label

SLACK = 0.05
"""Part of a step by which neighbours may overlap less than asked, so that one pixel too many makes no more patches."""


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
    EmptyScene : no patch holds enough valid ground, or a scene of one row or column.
    """
    scene = oriented(layers(product))
    if 0 in (spacings := ground_spacing_km(scene.frame)):
        raise EmptyScene("A scene of one row or column holds no patch: give a wider one.")
    height, width = (round(size_km / spacing) for spacing in spacings)
    scene = _framed(scene, (height, width)) if geometry_of(product) == "map" else scene
    windows = [
        (row, column)
        for row in starts(scene.valid.shape[0], height, overlap, size_km)
        for column in starts(scene.valid.shape[1], width, overlap, size_km)
    ]
    pieces = [(slice(row, row + height), slice(column, column + width)) for row, column in windows]
    shares = np.array([scene.valid[piece].mean() for piece in pieces])
    kept = np.flatnonzero((shares >= min_valid) & (shares > 0))
    if not kept.size:
        raise EmptyScene(
            f"None of {len(windows)} patches of {size_km:g} km holds {min_valid:.0%} valid ground (most: "
            f"{shares.max():.0%}): lower min_valid or choose another scene."
        )
    arrays, look = resized(scene, [pieces[n] for n in kept], pixels)
    rows, columns = np.array([windows[n] for n in kept]).T
    places = describe(scene.frame, rows, columns, height, width)
    facts: dict[str, object] = {
        **names_of(product, event, group),
        "patch": [patch_name(row, column) for row, column in zip(rows, columns, strict=True)],
        **{"row": rows, "column": columns, "height": height, "width": width},
        **{"size_km": float(size_km), "pixels": pixels},
        **{"valid_fraction": shares[kept], "coherence_mean": mean_coherence(arrays)},
        **places,
        **label(scene.frame, places, epicentre),
        **look,
    }
    return Patches(pd.DataFrame(facts, columns=list(COLUMNS), index=range(kept.size)), *arrays)


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


def _framed(scene: Layers, least: tuple[int, int]) -> Layers:
    """The same with no data around, so that each side has at least so many pixels; places run on at even steps."""
    around = [frame_width(there, wanted) for there, wanted in zip(scene.valid.shape, least, strict=True)]
    if not any(sum(ends) for ends in around):
        return scene
    coherence = np.pad(scene.coherence, around, constant_values=np.nan)
    phasor = np.pad(scene.phasor, around, constant_values=np.nan)
    looks = {name: np.pad(part, around, constant_values=np.nan) for name, part in scene.looks.items()}
    east, north = (_extended(part, around) for part in (scene.frame.east_km, scene.frame.north_km))
    frame = LocalFrame(east, north, scene.frame.origin)
    return Layers(coherence, phasor, np.pad(scene.valid, around), looks, frame)


def frame_width(length: int, window: int) -> tuple[int, int]:
    """Pixels of no data before and after a side that is shorter than a patch."""
    missing = max(window - length, 0)
    return missing // 2, missing - missing // 2


def _extended(place: NDArray[np.float64], around: list[tuple[int, int]]) -> NDArray[np.float64]:
    """A grid of places with more rows and columns at either end, as far apart as those at the edge."""
    for axis, (before, after) in enumerate(around):
        place = np.moveaxis(place, axis, 0)
        ahead = place[0] - (place[1] - place[0]) * np.arange(before, 0, -1)[:, None]
        behind = place[-1] + (place[-1] - place[-2]) * np.arange(1, after + 1)[:, None]
        place = np.moveaxis(np.concatenate([ahead, place, behind]), 0, axis)
    return place


def ground_spacing_km(frame: LocalFrame) -> tuple[float, float]:
    """Ground distance from row to row and from column to column, through the middle of the scene; 0 of a single one."""
    rows, columns = frame.east_km.shape
    found = []
    for line in ((slice(None), columns // 2), (rows // 2, slice(None))):
        steps = np.hypot(np.diff(frame.east_km[line]), np.diff(frame.north_km[line]))
        found.append(float(steps.mean()) if steps.size else 0.0)
    return found[0], found[1]
