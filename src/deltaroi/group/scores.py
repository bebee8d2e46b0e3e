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
        values[name] = _values(name, spec, table, subjects)
        gone += [Exclusion("effects", s, reason=f"the score '{spec.score}' is missing: left out of the association "
                           f"'{name}'") for s in subjects if s not in values[name]]
        if len(set(values[name].values())) == 1:
            warnings.append(f"the score '{spec.score}' of the association '{name}' does not vary: nothing can be "
                            "tested with it")
    return Scores(values, tuple(gone), tuple(warnings))


def _values(name: str, spec: Association, table: pd.DataFrame | None, subjects: Sequence[str]) -> dict[str, float]:
    """The score of every subject that has it: the column, less that of ``minus`` where there is one."""
    found = _numbers(spec.column, table, subjects, f"associations.{name}.column")
    if spec.minus is None:
        return found
    less = _numbers(spec.minus, table, subjects, f"associations.{name}.minus")
    return {s: found[s] - less[s] for s in found if s in less}


def _numbers(column: str, table: pd.DataFrame | None, subjects: Sequence[str], where: str) -> dict[str, float]:
    if table is None or column not in table.columns:
        raise DataError(f"there is no column '{column}' with the score", where=where,
                        hint="name a column of the participants table")
    cells = text_cells(table[column], subjects)
    if subjects and all(cell == NA for cell in cells.values()):
        raise DataError(f"the score '{column}' is missing for every subject", where=where,
                        hint="check that its subject labels are those of the responses")
    return {s: number_of(cells[s], f"the score '{column}'", s, where) for s in subjects if cells[s] != NA}


def number_of(cell: str, what: str, subject: str, where: str) -> float:
    """The number in a cell of the participants table; ``what`` and ``where`` name it in errors.

    Raises
    ------
    DataError
        It is not a number, or one that cannot be computed with.
    """
    number = plain_number(cell)
    if not math.isfinite(number):
        raise DataError(f"{what} holds {cell!r} (subject {subject}), expected a number", where=where,
                        hint="write n/a where it is missing; categories are no numbers: make them groups or a "
                        "covariate")
    if abs(number) > _LARGEST or 0 < abs(number) < 1 / _LARGEST:
        raise DataError(f"{what} holds {cell} (subject {subject}), which cannot be computed with", where=where,
                        hint="give it in another unit")
    return number
