"""Whether a product that SNAP wrote is all there."""

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import h5py

BYTES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 9: 16, 12: 2, 13: 4, 14: 8, 15: 8}  # by the data type of an ENVI header


def defect(path: Path) -> str | None:
    """Return what is wrong with a product, or None where it is whole.

    Parameters
    ----------
    path : a header, file or folder; the format is told by its name. A folder that is no format's is searched for the
        files SnaphuExport makes.
    """
    if path.suffix == ".znap" and not path.exists():
        path = path.with_name(path.name + ".zip")  # the writer's own setting decides which of the two it is
    if not path.exists():
        return f"{path.name} was not written"
    if path.suffix == ".dim":
        return _dimap(path)
    if path.suffix in (".h5", ".nc"):
        return _hdf5(path)
    if path.name.endswith(".znap.zip"):
        return None if zipfile.is_zipfile(path) else f"{path.name} is cut off"
    if path.suffix == ".hdr":
        return _envi(path)
    if path.suffix == ".znap":
        return None if (path / ".zgroup").is_file() else f"{path.name} has no .zgroup"
    if path.is_dir():
        return _exported(path)
    return None if path.stat().st_size else f"{path.name} is empty"


def _dimap(path: Path) -> str | None:
    try:
        ElementTree.parse(path)
    except ElementTree.ParseError as error:
        return f"{path.name} is cut off ({error})"
    headers = sorted(path.with_suffix(".data").glob("*.hdr"))
    if not headers:
        return f"{path.with_suffix('.data').name} holds no band"
    return next(filter(None, map(_envi, headers)), None)


def _hdf5(path: Path) -> str | None:
    try:
        with h5py.File(path) as file:
            return None if len(file) else f"{path.name} holds nothing"
    except OSError as error:
        return f"{path.name} cannot be opened ({' '.join(str(error).split())})"


def _exported(folder: Path) -> str | None:
    configurations = list(folder.glob("*/snaphu.conf"))
    if len(configurations) != 1:
        return f"{len(configurations)} files */snaphu.conf instead of one"
    images = sorted(configurations[0].parent.glob("*.snaphu.img"))
    if not images:
        return "no *.snaphu.img"
    return next(filter(None, (_envi(image.with_suffix(".hdr")) for image in images)), None)


def _envi(header: Path) -> str | None:
    if not header.is_file():
        return f"{header.name} was not written"
    image = header.with_suffix(".img")
    if not image.is_file():
        return f"{image.name} was not written"
    said = envi_header(header)
    if "samples" not in said or "lines" not in said:
        return f"{header.name} is cut off"
    needed = said["samples"] * said["lines"] * BYTES.get(said.get("data type", 4), 4)
    found = image.stat().st_size
    return None if found >= needed else f"{image.name} has {found} bytes of {needed}"


def envi_header(header: Path) -> dict[str, int]:
    """Return the whole numbers of an ENVI header, by name: ``samples``, ``lines``, ``data type``."""
    text = header.read_text(encoding="utf-8", errors="replace")
    return {
        name.strip().lower(): int(value) for name, value in re.findall(r"^([A-Za-z ]+?)\s*=\s*(\d+)\s*$", text, re.M)
    }
