"""Which files are to be had, where they go in the cache, and what is said of them when they are there."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from epi.catalogue.images.scenes import Scene
from epi.catalogue.online.cache import Record, cache_folder, part_of, read_record
from epi.errors import ParameterError

USUAL_BYTES = {"scenes": 4_500_000_000, "bursts": 150_000_000, "terrain": 40_000_000, "orbits": 4_500_000}
"""Of a file whose record states no size."""

_XML_BYTES = 3_000_000


@dataclass(frozen=True)
class Wanted:
    """A file to be had.

    Parameters
    ----------
    url : where an archive has it.
    path : where it is to be.
    bytes : its size as the archive's record states it, which some archives do only roughly; None where unknown.
    md5 : its checksum as the record states it; empty where it does not.
    """

    url: str
    path: Path
    bytes: int | None = None
    md5: str = ""

    @property
    def expected(self) -> int:
        """Its size, or the usual size of its kind."""
        return self.bytes or USUAL_BYTES.get(self.path.parent.name, 0)

    @property
    def missing(self) -> int:
        """How many bytes of it are still to come, as far as can be known."""
        if ready(self) is not None:
            return 0
        part = part_of(self.path)
        return max(self.expected - (part.stat().st_size if part.exists() else 0), 0)


@dataclass(frozen=True)
class Fetched:
    """A file that is there.

    Parameters
    ----------
    path, bytes : which, and its size.
    verified_by : in words; what has no known checksum says so.
    came : whether it came now; else it was in the cache.
    """

    path: Path
    bytes: int
    verified_by: str
    came: bool

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"path": str(self.path), "bytes": self.bytes, "verified_by": self.verified_by, "came": self.came}


class Progress:
    """What a download says while it goes on; this one says nothing."""

    def begin(self, wanted: Wanted, *, done: int, total: int) -> None:
        """A file begins or begins again, with so many bytes already there."""

    def advance(self, wanted: Wanted, size: int) -> None:
        """More bytes of it are on the disk."""

    def end(self, wanted: Wanted) -> None:
        """It is there, or given up."""

    def note(self, message: str) -> None:
        """Tell something in a line."""


def scene_files(scenes: Iterable[Scene]) -> list[Wanted]:
    """Return the files that scenes and bursts are made of, with their places in the cache.

    A burst of the Alaska Satellite Facility is a GeoTIFF and, at the same address, an XML.

    Raises
    ------
    ParameterError : a scene is simulated, or its record has no address or a name that is no file's.
    """
    files: dict[Path, Wanted] = {}
    for scene in scenes:
        _refuse(scene)
        if scene.level == "BURST":
            stem = cache_folder("bursts") / scene.name
            pixels = Wanted(scene.url, stem.with_suffix(".tiff"), scene.bytes, scene.md5)
            about = Wanted(scene.url.removesuffix(".tiff") + ".xml", stem.with_suffix(".xml"), _XML_BYTES)
            both = [pixels, about] if scene.url.endswith(".tiff") else [pixels]
        else:
            both = [Wanted(scene.url, cache_folder("scenes") / f"{scene.name}.zip", scene.bytes, scene.md5)]
        files |= {wanted.path: wanted for wanted in both}
    return list(files.values())


def ready(wanted: Wanted) -> Record | None:
    """Return the record of a file that is in the cache, verified, and the one that is wanted; else None."""
    record = read_record(wanted.path)
    return record if record is not None and record.md5 == (wanted.md5.lower() or record.md5) else None


def _refuse(scene: Scene) -> None:
    """Refuse a scene that has no file."""
    if scene.simulated:
        raise ParameterError(
            f"{scene.name} is simulated: it stands for an image the satellite could have taken, and no archive has it. "
            "Let an archive say what it has: --scenes asf."
        )
    if not scene.url:
        raise ParameterError(f"{scene.name} has no address in its record: search the archive again.")
    if Path(scene.name).name != scene.name or scene.name.startswith("."):
        raise ParameterError(f"{scene.name!r} is no name of a scene: it would leave the cache.")
