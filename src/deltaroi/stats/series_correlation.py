"""Correlation of paired values that were measured in several runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correlated:
    """Fisher's z of a correlation within runs: its value, variance, degrees of freedom, pairs."""

    z: float
    variance: float
    df: int
    n: int


def within_runs(pairs: Sequence[tuple[Array, Array]]) -> Correlated:
    """Correlate pairs of values, the mean of each run removed.

    Parameters
    ----------
    pairs : sequence of (ndarray, ndarray)
        Per run the values of both, shape (n,).

    Returns
    -------
    Correlated
        NaN where a value does not vary within runs, or one degree of freedom too few is left.

    Notes
    -----
    With n pairs in k runs and r their correlation after every run's mean is taken away, z = artanh(r), with the
    variance 1 / (n - k - 2): that of one run, 1 / (n - 3), with a mean more per further run.
    """
    used = [(a, b) for a, b in pairs if len(a)]
    n, runs = sum(len(a) for a, _ in used), len(used)
    missing = Correlated(np.nan, np.nan, max(n - runs - 1, 0), n)
    if n - runs - 2 < 1:
        return missing
    x, y = (np.concatenate([pair[i] - pair[i].mean() for pair in used]) for i in (0, 1))
    power = float(x @ x) * float(y @ y)
    if not power > 0:
        return missing
    r = float(x @ y) / float(np.sqrt(power))
    if abs(r) >= 1.0:
        return missing
    return Correlated(float(np.arctanh(r)), 1.0 / (n - runs - 2), n - runs - 1, n)
