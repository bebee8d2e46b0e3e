"""The design matrix of one run: nilearn's, of full rank, with the contrasts that it can answer."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.signal.conditions import ConditionEvents
from deltaroi.signal.confounds import ConfoundColumns
from deltaroi.specs import FirstLevel

_MIN_ONSET_S = -24.0
_DEPENDENT = 1e-8
_EMPTY = 1e-13


@dataclass(frozen=True, eq=False)
class DesignMatrix:
    """A design matrix.

    Attributes
    ----------
    matrix : ndarray, shape (n_volumes, n_columns)
        Full column rank; conditions, confounds and censored volumes, drift, constant.
    columns : tuple of str
        Names of its columns.
    n_task : int
        How many of them, from the first, belong to conditions.
    frame_times : ndarray, shape (n_volumes,)
        Time of each volume, in s.
    dof : int
        Volumes minus columns.
    notes : tuple of str
        Columns that were left out, and why.
    """

    matrix: FloatArray
    columns: tuple[str, ...]
    n_task: int
    frame_times: FloatArray
    notes: tuple[str, ...]
    _whole: FloatArray
    _tasks: Mapping[str, tuple[int, ...]]

    @property
    def dof(self) -> int:
        """Error degrees of freedom."""
        return int(self.matrix.shape[0] - self.matrix.shape[1])

    def vector(self, weights: Mapping[str, float]) -> FloatArray | None:
        """Weights on the columns, shape (n_columns,), for weights on conditions; None when it cannot be estimated.

        Notes
        -----
        Over several columns (``fir``) a condition stands for their mean. A weight vector c over all columns X is
        estimable when c = X'a for some a; over the independent columns R of X it is then R'a.
        """
        whole = np.zeros(self._whole.shape[1])
        for name, weight in weights.items():
            places = list(self._tasks[name])
            whole[places] += weight / len(places)
        norms = np.linalg.norm(self._whole, axis=0)
        empty = norms <= _EMPTY * norms.max()
        if (whole[empty] != 0).any():
            return None
        unit = self._whole / np.where(empty, np.inf, norms)
        target = whole / np.where(empty, np.inf, norms)
        combination = np.linalg.lstsq(unit.T, target, rcond=_DEPENDENT)[0]
        missed = np.linalg.norm(unit.T @ combination - target)
        if missed > 1e-6 * np.linalg.norm(target):
            return None
        if self._whole.shape == self.matrix.shape:
            return whole
        return np.asarray(self.matrix.T @ combination, dtype=np.float64)

    def peak(self, condition: str) -> float:
        """Largest absolute value of a condition's first column."""
        return float(np.abs(self._whole[:, self._tasks[condition][0]]).max())


def frame_times(n_volumes: int, tr_s: float, slice_time_ref: float) -> FloatArray:
    """Times of the volumes in s, shape (n_volumes,), as ``FirstLevelModel`` places them."""
    return np.linspace(slice_time_ref * tr_s, (n_volumes - 1 + slice_time_ref) * tr_s, n_volumes)


def design(events: ConditionEvents, confounds: ConfoundColumns, spec: FirstLevel, *, tr_s: float,
           slice_time_ref: float, n_volumes: int) -> DesignMatrix:
    """Make the design matrix of one run.

    Parameters
    ----------
    events : ConditionEvents
        The conditions.
    confounds : ConfoundColumns
        Confounds and censored volumes; when they bring fMRIPrep's cosines, no second drift model enters.
    spec : FirstLevel
        HRF, oversampling and drift.
    tr_s, slice_time_ref : float
        Repetition time in s; reference slice time as a fraction of it.
    n_volumes : int
        Volumes of the run.

    Returns
    -------
    DesignMatrix

    Raises
    ------
    DataError
        No degree of freedom is left.

    Notes
    -----
    Regressors by ``nilearn.glm.first_level.compute_regressor`` and drift by ``make_first_level_design_matrix``, at the
    times that ``FirstLevelModel`` uses. A column that is
    a linear combination of others is left out (confounds first, conditions last) and noted: nilearn would instead add
    a small number to the singular values and count the column in the degrees of freedom.
    """
    if n_volumes < 2:
        raise DataError(f"the run has {n_volumes} volume(s)", where="design matrix", hint="a time series is needed")
    times = frame_times(n_volumes, tr_s, slice_time_ref)
    task, places = _task_columns(events, spec, times)
    drift, notes = _drift_columns(confounds.has_drift, spec, times)
    whole = pd.concat([task, confounds.frame, drift], axis=1, ignore_index=True).to_numpy(dtype=np.float64)
    columns = [str(name) for part in (task, confounds.frame, drift) for name in part.columns]
    kept, dropped = _independent(whole, task.shape[1])
    if dropped:
        notes.append("linear combinations of other columns, left out of the design: "
                     + ", ".join(columns[i] for i in dropped))
    if confounds.has_drift and spec.drift != "none":
        notes.append("drift: fMRIPrep's cosines, which come with acompcor")
    if n_volumes - len(kept) < 1:
        raise DataError(f"the model has {len(kept)} columns for {n_volumes} volumes ({confounds.censored.size} of them "
                        "censored): no degree of freedom is left", where="design matrix",
                        hint="ask for fewer confounds, or leave the run out")
    return DesignMatrix(np.ascontiguousarray(whole[:, kept]), tuple(columns[i] for i in kept),
                        sum(i < task.shape[1] for i in kept), times, tuple(notes), whole, places)


def _task_columns(events: ConditionEvents, spec: FirstLevel,
                  times: FloatArray) -> tuple[pd.DataFrame, dict[str, tuple[int, ...]]]:
    """Regressors of the conditions; per condition, the columns that stand for it (canonical, or all FIR delays)."""
    from nilearn.glm.first_level import compute_regressor

    min_onset = earliest_onset(events.events["onset"].to_numpy(dtype=np.float64), times)
    columns: dict[str, FloatArray] = {}
    places: dict[str, tuple[int, ...]] = {}
    for name in events.durations:
        mine = events.events[events.events["trial_type"] == name]
        values, names = compute_regressor(
            mine[["onset", "duration", "modulation"]].to_numpy(dtype=np.float64).T, spec.hrf, times, con_id=name,
            oversampling=spec.oversampling, fir_delays=list(spec.fir_delays), min_onset=min_onset)
        places[name] = tuple(range(len(columns), len(columns) + (len(names) if spec.hrf == "fir" else 1)))
        columns |= dict(zip(names, values.T, strict=True))
    return pd.DataFrame(columns, index=range(times.size)), places


def earliest_onset(onsets: FloatArray, times: FloatArray) -> float:
    """What nilearn's regressors of a run get as ``min_onset``, in s: -24, or less where an event begins earlier."""
    earliest = float(onsets.min()) - float(times[0]) if onsets.size else 0.0
    return _MIN_ONSET_S if earliest >= _MIN_ONSET_S else earliest - 1.0


def _drift_columns(has_drift: bool, spec: FirstLevel, times: FloatArray) -> tuple[pd.DataFrame, list[str]]:
    """Drift and constant, and what nilearn says about them."""
    from nilearn.glm.first_level import make_first_level_design_matrix

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = make_first_level_design_matrix(
            times, events=None, drift_model=None if spec.drift == "none" or has_drift else spec.drift,
            high_pass=spec.high_pass_hz, drift_order=spec.drift_order)
    return frame.reset_index(drop=True), [str(warning.message) for warning in caught]


def _independent(whole: FloatArray, n_task: int) -> tuple[list[int], list[int]]:
    """Columns of a basis of the column space, in order, and the columns that depend on them.

    The constant (last column) is kept first, then conditions, then drift, then confounds and censored volumes.
    """
    last = whole.shape[1] - 1
    order = [last, *range(n_task), *range(last - 1, n_task - 1, -1)]
    norms = np.linalg.norm(whole, axis=0)
    basis = np.zeros((whole.shape[0], 0))
    kept: list[int] = []
    for column in order:
        if norms[column] <= _EMPTY * norms.max() or basis.shape[1] == whole.shape[0]:
            continue
        unit = whole[:, column] / norms[column]
        rest = unit - basis @ (basis.T @ unit)
        rest -= basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        if length > _DEPENDENT:
            kept.append(column)
            basis = np.column_stack([basis, rest / length])
    return sorted(kept), sorted(set(range(last + 1)) - set(kept))
