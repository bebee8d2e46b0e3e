"""Sums over all pairs of residuals, against the whole matrices; also with values that a model almost reproduces."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.stats.low_rank import DiagonalMinus, projected
from deltaroi.stats.refit import basis_of


def whole(one: DiagonalMinus) -> np.ndarray:
    return np.diag(one.own) - one.sides @ one.core @ one.sides.T


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(8, 40), st.integers(1, 4), st.integers(1, 3))
def test_products_are_those_of_the_whole_matrices(seed: int, n: int, p: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    basis = basis_of(rng.standard_normal((n, p)))
    first = projected(basis, rng.uniform(0.1, 3, n))
    second = projected(basis, (rng.random(n) > 0.4).astype(float))
    left = np.eye(n) - basis @ basis.T
    np.testing.assert_allclose(whole(first), (left * first.own) @ left, atol=1e-13)
    columns = rng.standard_normal((n, m))
    for a, b in ((first, first), (first, second), (second, first)):
        wanted = columns.T @ (whole(a) * whole(b)) @ columns
        np.testing.assert_allclose(a.products(b, columns), wanted, rtol=1e-9, atol=1e-9 * np.abs(wanted).max())
    np.testing.assert_allclose(first.diagonal, np.diag(whole(first)), atol=1e-13)
    np.testing.assert_allclose(first.rows(np.array([3, 1])), whole(first)[[3, 1]], atol=1e-13)


def test_a_value_that_the_model_almost_reproduces_keeps_its_digits() -> None:
    """Leverage 1 - 1e-6 and the factor 1 / (1 - h)² of HC3, in extended precision."""
    rng = np.random.default_rng(3)
    design = np.column_stack([np.ones(30), rng.standard_normal(30)])
    design[4, 1] = 1e4
    basis = basis_of(design)
    spread = projected(basis)
    leverage = (basis**2).sum(axis=1)
    assert 1 - leverage[4] < 1e-5
    columns = (basis[:, 1] ** 2 / (1 - leverage) ** 2)[:, None]
    exact = basis.astype(np.longdouble)
    left = np.eye(30, dtype=np.longdouble) - exact @ exact.T
    wanted = (columns.astype(np.longdouble).T @ left**2 @ columns)[0, 0]
    assert abs(spread.products(spread, columns)[0, 0] / wanted - 1) < 1e-8
