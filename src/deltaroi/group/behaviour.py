"""Behaviour: the group stage asked of measures of the subjects, each a family of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from deltaroi.errors import DataError, StudyError
from deltaroi.group.analysis import analyse
from deltaroi.group.blocks import NO_RESPONSE
from deltaroi.group.covariates import code_covariates, text_cells
from deltaroi.group.design import GroupDesign
from deltaroi.group.questions import primary_model
from deltaroi.group.scores import number_of
from deltaroi.specs import GroupStats, Measure
from deltaroi.tables import BEHAVIOUR, BEHAVIOUR_EFFECTS, BEHAVIOUR_SIZES, EFFECT_SIZES, Schema, conform
from deltaroi.types import NA, Exclusion

STAGE = "behaviour"
_AS_GIVEN = {"specification": "main", "task": NA, "hemisphere": "B", "definition": "as given", "contrast": STAGE,
             "summary": "as given"}


@dataclass(frozen=True, eq=False)
class Behaviour:
    """The measures of the subjects, and who lacks one.

    Attributes
    ----------
    values : DataFrame
        Conformed to ``tables.BEHAVIOUR``; a row per measure, subject and session, missing values among them.
    exclusions : tuple of Exclusion
        Missing values, and who is left out for want of a covariate; stage ``behaviour``.
    """

    values: pd.DataFrame
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, eq=False)
class BehaviourResult:
    """What was found of behaviour.

    Attributes
    ----------
    effects, effect_sizes : DataFrame
        Conformed to ``tables.BEHAVIOUR_EFFECTS`` and ``tables.BEHAVIOUR_SIZES``.
    exclusions : tuple of Exclusion
        What is not in the numbers beyond missing values: stage ``behaviour``.
    warnings, notes : tuple of str
        As in :class:`deltaroi.group.design.GroupResult`.
    """

    effects: pd.DataFrame
    effect_sizes: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def behaviour_values(measures: Mapping[str, Measure], table: pd.DataFrame, groups: Mapping[str, str],
                     design: GroupDesign) -> Behaviour:
    """The values of the measures.

    Parameters
    ----------
    measures : mapping of str to Measure
        By name.
    table : DataFrame
        One row per subject (the index), one column per column of a measure.
    groups : mapping of str to str
        Subject -> group label (``n/a`` with one group) of everybody who takes part.
    design : GroupDesign
        Sessions, covariates and strata.

    Raises
    ------
    DataError
        A column is absent, is missing for every subject, or holds something that is not a number.
    """
    subjects = sorted(groups)
    rows, gone = [], []
    lacking = code_covariates(design.covariates, subjects, design.strata).exclusions if groups else ()
    for name, measure in measures.items():
        for session, column in measure.of_sessions(design.sessions).items():
            where = f"behaviour.{name}.columns" + ("" if session == NA else f".{session}")
            for subject, cell in _cells(table, column, subjects, where).items():
                if cell == NA:
                    gone.append(Exclusion(STAGE, subject, session, region=name, reason=f"the measure is missing "
                                          f"(column '{column}'): left out of every comparison that needs it"))
                value = np.nan if cell == NA else number_of(cell, f"the measure '{column}'", subject, where)
                rows.append((name, subject, session, groups[subject], value, measure.unit, column))
        gone += [replace(row, stage=STAGE, region=name) for row in lacking]
    frame = conform(pd.DataFrame(rows, columns=BEHAVIOUR.names), BEHAVIOUR, STAGE)
    return Behaviour(frame, tuple(gone))


def _cells(table: pd.DataFrame, column: str, subjects: Sequence[str], where: str) -> dict[str, str]:
    if column not in table.columns:
        raise DataError(f"there is no column '{column}' with the measure", where=where,
                        hint="name a column of the participants table")
    cells = text_cells(table[column], subjects)
    if subjects and all(cell == NA for cell in cells.values()):
        raise DataError(f"the measure '{column}' is missing for every subject", where=where,
                        hint="check that its subject labels are those of the study")
    return cells


def analyse_behaviour(values: pd.DataFrame, design: GroupDesign, spec: GroupStats) -> BehaviourResult:
    """Ask of every measure what the responses are asked; see :func:`deltaroi.group.analyse`.

    Parameters
    ----------
    values : DataFrame
        From :func:`behaviour_values`.
    design : GroupDesign
        Of the study; a measure that was not taken in every session is analysed in those that it has, so that one of a
        single session is compared between groups.
    spec : GroupStats
        Of the study. A primary model that the sessions of a measure do not have gives way to ``auto``.

    Raises
    ------
    DataError
        Nobody can be used.
    """
    effects, sizes, gone, notes = [], [], [], []
    said: dict[str, list[str]] = {}
    for name, part in values.groupby("measure", sort=True):
        measure = str(name)
        taken = tuple(s for s in design.sessions if s in set(part["session"]))
        mine = replace(design, sessions=taken, associations={}, scores=None)
        found = analyse(part.drop(columns="measure").assign(region=measure, **_AS_GIVEN), mine,
                        _fitting(spec, mine, design.sessions))
        effects.append(_named(found.effects, measure))
        sizes.append(_named(found.beside[EFFECT_SIZES.name], measure))
        gone += [replace(row, stage=STAGE, region=measure) for row in found.exclusions
                 if not row.reason.startswith(NO_RESPONSE) and not row.reason.endswith(" is missing")]
        for warning in found.warnings:
            said.setdefault(warning, []).append(measure)
        notes += [_family(note, measure) for note in found.notes]
    return BehaviourResult(_together(effects, BEHAVIOUR_EFFECTS), _together(sizes, BEHAVIOUR_SIZES), tuple(gone),
                           tuple(_warnings(said)), tuple(Counter(notes)))


def _fitting(spec: GroupStats, design: GroupDesign, all_sessions: tuple[str, ...]) -> GroupStats:
    """The statistics for the sessions of one measure."""
    try:
        primary_model(design.sessions, design.levels, design.assignment, spec.primary)
        primary = spec.primary
    except StudyError:
        primary = "auto"
    phases = {name: span for name, span in spec.phases.items() if set(span) <= set(design.sessions)}
    phase = spec.primary_phase if spec.primary_phase in phases else None
    times = None if spec.times is None or len(design.sessions) < 2 else \
        [time for session, time in zip(all_sessions, spec.times, strict=True) if session in design.sessions]
    return spec.model_copy(update={"primary": primary, "times": times, "multilevel": False, "small_volume": False,
                                   "factorials": {}, "phases": phases, "primary_phase": phase})


def _named(frame: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Rows of a table of the group stage as those of a measure."""
    out = frame.assign(measure=measure)
    return out.assign(family=[_family(text, measure) for text in out["family"]]) if "family" in out else out


def _family(text: str, measure: str) -> str:
    """The name of a family without the parts that only ROIs have."""
    start = " · ".join(("main", STAGE, "as given", "as given"))
    return f"{STAGE} · {measure}{text.removeprefix(start)}" if text.startswith(start) else text


def _together(frames: Sequence[pd.DataFrame], schema: Schema) -> pd.DataFrame:
    whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=schema.names)
    return conform(whole[schema.names], schema, STAGE)


def _warnings(said: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Each warning once, with the measures that it is about."""
    for warning, measures in said.items():
        about = [measure for measure in measures if not warning.startswith(f"{measure}, {STAGE}: ")]
        plain = warning if about else warning.replace(f", {STAGE}: ", ": ", 1)
        yield f"behaviour{' ' + ', '.join(about) if about else ''}: {plain}"
