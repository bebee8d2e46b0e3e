"""The model of one run: events, confounds, design matrix and contrast vectors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.io.events import NOTES, read_events
from deltaroi.io.inventory import Run
from deltaroi.signal.conditions import ConditionEvents, build_conditions
from deltaroi.signal.confounds import ConfoundColumns, load_confounds
from deltaroi.signal.design import DesignMatrix, design
from deltaroi.signal.heights import heights
from deltaroi.signal.trials import Trials, trials_of
from deltaroi.specs import Condition, FirstLevel
from deltaroi.types import Exclusion

_OUTSIDE = 0.01


@dataclass(frozen=True)
class FirstLevelTask:
    """What is asked of the first level.

    Attributes
    ----------
    first_level : FirstLevel
        The model.
    conditions : mapping of str to Condition
        Declared conditions; without them each ``trial_type`` is one.
    contrasts : mapping of str to (mapping of str to float)
        Weight per condition name, as ``config.expression.parse_contrast`` gives them.
    """

    first_level: FirstLevel
    conditions: Mapping[str, Condition]
    contrasts: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, eq=False)
class RunModel:
    """The model of one run.

    Attributes
    ----------
    design : DesignMatrix
        Of full rank.
    confounds : ConfoundColumns
        Its nuisance columns.
    vectors : ndarray, shape (n_contrasts, n_columns)
        Contrast vectors with heights in; zeros where the run cannot serve the contrast.
    heights : mapping of str to float
        Per condition; 1 unless the scaling is percent.
    exclusions : tuple of Exclusion
        Events and contrasts that are not in the model.
    notes : tuple of str
        What else to know.
    trials : Trials
        The events behind the regressors.
    """

    design: DesignMatrix
    confounds: ConfoundColumns
    vectors: FloatArray
    heights: Mapping[str, float]
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    trials: Trials


def model_run(run: Run, task: FirstLevelTask, n_volumes: int) -> RunModel:
    """Make the model of one run; the arguments are those of :func:`model_scalings`."""
    return model_scalings(run, task, n_volumes, [task.first_level.scaling])[task.first_level.scaling]


def model_scalings(run: Run, task: FirstLevelTask, n_volumes: int, scalings: Iterable[str]) -> dict[str, RunModel]:
    """Make the model of one run for several scalings, which differ in heights and contrast vectors.

    Parameters
    ----------
    run : Run
        Its events and confounds.
    task : FirstLevelTask
        What is asked; its own scaling does not count.
    n_volumes : int
        Volumes of the image.
    scalings : iterable of str
        The scalings.

    Returns
    -------
    dict of str to RunModel

    Raises
    ------
    DataError
        No events file, or whatever stops conditions, confounds or the design.
    """
    if run.events is None:
        raise DataError("the run has no events file", where=run.key.label,
                        hint="expected *_events.tsv beside the raw BOLD image, or higher up by BIDS inheritance")
    spec = task.first_level
    table = read_events(run.events)
    events = build_conditions(table, task.conditions, task.contrasts, key=run.key,
                              scan_s=n_volumes * run.tr_s)
    confounds = load_confounds(run.confounds, spec.confounds, n_volumes)
    matrix = design(events, confounds, spec, tr_s=run.tr_s, slice_time_ref=run.slice_time_ref, n_volumes=n_volumes)
    tall = {} if spec.hrf == "fir" else heights(events.durations, hrf=spec.hrf, tr_s=run.tr_s,
                                                oversampling=spec.oversampling, slice_time_ref=run.slice_time_ref)
    said = (*table.attrs[NOTES], *events.notes, *confounds.notes, *matrix.notes)
    found = {}
    for scaling in scalings:
        used = {name: tall[name] if scaling == "percent" else 1.0 for name in events.durations}
        vectors, lost, notes = _vectors(run, task, matrix, events, (tall, used))
        found[scaling] = RunModel(matrix, confounds, vectors, used, (*events.exclusions, *lost), (*said, *notes),
                                  trials_of(events))
    return found


def _vectors(run: Run, task: FirstLevelTask, matrix: DesignMatrix, events: ConditionEvents,
             heights_of: tuple[Mapping[str, float], Mapping[str, float]],
             ) -> tuple[FloatArray, list[Exclusion], list[str]]:
    """The contrast vectors, what the run cannot serve, and what to know."""
    tall, used = heights_of
    vectors = np.zeros((len(task.contrasts), len(matrix.columns)))
    lost: list[Exclusion] = []
    notes: list[str] = []
    for row, name in enumerate(task.contrasts):
        weights = events.contrasts.get(name)
        if weights is None:
            continue
        vector, reason, found = _vector(matrix, weights, tall, used, events.modulators)
        if vector is None:
            lost.append(Exclusion("first-level", run.key.subject, run.key.session, run.key.run, name, reason, found))
            continue
        vectors[row] = vector
        notes += [f"contrast '{name}': the response to '{condition}' is per unit of '{events.modulators[condition]}'"
                  for condition in weights if condition in events.modulators]
    return vectors, lost, notes


def _vector(matrix: DesignMatrix, weights: Mapping[str, float], tall: Mapping[str, float],
            used: Mapping[str, float], modulators: Mapping[str, str]) -> tuple[FloatArray | None, str, str]:
    """The contrast vector, or why there is none.

    ``tall`` are the heights of one event, by which a response outside the scan is known; ``used`` those that scale.
    """
    flat = [name for name in weights if name in tall and name not in modulators
            and matrix.peak(name) < _OUTSIDE * tall[name]]
    if flat:
        return None, "the response to a condition of the contrast lies outside the scan", ", ".join(flat)
    vector = matrix.vector({name: weight * used[name] for name, weight in weights.items()})
    if vector is None:
        return None, "the contrast cannot be estimated from this run's design", ", ".join(weights)
    return vector, "", ""
