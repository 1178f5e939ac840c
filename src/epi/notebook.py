"""One chapter as a program: read its percent script, check its parameters, execute it, keep the executed notebook."""

import ast
import difflib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

from epi.errors import FileFormatError, ParameterError, RunError
from epi.settings import PROJECT_ROOT
from epi.storage import atomic_path

TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
    "None": (type(None),),
}

LONGEST_SOCKET = 90  # of the 107 characters a Unix socket's path may have, what a folder may take


@dataclass(frozen=True)
class Parameter:
    """One line of a chapter's parameters cell: its name, its annotation and its default."""

    name: str
    annotation: str
    default: Any

    def accepts(self, value: object) -> bool:
        """Say whether a value has the annotated type (an int where a float is asked; never a bool for a number)."""
        names = _type_names(ast.parse(self.annotation, mode="eval").body)
        if isinstance(value, bool):
            return "bool" in names
        return any(isinstance(value, TYPES.get(name, ())) for name in names)


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Read the typed defaults of a chapter's parameters cell.

    Parameters
    ----------
    notebook : a percent script with exactly one cell tagged ``parameters``, each line ``name: type = literal``.

    Raises
    ------
    FileFormatError : there is no such file, not exactly one such cell, or a line of another form.
    """
    cells = [cell for cell in _read(notebook).cells if "parameters" in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise FileFormatError(f"{notebook.name} has {len(cells)} cells tagged 'parameters': give it exactly one.")
    lines = [(_parameter(line), line) for line in ast.parse(cells[0].source).body]
    for parameter, line in lines:
        if parameter is None:
            raise FileFormatError(
                f"{notebook.name}, parameters cell: '{ast.unparse(line)}': write name: type = literal."
            )
    return {parameter.name: parameter for parameter, _ in lines if parameter}


def check_parameters(given: Mapping[str, object], known: Mapping[str, Parameter]) -> None:
    """Refuse a name no chapter declares and a value of another type than declared.

    Raises
    ------
    ParameterError : names the parameter and the closest known name, or the type it should have.
    """
    for name, value in given.items():
        if name not in known:
            closest = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{closest[0]}'?" if closest else f"there are {', '.join(sorted(known))}."
            raise ParameterError(f"No parameter '{name}': {hint}")
        if not known[name].accepts(value):
            raise ParameterError(
                f"Parameter '{name}' is {value!r}, a {type(value).__name__}: give it as {known[name].annotation}."
            )


def execute(notebook: Path, target: Path, parameters: Mapping[str, object]) -> None:
    """Execute a chapter in a fresh kernel and keep it, with its outputs, as ``target``.

    Only parameters that differ from the chapter's defaults are injected. The kernel works in the project's root.

    Parameters
    ----------
    notebook : percent script of the chapter.
    target : the ``.ipynb`` to make; it appears only when every cell has run.
    parameters : names and values the chapter declares.

    Raises
    ------
    ParameterError : an unknown name or a value of the wrong type.
    RunError : a cell failed; the notebook up to there is kept as ``<target stem>.failed.ipynb``.
    StorageError : the executed notebook could not be written.
    """
    known = read_parameters(notebook)
    check_parameters(parameters, known)
    changed = {name: value for name, value in parameters.items() if value != known[name].default}
    failed = target.with_suffix(".failed.ipynb")
    failed.unlink(missing_ok=True)
    logging.getLogger("papermill").setLevel(logging.ERROR)
    with atomic_path(target) as executed, TemporaryDirectory() as scratch:
        source = Path(scratch) / target.name
        jupytext.write(_read(notebook), source)
        # no open port for a neighbour to read, and sockets of its own: by default all kernels of one folder share them
        sockets = {"transport": "ipc", "ip": f"{scratch}/kernel"} if len(scratch) < LONGEST_SOCKET else {}
        try:
            papermill.execute_notebook(
                source,
                executed,
                changed,
                kernel_name="python3",
                cwd=PROJECT_ROOT,
                progress_bar=False,
                extra_arguments=["--log-level=50"],  # a kernel has no say on our stderr
                config=Config(KernelManager=sockets),
            )
        except papermill.PapermillExecutionError as error:
            executed.rename(failed)
            raise RunError(
                f"{notebook.stem}, cell {error.exec_count}: {error.ename}: {_first_line(error.evalue)} "
                f"The notebook up to there is {failed}."
            ) from error
        except DeadKernelError as error:
            raise RunError(
                f"{notebook.stem}: its kernel died, most often for want of memory: free some, run again."
            ) from error
        except RuntimeError as error:
            raise RunError(
                f"{notebook.stem}: no kernel could be started ({_first_line(str(error))}) Run again."
            ) from error


def _parameter(line: ast.stmt) -> Parameter | None:
    """Read one line of a parameters cell; None where it is no typed literal."""
    if not (isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name) and line.value):
        return None
    try:
        return Parameter(line.target.id, ast.unparse(line.annotation), ast.literal_eval(line.value))
    except ValueError:
        return None


def _type_names(annotation: ast.expr) -> set[str]:
    """Return the plain type names of an annotation: ``dict[str, int] | None`` gives dict and None."""
    if isinstance(annotation, ast.BinOp):
        return _type_names(annotation.left) | _type_names(annotation.right)
    return {ast.unparse(annotation.value if isinstance(annotation, ast.Subscript) else annotation)}


def _read(notebook: Path) -> nbformat.NotebookNode:
    """Read a percent script as a notebook."""
    if not notebook.is_file():
        raise FileFormatError(f"No chapter {notebook}.")
    chapter: nbformat.NotebookNode = jupytext.read(notebook)
    return chapter


def _first_line(text: str) -> str:
    """Return the first line of a message, ended by a full stop."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if line.endswith((".", "!", "?")) else f"{line}."
