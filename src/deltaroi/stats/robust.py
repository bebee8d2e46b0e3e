"""MM regression: a line that a minority of subjects, far off in outcome or score, does not move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deltaroi.stats.record import NAN, TINY, Array, Test, t_test

BREAKDOWN = 1.54764
"""Tuning of the bisquare of the S estimate: half of the subjects may be wrong (R: ``robustbase::lmrob``)."""
EFFICIENCY = 4.685061
"""Tuning of the bisquare of the final estimate: 95 % as precise as least squares under normality."""
_SUBSETS, _KEPT, _ROUNDS = 1000, 20, 500


@dataclass(frozen=True, eq=False)
class RobustFit:
    """An MM fit.

    Attributes
    ----------
    beta : ndarray, shape (p,)
        Coefficients; NaN when ``problem`` says why.
    covariance : ndarray, shape (p, p)
        Of the coefficients.
    scale : float
        The S estimate of the residuals' SD.
    weights : ndarray, shape (n,)
        0 (left out) to 1 (fully counted).
    df : int
        n - p.
    problem : str
        Why numbers are missing; empty when none is.
    """

    beta: Array
    covariance: Array
    scale: float
    weights: Array
    df: int
    problem: str = ""


def fit_mm(y: Array, design: Array, seed: int = 0) -> RobustFit:
    """MM estimate (Yohai 1987) with bisquare functions.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Outcome.
    design : ndarray, shape (n, p)
        Model matrix of full rank, with its constant.
    seed : int
        Of the random subsets of p subjects from which the S estimate starts.

    Notes
    -----
    The S estimate minimises s with Σ ρ(e/s) = (n - p)/2 (fast S: Salibian-Barrera and Yohai 2006); the MM estimate is
    the nearby root of Σ ψ(e/s) x = 0 with that s. Covariance after Koller and Stahel (2011), as R's
    ``lmrob(cov = ".vcov.w")``: s² w̄ n/(n-p) · mean ψ² / (mean ψ')² · (1 + p/n var ψ' / (mean ψ')²)² · (X'WX)⁻¹. The
    default of ``lmrob`` (``.vcov.avar1``) is too small in small samples.
    """
    n, p = design.shape
    if n <= 2 * p:
        return _none(n, p, f"{n} subjects are too few for a robust fit of {p} coefficients (more than {2 * p})")
    norms = np.sqrt((design**2).sum(axis=0))
    if not (norms > 0).all() or np.linalg.matrix_rank(design / norms, tol=1e-9) < p:
        return _none(n, p, "the data do not determine every coefficient")
    x, size = design / norms, float(np.abs(y).max())
    beta, scale = _fast_s(y, x, seed)
    if not scale > TINY * size:
        return _none(n, p, "more than half of the subjects lie exactly on one line")
    for _ in range(_ROUNDS):
        weights = _weight((y - x @ beta) / (EFFICIENCY * scale))
        new = np.linalg.lstsq(x * np.sqrt(weights)[:, None], y * np.sqrt(weights), rcond=None)[0]
        done = float(np.abs(new - beta).max()) <= 1e-12 * max(float(np.abs(beta).max()), scale)
        beta = new
        if done:
            break
    u = (y - x @ beta) / scale
    weights = _weight(u / EFFICIENCY)
    psi, inside = u * weights, np.abs(u) < EFFICIENCY
    slope = np.where(inside, (1 - (u / EFFICIENCY) ** 2) * (1 - 5 * (u / EFFICIENCY) ** 2), 0.0)  # ψ'
    cross = (x * weights[:, None]).T @ x
    if not slope.mean() > 0 or np.linalg.matrix_rank(cross, tol=1e-9, hermitian=True) < p:
        return _none(n, p, "too few subjects are left with weight")
    small = (1 + p / n * float(slope.var()) / float(slope.mean()) ** 2) ** 2
    factor = scale**2 * float(weights.mean()) * n / (n - p) * float((psi**2).mean()) / float(slope.mean()) ** 2 * small
    return RobustFit(beta / norms, factor * np.linalg.inv(cross) / np.outer(norms, norms), scale, weights, n - p)


def test_weights(model: RobustFit, weights: Array) -> Test:
    """The t test (n - p degrees of freedom) of a linear combination of coefficients, shape (p,)."""
    if model.problem:
        return Test(problem=model.problem)
    return t_test(float(weights @ model.beta), float(np.sqrt(weights @ model.covariance @ weights)), model.df)


def _none(n: int, p: int, problem: str) -> RobustFit:
    return RobustFit(np.full(p, NAN), np.full((p, p), NAN), NAN, np.full(n, NAN), n - p, problem)


def _weight(u: Array) -> Array:
    """Bisquare weight ψ(u)/u with tuning 1."""
    return np.asarray(np.where(np.abs(u) < 1, (1 - u**2) ** 2, 0.0))


def _fast_s(y: Array, x: Array, seed: int) -> tuple[Array, float]:
    """Coefficients and scale of the S estimate."""
    betas = _starts(y, x, seed)
    residuals = y - betas @ x.T
    scales = np.median(np.abs(residuals), axis=1) / 0.6745
    for _ in range(2):
        betas, scales = _step(y, x, betas, scales)
    best = np.argsort(_scale(y - betas @ x.T, scales, x.shape[1], 3), kind="stable")[:_KEPT]
    betas, scales = betas[best], scales[best]
    for _ in range(_ROUNDS):
        before = betas
        betas, scales = _step(y, x, betas, scales)
        if float(np.abs(betas - before).max()) <= 1e-11 * max(float(np.abs(betas).max()), 1e-300):
            break
    scales = _scale(y - betas @ x.T, scales, x.shape[1], 200)
    k = int(np.argmin(scales))
    return betas[k], float(scales[k])


def _starts(y: Array, x: Array, seed: int) -> Array:
    """Exact fits of random subsets of p subjects, and least squares; shape (subsets, p)."""
    n, p = x.shape
    chosen = np.argsort(np.random.default_rng(seed).random((_SUBSETS, n)), axis=1)[:, :p]
    square = x[chosen]
    u, s, vt = np.linalg.svd(square)
    good = s[:, -1] > 1e-9 * s[:, 0]
    betas = np.einsum("bji,bj,bkj,bk->bi", vt[good], 1 / s[good], u[good], y[chosen[good]])
    return np.concatenate([np.linalg.lstsq(x, y, rcond=None)[0][None], betas])


def _step(y: Array, x: Array, betas: Array, scales: Array) -> tuple[Array, Array]:
    """One step of the scale and one of weighted least squares, for every candidate."""
    residuals = y - betas @ x.T
    scales = _scale(residuals, scales, x.shape[1], 1)
    weights = _weight(residuals / (BREAKDOWN * np.where(scales > 0, scales, 1.0))[:, None])
    weights = np.where((scales > 0)[:, None], weights, 1.0 * (residuals == 0))
    cross = np.einsum("bn,ni,nj->bij", weights, x, x)
    right = np.einsum("bn,ni,n->bi", weights, x, y)
    return np.einsum("bij,bj->bi", np.linalg.pinv(cross, rcond=1e-12, hermitian=True), right), scales


def _scale(residuals: Array, scales: Array, p: int, rounds: int) -> Array:
    """Fixed-point steps towards Σ ρ(e/s) = (n - p)/2, with ρ(u) = 1 - (1 - (u/c)²)³ up to c."""
    half = (residuals.shape[1] - p) / 2
    for _ in range(rounds):
        known = scales > 0
        u = residuals / (BREAKDOWN * np.where(known, scales, 1.0))[:, None]
        total = (1 - np.where(np.abs(u) < 1, 1 - u**2, 0.0) ** 3).sum(axis=1)
        new = np.where(known, scales * np.sqrt(total / half), 0.0)
        if float(np.abs(new - scales).max()) <= 1e-13 * float(scales.max()):
            return np.asarray(new)
        scales = new
    return np.asarray(scales)
