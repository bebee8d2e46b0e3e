"""Associations of responses with a score of the subjects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import Field

from deltaroi.specs.base import Spec

END = "_x_group"
"""How the term of a moderation ends; no association is called so."""


class Association(Spec):
    """One score that responses are held against."""

    column: str = Field(description="Column of participants.tsv that holds the score, a number per subject.")
    minus: str | None = Field(None, description="Column that is subtracted: the score is column - minus, such as a "
                              "change on a scale (column: rmet_post, minus: rmet_pre).")
    outcome: Literal["change", "baseline", "last"] = Field(
        "change", description="What is held against the score: the change (last session minus first), or the response "
        "in the first (baseline) or the last session.")
    adjust_for: list[Literal["baseline", "covariates"]] = Field(
        ["covariates"], description="What is adjusted for beside the groups: the ROI's own first session (baseline), "
        "the covariates and strata of the study (covariates), both or nothing ([]).")
    groups: Literal["all"] | list[str] = Field(
        "all", description="Whose subjects: all, or a list of group levels, e.g. only the trained group for a dose "
        "and its response.")
    of: Literal["responses", "connectivity", "both"] = Field(
        "responses", description="What is held against the score: the ROIs' responses, the connectivity of every "
        "connection (section connectivity), or both.")
    moderation: bool = Field(True, description="Whether groups are compared in their slopes, where there are several.")

    @property
    def score(self) -> str:
        """What the score is called: its column, or ``column - minus``."""
        return self.column if self.minus is None else f"{self.column} - {self.minus}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the score is made of."""
        return (self.column,) if self.minus is None else (self.column, self.minus)


def about(associations: Mapping[str, Association],
          what: Literal["responses", "connectivity"]) -> dict[str, Association]:
    """The associations of responses, or those of connectivity."""
    return {name: one for name, one in associations.items() if one.of in (what, "both")}


def misfits(associations: Mapping[str, Association], levels: Iterable[str], sessions: Iterable[str],
            connected: bool = False) -> list[str]:
    """What in these associations does not fit each other, the groups or the sessions; each a sentence with its key.

    ``connected`` says whether the study has connectivity.
    """
    known, times = list(levels), list(sessions)
    out = []
    for name, one in associations.items():
        if one.of != "responses" and not connected:
            out.append(f"associations.{name}.of: found {one.of}, but the study has no section connectivity; add it, or "
                       "use responses")
        if name.endswith(END):
            out.append(f"associations: no name may end in {END}, found '{name}'; rename it")
        if one.minus == one.column:
            out.append(f"associations.{name}.minus: the column '{one.column}' less itself is zero; name another column")
        if one.outcome == "baseline" and "baseline" in one.adjust_for:
            out.append(f"associations.{name}.adjust_for: the baseline cannot be adjusted for the baseline; remove it")
        needs = one.outcome == "change" or "baseline" in one.adjust_for
        if needs and len(times) < 2:
            out.append(f"associations.{name}: a change or a baseline needs two sessions, found {len(times)}; use "
                       "`outcome: last` without it")
        if one.groups != "all":
            lacking = [level for level in one.groups if level not in known]
            if lacking or not one.groups:
                out.append(f"associations.{name}.groups: found {', '.join(lacking) or 'none'}, expected some of "
                           f"groups.levels: {', '.join(known) or 'the study has no groups'}")
    return out
