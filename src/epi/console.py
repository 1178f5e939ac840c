"""What a command says: results on stdout, everything else on stderr."""

import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from epi.errors import EpiError
from epi.storage import storage_error

_results: IO[str] = sys.stdout  # where results go


@contextmanager
def clean_stdout(wanted: bool) -> Iterator[None]:
    """Send to stderr whatever anything else, libraries in C included, would print to stdout."""
    global _results
    before = _results = sys.stdout
    if not wanted:
        yield
        return
    before.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if before is sys.__stdout__:
        _results = os.fdopen(os.dup(kept), "w")
    try:
        yield
    finally:
        _results.flush()
        sys.stdout = before
        os.dup2(kept, 1)
        os.close(kept)


def print_json(results: list[dict[str, Any]], **further: object) -> None:
    """Print the one JSON document of a command; what is not a number is null."""
    print(json.dumps(_plain({"results": results, **further}), allow_nan=False, indent=1), file=_results)


def say(message: str) -> None:
    """Print a line of progress, a warning or an error."""
    print(message, file=sys.stderr, flush=True)


def one_line(error: Exception) -> str:
    """Say in one line what went wrong."""
    stated = storage_error(error, Path(error.filename or ".")) if isinstance(error, OSError) else error
    text = " ".join(str(stated).split())
    if isinstance(stated, EpiError):
        return f"{type(stated).__name__}: {text}"
    return f"Unexpected {type(error).__name__}: {text} (--debug shows where)"


def degrees(value: float, letters: str) -> str:
    """Write a latitude (letters NS) or a longitude (EW)."""
    return f"{abs(value):.4f} {letters[value < 0]}"


def location_text(found: dict[str, Any]) -> str:
    """Write a located source in a few lines."""
    if "latitude" in found:
        place = f"{degrees(found['latitude'], 'NS')} {degrees(found['longitude'], 'EW')}"
    else:
        place = f"{found['east_km']:.2f} km east, {found['north_km']:.2f} km north of the scene's centre"
    major, minor, azimuth = found["ellipse_km"]
    lines = [
        f"{found['method']}: {place}",
        f"  95 % within {major:.2f} x {minor:.2f} km (semi-axes), the longer toward {azimuth:.0f}°",
    ]
    if found["depth_km"] is not None:
        lines.append(f"  depth {found['depth_km']:.1f} km, Mw {found['magnitude']:.2f}")
    else:
        lines.append(f"  Mw {found['magnitude']:.1f} ± {found['magnitude_sigma']:.1f}")
    if found["variance_reduction"] is not None:
        lines.append(f"  variance reduction {found['variance_reduction']:.1%}")
    if found.get("km_from_catalogue") is not None:
        lines.append(f"  {found['km_from_catalogue']:.1f} km from the catalogue's epicentre of {found['event_id']}")
    lines += [f"  {found['seconds']:.1f} s", *(f"  note: {flag}" for flag in found["flags"])]
    if not found.get("visible", True):
        lines.insert(0, f"{found['method']}: no earthquake is visible here; what follows is not to be relied on")
    return "\n".join(lines)


def _plain(value: object) -> object:
    """Return a value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
