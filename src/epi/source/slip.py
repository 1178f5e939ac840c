"""Uneven slip: a rectangle cut into cells, a taper toward its edges and a random field over it.

That slip scatters like a correlated random field is what recorded earthquakes show: Mai and Beroza (2002), J. Geophys.
Res. 107(B11).
"""

from math import pi

import torch
from torch import Tensor


def centres(along: int, down: int) -> tuple[Tensor, Tensor]:
    """Places of the cells along strike and down dip, each (cells,), as fractions of the sides from the centre."""
    u, v = ((torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5 for count in (along, down))
    first, second = torch.meshgrid(u, v, indexing="ij")
    return first.reshape(-1), second.reshape(-1)


def cells(geometry: Tensor, along: int, down: int) -> Tensor:
    """Cut rectangles into cells.

    Parameters
    ----------
    geometry : (faults, 7), columns `epi.source.okada.GEOMETRY`.
    along, down : cells along strike and down dip.

    Returns
    -------
    (faults, along x down, 7), the same columns.
    """
    u, v = centres(along, down)
    east, north, depth, strike, dip, length, width = (column[:, None] for column in geometry.unbind(1))
    s, d = torch.deg2rad(strike), torch.deg2rad(dip)
    across, forward = v * width * d.cos(), u * length
    columns = [
        east + forward * s.sin() + across * s.cos(),
        north + forward * s.cos() - across * s.sin(),
        depth + v * width * d.sin(),
        strike,
        dip,
        length / along,
        width / down,
    ]
    whole = east.shape[0], along * down
    return torch.stack([column.expand(whole) for column in columns], dim=2)


def taper(along: int, down: int) -> Tensor:
    """(cells,) slip that falls to nothing at the edges of the rectangle; its mean is 1."""
    u, v = centres(along, down)
    slip = (torch.cos(pi * u) * torch.cos(pi * v)).sqrt()
    return slip / slip.mean()


def field_root(along: int, down: int, *, reach: float) -> Tensor:
    """(cells, cells) lower root of the covariance of a field of unit variance, exponentially correlated on both sides.

    Parameters
    ----------
    along, down : cells along strike and down dip.
    reach : correlation length, as a fraction of the side.
    """
    apart = [(place[:, None] - place).abs() for place in centres(along, down)]
    correlation = torch.exp(-(apart[0] + apart[1]) / reach)
    rounding = 1e-9 * torch.eye(len(correlation), dtype=torch.float64)  # positive definite also for many cells
    root: Tensor = torch.linalg.cholesky(correlation + rounding)
    return root
