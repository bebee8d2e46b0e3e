"""From voxels to one value, or one series."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.errors import UsageError
from deltaroi.summaries import (
    LARGEST_GAIN,
    eigenvariate,
    mean_timeseries,
    partial_volume_weights,
    resolve_summary,
    summarise_voxels,
)

VALUES = np.array([4.0, 1.0, 10.0, 2.0])


@pytest.mark.parametrize(("how", "weights", "expected"), [
    ("mean", [1, 1, 1, 1], 4.25), ("mean", [0.1, 1, 1, 1], 4.25),
    ("weighted_mean", [1, 0, 1, 0], 7.0), ("weighted_mean", [0.5, 0.25, 0.25, 0], (2 + 0.25 + 2.5) / 1),
    ("median", [1, 1, 1, 1], 3.0), ("median", [0.2, 0.2, 0.2, 0.2], 3.0), ("median", [1, 1, 1, 0], 4.0),
    ("median", [0.1, 5, 0.1, 0.1], 1.0), ("median", [1, 1, 2, 0], 7.0),
    ("partial_volume", [1, 1, 1, 1], 4.25), ("partial_volume", [1, 0, 1, 0], 7.0),
    ("partial_volume", [0.5, 0, 0.5, 0], 12.5),
])
def test_summaries_of_voxels(how: str, weights: list[float], expected: float) -> None:
    assert summarise_voxels(VALUES, np.array(weights, dtype=float), how) == pytest.approx(expected)


def test_the_median_of_equal_weights_is_numpys() -> None:
    rng = np.random.default_rng(0)
    for n in range(1, 40):
        values = rng.standard_normal(n)
        assert summarise_voxels(values, np.full(n, 0.3), "median") == np.median(values)


def test_nothing_and_nan_give_nan() -> None:
    assert np.isnan(summarise_voxels(np.empty(0), np.empty(0), "mean"))
    assert np.isnan(summarise_voxels(VALUES, np.zeros(4), "weighted_mean"))
    for how in ("mean", "median", "weighted_mean", "partial_volume"):
        assert np.isnan(summarise_voxels(np.array([1.0, np.nan]), np.ones(2), how))


def test_auto_follows_the_resampling_rule() -> None:
    assert resolve_summary("auto", "majority") == "mean"
    assert resolve_summary("auto", "fill_weight") == "weighted_mean"
    assert resolve_summary("median", "fill_weight") == "median"
    for how, rule in (("mode", "majority"), ("auto", "nearest")):
        with pytest.raises(UsageError, match="unknown"):
            resolve_summary(how, rule)


FILL = np.array([0.02, 0.1, 0.45, 0.6, 0.3, 0.05])


@pytest.mark.parametrize(("inside", "outside"), [(1.0, 0.0), (1.0, 1.0), (1.0, 0.5), (0.0, 1.0), (-0.3, 2.0)])
def test_partial_volume_gives_back_what_is_inside(inside: float, outside: float) -> None:
    voxels = FILL * inside + (1 - FILL) * outside
    assert summarise_voxels(voxels, FILL, "partial_volume") == pytest.approx(inside, abs=1e-12)


def test_partial_volume_is_least_squares_on_inside_and_outside() -> None:
    """Against numpy's least squares on the two fractions, with noise and without any voxel that is filled wholly."""
    rng = np.random.default_rng(5)
    for n in (3, 8, 20):
        fill, voxels = np.linspace(0, 0.7, n) ** 2, rng.standard_normal(n)
        expected = np.linalg.lstsq(np.column_stack([fill, 1 - fill]), voxels, rcond=None)[0][0]
        assert summarise_voxels(voxels, fill, "partial_volume") == pytest.approx(expected, rel=1e-9)


def test_partial_volume_is_its_factors() -> None:
    """Of voxels and of series alike; the factors add up to 1."""
    factors = partial_volume_weights(FILL)
    assert factors.sum() == pytest.approx(1, abs=1e-12)
    series = np.random.default_rng(6).standard_normal((9, FILL.size))
    found = mean_timeseries(series, factors)
    expected = [summarise_voxels(row, FILL, "partial_volume") for row in series]
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("fill", [[0.4], [0.4, 0.4, 0.4], [0.4, 0.4 + 1e-12], [0.30, 0.31], [0.0, 0.0]])
def test_voxels_filled_alike_tell_nothing_about_the_inside(fill: list[float]) -> None:
    assert np.isnan(partial_volume_weights(np.array(fill))).all()
    assert np.isnan(summarise_voxels(np.ones(len(fill)), np.array(fill), "partial_volume"))


def test_the_noise_of_partial_volume_is_bounded() -> None:
    """Two voxels, one empty and one filled to w: q = (1 - 1/w, 1/w)."""
    for w, told in ((0.5, True), (0.15, True), (0.13, False)):
        factors = partial_volume_weights(np.array([0.0, w]))
        gain = np.hypot(1 - 1 / w, 1 / w)
        assert (gain <= LARGEST_GAIN) == told
        if told:
            np.testing.assert_allclose(factors, [1 - 1 / w, 1 / w], rtol=1e-12)
        else:
            assert np.isnan(factors).all()


@pytest.mark.parametrize("shape", [(50, 8), (8, 50), (20, 1)])
def test_the_eigenvariate_is_spms(shape: tuple[int, int]) -> None:
    """Written out by eigenvectors of Y'Y as the definition reads: v first eigenvector, Y v / sqrt(s) * sqrt(s / n)."""
    rng = np.random.default_rng(3)
    data = rng.standard_normal(shape) - rng.standard_normal((shape[0], 1)) * 2
    variances, directions = np.linalg.eigh(data.T @ data)
    v, s = directions[:, -1], variances[-1]
    v = v * np.sign(v.sum())
    expected = data @ v / np.sqrt(s) * np.sqrt(s / shape[1])
    np.testing.assert_allclose(eigenvariate(data), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(eigenvariate(-data), -expected, rtol=1e-9, atol=1e-12)


def test_voxels_that_agree_give_their_own_series() -> None:
    series = np.sin(np.arange(30.0))
    np.testing.assert_allclose(eigenvariate(np.repeat(series[:, None], 12, axis=1)), series, atol=1e-12)


def test_mean_timeseries() -> None:
    data = np.arange(6.0).reshape(3, 2)
    np.testing.assert_allclose(mean_timeseries(data, np.array([1.0, 3.0])), [0.75, 2.75, 4.75])
    with pytest.raises(ValueError, match="weight"):
        mean_timeseries(data, np.zeros(2))
