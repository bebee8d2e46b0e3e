"""Who is analysed, in which group: the rules of the study file applied to ``participants.tsv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from deltaroi.config.study import Dataset, Study
from deltaroi.errors import DataError, StudyError, did_you_mean
from deltaroi.io.participants import ID
from deltaroi.signal.selection import select_rows
from deltaroi.specs import Groups
from deltaroi.types import NA, Exclusion


@dataclass(frozen=True, eq=False)
class People:
    """Who is in, who is out.

    Attributes
    ----------
    groups : mapping of str to str
        Subject -> group label; empty for a study without groups.
    covariates : DataFrame
        Text cells, one row per subject (index ``participant_id``), one column per covariate.
    exclusions : tuple of Exclusion
        Who is left out by a rule of the study, and by which.
    warnings : tuple of str
        What else to know.
    """

    groups: Mapping[str, str]
    covariates: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...] = ()


def choose_people(study: Study, participants: pd.DataFrame, seen: Iterable[str]) -> People:
    """Apply ``dataset.exclude_where`` and ``groups``.

    Parameters
    ----------
    study : Study
        The study.
    participants : DataFrame
        Text cells; ``participant_id`` without ``sub-``, one row per person.
    seen : iterable of str
        Subjects that have a folder.

    Raises
    ------
    StudyError
        A column or a group level that the study names does not exist; the message names those that do.
    DataError
        The study has groups and the dataset no participants.tsv.
    """
    gone = _by_rule(study.dataset, participants)
    listed = set(participants[ID])
    strangers = [s for s in sorted(set(seen)) if s not in listed]
    if study.groups is None:
        warnings = ((f"{len(strangers)} subject(s) are not in participants.tsv: {', '.join(strangers[:5])}"
                     f"{', …' if len(strangers) > 5 else ''}"),) if strangers and listed else ()
        return People({}, participants.set_index(ID)[[]], tuple(gone.values()), warnings)
    _check_columns(study.groups, participants)
    labels = dict(zip(participants[ID], participants[study.groups.column], strict=True))
    _check_levels(study.groups, labels)
    for subject in sorted({*labels, *strangers} - set(gone)):
        label = labels.get(subject)
        if label is None:
            gone[subject] = Exclusion("inputs", subject, reason="is not in participants.tsv, so in no group: add a row")
        elif label not in study.groups.levels:
            reason = "has no group label" if label == NA else "the group label is not among groups.levels"
            gone[subject] = Exclusion("inputs", subject, reason=reason, value=label,
                                      threshold=", ".join(study.groups.levels))
    kept = {subject: label for subject, label in sorted(labels.items()) if subject not in gone}
    covariates = participants.set_index(ID).loc[list(kept), list(study.groups.entering)]
    return People(kept, covariates, tuple(gone.values()))


def _by_rule(dataset: Dataset, participants: pd.DataFrame) -> dict[str, Exclusion]:
    """Who ``dataset.exclude_where`` leaves out."""
    gone: dict[str, Exclusion] = {}
    for column, values in dataset.exclude_where.items():
        _need(column, participants, f"dataset.exclude_where.{column}")
        hits = select_rows(participants, {column: values}, "participants.tsv")
        for subject, value in participants.loc[hits, [ID, column]].itertuples(index=False):
            gone.setdefault(subject, Exclusion("inputs", subject, reason=f"left out by dataset.exclude_where: {column}",
                                               value=value))
    return gone


def _check_columns(groups: Groups, participants: pd.DataFrame) -> None:
    if participants.empty:
        raise DataError("groups are asked for, but participants.tsv is absent or empty", where="groups",
                         hint=f"write participants.tsv with the columns {ID} and {groups.column}")
    _need(groups.column, participants, "groups.column")
    for name in groups.covariates:
        _need(name, participants, "groups.covariates")
    if groups.strata is not None:
        _need(groups.strata, participants, "groups.strata")


def _need(column: str, participants: pd.DataFrame, where: str) -> None:
    if column in participants.columns and column != ID:
        return
    known = [str(name) for name in participants.columns if name != ID]
    raise StudyError(f"participants.tsv has no column '{column}'; its columns are {', '.join(known) or 'none'}",
                     where=where, hint=did_you_mean(column, known) or "name one of these columns")


def _check_levels(groups: Groups, labels: Mapping[str, str]) -> None:
    found = Counter(labels.values())
    for level in groups.levels:
        if level not in found:
            known = ", ".join(f"{label} ({number})" for label, number in sorted(found.items()))
            raise StudyError(f"nobody has the label '{level}' in the column '{groups.column}'; its labels are {known}",
                             where="groups.levels", hint=did_you_mean(level, found) or "name one of these labels")
