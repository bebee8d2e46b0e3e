"""|z| of the same p is that of the tests themselves, under permutations and under sign flips."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import linear, means, small_samples
from deltaroi.stats.permutation import max_t, permutations, relabellings, sign_flips
from deltaroi.stats.permuted import FreedmanLane, Welch

N = 21
EVERYBODY = np.arange(N)
LABELS = {2: np.repeat([0, 1], [8, 13]), 3: np.repeat([0, 1, 2], [6, 7, 8])}


def data(groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = LABELS[groups]
    nuisance = np.column_stack([np.ones(N), rng.normal(size=(N, 2))])
    dummies = (labels[:, None] == np.arange(groups - 1)).astype(float)
    return rng.normal(size=N) * (3.0 - labels) + 0.8 * (labels == 0), nuisance, dummies, labels


def p_of(z: np.ndarray) -> np.ndarray:
    return 2 * stats.norm.sf(z)


@pytest.mark.parametrize("groups", [2, 3])
def test_hc2_welch_is_the_p_of_every_refit(groups: int) -> None:
    y, nuisance, dummies, labels = data(groups, 1)
    rows, _ = permutations(N, 40, 2)
    found = FreedmanLane(EVERYBODY, y, nuisance, dummies, "hc2_welch", labels).absolute(rows)
    reduced = linear.fit(y, nuisance)
    weights = np.eye(2 + groups)[3:]
    for row, p in zip(rows, p_of(found), strict=True):
        again = linear.fit(nuisance @ reduced.beta + reduced.residuals[row], np.column_stack([nuisance, dummies]))
        assert p == pytest.approx(small_samples.robust_f(again, weights, labels).p, rel=1e-8)


@pytest.mark.parametrize("groups", [2, 3])
def test_welch_is_the_p_of_every_relabelling(groups: int) -> None:
    y, _, _, labels = data(groups, 3)
    rows, _ = relabellings(labels, 40, 4)
    for row, p in zip(rows, p_of(Welch(EVERYBODY, y, labels, equivalent=True).absolute(rows)), strict=True):
        parts = [y[row][labels == g] for g in range(groups)]
        test = means.two_sample(*parts, "welch") if groups == 2 else means.welch_anova(parts)
        assert p == pytest.approx(test.p, rel=1e-8)


@pytest.mark.parametrize("groups", [2, 3])
def test_flipped_deviations_are_tested_again(groups: int) -> None:
    """Signs multiply what permutations move."""
    y, nuisance, dummies, labels = data(groups, 5)
    signs, _ = sign_flips(N, 30, 6)
    flipped = Welch(EVERYBODY, y, labels, equivalent=True).absolute(signs)
    reduced = linear.fit(y, nuisance)
    lane = FreedmanLane(EVERYBODY, y, nuisance, dummies, "hc2_welch", labels).absolute(signs)
    for row, p, q in zip(signs, p_of(flipped), p_of(lane), strict=True):
        values = y.mean() + (y - y.mean()) * row
        parts = [values[labels == g] for g in range(groups)]
        test = means.two_sample(*parts, "welch") if groups == 2 else means.welch_anova(parts)
        assert p == pytest.approx(test.p, rel=1e-8)
        again = linear.fit(nuisance @ reduced.beta + reduced.residuals * row, np.column_stack([nuisance, dummies]))
        assert q == pytest.approx(small_samples.robust_f(again, np.eye(2 + groups)[3:], labels).p, rel=1e-8)


def test_an_enormous_effect_stays_finite() -> None:
    """P underflows; the test is not taken for missing."""
    y, nuisance, dummies, labels = data(2, 10)
    y = y + 1e8 * (labels == 0)
    rows, _ = permutations(N, 50, 1)
    tests = [FreedmanLane(EVERYBODY, y, nuisance, dummies, "hc2_welch", labels), Welch(EVERYBODY, y, labels, True)]
    found = max_t(tests, rows, [10**9, 10**9])
    assert np.isfinite(found.p).all()
