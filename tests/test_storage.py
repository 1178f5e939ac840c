"""Files are whole or absent."""

import errno
import hashlib
import os
from pathlib import Path

import pytest

from epi.errors import StorageError
from epi.storage import atomic_path, make_folder, sha256, source_crc, storage_error


def test_a_file_takes_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "scene.nc"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert temporary.parent == target.parent
        assert temporary.suffix == target.suffix
        assert not target.exists()
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]
    assert target.stat().st_mode & 0o777 == 0o644


def test_an_error_leaves_what_was_there(tmp_path):
    target = tmp_path / "scene.nc"
    target.write_text("old")

    def interrupted():
        with atomic_path(target) as temporary:
            temporary.write_text("half of the new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_full_disk_leaves_what_was_there(tmp_path, monkeypatch):
    target = tmp_path / "scene.nc"
    target.write_text("old")

    def on_full_disk(dir: Path, prefix: str, suffix: str) -> tuple[int, str]:
        path = Path(dir) / f"{prefix}{suffix}"
        path.symlink_to("/dev/full")
        return os.open(path, os.O_WRONLY), str(path)

    monkeypatch.setattr("epi.storage.mkstemp", on_full_disk)
    with pytest.raises(StorageError, match=r"No space left to write .*scene\.nc"), atomic_path(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("place", ["file/run", "/proc/run"])
def test_a_folder_that_cannot_be_made(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"^Cannot \w+ .*Choose a folder you may write to\.$"):
        make_folder(tmp_path / place)
    with (
        pytest.raises(StorageError, match=r"^Cannot \w+ .*Choose a folder you may write to\.$"),
        atomic_path(tmp_path / place / "scene.nc"),
    ):
        pass


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.ENOSPC, errno.EDQUOT])
def test_errors_of_the_system_are_stated_with_the_path(number):
    stated = storage_error(OSError(number, os.strerror(number)), Path("runs/scene.nc"))
    assert isinstance(stated, StorageError)
    assert "runs/scene.nc" in str(stated)


def test_other_errors_stay_as_they_are():
    error = FileNotFoundError(errno.ENOENT, "No such file")
    assert storage_error(error, Path("x")) is error


def test_sha256_of_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"ground" * 100_000)
    assert sha256(tmp_path / "file") == hashlib.sha256(b"ground" * 100_000).hexdigest()


def test_a_package_whose_text_changed_has_another_number(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "toy_package" / "inner").mkdir(parents=True)
    for name in ("__init__.py", "inner/deep.py"):
        (tmp_path / "toy_package" / name).write_text("")
    before = source_crc("toy_package")
    assert source_crc("toy_package") == before
    (tmp_path / "toy_package/inner/deep.py").write_text("x = 1")
    assert source_crc("toy_package") != before
