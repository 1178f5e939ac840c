"""Figures of the book: finished arrays and frames in, matplotlib axes out."""

from epi.plots.catalogue import KIND_STYLE, kinds_map
from epi.plots.chains import chain, graph
from epi.plots.detectability import case_map, detection_curves, predicted_and_seen, probability_map
from epi.plots.images import radar_picture, spectra
from epi.plots.labels import label_distances, offset_order, patch_shapes
from epi.plots.learning import (
    epicentre_density,
    error_intervals,
    learning_curve,
    offsets,
    patch_bands,
    patch_outlines,
    reliability,
)
from epi.plots.maps import (
    COASTLINE,
    PASS_COLOUR,
    VERDICT_STYLE,
    footprint_map,
    map_axes,
    peak_bars,
    timeline,
)
from epi.plots.scenes import NO_DATA_COLOUR, coherence, displacement, fringe_profile, source, wrapped_phase

__all__ = [
    "COASTLINE",
    "KIND_STYLE",
    "NO_DATA_COLOUR",
    "PASS_COLOUR",
    "VERDICT_STYLE",
    "case_map",
    "chain",
    "coherence",
    "detection_curves",
    "displacement",
    "epicentre_density",
    "error_intervals",
    "footprint_map",
    "fringe_profile",
    "graph",
    "kinds_map",
    "label_distances",
    "learning_curve",
    "map_axes",
    "offset_order",
    "offsets",
    "patch_bands",
    "patch_outlines",
    "patch_shapes",
    "peak_bars",
    "predicted_and_seen",
    "probability_map",
    "radar_picture",
    "reliability",
    "source",
    "spectra",
    "timeline",
    "wrapped_phase",
]
