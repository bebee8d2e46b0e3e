"""The ROIs: which, and how those of the study file are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deltaroi.specs.base import Hemisphere, Name, Point, Spec

Threshold = Annotated[float, Field(gt=0, le=1)] | Literal["weighted"]
Rule = Literal["majority", "fill_weight"]
LARGEST_RADIUS_MM = 100
_RULE = Field(None, description="How it is resampled; null: fill_weight below 500 mm3 or with weights, else majority.")


class MaskRoi(Spec):
    """A custom ROI from a mask or probability image; a hemisphere it does not have is refused."""

    mask: str = Field(description="Path of the image, relative to the study file.")
    space: str = Field(description="Template space of the image.")
    hemisphere: Hemisphere = Field("B", description="Which hemisphere the mask is.")
    volume: int | None = Field(None, ge=0, description="Which volume of a four-dimensional image, counted from 0.")
    percent: bool = Field(False, description="Whether its values are percentages (0 to 100) instead of 0 to 1.")
    threshold: float | None = Field(None, gt=0, le=1, description="Values (0 to 1) at or above it become the ROI; "
                                    "null: values between 0 and 1 are weights.")
    rule: Rule | None = _RULE


class LabelsRoi(Spec):
    """A custom region from a label image: by ids, or by names in its table."""

    labels: str = Field(description="Path of the label image, relative to the study file.")
    ids: dict[Hemisphere, list[int]] = Field({}, description="Label ids per hemisphere.")
    table: str | None = Field(None, description="Path of its table (columns index, name), as in BIDS *_dseg.tsv.")
    names: dict[Hemisphere, list[str]] = Field({}, description="Names in that table per hemisphere, instead of ids.")
    space: str = Field(description="Template space of the image.")
    rule: Rule | None = _RULE

    @model_validator(mode="after")
    def _ids_or_names(self) -> LabelsRoi:
        if bool(self.ids) == bool(self.names):
            raise ValueError("give either `ids:` (label ids per hemisphere) or `names:` with their `table:`")
        if bool(self.names) != (self.table is not None):
            raise ValueError("`names:` and `table:` go together: names are looked up in the label image's table")
        return self

    @property
    def sides(self) -> tuple[Hemisphere, ...]:
        """The hemispheres that are given."""
        return tuple(self.ids or self.names)


class SphereRoi(Spec):
    """A custom region from spheres at given centres."""

    sphere: dict[Hemisphere, Point] = Field(description="Centre in mm per hemisphere.", min_length=1)
    radius_mm: float = Field(6.0, gt=0, le=LARGEST_RADIUS_MM, description="Radius in mm.")
    space: str = Field("MNI152", description="Space of the coordinates; MNI152 means a generic MNI coordinate; "
                       "Talairach coordinates are converted.")
    rule: Rule | None = _RULE


class Combine(Spec):
    """A set operation on ROIs."""

    op: Literal["union", "intersect", "minus", "within", "cut"] = Field(
        description="union; intersect; minus: the first without the others; within: the first where the others are; "
        "cut: the part of one ROI between two planes.")
    of: list[str] = Field(min_length=1, description="ROIs as region.definition, or keys of custom; a hemisphere may "
                          "follow (amygdala.hcpex.L), else it is that of the ROI.")
    axis: Literal["x", "y", "z"] | None = Field(None, description="World axis of a cut.")
    from_mm: float | None = Field(None, description="A cut keeps what lies at or above this coordinate, in mm.")
    to_mm: float | None = Field(None, description="A cut keeps what lies at or below this coordinate, in mm.")

    @model_validator(mode="after")
    def _arguments_fit(self) -> Combine:
        planes = (self.axis, self.from_mm, self.to_mm)
        if self.op == "cut":
            if len(self.of) != 1:
                raise ValueError(f"cut takes one ROI, found {len(self.of)}")
            if self.axis is None or (self.from_mm is None and self.to_mm is None):
                raise ValueError("cut needs `axis: x, y or z` and `from_mm` or `to_mm`")
            if self.from_mm is not None and self.to_mm is not None and self.from_mm >= self.to_mm:
                raise ValueError(f"from_mm ({self.from_mm:g}) must lie below to_mm ({self.to_mm:g})")
        elif any(part is not None for part in planes):
            raise ValueError("axis, from_mm and to_mm belong to `op: cut`")
        elif len(self.of) < 2:
            raise ValueError(f"{self.op} takes at least two ROIs, found {len(self.of)}")
        return self


class CombineRoi(Spec):
    """A custom region made of others."""

    combine: Combine = Field(description="The set operation.")
    rule: Rule | None = _RULE


class Functional(Spec):
    """Voxels chosen inside an ROI by a localiser contrast, from other data than those that are tested."""

    within: str = Field(description="The ROI to choose in: region.definition, or a key of custom.")
    contrast: str = Field(description="Name of the localiser contrast; for select_from: task an expression of the "
                          "localiser's conditions.")
    strongest: int | None = Field(None, ge=1, description="Choose this many voxels, those with the largest t.")
    above_t: float | None = Field(None, description="Choose the voxels whose t is above this value.")
    select_from: Literal["other_runs", "other_sessions", "other_subjects", "runs", "task", "same_data"] = Field(
        description="Data that choose: other_runs, other_sessions, other_subjects (each left out in turn), runs "
        "(named, and then not tested), task (a localiser task), same_data (circular).")
    runs: list[str] = Field([], description="BIDS run labels that choose, for select_from: runs.")
    task: str | None = Field(None, pattern=r"^[A-Za-z0-9]+$", description="BIDS label of the localiser task, for "
                             "select_from: task.")
    allow_circular: bool = Field(False, description="Choose and test on the same data; every number it touches is "
                                 "marked circular.")

    @model_validator(mode="after")
    def _is_possible(self) -> Functional:
        if (self.strongest is None) == (self.above_t is None):
            raise ValueError("give either `strongest: <number of voxels>` or `above_t: <t value>`")
        if (self.select_from == "runs") != bool(self.runs):
            raise ValueError("`runs:` belongs to `select_from: runs`, which needs it")
        if (self.select_from == "task") != (self.task is not None):
            raise ValueError("`task:` belongs to `select_from: task`, which needs it")
        if self.select_from == "same_data" and not self.allow_circular:
            raise ValueError("choosing voxels and testing them on the same data is circular: the estimate is biased "
                             "and its p value means nothing; use other_runs, other_sessions, other_subjects, runs or "
                             "task, or set `allow_circular: true`, which marks every number it touches")
        if self.allow_circular and self.select_from != "same_data":
            raise ValueError("allow_circular belongs to `select_from: same_data`")
        return self


class FunctionalRoi(Spec):
    """A custom region of voxels that a localiser contrast chooses."""

    functional: Functional = Field(description="Where, by what and from which data they are chosen.")


CustomRoi = MaskRoi | LabelsRoi | SphereRoi | CombineRoi | FunctionalRoi


class RegionChoice(Spec):
    """One region with a definition of its own."""

    region: str = Field(description="Region name.")
    definition: str | list[str] | None = Field(None, description="Definition(s) instead of the study's.")
    hemispheres: list[Hemisphere] | None = Field(None, description="Hemispheres instead of the study's.", min_length=1)
    threshold: Threshold | None = Field(None, description="Above 0 up to 1, or weighted; for probabilistic "
                                        "definitions, instead of the study's.")


class Regions(Spec):
    """Which ROIs are measured, and how they were drawn."""

    include: list[str | RegionChoice] = Field(
        ["amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"], min_length=1,
        description="Region names, keys of custom, or {region, definition, hemispheres, threshold}.")
    hemispheres: list[Hemisphere] = Field(["L", "R"], min_length=1, description="L, R, or B (both as one ROI).")
    definition: str | list[str] = Field("hcpex", description="Definition(s) of the listed regions.")
    threshold: Threshold | None = Field(None, description="For probabilistic definitions: the probability (0 to 1) at "
                                        "or above which a voxel belongs to the ROI, or weighted (the probability is "
                                        "its weight); null: the definition's own.")
    custom: dict[Name, CustomRoi] = Field({}, description="ROIs of your own, by name.")
    minimum_coverage: float = Field(0.5, ge=0, le=1, description="Least share of an ROI inside the brain mask.")
    family: Literal["contrast", "all_contrasts"] = Field(
        "contrast", description="Which tests are corrected together: the ROIs of one contrast, or of all contrasts.")
