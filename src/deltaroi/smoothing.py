"""Gaussian smoothing of chosen voxels only, equal to smoothing the whole image.

The Gaussian is separable, so one wanted voxel needs a line of the pass before, which needs a plane of the one before
that, which needs a box of the image. Each pass is one sparse matrix from the voxels it reads to the voxels it makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid, IntArray

FWHM_PER_SIGMA = float(np.sqrt(8 * np.log(2)))
TRUNCATE_SIGMAS = 4.0


@dataclass(frozen=True, eq=False)
class SmoothingPlan:
    """How smoothed values of some voxels follow from unsmoothed values of more voxels.

    Attributes
    ----------
    flat : ndarray of int64, shape (n,)
        Voxels whose smoothed value is wanted: flat C-order positions, in the caller's order.
    gather : ndarray of int64, shape (n_gather,)
        Voxels whose unsmoothed value is needed, sorted, each once; they hold all of ``flat``.
    wanted : ndarray of int64, shape (n,)
        Where ``flat`` stands in ``gather``.
    passes : tuple of sparse arrays
        One matrix per axis that is smoothed; none when the width is 0.
    fwhm_mm : float
        Full width at half maximum, mm.
    """

    flat: IntArray
    gather: IntArray
    wanted: IntArray
    passes: tuple[sparse.csr_array, ...]
    fwhm_mm: float

    def apply(self, data: NDArray[np.floating]) -> FloatArray:
        """Smooth volumes.

        Parameters
        ----------
        data : ndarray, shape (n_volumes, n_gather)
            Unsmoothed values at ``gather``. NaN and infinity count as 0 when there is something to smooth, as in
            nilearn; at width 0 they stay.

        Returns
        -------
        ndarray, shape (n_volumes, n)
            Smoothed values at ``flat``.
        """
        if data.ndim != 2 or data.shape[1] != len(self.gather):
            raise ValueError(f"need values of shape (n_volumes, {len(self.gather)}), found {data.shape}")
        return np.ascontiguousarray(self.apply_by_voxel(np.array(data.T, dtype=np.float64, order="C")).T)

    def apply_by_voxel(self, values: FloatArray, finite: bool = False) -> FloatArray:
        """As :meth:`apply`, from shape (n_gather, n_volumes) to (n, n_volumes); ``finite``: all are known to be."""
        if not self.passes:
            return values[self.wanted]
        if not finite and not (known := np.isfinite(values)).all():
            values = np.where(known, values, 0.0)
        for matrix in self.passes:
            values = matrix @ values
        return values

    def reading(self, columns: IntArray, width: int) -> SmoothingPlan:
        """The same plan for voxels that stand among others: ``gather[i]`` is row ``columns[i]`` of ``width`` rows."""
        passes = self.passes
        if passes:
            first = passes[0]
            moved = sparse.csr_array((first.data, columns[first.indices], first.indptr), shape=(first.shape[0], width))
            passes = (moved, *passes[1:])
        return SmoothingPlan(self.flat, columns, columns[self.wanted], passes, self.fwhm_mm)


def smoothing_plan(grid: Grid, flat: NDArray[np.integer], fwhm_mm: float) -> SmoothingPlan:
    """Plan the smoothing of some voxels of a grid.

    Parameters
    ----------
    grid : Grid
        The image's grid; the width counts along the voxel axes with the affine's voxel sizes, also when oblique.
    flat : ndarray of int, shape (n,)
        Wanted voxels, flat C-order positions; any order, each at most once.
    fwhm_mm : float
        Full width at half maximum of the kernel, mm; 0 leaves the values as they are.

    Returns
    -------
    SmoothingPlan

    Raises
    ------
    DataError
        A position outside the grid or twice, or a width that is not a number of at least 0.

    Notes
    -----
    Along each axis σ = FWHM ÷ (√(8 ln 2) · voxel size), the kernel ends at 4 σ (rounded to whole voxels) and has sum 1,
    and the image is mirrored at its edges (the edge voxel is repeated): what :func:`nilearn.image.smooth_img` does
    through :func:`scipy.ndimage.gaussian_filter1d`. Here every pass is in float64, while nilearn keeps images of
    float32 and of unscaled integers in float32 between passes. The last few plans of a process are kept, because the
    runs of a study share them; their arrays are read-only.
    """
    wanted = np.asarray(flat, dtype=np.int64)
    if wanted.size and (wanted.min() < 0 or wanted.max() >= grid.n_voxels):
        raise DataError(f"a voxel lies outside the grid of {grid.shape}", where="smoothing")
    if len(np.unique(wanted)) != len(wanted):
        raise DataError("a voxel is asked for twice", where="smoothing")
    if not (np.isfinite(fwhm_mm) and fwhm_mm >= 0):
        raise DataError(f"the smoothing width is {fwhm_mm} mm", where="smoothing", hint="0 or more, in mm")
    return _plan(grid.shape, tuple(float(size) for size in grid.voxel_sizes), wanted.tobytes(), float(fwhm_mm))


@lru_cache(maxsize=4)
def _plan(shape: tuple[int, int, int], voxel_sizes: tuple[float, ...], flat: bytes, fwhm_mm: float) -> SmoothingPlan:
    wanted = np.frombuffer(flat, dtype=np.int64)
    passes: list[sparse.csr_array] = []
    needed = wanted
    for axis in (2, 1, 0) if fwhm_mm > 0 else ():
        matrix, needed = _pass(shape, needed, axis, kernel(fwhm_mm / voxel_sizes[axis]))
        passes.insert(0, matrix)
    gather = np.unique(needed)
    places = np.searchsorted(gather, wanted)
    for array in (gather, places, *(part for one in passes for part in (one.data, one.indices, one.indptr))):
        array.flags.writeable = False
    return SmoothingPlan(wanted, gather, places, tuple(passes), fwhm_mm)


def kernel(fwhm_voxels: float) -> FloatArray:
    """Gaussian weights, shape (2 r + 1,), with sum 1, for a width given in voxels."""
    sigma = fwhm_voxels / FWHM_PER_SIGMA
    radius = int(TRUNCATE_SIGMAS * sigma + 0.5)
    if radius == 0:
        return np.ones(1)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 / (sigma * sigma) * offsets**2)
    return np.asarray(weights / weights.sum(), dtype=np.float64)


def _pass(shape: tuple[int, int, int], made: IntArray, axis: int,
          weights: FloatArray) -> tuple[sparse.csr_array, IntArray]:
    """The matrix of one pass, from the voxels it reads (sorted) to the voxels it makes; and the voxels it reads."""
    radius = len(weights) // 2
    length = shape[axis]
    stride = int(np.prod(shape[axis + 1:]))
    here = made // stride % length
    lines = _mirror(here[:, None] + np.arange(-radius, radius + 1), length)
    read_at = made[:, None] + (lines - here[:, None]) * stride
    read, column = np.unique(read_at, return_inverse=True)
    row = np.repeat(np.arange(len(made)), len(weights))
    entries = (np.tile(weights, len(made)), (row, column.ravel()))
    return sparse.csr_array(sparse.coo_array(entries, shape=(len(made), len(read)))), read


def _mirror(index: IntArray, length: int) -> IntArray:
    """Positions beyond the ends of a line, folded back with the end voxel repeated: ``d c b a | a b c d | d c b a``."""
    folded = index % (2 * length)
    return np.where(folded < length, folded, 2 * length - 1 - folded)
