"""The group stage: responses in, effects out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from deltaroi.errors import StudyError
from deltaroi.group.associations import associate
from deltaroi.group.assumptions import assumption_tables
from deltaroi.group.bayes import bayes_factors
from deltaroi.group.blocks import Block, Prepared, prepare, roi_name
from deltaroi.group.design import GroupDesign, GroupResult
from deltaroi.group.factorial import factorials
from deltaroi.group.families import Row, corrected_rows
from deltaroi.group.multilevel import multilevel, require
from deltaroi.group.questions import questions
from deltaroi.group.reading import ALPHA, amount, p_text, sentence, unit_of
from deltaroi.group.sizes import effect_sizes
from deltaroi.specs import GroupStats
from deltaroi.tables import BAYES, EFFECT_SIZES, EFFECTS, FACTORIAL, MULTILEVEL, conform
from deltaroi.types import NA, Exclusion


def analyse(responses: pd.DataFrame, design: GroupDesign, spec: GroupStats, family: str = "contrast") -> GroupResult:
    """Test a design in every ROI and contrast.

    Parameters
    ----------
    responses : DataFrame
        The responses table, or at least its columns ``specification subject session task region hemisphere definition
        contrast summary group value unit``. The order of rows does not matter.
    design : GroupDesign
        Sessions, groups, assignment, covariates, associations.
    spec : GroupStats
        Primary estimator, errors, permutations, seed, equivalence bound.
    family : str
        ``contrast``: the ROIs of one contrast are corrected together; ``all_contrasts``: those of all contrasts.

    Returns
    -------
    GroupResult
        Effects (one primary row per ROI and contrast), the tables beside them, exclusions, warnings, notes.

    Raises
    ------
    StudyError
        ``primary`` or ``family`` does not fit, or ``multilevel`` is asked for without its extra.
    DataError
        The responses cannot be used; see :func:`deltaroi.group.blocks.prepare`.
    """
    if family not in ("contrast", "all_contrasts"):
        raise StudyError(f"found {family!r}", where="regions.family", hint="use contrast or all_contrasts")
    require(spec)
    ready = prepare(responses, design)
    asked = questions(ready.sessions, design.levels, design.assignment, spec,
                      covariates=ready.sample.terms)
    rows: list[Row] = []
    notes = list(ready.notes)
    for blocks in together(ready.blocks, family):
        found = corrected_rows(blocks, asked, ready.sample, spec)
        rows += found.rows
        notes += found.notes
    beside = {EFFECT_SIZES.name: effect_sizes(rows, ready.sample, spec.seed),
              BAYES.name: bayes_factors(rows, ready.sample), **assumption_tables(rows, ready, spec.variance)}
    linked = associate(ready, together(ready.blocks, family), design, spec)
    beside |= linked.tables() if design.associations else {}
    rows += linked.rows
    notes += linked.notes
    crossed = factorials(responses, design, spec)
    beside |= {FACTORIAL.name: crossed.table()} if spec.factorials else {}
    notes += crossed.notes
    warnings = [*ready.warnings, *linked.warnings, *crossed.warnings, *_about_design(ready, design), *_constant(ready),
                *_lord(rows)]
    frame = pd.DataFrame([effect_record(row, ready) for row in rows], columns=EFFECTS.names)
    if spec.multilevel:
        pooled = multilevel(ready, rows, design.assignment, spec)
        warnings += pooled.warnings
        beside[MULTILEVEL.name] = pooled.table
    exclusions = (*ready.exclusions, *linked.exclusions, *crossed.exclusions, *untested(rows))
    return GroupResult(conform(frame, EFFECTS, "group stage"), exclusions, tuple(warnings), tuple(notes), design, spec,
                       beside)


def together(blocks: Sequence[Block], family: str) -> list[list[Block]]:
    """Blocks that are corrected together."""
    if family == "contrast":
        return [[block] for block in blocks]
    sets: dict[tuple[str, str, str, bool], list[Block]] = {}
    for block in blocks:
        sets.setdefault((block.specification, block.summary, block.definition, block.apart), []).append(block)
    return list(sets.values())


def _about_design(ready: Prepared, design: GroupDesign) -> list[str]:
    out = []
    several = design.levels is not None and len(design.levels) > 1
    if len(ready.sessions) > 2:
        out.append("more than two sessions: the linear mixed model keeps everybody who has a value; the other models "
                   f"compare each later session with {ready.sessions[0]} on complete cases")
    if ready.sample.columns and not several:
        out.append("covariates do not enter the tests of a single group")
    elif ready.sample.columns and len(ready.sessions) > 1:
        out.append("the change score is adjusted for covariates, which Welch's test has no form for: hc2_welch takes "
                   "its place; the mixed ANOVA and Bayes factors are left out; d_ppc2 is not adjusted")
    return out


def _constant(ready: Prepared) -> list[str]:
    """Say where the values of a group are all the same: measured values never are."""
    out = []
    for block in ready.blocks:
        for roi, values in zip(block.rois, block.values, strict=True):
            places = []
            for k, level in enumerate(ready.sample.levels):
                for j, session in enumerate(ready.sessions):
                    known = values[ready.sample.group == k, j]
                    known = known[np.isfinite(known)]
                    if known.size > 1 and known.min() == known.max():
                        who = "" if ready.sample.levels == ("all",) else f" in {level}"
                        when = "" if session == NA else f" at {session}"
                        places.append(f"all {known.size}{who}{when} are {known[0]:g}")
            if places:
                out.append(f"{roi_name(roi)}, {block.contrast}: the values do not vary ({', '.join(places)}); look "
                           "where they come from")
    return out


def untested(rows: Sequence[Row]) -> list[Exclusion]:
    """A row per ROI and contrast whose primary effect could not be tested."""
    return [Exclusion("effects", region=f"{roi_name(row.block.rois[row.roi])} {_asked_of(row.block)}",
                      reason=f"not tested: {row.numbers.test.problem or 'the test is not defined'}",
                      value=f"{row.question.model}, summary {row.block.summaries[row.roi]}")
            for row in rows if row.primary and math.isnan(row.numbers.test.p)]


def _asked_of(block: Block) -> str:
    return block.contrast if block.specification == "main" else f"{block.contrast} {block.specification}"


def _lord(rows: Sequence[Row]) -> list[str]:
    """Say where ANCOVA and change score disagree, in the primary row's remarks and as warnings (Lord's paradox)."""
    other = {(id(row.block), row.roi, row.question.model, row.question.comparison): row for row in rows
             if row.leading and row.question.model in ("ancova", "change")}
    out = []
    for row in rows:
        if not (row.primary and row.question.model in ("ancova", "change")):
            continue
        beside = "change" if row.question.model == "ancova" else "ancova"
        match = other.get((id(row.block), row.roi, beside, row.question.comparison))
        if match is None or not _disagree(row, match):
            continue
        test, unit = match.numbers.test, match.block.units[match.roi]
        name = "ANCOVA" if beside == "ancova" else "the change score"
        shown = p_text(test.p) if math.isnan(test.estimate) else f"{amount(test.estimate, unit)}, {p_text(test.p)}"
        row.remarks.append(f"{name} disagrees ({shown} before correction): Lord's paradox, look at the baselines")
        out.append(f"{roi_name(row.block.rois[row.roi])}, {row.block.contrast}: ANCOVA and change score disagree "
                   "(Lord's paradox); the primary row follows how people came into their group")
    return out


def _disagree(a: Row, b: Row) -> bool:
    """One rejects at .05 and the other does not, or both do in opposite directions; by uncorrected p."""
    p, q = a.numbers.test.p, b.numbers.test.p
    if math.isnan(p) or math.isnan(q):
        return False
    opposite = a.numbers.test.estimate * b.numbers.test.estimate < 0
    return (p < ALPHA) != (q < ALPHA) or (p < ALPHA and opposite)


def effect_record(row: Row, ready: Prepared) -> dict[str, object]:
    """One row of the effects table."""
    numbers, test = row.numbers, row.numbers.test
    return {
        **row.key, "se_kind": row.kind, "primary": row.primary, "n": numbers.n, "n_first": numbers.n_first,
        "n_second": numbers.n_second, "estimate": test.estimate, "unit": unit_of(row), "se": test.se,
        "df": test.df, "statistic": test.statistic, "statistic_kind": test.kind, "p": test.p, "ci_low": test.ci_low,
        "ci_high": test.ci_high, "p_fwe": row.p_fwe, "p_step_down": row.p_step_down, "p_holm": row.p_holm,
        "q_fdr": row.q_fdr, "family": row.family,
        "family_size": row.family_size, "effect_size": numbers.size.value, "effect_size_kind": numbers.size.kind,
        "es_ci_low": numbers.size.low, "es_ci_high": numbers.size.high, "bf10": numbers.bf10,
        "equivalence_bound": numbers.bound, "p_equivalence": numbers.p_equivalence, "loo_min": numbers.loo[0],
        "loo_max": numbers.loo[1], "mde_80": numbers.mde,
        "reading": sentence(row, ready.sample.levels, ready.sessions),
    }
