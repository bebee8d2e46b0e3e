"""How the voxels of an ROI become one value."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from deltaroi.errors import UsageError

FloatArray = NDArray[np.float64]
VoxelSummary = Literal["mean", "median", "weighted_mean", "partial_volume"]
SeriesSummary = Literal["eigenvariate", "mean_timeseries"]
OF_VOXELS: tuple[VoxelSummary, ...] = ("mean", "median", "weighted_mean", "partial_volume")
OF_SERIES: tuple[SeriesSummary, ...] = ("eigenvariate", "mean_timeseries")
FILLED_ALIKE = "its voxels are filled too much alike to tell the ROI from its surroundings (summary partial_volume)"
LARGEST_GAIN = 10.0  # a judgement: a value with more than ten times the noise of one voxel tells nothing
_SAME = 1e-9


def resolve_summary(how: str, rule: str) -> VoxelSummary | SeriesSummary:
    """The summary that ``auto`` stands for.

    Parameters
    ----------
    how : str
        ``auto``, one of :data:`OF_VOXELS` or one of :data:`OF_SERIES`.
    rule : {"majority", "fill_weight"}
        How the ROI was resampled.

    Returns
    -------
    str
        ``auto`` becomes ``mean`` under ``majority`` and ``weighted_mean`` under ``fill_weight``; anything else stays.

    Raises
    ------
    UsageError
        The summary or the rule is unknown.
    """
    if rule not in ("majority", "fill_weight"):
        raise UsageError(f"unknown resampling rule {rule!r}", hint="majority or fill_weight")
    if how == "auto":
        return "mean" if rule == "majority" else "weighted_mean"
    if how not in OF_VOXELS + OF_SERIES:
        raise UsageError(f"unknown summary {how!r}", where="summary",
                         hint=f"auto, {', '.join(OF_VOXELS + OF_SERIES)}")
    return how


def summarise_voxels(values: FloatArray, weights: FloatArray, how: VoxelSummary) -> float:
    """One value from the used voxels of one ROI.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Voxel values, used voxels only; a NaN among them makes the summary NaN.
    weights : ndarray, shape (n,)
        Voxel weights, at least 0 (1 under ``majority``, the filled fraction under ``fill_weight``).
    how : {"mean", "median", "weighted_mean", "partial_volume"}
        ``mean``: every voxel counts the same. ``weighted_mean``: Σ w v ÷ Σ w. ``partial_volume``: what a voxel that the
        ROI fills would show, see :func:`partial_volume_weights`. ``median``: the weighted median, which is the ordinary
        median when all weights are equal.

    Returns
    -------
    float
        NaN when no voxel has weight, and where ``partial_volume`` cannot be told.
    """
    values = np.asarray(values, dtype=np.float64)
    weights = np.asarray(weights, dtype=np.float64)
    if values.shape != weights.shape or values.ndim != 1:
        raise ValueError(f"values {values.shape} and weights {weights.shape} must be two vectors of one length")
    if not weights.sum() > 0 or np.isnan(values).any():
        return float("nan")
    if how == "mean":
        return float(values.mean())
    if how == "weighted_mean":
        return float(weights @ values / weights.sum())
    if how == "partial_volume":
        return float(partial_volume_weights(weights) @ values)
    if how == "median":
        return _weighted_median(values, weights)
    raise ValueError(f"{how!r} is not a summary of voxel values")


def partial_volume_weights(weights: FloatArray) -> FloatArray:
    """The factors of ``partial_volume``: it is Σ q v over the voxels, and the ROI's series is the same sum of series.

    Parameters
    ----------
    weights : ndarray, shape (n,)
        Voxel weights of the used voxels, at least 0.

    Returns
    -------
    ndarray, shape (n,)
        q, which adds up to 1; NaN where there is no answer: no voxel has weight, or all voxels are filled alike but
        not wholly, or so nearly alike that √Σ q² exceeds :data:`LARGEST_GAIN`.

    Notes
    -----
    It is the linear regression for partial volume effects with two tissues, the ROI and what surrounds
    it: v = w·inside + (1 − w)·outside, by least squares over the voxels that the ROI touches; the summary is
    ``inside``. With w̄ the mean weight: q = 1/n + (1 − w̄)(w − w̄) ÷ Σ (w − w̄)². So Σ q w = 1 and Σ q (1 − w) = 0: a
    response inside comes back whole, an even response of the surroundings adds nothing. Voxels that are hardly filled
    count negatively: they tell what to take away. √Σ q² is the SD of the summary where voxels have independent noise
    of SD 1. When every voxel is filled wholly it is the mean.

    References
    ----------
    Asllani et al. (2008). Regression algorithm correcting for partial volume effects in arterial spin labeling MRI.
    Magnetic Resonance in Medicine 60, 1362-1371. doi:10.1002/mrm.21670
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not weights.sum() > 0:
        return np.full(weights.shape, np.nan)
    even = np.full(weights.shape, 1.0 / weights.size)
    if float(weights.min()) >= 1.0 - _SAME:
        return even
    away = weights - weights.mean()
    spread = float(away @ away)
    if spread <= _SAME**2:
        return np.full(weights.shape, np.nan)
    factors = even + (1.0 - weights.mean()) / spread * away
    return factors if float(factors @ factors) <= LARGEST_GAIN**2 else np.full(weights.shape, np.nan)


def summary_exists(weights: FloatArray, how: str) -> bool:
    """Whether voxels with these weights have such a summary; ``partial_volume`` needs unequally filled voxels."""
    return how != "partial_volume" or bool(np.isfinite(partial_volume_weights(weights)).all())


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    """The value with half of the weight on either side; the middle of two values when the halves meet between them."""
    keep = weights > 0
    order = np.argsort(values[keep], kind="stable")
    ordered, below = values[keep][order], np.cumsum(weights[keep][order])
    half = below[-1] / 2
    slack = 1e-9 * half  # sums of weights are rounded
    first = int(np.searchsorted(below, half - slack, side="left"))
    if below[first] <= half + slack and first + 1 < len(ordered):
        return float((ordered[first] + ordered[first + 1]) / 2)
    return float(ordered[first])


def eigenvariate(data: FloatArray) -> FloatArray:
    """The first eigenvariate of the time series of an ROI, by SPM's definition.

    Parameters
    ----------
    data : ndarray, shape (n_volumes, n_voxels)
        Voxel series in any unit. They are used as they are: as in SPM, remove what is not of interest before, above
        all each voxel's mean, which otherwise is the first component.

    Returns
    -------
    ndarray, shape (n_volumes,)
        In the unit of ``data``.

    Notes
    -----
    With Y = U S Vᵀ and n voxels: u₁ · s₁ / √n, which is the root mean square contribution of the component per voxel.
    The sign is that of Σ v₁, so that the series goes with the mean series of the ROI.

    References
    ----------
    SPM12, ``spm_regions.m`` ("compute regional response in terms of first eigenvariate").
    """
    data = np.asarray(data, dtype=np.float64)
    if data.ndim != 2 or 0 in data.shape:
        raise ValueError(f"need series of shape (n_volumes, n_voxels), found {data.shape}")
    largest = float(np.abs(data).max())
    if not largest > 0:
        return np.zeros(len(data))
    scaled = data / largest
    tall = data.shape[0] > data.shape[1]  # the smaller square has the same first component, at a fraction of the cost
    square = scaled.T @ scaled if tall else scaled @ scaled.T
    value, vector = eigh(square, subset_by_index=[len(square) - 1] * 2)
    series = scaled @ vector[:, 0] if tall else vector[:, 0] * np.sqrt(max(float(value[0]), 0.0))
    weights = vector[:, 0] if tall else scaled.T @ vector[:, 0]
    sign = -1.0 if weights.sum() < 0 else 1.0
    return np.asarray(sign * largest * series / np.sqrt(data.shape[1]), dtype=np.float64)


def mean_timeseries(data: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted mean series, shape (n_volumes,), of voxel series of shape (n_volumes, n_voxels)."""
    weights = np.asarray(weights, dtype=np.float64)
    if not weights.sum() > 0:
        raise ValueError("no voxel has weight")
    return np.asarray(np.asarray(data, dtype=np.float64) @ weights / weights.sum(), dtype=np.float64)
