"""Figures of the book: finished arrays and frames in, matplotlib axes out."""

from epi.plots.chains import chain, graph
from epi.plots.images import radar_picture, spectra
from epi.plots.labels import label_distances, offset_order, patch_shapes
from epi.plots.learning import epicentre_density, error_intervals, learning_curve, offsets, patch_bands, patch_outlines
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
    "epicentre_density",
    "error_intervals",
    "footprint_map",
    "fringe_profile",
    "graph",
    "label_distances",
    "learning_curve",
    "map_axes",
    "offset_order",
    "offsets",
    "patch_bands",
    "patch_outlines",
    "patch_shapes",
    "peak_bars",
    "radar_picture",
    "source",
    "spectra",
    "timeline",
    "wrapped_phase",
]
