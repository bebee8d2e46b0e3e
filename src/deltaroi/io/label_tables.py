"""Tables of label names, as in BIDS ``*_dseg.tsv``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltaroi.errors import TableError
from deltaroi.io.tsv import read_tsv
from deltaroi.tables import columns_hint
from deltaroi.types import NA, label_id


@dataclass(frozen=True)
class Label:
    """One label: its id and name, its hemisphere as written (``n/a``: not said), and where the row stands."""

    index: int
    name: str
    hemisphere: str
    where: str


def read_labels_of(path: Path, where: str) -> tuple[Label, ...]:
    """The rows of a table of labels.

    Parameters
    ----------
    path : Path
        Tab-separated, with the columns ``index`` and ``name`` and, if there is, ``hemisphere``; others are not used.
    where : str
        How messages call it.

    Raises
    ------
    TableError
        It cannot be read, lacks a column, an id is not a whole number or stands twice, or a label other than the
        background (0) has no name.
    """
    table = read_tsv(path)
    lacking = [name for name in ("index", "name") if name not in table.columns]
    if lacking:
        raise TableError(f"the table of labels has no column {' or '.join(map(repr, lacking))}", where=where,
                         hint=f"{columns_hint(table.columns)}; needed are index, name and, if you like, hemisphere")
    found: dict[int, Label] = {}
    for number, cells in enumerate(table.to_dict("records"), start=2):
        place = f"{where}, row {number}"
        index = label_id(cells["index"])
        if index is None:
            raise TableError(f"the index is {cells['index']!r}, expected a whole number", where=place,
                             hint="give the number that the label has in the image")
        if index in found:
            raise TableError(f"the index {index} stands twice, for {found[index].name!r} and {cells['name']!r}",
                             where=place, hint="one row per label")
        if cells["name"] == NA and index:
            raise TableError(f"the label {index} has no name", where=place, hint="name it, or remove the row")
        found[index] = Label(index, cells["name"], cells.get("hemisphere", NA), place)
    return tuple(found.values())


def read_label_table(path: Path, where: str) -> dict[str, int]:
    """Label name -> id, whatever the hemispheres; the parameters are those of :func:`read_labels_of`.

    Raises
    ------
    TableError
        As :func:`read_labels_of`, or a name stands twice.
    """
    found: dict[str, int] = {}
    for label in read_labels_of(path, where):
        if label.name in found:
            raise TableError(f"the name {label.name!r} stands twice, for the labels {found[label.name]} and "
                             f"{label.index}", where=label.where, hint="say `ids:` instead of `names:`")
        found[label.name] = label.index
    return found
