"""Figures of the book: finished arrays and frames in, matplotlib axes out."""

from epi.plots.images import chain, radar_picture, spectra
from epi.plots.learning import error_intervals, learning_curve, offsets, patch_answers, patch_bands, patch_outlines
from epi.plots.maps import (
    COASTLINE,
    PASS_COLOUR,
    VERDICT_STYLE,
    catalogue_map,
    footprint_map,
    map_axes,
    peak_bars,
    timeline,
)
from epi.plots.scenes import NO_DATA_COLOUR, coherence, displacement, fringe_profile, source, wrapped_phase

__all__ = [
    "COASTLINE",
    "NO_DATA_COLOUR",
    "PASS_COLOUR",
    "VERDICT_STYLE",
    "catalogue_map",
    "chain",
    "coherence",
    "displacement",
    "error_intervals",
    "footprint_map",
    "fringe_profile",
    "learning_curve",
    "map_axes",
    "offsets",
    "patch_answers",
    "patch_bands",
    "patch_outlines",
    "peak_bars",
    "radar_picture",
    "source",
    "spectra",
    "timeline",
    "wrapped_phase",
]
