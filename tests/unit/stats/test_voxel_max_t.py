"""Max-T over voxels: the numbers of one test at a time, with fewer tail probabilities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats.permutation import max_t, permutations, sign_flips
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch
from deltaroi.stats.voxelwise import largest_z, voxel_max_t

TWO, THREE = np.repeat([0, 1], [6, 9]), np.repeat([0, 1, 2], 5)
EVERYBODY = np.arange(15)
N_VOXELS = 30


def voxels(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Baselines and last sessions of neighbouring voxels, shape (voxels, subjects); groups differ in spread."""
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(2, 15))
    first = common[0] + rng.normal(size=(N_VOXELS, 15))
    return first, 0.6 * first + common[1] + rng.normal(size=(N_VOXELS, 15)) * (1 + (TWO == 0)) + 0.8 * (TWO == 0)


def lane(kind: str, groups: np.ndarray) -> Callable[[np.ndarray, np.ndarray], FreedmanLane]:
    dummies = np.stack([groups == k for k in range(groups.max())], axis=1).astype(float)
    return lambda x, y: FreedmanLane(EVERYBODY, y, np.stack([np.ones(15), x], axis=1), dummies, kind, groups)


STATISTICS = {
    "ancova, hc2_welch": lane("hc2_welch", TWO), "ancova, hc3": lane("hc3", TWO),
    "ancova, classical": lane("classical", TWO), "three groups, hc2_welch": lane("hc2_welch", THREE),
    "three groups, classical": lane("classical", THREE), "Welch": lambda x, y: Welch(EVERYBODY, y - x, TWO, True),
    "Welch, t": lambda x, y: Welch(EVERYBODY, y - x, TWO), "Welch, F": lambda x, y: Welch(EVERYBODY, y, THREE, True),
    "paired": lambda x, y: SignFlip(EVERYBODY, y - x),
}


@pytest.mark.parametrize("scheme", [sign_flips, permutations])
@pytest.mark.parametrize("name", STATISTICS)
def test_equals_one_test_at_a_time(name: str, scheme: Callable[[int, int, int], tuple[np.ndarray, bool]]) -> None:
    if name == "paired" and scheme is permutations:
        scheme = sign_flips
    tests = [STATISTICS[name](x, y) for x, y in zip(*voxels(), strict=True)]
    rows = scheme(15, 700, 1)[0][:701]
    found, slow = voxel_max_t(tests, rows, 10**6), max_t(tests, rows, [10**6] * N_VOXELS)
    assert found.p.tolist() == slow.p.tolist()
    assert found.observed.tolist() == [float(test.absolute(rows[:1])[0]) for test in tests]
    assert found.arrangements == 701
    assert 0 < found.p.min() < found.p.max()


@pytest.mark.parametrize("df", [0.6, 1.0, 2.5, 9.0, 38.0])
def test_the_largest_z_is_found_among_others_that_are_near(df: float) -> None:
    """Degrees of freedom decide: of two t the smaller may have the larger z."""
    rng = np.random.default_rng(3)
    freedom = df * (1 + rng.random((40, 2000)))
    t = np.abs(rng.standard_t(df, size=(40, 2000)))
    every = -stats.norm.ppf(stats.t.sf(t, freedom))
    assert largest_z(t, freedom) == pytest.approx(every.max(axis=0), rel=1e-12)
    assert (every.argmax(axis=0) != t.argmax(axis=0)).any()


def test_extremes_stay_the_largest() -> None:
    t = np.array([[np.inf, 1e200, 0.0], [3.0, 2.0, 0.0]])
    found = largest_z(t, np.full(t.shape, 8.0))
    assert found[0] == np.inf
    assert 30 < found[1] < np.inf
    assert found[2] == 0


def test_a_voxel_without_variance_is_no_test_and_hides_nothing() -> None:
    first, last = voxels()
    first[4] = last[4] = 2.0
    tests = [SignFlip(EVERYBODY, y - x) for x, y in zip(first, last, strict=True)]
    rows = sign_flips(15, 300, 1)[0]
    found, others = voxel_max_t(tests, rows, 10**6), voxel_max_t([*tests[:4], *tests[5:]], rows, 10**6)
    assert np.flatnonzero(np.isnan(found.p)).tolist() == [4]
    assert np.delete(found.p, 4).tolist() == others.p.tolist()
    assert np.isnan(voxel_max_t(tests[4:5], rows, 10**6).p).all()


def test_no_p_is_below_what_can_be_told_apart() -> None:
    tests = [SignFlip(EVERYBODY, np.linspace(5, 6, 15))]
    assert voxel_max_t(tests, sign_flips(15, 300, 1)[0], 20).p.tolist() == [1 / 20]
