"""What a radar sees besides moving ground: air, ramps, land, holes and speckle, for many scenes at once."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from epi.simulate.atmosphere import power_spectrum
from epi.simulate.scene import RELIEF_KM

MARGIN = 96
"""Pixels beyond a scene on which air is drawn too: a field drawn by its spectrum comes around to its other side."""

Floats = NDArray[np.float64]


def air(count: int, pixels: int, spacing_km: float, *, outer_km: float, slope: float, noise: torch.Generator) -> Tensor:
    """Turbulent delay of unit standard deviation over each scene.

    Parameters
    ----------
    count, pixels, spacing_km : number of scenes, side of each, and of a pixel.
    outer_km : wavelength beyond which the delay grows no more.
    slope : added to the exponents of the power spectrum of `epi.simulate.atmosphere`.
    noise : source of randomness; its device is where the fields are made.

    Returns
    -------
    (count, pixels, pixels) float32 of zero mean.
    """
    side = pixels + MARGIN
    root = torch.from_numpy(_amplitude(side, spacing_km, outer_km, slope)).to(noise.device)
    white = torch.randn(count, side, side // 2 + 1, 2, generator=noise, device=noise.device)
    field = torch.fft.irfft2(torch.view_as_complex(white) * root, s=(side, side))[:, :pixels, :pixels]
    return _standard(field)


def spectrum(side: int, spacing_km: float, *, outer_km: float, slope: float) -> Floats:
    """Power of the delay on the half plane of a real transform, of no particular size; see `air`."""
    k = np.hypot(np.fft.fftfreq(side, spacing_km)[:, None], np.fft.rfftfreq(side, spacing_km)[None, :])
    return np.asarray(power_spectrum(k, outer_scale_km=outer_km) * np.maximum(k * outer_km, 1.0) ** slope)


def relief(count: int, pixels: int, spacing_km: float, *, noise: torch.Generator) -> Tensor:
    """Delay of layered air over mountains, of unit standard deviation: it follows heights, which have flat valleys."""
    ground = air(count, pixels, spacing_km, outer_km=RELIEF_KM, slope=-0.6, noise=noise)
    return _standard(torch.nn.functional.softplus(1.5 * ground))


def smooth(
    count: int,
    pixels: int,
    spacing_km: float,
    *,
    over_km: float,
    noise: torch.Generator,
    only: NDArray[np.intp] | None = None,
) -> Tensor:
    """Fields of unit variance that change over some distance, such as land cover.

    Parameters
    ----------
    count, pixels, spacing_km : number of scenes, side of each, and of a pixel.
    over_km : distance of the nodes between which a field is cubic.
    noise : source of randomness.
    only : scenes that want one; numbers are drawn for all of them, so that the next draw does not depend on it.

    Returns
    -------
    (count, pixels, pixels) float32, 0 where no field is wanted.
    """
    nodes = int(np.clip(np.ceil(pixels * spacing_km / over_km) + 3, 4, pixels))
    coarse = torch.randn(count, nodes, nodes, generator=noise, device=noise.device)
    spread = _between(nodes, pixels).to(noise.device)
    if only is None:
        return _standard(spread @ coarse @ spread.T)
    fields = torch.zeros(count, pixels, pixels, device=noise.device)
    rows = torch.from_numpy(only).to(noise.device)
    fields[rows] = _standard(spread @ coarse[rows] @ spread.T)
    return fields


def ramps(rms: Floats, angle: Floats, offsets_km: Tensor) -> Tensor:
    """Planes of given standard deviations and directions, (scenes, pixels, pixels)."""
    unit = offsets_km / offsets_km.std()
    size, turn = (torch.tensor(each, dtype=torch.float32, device=unit.device)[:, None, None] for each in (rms, angle))
    return size * (turn.cos() * unit[None, None, :] + turn.sin() * unit[None, :, None])


def holes(cover: Tensor, share: Floats, rng: np.random.Generator, *, least_side: float) -> Tensor:
    """Where there is data: lakes in the lowest part of ``cover``, in some scenes a coast or the edge of the image.

    Parameters
    ----------
    cover : (scenes, pixels, pixels) of unit variance.
    share : (scenes,) of the scene that lakes take.
    rng : source of randomness.
    least_side : of the part that an image covers where its edge is seen, as a share of the scene's side.

    Returns
    -------
    Of bool; at least a fiftieth of each scene has data.
    """
    count, pixels, _ = cover.shape
    device = cover.device
    lowest = torch.special.ndtri(torch.tensor(np.clip(share, 1e-6, 0.9), dtype=torch.float32, device=device))
    valid: Tensor = cover >= lowest[:, None, None]
    line = torch.linspace(-1, 1, pixels, device=device)
    coast = torch.from_numpy(np.flatnonzero(rng.random(count) < 0.12)).to(device)
    turn = torch.tensor(rng.uniform(0, 2 * np.pi, len(coast)), dtype=torch.float32, device=device)[:, None, None]
    beyond = torch.tensor(rng.uniform(-0.9, 0.1, len(coast)), dtype=torch.float32, device=device)[:, None, None]
    land = turn.cos() * line[None, None, :] + turn.sin() * line[None, :, None] + 0.1 * cover[coast]
    valid[coast] &= land >= beyond
    for scene in np.flatnonzero(rng.random(count) < 0.15):
        sides = rng.uniform(least_side, 1.0, 2)
        first = [int(rng.uniform(0, 1 - side) * pixels) for side in sides]
        last = [int(at + side * pixels) for at, side in zip(first, sides, strict=True)]
        inside = torch.zeros_like(valid[scene])
        inside[first[0] : last[0], first[1] : last[1]] = True
        valid[scene] &= inside
    bare = valid.float().mean((1, 2)) < 0.02
    valid[bare] = True
    return valid


def within_a_pixel(displaced: Tensor) -> Tensor:
    """Coherence that is left where the phase turns within a pixel: the mean phasor of a plane wave across a square.

    Parameters
    ----------
    displaced : (scenes, rows, columns), radians.
    """
    left, moving = torch.ones_like(displaced), displaced.flatten(1).any(1)
    steps = torch.gradient(displaced[moving], dim=(1, 2))
    left[moving] = torch.stack([torch.sinc(step / (2 * np.pi)).abs() for step in steps]).prod(0)
    return left


def filtered(phase: Tensor, valid: Tensor, width_px: Tensor) -> Tensor:
    """Wrapped phase of the mean phasor about each pixel, as a simple filter leaves it.

    Parameters
    ----------
    phase : (scenes, pixels, pixels), radians.
    valid : of the same shape, where there is data.
    width_px : (scenes,) standard deviation of the Gaussian by which the mean is weighted, pixels; more than 0.
    """
    at = torch.arange(phase.shape[-1], dtype=torch.float32, device=phase.device)
    weight = torch.exp(-(((at[:, None] - at[None, :]) / width_px[:, None, None]) ** 2) / 2)
    real, imaginary = (weight @ (part * valid) @ weight for part in (phase.cos(), phase.sin()))
    return torch.atan2(imaginary, real)


def speckle(coherence: Tensor, looks: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """Phase noise (rad) and sample coherence of multilooked speckle.

    The sample covariance of two images is complex Wishart distributed; its Bartlett decomposition needs two roots of
    gamma variables, drawn by the cube of a normal one (Wilson and Hilferty 1931), and a complex normal one.

    Parameters
    ----------
    coherence : (scenes, pixels, pixels), of the ground.
    looks : (scenes,), 2 at least.
    noise : source of randomness.

    References
    ----------
    Goodman (1963), Ann. Math. Stat. 34.
    """
    many = looks[:, None, None]
    normal = torch.randn(4, *coherence.shape, generator=noise, device=coherence.device)
    first = _gamma_root(many, normal[0])
    second = _gamma_root(many - 1, normal[1])
    root = (1 - coherence**2).sqrt()
    real = coherence * first + root * normal[2] * 0.5**0.5
    imaginary = root * normal[3] * 0.5**0.5
    length = (real**2 + imaginary**2).sqrt()
    seen = length / (length**2 + (root * second) ** 2).sqrt()
    return -torch.atan2(imaginary, real), seen.clamp(0, 1)


def _gamma_root(shape: Tensor, normal: Tensor) -> Tensor:
    """Root of a gamma variable of some shape and scale 1."""
    return (shape * (1 - 1 / (9 * shape) + normal / (3 * shape.sqrt())).clamp_min(0) ** 3).sqrt()


@lru_cache(maxsize=8)
def _amplitude(side: int, spacing_km: float, outer_km: float, slope: float) -> NDArray[np.float32]:
    """Root of the delay's power on the half plane of a real transform, whose first column is its own mirror image."""
    power = spectrum(side, spacing_km, outer_km=outer_km, slope=slope)
    power[:, 0] *= 2
    return np.asarray(np.sqrt(power), dtype=np.float32)


@lru_cache(maxsize=32)
def _between(nodes: int, pixels: int) -> Tensor:
    """(pixels, nodes) weights of cubic interpolation along a side; two products do a square faster than torch's own."""
    rows = torch.nn.functional.interpolate(
        torch.eye(nodes)[None, None], size=(pixels, nodes), mode="bicubic", align_corners=True
    )
    return rows[0, 0].contiguous()


def _standard(field: Tensor) -> Tensor:
    """Zero mean and unit standard deviation over each scene."""
    about = field - field.mean((1, 2), keepdim=True)
    length = torch.linalg.vector_norm(about, dim=(1, 2), keepdim=True)
    return torch.as_tensor(about * ((field.shape[1:].numel() - 1) ** 0.5 / length))
