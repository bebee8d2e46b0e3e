"""Covariates as columns of the model: numbers as they are, words as dummies."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.types import NA, Exclusion

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
DECIMAL_COMMA = "write decimal points, not commas"


@dataclass(frozen=True, eq=False)
class Coded:
    """Coded covariates: values per column and subject, and what was said or left out on the way.

    ``terms`` has the positions of the columns of each covariate, several for words of more than two levels.
    """

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    terms: dict[str, tuple[int, ...]] = field(default_factory=dict)
    strata: dict[str, str] = field(default_factory=dict)
    incomplete: frozenset[str] = frozenset()
    exclusions: tuple[Exclusion, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; a dummy is ``covariate[level]``."""
        return tuple(self.values)

    def matrix(self, subjects: Sequence[str]) -> NDArray[np.float64]:
        """The columns for these subjects, shape (subjects, columns)."""
        data = [[column[s] for column in self.values.values()] for s in subjects]
        return np.array(data, dtype=np.float64).reshape(len(subjects), len(self.values))

    def places(self, subjects: Sequence[str]) -> NDArray[np.int64] | None:
        """The stratum of each of these subjects, as a number; None without strata."""
        if not self.strata:
            return None
        labels = sorted({self.strata[s] for s in subjects})
        return np.array([labels.index(self.strata[s]) for s in subjects], dtype=np.int64)


def code_covariates(table: pd.DataFrame | None, subjects: Sequence[str], strata: pd.Series | None = None) -> Coded:
    """Code the covariates and the stratum of these subjects.

    A subject with a missing covariate is left out and listed. A covariate without variation is left out with a
    warning. A text covariate becomes one dummy per level but the first in alphabetical order. So does the stratum, also
    one that is a number.

    Raises
    ------
    DataError
        A column mixes numbers and words, has numbers with a comma, is missing for everybody, or is both a covariate and
        the stratum.
    """
    cells = {} if table is None else {str(name): _cells(table[name], subjects) for name in table.columns}
    stratum = None if strata is None else str(strata.name or "stratum")
    if strata is not None and stratum is not None:
        if stratum in cells:
            raise DataError(f"'{stratum}' is a covariate and the stratum", where="groups.strata",
                            hint="leave it out of the covariates: strata enter the models anyway")
        cells[stratum] = _cells(strata, subjects)
    what = {name: f"stratum '{name}'" if name == stratum else f"covariate '{name}'" for name in cells}
    gone = [Exclusion("effects", s, reason=f"{what[name]} is missing", value=NA) for name, column in cells.items()
            for s in subjects if column[s] == NA]
    for name, column in cells.items():
        if subjects and all(cell == NA for cell in column.values()):
            raise DataError(f"the {what[name]} is missing for every subject",
                            where="groups.strata" if name == stratum else "groups.covariates",
                            hint="check that its subject labels are those of the responses")
    incomplete = frozenset(row.subject for row in gone)
    kept = [s for s in subjects if s not in incomplete]
    values: dict[str, dict[str, float]] = {}
    terms: dict[str, tuple[int, ...]] = {}
    warnings, notes = [], []
    for name, column in cells.items():
        before = len(values)
        levels = sorted({column[s] for s in kept})
        if len(levels) < 2:
            warnings.append(f"the {what[name]} does not vary and is left out of the model")
        elif name != stratum and _numeric(name, column, subjects):
            values[name] = {s: float(column[s]) for s in kept}
        else:
            for level in levels[1:]:
                values[f"{name}[{level}]"] = {s: float(column[s] == level) for s in kept}
            notes.append(f"the {what[name]} is dummy coded against '{levels[0]}'")
        if len(values) > before:
            terms[name] = tuple(range(before, len(values)))
    known = {s: cells[stratum][s] for s in kept} if stratum is not None else {}
    return Coded(values, terms, known, incomplete, tuple(gone), tuple(warnings), tuple(notes))


def _cells(column: pd.Series, subjects: Sequence[str]) -> dict[str, str]:
    index = {str(subject): cell for subject, cell in column.items()}
    found = {s: index.get(s, NA) for s in subjects}
    missing = ("", "n/a", "nan", "none", "<na>")
    return {s: NA if str(cell).strip().lower() in missing else str(cell).strip() for s, cell in found.items()}


def _numeric(name: str, column: dict[str, str], subjects: Sequence[str]) -> bool:
    commas = [s for s in subjects if comma_number(column[s])]
    if commas:
        raise DataError(f"the covariate '{name}' holds {column[commas[0]]!r} (subject {commas[0]})",
                        where="groups.covariates", hint=DECIMAL_COMMA)
    words = [s for s in subjects if column[s] != NA and not _is_number(column[s])]
    numbers = [s for s in subjects if column[s] != NA and _is_number(column[s])]
    if words and len(numbers) > len(words):
        raise DataError(f"the covariate '{name}' holds {column[words[0]]!r} (subject {words[0]}) among numbers",
                        where="groups.covariates", hint="write n/a where it is missing")
    return not words


def comma_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal comma."""
    return cell.count(",") == 1 and _is_number(cell.replace(",", "."))


def plain_number(cell: str) -> float:
    """The number in a cell; NaN when it is none. Unlike ``float``, ``1_0`` is not ten."""
    return float(cell) if _NUMBER.fullmatch(cell) else math.nan


def _is_number(cell: str) -> bool:
    return math.isfinite(plain_number(cell))
