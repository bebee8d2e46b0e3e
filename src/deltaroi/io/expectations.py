"""What a study expects of a dataset as a whole, held against what is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from deltaroi.errors import DataError, StudyError, did_you_mean
from deltaroi.io.bids import BidsFile, Tree
from deltaroi.io.derivatives import is_leftover, is_preprocessed, run_of, space_of
from deltaroi.remote import RemoteDataset
from deltaroi.types import NA

_BEFORE = re.compile(r"pre|before|base|bl|screen|intake|first", re.IGNORECASE)
_AFTER = re.compile(r"post|after|last|final|end", re.IGNORECASE)
_LATER = re.compile(r"fu|follow|late|retention", re.IGNORECASE)


@dataclass(frozen=True)
class DatasetQuery:
    """Where to look for runs, and for which.

    Attributes
    ----------
    bids_dir, derivatives : Path or RemoteDataset
        The raw dataset and its fMRIPrep derivatives.
    task : str
        BIDS task label.
    space : str
        Template space; ``space:cohort-N`` where the template has cohorts.
    sessions : tuple of str
        Session labels in time order; empty for a dataset without sessions.
    resolution : str or None
        Label of ``res-``; ``native`` for images without it.
    subjects : tuple of str or None
        Only these; None means all.
    slice_time_ref : float or None
        Fraction of the TR; None reads it from the sidecars.
    every_session : bool
        Look in every session that has the task, instead of in ``sessions``.
    """

    bids_dir: Path | RemoteDataset
    derivatives: Path | RemoteDataset
    task: str
    space: str = "MNI152NLin2009cAsym"
    sessions: tuple[str, ...] = ()
    resolution: str | None = None
    subjects: tuple[str, ...] | None = None
    slice_time_ref: float | None = None
    every_session: bool = False

    @property
    def places(self) -> dict[str, Path | RemoteDataset]:
        """The datasets by their role."""
        return {"raw": self.bids_dir, "derivatives": self.derivatives}


def open_folder(folder: Path, where: str, inner: Sequence[str]) -> Path:
    """A folder that holds subjects.

    Raises
    ------
    DataError
        It does not exist, is a file, or holds no ``sub-`` folder; a folder inside it that does is named.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise DataError(f"{folder} {what}", where=where, hint="paths in the study file are relative to that file")
    if not _has_subjects(folder):
        below = [name for name in inner if (folder / name).is_dir() and _has_subjects(folder / name)]
        hint = f"did you mean {folder / below[0]}?" if below else "give the folder that holds sub-…/"
        raise DataError(f"{folder} holds no sub- folder", where=where, hint=hint)
    return folder


def _has_subjects(folder: Path) -> bool:
    try:
        return any(path.name.startswith("sub-") and path.is_dir() for path in folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder} cannot be listed: {error.strerror}", where="dataset",
                         hint="check the permissions") from error


def tasks_in(trees: Iterable[Tree]) -> Counter[str]:
    """Task labels and how many functional files carry them."""
    return Counter(f.get("task") for tree in trees for f in tree.files() if "task" in f.entities)


def sessions_in(trees: Iterable[Tree], task: str) -> Counter[tuple[str, str]]:
    """(Subject, session) -> runs of a task; session ``n/a`` where there is none."""
    runs: set[tuple[str, str, frozenset[tuple[str, str]]]] = set()
    for tree in trees:
        for file in tree.files():
            if _counts(file, task):
                runs.add((file.get("sub"), file.get("ses"), run_of(file)))
    return Counter((subject, session) for subject, session, _ in runs)


def _counts(file: BidsFile, task: str) -> bool:
    """Whether a file shows that its session holds a run of the task."""
    return file.get("task") == task and (file.suffix in ("bold", "events") or is_preprocessed(file)
                                         or is_leftover(file))


def check_expectations(query: DatasetQuery, raw: Tree, derived: Tree) -> tuple[str, ...]:
    """Hold task, sessions and space against the dataset.

    Returns
    -------
    tuple of str
        Warnings.

    Raises
    ------
    StudyError
        A task or session that nobody has, or sessions where the study has none (or the other way round).
    """
    tasks = tasks_in((raw, derived))
    if query.task not in tasks:
        known = sorted(tasks)
        raise StudyError(f"no functional file has the task '{query.task}'; the tasks are {', '.join(known) or 'none'}",
                         where="dataset.task", hint=did_you_mean(query.task, known) or "check bids_dir and derivatives")
    _check_sessions(query, {f.get("ses") for tree in (raw, derived) for f in tree.files() if _counts(f, query.task)})
    images = [f for f in derived.files() if f.get("task") == query.task and is_preprocessed(f)]
    if not images:
        minimal = any(is_leftover(f) for f in derived.files() if f.get("task") == query.task)
        return (("the derivatives hold no preprocessed BOLD of this task: fMRIPrep ran at its level minimal; run it "
                 "again with --level full") if minimal else
                "the derivatives hold no preprocessed BOLD of this task: run fMRIPrep on it",)
    spaces = Counter(space_of(f) for f in images)
    if query.space not in spaces:
        known = sorted(spaces)
        return (f"no image is in the space {query.space}; there are {', '.join(known)}: name one of them in "
                f"dataset.space, or run fMRIPrep again with --output-spaces {query.space}",)
    return ()


def _check_sessions(query: DatasetQuery, found: set[str]) -> None:
    known = ", ".join(sorted(s for s in found if s != NA))
    if not query.sessions and NA not in found:
        order = ", ".join(in_time_order(found))
        raise StudyError(f"the study lists no sessions, the files of the task have {known}", where="dataset.sessions",
                         hint=f"list them in time order, e.g. `sessions: [{order}]`")
    for session in query.sessions:
        if session in found:
            continue
        if not known:
            raise StudyError(f"the study lists the session '{session}', the files of the task have no ses-",
                             where="dataset.sessions", hint="write `sessions: []`")
        raise StudyError(f"no file of the task has the session '{session}'; the sessions are {known}",
                         where="dataset.sessions", hint=did_you_mean(session.removeprefix("ses-"), found) or
                         "list existing sessions, in time order")


def in_time_order(sessions: Iterable[str]) -> tuple[str, ...]:
    """Session labels in the order of time that their names suggest."""

    def rank(label: str) -> tuple[int, int, str]:
        number = re.search(r"\d+", label)
        stage = 0 if _BEFORE.match(label) else 2 if _AFTER.match(label) else 3 if _LATER.match(label) else 1
        return stage, int(number.group()) if number else 0, label

    return tuple(sorted(sessions, key=rank))
