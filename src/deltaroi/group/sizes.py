"""Standardised effect sizes: every kind that fits an effect, with each method of interval."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from deltaroi.group.blocks import Array, Sample
from deltaroi.group.estimates import Cases, complete_cases
from deltaroi.group.families import Row
from deltaroi.stats import bootstrap, effect_size
from deltaroi.stats.effect_size import EffectSize
from deltaroi.stats.record import NAN, Test
from deltaroi.tables import EFFECT_SIZES, conform
from deltaroi.types import NA

_FLAT = "the values do not vary, or there are too few subjects"
_UNADJUSTED = "not adjusted for covariates"
_Pair = tuple[Array, Array]


@dataclass(frozen=True)
class _Size:
    """One line of the table."""

    size: EffectSize
    method: str
    n: int
    level: float = 0.95
    replicates: float = NAN
    problem: str = ""
    note: str = ""

    def said(self) -> str:
        """Why a number is missing, and what was not adjusted for."""
        reason = self.problem
        if not reason and math.isnan(self.size.low):
            reason = _FLAT if math.isnan(self.size.value) else "the interval is not defined"
        return "; ".join(filter(None, (reason, self.note))) or NA


@dataclass
class _Resampled:
    """Bootstrap intervals by what they are made of, each made once: ANCOVA and change score share theirs."""

    seed: int
    _made: dict[tuple[bytes, ...], bootstrap.BootstrapInterval] = field(default_factory=dict)

    def interval(self, pre: _Pair, post: _Pair) -> bootstrap.BootstrapInterval:
        key = tuple(np.ascontiguousarray(values).tobytes() for values in (*pre, *post))
        if key not in self._made:
            self._made[key] = bootstrap.d_ppc2_interval(pre, post, self.seed)
        return self._made[key]


def effect_sizes(rows: Sequence[Row], sample: Sample, seed: int) -> pd.DataFrame:
    """The effect sizes of the leading row of every question.

    Parameters
    ----------
    rows : sequence of Row
        The rows of the effects table.
    sample : Sample
        The subjects.
    seed : int
        Of the bootstrap; the order of rows and subjects does not matter.

    Returns
    -------
    DataFrame
        Conformed to ``tables.EFFECT_SIZES``. What is not defined is missing, and ``note`` says why. Slopes on
        covariates have no row, nor have single coefficients of mixed models: the change scores beside them have.
    """
    resampled = _Resampled(seed)
    classical = {(id(row.block), row.roi, row.question): row.numbers.test for row in rows if row.kind == "classical"}
    out = []
    for row in rows:
        if row.leading:
            test = classical.get((id(row.block), row.roi, row.question), row.numbers.test)
            for one in _sizes(row, test, sample, resampled):
                size = one.size
                out.append({**row.key, "se_kind": row.kind, "primary": row.primary, "kind": size.kind,
                            "method": one.method, "n": one.n, "value": size.value, "ci_low": size.low,
                            "ci_high": size.high, "level": one.level, "replicates": one.replicates, "note": one.said()})
    return conform(pd.DataFrame(out, columns=EFFECT_SIZES.names), EFFECT_SIZES, "group stage")


def _sizes(row: Row, classical: Test, sample: Sample, resampled: _Resampled) -> Iterator[_Size]:
    """``classical`` is the row's test with classical errors; a mixed model's is its own."""
    question = row.question
    if question.joint or question.model == "mixed_anova":
        yield from _joint(classical, row.numbers.n)
        return
    if question.model == "lmm" or question.columns:
        return
    cases = complete_cases(question, row.block, row.roi, sample)
    if question.model == "one_sample":
        yield _Size(effect_size.d_z(cases.last), "noncentral_t", cases.last.size)
    elif question.model == "paired":
        n = cases.last.size
        yield _Size(effect_size.d_z(cases.outcome), "noncentral_t", n)
        if question.before:
            return
        yield _Size(effect_size.d_av(cases.first, cases.last), "large_sample", n)
        yield _Size(effect_size.d_rm(cases.first, cases.last), "mover", n)
    elif question.first is not None and not question.before:
        yield from _change(row, cases, resampled)
    else:
        a, b = (cases.outcome[cases.of(k)] for k in question.groups)
        yield _Size(effect_size.hedges_g(a, b), "noncentral_t", a.size + b.size,
                    note=_UNADJUSTED if question.adjusted else "")


def _change(row: Row, cases: Cases, resampled: _Resampled) -> Iterator[_Size]:
    """A difference of changes: Morris' d_ppc2 with both intervals; of an ANCOVA also the adjusted difference."""
    a, b = (cases.of(k) for k in row.question.groups)
    pre, post, n = (cases.first[a], cases.first[b]), (cases.last[a], cases.last[b]), int(a.sum() + b.sum())
    note = _UNADJUSTED if row.question.adjusted else ""
    size = effect_size.d_ppc2(pre, post)
    yield _Size(size, "morris", n, note=note)
    again = resampled.interval(pre, post)
    yield _Size(EffectSize(size.value, size.kind, again.low, again.high), "bca_bootstrap", n,
                replicates=again.replicates or NAN, problem=again.problem, note=note)
    if row.question.model == "ancova":
        everyone = tuple(cases.first[cases.of(k)] for k in range(cases.n_levels))
        test = row.numbers.test
        yield _Size(effect_size.adjusted_d(test, everyone), "mover", cases.last.size, problem=test.problem)


def _joint(test: Test, n: int) -> Iterator[_Size]:
    """The share explained."""
    for size in (effect_size.partial_eta2, effect_size.partial_omega2):
        yield _Size(size(test.statistic, test.df_between, test.df), "noncentral_f", n, level=0.9, problem=test.problem)
