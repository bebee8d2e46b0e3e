"""Corrections over a family of tests; a missing p is no test and does not count."""

from __future__ import annotations

import numpy as np

from deltaroi.stats.record import Array


def holm(p: Array) -> Array:
    """Holm's (1979) adjusted p values, shape (m,); NaN stays NaN and is not counted."""
    return _adjust(p, step_up=False)


def benjamini_hochberg(p: Array) -> Array:
    """Benjamini and Hochberg's (1995) q values, shape (m,); NaN stays NaN and is not counted."""
    return _adjust(p, step_up=True)


def _adjust(p: Array, *, step_up: bool) -> Array:
    out = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    m = known.size
    if m == 0:
        return out
    order = known[np.argsort(p[known], kind="stable")]
    rank = np.arange(m)
    if step_up:
        scaled = np.minimum.accumulate((p[order] * m / (rank + 1))[::-1])[::-1]
    else:
        scaled = np.maximum.accumulate(p[order] * (m - rank))
    out[order] = np.minimum(scaled, 1.0)
    return out
