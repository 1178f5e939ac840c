"""Every form an archive answers in gives the same scene; what a record lacks stays unknown."""

import json
from dataclasses import replace

import pandas as pd
import pytest
import yaml

from epi.catalogue import Scene, find_event, perpendicular_baseline, read_scenes, scene_from_name
from epi.catalogue.images.scenes import track_of
from epi.catalogue.pairs.bursts import bursts_over
from epi.errors import FileFormatError
from epi.settings import settings

THESIS_REFERENCE = "S1A_IW_SLC__1SDV_20180106T025411_20180106T025439_020028_0221F4_0110"


def test_a_product_name_says_platform_times_polarisations_and_track():
    scene = scene_from_name(THESIS_REFERENCE)
    assert (scene.platform, scene.mode, scene.level, scene.polarisations) == ("S1A", "IW", "SLC", ("VV", "VH"))
    assert scene.start == pd.Timestamp("2018-01-06T02:54:11Z")
    assert scene.stop == pd.Timestamp("2018-01-06T02:54:39Z")
    assert scene.track == 6
    assert scene.footprint is None
    with pytest.raises(FileFormatError, match="not a Sentinel-1 product name"):
        scene_from_name("LC08_L1TP_190034_20180106")


def test_the_track_repeats_every_175_orbits():
    assert track_of("S1A", 73) == 1
    assert track_of("S1B", 27) == 1
    assert all(track_of("S1A", orbit) == track_of("S1A", orbit + 175) for orbit in range(20_000, 20_175))
    assert track_of("S2A", 100) is None


def test_shipped_scenes_agree_with_their_own_names():
    scenes = read_scenes()
    assert len(scenes) >= 10
    for scene in scenes:
        named = scene_from_name(scene.name)
        assert (scene.platform, scene.track, scene.polarisations) == (named.platform, named.track, named.polarisations)
        assert abs(scene.start - named.start) <= pd.Timedelta(seconds=1)
        assert scene.url.endswith(f"{scene.name}.zip")
        assert len(scene.md5) == 32
        assert scene.bytes > 1e9
        assert scene.footprint.is_valid
        assert not scene.simulated
        assert Scene.from_dict(json.loads(json.dumps(scene.to_dict()))).to_dict() == scene.to_dict()


@pytest.mark.parametrize(
    ("name", "count", "tracks"),
    [
        ("frame_9847_asf_results.json", 463, {64}),
        ("frame_13403_asf_results.json", 382, {86, 87}),
        ("frame_13404_asf_results.json", 192, {87}),
    ],
)
def test_archive_answers_are_read_whole(shared_data, name, count, tracks):
    scenes = read_scenes(shared_data / "asf" / name)
    assert len(scenes) == count
    assert {scene.track for scene in scenes} == tracks
    assert all(scene.track == scene_from_name(scene.name).track for scene in scenes)
    assert {scene.direction for scene in scenes} == {"ascending"}
    assert {scene.level for scene in scenes} == {"SLC"}


def test_a_feature_collection_and_a_bare_list_say_the_same(shared_data, tmp_path):
    source = shared_data / "asf" / "frame_13404_asf_results.json"
    wrapped = tmp_path / "answer.geojson"
    wrapped.write_text(json.dumps({"type": "FeatureCollection", "features": json.loads(source.read_text())}))
    assert [s.to_dict() for s in read_scenes(wrapped)] == [s.to_dict() for s in read_scenes(source)]


def test_the_umm_part_alone_gives_the_same_scene(shared_data, tmp_path):
    source = shared_data / "asf" / "Fairbanks_S1_stack.yml"
    records = yaml.safe_load(source.read_text())
    bare = tmp_path / "cmr.json"
    bare.write_text(json.dumps({"items": [{"umm": record["umm"]} for record in records]}))
    for whole, part in zip(read_scenes(source), read_scenes(bare), strict=True):
        for field in ("name", "platform", "track", "frame", "direction", "polarisations", "mode", "level", "md5"):
            assert getattr(part, field) == getattr(whole, field), field
        assert abs(part.start - whole.start) < pd.Timedelta(seconds=1)
        assert part.footprint.equals(whole.footprint)


def test_bursts_detected_products_and_state_vectors(shared_data):
    [burst] = read_scenes(shared_data / "asf" / "SLC_BURST.yml")
    assert (burst.level, burst.burst, burst.direction, burst.frame) == ("BURST", "174_372326_IW3", "descending", None)
    assert burst.platform == "S1B"
    assert burst.state.positions.shape == burst.state.velocities.shape == (2, 3)
    detected = read_scenes(shared_data / "asf" / "S1_baseline_stack.yml")
    assert {scene.level for scene in detected} == {"GRD"}
    assert all(scene.state is None for scene in detected)


def test_a_missing_direction_is_taken_from_the_orbit(shared_data):
    [scene] = read_scenes(shared_data / "asf" / "Fairbanks_SLC_Incomplete_Meta.yml")
    assert scene.state is not None
    assert scene.state.velocities[0, 2] > 0
    assert scene.direction == "ascending"
    incomplete = read_scenes(shared_data / "asf" / "Fairbanks_S1_stack_preprocessed_incomplete.yml")
    assert [scene.state is None for scene in incomplete].count(True) == 2


def test_what_a_record_lacks_comes_from_its_name_or_stays_unknown(tmp_path):
    path = tmp_path / "sparse.json"
    path.write_text(json.dumps([{"properties": {"sceneName": THESIS_REFERENCE, "frameNumber": "None"}}]))
    [scene] = read_scenes(path)
    assert (scene.track, scene.polarisations, scene.level) == (6, ("VV", "VH"), "SLC")
    assert scene.frame is scene.direction is scene.footprint is scene.bytes is None
    assert scene.to_dict()["footprint"] is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "holds no scenes"),
        ("a.json", "[]", "holds no archive record"),
        ("a.json", '{"features": []}', "holds no archive record"),
        ("a.json", '[{"properties": {"sceneName": "X"}}]', "record 1 of .* has no start time"),
        ("a.json", '[{"properties": {}}]', "record 1 of .* has no name"),
        ("a.json", '[{"properties": {"sceneName": "X", "startTime": "soon"}}]', "record 1 of .* cannot be read"),
        (
            "a.json",
            '[{"properties": {"sceneName": "X", "startTime": "2020-01-01", "bytes": "many"}}]',
            "cannot be read",
        ),
        (
            "a.json",
            '[{"properties": {"sceneName": "X", "startTime": "2020-01-01"}, "geometry": {"coordinates": [1]}}]',
            "record 1 of .* cannot be read",
        ),
        ("a.json", '{"value": [{"Name": "X.SAFE", "ContentDate": {}}]}', "record 1 of .* has no start time"),
        ("a.yml", "a: [", "holds no scenes"),
        ("a.csv", "name,start\nx,2020-01-01\n", r"a\.csv, line 1: no column platform and no column stop"),
        ("a.csv", "", "is not a CSV table: it is empty"),
    ],
)
def test_what_is_no_answer_is_refused(tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(FileFormatError, match=message):
        read_scenes(tmp_path / name)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("footprint", "POLYGON ((0 1, 2", "'POLYGON ((0 1, 2' is no WKT"),
        ("footprint", "POINT (0 1)", "Point is no area"),
        ("start", "soon", "'soon' is no time"),
        ("start", "", "no time"),
        ("stop", "2016-05-19T00:00:00Z", "'2016-05-19T00:00:00Z' is before the start"),
        ("node", "noon", "'noon' is no time"),
        ("track", "sixty-four", "'sixty-four' is no number"),
        ("track", "176", "'176' is outside 1 to 175"),
        ("bytes", "many", "'many' is no number"),
        ("direction", "north", "'north' is neither ascending nor descending"),
        ("name", "", "no name"),
    ],
)
def test_a_fault_in_a_table_is_named_by_line_and_column(tmp_path, column, value, message):
    table = pd.read_csv(settings().data / "scenes.csv", dtype=str).assign(node="")
    table.loc[2, column] = value
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(FileFormatError) as caught:
        read_scenes(tmp_path / "a.csv")
    assert str(caught.value).startswith(f"{tmp_path / 'a.csv'}, line 4, column {column}: {message}")
    with (tmp_path / "a.csv").open("a") as stream:
        stream.write("one,cell,too,few\n")
    with pytest.raises(FileFormatError, match="line 14: 4 cells under 15 columns"):
        read_scenes(tmp_path / "a.csv")


def test_a_scene_keeps_its_node_its_version_and_its_orbit(shared_data, tmp_path):
    """A burst is named by the time of the node, a baseline computed from the orbit: both from a run's pairs.json."""
    scenes = read_scenes(shared_data / "asf" / "Fairbanks_S1_stack.yml")
    again = [Scene.from_dict(json.loads(json.dumps(scene.to_dict()))) for scene in scenes]
    assert [scene.node for scene in again] == [scene.node for scene in scenes] != [None] * 3
    assert [scene.version for scene in again] == [scene.version for scene in scenes]
    assert perpendicular_baseline(again[0], again[1]) == perpendicular_baseline(scenes[0], scenes[1]) != 0
    place = scenes[0].footprint.centroid
    event = replace(find_event("20160610-borrego-springs"), latitude=place.y, longitude=place.x)
    names = [burst.name for burst in bursts_over(again[0], event, 10)]
    assert names == [burst.name for burst in bursts_over(scenes[0], event, 10)]
    assert names
    assert all(names)
    rows = pd.DataFrame([scene.to_dict() for scene in scenes]).drop(columns="state")
    rows.to_csv(tmp_path / "a.csv", index=False)
    assert [scene.node for scene in read_scenes(tmp_path / "a.csv")] == [scene.node for scene in scenes]


def test_an_address_in_place_of_a_file_is_not_shown(says):
    for command in ("pairs", "download"):
        code, out, err = says(command, "20210303-thessaly", "--scenes", "https://me:pl4nted@127.0.0.1:9/answer.json")
        assert (code, out) == (1, "")
        assert err == (
            "FileFormatError: An address is no file of scenes: name an archive to ask (asf, cdse), or a saved answer.\n"
        )


def test_an_absent_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No scenes at"):
        read_scenes(tmp_path / "absent.json")
