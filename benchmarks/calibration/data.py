"""The simulated values of one draw of a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchmarks.calibration.cells import RHO, ROI_CORRELATION, Cell
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Data:
    """One draw.

    Attributes
    ----------
    cell : Cell
    draw : int
    group : ndarray, shape (n,)
        0 for the first group.
    values : ndarray, shape (rois, n, sessions)
        NaN where missing.
    """

    cell: Cell
    draw: int
    group: NDArray[np.int64]
    values: FloatArray

    @property
    def seed(self) -> int:
        """Of the permutations of this draw."""
        return self.cell.seed * 100_000 + self.draw

    @property
    def first(self) -> FloatArray:
        """Shape (rois, n)."""
        return self.values[:, :, 0]

    @property
    def last(self) -> FloatArray:
        """Shape (rois, n)."""
        return self.values[:, :, -1]


def simulate(cell: Cell, draw: int) -> Data:
    """Normal values: sessions correlate by RHO, ROIs by ROI_CORRELATION, both as one common part each."""
    rng = np.random.default_rng([cell.seed, draw])
    group = np.repeat(np.arange(len(cell.n)), cell.n)
    person = _over_rois(rng, cell.rois, (group.size, 1))
    own = _over_rois(rng, cell.rois, (group.size, cell.sessions))
    values = np.array(cell.sd)[group, None] * (np.sqrt(RHO) * person + np.sqrt(1 - RHO) * own)
    values[:, group == 0, :] += cell.gap
    values[:cell.affected, group == 0, -1] += cell.effect
    if cell.lost:
        values[:, rng.random(values.shape[1:]) < cell.lost] = np.nan
    return Data(cell, draw, group, values)


def _over_rois(rng: np.random.Generator, rois: int, shape: tuple[int, int]) -> FloatArray:
    common, own = rng.standard_normal(shape), rng.standard_normal((rois, *shape))
    return own if rois == 1 else np.sqrt(ROI_CORRELATION) * common + np.sqrt(1 - ROI_CORRELATION) * own
