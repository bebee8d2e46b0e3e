"""Effect sizes and Bayes factors as tables of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from deltaroi.report import words
from deltaroi.report.data import ROI, Output, Row, records, roi_of
from deltaroi.report.listing import Table, comparison, shared_below, with_status
from deltaroi.types import CIRCULAR, NA

PRIORS = ("medium", "wide", "ultrawide")
_STRONG = 3.0
_LARGEST = 99999.0


def size_tables(output: Output) -> tuple[Table, Table]:
    """The effect sizes of the primary effects, and all of them."""
    frame = output.ordered(output.beside["effect_sizes"])
    chosen = frame[frame["primary"]].reset_index(drop=True)
    return (_sizes(output, chosen, "Effect sizes of the primary effects."),
            _sizes(output, frame, "All effect sizes; the full precision is in group/effect_sizes.tsv."))


def _sizes(output: Output, frame: pd.DataFrame, caption: str) -> Table:
    columns = ("ROI", "Contrast", "Model", "Term", "Comparison", "Effect size", "Value [interval]", "Level",
               "Interval by", "n", "Note")
    rows = tuple((*_named(output, row), str(words.EFFECT_SIZES.get(row["kind"], row["kind"])),
                  f"{words.number(row['value'])} {words.interval(row['ci_low'], row['ci_high'])}".rstrip(),
                  f"{100 * row['level']:.0f} %", str(words.METHODS.get(row["method"], row["method"])),
                  words.count(row["n"]), "" if row["note"] == NA else str(row["note"])) for row in records(frame))
    table = shared_below(_without_empty(Table(caption, columns, rows, frozenset({6, 7, 9}))), (1, 2, 3, 4, 7))
    return with_status(table, frame["status"])


def _without_empty(table: Table) -> Table:
    """Without the last column where nothing stands in it."""
    if any(row[-1] for row in table.rows):
        return table
    return replace(table, columns=table.columns[:-1], rows=tuple(row[:-1] for row in table.rows))


def _named(output: Output, row: Row) -> tuple[str, ...]:
    """What a row is about: ROI, contrast, model, term, comparison."""
    return (output.roi_label(roi_of(row)), str(row["contrast"]), str(row["model"]),
            words.term(row["term"]), comparison(row["comparison"]))


def bayes_tables(output: Output) -> tuple[Table, Table]:
    """The Bayes factors of differences between groups (with one group: of its effects), and the other ones."""
    frame = output.ordered(output.beside["bayes"])
    beside = frame["term"].str.startswith("session_within") | (frame["term"] == "group_at_baseline")
    chosen = ~beside if (~beside).any() else beside
    widths = dict(zip(frame["prior"], frame["width"], strict=True))
    priors = words.listed(f"{prior} ({widths[prior]:.3g})" for prior in PRIORS if prior in widths)
    under = f"under the priors {priors}."
    return (_factors(output, frame[chosen], f"Bayes factors BF10 {under}"),
            _factors(output, frame[~chosen], f"Bayes factors BF10 within groups and before, {under}"))


def _factors(output: Output, frame: pd.DataFrame, caption: str) -> Table:
    columns = ("ROI", "Contrast", "Model", "Term", "Comparison", "n", "t", "df",
               *(prior.capitalize() for prior in PRIORS), "Evidence")
    key = ["specification", "contrast", "summary", *ROI, "model", "term", "comparison"]
    rows, status = [], []
    for _, part in frame.groupby(key, sort=False):
        by = dict(zip(part["prior"], part["bf10"], strict=True))
        factors = [float(by.get(prior, math.nan)) for prior in PRIORS]
        row: Row = records(part.iloc[:1])[0]
        status.append(row["status"])
        rows.append((*_named(output, row), words.count(row["n"]), words.number(row["statistic"]),
                     words.degrees(row["df"]), *map(factor_text, factors),
                     "circular: none" if row["definition"] == CIRCULAR else evidence_words(factors)))
    table = shared_below(Table(caption, columns, tuple(rows), frozenset(range(5, 11))), (1, 2, 3, 4))
    return with_status(table, status)


def factor_text(factor: float) -> str:
    """A Bayes factor as people write it; ``n/a`` when missing."""
    if math.isnan(factor):
        return NA
    if factor > _LARGEST:
        return f">{_LARGEST:.0f}"
    return "<0.001" if factor < 0.001 else f"{factor:.3f}" if factor < 0.1 else \
        f"{factor:.2f}" if factor < 100 else f"{factor:.0f}"


def evidence_words(factors: Sequence[float]) -> str:
    """What Bayes factors under several priors allow to say together; ``n/a`` when one is missing."""
    if any(math.isnan(factor) for factor in factors):
        return NA
    if all(factor >= _STRONG for factor in factors):
        return "for an effect"
    if all(factor <= 1 / _STRONG for factor in factors):
        return "for no effect"
    if all(1 / _STRONG < factor < _STRONG for factor in factors):
        return "neither way"
    return "depends on the prior"
