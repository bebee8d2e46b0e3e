"""What a model assumes, as numbers to look at; no test here decides which analysis is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from deltaroi.stats.linear import Fit, centred, fit, test_joint, test_weights
from deltaroi.stats.record import NAN, Array, Test, moments

_FULL = 1 - 1e-9


@dataclass(frozen=True)
class Residuals:
    """Checks of the residuals of one least-squares fit; NaN where a number does not exist.

    Attributes
    ----------
    n : int
        Subjects.
    skewness, kurtosis : float
        Unbiased under normality (G₁, G₂); kurtosis is the excess, 0 for a normal distribution.
    shapiro_p : float
        Shapiro and Wilk's p, for information: in small samples it is blind, in large ones petty.
    spread_p : float
        Studentised Breusch-Pagan p (Koenker 1981) that the variance does not depend on the columns of the model.
    variance_ratio : float
        Largest over smallest variance of the residuals of a group; NaN without two groups of two.
    widest, narrowest : int
        Codes of those groups; -1 without them.
    cook : float
        Largest Cook's distance: how far one subject moves all fitted values, in units of their uncertainty.
    cook_at : int
        Position of that subject; -1 without one.
    leverage : float
        Largest leverage; 1 is a subject that the model fits by itself.
    leverage_at : int
        Position of that subject; -1 without one.
    problem : str
        Why numbers are missing; empty when none is.
    """

    n: int = 0
    skewness: float = NAN
    kurtosis: float = NAN
    shapiro_p: float = NAN
    spread_p: float = NAN
    variance_ratio: float = NAN
    widest: int = -1
    narrowest: int = -1
    cook: float = NAN
    cook_at: int = -1
    leverage: float = NAN
    leverage_at: int = -1
    problem: str = ""


def check_residuals(model: Fit, group: NDArray[np.int64]) -> Residuals:
    """Numbers about the residuals of a fit; ``group`` holds codes 0, 1, ..., shape (n,).

    Notes
    -----
    Cook's distance is e² h / (p s² (1-h)²) with p the rank of the model (Cook 1977; R's ``cooks.distance``).
    """
    n, e, h = model.residuals.size, model.residuals, model.leverage
    at = int(np.argmax(h)) if n else -1
    leverage = float(h[at]) if n else NAN
    if model.exact or n < 3:
        return Residuals(n, leverage=leverage, leverage_at=at,
                         problem="the model reproduces the values exactly" if n else "there are no subjects")
    cook = cooks_distance(model)
    worst = int(np.argmax(np.nan_to_num(cook)))
    ratio, widest, narrowest = _variance_ratio(e, group)
    return Residuals(
        n, float(stats.skew(e, bias=False)), float(stats.kurtosis(e, bias=False)) if n > 3 else NAN,
        float(stats.shapiro(e / float(np.abs(e).max())).pvalue), _breusch_pagan(e, model.design), ratio, widest,
        narrowest, float(cook[worst]), worst, leverage, at)


def cooks_distance(model: Fit) -> Array:
    """Cook's distance of every subject, shape (n,); 0 where the model fits one by itself, NaN for an exact fit."""
    n, e, h = model.residuals.size, model.residuals, model.leverage
    if model.exact:
        return np.full(n, NAN)
    usable = h < _FULL
    rest = np.where(usable, 1 - h, 1.0)
    return np.where(usable, e**2 * h / rest**2, 0.0) / ((n - model.df) * float(e @ e) / model.df)


def standardised(model: Fit) -> Array:
    """Residuals over their standard errors s √(1-h), shape (n,) (R's ``rstandard``); NaN where there is no error."""
    usable = model.leverage < _FULL
    if model.exact:
        return np.full(model.residuals.size, NAN)
    s = math.sqrt(float(model.residuals @ model.residuals) / model.df)
    return np.where(usable, model.residuals / (s * np.sqrt(np.where(usable, 1 - model.leverage, 1.0))), NAN)


def _variance_ratio(values: Array, group: NDArray[np.int64]) -> tuple[float, int, int]:
    spreads = {int(g): moments(values[group == g])[2] for g in np.unique(group) if (group == g).sum() > 1}
    if len(spreads) < 2:
        return NAN, -1, -1
    widest, narrowest = max(spreads, key=spreads.__getitem__), min(spreads, key=spreads.__getitem__)
    below = spreads[narrowest]
    return (spreads[widest] / below if below > 0 else math.inf), widest, narrowest


def _breusch_pagan(e: Array, design: Array) -> float:
    """n R² of e² on the model's columns against χ²; NaN when the columns are only a constant."""
    squares = centred(e**2)
    auxiliary = fit(squares, design)
    df, total = e.size - auxiliary.df - 1, float(squares @ squares)
    if df < 1 or not total > 0 or auxiliary.df < 1:
        return NAN
    share = 1 - float(auxiliary.residuals @ auxiliary.residuals) / total
    return float(stats.chi2.sf(e.size * max(share, 0.0), df))


@dataclass(frozen=True)
class Imbalance:
    """How far two groups were apart before; stated, never tested: chance alone makes groups that differ.

    Attributes
    ----------
    difference : float
        First minus second mean, in the unit of the values.
    standardised : float
        The difference over √((s₁² + s₂²)/2) (R's ``smd::smd``).
    sd_ratio : float
        First SD over second.
    problem : str
        Why numbers are missing; empty when none is.
    low, high : float
        95 % interval of ``standardised``.
    """

    difference: float = NAN
    standardised: float = NAN
    sd_ratio: float = NAN
    problem: str = ""
    low: float = NAN
    high: float = NAN


def imbalance(first: Array, second: Array) -> Imbalance:
    """Compare two groups before, values of shape (n₁,) and (n₂,).

    Notes
    -----
    The interval is d ± 1.96 SE with the large-sample variance d² (s₁⁴/(n₁-1) + s₂⁴/(n₂-1)) / (8 s⁴) +
    (s₁²/(n₁-1) + s₂²/(n₂-1)) / s², s² = (s₁²+s₂²)/2 (Bonett 2008; R's ``statpsych::ci.stdmean2``).
    """
    (n1, m1, v1), (n2, m2, v2) = moments(first), moments(second)
    if min(n1, n2) < 2:
        return Imbalance(m1 - m2, problem=f"there are {n1} and {n2} subjects")
    if not v1 + v2 > 0:
        return Imbalance(m1 - m2, problem="the values do not vary")
    average = (v1 + v2) / 2
    d = (m1 - m2) / math.sqrt(average)
    variance = d**2 * (v1**2 / (n1 - 1) + v2**2 / (n2 - 1)) / (8 * average**2) \
        + (v1 / (n1 - 1) + v2 / (n2 - 1)) / average
    half = float(stats.norm.ppf(0.975)) * math.sqrt(variance)
    return Imbalance(m1 - m2, d, math.sqrt(v1 / v2) if v2 > 0 else math.inf, low=d - half, high=d + half)


def parallel_slopes(last: Array, first: Array, group: NDArray[np.int64], others: Array, kind: str) -> Test:
    """Whether the slope of last on first is the same in all groups, which an ANCOVA takes for granted.

    Parameters
    ----------
    last, first : ndarray, shape (n,)
        Values of the same subjects after and before.
    group : ndarray of int, shape (n,)
        Codes 0, 1, ...
    others : ndarray, shape (n, k)
        Covariates of the ANCOVA; k may be 0.
    kind : str
        Standard errors: ``classical`` or ``hc3``.

    Returns
    -------
    Test
        Two groups: slope of group 1 minus slope of group 0 with its interval. More: F that all are equal.
    """
    groups = int(group.max(initial=-1)) + 1
    if groups < 2:
        return Test(problem="there are fewer than two groups")
    member = (group[:, None] == np.arange(1, groups)).astype(np.float64)
    score = centred(first)[:, None]
    columns: Sequence[Array] = [np.ones((last.size, 1)), *(centred(column)[:, None] for column in others.T), score,
                                member, member * score]
    design = np.column_stack(columns)
    model, rows = fit(last, design), np.eye(design.shape[1])[1 - groups:]
    return test_weights(model, rows[0], kind) if groups == 2 else test_joint(model, rows, kind)
