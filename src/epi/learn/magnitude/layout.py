"""Is a file a QuakeSet, whole, with its parts apart: looked through before anything is learned from it."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from epi.errors import FileFormatError
from epi.simulate.backscatter import FILENAME, POLARISATIONS

PARTS = {"train": "train", "validation": "val", "test": "test"}
"""Parts as the file names them, and as torchgeo does."""
IMAGES = ("before", "pre", "post")
LARGEST = 10.0
"""No earthquake on the moment magnitude scale has reached it."""


def check_quakeset(folder: str | Path) -> pd.DataFrame:
    """Look through a folder's ``earthquakes.h5`` and refuse what cannot be learned from.

    Parameters
    ----------
    folder : holds the file.

    Returns
    -------
    A row a patch: ``event``, ``patch``, ``split``, ``magnitude``, ``rows``, ``before`` (whether there is one), and what
    a simulation knows beside. QuakeSet's number of pairs is odd, so it has patches without an image ``before``: they
    give no pair without an earthquake, and are otherwise as good as others.

    Raises
    ------
    FileFormatError : no file, or not HDF5, or a damaged group; no or an unknown ``split``, no magnitude, or one outside
        0 to 10; no patch; a patch without an image, or with images of another shape or type; one earthquake in two
        parts; a part without pairs of either kind.
    """
    path = Path(folder) / FILENAME
    if not path.is_file():
        raise FileFormatError(
            f"No {path}: give the folder that holds QuakeSet's {FILENAME} "
            "(huggingface.co/datasets/DarthReca/quakeset), or leave --data out to simulate."
        )
    try:
        with h5py.File(path) as file:
            rows = [row for event in sorted(file) for row in _event_rows(path, file, event)]
    except FileFormatError:
        raise
    except (OSError, KeyError, RuntimeError) as error:
        raise FileFormatError(f"{path} is not a whole HDF5 file ({error}): download or simulate it again.") from error
    if not rows:
        raise FileFormatError(f"{path} holds no earthquake: download or simulate it again.")
    table = pd.DataFrame(rows)
    assert_apart(table, path)
    for part, own in table.groupby("split"):
        if not own["before"].any():
            raise FileFormatError(f"{path}: no patch for {part} has an image before, so there are no negatives in it.")
    if len(sides := set(table["rows"])) != 1:
        raise FileFormatError(f"{path} has patches of {sorted(sides)} pixels: all must be of one size.")
    return table.drop(columns="place")


def assert_apart(table: pd.DataFrame, source: str | Path) -> None:
    """Refuse an earthquake that is in two parts, by its name or by its place and magnitude.

    Parameters
    ----------
    table : with ``event``, ``split``, ``magnitude`` and ``place``.
    source : named in the error.
    """
    for names, told in ((["event"], "the name"), (["place", "magnitude"], "the place and the magnitude")):
        known = table[table["place"] != ""] if "place" in names else table
        several = known.groupby(names)["split"].nunique()
        if (several > 1).any():
            twice = known.set_index(names).loc[[several.index[(several > 1).to_numpy()][0]]]
            events = ", ".join(dict.fromkeys(twice.reset_index()["event"]))
            raise FileFormatError(
                f"{source}: {told} of earthquake(s) {events} occur for {' and '.join(sorted(set(twice['split'])))}: "
                "what is learned from must not be in the test. Move them to one part."
            )


def _event_rows(path: Path, file: h5py.File, event: str) -> list[dict[str, Any]]:
    """Rows of the patches of one earthquake; the first fault ends it."""
    group = file[event]
    if not isinstance(group, h5py.Group):
        raise FileFormatError(f"{path}: {event} is no group of patches: this is not QuakeSet's layout.")
    for name in ("split", "magnitude"):
        if name not in group.attrs:
            raise FileFormatError(f"{path}: earthquake {event} has no attribute {name}: download or write it again.")
    split, size = str(group.attrs["split"]), group.attrs["magnitude"]
    if split not in PARTS:
        raise FileFormatError(f"{path}: earthquake {event} has split '{split}': it must be {', '.join(PARTS)}.")
    magnitude = float(size) if np.ndim(size) == 0 and np.issubdtype(np.asarray(size).dtype, np.number) else np.nan
    if not 0 < magnitude <= LARGEST:
        raise FileFormatError(
            f"{path}: earthquake {event} has magnitude {size}: it must be one number above 0, and at most {LARGEST:g}."
        )
    patches = [name for name in sorted(group) if name not in ("x", "y")]
    if not patches:
        raise FileFormatError(f"{path}: earthquake {event} has no patch.")
    place = _place(path, group)
    rows = []
    for patch in patches:
        own = _patch_row(path, group, f"{event}/{patch}")
        row = {"event": event, "patch": patch, "split": split, "magnitude": magnitude, "place": place}
        rows.append(row | own)
    return rows


def _patch_row(path: Path, group: h5py.Group, name: str) -> dict[str, Any]:
    patch = group[name.partition("/")[2]]
    if not isinstance(patch, h5py.Group):
        raise FileFormatError(f"{path}: {name} is no group of images: this is not QuakeSet's layout; leave it out.")
    held = [each for each in IMAGES if isinstance(patch.get(each), h5py.Dataset)]
    missing = [each for each in IMAGES if each not in held and each != "before"]
    if missing:
        raise FileFormatError(
            f"{path}: patch {name} has no image {' or '.join(missing)}: leave it out, or write it again."
        )
    shapes = {each: patch[each].shape for each in IMAGES if each in held}
    shape = shapes["pre"]
    if any(each != shape for each in shapes.values()) or len(shape) != 3 or shape[0] != shape[1]:
        told = ", ".join(f"{each} {value}" for each, value in shapes.items())
        raise FileFormatError(f"{path}: patch {name} has images of shapes {told}: all must be alike and square.")
    if shape[2] != len(POLARISATIONS):
        raise FileFormatError(f"{path}: patch {name} has {shape[2]} bands: give two, {' and '.join(POLARISATIONS)}.")
    if any(patch[each].dtype.kind not in "fiu" for each in shapes):
        raise FileFormatError(f"{path}: patch {name} holds no real numbers: give backscatter, linear power.")
    numbers = {key: np.asarray(value) for key, value in patch.attrs.items()}
    known = {key: float(value) for key, value in numbers.items() if value.ndim == 0 and value.dtype.kind in "fiu"}
    return {"rows": shape[0], "before": "before" in held} | known


def _place(path: Path, group: h5py.Group) -> str:
    """Where an earthquake's patches lie, as far as the file says; empty where it does not."""
    if "x" not in group or "y" not in group:
        return ""
    if any(not isinstance(group[name], h5py.Dataset) or group[name].dtype.kind not in "fiu" for name in ("x", "y")):
        raise FileFormatError(f"{path}: x and y of earthquake {group.name} are no numbers: download or write it again.")
    return " ".join(np.array2string(np.unique(np.round(group[name][()], 6)), threshold=8) for name in ("x", "y"))
