"""SNAP through the command line, on products whose content is known: what it is asked for, and what it is told."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from conftest import stopped
from epi.cli.options import GOLDSTEIN, SPACING, WINDOW, whole
from epi.insar import product
from epi.insar.engines.native import Choices
from epi.insar.slc.safe import read_image
from epi.insar.topsar.interferogram import looks_for
from snap_stand_in import install
from snap_writers import WGS84, Made, Raw, write_netcdf
from tiny_safe import Tiny

STAMP = "16Sep2023_28Sep2023"
FREQUENCY = 5405.000454334349  # MHz


@dataclass(frozen=True)
class Named(Tiny):
    """A small product whose name says its polarisation, as SNAP's band names need."""

    @property
    def name(self) -> str:
        return super().name.replace(
            "1SDV", f"1S{'S' if len(self.polarisations) == 1 else 'D'}{self.polarisations[0][0]}"
        )


def both(folder, **facts):
    """Two dates of one track."""
    early = Named(**({"subswaths": ("IW1",), "polarisations": ("VV",)} | facts))
    late = replace(early, node="2023-09-28T05:56:47.407340", orbit_number=50524, data_take=399000)
    return [one.write(folder) for one in (early, late)]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two dates of IW1 in VV."""
    return both(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Two dates of IW1 and IW2 in HH and HV."""
    return both(tmp_path_factory.mktemp("two"), subswaths=("IW1", "IW2"), polarisations=("HH", "HV"))


@pytest.fixture
def snap(tmp_path, monkeypatch):
    """A stand-in for gpt whose last stage is a displacement on a map."""
    home = install(tmp_path / "snap" / "bin", monkeypatch)
    (home / "phase").write_text(f"Phase_ifg_IW1_VV_{STAMP}")
    facts = {"is_terrain_corrected": True, "radar_frequency": FREQUENCY, "PASS": "DESCENDING", "REL_ORBIT": 52}
    facts |= {"PRODUCT": "EARLY", "first_line_time": datetime(2023, 9, 16, 6, 37, 31), "centre_heading": 190.0}
    later = {"PRODUCT": "LATE", "first_line_time": datetime(2023, 9, 28, 6, 37, 31)}
    rows, columns = np.mgrid[:6, :8].astype("f4")
    bands = {f"i_ifg_IW1_VV_{STAMP}": np.cos(rows), f"q_ifg_IW1_VV_{STAMP}": np.sin(rows)}
    bands |= {"displacement_VV": 0.01 + 0.001 * columns, "incidenceAngleFromEllipsoid": 35 + 0 * rows}
    made = Made(
        bands={name: Raw(values.astype("f4")) for name, values in bands.items()},
        wkt=WGS84,
        transform=(0.001, 0.0, 0.0, -0.001, 45.0, 34.0),
        metadata={"Abstracted_Metadata": facts, "Slave_Metadata": {"LATE_Orb": later}},
    )
    write_netcdf(home / "whole.nc", made).rename(home / "whole")
    return home


def given(folder: Path, operator: str, name: str) -> set[str]:
    """Return every value a parameter of an operator has in the graphs of a folder."""
    roots = [ElementTree.parse(path).getroot() for path in folder.glob("*.xml")]
    nodes = [node for root in roots for node in root.iter("node") if node.findtext("operator") == operator]
    return {node.findtext(f"parameters/{name}") for node in nodes}


# ----------------------------------------------------------------------------------------------------- interferogram


@pytest.mark.parametrize("version", ["10.0.0", "12.0.0", "14.0.0"])
def test_the_snap_that_is_here_is_the_one_the_graphs_are_for(says, snap, pair, tmp_path, version):
    (snap / "version").write_text(version)
    out = tmp_path / "o.nc"
    code, said, err = says("interferogram", *pair, "--engine", "snap", "--out", out, "--json")
    assert code == 0, err
    (facts,) = json.loads(said)["results"]
    assert (facts["engine"], facts["reference"], facts["secondary"], facts["track"]) == ("snap", "EARLY", "LATE", 52)
    made = product.load(out)
    np.testing.assert_allclose(made["los_displacement"][0], 0.01 + 0.001 * np.arange(8), atol=1e-6)
    adaptive = given(tmp_path / "o.snap", "GoldsteinPhaseFiltering", "useAdaptiveAlpha")
    assert adaptive == ({"false"} if version == "14.0.0" else {None})


def test_what_is_asked_reaches_the_graphs(says, snap, pair, tmp_path):
    dem = tmp_path / "heights.tif"
    dem.write_bytes(b"heights")
    asked = ["--window", "5x25", "--spacing", "60", "--goldstein", "0.3", "--bursts", "2-3", "--wrapped", "--dem", dem]
    code, _, err = says("interferogram", *pair, "--engine", "snap", *asked, "--out", tmp_path / "o.nc")
    assert code == 0, err
    folder = tmp_path / "o.snap"
    for operator in ("Back-Geocoding", "Interferogram", "Terrain-Correction"):
        assert given(folder, operator, "demName") == {"External DEM"}
        assert given(folder, operator, "externalDEMFile") == {str(dem)}
    assert [given(folder, "Interferogram", name) for name in ("cohWinAz", "cohWinRg")] == [{"5"}, {"25"}]
    assert [given(folder, "TOPSAR-Split", f"{end}BurstIndex") for end in ("first", "last")] == [{"2"}, {"3"}]
    assert given(folder, "Terrain-Correction", "pixelSpacingInMeter") == {"60.0"}
    assert given(folder, "GoldsteinPhaseFiltering", "alpha") == {"0.3"}
    assert [given(folder, "Multilook", f"n{way}Looks") for way in ("Az", "Rg")] == [{str(n)} for n in expected(pair)]
    assert not list(folder.glob("*_export.xml"))


def expected(pair):
    """Looks that the native engine takes for pixels of 60 m; not those of SNAP's usual 30 m."""
    looks = looks_for(read_image(pair[0], "IW1", "VV"), 60.0)
    assert looks != looks_for(read_image(pair[0], "IW1", "VV"), 30.0)
    return looks


def test_snap_makes_one_subswath_a_run_in_the_polarisation_there_is(says, snap, wide, tmp_path):
    out = ["--wrapped", "--out", tmp_path / "o.nc"]
    stopped(
        says("interferogram", *wide, "--engine", "snap", *out),
        "ParameterError: SNAP makes one subswath a run, and here are IW1, IW2: choose one with --subswath.",
    )
    assert not (tmp_path / "o.snap").exists()
    code, _, err = says("interferogram", *wide, "--engine", "snap", "--subswath", "IW2", *out)
    assert code == 0, err
    assert given(tmp_path / "o.snap", "TOPSAR-Split", "subswath") == {"IW2"}
    assert given(tmp_path / "o.snap", "TOPSAR-Split", "selectedPolarisations") == {"HH"}


def test_a_failing_stage_is_one_line_and_no_product(says, snap, pair, tmp_path):
    (snap / "plan").write_text(json.dumps({"coregister": "crash"}))
    answer = says("interferogram", *pair, "--engine", "snap", "--out", tmp_path / "o.nc")
    stopped(answer, "RunError: 03_iw1_coregister: SNAP failed (exit 1): Error: [NodeId: Back-Geocoding]")
    assert not (tmp_path / "o.nc").exists()


def test_nothing_is_written_where_nothing_can_be_done(says, snap, pair, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()
    ask = ["interferogram", *pair, "--engine", "snap", "--out", out / "o.nc"]
    stopped(says(*ask, "--dem", tmp_path / "no.tif"), f"FileFormatError: {tmp_path / 'no.tif'} is not there")
    stopped(says(*ask, "--bursts", "2-4"), "ParameterError: Bursts 2 to 4 of IW1")
    stopped(says(*ask, "--subswath", "IW3"), "ParameterError: Subswath IW3 in VV is not in every product")
    stopped(says(*ask, "--goldstein", "-1"), "ParameterError: A Goldstein exponent of -1")
    stopped(says(*ask, "--heights", "ellipsoid"), "ParameterError: --heights ellipsoid is for the native engine")
    for option, value in (
        ("orbits", tmp_path),
        ("water", tmp_path / "sea.tif"),
        ("water-value", 80),
        ("void-height", 0),
    ):
        stopped(says(*ask, f"--{option}", value), f"ParameterError: --{option} is for the native engine")
    stopped(says(*ask[:1], *reversed(pair), *ask[3:]), "PairError: ")
    (snap / "version").write_text("9.0.0")
    stopped(says(*ask), "ParameterError: SNAP version 9 is not known; known are 10, 11, 12, 13, 14")
    (snap / "gpt").unlink()
    monkeypatch.setenv("PATH", str(snap))
    stopped(says(*ask), "MissingPackage: SNAP's gpt was not found")
    assert list(out.iterdir()) == []


# -------------------------------------------------------------------------------------------------------- snap-graph


def test_graphs_are_for_what_both_products_have(says, pair, wide, tmp_path):
    assert says("snap-graph", *pair, "--out", tmp_path / "one")[0] == 0
    assert given(tmp_path / "one", "TOPSAR-Split", "subswath") == {"IW1"}
    assert given(tmp_path / "one", "TOPSAR-Split", "selectedPolarisations") == {"VV"}
    asked = ["--preset", "copernicus-netcdf", "--out", tmp_path / "two"]
    assert says("snap-graph", *wide, *asked)[0] == 0
    assert given(tmp_path / "two", "TOPSAR-Split", "subswath") == {"IW1", "IW2"}
    assert given(tmp_path / "two", "TOPSAR-Split", "selectedPolarisations") == {"HH"}
    cross = says("snap-graph", *wide, "--polarisation", "HV", "--out", tmp_path / "cross")
    assert cross[0] == 0, cross
    assert given(tmp_path / "cross", "TOPSAR-Split", "selectedPolarisations") == {"HV"}
    no = tmp_path / "no"
    stopped(says("snap-graph", *wide, "--polarisation", "VV", "--out", no), "PairError: The products share no subswath")
    stopped(says("snap-graph", *wide, "--subswath", "IW3", "--out", no), "ParameterError: Subswath IW3 in HH")
    stopped(says("snap-graph", *wide, "--bursts", "3-4", "--out", no), "ParameterError: Bursts 3 to 4 of IW1")
    assert not no.exists()


def chain(folder):
    """Return what graphs say of the map, the window, the filter, and the looks, in range and azimuth."""
    asked = [("Terrain-Correction", "pixelSpacingInMeter"), ("GoldsteinPhaseFiltering", "alpha")]
    asked += [("Interferogram", name) for name in ("cohWinAz", "cohWinRg")]
    asked += [("Multilook", name) for name in ("nRgLooks", "nAzLooks")]
    return [given(folder, *each) for each in asked]


def test_the_graphs_are_the_chain_that_the_other_command_runs(says, snap, pair, tmp_path):
    for number, asked in enumerate(([], ["--spacing", "60", "--window", "5x25", "--goldstein", "0.3"])):
        run, written = tmp_path / f"{number}.nc", tmp_path / str(number)
        assert says("interferogram", *pair, "--engine", "snap", *asked, "--out", run)[0] == 0
        assert says("snap-graph", *pair, *asked, "--out", written)[0] == 0
        assert chain(written) == chain(run.with_suffix(".snap"))
    assert chain(tmp_path / "0")[:4] == [{"50.0"}, {"0.5"}, {"4"}, {"20"}]
    assert says("snap-graph", *pair, "--goldstein", "0", "--out", tmp_path / "plain")[0] == 0
    assert not list((tmp_path / "plain").glob("*goldstein*"))
    stopped(says("snap-graph", *pair, "--goldstein", "2", "--out", tmp_path / "no"), "ParameterError: A Goldstein exp")


def test_the_commands_defaults_are_the_native_engines():
    assert Choices() == Choices(spacing_m=SPACING, window=whole(WINDOW, "x", "--window"), goldstein=GOLDSTEIN)


def test_a_preset_keeps_its_values_unless_others_are_stated(says, pair, tmp_path):
    asked = ["snap-graph", *pair, "--preset", "copernicus-netcdf"]
    assert says(*asked, "--out", tmp_path / "own")[0] == 0
    assert chain(tmp_path / "own") == [{"30.0"}, {"1.0"}, {"10"}, {"10"}, {"8"}, {"2"}]
    assert says(*asked, "--goldstein", "0.5", "--window", "4x20", "--out", tmp_path / "stated")[0] == 0
    assert chain(tmp_path / "stated") == [{"30.0"}, {"0.5"}, {"4"}, {"20"}, {"8"}, {"2"}]
    assert says(*asked, "--spacing", "50", "--out", tmp_path / "wide")[0] == 0
    azimuth, ground = looks_for(read_image(pair[0], "IW1", "VV"), 50.0)
    assert chain(tmp_path / "wide") == [{"50.0"}, {"1.0"}, {"10"}, {"10"}, {str(ground)}, {str(azimuth)}]


def test_an_elevation_model_is_a_file_or_one_that_snap_has(says, pair, tmp_path):
    heights = tmp_path / "heights.tif"
    heights.write_bytes(b"heights")
    for number, (asked, names, files) in enumerate(
        [("ACE30", {"ACE30"}, {None}), (heights, {"External DEM"}, {str(heights)})]
    ):
        out = tmp_path / str(number)
        code, _, err = says("snap-graph", *pair, "--dem", asked, "--out", out)
        assert code == 0, err
        for operator in ("Back-Geocoding", "Interferogram", "Terrain-Correction"):
            assert given(out, operator, "demName") == names
            assert given(out, operator, "externalDEMFile") == files
    for wrong in ("SRTM 2Sec", "External DEM", tmp_path / "no.tif", tmp_path):
        stopped(
            says("snap-graph", *pair, "--dem", wrong, "--out", tmp_path / "no"),
            f"ParameterError: --dem {wrong}: there is no such file, and SNAP has no elevation model of this name; it "
            "has: Copernicus 30m Global DEM, Copernicus 90m Global DEM, SRTM 3Sec, ",
        )
    assert not (tmp_path / "no").exists()


def test_a_single_burst_is_not_for_snap(says, tmp_path):
    early = Named(subswaths=("IW1",), polarisations=("VV",))
    late = replace(early, node="2023-09-28T05:56:47.407340", orbit_number=50524, data_take=399000)
    bursts = []
    for name, one in (("early", early), ("late", late)):
        (tmp_path / name).mkdir()
        bursts.append(one.write_burst(tmp_path / name, 0))
    answer = says("snap-graph", *bursts, "--out", tmp_path / "graphs")
    stopped(answer, f"ParameterError: {bursts[0].name} is one burst")
    assert not (tmp_path / "graphs").exists()


def test_graphs_of_an_earlier_call_do_not_stay(says, wide, tmp_path):
    out = tmp_path / "graphs"
    assert says("snap-graph", *wide, "--out", out)[0] == 0
    before = {path.name for path in out.iterdir()}
    for kept in ("mine.xml", "11_notes.xml", "11_iw2_reference.xml.txt", "01_iw1_reference/product.dim"):
        (out / kept).parent.mkdir(exist_ok=True)
        (out / kept).write_text("mine")
    code, said, _ = says("snap-graph", *wide, "--subswath", "IW2", "--out", out, "--json")
    assert code == 0
    written = {Path(result["file"]).name for result in json.loads(said)["results"]}
    assert before - written
    kept = {"mine.xml", "11_notes.xml", "11_iw2_reference.xml.txt", "01_iw1_reference"}
    assert {path.name for path in out.iterdir()} == written | kept
    assert (out / "01_iw1_reference" / "product.dim").read_text() == "mine"
