"""What is planted: percent per subject, session, region and condition, random effects included."""

from __future__ import annotations

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.simulator.coupling import coupled_rois
from deltaroi.simulator.draws import generator
from deltaroi.simulator.people import share
from deltaroi.simulator.scheme import Scheme
from deltaroi.specs import Planted, Simulation
from deltaroi.tables import TRUTH, conform
from deltaroi.types import RoiKey


def planted_rois(simulation: Simulation) -> tuple[RoiKey, ...]:
    """The ROIs that carry a signal, sorted."""
    return tuple(sorted({RoiKey(entry.region, side, entry.definition)
                         for entry in simulation.planted for side in entry.hemispheres} | coupled_rois(simulation)))


def check_planted(study: Study, simulation: Simulation, scheme: Scheme) -> None:
    """Refuse signals that no event, group or session could carry.

    Raises
    ------
    StudyError
        A condition, group or session of a planted signal does not exist.
    """
    for number, entry in enumerate(simulation.planted):
        where = f"simulation.planted.{number}"
        for what, found, known in (("condition", entry.condition, scheme.conditions),
                                   ("group", entry.group, scheme.groups),
                                   ("session", entry.session, tuple(study.dataset.sessions))):
            if found is not None and found not in known:
                raise StudyError(f"the {what} '{found}' does not exist in the simulated data", where=f"{where}.{what}",
                                 hint=f"known: {', '.join(known) or 'none'}")
        if entry.per_sd_of is not None and entry.per_sd_of not in scheme.scores:
            raise StudyError("scores are not simulated over a real skeleton", where=f"{where}.per_sd_of",
                             hint="plant a percent for everybody, or simulate without the skeleton")
        if entry.region in study.regions.custom:
            raise StudyError(f"signals can be planted in regions of the library, not in the custom region "
                             f"'{entry.region}'", where=f"{where}.region")


def make_truth(simulation: Simulation, scheme: Scheme) -> pd.DataFrame:
    """The truth table (:data:`deltaroi.tables.TRUTH`).

    Notes
    -----
    percent = sum of the planted entries that match + u(subject) + v(subject, session), with u and v normal with the
    SDs of ``noise``, drawn anew for every ROI and condition from names alone. An entry with ``per_sd_of`` counts as
    many times as the subject's score lies SDs above the mean of the group.
    """
    noise, seed = simulation.noise, simulation.seed
    entries: dict[tuple[RoiKey, str], list[Planted]] = {}
    for entry in simulation.planted:
        for side in entry.hemispheres:
            entries.setdefault((RoiKey(entry.region, side, entry.definition), entry.condition), []).append(entry)
    rows = []
    for subject, session, group in scheme.visits():
        for (roi, condition), planted in entries.items():
            names = (roi.region, roi.hemisphere, roi.definition, condition)
            percent = sum(entry.percent * share(simulation, scheme.scores, entry.per_sd_of, subject, group)
                          for entry in planted if entry.group in (None, group) and entry.session in (None, session))
            percent += noise.subject_sd_percent * generator(seed, "subject", subject, *names).standard_normal()
            percent += noise.session_sd_percent * generator(seed, "session", subject, session,
                                                            *names).standard_normal()
            rows.append((subject, session, group, roi.region, roi.hemisphere, roi.definition, condition, percent))
    return conform(pd.DataFrame(rows, columns=TRUTH.names), TRUTH)
