"""The specifications of a multiverse: the effect in each, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.group.analysis import effect_record, together, untested
from deltaroi.group.blocks import IntArray, Sample, prepare
from deltaroi.group.design import GroupDesign
from deltaroi.group.estimates import complete_cases, permutable
from deltaroi.group.families import Row, arrange, corrected_rows
from deltaroi.group.questions import Question, questions
from deltaroi.group.reading import unit_of
from deltaroi.specs import MAIN, GroupStats
from deltaroi.stats.permutation import local_arrangements
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch
from deltaroi.stats.refit import equivalent_t
from deltaroi.stats.signed import Curve, curve, signed
from deltaroi.tables import EFFECTS, SPECIFICATION_CURVE, conform
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, Exclusion

Test = FreedmanLane | Welch | SignFlip


@dataclass(frozen=True, eq=False)
class Explored:
    """The effects in the specifications other than ``main``, the curve, and effects that could not be tested."""

    effects: pd.DataFrame
    curve: pd.DataFrame
    exclusions: tuple[Exclusion, ...]


def explore(responses: pd.DataFrame, design: GroupDesign, spec: GroupStats, family: str = "contrast") -> Explored:
    """Ask the study's question in every specification.

    Parameters
    ----------
    responses : DataFrame
        The responses of all specifications, ``main`` among them.
    design, spec, family
        As for :func:`deltaroi.group.analyse`.

    Returns
    -------
    Explored
        Effects: the rows of the primary question; corrected within each specification by Holm and by Benjamini and
        Hochberg. A curve per contrast and ROI of ``main``.

    Raises
    ------
    DataError
        Nothing usable is left.

    Notes
    -----
    The subjects are those with a value in any specification; each effect rests on the complete cases of its own
    specification. For the curve subjects are rearranged once, as for the primary effect of ``main``, for all
    specifications together; a specification that lacks some subjects takes each arrangement without them.
    """
    ready = prepare(responses, design)
    asked = next(one for one in questions(ready.sessions, design.levels, design.assignment, spec,
                                          covariates=ready.sample.terms) if one.primary)
    alone = spec.model_copy(update={"permutations": 0})
    rows: list[Row] = []
    for blocks in together(ready.blocks, family):
        rows += corrected_rows(blocks, [asked], ready.sample, alone).rows
    others = [row for row in rows if row.block.specification != MAIN]
    effects = pd.DataFrame([effect_record(row, ready) for row in others], columns=EFFECTS.names)
    leading = [row for row in rows if row.leading]
    curves = [_curve(asked, same, ready.sample, spec) for same in _alike(leading)]
    return Explored(conform(effects, EFFECTS, "group stage"),
                    conform(pd.DataFrame(curves, columns=SPECIFICATION_CURVE.names), SPECIFICATION_CURVE),
                    tuple(untested(others)))


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """Per contrast and ROI of ``main`` its row, followed by those of the other specifications in their order.

    In another specification it is the ROI itself, or that of another definition which stands in its place.
    """
    places: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        found = places.setdefault((row.block.contrast, row.block.specification), {})
        roi = row.block.rois[row.roi]
        found.setdefault(f"{roi.region} {roi.hemisphere}", []).append(row)
    specifications = dict.fromkeys(row.block.specification for row in rows if row.block.specification != MAIN)
    out = []
    for row in rows:
        roi = row.block.rois[row.roi]
        if row.block.specification != MAIN or roi.definition in (FUNCTIONAL, CIRCULAR):
            continue
        same = [row]
        for name in specifications:
            here = places.get((row.block.contrast, name), {}).get(f"{roi.region} {roi.hemisphere}", [])
            exact = [one for one in here if one.block.rois[one.roi] == roi]
            same += exact or (here if len(here) == 1 else [])
        out.append(same)
    return out


def _curve(asked: Question, rows: Sequence[Row], sample: Sample, spec: GroupStats) -> dict[str, Any]:
    """One row of the curve's table."""
    main = rows[0]
    roi = main.block.rois[main.roi]
    tested = [row for row in rows if math.isfinite(row.numbers.test.p)]
    units = {unit_of(row) for row in tested}
    one_unit = len(units) == 1
    cases = [complete_cases(asked, row.block, row.roi, sample) for row in tested]
    subjects = np.unique(np.concatenate([case.subjects for case in cases])) if cases else np.zeros(0, np.int64)
    found: dict[str, Any] = {
        "contrast": main.block.contrast, "region": roi.region, "hemisphere": roi.hemisphere,
        "definition": roi.definition, "model": asked.model, "term": asked.term, "comparison": asked.comparison,
        "se_kind": asked.leading, "status": NA, "n_specifications": len(rows), "n_tested": len(tested),
        "n_subjects": subjects.size, "unit": next(iter(units)) if one_unit else "z" if units else NA,
        "main_estimate": main.numbers.test.estimate, "main_unit": unit_of(main), "note": NA}
    if asked.joint or not tested:
        share = np.mean([row.numbers.test.p < 0.05 for row in tested]) if tested else np.nan
        return {**found, "share_significant": share, "unit": NA,
                "note": "the primary test is an F test, which has no direction" if asked.joint else
                "no specification could be tested"}
    z = np.array([_z(row) for row in tested])
    estimate = np.array([row.numbers.test.estimate for row in tested]) if one_unit else z
    made, note = curve(estimate[:, None], z[:, None]), "permutations are off (group.permutations: 0)"
    if asked.model == "lmm":
        note = "specifications of a mixed model are not permuted together"
    elif spec.permutations:
        made, note = _permuted(asked, tested, (subjects, one_unit), sample, spec)
    rank = int((estimate <= estimate[0] + 1e-12 * abs(estimate[0])).sum()) if tested[0] is main else np.nan
    return {**found, **_numbers(made), "main_rank": rank, "note": note}


def _numbers(made: Curve) -> dict[str, Any]:
    return {"median": made.median, "share_sign": made.share_sign, "share_significant": made.share_significant,
            "mean_z": made.mean_z, "p_median": made.p_median,
            "p_share": made.p_share, "p_stouffer": made.p_stouffer, "arrangements": made.arrangements or np.nan}


def _z(row: Row) -> float:
    """The normal deviate of the row's two-sided p, with the sign of its estimate."""
    test = row.numbers.test
    return math.copysign(float(equivalent_t(np.array([abs(test.statistic)]), np.array([test.df]))[0]), test.estimate)


def _permuted(asked: Question, rows: Sequence[Row], about: tuple[IntArray, bool], sample: Sample,
              spec: GroupStats) -> tuple[Curve, str]:
    """The curve under every arrangement of subjects, and in words how they were arranged."""
    involved, one_unit = about
    tests: list[tuple[Test, int]] = []
    for row in rows:
        statistic, floor = permutable(asked, asked.leading, complete_cases(asked, row.block, row.roi, sample),
                                      sample.strata)
        places = np.searchsorted(involved, statistic.subjects).astype(np.int64)
        if not isinstance(statistic, (FreedmanLane, Welch, SignFlip)):
            raise TypeError(f"a statistic without a direction: {type(statistic).__name__}")
        tests.append((replace(statistic, subjects=places), floor))
    made = arrange(asked, asked.leading, sample, spec, involved,
                   everyone=all(test.subjects.size == involved.size for test, _ in tests))
    estimate, z = np.empty((2, len(tests), made.rows.shape[0]))
    local: dict[bytes, Any] = {}
    for i, (test, _) in enumerate(tests):
        key = test.subjects.tobytes()
        if key not in local:
            local[key] = local_arrangements(made.rows, test.subjects)
        found = signed(test, local[key])
        estimate[i], z[i] = found.estimate, found.z
    usable = np.isfinite(z).all(axis=1)
    return curve((estimate if one_unit else z)[usable], z[usable], min(floor for _, floor in tests)), made.said
