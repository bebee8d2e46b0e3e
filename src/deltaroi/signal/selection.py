"""Choosing rows of an events table by the values of its columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.specs import Scalar


def select_rows(events: pd.DataFrame, where: Mapping[str, Scalar | list[Scalar]],
                place: str) -> NDArray[np.bool_]:
    """Rows whose columns all have one of the given values.

    Parameters
    ----------
    events : DataFrame
        An events table.
    where : mapping
        Column -> value or list of values. A number matches by value (``1`` matches ``1.0``), ``true`` matches ``1``
        and ``true``, everything else matches as text.
    place : str
        File or run, for messages.

    Returns
    -------
    ndarray of bool, shape (n_rows,)

    Raises
    ------
    DataError
        A column is absent.
    """
    rows = np.ones(len(events), dtype=bool)
    for column, wanted in where.items():
        cells = _cells(events, column, place)
        values: list[Scalar] = wanted if isinstance(wanted, list) else [wanted]
        rows &= np.fromiter((any(_matches(cell, value) for value in values) for cell in cells), np.bool_, len(cells))
    return rows


def numbers(events: pd.DataFrame, column: str, place: str) -> FloatArray:
    """A column as float64, shape (n_rows,); NaN where a cell is not a finite number."""
    values = [_number(cell) for cell in _cells(events, column, place)]
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _cells(events: pd.DataFrame, column: str, place: str) -> list[object]:
    if column not in events.columns:
        known = ", ".join(str(c) for c in events.columns)
        raise DataError(f"the events have no column '{column}'", where=place, hint=f"the columns are {known}")
    return list(events[column])


def _matches(cell: object, value: Scalar) -> bool:
    if isinstance(value, bool):
        return str(cell).strip().lower() in (("1", "1.0", "true") if value else ("0", "0.0", "false"))
    if isinstance(value, (int, float)):
        number = _number(cell)
        if number is not None:
            return number == float(value)
    return str(cell) == str(value)


def _number(cell: object) -> float | None:
    try:
        number = float(str(cell))
    except ValueError:
        return None
    return number if np.isfinite(number) else None
