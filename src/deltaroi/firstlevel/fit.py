"""The model of one run, at the voxels of its ROIs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from deltaroi.firstlevel.model import FirstLevelTask, RunModel, model_run
from deltaroi.firstlevel.voxels import RunVoxels, read_voxels
from deltaroi.grid import FloatArray
from deltaroi.io.inventory import Run
from deltaroi.scaling import UNITS
from deltaroi.signal.glm import GlmFit, fit_series
from deltaroi.signal.runfit import RunFit

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet


def fit_run(run: Run, regions: RegionSet, task: FirstLevelTask) -> RunFit:
    """Fit one run at the voxels of all ROIs.

    Parameters
    ----------
    run : Run
        The files of one run.
    regions : RegionSet
        The ROIs on the run's grid.
    task : FirstLevelTask
        Model, conditions and contrasts.

    Returns
    -------
    RunFit

    Raises
    ------
    DataError
        A file is missing, damaged or does not belong to the others; the model leaves no degree of freedom.

    Notes
    -----
    Voxels outside the brain mask take part in the smoothing, as in ``FirstLevelModel``, and are then not used.
    ``percent``: 100 · Σ c · β · height over the voxel's mean of uncensored volumes. ``percent_per_unit``: nilearn's
    ``signal_scaling=0``, 100 · Σ c · β over the mean of all volumes (without nilearn's lower bound of 1 on the mean).
    """
    with threadpool_limits(1, user_api="blas"):
        voxels = read_voxels(run, regions, task.first_level)
        model = model_run(run, task, voxels.data.shape[0])
        kept = np.setdiff1d(np.arange(voxels.data.shape[0]), model.confounds.censored)
        state = voxels.state(kept, task.first_level.scaling)
        places = np.flatnonzero(state.used)
        fitted = fit_series(voxels.data, model.design.matrix, model.vectors, task.first_level.noise, places)
        return _record(run, regions, task, voxels, model, (state.mean, state.scale, places, fitted))


def _record(run: Run, regions: RegionSet, task: FirstLevelTask, voxels: RunVoxels, model: RunModel,
            parts: tuple[FloatArray, FloatArray, np.ndarray, GlmFit]) -> RunFit:
    """Put everything in its place; NaN stands where a voxel is not used or a contrast is not served."""
    mean, scale, places, fitted = parts
    n, spec = voxels.flat.size, task.first_level
    effect = np.full((len(task.contrasts), n), np.nan)
    variance = effect.copy()
    served = np.flatnonzero(model.vectors.any(axis=1))
    effect[np.ix_(served, places)] = fitted.effect[served] * scale[places]
    variance[np.ix_(served, places)] = fitted.variance[served] * scale[places] ** 2
    tsnr = np.full(n, np.nan)
    tsnr[places] = np.divide(mean[places], fitted.residual_sd, out=np.full(places.size, np.nan),
                             where=fitted.residual_sd > 0)
    used = np.zeros(n, dtype=bool)
    used[places] = True
    centred = np.zeros(voxels.data.shape, dtype=np.float32)
    for volume, row in enumerate(voxels.data):
        centred[volume, places] = row[places] - mean[places]
    offset, index, weight, series = _roi_arrays(regions, voxels, centred, scale, used)
    return RunFit(
        key=run.key, grid_digest=regions.grid.digest, flat=voxels.flat, used=used, mean=mean, tsnr=tsnr, scale=scale,
        voxels=centred, contrasts=tuple(task.contrasts), effect=effect, variance=variance, vectors=model.vectors,
        design=model.design.matrix, columns=model.design.columns, n_task=model.design.n_task,
        frame_times=model.design.frame_times, censored=model.confounds.censored,
        rois=tuple(roi.key for roi in regions.rois), roi_offset=offset, roi_index=index, roi_weight=weight,
        series=series, heights=model.heights, dof=model.design.dof, mean_fd_mm=model.confounds.mean_fd_mm,
        noise=spec.noise, hrf=spec.hrf, scaling=spec.scaling, unit=UNITS[spec.scaling],
        exclusions=model.exclusions, notes=(*run.notes, *voxels.notes, *model.notes),
        trials=model.trials, oversampling=spec.oversampling)


def _roi_arrays(regions: RegionSet, voxels: RunVoxels, centred: np.ndarray, scale: FloatArray,
                used: np.ndarray) -> tuple[np.ndarray, np.ndarray, FloatArray, FloatArray]:
    """Where each ROI's voxels are, their weights, and its mean series over the used ones."""
    index = [np.searchsorted(voxels.flat, roi.flat).astype(np.int64) for roi in regions.rois]
    offset = np.cumsum([0, *(i.size for i in index)], dtype=np.int64)
    series = np.full((len(index), centred.shape[0]), np.nan)
    for row, (roi, mine) in enumerate(zip(regions.rois, index, strict=True)):
        keep = used[mine]
        weights = roi.weights[keep]
        if weights.sum() > 0:
            places = mine[keep]
            scaled = centred[:, places].astype(np.float64) * scale[places]
            series[row] = scaled @ weights / weights.sum()
    return offset, np.concatenate(index), np.concatenate([roi.weights for roi in regions.rois]), series

