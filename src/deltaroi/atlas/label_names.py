"""The tables of label names that come with the atlases: lines of text, most without a header."""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path

from deltaroi.errors import TableError
from deltaroi.types import label_id

_COLOUR = re.compile(r"(\s+\d{1,3}){4}\s*$")
_AGAIN = "remove the file and fetch or install the atlas again; if it is like that there, name the labels by `ids:`"


@lru_cache(maxsize=4)
def label_names(path: Path, state: tuple[int, int]) -> dict[str, int]:
    """Label name -> id.

    Parameters
    ----------
    path : Path
        Lines of an id and a name, with a tab or a comma behind the id, or else blanks; then the name is the rest of the
        line, without a colour of four numbers as FreeSurfer writes it. Empty lines, lines that begin with ``#`` and a
        header in the first of the others are passed over.
    state : tuple of int
        Size and time of the file, so that one that was replaced is read again.

    Raises
    ------
    TableError
        It is not text, a line is something else, or an id or a name stands twice.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (UnicodeDecodeError, OSError) as error:
        raise TableError(f"the table of labels cannot be read as UTF-8 text: {error}", where=str(path),
                         hint=_AGAIN) from error
    found: dict[str, int] = {}
    seen: dict[int, int] = {}
    first: dict[str, int] = {}
    filled = [(number, line.strip()) for number, line in enumerate(lines, start=1) if line.strip()]
    for row, (number, text) in enumerate((n, t) for n, t in filled if not t.startswith("#")):
        where = f"{path}, line {number}"
        left, name = _cells(text)
        index = label_id(left)
        if index is None and row == 0:
            continue
        if index is None or not name:
            raise TableError(f"found {text!r}, expected the id of a label and its name", where=where, hint=_AGAIN)
        if index in seen:
            raise TableError(f"found the label {index} again, expected each once; it stands in line {seen[index]} too",
                             where=where, hint=_AGAIN)
        if name in first:
            raise TableError(f"found the name {name!r} again, expected each once; it stands in line {first[name]} too",
                             where=where, hint=_AGAIN)
        found[name], seen[index], first[name] = index, number, number
    return found


def _cells(line: str) -> tuple[str, str]:
    """The cells of id and name."""
    for sign in ("\t", ","):
        cells = next(csv.reader([line], delimiter=sign))
        if len(cells) > 1 and label_id(cells[0]) is not None:
            return cells[0], cells[1].strip()
    left, *rest = line.split(maxsplit=1)
    return left, _COLOUR.sub("", f" {rest[0]}").strip() if rest else ""
