"""The groups, the group model, and how the work is done."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from deltaroi.specs.base import Spec


class Groups(Spec):
    """Who is compared with whom."""

    column: str = Field(description="Column of participants.tsv.")
    levels: list[str] = Field(min_length=1, description="Group labels, intervention first, reference last; "
                              "participants with another label are excluded and listed.")
    assignment: Literal["randomised", "preexisting"] = Field(
        description="How people came into their group; decides the primary estimator.")
    covariates: list[str] = Field([], description="Columns of participants.tsv that enter the group model.")


class GroupStats(Spec):
    """The group model."""

    primary: Literal["auto", "ancova", "change", "lmm", "paired", "two_sample"] = Field(
        "auto", description="Primary estimator; auto follows the design.")
    variance: Literal["robust", "classical"] = Field("robust", description="HC3 / Welch, or classical errors.")
    permutations: int = Field(10000, ge=0, description="Permutations of the max-T test; 0 leaves it out.")
    seed: int = Field(20260101, ge=0, description="Seed of every random draw of the group stage.")
    equivalence_bounds_d: float = Field(0.3, gt=0, description="Equivalence bound in pooled baseline SDs.")


class Execution(Spec):
    """How the work is done; never changes a result."""

    jobs: int = Field(1, ge=1, description="Worker processes.")
    backend: Literal["local"] = Field("local", description="Where the work is done.")
    on_error: Literal["continue", "stop"] = Field("continue", description="What one failing subject means.")


Summary = Literal["auto", "mean", "median", "weighted_mean", "partial_volume", "eigenvariate", "mean_timeseries"]
