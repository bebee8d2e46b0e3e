"""False positives and coverage of the default primaries at n = 10/10, and of max-T; seeds fixed.

The band .040-.060 was fixed beforehand; with 5,000 draws the Monte-Carlo standard error is .003.
"""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.stats import effect_size, linear, means
from deltaroi.stats.permutation import distinct_relabellings, max_t, permutations
from deltaroi.stats.permuted import FreedmanLane

DRAWS = 5000
N = 10
GROUP = np.repeat([1.0, 0.0], N)
RHO = 0.5


def draw(rng: np.random.Generator, rois: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Pre and post values of both groups without any effect, shape (rois, 2N)."""
    shared = rng.normal(size=(1, 2 * N))
    noise = np.sqrt(0.5) * (rng.normal(size=(rois, 2 * N)) + shared)
    pre = rng.normal(size=(rois, 2 * N))
    return pre, RHO * pre + np.sqrt(1 - RHO**2) * noise


@pytest.mark.long
@pytest.mark.parametrize("model", ["ancova hc3", "change welch"])
def test_type_one_error_and_coverage(model: str) -> None:
    rng = np.random.default_rng(20260101)
    rejected = covered = 0
    for _ in range(DRAWS):
        pre, post = (values[0] for values in draw(rng))
        if model == "ancova hc3":
            fit = linear.fit(post, np.column_stack([np.ones(2 * N), linear.centred(pre), GROUP]))
            test = linear.test_weights(fit, np.array([0.0, 0.0, 1.0]), "hc3")
        else:
            change = post - pre
            test = means.two_sample(change[GROUP == 1], change[GROUP == 0], "welch")
        rejected += test.p < 0.05
        covered += test.ci_low <= 0 <= test.ci_high
    assert 0.040 <= rejected / DRAWS <= 0.060
    assert 0.935 <= covered / DRAWS <= 0.965


@pytest.mark.long
def test_family_wise_error_of_max_t() -> None:
    rng = np.random.default_rng(20260102)
    everybody = np.arange(2 * N)
    floor = distinct_relabellings(GROUP.astype(np.int64))
    arrangements, _ = permutations(2 * N, 999, 1)
    rejected = 0
    draws = 2000
    for _ in range(draws):
        pre, post = draw(rng, rois=4)
        tests = [FreedmanLane(everybody, b, np.stack([np.ones(2 * N), a - a.mean()], axis=1), GROUP[:, None], "hc3")
                 for a, b in zip(pre, post, strict=True)]
        rejected += bool(max_t(tests, arrangements, [floor] * 4).p.min() < 0.05)
    assert 0.040 <= rejected / draws <= 0.060


@pytest.mark.long
@pytest.mark.parametrize("n", [10, 20])
def test_coverage_of_the_d_av_interval(n: int) -> None:
    """Bonett's large-sample interval, at a true effect of 0.5 and r = .5."""
    rng = np.random.default_rng(20260103)
    covered = 0
    for _ in range(DRAWS):
        pre = rng.normal(size=n)
        size = effect_size.d_av(pre, 0.5 + RHO * pre + np.sqrt(1 - RHO**2) * rng.normal(size=n))
        covered += size.low <= 0.5 <= size.high
    assert 0.93 <= covered / DRAWS <= 0.97
