"""How high one event's response stands in nilearn's regressors."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from deltaroi.grid import FloatArray

_PHASES = 20
_TAIL_S = 36.0
_STEPS = np.arange(_PHASES)
_PHASE = (_STEPS + 0.274 * _STEPS % 1.0) / _PHASES


def heights(durations: Mapping[str, float], *, hrf: str, tr_s: float, oversampling: int,
            slice_time_ref: float) -> dict[str, float]:
    """Height of each condition's regressor for one event.

    Parameters
    ----------
    durations : mapping of str to float
        Median duration per condition, in s.
    hrf : str
        Haemodynamic response function, by nilearn's names; of a set with derivatives the canonical column counts.
    tr_s : float
        Repetition time in s.
    oversampling : int
        Oversampling of the regressors.
    slice_time_ref : float
        Reference slice time as a fraction of the TR.

    Returns
    -------
    dict of str to float
        Height per condition; see :func:`event_height`.
    """
    canonical = hrf.split(" + ")[0]
    return {name: event_height(canonical, float(duration), float(tr_s), int(oversampling), float(slice_time_ref))
            for name, duration in durations.items()}


@lru_cache(maxsize=512)
def event_height(hrf: str, duration_s: float, tr_s: float, oversampling: int, slice_time_ref: float) -> float:
    """Peak of the response that a regressor stands for, for one isolated event.

    Parameters
    ----------
    hrf : str
        ``spm`` or ``glover``.
    duration_s : float
        Duration of the event.
    tr_s, oversampling, slice_time_ref
        As in :func:`heights`.

    Returns
    -------
    float
        ``beta * height`` is the peak of the continuous response to one event.

    Notes
    -----
    The highest *sample* of a response is lower than its peak (at a TR of 3 s up to 9 % on average over onset
    phases), so it is not used. Instead ``height = (sum A_i**2 / sum A_i) * peak / area``: ``A_i`` is the area under
    the run's own regressor for an event at the i-th of 20 onset phases within a TR, which holds what the
    oversampled grid does to the event's length, and ``peak / area`` is that of the same response sampled 20 times
    as densely. The ratio of sums is the least-squares amplitude over events of unequal area.
    """
    gap = int(np.ceil((duration_s + _TAIL_S) / tr_s)) + 2
    start = slice_time_ref * tr_s
    sparse = _regressor(hrf, (np.arange(_PHASES) * gap + _PHASE) * tr_s, duration_s,
                        start + tr_s * np.arange(_PHASES * gap, dtype=np.float64), oversampling)
    areas = sparse.reshape(_PHASES, gap).sum(axis=1) * tr_s
    step = tr_s / _PHASES
    dense = _regressor(hrf, np.zeros(1), duration_s, step * np.arange(_PHASES * gap, dtype=np.float64),
                       max(1, round(oversampling / _PHASES)))
    return float((areas**2).sum() / areas.sum() * dense.max() / (dense.sum() * step))


def _regressor(hrf: str, onsets: FloatArray, duration_s: float, frame_times: FloatArray,
               oversampling: int) -> FloatArray:
    from nilearn.glm.first_level import compute_regressor

    events = (onsets, np.full(onsets.size, duration_s), np.ones(onsets.size))
    columns, _ = compute_regressor(events, hrf, frame_times, oversampling=oversampling, min_onset=-24)
    return np.asarray(columns[:, 0], dtype=np.float64)
