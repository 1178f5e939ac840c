"""Kilometres east and north of a stated place: the flat frame in which sources are fitted and figures drawn."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer

from epi.errors import NoGeoreference, ParameterError
from epi.insar.contract import crs_of, geometry_of

WGS84 = CRS.from_epsg(4326)


class LocalFrame(NamedTuple):
    """East and north of every sample of a scene (km), and the place they are counted from."""

    east_km: NDArray[np.float64]
    north_km: NDArray[np.float64]
    origin: tuple[float, float] | None
    """Latitude and longitude (degrees), or None where the scene has no georeference."""

    def to_geographic(self, east_km: ArrayLike, north_km: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return latitude and longitude (degrees) of places given in km; NoGeoreference where the scene has none."""
        longitude, latitude = self._transformer().transform(
            np.asarray(east_km) * 1e3, np.asarray(north_km) * 1e3, direction="INVERSE"
        )
        return np.asarray(latitude), np.asarray(longitude)

    def from_geographic(
        self, latitude: ArrayLike, longitude: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return east and north (km) of places given in degrees; NoGeoreference where the scene has none."""
        east, north = self._transformer().transform(np.asarray(longitude, float), np.asarray(latitude, float))
        return np.asarray(east) / 1e3, np.asarray(north) / 1e3

    def _transformer(self) -> Transformer:
        """Return the transformation from longitude and latitude to this frame, in metres."""
        if self.origin is None:
            raise NoGeoreference(
                "The scene has no georeference, so its kilometres have no latitude and longitude: "
                "use them as east and north of the scene's own origin, or read the scene with a crs."
            )
        return Transformer.from_crs(WGS84, equidistant(self.origin), always_xy=True)


def equidistant(origin: tuple[float, float]) -> CRS:
    """Return the azimuthal-equidistant projection on WGS84 about a latitude and longitude (degrees)."""
    return CRS.from_dict({"proj": "aeqd", "lat_0": origin[0], "lon_0": origin[1], "datum": "WGS84", "units": "m"})


def local_frame(ds: xr.Dataset, origin: tuple[float, float] | None = None) -> LocalFrame:
    """Place every sample of a product in kilometres east and north of an origin.

    Parameters
    ----------
    ds : a product in any geometry.
    origin : latitude and longitude (degrees) to count from; default the middle of the scene. Give the same origin to
        several scenes of one earthquake.

    Returns
    -------
    East and north in km, shaped like the product's variables, and the origin used: distances and directions from the
    origin are geodesic on WGS84. Where the scene has no georeference its own x and y in km, with origin None.

    Raises
    ------
    NoGeoreference : an origin was given and the scene has only local coordinates.
    """
    crs = crs_of(ds)
    if geometry_of(ds) == "radar":
        x, y, crs = ds["longitude"].to_numpy(), ds["latitude"].to_numpy(), WGS84
    elif geometry_of(ds) == "map":
        x, y = np.meshgrid(ds["x"].to_numpy(), ds["y"].to_numpy())
    else:
        x, y = ds["x"].to_numpy(), ds["y"].to_numpy()
    if crs is None:
        if origin is not None:
            raise NoGeoreference(
                f"The scene has no georeference, so nothing in it can be counted from latitude {origin[0]:g}, "
                f"longitude {origin[1]:g}: leave the origin out, or read the scene with a crs."
            )
        return LocalFrame(x / 1e3, y / 1e3, None)
    if origin is None:
        origin = _middle(x, y, crs)
    east, north = Transformer.from_crs(crs, equidistant(origin), always_xy=True).transform(x, y)
    return LocalFrame(np.asarray(east) / 1e3, np.asarray(north) / 1e3, origin)


def _middle(x: NDArray[np.float64], y: NDArray[np.float64], crs: CRS) -> tuple[float, float]:
    """Return latitude and longitude of the middle of the scene's extent, on either side of the antimeridian."""
    if crs.is_geographic and x.size:
        first = x.ravel()[np.isfinite(x).argmax()]
        x = first + (x - first + 180) % 360 - 180
    middle_x, middle_y = (np.nanmin(x) + np.nanmax(x)) / 2, (np.nanmin(y) + np.nanmax(y)) / 2
    longitude, latitude = Transformer.from_crs(crs, WGS84, always_xy=True).transform(middle_x, middle_y)
    return float(latitude), float((longitude + 180) % 360 - 180)


def common_frame(tracks: Sequence[xr.Dataset]) -> LocalFrame:
    """Frame of the first of several scenes of one earthquake, in which all of them can be placed.

    Raises
    ------
    ParameterError : no scene was given.
    NoGeoreference : some scenes are georeferenced and others are not.
    """
    if not tracks:
        raise ParameterError("Nothing to locate: give at least one scene.")
    if len({crs_of(track) is None for track in tracks}) > 1:
        raise NoGeoreference(
            "Some of these scenes have a georeference and others only local coordinates, so they cannot be placed "
            "together: locate them apart, or read the local ones with a crs."
        )
    return local_frame(tracks[0])
