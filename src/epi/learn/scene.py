"""The network's answer about a scene, or about several tracks of one earthquake, ready to be read and written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from epi.errors import EmptyScene, ParameterError
from epi.insar.contract import geometry_of
from epi.insar.frame import LocalFrame, common_frame
from epi.insar.gridding import grid_of_points
from epi.learn.locate import Floats, Located, centres, combine_tracks, ellipse, predict
from epi.learn.models import Locator
from epi.patches import Patches, cut

UNSURE = "the ellipse is wider than a patch: the network saw no earthquake that it is sure of"
INVISIBLE = "the network is not sure that an earthquake moved this ground by 3 cm: it may point at air"
FRAMED = "a patch is half without data or more, as few that the network learned from are"
INTERPOLATED = "the points were interpolated: the network learned from grids, where a break in the ground is sharp"


def locate_scene(
    network: Locator, product: xr.Dataset, *, overlap: float = 0.5
) -> tuple[dict[str, Any], Located, Patches]:
    """Epicentre of a scene by the network: `locate_tracks` of one track, whose patches are returned too."""
    result, found, (patches,) = locate_tracks(network, [product], overlap=overlap)
    return result, found, patches


def locate_tracks(
    network: Locator, tracks: Sequence[xr.Dataset], *, overlap: float = 0.5
) -> tuple[dict[str, Any], Located, list[Patches]]:
    """Epicentre of an earthquake by the network, from one or several tracks.

    Parameters
    ----------
    network : trained, with its ellipse factor measured.
    tracks : scenes with look vectors; on a map, one smaller than a patch is framed by no data. All georeferenced, or
        all local with the same zero. Tables of points are interpolated (`epi.insar.gridding.grid_of_points`).
    overlap : of the patches.

    Returns
    -------
    The result, ready for JSON: ``method``, ``latitude`` and ``longitude`` (where georeferenced), ``east_km`` and
    ``north_km`` in the first scene's frame, ``ellipse_km`` (semi-axes and azimuth of the major one in degrees, 95 %;
    adjusted on single tracks), ``magnitude``, ``visible`` and its probability, ``patches`` and ``flags`` (what to know
    before believing it); the answer; and the patches of each track.

    Raises
    ------
    ParameterError : no scene was given, one is in radar geometry and smaller than a patch, or the network's ellipse was
        never calibrated.
    NoGeoreference : some scenes are georeferenced and others are not.
    MissingConvention : a scene has no look vectors.
    EmptyScene : no patch of a scene holds enough data, or a table's points span no area.
    """
    settings = network.settings
    if settings.ellipse_factor is None:
        raise ParameterError("The network's ellipse was never calibrated: call calibrate first.")
    frame = common_frame(tracks)
    grids = [_as_grid(track, settings.size_km / settings.pixels) for track in tracks]
    pieces = [_cut(network, grid, overlap) for grid in grids]
    found = combine_tracks(network, [(_in_frame(frame, each), predict(network, each)) for each in pieces])
    result: dict[str, Any] = {"method": "network"} | geographic(frame, found.east_km, found.north_km)
    result |= {"east_km": found.east_km, "north_km": found.north_km}
    result |= {"ellipse_km": ellipse(found.covariance * settings.ellipse_factor)}
    result |= {"magnitude": found.magnitude, "magnitude_sigma": found.magnitude_sigma}
    visible = found.visible >= settings.presence
    result |= {"visible": visible, "visible_probability": found.visible}
    signs = {
        UNSURE: result["ellipse_km"][0] > settings.size_km / 2,
        INVISIBLE: not visible,
        FRAMED: any((each.table["valid_fraction"] < 0.5).any() for each in pieces),
        INTERPOLATED: any("interpolated_points" in grid.attrs for grid in grids),
    }
    result |= {"patches": sum(map(len, pieces)), "flags": [flag for flag, raised in signs.items() if raised]}
    return result, found, pieces


def _cut(network: Locator, grid: xr.Dataset, overlap: float) -> Patches:
    """Patches of a scene as the network wants them; refused where no one holds a quarter of data."""
    settings = network.settings
    try:
        return cut(grid, size_km=settings.size_km, pixels=settings.pixels, overlap=overlap)
    except EmptyScene as error:
        raise EmptyScene(
            f"The network looks at squares of {settings.size_km:g} km, and this scene fills no quarter of one with "
            "data: give a wider scene, or choose --method physics."
        ) from error


def _as_grid(track: xr.Dataset, spacing_km: float) -> xr.Dataset:
    """The scene itself, or a table of points made into a grid."""
    return grid_of_points(track, spacing_km=spacing_km) if geometry_of(track) == "points" else track


def _in_frame(frame: LocalFrame, patches: Patches) -> Floats:
    """Centres of patches in a frame, (patches, 2) km, be they of its own scene or of another."""
    if frame.origin is None:
        return centres(patches)
    return np.stack(frame.from_geographic(patches.table["center_lat"], patches.table["center_lon"]), axis=1)


def geographic(frame: LocalFrame, east_km: float, north_km: float) -> dict[str, float]:
    """Latitude and longitude of a place in a scene's frame; none without a georeference."""
    if frame.origin is None:
        return {}
    latitude, longitude = frame.to_geographic(east_km, north_km)
    return {"latitude": float(latitude), "longitude": float(longitude)}
