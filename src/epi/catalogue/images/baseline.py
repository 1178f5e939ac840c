"""How far apart two orbits were: the baseline that topography and decorrelation see."""

import math

import numpy as np
from pyproj import Transformer

from epi.catalogue.images.scenes import OrbitState, Scene


def perpendicular_baseline(reference: Scene, secondary: Scene) -> float:
    """Distance between the two orbits, perpendicular to the line of sight, in m.

    Seen at the centre of the reference's footprint (height 0 on WGS84): both satellites are taken at the moment when
    that point is broadside, and the vector between them is projected on the direction perpendicular to the flight and
    to the line of sight. Positive where the secondary flies above the line of sight of the reference.

    Returns
    -------
    Metres; NaN where a footprint or a state vector is missing.

    References
    ----------
    Bamler & Hartl (1998), Inverse Problems 14(4), section 4.
    """
    if reference.state is None or secondary.state is None or reference.footprint is None:
        return math.nan
    centre = reference.footprint.centroid
    to_earth_fixed = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    target = np.array(to_earth_fixed.transform(centre.x, centre.y, 0.0))
    first, velocity = _broadside(reference.state, target)
    second, _ = _broadside(secondary.state, target)
    sight = (target - first) / np.linalg.norm(target - first)
    normal = np.cross(velocity / np.linalg.norm(velocity), sight)
    normal *= np.sign(normal @ first)
    return float((second - first) @ normal)


def _broadside(state: OrbitState, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return position and velocity when the target is broadside, on the cubic through both state vectors."""
    span = (state.times[1] - state.times[0]).total_seconds()
    (p0, p1), (v0, v1) = state.positions, state.velocities * span
    coefficients = np.stack([2 * (p0 - p1) + v0 + v1, 3 * (p1 - p0) - 2 * v0 - v1, v0, p0])
    time = 0.5
    for _ in range(5):
        position = time ** np.array([3, 2, 1, 0]) @ coefficients
        velocity = np.array([3 * time**2, 2 * time, 1, 0]) @ coefficients
        time += ((target - position) @ velocity) / (velocity @ velocity)
    return position, velocity / span
