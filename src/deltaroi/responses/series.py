"""One time series per ROI and run, and its model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from deltaroi.grid import FloatArray
from deltaroi.responses.coverage import Common
from deltaroi.signal.glm import fit_series
from deltaroi.signal.runfit import RunFit
from deltaroi.summaries import eigenvariate, mean_timeseries, partial_volume_weights, summary_exists
from deltaroi.types import RoiKey


@dataclass(frozen=True, eq=False)
class SeriesFit:
    """Effect and variance of each contrast, shape (n_contrasts,), for one ROI's series in one run."""

    effect: FloatArray
    variance: FloatArray


def fit_roi_series(fit: RunFit, common: Mapping[RoiKey, Common], how: Mapping[RoiKey, str]) -> dict[RoiKey, SeriesFit]:
    """Fit the run's model to one series per ROI.

    Parameters
    ----------
    fit : RunFit
        The run.
    common : mapping of RoiKey to Common
        The voxels of each ROI.
    how : mapping of RoiKey to str
        Resolved summary of each ROI.

    Returns
    -------
    dict of RoiKey to SeriesFit
        In the unit of the fit. ROIs without voxels, or without such a summary, are absent.

    Notes
    -----
    Every voxel is scaled before the average, so that with least squares the effect of the mean series is the mean of
    the voxels' effects. For the eigenvariate, drift and confounds are projected out first.
    """
    keys = [key for key, voxels in common.items() if voxels.index.size and summary_exists(voxels.weights, how[key])]
    if not keys:
        return {}
    series = np.column_stack([_series(fit, common[key], how[key]) for key in keys])
    result = fit_series(series, fit.design, fit.vectors, fit.noise)
    return {key: SeriesFit(result.effect[:, i], result.variance[:, i]) for i, key in enumerate(keys)}


def _series(fit: RunFit, voxels: Common, how: str) -> FloatArray:
    scaled = fit.voxels[:, voxels.index].astype(np.float64) * fit.scale[voxels.index]
    if how == "eigenvariate":
        nuisance = fit.design[:, fit.n_task:]
        clean = scaled - nuisance @ np.linalg.lstsq(nuisance, scaled, rcond=None)[0]
        return eigenvariate(clean)
    if how == "partial_volume":
        return mean_timeseries(scaled, partial_volume_weights(voxels.weights))
    return mean_timeseries(scaled, np.ones_like(voxels.weights) if how == "mean" else voxels.weights)
