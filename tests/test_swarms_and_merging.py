"""One earthquake is one row, whoever lists it; earthquakes that one image pair cannot separate are told."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from epi.catalogue import flag_swarms, merge_catalogues, read_events
from epi.catalogue.events.near import neighbours
from epi.errors import ParameterError

GEOD = Geod(ellps="WGS84")
TEMPLATE = read_events().iloc[[0]]
ORIGIN = pd.Timestamp("2018-01-11T06:59:30Z")


def quakes(*rows, agency="usgs"):
    """Make a catalogue of (seconds, latitude, longitude, magnitude)."""
    table = pd.concat([TEMPLATE] * len(rows), ignore_index=True)
    seconds, table["latitude"], table["longitude"], table["magnitude"] = np.array(rows, float).T
    table["time"] = ORIGIN + pd.to_timedelta(seconds, unit="s")
    table["event_id"] = [f"20180111-{agency}-{number}" for number in range(len(rows))]
    table["source"] = [f"{agency}:{number}" for number in range(len(rows))]
    return table


def by_double_loop(one, two, *, seconds, km):
    found = set()
    for i, a in one.iterrows():
        for j, b in two.iterrows():
            far = GEOD.inv(a["longitude"], a["latitude"], b["longitude"], b["latitude"])[2] / 1000
            if abs((b["time"] - a["time"]).total_seconds()) <= seconds and far <= km:
                found.add((i, j))
    return found


places = st.tuples(
    st.floats(0, 100), st.one_of(st.floats(-90, 90), st.floats(89, 90)), st.floats(-180, 180), st.floats(4, 8)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(places, min_size=1, max_size=7), st.lists(places, min_size=1, max_size=7), st.floats(1, 3000))
def test_neighbours_are_those_of_a_double_loop(one, two, km):
    one, two = quakes(*one), quakes(*two)
    near = neighbours(one, two, seconds=50, km=km)
    assert set(zip(near.first.tolist(), near.second.tolist(), strict=True)) == by_double_loop(
        one, two, seconds=50, km=km
    )
    within = neighbours(one, seconds=50, km=km)
    both = {tuple(sorted(pair)) for pair in by_double_loop(one, one, seconds=50, km=km) if pair[0] != pair[1]}
    assert {tuple(sorted(p)) for p in zip(within.first.tolist(), within.second.tolist(), strict=True)} == both


def test_the_antimeridian_and_the_pole_part_nothing():
    table = quakes((0, -17.8, 179.99, 5), (60, -17.8, -179.99, 5), (0, 89.99, 0, 5), (60, 89.99, 180, 5))
    assert list(flag_swarms(table)["swarm_size"]) == [2, 2, 2, 2]
    assert flag_swarms(table)["swarm"].nunique() == 2


def test_the_swarm_of_mandali_is_five(shared_data):
    with pytest.warns(UserWarning, match="left out"):
        usgs = read_events(shared_data / "catalogue" / "usgs_m5_2013_2023.csv")
    flagged = flag_swarms(usgs).set_index("source")
    swarm = flagged[flagged["swarm"] == flagged.loc["usgs:us2000ci3s", "swarm"]]
    assert set(swarm.index) == {f"usgs:us2000ci{end}" for end in ("3s", "3x", "3y", "4f", "4h")}
    assert swarm["swarm"].iloc[0] == flagged.loc["usgs:us2000ci3s", "event_id"]  # the largest names it
    assert (swarm["swarm_size"] == 5).all()
    assert len(flagged) == len(usgs)


def test_the_shipped_catalogue_knows_the_swarm_too():
    flagged = flag_swarms(read_events()).set_index("event_id")
    members = flagged.index[flagged["swarm"] == "20180111-iran-iraq"]
    later = [f"20180111-iran-iraq-{time}" for time in ("0700", "0714", "0755", "0800")]
    assert list(members) == ["20180111-iran-iraq", *later]
    assert (flagged.loc[flagged["kind"] != "earthquake", "swarm"] == "").all()
    assert flagged.loc["20230206-elbistan", "swarm"] == "20230206-pazarcik"  # 9 hours and 90 km later, on long faults
    assert flagged.loc["20190706-ridgecrest", "swarm_size"] == 2
    assert flagged.loc["20210303-thessaly", "swarm_size"] == 2  # with the one of the next day
    assert flagged.loc["20210312-elassona", "swarm"] == ""  # nine days later


@pytest.mark.parametrize(
    ("other", "together"),
    [
        ((3600, 33.8, 45.7, 5.3), True),
        ((3600, 33.7, 45.7, 4.4), False),  # too small to show beside a magnitude of 5.5
        ((7 * 86400, 33.7, 45.7, 5.3), False),  # an image lies between
        ((3600, 34.2, 45.7, 5.3), False),  # 55 km away
        ((3600, 34.2, 45.7, np.nan), False),
    ],
)
def test_what_makes_a_swarm(other, together):
    flagged = flag_swarms(quakes((0, 33.7, 45.7, 5.5), other))
    assert (flagged["swarm"].iloc[1] == "20180111-usgs-0") == together
    assert list(flagged["swarm_size"]) == ([2, 2] if together else [1, 1])


def test_an_empty_catalogue_has_no_swarm_and_limits_are_not_negative():
    assert flag_swarms(read_events().iloc[:0]).empty
    with pytest.raises(ParameterError, match="0 or more"):
        flag_swarms(quakes((0, 0, 0, 5)), km=-1)


def test_one_earthquake_of_three_agencies_is_one_row_that_says_so():
    usgs = quakes((0, 33.71, 45.72, 5.5), (5000, 33.8, 45.8, 5.3))
    isc = quakes((1.5, 33.75, 45.76, 5.4), (9000, 10, 10, 5.0), agency="isc")
    emsc = quakes((2, 33.70, 45.70, 5.6), (9004, 10.1, 10, 5.1), agency="emsc")
    usgs.loc[0, ["strike", "dip", "rake"]] = np.nan
    isc[["strike", "dip", "rake"]] = (342.0, 35.0, 76.0)
    merged = merge_catalogues([emsc, isc, usgs])
    assert list(merged["source"]) == [
        "usgs:0; same:isc:0; mechanism:isc:0; same:emsc:0",
        "usgs:1",
        "isc:1; same:emsc:1",
    ]
    assert list(merged["magnitude"]) == [5.5, 5.3, 5.0]  # the preferred agency's
    assert merged.loc[0, "strike"] == 342
    other = merge_catalogues([usgs, isc, emsc], preferred=("isc",))
    assert list(other["magnitude"]) == [5.4, 5.3, 5.0]


def test_merging_keeps_what_is_not_the_same():
    usgs = quakes((0, 0, 0, 5.0), (40, 0, 0, 5.2))
    isc = quakes((3, 0, 0.1, 5.1), (43, 0, 0.1, 5.1), (5, 0, 0.2, 8.0), (5, 3, 0, 5.0), agency="isc")
    merged = merge_catalogues([usgs, isc])
    assert sorted(merged["source"]) == ["isc:2", "isc:3", "usgs:0; same:isc:0", "usgs:1; same:isc:1"]
    assert merged["time"].is_monotonic_increasing
    twice = quakes((0, 0, 0, 5.0), (1, 0, 0, 5.0))
    assert len(merge_catalogues([twice])) == 2  # an agency knows its own
    assert len(merge_catalogues([quakes((0, 0, 0, 5.0)), twice.assign(source=["isc:0", "isc:1"])])) == 2


def test_a_catalogue_of_several_agencies_stays_as_it_is():
    """Two earthquakes within seconds and km of each other, of one table: whoever made it told them apart."""
    own = read_events()
    assert len(merge_catalogues([own])) == len(own) == 202
    mixed = quakes((0, 0, 0, 5.0), (3, 0, 0.1, 5.1)).assign(source=["usgs:0", "isc:1"])
    assert len(merge_catalogues([mixed])) == 2
    merged = merge_catalogues([mixed, quakes((1, 0, 0, 5.0), agency="emsc")])
    assert sorted(merged["source"]) == ["isc:1", "usgs:0; same:emsc:0"]
    assert list(merged.columns) == list(own.columns)
    # of another table two rows may be one of this each, but not both the same one
    both = merge_catalogues([mixed, quakes((0.5, 0, 0, 5.0), (2, 0, 0.05, 5.0), agency="emsc")])
    assert sorted(both["source"]) == ["isc:1; same:emsc:1", "usgs:0; same:emsc:0"]


def test_what_is_no_earthquake_is_joined_with_none():
    own, other = read_events(), quakes((0, 0, 0, 5.0), agency="isc")
    slide = own[own["kind"] == "landslide"].iloc[[0]]
    shaken = other.assign(time=slide["time"].iloc[0], latitude=slide["latitude"].iloc[0], magnitude=np.nan)
    shaken["longitude"] = slide["longitude"].iloc[0]
    assert len(merge_catalogues([slide, shaken])) == 2


def test_ids_stay_unique_and_the_unknown_is_filled():
    usgs, isc = quakes((0, 0, 0, np.nan)), quakes((1, 0, 0, 6.1), (100, 50, 50, 6.0), agency="isc")
    usgs["magnitude_type"], isc["magnitude_type"] = "", "mb"
    isc["event_id"] = ["same", "20180111-usgs-0"]
    merged = merge_catalogues([usgs, isc])
    assert merged["event_id"].is_unique
    assert (merged.loc[0, "magnitude"], merged.loc[0, "magnitude_type"]) == (6.1, "mb")
    assert merged.loc[0, "source"] == "usgs:0; same:isc:0; magnitude:isc:0"
    for bad in ({"seconds": -1}, {"km": -1}):
        with pytest.raises(ParameterError, match="0 or more"):
            merge_catalogues([usgs], **bad)
    with pytest.raises(ParameterError, match="at least one"):
        merge_catalogues([])


def test_the_whole_export_merges_with_a_shaken_copy_of_itself(shared_data):
    """The same 18,275 rows, seconds and kilometres off, of another agency: none is left over, few are mistaken."""
    with pytest.warns(UserWarning, match="left out"):
        usgs = read_events(shared_data / "catalogue" / "usgs_m5_2013_2023.csv")
    random = np.random.default_rng(1)
    isc = usgs.assign(source=usgs["source"].str.replace("usgs:", "isc:"))
    isc["time"] += pd.to_timedelta(random.normal(0, 2, len(isc)), unit="s")
    isc["latitude"] = (isc["latitude"] + random.normal(0, 0.08, len(isc))).clip(-90, 90)
    isc["magnitude"] += random.normal(0, 0.15, len(isc)).round(1)
    merged = merge_catalogues([isc, usgs])
    names = merged["source"].str.extract(r"^usgs:(\w+); same:isc:(\w+)$").dropna()
    assert len(names) > 0.998 * len(usgs)
    assert (names[0] == names[1]).mean() > 0.999
    assert merged["event_id"].is_unique
    assert len(usgs) <= len(merged) < 1.002 * len(usgs)
