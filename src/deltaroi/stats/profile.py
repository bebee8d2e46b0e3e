"""Group × session effects of complete data for many arrangements at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.permutation import IntArray
from deltaroi.stats.permuted import in_blocks, rearranged
from deltaroi.stats.record import TINY, Array
from deltaroi.stats.refit import equivalent_f


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
        basis = steps_of(sessions)
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


@dataclass(frozen=True, eq=False)
class ProfileWelch:
    """|z| of the same p as F of group × session with CR2 errors, for complete data.

    Subjects' profiles, as deviations from the mean profile of everybody, are dealt anew to the groups, or multiplied by
    signs, as in :class:`deltaroi.stats.permuted.FreedmanLane`. Of one group it is Hotelling's T² of its mean profile,
    and the profiles themselves are multiplied.

    Attributes
    ----------
    subjects, values, labels, over
        As in :class:`Profile`.

    Notes
    -----
    It is the F of :class:`deltaroi.stats.mixed_robust.RobustMixed` in closed form. With k differences between sessions,
    group means m and covariances S of the profiles, K the differences of each group from the last, d = (K ⊗ I)m and
    V = Σ K_gK_g' ⊗ S_g/n_g, Q = d'V⁻¹d. With v_g = tr S_g / (k n_g), t_g = 1 - v_g⁻¹ / Σ v⁻¹ and q = k (groups - 1),
    η = q(q + 1) / (k(k + 1) Σ t_g² / (n_g - 1)). With two groups and one difference it is Welch's test.
    """

    subjects: IntArray
    values: Array
    labels: IntArray
    over: Array | None = None

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|z| for each row of arrangements, shape (rows, n)."""
        sessions = self.values.shape[1]
        steps = self.values @ (steps_of(sessions) if self.over is None else self.over[:, None])
        members = [np.flatnonzero(self.labels == g) for g in np.unique(self.labels)]
        scale = float(np.abs(steps - steps.mean(axis=0)).max(initial=0.0)) if len(steps) else 0.0
        steps = steps - steps.mean(axis=0) if len(members) > 1 else steps
        if min((m.size for m in members), default=0) < 2 or \
                scale <= TINY * float(np.abs(self.values).max(initial=0.0)):
            return np.full(arrangements.shape[0], np.nan)
        return in_blocks(arrangements, lambda rows: _profile_welch(
            np.stack([rearranged(column, rows) for column in (steps / scale).T], axis=2), members))


def _profile_welch(moved: Array, members: list[IntArray]) -> Array:
    """|z| of profiles of shape (rows, n, k)."""
    rows, _, k = moved.shape
    counts = np.array([m.size for m in members], dtype=np.float64)
    means = np.stack([moved[:, m].mean(axis=1) for m in members], axis=1)
    apart = [moved[:, m] - means[:, [g]] for g, m in enumerate(members)]
    own = np.stack([one.transpose(0, 2, 1) @ one / (n * (n - 1)) for one, n in zip(apart, counts, strict=True)], axis=1)
    if len(members) == 1:
        return _of_effect(means[:, 0], own[:, 0], np.full(rows, counts[0] - 1))
    spread = np.maximum(np.trace(own, axis1=2, axis2=3) / k, TINY**2)
    shares = 1 - (1 / spread) / (1 / spread).sum(axis=1, keepdims=True)
    q = k * (counts.size - 1)
    eta = q * (q + 1) / (k * (k + 1) * (shares**2 / (counts - 1)).sum(axis=1))
    matrix = np.repeat(own[:, -1], counts.size - 1, axis=0).reshape(rows, counts.size - 1, 1, k, k)
    matrix = np.broadcast_to(matrix, (rows, counts.size - 1, counts.size - 1, k, k)).copy()
    at = np.arange(counts.size - 1)
    matrix[:, at, at] += own[:, :-1]
    matrix = matrix.transpose(0, 1, 3, 2, 4).reshape(rows, q, q)
    return _of_effect((means[:, :-1] - means[:, [-1]]).reshape(rows, q), matrix, eta)


def _of_effect(effect: Array, matrix: Array, eta: Array) -> Array:
    """|z| of effects (rows, q) with covariances (rows, q, q) of eta degrees of freedom; singular ones are extreme."""
    q = effect.shape[1]
    sizes = np.linalg.eigvalsh(matrix)
    lost = (sizes[:, 0] <= TINY * np.maximum(sizes[:, -1], TINY)) | (eta <= q - 1)
    matrix = np.where(lost[:, None, None], np.eye(q), matrix)
    form = (effect * np.linalg.solve(matrix, effect[:, :, None])[:, :, 0]).sum(axis=1)
    df = np.where(lost, 1.0, eta - q + 1)
    return equivalent_f(np.where(lost, np.inf, form * df / (eta * q)), q, df)


def steps_of(sessions: int) -> Array:
    """An orthonormal basis of the differences between sessions, shape (sessions, sessions - 1)."""
    return np.linalg.qr(np.eye(sessions)[:, 1:] - 1 / sessions)[0]
