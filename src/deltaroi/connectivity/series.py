"""The mean series of ROIs in one run, and what a seed's series becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from deltaroi.grid import FloatArray, IntArray
from deltaroi.signal.runfit import RunFit
from deltaroi.summaries import mean_timeseries
from deltaroi.types import RoiKey, RunKey


@dataclass(frozen=True, eq=False)
class Roi:
    """Where one subject's runs measure an ROI: the voxels of its responses.

    Attributes
    ----------
    key : RoiKey
        The ROI.
    voxels : mapping of RunKey to (ndarray, ndarray)
        Positions in ``RunFit.flat`` and weights, of every run that covers it.
    coverage : mapping of RunKey to float
        The share of the ROI that is used.
    """

    key: RoiKey
    voxels: Mapping[RunKey, tuple[IntArray, FloatArray]]
    coverage: Mapping[RunKey, float] = field(default_factory=dict)


def mean_series(fit: RunFit, roi: Roi) -> FloatArray:
    """The weighted mean of an ROI's voxels in the unit of the fit, shape (n_volumes,)."""
    index, weights = roi.voxels[fit.key]
    return mean_timeseries(fit.voxels[:, index].astype(np.float64) * fit.scale[index], weights)


def adjusted(fit: RunFit, series: FloatArray) -> FloatArray:
    """A series without what the run's own model ascribes to confounds, censored volumes and drift.

    Notes
    -----
    Least squares of the whole model; then the part of all columns that belong to no condition is taken away, as SPM
    does for a volume of interest. In a censored volume nothing but the conditions' response is left.
    """
    beta = np.linalg.lstsq(fit.design, series, rcond=None)[0]
    return np.asarray(series - fit.design[:, fit.n_task:] @ beta[fit.n_task:], dtype=np.float64)


def volume_interval_s(fit: RunFit) -> float:
    """The repetition time, from the model's own times."""
    return float((fit.frame_times[-1] - fit.frame_times[0]) / (fit.n_volumes - 1))
