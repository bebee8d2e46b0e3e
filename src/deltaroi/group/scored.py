"""The subjects of an association in one ROI, and its models."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deltaroi.group.blocks import Array, Block, IntArray, Sample
from deltaroi.group.questions import Question
from deltaroi.specs import Association
from deltaroi.stats import association
from deltaroi.stats.linear import centred
from deltaroi.stats.permutation import Statistic, distinct_relabellings
from deltaroi.stats.permuted import FreedmanLane


@dataclass(frozen=True, eq=False)
class Asked:
    """One association, asked of every ROI.

    Attributes
    ----------
    name : str
        In the study file.
    spec : Association
        What is asked.
    scores : ndarray, shape (subjects,)
        Of the sample; NaN where there is none or the subject's group is not in it.
    levels : tuple of str
        The groups in it, in the study's order; the last is the reference.
    slope : Question
        The slope over these groups.
    moderation : Question or None
        Their differences in slope.
    covariates : tuple of int
        Columns of the sample's covariates that are adjusted for.
    adjusted_for : tuple of str
        In words.
    """

    name: str
    spec: Association
    scores: Array
    levels: tuple[str, ...]
    slope: Question
    moderation: Question | None
    covariates: tuple[int, ...]
    adjusted_for: tuple[str, ...]

    @property
    def positions(self) -> tuple[int, ...]:
        """Positions of its groups among those of the study."""
        return self.slope.groups


@dataclass(frozen=True, eq=False)
class Scored:
    """The complete cases of one association in one ROI.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions in the sample.
    group : ndarray, shape (n,)
        Codes 0 to ``n_groups`` - 1.
    outcome, score : ndarray, shape (n,)
        Change or response, and score.
    others : ndarray, shape (n, k)
        Baseline and covariates that are adjusted for, centred; without groups.
    n_groups : int
        Number of groups in the association.
    """

    subjects: IntArray
    group: IntArray
    outcome: Array
    score: Array
    others: Array
    n_groups: int

    @cached_property
    def dummies(self) -> Array:
        """Groups against the last, shape (n, groups - 1)."""
        return (self.group[:, None] == np.arange(self.n_groups - 1)).astype(np.float64)

    @cached_property
    def given(self) -> Array:
        """Everything that the slope over all groups is adjusted for, without the constant."""
        return np.concatenate([self.dummies, self.others], axis=1)

    @cached_property
    def design(self) -> Array:
        """Model matrix of the slope over all groups; the slope comes last."""
        return np.column_stack([np.ones(self.score.size), *(centred(c) for c in self.given.T), centred(self.score)])

    @cached_property
    def products(self) -> Array:
        """Score by group dummies: what moderation adds to :attr:`design`."""
        return self.dummies * centred(self.score)[:, None]

    @property
    def counts(self) -> list[int]:
        """Subjects per group."""
        return [int((self.group == k).sum()) for k in range(self.n_groups)]

    def lines(self, kind: str) -> association.Slopes:
        """A line per group, with errors of this kind."""
        return association.fit_slopes(self.outcome, self.score, self.group, self.others, kind, self.n_groups)


def scored_cases(asked: Asked, block: Block, roi: int, sample: Sample) -> Scored:
    """The subjects that have a score and every value that an association needs."""
    values = block.values[roi]
    first = values[:, 0]
    last = values[:, 0 if asked.spec.outcome == "baseline" else -1]
    outcome = last - first if asked.spec.outcome == "change" else last
    baseline = "baseline" in asked.spec.adjust_for
    usable = np.isfinite(asked.scores) & np.isfinite(outcome) & (np.isfinite(first) if baseline else True)
    at = np.flatnonzero(usable).astype(np.int64)
    columns = [first[at]] if baseline else []
    columns += [sample.covariates[at, k] for k in asked.covariates]
    others = np.stack([centred(column) for column in columns], axis=1) if columns else np.empty((at.size, 0))
    code = np.full(len(sample.levels), -1, dtype=np.int64)
    code[list(asked.positions)] = np.arange(len(asked.positions))
    return Scored(at, code[sample.group[at]], outcome[at], asked.scores[at], others, len(asked.positions))


def permutable(question: Question, kind: str, cases: Scored, flips: bool,
               strata: IntArray | None) -> tuple[Statistic, int]:
    """The statistic for the max-T test, and how many arrangements can be told apart.

    The score is the tested column of the slope, the products of score and groups those of the moderation; the rest is
    kept. ``strata`` has the stratum of everybody in the sample.
    """
    if question.mixed == "slopes":
        kept, tested = cases.design, cases.products
    else:
        kept, tested = cases.design[:, :-1], cases.design[:, -1:]
    codes = np.unique(cases.score, return_inverse=True)[1].astype(np.int64)
    distinct = 2**cases.subjects.size if flips else distinct_relabellings(
        codes, None if strata is None else strata[cases.subjects])
    return FreedmanLane(cases.subjects, cases.outcome, kept, tested, kind, cases.group), max(distinct, 1)
