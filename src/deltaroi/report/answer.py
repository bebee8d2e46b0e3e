"""What the primary rows allow to say, claims first."""

from __future__ import annotations

import math
from dataclasses import dataclass

from deltaroi.report import words
from deltaroi.report.data import ALPHA, Output, Row, records
from deltaroi.tables import EXPLORATORY
from deltaroi.types import CIRCULAR

KINDS = {
    "claim": "Holds after correction over the family of ROIs",
    "uncorrected": "Below .05 only without correction: not a claim",
    "equivalent": "Equivalent to no effect within the stated bounds (each test by itself)",
    "open": "Neither an effect nor its absence is shown",
    "circular": "Circular: tested on the data that chose the voxels; no conclusion",
    "missing": "Could not be estimated",
}


@dataclass(frozen=True)
class Verdict:
    """Primary rows of one kind: heading and sentences, each with its contrast."""

    kind: str
    heading: str
    sentences: tuple[tuple[str, str], ...]


def corrected_p(row: Row) -> tuple[float, str]:
    """The family-corrected p value of a row and its method; NaN and ``""`` where nothing was corrected.

    Permutation goes before Holm.
    """
    for column, method in (("p_fwe", "max-T"), ("p_holm", "Holm")):
        if math.isfinite(row[column]):
            return float(row[column]), method
    return math.nan, ""


def holds(row: Row) -> bool:
    """Whether a row's effect holds after correction over its family; that of a circular ROI never does."""
    return row["definition"] != CIRCULAR and corrected_p(row)[0] < ALPHA


def kind_of(row: Row) -> str:
    """Which of :data:`KINDS` a primary row is; an omnibus test has a p value and no one estimate."""
    if not (math.isfinite(row["estimate"]) or math.isfinite(row["p"])):
        return "missing"
    if row["definition"] == CIRCULAR:
        return "circular"
    if holds(row):
        return "claim"
    if row["p"] < ALPHA:
        return "uncorrected"
    return "equivalent" if row["p_equivalence"] < ALPHA else "open"


def said(row: Row) -> str:
    """The sentence of a row, which says where it is exploratory."""
    return f"Exploratory: {row['reading']}" if row["status"] == EXPLORATORY else str(row["reading"])


def verdicts(output: Output) -> tuple[Verdict, ...]:
    """The primary rows' sentences by what they allow to say; kinds without a row are left out."""
    found: dict[str, list[tuple[str, str]]] = {kind: [] for kind in KINDS}
    for row in records(output.primary):
        found[kind_of(row)].append((row["contrast"], said(row)))
    return tuple(Verdict(kind, KINDS[kind], tuple(rows)) for kind, rows in found.items() if rows)


def headline(output: Output) -> str:
    """The answer in one sentence, from the counts alone; with a lock a second one says how much of it was planned."""
    return _headline(output) + _planned(output)


def _planned(output: Output) -> str:
    explored = [row for row in records(output.primary) if row["status"] == EXPLORATORY]
    if not explored:
        return ""
    n, holding = len(explored), sum(map(holds, explored))
    which = f"; {holding} of these {'holds' if holding == 1 else 'hold'}" if holding else ""
    return f" {words.plural(n, 'primary effect is', 'primary effects are')} exploratory: not as frozen{which}."


def _headline(output: Output) -> str:
    primary = output.primary
    if primary.empty:
        return "No effect was tested."
    kinds = [kind_of(row) for row in records(primary)]
    circular = kinds.count("circular")
    tested, claims = len(kinds) - kinds.count("missing") - circular, kinds.count("claim")
    if not tested and circular:
        return "Every effect that was tested is circular: nothing can be concluded."
    if not tested:
        return "The only primary effect could not be estimated." if len(kinds) == 1 else \
            f"None of the {len(kinds)} primary effects could be estimated."
    primary = primary[primary["definition"] != CIRCULAR]
    methods = sorted({method for row in records(primary) if (method := corrected_p(row)[1])})
    if not methods:
        return f"{words.plural(tested, 'primary effect was', 'primary effects were')} tested, without any correction " \
               "for the number of tests."
    family = "the family" if primary["family"].nunique() == 1 else "their families" if claims > 1 else "its family"
    return (f"{claims or 'None'} of {words.plural(tested, 'primary effect')} {'hold' if claims > 1 else 'holds'} after "
            f"correction over {family} of ROIs ({' or '.join(methods)}, p\u00a0<\u00a0.05)."
            + (f" {words.plural(circular, 'circular effect is', 'circular effects are')} not counted." if circular
               else ""))
