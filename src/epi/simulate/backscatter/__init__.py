"""Pairs of Sentinel-1 backscatter images with an earthquake between them, or without: known truth for magnitudes."""

from epi.simulate.backscatter.ground import COVERS, Place, draw_place
from epi.simulate.backscatter.layout import FILENAME, TRUTH, write_quakeset
from epi.simulate.backscatter.recipe import POLARISATIONS, SEASONAL, SIMULATED, SPLITS, Backscatter
from epi.simulate.backscatter.scene import Quake, Triplet, simulate_triplet
from epi.simulate.backscatter.shaking import collapse_share, ground_velocity, intensity, landslide_share
from epi.simulate.backscatter.speckle import correlated_normal, equivalent_looks, speckle

__all__ = [
    "COVERS",
    "FILENAME",
    "POLARISATIONS",
    "SEASONAL",
    "SIMULATED",
    "SPLITS",
    "TRUTH",
    "Backscatter",
    "Place",
    "Quake",
    "Triplet",
    "collapse_share",
    "correlated_normal",
    "draw_place",
    "equivalent_looks",
    "ground_velocity",
    "intensity",
    "landslide_share",
    "simulate_triplet",
    "speckle",
    "write_quakeset",
]
