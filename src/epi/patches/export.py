"""The published form of patches, written and read back: labels a row a band, images by interferogram, band, patch."""

import re
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from epi.errors import PatchStoreError
from epi.patches.audit import assert_sound
from epi.patches.images import from_hdf5, to_hdf5
from epi.patches.patch import BANDS, COLUMNS, PUBLISHED, Patches, patch_name, refuse
from epi.patches.published import read_published
from epi.storage import atomic_path


def export_published(
    patches: Patches,
    path: str | Path,
    *,
    index: Mapping[str, int] | None = None,
    pixels: str | Path | None = None,
) -> Path:
    """Write patches in the published form: a row a band, the published columns, the distance the true geodesic.

    Parameters
    ----------
    patches : with a georeference; ``distance`` is in whole metres, 0 to half the globe, where the epicentre is known.
    path : the CSV file to write.
    index : number of each event; default 1, 2, … in the order of their names.
    pixels : the HDF5 file to write the images to, ``/Interferogram_{index}_{subswath}/{coh|i|q}/patch_{row}_{column}``;
        default none.

    Returns
    -------
    The path of the CSV. ``normalized_distance`` keeps its published definition, the hypotenuse of the differences in
    latitude and longitude as shares of 180 and 360 degrees, but goes the short way round the globe.

    Raises
    ------
    PatchStoreError : no latitude and longitude to publish, or an event without a number.
    """
    table = patches.table
    refuse(table["center_lat"].isna().to_numpy(), table, "No latitude and longitude to publish", "Give a crs.")
    numbers = index or {event: n for n, event in enumerate(sorted(table["event"].unique()), start=1)}
    numbered = table["event"].map(numbers)
    refuse(numbered.isna().to_numpy(), table, "No number to publish", "Name the event in index.")
    groups = "Interferogram_" + numbered.astype(int).astype(str) + "_" + table["subswath"]
    names = [_published_name(name) for name in table["patch"]]
    frames = []
    for band_number, band in enumerate(BANDS):
        facts = table[[name for name in PUBLISHED if name in table]].assign(
            index=numbered.astype(int),
            interferogram=groups,
            band=[_band_name(band, row) for _, row in table.iterrows()],
            iw_band=band,
            patch_index=np.arange(len(table)) + band_number * len(table) + 1,
            patches=names,
            distance=(table["distance_km"] * 1000).round().astype("Int64"),
            normalized_distance=_normalised_distance(table),
        )
        frames.append(facts[list(PUBLISHED)])
    published = pd.concat(frames).sort_index(kind="stable")
    with atomic_path(path) as temporary:
        published.to_csv(temporary, index=False)
    if pixels is not None:
        images, _ = to_hdf5(patches, list(groups), names)
        with atomic_path(pixels) as temporary:
            temporary.write_bytes(images)
    return Path(path)


def import_published(labels: str | Path, pixels: str | Path, *, sound: bool = True) -> Patches:
    """Read patches in the published form.

    Parameters
    ----------
    labels : CSV with the columns of ``PUBLISHED``; of the images, those it has rows for are read.
    pixels : HDF5 with the images, keyed as `export_published` keys them.
    sound : whether labels that do not pass `epi.patches.assert_sound` are refused. The thesis's own do not: read them
        with False to study their faults, and correct or drop the rows the audit names before anything learns from them.

    Returns
    -------
    Patches as published, nothing corrected: events are their published numbers, ``distance_km`` is the published
    distance. What the published form does not hold (offsets, look vectors, sizes on the ground) is NaN.

    Raises
    ------
    PatchStoreError : faulty labels, or rows without sound images; the first rows concerned are named.
    FileFormatError : no labels of the published form.
    """
    table, path = read_published(labels), Path(pixels)
    if sound:
        assert_sound(table)
    groups = list("Interferogram_" + table["event"] + "_" + table["subswath"])
    arrays, _ = from_hdf5(path, table, groups, list(table["patch"]), side=_side(path, f"{groups[0]}/coh"))
    coh, i, q = arrays
    known = (i != 0) | (q != 0)
    facts = table.assign(
        group=table["event"],
        patch=[patch_name(row, column) for row, column in zip(table.pop("row"), table.pop("column"), strict=True)],
        pixels=coh.shape[1],
        valid_fraction=known.mean((1, 2)),
        coherence_mean=(coh * known).sum((1, 2), dtype=float) / np.maximum(known.sum((1, 2)), 1),
        polarisation="",
    )
    return Patches(facts.reindex(columns=list(COLUMNS)), *arrays)


def _side(path: Path, group: str) -> int:
    """Pixels a side of the first image of a group."""
    try:
        with h5py.File(path, "r") as file:
            first = next(iter(file[group].values()))
            return int(first.shape[0])
    except (OSError, KeyError, StopIteration, AttributeError, IndexError) as error:
        raise PatchStoreError(
            f"{path} holds no image of {group} ({error}): give the HDF5 file that belongs to these labels."
        ) from error


def _published_name(name: str) -> str:
    """Name of a patch as published: ``patch_000000_002000`` is ``patch_0_2000``."""
    first, *numbers = name.split("_")
    return "_".join([first, *(str(int(number)) for number in numbers)])


def _normalised_distance(table: pd.DataFrame) -> pd.Series:
    """Hypotenuse of the differences in latitude and longitude as shares of 180 and of 360 degrees."""
    across = (table["epicenter_lon"] - table["center_lon"] + 180) % 360 - 180
    return pd.Series(np.hypot((table["epicenter_lat"] - table["center_lat"]) / 180, across / 360), index=table.index)


def _band_name(band: str, row: pd.Series) -> str:
    """Published name of a band, after the naming of SNAP: ``coh_IW1_VV_16Apr2018_28Apr2018``, ``i_ifg_VV_…``."""
    dates = [_day(row[which]) for which in ("reference", "secondary")]
    stem = f"coh_{row['subswath']}" if band == "coh" else f"{band}_ifg"
    return "_".join(part for part in (stem, row["polarisation"], *dates) if part)


def _day(image: str) -> str:
    """Day of an image as SNAP writes it, from a date or a product's name; empty where there is neither."""
    found = re.search(r"(?<!\d)(\d{4})-?(\d{2})-?(\d{2})(?!\d)", image)
    return pd.Timestamp("-".join(found.groups())).strftime("%d%b%Y") if found else ""
