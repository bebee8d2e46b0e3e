"""The forward model of a response: a double gamma, integrated in closed form over the length of an event.

Independent of the analysis: nothing here is shared with the code that builds regressors.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.special import gammainc

from deltaroi.grid import FloatArray

PEAK_SHAPE, UNDERSHOOT_SHAPE, RATIO = 6.0, 16.0, 6.0
BRIEFEST_S = 0.05
_TAIL_S, _FINE_S = 40.0, 0.005


def integrated_response(t: FloatArray) -> FloatArray:
    """Integral from 0 to ``t`` of the response to an impulse of unit area.

    Parameters
    ----------
    t : ndarray
        Time since the impulse, s.

    Returns
    -------
    ndarray
        0 before the impulse, 1 long after it.

    Notes
    -----
    h(t) = [g(t; 6) − g(t; 16) / 6] / (1 − 1/6), with g(t; a) the gamma density of shape a and scale 1 s: SPM's
    canonical parameters (delay of response 6 s, of undershoot 16 s, ratio 6) without SPM's cut at 32 s.
    """
    positive = np.maximum(t, 0.0)
    return (gammainc(PEAK_SHAPE, positive) - gammainc(UNDERSHOOT_SHAPE, positive) / RATIO) / (1.0 - 1.0 / RATIO)


def event_response(t: FloatArray, duration_s: float) -> FloatArray:
    """Response at ``t`` seconds after the onset of an event; events shorter than 0.05 s last 0.05 s."""
    return integrated_response(t) - integrated_response(t - max(duration_s, BRIEFEST_S))


@cache
def peak_height(duration_s: float) -> float:
    """Largest value of the response to one event of this duration (s), on a grid of 0.005 s."""
    t = np.arange(0.0, _TAIL_S + duration_s, _FINE_S)
    return float(event_response(t, duration_s).max())


def train_response(times: FloatArray, onsets: Sequence[float], durations: Sequence[float]) -> FloatArray:
    """Response to all events of a condition; one event of the median duration peaks at 1.

    Parameters
    ----------
    times : ndarray, shape (n_volumes,)
        Acquisition times, s.
    onsets, durations : sequence of float
        Of the events, s; overlapping events add up.

    Returns
    -------
    ndarray, shape (n_volumes,)
        Zeros without events.
    """
    total = np.zeros(len(times))
    if not len(onsets):
        return total
    for onset, duration in zip(onsets, durations, strict=True):
        total += event_response(times - onset, duration)
    return total / peak_height(float(np.median(durations)))
