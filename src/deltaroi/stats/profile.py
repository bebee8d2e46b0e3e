"""Group × session effects of complete data for many relabellings at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import IntArray
from deltaroi.stats.record import TINY, Array


@dataclass(frozen=True, eq=False)
class Profile:
    """F of group × session; whole subjects, with all their sessions, are dealt anew to the groups.

    Attributes
    ----------
    subjects : ndarray, shape (n,)
        Positions among the subjects of the design.
    values : ndarray, shape (n, sessions)
        Complete values.
    labels : ndarray, shape (n,)
        Groups.
    over : ndarray, shape (sessions,), or None
        Weights, adding up to zero, of one comparison of sessions; None: any difference between sessions.

    Notes
    -----
    With every value there, F of a linear mixed model with a random intercept is that of the mixed analysis of variance:
    mean square between groups over mean square within groups of the subjects' profiles, which are the values in an
    orthonormal basis of the differences between sessions. One comparison of sessions has its own mean square above and
    the same below. Where subjects' levels vary less within groups than their profiles do, the variance between subjects
    is estimated as zero, the fit is singular, and both mean squares below are pooled.
    """

    subjects: IntArray
    values: Array
    labels: IntArray
    over: Array | None = None

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """F for each row of arrangements, shape (rows, n)."""
        (n, sessions), groups = self.values.shape, np.unique(self.labels)
        df = (n - groups.size) * (sessions - 1)
        missing = np.full(arrangements.shape[0], np.nan)
        if groups.size < 2 or df <= 0:
            return missing
        basis = np.linalg.qr(np.eye(sessions)[:, 1:] - 1 / sessions)[0]
        turn = np.eye(sessions - 1) if self.over is None else (basis.T @ self.over)[:, None]
        turn = turn / np.sqrt((turn**2).sum(axis=0))
        steps = self.values @ basis
        steps -= steps.mean(axis=0)
        total = float((steps**2).sum())
        if total <= (TINY * float(np.abs(self.values).max())) ** 2 * n:
            return missing
        levels = self.values.sum(axis=1) / np.sqrt(sessions)
        levels -= levels.mean()
        between, tested, apart = np.zeros((3, arrangements.shape[0]))
        for group in groups:
            places = np.flatnonzero(self.labels == group)
            dealt = arrangements[:, places].astype(np.intp, copy=False)
            sums = steps[dealt].sum(axis=1)
            apart += levels[dealt].sum(axis=1) ** 2 / places.size
            between += (sums**2).sum(axis=1) / places.size
            tested += ((sums @ turn) ** 2).sum(axis=1) / places.size
        within = total - between
        exact = within <= TINY * total
        error, rest = within / df, float((levels**2).sum()) - apart
        pooled = (within + rest) / (df + n - groups.size)
        error = np.where(rest / (n - groups.size) < error, pooled, error)
        ratio = tested / ((groups.size - 1) * turn.shape[1]) / np.where(exact, 1.0, error)
        return np.where(exact, np.inf, ratio)
