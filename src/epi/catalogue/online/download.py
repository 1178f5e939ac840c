"""Files of archives onto this disk: gone on with where they broke off, verified before they have their name."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import requests

from epi.catalogue.online.addresses import shown, why
from epi.catalogue.online.cache import (
    Origin,
    Record,
    check_space,
    forget_part,
    keep,
    locked,
    part_of,
    read_origin,
    write_origin,
)
from epi.catalogue.online.credentials import Account
from epi.catalogue.online.transport import Archives, Patience, StoppedError, TryAgain
from epi.catalogue.online.verify import verify
from epi.catalogue.online.wanted import Fetched, Progress, Wanted, ready
from epi.errors import DownloadError, StorageError
from epi.storage import storage_error

AT_ONCE = 3
"""Files fetched at the same time: archives slow down who asks for more."""

_CHUNK = 1 << 15  # a connection that breaks loses what is less
_NAMELESS_ATTEMPTS = 2  # where the server's name leads nowhere and nothing came yet


def download(
    files: Sequence[Wanted],
    *,
    at_once: int = AT_ONCE,
    accounts: Sequence[Account] | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> list[Fetched]:
    """Fetch files, a few at a time; what is there and verified is not fetched again.

    A part that came before is gone on with where the archive allows it and still has the same file. Killed at any
    moment, a later call goes on. The first file that fails ends the others, whose parts stay.

    Parameters
    ----------
    files : what to fetch.
    at_once : how many at the same time.
    accounts : that archives may ask for, `ACCOUNTS` by default; a login is looked for when one does.
    patience : how long an archive is asked again.
    progress : is told of every byte.

    Returns
    -------
    The files, in the order asked for.

    Raises
    ------
    AccountError : a login is missing or refused.
    DownloadError : an archive does not give a file, or gives a damaged one.
    StorageError : there is not enough space, before anything is fetched; or the disk is full, or closed.
    """
    if not files:
        return []
    missing = sum(wanted.missing for wanted in files)
    check_space(files[0].path.parent, missing, what=f"What is missing of {len(files)} files")
    stop = Event()
    told = progress or Progress()

    idle: SimpleQueue[Archives] = SimpleQueue()  # kept from file to file: one login each, not one a file

    def one(wanted: Wanted) -> Fetched:
        archives = idle.get()
        try:
            return _fetch(wanted, archives, told)
        finally:
            idle.put(archives)

    with ExitStack() as stack, ThreadPoolExecutor(max_workers=at_once) as pool:
        every = [stack.enter_context(Archives(accounts=accounts, patience=patience, stop=stop)) for _ in range(at_once)]
        for archives in every:
            idle.put(archives)
        try:
            jobs = [pool.submit(one, wanted) for wanted in files]
            wait(jobs, return_when=FIRST_EXCEPTION)
        finally:  # an error, or an interrupt: the others end at their next piece
            if not all(job.done() and job.exception() is None for job in jobs):
                stop.set()
                for archives in every:
                    archives.break_off()
    errors = [job.exception() for job in jobs]
    for error in sorted(filter(None, errors), key=lambda error: isinstance(error, StoppedError)):
        raise error
    return [job.result() for job in jobs]


def _fetch(wanted: Wanted, archives: Archives, progress: Progress) -> Fetched:
    """Fetch one file unless it is there, while no one else does."""
    name = wanted.path.name

    def waiting() -> None:
        progress.note(f"{name}: another process is at it; waiting")

    archives.check()
    with locked(wanted.path, waiting=waiting, check=archives.check):
        record = ready(wanted)
        if record is not None:
            return Fetched(wanted.path, record.bytes, record.verified_by, came=False)
        try:
            here = _already_here(wanted)
            record = here or _bring(wanted, archives, progress)
        except StorageError:
            raise
        except OSError as error:
            raise storage_error(error, wanted.path) from error
        finally:
            progress.end(wanted)
    return Fetched(wanted.path, record.bytes, record.verified_by, came=here is None)


def _already_here(wanted: Wanted) -> Record | None:
    """Verify a file that someone put into the cache by hand; it is moved aside as a part, and deleted if damaged."""
    if not wanted.path.is_file():
        return None
    forget_part(wanted.path)
    wanted.path.replace(part_of(wanted.path))
    try:
        return _verified(wanted)
    except DownloadError:
        return None


def _bring(wanted: Wanted, archives: Archives, progress: Progress) -> Record:
    """Fetch the rest of a file and verify it; one that was joined from pieces and is damaged is fetched whole once."""
    joined = _complete(wanted, archives, progress)
    try:
        return _verified(wanted)
    except DownloadError:
        if not joined:
            raise
    progress.note(f"{wanted.path.name}: damaged where it was joined; once more from its beginning")
    _complete(wanted, archives, progress)
    return _verified(wanted)


def _verified(wanted: Wanted) -> Record:
    """Verify what came and give it its name, or delete it."""
    part = part_of(wanted.path)
    try:
        md5, by = verify(part, name=wanted.path.name, md5=wanted.md5)
    except DownloadError:
        forget_part(wanted.path)
        raise
    return keep(part, wanted.path, md5=md5, verified_by=by)


def _complete(wanted: Wanted, archives: Archives, progress: Progress) -> bool:
    """Fetch until the part is whole, through interruptions; return whether it was joined from pieces."""
    part, failures, pieces, told, came = part_of(wanted.path), 0, 0, "", False
    begun, most = _size(part), archives.patience.attempts
    while True:
        before = _size(part)
        try:
            pieces += 1
            _piece(wanted, archives, progress)
            return pieces > 1 or begun > 0
        except TryAgain as trouble:
            gained = _size(part) > before
            came, failures = came or gained, 1 if gained else failures + 1
            said, hopeless = _of(wanted, trouble.reason), trouble.nameless and not came
            if failures >= (min(_NAMELESS_ATTEMPTS, most) if hopeless else most):
                kept = "What came is kept: run the same again to go on." if _size(part) else "Run the same again later."
                raise DownloadError(f"{said}, {failures} times in a row. {kept}") from None
            if said != told and not hopeless:  # once, however often it is tried
                progress.note(f"{said}; trying again")
                told = said
            archives.wait(failures, trouble)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _of(wanted: Wanted, reason: str) -> str:
    """Say of which file something is, where the address in it does not."""
    return reason if wanted.path.name in reason else f"{wanted.path.name}: {reason}"


def _piece(wanted: Wanted, archives: Archives, progress: Progress) -> None:
    """Fetch what is missing of a file in one answer; from its beginning where the archive does not go on with it."""
    part, origin = part_of(wanted.path), read_origin(wanted.path)
    have = part.stat().st_size if origin is not None else 0
    if origin is not None and have == origin.total:
        return
    with archives.get(wanted.url, _range(have, origin)) as answer:
        if answer.status_code == 416:
            forget_part(wanted.path)
            raise TryAgain(f"{shown(wanted.url)} has no such rest")
        now = _described(answer)
        if answer.status_code == 206 and not _goes_on(answer, have, origin, now):
            forget_part(wanted.path)
            raise TryAgain(f"{shown(wanted.url)} has another file than before")
        have = have if answer.status_code == 206 else 0
        total = now.total if now.total is not None else wanted.expected
        check_space(part.parent, max(total - have, 0) if now.total is not None else 0, what=wanted.path.name)
        if have == 0:
            forget_part(wanted.path)
            write_origin(wanted.path, now)
        progress.begin(wanted, done=have, total=total)
        with part.open("ab") as stream:
            _pour(answer, stream.write, wanted, archives, progress)
    size = part.stat().st_size
    if now.total is not None and size != now.total:
        raise TryAgain(f"{shown(wanted.url)} broke off after {size} of {now.total} bytes")


def _pour(
    answer: requests.Response,
    write: Callable[[bytes], int],
    wanted: Wanted,
    archives: Archives,
    progress: Progress,
) -> None:
    """Write an answer's body as it comes."""
    try:
        for piece in answer.iter_content(_CHUNK):
            write(piece)
            progress.advance(wanted, len(piece))
            archives.check()
    except requests.RequestException as error:
        raise TryAgain(f"{shown(wanted.url)}: {why(error)}") from None


def _range(have: int, origin: Origin | None) -> dict[str, str]:
    """Return the headers that ask for the rest of the same file, else for another from its beginning."""
    if not have or origin is None:
        return {}
    strong = origin.etag if origin.etag and not origin.etag.startswith("W/") else ""
    same = strong or origin.modified
    return {"Range": f"bytes={have}-"} | ({"If-Range": same} if same else {})


def _described(answer: requests.Response) -> Origin:
    """Return what an answer says of the whole file."""
    said = answer.headers
    total: str | None = said.get("Content-Length")
    if answer.status_code == 206:
        total = said.get("Content-Range", "").rpartition("/")[2]
    whole = int(total) if total and total.isdigit() and "Content-Encoding" not in said else None
    return Origin(said.get("ETag", ""), said.get("Last-Modified", ""), whole)


def _goes_on(answer: requests.Response, have: int, origin: Origin | None, now: Origin) -> bool:
    """Tell whether an answer is the rest of the file whose beginning is here."""
    if origin is None:
        return False
    pairs = ((origin.etag, now.etag), (origin.modified, now.modified), (origin.total, now.total))
    same = all(before == after for before, after in pairs if before and after)
    return same and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
