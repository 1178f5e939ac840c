"""How far downloads are, on stderr."""

import sys
from pathlib import Path
from threading import Lock
from typing import Any

from tqdm import tqdm

from epi.catalogue.online.wanted import Progress, Wanted


class Bars(Progress):
    """One bar a file, on stderr where that is a terminal; elsewhere a line a file."""

    def __init__(self) -> None:
        self._bars: dict[Path, tqdm[Any]] = {}
        self._lock = Lock()

    def begin(self, wanted: Wanted, *, done: int, total: int) -> None:
        """Draw a bar, or draw it anew."""
        with self._lock:
            self._close(wanted)
            bar: tqdm[Any] = tqdm(
                total=total,
                initial=done,
                desc=wanted.path.name[-44:],
                unit="B",
                unit_scale=True,
                leave=False,
                disable=None,  # where stderr is no terminal
            )
            self._bars[wanted.path] = bar

    def advance(self, wanted: Wanted, size: int) -> None:
        """Move a bar on."""
        self._bars[wanted.path].update(size)

    def end(self, wanted: Wanted) -> None:
        """Take a bar away."""
        with self._lock:
            self._close(wanted)

    def note(self, message: str) -> None:
        """Write a line above the bars."""
        with self._lock:
            tqdm.write(message, file=sys.stderr)

    def _close(self, wanted: Wanted) -> None:
        bar = self._bars.pop(wanted.path, None)
        if bar is not None:
            bar.close()
