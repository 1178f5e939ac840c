"""Part I: which earthquake, which two images.

Public names: events (`Event`, `read_events`, `select_events`, `find_event`), radar images (`Scene`, `read_scenes`,
`scene_from_name`) and their matching (`match_pairs`, `Pair`, `PairMatch`).
"""

from epi.catalogue.archives import read_scenes
from epi.catalogue.baseline import perpendicular_baseline
from epi.catalogue.events import Event, find_event, read_events, select_events
from epi.catalogue.pairs import Pair, PairMatch, match_pairs
from epi.catalogue.scenes import Scene, scene_from_name

__all__ = [
    "Event",
    "Pair",
    "PairMatch",
    "Scene",
    "find_event",
    "match_pairs",
    "perpendicular_baseline",
    "read_events",
    "read_scenes",
    "scene_from_name",
    "select_events",
]
