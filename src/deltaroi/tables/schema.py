"""What a declared table is: columns, units, key; checked on write and on read.

A table is a plain :class:`pandas.DataFrame`; the schema is beside it, not inside it. In memory as on disk a missing
text is the string ``n/a`` (so that no ``groupby`` loses a row); a missing number is NaN in memory and ``n/a`` on disk.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from deltaroi.errors import TableError
from deltaroi.types import NA

CONFIRMATORY, EXPLORATORY = "confirmatory", "exploratory"
"""What stands in the column ``status`` of results where the study has a lock."""
STATUS = "status | text | | confirmatory: as frozen and leading its question; exploratory: not; n/a without a lock"
"""The line that declares that column."""
Kind = Literal["text", "number", "count", "flag"]


@dataclass(frozen=True)
class Column:
    """One column: ``number`` is float64 with NaN for missing, ``count`` int64 (float64 when any is missing)."""

    name: str
    kind: Kind
    description: str
    unit: str = ""
    missing: bool = True


@dataclass(frozen=True)
class Schema:
    """One table: its columns in order and the columns that name a row uniquely."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    def sidecar(self) -> dict[str, dict[str, str]]:
        """The BIDS JSON sidecar: description and unit per column."""
        return {
            c.name: {"Description": c.description, **({"Units": c.unit} if c.unit else {})} for c in self.columns
        }


def conform(frame: pd.DataFrame, schema: Schema, where: str = "") -> pd.DataFrame:
    """Check a table against its schema and return it in canonical form.

    Parameters
    ----------
    frame : DataFrame
        Has every declared column and no other.
    schema : Schema
        The declaration.
    where : str
        File or stage, for messages.

    Returns
    -------
    DataFrame
        Columns in declared order with declared types, rows sorted by key, fresh index.

    Raises
    ------
    TableError
        A missing or unknown column, a value of the wrong kind, a missing value where none may be, a repeated key.
    """
    place = where or schema.name
    lacking = [name for name in schema.names if name not in frame.columns]
    extra = [str(name) for name in frame.columns if name not in schema.names]
    if lacking or extra:
        raise TableError(f"missing columns {lacking}, unknown columns {extra}", where=place,
                         hint=f"the table '{schema.name}' has the columns {' '.join(schema.names)}")
    out = pd.DataFrame({c.name: _typed(frame[c.name], c, place) for c in schema.columns})
    out = out.sort_values(list(schema.key), kind="stable", na_position="last", ignore_index=True)
    repeated = out.duplicated(list(schema.key))
    if repeated.any():
        row = out.loc[repeated, list(schema.key)].iloc[0].to_dict()
        raise TableError(f"two rows have the same key {row}", where=place,
                         hint=f"a row of '{schema.name}' is named by {', '.join(schema.key)}")
    return out


def _typed(series: pd.Series, column: Column, place: str) -> pd.Series:
    """One column in its declared type."""
    out: pd.Series
    if column.kind == "text":
        cells = series.to_numpy(dtype=object)
        absent = pd.isna(cells)
        out = pd.Series([NA if gone else str(cell) for cell, gone in zip(cells, absent, strict=True)],
                        index=series.index, dtype="str")
        absent |= cells == NA
    elif column.kind == "flag":
        bad = [v for v in series.to_numpy(dtype=object) if not isinstance(v, (bool, np.bool_))]
        if bad:
            raise TableError(f"column '{column.name}' holds {bad[0]!r}, not true or false", where=place)
        out, absent = series.astype(bool), np.zeros(len(series), dtype=bool)
    else:
        try:
            out = pd.to_numeric(series).astype(np.float64)
        except (ValueError, TypeError) as error:
            raise TableError(f"column '{column.name}' is not numeric: {error}", where=place) from error
        absent = np.isnan(out.to_numpy())
        if column.kind == "count" and not absent.any():
            out = out.astype(np.int64)
    if not column.missing and absent.any():
        row = int(np.flatnonzero(absent)[0])
        raise TableError(f"column '{column.name}' is missing in row {row}", where=place)
    return out


def columns(text: str) -> tuple[Column, ...]:
    """Read a declaration block: ``name | kind[!] | unit | description`` per line; ``!`` forbids missing."""
    found = []
    for line in text.strip().splitlines():
        name, kind, unit, description = (part.strip() for part in line.split("|"))
        required = kind.endswith("!")
        found.append(Column(name, kind.rstrip("!"), description, unit, missing=not required))  # type: ignore[arg-type]
    return tuple(found)


def columns_hint(present: Iterable[str]) -> str:
    """What to say of a table that lacks a column: which it has, or what is wrong with its form."""
    names = [str(name) for name in present]
    if any(name.startswith('"') for name in names):
        return f"its columns are {', '.join(names)}; write the table without quotes (in R: quote = FALSE)"
    if len(names) == 1:
        for sign, word in ((",", "commas"), (";", "semicolons"), (" ", "spaces")):
            if sign in names[0]:
                return f"its header, {names[0]!r}, is one cell separated by {word}; save the table separated by tabs"
    return f"its columns are {', '.join(names)}"
