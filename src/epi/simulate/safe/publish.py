"""Results that appear whole: made in a hidden folder beside their place, then renamed in an order that never lies."""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from epi.errors import RunError
from epi.storage import storage_error

_HIDDEN, _LOCK = ".simulating-", ".simulating.lock"


@contextmanager
def hidden_folder(folder: Path) -> Iterator[Path]:
    """Give a hidden folder to make results in, and keep a second simulation out; it goes when the block ends.

    An empty ``.simulating.lock`` stays behind. What holds it is the process that has it open, so that it means nothing
    once that one has ended, however it ended; the next simulation removes what a killed one left.

    Parameters
    ----------
    folder : where the results will go; it exists.

    Raises
    ------
    RunError : another simulation is at work there.
    StorageError : the disk is full or the folder cannot be written.
    """
    try:
        with (folder / _LOCK).open("w") as stream:
            _hold(stream.fileno(), folder)
            for killed in folder.glob(f"{_HIDDEN}*"):
                rmtree(killed, ignore_errors=True)
            hidden = Path(mkdtemp(prefix=_HIDDEN, dir=folder))
            try:
                yield hidden
            finally:
                rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise storage_error(error, folder) from error


def keep_apart(folder: Path, own: Sequence[Path]) -> None:
    """Refuse a folder in which a new pair would lie beside images or truths that it does not replace.

    Parameters
    ----------
    folder : where the results will go.
    own : what an earlier simulation made there and the new one replaces.

    Raises
    ------
    RunError : something else is there; it is left as it is.
    """
    strange = sorted(path.name for kind in ("*.SAFE*", "*_truth.nc") for path in folder.glob(kind) if path not in own)
    if strange:
        raise RunError(
            f"{folder} holds {', '.join(strange)}, which the new pair would not replace, and pairs must not be mixed: "
            "choose another folder, or move that away."
        )


def publish(made: Sequence[Path], folder: Path, *, replaces: Sequence[Path] = ()) -> list[Path]:
    """Give finished files and folders their names, one after the other; what had those names before goes first.

    Killed at any moment it leaves results of one making only, and none without those before it in the list.

    Parameters
    ----------
    made : in one hidden folder, which also takes in what is replaced.
    folder : where they go.
    replaces : results of an earlier making, in the same order, that go with them whatever their names.

    Returns
    -------
    Where they are now, in the same order.
    """
    replaced = Path(mkdtemp(dir=made[0].parent))
    targets = [folder / path.name for path in made]
    for target in reversed(list(dict.fromkeys([*targets, *replaces]))):
        if target.exists():
            target.rename(replaced / target.name)
    return [path.rename(target) for path, target in zip(made, targets, strict=True)]


def _hold(handle: int, folder: Path) -> None:
    """Lock an open file, or say who keeps us from it."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise RunError(f"Another simulation is at work in {folder}: wait for it, or choose another folder.") from error
