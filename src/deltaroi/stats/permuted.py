"""The statistics that :mod:`deltaroi.stats.permutation` recomputes, each for all arrangements at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import IntArray
from deltaroi.stats.record import TINY, Array

_FULL = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class FreedmanLane:
    """|t| (one tested column) or Wald F (several) of a linear model; residuals of the nuisance part are permuted.

    Since the fitted nuisance part is reproduced by the full model, the statistic of (fit + permuted residuals) is that
    of the permuted residuals alone (Freedman and Lane 1983; Winkler et al. 2014). With no nuisance but the intercept
    it is plain relabelling.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions among the subjects of the design.
    y : ndarray, shape (n,)
    nuisance, tested : ndarray, shapes (n, k) and (n, q)
        Columns of the model that are kept, and that are tested.
    kind : str
        ``classical`` or ``hc3``.
    """

    subjects: IntArray
    y: Array
    nuisance: Array
    tested: Array
    kind: str

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| or F for each row of arrangements, shape (rows, n)."""
        q_nuisance = _basis(self.nuisance)
        residual = self.y - q_nuisance @ (q_nuisance.T @ self.y)
        tested = self.tested - q_nuisance @ (q_nuisance.T @ self.tested)
        missing = np.full(arrangements.shape[0], np.nan)
        df = self.y.size - q_nuisance.shape[1] - tested.shape[1]
        if df <= 0 or _basis(tested, np.sqrt((self.tested**2).sum(axis=0))).shape[1] < tested.shape[1]:
            return missing
        scale = float(np.abs(self.y).max())
        if float(np.abs(residual).max()) <= TINY * scale:
            return missing
        basis = np.concatenate([q_nuisance, _basis(tested)], axis=1)
        leverage = (basis**2).sum(axis=1)
        if self.kind == "hc3" and (leverage > _FULL).any():
            return missing
        values = residual[arrangements.astype(np.intp, copy=False)]
        inverse = np.linalg.inv(tested.T @ tested)
        effect = values @ tested @ inverse
        left = values - (values @ basis) @ basis.T
        exact = np.abs(left).max(axis=1) <= TINY * scale
        if self.kind == "classical":
            variance = (left**2).sum(axis=1) / df
            if tested.shape[1] == 1:
                return _ratio(effect[:, 0], variance * inverse[0, 0], exact)
            form = np.einsum("bi,ij,bj->b", effect, tested.T @ tested, effect) / tested.shape[1]
            return _divide(form, variance, exact)
        weights = left / (1 - leverage)
        half = tested @ inverse
        if tested.shape[1] == 1:
            return _ratio(effect[:, 0], (weights**2) @ (half[:, 0] ** 2), exact)
        return _wald(effect, np.einsum("bn,ni,nj->bij", weights**2, half, half, optimize=True), exact)


@dataclass(frozen=True, eq=False)
class Welch:
    """|t| of Welch's test, or F of Welch's analysis of variance; values are dealt anew to the groups."""

    subjects: IntArray
    y: Array
    labels: IntArray

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| (two groups) or F for each row of arrangements, shape (rows, n)."""
        groups = np.unique(self.labels)
        member = (self.labels[:, None] == groups).astype(np.float64)
        counts = member.sum(axis=0)
        if groups.size < 2 or counts.min() < 2:
            return np.full(arrangements.shape[0], np.nan)
        centred = self.y - self.y.mean()
        scale = float(np.abs(self.y).max())
        if float(np.abs(centred).max()) <= TINY * scale:
            return np.full(arrangements.shape[0], np.nan)
        values = centred[arrangements.astype(np.intp, copy=False)]
        means = values @ member / counts
        sums = (values**2) @ member - counts * means**2
        variances = np.where(sums > (TINY * scale) ** 2 * counts, sums, 0.0) / (counts - 1)
        if groups.size == 2:
            total = (variances / counts).sum(axis=1)
            return _ratio(means[:, 0] - means[:, 1], total, total <= 0)
        flat = (variances <= 0).any(axis=1)
        weights = counts / np.where(variances > 0, variances, 1.0)
        share = weights / weights.sum(axis=1, keepdims=True)
        spread = ((1 - share) ** 2 / (counts - 1)).sum(axis=1)
        grand = (share * means).sum(axis=1, keepdims=True)
        k = groups.size
        between = (weights * (means - grand) ** 2).sum(axis=1) / (k - 1)
        return _divide(between, 1 + 2 * (k - 2) / (k**2 - 1) * spread, flat)


@dataclass(frozen=True, eq=False)
class SignFlip:
    """|t| of a mean against zero; signs of whole subjects are flipped (needs a symmetric error, no covariates)."""

    subjects: IntArray
    y: Array

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| for each row of signs, shape (rows, n)."""
        n = self.y.size
        spread = float(np.abs(self.y - self.y.mean()).max()) if n else 0.0
        if n < 2 or spread <= TINY * float(np.abs(self.y).max()):
            return np.full(arrangements.shape[0], np.nan)
        means = arrangements.astype(np.float64, copy=False) @ self.y / n
        squares = float(self.y @ self.y)
        variance = (squares - n * means**2) / (n - 1) / n
        return _ratio(means, variance, variance <= TINY * squares / n)


def _basis(columns: Array, reference: Array | None = None) -> Array:
    """Orthonormal basis of the columns, shape (n, rank); a column small against its reference norm counts as zero."""
    norms = np.sqrt((columns**2).sum(axis=0))
    against = norms if reference is None else reference
    scaled = columns / np.where(against > 0, against, 1.0)
    u, s, _ = np.linalg.svd(scaled, full_matrices=False)
    return u[:, s > 1e-9 * max(float(s.max(initial=0.0)), 1.0 if reference is not None else 1e-300)]


def _ratio(effect: Array, variance: Array, exact: NDArray[np.bool_]) -> Array:
    """|effect| / √variance; an arrangement without error variance counts as extreme (conservative)."""
    safe = np.where(exact | (variance <= 0), 1.0, variance)
    return np.where(exact | (variance <= 0), np.inf, np.abs(effect) / np.sqrt(safe))


def _divide(form: Array, by: Array, exact: NDArray[np.bool_]) -> Array:
    return np.where(exact | (by <= 0), np.inf, form / np.where(by > 0, by, 1.0))


def _wald(effect: Array, matrices: Array, exact: NDArray[np.bool_]) -> Array:
    """Wald F per arrangement; singular ones count as extreme."""
    q = effect.shape[1]
    size = np.trace(matrices, axis1=1, axis2=2)
    bad = exact | ~(np.linalg.det(matrices) > 1e-12 * np.maximum(size, 1e-300) ** q)
    matrices = np.where(bad[:, None, None], np.eye(q), matrices)
    form = np.einsum("bi,bi->b", effect, np.linalg.solve(matrices, effect[:, :, None])[:, :, 0]) / q
    return np.where(bad, np.inf, form)
