"""How strong was it: magnitudes from pairs of Sentinel-1 backscatter, learned with and without ranking.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "baselines": ("Free", "change_statistics", "fit_free"),
    "layout": ("check_quakeset",),
    "losses": ("MARGIN", "magnitude_losses", "ranking_loss", "ranking_loss_as_printed"),
    "networks": (
        "MODELS",
        "MagnitudeNetwork",
        "MagnitudeSettings",
        "build_magnitude",
        "count_mflops",
        "load_magnitude",
        "measure_size",
        "predict",
        "read_magnitude_card",
        "save_magnitude",
    ),
    "quakeset": (
        "Pairs",
        "Scaling",
        "decibels",
        "measure_scaling",
        "open_quakeset",
    ),
    "run": ("PROFILES", "run_magnitude"),
    "scores": ("magnitude_scores", "paired_differences"),
    "training": ("MagnitudePlan", "practise", "train_magnitude"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.magnitude.{module}"), name)
    raise AttributeError(f"module 'epi.learn.magnitude' has no name {name!r}: it has {', '.join(__all__)}")
