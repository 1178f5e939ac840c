"""Files that are either whole or absent: write beside, then rename."""

import errno
import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import mkstemp

from epi.errors import StorageError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path`` that takes its name only when the block ends without an error.

    Parameters
    ----------
    path : the file to make; its folder is made too.

    Yields
    ------
    A path in the same folder, with the same suffix, to write to.

    Raises
    ------
    StorageError : the disk is full or the folder cannot be written; what was at ``path`` before is still there.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        make_folder(target.parent)
        handle, name = mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
        os.close(handle)
        temporary = Path(name)
        temporary.chmod(0o644)
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise storage_error(error, target) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def make_folder(path: str | Path) -> Path:
    """Make a folder and those above it, if need be.

    Raises
    ------
    StorageError : it cannot be made there.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stated = storage_error(error, folder)
        if isinstance(stated, StorageError):
            raise stated from error
        raise StorageError(f"Cannot make {folder}: {error.strerror}. Choose a folder you may write to.") from error
    return folder


def storage_error(error: OSError, path: Path) -> OSError:
    """Turn a full disk or a closed folder into a stated error; leave any other error as it is."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"No space left to write {path}: free some disk space and run again; nothing was lost.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
        return StorageError(f"Cannot write {path}: {os.strerror(error.errno)}. Choose a folder you may write to.")
    return error


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def crc_of(text: str) -> int:
    """A short number of a text, the same in every process: what a kept file was made of, in its name."""
    return zlib.crc32(text.encode())


def source_crc(*packages: str) -> int:
    """A short number of the text of packages' own modules, not of what they import: what was kept under another number
    was made with other code.
    """
    number = 0
    for package in packages:
        folder = Path(import_module(package).__path__[0])
        for path in sorted(folder.rglob("*.py")):
            number = zlib.crc32(path.relative_to(folder).as_posix().encode() + path.read_bytes(), number)
    return number
