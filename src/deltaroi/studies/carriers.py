"""How an effect in SDs gets into a simulation: as percent of a response, or as a shift of a score's mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import nan, sqrt
from typing import cast

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.specs import Claim, Coupled, Design, Hemisphere, Plant, Planted, Score, Simulation
from deltaroi.studies.quantities import Quantity, compared, quantity
from deltaroi.types import NA


@dataclass(frozen=True)
class Bench:
    """A study with the sections that planting needs.

    ``explained``: claim -> share of variance that all planted correlations of its place explain; ``following``: the
    signals that follow a score, which widen the spread of what is tested there.
    """

    study: Study
    design: Design
    simulation: Simulation
    explained: Mapping[str, float] = field(default_factory=dict)
    following: tuple[Planted, ...] = ()

    def sd(self, tested: Quantity) -> float:
        """SD of a quantity between subjects, measurement error included, in %."""
        noise = self.simulation.noise
        return tested.sd_percent(noise.subject_sd_percent, noise.session_sd_percent, self.design.measurement_sd_percent)


def spread(bench: Bench, tested: Quantity, place: tuple[str | None, ...]) -> float:
    """SD of a quantity of an ROI, in %, with what follows scores: pooled over the groups that are compared, or in one.

    Notes
    -----
    In a group Var = SD² + Σ (slope of the quantity per SD of a score)²; scores are independent. Groups weigh n − 1.
    """
    sizes = {label: group.n or 2 for label, group in bench.design.groups.items()}
    sizes |= bench.simulation.subjects or {}
    labels = [label for label in tested.groups or sizes if label in sizes]
    total = 0.0
    for label in labels:
        slopes: dict[str, float] = {}
        for one in bench.following:
            if _in(one, place) and one.group in (None, label) and one.per_sd_of is not None:
                reach = one.percent * tested.weight(one.condition, one.session, label)
                slopes[one.per_sd_of] = slopes.get(one.per_sd_of, 0.0) + reach
        total += (sizes[label] - 1) * sum(slope**2 for slope in slopes.values())
    return sqrt(bench.sd(tested) ** 2 + total / max(1, sum(sizes[label] - 1 for label in labels)))


def _in(signal: Planted, place: tuple[str | None, ...]) -> bool:
    """Whether a signal is planted in an ROI: region, hemisphere, definition."""
    return place[0] == signal.region and place[1] in signal.hemispheres and place[2] == signal.definition


def _place(claim: Claim) -> tuple[str | None, ...]:
    return tuple(claim.where.get(key) for key in ("region", "hemisphere", "definition"))


@dataclass(frozen=True)
class Added:
    """What one claim adds to a simulation, and its numbers as in :data:`deltaroi.tables.PLANTED`."""

    signals: tuple[Planted, ...] = ()
    coupled: tuple[Coupled, ...] = ()
    score: str | None = None
    shift: float = 0.0
    planted: float = nan
    planted_unit: str = NA
    sd: float = nan
    percent: float = nan
    unit: str = NA


def in_response(bench: Bench, name: str, claim: Claim, put: Plant, size: float) -> Added:
    """An effect of ``size`` SDs, or a correlation of ``size``, in the responses of an ROI.

    Notes
    -----
    With SD that of the tested quantity (:func:`spread`) and w what the planted place weighs in it: percent = size · SD
    / w; for a correlation r the slope per SD of the score is r / √(1 − Σr²) · SD without scores / w, the sum running
    over all correlations that are planted in this place, whose scores are independent.
    """
    tested = quantity(bench.study, name, claim)
    sd = bench.sd(tested) if put.per_sd_of is not None else spread(bench, tested, _place(claim))
    total = sum(tested.weight(condition, put.session, put.group) for condition in put.conditions)
    if abs(total) < 1e-9:
        raise StudyError(f"what is planted in {', '.join(put.conditions)} (group {put.group or 'all'}, session "
                         f"{put.session or 'all'}) does not reach what the claim tests", where=f"claims.{name}.plant",
                         hint="name a condition of the contrast, and a group and session that are compared")
    correlation = put.per_sd_of is not None
    percent = (size / sqrt(1.0 - bench.explained.get(name, size**2)) if correlation else size) * sd / total
    signals = tuple(Planted(region=claim.where["region"], condition=condition, percent=percent,
                            per_sd_of=put.per_sd_of, hemispheres=[cast(Hemisphere, claim.where["hemisphere"])],
                            definition=claim.where["definition"], group=put.group, session=put.session)
                    for condition in put.conditions)
    return Added(signals, planted=size, planted_unit="r" if correlation else "SD", sd=sd, percent=percent,
                 unit="% per SD of the score" if correlation else "%")


def in_coupling(bench: Bench, name: str, claim: Claim, put: Plant, size: float) -> Added:
    """An effect of ``size`` SDs, or a correlation of ``size``, in a connection of the study.

    Notes
    -----
    As :func:`in_response`, with ``design.connectivity_sd`` for the SD.
    """
    connection, sd = bench.study.connectivity.get(put.coupling or ""), bench.design.connectivity_sd
    if connection is None or connection.targets is None or len(connection.targets) != 1:
        raise StudyError(f"found the connection {put.coupling}, expected one of the section connectivity with one "
                         "target", where=f"claims.{name}.plant.coupling")
    seed, target = connection.seed, connection.targets[0]
    if sd is None or seed.hemisphere != target.hemisphere:
        raise StudyError("a planted connection needs design.connectivity_sd, and seed and target on one side",
                         where=f"claims.{name}.plant.coupling")
    total = sum(quantity(bench.study, name, claim).weight(condition, put.session, put.group)
                for condition in put.conditions)
    if abs(total) < 1e-9:
        raise StudyError("what is planted does not reach what the claim tests", where=f"claims.{name}.plant",
                         hint="name a condition of the contrast, and a group and session that are compared")
    correlation = put.per_sd_of is not None
    strength = (size / sqrt(1.0 - size**2) if correlation else size) * sd / total
    definition = seed.definition or str(bench.study.regions.definition)
    coupled = tuple(Coupled(seed=seed.region, target=target.region, hemispheres=[seed.hemisphere],
                            definition=definition, condition=condition, strength=strength, per_sd_of=put.per_sd_of,
                            group=put.group, session=put.session) for condition in put.conditions)
    return Added(coupled=coupled, planted=size, planted_unit="r" if correlation else "SD", sd=sd, percent=strength,
                 unit="slope per SD of the score" if correlation else "slope of the target on the seed")


def in_score(bench: Bench, name: str, claim: Claim, put: Plant, size: float) -> Added:
    """A group's mean of a score moves by ``size`` SDs: of the score, or of its change from the one that it follows."""
    scores = bench.simulation.scores
    score = scores.get(put.score or "")
    if put.score is None or score is None:
        raise StudyError(f"found the score {put.score}, expected one of {', '.join(scores) or 'none'}",
                         where=f"claims.{name}.plant.score", hint="name one of simulation.scores")
    who, times = compared(bench.study, claim.where.get("comparison", ""))
    sd = score.sd
    if len(times) == 2 and score.follows is not None and score.correlation is not None:
        before = scores[score.follows].sd
        sd = sqrt(score.sd**2 + before**2 - 2.0 * score.correlation * score.sd * before)
    weight = sum(w for label, w in who.items() if put.group in (None, label)) if who else 1.0
    if weight == 0.0:
        raise StudyError(f"what is planted in the group {put.group or 'all'} does not reach what the claim tests",
                         where=f"claims.{name}.plant", hint="name a group that is compared")
    shift = size * sd / weight
    return Added((), (), put.score, shift, size, "SD", sd, shift, "unit of the score")


def shifted(score: Score, group: str | None, amount: float, labels: Iterable[str]) -> Score:
    """The score with the mean of a group, or of all, moved."""
    having = score.groups or list(labels)
    means = dict(score.mean) if isinstance(score.mean, dict) else dict.fromkeys(having, score.mean)
    return score.model_copy(update={"mean": {label: mean + (amount if group in (None, label) else 0.0)
                                             for label, mean in means.items()}})


def without_differences(scores: Mapping[str, Score]) -> dict[str, Score]:
    """Scores with one mean for all groups, and for all that follow each other."""
    found: dict[str, Score] = {}
    for name, score in scores.items():
        means = list(score.mean.values()) if isinstance(score.mean, dict) else [score.mean]
        mean = found[score.follows].mean if score.follows is not None else sum(means) / len(means)
        found[name] = score.model_copy(update={"mean": mean})
    return found


def implied(bench: Bench, name: str, claim: Claim, signals: Iterable[Planted]) -> tuple[float, float]:
    """The effect on a claim about responses of all that is planted, in SDs, and the SD in %; correlations count 0."""
    tested, place = quantity(bench.study, name, claim), _place(claim)
    sd = spread(bench, tested, place)
    raw = sum(one.percent * tested.weight(one.condition, one.session, one.group) for one in signals
              if one.per_sd_of is None and _in(one, place))
    return raw / sd, sd


def background(bench: Bench, signals: Iterable[Planted]) -> list[Planted]:
    """Signals of 0 % for the conditions that a claim compares and nothing is planted in.

    A simulated response varies between people and sessions only where there is a signal, and sizes in SDs count on this
    in every condition of a contrast.
    """
    there = {(one.region, side, one.definition, one.condition) for one in signals for side in one.hemispheres}
    added: dict[tuple[str, str, str, str], Planted] = {}
    for name, claim in bench.study.claims.items():
        if claim.table not in ("effects", "associations", "factorial") or "region" not in claim.where:
            continue
        if claim.table == "factorial" and (claim.plant is None or claim.plant.contrast is None):
            continue
        where = claim.where
        for condition in quantity(bench.study, name, claim).conditions:
            place = (where["region"], where["hemisphere"], where["definition"], condition)
            if place not in there:
                added[place] = Planted(region=where["region"], condition=condition, percent=0.0,
                                       hemispheres=[cast(Hemisphere, where["hemisphere"])],
                                       definition=where["definition"])
    return list(added.values())
