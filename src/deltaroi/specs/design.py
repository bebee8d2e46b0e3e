"""The published design: what is stated about the people of a study, and what is not."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from deltaroi.specs.base import Spec


class DesignGroup(Spec):
    """The people of one group, as published; null means not stated."""

    n: Annotated[int, Field(ge=1, le=999)] | None = Field(None, description="Number of people.")
    male_percent: float | None = Field(None, ge=0, le=100, description="Share of men, in %.")
    age_mean: float | None = Field(None, gt=18, le=100, description="Mean age, in years.")
    age_sd: float | None = Field(None, gt=0, le=40, description="SD of age, in years.")
    training: str | None = Field(None, description="What the group did.")


class NotStated(Spec):
    """Something that the source does not say, or says in two ways."""

    what: str = Field(description="Key path of this file, or the quantity.")
    choice: str = Field(description="What the analysis or the simulation takes.")
    why: str = Field(description="Why this.")


class Design(Spec):
    """A published design; with it the dataset may be absent."""

    citation: str = Field(description="The publication.")
    year: int = Field(ge=1900, le=2100, description="Its year.")
    doi: str | None = Field(None, description="Its DOI; null: not stated.")
    groups: dict[str, DesignGroup] = Field(description="Group label -> its people.", min_length=1)
    not_stated: list[NotStated] = Field([], description="What the source leaves open, and what was chosen.")
    default_effect_d: float = Field(0.8, gt=0, le=5, description="Size, in SDs of the tested quantity, that is "
                                    "planted where a result is reported without one.")
    measurement_sd_percent: float = Field(0.1, ge=0, description="SD, in % signal change, of the error with which the "
                                          "simulation measures the response to one condition in one session: stated, "
                                          "to plant effects in SDs.")
    connectivity_sd: float | None = Field(None, gt=0, description="SD, as a slope of the target on the seed, of the "
                                          "error with which the simulation measures a connection (its change, where "
                                          "there are sessions): stated, to plant correlations with it.")
