"""The report's section on phases of training, and its methods text, from the rows of the effects table."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import holds, said
from deltaroi.report.data import Output, Row, records, roi_of
from deltaroi.report.listing import Table, comparison, effect_size, estimate, people, with_status

_LEADING = {"robust": ("hc2_welch", "welch"), "hc3": ("hc3", "welch"), "classical": ("classical",)}
"""``group.variance`` -> the errors that lead, of which a comparison of groups has one."""


@dataclass(frozen=True)
class Phases:
    """The phases of one contrast: what holds after correction, and the leading tests."""

    contrast: str
    claims: tuple[str, ...]
    tests: Table


def stretches(output: Output) -> dict[str, str]:
    """How comparisons name a phase or switch (``post-mid``) -> what it is called."""
    sessions = list(output.study.dataset.sessions)
    named = sorted((sessions.index(a), sessions.index(b), name)
                   for name, (a, b) in output.study.group.phases.items())
    found = {f"{sessions[last]}-{sessions[first]}": name for first, last, name in named}
    for first, last, name in named:
        for before, until, earlier in named:
            if until == first:
                found[f"({sessions[last]}-{sessions[first]})-({sessions[until]}-{sessions[before]})"] = \
                    f"switch: {name} less {earlier}"
    return found


def phase_parts(output: Output) -> tuple[Phases, ...]:
    """The phases, per contrast."""
    called = stretches(output)
    if not called:
        return ()
    frame = output.ordered(output.effects)
    kinds = _LEADING[output.study.group.variance]
    of_groups = frame["model"].isin(["change", "ancova"]) & frame["se_kind"].isin(kinds) \
        & (frame["term"] == "group_difference")
    alone = frame["model"] == "paired"
    when = [str(text).rpartition("|")[2] for text in frame["comparison"]]
    mine = frame[(of_groups | alone) & pd.Series([name in called for name in when], index=frame.index)]
    return tuple(Phases(contrast, tuple(said(row) for row in records(part) if holds(row)),
                        _tests(output, contrast, part, called))
                 for contrast in output.contrasts for part in [mine[mine["contrast"] == contrast]] if len(part))


def _tests(output: Output, contrast: str, frame: pd.DataFrame, called: dict[str, str]) -> Table:
    columns = ("ROI", "Phase", "Comparison", "Model", "n", "Estimate [95 % CI]", "t or F", "df", "p", "p FWE", "p Holm",
               "q FDR", "Effect size [CI]")
    order = {when: i for i, when in enumerate(called)}
    rows_in = sorted(records(frame), key=lambda row: order[_when(row)])
    decimals = words.decimals_for(frame["ci_high"] - frame["ci_low"])
    rows = [(output.roi_label(roi_of(row)), called[_when(row)], comparison(row["comparison"]),
             str(words.MODELS.get(row["model"], row["model"])), people(row), estimate(row, decimals),
             f"{row['statistic_kind']} = {words.number(row['statistic'])}", words.degrees(row["df"]),
             *(words.p_value(row[p]) for p in ("p", "p_fwe", "p_holm", "q_fdr")), effect_size(row)) for row in rows_in]
    table = Table(f"{contrast}: change over each phase, and between adjacent phases.", columns, tuple(rows),
                  frozenset(range(4, len(columns))), frozenset(i for i, row in enumerate(rows_in) if holds(row)),
                  "Marked rows hold after correction over the family of ROIs; phases are not corrected for their "
                  "number.")
    return with_status(table, (row["status"] for row in rows_in))


def _when(row: Row) -> str:
    return str(row["comparison"]).rpartition("|")[2]


def phases_text(output: Output) -> str:
    """The phases that were compared, for the methods."""
    phases = output.study.group.phases
    if not phases:
        return ""
    named = words.listed(f"{name} (from {first} to {last})" for name, (first, last) in phases.items())
    text = f"Phases of training: {named}. The change over each phase was compared between groups and tested within them"
    text += ", as was the switch, the change over a phase less that over the phase before it." \
        if any(when.startswith("(") for when in stretches(output)) else "."
    later = any(first != output.study.dataset.sessions[0] for first, _ in phases.values())
    if later and (output.effects["model"] == "ancova").any():
        text += " The ANCOVA of a later phase adjusts for a value that was measured after groups were treated."
    if output.study.group.primary_phase:
        text += f" The primary effect is the change over the phase {output.study.group.primary_phase}."
    return text
