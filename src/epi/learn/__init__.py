"""Part IV, learning: a network that finds an epicentre, the answers it must beat, and how wrong they all are.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "baselines": ("copy_centre", "nearest_in_stream", "peak_los", "steepest"),
    "both": ("joined",),
    "channels": ("CHANNELS", "inputs", "labels", "stack_channels"),
    "data": ("Batches", "tensors"),
    "locate": (
        "calibrate",
        "centres",
        "combine",
        "combine_tracks",
        "ellipse",
        "patch_offsets",
        "predict",
        "squared_distance",
    ),
    "likelihood": ("VISIBLE_M", "log_density", "losses"),
    "metrics": ("compare", "errors_km", "interval"),
    "models": ("Locator", "Settings", "load_network", "read_card", "save_network"),
    "known": ("KnownScene", "gridded", "quiet_scene", "recipe_scene", "scenes"),
    "scene": ("locate_scene", "locate_tracks"),
    "train": ("PLANS", "Plan", "Trained", "train_network"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.{module}"), name)
    raise AttributeError(f"module 'epi.learn' has no name {name!r}: it has {', '.join(__all__)}")
