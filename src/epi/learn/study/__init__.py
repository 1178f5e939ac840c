"""The published study rebuilt: four networks, two questions, as published and honestly, beside trivial answers.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "answers": ("trivial_answers",),
    "loop": ("combined_loss",),
    "loader": ("HeldImages", "Samples", "StoredImages"),
    "networks": ("WeightsUnreachable", "build_network"),
    "protocols": ("PROTOCOLS", "published_labels", "split"),
    "recipe": ("MODELS", "PUBLISHED", "TASKS", "Recipe"),
    "run": ("PROFILES", "Profile", "run_study"),
    "scores": ("score",),
    "swaths": ("EPICENTRES", "simulate_patches"),
    "training": ("Fitted", "fit", "load_checkpoint", "predict"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.study.{module}"), name)
    raise AttributeError(f"module 'epi.learn.study' has no name {name!r}: it has {', '.join(__all__)}")
