"""The groups, the group model, and how the work is done."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

from pydantic import Field, model_validator

from deltaroi.specs.base import Name, Spec
from deltaroi.specs.factorial import Factorial


class Groups(Spec):
    """Who is compared with whom."""

    column: str = Field(description="Column of participants.tsv.")
    levels: list[str] = Field(min_length=1, description="Group labels, intervention first, reference last; "
                              "participants with another label are excluded and listed.")
    assignment: Literal["randomised", "preexisting"] = Field(
        description="How people came into their group; decides the primary estimator.")
    covariates: list[str] = Field([], description="Columns of participants.tsv that enter the group model.")
    strata: str | None = Field(None, description="Column of participants.tsv, e.g. site: subjects change places within "
                               "a stratum only, and strata enter the group model as a covariate of categories.")

    @property
    def entering(self) -> list[str]:
        """Columns of participants.tsv that enter the group model: covariates, and the strata if there are any."""
        return [*self.covariates, *([] if self.strata is None else [self.strata])]


class GroupStats(Spec):
    """The group model."""

    primary: Literal["auto", "ancova", "change", "lmm", "paired", "two_sample"] = Field(
        "auto", description="Primary estimator; auto follows the design.")
    variance: Literal["robust", "hc3", "classical"] = Field(
        "robust", description="Which errors lead: robust (HC2 with the degrees of freedom that the groups' variances "
        "afford; without a baseline or covariates that is Welch's test), hc3 (HC3 with n - p; Welch) or classical.")
    permutations: int = Field(10000, ge=0, description="Arrangements of the max-T test; 0 leaves it out.")
    arrangements: Literal["auto", "permutations", "sign_flips"] = Field(
        "auto", description="How subjects are rearranged in comparisons of groups: permutations (of labels, or of "
        "residuals), which take variances to be equal, or sign flips of residuals, which take errors to be symmetric; "
        "auto: sign flips where robust errors lead. Within one group signs are flipped.")
    seed: int = Field(20260101, ge=0, description="Seed of every random draw of the group stage.")
    equivalence_bounds_d: float = Field(0.3, gt=0, description="Equivalence bound in pooled baseline SDs.")
    random: Literal["intercept", "slope", "slope_or_intercept"] = Field(
        "intercept", description="Random effects of mixed models: an intercept per subject, also a slope over "
        "sessions, or a slope where it can be fitted and else an intercept, which is said.")
    times: list[float] | None = Field(None, min_length=2, description="Times of the sessions for linear trends and "
                                      "random slopes, e.g. weeks; null: 0, 1, 2 and so on.")
    phases: dict[Name, list[str]] = Field({}, description="Stretches between two sessions, by name, e.g. empathy: "
                                          "[pre, mid]: change over each phase, and between adjacent ones the switch.")
    primary_phase: str | None = Field(None, description="The phase whose change is the primary effect; null: as the "
                                      "sessions decide.")
    factorials: dict[Name, Factorial] = Field({}, description="Contrasts as the cells of crossed factors, by name: a "
                                              "mixed analysis of variance beside the effects.")
    small_volume: bool = Field(False, description="Also ask the question of every voxel of each ROI, corrected over "
                               "the ROI's voxels: a second set of tests, for where in an ROI an effect lies.")
    multilevel: bool = Field(False, description="Also a Bayesian multilevel model over the ROIs of each contrast "
                             "(partial pooling); needs the extra: pip install 'deltaroi[multilevel]'.")

    def flips(self, model: str, kind: str) -> bool:
        """Whether signs are flipped to test a difference between groups of this model with errors of this kind."""
        robust = kind in ("welch", "hc2_welch", "cr2_welch")
        robust |= model == "factorial" and self.variance != "classical"  # terms that have no robust form
        if self.arrangements == "permutations" or (model == "lmm" and not robust):
            return False
        return self.arrangements == "sign_flips" or robust

    @model_validator(mode="after")
    def _times_rise(self) -> GroupStats:
        if self.times is not None and any(b <= a for a, b in pairwise(self.times)):
            raise ValueError(f"times must rise from session to session, found {self.times}")
        return self

    @model_validator(mode="after")
    def _phases_have_two_ends(self) -> GroupStats:
        for name, span in self.phases.items():
            if len(span) != 2:
                raise ValueError(f"phases.{name}: found {len(span)} session(s), expected two: [first, last]")
        return self

    @model_validator(mode="after")
    def _voxels_need_arrangements(self) -> GroupStats:
        if self.small_volume and not self.permutations:
            raise ValueError("small_volume corrects by permutation, and permutations is 0")
        return self


Summary = Literal["auto", "mean", "median", "weighted_mean", "partial_volume", "eigenvariate", "mean_timeseries"]
