"""What the primary model takes for granted, described: its residuals, the groups before, parallel slopes, influence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from deltaroi.group.assumption_words import describe
from deltaroi.group.blocks import Array, Prepared, Sample
from deltaroi.group.estimates import Cases, columns_of, complete_cases
from deltaroi.group.families import Row
from deltaroi.group.questions import Question
from deltaroi.stats import assumptions, linear
from deltaroi.stats.assumptions import Imbalance
from deltaroi.stats.record import NAN, Test
from deltaroi.tables import ASSUMPTIONS, RESIDUALS, conform
from deltaroi.types import NA

_OF_GROUPS = ("ancova", "change", "two_sample")


@dataclass(frozen=True, eq=False)
class _Checked:
    """The least-squares fit of one primary row; ``weights`` give its estimate, None for joint tests."""

    row: Row
    question: Question
    cases: Cases
    model: linear.Fit
    weights: Array | None

    @property
    def without(self) -> Array:
        """The estimate without each subject; missing for joint tests."""
        return np.full(self.cases.last.size, NAN) if self.weights is None else \
            linear.without_each(self.model, self.weights)


def assumption_tables(rows: Sequence[Row], ready: Prepared, variance: str) -> dict[str, pd.DataFrame]:
    """Describe the assumptions of the primary rows.

    Parameters
    ----------
    rows : sequence of Row
        The rows of the effects table.
    ready : Prepared
        The subjects and the sessions.
    variance : str
        As ``group.variance``: slopes are compared with classical errors where these lead, else with HC3.

    Returns
    -------
    dict of str to DataFrame
        ``assumptions`` and ``residuals``, conformed. Where a mixed model is primary, the residuals are those of the
        change from the first to the last session on complete cases. Nothing here decides which analysis is done.
    """
    sample, kind = ready.sample, "classical" if variance == "classical" else "hc3"
    found = [_checked(row, sample) for row in rows if row.primary]
    described = pd.DataFrame([_described(one, ready, kind) for one in found], columns=ASSUMPTIONS.names)
    parts = [_residuals(one, sample) for one in found]
    residuals = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=RESIDUALS.names)
    return {ASSUMPTIONS.name: conform(described, ASSUMPTIONS, "group stage"),
            RESIDUALS.name: conform(residuals, RESIDUALS, "group stage")}


def _checked(row: Row, sample: Sample) -> _Checked:
    question = row.question
    if question.model == "lmm":
        question = replace(question, model="change" if len(question.groups) > 1 else "paired")
    cases = complete_cases(question, row.block, row.roi, sample)
    if question.model in _OF_GROUPS:
        y, kept, dummies = columns_of(question, cases)
        design, tested = np.concatenate([kept, dummies], axis=1), kept.shape[1] + question.groups[0]
    else:
        y, tested = cases.outcome, 0
        design = np.concatenate([np.ones((y.size, 1)), cases.covariates], axis=1)
    joint = question.joint and question.model in _OF_GROUPS
    return _Checked(row, question, cases, linear.fit(y, design), None if joint else np.eye(design.shape[1])[tested])


def _described(one: _Checked, ready: Prepared, kind: str) -> dict[str, object]:
    """One row of the assumptions table."""
    sample, question, cases, without = ready.sample, one.question, one.cases, one.without
    checks = assumptions.check_residuals(one.model, cases.group)
    names = [sample.subjects[i] for i in cases.subjects]
    known = one.weights is not None and np.isfinite(without).all() and without.size > 0
    estimate = float(one.weights @ one.model.beta) if known and one.weights is not None else NAN
    at = int(np.argmax(np.abs(without - estimate))) if known else -1
    first, second, apart = _furthest(one, sample)
    slopes = _slopes(one, kind)
    t = slopes is not None and slopes.kind == "t"
    record: dict[str, object] = {
        **{name: value for name, value in one.row.key.items() if name != "term"},
        "residuals_of": question.model, "n": checks.n, "skewness": checks.skewness, "kurtosis": checks.kurtosis,
        "shapiro_p": checks.shapiro_p, "spread_p": checks.spread_p, "variance_ratio": _finite(checks.variance_ratio),
        "widest": _named(sample.levels, checks.widest), "narrowest": _named(sample.levels, checks.narrowest),
        "cook": checks.cook, "cook_subject": _named(names, checks.cook_at), "leverage": checks.leverage,
        "leverage_subject": _named(names, checks.leverage_at), "estimate": estimate,
        "estimate_without": without[at] if at >= 0 else NAN, "moves_most": _named(names, at),
        "unit": one.row.block.units[one.row.roi], "baseline_first": first, "baseline_second": second,
        "baseline_difference": apart.difference, "baseline_standardised": apart.standardised,
        "baseline_low": apart.low, "baseline_high": apart.high, "baseline_sd_ratio": _finite(apart.sd_ratio),
        "slope_difference": slopes.estimate if slopes and t else NAN,
        "slope_low": slopes.ci_low if slopes and t else NAN, "slope_high": slopes.ci_high if slopes and t else NAN,
        "slope_statistic": slopes.statistic if slopes else NAN,
        "slope_df_between": slopes.df_between if slopes else NAN, "slope_df": slopes.df if slopes else NAN,
        "slope_p": slopes.p if slopes else NAN, "slope_se_kind": kind if slopes else NA}
    problems = {"residuals": checks.problem, "baseline": apart.problem, "slopes": slopes.problem if slopes else ""}
    return {**record, "reading": describe(one.row, record, problems, ready.sessions)}


def _furthest(one: _Checked, sample: Sample) -> tuple[str, str, Imbalance]:
    """The groups that were furthest apart before, each against the reference; nothing without groups or a baseline."""
    cases, reference = one.cases, len(sample.levels) - 1
    if not cases.first.size or one.question.model not in _OF_GROUPS:
        return NA, NA, Imbalance()
    found = [(sample.levels[k], sample.levels[reference],
              assumptions.imbalance(cases.first[cases.of(k)], cases.first[cases.of(reference)]))
             for k in range(reference)]
    return max(found, key=lambda pair: abs(pair[2].standardised) if math.isfinite(pair[2].standardised) else -1.0)


def _slopes(one: _Checked, kind: str) -> Test | None:
    """The test that the groups' slopes on the first session are equal; of two groups first-listed minus second."""
    cases = one.cases
    if one.question.model != "ancova":
        return None
    codes = 1 - cases.group if cases.n_levels == 2 else cases.group
    if np.unique(cases.group).size < cases.n_levels:
        return Test(problem="a group is empty")
    return assumptions.parallel_slopes(cases.last, cases.first, codes, cases.covariates, kind)


def _residuals(one: _Checked, sample: Sample) -> pd.DataFrame:
    model, cases = one.model, one.cases
    fitted = model.design @ model.beta
    place = {name: value for name, value in one.row.key.items() if name not in ("model", "term", "comparison")}
    return pd.DataFrame({
        **place, "subject": [sample.subjects[i] for i in cases.subjects],
        "group": [sample.levels[k] if len(sample.levels) > 1 else NA for k in cases.group],
        "fitted": fitted, "residual": model.residuals, "standardised": assumptions.standardised(model),
        "leverage": model.leverage, "cook": assumptions.cooks_distance(model), "estimate_without": one.without,
        "unit": one.row.block.units[one.row.roi]}, columns=RESIDUALS.names)


def _finite(ratio: float) -> float:
    return ratio if math.isfinite(ratio) else NAN


def _named(names: Sequence[str], at: int) -> str:
    return names[at] if at >= 0 else NA
