"""Tab-separated tables: reading anybody's, and reading and writing the declared ones."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd

from deltaroi.errors import TableError
from deltaroi.io.files import atomic_write, content_state, write_json
from deltaroi.remote import File, local
from deltaroi.tables import Schema, conform
from deltaroi.types import NA


def read_tsv(path: File) -> pd.DataFrame:
    """Read a table with every cell as text.

    Parameters
    ----------
    path : Path or RemoteFile
        A tab-separated file with a header; BOM, CRLF and blank last lines are tolerated.

    Returns
    -------
    DataFrame
        Columns of stripped text; ``n/a`` (also ``N/A``, ``NaN`` and an empty cell) stays the text ``n/a``.

    Raises
    ------
    TableError
        The file is missing, not fetched, not text, empty, has a repeated column or a row of the wrong length.
    """
    path = local(path)
    state = content_state(path)
    if state != "ok":
        hint = f"fetch its content, e.g. `datalad get {path.name}`" if state == "not fetched" else "check the path"
        found = "this is a folder" if path.is_dir() else state
        raise TableError(f"the table cannot be read: {found}", where=str(path), hint=hint)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError("the table is not UTF-8 text", where=str(path), hint="save it as UTF-8") from error
    except OSError as error:
        raise TableError(f"the table cannot be read: {error.strerror}", where=str(path)) from error
    if "\x00" in text:
        raise TableError("the table holds NUL bytes", where=str(path), hint="is this a text file?")
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [[cell.strip() for cell in line] for line in lines if any(cell.strip() for cell in line)]
    if not rows:
        raise TableError("the table has no header", where=str(path))
    header = rows[0]
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise TableError(f"the columns {twice} stand twice", where=str(path), hint="rename or remove one")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise TableError(f"row {number} has {len(row)} cells, the header {len(header)}", where=str(path),
                             hint="cells are separated by tabs, not spaces or commas")
    cells = [[NA if cell.lower() in ("", "n/a", "nan") else cell for cell in row] for row in rows[1:]]
    return pd.DataFrame(cells, columns=header, dtype="str")


def read_table(path: Path, schema: Schema) -> pd.DataFrame:
    """Read a declared table and check it; see :func:`deltaroi.tables.conform`."""
    raw = read_tsv(path)
    kinds = {column.name: column.kind for column in schema.columns}
    data = {name: _parse(raw[name], kinds.get(name, "text"), path) for name in raw.columns}
    return conform(pd.DataFrame(data), schema, str(path))


def _parse(cells: pd.Series, kind: str, path: Path) -> pd.Series:
    if kind == "text":
        return cells
    if kind == "flag":
        unknown = sorted(set(cells) - {"true", "false"})
        if unknown:
            raise TableError(f"column '{cells.name}' holds {unknown[0]!r}, not true or false", where=str(path))
        return cells == "true"
    try:
        return cells.where(cells != NA, "nan").astype(np.float64)
    except ValueError as error:
        raise TableError(f"column '{cells.name}' is not numeric: {error}", where=str(path)) from error


def format_table(frame: pd.DataFrame) -> str:
    """The text of a table: tabs, ``%.10g``, ``n/a`` for missing, ``true``/``false``."""
    columns = [[_cell(value) for value in frame[name].to_numpy(dtype=object)] for name in frame.columns]
    rows = [[str(name) for name in frame.columns], *zip(*columns, strict=True)]
    return "".join("\t".join(row) + "\n" for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return NA if np.isnan(value) else f"{float(value) + 0.0:.10g}"
    if value is None or value is pd.NA:
        return NA
    return " ".join(str(value).split()) or NA


def write_table(frame: pd.DataFrame, schema: Schema, path: Path) -> pd.DataFrame:
    """Check a declared table, write it atomically with its JSON sidecar, and return it as written.

    Parameters
    ----------
    frame : DataFrame
        The table.
    schema : Schema
        Its declaration.
    path : Path
        A ``.tsv`` file; the sidecar lies beside it.
    """
    table = conform(frame, schema, str(path))
    atomic_write(path, format_table(table).encode())
    write_json(path.with_suffix(".json"), schema.sidecar())
    return table
