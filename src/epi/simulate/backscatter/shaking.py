"""How hard an earthquake shakes a place, and what that does to slopes, buildings and the ground along its fault.

Published equations with their published coefficients; distances in km, intensity on the Modified Mercalli scale.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

BETWEEN_EVENTS, WITHIN_EVENT = 0.4, 0.6
"""Standard deviations of intensity, from earthquake to earthquake and from place to place (smooth over `WITHIN_KM`):
Allen et al. (2012) give 0.8 to 1.2 in all near the source, of which part is the observers' own."""
WITHIN_KM = 3.0

LITHOLOGY = (-0.66, -0.78, -0.81, -0.95, -1.05, -1.36, -1.5, -1.54, -1.61, -1.87, -1.88, -1.92, -3.22)
"""Coefficients of rocks in the model of Nowicki Jessee et al. (2018), one drawn for each place."""
COVER = {"forest": 0.68, "crops": 0.91, "rock": -0.06, "urban": 0.30}
"""Coefficients of land cover in the same model: closed broadleaved evergreen forest, rainfed cropland, bare, urban."""
WETNESS = 5.0
"""Compound topographic index of a hillslope, of which that model asks too; its effect is small."""
LEAST_SLOPE_DEG, LEAST_INTENSITY = 2.0, 4.0
"""Below these nothing slides: the model's own mask, and the lowest intensity at which Keefer (1984) lists slides."""


def intensity(magnitude: ArrayLike, hypocentral_km: ArrayLike) -> Floats:
    """Modified Mercalli intensity, without its scatter.

    Parameters
    ----------
    magnitude : moment magnitude; the equation was fitted from 5 to 7.9.
    hypocentral_km : distance to the hypocentre.

    Returns
    -------
    Of the shape both broadcast to; NaN stays NaN.

    References
    ----------
    Allen, Wald & Worden (2012), Intensity attenuation for active crustal regions, J. Seismology 16, equations 2 to 4
    for hypocentral distance.
    """
    size, distance = np.asarray(magnitude, float), np.asarray(hypocentral_km, float)
    near = -0.209 + 2.042 * np.exp(size - 5)
    far = 0.078 * np.log(np.maximum(distance, 50.0) / 50.0)
    return np.asarray(2.085 + 1.428 * size - 1.402 * np.log(np.hypot(distance, near)) + far)


def ground_velocity(shaking: ArrayLike) -> Floats:
    """Peak ground velocity that goes with an intensity.

    Parameters
    ----------
    shaking : Modified Mercalli intensity.

    Returns
    -------
    cm/s, of the same shape; NaN stays NaN.

    References
    ----------
    Worden et al. (2012), Probabilistic relationships between ground-motion parameters and Modified Mercalli intensity
    in California, BSSA 102, table 1.
    """
    felt = np.asarray(shaking, float)
    return np.asarray(10 ** np.where(felt <= 4.56, (felt - 3.78) / 1.47, (felt - 2.89) / 3.16))


def landslide_share(shaking: ArrayLike, slope_deg: ArrayLike, ground: ArrayLike) -> Floats:
    """Share of the ground that slides, 0 to 0.256.

    Parameters
    ----------
    shaking : Modified Mercalli intensity.
    slope_deg : of the terrain.
    ground : sum of the coefficients of rock (`LITHOLOGY`) and land cover (`COVER`).

    References
    ----------
    Nowicki Jessee et al. (2018), A global empirical model for near-real-time assessment of seismically induced
    landslides, JGR Earth Surface 123: logistic regression and equation of areal coverage. The coverage that this
    equation gives at probability 0 (0.05 %) is taken off, so that nothing slides where nothing shakes.
    """
    slope, felt = np.asarray(slope_deg, float), np.asarray(shaking, float)
    velocity = np.log(np.minimum(ground_velocity(felt), 211.0))
    logit = -6.30 + 1.65 * velocity + 0.06 * slope + np.asarray(ground, float) + 0.03 * WETNESS
    p = 1 / (1 + np.exp(-(logit + 0.01 * velocity * slope)))
    share = np.exp(-7.592 + 5.237 * p - 3.042 * p**2 + 4.035 * p**3) - np.exp(-7.592)
    return np.asarray(np.where((slope > LEAST_SLOPE_DEG) & (felt > LEAST_INTENSITY), np.maximum(share, 0.0), 0.0))


def collapse_share(shaking: ArrayLike, vulnerability: ArrayLike) -> Floats:
    """Share of buildings damaged to grade 4 or 5 of EMS-98 (very heavy damage, destruction).

    Intensities of EMS-98 and of the Modified Mercalli scale are taken as one.

    Parameters
    ----------
    shaking : intensity.
    vulnerability : index of the buildings, about 0.5 (reinforced concrete) to 0.85 (adobe).

    Returns
    -------
    0 to 1, of the shape both broadcast to; NaN stays NaN.

    References
    ----------
    Giovinazzi & Lagomarsino (2004), A macroseismic method for the vulnerability assessment of buildings, 13 WCEE 896:
    mean damage grade; grades are binomial about it.
    """
    felt = np.asarray(shaking, float)
    share = 0.5 * (1 + np.tanh((felt + 6.25 * np.asarray(vulnerability, float) - 13.1) / 2.3))
    return np.asarray(5 * share**4 * (1 - share) + share**5)


def rupture_length_km(magnitude: float) -> float:
    """Length of the rupture at the surface (Wells & Coppersmith 1994, table 2A, all mechanisms)."""
    return float(10 ** (-3.22 + 0.69 * magnitude))


def rupture_offset_m(magnitude: float) -> float:
    """Mean offset at the surface (Wells & Coppersmith 1994, table 2B, all mechanisms)."""
    return float(10 ** (-4.80 + 0.69 * magnitude))


def reaches_surface(magnitude: float, depth_km: float) -> float:
    """Probability that the rupture breaks the surface.

    That of Wells & Coppersmith (1993) for crustal earthquakes, and none where the hypocentre is deeper than the rupture
    is wide (Wells & Coppersmith 1994, table 2A: width down dip, all mechanisms).
    """
    if depth_km > 10 ** (-1.01 + 0.32 * magnitude):
        return 0.0
    return float(1 / (1 + np.exp(12.51 - 2.053 * magnitude)))
