"""Effect sizes, equivalence, Bayes factor, detectable effect: closed forms and gaps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

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
