"""The catalogue says what the sources say, and refuses what no earthquake can be."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest
from pyproj import Geod

from epi.catalogue import Event, find_event, read_events, select_events
from epi.catalogue.events import COLUMNS
from epi.errors import FileFormatError, UnknownEvent

GEOD = Geod(ellps="WGS84")


def usgs_catalogue(shared_data: Path) -> pd.DataFrame:
    return pd.read_csv(shared_data / "catalogue" / "usgs_m5_2013_2023.csv", parse_dates=["time"])


def km_between(one, other) -> float:
    return GEOD.inv(one.longitude, one.latitude, other.longitude, other.latitude)[2] / 1000


def test_the_case_studies_are_there_with_their_published_numbers():
    events = read_events().set_index("event_id")
    iran = events.loc["20180111-iran-iraq"]
    assert (iran.latitude, iran.longitude, iran.magnitude, iran.magnitude_type) == (33.7388, 45.7501, 5.58, "mb")
    assert iran.depth_km == 19
    gulf = events.loc["20180119-gulf-of-california"]
    assert (gulf.latitude, gulf.longitude, gulf.magnitude, gulf.magnitude_type) == (26.6196, -110.9457, 5.65, "mb")
    thessaly = events.loc["20210303-thessaly"]
    assert (thessaly.latitude, thessaly.longitude, thessaly.depth_km, thessaly.magnitude) == (39.7546, 22.1757, 8, 6.3)
    assert (thessaly.strike, thessaly.dip, thessaly.rake) == (315, 36, -100)
    assert {"20140824-napa", "20190706-ridgecrest", "20200124-elazig", "20230908-al-haouz"} <= set(events.index)


def test_event_ids_carry_the_date_and_times_are_utc_in_order():
    events = read_events()
    assert str(events["time"].dt.tz) == "UTC"
    assert events["time"].is_monotonic_increasing
    assert all(row.event_id[:8] == f"{row.time:%Y%m%d}" for row in events.itertuples())


def test_every_usgs_id_leads_to_the_same_earthquake(shared_data):
    usgs = usgs_catalogue(shared_data).set_index("id")
    for event in read_events().itertuples():
        [name] = [part.removeprefix("usgs:") for part in event.source.split("; ") if part.startswith("usgs:")]
        record = usgs.loc[name]
        assert abs((event.time - record.time).total_seconds()) < 2
        assert km_between(event, record) < 16
        if "buccoliero2024" not in event.source:
            assert (event.magnitude, event.magnitude_type) == (record.mag, record.magType)
            assert km_between(event, record) < 0.1


def test_the_thesis_case_study_is_the_first_and_nearest_of_its_swarm(shared_data):
    case = find_event("20180111-iran-iraq")
    usgs = usgs_catalogue(shared_data)
    day = usgs[usgs["time"].dt.strftime("%Y-%m-%d") == "2018-01-11"]
    near = [row for row in day.itertuples() if km_between(case, row) < 25]
    assert len(near) == 5
    assert min(near, key=lambda row: abs(row.time - case.time)).id == "us2000ci3s"
    assert min(near, key=lambda row: km_between(case, row)).id == "us2000ci3s"


@pytest.mark.parametrize("event_id", ["20210303-thessaly", "20160610-borrego-springs"])
def test_an_event_survives_json(event_id):
    event = find_event(event_id)
    text = json.dumps(event.to_dict(), allow_nan=False)
    again = Event.from_dict(json.loads(text))
    assert again.to_dict() == event.to_dict()
    assert again.time == event.time
    assert math.isnan(again.strike) == math.isnan(event.strike)


def test_an_unknown_event_names_the_closest():
    with pytest.raises(UnknownEvent, match="Did you mean 20210303-thessaly"):
        find_event("20210304-thessaly")
    with pytest.raises(UnknownEvent, match="Did you mean 20210303-thessaly"):
        find_event("thesaly")
    with pytest.raises(UnknownEvent, match="Known: 20140824-napa"):
        find_event("zzz")


def test_filters_keep_what_they_say_and_cross_the_antimeridian():
    events = read_events()
    assert set(select_events(events, min_magnitude=6.8)["event_id"]) == {"20190706-ridgecrest", "20230908-al-haouz"}
    assert (select_events(events, max_depth_km=10)["depth_km"] <= 10).all()
    assert set(select_events(events, box=(20, 36, 25, 42))["event_id"]) == {"20210303-thessaly"}
    pacific = select_events(events, box=(150, -90, -115, 90))
    assert set(pacific["event_id"]) == {"20140824-napa", "20160610-borrego-springs", "20190706-ridgecrest"}
    assert len(select_events(events, box=(-180, -90, 180, 90))) == len(events)
    assert list(select_events(events, since="2020-01-01", until="2021-12-31")["event_id"]) == [
        "20200124-elazig",
        "20210303-thessaly",
    ]


def write(path: Path, **changes: object) -> Path:
    row = {name: value for name, value in find_event("20210303-thessaly").to_dict().items()} | changes
    pd.DataFrame([row]).to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latitude": 93.0}, "latitude outside -90 to 90 at event 20210303-thessaly"),
        ({"longitude": 200.0}, "longitude outside"),
        ({"kind": "storm"}, "a kind other than earthquake, landslide, quiet"),
        ({"time": "yesterday"}, "no time or number"),
        ({"magnitude": "big"}, "no time or number"),
        ({"time": None}, "no time at event"),
    ],
)
def test_an_impossible_row_is_refused(tmp_path, changes, message):
    with pytest.raises(FileFormatError, match=message):
        read_events(write(tmp_path / "events.csv", **changes))


def test_what_is_no_catalogue_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No catalogue at"):
        read_events(tmp_path / "absent.csv")
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match="lacks the columns event_id, kind"):
        read_events(other)
    other.write_bytes(b"\x89HDF\r\n\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="not a CSV table"):
        read_events(other)
    twice = pd.concat([pd.read_csv(write(tmp_path / "one.csv"))] * 2)
    twice.to_csv(other, index=False)
    with pytest.raises(FileFormatError, match="an event_id used twice"):
        read_events(other)


def test_a_time_without_a_zone_is_utc_and_a_minimal_row_is_enough(tmp_path):
    path = write(tmp_path / "events.csv", time="2021-03-03 10:16:09", strike=None, dip=None, rake=None)
    events = read_events(path)
    assert tuple(events.columns) == COLUMNS
    assert find_event("20210303-thessaly", events).time == pd.Timestamp("2021-03-03T10:16:09Z")
    assert math.isnan(find_event("20210303-thessaly", events).dip)
