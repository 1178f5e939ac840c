"""The folder of one run: what each step was made from and what it made, kept so that a killed run is taken up again."""

import fcntl
import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from epi.errors import RunError
from epi.storage import atomic_path, make_folder, sha256, storage_error

_ORPHAN_GRACE_S = 2.0  # a kernel whose run was killed looks for its parent once a second, then ends


@dataclass(frozen=True)
class Step:
    """What one step, most often a chapter, was made from and what it made.

    Attributes
    ----------
    name : stem of the chapter, ``03_interferogram``.
    inputs : everything the step depends on, files as SHA-256.
    outputs : SHA-256 of each file it made, by name in the run folder.
    seconds : run time.
    """

    name: str
    inputs: dict[str, Any]
    outputs: dict[str, str]
    seconds: float


@dataclass
class RunFolder:
    """The folder of one earthquake's run.

    Attributes
    ----------
    path : the folder.
    event_id : the earthquake.
    steps : finished steps by chapter name, in order.
    left_out : why a chapter has no part in this run, by its name.
    redone : names of the steps that the last call executed.
    """

    path: Path
    event_id: str
    steps: dict[str, Step] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    redone: list[str] = field(default_factory=list)

    def notebooks(self) -> list[Path]:
        """Return the executed chapters, in order; a step that is no chapter has none."""
        names = [(f"{name}.ipynb", step) for name, step in self.steps.items()]
        return [self.path / name for name, step in names if name in step.outputs]

    def stale(self, name: str, inputs: dict[str, Any]) -> str | None:
        """Say why a step must be done, or None where it is up to date."""
        if name not in self.steps:
            return "not done yet"
        step = self.steps[name]
        for key, value in json.loads(json.dumps(inputs)).items():
            if step.inputs.get(key) != value:
                return f"{key} changed"
        for file, digest in step.outputs.items():
            if not (self.path / file).is_file() or sha256(self.path / file) != digest:
                return f"{file} missing or altered"
        return None

    def save(self) -> None:
        """Write ``run.json``, whole or not at all."""
        steps = [asdict(step) for step in self.steps.values()]
        content = {"event_id": self.event_id, "steps": steps, "left_out": self.left_out}
        with atomic_path(self.path / "run.json") as temporary:
            temporary.write_text(json.dumps(content, indent=1) + "\n")


def read_run(path: str | Path) -> RunFolder:
    """Read what a run folder's ``run.json`` records.

    Raises
    ------
    RunError : nothing has been run there, or ``run.json`` is not one of ours.
    """
    record = Path(path) / "run.json"
    if not record.is_file():
        raise RunError(f"Nothing has been run in {path}: run epi run EVENT first.")
    try:
        content = json.loads(record.read_text())
        steps = {step["name"]: Step(**step) for step in content["steps"]}
        return RunFolder(Path(path), content["event_id"], steps, dict(content.get("left_out", {})))
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{record} cannot be read: delete it and run again, every step will be done anew.") from error


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Keep two runs out of one folder; the kernel drops the lock of a run that died.

    The lock file holds the process number while a run is at work and is empty after it, so that a number found there
    tells of a killed run, whose orphaned kernel is given time to end.
    """
    try:
        handle = os.open(make_folder(folder) / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise storage_error(error, folder) from error
    with os.fdopen(handle, "r+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = stream.read().strip() or "?"
            raise RunError(
                f"Another run (process {owner}) is at work in {folder}: wait for it, or use --runs."
            ) from error
        if stream.read():
            time.sleep(_ORPHAN_GRACE_S)
        _rewrite(stream.fileno(), str(os.getpid()))
        try:
            yield
        finally:
            _rewrite(stream.fileno(), "")


def _rewrite(handle: int, text: str) -> None:
    """Replace an open file's content."""
    os.ftruncate(handle, 0)
    os.pwrite(handle, text.encode(), 0)


def hashes(files: Iterable[Path]) -> dict[str, str]:
    """Return the SHA-256 of those of the files and folders that exist, by name."""
    return {path.name: tree_hash(path) if path.is_dir() else sha256(path) for path in files if path.exists()}


def tree_hash(folder: Path, without: tuple[str, ...] = ()) -> str:
    """Return one SHA-256 over the files of a folder, its caches and the named files and folders in it left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if path.is_file() and "__pycache__" not in place.parts and place.parts[0] not in without:
            digest.update(f"{place} {sha256(path)}\n".encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package this one requires, None left out."""
    found = {"python": platform.python_version()}
    for line in requires("epi") or []:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0]
        if "extra ==" not in line:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = "not installed"
    return found
