"""The two SLC products of a chain, as far as their names tell."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from epi.catalogue.images.scenes import Scene, scene_from_name
from epi.errors import FileFormatError, ParameterError
from epi.insar.engines.snap import operators

LARGEST_GAP_S = 5.0  # neighbouring slices overlap or touch; one in between that is missing leaves 25 s


@dataclass(frozen=True)
class Images:
    """One acquisition: its slices in order of time, as files SNAP opens."""

    files: tuple[Path, ...]
    scenes: tuple[Scene, ...]


def pair(
    reference: str | Path | Sequence[str | Path], secondary: str | Path | Sequence[str | Path], *, polarisation: str
) -> tuple[Images, Images]:
    """Return reference and secondary, or refuse what their names say cannot interfere.

    Parameters
    ----------
    reference, secondary : a product or neighbouring slices of one; a ``.SAFE`` folder is opened by its manifest.
    polarisation : the one that both must have.

    Raises
    ------
    ParameterError : no IW SLC product, a polarisation it has not, slices that do not touch, two tracks, or a reference
        that is not the earlier.
    """
    both = _images(reference, polarisation), _images(secondary, polarisation)
    first, second = (image.scenes[0] for image in both)
    if first.start >= second.start:
        raise ParameterError(
            f"The reference {first.name} is not earlier than the secondary {second.name}; swap the two."
        )
    if first.track != second.track and None not in (first.track, second.track):
        raise ParameterError(
            f"{first.name} is of track {first.track}, {second.name} of track {second.track}; only images of one track "
            "see the ground from the same place."
        )
    return both


def _images(given: str | Path | Sequence[str | Path], polarisation: str) -> Images:
    paths = [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]
    if not paths:
        raise ParameterError("No SLC product given; name a .zip or a .SAFE folder.")
    found = sorted(((_scene(path), _opened(path)) for path in paths), key=lambda item: item[0].start)
    for scene, _ in found:
        if (scene.mode, scene.level) != ("IW", "SLC"):
            raise ParameterError(f"{scene.name} is {scene.mode} {scene.level}; the chain needs IW SLC.")
        if polarisation not in scene.polarisations:
            raise ParameterError(
                f"{scene.name} has no {polarisation}; it has: {operators.listed(scene.polarisations)}."
            )
    for (before, _), (after, _) in pairwise(found):
        gap = (after.start - before.stop).total_seconds()
        if after.track != before.track or not -LARGEST_GAP_S <= gap <= LARGEST_GAP_S:
            raise ParameterError(f"{before.name} and {after.name} are not neighbouring slices ({gap:.0f} s apart).")
    return Images(files=tuple(path for _, path in found), scenes=tuple(scene for scene, _ in found))


def _scene(path: Path) -> Scene:
    name = path.parent.name if path.name == "manifest.safe" else path.name
    if path.suffix.lower() in (".tif", ".tiff"):
        raise ParameterError(
            f"{name} is one burst: this chain needs whole products, .zip or .SAFE; the native engine takes bursts."
        )
    try:
        return scene_from_name(name)
    except FileFormatError as error:
        raise ParameterError(f"{error} SNAP's band names follow from it: keep the product's own name.") from error


def _opened(path: Path) -> Path:
    """Return the file SNAP opens: a folder's manifest, or the archive itself."""
    absolute = path.expanduser().absolute()
    return absolute / "manifest.safe" if absolute.suffix.upper() == ".SAFE" else absolute
