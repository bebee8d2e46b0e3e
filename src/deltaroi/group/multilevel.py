"""The multilevel model over the ROIs of a contrast: each effect as the others suggest it, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deltaroi.errors import StudyError
from deltaroi.group.blocks import Block, Prepared, Sample
from deltaroi.group.families import Row
from deltaroi.group.questions import Question
from deltaroi.group.reading import amount, place_of
from deltaroi.specs import GroupStats
from deltaroi.stats.multilevel import Levels, levels
from deltaroi.stats.multilevel_sampler import Draws, missing_packages, sample
from deltaroi.stats.record import NAN, Array, Test
from deltaroi.tables import ALL_ROIS, MULTILEVEL, conform
from deltaroi.types import CIRCULAR, NA

_ONE_GROUP = ("paired", "one_sample")


@dataclass(frozen=True, eq=False)
class MultilevelResult:
    """The table (``tables.MULTILEVEL``), and why models are missing from it."""

    table: pd.DataFrame
    warnings: tuple[str, ...]


def require(spec: GroupStats) -> None:
    """Refuse a model whose packages are not installed.

    Raises
    ------
    StudyError
        ``group.multilevel`` is true and the extra is not there.
    """
    missing = missing_packages() if spec.multilevel else ()
    if missing:
        raise StudyError(f"the multilevel model needs {', '.join(missing)} (the extra 'multilevel' of deltaroi), not "
                         "installed here", where="group.multilevel",
                         hint="pip install 'deltaroi[multilevel]', or leave the model out")


def multilevel(ready: Prepared, rows: Sequence[Row], assignment: str | None, spec: GroupStats) -> MultilevelResult:
    """Fit the model to every family of ROIs.

    Parameters
    ----------
    ready : Prepared
        Subjects and values.
    rows : sequence of Row
        The rows of the effects table, which hold the effects of the ROIs alone.
    assignment : str or None
        ``randomised`` or ``preexisting``; where mixed models are primary it decides between ANCOVA and change scores.
    spec : GroupStats
        The seed.

    Raises
    ------
    ImportError
        The extra is not installed; :func:`require` says so in words.
    """
    found: list[dict[str, object]] = []
    warnings: list[str] = []
    for block in ready.blocks:
        if all(roi.definition == CIRCULAR for roi in block.rois):
            continue
        if block.apart:
            warnings.append(f"the multilevel model of {block.contrast} leaves out "
                            f"{', '.join(roi.label for roi in block.rois)}: not in the lock")
            continue
        mine = [row for row in rows if row.block is block and row.leading]
        for asked in _bundles(list(dict.fromkeys(row.question for row in mine)), assignment):
            why, some = _rows(block, asked, mine, ready, spec.seed)
            found += some
            if why:
                warnings.append(f"the multilevel model of {block.contrast} ({block.summary}, {block.definition}; "
                                f"{asked[0].comparison}): {why}")
    frame = pd.DataFrame(found, columns=MULTILEVEL.names)
    return MultilevelResult(conform(frame, MULTILEVEL, "group stage"), tuple(warnings))


def _bundles(asked: Sequence[Question], assignment: str | None) -> Iterator[list[Question]]:
    """The effects that one model holds: all groups against the reference, in one session against another."""
    model = next(q.model for q in asked if q.primary)
    if model == "lmm":
        models = {q.model for q in asked}
        model = "paired" if "change" not in models else "ancova" if assignment == "randomised" else "change"
    terms = ("group_difference", "mean")
    chosen = [q for q in asked if q.model == model and not q.joint and (model == "paired" or q.term in terms)]
    for span in sorted({(q.last, q.first or 0) for q in chosen if q.before is None}):
        yield [q for q in chosen if (q.last, q.first or 0) == span and q.before is None]


def _rows(block: Block, asked: Sequence[Question], alone: Sequence[Row], ready: Prepared, seed: int,
          ) -> tuple[str, list[dict[str, object]]]:
    """Why there is no model, and its rows."""
    if len(set(block.units)) > 1:
        return f"its ROIs have the units {', '.join(sorted(set(block.units)))}", []
    data = _levels(block, asked[0], ready.sample)
    if isinstance(data, str):
        return data, []
    draws = sample(data, seed)
    return draws.problem, [row for question in asked
                           for row in rows_of_question(block, question, Fitted(data, draws, ready), alone)]


def _levels(block: Block, question: Question, sample_: Sample) -> Levels | str:
    last = block.values[:, :, question.last].T
    first = None if question.first is None else block.values[:, :, question.first].T
    values = last if first is None or question.model == "ancova" else last - first
    n, rois = values.shape
    columns = [] if question.model in _ONE_GROUP else [np.ones((rois, n, 1))]
    if question.model == "ancova" and first is not None:
        columns.append(first.T[:, :, None])
    if question.adjusted:
        columns.append(np.broadcast_to(sample_.covariates, (rois, *sample_.covariates.shape)))
    own = np.concatenate(columns, axis=2) if columns else np.empty((rois, n, 0))
    dummies = [sample_.group == k for k in range(len(sample_.levels) - 1)] or [np.ones(n)]
    tested = np.stack(dummies, axis=1).astype(np.float64)
    return levels(values, own, tested, sample_.group, tuple(roi.region for roi in block.rois))


@dataclass(frozen=True, eq=False)
class Fitted:
    """One model, its draws, and the design."""

    data: Levels
    draws: Draws
    ready: Prepared


def rows_of_question(block: Block, question: Question, fitted: Fitted,
                     alone: Sequence[Row]) -> Iterator[dict[str, object]]:
    """The rows of one effect: every ROI, and their mean.

    Parameters
    ----------
    block : Block
        The ROIs.
    question : Question
        The effect.
    fitted : Fitted
        The model's draws.
    alone : sequence of Row
        Rows of the effects table, which hold the effects of the ROIs alone.
    """
    data, draws, k = fitted.data, fitted.draws, question.groups[0]
    tau = _summary(draws.tau[:, k] * data.unit, draws.problem)
    tests = {row.roi: row.numbers.test for row in alone if row.question == question}
    counts = [*data.there.sum(axis=0), data.there.any(axis=1).sum()]
    everywhere = np.concatenate([draws.effects[:, k], draws.mean[:, k, None]], axis=1) * data.unit
    for r in range(len(block.rois) + 1):
        roi = block.rois[r] if r < len(block.rois) else None
        test = tests.get(r, Test())
        row = {
            "specification": block.specification, "contrast": block.contrast,
            "summary": block.summaries[r] if roi else block.summary, "region": roi.region if roi else ALL_ROIS,
            "hemisphere": roi.hemisphere if roi else NA, "definition": roi.definition if roi else block.definition,
            "comparison": question.comparison, "model": question.model, "term": question.term, "n": int(counts[r]),
            "n_rois": len(block.rois), "unit": block.units[0], **_numbers(everywhere[:, r], draws.problem),
            "unpooled": test.estimate, "unpooled_low": test.ci_low, "unpooled_high": test.ci_high,
            "tau": tau[1], "tau_low": tau[0], "tau_high": tau[2], "rhat": draws.rhat[k, r], "ess": draws.ess[k, r],
            "divergent": draws.divergent,
        }
        place = place_of(roi) if roi else "the ROIs in general"
        row["reading"] = _reading(row, place, question, fitted)
        yield row


def _summary(values: Array, problem: str) -> tuple[float, float, float]:
    """Median and 95 % interval, in rising order; missing where there is a problem."""
    if problem:
        return NAN, NAN, NAN
    low, middle, high = np.quantile(values, [0.025, 0.5, 0.975])
    return float(low), float(middle), float(high)


def _numbers(values: Array, problem: str) -> dict[str, float]:
    low, _, high = _summary(values, problem)
    above = float((values > 0).mean())
    return {"estimate": NAN if problem else float(values.mean()), "sd": NAN if problem else float(values.std(ddof=1)),
            "ci_low": low, "ci_high": high, "p_direction": NAN if problem else max(above, 1 - above),
            "_above": above}


def _reading(row: dict[str, object], place: str, question: Question, fitted: Fitted) -> str:
    """One sentence, true to the row's numbers."""
    above, levels_, sessions = float(str(row.pop("_above"))), fitted.ready.sample.levels, fitted.ready.sessions
    if fitted.draws.problem:
        return f"{place}: no pooled estimate, because {fitted.draws.problem}."
    number = {name: float(str(row[name])) for name in ("estimate", "ci_low", "ci_high", "p_direction", "unpooled",
                                                       "tau", "tau_low", "tau_high")}
    unit = str(row["unit"])
    interval = f"(95 % credible interval {number['ci_low']:.3g} to {amount(number['ci_high'], unit)})"
    last = sessions[question.last]
    course = "" if question.first is None else f" from {sessions[question.first]} to {last}"
    if question.model in _ONE_GROUP:
        kind = "change" if course else "mean"
        what = f"the {kind} of {place}{course} is {amount(number['estimate'], unit)} {interval}"
        side = "above zero" if above >= 0.5 else "below zero"
    else:
        pair = f"{levels_[question.groups[0]]} minus {levels_[question.groups[-1]]}"
        given = f"at {last}, given the value at {sessions[question.first or 0]}, " if question.model == "ancova" else ""
        of = f"the change of {place}{course}" if question.model == "change" else place
        what = f"{given}the difference {pair} of {of} is {amount(number['estimate'], unit)} {interval}"
        side = f"{'higher' if above >= 0.5 else 'lower'} in {levels_[question.groups[0]]}"
    sure = "more than 0.999" if number["p_direction"] > 0.9995 else f"{number['p_direction']:.3f}"
    tail = f"the effects of ROIs vary around it with an SD of {amount(number['tau'], unit)} " \
           f"({number['tau_low']:.3g} to {number['tau_high']:.3g})" if row["region"] == ALL_ROIS else \
           f"without pooling it is {amount(number['unpooled'], unit)}"
    return " ".join(f"Pooled over {row['n_rois']} ROIs, {what}; it is {side} with probability {sure}; {tail}.".split())
