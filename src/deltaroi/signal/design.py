"""The design matrix of one run: nilearn's, of full rank, with the contrasts that it can answer."""

from __future__ import annotations

import re
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
_TASK = re.compile(r"c\d{4}")
_EXPECTED = re.compile("null duration|Duplicated events|Matrix is singular")


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
    ``nilearn.glm.first_level.make_first_level_design_matrix`` at the times ``FirstLevelModel`` uses. A column that is
    a linear combination of others is left out (confounds first, conditions last) and noted: nilearn would instead add
    a small number to the singular values and count the column in the degrees of freedom.
    """
    if n_volumes < 2:
        raise DataError(f"the run has {n_volumes} volume(s)", where="design matrix", hint="a time series is needed")
    times = frame_times(n_volumes, tr_s, slice_time_ref)
    task, drift, notes = _from_nilearn(events, confounds.has_drift, spec, times)
    whole = np.hstack([task.to_numpy(), confounds.frame.to_numpy(dtype=np.float64), drift.to_numpy()])
    columns, places = _task_columns(list(events.durations), task, spec)
    columns = [*columns, *(str(c) for c in confounds.frame.columns), *(str(c) for c in drift.columns)]
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


def _from_nilearn(events: ConditionEvents, has_drift: bool, spec: FirstLevel,
                  times: FloatArray) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Columns of the conditions and of the drift; conditions go by number, so that any name is safe in any order."""
    from nilearn.glm.first_level import make_first_level_design_matrix

    number = {name: f"c{i:04d}" for i, name in enumerate(events.durations)}
    table = events.events.assign(trial_type=[number[name] for name in events.events["trial_type"]])
    earliest = float(table["onset"].min()) - times[0] if len(table) else 0.0
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame = make_first_level_design_matrix(
            times, events=table if len(table) else None, hrf_model=spec.hrf,
            drift_model=None if spec.drift == "none" or has_drift else spec.drift, high_pass=spec.high_pass_hz,
            drift_order=spec.drift_order, fir_delays=list(spec.fir_delays), add_regs=None, add_reg_names=None,
            min_onset=_MIN_ONSET_S if earliest >= _MIN_ONSET_S else earliest - 1.0, oversampling=spec.oversampling)
    notes = [str(w.message) for w in caught if not _EXPECTED.search(str(w.message))
             and not issubclass(w.category, (DeprecationWarning, FutureWarning, RuntimeWarning))]
    of_task = [_TASK.match(str(c)) is not None for c in frame.columns]
    return frame.loc[:, of_task], frame.loc[:, [not task for task in of_task]], notes


def _task_columns(names: list[str], task: pd.DataFrame,
                  spec: FirstLevel) -> tuple[list[str], dict[str, tuple[int, ...]]]:
    """Readable names of the task columns; per condition, those that stand for it (canonical, or all FIR delays)."""
    owner = [int(str(c)[1:5]) for c in task.columns]
    readable = [names[i] + str(c)[5:] for i, c in zip(owner, task.columns, strict=True)]
    places: dict[str, tuple[int, ...]] = {}
    for i, name in enumerate(names):
        mine = tuple(j for j, o in enumerate(owner) if o == i)
        places[name] = mine if spec.hrf == "fir" else mine[:1]
    return readable, places


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
