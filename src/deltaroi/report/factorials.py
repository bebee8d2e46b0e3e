"""The report's section on factorial designs, and its methods text, from their table."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import holds, said
from deltaroi.report.data import Output, Row, beside, records, roi_of
from deltaroi.report.listing import Table, comparison, people, with_status
from deltaroi.tables import FACTORIAL
from deltaroi.types import NA


@dataclass(frozen=True)
class Crossed:
    """One factorial on the page: its factors, what holds after correction, the leading tests, the others."""

    name: str
    asked: str
    claims: tuple[str, ...]
    leading: Table
    others: Table


def factorial_parts(output: Output) -> tuple[Crossed, ...]:
    """The factorials, in the study's order."""
    table = beside(output, FACTORIAL)
    names = [name for name in output.study.group.factorials if name in set(table["factorial"])]
    return tuple(_part(output, name, table[table["factorial"] == name]) for name in names)


def _part(output: Output, name: str, table: pd.DataFrame) -> Crossed:
    roi = {key: i for i, key in enumerate(output.rois)}
    keys = sorted((_order(str(row["term"])), roi[roi_of(row)], i) for i, row in enumerate(records(table)))
    table = table.iloc[[key[-1] for key in keys]].reset_index(drop=True)
    first = table["leading"] & (table["within_group"] == NA)
    claims = tuple(said(row) for row in records(table[first]) if holds(row))
    return Crossed(name, _asked(output, name), claims,
                   _tests(output, f"{name}: the leading test of every term.", table[first]),
                   _tests(output, f"{name}: the other kind of errors, and simple effects within one group, which say "
                          "nothing about a difference between groups.", table[~first]))


def _order(term: str) -> tuple[int, bool, str]:
    """Group terms last among those of as many factors."""
    names = term.split(":")
    return len([n for n in names if n != "group"]), "group" in names, term


def _asked(output: Output, name: str) -> str:
    factorial = output.study.group.factorials[name]
    parts = [f"{factor} ({', '.join(levels)})" for factor, levels in factorial.factors.items()]
    if len(output.study.dataset.sessions) > 1:
        parts.append(f"session ({', '.join(output.study.dataset.sessions)})")
    groups = output.study.groups.levels if output.study.groups else []
    between = f" Between subjects: group ({', '.join(groups)})." if len(groups) > 1 else ""
    return f"Within subjects: {words.listed(parts)}.{between}"


def _tests(output: Output, caption: str, frame: pd.DataFrame) -> Table:
    columns = ("ROI", "Term", "Comparison", "Errors", "n", "Estimate [95 % CI]", "F or t", "df", "ε (GG)", "p",
               "p FWE", "p Holm", "q FDR", "Effect size [CI]")
    rows = [(output.roi_label(roi_of(row)), _term(row), comparison(row["comparison"]),
             str(words.ERRORS.get(row["se_kind"], row["se_kind"])), people(row), _estimate(row),
             f"{row['statistic_kind']} = {words.number(row['statistic'])}", _degrees(row),
             words.number(row["gg_epsilon"]), *(words.p_value(row[p]) for p in ("p", "p_fwe", "p_holm", "q_fdr")),
             _size(row)) for row in records(frame)]
    marked = frozenset(i for i, row in enumerate(records(frame)) if holds(row))
    table = Table(caption, columns, tuple(rows), frozenset(range(4, len(columns))), marked,
                  "Marked rows hold after correction over the family of ROIs. Degrees of freedom are those before the "
                  "correction by Greenhouse and Geisser's ε, which p has.")
    return with_status(table, frame["status"])


def _term(row: Row) -> str:
    text = str(row["term"]).replace(":", " × ")
    return text if row["within_group"] == NA else f"{text} within {row['within_group']}"


def _degrees(row: Row) -> str:
    end = words.degrees(row["df2"])
    return f"{words.degrees(row['df1'])}, {end}" if row["statistic_kind"] == "F" else end


def _estimate(row: Row) -> str:
    if not math.isfinite(row["estimate"]):
        return NA
    return f"{row['estimate']:.3g} [{row['ci_low']:.3g}, {row['ci_high']:.3g}]".replace("-", "\N{MINUS SIGN}")


def _size(row: Row) -> str:
    if not math.isfinite(row["effect_size"]):
        return NA
    kind = words.EFFECT_SIZES.get(row["effect_size_kind"], row["effect_size_kind"])
    return f"{kind} {words.number(row['effect_size'])} {words.interval(row['es_ci_low'], row['es_ci_high'])}".rstrip()


def factorials_text(output: Output) -> str:
    """How the factorial designs were analysed, for the methods."""
    table = beside(output, FACTORIAL)
    names = [name for name in output.study.group.factorials if name in set(table["factorial"])]
    if not names:
        return ""
    text = " ".join(f"{name}: {_asked(output, name)}" for name in names)
    text = (f"Factorial designs were tested by mixed analyses of variance (type III sums of squares, p corrected by "
            f"Greenhouse and Geisser's ε [@greenhouse1959]) in subjects with every cell. {text} Effect sizes: partial "
            "η² with a 90 % interval [@steiger2004].")
    if (table["se_kind"] == "welch").any():
        text += (" Terms of one degree of freedom within subjects were also tested on each subject's own difference: "
                 "between groups by Welch's test [@welch1947], and in the mean over groups with an error that leaves "
                 "each group its variance.")
    if table["p_fwe"].notna().any():
        flips = output.study.group.flips("factorial", "classical")
        text += (" Family-wise p values come from the largest statistic over the ROIs: terms within subjects under "
                 "sign flips of whole subjects, group terms under "
                 f"{'sign flips of residuals' if flips else 'permutation of group labels'}.")
    return text
