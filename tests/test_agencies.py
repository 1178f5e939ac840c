"""Agencies' event services: what they answer, refuse, and do not answer, on a server of our own."""

import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from epi import settings as settings_module
from epi.catalogue import fetch_events, look_up, read_events
from epi.catalogue.events import service as service_module
from epi.errors import ArchiveError, ParameterError, UnknownEvent
from quakeml_answers import quakeml_text

EVENTS = [
    ("us2000ci3s", "2018-01-11T06:59:30.470Z", 33.7131, 45.7239, 10.0, 5.5),
    ("us2000ci3x", "2018-01-11T07:00:52.390Z", 33.8578, 45.7935, 10.0, 5.3),
    ("us2000cifa", "2018-01-11T18:26:24.240Z", 18.3719, 96.0717, 9.0, 6.0),
    ("us2000cp7l", "2018-01-25T10:41:14.980Z", -17.7869, -179.6108, 639.56, 5.8),
]
DAY = {"since": "2018-01-11", "until": "2018-01-12"}


class Service:
    """An FDSN event service that answers by the rules, unless it is told to misbehave."""

    def __init__(self):
        self.questions, self.faults, self.most = [], [], 100
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                address = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(address.query).items()}
                service.questions.append((address.path, asked))
                code, body = service.faults.pop(0) if service.faults else service.answer(asked)
                if code == "hang":
                    time.sleep(1.5)
                    return
                self.send_response(code)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, asked):
        if "eventid" in asked:
            found = [event for event in EVENTS if event[0] == asked["eventid"]]
            return (200, quakeml_text(found)) if found else (404, b"no such event")
        start, end = (pd.Timestamp(asked[name], tz="UTC") for name in ("starttime", "endtime"))
        edges = [float(asked.get(f"{end}{side}", d)) for side, end, d in _EDGES]
        found = [
            event
            for event in EVENTS
            if start <= pd.Timestamp(event[1]) <= end
            and event[5] >= float(asked["minmagnitude"])
            and event[4] <= float(asked.get("maxdepth", 1000))
            and edges[0] <= event[3] <= edges[1]
            and edges[2] <= event[2] <= edges[3]
        ]
        if len(found) > self.most:
            return 400, f"{len(found)} matching events exceeds search limit of {self.most}.".encode()
        return (200, quakeml_text(found)) if found else (204, b"")


_EDGES = [
    ("longitude", "min", -180),
    ("longitude", "max", 180),
    ("latitude", "min", -90),
    ("latitude", "max", 90),
]


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Keep answers in a folder of this test, and wait for nothing."""
    monkeypatch.setenv("EPI_CACHE", str(tmp_path / "cache"))
    settings_module.settings.cache_clear()
    monkeypatch.setattr(service_module, "FIRST_WAIT_S", 0.01)
    yield tmp_path / "cache" / "events"
    monkeypatch.undo()
    settings_module.settings.cache_clear()


@pytest.fixture
def service():
    made = Service()
    yield made
    made.server.shutdown()
    made.server.server_close()


def names(answer):
    return [source.removeprefix("usgs:") for source in answer.events["source"]]


def test_the_question_is_the_standard_s_and_the_answer_is_read(service, cache):
    answer = fetch_events(service.address, **DAY, min_magnitude=5.4, max_depth_km=50)
    assert names(answer) == ["us2000ci3s", "us2000cifa"]
    assert answer.live
    [(path, asked)] = service.questions
    assert path == "/fdsnws/event/1/query"
    assert asked["starttime"].startswith("2018-01-11T00:00:00")
    assert asked["endtime"].startswith("2018-01-12T00:00:00")
    assert (float(asked["minmagnitude"]), float(asked["maxdepth"])) == (5.4, 50)
    assert "mindepth" not in asked
    assert answer.events.loc[0, "depth_km"] == 10
    pd.testing.assert_frame_equal(read_events(answer.files[0]), answer.events)  # a recorded answer reads the same


def test_the_smallest_magnitude_is_four_where_none_is_stated(service, cache):
    fetch_events(service.address, **DAY)
    assert float(service.questions[0][1]["minmagnitude"]) == 4


def test_a_smallest_depth_is_asked_for(service, cache, says):
    question = ["events", "--source", service.address, "--since", "2018-01-01", "--until", "2018-02-01", "--json"]
    code, out, _ = says(*question, "--min-depth", 600)
    assert code == 0
    assert float(service.questions[0][1]["mindepth"]) == 600
    assert [event["source"] for event in json.loads(out)["results"]] == ["usgs:us2000cp7l"]


def test_the_whole_address_of_the_service_does_too(service, cache):
    assert names(fetch_events(service.address + "/fdsnws/event/1/query", **DAY, min_magnitude=5.9)) == ["us2000cifa"]


def test_a_kept_answer_is_not_asked_for_again_and_says_its_age(service, cache):
    live = fetch_events(service.address, **DAY)
    kept = fetch_events(service.address, **DAY)
    assert len(service.questions) == 1
    assert not kept.live
    assert re.fullmatch(r"kept from .* UTC, 0 hours old", kept.age())
    pd.testing.assert_frame_equal(kept.events, live.events)
    assert fetch_events(service.address, **DAY, refresh=True).live
    assert len(service.questions) == 2
    assert len(list(cache.glob("*/*.xml"))) == 1  # the older answer is gone
    fetch_events(service.address, **DAY, min_magnitude=5)  # another question
    assert len(service.questions) == 3


def age_by(cache, days):
    [file] = cache.glob("*/question.json")
    facts = json.loads(file.read_text())
    facts["asked"] = (pd.Timestamp(facts["asked"]) - pd.Timedelta(days=days)).isoformat()
    file.write_text(json.dumps(facts))


def test_an_old_answer_is_asked_for_again_and_taken_only_where_nobody_answers(service, cache):
    fetch_events(service.address, **DAY)
    age_by(cache, 30)
    assert fetch_events(service.address, **DAY).live
    age_by(cache, 30)
    service.faults = [(503, b"maintenance")] * 3
    with pytest.warns(UserWarning, match=r"does not answer .*maintenance.* 30 days old is used"):
        answer = fetch_events(service.address, **DAY)
    assert not answer.live
    assert len(answer.events) == 3


def test_nothing_found_is_an_empty_catalogue(service, cache):
    answer = fetch_events(service.address, since="2017-01-01", until="2017-01-02")
    assert answer.events.empty
    assert list(answer.events.columns) == list(read_events().columns)
    assert not fetch_events(service.address, since="2017-01-01", until="2017-01-02").live


@pytest.mark.parametrize("fault", [(503, b""), (429, b"slow down"), (500, b"oops"), ("hang", b"")])
def test_what_may_pass_is_asked_again(service, cache, fault):
    service.faults = [fault]
    assert len(fetch_events(service.address, **DAY, timeout_s=0.5).events) == 3
    assert len(service.questions) == 2


@pytest.mark.parametrize(
    ("fault", "message", "asked"),
    [
        ((404, b"no such page"), "has no FDSN event service at its address", 1),
        ((400, b"bad parameter minmag"), "refuses the question: .*bad parameter", 1),
        ((403, b"closed"), "refuses the question", 1),
        ((200, b"<html>please log in</html>"), "something else than QuakeML", 1),
        ((200, b"<?xml version='1.0'?><q:quakeml>cut off"), "is no QuakeML", 1),
        ((503, b"maintenance"), "does not answer .*asked 3 times", 3),
        (("hang", b""), "does not answer .*asked 3 times", 3),
    ],
)
def test_a_refusal_is_one_error_that_names_the_way_out(service, cache, fault, message, asked):
    service.faults = [fault] * 3
    with pytest.raises(ArchiveError, match=message) as raised:
        fetch_events(service.address, **DAY, timeout_s=0.3)
    assert "epi events --source FILE" in str(raised.value)
    assert len(service.questions) == asked
    assert not list(cache.glob("*/question.json"))  # nothing counts as kept


def test_a_damaged_answer_does_not_spoil_the_one_that_is_kept(service, cache):
    fetch_events(service.address, **DAY)
    service.faults = [(200, b"<?xml version='1.0'?><q:quakeml>cut off")]
    with pytest.warns(UserWarning, match="is used"):
        again = fetch_events(service.address, **DAY, refresh=True)
    assert len(again.events) == 3


def test_without_a_network_the_error_names_what_is_kept(service, cache):
    fetch_events(service.address, **DAY)
    service.server.shutdown()
    service.server.server_close()
    [kept] = [path.parent.name for path in cache.glob("*/question.json")]
    with pytest.raises(ArchiveError, match=f"does not answer .*{kept}"):
        fetch_events(service.address, since="2018-01-01", until="2018-01-02")
    assert len(fetch_events(service.address, **DAY).events) == 3


def test_more_than_the_service_gives_is_asked_for_in_parts(service, cache):
    service.most = 2
    answer = fetch_events(service.address, since="2018-01-01", until="2018-02-01")
    assert names(answer) == [event[0] for event in EVENTS]
    service.most = 0
    with pytest.raises(ArchiveError, match="does not give one hour at once"):
        fetch_events(service.address, **DAY)


def test_a_box_over_the_antimeridian_is_asked_for_in_two_halves(service, cache):
    month = {"since": "2018-01-01", "until": "2018-02-01"}
    assert names(fetch_events(service.address, **month, box=(175, -30, -175, 0))) == ["us2000cp7l"]
    edges = [(q["minlongitude"], q["maxlongitude"]) for _, q in service.questions]
    assert [tuple(map(float, pair)) for pair in edges] == [(175, 180), (-180, -175)]
    assert names(fetch_events(service.address, **month, box=(40, 30, 50, 40))) == ["us2000ci3s", "us2000ci3x"]
    assert len(fetch_events(service.address, **month, box=(-180, -90, 180, 90)).events) == 4


def test_questions_without_an_answer_are_refused_before_anyone_is_asked(service, cache):
    with pytest.raises(ParameterError, match="--since comes first"):
        fetch_events(service.address, since="2018-01-12", until="2018-01-11")
    with pytest.raises(ParameterError, match="No agency 'nasa': give usgs, isc, emsc"):
        fetch_events("nasa", **DAY)
    with pytest.raises(ParameterError, match="holds nothing"):
        fetch_events(service.address, **DAY, box=(0, 10, 10, 0))
    assert service.questions == []


def test_the_command_line_asks_and_says_what_it_did(service, cache, says):
    question = ["events", "--source", service.address, "--since", "2018-01-11", "--until", "2018-01-12"]
    code, out, err = says(*question, "--json")
    assert code == 0
    assert [event["swarm"] for event in json.loads(out)["results"]] == ["20180111-mandali-0659"] * 2 + [None]
    assert "3 events, asked now" in err
    _, _, err = says(*question)
    assert "hours old; --refresh asks again" in err
    code, out, err = says("events", "--source", service.address)
    assert (code, out) == (1, "")
    assert "say --since" in err
    code, _, err = says("events", "--refresh")
    assert code == 1
    assert "--source usgs" in err


@pytest.mark.parametrize("name", ["us2000ci3x", "20180111-mandali-0700"])
def test_one_earthquake_is_asked_for_by_either_of_its_names(service, cache, name):
    event, file = look_up(name, service.address)
    assert (event.event_id, event.source) == ("20180111-mandali-0700", "usgs:us2000ci3x")
    again, kept = look_up(name, service.address)
    assert (again.to_dict(), kept) == (event.to_dict(), file)
    assert len(service.questions) == 1
    assert event.source in set(read_events(file)["source"])  # a run reads the answer again


def test_an_earthquake_that_an_agency_does_not_list(service, cache):
    for name in ("us0000none", "20180111-nowhere-0000", "20170101-mandali-0000"):
        with pytest.raises(UnknownEvent, match=name):
            look_up(name, service.address)
    service.faults = [(503, b"maintenance")] * 3
    with pytest.raises(ArchiveError, match=r"does not answer .*--catalogue FILE"):
        look_up("us2000ci3s", service.address)


SECRET = "pl4nted"


@pytest.mark.parametrize(
    "address",
    [
        f"http://me:{SECRET}@127.0.0.1:9",
        f"HTTPS://{SECRET}@127.0.0.1:9/fdsnws/event/1",
        f"http://127.0.0.1:9/?token={SECRET}",
        f"http://127.0.0.1:9/#{SECRET}",
        f"ftp://me:{SECRET}@127.0.0.1/",
        f"http://me:{SECRET}@[127.0.0.1/",
        f"http://127.0.0.1:{SECRET}/",
        f"http://me:{SECRET}@/",
    ],
)
def test_an_address_with_a_secret_in_it_is_neither_asked_nor_shown_nor_kept(cache, says, address):
    commands = (
        ["events", "--source", address, "--since", "2020-01-01"],
        ["events", "--source", address],
        ["pairs", "us2000ci3s", "--catalogue", address],
        ["download", "us2000ci3s", "--catalogue", address],
        ["run", "us2000ci3s", "--catalogue", address],
    )
    for command in commands:
        code, out, err = says(*command)
        assert (code, out) == (1, "")
        assert err.startswith("ParameterError: ")
        assert err.count("\n") == 1
        assert SECRET not in err
        assert SECRET not in says(*command, "--debug")[2].splitlines()[-1]
    assert not cache.exists()
