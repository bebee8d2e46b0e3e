"""Estimates and signed z of a test under many arrangements of subjects, for the joint test of many specifications."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import BLOCK
from deltaroi.stats.permuted import FreedmanLane, Raw, SignFlip, Welch, rearranged
from deltaroi.stats.record import Array
from deltaroi.stats.refit import basis_of, equivalent_t

LARGEST_Z = 40.0
"""What stands for the z of an arrangement without error variance, which counts as extreme."""
Z_05 = 1.959963984540054


@dataclass(frozen=True, eq=False)
class Signed:
    """Per arrangement, shape (rows,): the estimate, and z of the same two-sided p with its sign; NaN without a test."""

    estimate: Array
    z: Array


def signed(test: FreedmanLane | Welch | SignFlip, arrangements: NDArray[np.generic]) -> Signed:
    """Estimate and z of a test with a direction under every arrangement.

    Parameters
    ----------
    test : FreedmanLane, Welch or SignFlip
        Of one column, or of two groups.
    arrangements : ndarray, shape (rows, n)
        Of the test's own subjects, as :mod:`deltaroi.stats.permutation` makes them; the first row is the identity.

    Notes
    -----
    The z is that of the statistic of :mod:`deltaroi.stats.permuted` by its degrees of freedom: n - p, or those that
    the data have. Rows are worked on in blocks of one size, so that a row has the same bytes whichever come with it.
    """
    rows = arrangements.shape[0]
    estimate, z = np.empty(rows), np.empty(rows)
    for start in range(0, rows, BLOCK):
        part = arrangements[start:start + BLOCK]
        here = part.shape[0]
        if here < BLOCK:
            part = np.concatenate([part, np.repeat(part[:1], BLOCK - here, axis=0)])
        found, raw, df = _block(test, np.ascontiguousarray(part))
        tall = np.minimum(equivalent_t(raw, df), LARGEST_Z)
        estimate[start:start + here] = found[:here]
        z[start:start + here] = (np.where(np.isnan(raw), np.nan, tall) * np.sign(found))[:here]
    return Signed(estimate, z)


def _block(test: FreedmanLane | Welch | SignFlip, part: NDArray[np.generic]) -> tuple[Array, Array, Array]:
    """Estimates, |t| and degrees of freedom of some rows."""
    raw: Raw = test.raw(part)
    if isinstance(test, SignFlip):
        estimate = part.astype(np.float64, copy=False) @ test.y / max(test.y.size, 1)
        freedom = test.y.size - 1
    elif isinstance(test, Welch):
        labels = np.unique(test.labels)
        weights = np.zeros(test.labels.size)
        if labels.size == 2:
            first = test.labels == labels[0]
            weights = first / max(first.sum(), 1) - ~first / max((~first).sum(), 1)
        estimate = rearranged(test.y - test.y.mean(), part) @ weights
        freedom = test.labels.size - 2
    else:
        estimate, freedom = _coefficient(test, part)
    df = np.full(part.shape[0], float(max(freedom, 1))) if raw[1] is None else raw[1]
    return estimate, raw[0], df


def _coefficient(test: FreedmanLane, part: NDArray[np.generic]) -> tuple[Array, int]:
    """The tested coefficient of every row, and n - p."""
    if test.df_between != 1:
        raise ValueError("a joint test has no direction")
    nuisance = basis_of(test.nuisance)
    residual = test.y - nuisance @ (nuisance.T @ test.y)
    column = test.tested[:, 0] - nuisance @ (nuisance.T @ test.tested[:, 0])
    size = float(column @ column)
    weights = column / size if size > 0 else np.full(column.size, np.nan)
    return rearranged(residual, part) @ weights, test.y.size - nuisance.shape[1] - 1


@dataclass(frozen=True)
class Curve:
    """What specifications say together.

    Attributes
    ----------
    median : float
        Median of the estimates.
    share_sign : float
        Share with the predominant sign, that of most estimates (at a tie that of the mean z).
    share_significant : float
        Share with that sign and a two-sided p below .05.
    mean_z : float
        Mean of z.
    p_median, p_share, p_stouffer : float
        Joint p of the median's and the mean z's distance from 0, and of ``share_significant``.
    arrangements : int
        How many were compared, the data themselves among them.
    """

    median: float
    share_sign: float
    share_significant: float
    mean_z: float
    p_median: float
    p_share: float
    p_stouffer: float
    arrangements: int


def curve(estimate: Array, z: Array, floor: int = 0) -> Curve:
    """Summarise specifications, and hold each summary against the same under every arrangement.

    Parameters
    ----------
    estimate, z : ndarray, shape (specifications, rows)
        From :func:`signed`, each row of all specifications from one arrangement; the first are the data.
    floor : int
        How many arrangements can be told apart: no p is below one over it. 0 for no p.

    Notes
    -----
    p is the share of arrangements, the data among them, whose summary is as large. Because one arrangement rearranges
    the subjects of all specifications alike, the dependence between specifications is that of the data.

    References
    ----------
    Simonsohn, Simmons & Nelson (2020). Specification curve analysis. Nature Human Behaviour 4, 1208-1214.
    """
    positive, negative = (estimate > 0).sum(axis=0), (estimate < 0).sum(axis=0)
    mean = z.mean(axis=0)
    way = np.sign(positive - negative)
    way = np.where(way == 0, np.where(mean < 0, -1, 1), way)
    along = np.sign(estimate) == way
    share = (along & (np.abs(z) > Z_05)).mean(axis=0)
    median = np.median(estimate, axis=0)
    p = [max(float((one >= one[0] * (1 - 1e-9)).mean()), 1 / floor) if floor else float("nan")
         for one in (np.abs(median), share, np.abs(mean))]
    return Curve(float(median[0]), float(along[:, 0].mean()), float(share[0]), float(mean[0]), p[0], p[1], p[2],
                 estimate.shape[1] if floor else 0)
