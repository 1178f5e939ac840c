"""Physics and network put together: the fitted fault where it is likely to be right, and else the network.

The fault's answer is sharp and, where the air hides the earthquake, sharply wrong; the network's is blunt and seldom so
far off. So a fault that sees no earthquake is not asked, and one that sees it is believed with the probability that it
is right, which the network's map tells.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.interpolate import RegularGridInterpolator

from epi.insar.frame import LocalFrame
from epi.learn.locate import Density, Floats, Located, ellipse
from epi.learn.scene import UNSURE, geographic
from epi.source.bound import CHI2_95

DOUBT = 0.02
"""How often a fault that sees an earthquake lies somewhere else: ``python -m epi.learn.beside --calibrate``, 49 such
faults of 80 earthquakes of the recipe `unseen`, seeds 13,000 to 13,079. The 31 faults that saw none were off by 20 km
on average, the network by 13, and every mean of the two by more."""
REACH, STEPS = 4.0, 33
"""The fault's belief is laid out on so many steps a side, over so many standard deviations either way."""
UNSURE_KM = 25.6
"""Semi-major axis, half a patch."""
BY_NETWORK = "the fault sees no earthquake, or one where the network expects none: this is the network's answer"
INVISIBLE = "no visible earthquake: neither the fault nor the network sees one"
ALONE = "only one of the fault and the network sees an earthquake"


def trust_in(physics: Mapping[str, Any], network: Located, *, doubt: float = DOUBT) -> float:
    """Probability that a fitted fault is the earthquake, given what a network believes.

    A fault that sees an earthquake is right with probability 1 − d beforehand, and then the epicentre lies as its
    ellipse says, a Gaussian g; else it says nothing. The network's map p tells how probable each is: t = (1 − d) ∫ g p
    / ((1 − d) ∫ g p + d / area), over the ground that p covers.

    Parameters
    ----------
    physics : `epi.source.invert.Location.to_dict`.
    network : of the same scene or scenes, in the same frame.
    doubt : d.

    Returns
    -------
    t; 0 where the fault sees no earthquake.
    """
    if not physics["visible"]:
        return 0.0
    steps, place = np.linspace(-REACH, REACH, STEPS), np.array([physics["east_km"], physics["north_km"]])
    units = np.stack([part.ravel() for part in np.meshgrid(steps, steps)])
    weight = np.exp(-(units**2).sum(0) / 2)
    there = _density_at(network.density, place + (axes_of(physics["ellipse_km"]) @ units).T / np.sqrt(CHI2_95))
    right = (1 - doubt) * float(weight @ there / weight.sum())
    return right / (right + doubt / area_of(network.density))


def joined(physics: Mapping[str, Any], network: Mapping[str, Any], found: Located, frame: LocalFrame) -> dict[str, Any]:
    """The answer of both, ready for JSON, with all that `epi locate` says of any answer.

    The place is that of the likelier one, and so are depth, magnitude and the share of variance explained (None where
    that is the network). The ellipse's matrix is the mean of both, each seen from that place and weighed by how likely
    it is: where one is sure to be right it is that one's own.

    Parameters
    ----------
    physics : `epi.source.invert.Location.to_dict`.
    network, found : from `epi.learn.locate_tracks` of the same scenes.
    frame : of the first scene.

    Returns
    -------
    ``method`` (both), ``latitude`` and ``longitude`` (where georeferenced), ``east_km``, ``north_km``, ``ellipse_km``,
    ``depth_km``, ``magnitude``, ``magnitude_sigma``, ``variance_reduction``, ``trust`` (probability that the fault is
    right), ``visible`` (to either), ``flags`` (those of the likelier one too), ``seconds`` (of both together).
    """
    trust = trust_in(physics, found)
    trusted = trust >= 0.5
    likelier, other = (physics, network) if trusted else (network, physics)
    apart = np.array([other[name] - likelier[name] for name in ("east_km", "north_km")])
    own, foreign = (axes_of(each["ellipse_km"]) @ axes_of(each["ellipse_km"]).T for each in (likelier, other))
    share = max(trust, 1 - trust)
    region = ellipse(share * own + (1 - share) * (foreign + CHI2_95 * np.outer(apart, apart)))
    seeing = bool(physics["visible"]) + bool(network["visible"])
    result: dict[str, Any] = {"method": "both"} | geographic(frame, likelier["east_km"], likelier["north_km"])
    result |= {name: likelier[name] for name in ("east_km", "north_km")} | {"ellipse_km": region}
    result |= {name: likelier.get(name) for name in ("depth_km", "magnitude", "magnitude_sigma", "variance_reduction")}
    signs = {BY_NETWORK: not trusted, INVISIBLE: seeing == 0, ALONE: seeing == 1, UNSURE: region[0] > UNSURE_KM}
    flags = [flag for flag, raised in signs.items() if raised]
    result |= {"trust": trust, "visible": seeing > 0, "flags": flags + [f for f in likelier["flags"] if f not in flags]}
    return result | {"seconds": physics["seconds"] + network["seconds"]}


def chance(physics: Mapping[str, Any], network: Located, truth_km: tuple[float, float]) -> tuple[float, float]:
    """Density (per km²) at the truth if the fault is right, and if it says nothing."""
    axes, place = axes_of(physics["ellipse_km"]) / np.sqrt(CHI2_95), (physics["east_km"], physics["north_km"])
    apart, spread = np.linalg.solve(axes, np.subtract(truth_km, place)), abs(float(np.linalg.det(axes)))
    return float(np.exp(-(apart @ apart) / 2) / (2 * np.pi * spread)), 1 / area_of(network.density)


def area_of(grid: Density) -> float:
    """Ground that a grid covers, km²."""
    return float(np.ptp(grid.east_km) * np.ptp(grid.north_km))


def axes_of(ellipse_km: tuple[float, float, float]) -> Floats:
    """(2, 2) semi-axes of an ellipse as columns, east and north (km)."""
    major, minor, azimuth = ellipse_km
    turn = np.deg2rad(azimuth)
    along = np.array([np.sin(turn), np.cos(turn)])
    return np.stack([major * along, minor * np.array([along[1], -along[0]])], axis=1)


def _density_at(grid: Density, places: Floats) -> Floats:
    """The grid's density at places (n, 2), per km²; nothing outside."""
    cell = (grid.east_km[1] - grid.east_km[0]) * (grid.north_km[1] - grid.north_km[0])
    between = RegularGridInterpolator(
        (grid.north_km, grid.east_km), grid.probability / cell, bounds_error=False, fill_value=0.0
    )
    return np.asarray(between(places[:, ::-1]))
