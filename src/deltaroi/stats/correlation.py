"""Correlations with intervals: Pearson, partial, Spearman."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deltaroi.stats.linear import centred, fit
from deltaroi.stats.record import NAN, Array

_Z = float(stats.norm.ppf(0.975))
_LINE = 1 - 1e-12


@dataclass(frozen=True)
class Correlation:
    """A correlation.

    Attributes
    ----------
    r : float
        -1 to 1.
    kind : str
        ``pearson``, ``partial`` or ``spearman``.
    n, df : int
        Subjects, and degrees of freedom: n - 2 - variables partialled out.
    p : float
        Two-sided, by t.
    low, high : float
        95 % interval by Fisher's z.
    problem : str
        Why numbers are missing; empty when none is.
    """

    r: float = NAN
    kind: str = "pearson"
    n: int = 0
    df: int = 0
    p: float = NAN
    low: float = NAN
    high: float = NAN
    problem: str = ""


def pearson(first: Array, second: Array) -> Correlation:
    """Pearson's correlation of two variables, shape (n,)."""
    return _of_centred(centred(first), centred(second), first.size - 2, "pearson")


def partial(first: Array, second: Array, others: Array) -> Correlation:
    """Correlation of what ``others``, shape (n, k), do not explain in either variable.

    The constant is always partialled out; columns that the others repeat take no degree of freedom.
    """
    n = first.size
    if n == 0:
        return _of_centred(first, second, -2, "partial")
    design = np.column_stack([np.ones(n), *(centred(column) for column in others.T)])
    left, right = fit(centred(first), design), fit(centred(second), design)
    return _of_centred(np.zeros(n) if left.exact else left.residuals, np.zeros(n) if right.exact else right.residuals,
                       left.df - 1, "partial")


def spearman(first: Array, second: Array) -> Correlation:
    """Spearman's correlation: Pearson's of the mid-ranks, p by t with n - 2 (as ``scipy.stats.spearmanr``).

    Notes
    -----
    The interval is tanh(z ± 1.96 √((1 + r²/2) / (n - 3))) with z = atanh r (Bonett and Wright 2000).
    """
    found = _of_centred(centred(stats.rankdata(first)), centred(stats.rankdata(second)), first.size - 2, "spearman")
    low, high = fisher_interval(found.r, found.df, 1 + found.r**2 / 2)
    return Correlation(found.r, "spearman", found.n, found.df, found.p, low, high, found.problem)


def fisher_interval(r: float, df: float, inflation: float = 1.0) -> tuple[float, float]:
    """tanh(atanh r ± 1.96 √(inflation / (df - 1))): n - 3 = df - 1 for two variables; NaN where it does not exist."""
    if not (df > 1 and abs(r) < _LINE):
        return NAN, NAN
    half = _Z * math.sqrt(inflation / (df - 1))
    return math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half)


def _of_centred(a: Array, b: Array, df: int, kind: str) -> Correlation:
    n = a.size
    if df < 1:
        return Correlation(kind=kind, n=n, df=max(df, 0), problem=f"{n} subjects are too few")
    scale = max(float(np.abs(a).max()), 1e-300), max(float(np.abs(b).max()), 1e-300)
    a, b = a / scale[0], b / scale[1]
    product = float((a @ a) * (b @ b))
    if not product > 0:
        return Correlation(kind=kind, n=n, df=df, problem="one of the variables does not vary")
    r = min(1.0, max(-1.0, float(a @ b) / math.sqrt(product)))
    if abs(r) >= _LINE:
        return Correlation(r, kind, n, df, 0.0, problem="the values lie on one line, so there is no interval")
    t = r * math.sqrt(df / ((1 - r) * (1 + r)))
    return Correlation(r, kind, n, df, float(2 * stats.t.sf(abs(t), df)), *fisher_interval(r, df))
