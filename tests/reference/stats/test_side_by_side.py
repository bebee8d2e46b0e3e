"""Side by side with pingouin and statsmodels on the data of values.csv.

Their values are in ``side_by_side.csv``, made by ``python side_by_side.py`` in an environment of its own (versions in
``side_by_side_versions.txt``). Where they are right the numbers are the same; where not, the test says why.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaroi.stats import association, assumptions, correlation, effect_size, evidence, linear, means, reliability
from deltaroi.stats.record import Array

HERE = Path(__file__).parent
DATA = ["balanced/amygdala", "unbalanced/VTA", "covariates/AI", "dropouts/VTA"]


@cache
def theirs(name: str) -> dict[str, dict[str, float]]:
    frame = pd.read_csv(HERE / "side_by_side.csv")
    frame = frame[frame["case"] == name]
    return {what: dict(zip(part["field"], part["value"], strict=True)) for what, part in frame.groupby("what")}


def people(name: str) -> dict[str, Array]:
    dataset, region = name.split("/")
    frame = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    frame = frame[(frame["dataset"] == dataset) & (frame["region"] == region)]
    table = frame.pivot(index=["subject", "group", "age"], columns="session", values="value").dropna().reset_index()
    table = table.sort_values("subject")
    out = {field: np.array(table[field], dtype=np.float64) for field in ("age", "pre", "post")}
    return {**out, "a": np.array(table["group"] == "A", dtype=np.float64), "change": out["post"] - out["pre"]}


def halves(name: str, field: str) -> tuple[Array, Array]:
    w = people(name)
    return w[field][w["a"] == 1], w[field][w["a"] == 0]


def same(found: float, expected: float, rel: float = 1e-7) -> None:
    assert found == pytest.approx(expected, rel=rel, abs=1e-10)


@pytest.mark.parametrize("name", DATA)
def test_t_tests(name: str) -> None:
    x, y = halves(name, "change")
    found, expected = means.two_sample(x, y, "classical"), theirs(name)["t_two"]
    same(found.statistic, expected["statistic"])
    same(found.p, expected["p"])
    paired, expected_paired = means.one_sample(x), theirs(name)["t_paired"]
    same(paired.statistic, expected_paired["statistic"])
    same(paired.p, expected_paired["p"])
    # pingouin's prior has width 0.707, not √2/2, and the factor is rounded to three decimals
    n = x.size * y.size / (x.size + y.size)
    same(evidence.jzs_bf10(found.statistic, n, found.df, 0.707), expected["bf10"], rel=2e-3)
    same(evidence.jzs_bf10(paired.statistic, x.size, paired.df, 0.707), expected_paired["bf10"], rel=2e-3)


@pytest.mark.parametrize("name", DATA)
def test_hedges_g(name: str) -> None:
    """Pingouin corrects by 1 - 3 / (4 N - 9), which is J to a few thousandths; ours is exact."""
    x, y = halves(name, "change")
    df = x.size + y.size - 2
    found = effect_size.hedges_g(x, y).value
    same(found / effect_size.hedges_j(df) * (1 - 3 / (4 * df - 1)), theirs(name)["g"]["value"])
    same(found, theirs(name)["g"]["value"], rel=2e-3)


@pytest.mark.parametrize("name", DATA)
def test_paired_d(name: str) -> None:
    """Pingouin's d of pairs is ours without J; its interval leaves the pre-post correlation out.

    It takes variance 1/n + d²/(2n), whatever r is: that of d_z for a number that is divided by the SD of the values.
    """
    (pre, _), (post, _) = halves(name, "pre"), halves(name, "post")
    expected, n = theirs(name)["t_paired"], pre.size
    size = effect_size.d_av(pre, post)
    same(size.value / effect_size.hedges_j(n - 1), expected["d"])
    half = stats.t.ppf(0.975, n - 1) * math.sqrt(1 / n + expected["d"] ** 2 / (2 * n))
    same(expected["d_high"] - expected["d"], half)
    r = float(np.corrcoef(pre, post)[0, 1])
    if r > 0.5:
        assert size.high - size.low < expected["d_high"] - expected["d_low"]


def test_what_leaving_the_correlation_out_costs() -> None:
    """20 pairs, no effect: their interval covers less than .91 at r = 0 and more than .99 at r = .9."""
    rng, n, draws, covered = np.random.default_rng(3), 20, 20000, {}
    for rho in (0.0, 0.9):
        pre = rng.normal(size=(draws, n))
        change = rho * pre + math.sqrt(1 - rho**2) * rng.normal(size=(draws, n)) - pre
        post = pre + change
        d = change.mean(axis=1) / np.sqrt((pre.var(axis=1, ddof=1) + post.var(axis=1, ddof=1)) / 2)
        half = stats.t.ppf(0.975, n - 1) * np.sqrt(1 / n + d**2 / (2 * n))
        covered[rho] = float((np.abs(d) <= half).mean())
    assert covered[0.0] < 0.91
    assert covered[0.9] > 0.99


@pytest.mark.parametrize("name", DATA)
def test_equivalence(name: str) -> None:
    x, y = halves(name, "change")
    pooled, welch = means.two_sample(x, y, "classical"), means.two_sample(x, y, "welch")
    same(evidence.equivalence_p(pooled, 0.2), theirs(name)["tost_two"]["p"])
    same(evidence.equivalence_p(pooled, 0.2), theirs(name)["tost_pooled"]["p"])
    same(evidence.equivalence_p(welch, 0.2), theirs(name)["tost_welch"]["p"])


@pytest.mark.parametrize("name", DATA)
def test_correlations(name: str) -> None:
    """Pingouin's interval of Spearman's r is that of Pearson's; Bonett and Wright's is wider by √(1 + r²/2)."""
    w = people(name)
    found, expected = correlation.partial(w["change"], w["age"], np.column_stack([w["pre"], w["a"]])), theirs(name)
    same(found.r, expected["partial"]["r"])
    same(found.p, expected["partial"]["p"])
    rank = correlation.spearman(w["age"], w["change"])
    same(rank.r, expected["spearman"]["r"])
    same(rank.p, expected["spearman"]["p"])
    ours = math.atanh(rank.high) - math.atanh(rank.low)
    other = math.atanh(expected["spearman"]["high"]) - math.atanh(expected["spearman"]["low"])
    same(ours, other * math.sqrt(1 + rank.r**2 / 2), rel=1e-6)
    factors = {factor.prior: factor.bf10
               for factor in evidence.r_sensitivity(correlation.pearson(w["age"], w["change"]).r, w["age"].size)}
    for width, value in expected["bf_r"].items():
        same(factors[width], value, rel=1e-6)


@pytest.mark.parametrize("name", DATA)
def test_reliability(name: str) -> None:
    w = people(name)
    table = np.column_stack([w["pre"], w["post"]])
    same(reliability.icc_agreement(table).value, theirs(name)["icc"]["two"])
    same(reliability.icc_consistency(table).value, theirs(name)["icc"]["three"])


@pytest.mark.parametrize("name", DATA)
def test_linear_models_of_statsmodels(name: str) -> None:
    """The same with ``use_t=True``; without it statsmodels refers HC3 to the normal, whose p is too small."""
    w = people(name)
    others = np.column_stack([w["pre"], w["age"]])
    for kind in ("classical", "hc3"):
        found, expected = association.associate(w["post"], w["a"], others, kind).slope, theirs(name)[f"ancova:{kind}"]
        for field in ("estimate", "se", "p"):
            same(getattr(found, field), expected[field])
    assert theirs(name)["ancova:normal"]["p"] < theirs(name)["ancova:hc3"]["p"]
    design = np.column_stack([np.ones(w["a"].size), others, w["a"]])
    checks = assumptions.check_residuals(linear.fit(w["post"], design), w["a"].astype(np.int64))
    for field, value in theirs(name)["influence"].items():
        same(getattr(checks, field), value, rel=1e-6)


@pytest.mark.parametrize("name", DATA)
def test_robust_regression_of_statsmodels(name: str) -> None:
    """RLM with Huber's function bounds outlying outcomes but not scores: three moved subjects pull its slope up.

    The MM slope stays within a standard error of the least-squares slope of the others.
    """
    w = people(name)
    rest = association.associate(w["change"][3:], w["age"][3:], w["a"][3:, None], "classical").slope
    age, change = w["age"].copy(), w["change"].copy()
    age[:3] += 15
    change[:3] += 6
    ours = association.associate_robust(change, age, w["a"][:, None])
    assert abs(ours.estimate - rest.estimate) < rest.se
    assert theirs(name)["rlm"]["huber"] > rest.estimate + 2 * rest.se
