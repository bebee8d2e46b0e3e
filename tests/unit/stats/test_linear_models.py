"""Least squares: leverage one, dependent columns, nothing left over, leaving one out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deltaroi.stats import linear, means, multiple


def test_hc3_equals_statsmodels() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(20), rng.normal(size=20), np.repeat([0.0, 1.0], 10)])
    y = rng.normal(size=20)
    ours = linear.test_weights(linear.fit(y, x), np.array([0.0, 0, 1]), "hc3")
    theirs = sm.OLS(y, x).fit(cov_type="HC3", use_t=True)
    assert (ours.estimate, ours.se, ours.p) == pytest.approx((theirs.params[2], theirs.bse[2], theirs.pvalues[2]))


def test_hc3_says_that_leverage_one_has_no_error() -> None:
    x = np.column_stack([np.ones(5), [1.0, 0, 0, 0, 0]])
    model = linear.fit(np.array([3.0, 1, 2, 4, 1]), x)
    test = linear.test_weights(model, np.array([0.0, 1]), "hc3")
    assert test.estimate == pytest.approx(1.0)
    assert math.isnan(test.se)
    assert "leverage 1" in test.problem
    assert not linear.test_weights(model, np.array([0.0, 1]), "classical").problem
    assert np.isnan(linear.leave_one_out(model, np.array([0.0, 1]))).all()


def test_dependent_columns_leave_only_what_the_data_determine() -> None:
    rng = np.random.default_rng(4)
    a, group = rng.normal(size=12), np.repeat([0.0, 1.0], 6)
    y = rng.normal(size=12)
    x = np.column_stack([np.ones(12), a, 2 * a, group])
    plain = linear.test_weights(linear.fit(y, np.delete(x, 2, axis=1)), np.array([0.0, 0, 1]), "hc3")
    double = linear.test_weights(linear.fit(y, x), np.array([0.0, 0, 0, 1]), "hc3")
    assert (double.estimate, double.se, double.df) == pytest.approx((plain.estimate, plain.se, plain.df))
    assert "do not determine" in linear.test_weights(linear.fit(y, x), np.array([0.0, 1, 0, 0]), "hc3").problem


def test_an_exact_fit_has_no_error() -> None:
    x = np.column_stack([np.ones(6), np.arange(6.0)])
    test = linear.test_weights(linear.fit(1e6 + 3 * np.arange(6.0), x), np.array([0.0, 1]), "classical")
    assert test.estimate == pytest.approx(3)
    assert math.isnan(test.p)


def test_leave_one_out_equals_refitting() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(9), rng.normal(size=9), np.repeat([0.0, 1.0], [4, 5])])
    y = rng.normal(size=9)
    again = [linear.fit(np.delete(y, i), np.delete(x, i, axis=0)).beta[2] for i in range(9)]
    assert linear.leave_one_out(linear.fit(y, x), np.array([0.0, 0, 1])) == pytest.approx((min(again), max(again)))


@pytest.mark.parametrize("scale", [1e-12, 1e9])
def test_units_do_not_matter(scale: float) -> None:
    rng = np.random.default_rng(6)
    pre, y, group = rng.normal(size=12), rng.normal(size=12), np.repeat([0.0, 1.0], 6)
    tests = [linear.test_weights(linear.fit(k * y, np.column_stack([np.ones(12), k * pre, group])),
                                 np.array([0.0, 0, 1]), "hc3") for k in (1.0, scale)]
    assert tests[1].statistic == pytest.approx(tests[0].statistic)


@pytest.mark.parametrize(("first", "second"), [([1.0], [2.0, 3.0]), ([], [1.0, 2.0]), ([1.0, 1.0], [1.0, 1.0]),
                                              ([1.0], [1.0])])
def test_degenerate_samples_say_why(first: list[float], second: list[float]) -> None:
    test = means.two_sample(np.array(first), np.array(second), "welch")
    assert math.isnan(test.p)
    assert test.problem


def test_holm_and_bh_ignore_missing_tests() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03])
    assert multiple.holm(p) == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert multiple.benjamini_hochberg(p) == pytest.approx([0.03, np.nan, 0.04, 0.04], nan_ok=True)
    assert np.isnan(multiple.holm(np.array([np.nan]))).all()
