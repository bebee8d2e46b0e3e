"""Whatever the values, groups and sessions: no crash, no warning, and no p without all that belongs to it."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.stats import mixed, mixed_designs

CELL = st.sampled_from([0.0, 1.0, 0.1, -0.1, 1e-9, 1e12, -3.5, 0.25, 1 / 3])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 3), CELL), max_size=24, unique_by=lambda r: r[:2]),
       n_groups=st.integers(1, 3), n_sessions=st.integers(2, 4), slope=st.booleans(), constrained=st.booleans(),
       covariate=st.booleans())
def test_any_small_sample(rows: list[tuple[int, int, float]], n_groups: int, n_sessions: int, slope: bool,
                          constrained: bool, covariate: bool) -> None:
    rows = [row for row in rows if row[1] < n_sessions]
    subject = np.array([row[0] for row in rows], dtype=np.int64)
    session = np.array([row[1] for row in rows], dtype=np.int64)
    y = np.array([row[2] for row in rows])
    design = mixed_designs.session_design(subject % n_groups, session, (n_groups, n_sessions),
                                          (subject**2.0)[:, None] if covariate else None, constrained)
    random = mixed_designs.slope_columns(session, range(n_sessions)) if slope else None
    fit = mixed.fit_mixed(y, design.matrix, subject, random)
    assert fit.n_values == len(rows)
    assert fit.converged != bool(fit.problem)
    assert bool(fit.note) == (fit.singular and fit.converged)
    if not fit.problem:
        assert np.isfinite(fit.covariance).all()
        assert fit.sigma2 > 0
        assert np.linalg.eigvalsh(fit.random_covariance)[0] >= -1e-9 * np.abs(fit.random_covariance).max()
    for contrast in mixed_designs.contrasts(design):
        test = mixed_designs.test_contrast(fit, contrast)
        assert math.isnan(test.p) == bool(test.problem)
        if fit.problem:
            assert test.problem
        if not test.problem:
            assert 0 <= test.p <= 1
            assert test.df > 0
            assert math.isfinite(test.statistic)
