"""What a power analysis assumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from deltaroi.specs.base import Spec

Criterion = Literal["uncorrected", "holm", "max_t"]
Spread = float | dict[str, float | dict[str, float]]


class Power(Spec):
    """Assumptions of `deltaroi power`; sessions, groups, model, errors and ROIs are those of the study."""

    n: list[int | list[int]] = Field(
        [], description="Subjects with complete data. Each entry is one number for every group, or a list with one "
        "per group in the order of groups.levels; power is given for each entry.")
    effects: list[float] = Field(
        [], description="Effects to be found, 0 or larger: how much more the first group changes than the others (one "
        "group: its change; no sessions: the difference between groups, or the mean).")
    effects_in: Literal["d", "raw"] = Field("d", description="d: effects are in SDs of the first session, pooled over "
                                            "groups; raw: in the unit of sd.")
    sd: Spread | None = Field(
        None, description="SD of the values of one session within a group: one number, session: number, group: number, "
        "or group: {session: number}; null: estimated from --pilot.")
    correlation: float | None = Field(None, gt=-1, lt=1, description="Correlation of a subject's values in two "
                                      "sessions, within groups; null: estimated from --pilot.")
    roi_correlation: float | None = Field(None, ge=0, lt=1, description="Correlation of two ROIs of a subject, within "
                                          "groups and sessions; null: estimated from --pilot.")
    rois: int | None = Field(None, ge=1, le=10000, description="ROIs that are corrected together; null: as many as the "
                             "study measures.")
    affected: int = Field(1, ge=1, description="In how many of them the effect is; power is to find one of these.")
    alpha: float = Field(0.05, gt=0, lt=1, description="Two-sided level.")
    criteria: list[Criterion] = Field(
        ["uncorrected", "holm"], min_length=1, description="Which p must not exceed alpha: uncorrected, holm over the "
        "ROIs, or max_t (slow: every simulated study is permuted).")
    draws: int | None = Field(None, ge=100, description="Simulated studies per n and effect; null: 1000, or 200 where "
                              "a mixed model is the primary one, which is slow.")
    permutations: int = Field(499, ge=19, description="Arrangements of the criterion max_t.")
    seed: int = Field(1, ge=0, description="Seed of the simulated studies.")

    @field_validator("n")
    @classmethod
    def _counts(cls, n: list[int | list[int]]) -> list[int | list[int]]:
        for entry in n:
            if any(not 2 <= one <= 5000 for one in ([entry] if isinstance(entry, int) else entry)) or entry == []:
                raise ValueError(f"found {entry}, expected 2 to 5000 subjects in each group")
        _once(n)
        return n

    @field_validator("effects")
    @classmethod
    def _sizes(cls, effects: list[float]) -> list[float]:
        for one in effects:
            if one < 0:
                raise ValueError(f"found {one:g}, expected 0 or more: the power of an effect does not depend on its "
                                 "direction")
        _once(effects)
        return effects

    @field_validator("criteria")
    @classmethod
    def _criteria_once(cls, criteria: list[Criterion]) -> list[Criterion]:
        _once(criteria)
        return criteria

    @field_validator("sd")
    @classmethod
    def _positive(cls, sd: Spread | None) -> Spread | None:
        parts = list(sd.values()) if isinstance(sd, dict) else [] if sd is None else [sd]
        flat = [x for part in parts for x in (part.values() if isinstance(part, dict) else [part])]
        if any(not x > 0 for x in flat) or (isinstance(sd, dict) and not flat):
            raise ValueError(f"found {sd}, expected SDs above 0")
        return sd

    @model_validator(mode="after")
    def _some_are_affected(self) -> Power:
        if self.rois is not None and self.affected > self.rois:
            raise ValueError(f"affected: found {self.affected}, expected at most {self.rois}, the number of rois")
        return self


def _once(entries: Sequence[object]) -> None:
    twice = [one for i, one in enumerate(entries) if one in entries[:i]]
    if twice:
        raise ValueError(f"found {twice[0]} twice, expected each entry once")
