"""The numbers of one test of a factorial design in one ROI, and how it is rearranged."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from deltaroi.group.blocks import Array, Block, IntArray, Sample
from deltaroi.group.estimates import Cases, Estimate, estimate
from deltaroi.group.estimates import permutable as permutable_pair
from deltaroi.group.factorial_terms import Term
from deltaroi.group.questions import Question
from deltaroi.stats import effect_size, linear, small_samples
from deltaroi.stats.factorial import Anova, AnovaF, anova, sum_coded
from deltaroi.stats.permutation import Statistic, distinct_relabellings
from deltaroi.stats.permuted import FreedmanLane
from deltaroi.stats.record import Test


@dataclass(frozen=True, eq=False)
class Asked:
    """One test, asked of every ROI.

    Attributes
    ----------
    question : Question
        Model ``factorial``; ``mixed`` is ``within`` for the mean over groups, ``simple`` within one group.
    term : Term
        What it is about.
    whole : bool
        Whether all groups are in it: a row of the analysis of variance, or its robust form.
    """

    question: Question
    term: Term
    whole: bool = True


@dataclass(frozen=True, eq=False)
class Complete:
    """The subjects of one ROI that have every cell.

    Attributes
    ----------
    subjects, group : ndarray, shape (n,)
        Positions in the sample, and in the levels.
    cells : ndarray, shape (n, cells)
    n_levels : int
        Groups of the design.
    """

    subjects: IntArray
    group: IntArray
    cells: Array
    n_levels: int

    def cases(self, term: Term, group: int | None = None) -> Cases:
        """The subjects' one difference as the only value of everybody, or of one group."""
        at = np.arange(self.subjects.size) if group is None else np.flatnonzero(self.group == group)
        return Cases(self.subjects[at], self.group[at], np.empty(0), term.of(self.cells[at]), np.empty((at.size, 0)),
                     self.n_levels)

    def combined(self, term: Term) -> Array:
        """The subjects' combinations of a term, shape (n, q)."""
        return np.asarray(self.cells @ term.combinations)

    @property
    def counts(self) -> tuple[int | None, int | None]:
        """Subjects of both groups, where there are two."""
        n = np.bincount(self.group, minlength=self.n_levels)
        return (int(n[0]), int(n[1])) if self.n_levels == 2 else (None, None)


def complete(block: Block, roi: int, sample: Sample) -> Complete:
    """The complete subjects of one ROI."""
    values = block.values[roi]
    at = np.flatnonzero(np.isfinite(values).all(axis=1)).astype(np.int64)
    return Complete(at, sample.group[at], values[at], len(sample.levels))


def numbers(asked: Asked, kind: str, mine: Complete, bound_d: float) -> tuple[Estimate, Anova]:
    """The numbers of one row, and of the analysis of variance where they are those."""
    question, term = asked.question, asked.term
    if question.mixed == "simple":
        return estimate(replace(question, model="one_sample"), kind, mine.cases(term, question.groups[0]), bound_d), \
            Anova(Test())
    if not asked.whole or (kind == "welch" and term.between):
        return estimate(replace(question, model="two_sample"), kind, mine.cases(term), bound_d), Anova(Test())
    f = anova(mine.combined(term), mine.group, mine.n_levels, between=term.between)
    size = effect_size.partial_eta2(f.test.statistic, f.test.df_between, f.test.df)
    if question.joint or f.test.problem:
        return Estimate(f.test, mine.subjects.size, *mine.counts, size=size), f
    model = linear.fit(term.of(mine.cells),
                       np.column_stack([np.ones(mine.group.size), sum_coded(mine.group, mine.n_levels)]))
    weights = np.zeros(mine.n_levels)
    weights[1 if term.between else 0] = 2.0 if term.between else 1.0  # two groups are coded 1 and -1
    if kind == "welch":
        test = small_samples.robust_t(model, weights, "hc2_welch", mine.group)
        return Estimate(test, mine.subjects.size, *mine.counts, size=size), Anova(Test())
    plain = linear.test_weights(model, weights, "classical")
    test = replace(f.test, estimate=plain.estimate, se=plain.se, ci_low=plain.ci_low, ci_high=plain.ci_high)
    return Estimate(test, mine.subjects.size, *mine.counts, size=size), f


def permutable(asked: Asked, kind: str, mine: Complete, strata: IntArray | None) -> tuple[Statistic, int]:
    """The statistic of a row for the max-T test, and how many arrangements of its subjects can be told apart."""
    question, term = asked.question, asked.term
    if not asked.whole or (kind == "welch" and term.between):
        return permutable_pair(replace(question, model="two_sample"), kind, mine.cases(term), strata)
    distinct = 2**mine.subjects.size
    if term.between:
        distinct = distinct_relabellings(mine.group, None if strata is None else strata[mine.subjects])
    if kind == "welch":
        return FreedmanLane(mine.subjects, term.of(mine.cells), sum_coded(mine.group, mine.n_levels),
                            np.ones((mine.group.size, 1)), "hc2_welch", mine.group), distinct
    return AnovaF(mine.subjects, mine.combined(term), mine.group, mine.n_levels, term.between), distinct
