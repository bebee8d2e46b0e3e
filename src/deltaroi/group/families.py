"""Corrections over families of ROIs: Holm, Benjamini-Hochberg, and max-T permutation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from deltaroi.group.blocks import Block, IntArray, Sample
from deltaroi.group.estimates import Estimate, complete_cases, estimate, permutable
from deltaroi.group.mixed_models import NO_PROFILES, MixedModels, profiles
from deltaroi.group.questions import Question
from deltaroi.specs import GroupStats
from deltaroi.stats import multiple, permutation


@dataclass
class Row:
    """One row of the effects table on its way."""

    block: Block
    roi: int
    question: Question
    kind: str
    numbers: Estimate
    p_fwe: float = np.nan
    p_step_down: float = np.nan
    p_holm: float = np.nan
    q_fdr: float = np.nan
    family: str = ""
    family_size: int = 0
    remarks: list[str] = field(default_factory=list)
    words: str = ""  # what was found, where the reading cannot make it from the question

    @property
    def key(self) -> dict[str, str]:
        """What names the row in the tables, but for its kind of errors."""
        roi = self.block.rois[self.roi]
        return {"specification": self.block.specification, "contrast": self.block.contrast,
                "summary": self.block.summaries[self.roi], "region": roi.region, "hemisphere": roi.hemisphere,
                "definition": roi.definition, "model": self.question.model, "term": self.question.term,
                "comparison": self.question.comparison}

    @property
    def leading(self) -> bool:
        """Whether this kind of standard error leads its question."""
        return self.kind == self.question.leading

    @property
    def primary(self) -> bool:
        """The one row per ROI and contrast."""
        return self.question.primary and self.leading


@dataclass(frozen=True)
class Corrected:
    """Rows with their corrections, and how the permutations were made."""

    rows: list[Row]
    notes: tuple[str, ...]


def corrected_rows(blocks: Sequence[Block], asked: Sequence[Question], sample: Sample, spec: GroupStats,
                   ) -> Corrected:
    """All rows of one set of blocks that is corrected together.

    Parameters
    ----------
    blocks : sequence of Block
        One block, or those of all contrasts with ``regions.family: all_contrasts``.
    asked : sequence of Question
        The questions.
    sample : Sample
        The subjects.
    spec : GroupStats
        Permutations, seed, equivalence bound.
    """
    rows: list[Row] = []
    notes: list[str] = []
    primary = next(q for q in asked if q.primary)
    models = MixedModels(sample, spec)
    for question in asked:
        cases = [(block, r, complete_cases(question, block, r, sample)) for block in blocks
                 for r in range(len(block.rois))]
        for kind in question.kinds:
            if question.model == "lmm":
                family = [_mixed_row(models, question, kind, block, r) for block, r, _ in cases]
            else:
                family = [Row(block, r, question, kind, estimate(question, kind, c, spec.equivalence_bounds_d))
                          for block, r, c in cases]
            correct(family, blocks)
            same_model = question.model == primary.model and question.term == primary.term
            if spec.permutations and same_model and kind == question.leading:
                tests = [permutable(question, kind, c, sample.strata) for _, _, c in cases] \
                    if question.model != "lmm" else profiles(
                        question, kind, [(row.block, row.roi, row.numbers) for row in family], sample, spec.times)
                said = permute(family, tests, sample, spec) if tests else f"{family[0].family}: {NO_PROFILES}"
                if tests or question.primary:
                    notes.append(said)
            rows += family
    return Corrected(rows, tuple(notes))


def correct(family: Sequence[Row], blocks: Sequence[Block]) -> None:
    """Name a family of rows, one question and kind of errors in every ROI, and correct it by Holm, and Benjamini."""
    p = np.array([row.numbers.test.p for row in family])
    for row, a, b in zip(family, multiple.holm(p), multiple.benjamini_hochberg(p), strict=True):
        row.p_holm, row.q_fdr = float(a), float(b)
        row.family, row.family_size = _name(blocks, row.question, row.kind), int((~np.isnan(p)).sum())


def permute(family: Sequence[Row], tests: Sequence[tuple[permutation.Statistic, int]], sample: Sample,
            spec: GroupStats) -> str:
    """Correct a family by max-T, a statistic and the number of its distinct arrangements per row; says how."""
    found, said = rearranged(tests, family[0].question, family[0].kind, sample, spec)
    for row, single, down in zip(family, found.p, found.p_step_down, strict=True):
        tested = np.isfinite(row.numbers.test.p)
        row.p_fwe, row.p_step_down = (float(single), float(down)) if tested else (np.nan, np.nan)
    return f"{family[0].family}: {said}"


def _mixed_row(models: MixedModels, question: Question, kind: str, block: Block, roi: int) -> Row:
    numbers, remarks = models.estimate(question, kind, block, roi)
    return Row(block, roi, question, kind, numbers, remarks=list(remarks))


def _name(blocks: Sequence[Block], question: Question, kind: str) -> str:
    """What a family is called: everything its ROIs share."""
    block = blocks[0]
    contrasts = block.contrast if len(blocks) == 1 else "all contrasts"
    return " · ".join((block.specification, contrasts, block.summary, block.definition, question.model, question.term,
                       question.comparison, kind, *(["not in the lock"] if block.apart else [])))


def rearranged(tests: Sequence[tuple[permutation.Statistic, int]], question: Question, kind: str, sample: Sample,
               spec: GroupStats) -> tuple[permutation.MaxT, str]:
    """Family-wise p values, and in words how subjects were rearranged."""
    statistics = [statistic for statistic, _ in tests]
    involved = np.unique(np.concatenate([s.subjects for s in statistics]))
    if involved.size < 2:
        return permutation.missing(len(tests)), "too few subjects to permute"
    local = [_renumbered(s, involved) for s in statistics]
    made = arrange(question, kind, sample, spec, involved,
                   everyone=all(s.subjects.size == involved.size for s in local))
    found = permutation.max_t(local, made.rows, [floor for _, floor in tests])
    return found, f"max-T over {int(np.isfinite(found.p).sum())} ROIs, {made.said}"


@dataclass(frozen=True, eq=False)
class Arranged:
    """Arrangements of subjects, and in words what they are."""

    rows: NDArray[np.generic]
    said: str


def arrange(question: Question, kind: str, sample: Sample, spec: GroupStats, involved: IntArray, *,
            everyone: bool) -> Arranged:
    """How the subjects are rearranged to test a question.

    Parameters
    ----------
    question, kind
        What is tested, with which errors.
    sample : Sample
        The subjects.
    spec : GroupStats
        How many arrangements, which, and the seed.
    involved : ndarray
        Positions in the sample of those who have a value.
    everyone : bool
        Whether each test has all of them.
    """
    strata = None if sample.strata is None else sample.strata[involved]
    within = "" if strata is None else " within strata"
    relabel = kind == "welch" or (question.model != "ancova" and not question.adjusted
                                  and len(question.groups) == len(sample.levels))
    rows: NDArray[np.generic]
    if question.model in ("paired", "one_sample") or len(sample.levels) < 2:
        rows, complete = permutation.sign_flips(involved.size, spec.permutations, spec.seed)
        what, exact = "sign flips of whole subjects", complete
    elif question.mixed == "within" or spec.flips(question.model, kind):
        rows, complete = permutation.sign_flips(involved.size, spec.permutations, spec.seed)
        what, exact = "sign flips of whole subjects' residuals", False
    elif relabel and everyone:
        rows, complete = permutation.relabellings(sample.group[involved], spec.permutations, spec.seed, strata)
        what, exact = f"group relabellings of whole subjects{within}", complete
    else:
        rows, complete = permutation.permutations(involved.size, spec.permutations, spec.seed, strata)
        what, exact = f"group relabellings of whole subjects{within}" if relabel else \
            f"Freedman-Lane permutations of whole subjects' residuals{within}", relabel and complete
    count = rows.shape[0] if complete else rows.shape[0] - 1
    return Arranged(rows, f"{'all ' if complete else ''}{count} {what}{' (exact)' if exact else ''}")


def _renumbered(statistic: permutation.Statistic, involved: IntArray) -> permutation.Statistic:
    """The same statistic with its subjects numbered among those involved."""
    places = np.searchsorted(involved, statistic.subjects).astype(np.int64)
    return replace(statistic, subjects=places)  # type: ignore[type-var]
