"""Who trains and who is tested: as published, and honestly; and the labels as published, faults included."""

import numpy as np
import pandas as pd

from epi.errors import ParameterError
from epi.learn.study.swaths import event_name
from epi.patches import offset, split_by_event
from epi.patches.faults import published_distance
from epi.patches.splits import PARTS

PROTOCOLS = ("as published", "honest")
"""Patches drawn one by one, so that every earthquake is in every part; and whole groups of earthquakes set aside."""

SHARES = (0.7, 0.15, 0.15)
SWAPPED = (10, 11)
"""Events whose epicentres were exchanged in the published labels."""


def split(table: pd.DataFrame, protocol: str, *, seed: int = 0) -> pd.Series:
    """Part of every patch.

    Parameters
    ----------
    table : rows of patches, with ``event`` and ``group``.
    protocol : one of ``PROTOCOLS``.
    seed : of the draw.

    Returns
    -------
    "train", "validation" or "test", 70, 15 and 15 % of the patches or of the groups.

    Raises
    ------
    ParameterError : another protocol.
    PatchStoreError : too few groups of earthquakes to fill three parts.
    """
    if protocol not in PROTOCOLS:
        raise ParameterError(f"Protocol {protocol!r} was asked: choose {' or '.join(map(repr, PROTOCOLS))}.")
    if protocol == "honest":
        return split_by_event(table, shares=SHARES, seed=seed)
    held = [round(share * len(table)) for share in SHARES[1:]]
    drawn = np.repeat(PARTS, [len(table) - sum(held), *held])
    return pd.Series(np.random.default_rng(seed).permutation(drawn), index=table.index)


def published_labels(table: pd.DataFrame) -> pd.DataFrame:
    """The same patches with labels as they were published: two epicentres exchanged, and the published distance.

    Parameters
    ----------
    table : true labels, of the study's events.
    """
    faulty = table.copy()
    names = [event_name(number) for number in SWAPPED]
    columns = ["epicenter_lat", "epicenter_lon"]
    places = table.groupby("event")[columns].first()
    if set(names) <= set(places.index):
        for name, other in (names, names[::-1]):
            faulty.loc[faulty["event"] == name, columns] = places.loc[other].to_numpy()
    faulty["distance_km"] = published_distance(faulty)
    centre, epicentre = (faulty[[f"{of}_lat", f"{of}_lon"]].to_numpy(dtype=float) for of in ("center", "epicenter"))
    offsets = np.zeros((len(faulty), 2))
    for rows in faulty.groupby("event").indices.values():
        place = (float(epicentre[rows[0], 0]), float(epicentre[rows[0], 1]))
        _, offsets[rows, 0], offsets[rows, 1] = offset(centre[rows, 0], centre[rows, 1], place)
    faulty[["offset_east_km", "offset_north_km"]] = offsets
    return faulty
