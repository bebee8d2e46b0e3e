"""Connectivity between ROIs: what is asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from deltaroi.specs.base import Hemisphere, Spec

LEAST_TRIALS = 5


class RoiChoice(Spec):
    """One ROI of the study."""

    region: str = Field(description="Region name.")
    hemisphere: Hemisphere = Field(description="L, R or B.")
    definition: str | None = Field(None, description="How it was drawn; null: the one way in which the study measures "
                                   "it.")

    @property
    def label(self) -> str:
        """What people call it."""
        return f"{self.region}-{self.hemisphere}" + (f" ({self.definition})" if self.definition else "")


class Connectivity(Spec):
    """Connectivity of one ROI, the seed, with others, the targets."""

    method: Literal["gppi", "beta_series"] = Field(
        description="gppi: generalised psychophysiological interaction, a slope of the target on the seed per "
        "condition; beta_series: correlation of the single trials' responses, Fisher's z per condition.")
    seed: RoiChoice = Field(description="The seed.")
    targets: list[RoiChoice] | None = Field(None, min_length=1, description="The targets; null: every other ROI of the "
                                            "study.")
    contrasts: list[str] | None = Field(None, min_length=1, description="Contrasts of the study; null: all.")
    deconvolve: bool = Field(True, description="For gppi: true multiplies the conditions with the seed's deconvolved "
                             "activity and convolves the product (SPM's form); false multiplies the measured series "
                             "with the convolved conditions (FSL's form).")
    minimum_trials: int = Field(10, ge=LEAST_TRIALS, description="For beta_series: least trials of a condition in a "
                                "session, all runs together.")

    @field_validator("targets", "contrasts")
    @classmethod
    def _once(cls, listed: list[object] | None) -> list[object] | None:
        for i, one in enumerate(listed or []):
            if one in (listed or [])[:i]:
                raise ValueError(f"found {getattr(one, 'label', one)} twice, expected each entry once")
        return listed
