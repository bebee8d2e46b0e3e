"""Simulated power against power by the noncentral t of statsmodels, where that is exact.

Each tolerance is four Monte-Carlo standard errors of the simulated rate; seeds are fixed.
"""

from __future__ import annotations

import math

import pytest
from statsmodels.stats.power import TTestIndPower, TTestPower

from deltaroi.group.power import Assumed, count, primary_question
from deltaroi.specs import GroupStats

DRAWS = 2000
CLASSICAL = GroupStats(variance="classical")
RHO = 0.6


def simulated(levels: tuple[str, ...], sessions: tuple[str, ...], n: tuple[int, ...], effect: float,
              spec: GroupStats = CLASSICAL, sd: float = 2.0) -> tuple[float, float]:
    """Power, and coverage of the 95 % interval."""
    question = primary_question(sessions, levels if len(levels) > 1 else None, "randomised", spec, 0)
    assumed = Assumed(levels, sessions or ("n/a",), question, ((sd,) * max(len(sessions), 1),) * len(levels), RHO, 0.0,
                      1, 1, 0, 0.05, ("uncorrected",), spec, 77)
    found = count(assumed, n, (effect,), range(DRAWS))
    return float(found.found[0, 0]) / DRAWS, float(found.covered[0]) / DRAWS


def close(rate: float, expected: float) -> bool:
    return abs(rate - expected) < 4 * math.sqrt(expected * (1 - expected) / DRAWS)


@pytest.mark.parametrize(("n", "effect"), [((12, 12), 2.0), ((30, 15), 1.5), ((25, 25), 0.0)])
def test_two_samples(n: tuple[int, int], effect: float) -> None:
    power, coverage = simulated(("A", "B"), (), n, effect)
    assert close(power, TTestIndPower().power(effect / 2.0, n[0], 0.05, ratio=n[1] / n[0]) if effect else 0.05)
    assert close(coverage, 0.95)


@pytest.mark.parametrize(("n", "effect"), [((12, 12), 2.0), ((20, 30), 1.2), ((20, 20), 0.0)])
def test_change_scores(n: tuple[int, int], effect: float) -> None:
    power, coverage = simulated(("A", "B"), ("pre", "post"), n, effect,
                                GroupStats(variance="classical", primary="change"))
    of_changes = 2.0 * math.sqrt(2 * (1 - RHO))
    assert close(power, TTestIndPower().power(effect / of_changes, n[0], 0.05, ratio=n[1] / n[0]) if effect else 0.05)
    assert close(coverage, 0.95)


@pytest.mark.parametrize(("n", "effect"), [(20, 1.2), (40, 1.0), (20, 0.0)])
def test_ancova(n: int, effect: float) -> None:
    """The error SD is SD √(1 - ρ²), one degree of freedom goes to the baseline, and a chance difference at baseline
    between the groups costs 1 / (2n - 3) of the information on average: little beside the tolerance."""
    power, coverage = simulated(("A", "B"), ("pre", "post"), (n, n), effect)
    error = 2.0 * math.sqrt(1 - RHO**2) * math.sqrt(1 + 1 / (2 * n - 3))
    expected = TTestIndPower().power(effect / error, n, 0.05, df=2 * n - 3) if effect else 0.05
    assert close(power, expected)
    assert close(coverage, 0.95)


@pytest.mark.parametrize(("n", "effect"), [(15, 1.4), (30, 0.7), (10, 0.0)])
def test_paired(n: int, effect: float) -> None:
    power, coverage = simulated(("all",), ("pre", "post"), (n,), effect)
    expected = TTestPower().power(effect / (2.0 * math.sqrt(2 * (1 - RHO))), n, 0.05) if effect else 0.05
    assert close(power, expected)
    assert close(coverage, 0.95)


@pytest.mark.parametrize("levels", [("A", "B"), ("A", "B", "C")])
def test_errors_of_the_default_tests_without_an_effect(levels: tuple[str, ...]) -> None:
    power, _ = simulated(levels, ("pre", "post"), (15,) * len(levels), 0.0, GroupStats())
    assert close(power, 0.05)
