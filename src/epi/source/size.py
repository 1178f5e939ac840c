"""How large an earthquake is: moment, magnitude, and the fault a magnitude asks for."""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from epi.errors import ParameterError

SHEAR_MODULUS_PA = 30e9
"""Rigidity that turns slip into moment where the caller gives none."""

Mechanism = Literal["dip-slip", "strike-slip"]


class _Leonard(NamedTuple):
    """Constants of Leonard (2010), table 5, for faults at plate boundaries; his rigidity is 33 GPa."""

    c1: float  # W = c1 L^(2/3), metres
    c2: float  # mean slip = c2 sqrt(L W), metres
    widest: float  # metres; a strike-slip fault longer than 45 km grows in length only


_LEONARD = {"dip-slip": _Leonard(17.5, 3.8e-5, np.inf), "strike-slip": _Leonard(15.0, 3.7e-5, 19e3)}
_LEONARD_SHEAR_MODULUS_PA = 33e9


def moment(
    length_km: ArrayLike, width_km: ArrayLike, slip_m: ArrayLike, shear_modulus: float = SHEAR_MODULUS_PA
) -> NDArray[np.float64]:
    """Seismic moment of a rectangular fault.

    Parameters
    ----------
    length_km, width_km : sides of the fault, km, any shapes that broadcast.
    slip_m : mean slip, m; its sign does not count.
    shear_modulus : rigidity of the rock, Pa.

    Returns
    -------
    N m; NaN stays NaN.
    """
    area = np.asarray(length_km, dtype=np.float64) * np.asarray(width_km, dtype=np.float64) * 1e6
    return np.asarray(shear_modulus * area * np.abs(slip_m))


def moment_magnitude(moment: ArrayLike) -> NDArray[np.float64]:
    """Moment magnitude Mw = 2/3 (log10 M0 − 9.1) of a moment in N m; −inf where the moment is 0.

    References
    ----------
    IASPEI (2013), Summary of magnitude working group recommendations, after Hanks and Kanamori (1979).
    """
    with np.errstate(divide="ignore"):
        return np.asarray(2 / 3 * (np.log10(np.asarray(moment, dtype=np.float64)) - 9.1))


def magnitude_moment(magnitude: ArrayLike) -> NDArray[np.float64]:
    """Moment in N m of a moment magnitude, the inverse of `moment_magnitude`; NaN stays NaN."""
    return np.asarray(10 ** (1.5 * np.asarray(magnitude, dtype=np.float64) + 9.1))


def scaling(
    magnitude: ArrayLike, *, mechanism: Mechanism = "dip-slip", shear_modulus: float = SHEAR_MODULUS_PA
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Length, width and mean slip of the fault that an earthquake of this magnitude breaks on average.

    The area is the published one, close to 10^(Mw − 4) km². Its length and width follow W = C1 L^(2/3), with W = L for
    small faults and, for strike slip, W = 19 km for large ones. The slip is what the moment asks of that area, so
    ``moment_magnitude(moment(*scaling(m)))`` gives ``m`` back; with the paper's own rigidity of 33 GPa the slip is the
    paper's too.

    Parameters
    ----------
    magnitude : moment magnitude, any shape.
    mechanism : "dip-slip" (C1 = 17.5 m^(1/3), C2 = 3.8e-5) or "strike-slip" (C1 = 15.0 m^(1/3), C2 = 3.7e-5), where C2
        is mean slip over the square root of area.
    shear_modulus : rigidity that turns the moment into slip, Pa.

    Returns
    -------
    km, km and m, each of the shape of ``magnitude``; NaN stays NaN.

    Raises
    ------
    ParameterError : a mechanism of another name.

    References
    ----------
    Leonard (2010), Bull. Seism. Soc. Am. 100(5A), 1971-1988: interplate faults.
    """
    if mechanism not in _LEONARD:
        raise ParameterError(f"Mechanism {mechanism!r} has no scaling relation here; choose {' or '.join(_LEONARD)}.")
    c1, c2, widest = _LEONARD[mechanism]
    moment_nm = magnitude_moment(magnitude)
    area = (moment_nm / (_LEONARD_SHEAR_MODULUS_PA * c2)) ** (2 / 3)
    width = np.minimum(np.minimum(np.sqrt(area), c1**0.6 * area**0.4), widest)
    return area / width / 1e3, width / 1e3, moment_nm / (shear_modulus * area)
