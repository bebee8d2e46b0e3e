"""The noncentral t distribution by quadrature: scipy's gives up (NaN) in the tails that inverting it needs."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.record import NAN, Array

_TAIL = 1e-17
_REACH = 9.0
_DROP = 42.0  # what is exp(-42) of the largest value adds nothing
_FAR = 1e9


def nct_cdf(t: float, df: float, ncp: float) -> float:
    """P(T <= t) of the noncentral t with ``df`` degrees of freedom and noncentrality ``ncp``; NaN below one df.

    Notes
    -----
    T = (Z + ncp) / W with W = √(χ²/df), so P(T <= t) = ∫ Φ(t w - ncp) f(w) dw; Gauss-Legendre on pieces that bracket
    the step of Φ.
    """
    if not (np.isfinite(t) and np.isfinite(ncp) and df >= 1):
        return NAN
    low, high = _range(df)
    step = sorted(((ncp - _REACH) / t, (ncp + _REACH) / t)) if t != 0 else []
    cuts = [low, *(float(cut) for cut in step if low < cut < high), high]
    x, weight = quadrature()
    total = 0.0
    for a, b in pairwise(cuts):
        w = (a + b) / 2 + (b - a) / 2 * x
        total += float((special.ndtr(t * w - ncp) * _density(w, df) * weight).sum() * (b - a) / 2)
    return min(max(total, 0.0), 1.0)


def nct_logpdf(t: float, df: float, ncp: Array) -> Array:
    """Log density at t of the noncentral t with ``df`` degrees of freedom, for each noncentrality; NaN below one df.

    Notes
    -----
    The density is ∫ w φ(t w - ncp) f(w) dw with f the density of √(χ²/df). Around its largest value, at log w = log m,
    the logarithm of what is integrated (by log w) falls at a distance v by (df + 1)(eᵛ - 1 - v) + q (eᵛ - 1)² / 2, with
    q = (df + t²) m²: no term is ever large, however far t is from ncp.
    """
    if not (np.isfinite(t) and df >= 1):
        return np.full(np.shape(ncp), NAN)
    pull, spread = t * np.asarray(ncp, dtype=float), df + t**2
    root = np.sqrt(pull**2 + 4 * spread * (df + 1))
    peak = np.where(pull > 0, pull + root, 4 * spread * (df + 1) / (root - np.minimum(pull, 0))) / (2 * spread)
    q = spread * peak**2
    narrow, broad = np.sqrt(2 * _DROP / q), _DROP / (df + 1)
    right = np.minimum(np.log1p(narrow), np.sqrt(2 * broad))
    left = np.minimum(-np.log1p(-np.minimum(narrow, 1 - 1e-12)), np.sqrt(2 * broad) + broad)
    x, weight = quadrature()
    half = (left + right)[..., None] / 2
    v = (right - left)[..., None] / 2 + half * x
    rise = np.expm1(v)
    fall = (df + 1) * (rise - v) + q[..., None] * rise**2 / 2
    area = np.log((np.exp(-fall) * weight).sum(axis=-1) * half[..., 0])
    height = df * np.log(peak) - df * peak**2 / 2 - (t * peak - ncp) ** 2 / 2 + np.log(peak)
    constant = df / 2 * np.log(df / 2) - special.gammaln(df / 2) + np.log(2) - 0.5 * np.log(2 * np.pi)
    return np.asarray(height + area + constant)


def nct_noncentrality(t: float, df: float, quantile: float) -> float:
    """The noncentrality at which P(T <= t) is the quantile."""
    def gap(ncp: float) -> float:
        return nct_cdf(t, df, ncp) - quantile

    width = 10 + 3 * abs(t)
    if not gap(t - width) > 0 > gap(t + width):
        return NAN
    return float(optimize.brentq(gap, t - width, t + width, xtol=1e-12))


def nct_prediction(t: float, df: float, ratio: float, df_next: float, quantile: float) -> float:
    """Quantile of a next study's t, given an observed one and one common effect; NaN below one df.

    Parameters
    ----------
    t, df : float
        The observed t and its degrees of freedom.
    ratio : float
        Noncentrality of the next t over that of the observed one: √(n of the next / n of the observed).
    df_next : float
        Degrees of freedom of the next t.
    quantile : float
        Between 0 and 1.

    Notes
    -----
    T = (Z + ncp) / W, so the observed t leaves t W - Z as the confidence distribution of ncp, the one that
    :func:`nct_noncentrality` inverts. The next T' = (Z' + ratio (t W - Z)) / W' is below x with probability
    E Φ((x W' - ratio t W) / √(1 + ratio²)), here by Gauss-Legendre over W and W'.
    """
    if not (np.isfinite(t) and 0 < ratio < np.inf and df >= 1 and df_next >= 1):
        return NAN
    (w, share), (w_next, share_next) = _weighted(df), _weighted(df_next)
    spread = np.hypot(1, ratio)

    def gap(x: float) -> float:
        below = special.ndtr((x * w_next - ratio * t * w[:, None]) / spread)
        return float(share @ below @ share_next) - quantile

    reach = 4 * spread + 2 * abs(ratio * t)
    while not gap(ratio * t - reach) < 0 < gap(ratio * t + reach):
        reach *= 2
        if reach > _FAR:
            return NAN
    return float(optimize.brentq(gap, ratio * t - reach, ratio * t + reach, xtol=1e-10))


def _weighted(df: float) -> tuple[Array, Array]:
    """Nodes for √(χ²/df), and their shares of the probability."""
    low, high = _range(df)
    x, weight = quadrature()
    w = (low + high) / 2 + (high - low) / 2 * x
    share = _density(w, df) * weight
    return w, share / share.sum()


def _density(w: Array, df: float) -> Array:
    """Density of √(χ²/df)."""
    constant = df / 2 * np.log(df / 2) - special.gammaln(df / 2) + np.log(2)
    return np.asarray(np.exp(constant + (df - 1) * np.log(w) - df * w**2 / 2))


@lru_cache(maxsize=4096)
def _range(df: float) -> tuple[float, float]:
    """Where nearly all of √(χ²/df) lies."""
    return float(np.sqrt(stats.chi2.ppf(_TAIL, df) / df)), float(np.sqrt(stats.chi2.isf(_TAIL, df) / df))


@lru_cache(maxsize=1)
def quadrature() -> tuple[Array, Array]:
    """Nodes and weights of Gauss-Legendre on -1 to 1, enough for smooth peaks over their whole width."""
    x, weight = np.polynomial.legendre.leggauss(160)
    return x, weight
