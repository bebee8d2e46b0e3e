"""From reported results to what a simulation plants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import hypot, isfinite, nan

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.specs import Claim, Coupled, Plant, Planted
from deltaroi.studies.carriers import (
    Added,
    Bench,
    background,
    implied,
    in_coupling,
    in_response,
    in_score,
    shifted,
    without_differences,
)
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
    significance : str
        significant, not significant, trend or reported, as worded.
    words : str
        The numbers as reported, in one phrase.
    """

    direction: str
    size: float = nan
    kind: str = NA
    significance: str = "reported"
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
        is reported (as a correlation d / √(d² + 4)), and nothing where no effect is, or one without a size that was not
        significant.
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
    told = {name: reported.get(name, Reported("not stated")) for name in study.claims}
    sizes = {name: _size(told[name], claim, study.design.default_effect_d) for name, claim in study.claims.items()}
    if null:
        sizes = {name: (0.0, "none" if source in ("reported", "default", "not planted") else source)
                 for name, (_, source) in sizes.items()}
    bench = Bench(study, study.design, study.simulation, _explained(study.claims, sizes))
    signals = [entry for entry in bench.simulation.planted if not null or _common(entry)]
    coupled = [entry for entry in bench.simulation.coupled if not null or _common(entry)]
    scores = without_differences(bench.simulation.scores) if null else dict(bench.simulation.scores)
    found: dict[str, Added] = {}
    for name, claim in _correlations_first(study.claims):
        size, source = sizes[name]
        if claim.plant is None or source not in ("reported", "default"):
            continue
        bench = replace(bench, following=tuple(entry for entry in signals if entry.per_sd_of is not None))
        added = found[name] = _carrier(claim.plant)(bench, name, claim, claim.plant, size)
        signals += added.signals
        coupled += added.coupled
        if added.score is not None:
            labels = study.groups.levels if study.groups is not None else list(bench.design.groups)
            scores[added.score] = shifted(scores[added.score], claim.plant.group, added.shift, labels)
    bench = replace(bench, following=tuple(entry for entry in signals if entry.per_sd_of is not None))
    signals += background(bench, signals)
    rows = []
    for name, claim in study.claims.items():
        added = found.get(name, Added())
        if claim.table == "effects" and added.planted_unit != "r":
            effect, sd = implied(bench, name, claim, signals)
            added = replace(added, planted=effect, planted_unit="SD", sd=sd)
        rows.append(_row(name, claim, told[name], sizes[name][1], added))
    changed = bench.simulation.model_copy(update={"planted": signals, "coupled": coupled, "scores": scores})
    table = conform(pd.DataFrame(rows, columns=PLANTED.names), PLANTED)
    return Planting(study.model_copy(update={"simulation": changed}), table)


def _correlations_first(claims: Mapping[str, Claim]) -> list[tuple[str, Claim]]:
    """The claims; what follows a score comes first, because it widens the SDs in which the others are planted."""
    return sorted(claims.items(), key=lambda item: item[1].plant is None or item[1].plant.per_sd_of is None)


def _explained(claims: Mapping[str, Claim], sizes: Mapping[str, tuple[float, str]]) -> dict[str, float]:
    """Claim -> share of variance that all correlations planted in its place explain.

    Raises
    ------
    StudyError
        It is all of it, or more.
    """
    places: dict[tuple[object, ...], list[str]] = {}
    for name, claim in claims.items():
        put = claim.plant
        if put is not None and put.per_sd_of is not None and put.coupling is None:
            roi = tuple(claim.where.get(key) for key in ("region", "hemisphere", "definition"))
            places.setdefault((roi, put.conditions, put.group, put.session), []).append(name)
    found = {}
    for names in places.values():
        share = sum(sizes[name][0] ** 2 for name in names)
        if share >= 1.0:
            raise StudyError(f"the correlations explain {share:.2f} of the variance, expected less than 1",
                             where=f"claims.{names[0]}.plant", hint="plant fewer of them in one place")
        found.update(dict.fromkeys(names, share))
    return found


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
    if one.significance == "not significant":
        return 0.0, "no effect"
    return sign * (default_d / hypot(default_d, 2.0) if correlation else default_d), "default"


def _carrier(put: Plant) -> Callable[[Bench, str, Claim, Plant, float], Added]:
    if put.score is not None:
        return in_score
    return in_response if put.coupling is None else in_coupling


def _common(entry: Planted | Coupled) -> bool:
    """Whether everybody shows a signal in every session."""
    return entry.group is None and entry.session is None and entry.per_sd_of is None


def _row(name: str, claim: Claim, one: Reported, source: str, added: Added) -> dict[str, object]:
    put = claim.plant
    carrier = NA if put is None else put.score or ", ".join(put.conditions) or NA
    if put is not None and put.coupling is not None:
        carrier = f"{put.coupling} during {carrier}"
    if put is not None and put.per_sd_of is not None:
        carrier = f"{carrier}, with {put.per_sd_of}"
    follows = source == "not planted" and put is None and one.direction != "not stated"
    return {"claim": name, "direction": one.direction, "reported": one.size, "reported_kind": one.kind,
            "source": source, "planted": added.planted, "planted_unit": added.planted_unit, "sd": added.sd,
            "percent": added.percent, "unit": added.unit, "table": claim.table or NA,
            **{key: claim.where.get(key, NA) for key in ("region", "hemisphere", "definition")}, "carrier": carrier,
            "group": (put.group if put else None) or NA, "session": (put.session if put else None) or NA,
            "note": claim.untestable or ("follows from what other claims plant" if follows else NA)}
