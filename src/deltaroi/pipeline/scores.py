"""The scores of associations: columns of ``participants.tsv``, and who lacks one, before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.group.scores import Scores, code_scores
from deltaroi.io.participants import ID
from deltaroi.pipeline.people import need_column
from deltaroi.types import NA


def score_table(study: Study, participants: pd.DataFrame) -> pd.DataFrame:
    """The columns of the scores: text cells, one row per person (index ``participant_id``).

    Raises
    ------
    StudyError
        A column does not exist; the message names those that do.
    DataError
        The study has associations and the dataset no participants.tsv.
    """
    if study.associations and participants.empty:
        raise DataError("associations are asked for, but participants.tsv is absent or empty", where="associations",
                        hint=f"write participants.tsv with {ID} and the columns of the scores")
    for name, spec in study.associations.items():
        for key, column in zip(("column", "minus"), spec.columns, strict=False):
            need_column(column, participants, f"associations.{name}.{key}")
    columns = list(dict.fromkeys(column for spec in study.associations.values() for column in spec.columns))
    return participants.set_index(ID)[columns]


def foresee_scores(study: Study, subjects: Iterable[str], groups: Mapping[str, str], covariates: pd.DataFrame,
                   scores: pd.DataFrame) -> Scores:
    """What the group stage will make of the scores of these subjects, and whom it will leave out.

    Parameters
    ----------
    study : Study
        The study.
    subjects : iterable of str
        Who has a usable run.
    groups : mapping of str to str
        Subject -> group label; empty for a study without groups.
    covariates, scores : DataFrame
        Text cells by subject; who lacks a covariate is in no association.

    Raises
    ------
    DataError
        A score is not a number, or missing for every subject.
    """
    complete = [s for s in sorted(set(subjects)) if s not in covariates.index or not (covariates.loc[s] == NA).any()]
    labels = {s: groups.get(s, "") for s in complete}
    return code_scores(study.associations, scores, labels) if labels else Scores()
