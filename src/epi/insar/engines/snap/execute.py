"""Running a chain stage by stage: finished stages are kept, unfinished ones leave nothing to trust."""

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from epi.errors import FileFormatError, ParameterError, RunError
from epi.insar.engines.snap import operators
from epi.insar.engines.snap.gpt import Gpt, find_gpt
from epi.insar.engines.snap.graph import Made, Stage
from epi.insar.engines.snap.unwrapping import unwrap_export
from epi.insar.engines.snap.whole import defect
from epi.storage import make_folder, storage_error

RECORD = "stage.json"
"""Beside what a stage made: the graph, the state of its inputs and of its outputs."""
PARTIAL = ".partial-"
"""Begins the name of a folder that is not whole."""


class Engine(Protocol):
    """What runs a graph: `gpt.Gpt` or `inprocess.InProcess`."""

    @property
    def version(self) -> int | None:
        """Major version of SNAP."""

    def run(self, graph: Path, log: Path, *, say: Callable[[str], None]) -> None:
        """Run one graph; raise `RunError` where it fails."""


@dataclass
class Report:
    """What became of a chain.

    Attributes
    ----------
    results : what the last stages made, by subswath or ``merged``.
    done, kept : names of the stages that ran, and of those that were whole already.
    failed : why a subswath has no result.
    """

    results: dict[str, Path] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


def run(
    stages: Sequence[Stage],
    folder: str | Path,
    *,
    engine: Engine | None = None,
    say: Callable[[str], None] = lambda words: None,
) -> Report:
    """Run the stages of a chain; a rerun does only what is missing or stale.

    Parameters
    ----------
    stages : of `chain.stages`.
    folder : working folder; each stage makes a folder of its name in it, beside its graph and its log.
    engine : what runs the graphs; default ``gpt``.
    say : is told each stage and how far it is, a line at a time.

    Returns
    -------
    What was made. A subswath that fails is in ``failed`` and the others go on.

    Raises
    ------
    MissingPackage : there is no SNAP. ParameterError : this SNAP is of another version than the graphs.
    FileFormatError : an SLC product or an elevation model is not there. Nothing is written then.
    StorageError : no space, or a folder that cannot be written.
    RunError : no subswath has a result, or another run is at work in the folder.
    """
    engine = engine or Gpt(find_gpt())
    _check_engine(engine, stages)
    for path in {path for stage in stages for path in stage.inputs if isinstance(path, Path)}:
        if not path.exists():
            raise FileFormatError(
                f"{path} is not there; name an SLC product (.zip or .SAFE) or an elevation model that is."
            )
    root = make_folder(folder).resolve()
    report = Report()
    broken: dict[str, str] = {}
    with _alone(root):
        for left in root.glob(f"{PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        for stage in stages:
            missing = next(
                (file.stage for file in stage.inputs if isinstance(file, Made) and file.stage in broken), None
            )
            if missing is not None:
                broken[stage.name] = broken[missing]
            else:
                try:
                    _do(stage, root, engine, report, say)
                except RunError as error:
                    broken[stage.name] = f"{stage.name}: {error}"
                    say(f"{stage.name}: failed; the other subswaths go on")
    used = {file.stage for stage in stages for file in stage.inputs if isinstance(file, Made)}
    for stage in stages:
        if stage.name in used:
            continue
        if stage.name in broken:
            report.failed[stage.chain] = broken[stage.name]
        else:
            report.results[stage.chain] = _there(stage.outputs[0].path(root))
    if not report.results:
        raise RunError(next(iter(report.failed.values()), "No stage to run."))
    return report


def _check_engine(engine: Engine, stages: Sequence[Stage]) -> None:
    wanted = {stage.version for stage in stages}
    found = engine.version
    if found is not None and found not in wanted:
        raise ParameterError(
            f"The graphs are for SNAP {operators.listed(sorted(wanted))}, but the SNAP found here is version {found}: "
            f"make them for it (Options(snap_version={found}), or epi snap-graph --snap-version {found})."
        )


def _do(stage: Stage, root: Path, engine: Engine, report: Report, say: Callable[[str], None]) -> None:
    key = _key(stage, root)
    if is_finished(stage, root):
        report.kept.append(stage.name)
        say(f"{stage.name}: whole already")
        return
    say(f"{stage.name}: {stage.what}")
    log = root / f"{stage.name}.log"
    partial: Path | None = None
    try:
        _discard(root / stage.name)
        partial = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{stage.name}-", dir=root))
        partial.chmod(0o755)
        if stage.nodes:
            (root / f"{stage.name}.xml").write_text(stage.xml(root), encoding="utf-8")
            graph = partial / "graph.xml"
            graph.write_text(stage.xml(root, into=partial), encoding="utf-8")
            engine.run(graph, log, say=lambda words: say(f"{stage.name}: {words}"))
            graph.unlink()
        else:
            export = next(file for file in stage.inputs if isinstance(file, Made))
            unwrap_export(export.path(root), partial, header=stage.outputs[0].file, log=log)
        for made in stage.outputs:
            wrong = defect(partial / made.file)
            if wrong:
                raise RunError(f"SNAP says it is done, but {wrong}. All it said is in {log}.")
        record = key | {"outputs": _state(partial)}
        (partial / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        partial.rename(root / stage.name)
    except OSError as error:
        raise storage_error(error, root / stage.name) from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)
    report.done.append(stage.name)


def is_finished(stage: Stage, folder: str | Path) -> bool:
    """Tell whether what a stage made is there, whole, and of the same graph and inputs."""
    root = Path(folder).resolve()
    own = root / stage.name
    try:
        record = json.loads((own / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    outputs = record.pop("outputs", None)
    return bool(record == _key(stage, root) and outputs == _state(own))


def _key(stage: Stage, root: Path) -> dict[str, Any]:
    """Return what the result of a stage hangs on: its graph and the state of what it reads."""
    graph = stage.xml(root) if stage.nodes else ""
    inputs = {}
    for file in stage.inputs:
        if isinstance(file, Made):
            record = root / file.stage / RECORD
            inputs[file.stage] = hashlib.sha256(record.read_bytes()).hexdigest() if record.is_file() else ""
        else:
            whole = file.parent if file.name == "manifest.safe" else file
            inputs[str(file)] = hashlib.sha256(json.dumps(_state(whole)).encode()).hexdigest()
    return {"graph": hashlib.sha256(graph.encode()).hexdigest(), "inputs": inputs}


def _state(path: Path) -> dict[str, list[int]]:
    """Return size and time of change of a file, or of every file in a folder but the record."""
    everything = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = {}
    for file in everything:
        if file.is_file() and file.name != RECORD:
            status = file.stat()
            found[str(file.relative_to(path))] = [status.st_size, status.st_mtime_ns]
    return found


def _discard(own: Path) -> None:
    """Take away what is stale: first its name, so that a kill while it is deleted leaves no half of it under it."""
    if own.exists():
        old = own.with_name(f"{PARTIAL}stale-{own.name}")
        own.rename(old)
        shutil.rmtree(old)


def _there(path: Path) -> Path:
    zipped = path.with_name(path.name + ".zip")
    return zipped if path.suffix == ".znap" and not path.exists() else path


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the folder against another run; the hold ends with the process, however it ends."""
    with (root / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise RunError(f"Another run is at work in {root}; wait for it, or choose another folder.") from error
        yield
