"""Bayes factors of t tests under three widths of the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from deltaroi.group.blocks import Sample
from deltaroi.group.estimates import complete_cases, student
from deltaroi.group.families import Row
from deltaroi.stats import evidence, means
from deltaroi.stats.record import Test
from deltaroi.tables import BAYES, conform
from deltaroi.types import NA


def bayes_factors(rows: Sequence[Row], sample: Sample) -> pd.DataFrame:
    """JZS Bayes factors of the leading row of every question that has one.

    Parameters
    ----------
    rows : sequence of Row
        The rows of the effects table.
    sample : Sample
        The subjects.

    Returns
    -------
    DataFrame
        Conformed to ``tables.BAYES``: change scores, pairs, one and two samples, by Student's t whatever errors lead.
        Models with a baseline or covariates and joint tests have none.
    """
    out = []
    for row in rows:
        found = _student(row, sample) if row.leading else None
        if found is None:
            continue
        test, n_effective, n = found
        for factor in evidence.t_sensitivity(test.statistic, n_effective, test.df):
            missing = math.isnan(factor.bf10)
            out.append({**row.key, "se_kind": row.kind, "primary": row.primary, "prior": factor.prior,
                        "width": factor.width, "n": n, "statistic": test.statistic, "df": test.df, "bf10": factor.bf10,
                        "note": (test.problem or "the t statistic is not defined") if missing else NA})
    return conform(pd.DataFrame(out, columns=BAYES.names), BAYES, "group stage")


def _student(row: Row, sample: Sample) -> tuple[Test, float, int] | None:
    """Student's t of a row, its effective n and its n; None where the row has no Bayes factor."""
    question = row.question
    if question.model not in ("change", "two_sample", "paired", "one_sample") or question.joint or question.adjusted:
        return None
    cases = complete_cases(question, row.block, row.roi, sample)
    if question.model in ("paired", "one_sample"):
        return means.one_sample(cases.outcome), float(cases.outcome.size), cases.outcome.size
    a, b = (cases.outcome[cases.of(k)] for k in question.groups)
    return *student(a, b), a.size + b.size
