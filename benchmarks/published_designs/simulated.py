"""One draw of a published design without images: the simulator's truth, and the stated measurement noise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.group.blocks import Sample
from deltaroi.simulator.coupling import make_coupled
from deltaroi.simulator.people import draw_scores, group_sizes, make_people
from deltaroi.simulator.scheme import PlannedRun, Scheme
from deltaroi.simulator.truth import make_truth
from deltaroi.types import NA, RoiKey, RunKey

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Draw:
    """What was measured in one simulated study.

    Attributes
    ----------
    study : Study
        With the planted simulation.
    sample : Sample
        The people of the compared groups.
    sessions : tuple of str
    responses : mapping of (RoiKey, str) to ndarray, shape (subjects, sessions)
        By ROI and condition, in %.
    couplings : mapping of (str, str, str) to ndarray, shape (subjects, sessions)
        By seed, target and condition; slopes.
    scores : mapping of str to ndarray, shape (subjects,)
        NaN where a person has none.
    coupling_noise : ndarray, shape (subjects, sessions)
        Error with which a connection is measured.
    """

    study: Study
    sample: Sample
    sessions: tuple[str, ...]
    responses: Mapping[tuple[RoiKey, str], FloatArray]
    couplings: Mapping[tuple[str, str, str], FloatArray]
    scores: Mapping[str, FloatArray]
    coupling_noise: FloatArray

    def contrast(self, roi: RoiKey, name: str) -> FloatArray:
        """The contrast of an ROI, shape (subjects, sessions)."""
        return self.weighted(name, {condition: values for (key, condition), values in self.responses.items()
                                    if key == roi})

    def connection(self, name: str, contrast: str) -> FloatArray:
        """The contrast of a connection with one target, shape (subjects, sessions)."""
        one = self.study.connectivity[name]
        if one.targets is None or len(one.targets) != 1:
            raise ValueError(f"{name} has not one target")
        ends = (one.seed.region, one.targets[0].region)
        return self.coupling_noise + self.weighted(contrast, {
            condition: values for (seed, target, condition), values in self.couplings.items()
            if (seed, target) == ends})

    def weighted(self, contrast: str, by_condition: Mapping[str, FloatArray]) -> FloatArray:
        """The weighted sum of conditions; those that are not simulated are 0."""
        shape = (len(self.sample.subjects), len(self.sessions))
        found = np.zeros(shape)
        for condition, weight in parse_contrast(self.study.contrasts[contrast]).items():
            found += weight * by_condition.get(condition, np.zeros(shape))
        return found


def simulate(study: Study, draw: int) -> Draw:
    """One draw; its number is the seed.

    Notes
    -----
    The measured response to a condition in a session is the truth plus a normal error with ``measurement_sd_percent``;
    that of a connection has ``connectivity_sd``, for the change where there are sessions.
    """
    if study.simulation is None or study.design is None or study.groups is None:
        raise ValueError(f"{study.name} needs a simulation, a design and groups")
    simulation = study.simulation.model_copy(update={"seed": draw})
    people = [one for one in make_people(group_sizes(study, simulation)) if one.group in study.groups.levels]
    sessions = tuple(study.dataset.sessions) or (NA,)
    subjects = tuple(one.label for one in people)
    runs = tuple(PlannedRun(RunKey(one.label, session, study.dataset.task, NA), one.group, "", simulation.tr_s, 0, (),
                            one.flipped) for one in people for session in sessions)
    drawn = draw_scores(simulation, people)
    scheme = Scheme(runs, {}, tuple(study.groups.levels), (), scores=drawn)
    at = {place: k for k, place in enumerate((subject, session) for subject in subjects for session in sessions)}
    shape = (len(subjects), len(sessions))
    rng = np.random.default_rng([draw, 20_130_601])
    responses: dict[tuple[RoiKey, str], FloatArray] = {}
    truth = make_truth(simulation, scheme)
    for cells, part in truth.groupby(["region", "hemisphere", "definition", "condition"], sort=True):
        region, hemisphere, definition, condition = map(str, cells)
        values = np.empty(shape).ravel()
        values[[at[place] for place in zip(part["subject"], part["session"], strict=True)]] = part["percent"]
        noise = rng.normal(0, study.design.measurement_sd_percent, shape)
        responses[RoiKey(region, hemisphere, definition), condition] = values.reshape(shape) + noise
    couplings: dict[tuple[str, str, str], FloatArray] = {}
    for cells, part in make_coupled(simulation, scheme).groupby(["seed_region", "target_region", "condition"]):
        values = np.empty(shape).ravel()
        values[[at[place] for place in zip(part["subject"], part["session"], strict=True)]] = part["strength"]
        couplings[(str(cells[0]), str(cells[1]), str(cells[2]))] = values.reshape(shape)
    sd = (study.design.connectivity_sd or 0.0) / (2**0.5 if len(sessions) > 1 else 1.0)
    group = np.array([study.groups.levels.index(one.group) for one in people], dtype=np.int64)
    sample = Sample(subjects, tuple(study.groups.levels), group, np.empty((len(subjects), 0)), ())
    scores = {name: np.array([found.get(subject, np.nan) for subject in subjects]) for name, found in drawn.items()}
    return Draw(study, sample, sessions, responses, couplings, scores, rng.normal(0, sd, shape))
