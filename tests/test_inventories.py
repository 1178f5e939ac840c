"""Landslides from files as people keep them: placed, dated, mended and counted; each bad file one stated error."""

import json
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod
from shapely import LineString, MultiPolygon, Point, Polygon, box

from epi.catalogue import Inventory, inventory_of, read_inventory, select_dates
from epi.errors import FileFormatError, InventoryError, NoGeoreference, ParameterError

ROOT = Path(__file__).resolve().parents[1]
UTM = "EPSG:32654"
EAST, NORTH = 520_000.0, 4_720_000.0  # near Atsuma, Hokkaido
WITHIN = [box(EAST, NORTH, EAST + 400, NORTH + 300), box(EAST + 1000, NORTH, EAST + 1200, NORTH + 200)]
RING = Polygon(box(0, 0, 900, 900).exterior, [box(300, 300, 600, 600).exterior])
HOLED = shapely.transform(RING, lambda place: place + np.array([EAST, NORTH + 2000]))
BOWTIE = Polygon([(EAST, NORTH), (EAST + 100, NORTH + 100), (EAST + 100, NORTH), (EAST, NORTH + 100)])


def frame(shapes=WITHIN, *, crs=UTM, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=crs)


def written(path, made):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what GDAL says of a frame without a system, or of names cut at ten letters
        made.to_file(path, driver="LIBKML" if path.suffix in (".kml", ".kmz") else None)
    return path


def zipped(path, folder, name="inventory.zip"):
    with zipfile.ZipFile(folder / name, "w") as packed:
        for file in sorted(path.parent.glob(f"{path.stem}.*")):
            packed.write(file, f"delivered/2018/{file.name}")
    return folder / name


def metres(inventory):
    return inventory.landslides.geometry.to_crs(UTM)


@pytest.mark.parametrize("name", ["a.shp", "a.gpkg", "a.geojson", "a.kml", "a.kmz", "zip"])
def test_every_format_gives_the_same_ground(tmp_path, name):
    path = tmp_path / ("a.shp" if name == "zip" else name)
    written(path, frame([*WITHIN, HOLED]) if path.suffix in (".shp", ".gpkg") else frame([*WITHIN, HOLED]).to_crs(4326))
    found = read_inventory(zipped(path, tmp_path) if name == "zip" else path)
    assert isinstance(found, Inventory)
    assert (found.report.read, found.report.polygons, found.report.points, found.report.holes) == (3, 3, 0, 1)
    assert found.report.mended == found.report.empty == found.report.duplicates == 0
    np.testing.assert_allclose(metres(found).area, [120_000, 40_000, 720_000], rtol=1e-5)
    np.testing.assert_allclose(metres(found).total_bounds, [EAST, NORTH, EAST + 1200, NORTH + 2900], atol=0.02)


def test_areas_are_those_on_the_ellipsoid(tmp_path):
    found = read_inventory(written(tmp_path / "a.geojson", frame().to_crs(4326)))
    area, _ = Geod(ellps="WGS84").geometry_area_perimeter(found.landslides.geometry.iloc[0])
    assert abs(area) == pytest.approx(120_000, rel=1e-3)  # UTM's scale, squared


def test_what_is_broken_is_mended_and_counted(tmp_path):
    flat_line = Polygon([(EAST, NORTH), (EAST + 10, NORTH), (EAST + 20, NORTH), (EAST, NORTH)])
    shapes = [BOWTIE, WITHIN[0], WITHIN[0].reverse(), None, Polygon(), flat_line, HOLED]
    found = read_inventory(written(tmp_path / "a.gpkg", frame(shapes)))
    assert found.landslides.geometry.is_valid.all()
    assert found.landslides.index.tolist() == [0, 1, 6]
    np.testing.assert_allclose(metres(found).area, [5000, 120_000, 720_000])
    report = found.report
    assert (report.read, report.polygons, report.mended, report.duplicates, report.empty, report.holes) == (
        7,
        3,
        1,
        1,
        3,
        1,
    )
    assert report.summary == (
        "7 features read: 3 outlines and 0 points, 0 dated; 1 mended; 3 empty, left out; 1 twice, left out; "
        "1 holes kept"
    )


def test_rings_that_are_not_closed_and_heights(tmp_path):
    rings = [
        [[[142.0, 42.6, 5], [142.01, 42.6, 5], [142.01, 42.61, 5]]],
        [[[142, 42, 0], [142.1, 42, 0], [142, 42.1, 0], [142, 42, 0]]],
    ]
    features = [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": r}} for r in rings]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = read_inventory(tmp_path / "a.geojson")
    assert (found.report.mended, found.report.flattened, found.report.polygons) == (1, 2, 2)
    assert not found.landslides.geometry.has_z.any()
    assert found.landslides.geometry.iloc[0].area == pytest.approx(0.01 * 0.01 / 2)


KML = """<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>
<Folder><name>north</name><Placemark><name>1</name><TimeStamp><when>2018-09-06</when></TimeStamp><Polygon><outerBoundaryIs>
<LinearRing><coordinates>142,42.6,10 142.01,42.6,12 142.01,42.61,14 142,42.6,10</coordinates></LinearRing>
</outerBoundaryIs></Polygon></Placemark></Folder>
<Folder><name>south</name><Placemark><MultiGeometry><Point><coordinates>142.2,42.5,0</coordinates></Point><Polygon>
<outerBoundaryIs><LinearRing><coordinates>142.1,42.5 142.11,42.5 142.11,42.51 142.1,42.5</coordinates></LinearRing>
</outerBoundaryIs></Polygon></MultiGeometry></Placemark></Folder></Document></kml>"""


def test_all_folders_of_a_kml_its_dates_and_its_mixed_shapes(tmp_path):
    (tmp_path / "a.kml").write_text(KML)
    found = read_inventory(tmp_path / "a.kml")
    assert len(found) == 2
    assert (found.report.polygons, found.report.dated, found.report.flattened) == (2, 1, 2)
    assert found.landslides["date"].iloc[0] == pd.Timestamp("2018-09-06", tz="UTC")
    assert len(read_inventory(tmp_path / "a.kml", layer="south")) == 1


def test_points_keep_their_radius(tmp_path):
    points = written(
        tmp_path / "a.geojson", frame([Point(142, 42), shapely.MultiPoint([(143, 42), (144, 42)])], crs=4326)
    )
    assert read_inventory(points).radius_m is None
    found = read_inventory(points, radius_m=60)
    assert (found.report.points, found.report.polygons, found.radius_m) == (2, 0, 60)
    with pytest.raises(ParameterError, match=r"A radius of 0 m for the points of a.geojson: give metres above 0"):
        read_inventory(points, radius_m=0)


def test_one_of_several_layers_or_files_is_chosen(tmp_path):
    path = tmp_path / "a.gpkg"
    for number, layer in enumerate(("before", "after")):
        frame(WITHIN[: number + 1]).to_file(path, layer=layer)
    with pytest.raises(ParameterError, match=r"a.gpkg has the layers before, after: name the one to read as layer"):
        read_inventory(path)
    assert len(read_inventory(path, layer="after")) == 2
    with pytest.raises(ParameterError, match=r"a.gpkg has no layer 'during': it has before, after"):
        read_inventory(path, layer="during")
    packed = zipped(path, tmp_path)
    assert len(read_inventory(packed, layer="after")) == 2
    with zipfile.ZipFile(packed, "a") as more:
        more.writestr("b.kml", KML)
    with pytest.raises(ParameterError, match=r"holds a, b: name the one to read as layer"):
        read_inventory(packed)
    assert len(read_inventory(packed, layer="b")) == 2


def test_a_system_is_stated_by_the_file_or_given(tmp_path):
    bare = written(tmp_path / "a.shp", frame(crs=None))
    with pytest.raises(
        NoGeoreference, match=r"a.shp states no coordinate reference system .*: give crs, such as EPSG:4326"
    ):
        read_inventory(bare)
    assert read_inventory(bare, crs=UTM).landslides.crs == UTM
    with pytest.raises(
        NoGeoreference, match=r"a.shp is in WGS 84, but its coordinates reach 4.7203e.06, which is no degree"
    ):
        read_inventory(bare, crs=4326)
    with pytest.raises(ParameterError, match=r"'EPSG:0' is no reference system"):
        read_inventory(bare, crs="EPSG:0")
    stated = written(tmp_path / "b.shp", frame())
    assert read_inventory(stated, crs=UTM).landslides.crs == UTM
    with pytest.raises(
        ParameterError, match=r"b.shp states WGS 84 / UTM zone 54N, and crs says .*zone 55N: leave crs out"
    ):
        read_inventory(stated, crs="EPSG:32655")


def test_geojson_in_metres_without_a_system(tmp_path):
    corners = shapely.get_coordinates(WITHIN[0]).tolist()
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [corners]}}
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(NoGeoreference, match=r"which is no degree: give the system they are in as crs"):
        read_inventory(tmp_path / "a.geojson")
    assert metres(read_inventory(tmp_path / "a.geojson", crs=UTM)).area.iloc[0] == pytest.approx(120_000)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Event_Date", ["2018-09-05", None]),
        ("date", [20180905, 0]),
        ("DATE", ["5 Sep 2018", ""]),
        ("ls_date", ["2018/09/05", "unknown"]),
        ("time", pd.to_datetime(["2018-09-05", None])),
    ],
)
def test_dates_are_found_by_the_names_of_columns(tmp_path, name, values):
    found = read_inventory(written(tmp_path / "a.gpkg", frame(**{name: values, "mapped_on": ["2020-01-01"] * 2})))
    assert found.landslides["date"].iloc[0] == pd.Timestamp("2018-09-05", tz="UTC")
    assert found.landslides["date"].isna().tolist() == [False, True]
    assert found.report.dated == 1


def test_dates_of_a_column_named_so_that_cannot_be_read_are_not_passed_over_in_silence(tmp_path):
    path = written(tmp_path / "a.gpkg", frame(date=["13.02.2001", "14.02.2001"]))
    with pytest.warns(UserWarning, match=r"no date can be read in column date, such as '13.02.2001': taken as undated"):
        assert read_inventory(path).report.dated == 0
    assert read_inventory(path, date_column="date", date_format="%d.%m.%Y").report.dated == 2


def test_dates_that_can_be_read_in_two_ways_need_their_form(tmp_path):
    path = written(tmp_path / "a.gpkg", frame(when=["05/09/2018", "06/09/2018"]))
    assert read_inventory(path).report.dated == 0
    with pytest.raises(
        ParameterError, match=r"no date can be read in column when, such as '05/09/2018': state date_format"
    ):
        read_inventory(path, date_column="when")
    with pytest.raises(ParameterError, match=r"a.gpkg has no column 'day': it has when"):
        read_inventory(path, date_column="day")
    found = read_inventory(path, date_column="when", date_format="%d/%m/%Y")
    assert found.landslides["date"].dt.month.tolist() == [9, 9]


def test_only_what_slid_between_the_images_is_kept():
    days = ["2018-08-31", "2018-09-01", "2018-09-13", "2018-09-14", "2018-09-13T12:00:00", None]
    shapes = [shapely.transform(WITHIN[0], lambda place, n=n: place + np.array([2000 * n, 0])) for n in range(6)]
    inventory = inventory_of(frame(shapes, date=days))
    kept = select_dates(inventory, "2018-09-01", "2018-09-13")
    assert kept.landslides.index.tolist() == [1, 2, 4, 5]
    assert (kept.report.polygons, kept.report.dated, kept.report.other_dates) == (4, 3, 2)
    assert "2 of another date, left out" in kept.report.summary
    exact = select_dates(inventory, "2018-09-01T20:41:00", "2018-09-13T08:00:00")
    assert exact.landslides.index.tolist() == [1, 2, 5]  # a day is kept where a part of it lies between
    with pytest.raises(
        InventoryError,
        match=r"The 5 landslides of the frame are of 2018-08-31 to 2018-09-14, and the images of 2021-08-05",
    ):
        select_dates(inventory_of(frame(shapes[:5], date=days[:5])), "2021-08-05", "2021-08-17")
    assert len(select_dates(inventory, "2021-08-05", "2021-08-17")) == 1  # its date is not known
    assert len(select_dates(inventory_of(frame()), "2021-08-05", "2021-08-17")) == 2
    with pytest.raises(ParameterError, match=r"the reference is the earlier image"):
        select_dates(inventory, "2018-09-13", "2018-09-01")
    with pytest.raises(ParameterError, match=r"'soon' is no date"):
        select_dates(inventory, "soon", "2018-09-01")


def test_dates_are_checked_as_the_file_is_read(tmp_path):
    path = written(tmp_path / "a.gpkg", frame(date=["2018-09-05", "2018-10-05"]))
    assert len(read_inventory(path, dates=("2018-09-01", "2018-09-13"))) == 1
    with pytest.raises(InventoryError, match=r"a.gpkg are of 2018-09-05 to 2018-10-05, and the images of 2019"):
        read_inventory(path, dates=("2019-09-01", "2019-09-13"))


def test_by_its_day_an_inventory_of_every_published_case_lies_between_its_images():
    """By its day alone: at Iburi the image of that day was taken 2.6 hours after the earthquake."""
    times = pd.read_csv(ROOT / "data" / "events.csv").set_index("event_id")["time"]
    pairs = pd.read_csv(ROOT / "data" / "landslide_pairs.csv").set_index("event_id")
    assert len(pairs) == 20
    for name, pair in pairs.iterrows():
        inventory = inventory_of(frame(WITHIN[:1], date=[pd.Timestamp(times[name]).normalize()]))
        assert len(select_dates(inventory, pair["reference"], pair["secondary"])) == 1
    exact = inventory_of(frame(WITHIN[:1], date=[times["20180905-iburi-landslides"]]))
    with pytest.raises(InventoryError, match=r"are of 2018-09-05, and the images of 2018-09-05 and"):
        select_dates(exact, "2018-09-05T20:41:00", "2018-09-17")


def test_lines_are_refused(tmp_path):
    path = written(tmp_path / "a.gpkg", frame([LineString([(EAST, NORTH), (EAST + 9, NORTH)]), WITHIN[0]]))
    with pytest.raises(
        InventoryError, match=r"a.gpkg holds lines \(1 LineString\), and a line has no ground that slid"
    ):
        read_inventory(path)
    with pytest.raises(InventoryError, match=r"1 LineString"):
        inventory_of(frame([shapely.GeometryCollection([WITHIN[0], LineString([(0, 0), (1, 1)])])]))


def test_multipolygons_count_once():
    found = inventory_of(frame([MultiPolygon(WITHIN)]))
    assert (len(found), found.report.polygons) == (1, 1)


@pytest.mark.parametrize("name", ["a.shp", "a.geojson", "a.gpkg"])
def test_an_empty_file(tmp_path, name):
    path = written(tmp_path / name, frame(crs=4326).iloc[:0])
    with pytest.raises(InventoryError, match=f"{name} is empty: it has no feature"):
        read_inventory(path)


def test_a_file_whose_features_have_no_ground(tmp_path):
    path = written(tmp_path / "a.geojson", frame([None, None], crs=4326))
    with pytest.raises(InventoryError, match=r"a.geojson is empty: none of its 2 features has ground"):
        read_inventory(path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.geojson", b'{"type": "FeatureColl', "it may be truncated"),
        ("a.kml", KML[:300].encode(), "it may be truncated"),
        ("a.kmz", b"PK\x03\x04", "it may be truncated"),
        ("a.shp", b"hello", "A shapefile needs its .shx and .dbf beside it"),
        ("a.gpkg", b"SQLite format 3\0" + bytes(100), "it may be truncated"),
        (
            "a.shp",
            b"\0\0\x27\x0a" + bytes(20) + b"\0\0\1\0" + bytes(100),
            r"is truncated: it holds 128 of the 512 bytes it",
        ),
        ("a.zip", b"PK\x03\x04", "cannot be read as a zip"),
        ("a.txt", b"outline", "is no inventory that can be read: give one of .shp, .kml"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_stated_error(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(FileFormatError, match=said) as raised:
        read_inventory(tmp_path / name)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("packed", [False, True])
def test_a_shapefile_cut_short_is_not_read_in_part(tmp_path, packed):
    path = written(tmp_path / "a.shp", frame())
    path.write_bytes(path.read_bytes()[:-90])
    with pytest.raises(FileFormatError, match=r"is truncated: it holds \d+ of the \d+ bytes it states; get it again"):
        read_inventory(zipped(path, tmp_path) if packed else path)


def test_a_kml_without_a_placemark(tmp_path):
    (tmp_path / "a.kml").write_text(KML[: KML.index("<Folder>")] + "</Document></kml>")
    with pytest.raises(InventoryError, match=r"a.kml is empty: it has no layer with geometry"):
        read_inventory(tmp_path / "a.kml")


def test_files_that_lack_something(tmp_path):
    with pytest.raises(FileFormatError, match=r"No inventory at"):
        read_inventory(tmp_path / "nowhere.shp")
    alone = written(tmp_path / "a.shp", frame())
    alone.with_suffix(".shx").unlink()
    with pytest.raises(FileFormatError, match=r"A shapefile needs its .shx and .dbf beside it"):
        read_inventory(alone)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as packed:
        packed.writestr("readme.txt", "none")
    with pytest.raises(FileFormatError, match=r"holds no inventory .*: its files are readme.txt"):
        read_inventory(tmp_path / "b.zip")
