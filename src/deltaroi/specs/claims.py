"""The results of a publication as questions to a study: where the study's own answer to each stands."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deltaroi.specs.base import Spec

ClaimTable = Literal["effects", "associations", "factorial", "behaviour_effects", "connectivity_effects",
                     "connectivity_associations"]


class Plant(Spec):
    """Where `deltaroi studies simulate` puts the reported effect."""

    condition: str | list[str] | None = Field(None, description="Condition(s) of the simulated events whose response "
                                              "carries it.")
    contrast: str | None = Field(None, description="Contrast in whose SDs the effect is; null: that of the claim.")
    score: str | None = Field(None, description="Score of simulation.scores that carries it instead of a response.")
    per_sd_of: str | None = Field(None, description="Score with which the response correlates: a correlation is "
                                  "planted.")
    coupling: str | None = Field(None, description="Connection (section connectivity) that carries it while the "
                                 "condition lasts, instead of a response.")
    group: str | None = Field(None, description="Group that shows it; null means everybody.")
    session: str | None = Field(None, description="Session in which it shows; null means every session.")

    @model_validator(mode="after")
    def _one_carrier(self) -> Plant:
        if (self.condition is None) == (self.score is None):
            raise ValueError("give either `condition:` (a response to it carries the effect) or `score:`")
        if self.score is not None and (self.per_sd_of is not None or self.coupling is not None):
            raise ValueError("per_sd_of and coupling belong to `condition:`, not to `score:`")
        return self

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that carry it."""
        if self.condition is None:
            return ()
        return (self.condition,) if isinstance(self.condition, str) else tuple(self.condition)


class Claim(Spec):
    """One reported result; its numbers stand in configs/evidence.tsv, under its id."""

    table: ClaimTable | None = Field(None, description="Table of the run in which the answer stands.")
    where: dict[str, str] = Field({}, description="Columns of that table and their values, which pick one row; "
                                  "se_kind: classical is added where the table has it.")
    plant: Plant | None = Field(None, description="Where a simulation puts the effect; null: it follows from others, "
                                "or there is none.")
    untestable: str | None = Field(None, description="Why no row can answer it.")

    @model_validator(mode="after")
    def _row_or_reason(self) -> Claim:
        if (self.table is None) == (self.untestable is None):
            raise ValueError("give either `table:` with `where:`, or `untestable:` with the reason")
        if (self.table is None) != (not self.where):
            raise ValueError("`table:` and `where:` go together")
        if self.table is None and self.plant is not None:
            raise ValueError("what is untestable is not planted; remove `plant:`")
        return self
