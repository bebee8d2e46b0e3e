"""Mixed analysis of variance: groups between subjects, any number of crossed factors within them; type III.

A term of the factors within subjects is a set of orthonormal combinations of a subject's cells. Its test, over groups
(are the combinations zero in the mean of the groups) or between them (do groups differ in them), needs these alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from deltaroi.stats.permutation import IntArray
from deltaroi.stats.permuted import in_blocks
from deltaroi.stats.record import NAN, TINY, Array, Test, f_test
from deltaroi.stats.refit import divided


@dataclass(frozen=True)
class Anova:
    """One term.

    Attributes
    ----------
    test : Test
        F with p corrected by Greenhouse and Geisser; the degrees of freedom are those before the correction.
    epsilon : float
        Greenhouse and Geisser's ε; 1 for a term of one degree of freedom, NaN where nothing varies.
    p_sphericity : float
        p before the correction.
    """

    test: Test
    epsilon: float = NAN
    p_sphericity: float = NAN


def combinations(sizes: Sequence[int], term: Sequence[int]) -> Array:
    """Orthonormal combinations of the cells that make up a term, shape (cells, q).

    Parameters
    ----------
    sizes : sequence of int
        Levels of each factor; cells are in C order, the last factor running fastest.
    term : sequence of int
        Positions of its factors; none is the mean over all cells.
    """
    out: Array = np.ones((1, 1))
    for k, size in enumerate(sizes):
        part: Array = _helmert(size) if k in term else np.full((size, 1), size**-0.5)
        out = np.asarray(np.kron(out, part), dtype=np.float64)
    return out


def difference(sizes: Sequence[int], term: Sequence[int], reversed_: Sequence[int] = ()) -> Array:
    """Weights of the cells, shape (cells,), whose sum is a term of factors of two levels in the unit of the values.

    The first level minus the second, the last minus the first for factors in ``reversed_``; the difference of these
    differences for interactions; means over the levels of all other factors.
    """
    out = np.ones(1)
    for k, size in enumerate(sizes):
        if k not in term:
            out = np.kron(out, np.full(size, 1 / size))
        elif size == 2:
            out = np.kron(out, np.array([-1.0, 1.0] if k in reversed_ else [1.0, -1.0]))
        else:
            raise ValueError(f"factor {k} has {size} levels, not two")
    return out


def _helmert(size: int) -> Array:
    """Orthonormal contrasts of ``size`` levels, shape (size, size - 1)."""
    out = np.zeros((size, size - 1))
    for k in range(size - 1):
        out[: k + 1, k] = 1
        out[k + 1, k] = -(k + 1)
    return np.asarray(out / np.sqrt((out**2).sum(axis=0)))


def anova(values: Array, group: IntArray, n_groups: int, *, between: bool) -> Anova:
    """Test one term.

    Parameters
    ----------
    values : ndarray, shape (n, q)
        The subjects' combinations (cells @ :func:`combinations`).
    group : ndarray, shape (n,)
        Group of each subject, 0 to ``n_groups`` - 1.
    n_groups : int
        Groups of the design.
    between : bool
        Whether groups are compared; else the unweighted mean over groups is tested against zero.

    Notes
    -----
    R: ``afex::aov_ez`` with ``type = 3``, ``correction = "GG"``. ε is (tr S)² / (q tr S²), S being the residual sums of
    squares and products within groups (Greenhouse and Geisser 1959).
    """
    n, q = values.shape
    counts = np.bincount(group, minlength=n_groups)
    df1, df2 = q * (n_groups - 1 if between else 1), q * (n - n_groups)
    if counts.min() < 1 or n <= n_groups:
        listed = ", ".join(str(int(count)) for count in counts)
        what = f"there are {listed} subjects with every cell" if n_groups > 1 else \
            f"{'1 subject has' if n == 1 else f'{n} subjects have'} every cell"
        return Anova(f_test(NAN, df1, NAN, what))
    means, within = _sums(values[None], group, n_groups)
    explained = float(_explained(means, counts, between=between)[0])
    rest = values - means[0][group]
    error = float(within[0])
    if not error > (TINY * float(np.abs(values).max())) ** 2 * n:
        return Anova(f_test(NAN, df1, df2, "the values do not vary within groups, so there is no error"))
    products = rest.T @ rest
    epsilon = float(np.trace(products) ** 2 / (q * (products**2).sum()))
    plain = f_test(explained / df1 / (error / df2), df1, df2)
    p = float(stats.f.sf(plain.statistic, epsilon * df1, epsilon * df2))
    return Anova(Test(df=df2, statistic=plain.statistic, kind="F", p=p, df_between=df1), epsilon, plain.p)


def _sums(values: Array, group: IntArray, n_groups: int) -> tuple[Array, Array]:
    """Group means, shape (rows, groups, q), and the sum of squares within groups, shape (rows,)."""
    member = (group[:, None] == np.arange(n_groups)).astype(np.float64)
    means = np.einsum("ng,rnq->rgq", member, values, optimize=True) / member.sum(axis=0)[:, None]
    within = np.zeros(values.shape[0])
    for k in range(n_groups):
        within += ((values[:, group == k] - means[:, k][:, None]) ** 2).sum(axis=(1, 2))
    return means, within


def _explained(means: Array, counts: NDArray[np.integer], *, between: bool) -> Array:
    """Sum of squares of the hypothesis, shape (rows,): that means are equal, or zero in their unweighted mean."""
    if between:
        grand = (means * counts[:, None]).sum(axis=1, keepdims=True) / counts.sum()
        return np.asarray((counts[:, None] * (means - grand) ** 2).sum(axis=(1, 2)))
    k = counts.size
    return np.asarray((means.mean(axis=1) ** 2).sum(axis=1) * k**2 / (1 / counts).sum())


@dataclass(frozen=True, eq=False)
class AnovaF:
    """F of one term, for :mod:`deltaroi.stats.permutation`: what the null hypothesis leaves is rearranged.

    Whole integers deal the subjects to other groups (for ``between`` alone); floats flip all combinations of a subject.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions among the subjects of the design.
    values : ndarray, shape (n, q)
    group : ndarray, shape (n,)
    n_groups : int
    between : bool
        As in :func:`anova`.
    """

    subjects: IntArray
    values: Array
    group: IntArray
    n_groups: int
    between: bool

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """F for each row of arrangements, shape (rows, n)."""
        if not np.isfinite(anova(self.values, self.group, self.n_groups, between=self.between).test.statistic):
            return np.full(arrangements.shape[0], np.nan)
        return in_blocks(arrangements, self._rows)

    def _rows(self, arrangements: NDArray[np.generic]) -> Array:
        left, counts = self._left(), np.bincount(self.group, minlength=self.n_groups)
        if arrangements.dtype.kind == "f":
            values = left[None] * arrangements.astype(np.float64, copy=False)[:, :, None]
        else:
            values = left[arrangements.astype(np.intp, copy=False)]
        means, error = _sums(values, self.group, self.n_groups)
        q, n = left.shape[1], left.shape[0]
        df1, df2 = q * (self.n_groups - 1 if self.between else 1), q * (n - self.n_groups)
        floor = (TINY * float(np.abs(left).max(initial=0.0))) ** 2 * n
        return divided(_explained(means, counts, between=self.between) / df1, error / df2, error <= floor)

    def _left(self) -> Array:
        """What the model without the tested term leaves of the values."""
        if self.between:
            return np.asarray(self.values - self.values.mean(axis=0))
        coded = sum_coded(self.group, self.n_groups)
        return np.asarray(self.values - coded @ np.linalg.lstsq(coded, self.values, rcond=None)[0])


def sum_coded(group: IntArray, n_groups: int) -> Array:
    """Groups as columns that sum to zero over the groups, shape (n, groups - 1); the constant is not among them."""
    member = (group[:, None] == np.arange(n_groups)).astype(np.float64)
    return np.asarray(member[:, :-1] - member[:, -1:])
