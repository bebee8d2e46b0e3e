"""Effect sizes, equivalence, Bayes factor, detectable effect: closed forms and gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from deltaroi.stats import effect_size, evidence
from deltaroi.stats.noncentral import nct_cdf
from deltaroi.stats.record import Test, t_test


def test_d_av_by_hand() -> None:
    pre, post = np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 4.0, 3.0, 9.0])
    size = effect_size.d_av(pre, post)
    plain = 1.5 / math.sqrt((np.var(pre, ddof=1) + np.var(post, ddof=1)) / 2)
    assert size.value == pytest.approx(plain * effect_size.hedges_j(3))
    assert size.low < size.value < size.high


def test_d_av_interval_uses_the_correlation() -> None:
    rng = np.random.default_rng(1)
    pre, noise = rng.normal(size=40), rng.normal(size=40)
    tight, wide = effect_size.d_av(pre, pre + 0.3 + 0.1 * noise), effect_size.d_av(pre, noise + 0.3)
    assert tight.high - tight.low < 0.5 * (wide.high - wide.low)


@pytest.mark.parametrize("df", [1, 2.5, 9, 120])
@pytest.mark.parametrize("t", [-1.5, 0.0, 2.0, 12.0])
@pytest.mark.parametrize("ncp", [-1.0, 0.0, 3.0])
def test_noncentral_t_equals_scipy_where_scipy_has_a_value(df: float, t: float, ncp: float) -> None:
    expected = stats.nct.cdf(t, df, ncp) if ncp else stats.t.cdf(t, df)
    assert nct_cdf(t, df, ncp) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("df", [4, 21.3, 98])
def test_detectable_effect_has_the_power(df: float) -> None:
    ncp, critical = evidence.detectable(df), stats.t.ppf(0.975, df)
    assert nct_cdf(-critical, df, ncp) + 1 - nct_cdf(critical, df, ncp) == pytest.approx(0.8, abs=1e-9)


def test_equivalence_is_the_larger_one_sided_p() -> None:
    test = t_test(0.1, 0.2, 20)
    expected = stats.t.cdf((0.1 - 0.5) / 0.2, 20)
    assert evidence.equivalence_p(test, 0.5) == pytest.approx(expected)
    assert evidence.equivalence_p(t_test(-0.1, 0.2, 20), 0.5) == pytest.approx(expected)
    assert math.isnan(evidence.equivalence_p(test, math.nan))
    assert math.isnan(evidence.equivalence_p(Test(), 0.5))


def test_bayes_factor_stays_finite_or_infinite_but_never_crashes() -> None:
    assert evidence.jzs_bf10(0.0, 20, 19) < 1 / 3
    assert evidence.jzs_bf10(1e3, 20, 19) > 1e20
    assert math.isnan(evidence.jzs_bf10(math.nan, 20, 19))


def sample(mean: tuple[float, float], sd: tuple[float, float], r: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs with exactly these moments."""
    raw = np.random.default_rng(0).normal(size=(n, 2))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    pair = white @ np.linalg.cholesky(np.array([[1, r], [r, 1]])).T * sd + mean
    return pair[:, 0], pair[:, 1]


def test_d_av_of_the_example_of_statpsych() -> None:
    """R's ``ci.stdmean.ps(.05, 110.4, 102.1, 15.3, 14.6, .75, 25)``, statpsych 1.6.0: its documented example."""
    post, pre = sample((110.4, 102.1), (15.3, 14.6), 0.75, 25)
    size = effect_size.d_av(pre, post)
    assert size.value / effect_size.hedges_j(24) == pytest.approx(0.5550319, abs=5e-8)
    assert (size.low, size.high) == pytest.approx((0.2394905, 0.8705732), abs=5e-8)


def test_sizes_of_pairs_with_equal_sds() -> None:
    """d_rm is then d_av, and d_z is d_rm / √(2 (1-r))."""
    pre, post = sample((0.0, 0.6), (2.0, 2.0), 0.7, 30)
    rm, av, z = effect_size.d_rm(pre, post), effect_size.d_av(pre, post), effect_size.d_z(post - pre)
    assert rm.value == pytest.approx(av.value)
    assert z.value == pytest.approx(rm.value / math.sqrt(0.6))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 30), st.floats(1e-3, 1e3), st.floats(-1e3, 1e3))
def test_sizes_do_not_depend_on_unit_or_origin_and_turn_with_the_sign(seed: int, n: int, scale: float,
                                                                      shift: float) -> None:
    rng = np.random.default_rng(seed)
    pre, post = rng.normal(size=n), rng.normal(0.5, 1.0, size=n)
    for size in (effect_size.d_rm, effect_size.d_av):
        plain, moved, turned = size(pre, post), size(scale * (pre + shift), scale * (post + shift)), size(-pre, -post)
        assert (moved.value, moved.low, moved.high) == pytest.approx((plain.value, plain.low, plain.high), rel=1e-6,
                                                                     abs=1e-7)
        assert (turned.value, turned.low, turned.high) == pytest.approx((-plain.value, -plain.high, -plain.low))
        assert plain.low < plain.value < plain.high


def test_adjusted_d_agrees_with_its_t_test_about_zero() -> None:
    """The interval leaves zero out only where the raw one does; a test without error leaves it missing."""
    pre = (np.arange(8.0), np.arange(10.0))
    for t in (0.5, 2.0, 2.1, 2.2, 4.0):
        test = t_test(t, 1.0, 15)
        size = effect_size.adjusted_d(test, pre)
        assert not size.low > 0 or test.ci_low > 0
    alone = effect_size.adjusted_d(Test(1.0), pre)
    assert math.isfinite(alone.value)
    assert math.isnan(alone.low)
    assert math.isnan(effect_size.adjusted_d(t_test(1.0, 1.0, 9), (np.ones(5), np.ones(5))).value)
    assert math.isnan(effect_size.adjusted_d(t_test(1.0, 1.0, 9), (np.ones(1), np.ones(1))).value)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_within_sizes_of_few_subjects_are_missing(n: int) -> None:
    few = np.arange(float(n))
    for size in (effect_size.d_rm(few, 2 * few), effect_size.d_av(few, 2 * few), effect_size.d_z(few)):
        assert math.isnan(size.value)


def test_d_rm_of_constants_and_parallel_values_is_missing() -> None:
    rising = np.arange(6.0)
    for pre, post in ((np.ones(6), rising), (rising, np.ones(6)), (rising, rising + 1), (rising, 2 * rising)):
        assert math.isnan(effect_size.d_rm(pre, post).value)


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 50), st.integers(1, 4), st.integers(2, 80))
def test_omega2_is_below_eta2_and_shares_its_interval(f: float, df_between: int, df: int) -> None:
    omega, eta = effect_size.partial_omega2(f, df_between, df), effect_size.partial_eta2(f, df_between, df)
    assert 0 <= omega.value <= eta.value < 1
    assert (omega.low, omega.high) == (eta.low, eta.high)
    assert math.isnan(effect_size.partial_omega2(math.nan, df_between, df).value)


@pytest.mark.parametrize("width", [1 / 3, 1 / math.sqrt(3), 1.0])
@pytest.mark.parametrize("n", [3, 8, 9, 40, 500])
@pytest.mark.parametrize("r", [0.0, 0.3, -0.9])
def test_correlation_bayes_factor_is_the_mean_of_the_likelihood_ratio(r: float, n: int, width: float) -> None:
    """Jeffreys' exact reduced likelihood, integrated over the prior by brute force (even part in ρ)."""
    def integrand(rho: float) -> float:
        even = float(special.hyp2f1((n - 1) / 2, (n - 1) / 2, 0.5, (r * rho) ** 2))
        prior = stats.beta.pdf((rho + 1) / 2, 1 / width, 1 / width) / 2
        return (1 - rho**2) ** ((n - 1) / 2) * even * prior

    if n > 100 and abs(r) > 0.5:
        return  # the series of the likelihood overflows
    expected = 2 * integrate.quad(integrand, 0, 1, epsabs=0, epsrel=1e-10, limit=200)[0]
    assert evidence.correlation_bf10(r, n, width) == pytest.approx(expected, rel=1e-7)


def test_correlation_bayes_factor_at_the_edges() -> None:
    assert evidence.correlation_bf10(1.0, 30) == math.inf
    assert evidence.correlation_bf10(0.999999, 5000) == math.inf
    assert math.isfinite(evidence.correlation_bf10(1.0, 4))
    for r, n in ((math.nan, 20), (0.3, 2), (1.1, 20), (0.3, math.nan)):
        assert math.isnan(evidence.correlation_bf10(r, n))
    assert evidence.correlation_bf10(-0.4, 25) == evidence.correlation_bf10(0.4, 25)


def test_three_widths_of_the_priors() -> None:
    """R: ``BayesFactor:::rpriorValues("ttestTwo" | "correlation", , name)``, 0.9.12-4.4."""
    assert [factor.width for factor in evidence.t_sensitivity(2, 10, 9)] == [math.sqrt(0.5), 1, math.sqrt(2)]
    assert [factor.width for factor in evidence.r_sensitivity(0.2, 10)] == [1 / 3, 1 / math.sqrt(3), 1]
    assert evidence.t_sensitivity(2, 10, 9)[0].bf10 == evidence.jzs_bf10(2, 10, 9)
    assert evidence.r_sensitivity(0.2, 10)[0].bf10 == evidence.correlation_bf10(0.2, 10)


@pytest.mark.parametrize("size", [effect_size.d_ppc2((np.ones(3), np.ones(3)), (np.arange(3.0), np.ones(3))),
                                  effect_size.d_av(np.ones(5), np.ones(5)), effect_size.d_z(np.zeros(5)),
                                  effect_size.hedges_g(np.ones(4), np.ones(1)),
                                  effect_size.hedges_g(np.empty(0), np.ones(4)),
                                  effect_size.partial_eta2(math.nan, 1, 10)])
def test_undefined_sizes_are_missing(size: effect_size.EffectSize) -> None:
    assert math.isnan(size.value)
    assert math.isnan(size.low)
    assert math.isnan(size.high)


def test_huge_effects_have_intervals() -> None:
    size = effect_size.hedges_g(np.array([100.0, 100.1, 100.2]), np.array([0.0, 0.1, 0.2]))
    assert size.low < size.value < size.high


@pytest.mark.parametrize("f", [1e5, 1e22])
def test_an_f_beyond_the_noncentral_distribution_has_no_interval(f: float) -> None:
    size = effect_size.partial_eta2(f, 1, 5)
    assert size.value > 0.99
    assert math.isnan(size.high)
