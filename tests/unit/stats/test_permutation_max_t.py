"""Max-T: against brute force, exact where it is enumerated, honest about its floor."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from deltaroi.stats import linear, means
from deltaroi.stats.permutation import distinct_relabellings, max_t, permutations, relabellings, sign_flips
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch

EVERYBODY = np.arange(12)
GROUP = np.repeat([0, 1], [5, 7])


def ancova_data(seed: int, groups: np.ndarray = GROUP) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pre = rng.normal(size=groups.size)
    post = 0.6 * pre + rng.normal(size=groups.size) * (1 + groups) + 0.9 * (groups == 0)
    dummies = np.stack([groups == k for k in range(groups.max())], axis=1).astype(float)
    return post, np.stack([np.ones(groups.size), pre], axis=1), dummies


@pytest.mark.parametrize("kind", ["hc3", "classical"])
@pytest.mark.parametrize("groups", [GROUP, np.repeat([0, 1, 2], 4)], ids=["two groups", "three groups"])
def test_freedman_lane_equals_refitting(kind: str, groups: np.ndarray) -> None:
    y, nuisance, dummies = ancova_data(1, groups)
    arrangements, _ = permutations(12, 40, 7)
    fast = FreedmanLane(EVERYBODY, y, nuisance, dummies, kind).absolute(arrangements)
    reduced = linear.fit(y, nuisance)
    q = dummies.shape[1]
    weights = np.eye(2 + q)[2:]
    for row, found in zip(arrangements, fast, strict=True):
        full = np.concatenate([nuisance, dummies], axis=1)
        again = linear.fit(nuisance @ reduced.beta + reduced.residuals[row], full)
        test = linear.test_weights(again, weights[0], kind) if q == 1 else linear.test_joint(again, weights, kind)
        assert found == pytest.approx(abs(test.statistic), rel=1e-9)


@pytest.mark.parametrize("groups", [GROUP, np.repeat([0, 1, 2], 4)], ids=["two groups", "three groups"])
def test_welch_equals_retesting(groups: np.ndarray) -> None:
    y = ancova_data(2, groups)[0]
    arrangements, _ = relabellings(groups, 60, 3)
    fast = Welch(EVERYBODY, y, groups).absolute(arrangements)
    for row, found in zip(arrangements, fast, strict=True):
        parts = [y[row][groups == k] for k in np.unique(groups)]
        test = means.two_sample(*parts, "welch") if len(parts) == 2 else means.welch_anova(parts)
        assert found == pytest.approx(abs(test.statistic), rel=1e-9)


def test_sign_flips_equal_retesting() -> None:
    y = np.random.default_rng(4).normal(0.4, size=8)
    signs, complete = sign_flips(8, 300, 1)
    assert complete
    assert len(np.unique(signs, axis=0)) == 256
    fast = SignFlip(np.arange(8), y).absolute(signs)
    assert fast == pytest.approx([abs(means.one_sample(row * y).statistic) for row in signs], rel=1e-9)
    p = max_t([SignFlip(np.arange(8), y)], signs, [256]).p[0]
    assert p == np.mean([abs((row * y).sum()) >= abs(y.sum()) - 1e-12 for row in signs])


def test_enumerated_relabelling_is_the_exact_permutation_test() -> None:
    y = np.array([2.1, 1.7, 2.6, 0.3, 0.9, 0.2, 1.1])
    groups = np.array([0, 0, 0, 1, 1, 1, 1])
    arrangements, complete = relabellings(groups, 10000, 1)
    assert complete
    assert arrangements.shape == (35, 7)
    assert (arrangements[0] == np.arange(7)).all() or (groups[arrangements[0]] == groups).all()
    test = FreedmanLane(np.arange(7), y, np.ones((7, 1)), (groups == 0).astype(float)[:, None], "classical")
    p = max_t([test], arrangements, [35]).p[0]
    gap = abs(y[:3].mean() - y[3:].mean())
    gaps = [abs(y[list(c)].mean() - np.delete(y, list(c)).mean()) for c in itertools.combinations(range(7), 3)]
    assert p == np.mean([g >= gap - 1e-12 for g in gaps])


def test_no_p_is_below_one_over_the_distinct_relabellings() -> None:
    """4 against 5 subjects: 9! arrangements of residuals, but only 126 relabellings, and p is never below 1/126."""
    rng = np.random.default_rng(5)
    groups = np.repeat([0, 1], [4, 5])
    pre = rng.normal(size=9)
    y = pre + 50.0 * (groups == 0) + rng.normal(size=9) * 0.01
    nuisance, tested = np.stack([np.ones(9), pre], axis=1), (groups == 0).astype(float)[:, None]
    test = FreedmanLane(np.arange(9), y, nuisance, tested, "hc3")
    floor = distinct_relabellings(groups)
    assert floor == 126
    p = max_t([test], permutations(9, 20000, 1)[0], [floor]).p[0]
    assert p >= 1 / 126


def test_monte_carlo_counts_the_data_themselves() -> None:
    y, nuisance, dummies = ancova_data(6)
    test = FreedmanLane(EVERYBODY, y, nuisance, dummies, "classical")
    arrangements, complete = permutations(12, 99, 11)
    assert not complete
    assert arrangements.shape == (100, 12)
    statistics = test.absolute(arrangements)
    assert max_t([test], arrangements, [10**9]).p[0] == (statistics >= statistics[0] * (1 - 1e-9)).sum() / 100


def test_the_family_shares_its_largest_statistic() -> None:
    tests = [FreedmanLane(EVERYBODY, *ancova_data(seed), "hc3") for seed in range(4)]
    arrangements, _ = permutations(12, 500, 2)
    table = np.stack([test.absolute(arrangements) for test in tests])
    expected = [(table.max(axis=0) >= row[0] * (1 - 1e-9)).mean() for row in table]
    assert max_t(tests, arrangements, [10**9] * 4).p == pytest.approx(expected, abs=0)


def test_a_test_without_some_subjects_permutes_the_others_together() -> None:
    """First-return maps: uniform on the others, and unchanged wherever nobody missing is met."""
    seen = []
    y = np.arange(5.0)

    class Spy:
        subjects = np.array([0, 1, 3])

        def absolute(self, arrangements: np.ndarray) -> np.ndarray:
            seen.append(arrangements)
            return np.abs(y[arrangements]).sum(axis=1)

    arrangements, complete = permutations(5, 120, 1)
    assert complete
    max_t([Spy()], arrangements, [1])
    local = seen[-1]
    assert local.shape == (120, 3)
    counts = {p: int((local == p).all(axis=1).sum()) for p in itertools.permutations(range(3))}
    assert set(counts.values()) == {20}
    names = np.array([0, 1, 3])
    kept = np.isin(arrangements[:, names], names)
    assert (names[local][kept] == arrangements[:, names][kept]).all()


def test_undefined_tests_stay_missing_and_do_not_spoil_the_family() -> None:
    good = FreedmanLane(EVERYBODY, *ancova_data(1), "hc3")
    flat = FreedmanLane(EVERYBODY, np.full(12, 0.1), *ancova_data(1)[1:], "hc3")
    lonely = Welch(np.arange(3), np.array([1.0, 2.0, 4.0]), np.array([0, 1, 1]))
    arrangements, _ = permutations(12, 200, 2)
    p = max_t([good, flat, lonely], arrangements, [999] * 3).p
    assert np.isnan(p[1:]).all()
    assert p[0] == max_t([good], arrangements, [999]).p[0]


def test_distinct_relabellings_counts_multisets() -> None:
    assert distinct_relabellings(np.array([0, 1, 2, 2, 1, 0])) == math.factorial(6) // 8
