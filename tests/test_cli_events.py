"""The command `epi events`: filters, other catalogues, and what it says of mistakes."""

import json

import pytest

from conftest import stopped
from epi.catalogue import read_events
from epi.settings import settings


def ids(answer):
    code, out, _ = answer
    assert code == 0
    return [event["event_id"] for event in json.loads(out)["results"]]


def test_the_whole_catalogue_one_line_an_event(says):
    events = read_events()
    code, out, err = says("events")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == list(events["event_id"])
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert "[quiet]" in lines["20200303-thessaly-quiet"]
    assert " nan" not in out
    assert lines["20180111-iran-iraq-0800"].endswith("(one of 5 in the swarm of 20180111-iran-iraq)")


def test_filters_of_the_command(says, tmp_path):
    assert ids(says("events", "--json", "--kind", "landslide", "--until", "2017-12-31")) == [
        "20170808-jiuzhaigou-landslides",
        "20171117-milin-landslides",
    ]
    assert ids(says("events", "--json", "--min-magnitude", 5.7, "--max-depth", 5, "--since", "2022-01-01")) == [
        "20220225-pasaman",
        "20220621-khost",
    ]
    assert "20181025-zakynthos" not in ids(says("events", "--json", "--box", "20,36,22,39", "--sea-km", 0))
    area = tmp_path / "area.json"
    ring = [[19, 34], [29, 34], [29, 42], [19, 42], [19, 34]]
    area.write_text(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    inside = ids(says("events", "--json", "--polygon", area))
    assert set(inside) == set(ids(says("events", "--json", "--box", "19,34,29,42")))


def test_another_catalogue_starts_at_magnitude_four_unless_stated(says, tmp_path):
    rows = "".join(f"2020-01-0{n}T00:00:00Z,10,10,5,{size},mb,us{n},Chad\n" for n, size in enumerate((3.9, 4, 5), 1))
    path = tmp_path / "usgs.csv"
    path.write_text("time,latitude,longitude,depth,mag,magType,id,place\n" + rows)
    assert ids(says("events", "--json", "--source", path)) == ["20200102-chad-0000", "20200103-chad-0000"]
    assert len(ids(says("events", "--json", "--source", path, "--min-magnitude", 0))) == 3
    assert "Left out, below magnitude 4 or of unknown size: 1 earthquake." in says("events", "--source", path)[2]


def test_quiet_windows_of_another_catalogue_stay_though_they_have_no_magnitude(says):
    own = settings().data / "events.csv"
    assert ids(says("events", "--json", "--source", own)) == list(read_events()["event_id"])


def test_a_filter_makes_no_swarm_of_its_own(says):
    """Swarms are those of the catalogue, whatever of it is listed."""
    _, out, _ = says("events", "--json", "--min-magnitude", 5.5, "--box", "45,33,46,34")
    [event] = json.loads(out)["results"]
    assert event["swarm"] == event["event_id"] == "20180111-iran-iraq"
    assert event["swarm_size"] == 5
    _, out, _ = says("events", "--min-magnitude", 5.5, "--box", "45,33,46,34")
    assert out.endswith("(largest of a swarm of 5)\n")


def test_scales_of_magnitude_are_chosen_by_name(says):
    found = ids(says("events", "--json", "--magnitude-type", "mb", "--magnitude-type", "ml"))
    table = read_events()
    assert found == list(table.loc[table["magnitude_type"].isin(["mb", "ml"]), "event_id"])
    assert 0 < len(found) < len(table)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--box", "1,10,2,5"], "ParameterError: A box from 10 to 5"),
        (["--since", "2020-01-02", "--until", "2020-01-01"], "ParameterError: Nothing is from 2020-01-02"),
        (["--min-magnitude", "nan"], "ParameterError: A magnitude that is no number"),
        (["--source", "nosuch.csv"], "FileFormatError: No catalogue at nosuch.csv"),
        (["--polygon", "nosuch.json"], "FileFormatError: No polygon at nosuch.json"),
        (["--sea-km", "-1"], "ParameterError: A distance of -1 km"),
        (["--refresh"], "ParameterError: --refresh asks an agency again"),
        (["--source", "emsc"], "ParameterError: emsc lists millions"),
    ],
)
def test_a_mistake_is_one_line(says, arguments, message):
    stopped(says("events", *arguments), message)


def test_a_malformed_row_is_named_on_the_command_line(says, tmp_path):
    path = tmp_path / "usgs.csv"
    path.write_text("time,latitude,longitude,depth,mag,magType,id,place\n2020-01-01T00:00:00Z,95,10,5,5,mb,us1,Chad\n")
    stopped(says("events", "--source", path), f"FileFormatError: {path}, line 2, column latitude: '95' is outside")
