"""The folder that everything from archives is kept in, shared by runs, threads and processes.

A file under its own name is whole and was verified. While it comes it is ``.name.part``, with what its archive said of
it in ``.name.part.json``; ``.name.lock`` keeps two from fetching one file, and ``.name.verified.json`` records what a
file was verified by, so that gigabytes need not be read again.
"""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from epi.errors import StorageError
from epi.settings import settings
from epi.storage import atomic_path, make_folder, storage_error

FOLDERS = ("scenes", "bursts", "orbits", "terrain")
"""What is kept where in the cache."""

SPARE_BYTES = 200_000_000
"""Left free on the disk whatever is fetched."""

_POLL_S = 0.2


def cache_folder(kind: str) -> Path:
    """Return one of `FOLDERS` in the shared cache (the setting ``cache``), made if need be.

    Raises
    ------
    StorageError : it cannot be made.
    """
    return make_folder(settings().cache.expanduser() / kind)


@dataclass(frozen=True)
class Record:
    """What is known of a file in the cache.

    Parameters
    ----------
    bytes, modified_ns : of the file when it was verified: another file under its name does not pass for it.
    md5 : as computed, hexadecimal.
    verified_by : for people.
    """

    bytes: int
    modified_ns: int
    md5: str
    verified_by: str


def read_record(path: Path) -> Record | None:
    """Return what a file was verified by; None where it is absent, was never verified, or changed since."""
    try:
        found = path.stat()
        record = Record(**json.loads(_beside(path, "verified.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return record if (found.st_size, found.st_mtime_ns) == (record.bytes, record.modified_ns) else None


def keep(part: Path, path: Path, *, md5: str, verified_by: str) -> Record:
    """Give a verified file its own name, and record by what it was verified."""
    found = part.stat()
    record = Record(found.st_size, found.st_mtime_ns, md5, verified_by)
    with atomic_path(_beside(path, "verified.json")) as temporary:
        temporary.write_text(json.dumps(asdict(record)))
    part.replace(path)
    _beside(path, "part.json").unlink(missing_ok=True)
    return record


def part_of(path: Path) -> Path:
    """Return the name of a file while it comes."""
    return _beside(path, "part")


@dataclass(frozen=True)
class Origin:
    """What an archive said of the file that a part is of, so that a rest is never joined to another file.

    Parameters
    ----------
    etag, modified : its validators, as sent; empty where it sent none.
    total : length of the whole file; None where it did not say.
    """

    etag: str = ""
    modified: str = ""
    total: int | None = None


def read_origin(path: Path) -> Origin | None:
    """Return what an archive said of a file that came in part; None where there is no such part."""
    try:
        return Origin(**json.loads(_beside(path, "part.json").read_text())) if part_of(path).stat().st_size else None
    except (OSError, ValueError, TypeError):
        return None


def write_origin(path: Path, origin: Origin) -> None:
    """Write down what an archive says of the file that begins to come."""
    with atomic_path(_beside(path, "part.json")) as temporary:
        temporary.write_text(json.dumps(asdict(origin)))


def forget_part(path: Path) -> None:
    """Delete what came of a file so far."""
    for end in ("part", "part.json"):
        _beside(path, end).unlink(missing_ok=True)


@contextmanager
def locked(path: Path, *, waiting: Callable[[], None] = lambda: None, check: Callable[[], None]) -> Iterator[None]:
    """Let one thread of one process at a time fetch a file; the kernel drops the lock of one that was killed.

    Parameters
    ----------
    path : the file.
    waiting : called once where another is at work.
    check : called while waiting; raises to give up.
    """
    name = _beside(path, "lock")
    told = False
    while True:
        try:
            handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise storage_error(error, name) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same_file(handle, name):  # not one that its last owner has deleted since
                break
        except BlockingIOError:
            if not told:
                told = True
                waiting()
            time.sleep(_POLL_S)
        os.close(handle)
        check()
    try:
        yield
    finally:
        name.unlink(missing_ok=True)
        os.close(handle)


def check_space(folder: Path, needed: int, *, what: str) -> None:
    """Make sure, before anything is fetched, that it will fit.

    Raises
    ------
    StorageError : it will not; nothing was fetched.
    """
    free = shutil.disk_usage(folder).free
    if needed and needed + SPARE_BYTES > free:
        raise StorageError(
            f"{what} needs {needed / 1e9:.2f} GB in {folder}, and {free / 1e9:.2f} GB are free: free some, or set "
            "EPI_CACHE to a larger disk. Nothing was fetched."
        )


def _beside(path: Path, end: str) -> Path:
    return path.with_name(f".{path.name}.{end}")


def _same_file(handle: int, name: Path) -> bool:
    """Tell whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(handle), name.stat())
    except FileNotFoundError:
        return False
