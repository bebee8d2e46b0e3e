"""The BIDS-App form: participants one by one, at the same time and on any machine, then the group.

The participant level writes only what belongs to its participants, and what all of them share byte for byte: the ROIs
and the description of the dataset. Every file is written under a name of its own and renamed, so that no lock is needed
and what is done twice is the same. Tables of the group, the study as run, the record and the report belong to the group
level, which is a run that finds most of its steps done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deltaroi.config.read import read_study, resolve
from deltaroi.config.study import Study
from deltaroi.errors import DataError, StudyError, UsageError, did_you_mean
from deltaroi.layout import Layout
from deltaroi.pipeline import connectivity, multiverse, record, responses, small_volume, stages
from deltaroi.pipeline.lock import note_lock
from deltaroi.pipeline.plan import Plan, PlannedRun, make_plan
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.run import RunResult, run_study, sample
from deltaroi.pipeline.steps import sweep_temporaries
from deltaroi.pipeline.where import done_at, executing
from deltaroi.tables import exclusion_frame
from deltaroi.types import NA


@dataclass(frozen=True)
class AppOptions:
    """What a BIDS-App is told beside its three positional arguments.

    Attributes
    ----------
    study : Path or None
        The study file; None: the only ``deltaroi*.yaml`` in the folder ``code`` of the dataset.
    derivatives : str or None
        Folder of the fMRIPrep derivatives, in the place of that of the study file.
    participants, sessions : tuple of str
        Labels, with or without ``sub-`` and ``ses-``; empty: all. For the participant level alone.
    task : str or None
        Must be that of the study, when it is given.
    jobs : int or None
        Worker processes of this machine, which is where the work is done.
    """

    study: Path | None = None
    derivatives: str | None = None
    participants: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    task: str | None = None
    jobs: int | None = None


@dataclass(frozen=True)
class Participated:
    """What the participant level did.

    Attributes
    ----------
    participants : tuple of str
        Who was asked for.
    runs : mapping of str to int
        Participant -> number of runs that are fitted now.
    answered : frozenset of str
        Who has responses now.
    exclusions : DataFrame
        What of these participants is not used, and why (:data:`deltaroi.tables.EXCLUSIONS`).
    waits_for_group : bool
        Whether responses need the voxels that other participants choose, and so come with the group level.
    exit_code : int
        0, or 5 when an input was unreadable, truncated or failing.
    warnings : tuple of str
        What to know about their data.
    failures : tuple of mapping
        What was lost to a failure, and why.
    """

    participants: tuple[str, ...]
    runs: dict[str, int]
    answered: frozenset[str]
    exclusions: pd.DataFrame
    waits_for_group: bool
    exit_code: int
    warnings: tuple[str, ...] = ()
    failures: tuple[dict[str, str], ...] = ()


def participant(bids_dir: str, out: Path, options: AppOptions, progress: Progress | None = None) -> Participated:
    """Draw the ROIs, fit the runs and summarise the responses of some participants, beside others who do the same.

    Parameters
    ----------
    bids_dir : str
        The dataset, in the place of that of the study file.
    out : Path
        The output folder, which other participants and the group level share.
    options : AppOptions
        Who, by which study.
    progress : Progress, optional
        Is told how far the work has come.

    Raises
    ------
    UsageError
        There is no study file, or nobody of that label.
    StudyError
        The study file says something that cannot be, or is about ready-made maps.
    DataError
        Nobody of the whole dataset is usable.
    """
    file, study = placed(bids_dir, options)
    layout, shown = Layout(out.resolve()), progress or Quiet()
    if study.dataset.maps is not None:
        raise StudyError("a study on ready-made maps has nothing to do for single participants", where="dataset.maps",
                         hint="the group level measures the maps")
    plan = make_plan(study, file, progress=shown)  # of everybody: no run may depend on who else is asked for
    if not plan.runs:
        raise DataError("nothing usable is left", where=str(file), hint=f"`deltaroi check {file}` says why")
    mine = _only(plan, options)
    record.claim(layout)
    sweep_temporaries(layout.root)
    record.describe_dataset(layout, study, plan.inputs)
    note_lock(study, file, layout)
    asked = tuple(sorted({row.subject for row in mine.exclusions} | {one.run.key.subject for one in mine.runs}))
    with executing(study.execution, file, layout, sample(plan)) as executor:
        work = stages.Work(study, file, layout, mine, executor, shown)
        if mine.runs:
            _through(work, whole=not options.sessions)
    sweep_temporaries(layout.root)
    fitted = {subject: len(runs) for subject, runs in responses.by_subject(work, mine.runs).items()}
    told = responses.tells_others(study) and not options.sessions
    mine_too = [row for row in work.exclusions if row.subject != NA]
    return Participated(asked, fitted, frozenset(work.response_digests), exclusion_frame((*mine.exclusions, *mine_too)),
                        told, work.exit_code(), tuple(record.condense(work.warnings)), tuple(work.failures()))


def group(bids_dir: str, out: Path, options: AppOptions, progress: Progress | None = None) -> RunResult:
    """Compare the groups; steps of participants that are not there yet are done first.

    Parameters and errors as :func:`participant`, and those of :func:`deltaroi.run`.
    """
    for name, key, given in (("participant", "subjects", options.participants),
                             ("session", "sessions", options.sessions)):
        if given:
            raise UsageError(f"the group level takes every {name} of the study", where=f"--{name}-label",
                             hint=f"leave it out; dataset.{key} of the study file chooses")
    file, study = placed(bids_dir, options)
    return run_study(study, file, out, progress=progress)


def placed(bids_dir: str, options: AppOptions) -> tuple[Path, Study]:
    """The study file, and the study with the folders that the command line names.

    A folder that is the one of the study file stays as the file writes it. Derivatives that lie inside the dataset of
    the study file are looked for at the same place inside the named one.

    Raises
    ------
    UsageError
        There is no study file, or it is about another task.
    """
    file = options.study or _own_study(Path(bids_dir))
    study = read_study(file)
    named = study.dataset
    if options.task is not None and options.task.removeprefix("task-") != named.task:
        raise UsageError(f"the study is about the task '{named.task}', found '{options.task}'", where="--task-id",
                         hint="a study file has one task: write another one for this")
    old = resolve(file, named.bids_dir) if named.bids_dir is not None and "://" not in named.bids_dir else None
    changes: dict[str, str] = {}
    new = Path(bids_dir).resolve()
    if old != new:
        changes["bids_dir"] = str(new)
    derived = resolve(file, named.derivatives) if named.derivatives and "://" not in named.derivatives else None
    wanted = Path(options.derivatives).resolve() if options.derivatives else derived
    if not options.derivatives and old is not None and derived is not None and derived.is_relative_to(old):
        wanted = new / derived.relative_to(old)
    if wanted is not None and wanted != derived:
        changes["derivatives"] = str(wanted)
    data = study.dataset.model_copy(update=changes)
    return file, done_at(study.model_copy(update={"dataset": data}), options.jobs, "local", None)


def _own_study(bids_dir: Path) -> Path:
    found = sorted((bids_dir / "code").glob("deltaroi*.y*ml"))
    if len(found) == 1:
        return found[0]
    hint = (f"`deltaroi init {bids_dir} --derivatives FMRIPREP --out study.yaml` writes one; read it, and name it with "
            "--study study.yaml")
    if found:
        raise UsageError(f"several study files: {', '.join(path.name for path in found)}", where=str(bids_dir / "code"),
                         hint="name one with --study")
    raise UsageError("no study file says what is analysed: --study is missing, and there is no code/deltaroi.yaml in "
                     "the dataset", where=str(bids_dir), hint=hint)


def _only(plan: Plan, options: AppOptions) -> Plan:
    """The part of a plan that is about some participants and sessions."""
    known = {row.subject for row in plan.exclusions} | {one.run.key.subject for one in plan.runs}
    people = _chosen("participant", options.participants, "sub-", known - {NA})
    visits = _chosen("session", options.sessions, "ses-", {one.run.key.session for one in plan.runs} - {NA})

    def kept(runs: tuple[PlannedRun, ...]) -> tuple[PlannedRun, ...]:
        return tuple(one for one in runs if (not people or one.run.key.subject in people)
                     and (not visits or one.run.key.session in visits))

    runs, choosing = kept(plan.runs), kept(plan.localisers)
    used = {one.grid.digest for one in (*runs, *choosing)}
    rows = tuple(row for row in plan.exclusions if row.subject != NA and (not people or row.subject in people))
    return replace(plan, runs=runs, localisers=choosing, exclusions=rows,
                   grids=tuple(grid for grid in plan.grids if grid.digest in used))


def _chosen(what: str, labels: tuple[str, ...], prefix: str, known: set[str]) -> set[str]:
    found = {label.removeprefix(prefix) for label in labels}
    for label in sorted(found - known):
        raise UsageError(f"the dataset has no {what} '{label}'", where=f"--{what}-label",
                         hint=did_you_mean(label, sorted(known)) or f"it has {', '.join(sorted(known)[:20])}")
    return found


def _through(work: stages.Work, *, whole: bool) -> None:
    """All steps that are about single participants; with some of their sessions left out, only the fits."""
    stages.build_masks(work)
    multiverse.first_level(work)
    if not whole:
        return
    if responses.tells_others(work.study):
        found = responses.tell_others(work, responses.by_subject(work, work.plan.runs))
        work.exclusions += responses.lost_subjects(work, found)
        return
    responses.summarise_subjects(work)
    multiverse.summarise_subjects(work)
    if work.study.connectivity:
        connectivity.measure_subjects(work)
    if work.study.group.small_volume:
        small_volume.map_subjects(work)
