"""Robust errors of linear mixed models: subjects may vary otherwise than the model says, and groups each in their way.

A random intercept gives every session one variance and every pair of sessions one correlation, and all groups the same.
Where a small group varies more, tests with that model's errors reject far too often (docs/calibration.md). Here the
variance of the coefficients comes from the subjects' residuals instead (CR2: Bell and McCaffrey 2002; Pustejovsky and
Tipton 2018, J Bus Econ Stat 36, 672-683), with degrees of freedom from the variance of each group, as in Welch's test.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deltaroi.stats import linear
from deltaroi.stats.low_rank import DiagonalMinus
from deltaroi.stats.mixed import UNDETERMINED, MixedFit
from deltaroi.stats.mixed_likelihood import IntArray
from deltaroi.stats.record import NAN, TINY, Array, Test, f_test, t_test

_ALONE = 1e-8
_ROWS = 256
_TOO_FEW = "there are too few subjects for so many effects"


@dataclass(frozen=True, eq=False)
class RobustMixed:
    """A mixed model whose tests have CR2 errors.

    Attributes
    ----------
    fit : MixedFit
        From :func:`deltaroi.stats.mixed.fit_mixed`.
    y, design, subject, random : ndarray
        What was fitted, as given to it; ``random`` None for a random intercept.
    group : ndarray, shape (n,), or None
        The group of every value; each group of subjects has a variance of its own when degrees of freedom are counted.
        None: the variance is as the model says.

    Notes
    -----
    With Lᵢ the square root of the covariance that the model gives the values of subject i, Xᵢ* = Lᵢ⁻¹Xᵢ, eᵢ* = Lᵢ⁻¹eᵢ,
    M = (ΣXᵢ*'Xᵢ*)⁻¹ and Hᵢᵢ = Xᵢ*MXᵢ*', the tested effects C b have the covariance Σ Gᵢeᵢ*eᵢ*'Gᵢ' with
    Gᵢ = CMXᵢ*'(I - Hᵢᵢ)^(-1/2). It is not biased where the model's covariance is true. Let S be the covariance of the
    whitened errors, s²I for a subject of a group with the variance s². Then Ω = G(I - H)S(I - H)G' is the covariance of
    the subjects' parts; a single effect has (Σ Ωᵢᵢ)² / Σᵢⱼ Ωᵢⱼ² degrees of freedom, and q effects, with Ω in units of
    E = Σ Ωᵢᵢ, η = q(q + 1) / Σᵢⱼ (tr²Ωᵢⱼ + tr Ωᵢⱼ²) and F(q, η - q + 1) = Q(η - q + 1) / (ηq) (Tipton and Pustejovsky
    2015). s² of a group is taken from the parts of its residuals that the effects use.

    With every value there, an effect on one comparison of sessions is Welch's test of that comparison, and within one
    group the paired t test. The symmetric square root makes the numbers independent of the order of sessions; R's
    ``clubSandwich`` (without groups) takes a triangular one, which differs where somebody lacks a session.
    """

    fit: MixedFit
    y: Array
    design: Array
    subject: IntArray
    random: Array | None = None
    group: IntArray | None = None

    def test_weights(self, weights: Array) -> Test:
        """The t test of a linear combination of coefficients, shape (p,)."""
        estimate = float(weights @ self.fit.beta)
        parts, problem = self._parts(weights[None])
        if parts is None:
            return Test(estimate if problem != UNDETERMINED else NAN, problem=problem)
        return t_test(estimate, math.sqrt(float(parts.covariance[0, 0])), parts.eta)

    def test_joint(self, weights: Array) -> Test:
        """The F test that several combinations, shape (q, p), are all zero; dependent rows count once."""
        rows = _independent(weights, self.fit.fixed)
        q = len(rows)
        parts, problem = self._parts(rows)
        if parts is None:
            return f_test(NAN, q, NAN, problem)
        eta = parts.eta
        if eta <= q - 1:
            return f_test(NAN, q, eta - q + 1, _TOO_FEW)
        if np.linalg.matrix_rank(parts.covariance, hermitian=True) < q:
            return f_test(NAN, q, eta - q + 1, "the covariance of the effects is singular")
        effect = rows @ self.fit.beta
        form = float(effect @ np.linalg.solve(parts.covariance, effect))
        return f_test(form * (eta - q + 1) / (eta * q), q, eta - q + 1)

    def _parts(self, weights: Array) -> tuple[_Parts | None, str]:
        """What tests of these combinations are made of, or why there is nothing."""
        if not all(linear.estimable(self.fit.fixed, row) for row in weights):
            return None, UNDETERMINED
        if self.fit.problem:
            return None, self.fit.problem
        white = self._white
        rows = (weights / self.fit.fixed.scale) @ self.fit.fixed.directions.T @ white.inverse
        each = []
        for one in white.subjects:
            size, axes = one.sizes, one.axes
            used = rows @ one.design.T @ axes
            alone = size < _ALONE
            if np.abs(used[:, alone]).max(initial=0.0) > _ALONE * np.abs(used).max(initial=0.0):
                return None, "robust errors do not exist: the model fits at least one subject by itself"
            each.append((used[:, ~alone] / np.sqrt(size[~alone])) @ axes[:, ~alone].T)
        return _spread(white, each, self._groups)

    @cached_property
    def _groups(self) -> IntArray:
        first = np.unique(self.subject, return_index=True)[1]
        return np.zeros(first.size, dtype=np.int64) if self.group is None else self.group[first]

    @cached_property
    def _white(self) -> _White:
        """The whitened model, in coefficients that the data determine."""
        fixed = self.fit.fixed
        reduced = (self.design / fixed.scale) @ fixed.directions.T
        z = np.ones((self.y.size, 1)) if self.random is None else self.random
        residuals = self.y - self.design @ self.fit.beta
        shape = self.fit.random_covariance / self.fit.sigma2
        subjects = []
        for one in np.unique(self.subject):
            at = self.subject == one
            size, axes = np.linalg.eigh(np.eye(int(at.sum())) + z[at] @ shape @ z[at].T)
            root = (axes / np.sqrt(size)) @ axes.T
            subjects.append((root @ reduced[at], root @ residuals[at]))
        inverse = np.linalg.pinv(sum(x.T @ x for x, _ in subjects), hermitian=True)
        return _White(tuple(_Subject(x, e, *np.linalg.eigh(np.eye(e.size) - x @ inverse @ x.T)) for x, e in subjects),
                      inverse)


@dataclass(frozen=True, eq=False)
class _Subject:
    """Whitened design (nᵢ, r) and residuals (nᵢ,); eigenvalues and axes of I - Hᵢᵢ."""

    design: Array
    residuals: Array
    sizes: Array
    axes: Array


@dataclass(frozen=True, eq=False)
class _White:
    subjects: tuple[_Subject, ...]
    inverse: Array


@dataclass(frozen=True, eq=False)
class _Parts:
    """Covariance of the effects, (q, q), and its degrees of freedom η."""

    covariance: Array
    eta: float


def _spread(white: _White, each: Sequence[Array], groups: IntArray) -> tuple[_Parts | None, str]:
    """Put together what subjects add, shape (q, nᵢ) each."""
    scores = np.array([g @ one.residuals for g, one in zip(each, white.subjects, strict=True)])
    covariance = scores.T @ scores
    if float(np.trace(covariance)) <= 0:
        return None, "the values do not vary, so there is no standard error"
    unit = _Omega.of(white, each, np.ones(len(each)))
    metric = unit.diagonal.sum(axis=0)
    if np.linalg.matrix_rank(metric, hermitian=True) < len(metric):
        return None, "the covariance of the effects is singular"
    inverse = np.linalg.inv(metric)
    own = np.einsum("is,st,it->i", scores, inverse, scores)
    due = np.einsum("st,ist->i", inverse, unit.diagonal)
    scales = np.zeros(len(each))
    for one in np.unique(groups):
        at = groups == one
        scales[at] = own[at].sum() / due[at].sum() if due[at].sum() > TINY else 0.0
    if (scales[due > TINY] <= TINY * scales.max()).any():
        return None, "the values of a group do not vary, so its variance is unknown"
    return _Parts(covariance, _Omega.of(white, each, scales).eta()), ""


@dataclass(frozen=True, eq=False)
class _Omega:
    """Covariance of Gᵢeᵢ* between all subjects, shape (n, n, q, q), which is never made whole.

    It is ``own`` (n, q, q) on the diagonal minus sidesᵢ · core · sidesⱼ', with sides (n, q, k) and a symmetric core.
    """

    own: Array
    sides: Array
    core: Array

    @classmethod
    def of(cls, white: _White, each: Sequence[Array], scales: Array) -> _Omega:
        """When the whitened errors of the subjects have these variances."""
        seen = np.array([g @ one.design for g, one in zip(each, white.subjects, strict=True)])
        inner = np.einsum("i,ijk->jk", scales, np.array([one.design.T @ one.design for one in white.subjects]))
        inverse = white.inverse
        core = np.block([[-inverse @ inner @ inverse, inverse], [inverse, np.zeros_like(inverse)]])
        own = scales[:, None, None] * np.array([g @ g.T for g in each])
        return cls(own, np.concatenate([seen, scales[:, None, None] * seen], axis=2), core)

    @cached_property
    def diagonal(self) -> Array:
        """Of each subject, shape (n, q, q)."""
        return np.asarray(self.own - self.sides @ self.core @ self.sides.transpose(0, 2, 1))

    def eta(self) -> float:
        """Degrees of freedom: q(q + 1) / Σᵢⱼ (tr²Ωᵢⱼ + tr Ωᵢⱼ²) in units of Σ Ωᵢᵢ; NaN where the sum is zero."""
        size, axes = np.linalg.eigh(self.diagonal.sum(axis=0))
        root = (axes / np.sqrt(size)) @ axes.T
        q, sides = len(root), root @ self.sides
        own = root @ self.own @ root
        if q == 1:
            flat = DiagonalMinus(own[:, 0, 0], sides[:, 0], self.core)
            total = 2 * float(flat.products(flat, np.ones((len(own), 1)))[0, 0])
        else:
            total = sum(self._pairs(own, sides, start) for start in range(0, len(own), _ROWS))
        return q * (q + 1) / total if total > 0 else NAN

    def _pairs(self, own: Array, sides: Array, start: int) -> float:
        """The sum over the pairs of some subjects with all."""
        mine = sides[start:start + _ROWS]
        block = -np.einsum("isk,jtk->ijst", mine @ self.core, sides)
        at = np.arange(len(mine))
        block[at, start + at] += own[start:start + _ROWS]
        return float((np.trace(block, axis1=2, axis2=3) ** 2).sum() + np.einsum("ijst,ijts->", block, block))


def _independent(weights: Array, fixed: linear.Fit) -> Array:
    """Rows that span the same combinations."""
    scaled = weights / fixed.scale
    _, size, axes = np.linalg.svd(scaled, full_matrices=False)
    keep = size > _ALONE * float(size[0])
    return axes[keep] * fixed.scale
