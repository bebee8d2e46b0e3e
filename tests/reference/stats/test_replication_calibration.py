"""How often what is said of replications is right, by simulation; effects, draws and seeds are fixed here."""

from __future__ import annotations

import math

import numpy as np
import pytest

from deltaroi.stats.replication import prediction_interval, replication_bayes, small_telescopes
from deltaroi.stats.standardised import Result, from_r, from_t

pytestmark = pytest.mark.long
DRAWS = 1500
BAND = 3.3 * math.sqrt(0.95 * 0.05 / DRAWS)
"""Of a share of 95 %: about one in a thousand right programs would fail."""


def draw(rng: np.random.Generator, kind: str, n: int, effect: float) -> Result:
    """A study of n subjects (per group) with normal values."""
    if kind == "r":
        first = rng.normal(size=n)
        second = effect * first + math.sqrt(1 - effect**2) * rng.normal(size=n)
        return from_r(float(np.corrcoef(first, second)[0, 1]), n)
    values = rng.normal(effect, 1, n)
    if kind == "g_z":
        return from_t("g_z", float(values.mean() / values.std(ddof=1) * math.sqrt(n)), n)
    other = rng.normal(0, 1, n)
    pooled = math.sqrt((values.var(ddof=1) + other.var(ddof=1)) / 2)
    return from_t("g", float((values.mean() - other.mean()) / (pooled * math.sqrt(2 / n))), n, n)


@pytest.mark.parametrize(("kind", "n", "n_new", "effect"), [
    ("g", 6, 10, 0.0), ("g", 12, 30, 0.8), ("g", 10, 5, 2.0), ("g_z", 5, 8, 1.0), ("g_z", 8, 40, 2.0),
    ("r", 15, 40, 0.6), ("r", 10, 10, 0.0)])
def test_prediction_intervals_cover(kind: str, n: int, n_new: int, effect: float) -> None:
    rng = np.random.default_rng(7)
    held = []
    for _ in range(DRAWS):
        new = draw(rng, kind, n_new, effect)
        interval = prediction_interval(draw(rng, kind, n, effect), new)
        held.append(interval.low <= new.value <= interval.high)
    assert abs(np.mean(held) - 0.95) < BAND


@pytest.mark.parametrize(("kind", "n", "n_new", "effect"), [
    ("g", 20, 40, 0.9), ("g_z", 15, 30, 0.8), ("r", 25, 60, 0.6)])
def test_bayes_factors_point_to_the_truth(kind: str, n: int, n_new: int, effect: float) -> None:
    """Without an effect the new result speaks against the original's, and hardly ever misleads; with it, for it."""
    rng = np.random.default_rng(8)
    null, true = [], []
    for _ in range(500):
        original = draw(rng, kind, n, effect)
        null.append(replication_bayes(original, draw(rng, kind, n_new, 0.0)).log_bf)
        true.append(replication_bayes(original, draw(rng, kind, n_new, effect)).log_bf)
    assert np.mean(np.array(null) < 0) > 0.9
    assert np.mean(np.array(null) > math.log(10)) < 0.05
    assert np.median(null) < -math.log(3)
    assert np.median(true) > math.log(10)


@pytest.mark.parametrize("kind", ["g", "g_z", "r"])
def test_small_telescopes_err_once_in_twenty(kind: str) -> None:
    """Where the true effect is the one of a third power, the new one is called smaller in 5 %."""
    rng = np.random.default_rng(9)
    original = from_r(0.5, 25) if kind == "r" else from_t(kind, 2.5, 20, 20 if kind == "g" else 0)
    third = small_telescopes(original, original).effect
    smaller = [small_telescopes(original, draw(rng, kind, 30, third)).p < 0.05 for _ in range(4000)]
    assert abs(np.mean(smaller) - 0.05) < 3.3 * math.sqrt(0.95 * 0.05 / 4000)
