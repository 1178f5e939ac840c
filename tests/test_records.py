"""Pair records: earthquakes seen through the same images, or the same air over the same ground, are one group."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod
from scipy.sparse.csgraph import connected_components

from epi.catalogue import Scene, find_event, match_pairs
from epi.errors import ParameterError, PatchStoreError
from epi.patches import assert_no_leak, blocks, groups_by_pair, pair_records, split_by_event, split_by_region
from epi.settings import settings as settings_of

GEOD = Geod(ellps="WGS84")


def record(event, reference, secondary, *, days=(0, 12), place=(39.0, 22.0), footprint=None):
    """A row whose images were taken so many days after the first of January 2018."""
    start, end = (pd.Timestamp("2018-01-01", tz="UTC") + pd.Timedelta(days=day) for day in days)
    return {
        **{"event": event, "reference": reference, "secondary": secondary, "start": start, "end": end},
        **{"latitude": place[0], "longitude": place[1], "footprint": footprint},
    }


def groups_of(*rows, **options):
    return groups_by_pair(pd.DataFrame(rows), **options)


def test_events_that_share_an_image_are_one_group_wherever_they_are():
    found = groups_of(
        record("a", "S1", "S2"),
        record("b", "S2", "S3", days=(12, 24), place=(-10, 100)),
        record("c", "S4", "S5", days=(40, 52)),
    )
    assert found == {"a": "a", "b": "a", "c": "c"}


def test_space_and_time_must_both_overlap():
    near, far = (40.0, 22.0), (43.0, 22.0)  # 111 and 444 km away
    a = record("a", "S1", "S2")
    assert groups_of(a, record("b", "S3", "S4", days=(6, 18), place=near)) == {"a": "a", "b": "a"}
    assert groups_of(a, record("b", "S3", "S4", days=(13, 25), place=near)) == {"a": "a", "b": "b"}
    assert groups_of(a, record("b", "S3", "S4", days=(6, 18), place=far)) == {"a": "a", "b": "b"}
    assert groups_of(a, record("b", "S3", "S4", days=(6, 18), place=far), near_km=500) == {"a": "a", "b": "a"}
    assert groups_of(a, record("b", "S3", "S4", days=(6, 18), place=near), near_km=100) == {"a": "a", "b": "b"}


def test_a_pair_given_the_wrong_way_round_spans_the_same_days():
    a, b = record("a", "S1", "S2"), record("b", "S4", "S3", days=(18, 6))
    assert groups_of(a, b) == {"a": "a", "b": "a"}


def test_footprints_that_touch_join_what_epicentres_do_not():
    """Also across the antimeridian, where the one is written from 179 on and the other from -180 on."""
    west, east = shapely.box(177.0, -18.5, 179.5, -16.5), shapely.box(179.2, -18.5, 182.0, -16.5)
    turned = shapely.box(-180.0, -18.5, -178.0, -16.5)
    one = record("a", "S1", "S2", place=(-17.5, 177.2), footprint=west)
    for shape, together in ((east, True), (turned, False), (shapely.box(179.6, -18.5, 182.0, -16.5), False)):
        other = record("b", "S3", "S4", place=(-17.5, -178.5), footprint=shape)
        assert (groups_of(one, other)["b"] == "a") is together
    crossing = record("a", "S1", "S2", place=(-17.5, 177.2), footprint=shapely.box(177.0, -18.5, 180.5, -16.5))
    assert groups_of(crossing, record("b", "S3", "S4", place=(-17.5, -178.5), footprint=turned))["b"] == "a"


@settings(deadline=None, max_examples=25)
@given(
    chain=st.permutations(range(8)),
    spacing=st.floats(50, 290),
    broken=st.integers(0, 6),
)
def test_groups_are_transitive_and_do_not_depend_on_the_order(chain, spacing, broken):
    """Events in a row along a meridian, each near the next; a gap of 700 km parts them into two groups."""
    away = np.cumsum([0, *(700 if n == broken else spacing for n in range(7))])
    rows = [
        record(f"e{n}", f"A{n}", f"B{n}", place=GEOD.fwd(22.0, 0.0, 0.0, km * 1000)[1::-1]) for n, km in enumerate(away)
    ]
    found = groups_of(*(rows[n] for n in chain))
    assert {event: found[event] for event in sorted(found)} == {
        f"e{n}": "e0" if n <= broken else f"e{broken + 1}" for n in range(8)
    }


def test_what_cannot_be_compared_is_refused_by_name():
    with pytest.raises(PatchStoreError, match="Pair records lack the columns start, end"):
        groups_by_pair(pd.DataFrame([record("a", "S1", "S2")]).drop(columns=["start", "end"]))
    rows = pd.DataFrame([record("a", "S1", "S2"), record("b", "S3", "S4", place=(np.nan, 22.0))])
    with pytest.raises(PatchStoreError, match=r"1 pair record\(s\) have no time or no place: row 2 \(b\)"):
        groups_by_pair(rows)
    with pytest.raises(ParameterError, match="give 0 or more"):
        groups_of(record("a", "S1", "S2"), near_km=-1)


def test_unknown_images_are_not_one_image():
    found = groups_of(record("a", "", None), record("b", "", None, days=(40, 52)))
    assert found == {"a": "a", "b": "b"}


def test_groups_of_the_thesis_events(shared_data):
    """Its 40 events by their days and places, against every two compared and joined by another implementation."""
    events = pd.read_csv(shared_data / "seed_labels/bruco_40_events_epicentres_pairs.csv")
    names = events["index"].map("{:02d}".format)
    records = pd.DataFrame(
        {
            **{"event": names, "reference": "", "secondary": "", "start": events["pre_d"], "end": events["post_d"]},
            **{"latitude": events["epicenter_lat"], "longitude": events["epicenter_lon"]},
        }
    )
    days = pd.DataFrame([pd.to_datetime(events[name]) for name in ("pre_d", "post_d")]).T
    first, last = days.min(axis=1).to_numpy(), days.max(axis=1).to_numpy()
    lat, lon = (events[f"epicenter_{part}"].to_numpy() for part in ("lat", "lon"))
    one, other = (part.ravel() for part in np.mgrid[:40, :40])
    near = np.array(GEOD.inv(lon[one], lat[one], lon[other], lat[other])[2]).reshape(40, 40) <= 300e3
    together = (first[:, None] <= last[None, :]) & (first[None, :] <= last[:, None])
    count, expected = connected_components(near & together)
    found = names.map(groups_by_pair(records))
    assert found.nunique() == count
    assert pd.Series(expected).groupby(found).nunique().eq(1).all()
    assert found.value_counts().max() >= 3  # the sequence off Hualien, of which several share one pair


@pytest.fixture
def published():
    """The forty earthquakes of the published study, each with nine patches, and their groups."""
    rows = pd.read_csv(settings_of().data / "published_pairs.csv", dtype={"event": str})
    groups = groups_by_pair(rows.assign(reference="", secondary=""))
    step = pd.DataFrame(np.indices((3, 3)).reshape(2, 9).T / 2 - 0.5, columns=["center_lat", "center_lon"])
    table = rows.rename(columns={"latitude": "epicenter_lat", "longitude": "epicenter_lon"}).merge(step, how="cross")
    table[["center_lat", "center_lon"]] += table[["epicenter_lat", "epicenter_lon"]].to_numpy()
    return table.assign(group=table["event"].map(groups))


def test_published_earthquakes_that_fall_together(published):
    sizes = published.groupby("group")["event"].unique().map(list)
    assert [events for events in sizes if len(events) > 1] == [
        ["01", "02"],
        ["07", "08", "09", "10", "12"],
        ["14", "15"],
    ]


@pytest.mark.parametrize("split", [split_by_event, split_by_region])
def test_no_published_group_is_split(published, split):
    for seed in range(20):
        assert_no_leak(published, split(published, seed=seed))


def test_each_stricter_split_cures_a_leak_of_the_one_before(published):
    """By patch events leak, by event groups do, by group regions do, and by region nothing does."""
    alone, region = published.assign(group=published["event"]), blocks(published)
    by_patch = pd.Series(
        np.random.default_rng(0).permutation(np.resize(["train", "validation", "test"], len(published)))
    )
    splits = {
        "event": [by_patch],
        "group": [split_by_event(alone, seed=seed) for seed in range(20)],
        "region": [split_by_event(published, seed=seed) for seed in range(20)],
    }
    table = published.assign(region=region)
    for column, drawn in splits.items():
        leaking = [parts.groupby(table[column]).nunique().max() > 1 for parts in drawn]
        assert sum(leaking) > len(drawn) / 4
    for seed in range(20):
        assert_no_leak(table, split_by_region(published, seed=seed), columns=("event", "group", "region"))


def test_records_are_made_from_matched_pairs():
    def image(event, days):
        start = event.time + pd.Timedelta(days=days)
        box = shapely.box(event.longitude - 1.25, event.latitude - 0.85, event.longitude + 1.25, event.latitude + 0.85)
        return Scene(
            **{"name": f"S1A_{event.event_id}_{start:%Y%m%d}", "platform": "S1A", "start": start, "stop": start},
            **{"track": 6, "frame": 1, "direction": "descending", "polarisations": ("VV",), "mode": "IW"},
            **{"level": "SLC", "footprint": box},
        )

    first = find_event("20180111-iran-iraq")
    later = replace(first, event_id="later", time=first.time + pd.Timedelta(hours=3))
    matches = [match_pairs(event, [image(first, -5), image(first, 7)]) for event in (first, later)]
    records = pair_records(matches)
    assert list(records["event"]) == ["20180111-iran-iraq", "later"]
    assert (records["end"] - records["start"] == pd.Timedelta(days=12)).all()
    assert records["footprint"].iloc[0].contains(shapely.Point(first.longitude, first.latitude))
    assert len(set(groups_by_pair(records).values())) == 1
    apart = records.assign(reference=["a", "b"], secondary=["c", "d"], latitude=[10.0, 50.0], footprint=None)
    assert len(set(groups_by_pair(apart).values())) == 2
