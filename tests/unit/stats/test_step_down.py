"""Step-down max-T: against brute force, monotone, never above the single step."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.stats.permutation import max_t, permutations
from deltaroi.stats.permuted import FreedmanLane

N = 16
GROUP = np.repeat([1.0, 0.0], 8)[:, None]


def family(seed: int, effects: tuple[float, ...]) -> list[FreedmanLane]:
    rng = np.random.default_rng(seed)
    out = []
    for effect in effects:
        pre = rng.normal(size=N)
        y = 0.5 * pre + rng.normal(size=N) + effect * GROUP[:, 0]
        out.append(FreedmanLane(np.arange(N), y, np.column_stack([np.ones(N), pre]), GROUP, "hc3"))
    return out


def by_hand(table: np.ndarray) -> np.ndarray:
    """Westfall and Young (1993), algorithm 4.1, one arrangement at a time."""
    observed = table[:, 0]
    order = sorted(range(len(observed)), key=lambda k: -observed[k])
    counts = [0] * len(order)
    for column in table.T:
        successive = -np.inf
        for place in reversed(range(len(order))):
            successive = max(successive, column[order[place]])
            counts[place] += successive >= observed[order[place]] * (1 - 1e-9)
    p = np.empty(len(order))
    worst = 0.0
    for place, k in enumerate(order):
        worst = max(worst, counts[place] / table.shape[1])
        p[k] = worst
    return p


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_algorithm_by_hand(seed: int) -> None:
    tests = family(seed, (2.0, 0.0, 1.0, 0.0, 0.3))
    rows, _ = permutations(N, 700, seed)
    found = max_t(tests, rows, [10**9] * 5)
    table = np.stack([test.absolute(rows) for test in tests])
    assert found.p_step_down == pytest.approx(by_hand(table), abs=0)
    assert (found.p_step_down <= found.p).all()
    order = np.argsort(-table[:, 0])
    assert (np.diff(found.p_step_down[order]) >= 0).all()
    assert found.p_step_down[order[0]] == found.p[order[0]]


def test_finds_more_once_the_largest_is_out_of_the_way() -> None:
    found = max_t(family(2, (4.0, 4.0, 4.0, 1.2, 0.0)), permutations(N, 2000, 1)[0], [10**9] * 5)
    assert (found.p_step_down < found.p).any()


def test_missing_tests_stay_missing_and_change_nothing() -> None:
    tests = family(3, (1.0, 0.0, 0.5))
    flat = FreedmanLane(np.arange(N), np.full(N, 0.3), tests[0].nuisance, GROUP, "hc3")
    rows, _ = permutations(N, 300, 1)
    alone, beside = max_t(tests, rows, [10**9] * 3), max_t([flat, *tests, flat], rows, [10**9] * 5)
    assert np.isnan(beside.p_step_down[[0, 4]]).all()
    assert (beside.p_step_down[1:4] == alone.p_step_down).all()
    assert (beside.p[1:4] == alone.p).all()


def test_the_floor_holds_for_both() -> None:
    found = max_t(family(4, (30.0, 30.0)), permutations(N, 999, 1)[0], [50, 20])
    assert found.p.tolist() == found.p_step_down.tolist() == [1 / 50, 1 / 20]


def test_a_family_of_missing_tests_and_an_empty_one() -> None:
    flat = FreedmanLane(np.arange(N), np.zeros(N), np.ones((N, 1)), GROUP, "classical")
    rows, _ = permutations(N, 20, 1)
    assert np.isnan(max_t([flat], rows, [5]).p_step_down).all()
    assert max_t([], rows, []).p.shape == (0,)
