"""What is true of a simulated scene, how far an answer about it is off, and the answers that cost nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from epi.learn.baselines import peak_los, steepest
from epi.learn.known import KnownScene, gridded
from epi.learn.models import Settings


def truth_row(scene: KnownScene) -> dict[str, float]:
    """What is true of a scene; its place is NaN without an earthquake."""
    east, north = scene.centroid
    return {
        "seed": scene.seed,
        "magnitude": scene.magnitude,
        "peak_cm": 100 * scene.peak_m,
        "atmosphere_cm": 100 * scene.atmosphere_m,
        "east_km": east,
        "north_km": north,
    }


def error_row(scene: KnownScene, place_km: Sequence[float], ellipse_km: Sequence[float]) -> dict[str, float]:
    """How far off a place is (km), the semi-axes of its ellipse, and whether the truth lies in it (1 or 0).

    Parameters
    ----------
    scene : with or without an earthquake; without one, what has no answer is NaN.
    place_km : east and north.
    ellipse_km : semi-axes and azimuth of the longer one (degrees).
    """
    east, north = place_km[0] - scene.centroid[0], place_km[1] - scene.centroid[1]
    major, minor, azimuth = ellipse_km
    turn = np.deg2rad(azimuth)
    along = (east * np.sin(turn) + north * np.cos(turn)) / major
    across = (east * np.cos(turn) - north * np.sin(turn)) / minor
    inside = float(np.hypot(along, across) <= 1) if np.isfinite(along) else np.nan
    return {"error_km": float(np.hypot(east, north)), "major_km": major, "minor_km": minor, "inside": inside}


def free_row(scene: KnownScene) -> dict[str, float]:
    """How far off the answers are that cost nothing: largest |LOS|, where the phase turns fastest, scene's centre."""
    # one patch, as large as a scene of the recipes
    whole = gridded(scene, replace(Settings(), size_km=80.0, pixels=200))
    answers: dict[str, Any] = {
        "peak": peak_los(scene.product, whole)[0],
        "steepest": steepest(whole, cells=25)[0],
        "centre": np.zeros(2),
    }
    return {f"{name}_error_km": float(np.hypot(*(place - scene.centroid))) for name, place in answers.items()}
