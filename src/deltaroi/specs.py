"""The frozen options that stages take; each is one section of the study file.

A result carries the spec that made it. Every field is described; the JSON Schema is generated from these models.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Scalar = str | bool | int | float
Point = tuple[float, float, float]
Hemisphere = Literal["L", "R", "B"]
HRF = Literal["spm", "spm + derivative", "spm + derivative + dispersion", "glover", "glover + derivative",
              "glover + derivative + dispersion", "fir"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]


class Spec(BaseModel):
    """Base of all sections: closed, frozen, strict about types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Condition(Spec):
    """A named set of events."""

    where: dict[str, Scalar | list[Scalar]] = Field(
        description="Column of the events table -> the value, or list of values, its rows must have.", min_length=1)
    duration: float | None = Field(None, ge=0, description="Duration in s that replaces the duration column.")
    modulator: str | None = Field(
        None, description="Column whose values, centred within the run, weight the events; the unweighted events enter "
        "the model beside it.")


class Confounds(Spec):
    """Which fMRIPrep confounds enter the model; every value explicit."""

    motion: Literal[0, 6, 12, 24] = Field(
        24, description="Head-motion columns: 0, 6 parameters, 12 with derivatives, 24 with squares.")
    acompcor: int = Field(0, ge=0, description="Number of anatomical CompCor components; brings fMRIPrep's cosines.")
    global_signal: bool = Field(False, description="Whether the global signal enters.")
    scrub_fd_mm: float | None = Field(0.5, gt=0, description="Framewise displacement in mm above which a volume is "
                                      "censored; null switches it off.")
    scrub_dvars: float | None = Field(None, gt=0, description="Standardised DVARS above which a volume is censored; "
                                      "null switches it off.")
    non_steady_state: bool = Field(True, description="Whether fMRIPrep's non-steady-state volumes are censored.")


class FirstLevel(Spec):
    """The model of one run."""

    hrf: HRF = Field("spm", description="Haemodynamic response function, by nilearn's names.")
    fir_delays: list[int] = Field([0, 1, 2, 3, 4, 5, 6, 7], description="Delays in volumes, for hrf: fir; a condition "
                                  "in a contrast then stands for the mean over its delays.")
    oversampling: int = Field(50, ge=1, description="Oversampling of the regressors.")
    slice_time_ref: Literal["auto"] | Annotated[float, Field(ge=0, le=1)] = Field(
        "auto", description="Reference slice time as a fraction of the TR; auto reads fMRIPrep's StartTime / TR.")
    drift: Literal["cosine", "polynomial", "none"] = Field("cosine", description="Drift model.")
    drift_order: int = Field(1, ge=0, description="Order of the polynomial drift.")
    high_pass_hz: float = Field(0.0078125, gt=0, description="High-pass cut-off of the cosine drift, in Hz.")
    noise: Literal["ar1", "ols"] = Field("ar1", description="Noise model.")
    smoothing_fwhm_mm: float = Field(0.0, ge=0, description="Full width at half maximum of the Gaussian kernel, in mm.")
    confounds: Confounds = Field(default_factory=Confounds, description="Confound regressors and censoring.")
    scaling: Literal["percent", "percent_per_unit", "none"] = Field(
        "percent", description="percent: peak height of the response over the voxel's mean; percent_per_unit: "
        "nilearn's signal_scaling=0; none: raw units.")

    @model_validator(mode="after")
    def _percent_needs_a_peak(self) -> FirstLevel:
        if self.hrf == "fir" and self.scaling == "percent":
            raise ValueError("scaling 'percent' has no meaning with hrf 'fir' (no peak height); "
                             "use percent_per_unit or none")
        return self


class MaskRoi(Spec):
    """A custom ROI from a mask image; a hemisphere it does not have is refused."""

    mask: str = Field(description="Path of the mask image, relative to the study file.")
    space: str = Field(description="Template space of the image.")
    hemisphere: Hemisphere = Field("B", description="Which hemisphere the mask is.")


class LabelsRoi(Spec):
    """A custom region from a label image."""

    labels: str = Field(description="Path of the label image, relative to the study file.")
    ids: dict[Hemisphere, list[int]] = Field(description="Label ids per hemisphere.", min_length=1)
    space: str = Field(description="Template space of the image.")


class SphereRoi(Spec):
    """A custom region from spheres at given centres."""

    sphere: dict[Hemisphere, Point] = Field(description="Centre in mm per hemisphere.", min_length=1)
    radius_mm: float = Field(6.0, gt=0, description="Radius in mm.")
    space: str = Field("MNI152", description="Space of the coordinates; MNI152 means a generic MNI coordinate.")


CustomRoi = MaskRoi | LabelsRoi | SphereRoi


class RegionChoice(Spec):
    """One region with a definition of its own."""

    region: str = Field(description="Region name.")
    definition: str | list[str] | None = Field(None, description="Definition(s) instead of the study's.")
    hemispheres: list[Hemisphere] | None = Field(None, description="Hemispheres instead of the study's.", min_length=1)


class Regions(Spec):
    """Which ROIs are measured, and how they were drawn."""

    include: list[str | RegionChoice] = Field(
        ["amygdala", "AI", "pACC", "mOFC", "dmPFC", "dlPFC", "VTA"], min_length=1,
        description="Region names, keys of custom, or {region, definition, hemispheres}.")
    hemispheres: list[Hemisphere] = Field(["L", "R"], min_length=1, description="L, R, or B (both as one ROI).")
    definition: str | list[str] = Field("hcpex", description="Definition(s) of the listed regions.")
    custom: dict[Name, CustomRoi] = Field({}, description="ROIs of your own, by name.")
    minimum_coverage: float = Field(0.5, ge=0, le=1, description="Least share of an ROI inside the brain mask.")
    family: Literal["contrast", "all_contrasts"] = Field(
        "contrast", description="Which tests are corrected together: the ROIs of one contrast, or of all contrasts.")


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


Summary = Literal["auto", "mean", "median", "weighted_mean", "eigenvariate", "mean_timeseries"]


class Planted(Spec):
    """One simulated signal; signals of one region and condition that meet in a group and session add up."""

    region: str = Field(description="Region name.")
    condition: str = Field(description="Condition of the simulated events.")
    percent: float = Field(description="Peak height of one event's response, in % of the voxel's mean.")
    hemispheres: list[Hemisphere] = Field(["L", "R"], min_length=1, description="Where.")
    definition: str = Field("hcpex", description="Whose shape carries the signal.")
    group: str | None = Field(None, description="Group label; null means everybody.")
    session: str | None = Field(None, description="Session label; null means every session.")


class SimulatedEvents(Spec):
    """The simulated task."""

    conditions: list[str] = Field(["negative", "neutral"], min_length=1, description="Trial types.")
    trials: int = Field(12, ge=1, description="Trials per condition and run.")
    duration_s: float = Field(4.0, ge=0, description="Duration of a trial, in s.")
    gap_s: tuple[float, float] = Field((4.0, 8.0), description="Shortest and longest pause between trials, in s.")

    @model_validator(mode="after")
    def _gap_is_a_range(self) -> SimulatedEvents:
        if not 0 <= self.gap_s[0] <= self.gap_s[1]:
            raise ValueError(f"gap_s must be [shortest, longest] with 0 <= shortest <= longest, found {self.gap_s}")
        if len(set(self.conditions)) != len(self.conditions):
            raise ValueError(f"a condition is listed twice in {self.conditions}")
        return self


class Noise(Spec):
    """What else is in the simulated signal; all SDs in % of the voxel's mean before dropout."""

    white_percent: float = Field(0.8, ge=0, description="SD of the innovations of the AR(1) noise.")
    ar1: float = Field(0.35, ge=0, lt=1, description="AR(1) coefficient.")
    spatial_fwhm_mm: float = Field(5.0, ge=0, description="Smoothness of the noise, in mm; up to one voxel it is "
                                   "independent between voxels.")
    drift_percent: float = Field(0.6, ge=0, description="SD of the slow drift.")
    motion_mm: float = Field(0.03, ge=0, description="SD of the steps of the head's random walk, in mm (rotations: at "
                             "50 mm).")
    motion_spikes: int = Field(1, ge=0, description="Sudden movements per run.")
    dropout: float = Field(0.3, ge=0, le=1, description="Share of signal lost at the orbitofrontal and anterior "
                           "temporal base.")
    non_steady_volumes: int = Field(2, ge=0, le=10, description="First volumes that are brighter, and flagged so.")
    subject_sd_percent: float = Field(0.15, ge=0, description="SD between subjects of a response.")
    session_sd_percent: float = Field(0.1, ge=0, description="SD between sessions of one subject's response.")


class Simulation(Spec):
    """A simulated study."""

    seed: int = Field(1, ge=0, description="Seed of every random draw of the simulation.")
    subjects: dict[str, Annotated[int, Field(ge=1, le=999)]] = Field(
        {"training": 10, "control": 10}, min_length=1,
        description="Group label -> number of subjects; ignored over a skeleton.")
    resolution_mm: float = Field(3.0, ge=1, le=20, description="Voxel edge, in mm.")
    tr_s: float = Field(2.0, gt=0, description="Repetition time, in s; over a skeleton the sidecars win.")
    volumes: int | None = Field(None, ge=20, description="Volumes per run; null: to 15 s after the last event.")
    runs: int = Field(1, ge=1, le=99, description="Runs per session; over a skeleton its own.")
    events: SimulatedEvents = Field(default_factory=SimulatedEvents, description="The task; over a skeleton its own.")
    planted: list[Planted] = Field([], description="The signals.")
    partial_volume: bool = Field(True, description="true: a border voxel carries the share of the response that the "
                                 "region fills; false: every voxel the region touches carries the whole response.")
    noise: Noise = Field(default_factory=Noise, description="Everything else.")
    dtype: Literal["float32", "int16"] = Field("float32", description="Voxel type of the images.")
