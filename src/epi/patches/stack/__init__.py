"""The landslide stack: seven bands of an interferogram with what slid in it, cut into patches, kept as NetCDF-4."""

from epi.insar.stack_bands import BANDS
from epi.patches.stack.cut import check_patches, cut_patches, join_patches
from epi.patches.stack.files import load_patches, load_stack, save_patches, save_stack
from epi.patches.stack.make import check_stack, make_stack
from epi.patches.stack.mask import landslide_mask
from epi.patches.stack.statistics import mean_and_spread

__all__ = [
    "BANDS",
    "check_patches",
    "check_stack",
    "cut_patches",
    "join_patches",
    "landslide_mask",
    "load_patches",
    "load_stack",
    "make_stack",
    "mean_and_spread",
    "save_patches",
    "save_stack",
]
