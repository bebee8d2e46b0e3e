"""The minimum of the restricted deviance: fixed starts, Newton steps, and the singular corners looked at one by one."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from deltaroi.stats.mixed_likelihood import Expansion, Sums, deviance, expand, factor
from deltaroi.stats.record import Array

_STEPS = 100
_DONE = 1e-13
_FLAT = 1e-8
_TIE = 1e-9
_SMALL = 1e-4  # lme4's isSingular


@dataclass(frozen=True, eq=False)
class Minimum:
    """Where the deviance is smallest.

    Attributes
    ----------
    theta : ndarray, shape (m,)
        Entries of Λ.
    at : Expansion
        The likelihood there.
    converged : bool
        Whether the search ended where the deviance is flat to all sides and curved upwards.
    rank : int
        Rank of the random effects' covariance; below q the fit is singular.
    """

    theta: Array
    at: Expansion
    converged: bool
    rank: int


def minimise(sums: Sums) -> Minimum:
    """The smallest deviance over θ.

    The deviance depends on Λ by ΛΛ' alone, so it is smooth across zero, and a singular fit (a variance of zero, a
    correlation of ±1) is a point where a diagonal entry of Λ is zero and the deviance curves upwards. Those points are
    found as minima of smaller models, and win where they are as good as the best full one. With a slope, lme4 can stop
    where Λ's first entry meets its bound of zero although a flip of its sign leads on to a lower deviance; this search
    goes on.
    """
    q = sums.effects
    m = q * (q + 1) // 2
    zero = np.zeros(m)
    found = [Minimum(zero, expand(sums, zero), True, 0)]
    if q == 2:
        found.append(_descend(sums, _best(sums, _lines()), [0, 1], 1))
        found.append(_descend(sums, _best(sums, _planes()), [0, 1, 2], 2))
    else:
        found += [_descend(sums, start, [0], 1) for start in _valleys(sums)]
    good = [one for one in found if one.converged and _curves_up(one.at.hessian)]
    if not good:
        return min(found, key=lambda one: one.at.value)
    lowest = min(one.at.value for one in good)
    best = min((one for one in good if one.at.value <= lowest + _TIE), key=lambda one: one.rank)
    spread = np.linalg.svd(factor(best.theta, q), compute_uv=False)
    rank = int((spread >= _SMALL).sum())
    flat = np.linalg.eigvalsh(best.at.hessian)[0] <= _FLAT and rank == q
    return Minimum(best.theta, best.at, not flat, min(best.rank, rank))


def _curves_up(hessian: Array) -> bool:
    values = np.linalg.eigvalsh(hessian)
    return bool(values[0] >= -1e-9 * max(1.0, float(np.abs(values).max())))


def _valleys(sums: Sums) -> list[Array]:
    """Starts for one random effect: every local minimum of a grid."""
    grid = [np.array([value]) for value in np.geomspace(1e-2, 1e4, 19)]
    heights = [math.inf, *(deviance(sums, theta) for theta in grid), math.inf]
    return [theta for k, theta in enumerate(grid, 1) if heights[k] <= min(heights[k - 1], heights[k + 1])]


def _lines() -> list[Array]:
    """Starts of rank one: one random effect in a direction of the plane."""
    return [np.array([size * math.cos(turn), size * math.sin(turn), 0.0])
            for size in (0.1, 0.3, 1.0, 3.0, 10.0) for turn in np.linspace(-1.4, 1.4, 8)]


def _planes() -> list[Array]:
    """Starts of rank two: two standard deviations and a correlation."""
    sizes = (0.1, 0.3, 1.0, 3.0, 10.0)
    return [np.array([a, b * r, b * math.sqrt(1 - r**2)]) for a in sizes for b in sizes for r in (-0.7, 0.0, 0.7)]


def _best(sums: Sums, starts: list[Array]) -> Array:
    return min(starts, key=lambda theta: deviance(sums, theta))


def _descend(sums: Sums, start: Array, free: list[int], rank: int) -> Minimum:
    """Newton's method on the entries that are free; negative curvature is turned round, steps that rise are halved."""
    theta, here = start, expand(sums, start)
    for _ in range(_STEPS):
        gradient, hessian = here.gradient[free], here.hessian[np.ix_(free, free)]
        curves, axes = np.linalg.eigh(hessian)
        curves = np.maximum(np.abs(curves), 1e-10 * max(1.0, float(np.abs(curves).max())))
        step = np.zeros_like(theta)
        step[free] = -axes @ ((axes.T @ gradient) / curves)
        gain = -float(here.gradient @ step)
        longest = 1.0 + float(np.linalg.norm(theta))
        step *= min(1.0, longest / max(float(np.linalg.norm(step)), 1e-300))
        if gain < _DONE:
            theta = theta + step
            return Minimum(theta, expand(sums, theta), True, rank)
        share = 1.0
        while share > 1e-9 and not deviance(sums, theta + share * step) < here.value - 1e-4 * share * gain:
            share /= 2
        if share <= 1e-9:
            return Minimum(theta, here, gain < _FLAT, rank)
        theta = theta + share * step
        here = expand(sums, theta)
    return Minimum(theta, here, False, rank)
