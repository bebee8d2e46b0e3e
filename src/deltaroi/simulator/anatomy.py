"""The simulated head on its grid: mean signal, tissues, dropout, and how much of each voxel a region fills."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates

from deltaroi.grid import FloatArray, Grid, IntArray

# Box around the head and offsets of the two grids, mm: neither shares a voxel centre with a 1 mm atlas.
_LOW, _HIGH = np.array([-84.0, -118.0, -76.0]), np.array([84.0, 84.0, 92.0])
_OFFSET = {False: np.array([0.37, 0.61, 0.43]), True: np.array([0.71, 1.33, 1.17])}
GREY, WHITE, FLUID = 1000.0, 880.0, 1180.0
_DROPOUT_CENTRES = ((0.0, 36.0, -24.0, 15.0), (-42.0, 8.0, -38.0, 14.0), (42.0, 8.0, -38.0, 14.0))
_FWHM_TO_SD = 1.0 / math.sqrt(8.0 * math.log(2.0))
_EDGE = 0.02
_POINT_MM = 0.4
Float32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """The part of a grid that carries signal; ``n`` voxels.

    Attributes
    ----------
    grid : Grid
        The image grid.
    flat : ndarray of int64, shape (n,)
        Positions in the order of the file (first axis fastest).
    xyz : ndarray, shape (n, 3)
        World coordinates, mm.
    mean : ndarray, shape (n,)
        Signal without dropout, arbitrary units.
    dropout : ndarray, shape (n,)
        Profile of the susceptibility dropout, 0 to 1.
    brain, white, fluid : ndarray of bool, shape (n,)
        Brain mask before dropout; deep white matter; cerebrospinal fluid.
    gradient : ndarray, shape (n, 6)
        Change of ``mean`` per mm of translation along x, y, z and per radian of rotation about x, y, z.
    """

    grid: Grid
    flat: IntArray
    xyz: FloatArray
    mean: FloatArray
    dropout: FloatArray
    brain: NDArray[np.bool_]
    white: NDArray[np.bool_]
    fluid: NDArray[np.bool_]
    gradient: FloatArray


def make_grid(resolution_mm: float, space: str, flipped: bool) -> Grid:
    """The grid of a subject; ``flipped`` stores the right side first (negative x step)."""
    first = _LOW + _OFFSET[flipped]
    shape = [int(n) + 1 for n in ((_HIGH - first) / resolution_mm).tolist()]
    affine = np.diag([resolution_mm] * 3 + [1.0])
    affine[:3, 3] = first
    if flipped:
        affine[0, 0] = -resolution_mm
        affine[0, 3] = first[0] + (shape[0] - 1) * resolution_mm
    return Grid((shape[0], shape[1], shape[2]), affine, space)


def read_templates() -> dict[str, tuple[FloatArray, FloatArray]]:
    """Grey matter, white matter and T1 (data at 1 mm, affine) of the template that comes with nilearn.

    The ICBM 2009a symmetric template; the simulated head lives in another member of that family, which for a
    simulation is near enough.
    """
    from nilearn import datasets

    loaders: dict[str, Any] = {"grey": datasets.load_mni152_gm_template, "white": datasets.load_mni152_wm_template,
                               "t1": datasets.load_mni152_template}
    images = {name: load(resolution=1) for name, load in loaders.items()}
    return {name: (image.get_fdata(), np.asarray(image.affine)) for name, image in images.items()}


def make_head(grid: Grid, templates: dict[str, tuple[FloatArray, FloatArray]]) -> Head:
    """Put the templates on a grid."""
    ijk = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1).reshape(-1, 3)
    xyz = grid.world(ijk)
    size = float(grid.voxel_sizes[0])
    maps = {name: _sample(data, affine, xyz, size) for name, (data, affine) in templates.items()}
    grey, white, brain = (np.clip(maps[name], 0.0, 1.0) for name in ("grey", "white", "t1"))
    brain = np.clip(brain / 0.25, 0.0, 1.0)
    fluid = np.clip(brain - grey - white, 0.0, 1.0)
    mean = GREY * grey + WHITE * white + FLUID * fluid
    steps = np.gradient(mean.reshape(grid.shape), *np.diag(grid.affine)[:3])
    slope = np.stack([step.ravel() for step in steps], axis=1)
    gradient = np.concatenate([slope, np.cross(xyz, slope)], axis=1)
    kept = mean > _EDGE * GREY
    order: IntArray = np.asarray(np.ravel_multi_index(tuple(ijk.T), grid.shape, order="F"), dtype=np.int64)
    chosen = np.flatnonzero(kept)
    chosen = chosen[np.argsort(order[chosen], kind="stable")]
    return Head(grid=grid, flat=order[chosen], xyz=xyz[chosen], mean=mean[chosen],
                dropout=_dropout(xyz[chosen]), brain=brain[chosen] >= 0.5, white=white[chosen] > 0.9,
                fluid=fluid[chosen] > 0.7, gradient=gradient[chosen])


def _sample(data: FloatArray, affine: FloatArray, xyz: FloatArray, size_mm: float) -> FloatArray:
    """A 1 mm image at world points, averaged over about one voxel of the new grid."""
    smooth = gaussian_filter(data.astype(np.float32), 0.8 * size_mm * _FWHM_TO_SD, truncate=2.0)
    inverse = np.linalg.inv(affine)
    points = xyz @ inverse[:3, :3].T + inverse[:3, 3]
    return map_coordinates(smooth, points.T, order=1, mode="constant", cval=0.0).astype(np.float64)


def _dropout(xyz: FloatArray) -> FloatArray:
    """1 above the orbitofrontal and anterior temporal base, falling off as a Gaussian."""
    profiles = [np.exp(-0.5 * ((xyz - centre[:3]) ** 2).sum(axis=1) / centre[3] ** 2) for centre in
                np.array(_DROPOUT_CENTRES)]
    return np.maximum.reduce(profiles)


def region_fill(head: Head, weights: Float32, affine: FloatArray) -> tuple[IntArray, FloatArray]:
    """How much of each voxel a region of a finer image fills.

    Parameters
    ----------
    head : Head
        The target grid.
    weights : ndarray, shape (i, j, k)
        The region, 0 to 1, on its own grid.
    affine : ndarray, shape (4, 4)
        Voxel index of ``weights`` to world coordinates, mm.

    Returns
    -------
    index : ndarray of int64, shape (m,)
        Voxels of the head that the region touches.
    fill : ndarray, shape (m,)
        Mean weight over a lattice of points at most 0.4 mm apart (12 per edge at the most) inside the voxel, above 0.
    """
    corners = np.stack(np.nonzero(weights > 0), axis=1)
    if not len(corners):
        return np.zeros(0, np.int64), np.zeros(0)
    world = corners @ affine[:3, :3].T + affine[:3, 3]
    margin = head.grid.voxel_sizes.max()
    near = np.all((head.xyz >= world.min(axis=0) - margin) & (head.xyz <= world.max(axis=0) + margin), axis=1)
    index = np.flatnonzero(near)
    points = int(np.clip(np.ceil(head.grid.voxel_sizes.max() / _POINT_MM), 5, 12))
    place = (np.arange(points) + 0.5) / points - 0.5
    lattice = np.stack(np.meshgrid(place, place, indexing="ij"), axis=-1).reshape(-1, 2)
    inverse = np.linalg.inv(affine)
    total = np.zeros(len(index))
    for first in place:
        offset = np.column_stack([np.full(len(lattice), first), lattice]) @ head.grid.affine[:3, :3].T
        xyz = (head.xyz[index][:, None, :] + offset).reshape(-1, 3)
        ijk = np.rint(xyz @ inverse[:3, :3].T + inverse[:3, 3]).astype(np.int64)
        inside = np.all((ijk >= 0) & (ijk < weights.shape), axis=1)
        values = np.zeros(len(ijk))
        values[inside] = weights[tuple(ijk[inside].T)]
        total += values.reshape(len(index), -1).sum(axis=1)
    fill = total / points**3
    touched = fill > 0
    return index[touched], fill[touched]
