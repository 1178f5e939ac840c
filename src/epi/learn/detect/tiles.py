"""Patches that were cut before, each looked at for itself."""

from typing import Any

import numpy as np
import pandas as pd
import torch
import xarray as xr
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError
from epi.learn.detect.attention import boxes
from epi.learn.detect.channels import check_inputs, detect_channels
from epi.learn.detect.judge import look
from epi.learn.detect.networks import Detector
from epi.patches import Patches, area_mean
from epi.patches.patch import KEY

SCALE = 1.5
"""By how much the pixels of a patch may be larger or smaller than those that the network learned from."""


def detect_patches(network: Detector, patches: Patches) -> tuple[list[dict[str, Any]], xr.Dataset | None]:
    """Say of each patch whether it holds an earthquake, and how much of its ground moved.

    Each is judged alone, at the alarm of a single square: of many quiet patches some are called one, where
    `epi.learn.detect.scene.detect_scene` asks more of the scene that they were cut from.

    Parameters
    ----------
    network : trained and adjusted.
    patches : about as large on the ground as what the network learned from, and not of fewer pixels.

    Returns
    -------
    One result a patch, ready for JSON: ``event``, ``subswath`` and ``patch`` (its key), ``present``, ``probability``,
    ``alarm``, ``moved_km2`` (None of a network that only says whether) and ``boxes`` around what moved, in kilometres
    from the patch's centre. And the masks, ``moved_probability`` (patch, row, column), NaN without data, on the
    network's pixels in metres from each patch's centre, with the patches' keys and their centres in degrees; None of a
    network that only says whether.

    Raises
    ------
    ParameterError : patches of another size on the ground, or of fewer pixels.
    EmptyScene : a patch without data, which is named.
    """
    settings, side = network.settings, patches.coh.shape[1]
    sizes = patches.table["size_km"].to_numpy(dtype=float)
    if (sizes > SCALE * settings.size_km).any() or (sizes < settings.size_km / SCALE).any():
        raise ParameterError(
            f"Patches of {sizes.min():.1f} to {sizes.max():.1f} km were given, and the network learned from squares of "
            f"{settings.size_km:g} km: cut the scene again, or give the scene itself."
        )
    if side < settings.pixels:
        raise ParameterError(f"Patches of {side} pixels were given: the network needs {settings.pixels} or more.")
    phasor = patches.i + 1j * patches.q
    seen = phasor != 0
    means = [area_mean(one, known, settings.pixels) for one, known in zip(phasor, seen, strict=True)]
    coherent = [area_mean(one, known, settings.pixels)[0] for one, known in zip(patches.coh, seen, strict=True)]
    valid = torch.from_numpy(np.stack([known for _, known in means]))
    phase = torch.from_numpy(np.stack([np.angle(mean) for mean, _ in means])).float()
    coherence = torch.from_numpy(np.clip(np.stack(coherent).real, 0, 1)).float()
    if (bare := ~valid.flatten(1).any(1)).any():
        empty = patches.table["patch"].to_numpy()[bare.numpy()]
        raise EmptyScene(f"{len(empty)} patch(es) without data, such as {empty[0]}: leave them out.")
    wrapped = torch.zeros(len(patches), dtype=torch.bool)
    check_inputs(phase, coherence, valid, wrapped)
    present, masks = look(network, detect_channels(phase, coherence, valid, wrapped))
    probability = (present / settings.temperature).sigmoid().tolist()
    pixel = (sizes / settings.pixels) ** 2
    moved = None if masks is None else ((masks >= settings.threshold) & valid).sum((1, 2)).numpy() * pixel
    names = patches.table[["event", "subswath", "patch"]].to_dict("records")
    results = [
        {str(key): value for key, value in name.items()}
        | {"present": said >= settings.alarm, "probability": said, "alarm": settings.alarm}
        | {"moved_km2": None if moved is None else float(moved[n])}
        | {"boxes": [] if masks is None else _boxes(masks[n].numpy() * valid[n].numpy(), settings.threshold, sizes[n])}
        for n, (name, said) in enumerate(zip(names, probability, strict=True))
    ]
    return results, None if masks is None else _maps(patches.table, torch.where(valid, masks, torch.nan).numpy())


def _maps(table: pd.DataFrame, masks: NDArray[np.float32]) -> xr.Dataset:
    """Masks of all patches; each has metres of its own, since patches need not be equally large."""
    side = masks.shape[-1]
    steps = table["size_km"].to_numpy(dtype=float) * 1000 / side
    line = np.arange(side) - (side - 1) / 2
    metres = {"units": "m", "long_name": "from the patch's centre"}
    places = {
        "x": (("patch", "column"), steps[:, None] * line, metres | {"standard_name": "projection_x_coordinate"}),
        "y": (("patch", "row"), -steps[:, None] * line, metres | {"standard_name": "projection_y_coordinate"}),
    }
    keys = {name: ("patch", table[name].to_numpy().astype(str)) for name in KEY if name != "patch"}
    facts = {"units": "1", "long_name": "probability that an earthquake moved this ground"}
    centres = {
        "latitude": ("patch", table["center_lat"].to_numpy(dtype=float), {"units": "degrees_north"}),
        "longitude": ("patch", table["center_lon"].to_numpy(dtype=float), {"units": "degrees_east"}),
    }
    return xr.Dataset(
        {"moved_probability": (("patch", "row", "column"), masks, facts)},
        coords={"patch": table["patch"].to_numpy().astype(str)} | keys | places | centres,
    )


def _boxes(mask: NDArray[np.float32], threshold: float, size_km: float) -> list[dict[str, float]]:
    """Edges of rectangles around what moved, km from the patch's centre."""
    pixel, half = size_km / mask.shape[0], size_km / 2
    return [
        {
            "west_km": box.left * pixel - half,
            "east_km": box.right * pixel - half,
            "south_km": half - box.bottom * pixel,
            "north_km": half - box.top * pixel,
        }
        for box in boxes(mask, threshold)
    ]
