"""A run's interferogram from real images: the pair that chapter 2 chose is fetched, and only what shows the area made.

It is a step of the run like a chapter's, without a notebook. An interferogram from before stays until the new one is
there. Once it is made, its images may be deleted from the cache: they come again only when something has changed.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from epi.catalogue import Event, Scene, match_pairs
from epi.catalogue.online.cache import cache_folder, read_record
from epi.catalogue.online.search import search_scenes
from epi.catalogue.online.wanted import Fetched, Progress
from epi.errors import NoPairFound
from epi.insar import product
from epi.insar.cover import bursts_over
from epi.insar.engines.native import Choices, interferogram
from epi.insar.inputs import bring
from epi.insar.slc.matching import open_products
from epi.runfolder import RunFolder, Step, tree_hash, versions
from epi.storage import sha256

STEP = "03_archive"
"""Its name in the record of a run, between the chapters that choose and read."""

FILE = "real.nc"
"""What it makes in the run folder."""

SPACING_M = {"quick": 100.0, "full": 50.0}
"""Side of a pixel, by profile."""

_KEPT_DAYS = 36_500.0  # which bursts a passage has does not change
_BESIDE = pd.Timedelta(minutes=1)  # bursts of the neighbouring slices are of the same passage

Say = Callable[[str], None]


@dataclass(frozen=True)
class Chosen:
    """What chapter 2 chose.

    Parameters
    ----------
    event : the earthquake.
    references, secondaries : slices of the earlier and the later passage.
    polarisation : that both have.
    days, radius_km : window and area of the choice.
    """

    event: Event
    references: tuple[Scene, ...]
    secondaries: tuple[Scene, ...]
    polarisation: str
    days: float
    radius_km: float


def make_real(
    run: RunFolder,
    *,
    bursts: bool,
    profile: str,
    package: Path,
    progress: Say,
    transfers: Progress | None = None,
) -> None:
    """Make the interferogram of the pair in ``pairs.json``, unless the run has it and nothing it depends on changed.

    Parameters
    ----------
    run : whose chapters 1 and 2 are done; the step is put on its record.
    bursts : fetch only the bursts that show the area, in place of whole slices; the Alaska Satellite Facility has them.
    profile : sets the pixel.
    package : folder of this package, whose image chain is one of the inputs.
    progress, transfers : are told what goes on, and of every byte.

    Raises
    ------
    NoPairFound : chapter 2 found none.
    ArchiveError, DownloadError, … : as for `epi.insar.inputs.bring` and `epi.insar.engines.native.interferogram`.
    """
    pair, how = _chosen(run), Choices(spacing_m=SPACING_M[profile])
    inputs: dict[str, Any] = {
        "images": [[scene.name for scene in side] for side in (pair.references, pair.secondaries)],
        "area": [pair.event.latitude, pair.event.longitude, pair.radius_km],
        "polarisation": pair.polarisation,
        "bursts": bursts,
        "choices": asdict(how),
        "package": tree_hash(package / "insar"),
        "versions": versions(),
    }
    reason = run.stale(STEP, inputs) or _changed(run.steps[STEP].inputs["files"])
    if reason is None:
        progress(f"{STEP}: up to date")
        return
    progress(f"{STEP}: {', '.join(name for side in inputs['images'] for name in side)} ({reason})")
    start = time.perf_counter()
    inputs |= _make(pair, how, run.path / FILE, bursts, progress, transfers)
    seconds = round(time.perf_counter() - start, 2)
    run.steps[STEP] = Step(STEP, inputs, {FILE: sha256(run.path / FILE)}, seconds)
    run.steps = dict(sorted(run.steps.items()))
    run.redone.append(STEP)
    run.save()
    progress(f"{STEP}: done in {seconds:.1f} s")


def forget_real(run: RunFolder) -> None:
    """Take the step off the record, then delete what it made: killed between the two, it is not done."""
    if run.steps.pop(STEP, None):
        run.save()
    (run.path / FILE).unlink(missing_ok=True)


def _make(pair: Chosen, how: Choices, file: Path, bursts: bool, say: Say, transfers: Progress | None) -> dict[str, Any]:
    """Fetch, make and save; return what it was made from."""
    sides = _single_bursts(pair, say) if bursts else (pair.references, pair.secondaries)
    inputs = bring(*sides, progress=transfers, say=say)
    first, second = open_products(inputs.references), open_products(inputs.secondaries)
    place = {"latitude": pair.event.latitude, "longitude": pair.event.longitude, "radius_km": pair.radius_km}
    chosen = bursts_over(first, second, pair.polarisation, **place)
    say("bursts that show the area: " + ", ".join(f"{swath} {a} to {b}" for swath, (a, b) in chosen.items()))
    made = interferogram(
        inputs.references,
        inputs.secondaries,
        dem=inputs.terrain,
        orbits=inputs.orbits,
        subswaths=tuple(chosen),
        bursts=chosen,
        polarisation=pair.polarisation,
        choices=how,
        say=say,
    )
    product.save(made.assign_attrs(event=pair.event.event_id), file)
    files = {_place(one.path): digest for one in inputs.files if (digest := _digest(one)) is not None}
    return {"files": files, "chosen": {swath: list(span) for swath, span in chosen.items()}}


def _chosen(run: RunFolder) -> Chosen:
    """Read the best pair that chapter 2 left in the run folder."""
    found = json.loads((run.path / "pairs.json").read_text(encoding="utf-8"))
    if not found["pairs"]:
        raise NoPairFound(f"{found['missing']}: see 02_pairs.ipynb in {run.path}, or widen with -p days=24.")
    best = found["pairs"][0]
    first, second = (tuple(map(Scene.from_dict, best[side])) for side in ("references", "secondaries"))
    event = Event.from_dict(found["event"])
    return Chosen(event, first, second, best["polarisation"], found["days"], found["radius_km"])


def _single_bursts(pair: Chosen, say: Say) -> tuple[Sequence[Scene], Sequence[Scene]]:
    """Return the single bursts of the chosen passages that show the area; a kept answer serves, if it has them."""
    for fresh_days in (_KEPT_DAYS, 0.0):
        answer = search_scenes(pair.event, source="asf", days=pair.days, bursts=True, fresh_days=fresh_days)
        mine = [scene for scene in answer.scenes if _of_passage(scene, pair)]
        match = match_pairs(pair.event, mine, days=pair.days + 1, radius_km=pair.radius_km)
        if match.pairs or answer.live:
            break
    say(answer.summary)
    return match.best.references, match.best.secondaries


def _of_passage(scene: Scene, pair: Chosen) -> bool:
    """Tell whether a burst is of one of the two passages, in the polarisation that both have."""
    near = any(
        scene.platform == one.platform and one.start - _BESIDE <= scene.start <= one.stop + _BESIDE
        for one in (*pair.references, *pair.secondaries)
    )
    return near and pair.polarisation in scene.polarisations


def _changed(files: dict[str, str]) -> str | None:
    """Say which of the files that it was made from is another now; one that is gone has not changed."""
    for place, digest in files.items():
        path = cache_folder(Path(place).parent.name) / Path(place).name
        if path.is_file() and _digest_of(path) != digest:
            return f"{path.name} changed"
    return None


def _digest(file: Fetched) -> str | None:
    """Return the checksum of a file, but not of a tile: the terrain is made of them."""
    return None if file.path.parent.name == "terrain" and read_record(file.path) else _digest_of(file.path)


def _digest_of(path: Path) -> str:
    """Return the MD5 that a download was verified by, so that gigabytes are not read again; else the SHA-256."""
    record = read_record(path)
    return f"md5 {record.md5}" if record else f"sha256 {sha256(path)}"


def _place(path: Path) -> str:
    """Return a file's place in the cache."""
    return f"{path.parent.name}/{path.name}"
