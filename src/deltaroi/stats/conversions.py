"""From published statistics to p values and effect sizes: what a paper prints, without its data.

Sizes and intervals are those of :mod:`deltaroi.stats.standardised`, so that a published effect and a new one are of one
kind. Variances are the large-sample ones that R's ``metafor::escalc`` uses by default, for meta-analysis.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy import stats

from deltaroi.stats.record import NAN
from deltaroi.stats.standardised import from_r, from_t


@dataclass(frozen=True)
class Converted:
    """An effect size, the ends of its 95 % interval, and its sampling variance (for r that of Fisher's z)."""

    value: float = NAN
    low: float = NAN
    high: float = NAN
    variance: float = NAN


def p_of_t(t: float, df: float) -> float:
    """Two-sided p of Student's t."""
    return float(2 * stats.t.sf(abs(t), df)) if df > 0 else NAN


def p_of_f(f: float, df1: float, df2: float) -> float:
    """Upper-tail p of F."""
    return float(stats.f.sf(f, df1, df2)) if df1 > 0 and df2 > 0 else NAN


def p_of_z(z: float) -> float:
    """Two-sided p of a standard normal deviate."""
    return float(2 * stats.norm.sf(abs(z)))


def p_of_r(r: float, df: float) -> float:
    """Two-sided p of a correlation with ``df`` = n - 2 degrees of freedom."""
    return p_of_t(t_of_r(r, df), df)


def t_of_r(r: float, df: float) -> float:
    """t = r √(df / (1 - r²))."""
    return r * math.sqrt(df / (1 - r**2)) if abs(r) < 1 and df > 0 else NAN


def r_of_t(t: float, df: float) -> float:
    """r = t / √(t² + df): the correlation, or in a model with more terms the partial correlation."""
    return t / math.sqrt(t**2 + df) if df > 0 else NAN


def t_of_z(z: float, df: float) -> float:
    """The t with the same tail probability: how SPM made z of its t."""
    sign = math.copysign(1.0, z)
    return sign * float(stats.t.isf(stats.norm.sf(abs(z)), df)) if df > 0 else NAN


def t_of_p(p: float, df: float) -> float:
    """The positive t whose two-sided p this is."""
    return float(stats.t.isf(p / 2, df)) if df > 0 and 0 < p <= 1 else NAN


def eta2_of_f(f: float, df1: float, df2: float) -> float:
    """Partial η² = F df₁ / (F df₁ + df₂)."""
    return f * df1 / (f * df1 + df2) if df1 > 0 and df2 > 0 else NAN


def f_of_eta2(eta2: float, df1: float, df2: float) -> float:
    """F = (η² / df₁) / ((1 - η²) / df₂)."""
    return eta2 / df1 / ((1 - eta2) / df2) if 0 <= eta2 < 1 and df1 > 0 and df2 > 0 else NAN


def g_of_t(t: float, n1: float, n2: float) -> Converted:
    """Hedges' g of the t of two independent groups.

    Notes
    -----
    g = J(n₁+n₂-2) t √(1/n₁ + 1/n₂); interval by the noncentral t, times J; variance 1/n₁ + 1/n₂ + g² / (2 (n₁+n₂))
    (``escalc(measure = "SMD")``).
    """
    found = from_t("g", t, n1, n2)
    if found.problem:
        return Converted()
    return Converted(found.value, found.low, found.high, 1 / n1 + 1 / n2 + found.value**2 / (2 * (n1 + n2)))


def g_z_of_t(t: float, n: float) -> Converted:
    """Standardised mean change of a paired t, over the SD of the changes, Hedges-corrected.

    Notes
    -----
    g_z = J(n-1) t / √n; interval by the noncentral t, times J; variance 1/n + g_z² / (2n)
    (``escalc(measure = "SMCC")``).
    """
    found = from_t("g_z", t, n)
    return Converted() if found.problem else Converted(found.value, found.low, found.high,
                                                       1 / n + found.value**2 / (2 * n))


def r_of_n(r: float, n: float) -> Converted:
    """A correlation with its interval by Fisher's z, and the variance 1 / (n - 3) of that z."""
    found = from_r(r, n)
    return Converted() if found.problem else Converted(found.value, found.low, found.high, 1 / (n - 3))
