"""Tables of label names, as in BIDS ``*_dseg.tsv``."""

from __future__ import annotations

from pathlib import Path

from deltaroi.errors import TableError
from deltaroi.io.tsv import read_tsv
from deltaroi.tables import columns_hint


def read_label_table(path: Path, where: str) -> dict[str, int]:
    """Label name -> id.

    Parameters
    ----------
    path : Path
        Tab-separated, with the columns ``index`` and ``name``; others are not used.
    where : str
        How messages call it.

    Raises
    ------
    TableError
        It cannot be read, lacks a column, or a name or id is not what it must be.
    """
    table = read_tsv(path)
    lacking = [name for name in ("index", "name") if name not in table.columns]
    if lacking:
        raise TableError(f"the table of labels has no column {' or '.join(map(repr, lacking))}", where=where,
                         hint=columns_hint(table.columns))
    found: dict[str, int] = {}
    for number, (index, name) in enumerate(zip(table["index"], table["name"], strict=True), start=2):
        if not index.isdecimal():
            raise TableError(f"row {number}: the index is {index!r}, expected a whole number", where=where)
        if name in found:
            raise TableError(f"row {number}: the name {name!r} stands twice", where=where, hint="give ids instead")
        found[name] = int(index)
    return found
