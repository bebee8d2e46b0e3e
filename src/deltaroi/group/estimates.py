"""The numbers of one effect in one ROI."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from deltaroi.group.blocks import Array, Block, IntArray, Sample
from deltaroi.group.phases import switched
from deltaroi.group.questions import Question
from deltaroi.stats import effect_size, evidence, linear, means, small_samples
from deltaroi.stats.effect_size import EffectSize
from deltaroi.stats.permutation import Statistic, distinct_relabellings
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch
from deltaroi.stats.record import NAN, Test

_PAIRED = ("paired", "one_sample")


@dataclass(frozen=True, eq=False)
class Cases:
    """The complete cases of one question in one ROI.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions in the sample.
    group : ndarray, shape (n,)
        Positions in the levels.
    first, last : ndarray, shape (n,)
        Values of both sessions; ``first`` is empty when there is only one.
    covariates : ndarray, shape (n, k)
        Centred.
    n_levels : int
        Number of groups in the design.
    start : ndarray, shape (n,)
        Of a switch between phases, whose ``first`` and ``last`` are changes: the values before both; else empty.
    """

    subjects: IntArray
    group: IntArray
    first: Array
    last: Array
    covariates: Array
    n_levels: int
    start: Array = field(default_factory=lambda: np.empty(0))

    @property
    def scale(self) -> Array:
        """The values whose SD is the unit of standardised bounds: those before, where there is a before."""
        return self.start if self.start.size else self.first if self.first.size else self.last

    @property
    def outcome(self) -> Array:
        """What means are taken of: the change, or the only value."""
        return self.last - self.first if self.first.size else self.last

    def of(self, group: int) -> NDArray[np.bool_]:
        """Who belongs to a group."""
        return self.group == group


@dataclass(frozen=True)
class Estimate:
    """One row's numbers; see the effects table for their meaning."""

    test: Test
    n: int
    n_first: int | None = None
    n_second: int | None = None
    size: EffectSize = field(default_factory=EffectSize)
    bf10: float = NAN
    bound: float = NAN
    p_equivalence: float = NAN
    loo: tuple[float, float] = (NAN, NAN)
    mde: float = NAN


def complete_cases(question: Question, block: Block, roi: int, sample: Sample) -> Cases:
    """The subjects that have every value a question needs."""
    values = block.values[roi]
    last = values[:, question.last]
    first = None if question.first is None else values[:, question.first]
    start = np.empty(0)
    if question.before is not None and first is not None:  # the later phase's change against the earlier one's
        last, first, start = last - first, switched(values, question.before[:2]), values[:, question.before[0]]
    usable = np.isfinite(last) & (np.isfinite(first) if first is not None else True)
    if len(question.groups) == 1:
        usable &= sample.group == question.groups[0]
    at = np.flatnonzero(usable).astype(np.int64)
    columns = sample.covariates[at] if question.adjusted else np.empty((at.size, 0))
    centred = [linear.centred(columns[:, k]) for k in range(columns.shape[1])]
    return Cases(at, sample.group[at], np.empty(0) if first is None else first[at], last[at],
                 np.stack(centred, axis=1) if centred else np.empty((at.size, 0)), len(sample.levels),
                 start[at] if start.size else start)


def columns_of(question: Question, cases: Cases) -> tuple[Array, Array, Array]:
    """Outcome (n,), kept columns (n, k) and group dummies against the reference (n, levels - 1) of the linear model."""
    one = np.ones((cases.last.size, 1))
    dummies = np.stack([cases.of(k).astype(np.float64) for k in range(cases.n_levels - 1)], axis=1)
    if question.model == "ancova":
        kept = np.concatenate([one, linear.centred(cases.first)[:, None], cases.covariates], axis=1)
        return cases.last, kept, dummies
    return cases.outcome, np.concatenate([one, cases.covariates], axis=1), dummies


def estimate(question: Question, kind: str, cases: Cases, bound_d: float) -> Estimate:
    """All numbers of one row."""
    if question.model in _PAIRED:
        return _one_group(question, cases, bound_d)
    if question.columns:
        return _covariate(question, kind, cases)
    if question.joint or question.model == "mixed_anova":
        return _joint(question, kind, cases)
    return _pair(question, kind, cases, bound_d)


def tested(question: Question, kind: str, cases: Cases) -> Test:
    """The test of :func:`estimate` alone, for a question about groups: what simulations repeat many times."""
    if question.model in _PAIRED:
        return means.one_sample(cases.outcome)
    return _test(question, kind, cases, *_fitted(question, cases))


def _fitted(question: Question, cases: Cases) -> tuple[Array, linear.Fit, Array]:
    """Outcome, linear model, and weights, shape (q, p), of what is tested: every group's coefficient, or one."""
    y, kept, dummies = columns_of(question, cases)
    model = linear.fit(y, np.concatenate([kept, dummies], axis=1))
    weights = np.eye(model.beta.size)[kept.shape[1]:]
    whole = question.joint or question.model == "mixed_anova"
    return y, model, weights if whole else weights[[question.groups[0]]]


def _test(question: Question, kind: str, cases: Cases, y: Array, model: linear.Fit, weights: Array) -> Test:
    """The omnibus F over groups, or the t of a difference between two."""
    if not question.joint and question.model != "mixed_anova":
        a, b = (cases.of(k) for k in question.groups)
        return means.two_sample(y[a], y[b], kind) if kind == "welch" else _slope(model, weights[0], kind, cases)
    if kind == "welch":
        return means.welch_anova([y[cases.of(k)] for k in range(cases.n_levels)])
    if kind == "hc2_welch":
        return small_samples.robust_f(model, weights, cases.group)
    return linear.test_joint(model, weights, kind)


def _one_group(question: Question, cases: Cases, bound_d: float) -> Estimate:
    values = cases.outcome
    n = values.size
    test = means.one_sample(values)
    paired = question.first is not None
    size = effect_size.d_av(cases.first, cases.last) if paired and not question.before else effect_size.d_z(values)
    bound = bound_d * effect_size.pooled_sd(cases.scale)
    model = linear.fit(values, np.ones((n, 1))) if n else None
    loo = linear.leave_one_out(model, np.ones(1)) if model is not None else (NAN, NAN)
    return Estimate(test, n, n, None, size, evidence.jzs_bf10(test.statistic, n, test.df), _positive(bound),
                    evidence.equivalence_p(test, bound), loo, evidence.detectable(test.df) * test.se)


def _joint(question: Question, kind: str, cases: Cases) -> Estimate:
    """The omnibus F over groups; with two groups the mixed ANOVA's interaction, F = t² of the change."""
    y, model, weights = _fitted(question, cases)
    classical = linear.test_joint(model, weights, "classical")
    size = effect_size.partial_eta2(classical.statistic, classical.df_between, classical.df)
    test = classical if kind == "classical" else _test(question, kind, cases, y, model, weights)
    counts: list[int | None] = [int(cases.of(k).sum()) for k in range(2)] if cases.n_levels == 2 else [None, None]
    if question.model == "mixed_anova" and not question.joint:
        plain = linear.test_weights(model, weights[0], "classical")
        test = Test(plain.estimate, plain.se, test.df, test.statistic, "F", test.p, plain.ci_low, plain.ci_high,
                    plain.problem or test.problem)
    return Estimate(test, int(y.size), counts[0], counts[1], size)


def _covariate(question: Question, kind: str, cases: Cases) -> Estimate:
    """The slope on a covariate, or the F test of a covariate of several categories."""
    y, kept, dummies = columns_of(question, cases)
    model = linear.fit(y, np.concatenate([kept, dummies], axis=1))
    first = kept.shape[1] - cases.covariates.shape[1]
    weights = np.eye(model.beta.size)[[first + k for k in question.columns]]
    if question.joint:
        classical = linear.test_joint(model, weights, "classical")
        test = small_samples.robust_f(model, weights, cases.group) if kind == "hc2_welch" else \
            linear.test_joint(model, weights, kind)
        size = effect_size.partial_eta2(classical.statistic, classical.df_between, classical.df)
        return Estimate(test, int(y.size), size=size)
    test = _slope(model, weights[0], kind, cases)
    return Estimate(test, int(y.size), loo=linear.leave_one_out(model, weights[0]),
                    mde=evidence.detectable(test.df) * test.se)


def _slope(model: linear.Fit, weights: Array, kind: str, cases: Cases) -> Test:
    """The t test of one combination of coefficients."""
    if kind == "hc2_welch":
        return small_samples.robust_t(model, weights, kind, cases.group)
    return linear.test_weights(model, weights, kind)


def _pair(question: Question, kind: str, cases: Cases, bound_d: float) -> Estimate:
    """First-listed group minus second-listed group."""
    a, b = (cases.of(k) for k in question.groups)
    y, model, weights = _fitted(question, cases)
    test = _test(question, kind, cases, y, model, weights)
    n = int(a.sum() + b.sum()) if kind == "welch" else int(y.size)
    if cases.first.size and not question.before:
        size = effect_size.d_ppc2((cases.first[a], cases.first[b]), (cases.last[a], cases.last[b]))
    else:
        size = effect_size.hedges_g(cases.outcome[a], cases.outcome[b])
    bound = _positive(bound_d * effect_size.pooled_sd(cases.scale[a], cases.scale[b]))
    return Estimate(test, n, int(a.sum()), int(b.sum()), size, _bayes(question, y[a], y[b]), bound,
                    evidence.equivalence_p(test, bound), linear.leave_one_out(model, weights[0]),
                    evidence.detectable(test.df) * test.se)


def _bayes(question: Question, first: Array, second: Array) -> float:
    """The JZS factor of the pooled-variance t; none where a baseline or covariates are adjusted for."""
    if question.model == "ancova" or question.adjusted or min(first.size, second.size) < 1:
        return NAN
    test, n = student(first, second)
    return evidence.jzs_bf10(test.statistic, n, test.df)


def student(first: Array, second: Array) -> tuple[Test, float]:
    """The pooled-variance t test that a Bayes factor is made of, and its effective n: n₁n₂/(n₁+n₂)."""
    total = first.size + second.size
    return means.two_sample(first, second, "classical"), first.size * second.size / total if total else 0.0


def _positive(bound: float) -> float:
    return bound if bound > 0 else NAN


def permutable(question: Question, kind: str, cases: Cases, strata: IntArray | None) -> tuple[Statistic, int]:
    """The statistic of a row for the max-T test, and how many arrangements of its subjects can be told apart.

    ``strata`` has the stratum of everybody in the sample. Statistics whose degrees of freedom come from the data
    (Welch's, hc2_welch) are compared as |z| of the same p.
    """
    blocks = None if strata is None else strata[cases.subjects]
    if question.model in _PAIRED:
        return SignFlip(cases.subjects, cases.outcome), 2**cases.subjects.size
    y, kept, dummies = columns_of(question, cases)
    if kind == "welch":
        inside = np.isin(cases.group, question.groups)
        labels = cases.group[inside]
        return Welch(cases.subjects[inside], y[inside], labels, equivalent=True), \
            distinct_relabellings(labels, None if blocks is None else blocks[inside])
    tested = list(question.groups[:-1])
    others = [k for k in range(dummies.shape[1]) if k not in tested]
    nuisance = np.concatenate([kept, dummies[:, others]], axis=1)
    return FreedmanLane(cases.subjects, y, nuisance, dummies[:, tested], kind, cases.group), \
        distinct_relabellings(cases.group, blocks)
