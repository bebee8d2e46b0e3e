"""A simulated study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deltaroi.specs.base import Hemisphere, Name, Spec


class Planted(Spec):
    """One simulated signal; signals of one region and condition that meet in a group and session add up."""

    region: str = Field(description="Region name.")
    condition: str = Field(description="Condition of the simulated events.")
    percent: float = Field(description="Peak height of one event's response, in % of the voxel's mean.")
    per_sd_of: str | None = Field(None, description="A score of simulation.scores: percent is then per SD of it, and "
                                  "who has no such score shows nothing.")
    hemispheres: list[Hemisphere] = Field(["L", "R"], min_length=1, description="Where.")
    definition: str = Field("hcpex", description="Whose shape carries the signal.")
    group: str | None = Field(None, description="Group label; null means everybody.")
    session: str | None = Field(None, description="Session label; null means every session.")


class Score(Spec):
    """A simulated score: a column of participants.tsv with a normal number per person."""

    mean: float | dict[str, float] = Field(description="Mean; or group: mean.")
    sd: float = Field(gt=0, description="SD within a group.")
    groups: list[str] | None = Field(None, min_length=1, description="Only people of these groups have it; null: "
                                     "everybody.")
    follows: str | None = Field(None, description="An earlier score that it correlates with.")
    correlation: float | None = Field(None, gt=-1, lt=1, description="The correlation within groups.")

    @model_validator(mode="after")
    def _fits(self) -> Score:
        if (self.follows is None) != (self.correlation is None):
            raise ValueError("`follows:` and `correlation:` go together")
        if isinstance(self.mean, dict) and self.groups is not None and set(self.mean) != set(self.groups):
            raise ValueError(f"mean has the groups {', '.join(self.mean)}, expected {', '.join(self.groups)}")
        return self


class Coupled(Spec):
    """A simulated psychophysiological interaction; those of one pair that meet in a group and session add up."""

    seed: str = Field(description="Region whose own fluctuation reaches the target.")
    target: str = Field(description="Region that it reaches, on the same side.")
    hemispheres: list[Hemisphere] = Field(["L", "R"], min_length=1, description="Where.")
    definition: str = Field("hcpex", description="Whose shapes carry both.")
    condition: str = Field(description="Condition of the simulated events during which the coupling differs.")
    strength: float = Field(description="By how much the slope of the target on the seed, before the haemodynamic "
                            "response, is larger while the condition lasts.")
    per_sd_of: str | None = Field(None, description="A score of simulation.scores: strength is then per SD of it.")
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
    subjects: dict[str, Annotated[int, Field(ge=1, le=999)]] | None = Field(
        None, min_length=1, description="Group label -> number of subjects; null: those of the section design, else "
        "10 in training and 10 in control; ignored over a skeleton.")
    scores: dict[Name, Score] = Field({}, description="Columns of participants.tsv with scores of the people; not over "
                                      "a skeleton.")
    resolution_mm: float = Field(3.0, ge=1, le=20, description="Voxel edge, in mm.")
    tr_s: float = Field(2.0, gt=0, description="Repetition time, in s; over a skeleton the sidecars win.")
    volumes: int | None = Field(None, ge=20, description="Volumes per run; null: to 15 s after the last event.")
    runs: int = Field(1, ge=1, le=99, description="Runs per session; over a skeleton its own.")
    events: SimulatedEvents = Field(default_factory=SimulatedEvents, description="The task; over a skeleton its own.")
    planted: list[Planted] = Field([], description="The signals.")
    coupled: list[Coupled] = Field([], description="The interactions.")
    seed_fluctuation_percent: float = Field(1.0, gt=0, description="SD of the slow activity that each seed of coupled "
                                            "has of its own, as its response shows it, in % of the voxel's mean.")
    baseline_coupling: float = Field(0.3, description="Slope of every coupled target on its seed outside the "
                                     "conditions.")
    partial_volume: bool = Field(True, description="true: a border voxel carries the share of the response that the "
                                 "region fills; false: every voxel the region touches carries the whole response.")
    noise: Noise = Field(default_factory=Noise, description="Everything else.")
    dtype: Literal["float32", "int16"] = Field("float32", description="Voxel type of the images.")

    @model_validator(mode="after")
    def _scores_follow_earlier_ones(self) -> Simulation:
        known: list[str] = []
        for name, score in self.scores.items():
            if score.follows is not None and score.follows not in known:
                raise ValueError(f"scores.{name}.follows: found '{score.follows}', expected a score listed before it: "
                                 f"{', '.join(known) or 'none is'}")
            known.append(name)
        named = [*((f"planted.{i}", one.per_sd_of) for i, one in enumerate(self.planted)),
                 *((f"coupled.{i}", one.per_sd_of) for i, one in enumerate(self.coupled))]
        for where, asked in named:
            if asked is not None and asked not in known:
                raise ValueError(f"{where}.per_sd_of: found '{asked}', expected one of simulation.scores: "
                                 f"{', '.join(known) or 'none'}")
        return self

    @property
    def carrying(self) -> tuple[str, ...]:
        """The conditions whose events the planted signals and interactions need, each once."""
        return tuple(dict.fromkeys([*(entry.condition for entry in self.planted),
                                    *(entry.condition for entry in self.coupled)]))
