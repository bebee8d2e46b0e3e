"""Finding the runs of a study: preprocessed images, masks, confounds, events, timing; and everything that is not used.

Nothing is chosen silently: what does not become a run becomes an :class:`~deltaroi.types.Exclusion` whose reason says
what to do about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.io import derivatives as names
from deltaroi.io.bids import IMAGES, BidsFile, Tree, plain
from deltaroi.io.event_files import find_events, near_misses
from deltaroi.io.expectations import DatasetQuery, check_expectations, sessions_in
from deltaroi.io.files import content_state
from deltaroi.io.participants import ID, read_participants
from deltaroi.io.places import prepare, tree_of, with_sidecar
from deltaroi.io.sidecars import Sidecars, bold_sources, find_timing
from deltaroi.remote import File, RemoteFile, local, located, peek
from deltaroi.types import NA, Exclusion, RunKey

__all__ = ["DatasetQuery", "Inventory", "Run", "find_runs"]


@dataclass(frozen=True)
class Run:
    """One run that can be analysed.

    Attributes
    ----------
    key : RunKey
        What names it.
    bold : Path or RemoteFile
        The preprocessed image.
    mask, confounds, events : Path, RemoteFile or None
        What belongs to it; None where there is none.
    tr_s : float
        Repetition time in s, from the sidecars.
    slice_time_ref : float
        Time within a volume that its values stand for, as a fraction of the TR.
    space : str
        Template space of the image.
    notes : tuple of str
        Choices made on the way.
    """

    key: RunKey
    bold: File
    mask: File | None
    confounds: File | None
    events: File | None
    tr_s: float
    slice_time_ref: float
    space: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Inventory:
    """What a dataset holds for a study.

    Attributes
    ----------
    runs : tuple of Run
        In order of subject, session (as the study lists them) and run number.
    participants : DataFrame
        ``participants.tsv`` as text; ``participant_id`` without ``sub-``.
    exclusions : tuple of Exclusion
        What is not used, and why.
    warnings : tuple of str
        What to know about the dataset as a whole.
    """

    runs: tuple[Run, ...]
    participants: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]


@dataclass
class _Search:
    """One search: where to look, and what has been found so far."""

    query: DatasetQuery
    raw: Tree
    derived: Tree
    resolution: str | None = None
    sidecars: Sidecars = field(default_factory=Sidecars)
    runs: list[Run] = field(default_factory=list)
    exclusions: list[Exclusion] = field(default_factory=list)

    def lost(self, subject: str, session: str, run: str, reason: str, value: str = NA, threshold: str = NA,
             failure: bool = False) -> Exclusion:
        """The exclusion of a run (``n/a`` for a whole session)."""
        return Exclusion("inputs", subject, session, run, NA, reason, value, threshold, failure)


def find_runs(query: DatasetQuery) -> Inventory:
    """Find the runs of a study in a BIDS dataset and its fMRIPrep derivatives.

    Parameters
    ----------
    query : DatasetQuery
        Where to look and for what.

    Returns
    -------
    Inventory

    Raises
    ------
    StudyError
        A task, session or resolution that the study names does not exist; the message names those that do.
    DataError
        A folder does not exist or cannot be listed; ``participants.tsv`` cannot be read.
    """
    raw = tree_of(query.bids_dir, "dataset.bids_dir", ("derivatives",))
    derived = tree_of(query.derivatives, "dataset.derivatives", ("fmriprep", "derivatives/fmriprep"))
    search = _Search(query, raw, derived)
    if query.every_session:
        found = {session for _, session in sessions_in((search.raw, search.derived), query.task)} - {NA}
        search.query = query = replace(query, sessions=tuple(sorted(found)))
    warnings = check_expectations(query, search.raw, search.derived)
    here = [f for f in search.derived.files() if _of_task(f, query.task) and names.is_preprocessed(f)]
    search.resolution = names.choose_resolution((f for f in here if names.space_of(f) == query.space), query.resolution)
    prepare((raw, derived), query)
    participants, twice, notes = read_participants(query.bids_dir)
    search.exclusions += twice
    _compare_people(search, participants)
    closed = {**search.raw.closed, **search.derived.closed}
    search.exclusions += [search.lost(subject, NA, NA, why, failure=True) for subject, why in sorted(closed.items())]
    for subject in sorted(set(_subjects(search)) - {row.subject for row in twice} - set(closed)):
        for session in query.sessions or (NA,):
            _session(search, subject, session)
    _other_sessions(search)
    absent = [row.value for row in search.exclusions if "is not fetched" in row.reason]
    if absent:
        warnings = (*warnings, f"{len(absent)} run(s) lack content that git-annex has not fetched: in the dataset's "
                    f"folder, `datalad get {absent[0]}`{' and so on' if len(absent) > 1 else ''}")
    odd = [f"{name}: the name contradicts its folder; not used" for name in (*search.raw.odd, *search.derived.odd)]
    return Inventory(tuple(search.runs), participants, tuple(search.exclusions), (*warnings, *notes, *odd))


def _of_task(file: BidsFile, task: str) -> bool:
    return file.get("task") == task


def _subjects(search: _Search) -> list[str]:
    found = set(search.raw.subjects) | set(search.derived.subjects)
    return sorted(found if search.query.subjects is None else found & set(search.query.subjects))


def _compare_people(search: _Search, participants: pd.DataFrame) -> None:
    """Rows for people who are in one place only, or not asked for."""
    found = set(search.raw.subjects) | set(search.derived.subjects)
    listed = set(participants[ID])
    asked = search.query.subjects
    for subject in sorted(found | listed | set(asked or ())):
        if asked is not None and subject not in asked:
            reason = "not listed in dataset.subjects"
        elif subject not in found and subject in listed:
            reason = "is in participants.tsv but has no folder"
        elif subject not in found:
            reason = "is listed in dataset.subjects but is not in the dataset"
        else:
            continue
        search.exclusions.append(Exclusion("inputs", subject, reason=reason))


def _session(search: _Search, subject: str, session: str) -> None:
    """The runs of one session, and why the others are none."""
    query, lost = search.query, partial(search.lost, subject, session)
    derived = [f for f in search.derived.functional.get((subject, session), ()) if _of_task(f, query.task)]
    raw = [f for f in search.raw.functional.get((subject, session), ()) if _of_task(f, query.task)]
    images = [f for f in derived if names.is_preprocessed(f)]
    chosen, gone = names.choose_images(images, names.Wanted(query.space, search.resolution), lost)
    scans = [f for f in raw if f.suffix == "bold" and f.extension in IMAGES]
    partly = [f for f in derived if names.is_leftover(f)]
    sources = {names.run_of(f): f for f in (*partly, *scans)}
    prepared = {names.run_of(f) for f in images}
    leftovers = sorted({_shape(f) for f in partly})
    for run, source in sorted(sources.items(), key=lambda item: item[1].path.name):
        if run not in prepared:
            gone.append(lost(source.get("run"), _unprepared(leftovers), ", ".join(leftovers) or NA))
    for image in sorted(chosen, key=_run_number):
        _take(search, image, derived)
    known = prepared | set(sources)
    for events in (f for f in raw if f.suffix == "events" and f.extension == ".tsv"):
        if not any(events.identity(*names.MADE) <= run for run in known):
            gone.append(lost(events.get("run"), "an events file without a BOLD image", events.path.name))
    if not images and not sources and not gone:
        gone.append(lost(NA, "no scan of this task in this session", threshold=f"task {query.task}"))
    search.exclusions += gone


def _shape(file: BidsFile) -> str:
    """The part of a name that says what a file is, e.g. ``desc-hmc_boldref``."""
    parts = [f"{k}-{file.entities[k]}" for k in ("from", "to", "mode", "desc") if k in file.entities]
    return "_".join([*parts, file.suffix])


def _unprepared(leftovers: Sequence[str]) -> str:
    if leftovers:
        return "fMRIPrep left no preprocessed BOLD (its output level was minimal): run it again with --level full"
    return "no preprocessed BOLD: run fMRIPrep on this run"


def _run_number(file: BidsFile) -> tuple[int, str]:
    number = plain("run", file.get("run"))
    return (int(number) if number.isdecimal() else 0, number)


def _take(search: _Search, image: BidsFile, derived: Sequence[BidsFile]) -> None:
    """Make a run of a chosen image, or the exclusion that says what is wrong with it."""
    key = RunKey(image.get("sub"), image.get("ses"), search.query.task, image.get("run"))
    lost = partial(search.lost, key.subject, key.session, key.run)
    mask, confounds = names.find_mask(derived, image), names.find_confounds(derived, image)
    try:
        events, notes = find_events(search.raw, image)
        sources = bold_sources(search.raw, image)
        metadata = search.sidecars.inherited(search.derived, image.entities, image.suffix)
        timing = find_timing(metadata, [search.sidecars.inherited(search.raw, one) for one in sources],
                             search.query.slice_time_ref, key.label)
    except DataError as error:
        place = Path(error.where).name if "/" in error.where else NA
        reason = f"{error.message}: {error.hint}" if error.hint else error.message
        search.exclusions.append(lost(reason, place, failure=True))
        return
    for what, file in (("BOLD image", image), ("brain mask", mask), ("confounds table", confounds),
                       ("events file", events)):
        problem = _unreadable(search, what, file)
        if problem is not None:
            search.exclusions.append(lost(problem, _relative(search, file.path) if file else NA, failure=True))
            return
    if events is None:
        search.exclusions.append(lost("no events file applies to this run", near_misses(search.raw, image),
                                      f"*task-{key.task}*_events.tsv in the BIDS folder"))
        return
    if mask is None:
        notes.append("no brain mask beside the BOLD image")
    table = located(with_sidecar(confounds, derived)) if confounds else None
    search.runs.append(Run(key, located(image.path), located(mask.path) if mask else None, table,
                           located(events.path), timing.tr_s, timing.slice_time_ref, search.query.space,
                           (*notes, *timing.notes)))


def _unreadable(search: _Search, what: str, file: BidsFile | None) -> str | None:
    """What is wrong with a file's content, with what to do; None when it is there."""
    if file is None:
        return None
    if isinstance(file.path, RemoteFile):
        return _out_of_reach(what, file.path)
    try:
        state = content_state(file.path)
    except OSError as error:
        return f"the {what} cannot be read: {error.strerror}"
    if state == "ok":
        return None
    if state == "not fetched":
        return f"the content of the {what} is not fetched: `datalad get` the file"
    return f"the {what} is {'a broken link' if state == 'broken link' else state}"


def _out_of_reach(what: str, file: RemoteFile) -> str | None:
    """What is wrong with a remote file; None when it could be fetched, or its beginning if it is the image itself."""
    try:
        if what == "BOLD image":
            peek(file)
        else:
            local(file)
    except DataError as error:
        return f"the {what} cannot be read: {error.message}{f': {error.hint}' if error.hint else ''}"
    return None


def _relative(search: _Search, path: File) -> str:
    """A path within its dataset."""
    if isinstance(path, RemoteFile):
        return path.place
    roots = [tree.root for tree in (search.derived, search.raw) if path.is_relative_to(tree.root)]
    return path.relative_to(roots[0]).as_posix() if roots else path.name


def _other_sessions(search: _Search) -> None:
    """Rows for sessions of the task that the study does not list."""
    wanted, subjects = set(search.query.sessions or (NA,)), set(_subjects(search))
    for (subject, session), count in sorted(sessions_in((search.derived,), search.query.task).items()):
        if session not in wanted and subject in subjects:
            search.exclusions.append(search.lost(subject, session, NA, "session not listed in dataset.sessions",
                                                 f"{count} run(s)", ", ".join(search.query.sessions) or NA))
