"""Errors for unequal variances in small samples: degrees of freedom that the data afford, and the wild bootstrap.

HC2 and HC3 variances are sums of few squared residuals when groups are small; a t with n - p degrees of freedom then
promises more than they know. Satterthwaite's approximation takes the degrees of freedom from the variance of the
variance (Bell and McCaffrey 2002; Imbens and Kolesár 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deltaroi.stats.linear import Fit, covariance, estimable
from deltaroi.stats.low_rank import DiagonalMinus, projected
from deltaroi.stats.permutation import IntArray, max_t, sign_flips
from deltaroi.stats.permuted import FreedmanLane
from deltaroi.stats.record import NAN, TINY, Array, Test, f_test, t_test
from deltaroi.stats.refit import basis_of

KINDS = ("hc2_bm", "hc3_bm", "hc2_welch")
_UNDETERMINED = "the data do not determine this effect (a group is empty, or columns depend on each other)"
_WEBB = np.sqrt(np.array([0.5, 1.0, 1.5]))


def robust_t(model: Fit, weights: Array, kind: str, labels: IntArray | None = None) -> Test:
    """The t test of a linear combination of coefficients with Satterthwaite degrees of freedom.

    Parameters
    ----------
    model : Fit
        From :func:`deltaroi.stats.linear.fit`.
    weights : ndarray, shape (p,)
        The combination c'b.
    kind : str
        ``hc2_bm``, ``hc3_bm`` or ``hc2_welch``: squared residuals over 1 - h (HC2) or its square (HC3); degrees of
        freedom as if all errors had one variance (Bell and McCaffrey), or each group its own (Welch).
    labels : ndarray, shape (n,), optional
        The groups of ``hc2_welch``.

    Returns
    -------
    Test

    Notes
    -----
    With x = X(X'X)⁻¹c, M = I - H and aᵢ = xᵢ² / (1 - hᵢ) (HC2) or xᵢ² / (1 - hᵢ)² (HC3), the variance is Σ aᵢ eᵢ². With
    S the variances of the errors on a diagonal and Q = MSM, it has (Σ aᵢ qᵢᵢ)² / Σᵢⱼ aᵢ aⱼ qᵢⱼ² degrees of freedom. S
    is I, or in ``hc2_welch`` the sum of squared residuals of each group over that of its 1 - h. Without covariates
    ``hc2_welch`` is Welch's test. R, with every value its own cluster: ``clubSandwich::coef_test`` with ``vcov =
    "CR2"`` or ``"CR3"`` and ``test = "Satterthwaite"`` for the others.
    """
    return robust_ts(model, weights[None], kind, labels)[0]


def robust_ts(model: Fit, weights: Array, kind: str, labels: IntArray | None = None) -> tuple[Test, ...]:
    """:func:`robust_t` of several combinations, shape (q, p); what they share is computed once."""
    if kind not in KINDS:
        raise ValueError(f"no standard errors of the kind {kind!r}")
    spread, problem = _spread(model, kind, labels)
    found = []
    for row in weights:
        estimate = float(row @ model.beta)
        if not estimable(model, row):
            found.append(Test(problem=_UNDETERMINED))
        elif problem:
            found.append(t_test(estimate, NAN, model.df, problem))
        else:
            shares = (model.design @ (model.inverse @ row)) ** 2 / (1 - model.leverage) ** (1 + (kind == "hc3_bm"))
            below = float(spread.products(spread, shares[:, None])[0, 0])
            found.append(t_test(estimate, math.sqrt(float(shares @ model.residuals**2)),
                                float(shares @ spread.diagonal) ** 2 / below if below > 0 else NAN))
    return tuple(found)


def robust_f(model: Fit, weights: Array, labels: IntArray | None = None) -> Test:
    """The F test that several combinations, shape (q, p), are all zero: HC2 errors and Hotelling's T² approximation.

    Parameters
    ----------
    model : Fit
    weights : ndarray, shape (q, p)
    labels : ndarray, shape (n,), optional
        Groups with variances of their own, as in ``hc2_welch``; without, degrees of freedom are those of one variance.

    Notes
    -----
    With V the HC2 covariance of the q effects, Q = effect' V⁻¹ effect and η degrees of freedom of V, the statistic
    Q (η - q + 1) / (η q) has the distribution F(q, η - q + 1). With the spread Q = MSM of :func:`robust_t`, aᵢ =
    C(X'X)⁻¹xᵢ / √(1 - hᵢ) and E = Σ qᵢᵢ aᵢaᵢ', η = q(q + 1) / (2 Σᵢⱼ qᵢⱼ² (aᵢ'E⁻¹aⱼ)²) (Tipton and Pustejovsky 2015).
    R, without labels: ``clubSandwich::Wald_test`` with ``vcov = "CR2"``, every value its own cluster, ``test = "HTZ"``.
    """
    q = len(weights)
    if not all(estimable(model, row) for row in weights):
        return f_test(NAN, q, model.df, _UNDETERMINED)
    spread, problem = _spread(model, "hc2_bm" if labels is None else "hc2_welch", labels)
    if problem:
        return f_test(NAN, q, model.df, problem)
    each = (model.design @ model.inverse @ weights.T) / np.sqrt(1 - model.leverage)[:, None]
    expected = (each * spread.diagonal[:, None]).T @ each
    matrix = (each * model.residuals[:, None] ** 2).T @ each
    if min(np.linalg.matrix_rank(one, hermitian=True) for one in (expected, matrix)) < q:
        return f_test(NAN, q, model.df, "the covariance of the effects is singular")
    pairs = spread.products(spread, (each[:, :, None] * each[:, None, :]).reshape(-1, q * q)).reshape(q, q, q, q)
    inverse = np.linalg.inv(expected)
    eta = q * (q + 1) / (2 * float(np.einsum("acbd,ab,cd->", pairs, inverse, inverse)))
    if eta <= q - 1:
        return f_test(NAN, q, eta - q + 1, "there are too few values for so many effects")
    effect = weights @ model.beta
    form = float(effect @ np.linalg.solve(matrix, effect))
    return f_test(form * (eta - q + 1) / (eta * q), q, eta - q + 1)


def _spread(model: Fit, kind: str, labels: IntArray | None) -> tuple[DiagonalMinus, str]:
    """MSM, which the residuals' covariance is taken to be up to a factor; or why there is none."""
    problem = covariance(model, "hc3")[1].replace("HC3", kind[:3].upper())
    basis = basis_of(model.design)
    if problem or kind != "hc2_welch":
        return projected(basis), problem
    if labels is None:
        raise ValueError("the kind 'hc2_welch' needs labels")
    variances = np.empty(labels.size)
    for one in np.unique(labels):
        at = labels == one
        variances[at] = (model.residuals[at] ** 2).sum() / (1 - model.leverage[at]).sum()
    if variances.min() <= (TINY * np.abs(model.design @ model.beta + model.residuals).max()) ** 2:
        return projected(basis), "the model reproduces the values of a group exactly, so its variance is unknown"
    return projected(basis, variances / variances.max()), ""


@dataclass(frozen=True)
class WildTest:
    """A wild-bootstrap p value.

    Attributes
    ----------
    p : float
        Two-sided; NaN where the statistic is not defined.
    rows : int
        Sets of multipliers compared, the data themselves (all ones) among them.
    complete : bool
        Whether they are all that there are.
    """

    p: float
    rows: int
    complete: bool


def wild_bootstrap(y: Array, nuisance: Array, tested: Array, count: int, seed: int,
                   multipliers: str = "rademacher") -> WildTest:
    """The wild bootstrap-t test that the tested columns, shape (n, q), add nothing to the nuisance columns, (n, k).

    Parameters
    ----------
    y : ndarray, shape (n,)
    nuisance, tested : ndarray
    count, seed : int
        Sets of multipliers asked for; all 2ⁿ are taken when there are fewer than 20,000 (Rademacher only).
    multipliers : str
        ``rademacher`` (±1) or ``webb`` (±√½, ±1, ±√1½).

    Notes
    -----
    The statistic is the t (F) with HC3 errors; the null hypothesis is imposed, by the residuals of the nuisance part
    (Davidson and Flachaire 2008; Webb 2023). To test another value v, hand in y - v·tested; the values that are not
    rejected are the confidence interval.
    """
    rows, complete = multiplier_rows(y.size, count, seed, multipliers)
    everyone = np.arange(y.size, dtype=np.int64)
    found = max_t([FreedmanLane(everyone, y, nuisance, tested, "hc3")], rows, [rows.shape[0]])
    return WildTest(float(found.p[0]), rows.shape[0], complete)


def multiplier_rows(n: int, count: int, seed: int, multipliers: str) -> tuple[Array, bool]:
    """Rows of multipliers, the first of them ones, and whether these are all; see :func:`wild_bootstrap`."""
    if multipliers == "rademacher":
        return sign_flips(n, count, seed)
    if multipliers == "webb":
        drawn: IntArray = np.random.default_rng(seed).integers(0, 6, size=(max(count, 0), n))
        return np.concatenate([np.ones((1, n)), np.concatenate([-_WEBB, _WEBB])[drawn]]), False
    raise ValueError(f"no multipliers of the kind {multipliers!r}")
