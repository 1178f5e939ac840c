"""Part III, patches: pieces of a scene with their place and label, kept on disk and split by earthquake.

For landslides, `stack`: `make_stack` of a product and an inventory (`landslide_mask`), `cut_patches`, `join_patches`;
`save_stack`, `load_stack`, `save_patches`, `load_patches`.
"""

from epi.patches.audit import assert_sound, audit, audit_report
from epi.patches.cut import cut
from epi.patches.export import export_published, import_published
from epi.patches.faults import Finding, published_distance
from epi.patches.geolocation import check_places
from epi.patches.patch import BANDS, COLUMNS, PUBLISHED, Patches, concatenate, patch_name
from epi.patches.place import offset, shifted
from epi.patches.published import read_published
from epi.patches.radar import cut_radar, looks_of
from epi.patches.records import groups_by_pair, pair_records
from epi.patches.regions import regions
from epi.patches.resize import area_mean
from epi.patches.splits import (
    assert_no_leak,
    blocks,
    groups_by_scene,
    leave_one_region_out,
    split_by_event,
    split_by_region,
)
from epi.patches.stack import (
    cut_patches,
    join_patches,
    landslide_mask,
    load_patches,
    load_stack,
    make_stack,
    save_patches,
    save_stack,
)
from epi.patches.store import check, read, read_table, write

__all__ = [
    "BANDS",
    "COLUMNS",
    "PUBLISHED",
    "Finding",
    "Patches",
    "area_mean",
    "assert_no_leak",
    "assert_sound",
    "audit",
    "audit_report",
    "blocks",
    "check",
    "check_places",
    "concatenate",
    "cut",
    "cut_patches",
    "cut_radar",
    "export_published",
    "groups_by_pair",
    "groups_by_scene",
    "import_published",
    "join_patches",
    "landslide_mask",
    "leave_one_region_out",
    "load_patches",
    "load_stack",
    "looks_of",
    "make_stack",
    "offset",
    "pair_records",
    "patch_name",
    "published_distance",
    "read",
    "read_published",
    "read_table",
    "regions",
    "save_patches",
    "save_stack",
    "shifted",
    "split_by_event",
    "split_by_region",
    "write",
]
