"""The scores of associations: numbers per subject, and who has none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.group.covariates import plain_number, text_cells
from deltaroi.specs import Association
from deltaroi.types import NA, Exclusion

_LARGEST = 1e60  # beyond it, or below its inverse, products of scores leave the range of float64


@dataclass(frozen=True)
class Scores:
    """Scores by association and subject, without those that are missing, and what was said or left out on the way."""

    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    exclusions: tuple[Exclusion, ...] = ()
    warnings: tuple[str, ...] = ()


def code_scores(associations: Mapping[str, Association], table: pd.DataFrame | None,
                groups: Mapping[str, str]) -> Scores:
    """The scores of these subjects.

    Parameters
    ----------
    associations : mapping of str to Association
        What is asked, by name.
    table : DataFrame or None
        One row per subject (the index), one column per score.
    groups : mapping of str to str
        Subject -> group label, of the subjects that can be in an association.

    Returns
    -------
    Scores
        A subject without a score is listed, and left out of that association only. A score that does not vary is a
        warning: the association is then not tested.

    Raises
    ------
    DataError
        A column is absent, holds something that is not a number, or is missing for every subject.
    """
    values: dict[str, dict[str, float]] = {}
    gone: list[Exclusion] = []
    warnings = []
    for name, spec in associations.items():
        subjects = [s for s in groups if spec.groups == "all" or groups[s] in spec.groups]
        cells = _cells(name, spec.column, table, subjects)
        gone += [Exclusion("effects", s, reason=f"the score '{spec.column}' is missing: left out of the association "
                           f"'{name}'") for s in subjects if cells[s] == NA]
        values[name] = {s: _number(name, spec.column, s, cells[s]) for s in subjects if cells[s] != NA}
        if len(set(values[name].values())) == 1:
            warnings.append(f"the score '{spec.column}' of the association '{name}' does not vary: nothing can be "
                            "tested with it")
    return Scores(values, tuple(gone), tuple(warnings))


def _cells(name: str, column: str, table: pd.DataFrame | None, subjects: Sequence[str]) -> dict[str, str]:
    if table is None or column not in table.columns:
        raise DataError(f"there is no column '{column}' with the score", where=f"associations.{name}.column",
                        hint="name a column of the participants table")
    cells = text_cells(table[column], subjects)
    if subjects and all(cell == NA for cell in cells.values()):
        raise DataError(f"the score '{column}' is missing for every subject", where=f"associations.{name}.column",
                        hint="check that its subject labels are those of the responses")
    return cells


def _number(name: str, column: str, subject: str, cell: str) -> float:
    number = plain_number(cell)
    if not math.isfinite(number):
        raise DataError(f"the score '{column}' holds {cell!r} (subject {subject}), expected a number",
                        where=f"associations.{name}.column", hint="write n/a where it is missing; a score of "
                        "categories is no score: make it groups or a covariate")
    if abs(number) > _LARGEST or 0 < abs(number) < 1 / _LARGEST:
        raise DataError(f"the score '{column}' holds {cell} (subject {subject}), which cannot be computed with",
                        where=f"associations.{name}.column", hint="give the score in another unit")
    return number
