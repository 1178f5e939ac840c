"""Rectangular faults through cutde's triangles: the independent implementation that tests and benches compare with."""

import numpy as np
from cutde import halfspace


def triangles(geometry):
    """Two triangles (faults, 2, 3 corners, 3) and the axes (faults, 3: along strike, up dip, normal; 3 ENU)."""
    east, north, depth, strike, dip, length, width = np.asarray(geometry, dtype=np.float64).T
    strike, dip, zero = np.deg2rad(strike), np.deg2rad(dip), np.zeros_like(dip)
    along = np.stack([np.sin(strike), np.cos(strike), zero], axis=-1)
    up_dip = np.stack([-np.cos(strike) * np.cos(dip), np.sin(strike) * np.cos(dip), np.sin(dip)], axis=-1)
    centre = np.stack([east, north, -depth], axis=-1)
    half_length, half_width = along * length[:, None] / 2, up_dip * width[:, None] / 2
    a, b = centre - half_length - half_width, centre + half_length - half_width
    c, d = centre + half_length + half_width, centre - half_length + half_width
    corners = np.stack([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)], axis=1)
    corners[..., 2] = np.minimum(corners[..., 2], 0)
    return corners, np.stack([along, up_dip, np.cross(along, up_dip)], axis=1)


def greens(east, north, geometry, poisson=0.25):
    """The field of `epi.source.okada.greens`, (faults, points, 3, 3)."""
    corners, axes = triangles(geometry)
    points = np.stack([east, north, np.zeros_like(east)], axis=-1)
    field = halfspace.disp_matrix(points, corners.reshape(-1, 3, 3), poisson).reshape(len(points), 3, -1, 2, 3)
    normal = np.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    strike = np.stack([-normal[..., 1], normal[..., 0], np.zeros_like(normal[..., 0])], axis=-1)
    level = np.linalg.norm(strike, axis=-1, keepdims=True)
    strike = np.where(level < 1e-12, [0.0, 1.0, 0.0], strike / np.maximum(level, 1e-300))  # cutde's rule for dip 0
    frame = np.stack([strike, np.cross(normal, strike), normal], axis=-2)
    turn = np.einsum("fski,fji->fskj", frame, axes)
    return np.einsum("nifsk,fskj->fnij", field, turn)
