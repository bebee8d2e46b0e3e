"""What counts of simulated studies say: an interval for a rate, and where a curve of rates crosses a level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from deltaroi.stats.record import NAN


def wilson(rate: float, draws: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's (1927) score interval of a rate that was observed in so many draws.

    Parameters
    ----------
    rate : float
        0 to 1; need not be a whole number of draws (an average over ROIs of one draw).
    draws : float
        Independent draws.
    level : float
        Confidence.
    """
    if not (draws > 0 and 0 <= rate <= 1):
        return NAN, NAN
    z = float(stats.norm.ppf(0.5 + level / 2))
    middle = rate + z**2 / (2 * draws)
    half = z * math.sqrt(rate * (1 - rate) / draws + z**2 / (4 * draws**2))
    low, high = (middle - half) / (1 + z**2 / draws), (middle + half) / (1 + z**2 / draws)
    return max(low, 0.0) if rate > 0 else 0.0, min(high, 1.0) if rate < 1 else 1.0


@dataclass(frozen=True)
class Crossing:
    """Where a curve reaches a level for good.

    Attributes
    ----------
    at : float
        Between two tried places; NaN where the curve is above the level everywhere, or not above it at the last place.
    below, above : int or None
        Positions of the tried places on both sides; None where there is none.
    """

    at: float
    below: int | None
    above: int | None


def crossing(places: Sequence[float], rates: Sequence[float], draws: int, level: float = 0.8, *,
             root: bool = False) -> Crossing:
    """Where rising rates reach the level and stay there.

    Parameters
    ----------
    places, rates : sequence of float
        Tried places in rising order, and the rate at each.
    draws : int
        Behind each rate; a rate of 0 or 1 counts as half a draw away from it.
    level : float
        The level.
    root : bool
        Interpolate over the square roots of the places.

    Notes
    -----
    The power of a z test is the normal distribution function of a line in the effect, and in √n; so the quantiles of
    the rates are interpolated on a line between the last place below the level and the next one.
    """
    under = [i for i, rate in enumerate(rates) if not rate >= level]
    if not under:
        return Crossing(NAN, None, 0 if len(rates) else None)
    i = under[-1]
    if i == len(rates) - 1:
        return Crossing(NAN, i, None)
    edge = 0.5 / draws
    low, high, wanted = stats.norm.ppf(np.clip([rates[i], rates[i + 1], level], edge, 1 - edge))
    a, b = (math.sqrt(x) if root else x for x in places[i:i + 2])
    at = a + (b - a) * float((wanted - low) / (high - low))
    return Crossing(at**2 if root else at, i, i + 1)
