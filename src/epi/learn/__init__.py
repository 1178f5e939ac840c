"""Part IV, learning: a network that finds an epicentre, the answers it must beat, and how wrong they all are.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "baselines": ("constant", "copy_centre", "nearest_neighbour", "peak_los"),
    "channels": ("CHANNELS", "inputs", "labels", "stack_channels"),
    "data": ("KnownScene", "Views", "gridded", "recipe_scene", "scenes", "training_scene", "whole"),
    "locate": ("calibrate", "centres", "combine", "ellipse", "locate_scene", "scene_answers", "squared_distance"),
    "metrics": ("compare", "errors_km", "interval"),
    "models": ("OffsetNetwork", "Settings", "load_network", "save_network"),
    "train": ("Trained", "laplace_loss", "predict", "train_network"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.{module}"), name)
    raise AttributeError(f"module 'epi.learn' has no name {name!r}: it has {', '.join(__all__)}")
