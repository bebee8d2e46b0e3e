"""Whose behaviour is analysed, and what is missing of it, before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.group import GroupDesign, behaviour_values
from deltaroi.io.participants import ID
from deltaroi.pipeline.people import People, need_column
from deltaroi.types import NA, Exclusion


@dataclass(frozen=True, eq=False)
class Measured:
    """The subjects of behaviour: everybody whom the study's rules keep, with or without a usable run.

    Attributes
    ----------
    table : DataFrame
        Text cells, one row per subject (index ``participant_id``), one column per column of a measure.
    groups : mapping of str to str
        Subject -> group label; ``n/a`` in a study without groups.
    covariates : DataFrame
        Text cells by subject.
    exclusions : tuple of Exclusion
        Who lacks a measure or a covariate.
    """

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: Mapping[str, str] = field(default_factory=dict)
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    exclusions: tuple[Exclusion, ...] = ()


NOTHING = Measured()


def plan_behaviour(study: Study, participants: pd.DataFrame, people: People) -> Measured:
    """Find the measures of the subjects.

    Parameters
    ----------
    study : Study
        The study.
    participants : DataFrame
        Text cells; ``participant_id`` without ``sub-``, one row per person.
    people : People
        Who is in which group, and who is left out.

    Raises
    ------
    StudyError
        A column does not exist; the message names those that do.
    DataError
        There is no participants.tsv, or a measure is not a number or missing for every subject.
    """
    if not study.behaviour:
        return NOTHING
    if participants.empty:
        raise DataError("behaviour is asked for, but participants.tsv is absent or empty", where="behaviour",
                        hint=f"write participants.tsv with {ID} and the columns of the measures")
    columns: list[str] = []
    for name, one in study.behaviour.items():
        for session, column in one.of_sessions(study.dataset.sessions).items():
            need_column(column, participants, f"behaviour.{name}.columns" + ("" if session == NA else f".{session}"))
            columns.append(column)
    kept = _kept(study, participants, people)
    groups = {subject: people.groups.get(subject, NA) for subject in kept}
    table = participants.set_index(ID).loc[kept, list(dict.fromkeys(columns))]
    covariates = people.covariates.loc[kept]
    design = GroupDesign.from_study(study.groups, study.dataset.sessions, covariates.rename_axis(ID).reset_index())
    found = behaviour_values(study.behaviour, table, groups, design)
    return Measured(table, groups, covariates, found.exclusions)


def _kept(study: Study, participants: pd.DataFrame, people: People) -> list[str]:
    """Everybody whom the rules of the study keep, sorted."""
    asked = study.dataset.subjects
    listed = {s.removeprefix("sub-") for s in asked} if asked is not None else set(participants[ID])
    gone = {row.subject for row in people.exclusions}
    return sorted(s for s in (people.groups if study.groups else participants[ID]) if s in listed and s not in gone)
