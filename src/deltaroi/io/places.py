"""Datasets wherever they are: a folder, or a list of files behind URLs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.io.bids import IMAGES, BidsFile, Tree, bids_file, is_label, scan
from deltaroi.io.derivatives import is_preprocessed, space_of
from deltaroi.io.expectations import DatasetQuery, open_folder
from deltaroi.remote import File, RemoteDataset, RemoteFile, local, prefetch
from deltaroi.types import NA

Place = Path | RemoteDataset
_SMALL = {".tsv": ("participants", "events", "timeseries", "regressors", "confounds"),
          ".json": ("bold", "timeseries", "regressors", "description"),
          ".nii": ("mask", "brainmask"), ".nii.gz": ("mask", "brainmask")}


def tree_of(place: Place, where: str, inner: Sequence[str]) -> Tree:
    """The files of a dataset.

    Parameters
    ----------
    place : Path or RemoteDataset
        Where it is.
    where : str
        Who says so, for messages.
    inner : sequence of str
        Folders inside it that may have been meant instead.

    Raises
    ------
    DataError
        It does not exist, or holds no ``sub-`` folder; a folder inside it that does is named.
    """
    return scan(open_folder(place, where, inner)) if isinstance(place, Path) else _sorted_in(place, where, inner)


def top_file(place: Place, name: str) -> Path | None:
    """A file at the top of a dataset, fetched where it is not on this machine; None where there is none.

    Raises
    ------
    DataError
        It cannot be fetched.
    """
    if isinstance(place, RemoteDataset):
        found = place.files.get(name)
        return None if found is None else local(found)
    path = place / name
    return path if path.exists() or path.is_symlink() else None


def _sorted_in(dataset: RemoteDataset, where: str, inner: Sequence[str]) -> Tree:
    """The listed files in their folders; as :func:`deltaroi.io.bids.scan` finds them in a real one."""
    functional: dict[tuple[str, str], list[BidsFile]] = {}
    above: dict[tuple[str, ...], list[BidsFile]] = {(): []}
    odd: list[str] = []
    for place, file in sorted(dataset.files.items()):
        *folders, name = place.split("/")
        labels = [folder.partition("-")[2] for folder in folders if folder.startswith(("sub-", "ses-"))]
        in_func = folders[-1:] == ["func"]
        expected = [f"{kind}-{label}" for kind, label in zip(("sub", "ses"), labels, strict=False)]
        if folders != [*expected, *(["func"] if in_func else [])] or not all(map(is_label, labels)) or \
                (in_func and not labels) or (not folders and name.startswith("sub-")):
            continue
        found = bids_file(file, name)
        if found is None:
            continue
        if not in_func:
            above.setdefault(tuple(labels), []).append(found)
            continue
        subject, session = [*labels, NA][:2]
        if (found.get("sub"), found.get("ses")) == (subject, session):
            functional.setdefault((subject, session), []).append(found)
        elif found.suffix in ("bold", "events"):
            odd.append(place)
    first = {place.partition("/")[0] for place in dataset.files if "/" in place}
    subjects = sorted(name[4:] for name in first if name.startswith("sub-") and is_label(name[4:]))
    if not subjects:
        below = [name for name in inner if any(p.startswith(f"{name}/sub-") for p in dataset.files)]
        hint = f"did you mean {dataset.root}/{below[0]}?" if below else "give the address that holds sub-…/"
        raise DataError(f"{dataset.root} holds no sub- folder", where=where, hint=hint)
    return Tree(Path(), {key: tuple(files) for key, files in functional.items()},
                {key: tuple(files) for key, files in above.items()}, tuple(subjects), tuple(odd))


def prepare(trees: Iterable[Tree], query: DatasetQuery) -> None:
    """Fetch what a search will read of remote files, several at once: tables, sidecars, masks, beginnings of images.

    Parameters
    ----------
    trees : iterable of Tree
        The raw dataset and its derivatives.
    query : DatasetQuery
        What is searched for.
    """
    small: list[File] = []
    images: list[File] = []
    for tree in trees:
        for file in (*tree.files(), *(f for level in tree.above.values() for f in level)):
            if isinstance(file.path, Path) or not _asked(file, query):
                continue
            if file.extension in IMAGES and is_preprocessed(file):
                images.append(file.path)
            elif file.suffix in _SMALL.get(file.extension, ()):
                small.append(file.path)
    prefetch(small, images)


def _asked(file: BidsFile, query: DatasetQuery) -> bool:
    """Whether a file may belong to a run that is searched for."""
    subjects, sessions = query.subjects, query.sessions
    return file.get("task") in (query.task, NA) and \
        ("space" not in file.entities or space_of(file) == query.space) and \
        (subjects is None or file.get("sub") in (*subjects, NA)) and \
        (query.every_session or not sessions or file.get("ses") in (*sessions, NA))


def with_sidecar(confounds: BidsFile, files: Iterable[BidsFile]) -> File:
    """A confounds table together with its JSON sidecar, which is read beside it."""
    if isinstance(confounds.path, Path):
        return confounds.path
    name = confounds.path.name.removesuffix(".tsv") + ".json"
    beside = tuple(f.path for f in files if isinstance(f.path, RemoteFile) and f.path.name == name)
    return replace(confounds.path, beside=beside)
