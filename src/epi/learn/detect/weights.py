"""Files of detectors: weights, settings and a card, of which nothing is executed when they are read."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from epi.learn.detect.networks import Detector, DetectSettings, build_detector
from epi.learn.weights import card_in, load_weights, save_halved

OWN = {"of": "a detector", "remedy": "give one of data/detector_*.safetensors"}
"""What an error says of these files."""


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
    ships = "those that ship are data/detector*.safetensors"
    return load_weights(path, "detector", lambda known: build_detector(DetectSettings(**known)), ships=ships, **OWN)


def read_detector_card(path: str | Path) -> dict[str, Any]:
    """Read what `save_detector` was told of a network: data, seed, command, scores, limits.

    Raises
    ------
    FileFormatError : no such file, or no detector's.
    """
    return card_in(path, "detector", **OWN)


def training_rounds(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rounds in which a network learned, by its card, the first one first.

    Returns
    -------
    Of each at least ``command``, ``seed``, ``scenes`` and ``plan``.
    """
    return [*(training_rounds(card["before"]) if "before" in card else []), card]
