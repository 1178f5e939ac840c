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
from pyproj import Geod, Transformer
from scipy.stats import binomtest, norm

from conftest import ROOT
from epi import patches
from epi.book import render
from epi.catalogue import find_event
from epi.insar import product
from epi.insar.slc.safe import open_safe
from epi.learn.detect import load_detector
from epi.learn.detect.judge import AIR_ALARMS
from epi.notebook import read_parameters
from epi.plots.differences import verdict
from epi.run import DEFAULT_EVENT, FOLDERS, OUTPUTS, run_event
from epi.runfolder import RunFolder
from epi.simulate import expected_phase

CHAPTERS = sorted((ROOT / "notebooks").glob("*.py"))
COMMON = {  # parameters that mean the same in every chapter that has them
    "event_id": ("str", DEFAULT_EVENT),
    "run_folder": ("str", f"runs/{DEFAULT_EVENT}"),
    "source": ("str", "simulated"),
    "reader": ("dict", {}),
    "profile": ("str", "quick"),
    "seed": ("int", 20210303),
}
ON_REQUEST = {"stack.nc?"}  # made only where a parameter asks for it
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
        assert (file.rstrip("?") in step.outputs) == (file not in ON_REQUEST)
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
    assert there == recorded | {"run.json"} | {folder for folders in FOLDERS.values() for folder in folders}


def outputs(run: RunFolder, name: str) -> list[nbformat.NotebookNode]:
    """Return what the cells of an executed chapter showed."""
    cells = nbformat.read(run.path / f"{name}.ipynb", as_version=4).cells
    return [output for cell in cells for output in cell.get("outputs", [])]


def said(run: RunFolder, name: str) -> str:
    """Return all that an executed chapter printed."""
    return "".join(output.get("text", "") for output in outputs(run, name))


def tables(run: RunFolder, name: str, *marks: str) -> list[pd.DataFrame]:
    """Return the tables of an executed chapter that hold each of the marks, a mark given twice the first two."""
    pages = [output.get("data", {}).get("text/html", "") for output in outputs(run, name)]
    found = []
    for mark in marks:
        number = next(n for n, page in enumerate(pages) if mark in page)
        found.append(pd.read_html(StringIO(pages.pop(number)), index_col=0)[0])
    return found


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


@pytest.fixture(scope="module")
def images(default_run) -> dict[str, Path]:
    """What chapter 3 simulated: two products, terrain and truth."""
    folder = default_run.path / "images"
    reference, secondary = sorted(folder.glob("*.SAFE"), key=lambda path: path.name.split("_")[5])
    named = {"reference": reference, "secondary": secondary}
    return named | {name: next(folder.glob(f"*_{name}.*")) for name in ("dem", "truth")}


def test_chapter_03_starts_from_two_products_of_the_pair_of_chapter_02(default_run, images):
    best = read(default_run, "pairs.json")["pairs"][0]
    scene = product.load(default_run.path / "interferogram.nc")
    for side in ("reference", "secondary"):
        assert images[side].stem == scene.attrs[side]
        assert scene.attrs[f"{side}_time"][:16] == best[side]["start"][:16]
        assert (images[side] / "manifest.safe").is_file()
    assert (scene.attrs["track"], scene.attrs["engine"]) == (102, "native")
    assert "unwrapped_phase" not in scene
    written = sum(path.stat().st_size for path in images["reference"].parent.rglob("*") if path.is_file())
    assert written < 200e6


def test_chapter_03_makes_an_interferogram_that_differs_from_the_truth_by_noise(default_run, images):
    scene = product.load(default_run.path / "interferogram.nc")
    assert scene.attrs["perpendicular_baseline_m"] == pytest.approx(40, abs=0.5)  # the one that was put in
    expected = expected_phase(images["truth"], scene)
    with xr.open_dataset(images["truth"], group=scene.attrs["subswath"], engine="h5netcdf") as known:
        land = float(known["coherence"].where(known["water"] == 0).median())
    dry = scene["coherence"].where(scene["elevation"] > 31)  # lakes lie at 30 m
    assert float(dry.median()) == pytest.approx(land, abs=0.05)
    left = product.wrap(scene["phase"] - expected).where(scene["coherence"] > 0.5)
    assert int(np.isfinite(left).sum()) > 0.6 * int(scene["valid"].sum())
    assert abs(float(left.mean())) < 0.02  # no constant was fitted
    assert float(left.std()) < 0.12  # half a millimetre
    for _, block in left.coarsen(y=40, x=40, boundary="trim").mean().groupby("x"):
        assert float(abs(block).max()) < 0.08  # nowhere a ramp, a step or a fringe


def test_chapter_03_says_of_its_steps_what_is_so(default_run):
    text = said(default_run, "03_interferogram")
    found = {name: np.ravel(re.findall(pattern, text)).astype(float) for name, pattern in CLAIMS_03.items()}
    before, after, wrong = found["spectrum"]
    assert after > 95 > 75 > max(before, wrong)
    assert found["degrees across a seam"][0] == pytest.approx(3.54, abs=0.1)  # 1342 lines apart in bursts of 1465
    assert found["turns"][0] > 10 * found["turns"][1] > 5
    assert [window < 0.25 for window in found["over water"]] == [False, True, True]
    shift, error, along = *found["esd"][:2], found["along"][0]
    assert abs(shift) > 3 * error  # it sees the earthquake: nothing was shifted
    assert shift == pytest.approx(along, abs=4 * error)


CLAIMS_03 = {
    "spectrum": r"(\d+)% (?:as in the file|ramp taken off|with the wrong sign)",
    "degrees across a seam": r"so ([\d.]+)° from one side of a seam",
    "turns": r"(?:makes|terrain) ([\d.]+)",
    "over water": r"over water ([\d.]+)",
    "esd": r"or ([+-][\d.]+) ± ([\d.]+) mm",
    "along": r"moved ([+-][\d.]+) mm along the flight",
}


def test_chapter_03_ranks_the_operators_as_its_text_does(default_run):
    by_name, by_exponent = tables(
        default_run, "03_interferogram", ">left over, rms (rad)<", ">left over (rad), by exponent<"
    )
    rms = by_name["left over, rms (rad)"]
    assert list(rms.index) == ["no filter", "no ESD", "no Goldstein", "all"]
    assert rms["no ESD"] < 0.8 * rms["no filter"]
    assert rms["all"] == pytest.approx(rms["no ESD"], rel=0.03)
    by_exponent.columns = by_exponent.columns.astype(float)
    assert by_exponent.loc["40 m"].idxmin() == 1.0
    scene = by_exponent.loc["the scene"]
    assert scene[1.0] > scene[0.5] > scene[0.0] > scene[0.25]  # one half is worse than none on 100 m
    assert product.load(default_run.path / "interferogram.nc").attrs["goldstein"] == 0.25


def test_chapter_03_takes_the_study_through_three_subswaths_and_finds_nothing_to_see(default_run):
    folder = default_run.path / "study"
    products = [open_safe(path) for path in folder.glob("*.SAFE")]
    assert {str(one.start)[:10] for one in products} == {"2018-01-06", "2018-01-18"}
    assert all({swath for swath, _ in one.images} == {"IW1", "IW2", "IW3"} for one in products)
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 200e6
    assert "in one product: IW1, IW2, IW3; failed: none" in said(default_run, "03_interferogram")
    (rows,) = tables(default_run, "03_interferogram", ">air, rms (mm)<")
    largest = rows[["ground, most away (mm)", "ground, most toward (mm)"]].abs().max(axis=1)
    assert largest.idxmax() == "IW3"  # the one that holds the epicentre
    assert 2 < largest["IW3"] < 8  # what chapter 1 expects of a fault of that size and depth, a fringe is 28
    assert (largest < rows["air, rms (mm)"]).all()
    assert largest["IW1"] < 0.1 * largest["IW3"]


def test_chapter_04_recovers_the_displacement_that_was_put_in(default_run, images):
    scene = product.load(default_run.path / "scene.nc")
    truth = product.load(default_run.path / "truth.nc")
    true = truth["los_displacement"].where(scene["valid"])
    assert 0.2 < float(abs(true).max()) < 0.6  # the real one: 0.44 m
    left_over = (scene["los_displacement"] - true).to_numpy()
    left_over = left_over[np.isfinite(left_over)]
    assert left_over.size > 0.9 * int(scene["valid"].sum())
    left_over -= np.median(left_over)
    assert left_over.std() < 0.02  # the air that was put in: below 1 cm rms
    assert np.abs(left_over).max() < 0.07  # no patch is off by several fringes
    turns = product.wrap(scene["unwrapped_phase"] - scene["phase"])
    assert float(abs(turns).max()) < 1e-3  # whole turns were added, nothing else
    unwrapped = (scene["unwrapped_phase"] - expected_phase(images["truth"], scene)).where(scene["coherence"] > 0.5)
    off = unwrapped - float(unwrapped.median())
    assert float((abs(off) > np.pi).sum() / np.isfinite(off).sum()) < 0.001  # pixels on another turn than the truth


def test_chapter_05_cuts_patches_that_lie_and_look_as_their_rows_say(default_run):
    scene = product.load(default_run.path / "scene.nc")
    truth = product.load(default_run.path / "truth.nc").attrs
    pieces = patches.read(default_run.path)
    assert len(pieces) >= 4
    to_map = Transformer.from_crs("EPSG:4326", product.crs_of(scene), always_xy=True)
    seen = scene["phase"].where(scene["coherence"] > 0.3)
    agree = []
    for number, row in pieces.table.iterrows():
        azimuth, _, metres = Geod(ellps="WGS84").inv(
            row["center_lon"], row["center_lat"], truth["centroid_longitude"], truth["centroid_latitude"]
        )
        offset = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))]) * metres / 1000
        assert np.allclose(offset, [row["offset_east_km"], row["offset_north_km"]], atol=0.01)
        angle = np.angle(pieces.band("i")[number] + 1j * pieces.band("q")[number])
        line = 1000 * row["size_km"] * ((np.arange(len(angle)) + 0.5) / len(angle) - 0.5)  # north is up, east is right
        x, y = to_map.transform(row["center_lon"], row["center_lat"])
        places = {"x": xr.DataArray(x + line, dims="column"), "y": xr.DataArray(y - line, dims="row")}
        there = seen.sel(places, method="nearest").transpose("row", "column").to_numpy()
        agree.append(np.nanmean(np.cos(angle - there)))
    assert min(agree) > 0.8


def test_chapter_07_finds_the_source_that_was_put_in(default_run):
    truth = product.load(default_run.path / "truth.nc").attrs
    centroid = np.array([truth["centroid_east_km"], truth["centroid_north_km"]])
    physics, network = read(default_run, "location.json")["results"]
    assert (physics["method"], network["method"]) == ("physics", "network")
    misses = [float(np.hypot(*([each["east_km"], each["north_km"]] - centroid))) for each in (physics, network)]
    assert misses[0] < physics["ellipse_km"][0] < 5
    assert misses[1] < network["ellipse_km"][0] < 25.6  # inside its ellipse, which is no wider than a patch
    assert physics["visible"]
    assert network["visible"]
    assert abs(physics["magnitude"] - truth["magnitude"]) < 0.15
    assert abs(physics["depth_km"] - truth["centroid_depth_km"]) < 2.5


def test_chapter_07_finds_the_simulated_centroid_within_1500_m(default_run):
    truth = product.load(default_run.path / "truth.nc").attrs
    physics, _ = read(default_run, "location.json")["results"]
    apart = physics["east_km"] - truth["centroid_east_km"], physics["north_km"] - truth["centroid_north_km"]
    assert np.hypot(*apart) < 1.5


EXECUTED = [path.stem for path in CHAPTERS if path.stem != "03_interferogram"]  # where there are no images


@pytest.fixture(scope="module")
def real_run(shared_data, tmp_path_factory):
    """The whole chain on the real interferogram of Thessaly, wrapped."""
    source = shared_data / "scenes" / "thessaly_2021" / "greece.diff"
    stated = {"quantity": "wrapped", "units": "rad", "positive": "away", "incidence": 33.6, "heading": -13.5}
    return run_event(DEFAULT_EVENT, source=str(source), reader=stated, runs=tmp_path_factory.mktemp("real"))


@pytest.mark.timeout(2400)  # whichever comes first executes every chapter
def test_the_chain_finds_the_real_earthquake(real_run):
    physics, network = read(real_run, "location.json")["results"]
    away = np.hypot(physics["east_km"] - 0.15, physics["north_km"] + 0.15)  # the published fit of one fault
    assert away < 1.0
    assert away < physics["ellipse_km"][0] < 5
    assert physics["visible"]
    (both,) = read(real_run, "both.json")["results"]
    assert (both["east_km"], both["north_km"]) == (physics["east_km"], physics["north_km"])
    assert both["trust"] > 0.5
    assert not {"latitude", "longitude"} & {*physics, *network, *both}
    assert not (real_run.path / "truth.nc").exists()
    assert product.load(real_run.path / "scene.nc").attrs.get("engine") != "simulated"
    assert real_run.redone == EXECUTED
    assert list(real_run.left_out) == ["03_interferogram"]


@pytest.mark.timeout(2400)  # whichever comes first executes every chapter
def test_the_real_run_is_quiet_and_makes_a_book(real_run, tmp_path):
    pages = render(real_run.path, out=tmp_path / "pages", strict=True).parent
    for chapter in EXECUTED:
        executed = nbformat.read(real_run.path / f"{chapter}.ipynb", as_version=4)
        outputs = [output for cell in executed.cells for output in cell.get("outputs", [])]
        assert not [output.text for output in outputs if output.get("name") == "stderr"]
        figures = sum("image/png" in output.get("data", {}) for output in outputs)
        page = (pages / "chapters" / f"{chapter}.html").read_text(encoding="utf-8")
        shown = set(re.findall(r'src="\.\./(_images/[^"]+\.png)"', page))
        assert len(shown) == figures > 0
        assert all((pages / image).is_file() for image in shown)
    assert "greece.diff" in (pages / "chapters" / "04_displacement.html").read_text(encoding="utf-8")
    page = (pages / "chapters" / "03_interferogram.html").read_text(encoding="utf-8")
    assert "Not executed in this run: the source is a ready interferogram." in page


def test_chapter_07_reports_a_network_that_learned_something(default_run):
    (by_patch,) = (table.T.droplevel(1).T["median_km"] for table in tables(default_run, "07_epicentre", ">median_km<"))
    free = ["copy the centre", "nearest neighbour", "fastest phase", "largest |LOS| (unwrapped)"]
    assert by_patch["network"] < by_patch[free].min()
    (by_scene,) = tables(default_run, "07_epicentre", ">network, mean<")
    free = ["centre", "fastest phase", "largest |LOS|"]
    assert by_scene.loc["3 cm and more", "network"] < by_scene.loc["3 cm and more", free].min()
    assert by_scene.loc["3 cm and more", "scenes"] > 100


def test_chapter_08_puts_both_answers_together(default_run):
    truth = product.load(default_run.path / "truth.nc").attrs
    (both,) = read(default_run, "both.json")["results"]
    physics, network = read(default_run, "location.json")["results"]
    apart = [both[name] - truth[f"centroid_{name}"] for name in ("east_km", "north_km")]
    assert np.hypot(*apart) < min(1.5, both["ellipse_km"][0])
    assert both["trust"] > 0.9  # a clear earthquake, and both see it
    assert (both["east_km"], both["depth_km"]) == (physics["east_km"], physics["depth_km"])
    assert f"now it is right with {both['trust']:.1%}" in said(default_run, "08_comparison")
    assert both["seconds"] == pytest.approx(physics["seconds"] + network["seconds"])


def test_chapter_08_ranks_the_methods_as_its_summary_does(default_run):
    by_method = tables(default_run, "08_comparison", ">9 of 10 within (km)<")[0].T
    middle, mean = by_method["median (km)"].astype(float), by_method["mean (km)"].astype(float)
    free = ["scene's centre", "fastest phase", "largest |LOS|"]
    methods = ["network", "physics", "both"]
    assert (middle[methods] < middle[free].min()).all()
    assert middle["both"] <= 1.05 * middle[["network", "physics"]].min()
    assert mean["both"] <= mean[["network", "physics"]].min()
    assert middle["physics"] < middle["network"]  # sharp where the earthquake stands out
    by_strength, kept = tables(default_run, "08_comparison", ">network, km<", ">no warning<")
    assert by_strength.index[-1] == "above 10"
    assert by_strength["both, km"].iloc[0] > 5 * by_strength["both, km"].iloc[-1]  # who cannot know says so
    assert len(kept) == 6


def test_chapter_09_keeps_what_its_networks_say(default_run):
    results = {each["network"]: each for each in read(default_run, "detected.json")["results"]}
    assert set(results) == {"U-Net", "transformer", "ConvNeXt"}
    for each in results.values():
        assert each["present"] == (each["probability"] >= each["alarm"])


@pytest.mark.xfail(strict=True, reason="0.30, alarm 0.52")
def test_chapter_09_finds_the_earthquake_of_its_scene(default_run):
    results = {each["network"]: each for each in read(default_run, "detected.json")["results"]}
    assert results["U-Net"]["present"]


def test_chapter_09_says_of_each_goal_what_its_table_says(default_run):
    scores = pd.read_csv(ROOT / "data" / "detect_scores.csv").set_index(["network", "test"])
    text = said(default_run, "09_presence")
    for network, name in (("unet-resnet10", "U-Net"), ("vit-small", "transformer"), ("unet-convnext", "ConvNeXt")):
        for metric, goal in (("f1_one", 0.95), ("f1_half", 0.85)):
            value = scores.loc[(network, "frozen"), metric]
            verdict = "reached" if value >= goal else "not reached"
            assert f"{metric}, {name}: {value:.3f}, asked at least {goal}: {verdict}" in text
            lost = value - scores.loc[(network, "shifted"), metric]
            verdict = "reached" if lost <= 0.07 else "not reached"
            assert f"{metric} lost on the shifted test, {name}: {lost:.3f}, asked at most 0.07: {verdict}" in text
        alarms = scores.loc[(network, "frozen"), "air_alarms"]
        verdict = "reached" if alarms <= 0.02 else "not reached"
        assert f"air_alarms, {name}: {alarms:.3f}, asked at most 0.02: {verdict}" in text


def test_chapter_10_counts_the_masks_that_the_scores_count(default_run):
    scores = pd.read_csv(ROOT / "data" / "detect_scores.csv").set_index(["network", "test"])
    (table,) = tables(default_run, "10_moved_ground", "over 10 cm")
    assert table["earthquakes"].sum() == scores.loc[("unet-resnet10", "frozen"), "mask_n"]


def test_whole_scenes_are_called_one_from_the_alarm_of_the_network_that_ships():
    table = pd.read_csv(ROOT / "data" / "detect_wide.csv")
    assert (table.groupby(["side_km", "present"]).size() >= 100).all()
    assert (table["called"] == (table["probability"] >= table["alarm"])).all()
    ships = load_detector(ROOT / "data" / "detector_unet_resnet10.safetensors").settings
    assert table["alarm_square"].to_numpy() == pytest.approx(ships.alarm, rel=1e-6)
    expected = [ships.alarm_over(int(tiles)) for tiles in table["tiles"]]
    assert table["alarm"].to_numpy() == pytest.approx(expected, rel=1e-6)


def test_quiet_scenes_of_every_width_are_seldom_called_one():
    """No oftener than twice as often as asked of air in a single square, by the upper end of what chance allows."""
    table = pd.read_csv(ROOT / "data" / "detect_wide.csv")
    for _, part in table[~table["present"]].groupby("side_km"):
        assert binomtest(int(part["called"].sum()), len(part), 2 * AIR_ALARMS, alternative="greater").pvalue > 0.025


def test_chapter_09_says_of_whole_scenes_what_their_table_says(default_run):
    (shown,) = tables(default_run, "09_presence", "alarm by squares")
    whole = pd.read_csv(ROOT / "data" / "detect_wide.csv")
    kept = whole[~whole["present"] | (whole["fringes"] > 0.5)]
    assert len(shown) == 6
    for _, row in shown.iterrows():
        part = kept[(kept["present"] == (row["scene"] != "quiet")) & (kept["side_km"] == row["side_km"])]
        assert row["n"] == len(part)
        for name, called in (
            ("called: alarm by squares", part["called"]),
            ("called: one alarm for all", part["probability"] >= part["alarm_square"]),
        ):
            low, high = binomtest(int(called.sum()), len(part)).proportion_ci()
            assert row[name] == f"{called.mean():.1%} ({low:.1%} to {high:.1%})"


def test_chapter_09_says_of_the_observers_what_their_table_says(default_run):
    table = pd.read_csv(ROOT / "data" / "detect_bound.csv")
    text = said(default_run, "09_presence")
    for least in (1.0, 0.5):
        part = table[(table["fringes"] > least) & table["unwrapped"]]
        shares = [norm.cdf(part["ratio"] - part[name]).mean() for name in ("known", "search")]
        who = ("observer who knows", "observer who searches")
        expected = ", ".join(f"{name} finds {share:.0%}" for name, share in zip(who, shares, strict=True))
        assert re.search(rf"unwrapped, above {least:g} fringe\(s\), {len(part)}: U-Net finds \d+%, {expected}", text)


def test_chapter_09_turns_the_sign_of_layered_air(default_run):
    """Networks that learned from layered air of both signs seldom fall for either."""
    pattern = r"^(.*), layered air, (as simulated|sign turned): ([\d.]+)% .* of (\d+) scenes"
    found = re.findall(pattern, said(default_run, "09_presence"), re.MULTILINE)
    assert len(found) == 6
    for _, _, share, count in found:
        hits = round(float(share) / 100 * int(count))
        assert binomtest(hits, int(count), 2 * AIR_ALARMS, alternative="greater").pvalue > 0.025


def test_chapter_09_hides_what_was_attended(default_run):
    text = said(default_run, "09_presence")
    found = re.findall(r"hidden, (most attended|at random): the probability moves by ([\d.]+)", text)
    moves = {name: float(value) for name, value in found}
    assert moves["most attended"] > moves["at random"]
    assert float(re.search(r"p = (\S+) \(Wilcoxon", text)[1]) < 0.01


def test_chapter_10_marks_the_ground_that_moved(default_run):
    truth = product.load(default_run.path / "truth.nc")["los_displacement"]
    with xr.open_dataset(default_run.path / "mask.nc", engine="h5netcdf") as found:
        probability = found["moved_probability"].load()
    assert float(probability.min()) >= 0
    assert float(probability.max()) <= 1
    apart = float(
        re.search(r"mask lies ([\d.]+) km from that of the moved ground", said(default_run, "10_moved_ground"))[1]
    )
    assert apart < 5
    assert float(probability.max()) > 0.5
    assert float(np.abs(truth).max()) > 0.1


def rest(pattern: str, text: str) -> str:
    """Return what follows a pattern on its line."""
    return re.search(rf"^{pattern}(.*)$", text, flags=re.MULTILINE)[1].strip()


def named(text: str, separator: str = ", ") -> set[str]:
    """Return the names of a printed list."""
    return set() if text == "none" else set(text.split(separator))


def test_chapter_11_pairs_an_earthquake_with_a_quiet_time_of_its_place(default_run):
    text = said(default_run, "11_magnitude")
    assert "48 pairs, 24 of them with an earthquake" in text
    assert "leaked occur for test and train" in text  # a file in which one earthquake is in two parts is refused
    (rows,) = tables(default_run, "11_magnitude", ">patch_0<")
    assert list(rows["label"]) == [1, 0, 1, 0]
    assert (rows.loc[rows["label"] == 0, "magnitude"] == 0).all()


def test_chapter_11_shows_speckle_that_decibels_make_alike(default_run):
    text = said(default_run, "11_magnitude")
    lake, town = (
        [float(each) for each in re.findall(r"±([\d.]+)", rest(f"a {name}: ", text))] for name in ("lake", "town")
    )
    assert town[0] > 50 * lake[0]
    assert town[1] == lake[1]
    looks = [float(each) for each in re.findall(r"^pixels of \d+ m: ([\d.]+) looks", text, flags=re.MULTILINE)]
    assert looks[0] == pytest.approx(4.4, abs=0.1)
    assert looks[0] < looks[1] < looks[2] < 16 * looks[0]  # neighbours share part of their chance


def test_chapter_11_says_how_little_a_small_earthquake_changes(default_run):
    found = re.findall(r"^magnitude (\d) to \d: (\d+) of (\d+) change", said(default_run, "11_magnitude"), re.MULTILINE)
    share = {int(low): int(some) / int(every) for low, some, every in found}
    assert share[4] < 0.05
    assert share[4] <= share[5] < share[6] + 0.1
    assert share[7] > 2 * share[5]


def test_chapter_11_orders_by_the_truth(default_run):
    text = said(default_run, "11_magnitude")
    assert "by the truth: loss 0.52, slope [1.0, -1.0]" in text
    assert "as printed: loss 0.00, slope [0.0, 0.0]" in text
    assert "loss 0.020, slope [0.667, 0.0, -0.667]" in text  # of answers that are all the same: the margin


def test_chapter_11_counts_operations_that_are_not_those_printed(default_run):
    sizes = tables(default_run, "11_magnitude", ">MFLOPs at 512 px<")[0].droplevel(1, axis="columns")
    assert (sizes["512 px over printed"] > 5).all()
    assert np.allclose(sizes["weights (million)"], sizes["weights, printed"], atol=0.2)


def test_chapter_11_says_of_ranking_what_its_table_says(default_run):
    table = pd.read_csv(ROOT / "data" / "magnitude_ranking.csv").set_index("network")
    text = said(default_run, "11_magnitude")
    for word in ("better", "worse", "cannot be told"):
        expected = {
            name
            for name, row in table.iterrows()
            if verdict(row["mae_low"], row["mae_high"], more_is_better=False) == word
        }
        assert named(rest(f"with ranking {word}: ", text)) == expected
    worse = {name for name, row in table.iterrows() if row["mae_difference"] > 0}
    assert named(rest("on average over seeds it is worse on: ", text)) == worse


def test_chapter_11_says_of_all_five_what_their_table_says(default_run):
    table = pd.read_csv(ROOT / "data" / "magnitude_five_ranking.csv").set_index("network")
    text = said(default_run, "11_magnitude")
    for name, row in table.iterrows():
        way = verdict(row["mae_low"], row["mae_high"], more_is_better=False)
        assert f"{name}: with ranking {way}; surely above chance" in text
    worse = {name for name, row in table.iterrows() if row["mae_difference"] > 0}
    assert (
        named(rest(r"asked was: no worse on any of the five\. On average over seeds it is worse on: ", text)) == worse
    )


def test_chapter_11_takes_the_mixed_error_apart(default_run):
    text = said(default_run, "11_magnitude")
    oracle, *constants = (
        float(rest(f"{name}: MAE ", text))
        for name in ("yes or no, no size", "always 0", "always the median", "always the mean")
    )
    assert oracle < 0.6 * min(constants)  # an answer of yes or no alone makes the mixed error small
    (table,) = tables(default_run, "11_magnitude", ">Spearman<")
    area = table.xs("AUC", axis="columns", level=0).iloc[:, 0]
    assert np.allclose(area[["mean", "median", "zero"]].astype(float), 0.5)  # a constant tells nothing apart
    assert "the best published MAE is 0.2287" in text


def test_chapter_12_mends_and_dates_its_inventory(default_run):
    text = said(default_run, "12_landslides")
    reports = {rest(rf"slides\.{form}: ", text) for form in ("geojson", "gpkg", "shp")}
    (report,) = reports  # the same from every format
    assert "1 mended" in report
    assert "1 twice, left out" in report
    assert "1 of another date, left out" in text
    assert "InventoryError: " in text  # of a pair of other years
    assert 0.1 < float(rest("IoU of the whole map with the truth: ", text).split(";")[0]) < 0.9


def test_chapter_12_checks_the_thesis_by_its_own_numbers(default_run):
    text = said(default_run, "12_landslides")
    assert rest("rows that do not agree: ", text) == "UPerNet, ConvNeXt-Tiny"
    table, counted = tables(default_run, "12_landslides", ">F1 by IoU<", ">weights (million)<")
    assert len(table) == 6
    known = counted[counted["printed"] != "–"].astype(float)
    assert np.allclose(known["weights (million)"], known["printed"], atol=0.1)


def test_chapter_12_shows_sizes_with_a_heavy_tail(default_run):
    text = said(default_run, "12_landslides")
    small, held = (
        int(each) for each in re.search(r"(\d+)% below 50 pixels; the largest tenth holds (\d+)%", text).groups()
    )
    assert small > 90
    assert held > 25


def test_chapter_12_compares_events_that_are_as_sparse_as_the_published_ones(default_run):
    (table,) = tables(default_run, "12_landslides", ">their landslide pixels, 25th percentile<")
    share = {name: float(each.rstrip("%")) for name, each in table["simulated"].items() if each.endswith("%")}
    assert share["patches with landslides"] == pytest.approx(32, abs=5)
    assert share["pixels that slid, of all"] < 1
    assert share["of them, with 50 pixels or fewer"] < 50  # beside a 25th percentile of about 120 it cannot be most
    quartile = float(table.loc["their landslide pixels, 25th percentile", "simulated"])
    assert quartile == pytest.approx(120, rel=0.3)


def test_chapter_12_samples_and_masks_as_it_says(default_run):
    (buckets,) = tables(default_run, "12_landslides", ">of all patches<")
    assert np.allclose(buckets["drawn"], buckets["asked"], atol=0.02)
    assert buckets.loc["none", "of all patches"] > 2 * buckets.loc["none", "asked"]
    text = said(default_run, "12_landslides")
    assert rest("loss .* at any other ", text) == "0.0"
    areas = [float(each) for each in re.findall(r"^σ = \d px: ([\d.]+) times", text, flags=re.MULTILINE)]
    assert areas[0] == 1
    assert areas[0] < areas[1] < areas[2]
    shifted = [float(each) for each in re.findall(r"IoU ([\d.]+) after a pixel's shift", text)]
    assert shifted == sorted(shifted)


def test_chapter_12_says_of_each_device_what_its_table_says(default_run):
    scores = pd.read_csv(ROOT / "data" / "landslide_scores.csv")
    devices = scores[(scores["part"] == "device") & (scores["threshold_on"] == "all others")].set_index("method")
    (whole,) = devices["against"].unique()
    devices.index = devices.index.str.removeprefix(f"{whole}, ")
    text = said(default_run, "12_landslides")
    words = {
        "better": "worse on these events than",
        "worse": "better on these events than",
        "cannot be told": "not to be told from",
    }
    for word, printed in words.items():
        expected = {
            name
            for name, row in devices.iterrows()
            if verdict(row["d_iou_low"], row["d_iou_high"], more_is_better=True) == word
        }
        assert named(rest(f"{whole} is {printed}: ", text), "; ") == expected


def test_chapter_12_says_of_each_goal_what_its_table_says(default_run):
    """Against every network of the published recipe, practised or not."""
    scores = pd.read_csv(ROOT / "data" / "landslide_scores.csv")
    by_event = scores[scores["split"] == "by event"].set_index(["method", "threshold_on"])
    text = said(default_run, "12_landslides")
    rivals = [name for name in by_event.index.unique(0) if name.startswith("published")]
    assert {"published", "published with practice"} < set(rivals)
    for on in ("validation", "all others"):
        ours = by_event.loc[("ours", on)]
        goals = [
            (f"recall on small landslides {ours['recall_small']:.3f}, at least 0.2", ours["recall_small"] >= 0.2),
            (f"precision {ours['precision']:.4f}, at least 0.3", ours["precision"] >= 0.3),
        ]
        for name in rivals:
            iou = by_event.loc[(name, on), "iou"]
            goals.append((f"IoU {ours['iou']:.3f}, twice that of '{name}', {iou:.3f}", ours["iou"] >= 2 * iou))
        for goal, met in goals:
            assert rest(re.escape(f"threshold on {on}: {goal}: "), text) == ("reached" if met else "not reached")


def test_chapter_12_tests_every_event_once(default_run):
    assert "seven bands of" in said(default_run, "12_landslides")  # this run's scene has all that a stack needs
    table = tables(default_run, "12_landslides", ">by event<")[0].droplevel(2, axis="columns").astype(object)
    patches = {split: {int(each) for each in table[split, "n"]} for split in ("random", "by event")}
    (few,), (every,) = patches["random"], patches["by event"]
    assert few == round(0.1 * every)  # by event each patch is tested once, at random a tenth of them
