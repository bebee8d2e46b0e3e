"""From a study file to a report: masks, first level, responses, effects, report; each step resumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.layout import Layout
from deltaroi.pipeline import behaviour as behaviour_stage
from deltaroi.pipeline import connectivity as connection_stage
from deltaroi.pipeline import maps_stage, record, stages
from deltaroi.pipeline import multiverse as multiverse_stage
from deltaroi.pipeline import responses as response_stage
from deltaroi.pipeline import small_volume as voxel_stage
from deltaroi.pipeline.declared import STAGES
from deltaroi.pipeline.executor import LocalExecutor
from deltaroi.pipeline.foresee import foresee
from deltaroi.pipeline.lock import hold
from deltaroi.pipeline.lock_file import find_lock
from deltaroi.pipeline.plan import Plan, make_plan
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.retire import retire
from deltaroi.pipeline.steps import sweep_temporaries
from deltaroi.pipeline.transfers import counting_anew, note, sum_up
from deltaroi.pipeline.where import done_at, executing
from deltaroi.pipeline.work import Work
from deltaroi.report.locked import Locked
from deltaroi.tables import EFFECTS


@dataclass(frozen=True)
class RunResult:
    """What a run made.

    Attributes
    ----------
    study : Study
        The frozen study that was run.
    out : Path
        The output folder.
    responses, effects, exclusions, regions, quality : DataFrame
        The group tables (see :mod:`deltaroi.tables`), with all specifications; empty for stages that were not asked
        for.
    warnings : tuple of str
        What to know before trusting the numbers.
    exit_code : int
        0, or 5 when an input was unreadable, truncated or failing.
    report : Path or None
        The report, when it was made.
    reran : mapping of str to int
        Stage -> number of steps that were done anew (the others were still valid).
    small_volume : DataFrame
        Voxels inside the ROIs (``group.small_volume``); empty where they were not asked for.
    beside : mapping of str to DataFrame
        The tables beside the effects by name: ``effect_sizes bayes assumptions residuals``, what the study
        asks for beside them, and those of its behaviour; empty without effects.
    connectivity, connectivity_effects : DataFrame
        The connectivity of every subject, and its comparison; empty where the study has none.
    lock : Locked or None
        The preregistration lock, and what differs from it; None where the study has none.
    read_again : int
        Runs whose image was read although the main specification's fit was there: other models were missing.
    failures : tuple of dict
        What was lost to an unreadable, truncated or failing input: ``stage subject session run region reason``.
    transfers : mapping of str to float
        What came over the network, and how fast (:class:`deltaroi.remote.Traffic`); empty for local data.
    """

    study: Study
    out: Path
    responses: pd.DataFrame
    effects: pd.DataFrame
    exclusions: pd.DataFrame
    regions: pd.DataFrame
    quality: pd.DataFrame
    warnings: tuple[str, ...]
    exit_code: int
    report: Path | None
    reran: Mapping[str, int] = field(default_factory=dict)
    small_volume: pd.DataFrame = field(default_factory=pd.DataFrame)
    beside: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    connectivity: pd.DataFrame = field(default_factory=pd.DataFrame)
    connectivity_effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    lock: Locked | None = None
    read_again: int = 0
    failures: tuple[Mapping[str, str], ...] = ()
    transfers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What :func:`run` would do.

    Per stage, how many steps there are and how many of them are already done; in ``lines``, what a multiverse takes.
    """

    plan: Plan
    stages: Mapping[str, tuple[int, int]]
    lines: tuple[str, ...] = ()


def run(study: str | Path, out: str | Path, *, jobs: int | None = None, until: str = "report",
        progress: Progress | None = None, backend: str | None = None, scheduler: str | None = None) -> RunResult:
    """Run a study.

    Parameters
    ----------
    study : path
        The study file.
    out : path
        Output folder; what is already there and still valid is kept.
    jobs : int, optional
        Worker processes on this machine; default ``execution.jobs``. Never changes a result.
    until : {"masks", "first-level", "responses", "effects", "report"}
        The last stage.
    progress : Progress, optional
        Is told how far the work has come.
    backend : {"local", "dask"}, optional
        Where the work is done; default ``execution.backend``. Never changes a result.
    scheduler : str, optional
        Address of a Dask scheduler, in the place of that of the study file.

    Returns
    -------
    RunResult

    Raises
    ------
    StudyError
        The study file says something that cannot be, or its lock cannot be used.
    DataError
        Nothing usable is left; the exclusions are written before it is raised.
    UsageError
        The output folder holds something else; the options contradict each other.
    ExecutionError
        The work cannot be done where it was asked for.
    """
    file = Path(study)
    return run_study(done_at(read_study(file), jobs, backend, scheduler), file, Path(out), until, progress)


def run_study(spec: Study, file: Path, out: Path, until: str = "report", progress: Progress | None = None) -> RunResult:
    """Run a study that was read already; see :func:`run`."""
    layout = Layout(out.resolve())
    find_lock(spec, file)  # one that cannot be used is refused before anything is written
    shown = progress or Quiet()
    with counting_anew() as traffic:
        plan = make_plan(spec, file, progress=shown)
    record.claim(layout)
    sweep_temporaries(layout.root)
    record.describe(layout, spec, plan.inputs)
    note(layout, "plan", traffic)
    lock = hold(spec, file, layout)
    with executing(spec.execution, file, layout, sample(plan)) as executor:
        return _through(Work(spec, file, layout, plan, executor, shown, lock=lock), until)


def sample(plan: Plan) -> tuple[Path, ...]:
    """Some images of the data; none where they lie behind URLs."""
    images = (plan.runs[place].run.bold for place in (0, -1) if plan.runs)
    return tuple(dict.fromkeys(path for path in images if isinstance(path, Path)))


def _through(work: Work, until: str) -> RunResult:
    """All stages, one after the other."""
    layout = work.layout
    reached = STAGES[: STAGES.index(until) + 1]
    if not work.plan.runs:
        raise _nothing_left(work, "nothing usable is left")
    stages.masks(work)
    if work.region_table().empty:
        raise _nothing_left(work, "no ROI has a voxel on the images' grid")
    if "first-level" in reached and not work.plan.maps:
        multiverse_stage.first_level(work)
    measure = maps_stage.responses if work.plan.maps else response_stage.responses
    responses = measure(work) if "responses" in reached else pd.DataFrame()
    if "responses" in reached and responses["value"].isna().all():
        raise _nothing_left(work, "no response could be computed")
    responses = multiverse_stage.responses(work, responses) if "responses" in reached else responses
    group = stages.effects(work, responses) if "effects" in reached else None
    voxels = voxel_stage.small_volume(work) if "effects" in reached else voxel_stage.nothing()
    connected = connection_stage.connectivity(work) if "effects" in reached else connection_stage.nothing()
    measured = behaviour_stage.behaviour(work) if "effects" in reached else {}
    exclusions = stages.write_exclusions(work)
    stages.write_record(work)
    report = stages.report(work) if "report" in reached else None
    retire(layout, STAGES[len(reached):])
    sweep_temporaries(layout.root)  # of processes that were still dying when this run began
    return RunResult(
        study=work.study, out=layout.root, responses=responses, exclusions=exclusions, regions=work.region_table(),
        effects=group.effects if group else pd.DataFrame(columns=EFFECTS.names),
        quality=group.quality if group else pd.DataFrame(), warnings=tuple(record.condense(work.warnings)),
        exit_code=work.exit_code(), report=report, reran=dict(work.reran), small_volume=voxels,
        beside={**group.beside, **measured} if group else {}, connectivity=connected.values,
        connectivity_effects=connected.effects, lock=work.lock.locked if work.lock else None,
        read_again=work.partly["first-level"], failures=tuple(work.failures()),
        transfers=sum_up(layout, work.plan))


def _nothing_left(work: Work, what: str) -> DataError:
    """The error of a run that cannot go on; the exclusions, which say why, are written first."""
    table = stages.write_exclusions(work)
    retire(work.layout, STAGES)
    reasons = Counter(table["reason"]).most_common(1)
    often = f", {reasons[0][1]} of them: {reasons[0][0]}" if reasons else ""
    return DataError(f"{what}: {len(table)} exclusions{often}", where=str(work.file),
                     hint=f"read {work.layout.table('exclusions')}, or `deltaroi check {work.file}`")


def preview(study: str | Path, out: str | Path) -> Preview:
    """What :func:`run` would do; computes and writes nothing."""
    file, layout = Path(study), Layout(Path(out).resolve())
    spec = read_study(file)
    with counting_anew():
        plan = make_plan(spec, file)
    work = Work(spec, file, layout, plan, LocalExecutor(1), Quiet())
    return Preview(plan, foresee(work), tuple(multiverse_stage.foresee_lines(work)))
