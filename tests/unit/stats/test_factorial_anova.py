"""Mixed analysis of variance: its permutation agrees with it, and it errs as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.stats.factorial import AnovaF, anova, combinations, difference
from deltaroi.stats.permutation import max_t, permutations, sign_flips


def test_the_difference_is_the_combination_in_the_unit_of_the_values() -> None:
    weights = difference((2, 3), (0,))
    assert weights == pytest.approx(np.repeat([1 / 3, -1 / 3], 3))
    assert difference((2, 2, 3), (0, 1), reversed_=(1,)) == pytest.approx(
        np.repeat([-1 / 3, 1 / 3, 1 / 3, -1 / 3], 3))
    along = combinations((2, 3), (0,))[:, 0]
    assert abs(along @ weights) == pytest.approx(np.linalg.norm(weights))
    whole = np.concatenate([combinations((2, 3), term) for term in ((), (0,), (1,), (0, 1))], axis=1)
    assert whole.T @ whole == pytest.approx(np.eye(6))
    with pytest.raises(ValueError, match="3 levels"):
        difference((2, 3), (1,))


@pytest.mark.parametrize("between", [True, False])
def test_the_data_themselves_have_the_f_of_the_analysis_and_its_p_is_near(between: bool) -> None:
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [12, 12, 12]).astype(np.int64)
    values = rng.normal(size=(36, 2)) + 0.42 * (group == 0)[:, None] + 0.2
    plain = anova(values, group, 3, between=between)
    statistic = AnovaF(np.arange(36), values, group, 3, between)
    rows = permutations(36, 4000, 1)[0] if between else sign_flips(36, 4000, 1)[0]
    found = statistic.absolute(rows)
    assert found[0] == pytest.approx(plain.test.statistic)
    assert 0.005 < plain.test.p < 0.5
    assert max_t([statistic], rows, [10**9]).p[0] == pytest.approx(plain.test.p, abs=0.03)


def test_unequal_spread_over_levels_is_what_epsilon_corrects() -> None:
    """Two thousand studies without an effect, 12 against 12, three levels of which one varies four times as much."""
    rng = np.random.default_rng(8)
    group = np.repeat([0, 1], 12).astype(np.int64)
    weights, errors, plain = combinations((3,), (0,)), 0, 0
    for _ in range(2000):
        cells = rng.normal(size=(24, 3)) * np.array([1.0, 1.0, 4.0])
        found = anova(cells @ weights, group, 2, between=False)
        errors, plain = errors + (found.test.p < 0.05), plain + (found.p_sphericity < 0.05)
    assert 0.04 <= errors / 2000 <= 0.06  # binomial SE 0.005
    assert plain / 2000 > 0.06


@pytest.mark.parametrize(("values", "group", "says"), [
    (np.zeros((8, 2)), [0, 0, 0, 0, 1, 1, 1, 1], "do not vary"),
    (np.ones((4, 2)), [0, 0, 0, 0], "there are 4, 0 subjects with every cell"),
    (np.ones((2, 2)), [0, 1], "there are 1, 1 subjects with every cell"),
])
def test_what_cannot_be_tested_says_why(values: np.ndarray, group: list[int], says: str) -> None:
    found = anova(values, np.array(group, dtype=np.int64), 2, between=True)
    assert np.isnan(found.test.p)
    assert says in found.test.problem
    statistic = AnovaF(np.arange(len(group)), values, np.array(group, dtype=np.int64), 2, True)
    assert np.isnan(statistic.absolute(permutations(len(group), 20, 1)[0])).all()
