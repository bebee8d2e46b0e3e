"""Which of a plan's runs can be modelled: the design matrix of every run is made; no voxel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.firstlevel import FirstLevelTask
from deltaroi.firstlevel.model import model_run
from deltaroi.io.looks import Looks
from deltaroi.pipeline.declared import contrast_weights, localiser_weights
from deltaroi.pipeline.executor import Failure, LocalExecutor
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.multiverse_plan import models_by_name, named
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.pipeline.progress import Progress, Quiet, SubjectCount
from deltaroi.pipeline.run_looks import RunLooks, as_exclusion
from deltaroi.types import NA, Exclusion

_WORTH_WORKERS = 60
"""Runs whose models take longer than starting worker processes."""


def check_models(study: Study, plan: Plan, looks: Looks,
                 progress: Progress | None = None, jobs: int = 1) -> tuple[Plan, tuple[Exclusion, ...]]:
    """Make the model of every run as the first level will.

    Parameters
    ----------
    study : Study
        The study.
    plan : Plan
        Its runs.
    looks : Looks
        Earlier looks at the models.
    progress : Progress, optional
        Is told how many models have been made.
    jobs : int
        Worker processes, where there are enough models to be made.

    Returns
    -------
    plan : Plan
        With the runs that can be modelled, and the contrasts they can serve.
    exclusions : tuple of Exclusion
        What the first level will list; a run that cannot be modelled is a failure.
    """
    how = jobs, progress or Quiet()
    runs, rows = _modelled(plan.runs, FirstLevelTask(study.first_level, dict(study.conditions),
                                                     contrast_weights(study)), looks, how)
    localisers: list[PlannedRun] = []
    for task, weights in localiser_weights(study).items():
        mine = [one for one in plan.localisers if one.run.key.task == task]
        kept, lost = _modelled(mine, FirstLevelTask(study.first_level, {}, weights), looks, how)
        localisers += kept
        rows += [of_task(task, row) for row in lost]
    rows += _other_strategies(study, runs, looks, how)
    looks.save()
    return replace(plan, runs=tuple(runs), localisers=tuple(localisers)), tuple(rows)


def _other_strategies(study: Study, runs: Sequence[PlannedRun], looks: Looks,
                      how: tuple[int, Progress]) -> list[Exclusion]:
    """The runs that cannot be modelled with other strategies for confounds; no failures, since ``main`` has them."""
    models_of = models_by_name(study)
    by_strategy = {one.confounds: one.first_level for one in study.specifications}
    rows = []
    for name, spec in list(by_strategy.items())[1:]:
        whom = named(models_of, [one.name for one in study.specifications if one.confounds == name])
        task = FirstLevelTask(spec, dict(study.conditions), contrast_weights(study))
        for row in _modelled(runs, task, looks, how)[1]:
            if row.failure:
                reason = f"not fitted for {whom}: {row.reason.removeprefix('failed: ')}"
                rows.append(replace(row, reason=reason, failure=False))
    return rows


@dataclass(frozen=True)
class _Model:
    """What is asked about the model of a run."""

    exclusions: tuple[Exclusion, ...]
    trials: tuple[tuple[str, int], ...]
    dof: int


def _modelled(planned_runs: Sequence[PlannedRun], task: FirstLevelTask, looks: Looks,
              how: tuple[int, Progress]) -> tuple[list[PlannedRun], list[Exclusion]]:
    """The runs that can be modelled, and what is lost."""
    runs: list[PlannedRun] = []
    rows: list[Exclusion] = []
    for planned, model in zip(planned_runs, _models(planned_runs, task, looks, how), strict=True):
        key = planned.run.key
        if isinstance(model, DataError):
            rows.append(Exclusion("first-level", key.subject, key.session, key.run, reason=f"failed: {model.message}",
                                  value=Path(model.where).name or NA, failure=True))
            continue
        rows += model.exclusions
        lost = {row.region for row in model.exclusions}
        runs.append(replace(planned, contrasts=tuple(name for name in planned.contrasts if name not in lost),
                            trials=model.trials, dof=model.dof))
    return runs, rows


def _models(planned_runs: Sequence[PlannedRun], task: FirstLevelTask, looks: Looks,
            how: tuple[int, Progress]) -> list[_Model | DataError]:
    """The model of every run, made now or earlier."""
    known = RunLooks.deciding(looks, task.first_level.model_dump(mode="json"), dict(task.contrasts),
                              {name: one.model_dump(mode="json") for name, one in task.conditions.items()})
    states = [known.states(planned.run) for planned in planned_runs]
    models: list[_Model | DataError | None] = [
        known.recall(planned.run, state, _unpack) for planned, state in zip(planned_runs, states, strict=True)]
    open_ = [i for i, model in enumerate(models) if model is None]
    items = [(planned_runs[i], task) for i in open_]
    jobs, progress = how
    executor = LocalExecutor(jobs if len(items) >= _WORTH_WORKERS else 1)
    count = SubjectCount(progress, "models", [planned.run.key.subject for planned in planned_runs],
                         [model is not None for model in models])
    for i, result in zip(open_, executor.map(_make, items, lambda: progress.advance("models")), strict=True):
        count.finished(planned_runs[i].run.key.subject)
        if isinstance(result, Failure):
            if not isinstance(result.error, DataError):
                raise result.error or RuntimeError(result.trace)
            models[i] = result.error
            continue
        models[i] = result
        known.keep(planned_runs[i].run, states[i], _pack(result))
    progress.end("models")
    return [model for model in models if model is not None]


def _make(item: tuple[PlannedRun, FirstLevelTask]) -> _Model:
    """Make the model of one run."""
    planned, task = item
    made = model_run(planned.run, task, planned.n_volumes)
    trials = tuple((name, made.trials.of(name)[0].size) for name in made.trials.conditions)
    return _Model(made.exclusions, trials, made.design.dof)


def _pack(model: _Model) -> list[Any]:
    return [[astuple(row) for row in model.exclusions], model.trials, model.dof]


def _unpack(value: Any) -> _Model:
    exclusions, trials, dof = value
    return _Model(tuple(as_exclusion(row) for row in exclusions), tuple((str(name), int(n)) for name, n in trials),
                  int(dof))
