"""One map from many pieces: bursts, slices and subswaths that overlap, each pixel from the piece that holds it best."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from epi.errors import EmptyScene, ParameterError
from epi.insar.geometry.geocode import MapGrid, MapView, unknown

Part = tuple[slice, slice]


def part_of(area: MapGrid, latitude: NDArray[Any], longitude: NDArray[Any], *, margin: int = 8) -> Part:
    """Return the rows and columns of a map that hold all given places, and a margin of pixels around them.

    Parameters
    ----------
    area : the map.
    latitude, longitude : degrees, any shape; NaN is left out.
    margin : pixels.

    Raises
    ------
    ParameterError : none of them lies in the map.
    """
    row, column = area.pixel(latitude, longitude)
    known = np.isfinite(row) & np.isfinite(column)
    if not known.any():
        raise ParameterError("None of the pixels has a place on the ground: the DEM lies elsewhere.")
    ends = []
    for place, size in ((row[known], area.shape[0]), (column[known], area.shape[1])):
        first, last = int(np.floor(place.min())) - margin, int(np.ceil(place.max())) + margin + 1
        if last <= 0 or first >= size:
            raise ParameterError("The piece lies outside the map.")
        ends.append(slice(max(first, 0), min(last, size)))
    return ends[0], ends[1]


class Mosaic:
    """Maps of several quantities, put together piece by piece.

    Where pieces overlap, a pixel is taken whole from the piece in which it lies farthest from the edge, so that seams
    run through the middle of the overlap; nothing is averaged, since two bursts see the same ground under different
    Doppler and may differ.

    Parameters
    ----------
    area : the map.
    """

    def __init__(self, area: MapGrid) -> None:
        self.area = area
        self.fields: dict[str, NDArray[Any]] = {}
        self._depth = np.zeros(area.shape, dtype=np.float32)

    def add(self, fields: Mapping[str, NDArray[Any]], seen: MapView, part: Part, shape: tuple[int, int]) -> None:
        """Put a piece in its place.

        Parameters
        ----------
        fields : by name, maps of the part's shape; NaN (or False) is no data.
        seen : where the piece's radar grid has the part's pixels.
        part : rows and columns of the whole map.
        shape : of the piece's radar grid.
        """
        depth = _depth(seen.row, shape[0]) * _depth(seen.column, shape[1])
        first = next(iter(fields.values()))
        better = (depth > self._depth[part]) & np.isfinite(first)
        self._depth[part][better] = depth[better]
        for name, values in fields.items():
            if name not in self.fields:
                empty = np.zeros if values.dtype == bool else unknown
                self.fields[name] = empty(self.area.shape, dtype=values.dtype)
            self.fields[name][part][better] = values[better]

    def trimmed(self) -> tuple[MapGrid, dict[str, NDArray[Any]]]:
        """Return the map without empty rows and columns at its edges, and hand over the quantities on it.

        They are no longer in the mosaic afterwards: a whole scene is not held twice.

        Raises
        ------
        EmptyScene : nothing was put in.
        """
        filled = self._depth > 0
        if not filled.any():
            raise EmptyScene("No pixel of the map holds an interferogram.")
        rows, columns = (np.flatnonzero(filled.any(axis=axis)) for axis in (1, 0))
        kept = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        area = MapGrid(self.area.x[kept[1]], self.area.y[kept[0]], self.area.crs)
        fields = {name: np.ascontiguousarray(self.fields.pop(name)[kept]) for name in list(self.fields)}
        self._depth = np.zeros(self.area.shape, dtype=np.float32)
        return area, fields


def _depth(place: NDArray[np.float64], size: int) -> NDArray[np.float32]:
    """Return how deep inside its axis a place lies: 0 half a pixel beyond the edges and outside, 1 in the middle."""
    inward = (np.minimum(place, size - 1 - place) + 0.5) / (size / 2)
    return np.nan_to_num(inward, nan=0.0).clip(0, 1).astype(np.float32)
