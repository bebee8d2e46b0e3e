"""The model of one run: conditions, confounds, first level."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deltaroi.specs.base import Scalar, Spec

HRF = Literal["spm", "spm + derivative", "spm + derivative + dispersion", "glover", "glover + derivative",
              "glover + derivative + dispersion", "fir"]


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
