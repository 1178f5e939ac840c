"""The command line: what it prints where, and how it says what went wrong."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Geod
from rasterio.transform import Affine

from epi import doctor as doctor_module
from epi.catalogue.online.credentials import COPERNICUS
from epi.doctor import Finding
from epi.insar import product
from epi.runfolder import versions
from epi.settings import Settings

POINTS = "lon,lat,los,e,n,u\n" + "\n".join(
    f"{22 + i * 0.02},{39.5 + j * 0.02},{0.01 * i},-0.61,-0.14,0.78" for i in range(6) for j in range(6)
)


def refused(answer: tuple[int, str, str], beginning: str) -> None:
    """Check that an answer is a stated error: exit 1, one line, no traceback, nothing on stdout."""
    code, out, err = answer
    assert code == 1
    assert out == ""
    lines = [line for line in err.splitlines() if not line.startswith("Warning: ")]
    assert len(lines) == 1, err
    assert lines[0].startswith(beginning)


def test_help_needs_no_library():
    program = "import sys, epi.cli; print([m for m in ('torch', 'pandas', 'numpy', 'papermill') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"


@pytest.mark.parametrize("command", ["events", "pairs", "download", "locate", "detect", "run", "book", "doctor"])
def test_every_command_has_help_and_json(says, command):
    code, out, _ = says(command, "--help")
    assert code == 0
    assert "--json" in out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["events", "--box", "1,2,3"],
        ["events", "--since", "yesterday"],
        ["pairs"],
        ["locate"],
        ["locate", "x.tif", "--units", "furlongs"],
        ["run", "20210303-thessaly", "-p", "seed"],
        ["run", "20210303-thessaly", "--profile", "quik"],
    ],
)
def test_wrong_usage_exits_with_2(says, arguments):
    code, out, err = says(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_events_as_lines_and_as_json(says):
    code, out, _ = says("events")
    assert code == 0
    assert any(line.startswith("20210303-thessaly ") and "39.7546 N" in line for line in out.splitlines())
    code, out, _ = says("events", "--json", "--min-magnitude", 6, "--box", "21,39,23,41", "--since", "2020-01-01")
    assert [event["event_id"] for event in json.loads(out)["results"]] == ["20210303-thessaly"]
    code, out, _ = says("events", "--json", "--min-magnitude", 9)
    assert (code, json.loads(out)) == (0, {"results": []})


def test_unknown_numbers_are_null_in_json(says):
    _, out, _ = says("events", "--json")
    unknown = next(e for e in json.loads(out)["results"] if e["event_id"] == "20160610-borrego-springs")
    assert unknown["strike"] is None


def test_pairs_bracket_the_event_and_explain_the_rest(says):
    code, out, _ = says("pairs", "20210303-thessaly", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["results"]
    for pair in answer["results"]:
        assert pair["reference"]["start"] < "2021-03-03T10:16" < pair["secondary"]["start"]
        assert pair["simulated"]
        assert pair["reason"]
    assert all(scene["reason"] for scene in answer["rejected"])
    code, out, _ = says("pairs", "20210303-thessaly", "--explain")
    assert code == 0
    assert out.count("rejected  ") == len(answer["rejected"])


def test_a_calendar_is_said_to_be_one(says):
    code, out, err = says("pairs", "20210303-thessaly")
    assert code == 0
    assert err.count("Simulated calendar: ") == 1
    assert out.count("(simulated)") == out.count("\n  track ") > 0
    code, out, err = says("pairs", "20160610-borrego-springs")
    assert "imulated" not in out + err


def test_what_bursts_do_not_save_is_said(says):
    assert "which saves nothing" in says("pairs", "20161113-kaikoura")[1]
    assert "saves nothing" not in says("pairs", "20160610-borrego-springs")[1]
    refused(says("pairs", "20160610-borrego-springs", "--bursts"), "ParameterError: --bursts asks an archive")


def test_a_long_list_of_rejected_images_is_counted(says, shared_data):
    file = shared_data / "asf" / "frame_9847_asf_results.json"
    _, out, _ = says("pairs", "20160610-borrego-springs", "--scenes", file, "--explain")
    rejected = [line for line in out.splitlines() if line.startswith("rejected  ")]
    assert len(rejected) == 3
    assert rejected[0].startswith("rejected  459 images, such as S1")
    assert "outside the window" in rejected[0]
    _, out, _ = says("pairs", "20160610-borrego-springs", "--scenes", file, "--json")
    assert len(json.loads(out)["rejected"]) == 461


def test_no_pair_is_an_error_that_names_the_way_out(says):
    code, _, err = says("pairs", "20210303-thessaly", "--days", 0.1, "--json")
    assert code == 1
    assert "NoPairFound: " in err
    assert "--days" in err


def ellipses_away(found: dict, truth: dict) -> float:
    """How far off the true centroid is, in semi-axes of the 95 % ellipse."""
    place = [found["longitude"], found["latitude"], truth["centroid_longitude"], truth["centroid_latitude"]]
    bearing, _, metres = Geod(ellps="WGS84").inv(*place)
    major, minor, azimuth = found["ellipse_km"]
    turn = np.deg2rad(bearing - azimuth)
    return float(np.hypot(metres * np.cos(turn) / major, metres * np.sin(turn) / minor) / 1000)


def test_a_source_is_located_where_it_was_put(says, default_run):
    scene = default_run.path / "scene.nc"
    code, out, err = says("locate", scene, "--method", "both", "--event", "20210303-thessaly", "--json")
    assert code == 0, err
    physics, network, both = json.loads(out)["results"]
    truth = product.load(default_run.path / "truth.nc").attrs
    assert [each["method"] for each in (physics, network, both)] == ["physics", "network", "both"]
    for found, near_km in ((physics, 1.5), (network, 3), (both, 1.5)):
        place = [found["longitude"], found["latitude"], truth["centroid_longitude"], truth["centroid_latitude"]]
        assert Geod(ellps="WGS84").inv(*place)[2] < 1000 * near_km
        assert found["event_id"] == "20210303-thessaly"
        from_catalogue = Geod(ellps="WGS84").inv(found["longitude"], found["latitude"], 22.1757, 39.7546)[2]
        assert found["km_from_catalogue"] == pytest.approx(from_catalogue / 1000, abs=0.1)
        major, minor, azimuth = found["ellipse_km"]
        assert 0 < minor <= major
        assert 0 <= azimuth < 360
        assert found["seconds"] > 0
    for found in (physics, both):
        assert ellipses_away(found, truth) < 1
    assert both["trust"] > 0.5
    assert both["depth_km"] == physics["depth_km"]
    assert both["seconds"] == pytest.approx(physics["seconds"] + network["seconds"])
    kept = json.loads((default_run.path / "both.json").read_text())["results"]
    assert [both[name] for name in ("east_km", "north_km")] == pytest.approx(
        [kept[0][name] for name in ("east_km", "north_km")], abs=0.6
    )
    assert abs(physics["magnitude"] - truth["magnitude"]) < 0.15
    assert abs(physics["depth_km"] - truth["centroid_depth_km"]) < 2.5
    assert 0.5 < physics["variance_reduction"] <= 1
    assert physics["visible"]
    assert network["visible"]
    assert abs(network["magnitude"] - truth["magnitude"]) < 0.5
    assert network["depth_km"] is network["variance_reduction"] is None
    kept = json.loads((default_run.path / "location.json").read_text())["results"]
    assert np.allclose(network["east_km"], kept[1]["east_km"], atol=0.05)

    code, out, _ = says("locate", scene, "--method", "network")
    assert code == 0
    assert f"network: {network['latitude']:.4f} N {network['longitude']:.4f} E" in out

    _, out, _ = says("locate", scene, scene, "--method", "network", "--json")
    (twice,) = json.loads(out)["results"]
    assert twice["patches"] == 2 * network["patches"]
    assert [twice[name] for name in ("east_km", "north_km")] == pytest.approx(
        [network[name] for name in ("east_km", "north_km")], abs=1.0
    )
    assert twice["ellipse_km"][0] < network["ellipse_km"][0]


@pytest.mark.xfail(
    strict=True, reason="1.15 semi-axes away: of 100 scenes, four or five lie outside, and so does this one"
)
def test_the_network_s_ellipse_holds_the_source(default_run):
    _, network = json.loads((default_run.path / "location.json").read_text())["results"]
    assert ellipses_away(network, product.load(default_run.path / "truth.nc").attrs) < 1


def test_a_network_needs_weights(says, tmp_path):
    (tmp_path / "points.csv").write_text(POINTS)
    points = tmp_path / "points.csv"
    given = ["--units", "m", "--method", "network", "--network", tmp_path / "network.safetensors"]
    refused(says("locate", points, *given), "FileFormatError: No network ")
    given[3] = "physics"
    refused(says("locate", points, *given), "ParameterError: --network was given, and --method physics asks no network")


def test_a_file_that_is_not_there(says):
    refused(says("locate", "nowhere.tif"), "FileFormatError: No file nowhere.tif")


def test_a_file_of_the_wrong_kind(says, tmp_path):
    (tmp_path / "notes.txt").write_text("Dear diary,\nthe ground moved today.\n")
    refused(says("locate", tmp_path / "notes.txt"), "FileFormatError: notes.txt holds no row of numbers")
    (tmp_path / "scene.nc").write_bytes(b"\x00\x01\x02 not a NetCDF file, whatever its name says")
    refused(says("locate", tmp_path / "scene.nc"), "FileFormatError: ")


def test_a_missing_unit_sign_or_look(says, tmp_path):
    (tmp_path / "points.csv").write_text(POINTS)
    refused(says("locate", tmp_path / "points.csv"), "MissingConvention: ")
    tif = geotiff(tmp_path / "los.tif", np.linspace(0, 1, 100).reshape(10, 10))
    refused(says("locate", tif), "MissingConvention: ")
    refused(says("locate", tif, "--quantity", "displacement", "--units", "m"), "MissingConvention: ")
    given = ["--quantity", "displacement", "--units", "m", "--positive", "toward"]
    refused(says("locate", tif, *given), "MissingConvention: ")


def test_an_empty_scene_and_one_without_a_place(says, tmp_path):
    given = ["--quantity", "displacement", "--units", "m", "--positive", "toward", "--pass", "ascending"]
    empty = geotiff(tmp_path / "empty.tif", np.full((10, 10), np.nan))
    refused(says("locate", empty, *given), "EmptyScene: ")
    nowhere = geotiff(tmp_path / "nowhere.tif", np.ones((10, 10)), crs=None)
    refused(says("locate", nowhere, *given), "NoGeoreference: ")


def test_a_source_is_read_before_the_first_chapter_runs(says, tmp_path):
    given = ["--quantity", "displacement", "--units", "m", "--positive", "toward", "--pass", "ascending"]
    empty = geotiff(tmp_path / "empty.tif", np.full((10, 10), np.nan))
    runs = ["--runs", tmp_path / "runs"]
    refused(says("run", "20210303-thessaly", "--source", empty, *runs, *given), "EmptyScene: ")
    refused(says("run", "20210303-thessaly", "--source", tmp_path / "x.tif", *runs), "FileFormatError: No file ")
    assert not (tmp_path / "runs").exists()


def geotiff(path: Path, values: np.ndarray, crs: str | None = "EPSG:32634") -> Path:
    place = {"transform": Affine(500.0, 0.0, 6e5, 0.0, -500.0, 4.4e6), "crs": crs}
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(values.astype("float32"), 1)
    return path


def test_coordinates_that_lie_outside_their_system(says, tmp_path):
    np.linspace(0.01, 1, 100, dtype="<f4").tofile(tmp_path / "local.unw")
    (tmp_path / "local.par").write_text(
        "ifg_width: 10\nifg_length: 10\ncorner_x: -5000\ncorner_y: -5000\nx_spacing: 1000\ny_spacing: 1000\n"
    )
    given = ["--quantity", "displacement", "--units", "m", "--positive", "away", "--pass", "ascending"]
    found = says("locate", tmp_path / "local.unw", *given, "--crs", "EPSG:32634")
    refused(found, "FileFormatError: local.unw spans 9000 m about latitude")
    refused(says("locate", tmp_path, *given), f"FileFormatError: No file {tmp_path}: it is a folder")


def test_an_unknown_event(says):
    refused(says("pairs", "20210303-thesaly"), "UnknownEvent: No event '20210303-thesaly'")
    refused(says("run", "20210303-thesaly"), "UnknownEvent: No event '20210303-thesaly'")
    refused(says("locate", "x.nc", "--event", "mars"), "UnknownEvent: No event 'mars'")


def test_a_misspelt_or_ill_typed_parameter(says, tmp_path):
    run = ["run", "20210303-thessaly", "--runs", tmp_path]
    refused(says(*run, "-p", "pixls=64"), "ParameterError: No parameter 'pixls': did you mean 'pixels'?")
    refused(says(*run, "-p", "seed=3"), "ParameterError: Parameter 'seed' has an option of its own")
    refused(says(*run, "-p", "profile=quick"), "ParameterError: Parameter 'profile' has an option of its own")
    refused(says(*run, "--units", "m"), "ParameterError: --units describes a file, but the source is simulated")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(says, tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "runs", "/proc/runs"):
        refused(says("run", "20210303-thessaly", "--runs", place), "StorageError: Cannot ")


def test_a_full_disk(says, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, os.strerror(28), str(tmp_path / "run.json"))

    monkeypatch.setattr("epi.runfolder.os.pwrite", full)
    answer = says("run", "20210303-thessaly", "--runs", tmp_path)
    refused(answer, f"StorageError: No space left to write {tmp_path / 'run.json'}")


def test_pages_of_nothing(says, tmp_path):
    refused(says("book", "--run", tmp_path), "RunError: Nothing has been run in")


def test_debug_shows_where_an_error_is_from(says):
    code, _, err = says("pairs", "mars", "--debug")
    assert code == 1
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("UnknownEvent: ")


def test_an_error_nobody_foresaw_is_one_line_too(says, monkeypatch):
    monkeypatch.setattr(doctor_module, "examine", lambda **_: 1 / 0)
    refused(says("doctor"), "Unexpected ZeroDivisionError: division by zero (--debug shows where)")


def test_json_stays_clean_whatever_a_library_prints():
    program = (
        "import os, sys, epi.doctor\n"
        "epi.doctor.examine = lambda **_: [os.write(1, b'from C'), print('from Python')] and []\n"
        "from epi.cli import main\n"
        "sys.exit(main(['doctor', '--json']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"results": []}
    assert "from C" in done.stderr
    assert "from Python" in done.stderr


def test_doctor_finds_what_the_tests_run_on(says):
    code, out, err = says("doctor", "--json")
    findings = {finding["name"]: finding for finding in json.loads(out)["results"]}
    assert code == 0, err
    for name in ("Python", "packages", "torch", "coastline", "run folder", "disk"):
        assert findings[name]["state"] == "ok"
    assert findings["SNAP"]["state"] in ("ok", "absent")
    assert all(finding["remedy"] for finding in findings.values() if finding["state"] != "ok")


def test_doctor_names_what_is_missing_and_the_remedy(says, monkeypatch):
    monkeypatch.setattr(doctor_module, "versions", lambda: dict.fromkeys(versions(), "0.0"))
    finding = doctor_module.packages()
    assert finding.state == "missing"
    assert "numpy 0.0 (pinned 2.4.6)" in finding.found
    broken = Finding("packages", "missing", "numpy 0.0 (pinned 2.4.6)", "pip install -e .")
    monkeypatch.setattr(doctor_module, "examine", lambda **_: [broken])
    code, out, err = says("doctor")
    assert code == 1
    assert "→ pip install -e ." in out
    assert err.startswith("MissingPackage: What the book needs is not all there: packages.")


def test_doctor_never_shows_a_password(monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine urs.earthdata.nasa.gov login somebody password secret\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    finding = doctor_module.credentials()
    assert finding.state == "ok"
    assert "secret" not in str(finding)
    assert "somebody" not in str(finding)
    (tmp_path / ".netrc").chmod(0o644)
    finding = doctor_module.credentials()
    assert finding.state == "absent"
    assert "chmod 600" in finding.remedy
    assert "secret" not in str(finding)


def test_doctor_says_where_downloads_go_and_what_they_need(monkeypatch, tmp_path):
    place = Settings(cache=tmp_path / "cache", tokens=tmp_path)
    for module in ("epi.doctor.settings", "epi.catalogue.online.credentials.settings"):
        monkeypatch.setattr(module, lambda: place)
    monkeypatch.setenv("HOME", str(tmp_path))
    for part in ("TOKEN", "USERNAME", "PASSWORD"):
        monkeypatch.delenv(f"CDSE_{part}", raising=False)
    finding = doctor_module.credentials(COPERNICUS)
    assert (finding.name, finding.state, finding.found) == ("Copernicus login", "absent", "none found")
    assert "CDSE_TOKEN" in finding.remedy
    assert str(tmp_path / "cdse.token") in finding.remedy
    (tmp_path / "cache").mkdir()
    with (tmp_path / "cache" / "scene.zip").open("wb") as stream:
        stream.truncate(200_000_000)
    assert "holds 0.2 GB" in doctor_module.cache().found
    (tmp_path / "file").touch()
    monkeypatch.setattr("epi.doctor.settings", lambda: Settings(cache=tmp_path / "file" / "cache"))
    assert (doctor_module.cache().state, doctor_module.cache().found[:7]) == ("absent", "Cannot ")


def test_doctor_asks_the_archives_only_when_told(monkeypatch):
    asked = []
    monkeypatch.setattr(doctor_module, "archive", lambda name, address: asked.append(name))
    doctor_module.examine()
    assert asked == []
    doctor_module.examine(online=True)
    assert len(asked) == len(doctor_module.ARCHIVES)
