"""The model of one run, at the voxels of its ROIs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from deltaroi.errors import DataError
from deltaroi.firstlevel.model import FirstLevelTask, RunModel, model_scalings
from deltaroi.firstlevel.voxels import RunVoxels, VoxelState, read_voxels
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.inventory import Run
from deltaroi.scaling import UNITS
from deltaroi.signal.glm import GlmFit, fit_series
from deltaroi.signal.runfit import RunFit
from deltaroi.specs import FirstLevel

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet, RoiVoxels


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
    (found,) = (outcome for _, outcome in fit_runs(run, [Wanted(regions, task.first_level)], task))
    if isinstance(found, DataError):
        raise found
    return found


@dataclass(frozen=True, eq=False)
class Wanted:
    """One artefact of a run: the ROIs it is for, and the model."""

    regions: RegionSet
    first_level: FirstLevel


def fit_runs(run: Run, wanted: Sequence[Wanted],
             task: FirstLevelTask) -> Iterator[tuple[int, RunFit | DataError]]:
    """Fit one run in several ways, in one read of its image.

    Parameters
    ----------
    run : Run
        The files of one run.
    wanted : sequence of Wanted
        The ways; they differ in smoothing, confounds, noise and scaling, and in the ROIs on one grid.
    task : FirstLevelTask
        Conditions and contrasts; its model does not count.

    Yields
    ------
    int
        Position in ``wanted``: widths of smoothing in order of first use, then confounds, then noise models.
    RunFit or DataError
        The fit, as :func:`fit_run` makes it alone, or why there is none.

    Raises
    ------
    DataError
        The image cannot be read.

    Notes
    -----
    A model is fitted once for all scalings, whose contrast vectors are stacked, and for all ROIs. Memory: the voxels of
    all widths at once, and one fit.
    """
    flat = _all_voxels(roi for one in wanted for roi in one.regions.rois)
    widths = list(dict.fromkeys(one.first_level.smoothing_fwhm_mm for one in wanted))
    with threadpool_limits(1, user_api="blas"):
        read = [replace(voxels, spare=len(wanted) == 1)
                for voxels in read_voxels(run, wanted[0].regions.grid, flat, widths)]
        for width, voxels in zip(widths, read, strict=True):
            here = [i for i, one in enumerate(wanted) if one.first_level.smoothing_fwhm_mm == width]
            for _, mine in _alike(here, lambda i: wanted[i].first_level.confounds):
                yield from _fit_design(run, voxels, {i: wanted[i] for i in mine}, task)


def _all_voxels(rois: Iterable[RoiVoxels]) -> IntArray:
    """The voxels of ROIs, each once, sorted."""
    return np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(roi.flat for roi in rois)])).astype(np.int64)


def _alike(places: Sequence[int], of: Callable[[int], Any]) -> Iterator[tuple[Any, list[int]]]:
    """Positions that share a choice, by the choice, in order of first use."""
    choices = [of(i) for i in places]
    for n, choice in enumerate(choices):
        if choice not in choices[:n]:
            yield choice, [i for i, other in zip(places, choices, strict=True) if other == choice]


def _fit_design(run: Run, voxels: RunVoxels, wanted: Mapping[int, Wanted],
                task: FirstLevelTask) -> Iterator[tuple[int, RunFit | DataError]]:
    """The fits that share a smoothing and confounds, hence a design matrix."""
    any_spec = next(iter(wanted.values())).first_level
    n_volumes = voxels.data.shape[0]
    try:
        models = model_scalings(run, replace(task, first_level=any_spec), n_volumes,
                                dict.fromkeys(one.first_level.scaling for one in wanted.values()))
    except DataError as error:
        yield from ((i, error) for i in wanted)
        return
    kept = np.setdiff1d(np.arange(n_volumes), next(iter(models.values())).confounds.censored)
    states = {scaling: voxels.state(kept, scaling) for scaling in models}
    for noise, mine in _alike(list(wanted), lambda i: wanted[i].first_level.noise):
        scalings = list(dict.fromkeys(wanted[i].first_level.scaling for i in mine))
        used = np.any([states[scaling].used for scaling in scalings], axis=0)
        places = np.flatnonzero(used)
        vectors = np.concatenate([models[scaling].vectors for scaling in scalings])
        fitted = fit_series(voxels.data, models[scalings[0]].design.matrix, vectors, noise, places)
        for i in mine:
            scaling = wanted[i].first_level.scaling
            start = scalings.index(scaling) * len(task.contrasts)
            rows = slice(start, start + len(task.contrasts))
            part = GlmFit(fitted.effect[rows], fitted.variance[rows], fitted.residual_sd)
            whole = (states[scaling], places, part)
            yield i, _at_rois(run, wanted[i], task, voxels, (models[scaling], whole))


def _at_rois(run: Run, one: Wanted, task: FirstLevelTask, voxels: RunVoxels,
             made: tuple[RunModel, tuple[VoxelState, np.ndarray, GlmFit]]) -> RunFit:
    """The record of one way to fit, at the voxels of its own ROIs."""
    model, (state, fitted_at, fitted) = made
    flat = _all_voxels(one.regions.rois)
    at = np.searchsorted(voxels.flat, flat)
    mine, places = voxels.at(flat), np.flatnonzero(state.used[at])
    columns = np.searchsorted(fitted_at, at[places])
    if columns.size != fitted_at.size:
        fitted = GlmFit(fitted.effect[:, columns], fitted.variance[:, columns], fitted.residual_sd[columns])
    parts = (state.mean[at], state.scale[at], places, fitted)
    return _record(run, one.regions, replace(task, first_level=one.first_level), mine, model, parts)


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
    centred = voxels.centred(mean, places)
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

