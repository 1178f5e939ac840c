"""A run whose images come from an archive: a small simulated pair, served here as archives serve real ones."""

import hashlib
import json
import shutil
import xml.etree.ElementTree as ET
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from shapely import from_wkt

from epi import realpair
from epi import run as runs_module
from epi.book import status_page
from epi.catalogue import find_event, match_pairs, read_scenes
from epi.catalogue.images.scenes import Scene
from epi.catalogue.online import cache as cache_module
from epi.catalogue.online import credentials, transport
from epi.catalogue.online.credentials import Account
from epi.catalogue.online.transport import Patience
from epi.catalogue.online.wanted import Fetched, Wanted
from epi.errors import PairError, ParameterError
from epi.insar import inputs, product
from epi.insar.cover import burst_outline, bursts_over
from epi.insar.slc.matching import common_subswaths, holding, open_products
from epi.insar.slc.safe import open_safe, read_image
from epi.run import run_event
from epi.runfolder import read_run
from epi.settings import Settings, settings
from epi.simulate.slc.pair import PERFECT, simulate_pair
from local_archive import Archive, serving
from test_run import HEADER
from tiny_safe import Tiny

EVENT = "20210303-thessaly"
SECRET = "pl4nted-s3cret"
RADIUS_KM = 0.1
AROUND = "POLYGON ((21.2 39.1, 23.4 39.1, 23.4 40.4, 21.2 40.4, 21.2 39.1))"
CHAPTERS = {
    "01_catalogue": "",
    "02_pairs": 'scenes: str = ""',
    "03_interferogram": "seed: int = 1",
    "04_displacement": 'source: str = "simulated"\nreader: dict = {}',
}
STEPS = ["01_catalogue", "02_pairs", "03_archive", "04_displacement"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Three short bursts of both dates; the epicentre is in the middle one."""
    return simulate_pair(
        find_event(EVENT), tmp_path_factory.mktemp("pair"), seed=7, bursts=3, lines=400, samples=500, conditions=PERFECT
    )


@pytest.fixture(scope="module")
def zips(pair, tmp_path_factory):
    """Both products as an archive gives them out, by name."""
    found = {}
    for safe in (pair.reference, pair.secondary):
        path = tmp_path_factory.mktemp("zips") / f"{safe.stem}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(safe.rglob("*")):
                archive.write(file, file.relative_to(safe.parent))
        found[safe.stem] = path.read_bytes()
    return found


@pytest.fixture
def server(zips, pair):
    with serving() as archive:
        archive.files = {f"/{name}.zip": data for name, data in zips.items()}
        archive.files["/tile.tif"] = pair.dem.read_bytes()
        yield archive


@pytest.fixture
def place(tmp_path, monkeypatch, server, pair, zips):
    """A project of stand-ins for chapters, an empty cache that has the orbits, a login with a planted secret."""
    for folder in ("notebooks", "data", "package/insar"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(settings().data / "events.csv", tmp_path / "data")
    for name, parameters in CHAPTERS.items():
        text = HEADER.format(title=name, parameters=parameters)
        (tmp_path / "notebooks" / f"{name}.py").write_text(text)
    chosen = Settings(
        notebooks=tmp_path / "notebooks",
        data=tmp_path / "data",
        runs=tmp_path / "runs",
        cache=tmp_path / "cache",
        tokens=tmp_path / "tokens",
    )
    for module in (runs_module, cache_module, credentials):
        monkeypatch.setattr(module, "settings", lambda: chosen)
    account = Account("Earthdata", "EARTHDATA", (server.url,), "https://login.invalid", ("login.invalid",), "https://p")
    monkeypatch.setattr(credentials, "ACCOUNTS", (account,))
    monkeypatch.setattr(transport, "Patience", lambda: Patience(2, 0.01, 1.0, 5.0))
    monkeypatch.setattr(runs_module, "__file__", str(tmp_path / "package" / "run.py"))
    monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(inputs, "terrain_tiles", lambda _: [tile(server, tmp_path)])
    monkeypatch.setattr(inputs, "make_terrain", joined)
    for safe in (pair.reference, pair.secondary):
        write_orbit(safe, tmp_path / "cache" / "orbits")
    records(server, zips, tmp_path / "records.csv")
    monkeypatch.setattr(runs_module, "execute", lambda *given: stand_in(*given, tmp_path / "records.csv"))
    return tmp_path


def tile(server: Archive, place: Path) -> Wanted:
    (place / "cache" / "terrain").mkdir(parents=True, exist_ok=True)
    return Wanted(f"{server.url}/tile.tif", place / "cache" / "terrain" / "tile.tif")


def joined(_, tiles) -> Fetched:
    path = tiles[0].path.with_name("ellipsoidal.tif")
    shutil.copy(tiles[0].path, path)
    return Fetched(path, path.stat().st_size, "joined", came=True)


def records(server: Archive, zips: dict[str, bytes], file: Path) -> None:
    rows = [
        {
            "name": name,
            "platform": name[:3],
            "start": pd.Timestamp(name[17:32], tz="UTC").isoformat(),
            "stop": (pd.Timestamp(name[17:32], tz="UTC") + pd.Timedelta(seconds=9)).isoformat(),
            "track": 102,
            "direction": "ascending",
            "polarisations": "VV",
            "mode": "IW",
            "level": "SLC",
            "footprint": AROUND,
            "url": f"{server.url}/{name}.zip",
            "bytes": len(data),
            "md5": hashlib.md5(data).hexdigest(),
        }
        for name, data in zips.items()
    ]
    pd.DataFrame(rows).to_csv(file, index=False)


def write_orbit(safe: Path, folder: Path) -> None:
    """The annotation's own state vectors, as an orbit file."""
    (subswath, polarisation), *_ = open_safe(safe).images
    image = read_image(safe, subswath, polarisation)
    root = ET.Element("Earth_Explorer_File")
    for name, text in (("Mission", f"Sentinel-1{image.platform[2]}"), ("File_Type", "AUX_POEORB")):
        ET.SubElement(root, name).text = text
    ET.SubElement(root, "Ref_Frame").text = "EARTH_FIXED"
    listed = ET.SubElement(root, "List_of_OSVs")
    for time, *vectors in zip(image.orbit.time, image.orbit.position, image.orbit.velocity, strict=True):
        vector = ET.SubElement(listed, "OSV")
        ET.SubElement(vector, "UTC").text = f"UTC={np.datetime_as_string(time, unit='us')}"
        for name, value in zip(("X", "Y", "Z", "VX", "VY", "VZ"), np.concatenate(vectors), strict=True):
            ET.SubElement(vector, name).text = repr(float(value))
    edges = [
        np.datetime_as_string(image.orbit.time[end], unit="s").replace("-", "").replace(":", "") for end in (0, -1)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{image.platform}_OPER_AUX_POEORB_OPOD_20210401T120000_V{edges[0]}_{edges[1]}.EOF"
    ET.ElementTree(root).write(folder / name)


def stand_in(notebook: Path, out: Path, parameters: dict[str, object], records: Path) -> None:
    """What a chapter leaves in the run folder, without a kernel."""
    folder, name = out.parent, notebook.stem
    out.write_text("{}")
    if name == "01_catalogue":
        (folder / "event.json").write_text(json.dumps({"event_id": EVENT}))
    elif name == "02_pairs":
        scenes = read_scenes(records) if parameters.get("scenes") == "asf" else []
        match = match_pairs(find_event(EVENT), scenes, days=15, radius_km=RADIUS_KM)
        (folder / "pairs.json").write_text(json.dumps(match.to_dict()))
    elif name == "03_interferogram":
        (folder / "interferogram.nc").write_text("simulated")
    else:
        source = Path(str(parameters["source"]))
        kind = product.load(folder / "real.nc").attrs["engine"] if source.name == "real.nc" else source.name
        (folder / "scene.nc").write_text(kind)


def test_an_archives_pair_becomes_the_run_s_interferogram(says, place, server, zips, monkeypatch):
    """The whole way once; then nothing is done again, fetched again or missed, until something changes."""
    code, out, err = says("run", EVENT, "--source", "asf", "--json")
    assert code == 0, err
    (result,) = json.loads(out)["results"]
    assert result["redone"] == STEPS
    folder = place / "runs" / EVENT
    made = product.load(folder / "real.nc")
    assert made.attrs["event"] == EVENT
    assert made.attrs["bursts"] == 1
    assert "POEORB" in made.attrs["orbits"]
    assert [made.attrs["reference"], made.attrs["secondary"]] == list(zips)
    assert np.nanmedian(made["coherence"]) > 0.9
    assert made.attrs["spacing_m"] == 100.0
    assert (folder / "scene.nc").read_text() == "native"
    step = read_run(folder).steps["03_archive"]
    assert step.inputs["images"] == [[name] for name in zips]
    md5 = {f"scenes/{name}.zip": f"md5 {hashlib.md5(data).hexdigest()}" for name, data in zips.items()}
    assert md5.items() <= step.inputs["files"].items()
    assert sum(name.endswith(".EOF") for name in step.inputs["files"]) == 2
    assert "terrain/ellipsoidal.tif" in step.inputs["files"]
    assert list(step.inputs["chosen"].values()) == [[2, 2]]
    assert read_run(folder).steps["04_displacement"].inputs["upstream"]["real.nc"] == step.outputs["real.nc"]
    assert read_run(folder).left_out == {"03_interferogram": "the source is real images"}
    assert [path.stem for path in read_run(folder).notebooks()] == [name for name in STEPS if name != "03_archive"]
    rows = [line for line in status_page(read_run(folder)).splitlines() if line.startswith(("| 03", "| {doc}"))]
    assert any(row.startswith("| 03_archive | ") and "`real.nc`" in row for row in rows)  # no page to lead to
    assert "| {doc}`chapters/03_interferogram` | – | left out: the source is real images | – |" in rows
    told = [out, err, *(path.read_text(errors="replace") for path in folder.iterdir() if path.is_file())]
    assert not any(SECRET in text for text in told)

    asked = len(server.asked)
    assert run_event(EVENT, source="asf").redone == []
    again = made.copy()
    monkeypatch.setattr(realpair, "interferogram", lambda *_, **__: again)
    (place / "cache" / "terrain" / "ellipsoidal.tif").write_bytes(b"another")
    assert run_event(EVENT, source="asf").redone[0] == "03_archive"
    shutil.rmtree(place / "cache" / "scenes")
    assert run_event(EVENT, source="asf").redone == []
    assert len(server.asked) == asked
    (folder / "real.nc").write_bytes(b"half of")
    assert run_event(EVENT, source="asf").redone == ["03_archive"]  # the same file again
    assert len(server.asked) == asked + 2
    (place / "package" / "insar" / "new.py").write_text("x = 1")
    assert "03_archive" in run_event(EVENT, source="asf").redone

    with pytest.raises(ParameterError, match="is made by this run and would be deleted"):
        run_event(EVENT, source=folder / "real.nc")
    run = run_event(EVENT)
    assert "03_archive" not in run.steps
    assert not (folder / "real.nc").exists()
    assert (folder / "scene.nc").read_text() == "simulated"


def test_a_download_that_fails_is_gone_on_with_by_the_same_run(says, place, server, zips, monkeypatch):
    first, second = (f"/{name}.zip" for name in zips)
    whole, server.files[second] = server.files[second], 404
    code, out, err = says("run", EVENT, "--source", "asf")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("DownloadError: ")
    assert f"{second} answered 404" in err.splitlines()[-1]
    folder = place / "runs" / EVENT
    assert list(read_run(folder).steps) == ["01_catalogue", "02_pairs"]
    assert not (folder / "real.nc").exists()

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    server.files[second] = whole
    with monkeypatch.context() as while_killed:
        while_killed.setattr(realpair, "interferogram", killed)
        assert says("run", EVENT, "--source", "asf")[0] == 130
    assert list(read_run(folder).steps) == ["01_catalogue", "02_pairs"]
    assert server.asked.count(first) <= 2
    asked = len(server.asked)
    assert run_event(EVENT, source="asf").redone == ["03_archive", "04_displacement"]
    assert len(server.asked) == asked
    assert (folder / "scene.nc").read_text() == "native"


def test_an_account_that_is_missing_is_one_line(says, place, server, zips, monkeypatch):
    monkeypatch.delenv("EARTHDATA_TOKEN")
    monkeypatch.setenv("HOME", str(place))
    monkeypatch.delenv("NETRC", raising=False)
    server.files |= {f"/{name}.zip": 401 for name in zips}
    code, out, err = says("run", EVENT, "--source", "asf")
    assert (code, out) == (1, "")
    assert "asks for the Earthdata account, and no login was found" in err.splitlines()[-1]
    assert err.splitlines()[-1].startswith("AccountError: ")


def test_what_does_not_go_together_is_refused_before_a_chapter_runs(says, place):
    for source in ("simulated", "cdse"):
        code, _, err = says("run", EVENT, "--source", source, "--bursts")
        assert code == 1
        assert err.startswith(f"ParameterError: Single bursts of {source}: only asf has them;")
        assert err.count("\n") == 1
    code, _, err = says("run", EVENT, "--source", "asf", "--units", "rad")
    assert code == 1
    assert err == "ParameterError: --units describes a file, but the source is asf.\n"
    assert not (place / "runs").exists()


def test_the_bursts_over_an_area_are_chosen_by_the_annotation(pair):
    sides = open_products(pair.reference), open_products(pair.secondary)
    (subswath, polarisation), *_ = sides[0][0].images
    image = read_image(pair.reference, subswath, polarisation)
    middles = [burst_outline(image, burst).centroid for burst in image.bursts]
    for number, middle in enumerate(middles, start=1):
        place = {"latitude": middle.y, "longitude": middle.x}
        assert bursts_over(*sides, polarisation, **place, radius_km=0.1) == {subswath: (number, number)}
        assert bursts_over(*sides, polarisation, **place, radius_km=50.0) == {subswath: (1, 3)}
    grid = image.grid
    for burst, middle in zip(image.bursts, middles, strict=True):
        near = np.abs(grid.line - (burst.number - 0.5) * image.lines_per_burst) < image.lines_per_burst
        assert middle.y == pytest.approx(grid.latitude[near].mean(), abs=0.03)
    with pytest.raises(PairError, match="have no common burst within 5 km of the epicentre"):
        bursts_over(*sides, polarisation, latitude=0.0, longitude=0.0, radius_km=5.0)


def burst(name: str, start: str, identity: str, *, polarisation: str = "VV", platform: str = "S1A") -> Scene:
    begin = pd.Timestamp(start, tz="UTC")
    return Scene(
        f"S1_{name}-BURST",
        platform,
        begin,
        begin + pd.Timedelta(seconds=3),
        102,
        None,
        "ascending",
        (polarisation,),
        "IW",
        "BURST",
        from_wkt(AROUND),
        url="https://nowhere.invalid/x.tiff",
        burst=identity,
    )


def test_single_bursts_are_of_the_chosen_passages_and_a_kept_answer_without_them_is_asked_again(monkeypatch):
    before, after = "2021-02-25T16:31:2", "2021-03-09T16:31:2"
    slices = [replace(burst("x", f"{start}0", ""), level="SLC") for start in (before, after)]
    chosen = realpair.Chosen(find_event(EVENT), (slices[0],), (slices[1],), "VV", 15, 20.0)
    wanted = [
        burst(f"{number}_{start}", f"{start}{number}", f"102_21700{number}_IW{number}")
        for start in (before, after)
        for number in (1, 2)
    ]
    others = [
        burst("vh", f"{before}1", "102_217001_IW1", polarisation="VH"),
        burst("another satellite", "2021-03-03T16:31:21", "102_217001_IW1", platform="S1B"),
        burst("another passage", "2021-03-21T16:31:21", "102_217001_IW1"),
    ]
    asked = []

    def search(_, *, fresh_days, **options):
        asked.append(options | {"fresh_days": fresh_days})
        return SimpleNamespace(scenes=others + (wanted if fresh_days == 0 else []), live=fresh_days == 0, summary="x")

    monkeypatch.setattr(realpair, "search_scenes", search)
    first, second = realpair._single_bursts(chosen, lambda _: None)
    assert [scene.name for scene in (*first, *second)] == [scene.name for scene in wanted]
    assert [one["fresh_days"] > 0 for one in asked] == [True, False]
    assert all(one["bursts"] and one["source"] == "asf" for one in asked)


def test_single_bursts_of_several_subswaths_are_one_passage(tmp_path):
    """Each has one subswath; of whole slices every one must have it."""
    sides = []
    for number, tiny in enumerate((Tiny(), Tiny(node="2023-09-28T05:56:47.407340", orbit_number=50524))):
        folder = tmp_path / str(number)
        sides.append(open_products([tiny.write_burst(folder, 1, subswath=swath) for swath in ("IW1", "IW2")]))
    assert common_subswaths(*sides, "VV", ()) == ["IW1", "IW2"]
    for swath in ("IW1", "IW2"):
        (item,) = holding(sides[0], swath, "VV")
        assert swath in item.name
    assert common_subswaths(sides[0], [sides[1][1]], "VV", ()) == ["IW2"]
    whole = [Tiny(subswaths=names).write(tmp_path / "-".join(names)) for names in (("IW1", "IW2"), ("IW2",))]
    assert common_subswaths(open_products(whole), sides[1], "VV", ()) == ["IW2"]
