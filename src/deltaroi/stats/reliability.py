"""How repeatable a measure is, and what its noise does to correlations and effects."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deltaroi.stats.correlation import pearson
from deltaroi.stats.record import NAN, TINY, Array


@dataclass(frozen=True)
class Reliability:
    """A share of variance that is the subjects' own.

    Attributes
    ----------
    value : float
        1 is perfect; an estimate can be negative.
    kind : str
        ``icc_3_1``, ``icc_2_1`` or ``split_half``.
    low, high : float
        95 % interval.
    n, k : int
        Subjects, and measurements of each.
    problem : str
        Why numbers are missing; empty when none is.
    """

    value: float = NAN
    kind: str = "icc_3_1"
    low: float = NAN
    high: float = NAN
    n: int = 0
    k: int = 0
    problem: str = ""


def icc_consistency(values: Array) -> Reliability:
    """ICC(3,1): do subjects keep their order and distances? A shift of everybody does not count.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        One row per subject, one column per session (or run, or half), all finite.

    Notes
    -----
    (MS_subjects - MS_error) / (MS_subjects + (k-1) MS_error); with F = MS_subjects / MS_error, the bounds are
    (F/Q - 1) / (F/Q + k - 1) for the quantiles Q of F (Shrout and Fleiss 1979; ICC(C,1) of McGraw and Wong 1996).
    """
    n, k = values.shape
    subjects, _, error, problem = _mean_squares(values)
    if problem:
        return Reliability(kind="icc_3_1", n=n, k=k, problem=problem)
    value = (subjects - error) / (subjects + (k - 1) * error)
    if not error > 0:
        return Reliability(value, "icc_3_1", n=n, k=k, problem="subjects differ by constants, so there is no interval")
    below, above = n - 1, (n - 1) * (k - 1)
    bounds = [subjects / error / float(stats.f.ppf(q, below, above)) for q in (0.975, 0.025)]
    low, high = ((f - 1) / (f + k - 1) for f in bounds)
    return Reliability(value, "icc_3_1", low, high, n, k)


def icc_agreement(values: Array) -> Reliability:
    """ICC(2,1): do subjects keep their values? A shift between sessions counts as noise.

    Parameters
    ----------
    values : ndarray, shape (n, k)
        One row per subject, one column per session, all finite.

    Notes
    -----
    (MS_subjects - MS_error) / (MS_subjects + (k-1) MS_error + k (MS_sessions - MS_error) / n), interval by
    Satterthwaite's degrees of freedom (Shrout and Fleiss 1979; ICC(A,1) of McGraw and Wong 1996).
    """
    n, k = values.shape
    subjects, sessions, error, problem = _mean_squares(values)
    if problem:
        return Reliability(kind="icc_2_1", n=n, k=k, problem=problem)
    below = subjects + (k - 1) * error + k * (sessions - error) / n
    if not below > 0:
        return Reliability(kind="icc_2_1", n=n, k=k, problem="the estimated variances do not add up to a positive one")
    value = (subjects - error) / below
    if not error > 0:
        return Reliability(value, "icc_2_1", n=n, k=k, problem="subjects differ by constants, so there is no interval")
    ratio, rest = k * value * sessions / error, n * (1 + (k - 1) * value) - k * value
    df = (k - 1) * (n - 1) * (ratio + rest) ** 2 / ((n - 1) * ratio**2 + rest**2)
    upper, lower = float(stats.f.ppf(0.975, n - 1, df)), float(stats.f.ppf(0.975, df, n - 1))
    base = k * sessions + (k * n - k - n) * error
    low = n * (subjects - upper * error) / (upper * base + n * subjects)
    high = n * (lower * subjects - error) / (base + n * lower * subjects)
    return Reliability(value, "icc_2_1", low, high, n, k)


def split_half(first: Array, second: Array) -> Reliability:
    """Reliability of the mean of two halves from the correlation of the halves.

    Parameters
    ----------
    first, second : ndarray, shape (n,)
        Each subject's value in either half (odd and even runs, say).

    Notes
    -----
    Spearman-Brown: 2r / (1 + r); the bounds are the same function of the Fisher bounds of r.
    """
    r = pearson(first, second)
    if not math.isfinite(r.r):
        return Reliability(kind="split_half", n=first.size, k=2, problem=r.problem)
    value, low, high = (spearman_brown(x) for x in (r.r, r.low, r.high))
    return Reliability(value, "split_half", low, high, first.size, 2, r.problem)


def spearman_brown(r: float, longer: float = 2.0) -> float:
    """Reliability of a measure ``longer`` times as long as one with reliability r: k r / (1 + (k-1) r)."""
    below = 1 + (longer - 1) * r
    return longer * r / below if below > 0 else NAN


def attenuated_r(r: float, first: float, second: float = 1.0) -> float:
    """The correlation to be seen when the true one is r, measured with these reliabilities: r √(first second)."""
    return r * math.sqrt(first * second) if first >= 0 and second >= 0 else NAN


def disattenuated_r(r: float, first: float, second: float = 1.0) -> float:
    """Spearman's (1904) correction: the true correlation behind r, r / √(first second); can leave -1..1."""
    return r / math.sqrt(first * second) if first > 0 and second > 0 else NAN


def attenuated_d(d: float, reliability: float) -> float:
    """The standardised difference to be seen when the true one is d: noise widens the SD, d √reliability."""
    return attenuated_r(d, reliability)


def change_reliability(first: float, second: float, correlation: float, ratio: float = 1.0) -> float:
    """Reliability of a change score.

    Parameters
    ----------
    first, second : float
        Reliability of the value before and after.
    correlation : float
        Pre-post correlation.
    ratio : float
        SD after divided by SD before.

    Notes
    -----
    (first + ratio² second - 2 ratio r) / (1 + ratio² - 2 ratio r), errors independent: the share of the variance of the
    changes that is not error.
    """
    total = 1 + ratio**2 - 2 * ratio * correlation
    return (first + ratio**2 * second - 2 * ratio * correlation) / total if total > 0 else NAN


def _mean_squares(values: Array) -> tuple[float, float, float, str]:
    """Of subjects, of sessions and of the rest, in a table of subjects by sessions; and why not."""
    n, k = values.shape
    if n < 2 or k < 2:
        return NAN, NAN, NAN, f"{n} subjects with {k} measurements are too few"
    largest = float(np.abs(values).max())
    table = values - values.mean()
    rows, columns = table.mean(axis=1), table.mean(axis=0)
    rest = table - rows[:, None] - columns
    error = float((rest**2).sum()) / ((n - 1) * (k - 1))
    if error <= (TINY * largest) ** 2:
        error = 0.0
    subjects = k * float((rows**2).sum()) / (n - 1)
    if subjects <= (TINY * largest) ** 2 and error == 0:
        return NAN, NAN, NAN, "the values of subjects do not differ"
    return subjects, n * float((columns**2).sum()) / (k - 1), error, ""
