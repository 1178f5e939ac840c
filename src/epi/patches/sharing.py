"""What two events of a table share, and may not: one picture under two labels, one image in two parts of a split."""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import KDTree

from epi.patches.faults import CENTRE, EPICENTRE, Finding, finding
from epi.patches.splits import groups_by_scene

SAME_GROUND_KM = 300.0
"""Patches nearer than this may lie in one image: the diagonal of a Sentinel-1 IW product of 250 x 170 km. It tells
images apart that are known by their date alone."""

SAME_PICTURE_KM = 1.0
"""Patches of one pair and subswath whose centres are nearer than this, or than half a side, show the same ground."""

EARTH_KM = 6371.0


def two_labels(table: pd.DataFrame) -> list[Finding]:
    """Pictures of the same ground on the same dates that name different epicentres."""
    wrong = np.zeros(len(table), dtype=bool)
    reach = np.fmax(table.reindex(columns=["size_km"]).to_numpy(float)[:, 0] / 2, SAME_PICTURE_KM)
    epicentre = _cartesian(table, EPICENTRE)
    dated = _images_named(table) & table[[*CENTRE, *EPICENTRE]].notna().all(axis=1)
    positions = pd.Series(np.arange(len(table)), index=table.index)[dated]
    pairs: set[tuple[str, ...]] = set()
    for _, rows in positions.groupby([table[name][dated] for name in ("reference", "secondary", "subswath")]):
        events = table["event"].iloc[rows].to_numpy()
        if len(set(events)) == 1:
            continue
        near = KDTree(_cartesian(table.iloc[rows], CENTRE)).query_pairs(float(reach[rows].max()), output_type="ndarray")
        first, second = rows.to_numpy()[near.T] if near.size else np.empty((2, 0), dtype=int)
        apart = np.linalg.norm(epicentre[first] - epicentre[second], axis=1) > SAME_PICTURE_KM
        differ = apart & (table["event"].to_numpy()[first] != table["event"].to_numpy()[second])
        wrong[first[differ]] = wrong[second[differ]] = True
        pairs |= {tuple(sorted({*map(str, events)}))} if differ.any() else set()
    named = "; ".join(", ".join(events) for events in sorted(pairs))
    return finding(
        table, wrong, "one picture, several labels", f"{wrong.sum()} rows of pairs shared by events {named}",
        "keep one event a pair, the one the picture shows",
    )  # fmt: skip


def leaks(table: pd.DataFrame, parts: pd.Series) -> list[Finding]:
    """Events, and groups of events that share an image, in more than one part of a split."""
    events, part = table["event"].astype(str).to_numpy(), parts.astype(str).to_numpy()
    where = {event: frozenset(part[events == event]) for event in dict.fromkeys(events)}
    leaking = [event for event, found in where.items() if len(found) > 1]
    seen = f"{len(leaking)} of {len(where)} events in several of {', '.join(sorted(set(part)))}"
    remedy = "split by group of events (patches.split_by_event)"
    # An event that leaks by itself is said above; here are those that leak to one another.
    group = groups_by_scene({event: images for event, images in _images(table).items() if event not in leaking})
    members: dict[str, list[str]] = {}
    for event, name in group.items():
        members.setdefault(name, []).append(event)
    torn = [names for names in members.values() if len({part for name in names for part in where[name]}) > 1]
    theirs = [name for names in torn for name in names]
    text = "; ".join(f"{', '.join(names)} share an image or a group" for names in torn)
    return [
        *finding(table, np.isin(events, leaking), "event in several parts", seen, remedy),
        *finding(table, np.isin(events, theirs), "shared image in several parts", text, remedy),
    ]


def _images(table: pd.DataFrame) -> dict[str, list[str]]:
    """What each event shares with others: its group, and the names of its images, told apart by where they lie."""
    owner = table["event"].astype(str)
    found: dict[str, list[str]] = {event: [] for event in owner.unique()}
    if "group" in table:
        for event, group in zip(owner, table["group"].astype(str), strict=True):
            if (name := f"group {group}") not in found[event]:
                found[event].append(name)
    places = _cartesian(table, CENTRE)
    named = pd.concat([table[side].fillna("").astype(str) for side in ("reference", "secondary")])
    holders = pd.concat([owner, owner]).groupby(named.to_numpy()).unique()
    for image, sharing in holders.items():
        for first, second in combinations(sharing if image else (), 2):
            if _ground_apart(places[owner == first], places[owner == second]) < SAME_GROUND_KM:
                for event in (first, second):
                    found[event].append(f"{image} of {first} and {second}")
    return found


def _ground_apart(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Distance (km) of the nearest patches of two events; 0 where places are unknown: one name is then one image."""
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        return 0.0
    return float(KDTree(first).query(second)[0].min())


def _images_named(table: pd.DataFrame) -> pd.Series:
    """Rows that name both their images."""
    return table["reference"].fillna("").ne("") & table["secondary"].fillna("").ne("")


def _cartesian(table: pd.DataFrame, names: tuple[str, str]) -> NDArray[np.float64]:
    """Places on a sphere, (rows, 3) km, whose chords are distances good enough to say what is near."""
    lat, lon = (np.radians(table[name].to_numpy(float)) for name in names)
    return EARTH_KM * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
