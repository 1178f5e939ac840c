"""SNAP's command line ``gpt``: where it is, running one graph, and what its words mean.

SNAP was not at hand when this was written: what is done about its process is tested with a stand-in.
"""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from epi.errors import MissingPackage, RunError, StorageError

INSTALL = (
    "Install SNAP 10 to 14 from step.esa.int and put its bin folder on the PATH (or set SNAP_HOME to its folder); "
    "the native engine needs no SNAP: --engine native."
)
HOMES = ("~/esa-snap", "~/snap", "/opt/esa-snap", "/opt/snap", "/usr/local/snap", "/Applications/esa-snap")
POLL_S = 0.2

_FATAL = re.compile(r"^\s*(Error:|Exception in thread|Caused by:|(java|javax|org|com|eu)\.[\w.$]*(Exception|Error)\b)")
_HARMLESS = re.compile(r"jblas|UnsatisfiedLinkError")  # a faster library for matrices that is not there
_MEMORY = re.compile(r"OutOfMemoryError|GC overhead limit|Cannot allocate memory|insufficient memory for the Java")
_FULL = re.compile(r"No space left on device|not enough space on the disk|Disk quota exceeded", re.IGNORECASE)


def find_gpt() -> Path:
    """Return SNAP's ``gpt``: below ``SNAP_HOME``, on the PATH, or where SNAP's installer puts it.

    Raises
    ------
    MissingPackage : it is nowhere; the message says how to install SNAP.
    """
    home = os.environ.get("SNAP_HOME")
    places = [f"{home}/bin"] if home else []
    places += [os.environ.get("PATH", ""), *(f"{Path(folder).expanduser()}/bin" for folder in HOMES)]
    found = next(filter(None, (shutil.which("gpt", path=place) for place in places if place)), None)
    if found is None:
        raise MissingPackage(
            f"SNAP's gpt was not found on the PATH, below SNAP_HOME or in its usual folders. {INSTALL}"
        )
    return Path(found)


@dataclass(frozen=True)
class Gpt:
    """An engine that runs each graph in a process of its own.

    Parameters
    ----------
    executable : SNAP's ``gpt``.
    memory : most memory of its Java machine, such as ``"12G"``; None for the installation's setting.
    cache : its tile cache, such as ``"6G"``; at most three quarters of the memory is sensible.
    threads : tiles worked on at a time.
    """

    executable: Path
    memory: str | None = None
    cache: str | None = None
    threads: int | None = None

    @cached_property
    def version(self) -> int | None:
        """Major version of this SNAP, or None where it does not say.

        Raises
        ------
        MissingPackage : the program is not SNAP's (macOS has another ``gpt``).
        """
        try:
            asked = subprocess.run(
                [self.executable, "--diag"], capture_output=True, text=True, errors="replace", timeout=120, check=False
            )
            words = asked.stdout + asked.stderr
        except (OSError, subprocess.TimeoutExpired) as error:
            words = str(error)
        if "SNAP" not in words:
            said = " ".join(words.split())[:80] or "nothing"
            raise MissingPackage(f"{self.executable} is not SNAP's gpt: asked --diag, it says {said!r}. {INSTALL}")
        release = re.search(r"SNAP Release version\s+(\d+)", words)
        return int(release.group(1)) if release else None

    def run(self, graph: Path, log: Path, *, say: Callable[[str], None] = lambda words: None) -> None:
        """Run one graph; its words go to a file.

        Parameters
        ----------
        graph : XML. log : where all it prints goes. say : is told the percentage as it grows.

        Raises
        ------
        RunError : it failed, was killed, ran out of memory, or printed an error though it says it is done; the message
            has its last error. StorageError : the disk is full. MissingPackage : it cannot be started.
        """
        with log.open("wb") as stream:
            try:
                process = subprocess.Popen(
                    self.command(graph),
                    stdin=subprocess.DEVNULL,
                    stdout=stream,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise MissingPackage(f"{self.executable} cannot be started: {error.strerror}. {INSTALL}") from error
            try:
                _wait(process, log, say)
            finally:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)  # Java goes on without the script that started it
                process.wait()
        judge(process.returncode, log)

    def command(self, graph: Path) -> list[str]:
        """Return the command that runs a graph."""
        options = [f"-J-Xmx{self.memory}"] if self.memory else []
        options += ["-c", self.cache] if self.cache else []
        options += ["-q", str(self.threads)] if self.threads else []
        return [str(self.executable), str(graph), *options]


def _wait(process: subprocess.Popen[bytes], log: Path, say: Callable[[str], None]) -> None:
    told = ""
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_S)
        reached = re.findall(r"(\d{1,3})%", _words(log))
        if reached and reached[-1] != told:
            told = reached[-1]
            say(f"{told} %")
        if process.returncode is not None:
            return


def judge(code: int, log: Path) -> None:
    """Raise what the end of ``gpt`` means, from its exit code and its words.

    Raises
    ------
    RunError, StorageError : as `Gpt.run`.
    """
    lines = [line.strip() for line in _words(log).splitlines() if line.strip()]
    fatal = [line for line in lines if _FATAL.match(line) and not _HARMLESS.search(line)]
    where = f"All it said is in {log}."
    if any(map(_FULL.search, lines)):
        raise StorageError(f"No space left for SNAP to write: free some disk space and run again. {where}")
    if any(map(_MEMORY.search, lines)):
        raise RunError(
            "SNAP ran out of memory: give it more (memory='12G', at most what the machine has), a smaller cache, or "
            f"fewer bursts. {where}"
        )
    if code < 0 or code > 128:
        number = -code if code < 0 else code - 128
        cause = ", by a machine out of memory perhaps" if number == signal.SIGKILL else ""
        raise RunError(
            f"SNAP was killed half-way (signal {number}{cause}); run again to go on from the last whole stage. {where}"
        )
    last = (fatal or lines or ["it said nothing"])[-1]
    if code != 0:
        raise RunError(f"SNAP failed (exit {code}): {last} {where}")
    if fatal:
        raise RunError(f"SNAP says it is done (exit 0), but printed an error: {last} {where}")


def _words(log: Path) -> str:
    return log.read_bytes().decode("utf-8", errors="replace").replace("\r", "\n")
