"""Standardised effect sizes with confidence intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from deltaroi.stats.noncentral import nct_noncentrality
from deltaroi.stats.record import NAN, Array, moments

_LARGEST_F = 1e4  # beyond it scipy's noncentral F has no values, and the interval is missing
_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class EffectSize:
    """A standardised effect, what it is, and its interval (95 %; 90 % for partial η²); NaN where undefined."""

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
    d = J M / s with s² = (s₁²+s₂²)/2. The interval is d ± 1.96 SE with the large-sample variance
    d² (s₁⁴+s₂⁴+2r²s₁²s₂²) / (8 s⁴ (n-1)) + s_change² / (s² (n-1)), which uses the pre-post correlation r (Bonett 2008).
    """
    n, mean, var_change = moments(post - pre)
    if n < 3:
        return EffectSize(kind="d_av")
    v1, v2 = moments(pre)[2], moments(post)[2]
    average = (v1 + v2) / 2
    if not average > 0:
        return EffectSize(kind="d_av")
    d = hedges_j(n - 1) * mean / math.sqrt(average)
    product = float(np.cov(pre, post)[0, 1]) ** 2
    variance = d**2 * (v1**2 + v2**2 + 2 * product) / (8 * average**2 * (n - 1)) + var_change / (average * (n - 1))
    half = _Z * math.sqrt(variance)
    return EffectSize(d, "d_av", d - half, d + half)


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
    value = f * df_between / (f * df_between + df)
    if f * df_between > _LARGEST_F:
        return EffectSize(value, "partial_eta2")
    bounds = [_noncentrality_f(f, df_between, df, q) for q in (0.95, 0.05)]
    low, high = (ncp / (ncp + df) for ncp in bounds)
    return EffectSize(value, "partial_eta2", low, high)


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
