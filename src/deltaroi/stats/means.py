"""Means of one, two and more samples: Student, Welch, and Welch's analysis of variance."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from deltaroi.stats.record import NAN, Array, Test, f_test, moments, t_test


def one_sample(values: Array) -> Test:
    """The t test of a mean against zero; of changes, it is the paired t test. Values have shape (n,)."""
    n, mean, variance = moments(values)
    if n < 2:
        return Test(mean, problem=_count(n))
    return t_test(mean, math.sqrt(variance / n), n - 1)


def two_sample(first: Array, second: Array, kind: str) -> Test:
    """Mean of the first sample minus mean of the second; ``kind`` is ``welch`` or ``classical`` (pooled variance)."""
    (n1, m1, v1), (n2, m2, v2) = moments(first), moments(second)
    if min(n1, n2) < 1 or n1 + n2 < 3:
        return Test(m1 - m2, problem=f"there are {n1} and {n2} subjects")
    if kind == "classical":
        total = sum((n - 1) * v for n, v in ((n1, v1), (n2, v2)) if n > 1)
        return t_test(m1 - m2, math.sqrt(total / (n1 + n2 - 2) * (1 / n1 + 1 / n2)), n1 + n2 - 2)
    if kind != "welch":
        raise ValueError(f"no standard errors of the kind {kind!r}")
    if min(n1, n2) < 2:
        return Test(m1 - m2, problem=f"Welch's test needs two subjects in each group; there are {n1} and {n2}")
    a, b = v1 / n1, v2 / n2
    df = (a + b) ** 2 / (a**2 / (n1 - 1) + b**2 / (n2 - 1)) if a + b > 0 else float(n1 + n2 - 2)
    return t_test(m1 - m2, math.sqrt(a + b), df)


def welch_anova(samples: Sequence[Array]) -> Test:
    """Welch's (1951) test that several means are equal under unequal variances (R: ``oneway.test``)."""
    counts, means, variances = (np.array(column, dtype=np.float64) for column in zip(*map(moments, samples),
                                                                                     strict=True))
    k = len(samples)
    if counts.min() < 2:
        return f_test(NAN, k - 1, NAN, "Welch's test needs two subjects in each group; there are "
                      + ", ".join(f"{n:.0f}" for n in counts))
    if (variances <= 0).any():
        return f_test(NAN, k - 1, NAN, "the values of a group do not vary")
    weights = counts / variances
    total = weights.sum()
    grand = (weights * means).sum() / total
    spread = ((1 - weights / total) ** 2 / (counts - 1)).sum()
    between = (weights * (means - grand) ** 2).sum() / (k - 1)
    statistic = between / (1 + 2 * (k - 2) / (k**2 - 1) * spread)
    return f_test(float(statistic), k - 1, float((k**2 - 1) / (3 * spread)))


def _count(n: int) -> str:
    return "there is one subject" if n == 1 else f"there are {n} subjects"
