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
from deltaroi.pipeline.localisers import of_task
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.pipeline.run_looks import RunLooks, as_exclusion
from deltaroi.types import NA, Exclusion


def check_models(study: Study, plan: Plan, looks: Looks) -> tuple[Plan, tuple[Exclusion, ...]]:
    """Make the model of every run as the first level will.

    Parameters
    ----------
    study : Study
        The study.
    plan : Plan
        Its runs.
    looks : Looks
        Earlier looks at the models.

    Returns
    -------
    plan : Plan
        With the runs that can be modelled, and the contrasts they can serve.
    exclusions : tuple of Exclusion
        What the first level will list; a run that cannot be modelled is a failure.
    """
    runs, rows = _modelled(plan.runs, FirstLevelTask(study.first_level, dict(study.conditions),
                                                     contrast_weights(study)), looks)
    localisers: list[PlannedRun] = []
    for task, weights in localiser_weights(study).items():
        mine = [one for one in plan.localisers if one.run.key.task == task]
        kept, lost = _modelled(mine, FirstLevelTask(study.first_level, {}, weights), looks)
        localisers += kept
        rows += [of_task(task, row) for row in lost]
    looks.save()
    return replace(plan, runs=tuple(runs), localisers=tuple(localisers)), tuple(rows)


def _modelled(planned_runs: Sequence[PlannedRun], task: FirstLevelTask,
              looks: Looks) -> tuple[list[PlannedRun], list[Exclusion]]:
    """The runs that can be modelled, and what is lost."""
    runs: list[PlannedRun] = []
    rows: list[Exclusion] = []
    known = RunLooks.deciding(looks, task.first_level.model_dump(mode="json"), dict(task.contrasts),
                              {name: one.model_dump(mode="json") for name, one in task.conditions.items()})
    for planned in planned_runs:
        key = planned.run.key
        try:
            model = _model(planned, task, known)
        except DataError as error:
            rows.append(Exclusion("first-level", key.subject, key.session, key.run, reason=f"failed: {error.message}",
                                  value=Path(error.where).name or NA, failure=True))
            continue
        rows += model.exclusions
        lost = {row.region for row in model.exclusions}
        runs.append(replace(planned, contrasts=tuple(name for name in planned.contrasts if name not in lost),
                            trials=model.trials, dof=model.dof))
    return runs, rows


@dataclass(frozen=True)
class _Model:
    """What is asked about the model of a run."""

    exclusions: tuple[Exclusion, ...]
    trials: tuple[tuple[str, int], ...]
    dof: int


def _model(planned: PlannedRun, task: FirstLevelTask, known: RunLooks) -> _Model:
    """The model of one run, made now or earlier."""
    states = known.states(planned.run)
    earlier = known.recall(planned.run, states, _unpack)
    if earlier is not None:
        return earlier
    made = model_run(planned.run, task, planned.n_volumes)
    found = _Model(made.exclusions, tuple((name, made.trials.of(name)[0].size) for name in made.trials.conditions),
                   made.design.dof)
    known.keep(planned.run, states, [[astuple(row) for row in found.exclusions], found.trials, found.dof])
    return found


def _unpack(value: Any) -> _Model:
    exclusions, trials, dof = value
    return _Model(tuple(as_exclusion(row) for row in exclusions), tuple((str(name), int(n)) for name, n in trials),
                  int(dof))
