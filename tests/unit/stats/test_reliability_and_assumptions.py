"""Reliability and assumptions: published example, identities, recovery of planted values, gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.stats import assumptions, linear, reliability

# six targets rated by four judges: table 2 of Shrout and Fleiss (1979), whose ICC(2,1) is .29 and ICC(3,1) .71
SHROUT = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)


def test_icc_of_the_example_of_shrout_and_fleiss() -> None:
    two, three = reliability.icc_agreement(SHROUT), reliability.icc_consistency(SHROUT)
    assert (round(two.value, 2), round(three.value, 2)) == (0.29, 0.71)
    # R: psych::ICC(x, lmer = FALSE), psych 2.2.9
    assert (two.low, two.high) == pytest.approx((0.018786513, 0.76108437), abs=1e-8)
    assert (three.low, three.high) == pytest.approx((0.342464765, 0.94585826), abs=1e-8)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e4, 1e4), st.floats(1e-2, 1e2))
def test_icc_follows_what_it_means(seed: int, shift: float, scale: float) -> None:
    """A shift of a session costs agreement and not consistency; units cost neither."""
    rng = np.random.default_rng(seed)
    table = rng.normal(size=(12, 1)) + 0.5 * rng.normal(size=(12, 3))
    moved = table + np.array([0.0, 5.0, 0.0])
    assert reliability.icc_consistency(moved).value == pytest.approx(reliability.icc_consistency(table).value)
    assert reliability.icc_agreement(moved).value < reliability.icc_agreement(table).value
    scaled = reliability.icc_agreement(scale * (table + shift))
    assert scaled.value == pytest.approx(reliability.icc_agreement(table).value, rel=1e-6, abs=1e-7)
    for found in (scaled, reliability.icc_consistency(table)):
        assert found.low < found.value < found.high <= 1


@pytest.mark.parametrize("true", [0.3, 0.8])
def test_icc_intervals_cover(true: float) -> None:
    rng, found = np.random.default_rng(8), []
    for _ in range(1500):
        table = math.sqrt(true) * rng.normal(size=(20, 1)) + math.sqrt(1 - true) * rng.normal(size=(20, 2))
        one = reliability.icc_consistency(table)
        found.append(one.low <= true <= one.high)
    assert np.mean(found) == pytest.approx(0.95, abs=0.018)


@pytest.mark.parametrize("shape", [(0, 2), (1, 2), (5, 1), (0, 0)])
def test_icc_of_too_little_is_said(shape: tuple[int, int]) -> None:
    for found in (reliability.icc_agreement(np.zeros(shape)), reliability.icc_consistency(np.zeros(shape))):
        assert math.isnan(found.value)
        assert "too few" in found.problem


def test_icc_of_constants_is_said() -> None:
    assert "do not differ" in reliability.icc_consistency(np.full((5, 2), 3.3)).problem
    perfect = reliability.icc_consistency(np.arange(5.0)[:, None] + np.array([0.0, 2.0]))
    assert perfect.value == 1
    assert "no interval" in perfect.problem
    assert 0 < reliability.icc_agreement(np.arange(5.0)[:, None] + np.array([0.0, 2.0])).value < 1


def test_split_half_is_spearman_brown() -> None:
    rng = np.random.default_rng(9)
    true = rng.normal(size=50)
    first, second = true + rng.normal(size=50), true + rng.normal(size=50)
    r, found = float(np.corrcoef(first, second)[0, 1]), reliability.split_half(first, second)
    assert found.value == pytest.approx(2 * r / (1 + r))
    assert found.low < found.value < found.high
    assert reliability.spearman_brown(0.5, 3) == pytest.approx(0.75)
    assert math.isnan(reliability.spearman_brown(-1.0))
    assert "does not vary" in reliability.split_half(np.ones(5), rng.normal(size=5)).problem
    assert "too few" in reliability.split_half(np.ones(1), np.ones(1)).problem


def test_noise_weakens_correlations_and_effects_as_said() -> None:
    rng, n = np.random.default_rng(10), 400_000
    x = rng.normal(size=n)
    y = 0.6 * x + 0.8 * rng.normal(size=n)
    noisy_x, noisy_y = x + 0.5 * rng.normal(size=n), y + rng.normal(size=n)  # reliabilities .8 and .5
    seen = float(np.corrcoef(noisy_x, noisy_y)[0, 1])
    assert reliability.attenuated_r(0.6, 0.8, 0.5) == pytest.approx(seen, abs=0.005)
    assert reliability.disattenuated_r(seen, 0.8, 0.5) == pytest.approx(0.6, abs=0.01)
    assert reliability.attenuated_d(1.0, 0.8) == pytest.approx(1 / noisy_x.std(), abs=0.005)
    change = noisy_y - noisy_x
    planted = float(np.var(y - x) / np.var(change))
    r, ratio = float(np.corrcoef(noisy_x, noisy_y)[0, 1]), float(noisy_y.std() / noisy_x.std())
    assert reliability.change_reliability(0.8, 0.5, r, ratio) == pytest.approx(planted, abs=0.01)
    for value in (reliability.disattenuated_r(0.3, 0.0), reliability.attenuated_r(0.3, -0.1),
                  reliability.change_reliability(0.9, 0.9, 1.0)):
        assert math.isnan(value)

# R 4: m <- lm(y ~ x); rstandard(m); cooks.distance(m); coef of x without each subject; y and x as in the test
RSTANDARD = [0.537948726, 0.567568461, 0.231910284, -0.404883026, 0.369667897, 1.151630259, -2.061884717]
COOK = [0.146979065, 0.030215666, 0.010140094, 0.030151459, 0.012661013, 0.651966723, 0.355495392]
WITHOUT = [1.946052632, 1.837209302, 1.843595506, 1.863392857, 1.802321083, 1.541747573, 1.828571429]


def model(y: np.ndarray, *columns: np.ndarray) -> linear.Fit:
    return linear.fit(y, np.column_stack([np.ones(y.size), *columns]))


def test_checks_find_what_is_planted() -> None:
    rng = np.random.default_rng(11)
    group = np.repeat([0, 1], 100)
    y = rng.normal(size=200) * np.where(group == 1, 4.0, 1.0)
    found = assumptions.check_residuals(model(y, group.astype(float)), group)
    assert (found.widest, found.narrowest) == (1, 0)
    assert found.variance_ratio == pytest.approx(16, rel=0.6)
    assert found.spread_p < 1e-6
    skewed = assumptions.check_residuals(model(rng.exponential(size=200), group.astype(float)), group)
    assert skewed.skewness > 1
    assert skewed.shapiro_p < 1e-6
    x = rng.normal(size=30)
    y, x[7] = 2 * x + rng.normal(size=30), 9.0
    worst = assumptions.check_residuals(model(y, x), np.zeros(30, dtype=np.int64))
    assert worst.cook_at == worst.leverage_at == 7
    assert math.isnan(worst.variance_ratio)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_checks_of_few_subjects_are_said(n: int) -> None:
    found = assumptions.check_residuals(model(np.arange(float(n)), np.arange(float(n))), np.zeros(n, dtype=np.int64))
    assert found.problem
    assert math.isnan(found.cook)


def test_checks_of_constants_and_of_a_subject_alone() -> None:
    assert "exactly" in assumptions.check_residuals(model(np.ones(8), np.arange(8.0)), np.arange(8) % 2).problem
    y, alone = np.random.default_rng(12).normal(size=9), np.r_[np.zeros(8), 1.0]
    found = assumptions.check_residuals(model(y, alone), np.arange(9) % 2)
    assert (found.leverage_at, found.leverage) == (8, pytest.approx(1))
    assert math.isfinite(found.cook)
    one = assumptions.check_residuals(linear.fit(y, np.ones((9, 1))), np.arange(9) % 2)
    assert math.isnan(one.spread_p)


def test_imbalance() -> None:
    found = assumptions.imbalance(np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 4.0]))
    assert (found.difference, found.standardised, found.sd_ratio) == pytest.approx((0, 0, 0.5))
    apart = assumptions.imbalance(np.array([2.0, 4.0]), np.array([1.0, 3.0]))
    assert apart.standardised == pytest.approx(1 / math.sqrt(2))
    assert "1 and 2" in assumptions.imbalance(np.ones(1), np.arange(2.0)).problem
    assert "0 and 2" in assumptions.imbalance(np.empty(0), np.arange(2.0)).problem
    assert "do not vary" in assumptions.imbalance(np.ones(3), np.zeros(3)).problem
    assert assumptions.imbalance(np.arange(3.0), np.zeros(3)).sd_ratio == math.inf


def test_parallel_slopes() -> None:
    rng = np.random.default_rng(13)
    first, group = rng.normal(size=90), np.repeat([0, 1, 2], 30)
    last = first * (1 + group) + 0.1 * rng.normal(size=90)
    two = group < 2
    found = assumptions.parallel_slopes(last[two], first[two], group[two], np.empty((60, 0)), "hc3")
    assert found.ci_low < 1 < found.ci_high
    joint = assumptions.parallel_slopes(last, first, group, rng.normal(size=(90, 1)), "classical")
    assert (joint.kind, joint.df_between) == ("F", 2)
    assert joint.p < 1e-10
    assert assumptions.parallel_slopes(last[:30], first[:30], group[:30], np.empty((30, 0)), "hc3").problem
    for n in range(4):
        few = np.arange(float(n))
        assert assumptions.parallel_slopes(few, few, np.arange(n) % 2, np.empty((n, 0)), "hc3").problem


def test_interval_of_the_imbalance() -> None:
    # R 4, base functions, with the formula of statpsych::ci.stdmean2 (Bonett 2008)
    found = assumptions.imbalance(np.array([2.1, 3.4, 1.9, 4.0, 2.8]), np.array([1.0, 2.2, 0.7, 1.9]))
    assert (found.standardised, found.low, found.high) == \
        pytest.approx((1.735467439351, 0.002000685331, 3.468934193371), rel=1e-10)


def test_interval_of_the_imbalance_covers() -> None:
    rng, inside = np.random.default_rng(21), 0
    for _ in range(2000):
        found = assumptions.imbalance(rng.normal(0.6, 1.0, 15), rng.normal(0.0, 1.0, 12))
        inside += found.low <= 0.6 <= found.high
    assert 0.93 < inside / 2000 < 0.97


def test_residuals_of_each_subject_against_r() -> None:
    y, x = np.array([1.2, 3.1, 2.0, 4.4, 3.9, 6.0, 2.2]), np.array([0.5, 1.5, 1.0, 2.5, 2.0, 3.0, 1.8])
    fitted = model(y, x)
    assert assumptions.standardised(fitted) == pytest.approx(RSTANDARD, rel=1e-7)
    assert assumptions.cooks_distance(fitted) == pytest.approx(COOK, rel=1e-7)
    slope = np.array([0.0, 1.0])
    assert linear.without_each(fitted, slope) == pytest.approx(WITHOUT, rel=1e-8)
    assert linear.leave_one_out(fitted, slope) == pytest.approx((min(WITHOUT), max(WITHOUT)))


def test_residuals_of_an_exact_fit_are_missing() -> None:
    exact = model(np.arange(5.0), np.arange(5.0))
    assert np.isnan(assumptions.standardised(exact)).all()
    assert np.isnan(assumptions.cooks_distance(exact)).all()
    alone = model(np.random.default_rng(1).normal(size=6), np.r_[np.zeros(5), 1.0])
    assert np.isnan(assumptions.standardised(alone)).tolist() == [False] * 5 + [True]
    assert np.isnan(linear.without_each(alone, np.array([0.0, 1.0]))).all()
    assert np.isnan(linear.without_each(alone, np.array([1.0, 1.0]))).all()
