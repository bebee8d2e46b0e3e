"""What a claim tests, in terms of the simulated responses: weights of conditions, sessions and groups; its SD."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.specs import Claim


@dataclass(frozen=True)
class Quantity:
    """The number per subject that a claim tests, and how groups are compared in it.

    Attributes
    ----------
    conditions : dict of str to float
        Condition -> weight in the contrast.
    sessions : dict of str to float
        Session -> weight: a change has 1 and -1; empty where one response without sessions counts.
    groups : dict of str to float
        Group -> weight: 1 and -1 where two are compared, 1 for a claim about one; empty where everybody counts.
    """

    conditions: dict[str, float]
    sessions: dict[str, float]
    groups: dict[str, float]

    def weight(self, condition: str, session: str | None, group: str | None) -> float:
        """How much of a signal that is planted there arrives in what is tested."""
        time = sum(weight for label, weight in self.sessions.items() if session in (None, label)) \
            if self.sessions else 1.0
        who = sum(weight for label, weight in self.groups.items() if group in (None, label)) if self.groups else 1.0
        return self.conditions.get(condition, 0.0) * time * who

    def sd_percent(self, subject_sd: float, session_sd: float, measurement_sd: float) -> float:
        """SD between subjects of a group, in % signal change.

        Notes
        -----
        A response is planted + u(subject) + v(subject, session) + e(measurement), all drawn anew for each condition:
        Var = Σ w(condition)² · [(Σ w(session))² · Var(u) + Σ w(session)² · (Var(v) + Var(e))].
        """
        times = list(self.sessions.values()) or [1.0]
        per_condition = (sum(times) * subject_sd) ** 2 + sum(w**2 for w in times) * (session_sd**2 + measurement_sd**2)
        return sqrt(sum(w**2 for w in self.conditions.values()) * per_condition)


def quantity(study: Study, name: str, claim: Claim) -> Quantity:
    """What a claim about responses tests.

    Raises
    ------
    StudyError
        The claim names no contrast of the study, or a comparison that does not fit its groups and sessions.
    """
    where = f"claims.{name}"
    contrast = claim.plant.contrast if claim.plant is not None and claim.plant.contrast else \
        claim.where.get("contrast")
    if contrast not in study.contrasts:
        raise StudyError(f"found the contrast {contrast}, expected one of {', '.join(study.contrasts)}",
                         where=f"{where}.where", hint="name it in where, or in plant.contrast")
    weights = dict(parse_contrast(study.contrasts[contrast], f"contrasts.{contrast}"))
    if claim.table in ("associations", "connectivity_associations"):
        return Quantity(weights, _outcome(study, claim), {})
    who, times = compared(study, claim.where.get("comparison", ""))
    if claim.table == "factorial" and not times:  # the mean over sessions
        times = {label: 1.0 / len(study.dataset.sessions) for label in study.dataset.sessions}
    if not times and study.dataset.sessions:
        raise StudyError(f"found the comparison {claim.where.get('comparison')}, expected one of sessions, such as "
                         f"{study.dataset.sessions[-1]}-{study.dataset.sessions[0]}", where=f"{where}.where")
    return Quantity(weights, times, who)


def compared(study: Study, comparison: str) -> tuple[dict[str, float], dict[str, float]]:
    """Weights of groups and sessions in a comparison of the effects table, e.g. ``A-B|post-pre``.

    ``A|post-pre`` is about one group; ``A,B,C|...``, an omnibus test, has no weights of groups.
    """
    levels = list(study.groups.levels) if study.groups is not None else []
    sessions = list(study.dataset.sessions)
    who: dict[str, float] = {}
    times: dict[str, float] = {}
    for part in comparison.split("|"):
        for first in (*levels, *sessions):
            second = part.removeprefix(f"{first}-")
            pair = {first: 1.0, second: -1.0}
            if second == part:
                continue
            if first in levels and second in levels:
                who = pair
            elif first in sessions and second in sessions:
                times = pair
        if part in sessions:
            times = {part: 1.0}
        elif part in levels:
            who = {part: 1.0}
    return who, times


def _outcome(study: Study, claim: Claim) -> dict[str, float]:
    """Weights of sessions in the outcome of an association."""
    sessions = study.dataset.sessions
    association = study.associations.get(claim.where.get("association", ""))
    outcome = association.outcome if association is not None else claim.where.get("outcome", "change")
    if not sessions:
        return {}
    if outcome == "change":
        return {sessions[-1]: 1.0, sessions[0]: -1.0}
    return {sessions[0] if outcome == "baseline" else sessions[-1]: 1.0}
