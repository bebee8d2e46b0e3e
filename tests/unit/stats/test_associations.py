"""Correlation, association, moderation, robust slope: identities and gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from deltaroi.stats import association, correlation, linear, robust


def nothing(n: int) -> np.ndarray:
    return np.empty((n, 0))


def test_spearman_of_the_example_of_bonett_and_wright() -> None:
    """R's ``statpsych::ci.spear``, 1.6.0: its documented example."""
    y = np.array([21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19.0])
    x = np.array([67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51.0])
    found = correlation.spearman(y, x)
    assert (found.r, found.low, found.high) == pytest.approx((0.8699639, 0.5840951, 0.9638297), abs=5e-8)
    assert found.p == pytest.approx(stats.spearmanr(y, x).pvalue, rel=1e-10)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 25))
def test_spearman_is_that_of_scipy_with_ties(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 5, n).astype(float), rng.integers(0, 5, n).astype(float)
    assume(np.ptp(x) > 0 and np.ptp(y) > 0)
    found, expected = correlation.spearman(x, y), stats.spearmanr(x, y)
    assert found.r == pytest.approx(expected.statistic, abs=1e-12)
    if abs(found.r) < 1 - 1e-9:
        assert found.p == pytest.approx(expected.pvalue, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 3), st.floats(-1e4, 1e4), st.floats(1e-3, 1e3))
def test_partial_r_is_the_t_of_the_slope_whatever_the_unit(seed: int, k: int, shift: float, scale: float) -> None:
    rng = np.random.default_rng(seed)
    x, y, others = rng.normal(size=20), rng.normal(size=20), rng.normal(size=(20, k))
    found = association.associate(y, scale * (x + shift), others, "classical")
    assert found.slope.df == found.r.df == 18 - k
    t = found.slope.statistic
    assert found.r.r == pytest.approx(t / math.sqrt(t**2 + found.slope.df), rel=1e-6, abs=1e-9)
    assert found.r.p == pytest.approx(found.slope.p, rel=1e-5)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_too_few_subjects_for_a_correlation(n: int) -> None:
    few = np.arange(float(n))
    for found in (correlation.pearson(few, few), correlation.spearman(few, few),
                  correlation.partial(few, few, nothing(n))):
        assert math.isnan(found.r)
        assert "too few" in found.problem
    assert association.associate(few, few, nothing(n), "hc3").slope.problem


def test_lines_and_constants_are_said() -> None:
    rising, ones = np.arange(3.0), np.ones(3)
    line = correlation.pearson(rising, 2 * rising + 1e9)
    assert (line.r, line.p) == (1.0, 0.0)
    assert math.isnan(line.high)
    assert "one line" in line.problem
    assert "does not vary" in correlation.pearson(rising, ones).problem
    assert "does not vary" in correlation.spearman(rising, ones).problem
    assert "does not vary" in correlation.partial(np.arange(9.0) ** 2, np.arange(9.0), np.arange(9.0)[:, None]).problem
    assert "does not vary" in association.associate(np.arange(9.0), np.ones(9), nothing(9), "hc3").slope.problem


def test_fisher_needs_four_subjects() -> None:
    assert math.isnan(correlation.fisher_interval(0.5, 1)[0])
    low, high = correlation.fisher_interval(0.5, 2)
    assert low < 0.5 < high


def lines(seed: int, slope: float, level: float, n: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score, group = rng.normal(50, 10, n), np.tile([0, 1], n // 2)
    return 0.02 * score + group * (level + slope * (score - 50)) + rng.normal(size=n), score, group


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.floats(-0.2, 0.2), st.floats(-2, 2), st.sampled_from(["classical", "hc3"]))
def test_johnson_neyman_bounds_are_where_p_is_05(seed: int, slope: float, level: float, kind: str) -> None:
    outcome, score, group = lines(seed, slope, level)
    fitted = association.fit_slopes(outcome, score, group, nothing(40), kind)
    region = association.johnson_neyman(fitted, 1, 0, (float(score.min()), float(score.max())))

    def p(at: float) -> float:
        return association.difference_at(fitted, 1, 0, at).p

    for bound in (region.low, region.high):
        if math.isfinite(bound) and abs(bound) < 1e4:
            assert p(bound) == pytest.approx(0.05, abs=1e-6)
    grid = np.linspace(score.min(), score.max(), 41)
    for at in grid:
        inside = any(low <= at <= high for low, high in region.inside)
        assert inside == (p(at) < 0.05) or abs(p(at) - 0.05) < 1e-6
    if region.kind in ("outside", "between"):
        assert region.low < region.high


@pytest.mark.parametrize(("slope", "level", "kind"), [(0.3, 0.0, "outside"), (0.0, 5.0, "between"),
                                                      (0.0, 0.0, "nowhere")])
def test_kinds_of_region(slope: float, level: float, kind: str) -> None:
    outcome, score, group = lines(2, slope, level, 60)
    found = association.moderate(outcome, score, group, nothing(60), "classical").regions[0]
    assert found.kind == kind
    if kind == "between":
        assert found.low < score.min() < score.max() < found.high
        assert found.inside == ((score.min(), score.max()),)


def test_region_everywhere() -> None:
    assert association._positive(1.0, 0.0, 1.0)[0] == "everywhere"
    assert association._positive(-1.0, 0.0, -1.0)[0] == "nowhere"
    assert association._positive(-1.0, 0.0, 4.0) == ("between", -2.0, 2.0)
    assert association._positive(1.0, -3.0, 5.0) == ("outside", 1.0, 5.0)


def test_slopes_of_groups_are_those_of_separate_lines() -> None:
    outcome, score, group = lines(3, 0.1, 1.0)
    found = association.moderate(outcome, score, group, nothing(40), "classical")
    for code in (0, 1):
        one = np.polyfit(score[group == code], outcome[group == code], 1)[0]
        assert found.slopes[code].estimate == pytest.approx(one)
    assert found.interaction.estimate == pytest.approx(found.slopes[1].estimate - found.slopes[0].estimate)
    turned = association.moderate(outcome, score, group, nothing(40), "classical", reference=1)
    assert turned.interaction.estimate == pytest.approx(-found.interaction.estimate)
    assert turned.regions[0].low == pytest.approx(found.regions[0].low)


def test_three_groups_have_a_joint_test() -> None:
    rng = np.random.default_rng(4)
    score, group = rng.normal(size=60), np.repeat([0, 1, 2], 20)
    found = association.moderate(rng.normal(size=60), score, group, rng.normal(size=(60, 1)), "hc3", reference=2)
    assert (found.interaction.kind, found.interaction.df_between) == ("F", 2)
    assert len(found.slopes) == 3
    assert len(found.differences) == len(found.regions) == 2
    assert found.differences[0].estimate == pytest.approx(found.slopes[0].estimate - found.slopes[2].estimate)


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_moderation_of_few_subjects_is_said(n: int) -> None:
    found = association.moderate(np.arange(float(n)) ** 2, np.arange(float(n)), np.arange(n) % 2, nothing(n), "hc3")
    assert found.interaction.problem
    assert all(region.kind == "missing" and region.problem for region in found.regions)


def test_moderation_with_a_constant_score_in_one_group() -> None:
    rng = np.random.default_rng(5)
    score, group = np.r_[np.ones(10), rng.normal(size=10)], np.repeat([0, 1], 10)
    found = association.moderate(rng.normal(size=20), score, group, nothing(20), "classical")
    assert found.interaction.problem
    assert found.regions[0].kind == "missing"
    assert not found.slopes[1].problem


def test_robust_equals_least_squares_nearly_on_clean_data_and_ignores_outliers() -> None:
    rng = np.random.default_rng(6)
    score = rng.normal(size=60)
    outcome = 2 * score + rng.normal(size=60)
    plain = association.associate(outcome, score, nothing(60), "classical").slope
    assert association.associate_robust(outcome, score, nothing(60)).estimate == pytest.approx(plain.estimate, abs=0.1)
    outcome[:12], score[:12] = 500.0, -30.0
    assert association.associate_robust(outcome, score, nothing(60)).estimate == pytest.approx(2, abs=0.3)
    assert association.associate(outcome, score, nothing(60), "classical").slope.estimate < 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.floats(-100, 100))
def test_robust_fit_follows_unit_and_origin(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(30), rng.normal(size=30)])
    y = design @ np.array([1.0, 2.0]) + rng.standard_t(3, size=30)
    plain, moved = robust.fit_mm(y, design), robust.fit_mm(scale * (y + shift), design)
    assert moved.scale == pytest.approx(scale * plain.scale, rel=1e-6)
    assert moved.beta[1] == pytest.approx(scale * plain.beta[1], rel=1e-6)
    assert ((plain.weights >= 0) & (plain.weights <= 1)).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_robust_fit_of_few_subjects_is_said(n: int) -> None:
    found = association.associate_robust(np.arange(float(n)) ** 2, np.arange(float(n)), nothing(n))
    assert math.isnan(found.estimate)
    assert found.problem


def test_robust_fit_of_constants_lines_and_dependent_columns_is_said() -> None:
    rising = np.arange(20.0)
    assert "one line" in association.associate_robust(np.ones(20), rising, nothing(20)).problem
    assert "one line" in association.associate_robust(np.zeros(20), rising, nothing(20)).problem
    assert "one line" in association.associate_robust(np.r_[rising[:15], 90, 3, 55, 7, -4], rising, nothing(20)).problem
    assert "determine" in association.associate_robust(rising**2, rising, rising[:, None]).problem
    assert "does not vary" in association.associate_robust(rising, np.ones(20), nothing(20)).problem


def test_residual_df_of_both_room_fits_agree() -> None:
    design = np.column_stack([np.ones(12), np.arange(12.0)])
    y = np.random.default_rng(7).normal(size=12)
    assert robust.fit_mm(y, design).df == linear.fit(y, design).df
