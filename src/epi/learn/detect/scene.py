"""A whole scene, of any size: cut into overlapping tiles, looked at, and put together without seams."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

from epi.errors import EmptyScene, ParameterError
from epi.insar.contract import geometry_of
from epi.insar.frame import LocalFrame, equidistant, local_frame
from epi.insar.gridding import grid_of_points
from epi.learn.detect.attention import Box, boxes
from epi.learn.detect.channels import check_inputs, detect_channels
from epi.learn.detect.grid import Floats, Grid, Layer, as_grid
from epi.learn.detect.judge import look
from epi.learn.detect.networks import Detector
from epi.patches.cut import frame_width, ground_spacing_km, starts

OVERLAP = 0.5
"""Share of its side that a tile has in common with the next."""
LEAST_DATA = 0.02
"""Share of a tile that must hold data for the network to look at it: as few as it learned from."""
COARSE = 2.0
"""By how much the pixels of a scene may be larger than the network's before that is flagged."""
MOST_TILES = 4000

INTERPOLATED = "the points were interpolated: the network learned from grids"
SMALL = "the scene is smaller than what the network looks at: much that it learned to look for lies outside"
SPARSE = "more than half of the scene holds no data"
COARSE_PIXELS = "the scene's pixels are coarser than those that the network learned from: it sees them repeated"
NARROW = "the phase spans less than half a turn: nothing moved by much, or the numbers are in another unit than stated"
LARGE = (
    "the motion spans more than 100 fringes, as hardly any earthquake did that the network learned from: check the unit"
)
LOST_COHERENCE = 0.25
"""The networks learned from few scenes of which half is below it."""
LOST = "most of the scene is less coherent than nearly all that the network learned from: it may say anything"
NO_COHERENCE = "the scene has no coherence: the agreement of neighbouring phases stands in for it"

NO_MASK = "This network only says whether there is an earthquake: it has no mask to write."


@dataclass(frozen=True)
class Detected:
    """What a network says of a scene.

    Attributes
    ----------
    probability : that it holds an earthquake: that of the tile that is surest.
    tiles : how many were looked at.
    mask : (rows, columns) probability of moved ground, NaN without data; None of a network that only says whether.
    grid : the scene as the network saw it.
    """

    probability: float
    tiles: int
    mask: Floats | None
    grid: Grid


def detect_scene(
    network: Detector, product: xr.Dataset, *, quantity: Layer | None = None
) -> tuple[dict[str, Any], Detected]:
    """Say whether a scene holds an earthquake, and which ground it moved.

    Parameters
    ----------
    network : trained and adjusted.
    product : on a map or in radar geometry, with a phase, wrapped or unwrapped, or a displacement. Tables of points are
        interpolated (`epi.insar.gridding.grid_of_points`). No look direction is needed: the network does not ask for
        one.
    quantity : ``"wrapped"`` or ``"unwrapped"``, the phase that is looked at; None takes the unwrapped one where the
        product holds it. A displacement counts as unwrapped.

    Returns
    -------
    The result, ready for JSON, and the maps behind it. ``present`` and its ``probability``, the largest of its
    tiles'; ``alarm``, from which it is called present, which rises with ``tiles``, their number;
    ``moved_km2`` (area of the mask, None without one); ``centre`` of the mask, weighted by its probability
    (``latitude`` and ``longitude`` where georeferenced, ``east_km`` and ``north_km``; None where the mask is empty);
    ``boxes`` around the connected parts of the mask, largest first, each with its four edges in kilometres of the
    scene's frame and, where georeferenced, its ``corners`` (latitude, longitude), around it from the south-west;
    ``flags``, what to know before believing it.

    Raises
    ------
    ProductError : no interferogram in the product.
    EmptyScene : too little data, or an unwrapped phase that is the same everywhere.
    ParameterError : values that are not in the unit they are said to be in, or a product without that quantity.
    """
    settings = network.settings
    spacing_km = settings.size_km / settings.pixels
    points = geometry_of(product) == "points"
    ground = grid_of_points(product, spacing_km=spacing_km) if points else product
    grid = as_grid(ground, spacing_km, quantity=quantity)
    found = look_at_grid(network, grid, spacing_km)
    alarm = settings.alarm_over(found.tiles)
    result: dict[str, Any] = {"present": found.probability >= alarm, "probability": found.probability}
    result |= {"alarm": alarm, "tiles": found.tiles, "moved_km2": None, "centre": None, "boxes": []}
    if found.mask is not None:
        moved = np.nan_to_num(found.mask) >= settings.threshold
        result["moved_km2"] = float(moved.sum() * spacing_km**2)
        if moved.any():
            result["centre"] = _place(grid.frame, *_centre(grid.frame, found.mask * moved))
        result["boxes"] = [_box(grid.frame, each, spacing_km) for each in boxes(found.mask, settings.threshold)]
    shape = np.array(grid.valid.shape) * spacing_km
    signs = {
        INTERPOLATED: points,
        SMALL: bool((shape < 0.75 * settings.size_km).any()),
        SPARSE: grid.valid.mean() < 0.5,
        NO_COHERENCE: "coherence" not in product,
        LOST: "coherence" in product and float(np.median(grid.coherence[grid.valid])) < LOST_COHERENCE,
        NARROW: float(np.ptp(grid.phase[grid.valid])) < np.pi,
        LARGE: grid.unwrapped and float(np.ptp(grid.phase[grid.valid])) > 100 * 2 * np.pi,
        COARSE_PIXELS: max(ground_spacing_km(local_frame(ground))) > COARSE * spacing_km,
    }
    return result | {"flags": [flag for flag, raised in signs.items() if raised]}, found


def look_at_grid(network: Detector, grid: Grid, spacing_km: float) -> Detected:
    """Look at all tiles of a scene, and blend their masks with weights that fall to nothing at each tile's edge.

    Parameters
    ----------
    network : trained and adjusted.
    grid : the scene at the network's pixels, as `epi.learn.detect.grid.as_grid` makes it; framed by no data
        where it is smaller than a tile.
    spacing_km : of these pixels.

    Raises
    ------
    EmptyScene : no tile with enough data.
    ParameterError : more than ``MOST_TILES`` tiles, or what `check_inputs` refuses.
    """
    side = network.settings.pixels
    around = [frame_width(size, side) for size in grid.valid.shape]
    phase, coherence, valid = (np.pad(each, around) for each in (grid.phase, grid.coherence, grid.valid))
    corners = [
        (row, column)
        for row in starts(valid.shape[0], side, OVERLAP, side * spacing_km)
        for column in starts(valid.shape[1], side, OVERLAP, side * spacing_km)
    ]
    cuts = [(slice(row, row + side), slice(column, column + side)) for row, column in corners]
    cuts = [cut for cut in cuts if valid[cut].mean() >= LEAST_DATA]
    if not cuts:
        raise EmptyScene(f"No tile of {side * spacing_km:g} km holds {LEAST_DATA:.0%} of data: give a wider scene.")
    if len(cuts) > MOST_TILES:
        raise ParameterError(
            f"The scene needs {len(cuts)} tiles, more than {MOST_TILES}: cut it, or check its spacing."
        )
    stacks = [torch.from_numpy(np.stack([each[cut] for cut in cuts])) for each in (phase, coherence, valid)]
    unwrapped = torch.full((len(cuts),), grid.unwrapped)
    check_inputs(stacks[0], stacks[1], stacks[2], unwrapped)
    present, masks = look(network, detect_channels(stacks[0], stacks[1], stacks[2], unwrapped))
    probability = float((present / network.settings.temperature).sigmoid().max())
    if masks is None:
        return Detected(probability, len(cuts), None, grid)
    total, weight = np.zeros(valid.shape), np.zeros(valid.shape)
    line = np.sin(np.pi * (np.arange(side) + 0.5) / side)
    for cut, mask in zip(cuts, masks.numpy(), strict=True):
        total[cut] += mask * np.outer(line, line)
        weight[cut] += np.outer(line, line)
    inner = tuple(slice(before, before + size) for (before, _), size in zip(around, grid.valid.shape, strict=True))
    blended = np.where(weight > 0, total / np.maximum(weight, 1e-12), np.nan)[inner]
    return Detected(probability, len(cuts), np.where(grid.valid, blended, np.nan), grid)


def mask_product(found: Detected) -> xr.Dataset:
    """The mask as a map of its own.

    Returns
    -------
    ``moved_probability`` (y, x), NaN without data, on the network's pixels, in metres of the frame and with its map
    projection where it is georeferenced.

    Raises
    ------
    ParameterError : the network only says whether.
    """
    if found.mask is None:
        raise ParameterError(NO_MASK)
    frame = found.grid.frame
    east, north = frame.east_km[found.mask.shape[0] // 2], frame.north_km[:, found.mask.shape[1] // 2]
    made = xr.Dataset(
        {"moved_probability": (("y", "x"), found.mask.astype(np.float32))},
        coords={
            "x": ("x", 1000 * east, {"units": "m", "standard_name": "projection_x_coordinate"}),
            "y": ("y", 1000 * north, {"units": "m", "standard_name": "projection_y_coordinate"}),
        },
    )
    facts = {"units": "1", "long_name": "probability that an earthquake moved this ground"}
    if frame.origin is not None:
        made["crs"] = ((), 0, equidistant(frame.origin).to_cf())
        facts["grid_mapping"] = "crs"
    made["moved_probability"].attrs = facts
    return made


def _centre(frame: LocalFrame, weight: Floats) -> tuple[float, float]:
    """Mean place, weighted, km."""
    share = np.nan_to_num(weight) / np.nansum(weight)
    return float((frame.east_km * share).sum()), float((frame.north_km * share).sum())


def _place(frame: LocalFrame, east_km: float, north_km: float) -> dict[str, float]:
    place = {"east_km": east_km, "north_km": north_km}
    if frame.origin is None:
        return place
    latitude, longitude = frame.to_geographic(east_km, north_km)
    return {"latitude": float(latitude), "longitude": float(longitude)} | place


def _box(frame: LocalFrame, box: Box, spacing_km: float) -> dict[str, Any]:
    """Edges of a rectangle of pixels, and its corners where they have a place on Earth."""
    piece = slice(box.top, box.bottom), slice(box.left, box.right)
    east, north = frame.east_km[piece], frame.north_km[piece]
    half = spacing_km / 2  # from a pixel's centre to its edge
    edges = {"west_km": east.min() - half, "east_km": east.max() + half}
    edges |= {"south_km": north.min() - half, "north_km": north.max() + half}
    edges = {name: float(value) for name, value in edges.items()}
    if frame.origin is None:
        return edges
    xs, ys = ("west_km", "east_km", "east_km", "west_km"), ("south_km", "south_km", "north_km", "north_km")
    latitude, longitude = frame.to_geographic([edges[x] for x in xs], [edges[y] for y in ys])
    return edges | {"corners": [[float(a), float(b)] for a, b in zip(latitude, longitude, strict=True)]}
