"""What every test of this room returns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
NAN = math.nan
TINY = 1e-12
"""Residuals smaller than this share of the values count as zero: only rounding is left of them."""


@dataclass(frozen=True)
class Test:
    """One tested effect.

    Attributes
    ----------
    estimate, se : float
        The effect and its standard error, in the unit of the data; NaN for a joint test.
    df : float
        Error degrees of freedom.
    statistic : float
        Student's t, or F.
    kind : str
        ``t`` or ``F``.
    p : float
        Two-sided p (t), upper tail (F).
    ci_low, ci_high : float
        95 % confidence interval of the estimate, by t.
    problem : str
        Why numbers are missing; empty when none is.
    df_between : float
        Numerator degrees of freedom of F; 1 for t.
    """

    __test__ = False  # not a pytest class

    estimate: float = NAN
    se: float = NAN
    df: float = NAN
    statistic: float = NAN
    kind: str = "t"
    p: float = NAN
    ci_low: float = NAN
    ci_high: float = NAN
    problem: str = ""
    df_between: float = 1.0


def t_test(estimate: float, se: float, df: float, problem: str = "") -> Test:
    """A t test from an estimate, its standard error and its degrees of freedom.

    Parameters
    ----------
    estimate, se, df : float
        A standard error that is zero or not finite, or fewer than one degree of freedom, leaves the test missing.
    problem : str
        Why, when the caller knows better.
    """
    if not math.isfinite(df) or df <= 0:
        return Test(estimate, problem=problem or "no degrees of freedom are left")
    if not math.isfinite(se):
        return Test(estimate, df=df, problem=problem or "the standard error is not defined")
    if se <= 0:
        return Test(estimate, df=df, problem=problem or "the values do not vary, so there is no standard error")
    statistic = estimate / se
    half = float(stats.t.ppf(0.975, df)) * se
    p = float(2 * stats.t.sf(abs(statistic), df))
    return Test(estimate, se, df, statistic, "t", p, estimate - half, estimate + half)


def f_test(statistic: float, df_between: float, df: float, problem: str = "") -> Test:
    """An F test from its statistic and its degrees of freedom; missing as in :func:`t_test`."""
    if problem or not math.isfinite(statistic) or not df > 0:
        return Test(df=df, kind="F", problem=problem or "the F statistic is not defined", df_between=df_between)
    return Test(df=df, statistic=statistic, kind="F", p=float(stats.f.sf(statistic, df_between, df)),
                df_between=df_between)


def moments(values: Array) -> tuple[int, float, float]:
    """Number, mean and sample variance (n - 1); a spread that is only rounding counts as zero."""
    n = values.size
    if n == 0:
        return 0, NAN, NAN
    mean = float(values.mean())
    if n == 1:
        return 1, mean, NAN
    variance = float(((values - mean) ** 2).sum() / (n - 1))
    return n, mean, 0.0 if variance <= (TINY * float(np.abs(values).max())) ** 2 else variance
