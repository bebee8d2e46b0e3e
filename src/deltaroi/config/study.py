"""The model of a whole study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails

from deltaroi.specs import (
    Association,
    Claim,
    Condition,
    Connectivity,
    Design,
    Execution,
    FirstLevel,
    Groups,
    GroupStats,
    Measure,
    Multiverse,
    Name,
    Power,
    Regions,
    Scalar,
    Simulation,
    Spec,
    Specification,
    Summary,
    factorial_misfits,
    measure_misfits,
    misfits,
    phase_misfits,
    specifications,
)
from deltaroi.types import camel

NO_TASK = "none"
"""The task of a study that names no data."""


class Dataset(Spec):
    """Where the data are."""

    bids_dir: str | None = Field(None, description="Folder of the BIDS dataset, relative to the study file; required "
                                 "without the section design; with maps it is only asked for participants.tsv.")
    derivatives: str | None = Field(None, description="Folder of the fMRIPrep derivatives, relative to the study file.")
    maps: str | None = Field(None, description="Table of ready-made contrast maps (columns subject session contrast "
                             "path), relative to the study file; instead of derivatives. The contrasts are then sums "
                             "of the names in its column contrast.")
    task: str = Field(description="BIDS task label.", pattern=r"^[A-Za-z0-9]+$")
    space: str = Field("MNI152NLin2009cAsym", description="Template space of the images that are read.")
    resolution: str | None = Field(None, description="BIDS res- label, where the derivatives hold several.")
    sessions: list[str] = Field([], description="BIDS session labels in time order; [] for a study without sessions.")
    subjects: list[str] | None = Field(None, description="Only these subjects (labels without sub-).")
    exclude_where: dict[str, list[Scalar]] = Field(
        {}, description="Column of participants.tsv -> values whose participants are excluded, and listed.")
    allow_space_mismatch: bool = Field(False, description="Use masks of another template; shown in the report.")

    @model_validator(mode="after")
    def _one_source(self) -> Dataset:
        if self.derivatives is not None and self.maps is not None:
            raise ValueError("give derivatives or maps, not both")
        if len(set(self.sessions)) != len(self.sessions):
            raise ValueError(f"a session is listed twice in {self.sessions}")
        return self


class Study(Spec):
    """One study, one file.

    Frozen; ``execution`` never changes results, everything else does.
    """

    schema_version: Literal[1] = Field(description="Version of this format.")
    name: Name = Field(description="Name of the study.")
    description: str = Field("", description="What was asked, in a sentence; opens the report.")
    dataset: Dataset = Field(default_factory=lambda: Dataset(task=NO_TASK), description="Where the data are; required "
                             "without the section design.")
    conditions: dict[Name, Condition] = Field({}, description="Named sets of events; without them each trial_type is a "
                                              "condition.")
    groups: Groups | None = Field(None, description="The groups; null means one group.")
    regions: Regions = Field(default_factory=Regions, description="The ROIs.")
    first_level: FirstLevel = Field(default_factory=FirstLevel, description="The model of one run.")
    contrasts: dict[Name, str] = Field(description="Name -> linear expression of conditions.", min_length=1)
    summary: Summary = Field("auto", description="How the voxels of an ROI become one value.")
    group: GroupStats = Field(default_factory=GroupStats, description="The group model.")
    associations: dict[Name, Association] = Field({}, description="Scores of the subjects that responses are held "
                                                  "against, by name.")
    connectivity: dict[Name, Connectivity] = Field({}, description="Connectivity of ROIs with others, by name.")
    behaviour: dict[Name, Measure] = Field({}, description="Measures of the subjects that are analysed as the "
                                           "responses are, by name.")
    multiverse: Multiverse | None = Field(None, description="Alternatives to choices of the analysis; all combinations "
                                          "are computed beside the study's own.")
    design: Design | None = Field(None, description="The published design; with it the data may be absent.")
    claims: dict[str, Claim] = Field({}, description="Reported results, by their id in configs/evidence.tsv -> where "
                                     "the study's own answer to each stands.")
    power: Power | None = Field(None, description="What `deltaroi power` assumes.")
    simulation: Simulation | None = Field(None, description="A simulated dataset for this study.")
    execution: Execution = Field(default_factory=Execution, description="How the work is done.")

    @model_validator(mode="after")
    def _data_or_design(self) -> Study:
        if self.design is None and self.dataset.bids_dir is None and self.dataset.maps is None:
            place = ("dataset", "bids_dir") if "dataset" in self.model_fields_set else ("dataset",)
            raise ValidationError.from_exception_data(
                "Study", [InitErrorDetails(type="missing", loc=place, input=None)])
        return self

    @model_validator(mode="after")
    def _labels_differ(self) -> Study:
        for what, names in (("contrasts", self.contrasts), ("conditions", self.conditions),
                            ("regions.custom", self.regions.custom), ("associations", self.associations),
                            ("connectivity", self.connectivity), ("behaviour", self.behaviour)):
            seen: dict[str, str] = {}
            for name in names:
                label = camel(name)
                if label in seen:
                    raise ValueError(f"{what}: '{seen[label]}' and '{name}' have one file label '{label}'; rename one")
                seen[label] = name
        if self.groups is not None and len(set(self.groups.levels)) != len(self.groups.levels):
            raise ValueError("groups.levels: a level is listed twice")
        wrong = misfits(self.associations, self.groups.levels if self.groups else (), self.dataset.sessions,
                        bool(self.connectivity))
        wrong += measure_misfits(self.behaviour, self.dataset.sessions)
        wrong += phase_misfits(self.group.phases, self.group.primary_phase, self.dataset.sessions)
        wrong += factorial_misfits(self.group.factorials, self.contrasts)
        if wrong:
            raise ValueError(wrong[0])
        return self

    @model_validator(mode="after")
    def _specifications_can_be(self) -> Study:
        if self.multiverse is not None and self.dataset.maps is not None:
            raise ValueError("multiverse: it varies the first level, and a study of ready-made maps (dataset.maps) has "
                             "none")
        try:
            _ = self.specifications
        except ValueError as error:
            raise ValueError(f"multiverse.{error}") from error
        return self

    @property
    def specifications(self) -> tuple[Specification, ...]:
        """All specifications, ``main`` first; it alone without a multiverse."""
        named = self.regions.definition
        definition = named if isinstance(named, str) else named[0] if len(named) == 1 else ""
        return specifications(self.multiverse or Multiverse(), definition, self.first_level, self.summary)
