"""Absence and sensitivity: equivalence test, JZS Bayes factors (t, correlation), smallest detectable effect."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.noncentral import nct_cdf
from deltaroi.stats.record import NAN, Array, Test

T_WIDTHS: Mapping[str, float] = MappingProxyType({"medium": math.sqrt(2) / 2, "wide": 1.0, "ultrawide": math.sqrt(2)})
"""Scales of the Cauchy prior on a standardised effect, as R's ``BayesFactor::ttestBF`` names them."""
R_WIDTHS: Mapping[str, float] = MappingProxyType({"medium": 1 / 3, "wide": 1 / math.sqrt(3), "ultrawide": 1.0})
"""Scales of the stretched beta prior on a correlation, as R's ``BayesFactor::correlationBF`` names them."""
_LARGEST_LOG = 700.0


@dataclass(frozen=True)
class BayesFactor:
    """Evidence for an effect against none (``bf10``) under the prior of this name and width."""

    prior: str
    width: float
    bf10: float


def t_sensitivity(t: float, n_effective: float, df: float) -> tuple[BayesFactor, ...]:
    """:func:`jzs_bf10` under every prior of :data:`T_WIDTHS`."""
    return tuple(BayesFactor(name, width, jzs_bf10(t, n_effective, df, width)) for name, width in T_WIDTHS.items())


def r_sensitivity(r: float, n: float) -> tuple[BayesFactor, ...]:
    """:func:`correlation_bf10` under every prior of :data:`R_WIDTHS`."""
    return tuple(BayesFactor(name, width, correlation_bf10(r, n, width)) for name, width in R_WIDTHS.items())


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

    grid = np.linspace(-12, 90, 4081)
    return _exp(_log_sum(log_density(grid)) + math.log(grid[1] - grid[0]))


def correlation_bf10(r: float, n: float, width: float = 1 / 3) -> float:
    """The Bayes factor of a Pearson correlation against the null (Ly, Verhagen and Wagenmakers 2016).

    Parameters
    ----------
    r : float
        The correlation; a partial one has as many fewer ``n`` as variables are partialled out.
    n : float
        Number of subjects; at least 3.
    width : float
        κ of the prior: ρ is beta(1/κ, 1/κ) stretched to -1..1. 1 is uniform; 1/3 is the usual medium one.

    Notes
    -----
    With a = (n-1)/2 and c = n/2 + 1/κ: BF₁₀ = 2^(1-2/κ) √π / B(1/κ, 1/κ) · Γ(a + 1/κ) / Γ(c) · ₂F₁(a, a; c; r²), with
    ₂F₁ by Euler's integral of t^(a-1) (1-t)^(c-a-1) (1-r²t)^(-a) over 0..1, divided by B(a, c-a).
    """
    if not (n >= 3 and abs(r) <= 1 and width > 0):
        return NAN
    a, c, rest = (n - 1) / 2, n / 2 + 1 / width, (1 - r) * (1 + r)
    if rest == 0 and c <= 2 * a:
        return math.inf
    step = min(0.02, 0.5 / math.sqrt(n))
    u = np.arange(-60.0, 130.0, step)  # t = 1 / (1 + exp(-u))
    log_t, log_left = -np.logaddexp(0.0, -u), -np.logaddexp(0.0, u)
    mixed = np.logaddexp(log_left, log_t + math.log(rest)) if rest > 0 else log_left  # log(1 - r² t)
    integral = _log_sum(a * log_t + (c - a) * log_left - a * mixed) + math.log(step)
    constant = (1 - 2 / width) * math.log(2) + 0.5 * math.log(math.pi) - float(special.betaln(1 / width, 1 / width))
    return _exp(constant + float(special.gammaln(a + 1 / width) - special.gammaln(c) - special.betaln(a, c - a))
                + integral)


def _log_sum(logs: Array) -> float:
    """log Σ exp: the trapezium rule, which converges exponentially on a smooth curve that vanishes at both ends."""
    peak = float(logs.max())
    return math.log(float(np.exp(logs - peak).sum())) + peak


def _exp(value: float) -> float:
    return math.exp(value) if value < _LARGEST_LOG else math.inf


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
