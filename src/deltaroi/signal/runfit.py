"""What the first level leaves of one run: the record, and its file."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.files import content_state, write_npz
from deltaroi.signal.trials import Trials
from deltaroi.types import Exclusion, RoiKey, RunKey

VERSION = 2
_ARRAYS = ("flat", "used", "mean", "tsnr", "scale", "voxels", "effect", "variance", "vectors", "design", "frame_times",
           "censored", "roi_offset", "roi_index", "roi_weight", "series")
_OF_TRIALS = ("condition", "onset", "duration", "modulation")


@dataclass(frozen=True, eq=False)
class RunFit:
    """The first-level model of one run, at the voxels of all ROIs.

    n is the number of voxels, T of volumes, p of design columns, c of contrasts, r of ROIs.

    Attributes
    ----------
    key : RunKey
        The run.
    grid_digest : str
        Hash of the grid the voxel positions belong to.
    flat : ndarray of int64, shape (n,)
        Sorted flat C-order positions on the grid.
    used : ndarray of bool, shape (n,)
        Inside the brain mask, finite, not constant, and with a positive mean where the unit is percent.
    mean : ndarray, shape (n,)
        Mean over uncensored volumes, raw units; NaN where not used.
    tsnr : ndarray, shape (n,)
        Mean over the SD of the residuals; NaN where not used.
    scale : ndarray, shape (n,)
        Factor from raw units to ``unit``; NaN where not used.
    voxels : ndarray of float32, shape (T, n)
        Smoothed signal minus its mean, raw units; 0 where not used.
    contrasts : tuple of str
        Names of the contrasts asked for.
    effect, variance : ndarray, shape (c, n)
        Contrast estimates and their variances in ``unit``; NaN where not used, and where the run cannot serve it.
    vectors : ndarray, shape (c, p)
        Weights on the design's columns, heights included; zeros where the run cannot serve the contrast.
    design : ndarray, shape (T, p)
        Design matrix; ``columns`` names its columns, of which the first ``n_task`` are conditions; ``frame_times``
        (T,) are its rows in s.
    censored : ndarray of int64
        Volumes, from 0, with a column of their own.
    rois : tuple of RoiKey
        The ROIs; ``roi_index`` (positions in ``flat``) and ``roi_weight`` hold their voxels one after the other,
        ROI i from ``roi_offset[i]`` to ``roi_offset[i + 1]``.
    series : ndarray, shape (r, T)
        Weighted mean over each ROI's used voxels of the signal in ``unit``, mean removed; NaN for an ROI without any.
    heights : mapping of str to float
        Peak of one event's response in the regressor of each condition; 1 unless ``scaling`` is percent.
    dof : int
        Error degrees of freedom.
    mean_fd_mm : float
        Mean framewise displacement; NaN when unknown.
    noise, hrf, scaling, unit : str
        How the model was made, and the unit of its effects.
    exclusions : tuple of Exclusion
        What is not in this fit, and why.
    notes : tuple of str
        What else to know.
    trials : Trials
        The events behind the design's regressors, after the run's own handling of them.
    oversampling : int
        Of the regressors.
    """

    key: RunKey
    grid_digest: str
    flat: IntArray
    used: NDArray[np.bool_]
    mean: FloatArray
    tsnr: FloatArray
    scale: FloatArray
    voxels: NDArray[np.float32]
    contrasts: tuple[str, ...]
    effect: FloatArray
    variance: FloatArray
    vectors: FloatArray
    design: FloatArray
    columns: tuple[str, ...]
    n_task: int
    frame_times: FloatArray
    censored: IntArray
    rois: tuple[RoiKey, ...]
    roi_offset: IntArray
    roi_index: IntArray
    roi_weight: FloatArray
    series: FloatArray
    heights: Mapping[str, float]
    dof: int
    mean_fd_mm: float
    noise: str
    hrf: str
    scaling: str
    unit: str
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = field(default=())
    trials: Trials = field(default_factory=Trials)
    oversampling: int = 50

    @property
    def n_volumes(self) -> int:
        """Volumes of the run."""
        return int(self.design.shape[0])

    @property
    def censored_fraction(self) -> float:
        """Censored volumes over all volumes."""
        return self.censored.size / self.n_volumes

    def serves(self, contrast: str) -> bool:
        """Whether this run has an estimate of a contrast."""
        return contrast in self.contrasts and bool(self.vectors[self.contrasts.index(contrast)].any())


def save_fit(path: Path, fit: RunFit, base: RunFit | None = None) -> None:
    """Write a fit as an ``.npz`` whose bytes depend on the fit alone.

    Parameters
    ----------
    path : Path
        The file.
    fit : RunFit
        The fit.
    base : RunFit, optional
        Another fit of the same run: arrays that are equal to its own are not written again, and the file can only be
        read with it.
    """
    shared = [] if base is None else [name for name in _ARRAYS if _same(getattr(fit, name), getattr(base, name))]
    text = json.dumps({
        "version": VERSION, "key": asdict(fit.key), "grid_digest": fit.grid_digest, "contrasts": fit.contrasts,
        "columns": fit.columns, "n_task": fit.n_task, "rois": [asdict(roi) for roi in fit.rois],
        "heights": dict(fit.heights), "dof": fit.dof,
        "mean_fd_mm": fit.mean_fd_mm if np.isfinite(fit.mean_fd_mm) else None, "noise": fit.noise, "hrf": fit.hrf,
        "scaling": fit.scaling, "unit": fit.unit, "exclusions": [asdict(row) for row in fit.exclusions],
        "notes": fit.notes, "oversampling": fit.oversampling, "conditions": fit.trials.conditions,
        "modulated": fit.trials.modulated, **({} if base is None else {"shared": shared})}, ensure_ascii=False)
    arrays: dict[str, np.ndarray[Any, Any]] = {name: getattr(fit, name) for name in _ARRAYS if name not in shared}
    arrays |= {f"trial_{name}": getattr(fit.trials, name) for name in _OF_TRIALS}
    write_npz(path, {**arrays, "text": np.frombuffer(text.encode(), dtype=np.uint8)})


def _same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype and np.array_equal(one, other, one.dtype.kind == "f")


def load_fit(path: Path, base: RunFit | None = None) -> RunFit:
    """Read a fit.

    Parameters
    ----------
    path : Path
        A file that :func:`save_fit` wrote.
    base : RunFit, optional
        The fit that it was written beside.

    Returns
    -------
    RunFit

    Raises
    ------
    DataError
        The file is missing, damaged, or of another version.
    """
    hint = "delete it and run the first level again"
    if content_state(path) != "ok":
        raise DataError(f"the first-level file cannot be read: {content_state(path)}", where=str(path), hint=hint)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            text = json.loads(bytes(stored["text"]).decode())
            if text["version"] != VERSION:
                raise DataError(f"the first-level file is of version {text['version']}, this is version {VERSION}",
                                where=str(path), hint=hint)
            trials = Trials(tuple(text["conditions"]), tuple(text["modulated"]),
                            **{name: stored[f"trial_{name}"] for name in _OF_TRIALS})
            if text.get("shared") and (base is None or base.key != RunKey(**text["key"])):
                raise DataError("the first-level file shares arrays with another fit of the run, which is not there",
                                where=str(path), hint=hint)
            shared = set(text.get("shared", ()))
            arrays = {name: getattr(base, name) if name in shared else stored[name] for name in _ARRAYS}
            fit = _from_parts(text, {**arrays, "trials": trials})
        _check(fit)
        return fit
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"the first-level file is damaged: {error}", where=str(path), hint=hint) from error


def _from_parts(text: dict[str, Any], arrays: dict[str, Any]) -> RunFit:
    fd = text["mean_fd_mm"]
    return RunFit(
        key=RunKey(**text["key"]), grid_digest=text["grid_digest"], contrasts=tuple(text["contrasts"]),
        columns=tuple(text["columns"]), n_task=text["n_task"], rois=tuple(RoiKey(**roi) for roi in text["rois"]),
        heights=text["heights"], dof=text["dof"], mean_fd_mm=float("nan") if fd is None else fd, noise=text["noise"],
        hrf=text["hrf"], scaling=text["scaling"], unit=text["unit"],
        exclusions=tuple(Exclusion(**row) for row in text["exclusions"]), notes=tuple(text["notes"]),
        oversampling=text["oversampling"], **arrays)


def _check(fit: RunFit) -> None:
    """The arrays fit together."""
    n, (t, p), c, r = fit.flat.size, fit.design.shape, len(fit.contrasts), len(fit.rois)
    wanted = {"used": (n,), "mean": (n,), "tsnr": (n,), "scale": (n,), "voxels": (t, n), "effect": (c, n),
              "variance": (c, n), "vectors": (c, p), "frame_times": (t,), "roi_offset": (r + 1,), "series": (r, t),
              "roi_index": (int(fit.roi_offset[-1]),), "roi_weight": (int(fit.roi_offset[-1]),)}
    for name, shape in wanted.items():
        if getattr(fit, name).shape != shape:
            raise ValueError(f"{name} has shape {getattr(fit, name).shape}, expected {shape}")
    for name in _OF_TRIALS:
        if getattr(fit.trials, name).shape != fit.trials.onset.shape:
            raise ValueError(f"trial_{name} has shape {getattr(fit.trials, name).shape}, expected "
                             f"{fit.trials.onset.shape}")
