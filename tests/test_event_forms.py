"""Catalogues of others, in the forms they come in, become the same rows; a fault is named by file, line and column."""

import json
import re
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from epi.catalogue import flag_swarms, merge_catalogues, read_events, select_events
from epi.catalogue.events.read import COLUMNS
from epi.errors import FileFormatError
from quakeml_answers import quakeml_text

USGS = """time,latitude,longitude,depth,mag,magType,nst,id,place,type
2018-01-11T07:00:52.390Z,33.8578,45.7935,10,5.3,mb,64,us2000ci3x,"25 km ENE of Mandalī, Iraq",earthquake
2018-01-11T06:59:30.470Z,33.7131,45.7239,10,5.5,Mww,64,us2000ci3s,"16 km ESE of Mandalī, Iraq",earthquake
2018-01-11T07:00:59.390Z,33.8578,45.7935,,,,64,us2000zzzz,"25 km ENE of Mandalī, Iraq",earthquake
2018-01-12T00:00:00.000Z,-17.8051,-179.5737,639.56,5.1,mb,64,us1,,earthquake
2018-01-12T00:00:00.000Z,19.3,-155.0,0,5.1,ml,64,us2,Hawaii,volcanic eruption
"""
FDSN_TEXT = """#EventID|Time|Latitude|Longitude|Depth/km|Author|Catalog|Contributor|ContributorID|MagType|Magnitude|\
MagAuthor|EventLocationName
us2000ci3s|2018-01-11T06:59:30.47|33.7131|45.7239|10|us|us|us|us2000ci3s|mww|5.5|us|16 km ESE of Mandali, Iraq
611111|2018-01-11T07:00:52.39|33.8578|45.7935||ISC|ISC|ISC|611111|mb|5.3|ISC|
"""
PUBLISHED = """index,description,time,latitude,longitude,depth,magnitude,magnitude_type,image_ids_before,image_ids_after
1,IRAN-IRAQ BORDER REGION,2018-01-11 06:59:31Z,33.7388,45.7501,{0},5.58,mb,S1A_A S1A_B,S1A_C
2,,2018-01-19 16:17:44Z,26.6196,-110.9457,{1},5.65,mb,S1A_D,
"""


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def usgs(tmp_path):
    with pytest.warns(UserWarning, match="1 volcanic eruption left out"):
        return read_events(write(tmp_path / "usgs.csv", USGS))


def quakeml(tmp_path):
    """Let ObsPy write what ObsPy is to read: depth in metres, a mechanism, a second event without a size."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from obspy import UTCDateTime
        from obspy.core import event as q
    first, second = (q.Origin(time=UTCDateTime(f"2018-01-1{day}T06:59:30.47Z")) for day in (1, 2))
    first.latitude, first.longitude, first.depth = 33.7131, 45.7239, 10000.0
    second.latitude, second.longitude = -17.8051, -179.5737
    plane = q.NodalPlane(strike=342.0, dip=35.0, rake=76.0)
    name = "quakeml:earthquake.usgs.gov/fdsnws/event/1/query?eventid=us2000ci3s&format=quakeml"
    events = [
        q.Event(
            resource_id=name,
            event_type="earthquake",
            origins=[q.Origin(time=UTCDateTime(0), latitude=0.0, longitude=0.0), first],
            magnitudes=[q.Magnitude(mag=5.5, magnitude_type="Mww")],
            focal_mechanisms=[q.FocalMechanism(nodal_planes=q.NodalPlanes(nodal_plane_1=plane))],
            event_descriptions=[q.EventDescription("16 km ESE of Mandali, Iraq", "earthquake name")],
            preferred_origin_id=first.resource_id,
        ),
        q.Event(resource_id="smi:ISC/evid=611111", origins=[second]),
    ]
    path = tmp_path / "answer.xml"
    q.Catalog(events).write(str(path), format="QUAKEML")
    return path


def test_the_csv_of_the_usgs(tmp_path):
    events = usgs(tmp_path)
    assert tuple(events.columns) == COLUMNS
    assert list(events["event_id"]) == [
        "20180111-mandali-0659",
        "20180111-mandali-070052",
        "20180111-mandali-070059",
        "20180112-fiji-islands-region-0000",
    ]
    first = events.iloc[0]
    assert (first["magnitude_type"], first["source"], first["kind"]) == ("mww", "usgs:us2000ci3s", "earthquake")
    assert first["time"] == pd.Timestamp("2018-01-11T06:59:30.470Z")
    assert np.isnan(events.loc[2, "magnitude"])
    assert events.loc[3, "place"] == "Fiji Islands Region"  # no place is named: the region stands in


def test_geojson_says_the_same_as_the_csv(tmp_path):
    table = usgs(tmp_path)
    features = [
        {
            "type": "Feature",
            "id": row.source.removeprefix("usgs:"),
            "properties": {
                "time": int(row.time.timestamp() * 1000),
                "mag": None if np.isnan(row.magnitude) else row.magnitude,
                "magType": row.magnitude_type or None,
                "place": row.place if "km" in row.place else None,
                "type": "earthquake",
            },
            "geometry": {
                "type": "Point",
                "coordinates": [row.longitude, row.latitude, None if np.isnan(row.depth_km) else row.depth_km],
            },
        }
        for row in table.itertuples()
    ]
    path = write(tmp_path / "usgs.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    pd.testing.assert_frame_equal(read_events(path), table)
    features[1]["geometry"]["coordinates"][1] = 91
    path = write(tmp_path / "usgs.geojson", json.dumps({"features": features}))
    with pytest.raises(FileFormatError, match=re.escape(f"{path}, feature 2, column latitude: '91' is outside")):
        read_events(path)


def test_quakeml_counts_depth_in_metres_and_brings_the_mechanism(tmp_path):
    events = read_events(quakeml(tmp_path))
    first, second = events.iloc[0], events.iloc[1]
    assert (first["latitude"], first["longitude"], first["depth_km"]) == (33.7131, 45.7239, 10)  # the preferred origin
    assert (first["magnitude"], first["magnitude_type"]) == (5.5, "mww")
    assert (first["strike"], first["dip"], first["rake"]) == (342, 35, 76)
    assert first["source"] == "usgs:us2000ci3s; mechanism:usgs"
    assert first["event_id"] == "20180111-mandali-0659"
    assert (second["source"], second["place"]) == ("isc:611111", "Fiji Islands Region")
    assert second[["depth_km", "magnitude", "strike"]].isna().all()


def test_the_text_form_of_fdsn_services(tmp_path):
    events = read_events(write(tmp_path / "answer.txt", FDSN_TEXT))
    assert list(events["source"]) == ["usgs:us2000ci3s", "isc:611111"]
    assert list(events["event_id"]) == ["20180111-mandali-0659", "20180111-iran-iraq-border-region-0700"]
    assert str(events["time"].dt.tz) == "UTC"


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_the_published_table_has_its_depth_in_km_or_in_metres(tmp_path, form):
    def read(*depths):
        path = write(tmp_path / "published.csv", PUBLISHED.format(*depths))
        if form == "parquet":
            table = pd.read_csv(path, parse_dates=["time"])
            path = tmp_path / "published.parquet"
            table.to_parquet(path)
        return read_events(path)

    kilometres, metres = read(19, 639.5), read(19000, 639500)
    pd.testing.assert_frame_equal(kilometres, metres)
    assert list(kilometres["depth_km"]) == [19, 639.5]
    assert list(kilometres.columns) == [*COLUMNS, "image_ids_before", "image_ids_after"]
    assert list(kilometres["image_ids_before"]) == ["S1A_A S1A_B", "S1A_D"]
    assert list(kilometres["place"]) == ["IRAN-IRAQ BORDER REGION", "Gulf of California"]
    assert list(kilometres["source"]) == ["published:1", "published:2"]
    assert read(0, 639500)["depth_km"][0] == 0
    with pytest.raises(FileFormatError, match=r"column depth: '?19(\.0)?'? is no depth in metres"):
        read(19, 639500)


def test_image_names_stay_with_their_row_whatever_the_order(tmp_path):
    head, first, second = PUBLISHED.format(1, 2).strip().splitlines()
    events = read_events(write(tmp_path / "published.csv", "\n".join([head, second, first])))
    assert list(events["source"]) == ["published:1", "published:2"]
    assert list(events["image_ids_before"]) == ["S1A_A S1A_B", "S1A_D"]


def test_a_published_time_without_a_zone_is_said_to_be_taken_as_utc(tmp_path):
    path = write(tmp_path / "published.csv", PUBLISHED.format(1, 2).replace(":31Z", ":31"))
    with pytest.warns(UserWarning, match=r"line 2, column time: no zone, so taken as UTC \(1 such rows\)"):
        events = read_events(path)
    assert events["time"][0] == pd.Timestamp("2018-01-11T06:59:31Z")


def test_lists_of_images_in_parquet_become_words(tmp_path):
    table = pd.read_csv(write(tmp_path / "published.csv", PUBLISHED.format(1, 2)))
    table["image_ids_before"] = [["S1A_A", "S1A_B"], ["S1A_D"]]
    table.to_parquet(tmp_path / "published.parquet")
    assert list(read_events(tmp_path / "published.parquet")["image_ids_before"]) == ["S1A_A S1A_B", "S1A_D"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("33.8578,45.7935,10,", "33.8578,245.7935,10,", "line 2, column longitude: '245.7935' is outside"),
        ("2018-01-11T06:59:30.470Z", "11.01.2018", "line 3, column time: '11.01.2018' is no time"),
        (",10,5.5,", ",ten,5.5,", "line 3, column depth_km: 'ten' is no number"),
        (",10,5.5,", ",10,5.5,5,", "line 3: 11 cells under 10 columns"),
        ("33.7131", "", "line 3, column latitude: no latitude"),
    ],
)
def test_a_malformed_row_of_others_is_named(tmp_path, old, new, message):
    path = write(tmp_path / "usgs.csv", USGS.replace("volcanic eruption", "earthquake").replace(old, new, 1))
    with pytest.raises(FileFormatError, match=re.escape(f"{path}, {message}")):
        read_events(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xml", b"<html>login</html>"), ("a.json", b'{"features": [{}]}'), ("a.parquet", b"PAR1PAR1"), ("a.json", b"{")],
)
def test_what_only_looks_like_a_form_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=str(tmp_path / name)):
        read_events(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", USGS.replace(",", ";").encode(), r"parts its columns by semicolons: write it with commas\.$"),
        ("a.csv", "time;depth\n2018-01-11;10,5\n".encode("utf-8-sig"), r"by semicolons: write it with commas\.$"),
        ("a.tsv", USGS.replace(",", "\t").encode(), r"parts its columns by tabs: write it with commas\.$"),
        ("a.parquet", b"\x07\x91\xff" * 99, r"is no parquet table, though its name says so: write it again\.$"),
        ("a.csv", USGS.replace("ī", "é").encode("latin-1"), r"in UTF-8 \(.*\): save it as UTF-8\.$"),
        ("a.csv", b"a,b\n1,2\n", r"lacks the columns event_id, kind, .*, rake.*\. Exports of the USGS"),
    ],
)
def test_another_kind_of_table_is_one_clear_error(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=message) as error:
        read_events(tmp_path / name)
    assert str(error.value).count("event_id") <= 1


def test_a_quote_that_is_never_closed_swallows_no_rows(tmp_path):
    path = write(tmp_path / "usgs.csv", USGS.replace('Mandalī, Iraq",earthquake', "x,earthquake", 1))
    with pytest.raises(FileFormatError, match="is not a CSV table after line 1"):
        read_events(path)


@pytest.mark.parametrize("form", ["own", "usgs", "published", "fdsn", "geojson", "quakeml"])
def test_a_catalogue_without_a_row_is_empty_in_every_form(tmp_path, form):
    text = {
        "own": ",".join(COLUMNS) + "\n",
        "usgs": USGS.splitlines()[0] + "\n",
        "published": PUBLISHED.splitlines()[0] + "\n",
        "fdsn": FDSN_TEXT.splitlines()[0] + "\n",
        "geojson": '{"type": "FeatureCollection", "features": []}',
        "quakeml": quakeml_text([]).decode(),
    }[form]
    events = read_events(write(tmp_path / "none", text))
    assert events.empty
    assert list(events.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert str(events["time"].dt.tz) == "UTC"
    assert flag_swarms(merge_catalogues([events, events])).empty
    assert select_events(events, box=(170, -10, -170, 10), since="2018-01-01", sea_km=10, magnitude_type="mw").empty


def test_the_export_is_read_whole(shared_data):
    file = shared_data / "catalogue" / "usgs_m5_2013_2023.csv"
    with pytest.warns(UserWarning, match="55 volcanic eruption, 4 nuclear explosion left out"):
        events = read_events(file)
    table = pd.read_csv(file)
    quakes = table[table["type"] == "earthquake"]
    assert len(events) == len(quakes) == 18_275
    assert events["event_id"].is_unique
    assert (events["place"] != "").all()
    by_id = events.set_index(events["source"].str.removeprefix("usgs:"))
    for name, column in [("magnitude", "mag"), ("depth_km", "depth"), ("latitude", "latitude")]:
        assert (by_id.loc[quakes["id"], name].to_numpy() == quakes[column].to_numpy()).all()


def test_nothing_slow_is_loaded_before_it_is_needed():
    program = (
        "import sys, epi.catalogue; epi.catalogue.read_events();"
        "print([m for m in ('obspy', 'cartopy', 'scipy.spatial', 'torch', 'matplotlib') if m in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
