"""Max-T over many voxels of the same subjects, by the very statistics of :mod:`deltaroi.stats.permuted`.

Only the largest statistic of each arrangement is needed. Where |z| of the same p is compared, most of the time would go
into tail probabilities of t, so they are taken only where the largest can be: Wallace (1959) bounds |z| from both sides
by the logarithm of t.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import BLOCK
from deltaroi.stats.permuted import Raw
from deltaroi.stats.record import Array
from deltaroi.stats.refit import comparable

_TIE = 1e-9
_SLACK = 1e-9


class VoxelStatistic(Protocol):
    """A test of one voxel that can be recomputed for many arrangements."""

    @property
    def df_between(self) -> int:
        """1 for |t|, else the numerator degrees of freedom of F."""

    def raw(self, arrangements: NDArray[np.generic]) -> Raw:
        """|t| or F of each row of arrangements, and its degrees of freedom where |z| of the same p is compared."""


@dataclass(frozen=True)
class VoxelMaxT:
    """Max-T over voxels.

    Attributes
    ----------
    observed : ndarray, shape (voxels,)
        What is compared: |t|, F, or |z| of the same p; NaN where there is no test.
    p : ndarray, shape (voxels,)
        Corrected over the voxels; NaN where there is no test.
    arrangements : int
        How many were compared, the data themselves among them.
    """

    observed: Array
    p: Array
    arrangements: int


def voxel_max_t(tests: Sequence[VoxelStatistic], arrangements: NDArray[np.generic], floor: int) -> VoxelMaxT:
    """Compare each voxel with the largest statistic of all voxels under every arrangement.

    Parameters
    ----------
    tests : sequence of VoxelStatistic
        One per voxel, all of the same kind.
    arrangements : ndarray, shape (rows, subjects)
        As for :func:`deltaroi.stats.permutation.max_t`, of exactly the subjects of the tests; the identity first.
    floor : int
        Number of distinct arrangements that can be told apart; no p is below one over it.

    Returns
    -------
    VoxelMaxT
        The single-step p of :func:`deltaroi.stats.permutation.max_t`.
    """
    rows = arrangements.shape[0]
    observed, p = np.full(len(tests), np.nan), np.full(len(tests), np.nan)
    usable, counts = np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.int64)
    for start in range(0, rows, BLOCK):
        part = np.ascontiguousarray(arrangements[start:start + BLOCK])
        here = part.shape[0]
        if here < BLOCK:  # blocks of one size, as in `permuted`: a row has the same bytes whichever come with it
            part = np.concatenate([part, np.repeat(part[:1], BLOCK - here, axis=0)])
        if start == 0:
            observed[:] = [_first(test, part) for test in tests]
            usable = np.flatnonzero(np.isfinite(observed))
            counts = np.zeros(usable.size, dtype=np.int64)
        if usable.size:
            largest = _largest([tests[int(k)] for k in usable], part)[:here]
            counts += (largest >= observed[usable][:, None] * (1 - _TIE)).sum(axis=1)
    p[usable] = np.maximum(counts / rows, 1 / floor)
    return VoxelMaxT(observed, p, rows)


def _first(test: VoxelStatistic, part: NDArray[np.generic]) -> float:
    statistic, df = test.raw(part)
    return float(comparable(statistic[:1], None if df is None else df[:1], test.df_between)[0])


def _largest(tests: Sequence[VoxelStatistic], part: NDArray[np.generic]) -> Array:
    """The largest statistic of each row of arrangements."""
    found = [test.raw(part) for test in tests]
    statistics = np.array([statistic for statistic, _ in found])
    if any(df is None for _, df in found):
        return np.asarray(statistics.max(axis=0))
    df = np.array([freedom for _, freedom in found])
    q = tests[0].df_between
    if q > 1:
        return np.asarray(comparable(statistics.ravel(), df.ravel(), q).reshape(df.shape).max(axis=0))
    return largest_z(statistics, df)


def largest_z(t: Array, df: Array) -> Array:
    """The largest |z| of the same p in each column of |t| and their degrees of freedom, both of shape (voxels, rows).

    Notes
    -----
    With u = √(df log(1 + t²/df)), u √(1 - 1/(2 df)) ≤ |z| ≤ u for df > 1/2 (Wallace 1959). So |z| is computed only
    where its upper bound reaches the largest lower bound of the column.

    References
    ----------
    Wallace, D. L. (1959). Bounds on normal approximations to Student's and the chi-square distributions. Annals of
    Mathematical Statistics 30, 1121-1130.
    """
    with np.errstate(over="ignore"):
        upper = np.sqrt(df * np.log1p(t**2 / df))
    lower = upper * np.sqrt(np.maximum(1 - 1 / (2 * df), 0.0))
    near = upper * (1 + _SLACK) >= lower.max(axis=0)
    out = np.full(t.shape, -np.inf)
    out[near] = comparable(t[near], df[near], 1)
    return np.asarray(out.max(axis=0))
