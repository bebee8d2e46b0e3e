"""Ordinary least squares with classical and HC3 errors, t reference, and honest gaps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deltaroi.stats.record import NAN, TINY, Array, Test, f_test, t_test

_RANK = 1e-9
_UNDETERMINED = "the data do not determine this effect (a group is empty, or columns depend on each other)"
_FULL = 1 - 1e-9


@dataclass(frozen=True, eq=False)
class Fit:
    """One least-squares fit.

    Attributes
    ----------
    design : ndarray, shape (n, p)
        The model matrix.
    beta : ndarray, shape (p,)
        Coefficients (the smallest ones where columns are dependent).
    inverse : ndarray, shape (p, p)
        Pseudo-inverse of X'X.
    residuals, leverage : ndarray, shape (n,)
        y - Xb, and the diagonal of the hat matrix.
    df : int
        n minus the rank of X.
    exact : bool
        The model reproduces the values: nothing is left to estimate an error from.
    scale, directions : ndarray, shapes (p,) and (rank, p)
        Norms of the columns, and the combinations of scaled coefficients that the data determine.
    """

    design: Array
    beta: Array
    inverse: Array
    residuals: Array
    leverage: Array
    df: int
    exact: bool
    scale: Array
    directions: Array


def centred(values: Array) -> Array:
    """Values minus their mean; exactly zero when only rounding is left."""
    if values.size == 0:
        return values
    out = values - values.mean()
    return out if np.abs(out).max() > TINY * max(float(np.abs(values).max()), 1e-300) else np.zeros_like(out)


def fit(y: Array, design: Array) -> Fit:
    """Fit y, shape (n,), on the columns of design, shape (n, p), by a pseudo-inverse of scaled columns."""
    norms = np.sqrt((design**2).sum(axis=0))
    scale = np.where(norms > 0, norms, 1.0)
    u, s, vt = np.linalg.svd(design / scale, full_matrices=False)
    keep = s > _RANK * max(float(s.max(initial=0.0)), 1e-300)
    u, s, vt = u[:, keep], s[keep], vt[keep]
    root = (vt.T / s) / scale[:, None]
    beta = root @ (u.T @ y)
    residuals = y - u @ (u.T @ y)
    leverage = (u**2).sum(axis=1)
    df = int(y.size - keep.sum())
    largest = float(np.abs(y).max(initial=0.0))
    exact = df == 0 or float(np.abs(residuals).max(initial=0.0)) <= TINY * largest
    return Fit(design, beta, root @ root.T, residuals, leverage, df, exact, scale, vt)


def estimable(model: Fit, weights: Array) -> bool:
    """Whether a linear combination of coefficients, shape (p,), is determined by the data."""
    scaled = weights / model.scale
    left = scaled - model.directions.T @ (model.directions @ scaled)
    return bool(np.abs(left).max() <= 1e-6 * float(np.abs(scaled).max()))


def covariance(model: Fit, kind: str) -> tuple[Array, str]:
    """Covariance of the coefficients, shape (p, p), and why it is missing.

    ``classical`` is s² (X'X)⁻¹; ``hc3`` is (X'X)⁻¹ X' diag(e²/(1-h)²) X (X'X)⁻¹ (MacKinnon and White 1985). HC3 does
    not exist when a subject has leverage 1 (nobody else informs its fitted value).
    """
    missing = np.full_like(model.inverse, NAN)
    if model.df <= 0:
        return missing, "there are not more subjects than coefficients"
    if model.exact:
        return missing, "the model reproduces the values exactly, so there is no standard error"
    if kind == "classical":
        return model.inverse * float(model.residuals @ model.residuals / model.df), ""
    if kind != "hc3":
        raise ValueError(f"no standard errors of the kind {kind!r}")
    if (model.leverage > _FULL).any():
        return missing, "HC3 errors do not exist: the model fits at least one subject by itself (leverage 1)"
    half = model.inverse @ (model.design * (model.residuals / (1 - model.leverage))[:, None]).T
    return half @ half.T, ""


def test_weights(model: Fit, weights: Array, kind: str) -> Test:
    """The t test of a linear combination of coefficients, shape (p,); ``kind`` is classical or hc3."""
    if not estimable(model, weights):
        return Test(problem=_UNDETERMINED)
    matrix, problem = covariance(model, kind)
    variance = float(weights @ matrix @ weights)
    return t_test(float(weights @ model.beta), math.sqrt(variance) if variance >= 0 else NAN, model.df, problem)


def test_joint(model: Fit, weights: Array, kind: str) -> Test:
    """The Wald F test that several combinations, shape (q, p), are all zero."""
    if not all(estimable(model, row) for row in weights):
        return f_test(NAN, len(weights), model.df, _UNDETERMINED)
    matrix, problem = covariance(model, kind)
    if problem:
        return f_test(NAN, len(weights), model.df, problem)
    middle, effect = weights @ matrix @ weights.T, weights @ model.beta
    if np.linalg.matrix_rank(middle, hermitian=True) < len(weights):
        return f_test(NAN, len(weights), model.df, "the covariance of the effects is singular")
    return f_test(float(effect @ np.linalg.solve(middle, effect)) / len(weights), len(weights), model.df)


def leave_one_out(model: Fit, weights: Array) -> tuple[float, float]:
    """Smallest and largest estimate when one subject is left out; NaN where leaving one out undoes the effect."""
    estimates = without_each(model, weights)
    return (float(estimates.min()), float(estimates.max())) if np.isfinite(estimates).all() and estimates.size else \
        (NAN, NAN)


def without_each(model: Fit, weights: Array) -> Array:
    """The estimate without each subject, shape (n,); all NaN where leaving one out undoes the effect.

    Uses b₍₋ᵢ₎ = b - (X'X)⁻¹ xᵢ eᵢ / (1 - hᵢ) (Cook 1977).
    """
    missing: Array = np.full(model.design.shape[0], NAN)
    if not estimable(model, weights) or model.design.shape[0] < 2:
        return missing
    direction = model.design @ (model.inverse @ weights)
    alone = model.leverage > _FULL
    if (alone & (np.abs(direction) > TINY)).any():
        return missing
    shift = np.where(alone, 0.0, direction * model.residuals / np.where(alone, 1.0, 1 - model.leverage))
    return np.asarray(float(weights @ model.beta) - shift)
