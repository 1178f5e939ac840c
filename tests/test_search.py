"""Archives are asked page after page, with patience; what is no list is one clear error, and nothing of it is kept."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import asf_search
import pandas as pd
import pytest
import requests
import yaml
from shapely.geometry import mapping

from epi.catalogue import find_event, match_pairs, read_scenes
from epi.catalogue.images.archives import scenes_of
from epi.catalogue.online import questions, search
from epi.catalogue.online.search import search_scenes
from epi.errors import ArchiveError, ParameterError
from epi.settings import settings

BORREGO = find_event("20160610-borrego-springs")
JSON = {"Content-Type": "application/json"}
Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Catalogue:
    """A web server that gives the replies it was told, in their order, the last one again and again."""

    url: str
    replies: list[Reply | Callable[[dict], Reply]] = field(default_factory=list)
    asked: list[dict] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self._reply({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})

    def do_POST(self):
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._reply(
            {key: values[0] for key, values in parse_qs(text).items()} | {"after": self.headers["CMR-Search-After"]}
        )

    def _reply(self, asked):
        catalogue = self.server.catalogue
        catalogue.asked.append(asked)
        reply = catalogue.replies[min(len(catalogue.asked), len(catalogue.replies)) - 1]
        code, headers, body = reply(asked) if callable(reply) else reply
        self.send_response(code)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Say nothing."""


class Plain(questions._Adapter):
    """Takes what is meant for an encrypted server to the one of this test."""

    def send(self, request, *args, **options):
        request.url = request.url.replace("https://", "http://")
        return super().send(request, *args, **options)


@pytest.fixture
def catalogue(monkeypatch, tmp_path):
    monkeypatch.setattr(search, "_folder", lambda: tmp_path / "searches")
    monkeypatch.setattr(questions, "BACKOFF_S", 0.01)
    monkeypatch.setattr(questions, "_Adapter", Plain)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.catalogue = Catalogue(f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(questions, "CDSE_CATALOGUE", f"{server.catalogue.url}/odata/v1/Products")
        monkeypatch.setattr(questions, "ASF_HOST", f"127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server.catalogue
        finally:
            server.shutdown()
            thread.join()


def odata(scene) -> dict:
    """Write a scene as the Copernicus Data Space does."""
    attributes = {
        "relativeOrbitNumber": scene.track,
        "orbitDirection": scene.direction.upper(),
        "polarisationChannels": "&".join(scene.polarisations),
        "operationalMode": scene.mode,
        "processorVersion": "002.71",
    }
    return {
        "Id": f"id-{scene.name[-4:]}",
        "Name": f"{scene.name}.SAFE",
        "ContentLength": scene.bytes,
        "ContentDate": {"Start": scene.start.isoformat(), "End": scene.stop.isoformat()},
        "Checksum": [{"Algorithm": "BLAKE3", "Value": "b"}, {"Algorithm": "MD5", "Value": scene.md5}],
        "GeoFootprint": mapping(scene.footprint),
        "Attributes": [{"Name": name, "Value": value} for name, value in attributes.items()],
    }


def page(records, following=None) -> Reply:
    body = {"value": records} | ({"@odata.nextLink": following} if following else {})
    return 200, JSON, json.dumps(body).encode()


def cmr(shared: list[dict]) -> Callable[[dict], Reply]:
    """Answer as NASA's catalogue does: two a page, and a header that says where to go on."""

    def reply(asked: dict) -> Reply:
        first = int(asked["after"] or 0)
        items = shared[first : first + 2]
        headers = JSON | ({"CMR-Search-After": str(first + 2)} if items else {})
        return 200, headers, json.dumps({"hits": len(shared), "items": items}).encode()

    return reply


def test_the_copernicus_list_is_read_to_its_end_and_says_what_asf_says(catalogue):
    scenes = read_scenes()
    catalogue.replies = [
        page([odata(scene) for scene in scenes[:5]], f"{catalogue.url}/odata/v1/Products?$skip=5"),
        page([odata(scene) for scene in scenes[5:]]),
    ]
    answer = search_scenes(BORREGO, source="cdse")
    assert [scene.name for scene in answer.scenes] == [scene.name for scene in scenes]
    for field_name in (
        "platform",
        "track",
        "direction",
        "polarisations",
        "mode",
        "level",
        "bytes",
        "md5",
        "start",
        "stop",
    ):
        assert [getattr(a, field_name) for a in answer.scenes] == [getattr(b, field_name) for b in scenes], field_name
    assert all(scene.url.endswith(f"/Products(id-{scene.name[-4:]})/$value") for scene in answer.scenes)
    assert match_pairs(BORREGO, answer.scenes).best.reference.name == match_pairs(BORREGO, scenes).best.reference.name
    asked = catalogue.asked[0]["$filter"]
    assert "ContentDate/Start ge 2016-05-26T00:00:00" in asked
    assert "ContentDate/Start le 2016-06-26T00:00:00" in asked
    assert "OData.CSC.Intersects(area=geography'SRID=4326;POLYGON" in asked


def test_asf_search_is_read_to_its_end(catalogue, shared_data):
    records = yaml.safe_load((shared_data / "asf" / "Fairbanks_S1_stack.yml").read_text())
    catalogue.replies = [cmr([{"umm": record["umm"], "meta": record["meta"]} for record in records])]
    answer = search_scenes(BORREGO)
    assert {scene.name for scene in answer.scenes} == {record["properties"]["sceneName"] for record in records}
    assert all(scene.footprint is not None and scene.url and scene.bytes and scene.md5 for scene in answer.scenes)
    assert all(scene.state is not None and scene.node is not None for scene in answer.scenes)
    assert [asked["after"] for asked in catalogue.asked] == [None, "2"]


def test_single_bursts_are_asked_of_asf_alone(catalogue, shared_data):
    record = yaml.safe_load((shared_data / "asf" / "SLC_BURST.yml").read_text())
    catalogue.replies = [cmr([{"umm": record["umm"], "meta": record["meta"]}])]
    [burst] = search_scenes(BORREGO, bursts=True).scenes
    assert (burst.level, burst.burst, burst.bytes) == ("BURST", "174_372326_IW3", 147215404)
    assert burst.url.endswith(".tiff")
    assert "BURST" in json.dumps(catalogue.asked)


def test_single_bursts_are_asked_of_no_other(catalogue):
    with pytest.raises(ParameterError, match="no single bursts: ask asf"):
        search_scenes(BORREGO, source="cdse", bursts=True)
    assert not catalogue.asked


def test_what_took_days_is_asked_for_beyond_its_end(catalogue):
    catalogue.replies = [page([])]
    search_scenes(find_event("20230502-emilia-romagna"), source="cdse")
    assert "ContentDate/Start le 2023-06-02T00:00:00" in catalogue.asked[0]["$filter"]


@pytest.mark.parametrize("code", [429, 500, 503])
def test_a_passing_trouble_is_asked_again(catalogue, code):
    catalogue.replies = [(code, {"Retry-After": "0"}, b"later"), (code, {}, b"later"), page([odata(read_scenes()[0])])]
    assert len(search_scenes(BORREGO, source="cdse").scenes) == 1
    assert len(catalogue.asked) == 3


def test_no_pause_is_longer_than_ours(catalogue, monkeypatch):
    monkeypatch.setattr(questions, "LONGEST_PAUSE_S", 0.01)
    catalogue.replies = [(429, {"Retry-After": "3600"}, b""), page([])]
    assert search_scenes(BORREGO, source="cdse").scenes == []


@pytest.mark.parametrize("source", ["asf", "cdse"])
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((503, {"Retry-After": "0"}, b"<html>"), r"is busy or down \(HTTP 503 again and again\)"),
        ((429, {"Retry-After": "0"}, b""), r"is busy or down \(HTTP 429"),
        ((401, {}, b""), r"refuses the search \(HTTP 401\), though a search needs no account"),
        ((403, {"Content-Type": "text/html"}, b"<html>"), r"refuses the search \(HTTP 403\)"),
        ((400, JSON, b'{"errors": ["bad"]}'), r"does not take the question \(HTTP 400\)"),
        ((200, {"Content-Type": "text/html"}, b"<html>login</html>"), "answers with text/html where JSON is due"),
        ((200, JSON, b'{"value": [{'), "its answer is no JSON"),
        ((200, JSON, b"{}"), "its answer lacks"),
        ((200, JSON | {"Content-Length": "5000"}, b'{"value": ['), "gives no list of products"),
    ],
)
def test_what_is_no_list_is_one_error_and_nothing_is_kept(catalogue, tmp_path, source, reply, words):
    catalogue.replies = [reply]
    with pytest.raises(ArchiveError, match=words) as error:
        search_scenes(BORREGO, source=source)
    assert "No answer is kept on this machine" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.json"))


def test_a_list_that_goes_on_elsewhere_or_for_ever_is_refused(catalogue, monkeypatch):
    catalogue.replies = [page([odata(read_scenes()[0])], "http://elsewhere.example/odata/v1/Products")]
    with pytest.raises(ArchiveError, match="another server"):
        search_scenes(BORREGO, source="cdse")
    monkeypatch.setattr(questions, "_MOST_PAGES", 4)
    catalogue.replies = [page([odata(read_scenes()[0])], f"{catalogue.url}/odata/v1/Products?$skip=1")]
    with pytest.raises(ArchiveError, match="no end after 4 pages"):
        search_scenes(BORREGO, source="cdse")


def test_a_record_that_cannot_be_read_is_named_and_not_kept(catalogue, tmp_path):
    broken = odata(read_scenes()[0]) | {"ContentDate": {"Start": "yesterday, or so"}}
    catalogue.replies = [page([odata(read_scenes()[1]), broken])]
    with pytest.raises(Exception, match="record 2 of the answer of cdse cannot be read"):
        search_scenes(BORREGO, source="cdse")
    assert not list(tmp_path.rglob("*.json"))


def test_an_answer_is_kept_and_its_age_shown(catalogue, monkeypatch):
    catalogue.replies = [page([odata(scene) for scene in read_scenes()])]
    first = search_scenes(BORREGO, source="cdse")
    assert first.live
    assert first.summary.startswith("cdse: 12 images, asked just now")
    assert [scene.to_dict() for scene in read_scenes(first.file)] == [scene.to_dict() for scene in first.scenes]
    later = pd.Timestamp.now(tz="UTC") + pd.Timedelta(days=3)
    monkeypatch.setattr(search, "_now", lambda: later)
    again = search_scenes(BORREGO, source="cdse")
    assert "from the cache, 3 days old" in again.summary
    assert [scene.name for scene in again.scenes] == [scene.name for scene in first.scenes]
    assert len(catalogue.asked) == 1
    assert search_scenes(BORREGO, source="cdse", fresh_days=2).live
    assert search_scenes(BORREGO, source="cdse", days=20).live
    assert len(catalogue.asked) == 3


def test_a_damaged_answer_on_disk_is_asked_for_again(catalogue):
    catalogue.replies = [page([odata(scene) for scene in read_scenes()])]
    file = search_scenes(BORREGO, source="cdse").file
    file.write_text(file.read_text()[:100])
    assert search_scenes(BORREGO, source="cdse").live
    assert len(read_scenes(file)) == 12


@pytest.mark.parametrize("source", ["asf", "cdse"])
def test_offline_names_the_answer_on_disk(catalogue, monkeypatch, source):
    catalogue.replies = [page([odata(scene) for scene in read_scenes()])]
    file = search_scenes(BORREGO, source="cdse").file
    for name, nowhere in (("CDSE_CATALOGUE", "http://127.0.0.1:1/x"), ("ASF_HOST", "127.0.0.1:1")):
        monkeypatch.setattr(questions, name, nowhere)
    with pytest.raises(ArchiveError, match="no connection: this machine may be offline") as error:
        search_scenes(BORREGO, source=source, fresh_days=0)
    assert f"An answer of cdse from 0 hours ago is kept: go on with --scenes {file}" in str(error.value)
    assert not isinstance(error.value, requests.RequestException)


def test_an_area_across_the_antimeridian_is_asked_for_in_two(catalogue):
    fiji = type(BORREGO).from_dict(BORREGO.to_dict() | {"latitude": -17.8, "longitude": 179.98})
    catalogue.replies = [page([])]
    assert search_scenes(fiji, source="cdse").scenes == []
    areas = [asked["$filter"].split("SRID=4326;")[1] for asked in catalogue.asked]
    assert len(areas) == 2
    assert any(" 180 " in area or "(180 " in area for area in areas)
    assert any("-180 " in area for area in areas)


def test_an_empty_list_is_no_error_until_a_pair_is_asked_for(catalogue):
    catalogue.replies = [page([])]
    match = match_pairs(BORREGO, search_scenes(BORREGO, source="cdse").scenes)
    assert match.missing == "no scene within 15 days of 2016-06-10 covers 33.43 N 116.44 W"
    assert scenes_of([], "nothing") == []


def test_the_library_reports_our_questions_to_nobody(catalogue):
    catalogue.replies = [(400, JSON, b'{"errors": ["bad"]}')]
    with pytest.raises(ArchiveError):
        search_scenes(BORREGO)
    assert asf_search.REPORT_ERRORS is False


def test_an_unknown_archive_is_refused():
    with pytest.raises(ParameterError, match="there are asf and cdse"):
        search_scenes(BORREGO, source="scihub")


def test_answers_are_kept_in_the_shared_cache():
    assert search._folder() == settings().cache.expanduser() / "searches"


def test_the_command_asks_and_says_how_old_and_how_heavy(catalogue, says):
    catalogue.replies = [page([odata(scene) for scene in read_scenes()])]
    for age in ("asked just now", "from the cache, 0 hours old"):
        code, out, err = says("pairs", BORREGO.event_id, "--scenes", "cdse", "--explain")
        assert code == 0
        assert f"cdse: 12 images, {age}" in err
        assert "6.9 GB; the bursts over the area alone about 0.6 GB" in out
        assert out.count("rejected  ") == 10
    code, out, _ = says("pairs", BORREGO.event_id, "--scenes", "cdse", "--json")
    document = json.loads(out)
    assert [pair["bytes"] for pair in document["results"]] == [match_pairs(BORREGO, read_scenes()).best.bytes]
    assert document["results"][0]["bursts"] == []
    assert document["radius_km"] == match_pairs(BORREGO, []).radius_km


def test_the_command_says_what_is_missing(catalogue, says):
    catalogue.replies = [page([])]
    code, _, err = says("pairs", BORREGO.event_id, "--scenes", "cdse")
    assert code == 1
    assert err.splitlines()[-1].startswith("NoPairFound: no scene within 15 days of 2016-06-10 covers 33.43 N 116.44 W")
    code, _, err = says("pairs", BORREGO.event_id, "--scenes", "absent.json")
    assert (code, "No scenes at absent.json" in err) == (1, True)
