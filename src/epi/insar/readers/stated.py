"""What a file of numbers does not say and its reader must be told: quantity, unit, sign, wavelength, look direction."""

import warnings
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from epi.errors import EmptyScene, MissingConvention, ParameterError
from epi.insar.product import (
    SENTINEL1_HEADING_DEG,
    SENTINEL1_INCIDENCE_DEG,
    SENTINEL1_WAVELENGTH_M,
    look_vector,
    los_displacement,
    unwrapped_phase,
    wrap,
)

Quantity = Literal["displacement", "unwrapped", "wrapped"]
Units = Literal["rad", "m", "cm", "mm"]
Positive = Literal["away", "toward"]
PassDirection = Literal["ascending", "descending"]

Floats = NDArray[np.floating[Any]]

METRES = {"m": 1.0, "cm": 1e-2, "mm": 1e-3}
LARGEST_DISPLACEMENT_M = 100.0  # no earthquake has moved the ground more; beyond it the unit is wrong


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What the caller states about a file; None where nothing is said.

    Parameters
    ----------
    quantity : ``"displacement"``, ``"unwrapped"`` or ``"wrapped"`` (phase).
    units : ``"rad"`` for phase, ``"m"``, ``"cm"`` or ``"mm"`` for displacement.
    positive : ``"away"`` from the satellite or ``"toward"`` it: the motion that the file counts as positive.
    wavelength : radar wavelength in metres; None is Sentinel-1's, with a warning where a phase depends on it.
    incidence : angle between line of sight and vertical, degrees.
    heading : direction of flight, degrees clockwise from north; the radar looks to the right of it.
    pass_direction : ``"ascending"`` or ``"descending"``: Sentinel-1's middle values for what of incidence and heading
        is not given, with a warning.

    Raises
    ------
    ParameterError : a value that is none of the above, or quantity and units that contradict each other.
    """

    quantity: Quantity | None = None
    units: Units | None = None
    positive: Positive | None = None
    wavelength: float | None = None
    incidence: float | None = None
    heading: float | None = None
    pass_direction: PassDirection | None = None

    def __post_init__(self) -> None:
        choices = {"quantity": Quantity, "units": Units, "positive": Positive, "pass_direction": PassDirection}
        for name, kind in choices.items():
            value = getattr(self, name)
            if value is not None and value not in get_args(kind):
                raise ParameterError(f"{name} is {value!r}: it must be one of {', '.join(get_args(kind))}.")
        limits = {"wavelength": (0.0, 2.0), "incidence": (0.0, 90.0), "heading": (-360.0, 360.0)}
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ParameterError(f"{name} is {value!r}: it must be a number.")
            if not low < value < high:
                raise ParameterError(f"{name} is {value:g}: it must lie between {low:g} and {high:g}.")
        if None not in (self.quantity, self.units) and (self.quantity == "displacement") == (self.units == "rad"):
            raise ParameterError(
                f"quantity {self.quantity!r} and units {self.units!r} contradict each other: "
                "phase is in rad, displacement in m, cm or mm."
            )

    def given(self) -> list[str]:
        """Return the names of what was stated."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def variables(self, values: Floats, name: str) -> dict[str, Floats]:
        """Turn a file's numbers into the product's variables, in its units and with its signs.

        Parameters
        ----------
        values : the file's numbers, any shape; NaN is no data and stays NaN.
        name : the file's name, for messages.

        Returns
        -------
        ``phase`` of wrapped phase; ``phase``, ``unwrapped_phase`` and ``los_displacement`` of anything else.

        Raises
        ------
        EmptyScene : no finite value. MissingConvention : unit or sign not stated. ParameterError : they cannot be true.
        """
        finite = values[np.isfinite(values)].astype(float)
        if not np.any(finite):
            raise EmptyScene(f"{name} holds no finite, non-zero value: it may be the wrong file, or all sea.")
        span = f"values span {finite.min():.4g} to {finite.max():.4g}"
        quantity = self._quantity(finite, name, span)
        if self.positive is None:
            raise MissingConvention(
                f"{name} does not say which motion is positive ({span}): state positive, 'away' from the satellite "
                "or 'toward' it."
            )
        away = values.astype(float) * (1.0 if self.positive == "away" else -1.0)
        if quantity == "wrapped":
            return {"phase": wrap(away)}
        if quantity == "unwrapped":
            displacement = los_displacement(away, wavelength=self.metres_of_wave(name, warn=True))
        else:
            displacement = -away * METRES[str(self.units)]
        check_size(displacement, name, str(self.units or "rad"))
        phase = unwrapped_phase(displacement, wavelength=self.metres_of_wave(name))
        return {"phase": wrap(phase), "unwrapped_phase": phase, "los_displacement": displacement}

    def metres_of_wave(self, name: str, *, warn: bool = False) -> float:
        """Return the stated wavelength (m), or Sentinel-1's."""
        if self.wavelength is not None:
            return float(self.wavelength)
        if warn:
            _warn(f"{name}: no wavelength stated, Sentinel-1's {SENTINEL1_WAVELENGTH_M * 100:.4f} cm is used.")
        return SENTINEL1_WAVELENGTH_M

    def look(self, name: str) -> tuple[dict[str, float], dict[str, Any]]:
        """Return the look vector's components with the incidence angle, and attributes that say where they come from.

        Raises
        ------
        MissingConvention : neither incidence and heading nor the direction of the pass are stated.
        """
        incidence, heading, source = self.incidence, self.heading, "stated"
        northward = self.pass_direction == "ascending"
        if self.pass_direction and heading is not None and (np.cos(np.deg2rad(heading)) > 0) != northward:
            raise ParameterError(
                f"heading {heading:g} degrees is not that of a pass {self.pass_direction}: ascending flies north, "
                "descending south; leave one of the two out."
            )
        if incidence is None or heading is None:
            missing = [part for part in ("incidence", "heading") if getattr(self, part) is None]
            if self.pass_direction is None:
                raise MissingConvention(
                    f"{name} has no look vectors and does not say its {' and '.join(missing)}: give incidence and "
                    "heading (degrees), or the pass, ascending or descending, for Sentinel-1's middle values."
                )
            incidence = SENTINEL1_INCIDENCE_DEG if incidence is None else incidence
            heading = SENTINEL1_HEADING_DEG[self.pass_direction] if heading is None else heading
            assumed = {"incidence": incidence, "heading": heading}
            said = " and ".join(f"{part} {assumed[part]:g}" for part in missing)
            source = f"{' and '.join(missing)} of the middle of a Sentinel-1 {self.pass_direction} pass"
            _warn(
                f"{name}: {said} assumed, Sentinel-1's middle for a pass {self.pass_direction}"
                + ("; true incidence runs from 30 to 46 degrees over a swath." if "incidence" in missing else ".")
            )
        east, north, up = (float(part) for part in look_vector(incidence, heading))
        look = {"look_east": east, "look_north": north, "look_up": up, "incidence_angle": float(incidence)}
        return look, {"incidence": float(incidence), "heading": float(heading), "look_source": source}

    def _quantity(self, finite: Floats, name: str, span: str) -> Quantity:
        """Return what the numbers are; radians beyond ±π are unwrapped, others wrapped with a warning."""
        if self.units is None and self.quantity in (None, "displacement"):
            raise MissingConvention(f"{name} does not say its unit ({span}): state units, one of rad, m, cm, mm.")
        beyond = bool(np.abs(finite).max() > np.pi + 1e-3)
        if self.quantity == "wrapped" and beyond:
            raise ParameterError(f"{name} is not wrapped phase in radians ({span}): state its quantity and units.")
        if self.quantity is not None:
            return self.quantity
        if self.units != "rad":
            return "displacement"
        if not beyond:
            _warn(f"{name}: every value lies within ±π, read as wrapped phase; state the quantity if it is unwrapped.")
        return "unwrapped" if beyond else "wrapped"


def check_size(displacement: Floats, name: str, units: str) -> None:
    """Refuse displacements no earthquake makes: the unit must be wrong.

    Parameters
    ----------
    displacement : metres, NaN ignored. name, units : the file and the unit stated, for the message.
    """
    largest = float(np.nanmax(np.abs(displacement)))
    if np.isinf(largest):
        raise ParameterError(f"{name} holds infinite values: mark these pixels as no data (NaN).")
    if largest > LARGEST_DISPLACEMENT_M:
        raise ParameterError(
            f"{name} read in {units} reaches {largest:.4g} m, more than any earthquake moves the ground: "
            "state the right units (rad, m, cm or mm)."
        )


def _warn(message: str) -> None:
    """Tell the caller what was assumed."""
    warnings.warn(message, UserWarning, stacklevel=4)
