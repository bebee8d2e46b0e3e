"""Associations of responses with scores: rows of the effects table, and tables of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from deltaroi.group.association_rows import correlation_rows, point_rows, slope_rows
from deltaroi.group.association_words import moderation_words, outcome_words, slope_words
from deltaroi.group.blocks import Block, Prepared, Sample
from deltaroi.group.design import GroupDesign
from deltaroi.group.estimates import Estimate
from deltaroi.group.families import Row, correct, permute
from deltaroi.group.questions import Question
from deltaroi.group.scored import Asked, Scored, permutable, scored_cases
from deltaroi.group.scores import Scores, code_scores
from deltaroi.specs import Association, GroupStats
from deltaroi.specs.associations import END
from deltaroi.stats import association, effect_size, evidence, linear
from deltaroi.stats.correlation import partial
from deltaroi.stats.effect_size import EffectSize
from deltaroi.stats.record import NAN
from deltaroi.tables import ASSOCIATIONS, POINTS, SLOPES, conform
from deltaroi.types import Exclusion

LEADING = {"robust": "hc2_welch", "hc3": "hc3", "classical": "classical"}
"""``group.variance`` -> the errors that lead: HC2 with Welch's degrees of freedom, as in models with a baseline."""


@dataclass
class Associations:
    """What came of the associations of a design."""

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    correlations: list[dict[str, object]] = field(default_factory=list)
    slopes: list[dict[str, object]] = field(default_factory=list)
    points: list[dict[str, object]] = field(default_factory=list)
    exclusions: tuple[Exclusion, ...] = ()
    warnings: tuple[str, ...] = ()

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables beside the effects by name, conformed."""
        parts = ((ASSOCIATIONS, self.correlations), (SLOPES, self.slopes), (POINTS, self.points))
        return {schema.name: conform(pd.DataFrame(rows, columns=schema.names), schema, "associations")
                for schema, rows in parts}


def associate(ready: Prepared, sets: Sequence[Sequence[Block]], design: GroupDesign, spec: GroupStats) -> Associations:
    """Test the associations of a design in every ROI and contrast.

    Parameters
    ----------
    ready : Prepared
        Subjects and sessions.
    sets : sequence of sequences of Block
        Blocks that are corrected together.
    design : GroupDesign
        Its ``associations`` and ``scores``.
    spec : GroupStats
        Errors, permutations, seed.

    Raises
    ------
    DataError
        A score is absent or not a number; see :func:`deltaroi.group.scores.code_scores`.
    """
    sample = ready.sample
    labels = {s: sample.levels[int(k)] for s, k in zip(sample.subjects, sample.group, strict=True)}
    scores = code_scores(design.associations, design.scores, labels)
    out = Associations(exclusions=scores.exclusions, warnings=scores.warnings)
    for name, one in design.associations.items():
        asked = _asked(name, one, scores, ready, spec)
        for blocks in sets:
            cases = [(block, r, scored_cases(asked, block, r, sample)) for block in blocks
                     for r in range(len(block.rois))]
            for question in (asked.slope, *([asked.moderation] if asked.moderation else [])):
                for kind in question.kinds:
                    family = [_row(asked, question, kind, case, ready) for case in cases]
                    _corrected(family, blocks, [c for _, _, c in cases], sample, spec, out.notes)
                    out.rows += family
            for block, r, case in cases:
                out.correlations += correlation_rows(asked, block, r, case, spec.seed)
                out.slopes += slope_rows(asked, block, r, case, outcome_words(asked, block, r, ready.sessions))
                out.points += point_rows(asked, block, r, case, sample)
    return out


def _asked(name: str, one: Association, scores: Scores, ready: Prepared, spec: GroupStats) -> Asked:
    """One association as questions."""
    sample, sessions = ready.sample, ready.sessions
    positions = tuple(k for k, level in enumerate(sample.levels) if one.groups == "all" or level in one.groups)
    levels = tuple(sample.levels[k] for k in positions)
    when = {"change": f"{sessions[-1]}-{sessions[0]}", "baseline": sessions[0], "last": sessions[-1]}[one.outcome]
    covaried = "covariates" in one.adjust_for
    columns = tuple(k for k, column in enumerate(sample.columns)
                    if covaried and column.partition("[")[0] != one.score)
    adjusted = [*(["group"] if len(levels) > 1 else []),
                *([f"the value at {sessions[0]}"] if "baseline" in one.adjust_for else []),
                *dict.fromkeys(sample.columns[k].partition("[")[0] for k in columns)]
    who = "" if sample.levels == ("all",) or one.groups == "all" else f"{','.join(levels)}|"
    slope = Question("association", f"association:{name}", who + when, len(sessions) - 1, 0, positions,
                     association.KINDS, LEADING[spec.variance], adjusted=True, mixed="slope",
                     per=f"unit of {one.score}")
    moderation = None
    if one.moderation and len(levels) > 1:
        pair = ("-" if len(levels) == 2 else ",").join(levels)
        moderation = Question("association", slope.term + END, f"{pair}|{when}", slope.last, 0, positions, slope.kinds,
                              slope.leading, adjusted=True, joint=len(levels) > 2, mixed="slopes", per=slope.per)
    values = np.array([scores.values[name].get(s, NAN) for s in sample.subjects], dtype=np.float64)
    return Asked(name, one, values, levels, slope, moderation, columns, tuple(adjusted))


def _corrected(family: list[Row], blocks: Sequence[Block], cases: Sequence[Scored], sample: Sample, spec: GroupStats,
               notes: list[str]) -> None:
    correct(family, blocks)
    question, kind = family[0].question, family[0].kind
    if spec.permutations and kind == question.leading:
        flips = spec.flips(question.model, kind)
        tests = [permutable(question, kind, case, flips, sample.strata) for case in cases]
        notes.append(permute(family, tests, sample, spec))


def _row(asked: Asked, question: Question, kind: str, case: tuple[Block, int, Scored], ready: Prepared) -> Row:
    block, roi, cases = case
    numbers = _slope(cases, kind) if question.mixed == "slope" else _moderation(cases, kind)
    row = Row(block, roi, question, kind, numbers)
    place = outcome_words(asked, block, roi, ready.sessions)
    row.words = slope_words(asked, row, place) if question.mixed == "slope" else moderation_words(asked, row, place)
    return row


def _slope(cases: Scored, kind: str) -> Estimate:
    """The slope over all groups of the association."""
    found = association.associate(cases.outcome, cases.score, cases.given, kind, cases.group)
    r = found.r
    model = linear.fit(cases.outcome, cases.design)
    weights = np.eye(model.beta.size)[-1]
    return Estimate(found.slope, cases.score.size, *_counts(cases), EffectSize(r.r, "partial_r", r.low, r.high),
                    evidence.correlation_bf10(r.r, r.df + 2), loo=linear.leave_one_out(model, weights),
                    mde=evidence.detectable(found.slope.df) * found.slope.se)


def _moderation(cases: Scored, kind: str) -> Estimate:
    """The difference of two slopes, or that several are equal."""
    n = cases.score.size
    if n == 0 or not np.ptp(cases.score) > 0:  # the slope over all groups says why it is not tested
        return Estimate(association.associate(cases.outcome, cases.score, cases.given, kind).slope, n, *_counts(cases))
    lines = cases.lines(kind)
    test = association.compare_slopes(lines, cases.n_groups - 1).interaction
    if cases.n_groups > 2:
        plain = association.compare_slopes(cases.lines("classical"), cases.n_groups - 1).interaction
        return Estimate(test, n, size=effect_size.partial_eta2(plain.statistic, plain.df_between, plain.df))
    r = partial(cases.outcome, cases.products[:, 0], np.concatenate([cases.given, cases.score[:, None]], axis=1))
    weights = np.array([0.0, 0.0, 1.0, -1.0, *([0.0] * cases.others.shape[1])])
    return Estimate(test, n, *_counts(cases), EffectSize(r.r, "partial_r", r.low, r.high),
                    loo=linear.leave_one_out(lines.model, weights),
                    mde=evidence.detectable(test.df) * test.se)


def _counts(cases: Scored) -> tuple[int | None, int | None]:
    """Subjects of the first and the second group, where there are no more."""
    counts = cases.counts
    return (counts[0], counts[1] if len(counts) == 2 else None) if len(counts) < 3 else (None, None)
