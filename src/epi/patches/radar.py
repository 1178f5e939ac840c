"""Patches as published: so many radar pixels of one subswath, whatever they measure on the ground."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, MissingConvention, ParameterError, ProductError
from epi.insar.product import geometry_of
from epi.patches.layers import layers, mean_coherence, oriented, resized, turns
from epi.patches.patch import COLUMNS, Patches, names_of, patch_name
from epi.patches.place import CORNERS, GEOD, describe, label

SIDE, PIXELS = 2000, 256
"""Full-resolution radar pixels a side of a published patch, and the pixels it is resized to."""

Edges = Literal["inside", "stretch"]


class Window(NamedTuple):
    """Part of one side of a subswath."""

    first: int
    """Full-resolution line or sample it starts at."""
    start: int
    """First pixel of the product, in the product's own order."""
    stop: int
    """Pixel after its last."""


def cut_radar(
    product: xr.Dataset,
    *,
    side: int = SIDE,
    pixels: int = PIXELS,
    looks: tuple[float, float] | None = None,
    edges: Edges = "inside",
    epicentre: tuple[float, float] | None = None,
    event: str | None = None,
    group: str | None = None,
    min_valid: float = 0.0,
) -> Patches:
    """Cut a subswath in radar geometry into patches of ``side`` x ``side`` full-resolution radar pixels.

    Of a product that averages L lines or samples into one, a patch takes ``side`` / L pixels: from the pixel nearest to
    its first full-resolution line to the pixel nearest to its last, so that its edges are true to half a pixel of the
    product. The names keep the radar's own first line and sample at full resolution (``patch_002000_004000``); images,
    rows and columns are turned north up and west left, as every other patch. Pixels are averaged by area as complex
    numbers. Corners and centre come from the product's own latitude and longitude.

    Parameters
    ----------
    product : radar geometry, one subswath, as for `epi.patches.cut`.
    side : full-resolution lines and samples of a patch.
    pixels : pixels a side after resizing; never more than the product has there.
    looks : lines and samples averaged into one pixel; default what the product states (`looks_of`).
    edges : what becomes of the rest where a subswath is no whole number of patches. ``"inside"``: the last patch moves
        back until it is whole, and overlaps its neighbour. ``"stretch"``, as published: the rest, however narrow, is
        stretched to a patch of its own, and its pixels are repeated where there are too few.
    epicentre : latitude and longitude (degrees); None where it is unknown, and the labels are then NaN.
    event, group : as for `epi.patches.cut`.
    min_valid : least share of valid pixels; as published, every patch with a single one is kept.

    Returns
    -------
    Patches line by line in the radar's order, without those whose corners or centre have no latitude and longitude.
    ``size_km`` is the side of a square of the patch's area: the patch itself is several times longer along the flight.

    Raises
    ------
    ParameterError : a size that the subswath cannot give.
    ProductError : a product that is not in radar geometry.
    MissingConvention : the product does not state its looks.
    EmptyScene : no patch is left.
    """
    if geometry_of(product) != "radar":
        raise ProductError(
            f"Patches of radar pixels were asked of a product in {geometry_of(product)} geometry: give one in azimuth "
            "and range, or cut squares of ground with epi.patches.cut."
        )
    lines, samples = (
        windows(length, factor, side=side, pixels=pixels, edges=edges, what=what)
        for length, factor, what in zip(
            (product.sizes["azimuth"], product.sizes["range"]),
            looks or looks_of(product),
            ("lines", "samples"),
            strict=True,
        )
    )
    scene = layers(product)
    down, right = turns(scene.frame)
    grid = [(line, sample) for line in lines for sample in samples]
    pieces = [
        (_turned(line, scene.valid.shape[0], down), _turned(sample, scene.valid.shape[1], right))
        for line, sample in grid
    ]
    scene = oriented(scene)
    at = np.array([[piece[0].start, piece[1].start, *(part.stop - part.start for part in piece)] for piece in pieces])
    places = describe(scene.frame, *at.T)
    shares = np.array([scene.valid[piece].mean() for piece in pieces])
    known = np.isfinite(np.stack([places[name] for name in places])).all(0)
    kept = np.flatnonzero(known & (shares >= min_valid) & (shares > 0))
    if not kept.size:
        raise EmptyScene(
            f"None of {len(pieces)} patches of {side} x {side} radar pixels is kept: {np.sum(~known)} have no latitude "
            f"and longitude, and the best holds {shares.max():.0%} valid pixels of {min_valid:.0%} asked."
        )
    arrays, look = resized(scene, [pieces[n] for n in kept], pixels)
    places = {name: values[kept] for name, values in places.items()}
    facts: dict[str, object] = {
        **names_of(product, event, group),
        "patch": [patch_name(grid[n][0].first, grid[n][1].first) for n in kept],
        **dict(zip(("row", "column", "height", "width"), at[kept].T, strict=True)),
        **{"size_km": _side_of_square(places), "pixels": pixels},
        **{"valid_fraction": shares[kept], "coherence_mean": mean_coherence(arrays)},
        **places,
        **label(scene.frame, places, epicentre),
        **look,
    }
    return Patches(pd.DataFrame(facts, columns=list(COLUMNS), index=range(kept.size)), *arrays)


def looks_of(product: xr.Dataset) -> tuple[float, float]:
    """Lines and samples that one pixel of a product averages, as its attributes state them.

    Raises
    ------
    MissingConvention : they do not.
    """
    attrs = product.attrs
    if {"azimuth_looks", "range_looks"} <= set(attrs):  # as SNAP states them
        return float(attrs["azimuth_looks"]), float(attrs["range_looks"])
    if "looks_azimuth_range" in attrs:  # as the native engine states them
        azimuth, across = str(attrs["looks_azimuth_range"]).split("x")
        return float(azimuth), float(across)
    raise MissingConvention(
        "The product does not state how many lines and samples its pixels average: give looks=(lines, samples), "
        "(1, 1) at full resolution."
    )


def windows(length: int, looks: float, *, side: int, pixels: int, edges: Edges, what: str) -> list[Window]:
    """Part one side of a subswath into windows of ``side`` full-resolution pixels.

    Parameters
    ----------
    length : pixels of the product.
    looks : full-resolution pixels averaged into one of them.
    side, pixels, edges : as for `cut_radar`.
    what : lines or samples, for the message.
    """
    if side < 1 or pixels < 1 or not looks >= 1:
        raise ParameterError(
            f"Patches of {side} {what} in {pixels} pixels at {looks:g} looks: give at least 1 of each."
        )
    if edges not in ("inside", "stretch"):
        raise ParameterError(f"edges = {edges!r}: give 'inside' or 'stretch'.")
    if side / looks < pixels:
        raise ParameterError(
            f"A patch of {side} {what} is {side / looks:.0f} pixels of this product ({looks:g} looks), too few for "
            f"{pixels}: ask for at most {int(side / looks)} pixels, or make the product with fewer looks."
        )
    total = length * looks
    firsts = [n * side for n in range(int(total // side))]
    rest = total - len(firsts) * side
    if edges == "inside" and not firsts:
        raise ParameterError(
            f"Patches of {side} {what} were asked of {total:.0f}: ask for less, or stretch what there is with "
            "edges='stretch'."
        )
    if round(rest / looks) >= 1:
        firsts.append(len(firsts) * side if edges == "stretch" else int(total - side))
    ends = [min(first + side, total) for first in firsts]
    return [Window(first, round(first / looks), round(end / looks)) for first, end in zip(firsts, ends, strict=True)]


def _turned(window: Window, length: int, turned: bool) -> slice:
    """The pixels of a window after the side it lies on was turned round, or not."""
    return slice(length - window.stop, length - window.start) if turned else slice(window.start, window.stop)


def _side_of_square(places: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Side (km) of a square of the area between four corners, the mean lengths of opposite sides multiplied."""
    corner = {name: (places[f"lon_{name}"], places[f"lat_{name}"]) for name in CORNERS}
    lengths = {
        ends: np.asarray(GEOD.inv(*corner[ends[0]], *corner[ends[1]])[2]) / 1e3
        for ends in (
            ("top_left", "top_right"),
            ("bottom_left", "bottom_right"),
            ("top_left", "bottom_left"),
            ("top_right", "bottom_right"),
        )
    }
    across, along = np.split(np.stack(list(lengths.values())), 2)
    return np.asarray(np.sqrt(across.mean(0) * along.mean(0)))
