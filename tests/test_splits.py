"""Splits: no earthquake, and no group of earthquakes that share an image, in two parts."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from epi.catalogue import find_event, match_pairs
from epi.errors import ParameterError, PatchStoreError
from epi.patches import (
    assert_no_leak,
    blocks,
    groups_by_scene,
    leave_one_region_out,
    split_by_event,
    split_by_region,
)
from epi.simulate.acquisitions import simulated_scenes

SCENES = {
    "a": ["S1", "S2"],
    "b": ["S2", "S3"],  # shares S2 with a
    "c": ["S4", "S5"],
    "d": ["S3", "S9"],  # shares S3 with b, so it is with a too
    "e": ["S6", "S7"],
}


def table_of(events, group_of=None, patches=4):
    group_of = group_of or {event: event for event in events}
    rows = [{"event": e, "group": group_of[e], "patch": n} for e in events for n in range(patches)]
    return pd.DataFrame(rows)


def test_events_linked_by_images_are_one_group():
    assert groups_by_scene(SCENES) == {"a": "a", "b": "a", "d": "a", "c": "c", "e": "e"}


def test_order_does_not_matter():
    assert groups_by_scene(dict(reversed(SCENES.items()))) == groups_by_scene(SCENES)


@settings(deadline=None, max_examples=40)
@given(
    links=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=6),
    seed=st.integers(0, 1000),
)
def test_no_leak_whatever_is_linked(links, seed):
    scenes = {f"e{n:02d}": [f"own{n}"] for n in range(12)}
    for first, second in links:
        scenes[f"e{second:02d}"].append(f"own{first}")
    table = table_of(scenes, groups_by_scene(scenes))
    parts = split_by_event(table, seed=seed)
    assert set(parts) == {"train", "validation", "test"}
    for first, second in links:
        pair = [parts[table["event"] == f"e{n:02d}"].unique() for n in (first, second)]
        assert len(pair[0]) == len(pair[1]) == 1
        assert pair[0] == pair[1]


def test_shares_and_seed():
    table = table_of([f"e{n:03d}" for n in range(100)])
    parts = split_by_event(table, seed=3)
    assert (parts.value_counts() / 4).to_dict() == {"train": 70, "validation": 15, "test": 15}
    assert parts.equals(split_by_event(table, seed=3))
    assert not parts.equals(split_by_event(table, seed=4))


def test_too_few_earthquakes_are_refused():
    with pytest.raises(PatchStoreError, match=r"2 group\(s\) of earthquakes cannot fill train, validation, test"):
        split_by_event(table_of(["a", "b"]))
    assert set(split_by_event(table_of(["a", "b", "c"]))) == {"train", "validation", "test"}


def test_a_split_by_patch_is_refused_by_name():
    table = table_of(["a", "b", "c"])
    parts = pd.Series(["train", "train", "validation", "test"] * 3)
    with pytest.raises(PatchStoreError, match=r"3 group\(s\) lie in more than one part: a \(test, train, validation\)"):
        assert_no_leak(table, parts)
    table["group"] = [f"g{n}" for n in range(12)]
    with pytest.raises(PatchStoreError, match=r"3 event\(s\) lie in more than one part"):
        assert_no_leak(table, parts)


def test_rows_in_another_order_are_in_the_same_parts():
    table = table_of([f"e{n:03d}" for n in range(30)])
    mixed = table.sample(frac=1, random_state=1)
    pd.testing.assert_series_equal(split_by_event(mixed, seed=5).sort_index(), split_by_event(table, seed=5))


@pytest.mark.parametrize("shares", [(0.7, 0.3, 0), (1, 1), (0.5, -0.2, 0.7), (0.7, np.nan, 0.1)])
def test_shares_must_be_three_above_zero(shares):
    with pytest.raises(ParameterError, match="give three numbers above zero, for train, validation, test"):
        split_by_event(table_of(list("abcd")), shares=shares)


def test_rows_without_a_part_are_refused():
    table = table_of(["a", "b", "c"])
    parts = split_by_event(table)
    with pytest.raises(PatchStoreError, match="1 of 12 rows have no part"):
        assert_no_leak(table, parts.mask(parts.index == 2))
    with pytest.raises(PatchStoreError, match="2 of 12 rows have no part"):
        assert_no_leak(table, parts.iloc[:10])


PLACES = {
    **{"greece1": (39.75, 22.18), "greece2": (38.0, 22.0), "italy": (42.8, 13.1)},
    **{"taiwan": (23.98, 121.77), "fiji": (-17.8, -179.57), "tonga": (-15.28, -174.35)},
}


def placed(places=PLACES, group_of=None):
    """A table of patches whose epicentres, or where those are unknown whose own centres, are known."""
    table = table_of(list(places), group_of)
    for name, part in (("lat", 0), ("lon", 1)):
        where = table["event"].map({event: place[part] for event, place in places.items()})
        table[f"epicenter_{name}"], table[f"center_{name}"] = where, where + 0.1
    return table


def test_regions_are_those_seismologists_name():
    found = dict(zip((table := placed())["event"], blocks(table), strict=True))
    assert found["greece1"] == found["greece2"] == "Greece"
    assert found["taiwan"] == "Taiwan"
    assert found["italy"] == "Central Italy"
    assert found["fiji"] == "Fiji Islands Region"


def test_cells_are_named_by_their_south_west_corner():
    found = dict(zip((table := placed())["event"], blocks(table, cell_deg=10), strict=True))
    assert found == {
        **{"greece1": "30N020E", "greece2": "30N020E", "italy": "40N010E"},
        **{"taiwan": "20N120E", "fiji": "20S180W", "tonga": "20S180W"},
    }
    with pytest.raises(ParameterError, match="parts 180 degrees evenly"):
        blocks(table, cell_deg=7)


def test_a_quiet_scene_lies_where_its_patches_are_even_on_the_antimeridian():
    table = placed()
    table[["epicenter_lat", "epicenter_lon"]] = np.nan
    table.loc[table["event"] == "fiji", "center_lon"] = [179.9, 179.9, -179.7, -179.7]
    assert dict(zip(table["event"], blocks(table, cell_deg=10), strict=True))["fiji"] == "20S180W"
    table.loc[table["event"] == "italy", "center_lat"] = np.nan
    with pytest.raises(PatchStoreError, match=r"1 event\(s\) have no latitude and longitude, so no region: italy"):
        blocks(table)


def test_regions_that_share_a_group_are_one_block():
    groups = {event: event for event in PLACES} | {"italy": "greece1"}
    table = placed(group_of=groups)
    found = dict(zip(table["event"], blocks(table), strict=True))
    assert found["italy"] == found["greece1"] == found["greece2"] == "Central Italy"
    for seed in range(20):
        parts = split_by_region(table, seed=seed)
        ends = {event: parts[table["event"] == event].unique().tolist() for event in PLACES}
        assert ends["italy"] == ends["greece1"] == ends["greece2"]


@settings(deadline=None, max_examples=15)
@given(
    spots=st.lists(st.tuples(st.floats(-80, 80), st.floats(-180, 180)), min_size=6, max_size=12),
    links=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=3),
    cell_deg=st.sampled_from([10.0, 30.0, 22.5]),
    seed=st.integers(0, 99),
)
def test_no_region_and_no_group_is_in_two_parts(spots, links, cell_deg, seed):
    places = {f"e{n:02d}": spot for n, spot in enumerate(spots)}
    scenes = {event: [event] for event in places}
    for first, second in links:
        scenes[f"e{second:02d}"].append(f"e{first:02d}")
    table = placed(places, groups_by_scene(scenes))
    block = blocks(table, cell_deg=cell_deg)
    if block.nunique() < 3:
        with pytest.raises(PatchStoreError, match=r"region\(s\) cannot fill train, validation, test"):
            split_by_region(table, cell_deg=cell_deg, seed=seed)
        return
    parts = split_by_region(table, cell_deg=cell_deg, seed=seed)
    assert set(parts) == {"train", "validation", "test"}
    for column in (table["event"], table["group"], block):
        assert parts.groupby(column).nunique().max() == 1
    assert parts.equals(split_by_region(table, cell_deg=cell_deg, seed=seed))


def test_each_region_is_left_out_once_and_every_patch_tested_once():
    table = placed()
    folds = list(leave_one_region_out(table, seed=1))
    names = [name for name, _ in folds]
    assert names == sorted(set(blocks(table)))
    assert len(names) == 5
    tested = sum((parts == "test").astype(int) for _, parts in folds)
    assert (tested == 1).all()
    for name, parts in folds:
        assert set(parts) == {"train", "validation", "test"}
        assert (parts == "test").equals(blocks(table) == name)
        assert_no_leak(table, parts)
    again = [parts for _, parts in leave_one_region_out(table, seed=1)]
    assert all(one.equals(other) for (_, one), other in zip(folds, again, strict=True))


def test_one_region_alone_cannot_be_left_out():
    greece = {name: PLACES[name] for name in ("greece1", "greece2")}
    with pytest.raises(PatchStoreError, match=r"All earthquakes lie in one region \(Greece\)"):
        next(leave_one_region_out(placed(greece)))
    two = {name: PLACES[name] for name in ("greece1", "italy")}
    with pytest.raises(PatchStoreError, match="Without region Central Italy one group of earthquakes is left"):
        next(leave_one_region_out(placed(two)))
    with pytest.raises(ParameterError, match="give one between 0 and 1"):
        next(leave_one_region_out(placed(), validation=1.0))


def test_a_leak_of_regions_is_refused_by_name():
    table = placed().assign(region="one")
    parts = split_by_event(table)
    with pytest.raises(
        PatchStoreError, match=r"1 region\(s\) lie in more than one part: one \(test, train, validation"
    ):
        assert_no_leak(table, parts, columns=("region",))


def test_a_foreshock_that_is_seen_through_the_same_images_is_in_the_group_of_its_earthquake():
    names = ["20160414-kumamoto-foreshock", "20160415-kumamoto", "20210303-thessaly", "20210312-elassona"]
    images = {}
    for event in map(find_event, names):
        pairs = match_pairs(event, simulated_scenes(event)).pairs
        images[event.event_id] = [scene.name for pair in pairs for _, scene in pair.members]
    assert groups_by_scene(images) == dict(zip(names, [names[0], names[0], *names[2:]], strict=True))
