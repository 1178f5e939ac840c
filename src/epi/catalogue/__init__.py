"""Part I: which earthquake, which two images.

Public names: events (`Event`, `read_events`, `find_event`, `look_up`; filters `select_events`, `read_polygon`;
`fetch_events` from the agencies, `merge_catalogues`, `flag_swarms`, `region_names`, `coast_km`), radar images (`Scene`,
`read_scenes`, `scene_from_name`) and their matching (`match_pairs`, `Pair`, `PairMatch`); what slid (`read_inventory`,
`inventory_of`, `Inventory`, `select_dates`).
"""

from epi.catalogue.events.agencies import fetch_events
from epi.catalogue.events.coast import coast_km
from epi.catalogue.events.merge import merge_catalogues
from epi.catalogue.events.named import look_up
from epi.catalogue.events.places import region_names
from epi.catalogue.events.read import Event, find_event, read_events
from epi.catalogue.events.select import read_polygon, select_events
from epi.catalogue.events.swarms import flag_swarms
from epi.catalogue.images.archives import read_scenes
from epi.catalogue.images.baseline import perpendicular_baseline
from epi.catalogue.images.scenes import Scene, scene_from_name
from epi.catalogue.inventories import Inventory, inventory_of, read_inventory, select_dates
from epi.catalogue.pairs.choice import Pair
from epi.catalogue.pairs.match import PairMatch, match_pairs

__all__ = [
    "Event",
    "Inventory",
    "Pair",
    "PairMatch",
    "Scene",
    "coast_km",
    "fetch_events",
    "find_event",
    "flag_swarms",
    "inventory_of",
    "look_up",
    "match_pairs",
    "merge_catalogues",
    "perpendicular_baseline",
    "read_events",
    "read_inventory",
    "read_polygon",
    "read_scenes",
    "region_names",
    "scene_from_name",
    "select_dates",
    "select_events",
]
