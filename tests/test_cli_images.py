"""The commands that start from two SLC products, as their callers meet them."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Transformer
from rasterio import Affine

from conftest import stopped
from epi.catalogue import find_event
from epi.insar import product
from epi.insar.geometry.terrain import flat_dem, read_dem, write_dem
from epi.simulate.slc.pair import simulate_pair
from tiny_safe import Tiny, write_orbit_file


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two small products over Thessaly."""
    folder = tmp_path_factory.mktemp("pair")
    return simulate_pair(find_event("20210303-thessaly"), folder, seed=6, bursts=1, samples=700, lines=500)


def test_two_products_become_a_displacement(says, pair, tmp_path):
    out = tmp_path / "made.nc"
    code, said, err = says("interferogram", pair.reference, pair.secondary, "--dem", pair.dem, "--out", out, "--json")
    assert code == 0, err
    (facts,) = json.loads(said)["results"]
    assert (facts["subswath"], facts["track"], facts["spacing_m"]) == ("IW1", 102, 50)
    made = product.load(out)
    assert np.isfinite(made["los_displacement"]).mean() == pytest.approx(facts["valid_fraction"], abs=0.2)
    assert "IW1: burst 1 of 1" in err


def test_the_orbits_taken_from_a_folder_are_said(says, pair, tmp_path, monkeypatch):
    asked = ["interferogram", pair.reference, pair.secondary, "--dem", pair.dem, "--wrapped"]
    code, _, err = says(*asked, "--out", tmp_path / "own.nc")
    assert (code, "orbits taken" in err) == (0, False)
    made = product.load(tmp_path / "own.nc").assign_attrs(orbits="POEORB one.EOF; RESORB other.EOF")
    monkeypatch.setattr("epi.insar.engines.native.interferogram", lambda *_, **__: made)
    code, _, err = says(*asked, "--orbits", tmp_path, "--out", tmp_path / "made.nc")
    assert code == 0, err
    assert "orbits taken: POEORB one.EOF; RESORB other.EOF" in err


def test_a_zip_is_read_from_within(says, pair, tmp_path):
    zipped = []
    for folder in (pair.reference, pair.secondary):
        path = tmp_path / f"{folder.stem}.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder.parent))
        zipped.append(path)
    before = sorted(tmp_path.iterdir())
    asked = ["--dem", pair.dem, "--wrapped", "--goldstein", "0", "--spacing", "60"]
    assert says("interferogram", *zipped, *asked, "--out", tmp_path / "zip.nc")[0] == 0
    assert says("interferogram", pair.reference, pair.secondary, *asked, "--out", tmp_path / "folder.nc")[0] == 0
    assert sorted(path for path in tmp_path.iterdir() if path.suffix != ".nc") == before
    one, other = product.load(tmp_path / "zip.nc"), product.load(tmp_path / "folder.nc")
    np.testing.assert_array_equal(one["i"], other["i"])

    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(zipped[0].read_bytes()[: zipped[0].stat().st_size // 2])
    stopped(says("interferogram", damaged, zipped[1], *asked, "--out", tmp_path / "x.nc"), "FileFormatError: ")
    assert not (tmp_path / "x.nc").exists()


def test_bad_input_is_one_line(says, pair, tmp_path):
    out = ["--out", tmp_path / "made.nc"]
    dem = ["--dem", pair.dem]
    both = [pair.reference, pair.secondary]
    stopped(says("interferogram", *reversed(both), *dem, *out), "PairError: The reference ")
    stopped(says("interferogram", tmp_path / "no.SAFE", both[1], *dem, *out), "FileFormatError: ")
    stopped(says("interferogram", *both, "--dem", tmp_path / "no.tif", *out), "FileFormatError: ")
    stopped(says("interferogram", *both, *dem, "--subswath", "IW3", *out), "ParameterError: ")
    stopped(says("interferogram", *both, *dem, "--polarisation", "HH", *out), "PairError: ")
    stopped(says("interferogram", *both, *dem, "--bursts", "2-4", *out), "ParameterError: Bursts 2 to 4 of IW1")
    stopped(says("interferogram", *both, *dem, "--spacing", "1", *out), "ParameterError: ")
    stopped(says("interferogram", *both, *dem, "--slice", both[0], *out), "PairError: ")
    stopped(says("interferogram", *both, *dem, "--engine", "snap", "--orbits", tmp_path, *out), "ParameterError: ")
    stopped(says("interferogram", *both, *dem, "--out", tmp_path / "made.tif"), "ParameterError: --out ")
    stopped(says("interferogram", *both, *dem, "--orbits", tmp_path / "none", *out), "OrbitError: ")
    stopped(says("interferogram", *both, *dem, "--fetch-orbits", *out), "ParameterError: --fetch-orbits needs")
    assert says("interferogram", *both, *dem, "--bursts", "two", *out)[0] == 2
    assert list(tmp_path.iterdir()) == []


EARLY = Tiny(subswaths=("IW1",), polarisations=("VV",))
LATE = replace(EARLY, node="2023-09-28T05:56:47.407340", orbit_number=50524, data_take=399000)


def part(place):
    """Make a fault: half of each file that fits is lost."""

    def fault(folder):
        for path in folder.glob(place):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return fault


def gone(place):
    """Make a fault: each file that fits is missing."""
    return lambda folder: [path.unlink() for path in folder.glob(place)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (part("measurement/*"), "FileFormatError: The pixels in .* cannot be read"),
        (gone("measurement/*"), "FileFormatError: .* has no pixels of IW1 VV .* the product is incomplete"),
        (part("annotation/*"), "FileFormatError: .* cannot be read .* download it again"),
        (gone("annotation/*"), "FileFormatError: .* has no annotation/.* the product is incomplete"),
        (gone("manifest.safe"), "FileFormatError: .* has no manifest.safe"),
    ],
    ids=["pixels cut", "no pixels", "annotation cut", "no annotation", "no manifest"],
)
def test_a_damaged_product_is_one_line_and_no_file(says, tmp_path, fault, words):
    early, late = EARLY.write(tmp_path / "early"), LATE.write(tmp_path / "late")
    fault(late)
    without_a_product(says, [early, late], tmp_path, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "GRD"}, "FileFormatError: .* is a product of type GRD, mode IW: an interferogram needs an IW SLC"),
        ({"mode": "EW"}, "FileFormatError: .* is a product of type SLC, mode EW: an interferogram needs an IW SLC"),
        ({"track": 53}, r"PairError: .* differ in track \(52, 53\)"),
        ({"direction": "Ascending"}, r"PairError: .* differ in direction \(descending, ascending\)"),
        ({"first_burst": EARLY.first_burst + 50}, "PairError: .* have no common burst in IW1"),
        ({"polarisations": ("VH",)}, r"PairError: The products share no polarisation \(VV, VH\)"),
        ({"subswaths": ("IW2",)}, "PairError: The products share no subswath in VV"),
        ({"node": EARLY.node}, "PairError: .* are of one passage"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_two_products_that_are_no_pair_are_one_line(says, tmp_path, change, words):
    both = [EARLY.write(tmp_path / "early"), replace(LATE, **change).write(tmp_path / "late")]
    without_a_product(says, both, tmp_path, words)


def without_a_product(says, both, tmp_path, words, *options):
    """Check that a command ends in one line and leaves its folder empty."""
    out = tmp_path / "out" / "made.nc"
    dem = write_dem(flat_dem((-98.0, 9.8, -97.4, 10.5)), tmp_path / "dem.tif")
    code, said, err = says("interferogram", *both, "--dem", dem, "--out", out, *options)
    assert (code, said) == (1, "")
    assert re.match(words, err.splitlines()[-1]), err
    assert "Traceback" not in err
    assert list(out.parent.iterdir()) == []


def test_orbit_files_that_do_not_fit_are_one_line(says, tmp_path):
    both = [EARLY.write(tmp_path / "early"), LATE.write(tmp_path / "late")]
    write_orbit_file(tmp_path / "other", start="2023-09-10T05:30:00")
    without_a_product(says, both, tmp_path, "OrbitError: No file in .*other covers", "--orbits", tmp_path / "other")
    path = write_orbit_file(tmp_path / "cut")
    path.write_text(path.read_text()[:2000])
    words = "FileFormatError: .* is not a readable orbit file"
    without_a_product(says, both, tmp_path, words, "--orbits", tmp_path / "cut")


def test_a_burst_smaller_than_a_pixel_is_one_line(says, tmp_path):
    both = [EARLY.write(tmp_path / "early"), LATE.write(tmp_path / "late")]
    without_a_product(says, both, tmp_path, "ParameterError: 40 lines x 60 samples are less than one pixel of")


def test_a_terrain_that_does_not_serve_is_one_line(says, pair, tmp_path):
    with rasterio.open(pair.dem) as ds:
        bounds = tuple(ds.bounds)
    whole = read_dem(pair.dem, bounds=bounds)
    holed = whole.heights.copy()
    row, column = (size // 2 for size in holed.shape)
    holed[row - 10 : row + 10, column - 10 : column + 10] = np.nan
    wrong = {
        "elsewhere": (replace(whole, west=whole.west + 10), "DemError: .* which is nothing of"),
        "half": (replace(whole, heights=whole.heights[:, ::2].copy()), "DemError: The DEM .* has no height for"),
        "holed": (replace(whole, heights=holed), "DemError: .* 400 nodes without data"),
        "empty": (replace(whole, heights=np.full_like(holed, np.nan)), "DemError: .* no height at all"),
    }
    out = tmp_path / "out" / "made.nc"
    for name, (dem, words) in wrong.items():
        path = write_dem(dem, tmp_path / f"{name}.tif")
        code, _, err = says("interferogram", pair.reference, pair.secondary, "--dem", path, "--out", out)
        assert code == 1
        assert re.match(words, err.splitlines()[-1]), err
        assert list(out.parent.iterdir()) == []


def test_a_full_disk_is_one_line_and_no_product(says, pair, tmp_path, monkeypatch):
    def on_full_disk(dir, prefix, suffix):
        path = Path(dir) / f"{prefix}full{suffix}"
        path.symlink_to("/dev/full")
        return os.open(path, os.O_RDWR), str(path)

    monkeypatch.setattr("epi.storage.mkstemp", on_full_disk)
    out = tmp_path / "out" / "made.nc"
    answer = says("interferogram", pair.reference, pair.secondary, "--dem", pair.dem, "--wrapped", "--out", out)
    stopped(answer, f"StorageError: No space left to write {out}")
    assert list(out.parent.iterdir()) == []


def test_a_scene_near_the_pole_lies_on_a_polar_map(says, tmp_path):
    event = replace(find_event("20210303-thessaly"), latitude=84.5, longitude=20.0)
    made = simulate_pair(event, tmp_path / "pair", seed=1, bursts=1, samples=500, lines=300)
    out = tmp_path / "made.nc"
    asked = [made.reference, made.secondary, "--dem", made.dem, "--wrapped", "--out", out]
    assert says("interferogram", *asked)[0] == 0
    ds = product.load(out)
    crs = product.crs_of(ds)
    assert crs.to_epsg() == 32661
    east, north = ds["x"].to_numpy().mean(), ds["y"].to_numpy().mean()
    longitude, latitude = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(east, north)
    assert (latitude, longitude) == (pytest.approx(84.5, abs=0.1), pytest.approx(20.0, abs=1.0))
    assert ds["valid"].to_numpy().mean() > 0.3


def test_a_measurement_with_a_hole_is_noticed(says, pair, tmp_path):
    copy = tmp_path / pair.secondary.name
    shutil.copytree(pair.secondary, copy)
    tiff = next((copy / "measurement").glob("*.tiff"))
    content = bytearray(tiff.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 5000] = bytes(5000)
    tiff.write_bytes(content)
    asked = [pair.reference, copy, "--dem", pair.dem, "--out", tmp_path / "made.nc"]
    stopped(says("interferogram", *asked), "FileFormatError: ")
    assert not (tmp_path / "made.nc").exists()


def test_water_is_marked_and_left_out(says, pair, tmp_path):
    mask, out = tmp_path / "water.tif", tmp_path / "made.nc"
    values = np.zeros((200, 200), dtype="uint8")
    values[:, :100] = 80
    with rasterio.open(pair.dem) as dem:
        west, south, east, north = dem.bounds
    place = Affine((east - west) / 200, 0.0, west, 0.0, (south - north) / 200, north)
    shape = {"height": 200, "width": 200, "count": 1, "dtype": "uint8", "crs": "EPSG:4326", "transform": place}
    with rasterio.open(mask, "w", driver="GTiff", **shape) as file:
        file.write(values, 1)
    asked = ["--dem", pair.dem, "--water", mask, "--water-value", "80", "--out", out]
    code, _, err = says("interferogram", pair.reference, pair.secondary, *asked)
    assert code == 0, err
    made = product.load(out)
    water = made["water"].to_numpy()
    assert 0 < water[made["valid"].to_numpy()].mean() < 1
    assert np.isnan(made["los_displacement"].to_numpy()[water]).all()
    assert np.isfinite(made["phase"].to_numpy()[water & made["valid"].to_numpy()]).all()


def test_a_killed_engine_leaves_nothing_to_trust(pair, tmp_path):
    out = tmp_path / "made.nc"
    program = "import sys; from epi.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "interferogram", pair.reference, pair.secondary]
    command += ["--dem", pair.dem, "--out", out]
    process = subprocess.Popen([str(word) for word in command], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "burst 1" in line:
            break
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not out.exists()


def test_graphs_for_snap_are_written(says, pair, tmp_path):
    out = tmp_path / "graphs"
    asked = ["--subswath", "IW1", "--snap-version", "13", "--out", out]
    code, said, err = says("snap-graph", pair.reference, pair.secondary, *asked, "--json")
    assert code == 0, err
    files = [result["file"] for result in json.loads(said)["results"]]
    assert sorted(path.name for path in out.iterdir()) == sorted(file.rpartition("/")[2] for file in files)
    assert files[-1].endswith("run.sh")
    assert any("Back-Geocoding" in path.read_text() for path in out.glob("*.xml"))
    shutil.rmtree(out)
    stopped(
        says("snap-graph", pair.reference, pair.secondary, "--dem", "SRTM", "--subswath", "IW1", "--out", out),
        "ParameterError: ",
    )
    assert not out.exists()
