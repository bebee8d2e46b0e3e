"""nilearn's GLM over many series, so that one series' numbers never depend on which others are fitted with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from deltaroi.grid import FloatArray, IntArray

BLOCK = 64
_BINS = 100


@dataclass(frozen=True, eq=False)
class GlmFit:
    """The fit of n series.

    Attributes
    ----------
    effect, variance : ndarray, shape (n_contrasts, n)
        Contrast estimates and their variances, in the unit of the series.
    residual_sd : ndarray, shape (n,)
        SD of the ordinary least-squares residuals.
    """

    effect: FloatArray
    variance: FloatArray
    residual_sd: FloatArray


def fit_series(series: np.ndarray[Any, Any], design: FloatArray, vectors: FloatArray, noise: str,
               chosen: IntArray | None = None) -> GlmFit:
    """Fit one design to many series.

    Parameters
    ----------
    series : ndarray, shape (n_volumes, n)
        Finite time series.
    design : ndarray, shape (n_volumes, n_columns)
        Design matrix of full column rank.
    vectors : ndarray, shape (n_contrasts, n_columns)
        Contrast vectors.
    noise : str
        ``ols`` or ``ar1``.
    chosen : ndarray of int, optional
        Fit only these columns of ``series``; then n below is their number.

    Returns
    -------
    GlmFit

    Notes
    -----
    What ``nilearn.glm.first_level.run_glm`` does, with its own public models: least squares, the lag-1
    autocorrelation of the residuals, cut towards zero to steps of 0.01, and one autoregressive model per step. The
    arithmetic runs in float64 over blocks of exactly 64 series (the last padded with copies), because matrix products
    of another shape may round differently. A test holds this to ``run_glm``.
    """
    from nilearn.glm import ARModel, OLSModel, compute_contrast

    chosen = np.arange(series.shape[1]) if chosen is None else chosen
    n = chosen.size
    out = GlmFit(np.zeros((len(vectors), n)), np.zeros((len(vectors), n)), np.zeros(n))
    steps = np.zeros(n, dtype=np.int64)
    ordinary = OLSModel(design)

    def keep(fitted: Any, columns: IntArray) -> None:
        labels = np.zeros(BLOCK)
        with np.errstate(divide="ignore", invalid="ignore"):
            for i, vector in enumerate(vectors):
                contrast = compute_contrast(labels, {0.0: fitted}, vector, stat_type="t")
                out.effect[i, columns] = contrast.effect[:columns.size]
                out.variance[i, columns] = contrast.variance[:columns.size]

    for columns, block in _blocks(series, chosen, np.arange(n)):
        fitted = ordinary.fit(block)
        residuals = fitted.whitened_residuals
        power = (residuals**2).sum(axis=0)
        out.residual_sd[columns] = np.sqrt(power / (design.shape[0] - design.shape[1]))[:columns.size]
        if noise == "ols":
            keep(fitted, columns)
        else:
            steps[columns] = _steps(residuals, power)[:columns.size]
    if noise != "ols":
        for step in np.unique(steps):
            model = ARModel(design, step / _BINS)
            for columns, block in _blocks(series, chosen, np.flatnonzero(steps == step)):
                keep(model.fit(block), columns)
    return out


def _blocks(series: np.ndarray[Any, Any], chosen: IntArray, columns: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
    """Blocks of exactly ``BLOCK`` series as float64; a short last one repeats its first series."""
    for start in range(0, columns.size, BLOCK):
        mine = columns[start:start + BLOCK]
        padded = np.full(BLOCK, mine[0])
        padded[:mine.size] = mine
        yield mine, np.ascontiguousarray(series[:, chosen[padded]], dtype=np.float64)


def _steps(residuals: FloatArray, power: FloatArray) -> IntArray:
    """Lag-1 autocorrelation of each column in hundredths, cut towards zero (Yule-Walker, unbiased sums)."""
    n = residuals.shape[0]
    lagged = (residuals[:-1] * residuals[1:]).sum(axis=0)
    rho = np.divide(lagged * n, power * (n - 1), out=np.zeros_like(power), where=power > 0)
    return (rho * _BINS).astype(np.int64)
