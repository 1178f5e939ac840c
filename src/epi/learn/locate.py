"""From the answers of many patches to one epicentre, with the ellipse it lies in 95 times of 100."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from epi.errors import ParameterError
from epi.learn.models import OffsetNetwork
from epi.learn.train import predict
from epi.patches import Patches, cut, shifted

UNSURE = "the ellipse is wider than a patch: the network saw no earthquake that it is sure of"
TRUSTED = 2.5
"""Patches whose scale is up to this many times the smallest take part: the others saw little of the earthquake."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Combined:
    """One epicentre from many patches: its place (km), its scatter (covariance, km²), and which patches took part."""

    east_km: float
    north_km: float
    covariance: Floats
    trusted: NDArray[np.bool_]


def centres(patches: Patches) -> Floats:
    """Centres of patches, (patches, 2): km east and north in their scene's frame."""
    return patches.table[["center_east_km", "center_north_km"]].to_numpy(dtype=float)


def combine(places: Floats, answers: Floats) -> Combined:
    """Put the answers of a scene's patches together.

    Parameters
    ----------
    places : centres of the patches, (patches, 2), km east and north in the scene's frame.
    answers : (patches, 3), offset and scale of each patch, km, as `epi.learn.train.predict` gives them.

    Returns
    -------
    The place with the least sum of distances to the trusted patches' answers, each weighted by one over its scale: the
    most likely place under the Laplace distributions the network was trained to state. The covariance is the weighted
    scatter of the answers about it plus the smallest scale squared; it is a shape to be calibrated, not yet an error.
    """
    scale = answers[:, 2]
    trusted = scale <= TRUSTED * scale.min()
    said, weights = (places + answers[:, :2])[trusted], 1 / scale[trusted]
    best = np.average(said, axis=0, weights=weights)
    for _ in range(100):  # Weiszfeld's iteration
        pull = weights / np.maximum(np.linalg.norm(said - best, axis=1), 1e-3)
        best = np.average(said, axis=0, weights=pull)
    apart = said - best
    scatter = (weights[:, None] * apart).T @ apart / weights.sum()
    return Combined(float(best[0]), float(best[1]), scatter + scale.min() ** 2 * np.eye(2), trusted)


def scene_answers(network: OffsetNetwork, patches: Patches) -> dict[str, Combined]:
    """One epicentre for each event of the patches."""
    answers = predict(network, patches)
    places = centres(patches)
    rows = patches.table.groupby("event", sort=False).indices
    return {str(event): combine(places[chosen], answers[chosen]) for event, chosen in rows.items()}


def squared_distance(found: Combined, east_km: float, north_km: float) -> float:
    """Squared Mahalanobis distance of a place from a combined answer."""
    apart = np.array([east_km - found.east_km, north_km - found.north_km])
    return float(apart @ np.linalg.solve(found.covariance, apart))


def calibrate(network: OffsetNetwork, patches: Patches, *, level: float = 0.95) -> float:
    """Measure by what a scene's scatter must be multiplied to be an honest ellipse; keep it in the network's settings.

    Parameters
    ----------
    network : trained.
    patches : of earthquakes that were not trained on, and are not reported on either.
    level : share of scenes whose ellipse holds the epicentre.

    Returns
    -------
    The ⌈level (n + 1)⌉-th smallest squared distance of n scenes, so that a further scene is inside with at least that
    probability (for n ≥ 19; the largest of fewer).

    References
    ----------
    Vovk, Gammerman & Shafer (2005), Algorithmic Learning in a Random World, chapter 4.
    """
    table = patches.table.groupby("event", sort=False)[["epicenter_east_km", "epicenter_north_km"]].first()
    found = scene_answers(network, patches)
    known = zip(table.index, table.to_numpy(), strict=True)
    squares = np.sort([squared_distance(found[str(event)], *place) for event, place in known])
    factor = float(squares[min(int(np.ceil(level * (squares.size + 1))), squares.size) - 1])
    network.settings = replace(network.settings, ellipse_factor=factor)
    return factor


def locate_scene(
    network: OffsetNetwork, product: xr.Dataset, *, overlap: float = 0.5
) -> tuple[dict[str, Any], Patches, Floats]:
    """Epicentre of a scene by the network.

    Parameters
    ----------
    network : trained, with its ellipse factor measured.
    product : a scene with look vectors; on a map, one smaller than a patch is framed by no data.
    overlap : of its patches.

    Returns
    -------
    The result, ready for JSON: ``method``, ``latitude`` and ``longitude`` (where georeferenced), ``east_km`` and
    ``north_km`` in the scene's frame, ``ellipse_km`` (semi-axes and azimuth of the major one in degrees, 95 %),
    ``patches``, ``patches_trusted`` and ``flags`` (what to know before believing it); the patches; and their answers.

    Raises
    ------
    ParameterError : the scene is in radar geometry and smaller than a patch, or the network's ellipse was never
        calibrated.
    MissingConvention : the scene has no look vectors.
    """
    settings = network.settings
    if settings.ellipse_factor is None:
        raise ParameterError("The network's ellipse was never calibrated: call calibrate first.")
    patches = cut(product, size_km=settings.size_km, pixels=settings.pixels, overlap=overlap)
    answers = predict(network, patches)
    found = combine(centres(patches), answers)
    result: dict[str, Any] = {"method": "network"} | _geographic(patches, found)
    result |= {"east_km": found.east_km, "north_km": found.north_km}
    result |= {"ellipse_km": ellipse(found.covariance * settings.ellipse_factor)}
    result |= {"patches": len(patches), "patches_trusted": int(found.trusted.sum())}
    unsure = result["ellipse_km"][0] > settings.size_km / 2
    result |= {"flags": [UNSURE] if unsure else []}
    return result, patches, answers


def ellipse(covariance: Floats) -> tuple[float, float, float]:
    """Semi-axes (km, longer first) and azimuth of the longer one (degrees from north, 0 to 180) of a matrix (km²)."""
    values, vectors = np.linalg.eigh(covariance)
    east, north = vectors[:, 1]
    return float(np.sqrt(values[1])), float(np.sqrt(values[0])), float(np.rad2deg(np.arctan2(east, north)) % 180)


def _geographic(patches: Patches, found: Combined) -> dict[str, float]:
    """Latitude and longitude of a combined answer, from the nearest patch's centre; none without a georeference."""
    apart = centres(patches) - [found.east_km, found.north_km]
    near = patches.table.iloc[int(np.argmin((apart**2).sum(1)))]
    if not np.isfinite(near["center_lat"]):
        return {}
    offset = (found.east_km - near["center_east_km"], found.north_km - near["center_north_km"])
    latitude, longitude = shifted(near["center_lat"], near["center_lon"], *offset)
    return {"latitude": float(latitude), "longitude": float(longitude)}
