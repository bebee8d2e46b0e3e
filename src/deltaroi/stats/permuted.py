"""The statistics that :mod:`deltaroi.stats.permutation` recomputes, each for all arrangements at once.

Each works on blocks of the same number of rows, the last one filled up, so that a row has the same bytes whichever
rows come with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import BLOCK, IntArray
from deltaroi.stats.record import TINY, Array
from deltaroi.stats.refit import Refit, basis_left, basis_of, comparable, divided, ratio

Raw = tuple[Array, Array | None]
"""|t| or F, and degrees of freedom where they come from the data and |z| of the same p is compared."""


@dataclass(frozen=True, eq=False)
class FreedmanLane:
    """|t| (one tested column) or Wald F (several) of a linear model; residuals of the nuisance part are rearranged.

    Since the fitted nuisance part is reproduced by the full model, the statistic of (fit + rearranged residuals) is
    that of the rearranged residuals alone (Freedman and Lane 1983; Winkler et al. 2014). Arrangements of integers
    permute them, for errors that are exchangeable; with no nuisance but the intercept it is plain relabelling.
    Arrangements of floats multiply them, for errors that are independent and symmetric: sign flips, which are the wild
    bootstrap with the null hypothesis imposed (Wu 1986; Davidson and Flachaire 2008). Multiplied, subjects keep their
    own error variance; permuted, they take another's.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions among the subjects of the design.
    y : ndarray, shape (n,)
    nuisance, tested : ndarray, shapes (n, k) and (n, q)
        Columns of the model that are kept, and that are tested.
    kind : str
        ``classical``, ``hc3``, ``groups``: an error variance for each of the groups in ``labels``, or ``hc2_welch``:
        HC2 errors, as |z| of the same p, with degrees of freedom from the variances of these groups.
    labels : ndarray, shape (n,), optional
        The variance groups of ``groups`` and ``hc2_welch``. They stay in place while residuals move.

    Notes
    -----
    ``hc2_welch`` is :func:`deltaroi.stats.small_samples.robust_f`. When a small group varies more than a large one, t
    has few degrees of freedom in the data and many in most permutations, where the large residuals sit elsewhere; the
    largest |t| of a family is then too large in the data. |z| of the same p is more comparable, and most of all with
    sign flips (docs/calibration.md).

    ``groups`` is the v (one column) or G statistic of Winkler et al. (2014, eq. 10-11): with b the least-squares
    coefficients, s_g² the sum of squared residuals of group g over the sum of their 1 - h, and W = diag(1 / s_g²),

        v = c'b / √(c'(M'WM)⁻¹c),   G = (C'b)' (C'(M'WM)⁻¹C)⁻¹ (C'b) / (q Λ),
        Λ = 1 + 2 (q - 1) / (q (q + 2)) · Σ_g (1 - n_g/s_g² / tr W)² / Σ_{i in g} (1 - hᵢ).

    Without covariates and with the compared groups as variance groups it is Welch's t, and Welch's F.
    """

    subjects: IntArray
    y: Array
    nuisance: Array
    tested: Array
    kind: str
    labels: IntArray | None = None

    @property
    def df_between(self) -> int:
        """How many columns are tested."""
        return int(self.tested.shape[1])

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| or F for each row of arrangements, shape (rows, n)."""
        return in_blocks(arrangements, lambda rows: comparable(*self.raw(rows), self.df_between))

    def raw(self, arrangements: NDArray[np.generic]) -> Raw:
        """|t| or F for each row, not compared yet; rows are worked on as they come, without blocks."""
        model = self._model
        if model is None:
            return np.full(arrangements.shape[0], np.nan), None
        return model.raw(rearranged(model.residual, arrangements))

    @cached_property
    def _model(self) -> Refit | None:
        """What does not depend on the arrangement; None where the data do not determine the effect or its error."""
        q_nuisance = basis_of(self.nuisance)
        residual = self.y - q_nuisance @ (q_nuisance.T @ self.y)
        tested = self.tested - q_nuisance @ (q_nuisance.T @ self.tested)
        scale = float(np.abs(self.y).max(initial=0.0))
        basis = basis_left(tested, self.tested)
        if basis is None or float(np.abs(residual).max(initial=0.0)) <= TINY * scale:
            return None
        model = Refit(residual / scale, q_nuisance, basis, self.kind, self.labels)
        return model if model.determined else None


@dataclass(frozen=True, eq=False)
class Welch:
    """|t| of Welch's test, or F of Welch's analysis of variance.

    Deviations from the mean are dealt anew to the groups, or multiplied, as in :class:`FreedmanLane`. With
    ``equivalent`` |z| of the same p instead, by the degrees of freedom of each arrangement.
    """

    subjects: IntArray
    y: Array
    labels: IntArray
    equivalent: bool = False

    @property
    def df_between(self) -> int:
        """How many groups there are, less one."""
        return np.unique(self.labels).size - 1

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| (two groups) or F for each row of arrangements, shape (rows, n)."""
        return in_blocks(arrangements, lambda rows: comparable(*self.raw(rows), self.df_between))

    def raw(self, arrangements: NDArray[np.generic]) -> Raw:
        """|t| or F for each row, not compared yet; rows are worked on as they come, without blocks."""
        groups = np.unique(self.labels)
        member = (self.labels[:, None] == groups).astype(np.float64)
        counts = member.sum(axis=0)
        if groups.size < 2 or counts.min() < 2:
            return np.full(arrangements.shape[0], np.nan), None
        centred = self.y - self.y.mean()
        scale = float(np.abs(self.y).max())
        if float(np.abs(centred).max()) <= TINY * scale:
            return np.full(arrangements.shape[0], np.nan), None
        statistic, df = _welch(rearranged(centred, arrangements), member, scale)
        return statistic, df if self.equivalent else None


def _welch(values: Array, member: Array, scale: float) -> tuple[Array, Array]:
    """Statistics and error degrees of freedom, shape (rows,)."""
    counts = member.sum(axis=0)
    k = counts.size
    means = values @ member / counts
    sums = (values**2) @ member - counts * means**2
    variances = np.where(sums > (TINY * scale) ** 2 * counts, sums, 0.0) / (counts - 1)
    if k == 2:
        total = (variances / counts).sum(axis=1)
        parts = ((variances / counts) ** 2 / (counts - 1)).sum(axis=1)
        return (ratio(means[:, 0] - means[:, 1], total, total <= 0),
                np.where(parts > 0, total**2 / np.where(parts > 0, parts, 1.0), 1.0))
    flat = (variances <= 0).any(axis=1)
    weights = counts / np.where(variances > 0, variances, 1.0)
    share = weights / weights.sum(axis=1, keepdims=True)
    spread = ((1 - share) ** 2 / (counts - 1)).sum(axis=1)
    grand = (share * means).sum(axis=1, keepdims=True)
    between = (weights * (means - grand) ** 2).sum(axis=1) / (k - 1)
    return divided(between, 1 + 2 * (k - 2) / (k**2 - 1) * spread, flat), (k**2 - 1) / (3 * spread)


@dataclass(frozen=True, eq=False)
class SignFlip:
    """|t| of a mean against zero; signs of whole subjects are flipped (needs a symmetric error, no covariates)."""

    subjects: IntArray
    y: Array

    df_between: ClassVar[int] = 1

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| for each row of signs, shape (rows, n)."""
        return in_blocks(arrangements, lambda rows: self.raw(rows)[0])

    def raw(self, signs: NDArray[np.generic]) -> Raw:
        """|t| for each row; rows are worked on as they come, without blocks."""
        n = self.y.size
        spread = float(np.abs(self.y - self.y.mean()).max()) if n else 0.0
        if n < 2 or spread <= TINY * float(np.abs(self.y).max()):
            return np.full(signs.shape[0], np.nan), None
        means = signs.astype(np.float64, copy=False) @ self.y / n
        squares = float(self.y @ self.y)
        variance = (squares - n * means**2) / (n - 1) / n
        return ratio(means, variance, variance <= TINY * squares / n), None


def rearranged(values: Array, arrangements: NDArray[np.generic]) -> Array:
    """Values permuted (integers) or multiplied (floats), shape (rows, n)."""
    if arrangements.dtype.kind == "f":
        return values * arrangements.astype(np.float64, copy=False)
    return values[arrangements.astype(np.intp, copy=False)]


def in_blocks(arrangements: NDArray[np.generic], absolute: Callable[[NDArray[np.generic]], Array]) -> Array:
    """The statistics of all rows, BLOCK rows at a time; the last block is filled up with its first row."""
    rows = arrangements.shape[0]
    out = np.empty(rows)
    for start in range(0, rows, BLOCK):
        part = arrangements[start:start + BLOCK]
        here = part.shape[0]
        if here < BLOCK:
            part = np.concatenate([part, np.repeat(part[:1], BLOCK - here, axis=0)])
        out[start:start + here] = absolute(np.ascontiguousarray(part))[:here]
    return out
