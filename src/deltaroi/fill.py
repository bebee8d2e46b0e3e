"""How much of each voxel of a grid an ROI fills.

Between grids whose axes are parallel (flipped, permuted, anisotropic or not; a header's rounding noise aside) the
overlap of voxels is a product of overlaps per axis and exact. Between oblique grids each border voxel is sampled, and
the border is scaled so that the volume is kept.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from deltaroi.grid import FloatArray, Grid, IntArray

Weights = NDArray[np.float32]
Filled = tuple[IntArray, FloatArray]
HALF = 0.5 - 1e-6
"""From this fill on a voxel counts as filled to one half: an exact half counts, whatever rounding (of float32 weights,
of headers) leaves of it."""
_DUST = 1e-6
_NICE = 24
_NICE_TOLERANCE = 1e-3
_CHUNK = 4096


def fill_fractions(weights: Weights, affine: FloatArray, grid: Grid) -> Filled:
    """The share of every voxel of a grid that an ROI fills.

    Parameters
    ----------
    weights : ndarray, shape (i, j, k)
        The ROI on its own grid, 0 to 1.
    affine : ndarray, shape (4, 4)
        Voxel index of ``weights`` to world coordinates, mm.
    grid : Grid
        The target.

    Returns
    -------
    flat : ndarray of int64, shape (n,)
        Sorted positions of the voxels that the ROI touches.
    fill : ndarray of float64, shape (n,)
        Volume of the ROI inside the voxel ÷ volume of the voxel.

    Notes
    -----
    Σ fill · voxel volume = Σ weights · source voxel volume where the whole ROI lies inside the grid.
    """
    if 0 in weights.shape:
        return np.zeros(0, np.int64), np.zeros(0)
    matrix = _snapped(np.linalg.inv(grid.affine) @ affine, weights.shape)
    size = np.abs(matrix[:3, :3])
    aligned = (size > 1e-9 * size.max()).sum(axis=0).max() == 1
    return _parallel(weights, matrix, grid) if aligned else _oblique(weights, affine, matrix, grid)


def dice(a: IntArray, b: IntArray) -> float:
    """Dice coefficient of two sets of voxels, each listed once; NaN when either is empty."""
    if not len(a) or not len(b):
        return float("nan")
    return 2 * len(np.intersect1d(a, b, assume_unique=True)) / (len(a) + len(b))


def dice_weighted(a: Filled, b: Filled) -> float:
    """Dice coefficient of fills: twice the shared fill over all fill; NaN when either is empty.

    Parameters
    ----------
    a, b : tuple of (positions, fills)
        Each position once; fills 0 to 1.
    """
    total = float(a[1].sum() + b[1].sum())
    if not len(a[0]) or not len(b[0]) or total == 0:
        return float("nan")
    _, i, j = np.intersect1d(a[0], b[0], assume_unique=True, return_indices=True)
    return 2 * float(np.minimum(a[1][i], b[1][j]).sum()) / total


def keep_volume(fill: FloatArray, voxels: float) -> FloatArray:
    """Scale the partly filled voxels so that all fills add up to ``voxels``; no fill leaves 0..1."""
    fill = fill.copy()
    for _ in range(20):
        gap = voxels - fill.sum()
        border = (fill > 0) & (fill < 1)
        if abs(gap) <= 1e-12 * voxels or not border.any():
            break
        fill[border] = np.clip(fill[border] * (1 + gap / fill[border].sum()), 0, 1)
    return fill


def subvoxel_points(n: int) -> FloatArray:
    """Offsets, in voxels, of ``n`` ** 3 points spread evenly over a voxel; shape (n³, 3)."""
    step = (np.arange(n) + 0.5) / n - 0.5
    return np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)


def _scattered_points(count: int) -> FloatArray:
    """Offsets, in voxels, of points that fill a voxel evenly without lying in planes; shape (count, 3).

    Notes
    -----
    The additive recurrence with the powers of 1 / g, g⁴ = g + 1: a regular lattice would put whole planes of points on
    the one or the other side of a voxel face.
    """
    g = 1.2207440846057596
    return (0.5 + np.arange(1, count + 1)[:, None] * g ** -np.arange(1.0, 4.0)) % 1 - 0.5


def box_voxels(low: FloatArray, high: FloatArray, grid: Grid) -> IntArray:
    """Voxel indices, shape (n, 3), of the grid inside a box of fractional indices."""
    first = np.maximum(np.floor(low + 0.5), 0).astype(np.int64)
    last = np.minimum(np.ceil(high - 0.5), np.asarray(grid.shape) - 1).astype(np.int64)
    axes = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _snapped(matrix: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """The matrix without the rounding noise of float32 headers: simple fractions or parallel axes where meant."""
    straight = matrix.copy()
    size = np.abs(matrix[:3, :3])
    straight[:3, :3][size < size.max(axis=0)] = 0
    for meant in (np.round(matrix * _NICE) / _NICE, straight):
        moved = np.abs(_corners(shape) @ (meant - matrix)[:3, :3].T + (meant - matrix)[:3, 3])
        if moved.max() < _NICE_TOLERANCE and np.linalg.det(meant[:3, :3]) != 0:
            return meant
    return matrix


def _corners(shape: tuple[int, ...]) -> FloatArray:
    """The eight outer corners of a block of voxels, in its own fractional indices."""
    ends = [(-0.5, n - 0.5) for n in shape]
    return np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)


def _parallel(weights: Weights, matrix: FloatArray, grid: Grid) -> Filled:
    source_axis = np.abs(matrix[:3, :3]).argmax(axis=1)
    block: FloatArray = weights.transpose(source_axis).astype(np.float64)
    start = []
    for target in range(3):
        overlap, first = _overlap(block.shape[target], matrix[target, source_axis[target]], matrix[target, 3],
                                  grid.shape[target])
        block = np.moveaxis(np.tensordot(overlap, block, axes=(1, target)), 0, target)
        start.append(first)
    block = np.round(block, 12)
    ijk = np.stack(np.nonzero(block > _DUST), axis=1)
    return grid.ravel(ijk + np.asarray(start, dtype=np.int64)), block[tuple(ijk.T)]


def _overlap(n_source: int, scale: float, offset: float, n_target: int) -> tuple[FloatArray, int]:
    """Share of each target voxel that each source voxel covers along one axis, and the first target voxel.

    Returns
    -------
    overlap : ndarray, shape (touched target voxels, n_source)
    first : int
    """
    ends = scale * (np.arange(n_source)[:, None] + [-0.5, 0.5]) + offset
    low, high = ends.min(axis=1), ends.max(axis=1)
    first = max(0, math.floor(low.min() + 0.5))
    last = min(n_target - 1, math.ceil(high.max() - 0.5))
    target = np.arange(first, last + 1)[:, None]
    return np.clip(np.minimum(high, target + 0.5) - np.maximum(low, target - 0.5), 0, None), first


def _oblique(weights: Weights, affine: FloatArray, matrix: FloatArray, grid: Grid) -> Filled:
    corners = _corners(weights.shape) @ matrix[:3, :3].T + matrix[:3, 3]
    ijk = box_voxels(corners.min(axis=0), corners.max(axis=0), grid)
    source_size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    diagonals = float(np.linalg.norm(grid.voxel_sizes) + np.linalg.norm(source_size))
    reach = np.ceil(0.5 * diagonals / source_size).astype(np.int64) + 1
    n = int(np.clip(np.ceil(2.5 * grid.voxel_sizes.max() / source_size.min()), 6, 10))
    back: FloatArray = np.linalg.inv(matrix).astype(np.float64)
    fill = _sampled(weights, back, ijk, reach, n)
    touched = fill > _DUST
    ijk, fill = ijk[touched], fill[touched]
    inside = np.all(corners >= -0.5) and np.all(corners <= np.asarray(grid.shape) - 0.5)
    if inside:
        source_volume = float(abs(np.linalg.det(affine[:3, :3])))
        fill = keep_volume(fill, float(weights.sum(dtype=np.float64)) * source_volume / grid.voxel_volume_mm3)
    return grid.ravel(ijk), fill


def _sampled(weights: Weights, back: FloatArray, ijk: IntArray, reach: IntArray, n: int) -> FloatArray:
    """Mean of the source at ``n`` ** 3 points of each target voxel; away from any border one is enough."""
    pad = [(int(2 * r) + 1,) * 2 for r in reach]
    padded = np.pad(weights, pad)
    shift = np.asarray([p[0] for p in pad], dtype=np.float64)
    window = tuple(int(2 * r + 1) for r in reach)
    highest, lowest = maximum_filter(padded, window), minimum_filter(padded, window)
    centre = ijk @ back[:3, :3].T + back[:3, 3] + shift
    nearest = tuple(np.clip(np.rint(centre), 0, np.asarray(padded.shape) - 1).astype(np.int64).T)
    fill = lowest[nearest].astype(np.float64)
    border = np.flatnonzero(highest[nearest] > lowest[nearest])
    points = _scattered_points(n**3) @ back[:3, :3].T
    limit = np.asarray(padded.shape) - 1
    for begin in range(0, border.size, _CHUNK):
        part = border[begin:begin + _CHUNK]
        places = np.rint(centre[part, None, :] + points).astype(np.int64)
        inside = ((places >= 0) & (places <= limit)).all(axis=2)
        places = np.clip(places, 0, limit)
        values = padded[places[..., 0], places[..., 1], places[..., 2]]
        fill[part] = np.where(inside, values, 0).mean(axis=1, dtype=np.float64)
    return fill
