"""Part I: which earthquake, which two images.

Public names: events (`Event`, `read_events`, `find_event`; filters `select_events`, `read_polygon`; `fetch_events` from
the agencies, `merge_catalogues`, `flag_swarms`, `region_names`, `coast_km`), radar images (`Scene`, `read_scenes`,
`scene_from_name`) and their matching (`match_pairs`, `Pair`, `PairMatch`).
"""

from epi.catalogue.agencies import fetch_events
from epi.catalogue.archives import read_scenes
from epi.catalogue.baseline import perpendicular_baseline
from epi.catalogue.choice import Pair
from epi.catalogue.coast import coast_km
from epi.catalogue.events import Event, find_event, read_events
from epi.catalogue.merge import merge_catalogues
from epi.catalogue.pairs import PairMatch, match_pairs
from epi.catalogue.places import region_names
from epi.catalogue.scenes import Scene, scene_from_name
from epi.catalogue.select import read_polygon, select_events
from epi.catalogue.swarms import flag_swarms

__all__ = [
    "Event",
    "Pair",
    "PairMatch",
    "Scene",
    "coast_km",
    "fetch_events",
    "find_event",
    "flag_swarms",
    "match_pairs",
    "merge_catalogues",
    "perpendicular_baseline",
    "read_events",
    "read_polygon",
    "read_scenes",
    "region_names",
    "scene_from_name",
    "select_events",
]
