"""A linear model fitted again to many sets of values at once: t or F of its tested columns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

from deltaroi.stats.low_rank import projected
from deltaroi.stats.record import TINY, Array

_FULL = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class Refit:
    """What refitting needs.

    Attributes
    ----------
    residual : ndarray, shape (n,)
        What the nuisance part leaves of the values, in units of the largest value.
    nuisance, tested : ndarray, shapes (n, k) and (n, q)
        Orthonormal bases of the kept columns, and of what is left of the tested ones.
    kind : str
        ``classical``, ``hc3``, ``groups`` or ``hc2_welch``.
    labels : ndarray, shape (n,), or None
        The variance groups of the kinds ``groups`` and ``hc2_welch``.
    """

    residual: Array
    nuisance: Array
    tested: Array
    kind: str
    labels: NDArray[np.int64] | None = None

    @cached_property
    def basis(self) -> Array:
        """Orthonormal basis of the whole model, shape (n, k + q)."""
        return np.concatenate([self.nuisance, self.tested], axis=1)

    @cached_property
    def leverage(self) -> Array:
        """The diagonal of the hat matrix, shape (n,)."""
        return np.asarray((self.basis**2).sum(axis=1))

    @cached_property
    def groups(self) -> tuple[Array, Array, Array]:
        """Members (n, groups), their summed 1 - h, and their parts of B'B (groups, p, p)."""
        if self.labels is None:
            raise ValueError(f"the kind {self.kind!r} needs labels")
        member = (self.labels[:, None] == np.unique(self.labels)).astype(np.float64)
        parts = np.einsum("ng,ni,nj->gij", member, self.basis, self.basis)
        return member, (1 - self.leverage) @ member, parts

    @property
    def determined(self) -> bool:
        """Whether there is an error variance: degrees of freedom; for hc3 of every value, for groups of every group."""
        if self.basis.shape[0] <= self.basis.shape[1]:
            return False
        if self.kind in ("hc3", "hc2_welch") and bool((self.leverage > _FULL).any()):
            return False
        return self.kind not in ("groups", "hc2_welch") or bool((self.groups[1] > 1e-9).all())

    def absolute(self, values: Array) -> Array:
        """|t| or F of each row of values, shape (rows, n), or what stands for it: |z| of the same p."""
        return comparable(*self.raw(values), self.tested.shape[1])

    def raw(self, values: Array) -> tuple[Array, Array | None]:
        """|t| or F of each row of values, shape (rows, n), and its degrees of freedom where they are the data's.

        A row that the model reproduces counts as extreme.
        """
        q = self.tested.shape[1]
        coordinates = values @ self.basis
        effect = coordinates[:, self.nuisance.shape[1]:]
        left = values - coordinates @ self.basis.T
        squares = left**2
        total = squares.sum(axis=1)
        exact = np.zeros(total.size, dtype=np.bool_)
        if total.min() <= left.shape[1] * TINY**2:
            exact = squares.max(axis=1) <= TINY**2
        if self.kind == "classical":
            variance = total / (self.basis.shape[0] - self.basis.shape[1])
            return ratio(effect[:, 0], variance, exact) if q == 1 else \
                divided((effect**2).sum(axis=1) / q, variance, exact), None
        if self.kind == "groups":
            return self._by_groups(effect, squares, exact), None
        if self.kind == "hc2_welch":
            return self._hc2(effect, squares, exact)
        weighted = self.tested / (1 - self.leverage)[:, None]
        if q == 1:
            return ratio(effect[:, 0], squares @ weighted[:, 0] ** 2, exact), None
        products = (weighted[:, :, None] * weighted[:, None, :]).reshape(-1, q * q)
        return _wald(effect, (squares @ products).reshape(-1, q, q), exact), None

    def _by_groups(self, effect: Array, squares: Array, exact: NDArray[np.bool_]) -> Array:
        member, freedom, parts = self.groups
        k, q = self.nuisance.shape[1], self.tested.shape[1]
        sums, counts = squares @ member, member.sum(axis=0)
        bad = exact | (sums <= TINY**2 * counts).any(axis=1)
        weights = freedom / np.where(bad[:, None], 1.0, sums)
        middle = (weights @ parts.reshape(parts.shape[0], -1)).reshape(-1, k + q, k + q)
        inner = middle[:, k:, k:]
        if k:
            inner = inner - middle[:, k:, :k] @ np.linalg.solve(middle[:, :k, :k], middle[:, :k, k:])
        if q == 1:
            return ratio(effect[:, 0], 1 / np.maximum(inner[:, 0, 0], 1e-300), bad)
        form = np.einsum("bi,bij,bj->b", effect, inner, effect) / q
        share = weights * counts
        share = share / share.sum(axis=1, keepdims=True)
        return divided(form, 1 + 2 * (q - 1) / (q * (q + 2)) * ((1 - share) ** 2 / freedom).sum(axis=1), bad)

    @cached_property
    def _hc2_constants(self) -> tuple[Array, Array, Array]:
        """Products aᵢaᵢ' / (1 - hᵢ) (n, q²), their parts of E by group (groups, q²), and of Var (groups², q⁴)."""
        n, q = self.tested.shape
        each = self.tested / np.sqrt(1 - self.leverage)[:, None]
        products = each[:, :, None] * each[:, None, :]
        flat = products.reshape(n, q * q)
        parts = [projected(self.basis, one) for one in self.groups[0].T]
        expected = np.stack([one.diagonal for one in parts]) @ flat
        spread = np.stack([one.products(other, flat) for one in parts for other in parts])
        spread = spread.reshape(-1, q, q, q, q).transpose(0, 1, 3, 2, 4)
        return flat, expected, spread.reshape(-1, q**4)

    def _hc2(self, effect: Array, squares: Array, exact: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Statistics and degrees of freedom; see :func:`deltaroi.stats.small_samples.robust_f`."""
        member, freedom, _ = self.groups
        q = self.tested.shape[1]
        products, expected, spread = self._hc2_constants
        sums = squares @ member
        bad = exact | (sums <= TINY**2 * member.sum(axis=0)).any(axis=1)
        variances = np.where(bad[:, None], 1.0, sums / freedom)
        pairs = (variances[:, :, None] * variances[:, None, :]).reshape(len(effect), -1) @ spread
        middle, mean = squares @ products, variances @ expected
        if q == 1:
            return ratio(effect[:, 0], middle[:, 0], bad), mean[:, 0] ** 2 / pairs[:, 0]
        middle = np.where(bad[:, None], np.eye(q).ravel(), middle).reshape(-1, q, q)
        inverse = np.linalg.inv(mean.reshape(-1, q, q))
        quads = (inverse[:, :, :, None, None] * inverse[:, None, None, :, :]).reshape(len(effect), -1)
        eta = q * (q + 1) / (2 * (pairs * quads).sum(axis=1))
        form = np.einsum("bi,bi->b", effect, np.linalg.solve(middle, effect[:, :, None])[:, :, 0])
        bad |= eta <= q - 1
        df = np.where(bad, 1.0, eta - q + 1)
        return np.where(bad, np.inf, form * df / (df + q - 1) / q), df


def comparable(statistic: Array, df: Array | None, df_between: int) -> Array:
    """The statistic, or |z| of the same p where its degrees of freedom are the data's."""
    if df is None:
        return statistic
    return equivalent_t(statistic, df) if df_between == 1 else equivalent_f(statistic, df_between, df)


def equivalent_t(t: Array, df: Array) -> Array:
    """|z| of the same two-sided p as |t|: it makes statistics with different degrees of freedom comparable."""
    known = np.isfinite(t)
    tail = np.asarray(special.stdtr(np.where(known, df, 1.0), np.where(known, -t, 0.0)))
    return np.where(known, -special.ndtri(np.maximum(tail, 1e-300)), np.inf)


def equivalent_f(f: Array, df_between: float, df: Array) -> Array:
    """|z| of the same p as F, as :func:`equivalent_t`."""
    known = np.isfinite(f)
    p = np.asarray(special.fdtrc(df_between, np.where(known, df, 1.0), np.where(known, f, 1.0)))
    return np.where(known, -special.ndtri(np.maximum(p, 1e-300) / 2), np.inf)


def basis_of(columns: Array, reference: Array | None = None) -> Array:
    """Orthonormal basis of the columns, shape (n, rank); a column small against its reference norm counts as zero."""
    norms = np.sqrt((columns**2).sum(axis=0))
    against = norms if reference is None else reference
    scaled = columns / np.where(against > 0, against, 1.0)
    u, s, _ = np.linalg.svd(scaled, full_matrices=False)
    return np.asarray(u[:, s > 1e-9 * max(float(s.max(initial=0.0)), 1.0 if reference is not None else 1e-300)])


def basis_left(left: Array, whole: Array) -> Array | None:
    """Orthonormal basis of what projection leaves of whole columns, both (n, q); None where a column is used up."""
    before, after = (np.sqrt((columns**2).sum(axis=0)) for columns in (whole, left))
    if whole.shape[1] == 1:
        return left / after if after[0] > 1e-9 * before[0] else None
    return basis_of(left) if basis_of(left, before).shape[1] == whole.shape[1] else None


def ratio(effect: Array, variance: Array, exact: NDArray[np.bool_]) -> Array:
    """|effect| / √variance; an arrangement without error variance counts as extreme (conservative)."""
    safe = np.where(exact | (variance <= 0), 1.0, variance)
    return np.where(exact | (variance <= 0), np.inf, np.abs(effect) / np.sqrt(safe))


def divided(form: Array, by: Array, exact: NDArray[np.bool_]) -> Array:
    """Form / by; an arrangement without error variance counts as extreme."""
    return np.where(exact | (by <= 0), np.inf, form / np.where(by > 0, by, 1.0))


def _wald(effect: Array, matrices: Array, exact: NDArray[np.bool_]) -> Array:
    """Wald F per arrangement; singular ones count as extreme."""
    q = effect.shape[1]
    size = np.trace(matrices, axis1=1, axis2=2)
    bad = exact | ~(np.linalg.det(matrices) > 1e-12 * np.maximum(size, 1e-300) ** q)
    matrices = np.where(bad[:, None, None], np.eye(q), matrices)
    form = np.einsum("bi,bi->b", effect, np.linalg.solve(matrices, effect[:, :, None])[:, :, 0]) / q
    return np.where(bad, np.inf, form)
