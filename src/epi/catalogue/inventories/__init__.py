"""Landslide inventories: which ground slid, as people mapped it, read from the files they keep it in."""

from epi.catalogue.inventories.dates import select_dates
from epi.catalogue.inventories.inventory import Inventory, Report
from epi.catalogue.inventories.read import inventory_of, read_inventory

__all__ = ["Inventory", "Report", "inventory_of", "read_inventory", "select_dates"]
