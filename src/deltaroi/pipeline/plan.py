"""The plan of a study: exactly what a run will read, and everything it will not; ``check`` shows the same plan."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError
from deltaroi.grid import Grid
from deltaroi.group import GroupDesign
from deltaroi.group.covariates import code_covariates
from deltaroi.group.multilevel import require
from deltaroi.group.questions import questions
from deltaroi.io.inventory import Inventory, Run, find_runs
from deltaroi.io.looks import Looks, looks_of
from deltaroi.masks import roi_keys
from deltaroi.measuring import MapRow
from deltaroi.pipeline.about_runs import about_runs, empty_groups
from deltaroi.pipeline.behaviour_plan import NOTHING, Measured, plan_behaviour
from deltaroi.pipeline.connectivity_asked import asked_of
from deltaroi.pipeline.dataset_query import dataset_query
from deltaroi.pipeline.described import described_inputs, simulated
from deltaroi.pipeline.expected import check_names
from deltaroi.pipeline.localisers import (
    LocaliserRuns,
    about_circular,
    about_named_runs,
    check_functional,
    check_run_labels,
    find_localisers,
    foresee_choices,
)
from deltaroi.pipeline.maps import Visits, find_visits
from deltaroi.pipeline.multiverse_plan import rois_by
from deltaroi.pipeline.people import choose_people
from deltaroi.pipeline.preflight import Preflight, look
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.scores import foresee_scores, score_table
from deltaroi.pipeline.where import require as require_backend
from deltaroi.types import NA, Exclusion, RoiKey, RunKey


@dataclass(frozen=True)
class PlannedRun:
    """One run that will be fitted.

    Attributes
    ----------
    run : Run
        Its files and timing.
    grid : Grid
        Where its voxels are; runs with the same voxels share one.
    n_volumes : int
        Length of the image.
    contrasts : tuple of str
        The contrasts it can serve.
    trials : tuple of (str, int)
        Conditions of its model and how many events they have; like ``dof`` only known once the model was made.
    dof : int
        Error degrees of freedom of its model.
    """

    run: Run
    grid: Grid
    n_volumes: int = 0
    contrasts: tuple[str, ...] = ()
    trials: tuple[tuple[str, int], ...] = ()
    dof: int = 0


@dataclass(frozen=True, eq=False)
class Plan:
    """What a study will do with its data.

    Attributes
    ----------
    runs : tuple of PlannedRun
        In order of subject, session and run number.
    grids : tuple of Grid
        The distinct grids of the runs, in order of first use.
    rois : tuple of RoiKey
        The ROIs asked for.
    groups : mapping of str to str
        Subject -> group label; empty for a study without groups.
    covariates : DataFrame
        Text cells, one row per subject (index ``participant_id``), one column per covariate.
    exclusions : tuple of Exclusion
        What is left out before anything is computed, stage ``inputs``.
    warnings : tuple of str
        What to know about the dataset as a whole.
    inputs : mapping
        Names and makers of the datasets, JSON-able.
    simulated : bool
        Whether a dataset says that it is simulated.
    foreseen : tuple of Exclusion
        What later stages will leave out, as far as files show it; they list it themselves.
    notes : tuple of str
        Choices per run, which the fits will repeat.
    localisers : tuple of PlannedRun
        Runs of localiser tasks, which only choose the voxels of functional ROIs.
    scores : DataFrame
        Text cells, one row per subject (index ``participant_id``), one column per score of an association.
    measured : Measured
        The subjects and columns of behaviour.
    maps : mapping of RunKey to tuple of MapRow
        The maps of each visit, which takes the place of a run, in a study on ready-made maps; else empty.
    """

    runs: tuple[PlannedRun, ...]
    grids: tuple[Grid, ...]
    rois: tuple[RoiKey, ...]
    groups: Mapping[str, str]
    covariates: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    simulated: bool = False
    foreseen: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    localisers: tuple[PlannedRun, ...] = ()
    scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    measured: Measured = NOTHING
    maps: Mapping[RunKey, tuple[MapRow, ...]] = field(default_factory=dict)


def make_plan(study: Study, study_path: str | Path, looks: Looks | None = None,
              progress: Progress | None = None) -> Plan:
    """Find what a study will use, and why not the rest. Reads names, texts and headers; writes only the user's cache.

    Parameters
    ----------
    study : Study
        The study.
    study_path : path
        Its file; paths in it are relative to it.
    looks : Looks, optional
        Earlier looks at the runs; default: those of this user (:mod:`deltaroi.io.looks`).
    progress : Progress, optional
        Is told how many runs have been looked at.

    Raises
    ------
    StudyError
        The study names what the dataset does not have, a model its design does not have, or what needs an extra.
    DataError
        A folder or ``participants.tsv`` cannot be read; a covariate mixes numbers and words; a score is no number.
    """
    known = looks_of("runs", Path(study_path)) if looks is None else looks
    try:
        levels, assignment = (tuple(study.groups.levels), study.groups.assignment) if study.groups else (None, None)
        require(study.group)
        require_backend(study.execution)
        questions(tuple(study.dataset.sessions), levels, assignment, study.group, covariates={})
        source = dataset_query(study, study_path) if study.dataset.maps is None else find_visits(study, study_path)
        rois = tuple(roi_keys(study.regions, study.dataset.space))
        check_functional(study)
        rois_by(study)
        asked_of(study, rois)
        found = source.found if isinstance(source, Visits) else find_runs(source)
        seen = source.subjects if isinstance(source, Visits) else _subjects(found)
        people = choose_people(study, found.participants, seen)
        out = {row.subject for row in people.exclusions}
        checked = source.without(out) if isinstance(source, Visits) else look(
            [run for run in found.runs if run.key.subject not in out], study, known, progress or Quiet())
        check_names(study, checked)
        check_run_labels(study, checked)
        design = GroupDesign.from_study(study.groups, study.dataset.sessions, people.covariates.reset_index())
        scores = score_table(study, found.participants)
        measured = plan_behaviour(study, found.participants, people)
        code_covariates(design.covariates, sorted({one.run.key.subject for one in checked if one.ok}), design.strata)
        runs, grids = _on_grids(checked)
        tested: dict[str, list[Grid]] = {}
        for one in runs:
            tested.setdefault(one.run.key.subject, []).append(one.grid)
        choosing = LocaliserRuns() if isinstance(source, Visits) else find_localisers(study, source, tested, known)
        scored = foresee_scores(study, tested, people.groups, people.covariates, scores)
    except DeltaroiError as error:
        if "/" in error.where:
            raise
        raise type(error)(error.message, where=f"{study_path}: {error.where}", hint=error.hint) from error
    known.save()
    localisers, _ = _on_grids(choosing.checked, grids)
    exclusions = [row for row in found.exclusions if row.subject not in out]
    exclusions += [*(row for one in checked for row in one.exclusions), *choosing.exclusions]
    inputs = described_inputs(study, study_path)
    used = sorted({one.run.key.subject for one in runs})
    groups = {subject: people.groups[subject] for subject in used if subject in people.groups}
    covariates = people.covariates.reindex(used)[list(people.covariates.columns)].fillna(NA)
    early = [*(row for one in checked if one.ok for row in one.foreseen), *choosing.foreseen]
    warnings = (*found.warnings, *people.warnings, *choosing.warnings, *about_runs(runs, grids),
                *empty_groups(study, groups, runs), *scored.warnings, *about_named_runs(study, runs),
                *about_circular(rois))
    return Plan(runs, grids, rois, groups, covariates, (*people.exclusions, *exclusions), warnings, inputs,
                simulated(inputs), (*early, *foresee_group(study, runs, covariates), *scored.exclusions,
                                     *measured.exclusions, *foresee_choices(study, rois, runs, localisers)),
                (*(note for one in checked if one.ok for note in one.notes), *choosing.notes), localisers, scores,
                measured, source.maps if isinstance(source, Visits) else {})


def _subjects(found: Inventory) -> set[str]:
    named = {run.key.subject for run in found.runs} | {row.subject for row in found.exclusions if row.session != NA}
    return named - {NA}


def _on_grids(checked: Iterable[Preflight],
              known: Sequence[Grid] = ()) -> tuple[tuple[PlannedRun, ...], tuple[Grid, ...]]:
    """The usable runs, each with the first grid, among those known and found, that has its voxels."""
    runs: list[PlannedRun] = []
    grids = list(known)
    for one in checked:
        if not one.ok or one.grid is None:
            continue
        mine = one.grid
        grid = next((g for g in grids if g.same_as(mine)), None)
        if grid is None:
            grids.append(grid := mine)
        runs.append(PlannedRun(one.run, grid, one.n_volumes, one.contrasts))
    return tuple(runs), tuple(grids)


def foresee_group(study: Study, runs: Sequence[PlannedRun], covariates: pd.DataFrame) -> tuple[Exclusion, ...]:
    """What responses and group stage will leave out, in their words: sessions without a response, missing covariates.

    Parameters
    ----------
    study : Study
        The study.
    runs : sequence of PlannedRun
        The runs that will be fitted.
    covariates : DataFrame
        Text cells, one row per subject (index ``participant_id``), one column per covariate.
    """
    rows: list[Exclusion] = []
    wanted = tuple(study.dataset.sessions) or (NA,)
    visits: dict[str, dict[str, list[PlannedRun]]] = {}
    for one in runs:
        visits.setdefault(one.run.key.subject, {}).setdefault(one.run.key.session, []).append(one)
    for subject, seen in visits.items():
        for session in wanted:
            rows += _without_response((subject, session), seen.get(session, []), study.contrasts, len(wanted) == 1)
        lacking = [name for name in covariates.columns
                   if subject in covariates.index and covariates.loc[subject, name] == NA]
        stratum = study.groups.strata if study.groups else None
        rows += [Exclusion("effects", subject, reason=f"{'stratum' if name == stratum else 'covariate'} '{name}' is "
                           "missing") for name in lacking]
    return tuple(rows)


def _without_response(who: tuple[str, str], runs: Sequence[PlannedRun], contrasts: Iterable[str],
                      single: bool) -> list[Exclusion]:
    """Rows of a subject's session that will have no response, or none to some contrasts."""
    reason = "no response" if single else "no response in this session: left out of every comparison that needs it"
    grids = len({one.grid.digest for one in runs})
    if grids > 1:
        return [Exclusion("responses", *who, reason="the runs of this session lie on different grids",
                          value=str(grids), threshold="1"), Exclusion("effects", *who, reason=reason)]
    if not runs:
        return [Exclusion("effects", *who, reason=reason)]
    served = {name for one in runs for name in one.contrasts}
    return [Exclusion("effects", *who, region=name, reason=reason) for name in contrasts if name not in served]
