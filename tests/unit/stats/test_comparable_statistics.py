"""|z| of the same p: the p values of the tests themselves; and residuals scaled to the group they go to."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import linear, means, small_samples
from deltaroi.stats.permutation import max_t, permutations, relabellings
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


def by_hand(y: np.ndarray, nuisance: np.ndarray, dummies: np.ndarray, labels: np.ndarray,
            rows: np.ndarray) -> list[np.ndarray]:
    """Values whose residuals are divided by the SD of their group and multiplied by that of the group they go to."""
    reduced, full = linear.fit(y, nuisance), linear.fit(y, np.column_stack([nuisance, dummies]))
    sd = np.empty(N)
    for g in np.unique(labels):
        at = labels == g
        sd[at] = np.sqrt((full.residuals[at] ** 2).sum() / (1 - full.leverage[at]).sum())
    return [nuisance @ reduced.beta + (reduced.residuals / sd)[row] * sd for row in rows]


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("kind", ["hc3", "hc2_welch"])
def test_scaled_residuals(groups: int, kind: str) -> None:
    y, nuisance, dummies, labels = data(groups, 5)
    rows, _ = permutations(N, 40, 6)
    found = FreedmanLane(EVERYBODY, y, nuisance, dummies, kind, labels, scaled=True).absolute(rows)
    for values, value in zip(by_hand(y, nuisance, dummies, labels, rows), found, strict=True):
        single = FreedmanLane(EVERYBODY, values, nuisance, dummies, kind, labels).absolute(rows[:1])[0]
        assert value == pytest.approx(single, rel=1e-9)
    plain = FreedmanLane(EVERYBODY, y, nuisance, dummies, kind, labels).absolute(rows)
    assert found[0] == pytest.approx(plain[0], rel=1e-12)


@pytest.mark.parametrize("groups", [2, 3])
def test_scaled_relabelling(groups: int) -> None:
    y, _, dummies, labels = data(groups, 7)
    rows, _ = relabellings(labels, 40, 8)
    found = Welch(EVERYBODY, y, labels, equivalent=True, scaled=True).absolute(rows)
    for values, value in zip(by_hand(y, np.ones((N, 1)), dummies, labels, rows), found, strict=True):
        assert value == pytest.approx(Welch(EVERYBODY, values, labels, equivalent=True).absolute(rows[:1])[0], rel=1e-9)


def test_a_group_that_does_not_vary_cannot_be_scaled() -> None:
    y, nuisance, dummies, labels = data(2, 9)
    y[labels == 0] = 1.25
    rows, _ = permutations(N, 5, 1)
    assert np.isnan(Welch(EVERYBODY, y, labels, scaled=True).absolute(rows)).all()
    assert np.isfinite(Welch(EVERYBODY, y, labels).absolute(rows)).all()
    lane = FreedmanLane(EVERYBODY, y, nuisance[:, :1], dummies, "hc3", labels, scaled=True)
    assert np.isnan(lane.absolute(rows)).all()


def test_an_enormous_effect_stays_finite() -> None:
    """P underflows; the test is not taken for missing."""
    y, nuisance, dummies, labels = data(2, 10)
    y = y + 1e8 * (labels == 0)
    rows, _ = permutations(N, 50, 1)
    tests = [FreedmanLane(EVERYBODY, y, nuisance, dummies, "hc2_welch", labels), Welch(EVERYBODY, y, labels, True)]
    found = max_t(tests, rows, [10**9, 10**9])
    assert np.isfinite(found.p).all()
