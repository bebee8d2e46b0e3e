"""Deconvolution, boxes and convolution on a fine grid; correlation within runs."""

from __future__ import annotations

import numpy as np
import pytest
from nilearn.glm.first_level import compute_regressor, glover_hrf, spm_hrf
from scipy import fft, stats
from scipy.ndimage import gaussian_filter1d

from deltaroi.stats.deconvolution import Deconvolver, boxcars, convolved
from deltaroi.stats.series_correlation import within_runs

TR, T, STEPS = 2.0, 120, 16


def grid(machine: Deconvolver) -> np.ndarray:
    return TR / 2 + (np.arange(machine.n_fine) - machine.lead) * TR / STEPS


def activity(n: int, seed: int = 0) -> np.ndarray:
    slow = gaussian_filter1d(np.random.default_rng(seed).standard_normal(n), 2.0 * STEPS / TR)
    return slow / slow.std()


@pytest.mark.parametrize(("hrf", "kernel"), [("spm", spm_hrf), ("glover", glover_hrf)])
@pytest.mark.parametrize("duration", [0.0, 1.0, 7.0])
def test_boxes_convolved_are_nilearns_regressor(hrf: str, kernel: object, duration: float) -> None:
    onsets, heights = np.arange(-6.0, 200.0, 17.3), np.linspace(1, 2, 12)
    fine = kernel(TR, 50)  # type: ignore[operator]
    machine = Deconvolver(fine, T, 50)
    times = TR / 2 + (np.arange(machine.n_fine) - machine.lead) * TR / 50
    mine = convolved(boxcars(onsets, np.full(12, duration), heights, times), fine, 50)
    theirs, _ = compute_regressor((onsets, np.full(12, duration), heights), hrf, TR * (np.arange(T) + 0.5),
                                  oversampling=50)
    np.testing.assert_allclose(mine, theirs[:, 0], atol=0.02 * theirs.max())  # the grids begin within one fine step


def test_boxes_add_up_and_end_with_the_grid() -> None:
    times = np.arange(10.0)
    np.testing.assert_array_equal(boxcars(np.array([1.0, 2.0]), np.array([3.0, 0.0]), np.array([1.0, 5.0]), times),
                                  [0, 1, 6, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(boxcars(np.array([8.0, 20.0]), np.array([9.0, 1.0]), np.ones(2), times),
                                  [0, 0, 0, 0, 0, 0, 0, 0, 1, 1])


def test_the_estimate_is_the_ridge_solution_on_convolved_cosines() -> None:
    kernel = spm_hrf(TR, STEPS)
    machine = Deconvolver(kernel, T, STEPS)
    y = convolved(activity(machine.n_fine), kernel, STEPS) + 0.05 * np.random.default_rng(1).standard_normal(T)
    found = machine(y)
    cosines = fft.idct(np.eye(machine.n_fine)[:, :T], type=2, norm="ortho", axis=0)
    seen = np.array([np.convolve(column, kernel)[machine.lead:machine.n_fine:STEPS] for column in cosines.T]).T
    coefficients = np.linalg.solve(seen.T @ seen + found.ratio * np.eye(T), seen.T @ y)
    np.testing.assert_allclose(found.series, cosines @ coefficients, atol=1e-8)
    np.testing.assert_allclose(found.fitted, seen @ coefficients, atol=1e-8)

    def likelihood(ratio: float) -> float:
        shape = seen @ seen.T + ratio * np.eye(T)
        scale = y @ np.linalg.solve(shape, y) / T
        return float(stats.multivariate_normal(np.zeros(T), scale * shape, allow_singular=True).logpdf(y))

    assert likelihood(found.ratio) > max(likelihood(found.ratio * 1.2), likelihood(found.ratio / 1.2))


def test_activity_comes_back_and_the_ridge_grows_with_noise() -> None:
    kernel = spm_hrf(TR, STEPS)
    machine = Deconvolver(kernel, T, STEPS)
    true = activity(machine.n_fine)
    clean = convolved(true, kernel, STEPS)
    noise = np.random.default_rng(2).standard_normal(T) * clean.std()
    found = [machine(clean + share * noise) for share in (0.0, 0.1, 0.5)]
    agreement = [np.corrcoef(one.series[machine.lead:], true[machine.lead:])[0, 1] for one in found]
    assert agreement[0] > 0.97
    assert agreement[0] > agreement[1] > agreement[2] > 0.7
    assert found[0].ratio < found[1].ratio < found[2].ratio
    np.testing.assert_array_equal(machine(np.zeros(T)).series, 0.0)


def test_one_run_is_pearson_with_fishers_variance() -> None:
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((2, 18))
    found = within_runs([(x, y)])
    assert found.z == pytest.approx(np.arctanh(stats.pearsonr(x, y).statistic))
    assert (found.variance, found.df, found.n) == (pytest.approx(1 / 15), 16, 18)


def test_differences_between_runs_do_not_correlate() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.standard_normal((2, 40))
    run = np.repeat([0, 1], 20)
    apart = within_runs([(x[run == k] + 9 * k, y[run == k] + 9 * k) for k in (0, 1)])
    together = within_runs([(x[run == k], y[run == k]) for k in (0, 1)])
    dummies = np.column_stack([run == 0, run == 1]).astype(float)
    rest = [v - dummies @ np.linalg.lstsq(dummies, v, rcond=None)[0] for v in (x, y)]
    assert apart.z == pytest.approx(together.z) == pytest.approx(np.arctanh(np.corrcoef(*rest)[0, 1]))
    assert (apart.variance, apart.df) == (pytest.approx(1 / 36), 37)


@pytest.mark.parametrize("pairs", [
    [], [(np.arange(3.0), np.arange(3.0)[::-1])], [(np.ones(9), np.arange(9.0))], [(np.arange(9.0), np.arange(9.0))],
])
def test_no_correlation_where_there_is_none(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    found = within_runs(pairs)
    assert np.isnan(found.z)
    assert np.isnan(found.variance)


def test_the_variance_of_z_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(5)
    draws = [within_runs([tuple(rng.standard_normal((2, 8))), tuple(rng.standard_normal((2, 8)))])  # type: ignore[list-item]
             for _ in range(4000)]
    assert np.var([one.z for one in draws]) == pytest.approx(draws[0].variance, rel=0.08)
