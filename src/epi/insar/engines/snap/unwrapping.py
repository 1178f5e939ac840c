"""SNAPHU on what SnaphuExport wrote: with its configuration, in its own process, as SNAP means it to be run.

SnaphuImport wants the file that configuration names, on the very grid of the product: so SNAPHU itself is run, and not
`epi.insar.unwrap`, which filters and averages first. SNAP's plug-in, a ``snaphu`` on the PATH and the one inside the
Python package are the same program.
"""

import os
import shutil
import subprocess
from importlib.resources import as_file, files
from pathlib import Path

from epi.errors import MissingPackage, RunError
from epi.insar.engines.snap.whole import defect, envi_header


def find_snaphu() -> Path:
    """Return a ``snaphu``: on the PATH, in SNAP's plug-in, or in the Python package.

    Raises
    ------
    MissingPackage : it is nowhere.
    """
    found = shutil.which("snaphu")
    if found:
        return Path(found)
    plugin = sorted(Path("~/.snap/auxdata").expanduser().glob("snaphu-*/bin/snaphu"))
    if plugin:
        return plugin[-1]
    try:
        with as_file(files("snaphu") / "snaphu") as packaged:
            if packaged.is_file():
                return packaged
    except ModuleNotFoundError:
        pass
    raise MissingPackage("Unwrapping needs SNAPHU: pip install snaphu==0.4.1, or install SNAP's plug-in for it.")


def unwrap_export(export: Path, into: Path, *, header: str, log: Path) -> None:
    """Run SNAPHU on an export and leave its result, as SnaphuImport reads it, in a folder.

    Parameters
    ----------
    export : folder that holds ``<product>/snaphu.conf`` and the images it names.
    into : an empty folder; gets ``header`` and the image beside it.
    header : name of the header of the unwrapped phase, such as ``UnwPhase_ifg_….snaphu.hdr``.
    log : where all SNAPHU prints goes.

    Raises
    ------
    RunError : the export is not what was expected, or SNAPHU failed. MissingPackage : there is no SNAPHU.
    """
    configuration = next(export.glob("*/snaphu.conf"), None)
    if configuration is None:
        raise RunError(f"SnaphuExport left no snaphu.conf below {export}; delete that folder and run again.")
    phase = header.removeprefix("Unw").removesuffix(".hdr")
    there = {file.name: file for file in configuration.parent.iterdir()}
    for name in (header, f"{phase}.hdr", f"{phase}.img"):
        if name not in there:
            raise RunError(
                f"SnaphuExport did not write {name}; it wrote: {', '.join(sorted(there))}. Its band names are not "
                "those of the version the graphs were made for: give that with --snap-version."
            )
    program = find_snaphu()
    links = [name for name in there if name != header]
    for name in links:
        (into / name).symlink_to(there[name].resolve())
    shutil.copyfile(there[header], into / header)
    width = envi_header(there[f"{phase}.hdr"])["samples"]
    with log.open("wb") as stream:
        done = subprocess.run(
            [program, "-f", "snaphu.conf", f"{phase}.img", str(width)],
            cwd=into,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=os.environ | {"LC_ALL": "C"},
            check=False,
        )
    wrong = defect(into / header)
    if done.returncode != 0 or wrong:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
        raise RunError(f"SNAPHU failed (exit {done.returncode}{f'; {wrong}' if wrong else ''}): {last} See {log}.")
    for name in links:
        (into / name).unlink()
