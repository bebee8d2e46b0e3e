"""Associations of an outcome with a score: over all subjects, and as groups moderate them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from deltaroi.stats import robust, small_samples
from deltaroi.stats.correlation import Correlation, partial
from deltaroi.stats.linear import Fit, centred, covariance, estimable, fit, test_joint, test_weights
from deltaroi.stats.record import NAN, Array, Test

KINDS = ("hc2_welch", "hc3", "classical")
"""Standard errors: HC2 with the degrees of freedom that the groups' variances afford, HC3 with n - p, classical."""
_STEPS = 100


@dataclass(frozen=True)
class Association:
    """Outcome on score.

    Attributes
    ----------
    slope : Test
        Units of the outcome per unit of the score.
    r : Correlation
        Standardised: the partial correlation given the others; its p is that of the classical slope.
    """

    slope: Test
    r: Correlation


@dataclass(frozen=True)
class Region:
    """Where along the score two groups differ (Johnson and Neyman 1936; Bauer and Curran 2005).

    Attributes
    ----------
    kind : str
        ``outside`` low and high, ``between`` them, ``everywhere``, ``nowhere``; ``missing`` without a test. With
        ``hc2_welch`` only the scores that were seen are looked at: ``everywhere``, ``nowhere`` or ``somewhere`` there.
    low, high : float
        Scores at which p is .05, also beyond those seen; NaN for everywhere and nowhere, and with ``hc2_welch``.
    inside : tuple of pairs
        The same within the scores that were seen: stretches where p < .05.
    problem : str
        Why it is missing.
    """

    kind: str = "missing"
    low: float = NAN
    high: float = NAN
    inside: tuple[tuple[float, float], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Moderation:
    """How groups differ in an association.

    Attributes
    ----------
    interaction : Test
        Difference of slopes, group minus reference (t, two groups), or that all slopes are equal (F).
    slopes : tuple of Test
        The slope in every group, in the order of the codes, from the one model of all groups.
    differences : tuple of Test
        Difference of slopes of every group but the reference, minus the reference, in the order of the codes.
    regions : tuple of Region
        For the same pairs, where along the score the outcomes of group and reference differ.
    """

    interaction: Test
    slopes: tuple[Test, ...]
    differences: tuple[Test, ...]
    regions: tuple[Region, ...]


def associate(outcome: Array, score: Array, others: Array, kind: str,
              labels: NDArray[np.int64] | None = None) -> Association:
    """Outcome on score given others (covariates, dummies of groups).

    Parameters
    ----------
    outcome, score : ndarray, shape (n,)
        Finite values of the same subjects.
    others : ndarray, shape (n, k)
        What is adjusted for, without the constant; k may be 0.
    kind : str
        Standard errors, one of :data:`KINDS`.
    labels : ndarray of int, shape (n,), optional
        Groups that have variances of their own, for ``hc2_welch``; without them there is one.
    """
    n = outcome.size
    r = partial(outcome, score, others)
    if n == 0 or not np.abs(centred(score)).max() > 0:
        return Association(Test(problem="there are no subjects" if n == 0 else "the score does not vary"), r)
    design = np.column_stack([np.ones(n), *(centred(column) for column in others.T), centred(score)])
    own = np.zeros(n, dtype=np.int64) if labels is None else labels
    return Association(_tests(fit(outcome, design), np.eye(design.shape[1])[-1:], kind, own)[0], r)


def _tests(model: Fit, rows: Array, kind: str, labels: NDArray[np.int64]) -> tuple[Test, ...]:
    """The t tests of combinations of coefficients, shape (q, p)."""
    if kind == "hc2_welch":
        return small_samples.robust_ts(model, rows, kind, labels)
    return tuple(test_weights(model, row, kind) for row in rows)


def associate_robust(outcome: Array, score: Array, others: Array, seed: int = 0) -> Test:
    """The slope of :func:`associate` by MM regression, which a minority of outlying subjects does not move.

    Of the robust choices (rank or bent correlations, Theil-Sen) it is the one that takes covariates and groups, keeps
    the unit of the slope and has a standard error.
    """
    n = outcome.size
    if n == 0 or not np.abs(centred(score)).max() > 0:
        return Test(problem="there are no subjects" if n == 0 else "the score does not vary")
    design = np.column_stack([np.ones(n), *(centred(column) for column in others.T), centred(score)])
    return robust.test_weights(robust.fit_mm(outcome, design, seed), np.eye(design.shape[1])[-1])


@dataclass(frozen=True, eq=False)
class Slopes:
    """A model with a level and a slope of the score per group, the score centred at ``centre``.

    Columns of the model: levels of the groups 0..g-1, slopes of the groups 0..g-1, others.
    """

    model: Fit
    groups: int
    centre: float
    kind: str
    labels: NDArray[np.int64]

    def at(self, group: int, scores: Array) -> tuple[Test, ...]:
        """The line of a group at these scores, shape (m,), with the others at their means."""
        rows = np.zeros((scores.size, self.model.design.shape[1]))
        rows[:, group], rows[:, self.groups + group] = 1.0, scores - self.centre
        return _tests(self.model, rows, self.kind, self.labels)


def fit_slopes(outcome: Array, score: Array, group: NDArray[np.int64], others: Array, kind: str,
               n_groups: int | None = None) -> Slopes:
    """Fit one line per group, with common effects of others; parameters as for :func:`moderate`.

    ``n_groups`` is their number, where the last ones may be empty.
    """
    groups = n_groups or int(group.max(initial=-1)) + 1
    centre = float(score.mean()) if score.size else 0.0
    member = (group[:, None] == np.arange(groups)).astype(np.float64)
    columns = [member, member * centred(score)[:, None], *(centred(column)[:, None] for column in others.T)]
    return Slopes(fit(outcome, np.column_stack(columns)), groups, centre, kind, group)


def moderate(outcome: Array, score: Array, group: NDArray[np.int64], others: Array, kind: str,
             reference: int = 0) -> Moderation:
    """Interaction of score and group, the slope of each group, and where along the score groups differ.

    Parameters
    ----------
    outcome, score : ndarray, shape (n,)
        Finite values of the same subjects.
    group : ndarray of int, shape (n,)
        Codes 0, 1, ... of at least two groups.
    others : ndarray, shape (n, k)
        What is adjusted for, without the constant and the groups; k may be 0.
    kind : str
        Standard errors, one of :data:`KINDS`.
    reference : int
        Code of the group that the others are compared with.
    """
    lines = fit_slopes(outcome, score, group, others, kind)
    found = compare_slopes(lines, reference)
    pairs = [i for i in range(lines.groups) if i != reference] if lines.groups > 1 else []
    seen = (float(score.min()), float(score.max())) if score.size else (NAN, NAN)
    return replace(found, regions=tuple(johnson_neyman(lines, i, reference, seen) for i in pairs))


def compare_slopes(lines: Slopes, reference: int = 0) -> Moderation:
    """:func:`moderate` without regions, of lines that are fitted."""
    g, kind = lines.groups, lines.kind
    if g < 2:
        missing = Test(problem="there are fewer than two groups")
        return Moderation(missing, tuple(missing for _ in range(g)), (), ())
    base = np.eye(lines.model.design.shape[1])
    pairs = [i for i in range(g) if i != reference]
    contrasts = np.array([base[g + i] - base[g + reference] for i in pairs])
    tests = _tests(lines.model, np.concatenate([base[g:2 * g], contrasts]), kind, lines.labels)
    slopes, differences = tests[:g], tests[g:]
    interaction = differences[0] if g == 2 else small_samples.robust_f(lines.model, contrasts, lines.labels) \
        if kind == "hc2_welch" else test_joint(lines.model, contrasts, kind)
    return Moderation(interaction, slopes, differences, ())


def difference_at(lines: Slopes, group: int, reference: int, score: float) -> Test:
    """Difference of two groups, group minus reference, at a score."""
    return _differences_at(lines, group, reference, np.array([score]))[0]


def _differences_at(lines: Slopes, group: int, reference: int, scores: Array) -> tuple[Test, ...]:
    rows = np.zeros((scores.size, lines.model.design.shape[1]))
    rows[:, group], rows[:, reference] = 1.0, -1.0
    rows[:, lines.groups + group], rows[:, lines.groups + reference] = scores - lines.centre, lines.centre - scores
    return _tests(lines.model, rows, lines.kind, lines.labels)


def johnson_neyman(lines: Slopes, group: int, reference: int, seen: tuple[float, float]) -> Region:
    """Scores at which the difference of two groups has p < .05.

    In closed form; with ``hc2_welch``, whose degrees of freedom change with the score, by search between the scores
    that were seen.

    Notes
    -----
    The difference at score s is b + d s with variance v_b + 2 s c + s² v_d, so |t| > t₀ where
    (d² - t₀² v_d) s² + 2 (b d - t₀² c) s + (b² - t₀² v_b) > 0, with t₀ the .975 quantile of t with the error df of the
    model. The p holds at each score by itself, not for all scores together.
    """
    if lines.kind == "hc2_welch":
        return _searched(lines, group, reference, seen)
    matrix, problem = covariance(lines.model, lines.kind)
    rows = np.zeros((2, lines.model.design.shape[1]))
    rows[0, [group, reference]] = 1.0, -1.0
    rows[1, [lines.groups + group, lines.groups + reference]] = 1.0, -1.0
    if problem or not all(estimable(lines.model, row) for row in rows):
        return Region(problem=problem or "the data do not determine both lines")
    critical = float(stats.t.ppf(0.975, lines.model.df)) ** 2
    (b, d), spread = rows @ lines.model.beta, rows @ matrix @ rows.T
    kind, low, high = _positive(float(d**2 - critical * spread[1, 1]), float(b * d - critical * spread[0, 1]),
                                float(b**2 - critical * spread[0, 0]))
    low, high = low + lines.centre, high + lines.centre
    first, last = seen
    stretches = {"everywhere": [(first, last)], "nowhere": [], "between": [(max(first, low), min(last, high))],
                 "outside": [(first, min(last, low)), (max(first, high), last)]}[kind]
    return Region(kind, low, high, tuple((start, end) for start, end in stretches if start < end))


def _searched(lines: Slopes, group: int, reference: int, seen: tuple[float, float]) -> Region:
    """The region between the smallest and the largest score, by 100 steps; where p crosses .05 to rounding."""
    scores = np.linspace(*seen, _STEPS + 1)
    tests = _differences_at(lines, group, reference, scores)
    problem = next((test.problem for test in tests if test.problem), "")
    if problem:
        return Region(problem=problem)

    def over(score: float) -> float:
        return math.log(0.05) - _log_p(difference_at(lines, group, reference, score))

    gaps = [math.log(0.05) - _log_p(test) for test in tests]
    cuts = [seen[0]]
    cuts += [float(optimize.brentq(over, scores[i], scores[i + 1], xtol=1e-12 * (seen[1] - seen[0])))
             for i, (a, b) in enumerate(pairwise(gaps)) if (a > 0) != (b > 0)]
    cuts.append(seen[1])
    differs = gaps[0] > 0
    inside = tuple((a, b) for i, (a, b) in enumerate(pairwise(cuts)) if (i % 2 == 0) == differs and a < b)
    whole = inside == (seen,)
    return Region("everywhere" if whole else "somewhere" if inside else "nowhere", inside=inside)


def _log_p(test: Test) -> float:
    return math.log(2) + float(stats.t.logsf(abs(test.statistic), test.df))


def _positive(a: float, half_b: float, c: float) -> tuple[str, float, float]:
    """Where a s² + 2 half_b s + c > 0: between or outside the roots, everywhere, nowhere."""
    root = half_b**2 - a * c
    if a == 0 or root <= 0:
        return ("everywhere" if a >= 0 and c > 0 else "nowhere"), NAN, NAN
    q = -(half_b + math.copysign(math.sqrt(root), half_b))
    low, high = sorted((q / a, c / q))
    return ("outside" if a > 0 else "between"), low, high
