"""Set operations on drawings, and cuts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.atlas.definitions import Cut
from deltaroi.errors import DataError
from deltaroi.fill import HALF, fill_fractions
from deltaroi.grid import FloatArray, Grid

Weights = NDArray[np.float32]
Pieces = tuple[int, int, int]
_AXES = "xyz"
_WHOLE = 1e-3
_PIECES = 6
_LARGEST = 3e8


@dataclass(frozen=True, eq=False)
class ImageShape:
    """A drawing on its own grid: weights 0 to 1, cropped, with the affine of the crop."""

    weights: Weights
    affine: FloatArray

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel, mm³."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def volume_mm3(self) -> float:
        """Sum of the weights times the volume of a voxel, mm³."""
        return float(self.weights.sum(dtype=np.float64)) * self.voxel_mm3

    @property
    def fractional(self) -> bool:
        """Whether any weight lies between 0 and 1."""
        return bool(((self.weights > 0) & (self.weights < 1)).any())


def combine(op: str, parts: Sequence[ImageShape], cut: Cut | None = None, sides: Sequence[str] = ()) -> ImageShape:
    """Unite, intersect, subtract, restrict or cut drawings.

    Parameters
    ----------
    op : {"union", "intersect", "minus", "within", "cut"}
        ``minus``: the first without the others; ``within``: the first where all others are; ``cut``: the first between
        two planes.
    parts : sequence of ImageShape
        In world coordinates of one space, on any grids.
    cut : Cut, optional
        The planes.
    sides : sequence of {"L", "R", "B"}, optional
        Per part the side of the midplane that is taken of it; by default all of it.

    Returns
    -------
    ImageShape
        On the finest grid among the parts, its voxels divided where the edges of other parts' voxels lie inside them
        (a piece lies on the side of the midplane on which its voxel lies); empty (no voxel) when nothing is left.

    Raises
    ------
    DataError
        The parts' grids are too different: one is very fine, another very large.

    Notes
    -----
    Parts on other grids are brought to that grid by the share of its voxels that they fill, and masks are again masks
    after it (filled to at least one half). Weights combine as fuzzy sets: union max, intersect min, minus
    min(a, 1 - b); ``within`` keeps the first part's weights where the others are at least one half. For masks these are
    the ordinary set operations.
    """
    covered = [part for part in (parts if op == "union" else parts[:1]) if part.weights.size]
    if not covered:
        return parts[0]
    whole, pieces = _lattice([part for part in parts if part.weights.size], covered)
    lattice = _divided(whole, pieces)
    x = world_axis(whole.shape, whole.affine, 0)
    for axis, n in enumerate(pieces):  # a piece lies on the side of its voxel
        x = x.repeat(n, axis)
    first, *others = (_halved(_on(part, lattice), x, side)
                      for part, side in zip(parts, sides or ["B"] * len(parts), strict=True))
    for other in others:
        if op == "union":
            first = np.maximum(first, other)
        elif op == "intersect":
            first = np.minimum(first, other)
        elif op == "minus":
            first = np.minimum(first, 1 - other)
        elif op == "within":
            first = np.where(other >= HALF, first, 0)
    if cut is not None:
        first = np.where(between(first.shape, lattice.affine, cut), first, 0)
    return cropped(first.astype(np.float32), lattice.affine)


def _lattice(parts: Sequence[ImageShape], covered: Sequence[ImageShape]) -> tuple[Grid, Pieces]:
    """The finest grid among the parts, around what must be covered, and how its voxels are to be divided."""
    finest = min(parts, key=lambda part: part.voxel_mm3)
    pieces = _pieces(finest.affine, [part for part in parts if part is not finest])
    inverse = np.linalg.inv(finest.affine)
    corners = np.concatenate([_corners(part) for part in covered])
    index = corners @ inverse[:3, :3].T + inverse[:3, 3]
    low, high = np.floor(index.min(axis=0) + _WHOLE), np.ceil(index.max(axis=0) - _WHOLE)
    shape = high - low + 1
    if (shape * pieces).prod() > _LARGEST:
        extent = " x ".join(f"{mm:.3g}" for mm in np.ptp(corners, axis=0))
        raise DataError(f"the ROIs cannot be combined: one has voxels of {finest.voxel_mm3:.2g} mm3, and together they "
                        f"span {extent} mm", where="regions.custom",
                        hint="are the images' headers right? resample the fine one to about 1 mm")
    return Grid((int(shape[0]), int(shape[1]), int(shape[2])), shifted(finest.affine, low.astype(np.int64)), ""), pieces


def _pieces(affine: FloatArray, others: Sequence[ImageShape]) -> Pieces:
    """Into how many pieces the voxels of a grid are divided along each axis.

    Notes
    -----
    The fewest, at most :data:`_PIECES`, that are no longer than the voxels of the other parts and whose edges meet all
    of theirs: a mask whose edges halve voxels would gain half a voxel at each of them. Where no such number makes edges
    meet, there are at least two pieces; between oblique grids, whose edges meet nowhere, only the length counts.
    """
    pieces = []
    for axis in range(3):
        lines = [_lines(affine, part, axis) for part in others]
        least = min(_PIECES, max([math.ceil(1 / step - _WHOLE) for _, step in lines], default=1))
        meeting = [n for n in range(least, _PIECES + 1) if all(
            first is None or max(abs(n * x - round(n * x)) for x in (first, step)) < _WHOLE for first, step in lines)]
        pieces.append(meeting[0] if meeting else max(2, least))
    return pieces[0], pieces[1], pieces[2]


def _divided(grid: Grid, pieces: Pieces) -> Grid:
    """A grid whose voxels are pieces of those of another."""
    i, j, k = (n * size for n, size in zip(pieces, grid.shape, strict=True))
    affine = grid.affine.copy()
    affine[:3, :3] = grid.affine[:3, :3] / pieces
    affine[:3, 3] += grid.affine[:3, :3] @ ((1 / np.array(pieces) - 1) / 2)
    return Grid((i, j, k), affine, grid.space)


def _lines(affine: FloatArray, part: ImageShape, axis: int) -> tuple[float | None, float]:
    """An edge of a part's voxels along an axis of a grid, in its voxels from an edge, and the distance of the next.

    The edge is None where the axes are not parallel.
    """
    matrix = np.linalg.inv(affine) @ part.affine
    size = np.abs(matrix[:3, :3])
    own = int(size[axis].argmax())
    step = float(size[axis, own])
    oblique = np.delete(size[axis], own).max() * max(part.weights.shape) > _WHOLE
    return None if oblique else float(matrix[axis, 3] + (1 - step) / 2), step


def _corners(part: ImageShape) -> FloatArray:
    """World coordinates of the outermost voxel centres, half a voxel further out where voxels are larger."""
    ends = [(-0.5, n - 0.5) for n in part.weights.shape]
    index = np.stack(np.meshgrid(*ends, indexing="ij"), axis=-1).reshape(-1, 3)
    return np.asarray(index @ part.affine[:3, :3].T + part.affine[:3, 3], dtype=np.float64)


def _on(part: ImageShape, lattice: Grid) -> Weights:
    out = np.zeros(lattice.n_voxels, dtype=np.float32)
    flat, fill = fill_fractions(part.weights, part.affine, lattice)
    out[flat] = fill if part.fractional else fill >= HALF
    return out.reshape(lattice.shape)


def between(shape: tuple[int, ...], affine: FloatArray, cut: Cut) -> NDArray[np.bool_]:
    """Which voxel centres lie between the planes of a cut."""
    at = world_axis(shape, affine, _AXES.index(cut.axis))
    inside = np.ones(np.broadcast_shapes(at.shape, shape), dtype=bool)
    if cut.from_mm is not None:
        inside &= at >= cut.from_mm
    if cut.to_mm is not None:
        inside &= at <= cut.to_mm
    return inside


def one_side(shape: ImageShape, side: str) -> ImageShape:
    """The part of a drawing at x < 0 (``L``) or x > 0 (``R``); all of it for ``B``."""
    if side == "B":
        return shape
    return cropped(_halved(shape.weights, world_axis(shape.weights.shape, shape.affine, 0), side), shape.affine)


def _halved(weights: Weights, x: FloatArray, side: str) -> Weights:
    if side == "B":
        return weights
    return np.where(x < 0 if side == "L" else x > 0, weights, np.float32(0))


def world_axis(shape: tuple[int, ...], affine: FloatArray, axis: int) -> FloatArray:
    """World coordinate (mm) along one axis of every voxel centre, broadcastable to ``shape``."""
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    row = affine[axis]
    return np.round(row[0] * i + row[1] * j + row[2] * k + row[3], 6)


def shifted(affine: FloatArray, start: NDArray[np.integer] | list[int]) -> FloatArray:
    """The affine of a grid that begins at another voxel."""
    out = affine.copy()
    out[:3, 3] += affine[:3, :3] @ np.asarray(start, dtype=np.float64)
    return out


def cropped(weights: Weights, affine: FloatArray) -> ImageShape:
    """The smallest box with all weights above 0, and its affine."""
    start, stop = [], []
    for axis in range(3):
        used = np.flatnonzero(weights.any(axis=tuple(a for a in range(3) if a != axis)))
        start.append(int(used[0]) if len(used) else 0)
        stop.append(int(used[-1]) + 1 if len(used) else 0)
    box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
    return ImageShape(np.ascontiguousarray(weights[box]), shifted(affine, start))
