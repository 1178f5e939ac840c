"""Which subswaths and bursts of two passages show an area: of gigabytes, only these are worked through."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from epi.catalogue.pairs.area import disk, local_footprint
from epi.errors import PairError
from epi.insar.geometry.ellipsoid import from_ecef
from epi.insar.geometry.sight import find_level
from epi.insar.geometry.zero_doppler import burst_arc, line_seconds
from epi.insar.slc.annotation import Burst, Image
from epi.insar.slc.manifest import Product
from epi.insar.slc.matching import burst_pairs, common_subswaths, holding, slices


def bursts_over(
    references: Sequence[Product],
    secondaries: Sequence[Product],
    polarisation: str,
    *,
    latitude: float,
    longitude: float,
    radius_km: float,
) -> dict[str, tuple[int, int]]:
    """Choose the bursts of a pair that show an area.

    Parameters
    ----------
    references, secondaries : slices, or single bursts, of each passage.
    polarisation : that both have.
    latitude, longitude, radius_km : the area, a circle; degrees.

    Returns
    -------
    First and last burst by subswath, counted from 1 over the joined slices of the reference, as the native engine takes
    them; subswaths that show nothing of the area are left out.

    Raises
    ------
    PairError : no burst that both passages have shows the area.
    """
    found = {}
    for swath in common_subswaths(references, secondaries, polarisation, ()):
        first, second = (holding(side, swath, polarisation) for side in (references, secondaries))
        images = slices(first, swath, polarisation)
        outlines = {burst.burst_id: burst_outline(image, burst) for image in reversed(images) for burst in image.bursts}
        order = list(dict.fromkeys(burst.burst_id for image in images for burst in image.bursts))
        both = {pair.reference_burst.burst_id for pair in burst_pairs(first, second, swath, polarisation)}
        local = [local_footprint(outlines[number], latitude, longitude) for number in order]
        shown = [number in both and part.intersects(disk(radius_km)) for number, part in zip(order, local, strict=True)]
        if any(shown):
            places = np.flatnonzero(shown) + 1
            found[swath] = (int(places[0]), int(places[-1]))
    if not found:
        raise PairError(
            f"{references[0].name} and {secondaries[0].name} have no common burst within {radius_km:g} km of the "
            "epicentre: their records promise what they do not show; choose another pair."
        )
    return found


def burst_outline(image: Image, burst: Burst) -> Polygon:
    """Return the ground of a burst, its empty rim left out: longitude, latitude in degrees, continuous.

    At the mean height of the annotation's tie points; a mountain 1 km above it lies 2 km off at most.
    """
    arc = burst_arc(image, burst)
    lines = np.linspace(burst.first_line, burst.last_line, 5)
    samples = np.linspace(burst.first_sample, burst.last_sample, 9)
    ranges = image.near_range + image.range_spacing * samples
    seconds, height = line_seconds(arc, image, burst, lines), float(image.grid.height.mean())
    points = find_level(np.ascontiguousarray(arc.coefficients), arc.half, seconds, ranges, height)
    latitude, longitude, _ = from_ecef(points)
    longitude = longitude.flat[0] + (longitude - longitude.flat[0] + 180) % 360 - 180
    return shapely.polygons(np.stack([_rim(longitude), _rim(latitude)], axis=1))


def _rim(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what lies on the rim of a grid, once around."""
    return np.concatenate([values[0], values[1:, -1], values[-1, -2::-1], values[-2:0:-1, 0]])
