"""Results on a standardised scale, and what a new one says about an original."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

from deltaroi.stats import effect_size, replication
from deltaroi.stats.noncentral import nct_cdf, nct_logpdf, nct_prediction
from deltaroi.stats.replication_bayes import log_bf_normal, log_bf_r, log_bf_t
from deltaroi.stats.standardised import Result, from_f, from_g, from_interval, from_r, from_t


@pytest.mark.parametrize(("t", "df"), [(2.1, 20.0), (0.0, 5.0), (-3.0, 1.0), (30.0, 40.0), (50.0, 5.0), (0.5, 2.0)])
def test_noncentral_density_is_that_of_scipy(t: float, df: float) -> None:
    ncp = np.array([-1.0, 0.0, 1.0, 3.0, 10.0, 30.0])
    assert nct_logpdf(t, df, ncp) == pytest.approx(np.log(stats.nct.pdf(t, df, ncp)), abs=1e-9)


@pytest.mark.parametrize(("t", "df"), [(1000.0, 1e6), (1e5, 10.0), (-400.0, 3.0)])
def test_noncentral_density_far_out(t: float, df: float) -> None:
    assert nct_logpdf(t, df, np.zeros(1))[0] == pytest.approx(stats.t.logpdf(t, df), rel=1e-9)
    assert np.isfinite(nct_logpdf(t, df, np.array([-2 * t, -1e4, 1e4]))).all()


def test_noncentral_density_needs_a_degree_of_freedom() -> None:
    assert np.isnan(nct_logpdf(1.0, 0.5, np.zeros(2))).all()
    assert np.isnan(nct_logpdf(math.inf, 5.0, np.zeros(2))).all()


def test_prediction_of_t_is_normal_in_large_samples() -> None:
    low, high = (nct_prediction(2.0, 1e6, 1.5, 1e6, q) for q in (0.025, 0.975))
    half = stats.norm.ppf(0.975) * math.hypot(1, 1.5)
    assert (low, high) == pytest.approx((3 - half, 3 + half), abs=1e-4)
    assert math.isnan(nct_prediction(2.0, 0.5, 1.0, 9.0, 0.5))


def test_results_equal_the_effect_sizes_of_data() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(0.5, 1, 14), rng.normal(0, 1, 19)
    for size, result in (
            (effect_size.hedges_g(a, b), from_t("g", float(stats.ttest_ind(a, b).statistic), 14, 19)),
            (effect_size.d_z(a), from_t("g_z", float(stats.ttest_1samp(a, 0).statistic), 14))):
        assert (result.value, result.low, result.high) == pytest.approx((size.value, size.low, size.high), rel=1e-9)
        again = from_g(result.kind, result.value, result.n_first, result.n_second)
        assert again.t == pytest.approx(result.t, rel=1e-12)


def test_f_is_t_squared() -> None:
    assert from_f("g", 6.25, (1, 28), -1, (15, 15)) == from_t("g", -2.5, 15, 15, df=28)
    assert from_f("g", 6.25, (1, 26), 1, (15, 15)) == from_t("g", 2.5, 15, 15, df=26) != from_t("g", 2.5, 15, 15)
    assert from_f("g_z", 6.25, (1, 11), 1, (12, 0)) == from_t("g_z", 2.5, 12)


@pytest.mark.parametrize(("result", "reason"), [
    (from_f("g", 6.0, (2, 27), 1, (15, 15)), "numerator"),
    (from_f("g", -1.0, (1, 27), 1, (15, 15)), "negative"),
    (from_f("g", 6.0, (1, 27), 0, (15, 15)), "direction"),
    (from_t("r", 2.0, 20), "kind"),
    (from_t("g", math.nan, 20, 20), "not a number"),
    (from_t("g", 2.0, 20), "numbers of subjects"),
    (from_t("g_z", 2.0, 2), "degrees of freedom"),
    (from_g("g", 0.5, 0, 0), "not a number"),
    (from_r(1.0, 20), "between -1 and 1"),
    (from_r(0.5, 3), "four subjects"),
    (from_interval("r", 0.5, 0.1, 1.0), "between -1 and 1"),
    (from_interval("g", 0.5, 0.6, 0.4), "no value with an interval"),
    (from_interval("d", 0.5, 0.1, 0.9), "kind"),
])
def test_refused_by_reason(result: Result, reason: str) -> None:
    assert reason in result.problem
    assert result.flaw == result.problem
    assert math.isnan(result.value)
    good = from_t("g", 2.0, 20, 20)
    for found in (replication.prediction_interval(result, good), replication.replication_bayes(good, result),
                  replication.small_telescopes(result, good)):
        assert reason in found.problem
    assert math.isnan(replication.within_bound_p(result, 0.3))


def test_kinds_are_not_mixed() -> None:
    told = replication.comparable(from_t("g", 2, 9, 9), from_t("g_z", 2, 9))
    assert told == "the original is a g, the new result a g_z"


def test_density_ratio_by_plain_integration() -> None:
    def first(d: float) -> float:
        return float(stats.nct.pdf(2.4, 21, d * math.sqrt(22)))

    def both(d: float) -> float:
        return first(d) * float(stats.nct.pdf(1.1, 30, d * math.sqrt(31)))

    ratio = integrate.quad(both, -2, 3)[0] / integrate.quad(first, -2, 3)[0]
    assert log_bf_t((2.4, 21, 22), (1.1, 30, 31)) == pytest.approx(math.log(ratio / stats.t.pdf(1.1, 30)), rel=1e-7)


def test_large_samples_come_to_the_normal_bayes_factor() -> None:
    n = 2e5
    assert log_bf_t((3.0, n, n / 2), (2.0, n, n / 2)) == pytest.approx(
        log_bf_normal(3.0, 1.0, 2.0, 1.0), abs=1e-3)
    r = math.tanh(3.0 / math.sqrt(n - 3)), math.tanh(2.0 / math.sqrt(n - 3))
    assert log_bf_r(r[0], n, r[1], n) == pytest.approx(log_bf_normal(3.0, 1.0, 2.0, 1.0), abs=1e-2)


@pytest.mark.parametrize(("t", "t_new", "design", "design_new"), [
    (300.0, -200.0, (2e3, 1e3), (5e3, 2.5e3)), (40.0, 0.0, (3.0, 2.0), (1e5, 5e4)),
    (50.0, 60.0, (4.0, 5.0), (4.0, 5.0))])
def test_extreme_bayes_factors_are_finite(t: float, t_new: float, design: tuple[float, float],
                                          design_new: tuple[float, float]) -> None:
    found = log_bf_t((t, *design), (t_new, *design_new))
    assert math.isfinite(found)
    assert found == pytest.approx(log_bf_t((-t, *design), (-t_new, *design_new)), rel=1e-9)


def test_a_bayes_factor_beyond_floats_is_infinite() -> None:
    assert replication.ReplicationBayes(log_bf=800.0).bf_r0 == math.inf


def test_only_intervals_known() -> None:
    original, new = from_interval("g", 0.6, 0.6 - 1.96, 0.6 + 1.96), from_interval("g", 0.2, 0.2 - 0.98, 0.2 + 0.98)
    found = replication.prediction_interval(original, new)
    assert found.method == replication.replication_bayes(original, new).method == "normal"
    half = 1.96 * math.sqrt(1.25)
    assert (found.low, found.high) == pytest.approx((0.6 - half, 0.6 + half), rel=1e-4)
    assert "numbers of subjects" in replication.small_telescopes(original, new).problem
    assert math.isnan(replication.detectable_effect(original))
    assert replication.within_bound_p(new, 0.5) == pytest.approx(stats.norm.cdf((0.2 - 0.5) / new.se))
    r, full = from_r(0.5, 30), from_r(0.2, 50)
    bare = from_interval("r", r.value, r.low, r.high)
    narrow, wide = replication.prediction_interval(bare, full), replication.prediction_interval(r, full)
    assert (narrow.low, narrow.high) == pytest.approx((wide.low, wide.high))
    assert (narrow.method, wide.method) == ("normal", "fisher_z")


def test_third_of_power() -> None:
    original = from_t("g", 2.0, 20, 26)
    effect = replication.detectable_effect(original, 1 / 3)
    ncp, critical = effect * math.sqrt(20 * 26 / 46), stats.t.ppf(0.975, 44)
    assert nct_cdf(-critical, 44, ncp) + 1 - nct_cdf(critical, 44, ncp) == pytest.approx(1 / 3, abs=1e-8)
    assert replication.small_telescopes(from_t("g", -2.0, 20, 26), original).effect == pytest.approx(-effect)


@pytest.mark.parametrize("n", [20, 50, 200])
def test_two_and_a_half_times_the_subjects(n: int) -> None:
    """Simonsohn (2015): 2.5 times the subjects give about 80 % power to show that no effect is below d33."""
    many = int(2.5 * n)
    df, third = 2 * many - 2, replication.detectable_effect(from_t("g", 2.0, n, n), 1 / 3) * math.sqrt(many / 2)
    critical = float(stats.nct.ppf(0.05, df, third))
    assert stats.t.cdf(critical, df) == pytest.approx(0.80, abs=0.025)


def test_bounds_that_are_none() -> None:
    new = from_r(0.1, 40)
    assert all(math.isnan(replication.within_bound_p(new, bound)) for bound in (0.0, -1.0, 1.0, math.nan))
    assert 0 < replication.within_bound_p(new, 0.3) < 1


def test_the_prediction_takes_only_the_size_of_the_new_study() -> None:
    original = from_t("g", 2.5, 15, 15)
    assert replication.prediction_interval(original, from_t("g", -4.0, 30, 20)) == \
        replication.prediction_interval(original, from_t("g", 1.0, 30, 20))
