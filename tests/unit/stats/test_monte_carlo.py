"""Intervals of simulated rates, and where curves cross a level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from deltaroi.stats.monte_carlo import crossing, wilson


@pytest.mark.parametrize(("hits", "draws"), [(0, 200), (3, 200), (400, 1000), (1000, 1000)])
def test_wilson_is_that_of_statsmodels(hits: int, draws: int) -> None:
    assert wilson(hits / draws, draws) == pytest.approx(proportion_confint(hits, draws, method="wilson"), abs=1e-12)


def test_no_interval_without_draws() -> None:
    assert all(math.isnan(end) for end in wilson(0.5, 0))


@pytest.mark.parametrize("root", [True, False])
def test_the_power_of_a_z_test_is_interpolated_exactly(root: bool) -> None:
    places = [10.0, 30.0, 60.0, 90.0]
    line = np.sqrt(places) if root else np.array(places) / 5
    found = crossing(places, list(stats.norm.cdf(0.4 * line - 1.96)), 10**9, root=root)
    wanted = (stats.norm.ppf(0.8) + 1.96) / 0.4
    assert found.at == pytest.approx(wanted**2 if root else wanted * 5)
    assert (found.below, found.above) == (1, 2)


def test_the_last_time_below_counts() -> None:
    found = crossing([1, 2, 3, 4], [0.7, 0.82, 0.79, 0.9], 1000)
    assert (found.below, found.above) == (2, 3)
    assert 3 < found.at < 4


def test_nothing_is_extrapolated() -> None:
    above, below = crossing([1, 2], [0.85, 0.9], 1000), crossing([1, 2], [0.5, 0.79], 1000)
    assert (above.below, above.above, below.below, below.above) == (None, 0, 1, None)
    assert math.isnan(above.at)
    assert math.isnan(below.at)


def test_rates_of_nothing_and_everything() -> None:
    assert 1 < crossing([1, 2], [0.0, 1.0], 100).at < 2
