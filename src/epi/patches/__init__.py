"""Part III, patches: pieces of a scene with their place and label, kept on disk and split by earthquake."""

from epi.patches.cut import BANDS, COLUMNS, Patches, concatenate, cut, patch_name
from epi.patches.place import offset, shifted
from epi.patches.resize import area_mean
from epi.patches.splits import assert_no_leak, groups_by_scene, split_by_event
from epi.patches.store import check, export_published, read, read_table, write

__all__ = [
    "BANDS",
    "COLUMNS",
    "Patches",
    "area_mean",
    "assert_no_leak",
    "check",
    "concatenate",
    "cut",
    "export_published",
    "groups_by_scene",
    "offset",
    "patch_name",
    "read",
    "read_table",
    "shifted",
    "split_by_event",
    "write",
]
