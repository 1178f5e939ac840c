"""`epi download` against servers that play the archives: what it brings, and that it never tells a secret."""

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import rasterio
import requests
from eof.asf_client import ASFClient
from rasterio.transform import Affine

from epi.catalogue import read_scenes
from epi.catalogue.online import cache as cache_module
from epi.catalogue.online import credentials, transport
from epi.catalogue.online.credentials import Account
from epi.catalogue.online.download import download
from epi.catalogue.online.transport import Patience
from epi.catalogue.online.wanted import Wanted, scene_files
from epi.errors import StorageError
from epi.insar.slc.safe import open_safe
from epi.settings import Settings
from moody_archive import Moody, Reply, first, moody, whole
from test_download import STEP, disk, earthdata, product, until
from tiny_safe import Tiny, write_orbit_file

dem_stitcher = pytest.importorskip("dem_stitcher")

EVENT = "20210303-thessaly"
SECRET = "pl4nted-s3cret"
HIDDEN = (SECRET, base64.b64encode(f"me:{SECRET}".encode()).decode(), base64.b64encode(SECRET.encode()).decode()[:-2])
DATA = {day: product(300_000 + 1000 * number) for number, day in enumerate((25, 3))}
NAMES = {
    25: "S1A_IW_SLC__1SDV_20210225T163122_20210225T163149_036747_04519E_5A0E",
    3: "S1A_IW_SLC__1SDV_20210309T163122_20210309T163149_036922_0457B5_83E5",
}
AREA = "POLYGON ((21.2 39.1, 23.4 39.1, 23.4 40.4, 21.2 40.4, 21.2 39.1))"
OWN_WARNINGS = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without logins and a cache of its own; an archive of tiles that has none."""
    place = Settings(cache=tmp_path / "cache", tokens=tmp_path / "tokens")
    for module in (cache_module, credentials):
        monkeypatch.setattr(module, "settings", lambda: place)
    monkeypatch.setattr(transport, "Patience", lambda: Patience(2, 0.01, 1.0, 5.0))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("NETRC", *(f"EARTHDATA_{part}" for part in ("TOKEN", "USERNAME", "PASSWORD"))):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def servers(home, monkeypatch):
    """The archive, its login, and the storage it sends to."""
    with moody() as archive, moody() as login, moody() as storage:
        known = Account(
            "Earthdata", "EARTHDATA", (archive.url,), login.url, ("urs.earthdata.nasa.gov",), "https://page"
        )
        monkeypatch.setattr(credentials, "ACCOUNTS", (known,))
        yield archive, login, storage


def records(archive: Moody, folder: Path, **changes: object) -> Path:
    """The archive's records of a pair around the earthquake."""
    rows = [
        {
            "name": name,
            "platform": "S1A",
            "start": f"{name[17:21]}-{name[21:23]}-{name[23:25]}T16:31:22Z",
            "stop": f"{name[17:21]}-{name[21:23]}-{name[23:25]}T16:31:49Z",
            "track": 102,
            "direction": "ascending",
            "polarisations": "VV+VH",
            "mode": "IW",
            "level": "SLC",
            "footprint": AREA,
            "url": f"{archive.url}/{day}.zip",
            "bytes": len(DATA[day]),
            "md5": hashlib.md5(DATA[day]).hexdigest(),
        }
        | changes
        for day, name in NAMES.items()
    ]
    pd.DataFrame(rows).to_csv(folder / "records.csv", index=False)
    return folder / "records.csv"


@pytest.fixture
def relief(servers, home, monkeypatch):
    """Tiles of terrain on the archive, and the geoid as a file, for dem-stitcher as it is."""
    archive = servers[0]
    (home / "made").mkdir(exist_ok=True)
    table = dem_stitcher.datasets.get_global_dem_tile_extents

    def turned(name):
        held = table(name)
        return held.assign(url=held.url.str.replace(r"https://[^/]+", archive.url, regex=True))

    monkeypatch.setattr(dem_stitcher.datasets, "get_global_dem_tile_extents", turned)
    geoid = raster(home / "made" / "geoid.tif", np.full((180, 360), 30, "f4"), west=-180, north=90, step=1)
    monkeypatch.setitem(dem_stitcher.geoid.GEOID_PATHS_AGI, "egm_08", str(geoid))
    for south in (38, 39, 40):
        for west in (21, 22, 23):
            name = f"Copernicus_DSM_COG_10_N{south}_00_E{west:03d}_00_DEM"
            heights = np.full((50, 50), 100 * south + west, "f4")
            path = raster(home / "made" / f"{name}.tif", heights, west=west - 0.01, north=south + 1.01, step=0.02)
            archive.moods[f"/{name}/{name}.tif"] = whole(path.read_bytes(), etag="")


def raster(path: Path, values: np.ndarray, *, west: float, north: float, step: float) -> Path:
    shape = {"height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", driver="GTiff", transform=Affine(step, 0, west, 0, -step, north), **shape) as ds:
        ds.write(values, 1)
        ds.update_tags(AREA_OR_POINT="Point")
    return path


@pytest.fixture
def orbits(servers, home, monkeypatch):
    """The first passage's orbit is in the cache; the other's is at the archive. Returns its name."""
    write_orbit_file(home / "cache" / "orbits", start="2021-02-25T16:00:00")
    other = write_orbit_file(home / "made" / "orbits", start="2021-03-09T16:00:00")
    archive = servers[0]
    archive.moods[f"/{other.name}"] = whole(other.read_bytes(), etag="")
    monkeypatch.setattr(ASFClient, "get_download_urls", lambda *_, **__: [f"{archive.url}/{other.name}"])
    return other.name


@OWN_WARNINGS
def test_a_pair_comes_with_its_orbits_and_terrain(says, servers, relief, orbits, home, monkeypatch):
    archive, login, storage = servers
    monkeypatch.setenv("EARTHDATA_USERNAME", "me")
    monkeypatch.setenv("EARTHDATA_PASSWORD", SECRET)
    for day in NAMES:
        earthdata(archive, login, storage, f"/{day}.zip")
    by_name = {f"/{day}.zip": whole(DATA[day]) for day in NAMES}
    storage.moods["/file"] = lambda request: by_name[request.query["of"][0]](request)
    for name in by_name:
        archive.moods[name] = signed(archive.moods[name], name)
    file = records(archive, home)
    code, out, err = says("download", EVENT, "--scenes", file, "--json")
    assert code == 0, err
    found = {Path(item["path"]).name: item for item in json.loads(out)["results"]}
    assert all(Path(item["path"]).stat().st_size == item["bytes"] for item in found.values())
    for day, name in NAMES.items():
        assert found[f"{name}.zip"]["verified_by"] == "MD5 of the record, checksums of the 2 files in the zip"
        assert Path(found[f"{name}.zip"]["path"]).read_bytes() == DATA[day]
    assert [item["came"] for name, item in found.items() if name.endswith(".EOF")] == [False, True]
    (heights,) = [item for name, item in found.items() if name.startswith("ellipsoidal")]
    tiles = [item for name, item in found.items() if name.endswith("DEM.tif")]
    assert heights["verified_by"] == f"made here from {len(tiles)} verified tiles"
    with rasterio.open(heights["path"]) as ds:
        assert next(ds.sample([(22.5, 39.5)]))[0] == pytest.approx(3922 + 30, abs=0.1)
        assert ds.crs.to_epsg() == 4979
    assert "2 files of images (0.00 GB still to come), 6 tiles of terrain (about 0.24 GB)" in err
    asked = len(archive.asked)
    code, out, err = says("download", EVENT, "--scenes", file, "--json")
    assert code == 0
    assert not any(item["came"] for item in json.loads(out)["results"])
    assert len(archive.asked) == asked
    told_nothing(out, err, home)
    code, out, err = says("download", EVENT, "--scenes", file)
    assert code == 0
    assert "was here: MD5 of the record" in out


@OWN_WARNINGS
def test_too_little_space_for_all_of_it_together_is_said_before_any_of_it_comes(
    says, servers, relief, orbits, home, monkeypatch
):
    """The images alone would fit."""
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: SimpleNamespace(free=300_000_000))
    code, out, err = says("download", EVENT, "--scenes", records(servers[0], home))
    assert (code, out) == (1, "")
    last = err.splitlines()[-1]
    assert last.startswith("StorageError: What is missing of images, terrain and orbits together needs 0.25 GB")
    assert last.endswith("Nothing was fetched.")
    assert servers[0].asked == []


def signed(mood, name):
    """The storage's signed address says which file."""

    def answer(request):
        reply = mood(request)
        if "X-Amz" in reply.headers.get("Location", ""):
            reply.headers["Location"] += f"&of={name}"
        return reply

    return answer


def test_simulated_images_are_refused_in_one_line(says, servers, home):
    file = records(servers[0], home, name="SIM_S1A_IW_SLC__1SDV_20210225T163122_20210225T163149_T102A")
    rows = pd.read_csv(file)
    rows["name"] = [f"SIM_{name}" for name in NAMES.values()]
    rows.to_csv(file, index=False)
    code, out, err = says("download", EVENT, "--scenes", file)
    assert (code, out) == (1, "")
    assert err.startswith("ParameterError: SIM_")
    assert "is simulated: it stands for an image the satellite could have taken, and no archive has it." in err
    assert err.count("\n") == 1
    assert not (home / "cache" / "scenes").exists()


def test_without_records_an_archive_is_asked(says, home, monkeypatch):
    asked = []

    def search(event, **options):
        asked.append((event.event_id, options))
        raise credentials.AccountError("as far as it goes")

    monkeypatch.setattr("epi.catalogue.online.search.search_scenes", search)
    assert says("download", EVENT, "--bursts", "--days", "20")[0] == 1
    assert says("download", EVENT, "--scenes", "cdse")[0] == 1
    monkeypatch.setattr("epi.catalogue.read_scenes", lambda: [])
    assert says("download", EVENT)[0] == 1
    assert asked == [
        (EVENT, {"source": "asf", "days": 20.0, "bursts": True}),
        (EVENT, {"source": "cdse", "days": 15.0, "bursts": False}),
        (EVENT, {"source": "asf", "days": 15.0, "bursts": False}),
    ]


def test_an_earthquake_of_another_catalogue_gets_its_pair_and_its_files(says, servers, home, monkeypatch):
    listed = home / "export.csv"
    listed.write_text(
        "time,latitude,longitude,depth,mag,magType,id,place\n"
        '2021-03-04T18:38:17Z,39.77,22.12,10,5.8,mww,us7000test,"11 km WNW of Verdikousa, Greece"\n'
    )
    asked = ["us7000test", "--catalogue", listed, "--scenes", records(servers[0], home)]
    code, out, err = says("pairs", *asked, "--json")
    assert code == 0, err
    [pair] = json.loads(out)["results"]
    assert [pair[side]["name"] for side in ("reference", "secondary")] == list(NAMES.values())
    wanted = []

    def refused(files, **_):
        wanted.extend(files)
        raise StorageError("as far as it goes")

    monkeypatch.setattr("epi.insar.inputs.download", refused)
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [])
    assert says("download", *asked)[0] == 1
    assert [file.path.stem for file in wanted] == list(NAMES.values())
    code, _, err = says("download", "us7000test")
    assert code == 1
    assert err.splitlines()[-1].startswith("UnknownEvent: No event 'us7000test' among")
    assert "--catalogue FILE|usgs|isc|emsc" in err


SIGNED = f"X-Amz-Signature={SECRET}&token={SECRET}"
PAGE = f'<html><input type="password" value="{SECRET}"></html>'.encode()


def redirect(target: str):
    return lambda _: Reply(302, headers={"Location": target})


FAILURES = {
    "401": lambda storage: lambda _: Reply(401, SECRET.encode(), {"WWW-Authenticate": f"Bearer {SECRET}"}),
    "403": lambda storage: lambda _: Reply(403, SECRET.encode()),
    "404 behind a signature": lambda storage: redirect(f"{storage.url}/nothing?{SIGNED}"),
    "403 behind a signature": lambda storage: redirect(f"{storage.url}/forbidden?{SIGNED}"),
    "429": lambda storage: lambda _: Reply(429, headers={"Retry-After": "9999"}),
    "500 behind a signature": lambda storage: redirect(f"{storage.url}/broken?{SIGNED}"),
    "nobody behind a signature": lambda storage: redirect(f"http://127.0.0.1:1/x?{SIGNED}"),
    "no such host": lambda storage: redirect(f"http://me:{SECRET}@nowhere.invalid/x?{SIGNED}"),
    "a bad address": lambda storage: redirect(f"http://[{SECRET}/x?{SIGNED}"),
    "out of the web": lambda storage: redirect(f"ftp://me:{SECRET}@127.0.0.1/x?{SIGNED}"),
    "a circle": lambda storage: redirect(f"/25.zip?{SIGNED}"),
    "a page": lambda storage: lambda _: Reply(200, PAGE, {"Content-Type": "text/html"}),
    "a page as a zip": lambda storage: lambda _: Reply(200, PAGE),
    "breaks off": lambda storage: redirect(f"{storage.url}/half?{SIGNED}"),
    "too short": lambda storage: lambda _: Reply(200, DATA[25], length=1000),
    "wrong checksum": lambda storage: whole(DATA[3]),
    "a status no one knows": lambda storage: lambda _: Reply(418, SECRET.encode()),
    "a full disk": lambda storage: whole(DATA[25]),
}


@pytest.mark.parametrize("login", ["token", "password", "netrc"])
@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_tells_a_secret(says, servers, home, monkeypatch, failure, login):
    archive, _, storage = servers
    if login == "token":
        monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    elif login == "password":
        monkeypatch.setenv("EARTHDATA_USERNAME", "me")
        monkeypatch.setenv("EARTHDATA_PASSWORD", SECRET)
    else:
        (home / ".netrc").write_text(f"machine urs.earthdata.nasa.gov login me password {SECRET}\n")
        (home / ".netrc").chmod(0o600)
    storage.moods |= {
        "/forbidden": lambda _: Reply(403, SECRET.encode()),
        "/broken": lambda _: Reply(500, SECRET.encode()),
        "/half": first(whole(DATA[25], cut=3 * STEP), then=lambda _: Reply(503)),
    }
    archive.moods["/25.zip"] = FAILURES[failure](storage)
    archive.moods["/3.zip"] = whole(DATA[3])
    if failure == "a full disk":
        disk(monkeypatch, 100_000)
    file = records(archive, home)
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [])
    for options in ([], ["--json", "--debug"]):
        code, out, err = says("download", EVENT, "--scenes", file, *options)
        assert (code, out) == (1, "")
        last = err.splitlines()[-1]
        assert last.startswith(("AccountError: ", "DownloadError: ", "StorageError: ")), err
        told_nothing(out, err, home)
    assert not (home / "cache" / "scenes" / f"{NAMES[25]}.zip").exists()


@pytest.mark.parametrize("kind", ["orbit", "tile"])
@pytest.mark.parametrize("failure", [name for name in FAILURES if name not in ("wrong checksum", "a full disk")])
def test_no_failure_of_an_orbit_or_a_tile_tells_a_secret(says, servers, orbits, home, monkeypatch, failure, kind):
    """What lies beside the images comes the same way, and fails with the same care."""
    archive, _, storage = servers
    monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    storage.moods |= {
        "/forbidden": lambda _: Reply(403, SECRET.encode()),
        "/broken": lambda _: Reply(500, SECRET.encode()),
        "/half": first(whole(DATA[25], cut=3 * STEP), then=lambda _: Reply(503)),
    }
    for day in NAMES:
        archive.moods[f"/{day}.zip"] = whole(DATA[day])
    name = orbits if kind == "orbit" else "tile.tif"
    archive.moods[f"/{name}"] = FAILURES[failure](storage)
    tile = Wanted(f"{archive.url}/tile.tif", cache_module.cache_folder("terrain") / "tile.tif")
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [tile])
    for options in ([], ["--json", "--debug"]):
        code, out, err = says("download", EVENT, "--scenes", records(archive, home), *options)
        assert (code, out) == (1, "")
        kinds = ("OrbitError: ",) if kind == "orbit" else ("AccountError: ", "DownloadError: ")
        assert err.splitlines()[-1].startswith(kinds), err
        told_nothing(out, err, home)
    assert not [path for path in (home / "cache").rglob(name) if path.is_file()]


def test_a_list_of_orbits_that_fails_tells_no_secret(says, servers, home, monkeypatch):
    for day in NAMES:
        servers[0].moods[f"/{day}.zip"] = whole(DATA[day])

    def unreachable(*_: object, **__: object) -> None:
        raise requests.ConnectionError(f"Max retries exceeded with url: http://me:{SECRET}@proxy/?{SIGNED}")

    monkeypatch.setattr(ASFClient, "get_download_urls", unreachable)
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [])
    code, out, err = says("download", EVENT, "--scenes", records(servers[0], home), "--debug")
    assert (code, out) == (1, "")
    assert "OrbitError: No POEORB for" in err.splitlines()[-1]
    told_nothing(out, err, home)


def told_nothing(out: str, err: str, home: Path) -> None:
    """Look for the planted secret, in plain and as a header holds it, in what was said and in every file kept."""
    kept = b"".join(path.read_bytes() for path in (home / "cache").rglob("*") if path.is_file())
    for secret in HIDDEN:
        assert secret not in out
        assert secret not in err
        assert secret.encode() not in kept


@pytest.mark.parametrize("kind", ["token file", "netrc", "half a line"])
def test_open_or_broken_files_of_logins_are_refused_in_one_line(says, servers, home, kind):
    servers[0].moods["/25.zip"] = whole(DATA[25])
    path = home / "tokens" / "earthdata.token" if kind == "token file" else home / ".netrc"
    path.parent.mkdir(exist_ok=True)
    whole_line = f"machine urs.earthdata.nasa.gov login me password {SECRET}"
    path.write_text({"token file": SECRET, "netrc": whole_line, "half a line": whole_line.replace("word", "")}[kind])
    path.chmod(0o600 if kind == "half a line" else 0o644)
    code, out, err = says("download", EVENT, "--scenes", records(servers[0], home), "--debug")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith(f"AccountError: {path} ")
    assert servers[0].asked == []
    told_nothing(out, err, home)


def test_the_login_is_told_with_the_cost(says, servers, home, monkeypatch):
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [])
    file = records(servers[0], home)
    err = says("download", EVENT, "--scenes", file)[2]
    assert "\nNo Earthdata login was found, and its archive will most likely ask for one. Make an account at" in err
    monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    err = says("download", EVENT, "--scenes", file)[2]
    assert "\nEarthdata login: in EARTHDATA_TOKEN\n" in err
    for day, name in NAMES.items():  # nothing is to come: no login is needed
        (home / "cache" / "scenes" / f"{name}.zip").write_bytes(DATA[day])
    download(scene_files(read_scenes(file)))
    assert "Earthdata" not in says("download", EVENT, "--scenes", file)[2]


def test_an_address_with_a_login_in_it_is_not_shown(says, servers, home):
    url = servers[0].url.replace("http://", f"http://me:{SECRET}@")
    rows = pd.read_csv(file := records(servers[0], home))
    rows["url"] = [f"{url}/{day}.zip?{SIGNED}" for day in NAMES]
    rows.to_csv(file, index=False)
    code, out, err = says("download", EVENT, "--scenes", file, "--debug")
    assert (code, out) == (1, "")
    assert ".zip answered 404" in err
    told_nothing(out, err, home)


def test_single_bursts_are_pixels_and_metadata(says, servers, orbits, home, monkeypatch):
    """Of one burst on two days; whole scenes in the same file of records are left aside."""
    archive = servers[0]
    monkeypatch.setattr("epi.insar.inputs.terrain_tiles", lambda _: [])
    tiff = Tiny(first_burst=217830).write_burst(home / "made", 1)
    for day in NAMES:
        archive.moods[f"/{day}/IW1/VV/1.tiff"] = whole(tiff.read_bytes())
        archive.moods[f"/{day}/IW1/VV/1.xml"] = whole(tiff.with_suffix(".xml").read_bytes())
    rows = pd.read_csv(file := records(archive, home), dtype=object)
    bursts = rows.assign(
        name=[f"S1_217831_IW1_{name[17:32]}_VV_{name[-4:]}-BURST" for name in NAMES.values()],
        url=[f"{archive.url}/{day}/IW1/VV/1.tiff" for day in NAMES],
        level="BURST",
        polarisations="VV",
        md5="",
        burst="102_217831_IW1",
    )
    pd.concat([rows, bursts]).to_csv(file, index=False)
    code, out, err = says("download", EVENT, "--scenes", file, "--bursts", "--json")
    assert code == 0, err
    found = [Path(item["path"]) for item in json.loads(out)["results"]]
    names = [f"{name}.{suffix}" for name in bursts["name"] for suffix in ("tiff", "xml")]
    assert sorted(path.name for path in found if path.parent.name == "bursts") == sorted(names)
    assert all(path.suffix in (".tiff", ".xml", ".EOF") for path in found)
    assert open_safe(home / "cache" / "bursts" / names[0]).platform == "S1A"


PROGRAM = """import signal, sys
from epi.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are started deaf to it
sys.exit(main(sys.argv[1:]))"""


def test_an_interrupt_stops_at_once_and_keeps_what_came(servers, home):
    """Both files stall: the archive would be waited for a minute."""
    archive, go = servers[0], threading.Event()
    for day, data in DATA.items():
        stalled = Reply(200, data, {"ETag": '"one"'}, cut=3 * STEP, stall=go)
        archive.moods[f"/{day}.zip"] = first(stalled, then=whole(data))
    file = records(archive, home)
    wanted = scene_files(read_scenes(file))
    parts = [home / "cache" / "scenes" / f".{one.path.name}.part" for one in wanted]
    command = [sys.executable, "-c", PROGRAM, "download", EVENT, "--scenes", str(file)]
    places = {"EPI_CACHE": str(home / "cache"), "EPI_TOKENS": str(home / "tokens")}
    process = subprocess.Popen(command, env=os.environ | places, stderr=subprocess.PIPE, text=True)
    until(lambda: all(part.exists() and part.stat().st_size >= 2 * STEP for part in parts))
    time.sleep(1)  # by then it waits, also on a busy machine
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=40)[1]
    seconds = time.monotonic() - begun
    go.set()
    assert process.returncode == 130, err
    assert seconds < 15
    assert err.splitlines()[-1] == "Interrupted: what came is kept, the same command goes on with it."
    assert "Traceback" not in err
    have = {part.stat().st_size for part in parts}
    assert min(have) >= 2 * STEP
    for one, found in zip(wanted, download(wanted), strict=True):
        assert found.path.read_bytes() == DATA[int(one.url.rpartition("/")[2].removesuffix(".zip"))]
    assert {request.headers["range"] for request in archive.asked[2:]} == {f"bytes={size}-" for size in have}
