"""Linear mixed models with a random intercept, or intercept and slope, per subject; Satterthwaite tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from deltaroi.stats import linear
from deltaroi.stats.mixed_likelihood import IntArray, Sums, collect, factor
from deltaroi.stats.mixed_search import Minimum, minimise
from deltaroi.stats.record import NAN, TINY, Array, Test, f_test, t_test

_RANK = 1e-9
UNDETERMINED = ("the data do not determine this effect (a group or one of its sessions is empty, or columns depend on "
                 "each other)")
_POSITIVE = 1e-8  # lmerTest's tolerance for the Hessian's eigenvalues; the values are scaled, so it has no unit


@dataclass(frozen=True, eq=False)
class MixedFit:
    """One linear mixed model, fitted by restricted maximum likelihood.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients (the smallest ones where columns are dependent); NaN when there is a problem.
    covariance : ndarray, shape (p, p)
        Their covariance.
    sigma2 : float
        Residual variance.
    random_covariance : ndarray, shape (q, q)
        Covariance of the random effects.
    n_subjects, n_values : int
        What the fit rests on.
    converged : bool
        Whether the search ended in a minimum.
    singular : bool
        A variance between subjects is estimated as zero, or a correlation as ±1. The numbers stand, as in lme4.
    problem : str
        Why there are no tests; empty when there are.
    note : str
        What a reader must be told about a fit that stands, in words; empty when nothing.
    deviance : float
        -2 log restricted likelihood.
    fixed : Fit
        The least-squares fit of the same design: which combinations of coefficients the data determine.
    parameter_covariance : ndarray, shape (m + 1, m + 1)
        Covariance of the variance parameters θ and σ.
    slopes : ndarray, shape (m + 1, p, p)
        Derivatives of ``covariance`` by them.
    """

    beta: Array
    covariance: Array
    sigma2: float
    random_covariance: Array
    n_subjects: int
    n_values: int
    converged: bool
    singular: bool
    problem: str
    note: str
    deviance: float
    fixed: linear.Fit
    parameter_covariance: Array
    slopes: Array


def fit_mixed(y: Array, design: Array, subject: IntArray, random: Array | None = None) -> MixedFit:
    """Fit y = X b + Z u + e with random effects u per subject, by restricted maximum likelihood.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Values; any subset of sessions per subject, in any order, none missing (leave missing ones out).
    design : ndarray, shape (n, p)
        The model matrix X.
    subject : ndarray, shape (n,)
        A whole number per subject.
    random : ndarray, shape (n, q), q = 1 or 2
        Z: a column of ones (the default), or ones and times for a correlated random intercept and slope.

    Notes
    -----
    The deviance is profiled over b and σ and minimised over θ by Newton's method from fixed starts; see
    :mod:`deltaroi.stats.mixed_likelihood`. A variance cannot be negative: when the values of one subject correlate
    below zero, a fit with a random intercept is singular and its tests are those of a model without subjects.

    References
    ----------
    Bates, Mächler, Bolker and Walker (2015), J Stat Softw 67(1), section 3; Kuznetsova, Brockhoff and Christensen
    (2017), J Stat Softw 82(13).
    """
    z = np.ones((y.size, 1)) if random is None else random
    if z.shape[1] not in (1, 2):
        raise ValueError(f"one or two random effects per subject, not {z.shape[1]}")
    fixed = linear.fit(y, design)
    people, numbers = np.unique(subject, return_inverse=True)
    blank = _blank(fixed, z.shape[1], people.size)
    if fixed.df <= 0 or fixed.exact:
        return replace(blank, problem=linear.covariance(fixed, "classical")[1].replace("subjects", "values"))
    turn = np.linalg.qr(z / math.sqrt(y.size))[1]
    if turn.shape[0] < z.shape[1] or np.abs(np.diag(turn)).min() <= _RANK * float(np.abs(turn).max()):
        return replace(blank, problem="the random effects' columns are zero or depend on each other")
    scaled = (design / fixed.scale) @ fixed.directions.T
    lengths = np.sqrt((scaled**2).sum(axis=0))
    root = (fixed.directions.T / lengths) / fixed.scale[:, None]
    unit = float(np.sqrt((fixed.residuals**2).mean()))
    values = np.column_stack([scaled / lengths, fixed.residuals / unit])
    sums = collect(values, numbers.astype(np.int64), np.linalg.solve(turn.T, z.T).T)
    problem = _undetermined(sums, unit, float(np.abs(y).max()))
    if problem:
        return replace(blank, problem=problem)
    return _finished(blank, minimise(sums), root, turn, unit)


def test_weights(fit: MixedFit, weights: Array) -> Test:
    """The t test of a linear combination of coefficients, shape (p,), as ``lmerTest::contest1D``.

    Satterthwaite's df = 2 v² / (g' C g), with v the variance of the combination, g its derivatives by the variance
    parameters and C their covariance (Kuznetsova et al. 2017).
    """
    if not linear.estimable(fit.fixed, weights):
        return Test(problem=UNDETERMINED)
    if fit.problem:
        return Test(problem=fit.problem)
    variance = float(weights @ fit.covariance @ weights)
    return t_test(float(weights @ fit.beta), math.sqrt(max(variance, 0.0)), _satterthwaite(fit, weights, variance))


def test_joint(fit: MixedFit, weights: Array) -> Test:
    """The F test that several combinations, shape (k, p), are all zero, as ``lmerTest::contestMD``.

    The combinations are turned into uncorrelated ones; each has Satterthwaite degrees of freedom ν, and F's are
    2 E / (E - q) with E = Σ ν / (ν - 2) (Fai and Cornelius 1996, J Stat Comput Simul 54, 363-378). Dependent rows count
    once.
    """
    if not all(linear.estimable(fit.fixed, row) for row in weights):
        return f_test(NAN, len(weights), NAN, UNDETERMINED)
    if fit.problem:
        return f_test(NAN, len(weights), NAN, fit.problem)
    size, axes = np.linalg.eigh(weights @ fit.covariance @ weights.T)
    keep = size > max(math.sqrt(np.finfo(float).eps) * float(size[-1]), 0.0)
    if not keep.any():
        return f_test(NAN, len(weights), NAN, "the covariance of the effects is zero")
    size, rows = size[keep], axes.T[keep] @ weights
    q = len(rows)
    df = np.array([_satterthwaite(fit, row, float(v)) for row, v in zip(rows, size, strict=True)])
    return f_test(float(((rows @ fit.beta) ** 2 / size).sum() / q), q, _pooled_df(df))


def _satterthwaite(fit: MixedFit, weights: Array, variance: float) -> float:
    gradient = fit.slopes @ weights @ weights
    spread = float(gradient @ fit.parameter_covariance @ gradient)
    return 2 * variance**2 / spread if spread > 0 else NAN


def _pooled_df(df: Array) -> float:
    """Denominator degrees of freedom of F from those of its parts, with lmerTest's exceptions."""
    if df.size == 1 or (np.abs(np.diff(df)) < 1e-8).all():
        return float(df.mean())
    if (df <= 2).any():
        return 2.0
    total = float((df / (df - 2)).sum())
    return 2 * total / (total - df.size)


def _blank(fixed: linear.Fit, q: int, people: int) -> MixedFit:
    """A fit without numbers."""
    p, m = fixed.beta.size, q * (q + 1) // 2 + 1
    return MixedFit(np.full(p, NAN), np.full((p, p), NAN), NAN, np.full((q, q), NAN), people, fixed.residuals.size,
                    False, False, "", "", NAN, fixed, np.full((m, m), NAN), np.full((m, p, p), NAN))


def _undetermined(sums: Sums, unit: float, largest: float) -> str:
    """Why the data cannot tell the variances apart; empty when they can."""
    r, q = sums.columns, sums.effects
    inside = int((np.linalg.eigvalsh(sums.within[:r, :r]) > _RANK).sum())
    if sums.n - sums.ranks - inside <= 0:
        return ("no subject has more sessions than random effects" if q > 1 else "no subject has two sessions") + \
            " (beyond what the coefficients use up), so variation between and within subjects cannot be told apart"
    if sums.ranks + inside - r < q:
        return "there are too few subjects to estimate the variation between them"
    columns, last = sums.reduced[:, :r], sums.reduced[:, r]
    rest = last - columns @ np.linalg.lstsq(columns, last, rcond=_RANK)[0] if r else last
    if float(np.abs(rest).max()) * unit <= TINY * largest:
        return "nothing varies within subjects beyond the model, so there is no standard error"
    return ""


def _finished(blank: MixedFit, found: Minimum, root: Array, turn: Array, unit: float) -> MixedFit:
    """The fit in the units of the data; ``root`` turns the coefficients back, ``turn`` the random effects."""
    at, q, n = found.at, len(turn), blank.n_values
    inverse = root @ at.inverse @ root.T
    slopes = np.concatenate([at.sigma2 * (root @ at.slopes @ root.T), 2 * math.sqrt(at.sigma2) * inverse[None]])
    values, axes = np.linalg.eigh(at.full_hessian)
    axes, values = axes[:, values > _POSITIVE], values[values > _POSITIVE]
    back = np.linalg.solve(turn, factor(found.theta, q))
    sigma2 = at.sigma2 * unit**2
    size = float(np.linalg.slogdet(root.T @ root)[1])
    return replace(blank, beta=blank.fixed.beta + unit * (root @ at.beta), covariance=sigma2 * inverse, sigma2=sigma2,
                   random_covariance=sigma2 * (back @ back.T), converged=found.converged, singular=found.rank < q,
                   problem="" if found.converged else "the mixed model did not converge",
                   note=_note(found.rank, q) if found.converged else "",
                   deviance=at.value - size + 2 * (n - root.shape[1]) * math.log(unit),
                   parameter_covariance=2 * (axes / values) @ axes.T, slopes=unit**2 * slopes)


def _note(rank: int, q: int) -> str:
    if rank == q:
        return ""
    if rank == 0:
        return "singular fit: the variation between subjects is estimated as zero"
    return ("singular fit: the random intercept and slope are estimated as perfectly correlated, or one of them as the "
            "same in all subjects")
