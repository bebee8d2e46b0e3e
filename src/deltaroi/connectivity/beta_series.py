"""Responses of single trials in one run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deltaroi.connectivity.gppi import canonical, condition_column
from deltaroi.connectivity.series import volume_interval_s
from deltaroi.grid import FloatArray
from deltaroi.signal.glm import fit_series
from deltaroi.signal.heights import event_height
from deltaroi.signal.runfit import RunFit

_OUTSIDE = 0.01
_DEPENDENT = 1e-3


@dataclass(frozen=True, eq=False)
class Betas:
    """The trials of one condition in one run.

    Attributes
    ----------
    values : ndarray, shape (n_trials, n_rois)
        The response of every trial that has one, in order of onset, in unit of the series per unit regressor.
    lost : int
        Trials outside the scan, or whose response cannot be told apart from the rest of the model.
    """

    values: FloatArray
    lost: int


def trial_betas(fit: RunFit, condition: str, series: FloatArray) -> Betas | None:
    """The response of every trial of a condition, one model per trial (LSS).

    Parameters
    ----------
    fit : RunFit
        The run.
    condition : str
        An unmodulated condition of its model.
    series : ndarray, shape (n_volumes, n_rois)
        The series of the ROIs.

    Returns
    -------
    Betas or None
        None where the condition has no column in the design.

    Notes
    -----
    Mumford et al. (2012): each trial is fitted in a model of its own, in which it has a column, the other trials of
    its condition share one, and all other columns of the run's design stand as they are. Here the trial's column is
    added to the whole design, whose column of the condition holds all trials: the trial's response is then the sum of
    both coefficients. A condition's derivative columns, where the response function has them, stay those of all trials.
    """
    if condition not in fit.columns[:fit.n_task]:
        return None
    place = fit.columns.index(condition)
    vector = np.zeros((1, fit.design.shape[1] + 1))
    vector[0, [place, -1]] = 1.0
    basis = np.linalg.qr(fit.design / np.linalg.norm(fit.design, axis=0))[0]
    tr_s = volume_interval_s(fit)
    values, lost = [], 0
    for event in np.column_stack(fit.trials.of(condition)):
        column = condition_column(fit, *(np.array([part]) for part in event))
        height = event_height(canonical(fit), float(event[1]), tr_s, fit.oversampling, float(fit.frame_times[0]) / tr_s)
        rest = column - basis @ (basis.T @ column)
        if np.abs(column).max() < _OUTSIDE * height or np.linalg.norm(rest) < _DEPENDENT * np.linalg.norm(column):
            lost += 1
            continue
        values.append(fit_series(series, np.column_stack([fit.design, column]), vector, fit.noise).effect[0])
    return Betas(np.array(values, dtype=np.float64).reshape(-1, series.shape[1]), lost)


def overlapping(fit: RunFit, conditions: Sequence[str]) -> tuple[int, int]:
    """Trials of some conditions during which another event of the model begins or lasts; and all of them."""
    plain = [i for i, name in enumerate(fit.trials.conditions) if name not in fit.trials.modulated]
    events = np.isin(fit.trials.condition, plain)
    start, end = fit.trials.onset[events], (fit.trials.onset + fit.trials.duration)[events]
    asked = np.isin(fit.trials.condition[events], [fit.trials.conditions.index(c) for c in conditions
                                                   if c in fit.trials.conditions])
    meets = (start[:, None] < end[None, :]) & (start[None, :] < end[:, None])
    np.fill_diagonal(meets, False)
    return int((meets.any(axis=1) & asked).sum()), int(asked.sum())
