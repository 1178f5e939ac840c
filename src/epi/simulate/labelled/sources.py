"""What moves the ground: ruptures, magma and sinking ground, for many scenes at once.

Okada's solution is evaluated once a rupture, in the rupture's own frame, on nodes that lie close where the field is
rough and far apart where it is smooth. Each scene then reads the field where its pixels lie, from its own place and
turned its own way, by cubic interpolation.
"""

from dataclasses import dataclass
from math import pi

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.errors import ParameterError
from epi.source.okada import displacement
from epi.source.size import SHEAR_MODULUS_PA, magnitude_moment, scaling
from epi.source.slip import cells, field_root, taper

NODES = 64
"""Nodes along each axis of a rupture's frame."""
INNER = 0.7
"""Share of them that lie evenly over the rupture; the others spread outwards, ever farther apart."""
ALONG, DOWN = 4, 3
"""Cells of a rupture, each with its own slip."""
MOST_ROUNDS = 1000
"""Draws after which ruptures that were asked for are called impossible."""
SLIP_REACH = 0.25  # correlation length of the slip's unevenness, as a fraction of the sides
SCATTER = 0.1  # log10 standard deviation of length and of width about the scaling relation
DIP = (15.0, 90.0)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Fields:
    """Displacement fields of ruptures, each in its own frame: x to the right of the strike, y along it, z up.

    Attributes
    ----------
    moved : (ruptures, 3, NODES, NODES) float32, metres; rows along y.
    half_km, growth : (ruptures, 2), of the nodes' places along x and y.
    magnitude, depth_km : (ruptures,).
    """

    moved: Tensor
    half_km: Tensor
    growth: Tensor
    magnitude: Floats
    depth_km: Floats

    def __len__(self) -> int:
        """Number of ruptures."""
        return len(self.magnitude)


def rupture_fields(
    rng: np.random.Generator,
    count: int,
    *,
    magnitude: tuple[float, float],
    depth_km: tuple[float, float],
    roughness: tuple[float, float],
    segments: int,
    reach_km: float,
    least_m: float,
    device: str | torch.device,
) -> Fields:
    """Draw ruptures of all mechanisms that move the ground by at least so much somewhere.

    Parameters
    ----------
    rng : source of randomness.
    count : number of ruptures.
    magnitude, depth_km : of the whole, and of the rectangles' centres; uniform before the weak ones are left out.
    roughness, segments : as in `epi.simulate.labelled.Mixture`.
    reach_km : how far from the rupture its field is wanted.
    least_m : displacement that is reached somewhere.
    device : where the fields are computed and stay.

    References
    ----------
    Okada (1985); Leonard (2010) for the sizes; Mai and Beroza (2002) for the unevenness of slip.
    """
    kept: list[Fields] = []
    for _ in range(MOST_ROUNDS):
        drawn = _ruptures(rng, count, magnitude, depth_km, roughness, segments)
        for n in range(count):
            faults, planes, whole, depth = (part[n : n + 1] for part in drawn)
            one = _fields(faults, planes, whole, depth, reach_km, device)
            if float(one.moved.norm(dim=1).max()) >= least_m:
                kept.append(one)
            if len(kept) == count:
                return _join(kept)
    raise ParameterError(
        f"Earthquakes of magnitude {magnitude[0]:g} to {magnitude[1]:g} at {depth_km[0]:g} to {depth_km[1]:g} km "
        f"hardly ever move the ground by {100 * least_m:g} cm: make them larger or shallower."
    )


def opening_fields(rng: np.random.Generator, count: int, *, reach_km: float, device: str | torch.device) -> Fields:
    """Draw magma bodies: steep dykes and flat sills that open, their depth 1 to 8 km."""
    steep = rng.random(count) < 0.5
    dip = np.where(steep, rng.uniform(70, 90, count), rng.uniform(0, 15, count))
    length, width = rng.uniform(1, 10, count), rng.uniform(1, 6, count)
    depth = np.maximum(rng.uniform(1, 8, count), width / 2 * np.sin(np.deg2rad(dip)) + 0.5)
    plane = np.column_stack([np.zeros((count, 2)), depth, np.zeros(count), dip, length, width])
    faults = np.concatenate([plane, np.tile([0.0, 0.0, 1.0], (count, 1))], axis=1)[:, None]
    return _fields(faults, plane[:, None], np.full(count, np.nan), depth, reach_km, device)


def los_fields(
    fields: Fields, chosen: NDArray[np.intp], strike: Floats, centre_km: Floats, look: Floats, offsets_km: Tensor
) -> Tensor:
    """LOS displacement over scenes, each of which sees one of the ruptures.

    Parameters
    ----------
    fields : of the ruptures.
    chosen : (scenes,) which rupture each scene sees.
    strike : (scenes,) degrees, how the rupture's frame is turned there.
    centre_km : (scenes, 2) from the rupture's centre to the scene's, east and north.
    look : (scenes, 3) east, north and up parts of the unit vector from the ground to the satellite.
    offsets_km : (pixels,) of rows (northward) and columns (eastward) from the scene's centre.

    Returns
    -------
    (scenes, pixels, pixels) float32, metres, positive toward the satellite; the first row is the southernmost.
    """
    device = fields.moved.device
    turn = torch.tensor(np.deg2rad(strike), dtype=torch.float32, device=device)[:, None, None]
    sine, cosine = turn.sin(), turn.cos()
    place = torch.tensor(centre_km, dtype=torch.float32, device=device)
    east = place[:, 0, None, None] + offsets_km[None, None, :]
    north = place[:, 1, None, None] + offsets_km[None, :, None]
    seen = torch.tensor(look, dtype=torch.float32, device=device)[:, :, None, None]
    across, along = east * cosine - north * sine, east * sine + north * cosine
    parts = seen[:, 0] * cosine - seen[:, 1] * sine, seen[:, 0] * sine + seen[:, 1] * cosine, seen[:, 2]
    row = torch.from_numpy(chosen).to(device)
    moved = fields.moved[row]
    los = sum(part * moved[:, axis] for axis, part in enumerate(parts))
    half, growth = fields.half_km[row], fields.growth[row]
    at = [_node_of(where, half[:, axis], growth[:, axis]) for axis, where in enumerate((across, along))]
    grid = torch.stack(at, dim=3)
    read = torch.nn.functional.grid_sample(
        torch.as_tensor(los)[:, None], grid, mode="bicubic", padding_mode="border", align_corners=True
    )
    return read[:, 0]


def inflation(depth_km: Floats, centre_km: Floats, look: Floats, offsets_km: Tensor) -> Tensor:
    """LOS displacement of small swelling spheres (Mogi 1958), largest displacement 1.

    Parameters
    ----------
    depth_km : (scenes,).
    centre_km : (scenes, 2) from the source to the scene's centre, east and north.
    look, offsets_km : as in `los_fields`.

    Returns
    -------
    (scenes, pixels, pixels) float32, of no unit.
    """
    device = offsets_km.device
    depth, place, seen = (
        torch.tensor(each, dtype=torch.float32, device=device)[..., None, None] for each in (depth_km, centre_km, look)
    )
    east, north = place[:, 0] + offsets_km[None, None, :], place[:, 1] + offsets_km[None, :, None]
    squared = east**2 + north**2 + depth**2
    return depth**2 * (seen[:, 0] * east + seen[:, 1] * north + seen[:, 2] * depth) / (squared * squared.sqrt())


def bowls(
    rng: np.random.Generator,
    count: int,
    look: Floats,
    offsets_km: Tensor,
    *,
    most: int = 6,
    largest_m3: float,
) -> Tensor:
    """LOS displacement of ground that sinks, as over mines and wells: some Gaussian bowls a scene.

    Parameters
    ----------
    rng : source of randomness: standard deviations 0.4 to 4 km, depths 2 to 30 cm, log-uniform; each may be stretched.
    count : number of scenes.
    look, offsets_km : as in `los_fields`; ``look`` is (count, 3).
    most : bowls a scene at most.
    largest_m3 : volume of a bowl at most: those drawn larger keep their width and are the shallower.

    Returns
    -------
    (count, pixels, pixels) float32, metres, negative where the satellite looks down on sinking ground.
    """
    device, half = offsets_km.device, float(offsets_km[-1])
    deep = np.exp(rng.uniform(np.log(0.02), np.log(0.3), (count, most)))
    deep *= np.arange(most) < rng.integers(1, most + 1, count)[:, None]
    radius = np.exp(rng.uniform(np.log(0.4), np.log(4.0), (count, most)))
    deep = np.minimum(deep, largest_m3 / (2 * pi * (1000 * radius) ** 2))
    stretch = np.exp(rng.uniform(-0.5, 0.5, (count, most)))
    place = rng.uniform(-half, half, (count, most, 2))
    total = torch.zeros(count, len(offsets_km), len(offsets_km), device=device)
    for each in range(most):
        lines = []
        for axis, power in enumerate((stretch[:, each], 1 / stretch[:, each])):
            middle, size = (
                torch.tensor(part, dtype=torch.float32, device=device)[:, None]
                for part in (place[:, each, axis], radius[:, each] * power)
            )
            lines.append(torch.exp(-(((offsets_km - middle) / size) ** 2) / 2))
        down = torch.tensor(deep[:, each] * look[:, 2], dtype=torch.float32, device=device)
        total -= down[:, None, None] * lines[1][:, :, None] * lines[0][:, None, :]
    return total


def _ruptures(
    rng: np.random.Generator,
    count: int,
    magnitude: tuple[float, float],
    depth_km: tuple[float, float],
    roughness: tuple[float, float],
    segments: int,
) -> tuple[Floats, Floats, Floats, Floats]:
    """Cells, rectangles, magnitudes and depths of ruptures whose segments share the moment; the first lies along y."""
    whole = rng.uniform(*magnitude, count)
    parts = rng.integers(1, segments + 1, count)
    shares = np.arange(segments) < parts[:, None]
    each = whole - np.log10(parts) / 1.5
    planes: list[Floats] = []
    slips: list[Floats] = []
    for segment in range(segments):
        plane = _planes(rng, each, depth_km)
        if segment:  # at the end of the one before, bent by up to 50 degrees
            plane[:, 3] = rng.uniform(-50, 50, count)
            bent = np.deg2rad(plane[:, 3])
            ahead = planes[0][:, 5] / 2 * np.ones(count)
            plane[:, 0] = plane[:, 5] / 2 * np.sin(bent)
            plane[:, 1] = ahead + plane[:, 5] / 2 * np.cos(bent)
        planes.append(plane)
        slips.append(_slips(rng, each, plane, roughness) * shares[:, segment, None, None])
    parts_of = [_cells(plane, slip) for plane, slip in zip(planes, slips, strict=True)]
    broken = np.where(shares[:, :, None], np.stack(planes, axis=1), planes[0][:, None])
    return np.concatenate(parts_of, axis=1), broken, whole, planes[0][:, 2]


def _planes(rng: np.random.Generator, magnitude: Floats, depth_km: tuple[float, float]) -> Floats:
    """Rectangles that fit under the ground, (count, 7): what does not fit is drawn again."""
    count = len(magnitude)
    plane = np.zeros((count, 7))
    left = np.arange(count)
    for _ in range(MOST_ROUNDS):
        slides = rng.random(left.size) < 0.5
        sizes = np.where(slides, scaling(magnitude[left], mechanism="strike-slip")[:2], scaling(magnitude[left])[:2])
        length, width = sizes * 10 ** (SCATTER * rng.standard_normal((2, left.size)))
        depth, dip = rng.uniform(*depth_km, left.size), rng.uniform(*DIP, left.size)
        plane[left] = np.column_stack([*np.zeros((2, left.size)), depth, np.zeros(left.size), dip, length, width])
        left = left[depth - width / 2 * np.sin(np.deg2rad(dip)) < 0.3]
        if not left.size:
            return plane
    raise ParameterError(
        f"Earthquakes of magnitude {magnitude.max():.1f} do not fit under the ground at {depth_km[0]:g} to "
        f"{depth_km[1]:g} km: make them smaller or deeper."
    )


def _slips(rng: np.random.Generator, magnitude: Floats, plane: Floats, roughness: tuple[float, float]) -> Floats:
    """Strike slip, dip slip and opening of each cell, (count, cells, 3), metres."""
    count = len(plane)
    root = field_root(ALONG, DOWN, reach=SLIP_REACH).numpy()
    uneven = rng.standard_normal((count, ALONG * DOWN)) @ root.T
    slip = taper(ALONG, DOWN).numpy() * np.exp(rng.uniform(*roughness, count)[:, None] * uneven)
    area = plane[:, 5] * plane[:, 6] * 1e6
    slip *= (magnitude_moment(magnitude) / (SHEAR_MODULUS_PA * area * slip.mean(1)))[:, None]
    rake = rng.uniform(-pi, pi, count)[:, None]
    return np.stack([slip * np.cos(rake), slip * np.sin(rake), np.zeros_like(slip)], axis=2)


def _cells(plane: Floats, slip: Floats) -> Floats:
    """Rectangles cut into cells with their slip, (count, cells, 10)."""
    return np.concatenate([cells(torch.from_numpy(plane), ALONG, DOWN).numpy(), slip], axis=2)


def _fields(
    faults: Floats, planes: Floats, magnitude: Floats, depth_km: Floats, reach_km: float, device: str | torch.device
) -> Fields:
    """Displacement of ruptures on their own nodes; ``faults`` is (ruptures, cells, 10), ``planes`` (…, segments, 7)."""
    half = _halves(planes)
    growth = _growth(half, reach_km)
    lines = np.linspace(-1, 1, NODES)
    x, y = (_place_of(lines[None], half[:, axis, None], growth[:, axis, None]) for axis in range(2))
    moved = torch.empty(len(faults), 3, NODES, NODES, device=device)
    for n, parts in enumerate(faults):
        east, north = np.meshgrid(x[n], y[n])
        used = torch.from_numpy(parts[np.abs(parts[:, 7:]).sum(1) > 0]).to(device)
        x_km, y_km = (torch.from_numpy(each.ravel()).to(device) for each in (east, north))
        found = displacement(x_km, y_km, used, check=False).sum(0)
        moved[n] = found.T.reshape(3, NODES, NODES).to(torch.float32)
    inner, rate = (torch.tensor(each, dtype=torch.float32, device=device) for each in (half, growth))
    return Fields(moved, inner, rate, magnitude, depth_km)


def _halves(planes: Floats) -> Floats:
    """How far along x and y nodes lie close, (ruptures, 2) km: over all segments and twice the depth of the top."""
    strike, dip = np.deg2rad(planes[..., 3]), np.deg2rad(planes[..., 4])
    length, across = planes[..., 5] / 2, planes[..., 6] / 2 * np.cos(dip)
    top = planes[..., 2] - planes[..., 6] / 2 * np.sin(dip)
    x = np.abs(planes[..., 0]) + length * np.abs(np.sin(strike)) + across * np.abs(np.cos(strike))
    y = np.abs(planes[..., 1]) + length * np.abs(np.cos(strike)) + across * np.abs(np.sin(strike))
    return np.stack([(x + 2 * top).max(-1), (y + 2 * top).max(-1)], axis=-1)


def _growth(half_km: Floats, reach_km: float) -> Floats:
    """Rate at which nodes spread beyond the inner ones so that the last lies at the reach; by bisection."""
    beyond = np.maximum(reach_km - half_km, 1.0) * INNER / half_km  # in inner steps of one unit of the node's number
    low, high = np.full_like(half_km, 1e-6), np.full_like(half_km, 100.0)
    for _ in range(60):
        middle = (low + high) / 2
        far = np.expm1(middle * (1 - INNER)) / middle > beyond
        low, high = np.where(far, low, middle), np.where(far, middle, high)
    return high


def _place_of(node: Floats, half_km: Floats, growth: Floats) -> Floats:
    """Where a node lies (km): evenly within the half, exponentially beyond."""
    out = np.maximum(np.abs(node) - INNER, 0)
    far = half_km * (1 + np.expm1(growth * out) / (growth * INNER))
    return np.where(out > 0, np.sign(node) * far, node / INNER * half_km)


def _node_of(place: Tensor, half_km: Tensor, growth: Tensor) -> Tensor:
    """The inverse of `_place_of`, for (scenes, rows, columns)."""
    half, rate = half_km[:, None, None], growth[:, None, None]
    size = place.abs()
    out = INNER + torch.log1p(rate * INNER * (size / half - 1).clamp_min(0)) / rate
    return torch.where(size > half, place.sign() * out, INNER * place / half)


def _join(parts: list[Fields]) -> Fields:
    names = ("moved", "half_km", "growth")
    moved, half, growth = (torch.cat([getattr(part, name) for part in parts]) for name in names)
    magnitude, depth = (np.concatenate([getattr(part, name) for part in parts]) for name in ("magnitude", "depth_km"))
    return Fields(moved, half, growth, magnitude, depth)
