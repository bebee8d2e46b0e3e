"""Robust errors with Satterthwaite degrees of freedom where R has nothing to say, and the wild bootstrap."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from deltaroi.stats import linear, means, small_samples
from deltaroi.stats.permutation import max_t
from deltaroi.stats.permuted import FreedmanLane

N = 10
GROUP = np.repeat([1.0, 0.0], 5)[:, None]


def sample(seed: int, effect: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    pre = rng.normal(size=N)
    return 0.5 * pre + rng.normal(size=N) * (1 + GROUP[:, 0]) + effect * GROUP[:, 0], np.column_stack([np.ones(N), pre])


def statistic(y: np.ndarray, nuisance: np.ndarray) -> float:
    model = linear.fit(y, np.column_stack([nuisance, GROUP]))
    return abs(linear.test_weights(model, np.array([0.0, 0, 1]), "hc3").statistic)


def test_equal_groups_without_covariates_have_the_degrees_of_freedom_of_the_pooled_test() -> None:
    """And unequal ones fewer: Bell and McCaffrey's are fixed by the design."""
    y = sample(1)[0]
    model = linear.fit(y, np.column_stack([np.ones(N), GROUP]))
    assert small_samples.robust_t(model, np.array([0.0, 1]), "hc2_bm").df == pytest.approx(N - 2)
    unequal = linear.fit(y, np.column_stack([np.ones(N), np.arange(N) < 3]))
    df = small_samples.robust_t(unequal, np.array([0.0, 1]), "hc2_bm").df
    a, b = 1 / 3, 1 / 7
    assert df == pytest.approx((a + b) ** 2 / (a**2 / 2 + b**2 / 6))


def test_without_covariates_hc2_welch_is_welch() -> None:
    y, labels = sample(9)[0][:9], np.repeat([0, 1], [5, 4])
    model = linear.fit(y, np.column_stack([np.ones(9), labels == 0]))
    ours = small_samples.robust_t(model, np.array([0.0, 1]), "hc2_welch", labels)
    welch = means.two_sample(y[:5], y[5:], "welch")
    assert (ours.estimate, ours.se, ours.df, ours.p, ours.ci_low) == pytest.approx(
        (welch.estimate, welch.se, welch.df, welch.p, welch.ci_low), rel=1e-10)


def test_hc2_welch_needs_groups_that_vary() -> None:
    y = np.array([1.0, 1.0, 1.0, 2.0, 4.0, 3.0])
    labels = np.repeat([0, 1], 3)
    model = linear.fit(y, np.column_stack([np.ones(6), labels == 0]))
    test = small_samples.robust_t(model, np.array([0.0, 1]), "hc2_welch", labels)
    assert math.isnan(test.p)
    assert "variance is unknown" in test.problem
    assert "variance is unknown" in small_samples.robust_f(model, np.eye(2)[1:], labels).problem
    with pytest.raises(ValueError, match="labels"):
        small_samples.robust_t(model, np.array([0.0, 1]), "hc2_welch")


@pytest.mark.parametrize("kind", ["hc2_bm", "hc3_bm"])
def test_problems_are_said_in_words(kind: str) -> None:
    y = np.random.default_rng(2).normal(size=6)
    alone = linear.fit(y, np.column_stack([np.ones(6), np.arange(6) == 0]))
    test = small_samples.robust_t(alone, np.array([0.0, 1]), kind)
    assert math.isnan(test.p)
    assert "leverage 1" in test.problem
    assert kind[:3].upper() in test.problem
    double = linear.fit(y, np.column_stack([np.ones(6), np.arange(6.0), 2 * np.arange(6.0)]))
    assert "do not determine" in small_samples.robust_t(double, np.array([0.0, 1, 0]), kind).problem
    assert "do not determine" in small_samples.robust_f(double, np.eye(3)[1:]).problem
    assert "leverage 1" in small_samples.robust_f(alone, np.eye(2)[1:]).problem
    with pytest.raises(ValueError, match="hc9"):
        small_samples.robust_t(alone, np.array([0.0, 1]), "hc9")


def test_wild_bootstrap_equals_refitting_with_every_pattern_of_signs() -> None:
    y, nuisance = sample(3, 1.0)
    found = small_samples.wild_bootstrap(y, nuisance, GROUP, 99, 1)
    assert found.complete
    assert found.rows == 2**N
    fitted = nuisance @ np.linalg.lstsq(nuisance, y, rcond=None)[0]
    observed = statistic(y, nuisance)
    again = [statistic(fitted + (y - fitted) * np.array(signs), nuisance)
             for signs in itertools.product([1.0, -1.0], repeat=N)]
    assert found.p == np.mean([t >= observed * (1 - 1e-9) for t in again])


def test_wild_bootstrap_is_seeded_and_counts_the_data() -> None:
    y, nuisance = np.tile(sample(4)[0], 2) + np.arange(20.0), np.tile(sample(4)[1], (2, 1))
    tested = np.tile(GROUP, (2, 1))
    for multipliers in ("rademacher", "webb"):
        one, same, other = (small_samples.wild_bootstrap(y, nuisance, tested, 99, seed, multipliers)
                            for seed in (1, 1, 2))
        assert one == same
        assert (one.rows, one.complete) == (100, False)
        assert one.p * 100 == pytest.approx(round(one.p * 100))
        assert one.p >= 0.01
        assert other.rows == 100


def test_webb_multipliers_have_mean_zero_and_variance_one() -> None:
    rows, complete = small_samples.multiplier_rows(50, 4000, 1, "webb")
    assert not complete
    assert (rows[0] == 1).all()
    values, counts = np.unique(rows[1:], return_counts=True)
    assert values**2 == pytest.approx([1.5, 1, 0.5, 0.5, 1, 1.5])
    assert counts / counts.sum() == pytest.approx(1 / 6, abs=0.005)
    with pytest.raises(ValueError, match="mammen"):
        small_samples.multiplier_rows(5, 5, 1, "mammen")


def test_another_value_is_tested_by_handing_in_what_is_left() -> None:
    y, nuisance = sample(5, 2.0)
    shifted = small_samples.wild_bootstrap(y - 2.0 * GROUP[:, 0], nuisance, GROUP, 99, 1)
    assert shifted.p == small_samples.wild_bootstrap(sample(5)[0], nuisance, GROUP, 99, 1).p


def test_a_family_shares_its_multipliers() -> None:
    """Max-T over ROIs works for the wild bootstrap as for permutations."""
    tests = [FreedmanLane(np.arange(N), *sample(seed), GROUP, "hc3") for seed in (6, 7)]
    rows, _ = small_samples.multiplier_rows(N, 99, 1, "rademacher")
    table = np.stack([test.absolute(rows) for test in tests])
    assert table[:, 0] == pytest.approx([statistic(*sample(seed)) for seed in (6, 7)])
    expected = [(table.max(axis=0) >= row[0] * (1 - 1e-9)).mean() for row in table]
    assert max_t(tests, rows, [2**N] * 2).p == pytest.approx(expected, abs=0)
