"""A multilevel model over ROIs: every ROI has an effect of its own, and the effects come from one distribution.

For subject i and ROI r, in a region of the brain g(r),

    y_ir = X_ir c_r + Z_i b_r + s_i + h_ig(r) + e_ir

with columns X that every ROI has for itself (intercept, own baseline, covariates), the tested columns Z (dummies of the
groups), b_r ~ N(mean, tau²), subjects' shifts s ~ N(0, shared²), shifts h ~ N(0, regional²) that the ROIs of one region
(its two hemispheres) share beyond them, and e_ir ~ N(0, sigma_rk²) with an SD for every ROI and group k. The shifts are
integrated out in closed form. Everything is computed in units of the typical residual SD.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.record import Array

IntArray = NDArray[np.int64]
LEAST_ROIS = 3
"""Fewer effects say nothing about the distribution that they come from."""
PRIORS = {"mean": 2.0, "tau": 0.5, "shared": 1.0, "regional": 1.0, "log_sigma": 1.0, "own": 5.0}
"""SD of each prior: normal, or half-normal for the SDs tau, shared and regional. ``mean``, ``tau``, ``shared`` and
``regional`` are in typical residual SDs; ``own`` and the log-normal ``log_sigma`` are relative to the ROI's own."""


@dataclass(frozen=True, eq=False)
class Levels:
    """The data of one model; n subjects, R ROIs, p own columns, q tested columns, K groups.

    Attributes
    ----------
    y : ndarray, shape (n, R)
        Values over ``unit``, centred per ROI; 0 where there is none.
    there : ndarray, shape (n, R)
        1 where there is a value, else 0.
    own : ndarray, shape (R, n, p)
        The columns of every ROI for itself, standardised.
    tested : ndarray, shape (n, q)
        The columns whose coefficients are pooled over ROIs.
    group : ndarray, shape (n,)
        Groups, 0 to K - 1, each with residual SDs of its own.
    together : ndarray, shape (R, L)
        1 where an ROI belongs to a region with several ROIs.
    scale : ndarray, shape (R,)
        Residual SD of every ROI by least squares, over ``unit``.
    unit : float
        The median of these SDs, in the unit of the data.
    """

    y: Array
    there: Array
    own: Array
    tested: Array
    group: IntArray
    together: Array
    scale: Array
    unit: float


def levels(values: Array, own: Array, tested: Array, group: IntArray, regions: tuple[str, ...]) -> Levels | str:
    """Arrange the data of a model; a text says why there is none.

    Parameters
    ----------
    values : ndarray, shape (n, R)
        One value per subject and ROI; NaN where missing.
    own : ndarray, shape (R, n, p)
        Columns of every ROI for itself, an intercept of ones among them unless a mean is tested; may be NaN where the
        value is missing.
    tested : ndarray, shape (n, q)
        Columns whose coefficients are pooled.
    group : ndarray, shape (n,)
        Groups from 0.
    regions : tuple of str
        The region of every ROI.
    """
    rois = values.shape[1]
    if rois < LEAST_ROIS:
        return f"there are {rois} ROIs, and at least {LEAST_ROIS} are needed"
    there = np.isfinite(values) & np.isfinite(own).all(axis=2).T
    scale, columns, shifted = np.zeros(rois), np.zeros_like(own), np.zeros_like(values)
    for r in range(rois):
        at = there[:, r]
        least = np.concatenate([own[r][at], tested[at]], axis=1)
        n, rank = int(at.sum()), int(np.linalg.matrix_rank(least)) if at.any() else 0
        if rank < least.shape[1] or n - rank < 2 or min(np.bincount(group[at], minlength=group.max() + 1)) < 2:
            return "an ROI has too few subjects, or columns that depend on each other"
        centre = values[at, r].mean() if _constant(own[r][at]).any() else 0.0
        shifted[at, r] = values[at, r] - centre
        residuals = shifted[at, r] - least @ np.linalg.lstsq(least, shifted[at, r], rcond=None)[0]
        scale[r] = math.sqrt(float(residuals @ residuals) / (n - rank))
        if scale[r] <= 1e-9 * float(np.abs(values[at, r]).max()):
            return "an ROI does not vary beyond the model"
        columns[r][at] = _standardised(own[r][at])
    unit = float(np.median(scale))
    names = [name for name in dict.fromkeys(regions) if regions.count(name) > 1]
    together = np.array([[float(region == name) for name in names] for region in regions]).reshape(rois, len(names))
    return Levels(shifted / unit, there.astype(np.float64), columns, tested, group, together, scale / unit, unit)


def _constant(columns: Array) -> NDArray[np.bool_]:
    return np.ptp(columns, axis=0) == 0


def _standardised(columns: Array) -> Array:
    """Columns with mean 0 and SD 1; a constant stays."""
    constant = _constant(columns)
    spread = np.where(constant, 1.0, columns.std(axis=0))
    return (columns - np.where(constant, 0.0, columns.mean(axis=0))) / spread


def start(data: Levels) -> dict[str, Array]:
    """Where the search may begin: the parameters, all on the real line."""
    rois, q, groups = data.y.shape[1], data.tested.shape[1], int(data.group.max()) + 1
    inner = {"log_regional": np.full((), -1.0)} if data.together.shape[1] else {}
    return {"own": np.zeros((rois, data.own.shape[2])), "mean": np.zeros(q), "apart": np.zeros((q, rois)),
            "log_tau": np.full(q, -1.5), "log_sigma": np.zeros((groups, rois)), "log_shared": np.full((), -1.0),
            **inner}


def effects(parameters: Mapping[str, Any], xp: Any = np) -> Any:
    """The tested effect of every ROI, shape (..., q, R), in units of the typical residual SD."""
    return parameters["mean"][..., None] + xp.exp(parameters["log_tau"])[..., None] * parameters["apart"]


def log_density(parameters: Mapping[str, Any], data: Levels, xp: Any = np) -> Any:
    """The logarithm of likelihood times prior, up to a constant.

    Parameters
    ----------
    parameters : mapping
        As :func:`start` returns them.
    data : Levels
        The data.
    xp : module
        Whose functions compute it: numpy, or jax.numpy for its derivatives.
    """
    return _likelihood(parameters, data, xp) + _prior(parameters, xp)


def _likelihood(parameters: Mapping[str, Any], data: Levels, xp: Any) -> Any:
    """Of subject i, the covariance over ROIs is D + T regional² T' + shared² 1 1', inverted in closed form."""
    sigma = xp.exp(parameters["log_sigma"]) * data.scale
    weight = data.there / sigma[data.group] ** 2
    own = xp.einsum("rnp,rp->nr", data.own, parameters["own"] * data.scale[:, None])
    rest = data.y - own - data.tested @ effects(parameters, xp)
    total, moved, square = weight.sum(axis=1), (weight * rest).sum(axis=1), (weight * rest**2).sum()
    size = -(data.there * xp.log(sigma[data.group] ** 2)).sum()
    if data.together.shape[1]:
        variance = xp.exp(2 * parameters["log_regional"])
        inside, inner = weight @ data.together, (weight * rest) @ data.together
        turn = 1 + variance * inside
        size = size - xp.log(turn).sum()
        square = square - (variance * inner**2 / turn).sum()
        total = total - (variance * inside**2 / turn).sum(axis=1)
        moved = moved - (variance * inside * inner / turn).sum(axis=1)
    shared = xp.exp(2 * parameters["log_shared"])
    turn = 1 + shared * total
    return 0.5 * (size - xp.log(turn).sum() - square + (shared * moved**2 / turn).sum())


def _prior(parameters: Mapping[str, Any], xp: Any) -> Any:
    found = -0.5 * ((parameters["apart"] ** 2).sum() + ((parameters["mean"] / PRIORS["mean"]) ** 2).sum()
                    + ((parameters["own"] / PRIORS["own"]) ** 2).sum()
                    + ((parameters["log_sigma"] / PRIORS["log_sigma"]) ** 2).sum())
    for name in ("tau", "shared", "regional"):
        if f"log_{name}" in parameters:  # half-normal, and the derivative of exp
            log = parameters[f"log_{name}"]
            found = found + (log - 0.5 * (xp.exp(log) / PRIORS[name]) ** 2).sum()
    return found
