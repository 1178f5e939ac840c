"""Splits: no earthquake, and no group of earthquakes that share an image, in two parts."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epi.errors import PatchStoreError
from epi.patches import assert_no_leak, groups_by_scene, split_by_event

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
