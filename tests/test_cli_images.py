"""The commands that start from two SLC products, as their callers meet them."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from conftest import stopped
from epi.catalogue import find_event
from epi.insar import product
from epi.simulate.slc.pair import simulate_pair


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
