"""Many series at once: the numbers of nilearn's ``run_glm``, the same bytes in any company."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.glm import compute_contrast
from nilearn.glm.first_level import run_glm

from deltaroi.signal.glm import BLOCK, fit_series

N = 90


def problem(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    design = np.column_stack([rng.standard_normal((N, 5)), np.ones(N)])
    series = 300 + rng.standard_normal((N, n))
    for t in range(1, N):
        series[t] += np.linspace(-0.4, 0.8, n) * (series[t - 1] - 300)
    return series, design, np.array([[1.0, -1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]])


@pytest.mark.parametrize("noise", ["ar1", "ols"])
@pytest.mark.parametrize("n", [1, BLOCK - 1, BLOCK, 3 * BLOCK + 5])
def test_equals_run_glm(noise: str, n: int) -> None:
    series, design, vectors = problem(n)
    mine = fit_series(series, design, vectors, noise)
    labels, results = run_glm(series, design, noise)
    for row, vector in enumerate(vectors):
        theirs = compute_contrast(labels, results, vector)
        np.testing.assert_allclose(mine.effect[row], theirs.effect, rtol=1e-9, atol=1e-11)
        np.testing.assert_allclose(mine.variance[row], theirs.variance, rtol=1e-9)
    np.testing.assert_allclose(mine.residual_sd, np.sqrt(run_glm(series, design, "ols")[1][0.0].MSE), rtol=1e-9)


@pytest.mark.parametrize("noise", ["ar1", "ols"])
def test_a_series_has_the_same_bytes_in_any_company(noise: str) -> None:
    series, design, vectors = problem(3 * BLOCK + 5)
    together = fit_series(series, design, vectors, noise)
    rng = np.random.default_rng(0)
    for size in (1, 2, 17, BLOCK, BLOCK + 1, 150):
        some = rng.permutation(series.shape[1])[:size]
        for alone in (fit_series(series[:, some], design, vectors, noise),
                      fit_series(series, design, vectors, noise, some)):
            assert alone.effect.tobytes() == together.effect[:, some].tobytes()
            assert alone.variance.tobytes() == together.variance[:, some].tobytes()
            assert alone.residual_sd.tobytes() == together.residual_sd[some].tobytes()


def test_a_series_that_the_design_explains_has_no_error() -> None:
    series, design, vectors = problem(3)
    series[:, 1] = design @ np.array([2.0, 1, 0, 0, 0, 7])
    for noise in ("ols", "ar1"):
        mine = fit_series(series, design, vectors, noise)
        assert mine.effect[0, 1] == pytest.approx(1.0)
        assert mine.variance[0, 1] < 1e-20
        assert np.isfinite(mine.variance).all()


def test_no_series_at_all() -> None:
    series, design, vectors = problem(3)
    assert fit_series(series[:, :0], design, vectors, "ar1").effect.shape == (2, 0)
