"""Which ground slid: landslides in a stack of seven bands of an interferometric pair.

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "baselines": ("BASELINES", "baseline_logits"),
    "channels": ("CHANNELS", "PHYSICAL_CHANNELS", "PUBLISHED_CHANNELS", "high_pass", "make_channel", "slope_deg"),
    "choice": ("candidates", "choose"),
    "data": ("Normaliser", "Patches", "Samples", "fit_normaliser", "read_patches", "samples_of"),
    "losses": ("LOSSES", "landslide_loss", "masked_bce"),
    "networks": (
        "NETWORKS",
        "LandslideNetwork",
        "LandslideSettings",
        "build_landslide",
        "load_landslide",
        "read_landslide_card",
        "save_landslide",
    ),
    "profiles": ("PROFILES", "LandslideProfile", "ablation", "devices", "trials"),
    "recipe": ("OURS", "PUBLISHED", "LandslideRecipe"),
    "run": ("LandslideStudy", "run_landslides"),
    "sampling": (
        "BUCKETS",
        "Draws",
        "bucket_names",
        "crop_corner",
        "fill_buckets",
        "oversample",
        "small_limit",
        "soft_labels",
        "soften",
        "turned",
    ),
    "scores": (
        "SIZES",
        "average_precision",
        "choose_threshold",
        "difference",
        "judge",
        "landslides_of",
        "score",
        "terciles",
    ),
    "splits": ("SPLITS", "Fold", "check_fold", "event_folds", "random_split"),
    "training": ("predict", "prepare", "train_landslide"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.landslides.{module}"), name)
    raise AttributeError(f"module 'epi.learn.landslides' has no name {name!r}: it has {', '.join(__all__)}")
