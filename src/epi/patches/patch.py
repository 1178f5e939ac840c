"""A patch: what its images hold, what its row in the table says, and what it is called."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from epi.errors import ParameterError, PatchStoreError
from epi.insar.product import LOOK
from epi.patches.place import CORNERS

BANDS = ("coh", "i", "q")
"""What every patch holds: coherence, real and imaginary part of the interferogram."""

COLUMNS = (
    *("event", "subswath", "patch", "group", "row", "column", "height", "width"),
    *("size_km", "pixels", "valid_fraction", "coherence_mean"),
    *(f"{axis}_{corner}" for corner in CORNERS for axis in ("lat", "lon")),
    *("center_lat", "center_lon", "center_east_km", "center_north_km"),
    *("epicenter_lat", "epicenter_lon", "epicenter_east_km", "epicenter_north_km"),
    *("distance_km", "offset_east_km", "offset_north_km"),
    *LOOK,
    *("polarisation", "reference", "secondary"),
)
"""One row a patch. Its first pixel (row, column) and its extent (height, width) count the pixels of the scene, north up
and west left; ``size_km`` is the side of a square of its ground's area. Degrees are NaN where the scene has no
georeference; kilometres east and north count from the scene's own origin; the offset points from the patch's centre to
the epicentre; the look vector is the patch's mean."""

KEY = ("event", "subswath", "patch")
"""What tells a patch from all others."""

PUBLISHED = (
    *("index", "interferogram", "band", "iw_band", "patch_index", "patches"),
    *(f"{axis}_{corner}" for corner in CORNERS for axis in ("lat", "lon")),
    *("center_lat", "center_lon", "epicenter_lat", "epicenter_lon", "distance", "normalized_distance"),
)
"""Columns of the published patch labels, one row a band."""


@dataclass(frozen=True)
class Patches:
    """Patches of one or several scenes.

    Attributes
    ----------
    table : one row a patch, the columns of ``COLUMNS``.
    coh, i, q : float32 arrays (patches, pixels, pixels), row 0 in the north, column 0 in the west; no-data pixels are
        zero in all three, never NaN.
    """

    table: pd.DataFrame
    coh: NDArray[np.float32]
    i: NDArray[np.float32]
    q: NDArray[np.float32]

    def __len__(self) -> int:
        """Number of patches."""
        return len(self.table)

    def band(self, name: str) -> NDArray[np.float32]:
        """Return one of ``BANDS`` as a (patches, pixels, pixels) array."""
        return {"coh": self.coh, "i": self.i, "q": self.q}[name]

    def take(self, rows: NDArray[np.bool_] | NDArray[np.integer] | Sequence[int]) -> "Patches":
        """Return some of the patches, by a mask or by their positions."""
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(int)
        return Patches(self.table.iloc[chosen].reset_index(drop=True), self.coh[chosen], self.i[chosen], self.q[chosen])


def concatenate(parts: Sequence[Patches]) -> Patches:
    """Join the patches of several scenes; all must have the same number of pixels a side."""
    sizes = sorted({part.coh.shape[1] for part in parts})
    if len(sizes) != 1:
        raise ParameterError(f"Patches of {sizes} pixels a side were to be joined: cut them all to one size.")
    table = pd.concat([part.table for part in parts], ignore_index=True)
    coh, i, q = (np.concatenate([part.band(name) for part in parts]) for name in BANDS)
    return Patches(table, coh, i, q)


def patch_name(row: int, column: int) -> str:
    """Name of the patch whose first pixel is at a row and a column, padded so that names sort as numbers do."""
    return f"patch_{row:06d}_{column:06d}"


def names_of(product: xr.Dataset, event: str | None, group: str | None) -> dict[str, str]:
    """Names under which a scene's patches are kept, and what the product says of its images."""
    name = str(event or product.attrs.get("event_id", "unknown"))
    subswath = str(product.attrs.get("subswath", "merged"))
    for part in (name, subswath):
        if "/" in part or part in ("", ".", ".."):
            raise ParameterError(f"{part!r} cannot name an event or a subswath: use letters, digits and dashes.")
    images = {fact: str(product.attrs.get(fact, "")) for fact in ("polarisation", "reference", "secondary")}
    return {"event": name, "subswath": subswath, "group": str(group or name)} | images


def refuse(wrong: NDArray[np.bool_], table: pd.DataFrame, what: str, remedy: str = "Cut the patches again.") -> None:
    """Raise PatchStoreError naming the first rows (counted from 1, as in the CSV without its header) that are wrong."""
    rows = np.flatnonzero(wrong)
    if rows.size:
        named = ", ".join(f"row {n + 1} ({' '.join(map(str, table[list(KEY)].iloc[n]))})" for n in rows[:3])
        more = f" and {rows.size - 3} more" if rows.size > 3 else ""
        raise PatchStoreError(f"{what}: {named}{more}. {remedy}")
