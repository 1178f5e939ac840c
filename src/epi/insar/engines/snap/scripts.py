"""The chain as files for anyone who has SNAP: one graph a stage, and a script that runs them in order."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from epi.insar.engines.snap.chain import stages
from epi.insar.engines.snap.graph import Stage
from epi.insar.engines.snap.presets import Options
from epi.storage import atomic_path, make_folder, storage_error

SCRIPT = "run.sh"
GRAPH = re.compile(  # names of the graphs written here
    r"\d{2}_(iw[123]|merged)_"
    r"(reference|secondary|coregister|interferogram|merge|refine|export|import|displacement|geocode)\.xml"
)


def write_graphs(
    reference: str | Path | Sequence[str | Path],
    secondary: str | Path | Sequence[str | Path],
    folder: str | Path,
    *,
    options: Options | None = None,
) -> list[Path]:
    """Write the checked graphs of a chain into a folder, one XML a stage, and ``run.sh``, which runs them.

    Graphs and script of an earlier call are replaced, all of them; other files of the folder stay.

    Parameters
    ----------
    reference, secondary, options : as for `chain.stages`.
    folder : where; the graphs write their products below it too.

    Returns
    -------
    The files written, in the order they are run, the script last.

    Raises
    ------
    ParameterError : as `chain.stages`; nothing is written then. StorageError : the folder cannot be written.
    """
    chain = stages(reference, secondary, options)
    root = Path(folder).expanduser().absolute()
    texts = {f"{stage.name}.xml": stage.xml(root) for stage in chain if stage.nodes}
    make_folder(root)
    _clear(root)
    written = []
    for name, text in (texts | {SCRIPT: script(chain)}).items():
        with atomic_path(root / name) as path:
            path.write_text(text, encoding="utf-8")
        written.append(root / name)
    written[-1].chmod(0o755)
    return written


def _clear(root: Path) -> None:
    """Take away the script and the graphs of an earlier call: what stays behind would pass for a stage of this one."""
    for path in [root / SCRIPT, *sorted(root.glob("*.xml"))]:
        if path.name == SCRIPT or GRAPH.fullmatch(path.name):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error, path) from error


def script(chain: Sequence[Stage]) -> str:
    """Return a shell script that runs the stages from the folder it lies in; the first failure ends it."""
    lines = [
        "#!/bin/sh",
        f"# Made for SNAP {chain[0].version}. Needs gpt and, to unwrap, snaphu on the PATH.",
        "set -e",
        'cd "$(dirname "$0")"',
    ]
    for stage in chain:
        own = shlex.quote(stage.name)
        lines += ["", f"# {stage.what}", f"mkdir -p {own}"]
        lines += [f"gpt {own}.xml"] if stage.nodes else _snaphu(stage)
    return "\n".join(lines) + "\n"


def _snaphu(stage: Stage) -> list[str]:
    export = next(file.stage for file in stage.inputs if not isinstance(file, Path))
    phase = stage.outputs[0].file.removeprefix("Unw").removesuffix(".hdr")
    return [
        f"cp {export}/*/* {stage.name}/",
        f"(cd {stage.name} && snaphu -f snaphu.conf {phase}.img \"$(awk '/^samples/ {{print $3}}' {phase}.hdr)\")",
    ]
