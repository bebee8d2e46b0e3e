"""One time series per ROI and run, and its model."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


class SeriesStore:
    """Series that several fits of one run share: they depend on the voxels, and an eigenvariate on the nuisance too."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], FloatArray] = {}
        self._voxels: dict[int, tuple[weakref.ref[np.ndarray[Any, Any]], str]] = {}

    def series(self, fit: RunFit, wanted: Mapping[tuple[RoiKey, str], Common]) -> list[FloatArray]:
        """The series of ROIs, each made once."""
        place = (fit.key.label, self._of_voxels(fit.voxels), _digest(fit.scale))
        nuisance = _digest(fit.design[:, fit.n_task:])
        found = []
        for (key, kind), voxels in wanted.items():
            of = (*place, nuisance if kind == "eigenvariate" else "", key.label, kind,
                  _digest(voxels.index, voxels.weights))
            if of not in self._known:
                self._known[of] = _series(fit, voxels, kind)
            found.append(self._known[of])
        return found

    def _of_voxels(self, voxels: np.ndarray[Any, Any]) -> str:
        """The digest of a run's voxels, which fits share in memory; made once."""
        known = self._voxels.get(id(voxels))
        if known is None or known[0]() is not voxels:  # an id is used again once an array is gone
            known = self._voxels[id(voxels)] = weakref.ref(voxels), _digest(voxels)
        return known[1]


def _digest(*arrays: np.ndarray[Any, Any]) -> str:
    made = hashlib.blake2b(digest_size=16)
    for array in arrays:
        made.update(np.ascontiguousarray(array).data)
    return made.hexdigest()


def fit_kinds(fit: RunFit, wanted: Mapping[tuple[RoiKey, str], Common],
              store: SeriesStore | None = None) -> dict[tuple[RoiKey, str], SeriesFit]:
    """Fit the run's model to series of ROIs.

    Parameters
    ----------
    fit : RunFit
        The run.
    wanted : mapping of (RoiKey, str) to Common
        The voxels of each ROI and kind of series, as :func:`series_kind` names it.
    store : SeriesStore, optional
        Where series are taken from, and kept for other fits.

    Returns
    -------
    dict of (RoiKey, str) to SeriesFit
        Those that exist. A series' numbers do not depend on which others are asked for.
    """
    there = {(key, kind): voxels for (key, kind), voxels in wanted.items()
             if voxels.index.size and summary_exists(voxels.weights, kind)}
    if not there:
        return {}
    made = [_series(fit, voxels, kind) for (_, kind), voxels in there.items()] if store is None else \
        store.series(fit, there)
    result = fit_series(np.column_stack(made), fit.design, fit.vectors, fit.noise)
    return {key: SeriesFit(result.effect[:, i], result.variance[:, i]) for i, key in enumerate(there)}


def _series(fit: RunFit, voxels: Common, how: str) -> FloatArray:
    scaled = fit.voxels[:, voxels.index].astype(np.float64) * fit.scale[voxels.index]
    if how == "eigenvariate":
        nuisance = fit.design[:, fit.n_task:]
        clean = scaled - nuisance @ np.linalg.lstsq(nuisance, scaled, rcond=None)[0]
        return eigenvariate(clean)
    if how == "partial_volume":
        return mean_timeseries(scaled, partial_volume_weights(voxels.weights))
    return mean_timeseries(scaled, np.ones_like(voxels.weights) if how == "mean" else voxels.weights)
