"""The table of maps."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pandas as pd

from deltaroi.errors import DataError, TableError
from deltaroi.io.tsv import read_tsv
from deltaroi.masks.images import user_path
from deltaroi.remote import File, RemoteFile, Route, is_url, located, remote_file
from deltaroi.tables import columns_hint
from deltaroi.types import NA

REQUIRED = ("subject", "contrast", "path")
OPTIONAL = ("session", "variance_path", "task", "group", "unit")
UNIT = "as in the map"


@dataclass(frozen=True)
class MapFile:
    """A map's file, as written in the table, and which of its volumes (None: it has one)."""

    text: str
    path: File
    volume: int | None = None

    @property
    def shown(self) -> str:
        """How tables call it: as written; of a path that is not relative only the file's name, of a URL no query."""
        if isinstance(self.path, RemoteFile):
            return str(self.path) if self.volume is None else f"{self.path},{self.volume}"
        return Path(self.text).name if Path(self.text).is_absolute() or self.text.startswith("~") else self.text


@dataclass(frozen=True)
class MapRow:
    """One row of the table: ``number`` counts from 2, the line after the header."""

    number: int
    subject: str
    session: str
    task: str
    contrast: str
    group: str
    unit: str
    file: MapFile
    variance: MapFile | None

    def located(self) -> MapRow:
        """The row with the state of remote maps, once their beginnings were read."""
        variance = None if self.variance is None else replace(self.variance, path=located(self.variance.path))
        return replace(self, file=replace(self.file, path=located(self.file.path)), variance=variance)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the row."""
        return (self.subject, self.session, self.task, self.contrast)


def read_maps(maps: Path | pd.DataFrame, base: Path | None = None,
              route: Route | None = None) -> tuple[tuple[MapRow, ...], tuple[str, ...]]:
    """The rows of a table of maps, and what to know about it.

    Parameters
    ----------
    maps : Path or DataFrame
        Columns ``subject contrast path`` and, if there are, ``session variance_path task group unit``.
    base : Path, optional
        Folder that relative paths start from; by default that of the table, or the current one.
    route : Route, optional
        How remote maps are reached.

    Returns
    -------
    rows : tuple of MapRow
        In the table's order.
    notes : tuple of str

    Raises
    ------
    TableError
        A column is missing, a cell that names the row is empty, a row stands twice, or a subject has two groups.
    """
    where = str(maps) if isinstance(maps, Path) else "maps"
    table = read_tsv(maps) if isinstance(maps, Path) else _as_text(maps)
    folder = base or (maps.parent if isinstance(maps, Path) else Path())
    lacking = [name for name in REQUIRED if name not in table.columns]
    if lacking:
        raise TableError(f"missing columns {lacking}", where=where, hint=f"{columns_hint(table.columns)}; a table of "
                         "maps has the columns subject session contrast path [variance_path]")
    if table.empty:
        raise TableError("the table has no rows", where=where)
    rows = tuple(_row({str(k): v for k, v in cells.items()}, number, partial(_file, folder, route), where)
                 for number, cells in enumerate(table.to_dict("records"), start=2))
    _refuse_repeats(rows, where)
    unknown = [str(name) for name in table.columns if name not in REQUIRED + OPTIONAL]
    notes = [f"columns not used: {', '.join(unknown)}"] if unknown else []
    return rows, tuple(notes + _shared_files(rows))


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.apply(lambda column: pd.Series([NA if pd.isna(v) or str(v) == "" else str(v) for v in column],
                                                index=column.index, dtype="str"))


def _row(cells: dict[str, str], number: int, file: Callable[[str], MapFile], where: str) -> MapRow:
    for name in REQUIRED:
        if cells[name] == NA:
            raise TableError(f"row {number} has no {name}", where=where)
    variance = cells.get("variance_path", NA)
    try:
        map_file = file(cells["path"])
        variance_file = None if variance == NA else file(variance)
    except DataError as error:  # of a URL
        raise TableError(f"row {number}: {error.where}: {error.message}", where=where, hint=error.hint) from error
    return MapRow(
        number, cells["subject"].removeprefix("sub-"), cells.get("session", NA).removeprefix("ses-"),
        cells.get("task", NA).removeprefix("task-"), cells["contrast"], cells.get("group", NA),
        UNIT if cells.get("unit", NA) == NA else cells["unit"], map_file, variance_file)


def _file(folder: Path, route: Route | None, text: str) -> MapFile:
    """A path or URL, or SPM's ``path,volume`` with volumes counted from 1."""
    if is_url(text):
        image = re.fullmatch(r"(.+\.nii(?:\.gz)?),(\d+)", text)
        return MapFile(text, remote_file(image[1] if image else text, route=route), int(image[2]) if image else None)
    numbered = re.fullmatch(r"(.+),(\d+)", text)
    if numbered and not user_path(folder, text).exists():
        return MapFile(text, user_path(folder, numbered[1]), int(numbered[2]))
    return MapFile(text, user_path(folder, text))


def _refuse_repeats(rows: tuple[MapRow, ...], where: str) -> None:
    first: dict[tuple[str, str, str, str], int] = {}
    groups: dict[str, MapRow] = {}
    for row in rows:
        if first.setdefault(row.key, row.number) != row.number:
            raise TableError(
                f"rows {first[row.key]} and {row.number} are both subject {row.subject}, session {row.session}, "
                f"contrast {row.contrast}", where=where, hint="one map per subject, session and contrast")
        other = groups.setdefault(row.subject, row)
        if other.group != row.group:
            raise TableError(f"subject {row.subject} is in group {other.group} (row {other.number}) and in {row.group} "
                             f"(row {row.number})", where=where, hint="one group per subject")


def _shared_files(rows: tuple[MapRow, ...]) -> list[str]:
    """Rows that name the same file: allowed, but rarely meant."""
    by_file: dict[tuple[File, int | None], list[int]] = {}
    for row in rows:
        by_file.setdefault((row.file.path, row.file.volume), []).append(row.number)
    return [f"rows {', '.join(map(str, numbers))} name the same file" for numbers in by_file.values()
            if len(numbers) > 1]
