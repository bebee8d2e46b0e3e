"""The multilevel model over ROIs: its density against a dense normal distribution, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import multilevel
from deltaroi.stats.multilevel import Levels


def make(regions: tuple[str, ...] = ("a", "a", "b", "c", "c"), missing: bool = True, seed: int = 3) -> Levels:
    random = np.random.default_rng(seed)
    n, rois = 12, len(regions)
    group = np.arange(n) % 2
    own = np.stack([np.column_stack([np.ones(n), random.normal(size=n)]) for _ in regions])
    values = random.normal(size=(n, rois)) * (1 + np.arange(rois))
    if missing:
        values[0, 1], own[2, 3, 1] = np.nan, np.nan
    found = multilevel.levels(values, own, (group == 0).astype(float)[:, None], group, regions)
    assert isinstance(found, Levels), found
    return found


def drawn(data: Levels, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {name: value + 0.5 * random.normal(size=value.shape) for name, value in multilevel.start(data).items()}


def dense(parameters: dict[str, np.ndarray], data: Levels) -> float:
    """Likelihood and priors written out with the covariance of every subject."""
    effect = parameters["mean"][:, None] + np.exp(parameters["log_tau"])[:, None] * parameters["apart"]
    regional = np.exp(parameters["log_regional"]) if data.together.shape[1] else 0.0
    total = 0.0
    for i in range(len(data.y)):
        at = np.flatnonzero(data.there[i])
        own = [data.own[r, i] @ parameters["own"][r] * data.scale[r] for r in range(len(data.scale))]
        sigma = np.exp(parameters["log_sigma"][data.group[i]]) * data.scale
        shared = np.exp(parameters["log_shared"]) ** 2 + regional**2 * data.together @ data.together.T
        cover = (np.diag(sigma**2) + shared)[np.ix_(at, at)]
        total += stats.multivariate_normal((own + data.tested[i] @ effect)[at], cover).logpdf(data.y[i, at])
    total += stats.norm(0, 5).logpdf(parameters["own"]).sum() + stats.norm(0, 2).logpdf(parameters["mean"]).sum()
    total += stats.norm.logpdf(parameters["apart"]).sum() + stats.norm.logpdf(parameters["log_sigma"]).sum()
    for name, sd in (("log_tau", 0.5), ("log_shared", 1.0), ("log_regional", 1.0)):
        if name in parameters:
            total += (stats.halfnorm(scale=sd).logpdf(np.exp(parameters[name])) + parameters[name]).sum()
    return float(total)


@pytest.mark.parametrize(("regions", "missing"), [(("a", "a", "b", "c", "c"), True), (("a", "b", "c"), False)])
def test_density_is_that_of_dense_covariances(regions: tuple[str, ...], missing: bool) -> None:
    data = make(regions, missing)
    points = [drawn(data, seed) for seed in range(5)]
    apart = [multilevel.log_density(point, data) - dense(point, data) for point in points]
    assert apart == pytest.approx([apart[0]] * 5, abs=1e-9)
    assert np.std([dense(point, data) for point in points]) > 1


def test_no_density_of_shifts_of_a_region_where_no_region_has_two_rois() -> None:
    assert "log_regional" not in multilevel.start(make(("a", "b", "c"), missing=False))
    assert make().together.tolist() == [[1, 0], [1, 0], [0, 0], [0, 1], [0, 1]]


def test_units_are_those_of_the_typical_residual_sd() -> None:
    random = np.random.default_rng(1)
    n, own = 400, np.ones((3, 400, 1))
    group = np.arange(n) % 2
    values = 5 + random.normal(size=(n, 3)) * [0.1, 0.2, 0.6] + 0.3 * (group == 0)[:, None]
    data = multilevel.levels(values, own, (group == 0)[:, None] * 1.0, group, ("a", "b", "c"))
    assert isinstance(data, Levels)
    assert data.unit == pytest.approx(0.2, rel=0.05)
    assert data.scale == pytest.approx([0.5, 1, 3], rel=0.1)
    assert data.y.mean(axis=0) == pytest.approx([0, 0, 0], abs=1e-12)


def test_a_tested_mean_is_not_taken_away() -> None:
    """With one group the mean is the effect: nothing may be centred."""
    values = 3 + np.random.default_rng(2).normal(size=(20, 3))
    data = multilevel.levels(values, np.empty((3, 20, 0)), np.ones((20, 1)), np.zeros(20, dtype=np.int64), tuple("abc"))
    assert isinstance(data, Levels)
    assert data.y * data.unit == pytest.approx(values)


@pytest.mark.parametrize(("rois", "gone", "said"), [
    (2, 0, "there are 2 ROIs, and at least 3 are needed"),
    (3, 11, "too few subjects"),
])
def test_too_little_is_said(rois: int, gone: int, said: str) -> None:
    values = np.random.default_rng(0).normal(size=(12, rois))
    values[:gone, 0] = np.nan
    group = np.arange(12) % 2
    found = multilevel.levels(values, np.ones((rois, 12, 1)), (group == 0)[:, None] * 1.0, group, tuple("abc"[:rois]))
    assert isinstance(found, str)
    assert said in found


def test_an_roi_without_variation_is_said() -> None:
    values = np.random.default_rng(0).normal(size=(12, 3))
    group = np.arange(12) % 2
    values[:, 1] = group
    found = multilevel.levels(values, np.ones((3, 12, 1)), (group == 0)[:, None] * 1.0, group, tuple("abc"))
    assert found == "an ROI does not vary beyond the model"
