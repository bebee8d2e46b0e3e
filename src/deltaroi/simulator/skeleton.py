"""A real BIDS folder (texts only will do) whose people, sessions, events and gaps the simulation takes over."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DataError, StudyError, TableError
from deltaroi.io.files import content_state
from deltaroi.io.tsv import read_tsv
from deltaroi.simulator.bold import Train
from deltaroi.simulator.events import TAIL_S, end_s, train
from deltaroi.simulator.scheme import PlannedRun, Scheme
from deltaroi.specs import Simulation
from deltaroi.types import NA, RunKey

_NAME = re.compile(r"((?:[A-Za-z0-9]+-[A-Za-z0-9+]+_)*)(bold|events)((?:\.[A-Za-z0-9]+)+)")
_BOLD = (".nii", ".nii.gz")
_FEWEST_VOLUMES = 20
Entities = dict[str, str]


@dataclass(frozen=True)
class _File:
    """A bold or events file by its BIDS name; ``echo`` and ``part`` are not part of what names a run."""

    path: str
    entities: Entities
    suffix: str
    extension: str
    echo: int

    @property
    def stem(self) -> str:
        return _stem(self.entities)

    @property
    def depth(self) -> int:
        return self.path.count("/")

    def applies_to(self, entities: Entities) -> bool:
        """The inheritance rule: every entity it has, the other has too, with the same value."""
        return all(name in entities and _same(name, value, entities[name]) for name, value in self.entities.items())


def overlay(study: Study, simulation: Simulation, root: Path, subjects: list[str] | None) -> Scheme:
    """Take people, sessions, runs and events from a real dataset.

    Parameters
    ----------
    study, simulation : Study, Simulation
        What is asked for; the task and the sessions (all, when none are listed) choose the runs.
    root : Path
        The BIDS folder. Where ``annexed_files.tsv`` (column ``path``) lies beside it, or images or links to them lie in
        it, they say which runs have BOLD: those, and no others, get derivatives. Otherwise every run with events does.
    subjects : list of str, optional
        Only these labels.

    Raises
    ------
    DataError
        The folder or its participants cannot be read, or no run of the task is in it.
    """
    if not root.is_dir():
        raise DataError("the skeleton is not a folder", where=str(root), hint="give a BIDS folder")
    files = _listed(root, study.dataset.task)
    groups, people = _people(study, root)
    order = sorted({file.entities["sub"] for file in files if "sub" in file.entities})
    notes: list[str] = []
    kept = _runs(files, study, subjects, notes)
    if not kept:
        raise DataError(f"no run of the task '{study.dataset.task}' with these subjects and sessions",
                        where=str(root), hint="read dataset.task, dataset.sessions and the subjects asked for")
    near = {entities["sub"]: [f for f in files if f.entities.get("sub") in (None, entities["sub"])]
            for entities in kept}
    runs, trial_types = [], dict.fromkeys(study.conditions)
    for entities in kept:
        subject, stem = entities["sub"], _stem(entities)
        frame = _events(root, near[subject], entities, notes)
        if "trial_type" in frame.columns:
            trial_types |= dict.fromkeys(sorted(set(frame["trial_type"]) - {NA}))
        tr_s = _repetition_time(root, near[subject], entities)
        if tr_s is None:
            tr_s = simulation.tr_s
            notes.append(f"{stem}: no sidecar states a repetition time; simulated with {tr_s:g} s")
        n_volumes = simulation.volumes or max(_FEWEST_VOLUMES, math.ceil((end_s(frame) + TAIL_S) / tr_s))
        key = RunKey(subject, entities.get("ses", NA), study.dataset.task, entities.get("run", NA))
        runs.append(PlannedRun(key, people.get(subject, NA), stem, tr_s, n_volumes,
                               _trains(frame, study, simulation, stem, notes), order.index(subject) % 2 == 1))
    texts = {name: path.read_bytes() for name, path in _texts(root, near, files)}
    return Scheme(tuple(sorted(runs, key=lambda run: (run.key, run.stem))), texts, groups, tuple(trial_types),
                  tuple(notes))


def _stem(entities: Entities) -> str:
    return "_".join(f"{name}-{value}" for name, value in entities.items())


def _same(name: str, one: str, other: str) -> bool:
    """Entity values are equal; indices by number (``run-01`` is ``run-1``)."""
    if name == "run" and one.isdigit() and other.isdigit():
        return int(one) == int(other)
    return one == other


def _parse(path: str) -> _File | None:
    match = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    if match is None:
        return None
    pairs = [part.split("-", 1) for part in match[1].rstrip("_").split("_") if part]
    entities = {name: value for name, value in pairs if name not in ("echo", "part")}
    echo = next((int(value) for name, value in pairs if name == "echo" and value.isdigit()), 0)
    return _File(path, entities, match[2], match[3], echo)


def _listed(root: Path, task: str) -> list[_File]:
    """All bold and events files of the task, on disk or annexed, sorted by path."""
    found = {path.relative_to(root).as_posix() for pattern in ("*", "sub-*/*", "sub-*/func/*", "sub-*/ses-*/*",
                                                               "sub-*/ses-*/func/*")
             for path in root.glob(pattern) if path.is_file() or path.is_symlink()}
    annexed = root.parent / "annexed_files.tsv"
    if annexed.is_file():
        table = read_tsv(annexed)
        if "path" not in table.columns:
            raise TableError("the table has no column 'path'", where=str(annexed))
        found |= {path for path in table["path"] if not path.startswith(("derivatives/", "sourcedata/", "/"))
                  and ".." not in path.split("/")}
    files = [file for path in sorted(found) if (file := _parse(path)) is not None]
    return [file for file in files if file.entities.get("task") in (None, task)]


def _runs(files: list[_File], study: Study, subjects: list[str] | None, notes: list[str]) -> list[Entities]:
    """The entities of every run that gets derivatives, sorted; events without BOLD are noted."""
    def asked(file: _File) -> bool:
        found, sessions = file.entities, study.dataset.sessions
        return (found.get("task") == study.dataset.task and "sub" in found
                and (not sessions or found.get("ses") in sessions) and (subjects is None or found["sub"] in subjects))

    known = any(f.suffix == "bold" and f.extension in _BOLD for f in files)
    bold = {f.stem: f.entities for f in files if f.suffix == "bold" and f.extension in _BOLD and asked(f)}
    events = {f.stem: f for f in files if f.suffix == "events" and f.extension == ".tsv" and asked(f)}
    if not known:
        return [file.entities for _, file in sorted(events.items())]
    for stem, file in sorted(events.items()):
        if not any(file.applies_to(other) for other in bold.values()):
            notes.append(f"{stem}: events without BOLD; no images are simulated")
    without = set(subjects or ()) - {entities["sub"] for entities in bold.values()}
    notes.extend(f"sub-{subject}: no BOLD of the task; not simulated" for subject in sorted(without))
    return [entities for _, entities in sorted(bold.items())]


def _people(study: Study, root: Path) -> tuple[tuple[str, ...], dict[str, str]]:
    """Group labels in use, and the group of each subject."""
    if study.groups is None:
        return (), {}
    table = read_tsv(root / "participants.tsv")
    for column in ("participant_id", study.groups.column):
        if column not in table.columns:
            raise StudyError(f"participants.tsv has no column '{column}'", where="groups.column",
                             hint=f"its columns: {', '.join(map(str, table.columns))}")
    groups = table[study.groups.column]
    people = dict(zip(table["participant_id"].str.removeprefix("sub-"), groups, strict=True))
    return tuple(sorted(set(groups) - {NA})), people


def _texts(root: Path, near: dict[str, list[_File]], files: list[_File]) -> list[tuple[str, Path]]:
    """The text files that go along: participants, everything about the task, and events without BOLD too."""
    chosen = [root / name for name in ("participants.tsv", "participants.json") if (root / name).is_file()]
    for file in files:
        path = root / file.path
        mine = file.entities.get("sub") is None or file.entities["sub"] in near
        if mine and file.extension in (".tsv", ".json") and content_state(path) in ("ok", "empty"):
            chosen.append(path)
    return [(path.relative_to(root).as_posix(), path) for path in chosen]


def _events(root: Path, near: list[_File], entities: Entities, notes: list[str]) -> pd.DataFrame:
    """The events of a run: the deepest, most specific file that applies; an empty table without a readable one."""
    fitting = [f for f in near if f.suffix == "events" and f.extension == ".tsv" and f.applies_to(entities)]
    if not fitting:
        notes.append(f"{_stem(entities)}: no events; simulated without a signal")
        return pd.DataFrame()
    path = root / max(fitting, key=lambda f: (f.depth, len(f.entities))).path
    try:
        return read_tsv(path)
    except TableError as error:
        notes.append(f"{path.name}: {error.message}; simulated without a signal")
        return pd.DataFrame()


def _trains(frame: pd.DataFrame, study: Study, simulation: Simulation, stem: str,
            notes: list[str]) -> tuple[Train, ...]:
    """Events of the planted conditions; a table that lacks their columns carries no signal, and is noted."""
    trains: list[Train] = []
    if frame.columns.empty:
        return ()
    for name in simulation.carrying:
        try:
            trains.append(train(frame, name, study.conditions, stem))
        except StudyError as error:
            notes.append(f"{error.where}: {error.message}; simulated without this signal")
    return tuple(trains)


def _repetition_time(root: Path, near: list[_File], entities: Entities) -> float | None:
    """RepetitionTime in s by inheritance (of several echoes the first); None where nobody states it."""
    found: float | None = None
    fitting = [f for f in near if f.suffix == "bold" and f.extension == ".json" and f.applies_to(entities)]
    for file in sorted(fitting, key=lambda f: (f.depth, len(f.entities), -f.echo)):
        path = root / file.path
        if content_state(path) != "ok":
            continue
        try:
            data = json.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError) as error:
            raise DataError(f"the sidecar cannot be read: {error}", where=str(path)) from error
        value = data.get("RepetitionTime") if isinstance(data, dict) else None
        if isinstance(value, (int, float)) and np.isfinite(value) and value > 0:
            found = float(value)
    return found
