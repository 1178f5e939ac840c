"""Labelled interferograms, as fast as a network can look at them: earthquakes, and what may pass for one."""

from epi.simulate.labelled.mixture import (
    AIR,
    FILTERED,
    FROZEN,
    KINDS,
    LBAND,
    MIXTURES,
    PLAIN,
    QUIET,
    SHIFTED,
    TRAINING,
    Mixture,
    only_air,
)
from epi.simulate.labelled.scenes import BLOCK, SIZE_KM, Scenes, labelled_scenes

__all__ = [
    "AIR",
    "BLOCK",
    "FILTERED",
    "FROZEN",
    "KINDS",
    "LBAND",
    "MIXTURES",
    "PLAIN",
    "QUIET",
    "SHIFTED",
    "SIZE_KM",
    "TRAINING",
    "Mixture",
    "Scenes",
    "labelled_scenes",
    "only_air",
]
