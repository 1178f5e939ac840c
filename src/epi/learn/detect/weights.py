"""Files of detectors: weights, settings and a card, of which nothing is executed when they are read."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from epi.errors import FileFormatError
from epi.learn.detect.networks import Detector, DetectSettings, build_detector
from epi.learn.weights import read_whole, refused, save_halved, stated_facts

REMEDY = "give one of data/detector_*.safetensors"


def weights_name(network: str) -> str:
    """File of a network's weights among the project's data."""
    return f"detector_{network.replace('-', '_')}.safetensors"


def save_detector(network: Detector, path: str | Path, card: dict[str, object] | None = None) -> Path:
    """Write the weights in half precision with settings and card, whole or not at all.

    Parameters
    ----------
    network : trained and adjusted.
    path : a ``.safetensors`` file.
    card : how it was made and what it scored.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written.
    """
    return save_halved(network, path, {"detector": asdict(network.settings), "card": card or {}})


def load_detector(path: str | Path) -> Detector:
    """Read a network written by `save_detector`, ready to look; nothing in the file is executed.

    Raises
    ------
    FileFormatError : no such file, no weights of a detector, or of another architecture.
    """
    source = Path(path)
    if not source.is_file():
        raise FileFormatError(f"No network {source}: those that ship are data/detector*.safetensors; check the path.")
    with refused(source, of="a detector", remedy=REMEDY):
        network = build_detector(DetectSettings(**json.loads(stated_facts(source)["detector"])))
        weights = read_whole(source)
        network.load_state_dict(weights)
    if not all(torch.isfinite(part).all() for part in weights.values()):
        raise FileFormatError(f"{source} holds weights that are not finite: {REMEDY}.")
    return network.eval()


def read_detector_card(path: str | Path) -> dict[str, Any]:
    """Read what `save_detector` was told of a network: data, seed, command, scores, limits.

    Raises
    ------
    FileFormatError : no such file, or no detector's.
    """
    with refused(Path(path), of="a detector", remedy=REMEDY):
        facts = stated_facts(Path(path))
        facts["detector"]  # another network's card is refused
        return dict(json.loads(facts["card"]))


def training_rounds(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rounds in which a network learned, by its card, the first one first.

    Returns
    -------
    Of each at least ``command``, ``seed``, ``scenes`` and ``plan``.
    """
    return [*(training_rounds(card["before"]) if "before" in card else []), card]
