"""Datasets whose files are named one by one in a table, each with its URL."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from deltaroi.errors import DataError, TableError, did_you_mean
from deltaroi.io.tsv import read_table
from deltaroi.remote import File, RemoteDataset, Route, is_url, remote_file
from deltaroi.tables import FILES

DATASETS = ("raw", "derivatives")


def read_index(path: Path, route: Route) -> dict[str, RemoteDataset]:
    """Read a table of files.

    Parameters
    ----------
    path : Path
        By the schema ``FILES``; paths on this machine are relative to it.
    route : Route
        How remote files are reached.

    Returns
    -------
    dict of str to RemoteDataset
        ``raw`` and ``derivatives``, those of which the table names files.

    Raises
    ------
    TableError
        The table cannot be read, or a row of it cannot be used.
    """
    table = read_table(path, FILES)
    found: dict[str, dict[str, File]] = {}
    for number, row in enumerate(table.to_dict("records"), start=1):
        dataset, place, url = (str(row[name]) for name in FILES.names)
        where = f"{path}: file {number}"
        if dataset not in DATASETS:
            raise TableError(f"dataset is '{dataset}'", where=where,
                             hint=did_you_mean(dataset, DATASETS) or "write raw or derivatives")
        parts = PurePosixPath(place).parts
        if place.startswith("/") or "\\" in place or not parts or any(part in ("..", ".") for part in parts):
            raise TableError(f"'{place}' is not a path within a dataset", where=where,
                             hint="write e.g. sub-01/func/sub-01_task-x_events.tsv")
        found.setdefault(dataset, {})["/".join(parts)] = _file(url, "/".join(parts), path.parent, route, where)
    return {name: RemoteDataset(f"{path.name} ({name})", files) for name, files in found.items()}


def _file(url: str, place: str, folder: Path, route: Route, where: str) -> File:
    if not is_url(url):
        return (folder / Path(url).expanduser()).resolve()
    try:
        return remote_file(url, place, route)
    except DataError as error:
        raise TableError(f"{error.where}: {error.message}", where=where, hint=error.hint) from error
