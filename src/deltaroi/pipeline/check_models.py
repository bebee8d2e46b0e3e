"""Which of a plan's runs can be modelled: the design matrix of every run is made; no voxel is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.firstlevel import FirstLevelTask
from deltaroi.firstlevel.model import model_run
from deltaroi.pipeline.declared import contrast_weights, localiser_weights
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.multiverse_plan import models_by_name, named
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.types import NA, Exclusion


def check_models(study: Study, plan: Plan) -> tuple[Plan, tuple[Exclusion, ...]]:
    """Make the model of every run as the first level will.

    Parameters
    ----------
    study : Study
        The study.
    plan : Plan
        Its runs.

    Returns
    -------
    plan : Plan
        With the runs that can be modelled, and the contrasts they can serve.
    exclusions : tuple of Exclusion
        What the first level will list; a run that cannot be modelled is a failure.
    """
    runs, rows = _modelled(plan.runs, FirstLevelTask(study.first_level, dict(study.conditions),
                                                     contrast_weights(study)))
    localisers: list[PlannedRun] = []
    for task, weights in localiser_weights(study).items():
        mine = [one for one in plan.localisers if one.run.key.task == task]
        kept, lost = _modelled(mine, FirstLevelTask(study.first_level, {}, weights))
        localisers += kept
        rows += [of_task(task, row) for row in lost]
    rows += _other_strategies(study, runs)
    return replace(plan, runs=tuple(runs), localisers=tuple(localisers)), tuple(rows)


def _other_strategies(study: Study, runs: Sequence[PlannedRun]) -> list[Exclusion]:
    """The runs that cannot be modelled with other strategies for confounds; no failures, since ``main`` has them."""
    models_of = models_by_name(study)
    by_strategy = {one.confounds: one.first_level for one in study.specifications}
    rows = []
    for name, spec in list(by_strategy.items())[1:]:
        whom = named(models_of, [one.name for one in study.specifications if one.confounds == name])
        task = FirstLevelTask(spec, dict(study.conditions), contrast_weights(study))
        for row in _modelled(runs, task)[1]:
            if row.failure:
                reason = f"not fitted for {whom}: {row.reason.removeprefix('failed: ')}"
                rows.append(replace(row, reason=reason, failure=False))
    return rows


def _modelled(planned_runs: Sequence[PlannedRun],
              task: FirstLevelTask) -> tuple[list[PlannedRun], list[Exclusion]]:
    """The runs that can be modelled, and what is lost."""
    runs: list[PlannedRun] = []
    rows: list[Exclusion] = []
    for planned in planned_runs:
        key = planned.run.key
        try:
            model = model_run(planned.run, task, planned.n_volumes)
        except DataError as error:
            rows.append(Exclusion("first-level", key.subject, key.session, key.run, reason=f"failed: {error.message}",
                                  value=Path(error.where).name or NA, failure=True))
            continue
        rows += model.exclusions
        lost = {row.region for row in model.exclusions}
        trials = tuple((name, model.trials.of(name)[0].size) for name in model.trials.conditions)
        runs.append(replace(planned, contrasts=tuple(name for name in planned.contrasts if name not in lost),
                            trials=trials, dof=model.design.dof))
    return runs, rows
