"""Standardised effect sizes with confidence intervals.

Values are corrected for small samples (Hedges' J). The intervals of g and d_z are the exact ones times J, as in R's
``effectsize``; those of d_av, d_rm and the adjusted difference are of the population's effect and not multiplied.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.noncentral import nct_noncentrality
from deltaroi.stats.record import NAN, Array, Test, moments

_LARGEST_F = 1e4  # beyond it scipy's noncentral F has no values, and the interval is missing
_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class EffectSize:
    """A standardised effect, what it is, and its interval (95 %; 90 % for partial η² and ω²); NaN where undefined."""

    value: float = NAN
    kind: str = "n/a"
    low: float = NAN
    high: float = NAN


def hedges_j(df: float) -> float:
    """The exact small-sample factor √(2/m) Γ(m/2) / Γ((m-1)/2) with m = df (Hedges 1981); NaN below 2."""
    if not df >= 2:
        return NAN
    return math.sqrt(2 / df) * math.exp(float(special.gammaln(df / 2) - special.gammaln((df - 1) / 2)))


def d_ppc2(pre: tuple[Array, Array], post: tuple[Array, Array]) -> EffectSize:
    """Morris' (2008) effect size of a difference of changes.

    Parameters
    ----------
    pre, post : tuple of two ndarrays
        Values of the first and the second group before and after; same subjects in the same order.

    Notes
    -----
    d = c (ΔM₁ - ΔM₂) / s, with s the pooled SD before, c the exact factor for n₁+n₂-2 (Morris 2008, eq. 8-10), variance
    by eq. 25 with the correlation pooled within groups; the interval is d ± 1.96 √variance.
    """
    n1, n2 = pre[0].size, pre[1].size
    if min(n1, n2) < 1 or n1 + n2 < 4:
        return EffectSize(kind="d_ppc2")
    change = float((post[0] - pre[0]).mean() - (post[1] - pre[1]).mean())
    return d_ppc2_summary(change, pooled_sd(*pre), within_correlation(pre, post), n1, n2)


def d_ppc2_summary(change: float, sd_pre: float, correlation: float, n1: int, n2: int) -> EffectSize:
    """Morris' d_ppc2 from summary numbers; see :func:`d_ppc2`."""
    m = n1 + n2 - 2
    if not sd_pre > 0 or m < 2:
        return EffectSize(kind="d_ppc2")
    factor = hedges_j(m)
    d = factor * change / sd_pre
    if m <= 2 or math.isnan(correlation):
        return EffectSize(d, "d_ppc2")
    spread = 2 * (1 - correlation) * (n1 + n2) / (n1 * n2)
    variance = factor**2 * m / (m - 2) * (spread + d**2) - d**2
    half = _Z * math.sqrt(max(variance, 0.0))
    return EffectSize(d, "d_ppc2", d - half, d + half)


def pooled_sd(*samples: Array) -> float:
    """Within-sample standard deviation pooled over samples; NaN without degrees of freedom."""
    parts = [(n - 1, (n - 1) * variance) for n, _, variance in map(moments, samples) if n > 1]
    df = sum(n for n, _ in parts)
    return math.sqrt(sum(total for _, total in parts) / df) if df else NAN


def within_correlation(pre: tuple[Array, ...], post: tuple[Array, ...]) -> float:
    """Pre-post correlation pooled within groups: sums of products over groups; NaN where nothing varies."""
    a = np.concatenate([values - values.mean() for values in pre if values.size])
    b = np.concatenate([values - values.mean() for values in post if values.size])
    product = float((a @ a) * (b @ b))
    return min(1.0, max(-1.0, float(a @ b) / math.sqrt(product))) if product > 0 else NAN


def d_av(pre: Array, post: Array) -> EffectSize:
    """Mean change over the average SD, Hedges-corrected (n - 1).

    Notes
    -----
    d = M / s with s² = (s₁²+s₂²)/2; the value is J d. The interval is d ± 1.96 SE with the large-sample variance
    d² (s₁⁴+s₂⁴+2r²s₁²s₂²) / (8 s⁴ (n-1)) + s_change² / (s² (n-1)), which uses the pre-post correlation r (Bonett 2008;
    R's ``statpsych::ci.stdmean.ps``).
    """
    n, mean, var_change = moments(post - pre)
    if n < 3:
        return EffectSize(kind="d_av")
    v1, v2 = moments(pre)[2], moments(post)[2]
    average = (v1 + v2) / 2
    if not average > 0:
        return EffectSize(kind="d_av")
    d = mean / math.sqrt(average)
    product = float(np.cov(pre, post)[0, 1]) ** 2
    variance = d**2 * (v1**2 + v2**2 + 2 * product) / (8 * average**2 * (n - 1)) + var_change / (average * (n - 1))
    half = _Z * math.sqrt(variance)
    return EffectSize(hedges_j(n - 1) * d, "d_av", d - half, d + half)


def d_rm(pre: Array, post: Array) -> EffectSize:
    """Mean change over the SD of one session as the changes and the correlation give it, Hedges-corrected (n - 1).

    Notes
    -----
    d = M / s with s = s_change / √(2(1-r)) (Morris and DeShon 2002; R's ``effectsize::repeated_measures_d``); the value
    is J d. It presumes equal SDs of both sessions, where s estimates that SD; else d_av is the better choice. Mean and
    s are independent under normality, so the interval adds their parts in squares (:func:`_squared_parts`):
    t s_change / (s √n) for the mean, and for log s the variance by the delta method from the normal theory of s₁², s₂²
    and the covariance. The interval of the noncentral t times √(2(1-r)/n) takes r for known and covers as little as .75
    when the SDs differ and r is high.
    """
    n, mean, var_change = moments(post - pre)
    if n < 3:
        return EffectSize(kind="d_rm")
    v1, v2 = moments(pre)[2], moments(post)[2]
    if not (v1 > 0 and v2 > 0 and var_change > 0):
        return EffectSize(kind="d_rm")
    covariance = float(np.cov(pre, post)[0, 1])
    r = covariance / math.sqrt(v1 * v2)
    if not r < 1 - 1e-12:
        return EffectSize(kind="d_rm")
    sd = math.sqrt(var_change / (2 * (1 - r)))
    slopes = np.array([0.5 / var_change - r / (4 * v1 * (1 - r)), 0.5 / var_change - r / (4 * v2 * (1 - r)),
                       0.5 / (math.sqrt(v1 * v2) * (1 - r)) - 1 / var_change])  # of log s by s₁², s₂², covariance
    spread = np.array([[2 * v1**2, 2 * covariance**2, 2 * v1 * covariance],
                       [2 * covariance**2, 2 * v2**2, 2 * v2 * covariance],
                       [2 * v1 * covariance, 2 * v2 * covariance, v1 * v2 + covariance**2]]) / (n - 1)
    log_half = _Z * math.sqrt(max(float(slopes @ spread @ slopes), 0.0))
    half = float(stats.t.ppf(0.975, n - 1)) * math.sqrt(var_change / n) / sd
    low, high = _squared_parts(mean / sd, half, math.exp(-log_half), math.exp(log_half))
    return EffectSize(hedges_j(n - 1) * mean / sd, "d_rm", low, high)


def adjusted_d(test: Test, pre: tuple[Array, ...]) -> EffectSize:
    """An adjusted difference (the group coefficient of an ANCOVA) over the pooled SD before, Hedges-corrected.

    Parameters
    ----------
    test : Test
        The t test of the coefficient, in the unit of ``pre``, with any standard error (classical, HC3).
    pre : tuple of ndarrays
        The values before of every group of the model.

    Notes
    -----
    d = b / s, value J d with the degrees of freedom of s. Given the values before, b is unbiased whatever s is, so the
    two are uncorrelated, and the interval adds their parts in squares (:func:`_squared_parts`): the t interval of b,
    and the χ² interval of s. Dividing the interval of b by s alone covers .80 at d = 2 and r = .8.
    """
    df, sd = sum(values.size - 1 for values in pre if values.size > 1), pooled_sd(*pre)
    if not (sd > 0 and df >= 2 and math.isfinite(test.estimate)):
        return EffectSize(kind="adjusted_d")
    d, value = test.estimate / sd, hedges_j(df) * test.estimate / sd
    if not math.isfinite(test.ci_high):
        return EffectSize(value, "adjusted_d")
    shrink, stretch = (math.sqrt(float(stats.chi2.ppf(q, df)) / df) for q in (0.025, 0.975))
    low, high = _squared_parts(d, (test.ci_high - test.estimate) / sd, shrink, stretch)
    return EffectSize(value, "adjusted_d", low, high)


def _squared_parts(d: float, half: float, shrink: float, stretch: float) -> tuple[float, float]:
    """Interval of d = b/s from the half width of b/s with s fixed, and d · shrink to d · stretch with b fixed.

    The method of variance estimates recovery (MOVER: Zou and Donner 2008; Donner and Zou 2012 for functions of a mean
    and an SD): distances of the bounds of independent parts add in squares, each side by itself.
    """
    near, far = (math.hypot(half, d * (1 - factor)) for factor in (shrink, stretch))
    return (d - near, d + far) if d >= 0 else (d - far, d + near)


def d_z(values: Array) -> EffectSize:
    """Mean over SD of one sample, Hedges-corrected (n - 1), with a noncentral-t interval."""
    n, mean, variance = moments(values)
    if n < 3 or not variance > 0:
        return EffectSize(kind="d_z")
    return _from_t(mean / math.sqrt(variance / n), n - 1, 1 / math.sqrt(n), "d_z")


def hedges_g(first: Array, second: Array) -> EffectSize:
    """Difference of two means over the pooled SD, Hedges-corrected, with a noncentral-t interval."""
    n1, n2, sd = first.size, second.size, pooled_sd(first, second)
    if min(n1, n2) < 1 or n1 + n2 < 4 or not sd > 0:
        return EffectSize(kind="g")
    root = math.sqrt(1 / n1 + 1 / n2)
    return _from_t(float(first.mean() - second.mean()) / (sd * root), n1 + n2 - 2, root, "g")


def _from_t(t: float, df: float, root: float, kind: str) -> EffectSize:
    """Effect size t · root with its interval by inverting the noncentral t; all three times J."""
    low, high = (nct_noncentrality(t, df, q) for q in (0.975, 0.025))
    factor = hedges_j(df) * root
    return EffectSize(t * factor, kind, low * factor, high * factor)


def partial_eta2(f: float, df_between: float, df: float) -> EffectSize:
    """Partial η² of an F test with its 90 % interval by the noncentral F (Steiger 2004).

    Notes
    -----
    Bounds λ of the noncentrality become λ / (λ + error df), as F becomes F·df / (F·df + error df) in the estimate
    itself and as R's ``effectsize::F_to_eta2`` does it; Steiger's own λ / (λ + N) is smaller.
    """
    if not (math.isfinite(f) and df > 0):
        return EffectSize(kind="partial_eta2")
    return EffectSize(f * df_between / (f * df_between + df), "partial_eta2", *_explained(f, df_between, df))


def partial_omega2(f: float, df_between: float, df: float) -> EffectSize:
    """Partial ω², less biased than η², with its 90 % interval by the noncentral F.

    Notes
    -----
    ω² = max(0, (F-1) df / (F df + error df + 1)) (R's ``effectsize::F_to_omega2``). η² and ω² estimate the same share
    of the population, so the interval is the same. effectsize instead takes the interval at the smaller F whose η² is
    this ω²; for F <= 1 that is [0, 0].
    """
    if not (math.isfinite(f) and df > 0):
        return EffectSize(kind="partial_omega2")
    value = max(0.0, (f - 1) * df_between / (f * df_between + df + 1))
    return EffectSize(value, "partial_omega2", *_explained(f, df_between, df))


def _explained(f: float, df_between: float, df: float) -> tuple[float, float]:
    """90 % interval of the share explained, λ / (λ + error df); missing where the noncentral F has no values."""
    if f * df_between > _LARGEST_F:
        return NAN, NAN
    low, high = (ncp / (ncp + df) for ncp in (_noncentrality_f(f, df_between, df, q) for q in (0.95, 0.05)))
    return low, high


def _noncentrality_f(f: float, df_between: float, df: float, quantile: float) -> float:
    def gap(ncp: float) -> float:
        return float(stats.ncf.cdf(f, df_between, df, ncp)) - quantile

    if gap(0.0) <= 0:
        return 0.0
    high = 10 + 4 * f * df_between
    while gap(high) > 0:
        high *= 2
        if high > 1e6:
            return NAN
    return float(optimize.brentq(gap, 0.0, high, xtol=1e-11))
