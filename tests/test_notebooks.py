"""The chapters: each has the shape every chapter has, and each found what there was to find."""

import json
import re
from io import StringIO
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import Geod

from conftest import ROOT
from epi import patches
from epi.book import render
from epi.catalogue import find_event
from epi.insar import product
from epi.notebook import read_parameters
from epi.run import DEFAULT_EVENT, OUTPUTS, run_event
from epi.runfolder import RunFolder

CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
COMMON = {  # parameters that mean the same in every chapter that has them
    "event_id": ("str", DEFAULT_EVENT),
    "run_folder": ("str", f"runs/{DEFAULT_EVENT}"),
    "source": ("str", "simulated"),
    "reader": ("dict", {}),
    "profile": ("str", "quick"),
    "seed": ("int", 20210303),
}
HEADINGS = ["## Exercise", "## Summary", "## Next", "## References"]
LONGEST_CELL = 15
FORBIDDEN = {
    "path of a machine": r"(?<![\w.])/(home|root|work|tmp|Users|mnt|opt)/|[A-Z]:\\",
    "prompt": r"\b(input|getpass)\(",
    "change of folder": r"os\.chdir|%cd\b",
    "shell": r"^\s*[!%]",
    "credential": r"(?i)(password|api_key|token)\s*=\s*[\"']",
    "leftover": r"\b(TODO|FIXME|XXX)\b",
}


@pytest.fixture(params=CHAPTERS, ids=lambda path: path.stem)
def chapter(request) -> Path:
    return request.param


@pytest.fixture
def cells(chapter) -> list[nbformat.NotebookNode]:
    return jupytext.read(chapter).cells


def test_a_chapter_opens_with_what_it_teaches(cells):
    first = cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    for promise in ("**You will learn**", "**Prerequisites**", "**Run time**"):
        assert promise in first.source
    assert first.source.count("\n* ") == 3
    assert "parameters" in cells[1].metadata.get("tags", [])
    assert cells[2].cell_type == "code"
    assert re.match(r"(import|from) ", cells[2].source)


def test_a_chapter_closes_with_exercise_summary_next_and_references(cells):
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = [line.strip() for line in text.splitlines() if line.strip() in HEADINGS]
    assert found == HEADINGS
    folded = any({"hide-cell", "hide-input"} & set(cell.metadata.get("tags", [])) for cell in cells)
    assert folded or ":class: dropdown" in text or "{dropdown}" in text


def test_cells_are_short_and_commented_defaults_are_typed(chapter, cells):
    code = [cell for cell in cells if cell.cell_type == "code"]
    for cell in code:
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert len(lines) <= LONGEST_CELL, cell.source
    parameters = read_parameters(chapter)
    for name, (annotation, default) in COMMON.items():
        if name in parameters:
            assert (parameters[name].annotation, parameters[name].default) == (annotation, default)
    for line in cells[1].source.splitlines():
        assert re.fullmatch(r"\w+: .+ = .+  # .+", line)


@pytest.mark.parametrize("what", FORBIDDEN)
def test_a_chapter_holds_nothing_of_one_machine_or_one_person(cells, what):
    for cell in cells:
        assert not re.search(FORBIDDEN[what], cell.source, flags=re.MULTILINE), cell.source


def test_a_chapter_says_which_kernel_and_keeps_no_outputs(chapter, cells):
    assert jupytext.read(chapter).metadata["kernelspec"]["name"] == "python3"
    assert not any(cell.get("outputs") for cell in cells)
    assert chapter.read_text().startswith("# ---\n")


def test_an_executed_chapter_is_whole_quiet_and_shows_something(chapter, default_run):
    step = default_run.steps[chapter.stem]
    for file in OUTPUTS.get(chapter.name[:2], ()):
        assert file.rstrip("?") in step.outputs
    executed = nbformat.read(default_run.path / f"{chapter.stem}.ipynb", as_version=4)
    code = [cell for cell in executed.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    outputs = [output for cell in code for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert not [output.text for output in outputs if output.get("name") == "stderr"]
    assert any("image/png" in output.get("data", {}) for output in outputs)
    said = "".join(output.get("text", "") for output in outputs)
    assert not re.search(FORBIDDEN["path of a machine"], said)


def test_an_executed_chapter_is_its_source(chapter, default_run):
    executed = nbformat.read(default_run.path / f"{chapter.stem}.ipynb", as_version=4)
    assert [cell.source for cell in executed.cells] == [cell.source for cell in jupytext.read(chapter).cells]


def test_every_file_of_a_run_has_a_record(default_run):
    there = {path.name for path in default_run.path.iterdir() if not path.name.startswith(".")}
    recorded = {file for step in default_run.steps.values() for file in step.outputs}
    assert there == recorded | {"run.json"}


def read(run: RunFolder, name: str) -> dict:
    return json.loads((run.path / name).read_text())


def test_chapter_01_hands_on_the_event_of_the_catalogue(default_run):
    assert read(default_run, "event.json") == find_event(DEFAULT_EVENT).to_dict()


def test_chapter_02_finds_the_pair_of_the_published_interferogram(default_run):
    found = read(default_run, "pairs.json")
    assert found["event"] == read(default_run, "event.json")
    best = found["pairs"][0]
    assert (best["track"], best["direction"], best["simulated"]) == (102, "ascending", True)
    assert best["reference"]["start"][:10] == "2021-02-25"
    assert best["secondary"]["start"][:10] == "2021-03-03"
    assert {pair["direction"] for pair in found["pairs"]} == {"ascending", "descending"}
    for pair in found["pairs"]:
        assert pair["reference"]["start"] < found["event"]["time"] < pair["secondary"]["start"]
    assert found["rejected"]
    assert all(scene["reason"] for scene in found["rejected"])


def test_chapter_03_recovers_the_displacement_that_was_put_in(default_run):
    scene = product.load(default_run.path / "scene.nc")
    truth = product.load(default_run.path / "truth.nc")
    true = truth["los_displacement"]
    assert 0.2 < float(abs(true).max()) < 0.6  # the real one: 0.44 m
    left_over = (scene["los_displacement"] - true).to_numpy()
    left_over = left_over[np.isfinite(left_over)]
    assert left_over.size > 0.9 * true.size
    left_over -= np.median(left_over)
    assert left_over.std() < 0.02  # the air that was put in: 1 cm rms, and a ramp
    assert np.abs(left_over).max() < 0.07  # no patch is off by several fringes
    turns = product.wrap(scene["unwrapped_phase"] - scene["phase"])
    assert float(abs(turns).max()) < 1e-3  # whole turns were added, nothing else


def test_chapter_05_cuts_patches_that_lie_and_look_as_their_rows_say(default_run):
    scene = product.load(default_run.path / "scene.nc")
    truth = product.load(default_run.path / "truth.nc").attrs
    pieces = patches.read(default_run.path)
    assert len(pieces) >= 4
    agree = []
    for number, row in pieces.table.iterrows():
        azimuth, _, metres = Geod(ellps="WGS84").inv(
            row["center_lon"], row["center_lat"], truth["centroid_longitude"], truth["centroid_latitude"]
        )
        offset = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))]) * metres / 1000
        assert np.allclose(offset, [row["offset_east_km"], row["offset_north_km"]], atol=0.01)
        angle = np.angle(pieces.band("i")[number] + 1j * pieces.band("q")[number])
        line = (np.arange(len(angle)) + 0.5) / len(angle) - 0.5  # north is up, east is right
        east = xr.DataArray(1000 * (row["center_east_km"] + line * row["size_km"]), dims="column")
        north = xr.DataArray(1000 * (row["center_north_km"] - line * row["size_km"]), dims="row")
        there = scene["phase"].sel(x=east, y=north, method="nearest").transpose("row", "column").to_numpy()
        agree.append(np.nanmean(np.cos(angle - there)))
    assert min(agree) > 0.8


def test_chapter_07_finds_the_source_that_was_put_in(default_run):
    truth = product.load(default_run.path / "truth.nc").attrs
    centroid = np.array([truth["centroid_east_km"], truth["centroid_north_km"]])
    physics, network = read(default_run, "location.json")["results"]
    assert (physics["method"], network["method"]) == ("physics", "network")
    misses = [float(np.hypot(*([each["east_km"], each["north_km"]] - centroid))) for each in (physics, network)]
    assert misses[0] < physics["ellipse_km"][0] < 5
    assert misses[1] < network["ellipse_km"][0] < 51.2  # inside its ellipse, which is no wider than a patch
    assert physics["visible"]
    assert abs(physics["magnitude"] - truth["magnitude"]) < 0.15
    assert abs(physics["depth_km"] - truth["centroid_depth_km"]) < 2.5


@pytest.mark.xfail(strict=True, reason="1.8 km: within the ellipse, but farther than it was with even slip")
def test_chapter_07_finds_the_simulated_centroid_within_1500_m(default_run):
    truth = product.load(default_run.path / "truth.nc").attrs
    physics, _ = read(default_run, "location.json")["results"]
    apart = physics["east_km"] - truth["centroid_east_km"], physics["north_km"] - truth["centroid_north_km"]
    assert np.hypot(*apart) < 1.5


@pytest.fixture(scope="module")
def real_run(shared_data, tmp_path_factory):
    """The whole chain on the real interferogram of Thessaly, wrapped."""
    source = shared_data / "scenes" / "thessaly_2021" / "greece.diff"
    stated = {"quantity": "wrapped", "units": "rad", "positive": "away", "incidence": 33.6, "heading": -13.5}
    return run_event(DEFAULT_EVENT, source=str(source), reader=stated, runs=tmp_path_factory.mktemp("real"))


def test_the_chain_finds_the_real_earthquake(real_run):
    physics, network = read(real_run, "location.json")["results"]
    away = np.hypot(physics["east_km"] - 0.15, physics["north_km"] + 0.15)  # the published fit of one fault
    assert away < 1.0
    assert away < physics["ellipse_km"][0] < 5
    assert physics["visible"]
    assert not {"latitude", "longitude"} & {*physics, *network}
    assert not (real_run.path / "truth.nc").exists()
    assert product.load(real_run.path / "scene.nc").attrs.get("engine") != "simulated"
    assert real_run.redone == [path.stem for path in CHAPTERS]


def test_the_real_run_is_quiet_and_makes_a_book(real_run, tmp_path):
    pages = render(real_run.path, out=tmp_path / "pages", strict=True).parent
    for chapter in CHAPTERS:
        executed = nbformat.read(real_run.path / f"{chapter.stem}.ipynb", as_version=4)
        outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
        assert not [output.text for output in outputs if output.get("name") == "stderr"]
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        page = (pages / "chapters" / f"{chapter.stem}.html").read_text(encoding="utf-8")
        shown = set(re.findall(r'src="\.\./(_images/[^"]+\.png)"', page))
        assert len(shown) == figures > 0
        assert all((pages / image).is_file() for image in shown)
    assert "greece.diff" in (pages / "chapters" / "03_interferogram.html").read_text(encoding="utf-8")


def test_chapter_07_reports_a_network_that_learned_something(default_run):
    tables = [
        pd.read_html(StringIO(output["data"]["text/html"]), index_col=0)[0].T.droplevel(1).T
        for cell in nbformat.read(default_run.path / "07_epicentre.ipynb", as_version=4).cells
        for output in cell.get("outputs", [])
        if ">median_km<" in output.get("data", {}).get("text/html", "")
    ]
    by_patch, by_scene = (table["median_km"] for table in tables)
    free = ["copy the centre", "constant (training median)", "nearest neighbour"]  # from wrapped phase, as the network
    assert by_patch["network"] < by_patch[free].min()
    assert "largest |LOS| (unwrapped)" in by_patch
    assert by_scene.idxmin() == "network"
