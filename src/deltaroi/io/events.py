"""Events tables of task runs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.io.tsv import read_tsv
from deltaroi.remote import File, local
from deltaroi.types import NA

NOTES = "notes"


def read_events(path: File) -> pd.DataFrame:
    """Read an events table.

    Parameters
    ----------
    path : Path or RemoteFile
        ``*_events.tsv``; BOM, CRLF and blank last lines are tolerated.

    Returns
    -------
    DataFrame
        ``onset`` and ``duration`` float64 in s (NaN for ``n/a``), every other column text. Rows are sorted by onset,
        rows of one onset keep the order of the file, rows without an onset stand last; ``attrs["notes"]`` says when
        the file was in another order.

    Raises
    ------
    DataError
        The file cannot be read, has no onset or duration column, or a cell of these is not a number.
    """
    path = local(path)
    table = read_tsv(path)
    lacking = [name for name in ("onset", "duration") if name not in table.columns]
    if lacking:
        raise DataError(f"the events table has no column '{lacking[0]}'; the columns are "
                        f"{', '.join(map(str, table.columns))}", where=str(path),
                        hint="BIDS asks for onset and duration in s; `n/a` is allowed in a cell")
    table["onset"] = _seconds(table["onset"], path)
    table["duration"] = _seconds(table["duration"], path)
    onsets = table["onset"].to_numpy(np.float64)
    notes = () if np.all(np.diff(onsets[np.isfinite(onsets)]) >= 0) else ("the events file is not sorted by onset",)
    table = table.sort_values("onset", kind="stable", na_position="last", ignore_index=True)
    table.attrs[NOTES] = notes
    return table


def _seconds(cells: pd.Series, path: Path) -> FloatArray:
    values = np.full(len(cells), np.nan)
    for row, cell in enumerate(cells):
        if cell == NA:
            continue
        try:
            values[row] = float(cell)
        except ValueError:
            values[row] = np.inf
        if not np.isfinite(values[row]):
            raise DataError(f"row {row + 2}: {cells.name} {cell!r} is not a number of seconds", where=str(path),
                            hint="write seconds with a decimal point, or n/a")
    return values
