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
    kinds = {key: series_kind(how[key], voxels) for key, voxels in common.items()}
    found = fit_kinds(fit, {(key, kinds[key]): voxels for key, voxels in common.items()})
    return {key: found[key, kinds[key]] for key in common if (key, kinds[key]) in found}


def series_kind(how: str, voxels: Common) -> str:
    """Which series an ROI has under a summary; several summaries share one."""
    if how in ("eigenvariate", "partial_volume"):
        return how
    return "mean" if how == "mean" and not (voxels.weights == 1).all() else "weighted_mean"


def fit_kinds(fit: RunFit, wanted: Mapping[tuple[RoiKey, str], Common]) -> dict[tuple[RoiKey, str], SeriesFit]:
    """Fit the run's model to series of ROIs.

    Parameters
    ----------
    fit : RunFit
        The run.
    wanted : mapping of (RoiKey, str) to Common
        The voxels of each ROI and kind of series, as :func:`series_kind` names it.

    Returns
    -------
    dict of (RoiKey, str) to SeriesFit
        Those that exist. A series' numbers do not depend on which others are asked for.
    """
    keys = [(key, kind) for (key, kind), voxels in wanted.items()
            if voxels.index.size and summary_exists(voxels.weights, kind)]
    if not keys:
        return {}
    series = np.column_stack([_series(fit, wanted[key, kind], kind) for key, kind in keys])
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
