"""Who trains, who validates, who tests: whole earthquakes, and together those that share an image."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from epi.errors import PatchStoreError

PARTS = ("train", "validation", "test")


def groups_by_scene(scenes: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Group events that share an image: they see the same ground under the same sky and must not be split apart.

    Parameters
    ----------
    scenes : names of the images of each event's pairs.

    Returns
    -------
    Group of each event, named after the first of its events in alphabetical order. Events linked through a third are
    in one group.
    """
    parent = {event: event for event in scenes}

    def root(event: str) -> str:
        while parent[event] != event:
            event = parent[event]
        return event

    holder: dict[str, str] = {}
    for event in sorted(scenes):
        for scene in scenes[event]:
            first, second = sorted((root(event), root(holder.setdefault(scene, event))))
            parent[second] = first
    return {event: root(event) for event in scenes}


def split_by_event(
    table: pd.DataFrame, *, shares: tuple[float, float, float] = (0.7, 0.15, 0.15), seed: int = 0
) -> pd.Series:
    """Part of every patch, drawn by group of events.

    Parameters
    ----------
    table : with the columns ``event`` and ``group``.
    shares : of the groups that train, validate and test; each part gets at least one.
    seed : of the draw.

    Returns
    -------
    ``"train"``, ``"validation"`` or ``"test"`` on the index of ``table``, without a leak.

    Raises
    ------
    PatchStoreError : fewer than three groups, or an event in two of them.
    """
    groups = np.array(sorted(table["group"].unique()))
    if len(groups) < len(PARTS):
        raise PatchStoreError(
            f"{len(groups)} group(s) of earthquakes cannot fill {', '.join(PARTS)}: add earthquakes; "
            "patches of one earthquake are not independent of each other."
        )
    order = np.random.default_rng(seed).permutation(groups)
    held = [max(1, round(share / sum(shares) * len(groups))) for share in shares[1:]]
    held = [min(held[0], len(groups) - 2), held[1]]
    held[1] = min(held[1], len(groups) - 1 - held[0])
    cuts = [len(groups) - sum(held), len(groups) - held[1]]
    part_of = {group: part for part, names in zip(PARTS, np.split(order, cuts), strict=True) for group in names}
    parts = table["group"].map(part_of)
    assert_no_leak(table, parts)
    return parts


def assert_no_leak(table: pd.DataFrame, parts: pd.Series) -> None:
    """Refuse a split in which an event, or a group of events, is in more than one part.

    Parameters
    ----------
    table : with the columns ``event`` and ``group``.
    parts : part of every row.

    Raises
    ------
    PatchStoreError : the leaking names, with the parts they are in.
    """
    for column in ("group", "event"):
        seen = parts.groupby(table[column]).unique()
        leaks = seen[seen.map(len) > 1]
        if len(leaks):
            first = ", ".join(f"{name} ({', '.join(sorted(where))})" for name, where in leaks.iloc[:3].items())
            raise PatchStoreError(
                f"{len(leaks)} {column}(s) lie in more than one part: {first}. Split by group, never by patch."
            )
