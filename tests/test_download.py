"""Downloads on bad days: whatever an archive does, the cache holds verified files and no secret, and it goes on."""

import base64
import errno
import hashlib
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from epi.catalogue.images.scenes import scene_from_name
from epi.catalogue.online import addresses, credentials, transport
from epi.catalogue.online import cache as cache_module
from epi.catalogue.online.addresses import shown
from epi.catalogue.online.cache import part_of, read_record
from epi.catalogue.online.credentials import Account, Login, find_login
from epi.catalogue.online.download import download
from epi.catalogue.online.transport import Patience
from epi.catalogue.online.verify import check_zip
from epi.catalogue.online.wanted import Progress, Wanted, scene_files
from epi.errors import AccountError, DownloadError, ParameterError, StorageError
from epi.settings import Settings
from moody_archive import Moody, Reply, first, moody, whole
from tiny_safe import Tiny

SECRET = "pl4nted-s3cret"
STEP = 1 << 15  # bytes that are written at a time
HASTE = Patience(attempts=3, first_wait_s=0.01, longest_wait_s=2.0, timeout_s=5.0)


def product(size: int = 900_000, name: str = "S1A_X.SAFE") -> bytes:
    """A zip of a product whose pixels do not compress."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"{name}/manifest.safe"), "<xml/>")  # of 1980: the same bytes at every call
        archive.writestr(zipfile.ZipInfo(f"{name}/measurement.tiff"), np.random.default_rng(5).bytes(size))
    return made.getvalue()


DATA = product()
MD5 = hashlib.md5(DATA).hexdigest()


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home without logins and a cache of its own."""
    place = Settings(cache=tmp_path / "cache", tokens=tmp_path / "tokens")
    for module in (cache_module, credentials):
        monkeypatch.setattr(module, "settings", lambda: place)
    monkeypatch.setattr(transport, "Patience", lambda: HASTE)
    monkeypatch.setattr(cache_module, "SPARE_BYTES", 0)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in (
        "NETRC",
        *(f"{key}_{part}" for key in ("EARTHDATA", "CDSE") for part in ("TOKEN", "USERNAME", "PASSWORD")),
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def archive(home):
    with moody() as server:
        yield server


@pytest.fixture
def login(home):
    with moody() as server:
        yield server


@pytest.fixture
def storage(home):
    with moody() as server:
        yield server


@pytest.fixture
def account(archive, login, monkeypatch):
    """Earthdata, as these two servers play it."""
    known = Account("Earthdata", "EARTHDATA", (archive.url,), login.url, ("urs.earthdata.nasa.gov",), "https://page")
    monkeypatch.setattr(credentials, "ACCOUNTS", (known,))
    return known


def wanted(archive: Moody, home: Path, *, md5: str = MD5, size: int | None = len(DATA)) -> Wanted:
    folder = home / "cache" / "scenes"
    folder.mkdir(parents=True, exist_ok=True)
    return Wanted(f"{archive.url}/scene.zip", folder / "scene.zip", size, md5)


def files(home: Path) -> set[str]:
    """Names of what is in the cache, records of verified files left out."""
    return {path.name for path in (home / "cache").rglob("*") if path.is_file() and "verified" not in path.name}


def test_what_comes_is_verified_and_not_fetched_again(archive, home):
    archive.moods["/scene.zip"] = whole(DATA)
    (found,) = download([wanted(archive, home)])
    assert found.path.read_bytes() == DATA
    assert found.verified_by == "MD5 of the record, checksums of the 2 files in the zip"
    assert (found.came, found.bytes) == (True, len(DATA))
    (again,) = download([wanted(archive, home)])
    assert (again.came, again.verified_by) == (False, found.verified_by)
    assert len(archive.asked) == 1
    assert files(home) == {"scene.zip"}


def test_where_no_checksum_is_known_it_is_said(archive, home):
    archive.moods["/scene.zip"] = whole(DATA)
    (found,) = download([wanted(archive, home, md5="", size=None)])
    assert found.verified_by == "checksums of the 2 files in the zip (the record has no checksum)"


def test_a_connection_that_breaks_is_gone_on_with(archive, home):
    archive.moods["/scene.zip"] = whole(DATA, cut=12 * STEP)
    (found,) = download([wanted(archive, home)])
    assert found.path.read_bytes() == DATA
    assert [ask.headers.get("range") for ask in archive.asked] == [None, f"bytes={12 * STEP}-", f"bytes={24 * STEP}-"]
    assert archive.sent == len(DATA)  # no byte twice
    assert set(archive.seen("if-range")) == {'"one"'}
    assert files(home) == {"scene.zip"}


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_a_later_call_goes_on_where_an_earlier_one_gave_up(archive, home, etag):
    archive.moods["/scene.zip"] = first(whole(DATA, etag=etag, cut=9 * STEP), then=lambda _: Reply(503))
    with pytest.raises(DownloadError, match=r"^http[^ ]*scene\.zip answered 503, 3 times in a row\. What came is kept"):
        download([wanted(archive, home)])
    assert {".scene.zip.part", ".scene.zip.part.json"} == files(home)
    archive.moods["/scene.zip"] = whole(DATA, etag=etag)
    (found,) = download([wanted(archive, home)])
    assert archive.asked[-1].headers["range"] == f"bytes={9 * STEP}-"
    assert found.path.read_bytes() == DATA


def test_a_server_without_ranges_is_begun_again(archive, home):
    archive.moods["/scene.zip"] = first(whole(DATA, cut=9 * STEP), then=whole(DATA, ranges=False))
    (found,) = download([wanted(archive, home)])
    assert found.path.read_bytes() == DATA
    assert archive.sent == 9 * STEP + len(DATA)


@pytest.mark.parametrize("honest", [True, False])
def test_a_file_that_changed_meanwhile_is_not_joined_with_the_old_one(archive, home, honest):
    """Whether the server minds If-Range, or sends the rest of the new file all the same."""
    new = product(800_000)
    changed = whole(new, etag='"two"')

    def careless(request):
        request.headers.pop("if-range", None)
        return changed(request)

    archive.moods["/scene.zip"] = first(whole(DATA, cut=9 * STEP), then=changed if honest else careless)
    (found,) = download([wanted(archive, home, md5=hashlib.md5(new).hexdigest())])
    assert found.path.read_bytes() == new


def test_pieces_that_do_not_fit_are_fetched_whole_once(archive, home):
    """Without a validator, and of the same length: only the checksum tells."""
    old = product(900_000, "S1A_Y.SAFE")
    assert len(old) == len(DATA)
    archive.moods["/scene.zip"] = first(whole(old, etag="", cut=9 * STEP), then=whole(DATA, etag=""))
    (found,) = download([wanted(archive, home)])
    assert found.path.read_bytes() == DATA
    assert len(archive.asked) == 3


def test_a_length_that_is_too_long_is_noticed(archive, home):
    archive.moods["/scene.zip"] = lambda _: Reply(200, DATA, length=len(DATA) + 1000)
    with pytest.raises(DownloadError, match="times in a row"):
        download([wanted(archive, home)])
    assert "scene.zip" not in files(home)
    archive.moods["/scene.zip"] = whole(DATA)
    assert download([wanted(archive, home)])[0].path.read_bytes() == DATA


@pytest.mark.parametrize("md5", [MD5, ""], ids=["checksum", "none"])
def test_a_length_that_is_too_short_leaves_nothing(archive, home, md5):
    archive.moods["/scene.zip"] = lambda _: Reply(200, DATA, length=500_000)
    with pytest.raises(DownloadError, match=r"scene\.zip (has MD5 .*|is damaged \(File is not a zip file\)).* deleted"):
        download([wanted(archive, home, md5=md5)])
    assert files(home) == set()


def test_a_wrong_checksum_leaves_nothing(archive, home):
    archive.moods["/scene.zip"] = whole(DATA)
    with pytest.raises(DownloadError, match=rf"has MD5 {MD5}, the archive's record says 0{{32}}"):
        download([wanted(archive, home, md5="0" * 32)])
    assert files(home) == set()
    assert len(archive.asked) == 1


def test_a_damaged_zip_that_no_record_has_a_checksum_of(archive, home):
    flipped = bytearray(DATA)
    flipped[500_000] ^= 1
    archive.moods["/scene.zip"] = whole(bytes(flipped))
    with pytest.raises(DownloadError, match=r"is damaged \(Bad CRC-32 for file 'S1A_X.SAFE/measurement.tiff'\)"):
        download([wanted(archive, home, md5="")])
    assert files(home) == set()


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/octet-stream"])
def test_a_page_in_place_of_a_zip(archive, account, home, kind):
    page = b'<!DOCTYPE html><html><form><input type="password"></form></html>'
    archive.moods["/scene.zip"] = lambda _: Reply(200, page, {"Content-Type": kind})
    expected = AccountError if "html" in kind else DownloadError
    with pytest.raises(expected, match="a web page instead of the file"):
        download([wanted(archive, home, md5="")])
    assert files(home) == set()


def test_a_page_does_not_spoil_what_came_before(archive, home):
    page = Reply(200, b"<html>We are moving house</html>", {"Content-Type": "text/html"})
    archive.moods["/scene.zip"] = first(whole(DATA, cut=9 * STEP), page, then=whole(DATA))
    with pytest.raises(DownloadError, match="open the address in a browser"):
        download([wanted(archive, home)])
    assert download([wanted(archive, home)])[0].path.read_bytes() == DATA
    assert archive.asked[-1].headers["range"] == f"bytes={9 * STEP}-"


@pytest.mark.parametrize("status", [429, 503, 202])
def test_an_archive_that_asks_to_wait_is_waited_for(archive, home, status):
    archive.moods["/scene.zip"] = first(Reply(status, headers={"Retry-After": "1"}), then=whole(DATA))
    began = time.perf_counter()
    download([wanted(archive, home)])
    assert time.perf_counter() - began >= 1


def test_an_archive_that_asks_for_an_hour_is_not(archive, home):
    archive.moods["/scene.zip"] = lambda _: Reply(429, headers={"Retry-After": "3600"})
    with pytest.raises(DownloadError, match=r"answered 429; it asks to come back in 3600 s"):
        download([wanted(archive, home)])
    assert len(archive.asked) == 1


def test_a_file_that_is_gone(archive, home):
    with pytest.raises(DownloadError, match=r"answered 404: there is no such file\. Search the archive again"):
        download([wanted(archive, home)])
    assert len(archive.asked) == 1
    assert files(home) == set()


def test_an_archive_that_is_not_there(home, archive):
    with pytest.raises(DownloadError, match=r"cannot be reached \(no connection\), 3 times in a row"):
        download([Wanted("http://127.0.0.1:1/scene.zip", wanted(archive, home).path)])


class Noted(Progress):
    """Keeps what is told in a line."""

    def __init__(self):
        self.lines = []

    def note(self, message):
        self.lines.append(message)


def offline(monkeypatch):
    """Let no name be found from now on; returns the names that are asked for."""
    asked = []

    def nothing(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", nothing)
    return asked


def test_a_machine_that_is_offline_says_so_once_and_soon(archive, home, monkeypatch):
    asked, told = offline(monkeypatch), Noted()
    path = wanted(archive, home).path
    with pytest.raises(DownloadError, match=r"\(no server of that name .*\?\), 2 times in a row\. Run") as error:
        download([Wanted("https://nowhere.invalid/scene.zip", path)], patience=Patience(50, 0.01), progress=told)
    assert asked == ["nowhere.invalid"] * 2
    assert told.lines == []
    assert str(error.value).count("scene.zip") == 1
    assert "kept" not in str(error.value)


def test_a_network_that_goes_away_on_the_way_is_waited_for(archive, home, monkeypatch):
    def last(request):
        offline(monkeypatch)
        return whole(DATA, cut=9 * STEP)(request)

    archive.moods["/scene.zip"] = last
    with pytest.raises(DownloadError, match=r"3 times in a row\. What came is kept: run the same again to go on"):
        download([wanted(archive, home)])
    assert part_of(wanted(archive, home).path).stat().st_size == 9 * STEP


def test_the_same_trouble_is_told_once_and_the_file_named_once(archive, home):
    archive.moods["/scene.zip"] = lambda _: Reply(503)
    archive.moods["/other"] = lambda _: Reply(503)
    path = wanted(archive, home).path
    for url in (f"{archive.url}/scene.zip", f"{archive.url}/other"):
        told = Noted()
        with pytest.raises(DownloadError, match=r"answered 503, 3 times in a row\. Run the same again later") as error:
            download([Wanted(url, path)], progress=told)
        assert len(told.lines) == 1
        assert [text.count("scene.zip") for text in (*told.lines, str(error.value))] == [1, 1]


def test_a_circle_of_redirects_and_one_out_of_the_web(archive, home):
    archive.moods["/scene.zip"] = lambda _: Reply(302, headers={"Location": "/scene.zip"})
    with pytest.raises(DownloadError, match="circle"):
        download([wanted(archive, home)])
    archive.moods["/scene.zip"] = lambda _: Reply(302, headers={"Location": "file:///etc/passwd"})
    with pytest.raises(DownloadError, match="not safe to follow"):
        download([wanted(archive, home)])
    with pytest.raises(DownloadError, match="not safe to follow"):
        addresses.redirected("https://a.org/x", "http://a.org/x")


# Logins


def earthdata(archive: Moody, login: Moody, storage: Moody, name: str = "/scene.zip") -> None:
    """Three servers as NASA's: the archive sends to the login, which sends back, and it to a signed address."""

    def give(request):
        if f"session={SECRET}" in request.headers.get("cookie", ""):
            return Reply(307, headers={"Location": f"{storage.url}/file?X-Amz-Signature={SECRET}"})
        if request.query.get("code") == [SECRET]:
            return Reply(302, headers={"Location": name, "Set-Cookie": f"session={SECRET}; Path=/"})
        return Reply(302, headers={"Location": f"{login.url}/oauth/authorize?client_id=1&back={name}"})

    def ask(request):
        right = {f"Basic {base64.b64encode(f'me:{SECRET}'.encode()).decode()}", f"Bearer {SECRET}"}
        if request.headers.get("authorization") not in right:
            return Reply(401, b"who are you", {"WWW-Authenticate": "Basic"})
        return Reply(302, headers={"Location": f"{archive.url}{request.query['back'][0]}?code={SECRET}"})

    archive.moods[name] = give
    login.moods["/oauth/authorize"] = ask
    storage.moods["/file"] = whole(DATA)


@pytest.mark.parametrize("kind", ["password", "netrc", "token", "token file"])
def test_a_login_goes_to_the_servers_of_its_account_alone(archive, login, storage, account, home, monkeypatch, kind):
    earthdata(archive, login, storage)
    if kind == "password":
        monkeypatch.setenv("EARTHDATA_USERNAME", "me")
        monkeypatch.setenv("EARTHDATA_PASSWORD", SECRET)
    elif kind == "netrc":
        private(home / ".netrc", f"machine urs.earthdata.nasa.gov login me password {SECRET}\n")
    elif kind == "token":
        monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    else:
        private(account.token_file(), f"{SECRET}\n")
    assert download([wanted(archive, home)])[0].path.read_bytes() == DATA
    assert login.seen("authorization")
    assert storage.seen("authorization") == []
    if kind in ("password", "netrc"):
        assert archive.seen("authorization") == []  # a password is for the login server alone
    else:
        assert set(archive.seen("authorization")) == {f"Bearer {SECRET}"}


def test_many_files_need_few_logins(archive, login, storage, account, home, monkeypatch):
    """The login server slows down who knocks for every burst."""
    monkeypatch.setenv("EARTHDATA_USERNAME", "me")
    monkeypatch.setenv("EARTHDATA_PASSWORD", SECRET)
    folder = wanted(archive, home).path.parent
    items = [Wanted(f"{archive.url}/{number}.zip", folder / f"{number}.zip", None, MD5) for number in range(8)]
    for number in range(8):
        earthdata(archive, login, storage, f"/{number}.zip")
    download(items, at_once=2)
    assert 1 <= len(login.asked) <= 2


def test_netrc_entries_of_other_hosts_are_never_sent(archive, home):
    """The library would send them unasked."""
    private(home / ".netrc", f"machine 127.0.0.1 login me password {SECRET}\n")
    archive.moods["/scene.zip"] = whole(DATA)
    download([wanted(archive, home)])
    assert archive.seen("authorization") == []


def test_a_password_is_exchanged_for_a_token_and_again_when_it_is_too_old(archive, login, storage, home, monkeypatch):
    account = Account("Copernicus", "CDSE", (archive.url,), login.url, ("x",), "https://page", f"{login.url}/token")
    monkeypatch.setenv("CDSE_USERNAME", "me")
    monkeypatch.setenv("CDSE_PASSWORD", SECRET)
    tokens = iter(["old", "new"])
    login.moods["/token"] = lambda _: Reply(200, json.dumps({"access_token": next(tokens)}).encode())
    storage.moods["/file"] = whole(DATA)

    def give(request):
        fresh = request.headers.get("authorization") == "Bearer new"
        return Reply(302, headers={"Location": f"{storage.url}/file"}) if fresh else Reply(401)

    archive.moods["/scene.zip"] = give
    assert download([wanted(archive, home)], accounts=[account])[0].came
    assert f"password={SECRET}".encode() in login.asked[0].body
    assert storage.seen("authorization") == []
    login.moods["/token"] = lambda _: Reply(401, b'{"error": "invalid_grant"}')
    storage.moods.clear()
    other = Wanted(f"{archive.url}/scene.zip", home / "cache" / "scenes" / "other.zip")
    with pytest.raises(AccountError, match=r"^Copernicus refused the login in CDSE_USERNAME and CDSE_PASSWORD"):
        download([other], accounts=[account])


@pytest.mark.parametrize(
    ("status", "message"), [(401, "it refused the Earthdata login in EARTHDATA_TOKEN"), (403, "accept")]
)
def test_a_refused_login_says_where_it_was_found(archive, account, home, monkeypatch, status, message):
    monkeypatch.setenv("EARTHDATA_TOKEN", SECRET)
    archive.moods["/scene.zip"] = lambda _: Reply(status)
    with pytest.raises(AccountError, match=message) as caught:
        download([wanted(archive, home)])
    assert SECRET not in str(caught.value)
    assert len(archive.asked) == 1


def test_a_missing_login_says_how_to_make_one(archive, login, storage, account, home):
    earthdata(archive, login, storage)
    with pytest.raises(AccountError, match=r"no login was found\. Make an account at https://page, then set EARTHDATA"):
        download([wanted(archive, home)])
    assert files(home) == set()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_of_secrets_that_others_may_read_is_refused(account, home, mode):
    private(account.token_file(), SECRET).chmod(mode)
    with pytest.raises(AccountError, match=rf"may be read by others \(mode {mode:o}\): chmod 600") as caught:
        find_login(account)
    assert SECRET not in str(caught.value)
    account.token_file().unlink()
    private(home / ".netrc", f"machine urs.earthdata.nasa.gov login me password {SECRET}").chmod(mode)
    with pytest.raises(AccountError, match="may be read by others"):
        find_login(account)


def test_logins_that_cannot_be_used(account, home, monkeypatch):
    private(home / ".netrc", f"machine urs.earthdata.nasa.gov login me passwort {SECRET}")
    with pytest.raises(AccountError, match="one login a line") as caught:
        find_login(account)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None
    private(account.token_file(), f"Bearer {SECRET}")
    with pytest.raises(AccountError, match="is no token"):
        find_login(account)
    monkeypatch.setenv("EARTHDATA_USERNAME", "me")
    with pytest.raises(AccountError, match="Only one of EARTHDATA_USERNAME and EARTHDATA_PASSWORD"):
        find_login(account)


def test_a_login_prints_nothing_of_itself():
    assert SECRET not in repr(Login("here", token=SECRET, user=SECRET, password=SECRET))
    assert shown(f"https://me:{SECRET}@host.org:8/x?token={SECRET}#f") == "https://host.org:8/x"


@pytest.mark.parametrize(
    ("address", "known"),
    [
        ("https://datapool.asf.alaska.edu/x", True),
        ("https://urs.earthdata.nasa.gov/oauth", True),
        ("http://datapool.asf.alaska.edu/x", False),
        ("https://datapool.asf.alaska.edu:8443/x", False),
        ("https://asf.alaska.edu.evil.org/x", False),
        ("https://evilasf.alaska.edu/x", False),
        ("https://datapool.asf.alaska.edu@evil.org/x", False),
        ("https://bucket.s3.amazonaws.com/x", False),
    ],
)
def test_which_servers_are_of_an_account(address, known):
    assert credentials.EARTHDATA.serves(address) is known


def private(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


# Disks


def test_too_little_space_is_said_before_anything_is_asked(archive, home, monkeypatch):
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: Usage(900_000))
    with pytest.raises(StorageError, match=r"needs 0\.00 GB in .* Nothing was fetched") as caught:
        download([wanted(archive, home)])
    assert "EPI_CACHE" in str(caught.value)
    assert archive.asked == []


def test_a_length_that_does_not_fit_is_refused_whatever_the_record_says(archive, home, monkeypatch):
    archive.moods["/scene.zip"] = whole(DATA)
    monkeypatch.setattr(cache_module.shutil, "disk_usage", lambda _: Usage(800_000))
    with pytest.raises(StorageError, match=r"scene\.zip needs"):
        download([wanted(archive, home, size=1000)])
    assert files(home) == set()


class Usage:
    def __init__(self, free):
        self.free = free


def test_a_disk_that_fills_up_keeps_the_part_and_goes_on(archive, home, monkeypatch):
    archive.moods["/scene.zip"] = whole(DATA)
    with monkeypatch.context() as full:
        disk(full, 500_000)
        with pytest.raises(StorageError, match=r"No space left to write .*scene\.zip"):
            download([wanted(archive, home)])
    have = part_of(wanted(archive, home).path).stat().st_size
    assert 0 < have <= 500_000
    assert "scene.zip" not in files(home)
    (found,) = download([wanted(archive, home)])
    assert archive.asked[-1].headers["range"] == f"bytes={have}-"
    assert found.path.read_bytes() == DATA
    assert files(home) == {"scene.zip"}


def disk(patch: pytest.MonkeyPatch, size: int) -> None:
    """Let files that are appended to grow to a size and no further, as on a full disk."""
    plain = Path.open

    def opened(path, mode="r", *arguments, **options):
        stream = plain(path, mode, *arguments, **options)
        if mode != "ab":
            return stream
        return Full(stream, size)

    patch.setattr(Path, "open", opened)


class Full:
    def __init__(self, stream, size):
        self.stream, self.left = stream, size

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()

    def write(self, piece):
        if len(piece) > self.left:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.left -= len(piece)
        return self.stream.write(piece)


# Several at once


PROGRAM = """
import sys
from pathlib import Path
from epi.catalogue.online.download import download
from epi.catalogue.online.wanted import Progress, Wanted

class Told(Progress):
    def note(self, message):
        Path("waiting").write_text(message)

url, path, md5 = sys.argv[1:]
(found,) = download([Wanted(url, Path(path), None, md5)], progress=Told())
print("came" if found.came else "was here")
"""


def process(item: Wanted, home: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"EPI_CACHE": str(home / "cache"), "HOME": str(home)}
    command = [sys.executable, "-c", PROGRAM, item.url, str(item.path), item.md5]
    return subprocess.Popen(
        command, env=environment, cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_processes_fetch_a_file_once(archive, home):
    go = threading.Event()
    slow = Reply(200, DATA, {"ETag": '"one"'}, cut=9 * STEP, stall=go)
    archive.moods["/scene.zip"] = first(slow, then=whole(DATA))
    item = wanted(archive, home)
    both = [process(item, home) for _ in range(2)]
    until(lambda: (home / "waiting").exists() and archive.asked)  # the one that waits may say so before the other asks
    assert (home / "waiting").read_text() == "scene.zip: another process is at it; waiting"
    assert all(one.poll() is None for one in both)
    assert len(archive.asked) == 1
    go.set()
    said = [one.communicate(timeout=60) for one in both]
    assert sorted(out.strip() for out, _ in said) == ["came", "was here"], said
    assert archive.sent == len(DATA)
    assert files(home) == {"scene.zip"}


def test_a_process_that_is_killed_is_gone_on_with(archive, home):
    go = threading.Event()
    archive.moods["/scene.zip"] = first(Reply(200, DATA, {"ETag": '"one"'}, cut=18 * STEP, stall=go), then=whole(DATA))
    item = wanted(archive, home)
    killed = process(item, home)
    until(lambda: part_of(item.path).exists() and part_of(item.path).stat().st_size > 0)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    go.set()
    have = part_of(item.path).stat().st_size
    assert ".scene.zip.lock" in files(home)  # its owner is dead: it keeps no one out
    assert "scene.zip" not in files(home)
    (found,) = download([item])
    assert archive.asked[-1].headers["range"] == f"bytes={have}-"
    assert found.path.read_bytes() == DATA
    assert files(home) == {"scene.zip"}


def until(true) -> None:
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_several_files_come_at_once_and_no_more_than_told(archive, home):
    meeting = threading.Barrier(3, timeout=20)

    def together(request):
        meeting.wait()
        return whole(DATA)(request)

    archive.moods = {f"/{number}.zip": together for number in range(3)}
    folder = wanted(archive, home).path.parent
    items = [Wanted(f"{archive.url}/{number}.zip", folder / f"{number}.zip", None, MD5) for number in range(3)]
    assert [found.path for found in download(items, at_once=3)] == [item.path for item in items]
    at_work, most = [], []

    def counted(request):
        at_work.append(1)
        most.append(len(at_work))
        time.sleep(0.1)
        at_work.pop()
        return whole(DATA)(request)

    archive.moods = {f"/{number}.zip": counted for number in range(3, 9)}
    items = [Wanted(f"{archive.url}/{number}.zip", folder / f"{number}.zip", None, MD5) for number in range(3, 9)]
    download(items, at_once=2)
    assert max(most) == 2


def test_the_first_failure_ends_the_others_and_keeps_their_parts(archive, home):
    go = threading.Event()
    archive.moods["/slow.zip"] = first(Reply(200, DATA, {"ETag": '"one"'}, cut=9 * STEP, stall=go), then=whole(DATA))
    folder = wanted(archive, home).path.parent
    slow = Wanted(f"{archive.url}/slow.zip", folder / "slow.zip")

    def gone(_):
        until(lambda: part_of(slow.path).exists() and part_of(slow.path).stat().st_size > 0)
        threading.Timer(0.5, go.set).start()
        return Reply(404)

    archive.moods["/gone.zip"] = gone
    with pytest.raises(DownloadError, match=r"gone\.zip answered 404"):
        download([slow, Wanted(f"{archive.url}/gone.zip", folder / "gone.zip")])
    assert part_of(slow.path).stat().st_size > 0
    assert download([slow])[0].path.read_bytes() == DATA


# What is in the cache


def test_a_file_that_was_changed_is_not_trusted(archive, home):
    archive.moods["/scene.zip"] = whole(DATA)
    item = wanted(archive, home)
    download([item])
    item.path.write_bytes(DATA[:-1] + b"x")
    assert read_record(item.path) is None
    (found,) = download([item])
    assert found.came
    assert found.path.read_bytes() == DATA


def test_a_file_put_there_by_hand_is_verified_and_taken(archive, home):
    item = wanted(archive, home)
    item.path.write_bytes(DATA)
    (found,) = download([item])
    assert (found.came, archive.asked) == (False, [])
    assert found.verified_by.startswith("MD5 of the record")


def test_a_record_with_another_checksum_is_another_file(archive, home):
    new = product(500_000)
    archive.moods["/scene.zip"] = first(whole(DATA), then=whole(new, etag='"two"'))
    download([wanted(archive, home)])
    assert download([wanted(archive, home, md5=hashlib.md5(new).hexdigest())])[0].path.read_bytes() == new


# Zips that would leave their folder


@pytest.mark.parametrize(
    "place", ["../evil", "S1A_X.SAFE/../../evil", "/evil", "..\\evil", "C:\\evil", "C:evil", "\\evil"]
)
def test_a_member_that_would_leave_the_folder_is_refused(archive, home, place):
    made = io.BytesIO(DATA)
    with zipfile.ZipFile(made, "a") as zipped:
        zipped.writestr(zipfile.ZipInfo(place), "x")
    archive.moods["/scene.zip"] = whole(made.getvalue())
    with pytest.raises(DownloadError, match="would leave the folder"):
        download([wanted(archive, home, md5=hashlib.md5(made.getvalue()).hexdigest())])
    assert files(home) == set()


def test_a_link_in_a_zip_is_refused(tmp_path):
    link = zipfile.ZipInfo("S1A_X.SAFE/measurement")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    (tmp_path / "a.zip").write_bytes(DATA)
    with zipfile.ZipFile(tmp_path / "a.zip", "a") as zipped:
        zipped.writestr(link, "/etc")
    with pytest.raises(DownloadError, match="is a link"):
        check_zip(tmp_path / "a.zip", "a.zip")


def test_a_zip_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("readme.txt", "hello")
    with pytest.raises(DownloadError, match=r"no manifest\.safe"):
        check_zip(tmp_path / "a.zip", "a.zip")


# Scenes and bursts


def scene(url: str = "https://datapool.asf.alaska.edu/x.zip", **changes: object):
    name = "S1A_IW_SLC__1SDV_20230916T063705_20230916T063732_050349_060FCD_6814"
    return type(found := scene_from_name(name))(**vars(found) | {"url": url} | changes)


def test_a_burst_is_its_pixels_and_its_metadata(archive, home, tmp_path):
    tiff = Tiny().write_burst(tmp_path / "made", 1)
    one = scene(f"{archive.url}/IW1/VV/1.tiff", name=tiff.stem, level="BURST", bytes=10_000_000)
    archive.moods |= {
        "/IW1/VV/1.tiff": whole(tiff.read_bytes()),
        "/IW1/VV/1.xml": whole(tiff.with_suffix(".xml").read_bytes()),
    }
    pixels, about = download(scene_files([one]))
    assert (pixels.path.name, about.path.name) == (tiff.name, tiff.with_suffix(".xml").name)
    assert pixels.path.read_bytes() == tiff.read_bytes()
    assert pixels.verified_by == "every one of its 40 x 60 pixels read (the record has no checksum)"
    assert about.verified_by == "read as XML to its end, <burst> (the record has no checksum)"


@pytest.mark.parametrize("suffix", ["tiff", "xml"])
def test_half_a_burst_is_refused(archive, home, tmp_path, suffix):
    tiff = Tiny().write_burst(tmp_path / "made", 1)
    one = scene(f"{archive.url}/1.tiff", name=tiff.stem, level="BURST")
    for path in (tiff, tiff.with_suffix(".xml")):
        data = path.read_bytes()
        archive.moods[f"/1{path.suffix}"] = whole(data[: len(data) // 2] if path.suffix == f".{suffix}" else data)
    with pytest.raises(DownloadError, match=rf"\.{suffix} is no whole"):
        download(scene_files([one]))
    assert not any(name.endswith(f"BURST.{suffix}") for name in files(home))


def test_scenes_without_a_file_are_refused(home):
    with pytest.raises(ParameterError, match=r"^SIM_.* is simulated: .* no archive has it"):
        scene_files([scene(name="SIM_S1A_X")])
    with pytest.raises(ParameterError, match="has no address"):
        scene_files([scene("")])
    with pytest.raises(ParameterError, match="would leave the cache"):
        scene_files([scene(name="../../x")])


def test_a_scene_of_two_pairs_is_one_file(home):
    assert len(scene_files([scene(), scene()])) == 1


def test_progress_counts_every_byte(archive, home):
    class Counted(Progress):
        sizes: list[int] = []  # noqa: RUF012
        begun: list[tuple[int, int]] = []  # noqa: RUF012

        def begin(self, wanted, *, done, total):
            self.begun.append((done, total))

        def advance(self, wanted, size):
            self.sizes.append(size)

    archive.moods["/scene.zip"] = whole(DATA, cut=15 * STEP)
    download([wanted(archive, home)], progress=Counted())
    assert sum(Counted.sizes) == len(DATA)
    assert Counted.begun == [(0, len(DATA)), (15 * STEP, len(DATA))]
