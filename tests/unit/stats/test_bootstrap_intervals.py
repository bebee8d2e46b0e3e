"""Bootstrap: determinism, closed forms of its pieces, gaps, speed."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.stats import bootstrap
from deltaroi.stats.record import Array


def groups(seed: int, n1: int = 12, n2: int = 15) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    rng = np.random.default_rng(seed)
    pre = rng.normal(size=n1), rng.normal(size=n2)
    return pre, (pre[0] + 0.5 + rng.normal(size=n1), pre[1] + rng.normal(size=n2))


def test_the_same_seed_gives_the_same_interval() -> None:
    pre, post = groups(1)
    assert bootstrap.d_ppc2_interval(pre, post, seed=4) == bootstrap.d_ppc2_interval(pre, post, seed=4)
    assert bootstrap.d_ppc2_interval(pre, post, seed=4) != bootstrap.d_ppc2_interval(pre, post, seed=5)


def test_resamples_keep_group_sizes_and_are_shared() -> None:
    first, second = bootstrap.resamples([5, 8], 100, 3)
    assert (first.sum(axis=1) == 5).all()
    assert (second.sum(axis=1) == 8).all()
    assert (bootstrap.resamples([5, 8], 100, 3)[1] == second).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_d_ppc2_interval_does_not_depend_on_unit_or_origin(seed: int, shift: float, scale: float) -> None:
    pre, post = groups(seed)
    moved = [tuple(scale * (values + shift) for values in sample) for sample in (pre, post)]
    plain, other = bootstrap.d_ppc2_interval(pre, post), bootstrap.d_ppc2_interval(moved[0], moved[1])  # type: ignore
    assert (other.low, other.high) == pytest.approx((plain.low, plain.high), rel=1e-6, abs=1e-8)


def test_exchanging_the_groups_turns_the_sign() -> None:
    pre, post = groups(2, 12, 12)
    plain = bootstrap.d_ppc2_interval(pre, post, replicates=20000)
    turned = bootstrap.d_ppc2_interval(pre[::-1], post[::-1], replicates=20000)  # type: ignore[arg-type]
    assert turned.low == pytest.approx(-plain.high, abs=0.1)
    assert turned.high == pytest.approx(-plain.low, abs=0.1)


def test_bca_of_a_symmetric_statistic_is_the_percentile_interval() -> None:
    estimates = np.linspace(-1, 1, 1999)
    low, high = bootstrap.bca(estimates, 0.0, [np.array([-1.0, 0.0, 1.0])])
    assert (low, high) == pytest.approx((-0.95, 0.95), abs=2e-3)


def test_bca_stays_within_the_resamples() -> None:
    estimates = np.arange(100.0)
    for observed in (-5.0, 0.0, 50.0, 500.0):
        low, high = bootstrap.bca(estimates, observed, [np.array([0.0, 0.0, 9.0])])
        assert 0 <= low <= high <= 99


def test_partial_r_equals_r_of_residuals() -> None:
    """With nothing but a constant the interval is that of the plain correlation; others change it."""
    rng = np.random.default_rng(5)
    x, other = rng.normal(size=40), rng.normal(size=40)
    y = x + other + rng.normal(size=40)
    plain = bootstrap.r_interval(x, y)
    assert plain == bootstrap.r_interval(x, y, np.empty((40, 0)))
    given_other = bootstrap.r_interval(x, y, other[:, None])
    assert given_other.low > plain.low


def test_r_interval_within_groups_does_not_depend_on_the_order_of_subjects_in_the_table() -> None:
    rng = np.random.default_rng(6)
    x, y, group = rng.normal(size=30), rng.normal(size=30), np.repeat([0, 1], 15)
    dummy = group[:, None].astype(np.float64)
    order = np.argsort(np.tile([0, 1], 15), kind="stable").argsort()
    plain = bootstrap.r_interval(x, y, dummy, group)
    mixed = bootstrap.r_interval(x[order], y[order], dummy[order], group[order])
    assert (mixed.low, mixed.high) == pytest.approx((plain.low, plain.high), abs=1e-9)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5])
def test_too_few_subjects_are_said(n: int) -> None:
    few, many = np.arange(float(n)), np.arange(10.0)
    for found in (bootstrap.d_ppc2_interval((few, many), (few, many)), bootstrap.r_interval(few, few)):
        assert math.isnan(found.low)
        assert math.isnan(found.high)
        assert "too small" in found.problem


def test_constants_are_said() -> None:
    ones, rising = np.ones(10), np.arange(10.0)
    assert "do not vary" in bootstrap.d_ppc2_interval((ones, ones), (rising, rising)).problem
    assert "do not vary" in bootstrap.r_interval(ones, rising).problem
    one = np.r_[np.zeros(9), 1.0]
    assert "one subject alone" in bootstrap.r_interval(one, rising).problem
    two = np.r_[np.zeros(8), 1.0, 1.0]
    assert "resamples" in bootstrap.r_interval(two, rising).problem


def test_fourteen_regions_of_a_hundred_subjects_in_a_second() -> None:
    data = [groups(seed, 50, 50) for seed in range(14)]
    start = time.perf_counter()
    for pre, post in data:
        bootstrap.d_ppc2_interval(pre, post)
    assert time.perf_counter() - start < 1.0
