"""The rows that answer claims, by the tests of the group stage; only what the claims need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from benchmarks.published_designs.simulated import Draw, FloatArray

from deltaroi.group.blocks import Block
from deltaroi.group.estimates import complete_cases, tested
from deltaroi.group.factorial_terms import layout, terms
from deltaroi.group.mixed_models import MixedModels
from deltaroi.group.questions import Question, questions
from deltaroi.specs import Claim
from deltaroi.stats import association, correlation, means
from deltaroi.stats.factorial import anova
from deltaroi.stats.record import Test
from deltaroi.types import NA, RoiKey

Row = dict[str, Any]


def tables(draw: Draw, claims: Mapping[str, Claim]) -> dict[str, pd.DataFrame]:
    """Tables with a row for every claim that has one, in the columns that a card reads."""
    rows: dict[str, list[Row]] = {}
    for claim in claims.values():
        if claim.table is not None:
            row = {"se_kind": "classical", **claim.where, **answer(draw, claim)}
            rows.setdefault(claim.table, []).append(row)
    return {table: pd.DataFrame(found).drop_duplicates() for table, found in rows.items()}


def answer(draw: Draw, claim: Claim) -> Row:
    """The numbers of the row that a claim names."""
    where = claim.where
    if claim.table == "effects":
        return of_effects(draw, where, draw.contrast(roi_of(where), where["contrast"]), draw.sessions)
    if claim.table == "behaviour_effects":
        measure = draw.study.behaviour[where["measure"]]
        taken = measure.of_sessions(draw.sessions if draw.sessions != (NA,) else ())
        values = np.stack([draw.scores[column] for column in taken.values()], axis=1)
        return of_effects(draw, where, values, tuple(taken))
    if claim.table == "factorial":
        return of_factorial(draw, where)
    if claim.table == "associations":
        return of_score(draw, where, draw.contrast(roi_of(where), where["contrast"]))
    values = draw.connection(where["name"], where["contrast"])
    if claim.table == "connectivity_associations":
        return of_score(draw, where, values)
    if where.get("model") == "association":
        return of_slopes(draw, where, values)
    return of_effects(draw, where, values, draw.sessions)


def roi_of(where: Mapping[str, str]) -> RoiKey:
    """The ROI of a row."""
    return RoiKey(where["region"], where["hemisphere"], where["definition"])


def of_effects(draw: Draw, where: Mapping[str, str], values: FloatArray, sessions: tuple[str, ...]) -> Row:
    """A row of effects, of responses, behaviour or connections."""
    groups = draw.study.groups
    sample, kind = draw.sample, where.get("se_kind", "classical")
    whole = sessions == draw.sessions
    spec = draw.study.group.model_copy(update={"primary": "auto", "permutations": 0, **({} if whole else {
        "phases": {}, "primary_phase": None, "times": None})})
    asked = next(q for q in questions(sessions, sample.levels, groups.assignment if groups else None, spec,
                                      covariates={})
                 if (q.model, q.term, q.comparison) == (where["model"], where["term"], where["comparison"]))
    block = Block("main", "x", ("mean",), (RoiKey("x", "L", "x"),), ("%",), values[None])
    if asked.model == "lmm":
        return numbers(MixedModels(sample, spec).estimate(asked, kind, block, 0)[0].test, draw, asked)
    return numbers(tested(asked, kind, complete_cases(asked, block, 0, sample)), draw, asked)


def numbers(test: Test, draw: Draw, asked: Question) -> Row:
    """The columns of a test; nobody lacks a value here."""
    counts = [int((draw.sample.group == k).sum()) for k in asked.groups]
    return {"n": sum(counts), "n_first": counts[0] if len(counts) < 3 else np.nan,
            "n_second": counts[1] if len(counts) == 2 else np.nan, "estimate": test.estimate, "df": test.df,
            "statistic": test.statistic, "statistic_kind": test.kind, "p": test.p}


def of_score(draw: Draw, where: Mapping[str, str], values: FloatArray) -> Row:
    """A correlation with a score."""
    score, outcome, group = scored(draw, where["association"], values)
    if where["kind"] != "pearson" and len(set(group)) > 1:
        raise ValueError(f"no claim needs {where['kind']}")
    found = correlation.pearson(outcome, score)
    return {"r": found.r, "df": found.df, "n": score.size, "p": found.p, "note": found.problem or NA}


def of_slopes(draw: Draw, where: Mapping[str, str], values: FloatArray) -> Row:
    """How two groups differ in their slope on a score."""
    name = where["term"].removeprefix("association:").removesuffix("_x_group")
    score, outcome, group = scored(draw, name, values)
    lines = association.fit_slopes(outcome, score, group, np.empty((score.size, 0)), "classical", 2)
    test = association.compare_slopes(lines, 1).interaction
    return {"n": score.size, "n_first": int((group == 0).sum()), "n_second": int((group == 1).sum()),
            "estimate": test.estimate, "df": test.df, "statistic": test.statistic, "statistic_kind": test.kind,
            "p": test.p}


def scored(draw: Draw, name: str, values: FloatArray) -> tuple[FloatArray, FloatArray, Any]:
    """Score, change and group of the people of an association."""
    one = draw.study.associations[name]
    if one.outcome != "change" or draw.sessions == (NA,):
        raise ValueError(f"no claim needs the {one.outcome}")
    score, change = draw.scores[one.column], values[:, -1] - values[:, 0]
    inside = [one.groups == "all" or draw.sample.levels[k] in one.groups for k in draw.sample.group]
    at = np.flatnonzero(np.array(inside) & np.isfinite(score))
    return score[at], change[at], draw.sample.group[at]


def of_factorial(draw: Draw, where: Mapping[str, str]) -> Row:
    """A row of a factorial design: a term of one degree of freedom, over all groups or within one."""
    study, sample = draw.study, draw.sample
    plan = layout(study.group.factorials[where["factorial"]], draw.sessions, sample.levels)
    at = {session: k for k, session in enumerate(draw.sessions)}
    roi = roi_of(where)
    cells = np.stack([draw.contrast(roi, contrast)[:, at[session]] for contrast, session in plan.cells], axis=1)
    term = next(one for one in terms(plan) if one.name == where["term"])
    if term.difference is None:
        raise ValueError(f"{where['term']} is not one difference")
    first = where["comparison"].split("|")[0]
    if first in sample.levels:
        values = term.of(cells)[sample.group == sample.levels.index(first)]
        return {**columns_of(means.one_sample(values)), "df1": 1.0, "n": values.size, "n_first": np.nan,
                "n_second": np.nan}
    found = anova(cells @ term.combinations, sample.group, len(sample.levels), between=term.between)
    counts = np.bincount(sample.group)
    if sample.levels != tuple(sample.levels[:2]):
        raise ValueError("no claim needs more than two groups here")
    estimate = np.mean([term.of(cells)[sample.group == k].mean() for k in range(len(sample.levels))])
    return {**columns_of(found.test), "estimate": estimate, "df1": found.test.df_between, "n": cells.shape[0],
            "n_first": counts[0], "n_second": counts[1]}


def columns_of(test: Test) -> Row:
    """Statistic, degrees of freedom and p of a test, as the factorial table names them."""
    return {"estimate": test.estimate, "df2": test.df, "statistic": test.statistic, "statistic_kind": test.kind,
            "p": test.p}
