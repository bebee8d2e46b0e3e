"""Spheres on a grid."""

from __future__ import annotations

import math

import numpy as np

from deltaroi.atlas import SphereShape
from deltaroi.errors import StudyError
from deltaroi.fill import Filled, box_voxels, keep_volume, subvoxel_points
from deltaroi.grid import FloatArray, Grid

_POINTS = 10
_TOUCH_MM = 1e-6


def sphere_volume(shape: SphereShape) -> float:
    """Volume of one sphere or the union of two, mm³.

    Notes
    -----
    4/3 π r³ per sphere; two spheres at distance d < 2 r share π (4 r + d) (2 r - d)² / 12.
    """
    r = shape.radius_mm
    one = 4 / 3 * math.pi * r**3
    if len(shape.centres) == 1:
        return one
    if len(shape.centres) > 2:
        raise StudyError("an ROI is made of at most two spheres", where="regions")
    d = min(math.dist(*shape.centres), 2 * r)
    return 2 * one - math.pi * (4 * r + d) * (2 * r - d) ** 2 / 12


def sphere_voxels(shape: SphereShape, grid: Grid) -> Filled:
    """The voxels whose centre lies within the radius, each with weight 1.

    This is what SPM, FSL and nilearn's ``NiftiSpheresMasker`` take a sphere to be.
    """
    ijk = _near(shape, grid, 0.0)
    chosen = ijk[_inside(grid.world(ijk), shape)]
    flat = np.unique(grid.ravel(chosen))
    return flat, np.ones(flat.size)


def sphere_fill(shape: SphereShape, grid: Grid) -> Filled:
    """The share of every voxel that the sphere fills, scaled to its volume when it lies inside the grid."""
    ijk = np.unique(_near(shape, grid, 1.0), axis=0)
    offsets = subvoxel_points(_POINTS) @ grid.affine[:3, :3].T
    fill = np.array([_inside(point + offsets, shape).mean() for point in grid.world(ijk)])
    touched = fill > 0
    ijk, fill = ijk[touched], fill[touched]
    low, high = _box(shape, grid)
    if np.all(low >= -0.5) and np.all(high <= np.asarray(grid.shape) - 0.5):
        fill = keep_volume(fill, sphere_volume(shape) / grid.voxel_volume_mm3)
    flat = grid.ravel(ijk)
    order = np.argsort(flat)
    return flat[order], fill[order]


def _inside(points: FloatArray, shape: SphereShape) -> np.ndarray:
    inside = np.zeros(len(points), dtype=bool)
    for centre in shape.centres:
        inside |= ((points - np.asarray(centre)) ** 2).sum(axis=1) <= (shape.radius_mm + _TOUCH_MM) ** 2
    return inside


def _half(shape: SphereShape, grid: Grid) -> FloatArray:
    """Half extent of one sphere along each voxel axis, in voxels."""
    return shape.radius_mm * np.linalg.norm(np.linalg.inv(grid.affine)[:3, :3], axis=1)


def _box(shape: SphereShape, grid: Grid) -> tuple[FloatArray, FloatArray]:
    centres = grid.index(np.asarray(shape.centres, dtype=np.float64))
    half = _half(shape, grid)
    return centres.min(axis=0) - half, centres.max(axis=0) + half


def _near(shape: SphereShape, grid: Grid, margin: float) -> np.ndarray:
    """Voxel indices around the spheres, in no special order and possibly twice."""
    half = _half(shape, grid) + margin
    centres = grid.index(np.asarray(shape.centres, dtype=np.float64))
    return np.concatenate([box_voxels(centre - half, centre + half, grid) for centre in centres])
