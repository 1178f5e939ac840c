"""Surface displacement of rectangular dislocations in an elastic half-space (Okada 1985), many faults at once.

Okada's corner sums are kept, but rewritten so that nothing blows up on the way to a vertical fault:

* R + η loses its digits where η < 0, so there it is X² / (R − η), with X² = ξ² + q²;
* 1 / (R (R + ξ)) differs from −ξ / (R (η² + q²)) by a term without ξ, which the corner sum removes;
* Okada's arctangent in I5 differs from −arctan(ξ cos δ / ((1 + sin δ)(R + η) − q cos δ)) by a term without η, which the
  corner sum removes too;
* I1, I3 and I4 divide by powers of cos δ: on faults steeper than 89.4° their quotients are summed as power series.
"""

from collections.abc import Iterator
from itertools import product
from math import pi
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from epi.errors import ParameterError
from epi.source.size import SHEAR_MODULUS_PA, magnitude_moment, moment, moment_magnitude, scaling

__all__ = [
    "GEOMETRY",
    "SHEAR_MODULUS_PA",
    "SLIP",
    "check_geometry",
    "displacement",
    "greens",
    "los_greens",
    "magnitude_moment",
    "moment",
    "moment_magnitude",
    "scaling",
]

GEOMETRY = ("east_km", "north_km", "depth_km", "strike", "dip", "length_km", "width_km")
"""Columns of a fault's geometry: centroid of the rectangle (km, depth positive down), degrees, lengths in km."""

SLIP = ("strike_slip_m", "dip_slip_m", "opening_m")
"""Columns that follow the geometry in a fault with slip: left-lateral, thrust and opening positive."""

_SURFACE_KM = 1e-12  # no top edge is nearer to the surface than this
_TRACE_KM = 1e-6  # a point nearer to the trace of a fault that breaks the surface is moved this far from it
_STEEP = 0.01  # cos(dip) below which the power series take over; their arguments are then below 0.0103
_BLOCK = 16384  # fault-point pairs worked on together: temporaries stay in the processor's cache
_BLOCK_ACCELERATOR = 2**20  # there, large enough to fill it


class _Sums(NamedTuple):
    """Corner sums of one block, each (along, down, faults, points); names follow Okada (1985)."""

    q: Tensor  # (faults, points), distance of the point from the fault's plane, not a sum
    inverse_r: Tensor  # 1 / R
    y11: Tensor  # 1 / (R (R + η))
    xi_y11: Tensor  # ξ / (R (R + η))
    x11: Tensor  # 1 / (R (R + ξ))
    eta_x11: Tensor  # η / (R (R + ξ))
    theta: Tensor  # arctan(ξ η / (q R))
    i1: Tensor
    i2: Tensor
    i3: Tensor
    i4: Tensor
    i5: Tensor


def greens(
    east: ArrayLike | Tensor,
    north: ArrayLike | Tensor,
    geometry: ArrayLike | Tensor,
    *,
    poisson: float = 0.25,
    check: bool = True,
) -> Tensor:
    """Displacement of the surface by one metre of strike slip, dip slip and opening.

    Parameters
    ----------
    east, north : (points,) km, the points at the surface; NaN gives NaN.
    geometry : (faults, 7) or (7,), columns ``GEOMETRY``.
    poisson : Poisson's ratio of the half-space.
    check : refuse geometry that makes no sense; False saves some tens of microseconds.

    Returns
    -------
    (faults, points, 3, 3) float64 on the device of the inputs: east, north, up by strike slip (left-lateral positive,
    rake 0), dip slip (thrust positive, rake 90), opening; metres per metre. A point on the trace of a fault that breaks
    the surface counts as standing on its hanging wall, to the right of the strike.

    Raises
    ------
    ParameterError : the first faulty row, what is wrong with it and the range allowed.

    References
    ----------
    Okada (1985), Bull. Seism. Soc. Am. 75(4), 1135-1154.
    """
    east, north, geometry = _tensors(east, north, geometry)
    if check:
        check_geometry(geometry)
    field = east.new_empty(len(geometry), 3, 3, len(east))
    for rows, points, sines, sums in _blocks(east, north, geometry, 1 - 2 * poisson):
        for column, component in enumerate(_components(sines, sums)):
            for axis, part in enumerate(_east_north_up(sines, *component)):
                field[rows, axis, column, points] = part[0, 0]
    return field.movedim(3, 1)


def displacement(
    east: ArrayLike | Tensor,
    north: ArrayLike | Tensor,
    faults: ArrayLike | Tensor,
    *,
    poisson: float = 0.25,
    check: bool = True,
) -> Tensor:
    """Displacement of the surface by each fault; sum over the first axis for their joint field.

    Parameters
    ----------
    east, north : (points,) km, the points at the surface; NaN gives NaN.
    faults : (faults, 10) or (10,), columns ``GEOMETRY + SLIP``.
    poisson, check : as in `greens`.

    Returns
    -------
    (faults, points, 3) float64, metres east, north, up.

    Raises
    ------
    ParameterError : as in `greens`, and where a slip is not a number.
    """
    east, north, faults = _tensors(east, north, faults, columns=len(GEOMETRY + SLIP))
    geometry, slip = faults[:, : len(GEOMETRY)], faults[:, len(GEOMETRY) :]
    if check:
        check_geometry(geometry)
        if not bool(slip.isfinite().all()):
            row = int((~slip.isfinite()).any(dim=1).nonzero()[0])
            raise ParameterError(f"Fault {row}: slip {slip[row].tolist()} is not a number; give metres, 0 for none.")
    opens = bool((slip[:, 2] != 0).any())
    field = east.new_empty(len(geometry), 3, len(east))
    for rows, points, sines, sums in _blocks(east, north, geometry, 1 - 2 * poisson):
        components = zip(_components(sines, sums, opening=opens), slip[rows].unbind(1), strict=False)
        scaled = ([part * metres[:, None] for part in component] for component, metres in components)
        moved = (sum(parts[1:], start=parts[0]) for parts in zip(*scaled, strict=True))
        for axis, part in enumerate(_east_north_up(sines, *moved)):
            field[rows, axis, points] = part[0, 0]
    return field.movedim(2, 1)


def los_greens(
    east: ArrayLike | Tensor,
    north: ArrayLike | Tensor,
    look: ArrayLike | Tensor,
    geometry: ArrayLike | Tensor,
    *,
    cells: tuple[int, int] = (1, 1),
    poisson: float = 0.25,
    check: bool = True,
) -> Tensor:
    """Displacement along the line of sight by one metre of strike slip and of dip slip.

    Parameters
    ----------
    east, north : (points,) km, the points at the surface; NaN gives NaN.
    look : (points, 3) or (3,), the vector from ground to satellite: east, north, up.
    geometry : (faults, 7) or (7,), columns ``GEOMETRY``.
    cells : cut every fault into so many along strike and down dip, which cost less than as many faults.
    poisson, check : as in `greens`.

    Returns
    -------
    (faults, points, 2) float64, metres per metre, positive toward the satellite; with cells, (faults x cells, points,
    2), the cells of a fault in the order of `epi.source.slip.cells`.

    Raises
    ------
    ParameterError : as in `greens`, and look vectors of another shape.
    """
    east, north, geometry = _tensors(east, north, geometry)
    if check:
        check_geometry(geometry)
    vectors = _tensor(look, east.device)
    if vectors.shape not in ((3,), (len(east), 3)):
        raise ParameterError(f"Look vectors of shape {tuple(vectors.shape)} for {len(east)} points; give (points, 3).")
    vectors = vectors.expand(len(east), 3)
    field = east.new_empty(len(geometry), *cells, 2, len(east))
    for rows, points, sines, sums in _blocks(east, north, geometry, 1 - 2 * poisson, cells):
        sin_strike, cos_strike = sines[0], sines[1]
        look_east, look_north, look_up = vectors[points].unbind(-1)
        look_along = sin_strike * look_east + cos_strike * look_north
        look_left = sin_strike * look_north - cos_strike * look_east
        for column, (along, left, up) in enumerate(_components(sines, sums, opening=False)):
            moved = along * look_along + left * look_left + up * look_up
            field[rows, :, :, column, points] = moved.flip(1).permute(2, 0, 1, 3)  # from the top edge down
    return field.flatten(0, 2).movedim(2, 1)


def check_geometry(geometry: ArrayLike | Tensor) -> None:
    """Refuse faults that cannot be, naming the first faulty row.

    Parameters
    ----------
    geometry : (faults, 7), columns ``GEOMETRY``.

    Raises
    ------
    ParameterError : a value that is not finite, a length or width that is not positive, a dip outside 0-90 degrees, a
        top edge above the surface (at the surface is allowed).
    """
    table = _tensor(geometry)
    depth, dip, length, width = table[:, 2], table[:, 4], table[:, 5], table[:, 6]
    top = depth - width / 2 * torch.sin(torch.deg2rad(dip))
    faults = (
        (~table.isfinite().all(dim=1), "a value is not a finite number; give all seven of " + ", ".join(GEOMETRY)),
        ((length <= 0) | (width <= 0), "length_km and width_km must be greater than 0"),
        ((dip < 0) | (dip > 90), "dip must lie between 0 and 90 degrees; turn the strike by 180 for the other side"),
        (top < -1e-9 * width, "the top edge lies above the surface; depth_km must be at least width_km / 2 x sin(dip)"),
    )
    for wrong, reason in faults:
        if bool(wrong.any()):
            row = int(wrong.nonzero()[0])
            values = ", ".join(f"{name} {value:g}" for name, value in zip(GEOMETRY, table[row].tolist(), strict=True))
            raise ParameterError(f"Fault {row} ({values}): {reason}.")


def _tensors(
    east: ArrayLike | Tensor, north: ArrayLike | Tensor, faults: ArrayLike | Tensor, columns: int = len(GEOMETRY)
) -> tuple[Tensor, Tensor, Tensor]:
    """Points and faults as float64 on one device: that of the first tensor given, else the processor."""
    device = next((value.device for value in (east, north, faults) if isinstance(value, Tensor)), None)
    points_east, points_north = _tensor(east, device).reshape(-1), _tensor(north, device).reshape(-1)
    table = _tensor(faults, device)
    table = table[None] if table.ndim == 1 else table
    if table.ndim != 2 or table.shape[1] != columns:
        names = ", ".join((GEOMETRY + SLIP)[:columns])
        raise ParameterError(f"Faults of shape {tuple(table.shape)} were given; {columns} columns are needed: {names}.")
    if len(points_east) != len(points_north):
        raise ParameterError(f"{len(points_east)} points east but {len(points_north)} north; give one of each a point.")
    return points_east, points_north, table


def _tensor(value: ArrayLike | Tensor, device: torch.device | None = None) -> Tensor:
    array: Any = value if isinstance(value, Tensor) else np.require(value, dtype=np.float64, requirements="W")
    return torch.as_tensor(array, dtype=torch.float64, device=device)


def _blocks(
    east: Tensor, north: Tensor, geometry: Tensor, alpha: float, cells: tuple[int, int] = (1, 1)
) -> Iterator[tuple[Tensor, slice, Tensor, _Sums]]:
    """Yield block by block its faults and points, the sines and cosines (4, faults, 1), and the sums."""
    strike, dip = torch.deg2rad(geometry[:, 3]), torch.deg2rad(geometry[:, 4])
    sines = torch.stack((strike.sin(), strike.cos(), dip.sin(), dip.cos().clamp_min(1e-16)))[:, :, None]
    pairs = _BLOCK if east.device.type == "cpu" else _BLOCK_ACCELERATOR
    pairs = 4 * pairs // ((cells[0] + 1) * (cells[1] + 1))
    width = max(1, min(pairs, len(east)))
    height = pairs // width
    steep = sines[3, :, 0] < _STEEP
    for is_steep in (False, True):
        kind = torch.nonzero(steep == is_steep).flatten()
        for first_row, first_point in product(range(0, len(kind), height), range(0, len(east), width)):
            rows, points = kind[first_row : first_row + height], slice(first_point, first_point + width)
            sums = _corner_sums(east[points], north[points], geometry[rows], sines[:, rows], alpha, cells, is_steep)
            yield rows, points, sines[:, rows], sums


def _corner_sums(
    east: Tensor,
    north: Tensor,
    geometry: Tensor,
    sines: Tensor,
    alpha: float,
    cells: tuple[int, int],
    steep: bool,
) -> _Sums:
    fault_east, fault_north, depth, _, _, length, width = geometry[:, :, None].unbind(1)
    sin_strike, cos_strike, s, c = sines
    deep_enough = width / 2 * s + _SURFACE_KM
    breaks, depth = depth <= deep_enough, torch.maximum(depth, deep_enough)
    offset_east, offset_north = east - fault_east, north - fault_north
    along = offset_east * sin_strike + offset_north * cos_strike
    left = offset_north * sin_strike - offset_east * cos_strike
    if bool(breaks.any()):
        trace = width / 2 * c
        left = torch.where(breaks & ((left - trace).abs() < _TRACE_KM), trace - _TRACE_KM, left)
    q = left * s - depth * c
    q = torch.where(q == 0, 1e-150, q)  # arctan(ξη/qR) is then ±π/2, which cancels, or 0 at its own zero
    ends, edges = (torch.linspace(0.5, -0.5, n + 1, dtype=width.dtype, device=width.device) for n in cells)
    xi = (along + ends[:, None, None] * length)[:, None]  # (along + 1, 1, faults, points): both ends of every cell
    eta = (left * c + depth * s + edges[:, None, None] * width)[None]  # (1, down + 1, …): bottom and top edges
    q2 = q * q
    x2, r2 = xi * xi + q2, eta * eta + q2
    r = (xi * xi + r2).sqrt()
    r_eta = torch.where(eta < 0, x2 / (r - eta), r + eta)
    inverse_r = r.reciprocal()
    y11 = inverse_r / r_eta
    x11 = -xi * inverse_r / r2
    tangent = xi * eta * inverse_r / q
    first, second = tangent[:, :-1], tangent[:, 1:]
    theta = torch.atan2(first - second, 1 + first * second)
    terms = _steep_terms if steep else _terms
    i1, i2, i3, i4, i5 = (alpha * term for term in terms(xi, eta, q, r, r_eta, s, c))
    return _Sums(
        q,
        _sum(inverse_r),
        _sum(y11),
        _sum(xi * y11),
        _sum(x11),
        _sum(eta * x11),
        theta[:-1] - theta[1:],
        i1,
        i2,
        i3,
        i4,
        i5,
    )


def _sum(f: Tensor) -> Tensor:
    """Chinnery's sum over the four corners, f(x, p) − f(x, p − W) − f(x − L, p) + f(x − L, p − W)."""
    return (f[:-1, :-1] - f[:-1, 1:]) - (f[1:, :-1] - f[1:, 1:])


def _log_sum(f: Tensor) -> Tensor:
    """Corner sum of the logarithm of a positive quantity."""
    return (f[:-1, :-1] * f[1:, 1:] / (f[:-1, 1:] * f[1:, :-1])).log()


def _terms(xi: Tensor, eta: Tensor, q: Tensor, r: Tensor, r_eta: Tensor, s: Tensor, c: Tensor) -> tuple[Tensor, ...]:
    """Corner sums of Okada's I1 to I5 over α, for cos(dip) well above 0."""
    r_d = r + (eta * s - q * c)
    log_eta = _log_sum(r_eta)
    tangent = xi * c / ((1 + s) * r_eta - q * c)
    first = (tangent[:, :-1] - tangent[:, 1:]) / (1 + tangent[:, :-1] * tangent[:, 1:])
    angle = torch.atan2(first[:-1] - first[1:], 1 + first[:-1] * first[1:])
    i5 = -2 / c * angle
    i4 = (_log_sum(r_d) - s * log_eta) / c
    i3 = (_sum((eta * c + q * s) / r_d) + s * i4) / c - log_eta
    i1 = -(_sum(xi / r_d) + s * i5) / c
    return i1, -log_eta - i3, i3, i4, i5


def _steep_terms(
    xi: Tensor, eta: Tensor, q: Tensor, r: Tensor, r_eta: Tensor, s: Tensor, c: Tensor
) -> tuple[Tensor, ...]:
    """Corner sums of Okada's I1 to I5 over α where cos(dip) is small or 0: the same functions, expanded in cos(dip)."""
    log_eta = _log_sum(r_eta)
    b, h, w = xi / r_eta, eta / r_eta, q / r_eta
    t = w + c * h / (1 + s)
    u = c * t  # R + d = (R + η)(1 − u)
    k = 1 - c * w / (1 + s)
    v = b / ((1 + s) * k)
    z = (c * v) ** 2
    i5 = -2 * _sum(v * (1 - z * (1 / 3 - z * (1 / 5 - z / 7))))
    i4 = -_sum(t * _series(u, (1, 1 / 2, 1 / 3, 1 / 4, 1 / 5, 1 / 6, 1 / 7))) + c / (1 + s) * log_eta
    g = _series(u, (1 / 2, 2 / 3, 3 / 4, 4 / 5, 5 / 6, 6 / 7, 7 / 8))
    i3 = _sum(h / ((1 + s) * (1 - u)) + s * t * t * g) - log_eta / (1 + s)
    cubic = 2 * s * c * v * v * v * (1 / 3 - z * (1 / 5 - z / 7))
    i1 = -_sum(b * ((w * s + c * h) / ((1 + s) * (1 - u) * k) + c / ((1 + s) ** 2 * k)) + cubic)
    return i1, -log_eta - i3, i3, i4, i5


def _series(u: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    total = torch.full_like(u, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * u + coefficient
    return total


def _components(sines: Tensor, sums: _Sums, opening: bool = True) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Displacement along strike, to its left and up, by unit strike slip, dip slip and, if asked, opening."""
    _, _, s, c = sines
    q = sums.q
    y_x11 = q * (c * sums.eta_x11 + q * s * sums.x11)
    d_x11 = q * (s * sums.eta_x11 - q * c * sums.x11)
    q2_y11, q_r = q * q * sums.y11, q * sums.inverse_r
    parts = [
        (
            q * sums.xi_y11 + sums.theta + s * sums.i1,
            c * q_r + s * q2_y11 + s * sums.i2,
            s * q_r - c * q2_y11 + s * sums.i4,
        ),
        (
            q_r - s * c * sums.i3,
            y_x11 + c * sums.theta - s * c * sums.i1,
            d_x11 + s * sums.theta - s * c * sums.i5,
        ),
    ]
    scale = -0.5 / pi
    if opening:
        bracket = q * sums.xi_y11 - sums.theta
        parts.append(
            (
                s * s * sums.i3 - q2_y11,
                d_x11 + s * bracket + s * s * sums.i1,
                s * s * sums.i5 - y_x11 - c * bracket,
            )
        )
    return [(scale * along, scale * left, scale * up) for along, left, up in parts]


def _east_north_up(sines: Tensor, along: Tensor, left: Tensor, up: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    sin_strike, cos_strike = sines[0], sines[1]
    return along * sin_strike - left * cos_strike, along * cos_strike + left * sin_strike, up
