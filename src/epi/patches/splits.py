"""Who trains, who validates, who tests: whole earthquakes, and together those that see the same ground or sky."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from epi.errors import ParameterError, PatchStoreError
from epi.patches.regions import regions

PARTS = ("train", "validation", "test")
Shares = tuple[float, float, float]
SHARES: Shares = (0.7, 0.15, 0.15)


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
    holder: dict[str, str] = {}
    return linked(scenes, ((holder.setdefault(scene, event), event) for event in scenes for scene in scenes[event]))


def linked(names: Iterable[str], links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Group names by their links: each is in the group of all that links lead to, directly or through others.

    Returns
    -------
    Group of each name, in the order given, called after the first of its names in alphabetical order.
    """
    parent = {name: name for name in names}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in links:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    return {name: root(name) for name in parent}


def split_by_event(table: pd.DataFrame, *, shares: Shares = SHARES, seed: int = 0) -> pd.Series:
    """Part of every patch, drawn by group of events.

    Parameters
    ----------
    table : with the columns ``event`` and ``group``.
    shares : of the groups that train, validate and test; each part gets at least one.
    seed : of the draw; the order of the rows does not matter.

    Returns
    -------
    ``"train"``, ``"validation"`` or ``"test"`` on the index of ``table``, without a leak.

    Raises
    ------
    PatchStoreError : fewer than three groups, or an event in two of them.
    ParameterError : shares that are no three numbers above zero.
    """
    parts = table["group"].map(_drawn(table["group"].unique(), shares, seed, "group(s) of earthquakes"))
    assert_no_leak(table, parts)
    return parts


def split_by_region(
    table: pd.DataFrame, *, cell_deg: float | None = None, shares: Shares = SHARES, seed: int = 0
) -> pd.Series:
    """Part of every patch, drawn by region of the world, so that a test's ground was never trained on.

    Parameters
    ----------
    table : with the columns ``event``, ``group``, ``epicenter_lat``, ``epicenter_lon``, ``center_lat`` and
        ``center_lon``.
    cell_deg : side of cells of latitude and longitude, degrees; None takes Flinn-Engdahl regions.
    shares, seed : as for `split_by_event`, of the regions.

    Returns
    -------
    As `split_by_event`. Regions that share a group of events count as one (`blocks`).

    Raises
    ------
    PatchStoreError : fewer than three regions, or an event without a latitude and longitude.
    """
    block = blocks(table, cell_deg=cell_deg)
    parts = block.map(_drawn(block.unique(), shares, seed, "region(s)"))
    assert_no_leak(table.assign(region=block), parts, columns=("group", "event", "region"))
    return parts


def leave_one_region_out(
    table: pd.DataFrame, *, cell_deg: float | None = None, validation: float = 0.15, seed: int = 0
) -> Iterator[tuple[str, pd.Series]]:
    """Test on one region after the other, and train on all the rest of the world.

    Parameters
    ----------
    table, cell_deg : as for `split_by_region`.
    validation : share of the other regions' groups of events that validates, drawn anew each time; at least one.
    seed : of the draws.

    Yields
    ------
    The region left out and the part of every patch. Every patch is tested once.

    Raises
    ------
    PatchStoreError : fewer than two regions, two groups of events outside a region, or an event without a place.
    """
    if not 0 < validation < 1:
        raise ParameterError(f"A share of {validation:g} was to validate: give one between 0 and 1.")
    block = blocks(table, cell_deg=cell_deg)
    names = sorted(block.unique())
    if len(names) < 2:
        raise PatchStoreError(f"All earthquakes lie in one region ({names[0]}): add others, or take smaller cells.")
    for number, name in enumerate(names):
        others = sorted(table.loc[block != name, "group"].unique())
        if len(others) < 2:
            raise PatchStoreError(
                f"Without region {name} one group of earthquakes is left, which cannot both train and validate: add "
                "earthquakes."
            )
        order = np.random.default_rng([seed, number]).permutation(np.array(others))
        held = set(order[: min(max(1, round(validation * len(others))), len(others) - 1)])
        part = np.select([block == name, table["group"].isin(held)], ["test", "validation"], "train")
        parts = pd.Series(part, index=table.index)
        assert_no_leak(table, parts)
        yield name, parts


def blocks(table: pd.DataFrame, *, cell_deg: float | None = None) -> pd.Series:
    """Region of every patch, regions that share a group of events joined under the first name.

    Parameters
    ----------
    table, cell_deg : as for `split_by_region`. An event lies where its epicentre is; where that is unknown, where the
        middle of its patches is.
    """
    places = _places(table)
    region = dict(zip(places.index, regions(places["lat"], places["lon"], cell_deg=cell_deg), strict=True))
    seen = pd.DataFrame({"group": table["group"], "region": table["event"].map(region)}).drop_duplicates()
    first = seen.groupby("group")["region"].first()
    joined = linked(seen["region"].unique(), zip(seen["group"].map(first), seen["region"], strict=True))
    return table["event"].map(region).map(joined)


def assert_no_leak(table: pd.DataFrame, parts: pd.Series, *, columns: Sequence[str] = ("group", "event")) -> None:
    """Refuse a split in which an event, or a group of events, is in more than one part.

    Parameters
    ----------
    table : with the columns named.
    parts : part of every row.
    columns : what must not be split, such as ``"region"`` too.

    Raises
    ------
    PatchStoreError : the leaking names, with the parts they are in; or rows without a part.
    """
    if len(parts) != len(table) or parts.isna().any():
        lost = len(table) - int(parts.notna().sum())
        raise PatchStoreError(f"{lost} of {len(table)} rows have no part: give every patch one of {', '.join(PARTS)}.")
    for column in columns:
        seen = pd.Series(parts.to_numpy()).groupby(table[column].to_numpy()).unique()
        leaks = seen[seen.map(len) > 1]
        if len(leaks):
            first = ", ".join(f"{name} ({', '.join(sorted(where))})" for name, where in leaks.iloc[:3].items())
            raise PatchStoreError(
                f"{len(leaks)} {column}(s) lie in more than one part: {first}. Split by group, never by patch."
            )


def _drawn(names: NDArray[np.object_], shares: Shares, seed: int, what: str) -> dict[str, str]:
    """Draw a part for every name: each part gets its share of them, and at least one."""
    if len(shares) != len(PARTS) or not all(0 < share < np.inf for share in shares):
        raise ParameterError(f"Shares of {shares}: give three numbers above zero, for {', '.join(PARTS)}.")
    found = np.array(sorted(names))
    if len(found) < len(PARTS):
        raise PatchStoreError(
            f"{len(found)} {what} cannot fill {', '.join(PARTS)}: add earthquakes; "
            "patches of one earthquake are not independent of each other."
        )
    order = np.random.default_rng(seed).permutation(found)
    held = [max(1, round(share / sum(shares) * len(found))) for share in shares[1:]]
    held = [min(held[0], len(found) - 2), held[1]]
    held[1] = min(held[1], len(found) - 1 - held[0])
    cuts = [len(found) - sum(held), len(found) - held[1]]
    return {name: part for part, drawn in zip(PARTS, np.split(order, cuts), strict=True) for name in drawn}


def _places(table: pd.DataFrame) -> pd.DataFrame:
    """Latitude and longitude of every event: its epicentre, or the middle of its patches."""
    angle = np.deg2rad(table["center_lon"])
    middle = pd.DataFrame({"lat": table["center_lat"], "x": np.cos(angle), "y": np.sin(angle)})
    middle = middle.groupby(table["event"]).mean()  # an angle is averaged as a vector, for the antimeridian
    stated = table.groupby("event")[["epicenter_lat", "epicenter_lon"]].first()
    places = pd.DataFrame({"lat": stated["epicenter_lat"], "lon": stated["epicenter_lon"]})
    places["lat"] = places["lat"].fillna(middle["lat"])
    turned = pd.Series(np.rad2deg(np.arctan2(middle["y"], middle["x"])), index=middle.index)
    places["lon"] = places["lon"].fillna(turned)
    if len(lost := places.index[places.isna().any(axis=1)]):
        raise PatchStoreError(
            f"{len(lost)} event(s) have no latitude and longitude, so no region: {', '.join(map(str, lost[:3]))}. "
            "Leave them out, or split by event."
        )
    return places
