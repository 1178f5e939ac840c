"""Orbits: arcs against a known circle and real state vectors, orbit files, and their errors."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests
from eof import _asf_s3
from eof.asf_client import ASFClient
from requests.exceptions import ConnectionError as NoConnection

from epi.catalogue.online import cache, transport
from epi.catalogue.online.transport import Patience
from epi.errors import FileFormatError, OrbitError, StorageError
from epi.insar.slc import orbit_files
from epi.insar.slc.annotation import Image
from epi.insar.slc.orbit_files import fetch_orbit, find_orbit, read_orbit_file, with_orbit
from epi.insar.slc.orbits import Orbit
from epi.insar.slc.safe import read_image
from local_archive import Archive, serving
from tiny_safe import Tiny, circular, write_orbit_file


def seconds(number: float) -> np.timedelta64:
    return np.timedelta64(round(number * 1e9), "ns")


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """First image of a small product."""
    return read_image(Tiny(subswaths=("IW1",), polarisations=("VV",)).write(tmp_path / "product"), "IW1", "VV")


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Orbit:
    """A real restituted orbit."""
    return read_orbit_file(next((shared_data / "slc/single_date_portugal").glob("*.EOF")))


@pytest.mark.parametrize("length", [0.0, 3.1, 27.0, 110.0])
def test_an_arc_follows_a_circular_orbit(tmp_path: Path, length: float) -> None:
    orbit = read_orbit_file(write_orbit_file(tmp_path))
    start = np.datetime64("2023-09-16T06:37:31.123456", "ns")
    arc = orbit.arc(start, start + seconds(length))
    for offset in np.linspace(-5, length + 5, 23):  # a margin beyond what was asked
        position, velocity = circular(start + seconds(offset))
        at = arc.seconds(start + seconds(offset))
        assert np.linalg.norm(arc.position(at) - position) < 1e-4  # m
        assert np.linalg.norm(arc.velocity(at) - velocity) < 1e-5  # m/s


def test_an_arc_evaluates_any_shape(tmp_path: Path) -> None:
    orbit = read_orbit_file(write_orbit_file(tmp_path))
    arc = orbit.arc(orbit.time[100], orbit.time[103])
    at = arc.seconds(orbit.time[100:104]).reshape(2, 2)
    assert arc.position(at).shape == (2, 2, 3)
    np.testing.assert_allclose(arc.position(at).reshape(4, 3), orbit.position[100:104], atol=1e-4)


@pytest.mark.parametrize("half", [1.6, 13.5, 40.0])
def test_a_real_state_vector_left_out_is_met_below_a_millimetre(real: Orbit, half: float) -> None:
    errors = []
    for left_out in range(10, real.time.size - 10, 11):
        kept = np.arange(real.time.size) != left_out
        orbit = replace(real, time=real.time[kept], position=real.position[kept], velocity=real.velocity[kept])
        arc = orbit.arc(real.time[left_out] - seconds(half), real.time[left_out] + seconds(half))
        found = arc.position(arc.seconds(real.time[left_out]))
        errors.append(float(np.linalg.norm(found - real.position[left_out])))
    assert len(errors) > 100
    assert max(errors) < 1e-3
    assert np.sqrt(np.mean(np.square(errors))) < 2e-4


def test_a_real_annotation_agrees_with_the_restituted_orbit(real: Orbit, shared_data: Path) -> None:
    import xml.etree.ElementTree as ET

    from epi.insar.slc.annotation_xml import read_annotation

    path = next((shared_data / "slc/single_date_portugal").glob("*.xml"))
    orbit = read_annotation(ET.parse(path).getroot(), product="Portugal", track=9, source=path.name).orbit
    arc = real.arc(orbit.time[0], orbit.time[-1])
    at = arc.seconds(orbit.time)
    assert np.linalg.norm(arc.position(at) - orbit.position, axis=1).max() < 0.025  # 2.4 microseconds of flight
    assert np.linalg.norm(arc.velocity(at) - orbit.velocity, axis=1).max() < 1e-4
    assert (orbit.kind, real.kind, real.platform) == ("annotation", "RESORB", "S1A")


def test_an_orbit_file_is_read_as_written(tmp_path: Path) -> None:
    path = write_orbit_file(tmp_path, kind="RESORB", platform="S1C", vectors=30)
    orbit = read_orbit_file(path)
    assert (orbit.kind, orbit.platform, orbit.source, orbit.time.size) == ("RESORB", "S1C", path.name, 30)
    assert orbit.time[1] == np.datetime64("2023-09-16T05:30:10", "ns")
    np.testing.assert_array_equal(np.hstack([orbit.position, orbit.velocity])[7], np.hstack(circular(orbit.time[7])))


def test_an_arc_outside_the_orbit_says_another_day(tmp_path: Path) -> None:
    orbit = read_orbit_file(write_orbit_file(tmp_path))
    start = np.datetime64("2023-09-17T06:37:31", "ns")
    with pytest.raises(
        OrbitError, match=r"2023-09-16T05:30:00 UTC to .*, not 2023-09-17T06:37:31 UTC .* of another day"
    ):
        orbit.arc(start, start + seconds(3))


def test_an_arc_needs_order_and_vectors(tmp_path: Path) -> None:
    orbit = read_orbit_file(write_orbit_file(tmp_path))
    with pytest.raises(OrbitError, match="runs backward"):
        orbit.arc(orbit.time[20], orbit.time[10])
    sparse = replace(orbit, time=orbit.time[::60], position=orbit.position[::60], velocity=orbit.velocity[::60])
    with pytest.raises(OrbitError, match=r"has 0 state vectors within 60 s .* 4 are needed"):
        sparse.arc(orbit.time[90], orbit.time[90])


def test_a_precise_orbit_takes_the_annotations_place(tmp_path: Path, image: Image) -> None:
    assert image.orbit.kind == "annotation"
    path = write_orbit_file(tmp_path)
    precise = with_orbit(image, path)
    assert (precise.orbit.kind, precise.orbit.source) == ("POEORB", path.name)
    assert precise.orbit.time.size == 500
    assert replace(precise, orbit=image.orbit) == image


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"platform": "S1B"}, r"is of S1B, .* of S1A: give the orbit file of that satellite"),
        ({"start": "2023-09-15T05:30:00"}, r"not 2023-09-16T06:37:31 UTC .* of another day"),
    ],
)
def test_an_orbit_file_of_another_satellite_or_day_is_refused(
    tmp_path: Path, image: Image, facts: dict[str, str], message: str
) -> None:
    with pytest.raises(OrbitError, match=message):
        with_orbit(image, write_orbit_file(tmp_path, **facts))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[: len(text) // 2], "not a readable orbit file"),
        (lambda text: text.replace("AUX_POEORB", "AUX_PREORB"), "holds AUX_PREORB in frame EARTH_FIXED"),
        (lambda text: text.replace("EARTH_FIXED", "INERTIAL"), "in frame INERTIAL"),
        (lambda text: text.replace("<VX>", "<VQ>").replace("</VX>", "</VQ>"), "incomplete state vector"),
        (lambda text: text.replace("OSV>", "OSX>"), "no state vectors in order of time"),
    ],
)
def test_a_bad_orbit_file_is_one_clear_error(tmp_path: Path, change: object, message: str) -> None:
    path = write_orbit_file(tmp_path, vectors=5)
    path.write_text(change(path.read_text()))
    with pytest.raises(FileFormatError, match=message) as caught:
        read_orbit_file(path)
    assert "\n" not in str(caught.value)


def test_no_orbit_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match=r"No orbit file .*none\.EOF"):
        read_orbit_file(tmp_path / "none.EOF")


def test_the_best_orbit_file_of_a_folder_is_found(tmp_path: Path, image: Image) -> None:
    folder = tmp_path / "orbits"
    write_orbit_file(folder, platform="S1B")
    write_orbit_file(folder, start="2023-09-15T05:30:00")
    assert find_orbit(image, folder) is None
    restituted = write_orbit_file(folder, kind="RESORB")
    assert find_orbit(image, folder) == restituted
    precise = write_orbit_file(folder)
    assert find_orbit(image, folder) == precise


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NoConnection("Failed to resolve 'me:pl4nted@s3.amazonaws.com'"), "no connection"),
        (requests.Timeout("pl4nted"), "no answer in time"),
        (ValueError("max() arg is an empty sequence"), "what they list cannot be read"),
    ],
)
def test_without_a_network_the_error_says_what_to_do(
    tmp_path: Path, image: Image, monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(ASFClient, "get_download_urls", unreachable)
    with pytest.raises(
        OrbitError, match=rf"\({reason}\)\. Put an S1A_OPER_AUX_POEORB file .* annotation's vectors"
    ) as caught:
        fetch_orbit(image, tmp_path / "orbits")
    assert "pl4nted" not in str(caught.value)
    monkeypatch.setattr(ASFClient, "get_download_urls", lambda *_, **__: [])
    with pytest.raises(OrbitError, match=r"have no RESORB for .* yet"):
        fetch_orbit(image, tmp_path / "orbits", kind="RESORB")


BUCKET = "https://s1-orbits.s3.amazonaws.com"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A server that speaks as the public archive of orbits does, to sentineleof as it is.

    The library has no setting for the archive's address, which is written into its functions: requests to it are turned
    to this machine where they enter ``requests``, and everything else is the library's own code.
    """
    monkeypatch.setattr(transport, "Patience", lambda: Patience(3, 0.01, 1.0, 5.0))
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(ASFClient, "eof_lists", {"precise": None, "restituted": None})
    _asf_s3.list_public_bucket.cache_clear()
    with serving() as archive:
        ask = requests.Session.request

        def turned(session: requests.Session, method: str, url: str, **options: object) -> requests.Response:
            assert url.startswith(BUCKET)
            return ask(session, method, url.replace(BUCKET, archive.url), **options)

        monkeypatch.setattr(requests.Session, "request", turned)
        yield archive
    _asf_s3.list_public_bucket.cache_clear()


def listing(names: list[str], page: int = 2) -> object:
    """A bucket's list of files, a page at a time."""

    def answer(query: dict[str, str]) -> bytes:
        keys = sorted(name for name in names if name.startswith(query["prefix"]) and name > query.get("marker", ""))
        items = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in keys[:page])
        more = str(len(keys) > page).lower()
        space = "http://s3.amazonaws.com/doc/2006-03-01/"
        return f'<ListBucketResult xmlns="{space}">{items}<IsTruncated>{more}</IsTruncated></ListBucketResult>'.encode()

    return answer


def fill(archive: Archive, folder: Path) -> Path:
    """Put the orbit of the image's day among those of other days and another satellite; return it."""
    right = write_orbit_file(folder)
    others = [
        write_orbit_file(folder, start=f"2023-09-{day:02d}T05:30:00", platform=platform)
        for platform, day in (("S1A", 13), ("S1A", 14), ("S1B", 16), ("S1A", 18))
    ]
    for path in (right, *others):
        archive.files[f"/AUX_POEORB/{path.name}"] = path.read_bytes()
    archive.files["/"] = listing([name[1:] for name in archive.files])
    return right


def test_sentineleof_fetches_the_orbit_of_the_day(tmp_path: Path, image: Image, bucket: Archive) -> None:
    right = fill(bucket, tmp_path / "archive")
    path = fetch_orbit(image, tmp_path / "orbits")
    assert path == tmp_path / "orbits" / right.name
    assert path.read_bytes() == right.read_bytes()
    assert with_orbit(image, path).orbit.kind == "POEORB"
    assert bucket.asked[-1] == f"/AUX_POEORB/{right.name}"
    assert sum(asked.startswith("/?prefix") for asked in bucket.asked) == 3  # five files, two a page
    before = len(bucket.asked)
    assert fetch_orbit(image, tmp_path / "orbits") == path
    assert len(bucket.asked) == before
    assert {each.name for each in (tmp_path / "orbits").iterdir()} == {path.name, f".{path.name}.verified.json"}


def test_an_orbit_that_breaks_off_is_gone_on_with(tmp_path: Path, image: Image, bucket: Archive) -> None:
    right = fill(bucket, tmp_path / "archive")
    bucket.files["/"] = listing([f"AUX_POEORB/{right.name}"])
    bucket.cut = len(right.read_bytes()) // 2 + 1
    assert fetch_orbit(image, tmp_path / "orbits").read_bytes() == right.read_bytes()
    assert bucket.asked.count(f"/AUX_POEORB/{right.name}") > 1


@pytest.mark.parametrize("wrong", ["half a file", "no orbit", "a page of words", "out of order", "no list"])
def test_what_an_archive_gets_wrong_is_one_error_and_no_file(
    tmp_path: Path, image: Image, bucket: Archive, wrong: str
) -> None:
    right = fill(bucket, tmp_path / "archive")
    name = f"/AUX_POEORB/{right.name}"
    bucket.files[name] = {
        "no orbit": b"<Earth_Explorer_File/>",
        "half a file": right.read_bytes()[:5000],
        "a page of words": b"<html><body>Please log in</body></html>",
        "out of order": 503,
        "no list": right.read_bytes(),
    }[wrong]
    if wrong == "no list":
        bucket.files["/"] = lambda query: b"<html><p>Welcome to the network of this hotel</html>"
    with pytest.raises(OrbitError, match=r"^No POEORB for .* the archives failed \(.* by hand") as caught:
        fetch_orbit(image, tmp_path / "orbits")
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "orbits").glob("*.EOF"))


def test_a_better_orbit_in_the_folder_is_not_fetched_again(tmp_path: Path, image: Image, bucket: Archive) -> None:
    right = fill(bucket, tmp_path / "archive")
    write_orbit_file(tmp_path / "orbits", kind="RESORB")  # not what is asked for
    path = fetch_orbit(image, tmp_path / "orbits")
    assert (path.name, read_orbit_file(path).kind) == (right.name, "POEORB")
    before = len(bucket.asked)
    assert fetch_orbit(image, tmp_path / "orbits", kind="RESORB") == path
    assert len(bucket.asked) == before


def test_an_archive_without_the_day_says_so(tmp_path: Path, image: Image, bucket: Archive) -> None:
    right = fill(bucket, tmp_path / "archive")
    bucket.files["/"] = listing([name[1:] for name in bucket.files if right.name not in name and name != "/"])
    with pytest.raises(OrbitError, match=r"The archives have no POEORB for .* yet"):
        fetch_orbit(image, tmp_path / "orbits")


@pytest.mark.parametrize("new", [True, False])
def test_a_new_image_takes_a_restituted_orbit(
    tmp_path: Path, image: Image, bucket: Archive, monkeypatch: pytest.MonkeyPatch, new: bool
) -> None:
    """Until there is a precise one; an old image waits for none."""
    age = np.datetime64("now") - image.stop
    monkeypatch.setattr(orbit_files, "_UNTIL_PRECISE", age + np.timedelta64(1 if new else -1, "h"))
    restituted = write_orbit_file(tmp_path / "archive", kind="RESORB")
    earlier = write_orbit_file(tmp_path / "archive", start="2023-09-13T05:30:00")
    for path in (restituted, earlier):
        bucket.files[f"/AUX_{orbit_files.read_orbit_file(path).kind}/{path.name}"] = path.read_bytes()
    bucket.files["/"] = listing([name[1:] for name in bucket.files])
    if new:
        assert fetch_orbit(image, tmp_path / "orbits").name == restituted.name
    else:
        with pytest.raises(OrbitError, match=r"have no POEORB for .* yet"):
            fetch_orbit(image, tmp_path / "orbits")


def test_a_folder_that_cannot_be_written_is_said(
    tmp_path: Path, image: Image, bucket: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(bucket, tmp_path / "archive")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)  # the permissions themselves do not bind root
    with pytest.raises(StorageError, match=r"Cannot write .*\.EOF.*: Permission denied\. Choose a folder"):
        fetch_orbit(image, tmp_path / "orbits")


def full_disk(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_full_disk_is_not_the_archives_fault(
    tmp_path: Path, image: Image, bucket: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = fill(bucket, tmp_path / "archive")
    with monkeypatch.context() as full:
        full.setattr(cache.shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000_000))
        with pytest.raises(StorageError, match=r"needs 0\.00 GB in .* Nothing was fetched"):
            fetch_orbit(image, tmp_path / "orbits")
    assert f"/AUX_POEORB/{right.name}" not in bucket.asked
    monkeypatch.setattr(ASFClient, "_write_cached_filenames", full_disk)
    monkeypatch.setattr(ASFClient, "eof_lists", {"precise": None, "restituted": None})
    (tmp_path / "home" / "sentineleof" / "precise_filenames.txt").unlink()
    with pytest.raises(StorageError, match="No space left to write"):
        fetch_orbit(image, tmp_path / "orbits")
