"""Planted interactions: a seed's own slow activity that reaches a target, more so while a condition lasts.

Made before the response, on a fine grid of time, and convolved with the simulator's own double gamma.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter1d
from scipy.signal import fftconvolve

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.grid import FloatArray
from deltaroi.simulator.bold import Train
from deltaroi.simulator.draws import generator
from deltaroi.simulator.people import share
from deltaroi.simulator.response import integrated_response
from deltaroi.simulator.scheme import Scheme
from deltaroi.specs import Simulation
from deltaroi.tables import COUPLED, conform
from deltaroi.types import RoiKey

FINE_S = 0.1
SLOW_S = 2.0
_BEFORE_S = 60.0
_LENGTH_S = 40.0


@dataclass(frozen=True)
class Pair:
    """One seed and target of one session: the slope outside the conditions, and what each condition adds to it."""

    seed: RoiKey
    target: RoiKey
    baseline: float
    strengths: Mapping[str, float]


def check_coupled(study: Study, simulation: Simulation, scheme: Scheme) -> None:
    """Refuse interactions that no event, group, session or region could carry.

    Raises
    ------
    StudyError
        A condition, group or session does not exist; a region is custom, or its own target.
    """
    for number, entry in enumerate(simulation.coupled):
        where = f"simulation.coupled.{number}"
        for what, found, known in (("condition", entry.condition, scheme.conditions),
                                   ("group", entry.group, scheme.groups),
                                   ("session", entry.session, tuple(study.dataset.sessions))):
            if found is not None and found not in known:
                raise StudyError(f"the {what} '{found}' does not exist in the simulated data", where=f"{where}.{what}",
                                 hint=f"known: {', '.join(known) or 'none'}")
        for end, region in (("seed", entry.seed), ("target", entry.target)):
            if region in study.regions.custom:
                raise StudyError("interactions can be planted between regions of the library, not in the custom "
                                 f"region '{region}'", where=f"{where}.{end}")
        if entry.per_sd_of is not None and entry.per_sd_of not in scheme.scores:
            raise StudyError("scores are not simulated over a real skeleton", where=f"{where}.per_sd_of",
                             hint="plant a strength for everybody, or simulate without the skeleton")
        if entry.seed == entry.target:
            raise StudyError(f"'{entry.seed}' is seed and target", where=f"{where}.target", hint="name another region")


def coupled_rois(simulation: Simulation) -> set[RoiKey]:
    """The ROIs of planted interactions."""
    return {RoiKey(region, side, entry.definition) for entry in simulation.coupled for side in entry.hemispheres
            for region in (entry.seed, entry.target)}


def make_coupled(simulation: Simulation, scheme: Scheme) -> pd.DataFrame:
    """The table of planted interactions (:data:`deltaroi.tables.COUPLED`)."""
    rows = []
    pairs = dict.fromkeys((entry.seed, entry.target, side, entry.definition, entry.condition)
                          for entry in simulation.coupled for side in entry.hemispheres)
    for subject, session, group in scheme.visits():
        for pair in pairs:
            strength = sum(entry.strength * share(simulation, scheme.scores, entry.per_sd_of, subject, group)
                           for entry in simulation.coupled
                           if (entry.seed, entry.target, entry.definition, entry.condition) == (*pair[:2], *pair[3:])
                           and pair[2] in entry.hemispheres and entry.group in (None, group)
                           and entry.session in (None, session))
            rows.append((subject, session, group, *pair, strength, simulation.baseline_coupling,
                         simulation.seed_fluctuation_percent))
    return conform(pd.DataFrame(rows, columns=COUPLED.names), COUPLED)


def pairs_of(coupled: pd.DataFrame) -> dict[tuple[str, str], tuple[Pair, ...]]:
    """Subject and session -> its pairs."""
    out: dict[tuple[str, str], list[Pair]] = {}
    ends = ["subject", "session", "seed_region", "target_region", "hemisphere", "definition"]
    for cells, part in coupled.groupby(ends, sort=True):
        subject, session, seed, target, side, definition = map(str, cells)
        strengths = dict(zip(part["condition"], part["strength"], strict=True))
        out.setdefault((subject, session), []).append(
            Pair(RoiKey(seed, side, definition), RoiKey(target, side, definition), float(part["baseline"].iloc[0]),
                 strengths))
    return {place: tuple(found) for place, found in out.items()}


def courses(pairs: Sequence[Pair], trains: Mapping[str, Train], times: FloatArray, fluctuation_percent: float,
            seed: int, *names: str) -> list[tuple[RoiKey, FloatArray]]:
    """What the pairs add to each ROI's signal in one run, in % of the mean.

    Parameters
    ----------
    pairs : sequence of Pair
        Of the run's session.
    trains : mapping of str to Train
        The run's events by condition.
    times : ndarray, shape (n_volumes,)
        Acquisition times, s.
    fluctuation_percent : float
        SD of a seed's response to its own activity, over time.
    seed : int
        Seed of the simulation.
    *names : str
        What names the run.

    Notes
    -----
    A seed's activity x is Gaussian noise of every 0.1 s, smoothed with an SD of 2 s and scaled so that its response
    h * x has the given SD. The target gets h * (x (baseline + sum over conditions of strength p)), p being 1 while
    an event lasts (events shorter than 0.1 s last 0.1 s) and h the double gamma of unit area.
    """
    fine = np.arange(-_BEFORE_S, float(times[-1]) + FINE_S, FINE_S)
    edges = np.arange(0.0, _LENGTH_S + FINE_S, FINE_S)
    kernel = np.diff(integrated_response(edges))

    def response(activity: FloatArray) -> FloatArray:
        return np.asarray(np.interp(times, fine + FINE_S, fftconvolve(activity, kernel)[:fine.size]))

    out: list[tuple[RoiKey, FloatArray]] = []
    activity: dict[RoiKey, FloatArray] = {}
    for pair in pairs:
        if pair.seed not in activity:
            rng = generator(seed, "fluctuation", *names, pair.seed.region, pair.seed.hemisphere, pair.seed.definition)
            own = gaussian_filter1d(rng.standard_normal(fine.size), SLOW_S / FINE_S, mode="wrap")
            activity[pair.seed] = own * (fluctuation_percent / response(own).std())
            out.append((pair.seed, response(activity[pair.seed])))
        slope = np.full(fine.size, pair.baseline)
        for condition, strength in pair.strengths.items():
            if condition in trains:
                slope += strength * lasting(trains[condition], fine)
        out.append((pair.target, response(activity[pair.seed] * slope)))
    return out


def lasting(train: Train, fine: FloatArray) -> FloatArray:
    """1 while an event lasts, from the point of the fine grid that is next to its onset."""
    out = np.zeros(fine.size)
    for onset, duration in zip(train.onsets, train.durations, strict=True):
        first = int(np.rint((onset - fine[0]) / FINE_S))
        last = max(int(np.rint((onset + duration - fine[0]) / FINE_S)), first + 1)
        out[max(first, 0):max(last, 0)] += 1.0
    return out
