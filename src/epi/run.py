"""The whole chain for one earthquake: every chapter executed in order into a run folder, each step whole or absent.

A step is one chapter. It is done again only when something it depends on has changed: its notebook, the package, the
data that ship with the project, its parameters, the files that it reads or that they name, the versions of the
packages, or a file made by an earlier step. ``run.json`` holds these facts; it is written after each step, so that a
run killed at any moment loses at most the step it was in.
"""

import glob
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from epi import realpair
from epi.catalogue import look_up
from epi.catalogue.online.search import SOURCES
from epi.catalogue.online.wanted import Progress
from epi.errors import ParameterError, RunError
from epi.insar.readers.files import kind_of
from epi.notebook import check_parameters, execute, read_parameters
from epi.runfolder import RunFolder, Step, hashes, lock, read_run, tree_hash, versions
from epi.settings import PROJECT_ROOT, settings
from epi.storage import sha256, storage_error

DEFAULT_EVENT = "20210303-thessaly"
PROFILES = ("quick", "full")
FILES = ("par", "coherence")  # options of read_scene that name a second file

OUTPUTS: dict[str, tuple[str, ...]] = {
    "01": ("event.json",),
    "02": ("pairs.json",),
    "03": ("interferogram.nc", "truth.nc?"),
    "04": ("scene.nc",),
    "05": ("patches.h5?", "patches.csv?"),
    "06": ("distance.csv",),
    "07": ("location.json",),
    "08": ("both.json?",),
    "09": ("detected.json",),
    "10": ("mask.nc?",),
    "12": ("stack.nc?",),
}
"""Files each chapter makes in the run folder; a question mark where some sources give none: real images have no truth,
a table of points cannot be cut into patches, where a network cannot answer there is nothing to join or to mark, and
without an inventory of landslides there is no stack."""

FOLDERS: dict[str, tuple[str, ...]] = {"03": ("images", "study")}
"""Folders a chapter may make for itself: emptied before it runs, and not recorded, since no later chapter reads them.
They are large; whoever deletes one to save space makes no step stale."""

ABOUT_IMAGES = ("03",)
"""Chapters that start from two images and end with an interferogram: left out where the source is one already."""

OUTSIDE = (
    "cli",
    "console.py",
    "book.py",
    "doctor.py",
    "run.py",
    "runfolder.py",
    "realpair.py",
    "notebook.py",
)
"""Modules no chapter imports (the import contract says so): a change in them makes no step stale."""


def chapters() -> list[Path]:
    """Return the chapters' percent scripts in numeric order."""
    return sorted(path for path in settings().notebooks.glob("*.py") if re.match(r"\d\d_", path.name))


def run_event(
    event_id: str,
    *,
    catalogue: str | Path | None = None,
    source: str | Path = "simulated",
    reader: Mapping[str, object] | None = None,
    profile: str = "quick",
    runs: str | Path | None = None,
    seed: int | None = None,
    parameters: Mapping[str, object] | None = None,
    bursts: bool = False,
    progress: Callable[[str], None] = lambda message: None,
    transfers: Progress | None = None,
) -> RunFolder:
    """Execute every chapter for one earthquake into ``<runs>/<event_id>``; do again only what is missing or stale.

    Parameters
    ----------
    event_id : a row of the catalogue, or what an agency calls it (`epi.catalogue.look_up`).
    catalogue : the catalogue that lists it, a file or an agency; the shipped one by default. Chapter 1 shows it.
    source : "simulated"; "asf" or "cdse", an archive that chapter 2 asks and whose images become an interferogram
        (`epi.realpair`); or an interferogram: a file, or a folder where its format is one (SNAP's ``.znap``). The
        chapter that makes one from images is then left out, and what it made of another source is deleted.
    reader : options of ``epi.insar.read_scene`` that say what the file is.
    profile : "quick" (minutes on two cores) or "full".
    runs : folder of run folders (default: the setting ``runs``, relative to the project's root).
    seed : of every random draw; None keeps the chapters' own.
    parameters : further parameters by name, as in the chapters' parameters cells; each goes to every chapter with it.
    bursts : of "asf", fetch only the bursts that show the area, in place of whole scenes.
    progress : called with one line as each step begins and ends.
    transfers : is told of every byte that is fetched.

    Returns
    -------
    The run folder, with the record of every step.

    Raises
    ------
    UnknownEvent : no such row.
    ParameterError : a parameter no chapter has, or of the wrong type; a source that this run makes, and would delete.
    FileFormatError : no such source, or nothing that is read.
    RunError : a chapter failed, made less than it should, or another run is at work in the folder.
    NoPairFound, DownloadError, OrbitError, … : of an archive, as for `epi.realpair.make_real`.
    StorageError : the folder cannot be written or the disk is full.
    """
    if profile not in PROFILES:
        raise ParameterError(f"Profile '{profile}': there are {' and '.join(PROFILES)}.")
    event, listed = look_up(event_id, catalogue, progress=progress)
    folder = (Path(runs).absolute() if runs else PROJECT_ROOT / settings().runs) / event.event_id
    archive = str(source) if source in SOURCES else None
    if bursts and archive != "asf":
        raise ParameterError(f"Single bursts of {source}: only asf has them; leave --bursts out, or take --source asf.")
    ready = None if source == "simulated" else folder / realpair.FILE if archive else Path(source).absolute()
    reader = {
        name: _from_root(Path(value).absolute()) if name in FILES and isinstance(value, str | Path) else value
        for name, value in (reader or {}).items()
    }
    if ready and not archive:
        kind_of(source, str(reader["par"]) if "par" in reader else None)
    given: dict[str, object] = {
        "event_id": event.event_id,
        "run_folder": _from_root(folder),
        "profile": profile,
        "source": _from_root(ready) if ready else "simulated",
        "reader": reader,
    }
    given |= {"catalogue": _from_root(listed.absolute())} if listed else {}
    given |= {} if seed is None else {"seed": seed}
    given |= {"scenes": archive} if archive and "scenes" not in (parameters or {}) else {}
    declared = {path: read_parameters(path) for path in chapters()}
    _check(given, parameters or {}, declared)
    given |= parameters or {}
    root = Path(__file__).parent
    world = {
        "package": tree_hash(root, OUTSIDE),
        "data": tree_hash(settings().data),
        "versions": versions(),
    }
    sources = _parts(ready) if ready and not archive else []
    sources += [PROJECT_ROOT / str(reader[name]) for name in FILES if name in reader]
    _refuse_own(sources, folder)
    with lock(folder):
        run = _resume(folder, event.event_id)
        if not archive:
            realpair.forget_real(run)
        for path, known in declared.items():
            if archive and path.name.startswith(ABOUT_IMAGES):
                realpair.make_real(
                    run, bursts=bursts, profile=profile, package=root, progress=progress, transfers=transfers
                )
            if ready and path.name.startswith(ABOUT_IMAGES):
                _leave_out(run, path.stem, f"the source is {'real images' if archive else 'a ready interferogram'}")
                progress(f"{path.stem}: left out ({run.left_out[path.stem]})")
                continue
            inputs: dict[str, Any] = {"notebook": sha256(path), **world}
            inputs["parameters"] = {name: value for name, value in given.items() if name in known}
            inputs["source"] = hashes(sources) if "source" in known else {}
            inputs["files"] = hashes(_named_files(value for name, value in (parameters or {}).items() if name in known))
            inputs |= {"catalogue": hashes([listed])} if listed and "catalogue" in known else {}
            _step(run, path, inputs, progress)
    return run


def _step(run: RunFolder, notebook: Path, inputs: dict[str, Any], progress: Callable[[str], None]) -> None:
    """Execute one chapter unless its record and its files are as they should be."""
    name = notebook.stem
    makes = OUTPUTS.get(name[:2], ())
    earlier = [step for step in run.steps.values() if step.name < name]
    inputs["upstream"] = {
        file: digest for step in earlier for file, digest in step.outputs.items() if not file.endswith(".ipynb")
    }
    reason = run.stale(name, inputs)
    if reason is None:
        progress(f"{name}: up to date")
        return
    progress(f"{name}: running ({reason})")
    _undo(run, name)
    start = time.perf_counter()
    execute(notebook, run.path / f"{name}.ipynb", inputs["parameters"])
    seconds = round(time.perf_counter() - start, 2)
    missing = [file for file in makes if not file.endswith("?") and not (run.path / file).is_file()]
    if missing:
        raise RunError(f"{name} ran to its end without making {', '.join(missing)} in {run.path}.")
    files = [file.rstrip("?") for file in (f"{name}.ipynb", *makes)]
    outputs = {file: sha256(run.path / file) for file in files if (run.path / file).is_file()}
    run.steps[name] = Step(name, inputs, outputs, seconds)
    run.steps = dict(sorted(run.steps.items()))
    run.redone.append(name)
    run.save()
    progress(f"{name}: done in {seconds:.1f} s")


def _leave_out(run: RunFolder, name: str, why: str) -> None:
    """Record that a chapter is left out, and delete what it made for another source, or was making when killed."""
    _undo(run, name)
    (run.path / f"{name}.failed.ipynb").unlink(missing_ok=True)
    run.left_out[name] = why
    run.save()


def _undo(run: RunFolder, name: str) -> None:
    """Take a step off the record, then delete what it made: killed between the two, the step is not done."""
    run.left_out.pop(name, None)
    if run.steps.pop(name, None):
        run.save()
    for file in (f"{name}.ipynb", *OUTPUTS.get(name[:2], ())):
        (run.path / file.rstrip("?")).unlink(missing_ok=True)
    for folder in FOLDERS.get(name[:2], ()):
        try:
            shutil.rmtree(run.path / folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise storage_error(error, run.path / folder) from error


def _check(
    given: Mapping[str, object], further: Mapping[str, object], declared: Mapping[Path, Mapping[str, Any]]
) -> None:
    """Check all parameters before anything is executed."""
    if not declared:
        raise RunError(
            f"No chapters in {settings().notebooks}: set EPI_NOTEBOOKS to the folder of the percent scripts."
        )
    taken = {*given, "seed", "catalogue"} & further.keys()
    if taken:
        raise ParameterError(f"Parameter '{taken.pop()}' has an option of its own: use that.")
    everywhere = {name: parameter for known in declared.values() for name, parameter in known.items()}
    check_parameters(further, {name: parameter for name, parameter in everywhere.items() if name not in given})
    for known in declared.values():
        check_parameters({name: value for name, value in [*given.items(), *further.items()] if name in known}, known)


def _parts(source: Path) -> list[Path]:
    """Return everything that a source is made of, there or not: the file, its parameters, SNAP's pixels beside it."""
    beside = [source.with_suffix(suffix) for suffix in (".par", ".dim", ".data")]
    return [source, *(path for path in beside if path != source)]


def _named_files(values: Iterable[object]) -> list[Path]:
    """Return the files that parameters name, with what else has their name: a shapefile is several files."""
    named = [
        PROJECT_ROOT / value for value in values if isinstance(value, str) and os.path.isfile(PROJECT_ROOT / value)
    ]
    return [part for path in named for part in sorted(path.parent.glob(f"{glob.escape(path.stem)}.*"))]


def _refuse_own(sources: list[Path], folder: Path) -> None:
    """Refuse a source that the run makes itself: it would be deleted before the chapter that reads it."""
    made = {file.rstrip("?") for files in OUTPUTS.values() for file in files}
    made.add(realpair.FILE)
    own = {folder.resolve() / name for name in made | {name for names in FOLDERS.values() for name in names}}
    for source in sources:
        for path in (source.parent.resolve() / source.name, source.resolve()):  # a link, and what it leads to
            if own & {path, *path.parents}:
                raise ParameterError(
                    f"The source {source} is made by this run and would be deleted: copy it elsewhere and give that."
                )


def _from_root(path: Path) -> str:
    """Return a path as the chapters see it: relative to the project's root where it lies in it or beside it."""
    return os.path.relpath(path, PROJECT_ROOT) if path.is_relative_to(PROJECT_ROOT.parent) else str(path)


def _resume(folder: Path, event_id: str) -> RunFolder:
    """Read the folder's record and clear away what a killed run left half-written."""
    for leftover in folder.glob(".*-*.*"):
        leftover.unlink()
    if not (folder / "run.json").exists():
        return RunFolder(folder, event_id)
    run = read_run(folder)
    present = {path.stem for path in chapters()} | {realpair.STEP}
    run.steps = {name: step for name, step in run.steps.items() if name in present}
    run.left_out = {name: why for name, why in run.left_out.items() if name in present}
    return run
