"""The noncentral t distribution by quadrature: scipy's gives up (NaN) in the tails that inverting it needs."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.record import NAN, Array

_TAIL = 1e-17
_REACH = 9.0


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
    x, weight = _nodes()
    total = 0.0
    for a, b in pairwise(cuts):
        w = (a + b) / 2 + (b - a) / 2 * x
        total += float((special.ndtr(t * w - ncp) * _density(w, df) * weight).sum() * (b - a) / 2)
    return min(max(total, 0.0), 1.0)


def nct_noncentrality(t: float, df: float, quantile: float) -> float:
    """The noncentrality at which P(T <= t) is the quantile."""
    def gap(ncp: float) -> float:
        return nct_cdf(t, df, ncp) - quantile

    width = 10 + 3 * abs(t)
    if not gap(t - width) > 0 > gap(t + width):
        return NAN
    return float(optimize.brentq(gap, t - width, t + width, xtol=1e-12))


def _density(w: Array, df: float) -> Array:
    """Density of √(χ²/df)."""
    constant = df / 2 * np.log(df / 2) - special.gammaln(df / 2) + np.log(2)
    return np.asarray(np.exp(constant + (df - 1) * np.log(w) - df * w**2 / 2))


@lru_cache(maxsize=4096)
def _range(df: float) -> tuple[float, float]:
    """Where nearly all of √(χ²/df) lies."""
    return float(np.sqrt(stats.chi2.ppf(_TAIL, df) / df)), float(np.sqrt(stats.chi2.isf(_TAIL, df) / df))


@lru_cache(maxsize=1)
def _nodes() -> tuple[Array, Array]:
    x, weight = np.polynomial.legendre.leggauss(160)
    return x, weight
