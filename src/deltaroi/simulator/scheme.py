"""Who is simulated, when, and with which events; and the raw BIDS files that say so."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.io.tsv import format_table
from deltaroi.simulator.bold import Train
from deltaroi.simulator.draws import generator
from deltaroi.simulator.events import longest_run_s, make_events, train
from deltaroi.simulator.people import check_scores, draw_scores, group_sizes, make_people, participants
from deltaroi.specs import Simulation
from deltaroi.types import NA, RunKey

_LABEL = re.compile(r"[A-Za-z0-9]+")
_OWN_COLUMNS = ("participant_id", "age", "sex")


@dataclass(frozen=True)
class PlannedRun:
    """One run to simulate.

    Attributes
    ----------
    key : RunKey
        Its labels.
    group : str
        The subject's group, or ``n/a``.
    stem : str
        Beginning of its file names, e.g. ``sub-1001_ses-pre_task-faces``.
    tr_s : float
        Repetition time, s.
    n_volumes : int
        Length.
    trains : tuple of Train
        Events of the planted conditions.
    flipped : bool
        Whether the subject's images store the right side first.
    """

    key: RunKey
    group: str
    stem: str
    tr_s: float
    n_volumes: int
    trains: tuple[Train, ...]
    flipped: bool

    @property
    def folder(self) -> str:
        """The run's folder inside a BIDS tree, e.g. ``sub-1001/ses-pre/func``."""
        session = "" if self.key.session == NA else f"ses-{self.key.session}/"
        return f"sub-{self.key.subject}/{session}func"


@dataclass(frozen=True)
class Scheme:
    """Everything but the images.

    Attributes
    ----------
    runs : tuple of PlannedRun
        Sorted by key.
    files : dict of str to bytes
        Files of the raw BIDS tree, by their path in it.
    groups, conditions : tuple of str
        What planted signals may name.
    notes : tuple of str
        What to know about these data.
    scores : mapping
        Score -> subject -> value.
    """

    runs: tuple[PlannedRun, ...]
    files: dict[str, bytes] = field(repr=False)
    groups: tuple[str, ...]
    conditions: tuple[str, ...]
    notes: tuple[str, ...] = ()
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def visits(self) -> list[tuple[str, str, str]]:
        """Subject, session and group of every simulated session, in order, each once."""
        return list(dict.fromkeys((run.key.subject, run.key.session, run.group) for run in self.runs))


def json_bytes(data: object) -> bytes:
    """JSON with a fixed layout."""
    return (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def check_labels(study: Study) -> None:
    """Refuse names that cannot become BIDS labels.

    Raises
    ------
    StudyError
        A session, space or resolution that is not letters and digits.
    """
    for where, label in (*((f"dataset.sessions.{i}", s) for i, s in enumerate(study.dataset.sessions)),
                         ("dataset.space", study.dataset.space), ("dataset.resolution", study.dataset.resolution)):
        if label is not None and not _LABEL.fullmatch(label):
            raise StudyError(f"'{label}' cannot be a BIDS label", where=where, hint="use letters and digits only")


def invent(study: Study, simulation: Simulation, subjects: list[str] | None) -> Scheme:
    """A made-up study: participants, sessions, runs and events of its own.

    Parameters
    ----------
    study, simulation : Study, Simulation
        What is asked for.
    subjects : list of str, optional
        Only these labels; what is made of them does not change.
    """
    sizes = group_sizes(study, simulation)
    _check_groups(study, simulation, sizes)
    n_volumes = _length(simulation)
    everybody = make_people(sizes)
    people = [person for person in everybody if subjects is None or person.label in subjects]
    sessions = study.dataset.sessions or [NA]
    labels = [NA] if simulation.runs == 1 else [str(n + 1) for n in range(simulation.runs)]
    scores = draw_scores(simulation, everybody)
    files = _top_files(study, simulation, participants(study, simulation, people, everybody, scores))
    runs = []
    for person in people:
        for session in sessions:
            for label in labels:
                key = RunKey(person.label, session, study.dataset.task, label)
                frame = make_events(generator(simulation.seed, "events", person.label, session, label),
                                    simulation.events)
                trains = tuple(train(frame, name, study.conditions, key.label) for name in simulation.carrying)
                run = PlannedRun(key, person.group, key.label, simulation.tr_s, n_volumes, trains, person.flipped)
                files[f"{run.folder}/{key.label}_events.tsv"] = format_table(frame).encode()
                runs.append(run)
    return Scheme(tuple(runs), files, tuple(sizes),
                  tuple(dict.fromkeys((*study.conditions, *simulation.events.conditions))), scores=scores)


def _check_groups(study: Study, simulation: Simulation, sizes: dict[str, int]) -> None:
    """The groups that are compared must be among those that are simulated; cells must fit into a table."""
    column = study.groups.column if study.groups else "group"
    if study.groups is not None:
        for level in study.groups.levels:
            if level not in sizes:
                raise StudyError(f"the group '{level}' has no simulated subjects", where="simulation.subjects",
                                 hint=f"simulated are {', '.join(sizes)}")
    if column in _OWN_COLUMNS:
        raise StudyError(f"the groups cannot stand in the column '{column}'", where="groups.column")
    check_scores(simulation, sizes, (*_OWN_COLUMNS, column))
    for where, text in (("groups.column", column), *(("simulation.subjects", group) for group in sizes),
                        *(("simulation.events.conditions", name) for name in simulation.events.conditions)):
        if text != " ".join(text.split()) or text.lower() in ("", "n/a", "nan"):
            raise StudyError(f"{text!r} cannot stand in a table", where=where,
                             hint="no tabs, line ends, outer or double spaces, and not n/a")


def _length(simulation: Simulation) -> int:
    """Volumes per run; the longest schedule that the pauses allow must fit."""
    needed = int(np.ceil(longest_run_s(simulation.events) / simulation.tr_s))
    if simulation.volumes is None:
        return max(20, needed)
    last_onset = longest_run_s(simulation.events) - 15.0 - simulation.events.duration_s
    if simulation.volumes * simulation.tr_s < last_onset:
        raise StudyError(f"{simulation.volumes} volumes of {simulation.tr_s:g} s end before the last event can begin "
                         f"({last_onset:g} s)", where="simulation.volumes", hint=f"give {needed}, or leave it out")
    return simulation.volumes


def _top_files(study: Study, simulation: Simulation,
               people: tuple[pd.DataFrame, dict[str, dict[str, object]]]) -> dict[str, bytes]:
    """Files at the top of the raw tree."""
    task = study.dataset.task
    table, about = people
    about_events = {"trial_type": {"Description": "Condition of the simulated trial",
                                   "Levels": {name: name for name in simulation.events.conditions}}}
    return {"participants.tsv": format_table(table).encode(),
            "participants.json": json_bytes(about),
            f"task-{task}_events.json": json_bytes(about_events),
            f"task-{task}_bold.json": json_bytes({"TaskName": task, "RepetitionTime": simulation.tr_s})}
