"""Absence and sensitivity: equivalence test, JZS Bayes factor, smallest detectable effect."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, stats

from deltaroi.stats.noncentral import nct_cdf
from deltaroi.stats.record import NAN, Array, Test


def equivalence_p(test: Test, bound: float) -> float:
    """Two one-sided tests (Schuirmann 1987) that an effect lies within ± bound; the larger of both p values."""
    if not (bound > 0 and test.se > 0 and test.df > 0):
        return NAN
    below = stats.t.sf((test.estimate + bound) / test.se, test.df)
    above = stats.t.cdf((test.estimate - bound) / test.se, test.df)
    return float(max(below, above))


def jzs_bf10(t: float, n_effective: float, df: float, width: float = math.sqrt(2) / 2) -> float:
    """The JZS Bayes factor of a t test against the null (Rouder et al. 2009, eq. 1, with a Cauchy prior of this width).

    Parameters
    ----------
    t : float
        Student's t.
    n_effective : float
        n for one sample or pairs; n₁n₂/(n₁+n₂) for two samples.
    df : float
        Degrees of freedom of t.
    width : float
        Scale of the Cauchy prior on the standardised effect; √2/2 is the usual medium one.
    """
    if not (math.isfinite(t) and df > 0 and n_effective > 0):
        return NAN
    null = -(df + 1) / 2 * math.log1p(t**2 / df)

    def log_density(u: Array) -> Array:  # u = log g
        g = np.exp(u)
        spread = 1 + n_effective * g * width**2
        return np.asarray(-0.5 * np.log(spread) - (df + 1) / 2 * np.log1p(t**2 / (spread * df)) - null
                          - 0.5 * math.log(2 * math.pi) - 0.5 * u - 0.5 / g)

    # the trapezium rule converges exponentially on a smooth integrand that vanishes at both ends
    grid = np.linspace(-12, 90, 4081)
    heights = log_density(grid)
    peak = float(heights.max())
    value = float(np.exp(heights - peak).sum() * (grid[1] - grid[0]))
    log_factor = math.log(value) + peak
    return math.exp(log_factor) if log_factor < 700 else math.inf


@lru_cache(maxsize=4096)
def detectable(df: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest effect, in standard errors, that a two-sided t test detects with this power."""
    if not df >= 1:
        return NAN
    critical = float(stats.t.ppf(1 - alpha / 2, df))

    def gap(ncp: float) -> float:
        return nct_cdf(-critical, df, ncp) + 1 - nct_cdf(critical, df, ncp) - power

    high = 5.0
    while not gap(high) > 0:
        high *= 2
        if high > 1e4:
            return NAN
    return float(optimize.brentq(gap, 0.0, high, xtol=1e-10))
