"""What a dataset holds that a study file could say; every choice here is a guess for a person to check."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.io.bids import Tree
from deltaroi.io.derivatives import is_preprocessed, resolution_of, space_of
from deltaroi.io.expectations import in_time_order, sessions_in
from deltaroi.io.participants import ID, read_participants
from deltaroi.io.places import Place, top_file, tree_of
from deltaroi.io.sidecars import read_json
from deltaroi.io.tsv import read_tsv
from deltaroi.remote import RemoteDataset, prefetch
from deltaroi.types import NA

USUAL_SPACES = ("MNI152NLin2009cAsym", "MNI152NLin6Asym")
_FILES, _MOST_LEVELS = 60, 8
_GROUP = re.compile(r"group|condition|arm|treatment|intervention|cohort|diagnosis|allocation|training", re.IGNORECASE)
_NOT_GROUP = {"age", "sex", "gender", "qc", "note", "ses", "site", "scanner"}
_REFERENCE = re.compile(r"control|ctrl|wait|placebo|sham|passive|usual|decrease|hc$|healthy|active", re.IGNORECASE)
_UNSURE = re.compile(r"unknown|other|none|excluded|missing", re.IGNORECASE)


@dataclass(frozen=True)
class Findings:
    """What was found.

    Attributes
    ----------
    tasks : mapping of str to int
        Task -> events files.
    task : str
        The task with the most events files.
    sessions : tuple of str
        Sessions of that task, in the order of time that their names suggest.
    derivatives : Path, RemoteDataset or None
        The derivatives.
    made_by : str
        Their maker and its version.
    spaces, resolutions : mapping of str to int
        Preprocessed images of the task per space, and per resolution in the space that would be read.
    columns : mapping of str to (tuple of str)
        Columns of ``participants.tsv`` that could say who is in which group -> their labels; the likeliest first.
    trial_types : mapping of str to int
        Labels of the events and how often they occur.
    event_columns : mapping of str to (tuple of str)
        Other columns of the events -> their values, where these are few; an empty tuple where they are many.
    """

    tasks: dict[str, int]
    task: str
    sessions: tuple[str, ...]
    derivatives: Place | None
    made_by: str
    spaces: dict[str, int]
    resolutions: dict[str, int]
    columns: dict[str, tuple[str, ...]]
    trial_types: dict[str, int] = field(default_factory=dict)
    event_columns: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def space(self) -> str:
        """The space that would be read."""
        return next((s for s in (*USUAL_SPACES, *self.spaces) if s in self.spaces), USUAL_SPACES[0])


def look(bids_dir: Place, derivatives: Place | None) -> Findings:
    """Look at a dataset.

    Raises
    ------
    DataError
        A folder does not exist or holds no subjects.
    """
    raw = tree_of(bids_dir, "BIDS_DIR", ("bids", "rawdata"))
    folder = derivatives or (_find_derivatives(bids_dir) if isinstance(bids_dir, Path) else None)
    derived = tree_of(folder, "--derivatives", ("fmriprep",)) if folder else None
    trees = [tree for tree in (raw, derived) if tree is not None]
    tasks = _tasks(trees)
    task = min(tasks, key=lambda name: (-tasks[name], name == "rest", name)) if tasks else "TASK"
    sessions = {session for _, session in sessions_in(trees, task)} - {NA}
    images = [f for f in derived.files() if f.get("task") == task and is_preprocessed(f)] if derived else []
    spaces = dict(sorted(Counter(map(space_of, images)).items()))
    trial_types, others = _events(raw, task)
    found = Findings(tasks, task, in_time_order(sessions), folder, _maker(folder), spaces, {},
                     _group_columns(bids_dir), trial_types, others)
    resolutions = Counter(resolution_of(f) for f in images if space_of(f) == found.space)
    found.resolutions.update(sorted(resolutions.items()))
    return found


def in_group_order(labels: Iterable[str]) -> tuple[str, ...]:
    """Group labels, those that sound like a reference last."""
    return tuple(sorted(labels, key=lambda label: (bool(_REFERENCE.search(label)), label)))


def is_unsure(label: str) -> bool:
    """Whether a label sounds like no group at all."""
    return bool(_UNSURE.fullmatch(label))


def _find_derivatives(bids_dir: Path) -> Path | None:
    """The first usual place that holds fMRIPrep's subjects."""
    here = bids_dir.resolve()
    inside = sorted((here / "derivatives").glob("*fmriprep*")) if (here / "derivatives").is_dir() else []
    beside = [here.parent / f"{here.name}-fmriprep", here.parent / "derivatives" / "fmriprep", here.parent / "fmriprep"]
    for folder in (*inside, *beside, here / "derivatives"):
        if folder.is_dir() and any(path.is_dir() for path in folder.glob("sub-*")):
            return folder
    return None


def _maker(folder: Place | None) -> str:
    try:
        path = top_file(folder, "dataset_description.json") if folder else None
        data = read_json(path) if path else {}
    except DataError:
        return ""
    makers = data.get("GeneratedBy")
    first = makers[0] if isinstance(makers, list) and makers and isinstance(makers[0], dict) else {}
    return f"{first.get('Name', '')} {first.get('Version', '')}".strip()


def _tasks(trees: Sequence[Tree]) -> dict[str, int]:
    """Task -> events files; tasks with images alone count 0."""
    counts: Counter[str] = Counter()
    for tree in trees:
        for file in (*tree.files(), *(f for level in tree.above.values() for f in level)):
            task = file.entities.get("task", "")
            events = file.suffix == "events" and file.extension == ".tsv"
            if re.fullmatch("[A-Za-z0-9]+", task) and (events or file.suffix == "bold" or is_preprocessed(file)):
                counts[task] += events
    return dict(sorted(counts.items()))


def _group_columns(bids_dir: Place) -> dict[str, tuple[str, ...]]:
    """Columns that could be the group, the likeliest first."""
    table, _, _ = read_participants(bids_dir)
    found = {}
    for name in table.columns:
        labels = set(table[name]) - {NA}
        if name != ID and 2 <= len(labels) <= _MOST_LEVELS:
            found[str(name)] = in_group_order(labels)
    return dict(sorted(found.items(), key=lambda item: unlikely_group(item[0])))


def unlikely_group(column: str) -> int:
    """How unlikely a column's name is for a group: 0 it is one's name, 1 one's name is in it, 2 neither."""
    words = set(re.split(r"[^a-z]+", column.lower()))
    if _GROUP.fullmatch(column):
        return 0
    return 1 if any(_GROUP.fullmatch(word) for word in words) and not words & _NOT_GROUP else 2


def _events(raw: Tree, task: str) -> tuple[dict[str, int], dict[str, tuple[str, ...]]]:
    """Trial types with counts, and the values of the other columns, of the first readable events files."""
    types: Counter[str] = Counter()
    values: dict[str, set[str]] = {}
    everything = (*raw.files(), *(f for level in raw.above.values() for f in level))
    files = [f.path for f in everything if f.suffix == "events" and f.extension == ".tsv" and f.get("task") == task]
    some = files[::max(1, len(files) // _FILES)][:_FILES]
    prefetch(some, ())
    for path in some:
        try:
            table = read_tsv(path)
        except DataError:
            continue
        for name in map(str, table.columns):
            cells = [cell for cell in table[name] if cell != NA]
            if name == "trial_type":
                types.update(cells)
            elif name not in ("onset", "duration"):
                values.setdefault(name, set()).update(cells)
    few = {name: tuple(sorted(v)) if len(v) <= _MOST_LEVELS else () for name, v in values.items()}
    return dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))), few


def relative(place: Place, base: Path) -> str:
    """A place as it is written in a study file in ``base``."""
    if isinstance(place, RemoteDataset):
        return place.root
    path = place
    return Path(os.path.relpath(path.resolve(), base.resolve())).as_posix()
