"""Is there an earthquake in an interferogram, and which ground did it move?

Names are loaded when first used, so that a command that learns nothing does not wait for torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "attention": (
        "attention_weights",
        "box_iou",
        "boxes",
        "cover_squares",
        "enlarge",
        "gradient_map",
        "head_maps",
        "points_at",
        "rollout",
    ),
    "baselines": ("Free", "fit_free", "fringe_density", "statistics"),
    "channels": ("DETECT_CHANNELS", "check_inputs", "detect_channels", "scene_channels"),
    "finetune": ("Labelled", "fine_tune", "label_scene", "label_simulated", "leave_one_out"),
    "judge": ("Judged", "adjust_detector", "balanced_f1", "look", "outline_km"),
    "networks": ("DetectSettings", "Ensemble", "build_detector"),
    "run": ("PROFILES", "run_detectors"),
    "scene": ("Detected", "detect_scene", "mask_product"),
    "scores": ("mask_scores", "pooled_iou", "presence_scores"),
    "tiles": ("detect_patches",),
    "train": ("DetectPlan", "detect_losses", "train_detector"),
    "weights": ("load_detector", "read_detector_card", "save_detector", "training_rounds"),
}

__all__ = sorted(name for names in _HOME.values() for name in names)


def __getattr__(name: str) -> Any:  # noqa: ANN401  # a name of any kind
    """Load the module that holds a public name, and return the name's value."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"epi.learn.detect.{module}"), name)
    raise AttributeError(f"module 'epi.learn.detect' has no name {name!r}: it has {', '.join(__all__)}")
