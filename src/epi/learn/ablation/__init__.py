"""What matters to the network: a small form of it, trained many times, each time with one thing left out or changed.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "network": ("Course", "Material", "SmallLocator", "best_places", "measure", "predict", "train"),
    "pool": ("Pool", "draw_pool", "read_pool", "save_pool", "scene_pool"),
    "run": ("AIR_CM", "Scale", "run_ablation"),
    "table": ("missing", "over_seeds", "sentences"),
    "variants": ("VARIANTS", "Variant", "made_up_coordinates"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.ablation.{module}"), name)
    raise AttributeError(f"module 'epi.learn.ablation' has no name {name!r}: it has {', '.join(__all__)}")
