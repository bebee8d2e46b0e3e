"""From reported results to what a simulation plants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot, isfinite, nan

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.specs import Claim, Planted
from deltaroi.studies.carriers import Added, Bench, implied, in_response, in_score, shifted, without_differences
from deltaroi.tables import PLANTED, conform
from deltaroi.types import NA

_SIGNS = {"increase": 1.0, "positive": 1.0, "decrease": -1.0, "negative": -1.0}
_SIZES, _CORRELATIONS = ("g", "g_z"), ("r", "semipartial_r")


@dataclass(frozen=True)
class Reported:
    """What is reported of one result.

    Attributes
    ----------
    direction : str
        increase, decrease, positive, negative, none or not stated.
    size : float
        Effect size, with the sign of the direction; nan where none can be computed.
    kind : str
        ``g``, ``g_z``, ``r`` or ``semipartial_r``; ``n/a`` without a size.
    words : str
        The numbers as reported, in one phrase.
    """

    direction: str
    size: float = nan
    kind: str = NA
    words: str = ""


@dataclass(frozen=True, eq=False)
class Planting:
    """A study whose simulation holds the effects.

    Attributes
    ----------
    study : Study
        With them in ``simulation``.
    table : DataFrame
        What was planted for each claim (:data:`deltaroi.tables.PLANTED`).
    """

    study: Study
    table: pd.DataFrame


def plant(study: Study, reported: Mapping[str, Reported], *, null: bool = False) -> Planting:
    """Put the reported effects into the simulation of a published design.

    Parameters
    ----------
    study : Study
        With ``design`` and ``simulation``.
    reported : mapping of str to Reported
        By claim. A claim with ``plant`` gets the reported size, or ``design.default_effect_d`` where a direction alone
        is reported (as a correlation d / √(d² + 4)), and nothing where no effect is.
    null : bool
        Plant nothing: responses that everybody shows in every session stay, scores have one mean.

    Raises
    ------
    StudyError
        There is no design or simulation, or a claim is planted where what it tests does not look.
    """
    if study.design is None or study.simulation is None:
        lacking = "design" if study.design is None else "simulation"
        raise StudyError(f"the study file has no section '{lacking}'", where=lacking,
                         hint="a simulated publication needs the sections design and simulation")
    bench = Bench(study, study.design, study.simulation)
    signals = [entry for entry in bench.simulation.planted if not null or _common(entry)]
    scores = without_differences(bench.simulation.scores) if null else dict(bench.simulation.scores)
    found: dict[str, tuple[Reported, str, Added]] = {}
    for name, claim in study.claims.items():
        one = reported.get(name, Reported("not stated"))
        size, source = _size(one, claim, bench.design.default_effect_d)
        source = "none" if null and source in ("reported", "default", "not planted") else source
        added = Added()
        if claim.plant is not None and source in ("reported", "default"):
            add = in_response if claim.plant.score is None else in_score
            added = add(bench, name, claim, claim.plant, size)
            signals += added.signals
            if added.score is not None:
                scores[added.score] = shifted(scores[added.score], claim.plant.group, added.shift, bench.design.groups)
        found[name] = (one, source, added)
    rows = []
    for name, (one, source, added) in found.items():
        claim = study.claims[name]
        if claim.table == "effects" and added.planted_unit != "r":
            effect, sd = implied(bench, name, claim, signals)
            added = replace(added, planted=effect, planted_unit="SD", sd=sd)
        rows.append(_row(name, claim, one, source, added))
    changed = bench.simulation.model_copy(update={"planted": signals, "scores": scores})
    table = conform(pd.DataFrame(rows, columns=PLANTED.names), PLANTED)
    return Planting(study.model_copy(update={"simulation": changed}), table)


def _size(one: Reported, claim: Claim, default_d: float) -> tuple[float, str]:
    """The size to plant, in SDs or as a correlation, with its sign; and where it comes from."""
    if claim.untestable is not None:
        return 0.0, "untestable"
    sign = _SIGNS.get(one.direction, 0.0)
    if claim.plant is None or sign == 0.0:
        return 0.0, "no effect" if one.direction == "none" else "not planted"
    correlation = claim.plant.per_sd_of is not None
    if isfinite(one.size) and one.kind in (_CORRELATIONS if correlation else _SIZES):
        return one.size, "reported"
    return sign * (default_d / hypot(default_d, 2.0) if correlation else default_d), "default"


def _common(entry: Planted) -> bool:
    """Whether everybody shows a signal in every session."""
    return entry.group is None and entry.session is None and entry.per_sd_of is None


def _row(name: str, claim: Claim, one: Reported, source: str, added: Added) -> dict[str, object]:
    put = claim.plant
    carrier = NA if put is None else put.score or ", ".join(put.conditions) or NA
    if put is not None and put.per_sd_of is not None:
        carrier = f"{carrier}, with {put.per_sd_of}"
    follows = source == "not planted" and put is None and claim.table == "effects"
    return {"claim": name, "direction": one.direction, "reported": one.size, "reported_kind": one.kind,
            "source": source, "planted": added.planted, "planted_unit": added.planted_unit, "sd": added.sd,
            "percent": added.percent, "unit": added.unit, "table": claim.table or NA,
            **{key: claim.where.get(key, NA) for key in ("region", "hemisphere", "definition")}, "carrier": carrier,
            "group": (put.group if put else None) or NA, "session": (put.session if put else None) or NA,
            "note": claim.untestable or ("follows from what other claims plant" if follows else NA)}
