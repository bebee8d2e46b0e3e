"""Coverage of the intervals of effect sizes, by simulation; cells, draws and seeds are fixed here.

Also what is said against the alternatives: J times the exact interval of d_z, the noncentral t for d_rm, the interval
of an adjusted difference with its SD taken for known, and the percentile bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import association, bootstrap, effect_size, linear
from deltaroi.stats.record import Array

pytestmark = pytest.mark.long
LOW, HIGH = 0.93, 0.97


def pairs(n: int, rho: float, ratio: float, delta: float, draws: int, seed: int) -> Iterator[tuple[Array, Array]]:
    """Pre and post of SD 1 and ``ratio``; the mean change is delta average SDs."""
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        pre, noise = rng.normal(size=n), rng.normal(size=n)
        yield pre, ratio * (rho * pre + math.sqrt(1 - rho**2) * noise) + delta * math.sqrt((1 + ratio**2) / 2)


def covers(size: effect_size.EffectSize, truth: float) -> bool:
    return size.low <= truth <= size.high


@pytest.mark.parametrize("delta", [0.0, 0.8])
@pytest.mark.parametrize(("rho", "ratio"), [(0.0, 1.0), (0.5, 1.0), (0.5, 1.25), (0.8, 1.25), (0.95, 1.0)])
@pytest.mark.parametrize("n", [10, 20, 40])
def test_d_av_and_d_rm(n: int, rho: float, ratio: float, delta: float) -> None:
    truth = delta * math.sqrt((1 + ratio**2) / 2) * math.sqrt(2 * (1 - rho) / (1 + ratio**2 - 2 * rho * ratio))
    found = [(covers(effect_size.d_av(pre, post), delta), covers(effect_size.d_rm(pre, post), truth))
             for pre, post in pairs(n, rho, ratio, delta, 3000, 11)]
    for name, coverage in zip(("d_av", "d_rm"), np.mean(found, axis=0), strict=True):
        assert LOW <= coverage <= HIGH, (name, coverage)


@pytest.mark.parametrize("delta", [1.0, 3.0])
@pytest.mark.parametrize("n", [10, 20, 40])
def test_d_z(n: int, delta: float) -> None:
    """The exact interval covers; times J, as it is reported (and by effectsize), it does but for huge effects."""
    rng = np.random.default_rng(12)
    sizes = [effect_size.d_z(rng.normal(delta, 1.0, n)) for _ in range(2000)]
    j = effect_size.hedges_j(n - 1)
    assert abs(np.mean([size.low / j <= delta <= size.high / j for size in sizes]) - 0.95) < 0.015
    assert np.mean([size.value for size in sizes]) == pytest.approx(delta, rel=0.03)
    if delta == 1.0:
        assert np.mean([covers(size, delta) for size in sizes]) > 0.935


def test_noncentral_t_is_no_interval_of_d_rm() -> None:
    """With SDs 1 : 1.5 and r = .95 the correlation is far from known."""
    n, rho, ratio, delta = 20, 0.95, 1.5, 1.0
    truth = delta * math.sqrt((1 + ratio**2) / 2) * math.sqrt(2 * (1 - rho) / (1 + ratio**2 - 2 * rho * ratio))
    ours, theirs = [], []
    for pre, post in pairs(n, rho, ratio, delta, 800, 13):
        ours.append(covers(effect_size.d_rm(pre, post), truth))
        z, root = effect_size.d_z(post - pre), math.sqrt(2 * (1 - np.corrcoef(pre, post)[0, 1]))
        theirs.append(z.low * root <= truth <= z.high * root)
    assert np.mean(theirs) < 0.82
    assert LOW - 0.01 <= np.mean(ours) <= HIGH


@pytest.mark.parametrize("kind", ["classical", "hc3"])
@pytest.mark.parametrize(("n1", "n2", "delta"), [(8, 20, 0.5), (10, 10, 0.0), (10, 10, 2.0), (30, 30, 0.8)])
def test_adjusted_d(n1: int, n2: int, delta: float, kind: str) -> None:
    rng = np.random.default_rng(14)
    group, rho = np.repeat([1.0, 0.0], [n1, n2]), 0.8
    found, known = [], []
    for _ in range(2000):
        pre = rng.normal(size=n1 + n2)
        post = rho * pre + math.sqrt(1 - rho**2) * rng.normal(size=n1 + n2) + delta * group
        model = linear.fit(post, np.column_stack([np.ones(n1 + n2), pre, group]))
        test = linear.test_weights(model, np.array([0.0, 0.0, 1.0]), kind)
        first, second = pre[group == 1], pre[group == 0]
        found.append(covers(effect_size.adjusted_d(test, (first, second)), delta))
        sd = effect_size.pooled_sd(first, second)
        known.append(test.ci_low / sd <= delta <= test.ci_high / sd)
    assert LOW <= np.mean(found) <= HIGH + 0.01
    if delta == 2.0:
        assert np.mean(known) < 0.86


@pytest.mark.parametrize(("n1", "n2", "delta"), [(6, 6, 1.0), (8, 20, 0.5), (20, 20, 1.0)])
def test_bca_and_not_percentiles_for_d_ppc2(n1: int, n2: int, delta: float) -> None:
    rng = np.random.default_rng(15)
    accelerated, percentile = [], []
    counts = bootstrap.resamples((n1, n2), 2000, 0)
    for _ in range(1500):
        pre = rng.normal(size=n1), rng.normal(size=n2)
        post = tuple(0.5 * values + math.sqrt(0.75) * rng.normal(size=values.size) for values in pre)
        post = post[0] + delta, post[1]
        found = bootstrap.d_ppc2_interval(pre, post)
        accelerated.append(found.low <= delta <= found.high)
        low, high = np.quantile(plain_d(counts, pre, post), [0.025, 0.975])
        percentile.append(low <= delta <= high)
    assert 0.92 <= np.mean(accelerated) <= HIGH
    assert np.mean(percentile) < np.mean(accelerated)
    if n1 == 6:
        assert np.mean(percentile) < 0.91


def plain_d(counts: list[Array], pre: tuple[Array, Array], post: tuple[Array, Array]) -> Array:
    squares, means = 0.0, []
    for rows, before, after in zip(counts, pre, post, strict=True):
        n = before.size
        means.append(rows @ (after - before) / n)
        squares = squares + rows @ before**2 - (rows @ before) ** 2 / n
    return (means[0] - means[1]) / np.sqrt(squares / (pre[0].size + pre[1].size - 2))


def test_robust_slope_keeps_its_level_and_stays_put() -> None:
    """False positives under normality, and bias when one in eight subjects is far off."""
    rng = np.random.default_rng(16)
    nothing, rejected, slopes, plain = np.empty((24, 0)), [], [], []
    for _ in range(300):
        score, outcome = rng.normal(size=24), rng.normal(size=24)
        rejected.append(association.associate_robust(outcome, score, nothing).p < 0.05)
        outcome[:3], score[:3] = outcome[:3] + 8, score[:3] + 4
        slopes.append(association.associate_robust(outcome, score, nothing).estimate)
        plain.append(association.associate(outcome, score, nothing, "classical").slope.estimate)
    assert np.mean(rejected) < 0.09
    assert abs(np.median(slopes)) < 0.1
    assert np.median(plain) > 0.8


def test_fisher_and_bootstrap_intervals_of_r() -> None:
    rng = np.random.default_rng(17)
    fisher, boot = [], []
    for _ in range(1500):
        x = rng.normal(size=25)
        y = 0.5 * x + math.sqrt(0.75) * rng.normal(size=25)
        r = float(np.corrcoef(x, y)[0, 1])
        half = stats.norm.ppf(0.975) / math.sqrt(22)
        fisher.append(math.tanh(math.atanh(r) - half) <= 0.5 <= math.tanh(math.atanh(r) + half))
        found = bootstrap.r_interval(x, y)
        boot.append(found.low <= 0.5 <= found.high)
    assert 0.935 <= np.mean(fisher) <= 0.965
    assert 0.915 <= np.mean(boot) <= 0.965
