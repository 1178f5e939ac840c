"""The rendered book: the pages of ``book/`` and a run's executed chapters, as HTML that asks the network nothing."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
import yaml

from epi.errors import RunError
from epi.run import DEFAULT_EVENT, chapters
from epi.runfolder import RunFolder, read_run, tree_hash
from epi.settings import PROJECT_ROOT, settings
from epi.storage import make_folder

BUILD = PROJECT_ROOT / "_build"
STAMP = ".made-from"  # in the rendered book: the hash of everything it was made from


def render(
    run: str | Path | None = None,
    *,
    out: str | Path | None = None,
    strict: bool = False,
    progress: Callable[[str], None] = lambda message: None,
) -> Path:
    """Render the book from a run's executed chapters; at once where nothing has changed.

    Parameters
    ----------
    run : a run folder; the default event's by default.
    out : folder of the pages, new or of an earlier book, replaced as a whole once they are made; by default
        ``_build/html`` for the default event's own run and ``_build/<name of the run folder>`` for any other.
    strict : refuse a book with a warning in it.
    progress : called with one line as the work goes on.

    Returns
    -------
    The first page.

    Raises
    ------
    RunError : a chapter has not been run, or the pages could not be made.
    StorageError : the folder cannot be written.
    """
    default = PROJECT_ROOT / settings().runs / DEFAULT_EVENT
    record = read_run(Path(run or default).absolute())
    pages = Path(out).absolute() if out else BUILD / ("html" if record.path == default else record.path.name)
    _check_chapters(record)
    if pages.exists() and not (pages / STAMP).is_file():
        raise RunError(f"{pages} is there and no book of ours: give --out a new folder.")
    with TemporaryDirectory(dir=make_folder(BUILD), prefix=".book-") as scratch:
        source = Path(scratch) / "source"
        _assemble(record, source)
        made_from = hashlib.sha256(f"{tree_hash(source)} strict={strict}".encode()).hexdigest()
        stamp = pages / STAMP
        if stamp.is_file() and stamp.read_text() == made_from:
            progress(f"{pages} is up to date")
            return pages / "index.html"
        progress(f"Rendering {len(record.steps)} chapters of {record.event_id}")
        html = _build(source, Path(scratch) / "build", strict=strict)
        (html / STAMP).write_text(made_from)
        make_folder(pages.parent)
        if pages.exists():
            shutil.rmtree(pages)
        shutil.move(html, pages)
    progress(f"The book is {pages / 'index.html'}")
    return pages / "index.html"


def _check_chapters(run: RunFolder) -> None:
    """Compare the chapters of the table of contents with those that were executed."""
    contents = yaml.safe_load((PROJECT_ROOT / "_toc.yml").read_text())
    files = [page["file"] for part in contents["parts"] for page in part["chapters"]]
    listed = {file.removeprefix("chapters/") for file in files if file.startswith("chapters/")}
    executed = {path.stem for path in run.notebooks() if path.is_file()} | set(run.left_out)
    if missing := sorted(listed - executed):
        raise RunError(f"{run.path} lacks {', '.join(missing)}: run epi run {run.event_id} first.")
    if unlisted := sorted(executed - listed):
        raise RunError(f"_toc.yml does not list {', '.join(unlisted)}: add each as chapters/<name>.")


def _assemble(run: RunFolder, source: Path) -> None:
    """Put together what jupyter-book reads."""
    shutil.copytree(PROJECT_ROOT / "book", source)
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(PROJECT_ROOT / name, source)
    (source / "chapters").mkdir(exist_ok=True)
    for notebook in run.notebooks():
        shutil.copy(notebook, source / "chapters")
    for chapter in chapters():
        if chapter.stem in run.left_out:
            _as_text(chapter, run.left_out[chapter.stem], source / "chapters" / f"{chapter.stem}.ipynb")
    (source / "status.md").write_text(status_page(run))


def _as_text(chapter: Path, why: str, page: Path) -> None:
    """Write a chapter that has no part in the run, its text and code under a note that says so."""
    notebook = jupytext.read(chapter)
    notice = f"Not executed in this run: {why}. Figures are in the book of a run that starts from images."
    notebook.cells[0].source += f"\n\n```{{note}}\n{notice}\n```"
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"  # they are drawn at random, and the same page must be the same file
    jupytext.write(notebook, page)


def status_page(run: RunFolder) -> str:
    """Return the page that says what was run, how long it took, and with which versions."""
    rows = []
    for step in run.steps.values():
        made = datetime.fromtimestamp((run.path / next(iter(step.outputs))).stat().st_mtime, tz=UTC)
        files = ", ".join(f"`{file}`" for file in step.outputs if not file.endswith(".ipynb")) or "–"
        title = f"{{doc}}`chapters/{step.name}`" if f"{step.name}.ipynb" in step.outputs else step.name
        rows.append(f"| {title} | {step.seconds:.0f} s | {made:%Y-%m-%d %H:%M} UTC | {files} |")
    rows += [f"| {{doc}}`chapters/{name}` | – | left out: {why} | – |" for name, why in run.left_out.items()]
    last = list(run.steps.values())[-1].inputs
    versions = [f"| {name} | {version} |" for name, version in last["versions"].items()]
    event = json.loads((run.path / "event.json").read_text())
    place = f" ({event['place']})" if "place" in event else ""
    return "\n".join(
        [
            "# Status",
            "",
            f"The chapters were run for the earthquake **{run.event_id}**{place}.",
            "",
            "| chapter | run time | when | files made |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Versions",
            "",
            "| package | version |",
            "|---|---|",
            *versions,
            "",
        ]
    )


def _build(source: Path, work: Path, *, strict: bool) -> Path:
    """Run jupyter-book over a source tree; return the folder of the pages."""
    program = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", program, "build", str(source), "--path-output", str(work)]
    command += ["-n", "--keep-going", *(["-W"] if strict else [])]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore", "NO_COLOR": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    html = work / "_build" / "html"
    if done.returncode or not (html / "index.html").is_file():
        log = BUILD / "book.log"
        log.write_text(done.stdout + done.stderr)
        plain = re.sub(r"\x1b\[[0-9;]*m", "", done.stderr)
        warnings = [line for line in plain.splitlines() if "WARNING" in line or "ERROR" in line]
        first = warnings[0].replace(f"{source}/", "") if warnings else f"jupyter-book ended with {done.returncode}"
        raise RunError(f"The book was not made ({len(warnings)} warnings; all are in {log}). The first: {first}")
    return html
