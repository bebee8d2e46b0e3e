"""Factorial designs: a mixed analysis of variance of every ROI, its robust form, and simple effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from deltaroi.group.blocks import Block, Prepared, Sample, prepare, roi_name
from deltaroi.group.design import GroupDesign
from deltaroi.group.factorial_numbers import Asked, complete, numbers, permutable
from deltaroi.group.factorial_terms import Layout, layout, terms
from deltaroi.group.factorial_words import found as found_words
from deltaroi.group.families import Row, correct, permute
from deltaroi.group.questions import Question
from deltaroi.group.reading import sentence
from deltaroi.specs import GroupStats
from deltaroi.stats.factorial import Anova
from deltaroi.tables import FACTORIAL, conform
from deltaroi.types import NA, Exclusion


@dataclass
class Factorials:
    """What came of the factorial designs of a study: the table's rows, and what was said or left out on the way."""

    rows: list[dict[str, object]] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def table(self) -> pd.DataFrame:
        """Conformed to ``tables.FACTORIAL``."""
        return conform(pd.DataFrame(self.rows, columns=FACTORIAL.names), FACTORIAL, "group stage")


def factorials(responses: pd.DataFrame, design: GroupDesign, spec: GroupStats) -> Factorials:
    """Analyse the factorial designs of a study.

    Parameters
    ----------
    responses : DataFrame
        As for :func:`deltaroi.group.analyse`.
    design : GroupDesign
        Sessions and groups; neither covariates nor strata enter the models, and permutations stay within strata.
    spec : GroupStats
        ``factorials``; which errors lead; permutations and seed.

    Notes
    -----
    Subjects need every cell. Terms are tested by a mixed analysis of variance of type III, p corrected by Greenhouse
    and Geisser. Where a term within subjects has one degree of freedom it is one number per subject: groups are
    compared in it by Welch's test too, and the mean over groups (each weighing the same) has an error that leaves each
    group its variance. Simple effects are tests of that number within one group; they say nothing about other groups.
    """
    out = Factorials()
    for name, factorial in spec.factorials.items():
        plan = layout(factorial, design.sessions or (NA,), design.levels or ("all",))
        ready = _prepared(responses, name, plan, design)
        if ready is None:
            out.warnings.append(f"factorial {name}: none of its contrasts was measured")
            continue
        if design.covariates is not None or design.strata is not None:
            out.warnings.append(f"factorial {name}: covariates and strata do not enter its model")
        for block in ready.blocks:
            _one_block(out, (name, plan), block, ready.sample, spec)
    return out


def _prepared(responses: pd.DataFrame, name: str, plan: Layout, design: GroupDesign) -> Prepared | None:
    """The values with the cells in the place of sessions."""
    labels = {cell: f"{i:04d}" for i, cell in enumerate(plan.cells)}
    frame = responses.assign(session=[NA if pd.isna(cell) else str(cell) for cell in responses["session"]])
    if len({session for _, session in plan.cells}) == 1:
        frame = frame.assign(session=plan.cells[0][1])
    cells = [labels.get(cell, "") for cell in zip(frame["contrast"], frame["session"], strict=True)]
    frame = frame.assign(session=cells, contrast=name)
    frame = frame[frame["session"] != ""]
    if frame["value"].isna().all():
        return None
    contrasts = {contrast for contrast, _ in plan.cells}
    apart = frozenset((name, roi) for contrast, roi in design.apart if contrast in contrasts)
    return prepare(frame, replace(design, sessions=tuple(labels.values()), covariates=None, associations={},
                                  scores=None, apart=apart))


def _one_block(out: Factorials, named: tuple[str, Layout], block: Block, sample: Sample, spec: GroupStats) -> None:
    """All tests of the ROIs that are corrected together."""
    name, plan = named
    cases = [complete(block, r, sample) for r in range(len(block.rois))]
    out.exclusions += [row for r in range(len(block.rois)) for row in _incomplete(name, block, r, sample)]
    how: dict[str, list[str]] = {}
    for asked in _questions(plan, spec):
        for kind in asked.question.kinds:
            found = [numbers(asked, kind, one, spec.equivalence_bounds_d) for one in cases]
            family = [Row(block, r, asked.question, kind, mine) for r, (mine, _) in enumerate(found)]
            correct(family, [block])
            if spec.permutations and kind == asked.question.leading and asked.question.mixed != "simple":
                tests = [permutable(asked, kind, one, sample.strata) for one in cases]
                said = permute(family, tests, sample, spec).removeprefix(f"{family[0].family}: ")
                how.setdefault(said, []).append(asked.question.term)
            for row, (_, f) in zip(family, found, strict=True):
                row.words = found_words(row, asked.term, plan)
                if f.epsilon < 1 - 1e-9:
                    row.remarks.append(f"Greenhouse and Geisser's epsilon is {f.epsilon:.2f}")
                out.rows.append(_record(name, row, f, plan))
    place = " · ".join((block.specification, name, block.summary, block.definition))
    out.notes += [f"{place}: {', '.join(dict.fromkeys(done))}: {said}" for said, done in how.items()]


def _incomplete(name: str, block: Block, roi: int, sample: Sample) -> Iterator[Exclusion]:
    known = np.isfinite(block.values[roi]).sum(axis=1)
    cells = block.values.shape[2]
    specification = "" if block.specification == "main" else f" {block.specification}"
    for i in np.flatnonzero(known < cells):
        yield Exclusion("effects", sample.subjects[i], region=f"{roi_name(block.rois[roi])} {name}{specification}",
                        reason="not every cell of the factorial has a value: left out of it",
                        value=f"{int(known[i])} of {cells} cells")


def _questions(plan: Layout, spec: GroupStats) -> Iterator[Asked]:
    """Every test of a factorial, with the errors that it has."""
    everyone = tuple(range(len(plan.levels)))
    pairs = [(k, everyone[-1]) for k in everyone[:-1]] if len(everyone) > 2 else []
    for term in terms(plan):
        robust = term.difference is not None and len(everyone) > 1
        kinds = ("classical", "welch") if robust else ("classical",)
        leading = "welch" if robust and spec.variance != "classical" else "classical"
        who = ("-" if len(everyone) == 2 else ",").join(plan.levels)
        base = Question("factorial", term.name, _joined(who if term.between else "", term.compared), 0, None, everyone,
                        kinds, leading, joint=term.difference is None or (term.between and len(everyone) > 2),
                        mixed="" if term.between else "within")
        yield Asked(base, term)
        for pair in pairs if term.between and robust else []:
            who = "-".join(plan.levels[k] for k in pair)
            yield Asked(replace(base, comparison=_joined(who, term.compared), groups=pair, joint=False), term,
                        whole=False)
        for k in everyone if robust and not term.between else []:
            comparison = _joined(plan.levels[k], term.compared)
            yield Asked(replace(base, comparison=comparison, groups=(k,), kinds=("classical",), leading="classical",
                                 mixed="simple"), term, whole=False)


def _joined(who: str, compared: str) -> str:
    return "|".join(part for part in (who, compared) if part)


def _record(name: str, row: Row, f: Anova, plan: Layout) -> dict[str, object]:
    """One row of the table."""
    test, mine, roi = row.numbers.test, row.numbers, row.block.rois[row.roi]
    simple = row.question.mixed == "simple"
    return {
        "specification": row.block.specification, "factorial": name, "summary": row.block.summaries[row.roi],
        "region": roi.region, "hemisphere": roi.hemisphere, "definition": roi.definition, "term": row.question.term,
        "within_group": plan.levels[row.question.groups[0]] if simple else NA,
        "comparison": row.question.comparison or NA, "se_kind": row.kind, "leading": row.leading, "n": mine.n,
        "n_first": None if simple else mine.n_first, "n_second": mine.n_second, "estimate": test.estimate,
        "unit": row.block.units[row.roi], "se": test.se, "ci_low": test.ci_low, "ci_high": test.ci_high,
        "statistic": test.statistic, "statistic_kind": test.kind, "df1": test.df_between, "df2": test.df,
        "gg_epsilon": f.epsilon, "p_sphericity": f.p_sphericity, "p": test.p, "p_fwe": row.p_fwe,
        "p_step_down": row.p_step_down, "p_holm": row.p_holm, "q_fdr": row.q_fdr, "family": row.family,
        "family_size": row.family_size, "effect_size": mine.size.value, "effect_size_kind": mine.size.kind,
        "es_ci_low": mine.size.low, "es_ci_high": mine.size.high, "equivalence_bound": mine.bound,
        "p_equivalence": mine.p_equivalence, "reading": sentence(row, plan.levels, (NA,))}
