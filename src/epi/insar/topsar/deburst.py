"""Joining the bursts of an image, line to line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.insar.slc.annotation import Burst, Image


@dataclass(frozen=True)
class Place:
    """Which lines of a burst a joined image takes, ``first`` to ``stop`` - 1, and at which of its rows they begin."""

    first: int
    stop: int
    row: int


def burst_places(image: Image, bursts: Sequence[Burst], *, looks: int = 1) -> list[Place]:
    """Divide the time of consecutive bursts between them, each seam in the middle of an overlap.

    Bursts of one image lie on one grid of lines: on real annotations they begin within 0.0004 of a whole line of each
    other, so lines are only chosen, never interpolated.

    Parameters
    ----------
    image : that holds the bursts.
    bursts : consecutive, in order of time.
    looks : lines averaged; seams are moved, by half as much at most, so that no cell lies across one.

    Raises
    ------
    ParameterError : a burst between them is missing, or they are not on one grid of lines.
    """
    offsets = []
    for burst in bursts:
        seconds = float((burst.azimuth_time - bursts[0].azimuth_time) / np.timedelta64(1, "ns")) * 1e-9
        offsets.append(round(seconds / image.azimuth_time_interval))
        if abs(seconds / image.azimuth_time_interval - offsets[-1]) > 0.01:
            raise ParameterError(f"Burst {burst.number} begins between two lines of burst {bursts[0].number}.")
    origin = bursts[0].first_line
    edges = [origin]
    for k in range(len(bursts) - 1):
        begin, end = offsets[k + 1] + bursts[k + 1].first_line, offsets[k] + bursts[k].last_line + 1
        if begin > end:
            raise ParameterError(
                f"Bursts {bursts[k].number} and {bursts[k + 1].number} do not overlap: give consecutive bursts."
            )
        edges.append(origin + round(((begin + end) / 2 - origin) / looks) * looks)
    edges.append(offsets[-1] + bursts[-1].last_line + 1)
    return [Place(edges[k] - offset, edges[k + 1] - offset, edges[k] - origin) for k, offset in enumerate(offsets)]


def deburst(images: Sequence[NDArray[Any]], places: Sequence[Place]) -> NDArray[Any]:
    """Join images of consecutive bursts to one.

    Parameters
    ----------
    images : full-resolution lines x samples of each burst: pixels, interferograms, coherence.
    places : of :func:`burst_places`.
    """
    return np.concatenate([image[place.first : place.stop] for image, place in zip(images, places, strict=True)])


def overlap_lines(image: Image, earlier: Burst, later: Burst) -> tuple[slice, slice]:
    """Lines of two consecutive bursts that show the same ground and are valid in both."""
    seconds = float((later.azimuth_time - earlier.azimuth_time) / np.timedelta64(1, "ns")) * 1e-9
    offset = round(seconds / image.azimuth_time_interval)
    first = max(later.first_line, earlier.first_line - offset)
    stop = min(earlier.last_line - offset, later.last_line) + 1
    if stop <= first:
        raise ParameterError(f"Bursts {earlier.number} and {later.number} do not overlap: give consecutive bursts.")
    return slice(first + offset, stop + offset), slice(first, stop)
