"""Which events are close to each other in time and space, without comparing every two of them."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pyproj import Geod

_RADIUS_KM = 6371.0
_MARGIN = 1.01  # chords on a sphere for distances on an ellipsoid: within 0.6 %


class Neighbours(NamedTuple):
    """Pairs of rows that are close: numbers of the two rows, seconds from the first to the second, km."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    seconds: NDArray[np.float64]
    km: NDArray[np.float64]


def sphere_km(latitude: ArrayLike, longitude: ArrayLike) -> NDArray[np.float64]:
    """Place on a sphere of the Earth's mean radius, in km from its centre: poles and antimeridian are no edges."""
    lat, lon = np.deg2rad(np.asarray(latitude, float)), np.deg2rad(np.asarray(longitude, float))
    unit = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return np.asarray(_RADIUS_KM * unit)


def neighbours(
    events: pd.DataFrame, others: pd.DataFrame | None = None, *, seconds: float, km: float | NDArray[np.float64]
) -> Neighbours:
    """Find the rows that lie within a time and a distance of each other.

    Parameters
    ----------
    events : columns time (UTC), latitude, longitude (degrees).
    others : rows to compare with; by default every two of ``events``, each pair once, the earlier row first.
    seconds : largest difference of time.
    km : largest geodesic distance (WGS84); or a reach for each event, which add up (only without ``others``).

    Notes
    -----
    A tree over place and time (scaled so that both limits are one length) gives the candidates: the work grows with
    the number of rows and of pairs found, not with the square of the rows.
    """
    from scipy.spatial import cKDTree  # here, for it is not needed to read a catalogue

    reach = np.asarray(km, float)
    limit = float(reach if reach.ndim == 0 else 2 * reach.max(initial=0.0))
    frames = (events, events if others is None else others)
    times = [_seconds(frame) for frame in frames]
    scale = limit / max(seconds, 1e-3)
    one, two = (
        np.column_stack([sphere_km(frame["latitude"], frame["longitude"]), time * scale])
        for frame, time in zip(frames, times, strict=True)
    )
    if not len(one) or not len(two):
        return Neighbours(np.empty(0, int), np.empty(0, int), np.empty(0), np.empty(0))
    if others is None:
        pairs = cKDTree(one).query_pairs(limit * _MARGIN, p=np.inf, output_type="ndarray")
        pairs = np.where((one[pairs[:, 0], 3] > one[pairs[:, 1], 3])[:, None], pairs[:, ::-1], pairs)
        first, second = pairs.T
    else:
        found = cKDTree(one).query_ball_point(two, limit * _MARGIN, p=np.inf)
        second = np.repeat(np.arange(len(two)), [len(each) for each in found])
        first = np.concatenate([np.asarray(each, int) for each in found]) if len(second) else np.empty(0, int)
    most = np.full(len(first), limit) if reach.ndim == 0 else reach[first] + reach[second]
    chord = np.linalg.norm(one[first, :3] - two[second, :3], axis=1)
    may = chord <= most * _MARGIN  # most candidates fall here, before a geodesic is computed
    first, second, most = first[may], second[may], most[may]
    apart = times[1][second] - times[0][first]
    ends = (frames[0].iloc[first], frames[1].iloc[second])
    place = [end[name].to_numpy() for end in ends for name in ("longitude", "latitude")]
    distance = np.asarray(Geod(ellps="WGS84").inv(*place)[2], float) / 1000
    close = (np.abs(apart) <= seconds) & (distance <= most)
    return Neighbours(first[close], second[close], apart[close], distance[close])


def _seconds(events: pd.DataFrame) -> NDArray[np.float64]:
    """Time of each event, in seconds since 2000."""
    return np.asarray((events["time"] - pd.Timestamp("2000-01-01", tz="UTC")).dt.total_seconds(), float)
