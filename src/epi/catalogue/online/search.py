"""Which images an archive has of an earthquake: asked once, kept on disk, with its age."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from epi.catalogue.events.read import Event
from epi.catalogue.images.archives import scenes_of
from epi.catalogue.images.scenes import Scene
from epi.catalogue.kept import FRESH_DAYS, age
from epi.catalogue.online.questions import Query, ask_asf, ask_cdse
from epi.catalogue.pairs.area import area_radius_km, search_polygons
from epi.catalogue.pairs.match import WINDOW_DAYS
from epi.errors import ArchiveError, FileFormatError, ParameterError
from epi.settings import settings
from epi.storage import atomic_path

SOURCES = {"asf": ask_asf, "cdse": ask_cdse}
"""The archives that can be asked: the Alaska Satellite Facility and the Copernicus Data Space."""

_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class SceneAnswer:
    """What an archive answered.

    Parameters
    ----------
    source : one of `SOURCES`.
    scenes : what it lists; may be empty.
    file : where the answer is kept, in a form that `epi.catalogue.read_scenes` reads.
    asked : when the archive was asked, UTC.
    live : asked now, and not kept from before.
    """

    source: str
    scenes: list[Scene]
    file: Path
    asked: pd.Timestamp
    live: bool

    @property
    def summary(self) -> str:
        """One line: how many, from where, how old."""
        origin = "asked just now" if self.live else f"from the cache, {age(self.asked, _now())} old"
        return f"{self.source}: {len(self.scenes)} images, {origin} ({self.file})"


def search_scenes(
    event: Event,
    *,
    source: str = "asf",
    days: float = WINDOW_DAYS,
    radius_km: float | None = None,
    bursts: bool = False,
    fresh_days: float = FRESH_DAYS,
) -> SceneAnswer:
    """Ask an archive for the images of an earthquake, or take its answer of some days ago.

    Parameters
    ----------
    event : the earthquake.
    source : one of `SOURCES`.
    days : how far from the event, on either side; asked for in whole days.
    radius_km : of the area around the epicentre that the images touch; by default what magnitude and depth say.
    bursts : single bursts in place of whole slices; only "asf" lists them.
    fresh_days : how old an answer on disk may be; 0 always asks.

    Returns
    -------
    The scenes and the age of the answer. Finding none is no error here.

    Raises
    ------
    ArchiveError : no connection, or an archive that does not answer; the message names an older answer on disk, or how
        to go on without one.
    ParameterError : an unknown source, or single bursts of one that does not list them.
    """
    if source not in SOURCES:
        raise ParameterError(f"No archive {source!r}: there are {' and '.join(SOURCES)}; read_scenes reads files.")
    if bursts and source != "asf":
        raise ParameterError(f"{source} lists whole images and no single bursts: ask asf for those (--scenes asf).")
    radius = area_radius_km(event) if radius_km is None else radius_km
    areas = tuple(search_polygons(event.latitude, event.longitude, radius))
    start, end = (event.time - days * _DAY).floor("D"), (event.end + days * _DAY).ceil("D")
    query = Query(areas, start, end, bursts)
    file = _file(event, source, query)
    kept = _kept(file, source)
    if kept is not None and _now() - kept.asked <= fresh_days * _DAY:
        return kept
    try:
        records = SOURCES[source](query)
    except ArchiveError as error:
        raise ArchiveError(f"{error}. {_alternative(event, file)}") from error
    scenes = scenes_of(records, f"the answer of {source}")
    saved = _now()
    with atomic_path(file) as path:
        path.write_text(json.dumps({"source": source, "saved": saved.isoformat(), "features": records}, default=str))
    return SceneAnswer(source, scenes, file, saved, live=True)


def _file(event: Event, source: str, query: Query) -> Path:
    """Return where the answer to a question is kept."""
    areas = ";".join(area.wkt for area in query.areas)
    text = f"{source} {query.start} {query.end} {query.bursts} {areas}"
    kind = "bursts" if query.bursts else "slc"
    name = f"{event.event_id}_{source}_{kind}_{hashlib.sha256(text.encode()).hexdigest()[:8]}.json"
    return _folder() / name


def _folder() -> Path:
    return settings().cache.expanduser() / "searches"


def _kept(file: Path, source: str) -> SceneAnswer | None:
    """Read an answer on disk; a damaged one counts as none, and is asked for again."""
    try:
        answer = json.loads(file.read_text(encoding="utf-8"))
        saved = pd.Timestamp(answer["saved"])
        return SceneAnswer(source, scenes_of(answer["features"], str(file)), file, saved, live=False)
    except (OSError, ValueError, KeyError, TypeError, FileFormatError):
        return None


def _alternative(event: Event, file: Path) -> str:
    """Name the answer on disk that can serve, or what else can."""
    others = sorted(_folder().glob(f"{event.event_id}_*.json"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in dict.fromkeys([file, *others]):
        kept = _kept(path, path.name.split("_")[-3]) if path.exists() else None
        if kept is not None:
            return (
                f"An answer of {kept.source} from {age(kept.asked, _now())} ago is kept: go on with --scenes {path} "
                f"(epi run: -p scenes={path})"
            )
    return (
        "No answer is kept on this machine: try again with a network, or give a file of recorded answers with --scenes "
        "(epi run: -p scenes=FILE)"
    )


def _now() -> pd.Timestamp:
    return pd.Timestamp.now(tz="UTC")
