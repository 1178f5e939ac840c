"""Landslides on fractal mountains, as a pair of radar images sees them, with the truth and a person's inventory."""

from epi.simulate.landslides.confusers import CONFUSERS
from epi.simulate.landslides.event import event_name, simulate_landslide_event
from epi.simulate.landslides.mapped import mapped_inventory
from epi.simulate.landslides.mixture import Mapping, Mixture, Region
from epi.simulate.landslides.regions import FIELD, PRACTICE, RECIPES

__all__ = [
    "CONFUSERS",
    "FIELD",
    "PRACTICE",
    "RECIPES",
    "Mapping",
    "Mixture",
    "Region",
    "event_name",
    "mapped_inventory",
    "simulate_landslide_event",
]
