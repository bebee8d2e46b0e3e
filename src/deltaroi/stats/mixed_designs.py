"""Model matrices and contrasts of the linear mixed models: groups × sessions, and the baseline-constrained one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deltaroi.stats.mixed import MixedFit, test_joint, test_weights
from deltaroi.stats.mixed_likelihood import IntArray
from deltaroi.stats.record import Array, Test


@dataclass(frozen=True, eq=False)
class MixedDesign:
    """A model matrix of cells (group, session), and where its cells' means are.

    Attributes
    ----------
    matrix : ndarray, shape (n, p)
        Intercept, later sessions, groups (not when constrained), group × later session, covariates.
    cells : ndarray, shape (groups, sessions, p)
        Weights that give a cell's mean, at covariates of zero. The last group is the reference.
    constrained : bool
        All groups share one mean at the first session.
    """

    matrix: Array
    cells: Array
    constrained: bool


@dataclass(frozen=True, eq=False)
class Contrast:
    """One tested combination of cell means.

    Attributes
    ----------
    kind : str
        ``any`` (a change of any later session), ``first`` (later minus first session), ``adjacent`` (later minus the
        one before; the second minus the first is under ``first``) or ``trend`` (least-squares slope of the means over
        the sessions' times, per unit of time).
    groups : tuple of int
        One group: its own change. Two: the change of the first minus that of the second. More: any difference between
        their changes.
    sessions : tuple of int
        Later and earlier session; empty for ``any`` and ``trend``.
    weights : ndarray, shape (k, p)
        Rows that are zero together under the null hypothesis.
    joint : bool
        Whether it is an F test of several rows.
    """

    kind: str
    groups: tuple[int, ...]
    sessions: tuple[int, ...]
    weights: Array
    joint: bool


def session_design(group: IntArray, session: IntArray, shape: tuple[int, int], covariates: Array | None = None,
                   constrained: bool = False) -> MixedDesign:
    """The model value ~ group × session + covariates, or its baseline-constrained form.

    Parameters
    ----------
    group, session : ndarray, shape (n,)
        Positions of each value's group (zeros with one group) and session. The last group and the first session are the
        references.
    shape : tuple of int
        Numbers of groups and of sessions.
    covariates : ndarray, shape (n, k)
        Main effects.
    constrained : bool
        Leave out the groups' main effects: one mean for everybody at the first session, as randomisation makes it.
        With two sessions this is the likelihood form of an analysis of covariance that keeps those who lack a session.
        A random intercept gives all sessions one variance, so the slope on the baseline is the intraclass correlation:
        the estimate is near ANCOVA's, not the same. When the last session varies more than the first, its standard
        error is too small. (With a covariance free of that constraint, those who lack the last session alone add
        nothing: the group's effect is ANCOVA's of the complete cases.)

    References
    ----------
    Liu, Lu, Mogg, Mallick and Mehrotra (2009), Statistics in Medicine 28(20), 2509-2530.
    """
    n_groups, n_sessions = shape
    later, others = np.eye(n_sessions)[:, 1:], np.eye(n_groups)[:, :-1]
    extra = np.zeros((group.size, 0)) if covariates is None else covariates
    parts = [np.ones((n_groups, n_sessions, 1)), np.broadcast_to(later, (n_groups, *later.shape))]
    if not constrained:
        parts.append(np.broadcast_to(others[:, None], (n_groups, n_sessions, n_groups - 1)))
    parts.append((others[:, None, :, None] * later[None, :, None, :]).reshape(n_groups, n_sessions, -1))
    cells = np.concatenate(parts, axis=2)
    matrix = np.hstack([cells[group, session], extra])
    room = np.zeros((n_groups, n_sessions, extra.shape[1]))
    return MixedDesign(matrix, np.concatenate([cells, room], axis=2), constrained)


def slope_columns(session: IntArray, times: Sequence[float]) -> Array:
    """Columns of a random intercept and slope, shape (n, 2): ones, and the time of each value's session."""
    return np.column_stack([np.ones(session.size), np.asarray(times, dtype=np.float64)[session]])


def contrasts(design: MixedDesign, times: Sequence[float] | None = None) -> list[Contrast]:
    """Every test that the design asks for.

    Parameters
    ----------
    design : MixedDesign
        From :func:`session_design`.
    times : sequence of float
        Times of the sessions, for the trend; 0, 1, 2 ... when not given.

    Returns
    -------
    list of Contrast
        Differences of change: of all groups together (with more than two), then of each group against the last; then
        the changes of every single group. Each begins with its omnibus test over sessions, which two sessions lack: it
        is their only contrast.
    """
    n_groups, n_sessions, _ = design.cells.shape
    when = np.arange(n_sessions, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
    found: list[Contrast] = []
    everyone = tuple(range(n_groups))
    pairs = [(k, n_groups - 1) for k in range(n_groups - 1)]
    for groups in ([everyone] if n_groups > 2 else []) + pairs + [(k,) for k in everyone]:
        found += _changes(design, groups, when)
    return found


def test_contrast(fit: MixedFit, contrast: Contrast) -> Test:
    """The t or F test of a contrast in a fit of its design's matrix."""
    return test_joint(fit, contrast.weights) if contrast.joint else test_weights(fit, contrast.weights[0])


def _changes(design: MixedDesign, groups: tuple[int, ...], when: Array) -> Iterator[Contrast]:
    n_sessions = design.cells.shape[1]
    several = len(groups) > 2
    if n_sessions > 2:
        rows = [_difference(design, groups, _step(n_sessions, last, 0)) for last in range(1, n_sessions)]
        yield Contrast("any", groups, (), np.vstack(rows), True)
    steps = [("first", (last, 0), _step(n_sessions, last, 0)) for last in range(1, n_sessions)]
    steps += [("adjacent", (last, last - 1), _step(n_sessions, last, last - 1)) for last in range(2, n_sessions)]
    for kind, sessions, weights in steps:
        yield Contrast(kind, groups, sessions, _difference(design, groups, weights), several)
    trend = when - when.mean()
    if n_sessions > 2 and trend.any():
        yield Contrast("trend", groups, (), _difference(design, groups, trend / float(trend @ trend)), several)


def _step(n_sessions: int, last: int, first: int) -> Array:
    out = np.zeros(n_sessions)
    out[last], out[first] = 1.0, -1.0
    return out


def _difference(design: MixedDesign, groups: tuple[int, ...], over: Array) -> Array:
    """Rows, shape (k, p): a combination of sessions in one group, or in each of several minus the last of them."""
    changes = np.einsum("s,gsp->gp", over, design.cells[list(groups)])
    return changes if len(groups) == 1 else changes[:-1] - changes[-1]
