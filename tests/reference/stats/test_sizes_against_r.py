"""Effect sizes, Bayes factors, associations, reliability and assumptions against R.

The R values are in ``sizes_reference.csv``, made by ``Rscript sizes.R`` (R 4.2.2; package versions in
``sizes_versions.txt``) from the data of ``values.csv``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaroi.stats import association, assumptions, bootstrap, correlation, effect_size, evidence, linear, reliability
from deltaroi.stats.record import Array, Test

HERE = Path(__file__).parent
DATA = ["balanced/amygdala", "unbalanced/VTA", "covariates/AI", "dropouts/VTA"]
KINDS = ["classical", "hc3"]
TEST_FIELDS = {"estimate": "estimate", "se": "se", "df": "df", "statistic": "statistic", "p": "p", "ci_low": "ci_low",
               "ci_high": "ci_high"}


@cache
def reference() -> dict[tuple[str, str], dict[str, float]]:
    frame = pd.read_csv(HERE / "sizes_reference.csv")
    return {key: dict(zip(part["field"], part["value"], strict=True)) for key, part in frame.groupby(["case", "what"])}


def cases(what: str) -> Iterator[tuple[list[str], dict[str, float]]]:
    found = [(case.split(","), numbers) for (case, name), numbers in reference().items() if name == what]
    assert found
    yield from found


@cache
def people(name: str) -> pd.DataFrame:
    """One row per subject with both sessions, group A coded 1, by subject."""
    dataset, region = name.split("/")
    frame = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    frame = frame[(frame["dataset"] == dataset) & (frame["region"] == region)]
    table = frame.pivot(index=["subject", "group", "age"], columns="session", values="value").dropna().reset_index()
    table["a"] = (table["group"] == "A").astype(np.int64)
    table["change"] = table["post"] - table["pre"]
    return table.sort_values("subject")


def column(name: str, field: str) -> Array:
    return np.array(people(name)[field], dtype=np.float64)


def groups(name: str) -> np.ndarray:
    return people(name)["a"].to_numpy(np.int64)


def agree(found: dict[str, float], expected: dict[str, float], rel: float = 1e-7) -> None:
    assert found == pytest.approx(expected, rel=rel, abs=1e-10)


def agree_test(found: Test, expected: dict[str, float], rel: float = 1e-7) -> None:
    agree({field: getattr(found, TEST_FIELDS[field]) for field in expected}, expected, rel)


def test_every_reference_is_used() -> None:
    whats = {what.split(":")[0] for _, what in reference()}
    assert whats == {"omega2", "d_ppc2", "bf_t", "bf_r", "adjusted_d", "d_z", "d_rm", "d_av", "pearson", "spearman",
                     "partial", "slope", "robust", "interaction", "slope_A", "slope_B", "johnson_neyman", "rockchalk",
                     "icc_two", "icc_three", "assumptions", "parallel", "bootstrap_d_ppc2", "bootstrap_r"}


def test_partial_omega2() -> None:
    """The value is effectsize's. So is its interval, at the F at which effectsize takes it."""
    for (f, df_between, df), expected in cases("omega2"):
        found = effect_size.partial_omega2(float(f), float(df_between), float(df))
        assert found.value == pytest.approx(expected["value"], rel=1e-9, abs=1e-12)
        eta = effect_size.partial_eta2(float(f), float(df_between), float(df))
        assert (found.low, found.high) == (eta.low, eta.high)
        share = found.value
        theirs = effect_size.partial_eta2(share / float(df_between) / ((1 - share) / float(df)), float(df_between),
                                          float(df))
        if share > 0:  # effectsize's optimiser is good to four digits
            assert theirs.low == pytest.approx(expected["effectsize_low"], abs=2e-4)
            assert theirs.high == pytest.approx(expected["effectsize_high"], abs=2e-4)


def test_variance_of_d_ppc2_is_that_of_metafor() -> None:
    for (d, r, n1, n2), expected in cases("d_ppc2"):
        m = int(n1) + int(n2) - 2
        found = effect_size.d_ppc2_summary(float(d) / effect_size.hedges_j(m), 1.0, float(r), int(n1), int(n2))
        assert found.value == pytest.approx(expected["value"], rel=1e-9)
        half = (found.high - found.low) / 2 / stats.norm.ppf(0.975)
        assert half**2 == pytest.approx(expected["variance"], rel=1e-5)


def test_bayes_factors_of_three_widths() -> None:
    for (t, n1, n2, width), expected in cases("bf_t"):
        a, b = int(n1), int(n2)
        n, df = (a * b / (a + b), a + b - 2) if b else (a, a - 1)
        found = {factor.prior: factor.bf10 for factor in evidence.t_sensitivity(float(t), n, df)}
        assert math.log(found[width]) == pytest.approx(expected["log_bf10"], abs=1e-6)
    for (r, n, width), expected in cases("bf_r"):
        found = {factor.prior: factor.bf10 for factor in evidence.r_sensitivity(float(r), int(n))}
        assert math.log(found[width]) == pytest.approx(expected["log_bf10"], abs=1e-6)


def _without_j(size: effect_size.EffectSize, df: int) -> effect_size.EffectSize:
    """The script gives the exact interval; deltaroi multiplies it by J, as ``effectsize`` does."""
    j = effect_size.hedges_j(df)
    return effect_size.EffectSize(size.value, size.kind, size.low / j, size.high / j)


@pytest.mark.parametrize("name", DATA)
def test_effect_sizes(name: str) -> None:
    pre, post, a = column(name, "pre"), column(name, "post"), groups(name) == 1
    within = {"d_z": effect_size.d_z(post[a] - pre[a]), "d_rm": effect_size.d_rm(pre[a], post[a]),
              "d_av": effect_size.d_av(pre[a], post[a])}
    design = np.column_stack([np.ones(a.size), linear.centred(pre), a.astype(np.float64)])
    model = linear.fit(post, design)
    for kind in KINDS:
        test = linear.test_weights(model, np.array([0.0, 0.0, 1.0]), kind)
        within[f"adjusted_d:{kind}"] = effect_size.adjusted_d(test, (pre[a], pre[~a]))
    within["d_z"] = _without_j(within["d_z"], int(a.sum()) - 1)
    for what, size in within.items():
        agree({"value": size.value, "low": size.low, "high": size.high}, reference()[name, what], rel=1e-6)


@pytest.mark.parametrize("name", DATA)
def test_correlations_and_slopes(name: str) -> None:
    age, change = column(name, "age"), column(name, "change")
    others = np.column_stack([column(name, "pre"), groups(name)])
    for found in (correlation.pearson(age, change), correlation.partial(change, age, others),
                  correlation.spearman(age, change)):
        expected = reference()[name, found.kind]
        agree({field: getattr(found, field) for field in expected}, expected)
    rank = stats.spearmanr(age, change)
    assert correlation.spearman(age, change).p == pytest.approx(rank.pvalue, rel=1e-10)
    for kind in KINDS:
        found = association.associate(change, age, others, kind)
        agree_test(found.slope, reference()[name, f"slope:{kind}"])
    assert found.r.p == pytest.approx(reference()[name, "slope:classical"]["p"], rel=1e-9)


@pytest.mark.parametrize("name", DATA)
def test_robust_slope(name: str) -> None:
    age, change = column(name, "age"), column(name, "change")
    age[:3] += 15
    change[:3] += 6
    expected = dict(reference()[name, "robust"])
    del expected["scale"]
    agree_test(association.associate_robust(change, age, groups(name)[:, None].astype(np.float64)), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", DATA)
def test_moderation(name: str, kind: str) -> None:
    age, a = column(name, "age"), groups(name)
    outcome = column(name, "change") + 0.1 * (age - 30) * a
    nothing = np.empty((a.size, 0))
    found = association.moderate(outcome, age, a, nothing, kind)
    agree_test(found.interaction, reference()[name, f"interaction:{kind}"])
    agree_test(found.slopes[1], reference()[name, f"slope_A:{kind}"])
    agree_test(found.slopes[0], reference()[name, f"slope_B:{kind}"])
    region, expected = found.regions[0], reference()[name, f"johnson_neyman:{kind}"]
    if "everywhere" in expected:
        assert region.kind == ("everywhere" if expected["everywhere"] else "nowhere")
        return
    assert region.kind == ("outside" if expected["outside"] else "between")
    agree({"low": region.low, "high": region.high}, {key: expected[key] for key in ("low", "high")})
    if kind == "classical":
        agree({"low": region.low, "high": region.high}, reference()[name, "rockchalk"])


@pytest.mark.parametrize("name", DATA)
def test_reliability(name: str) -> None:
    frame = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    frame = frame[(frame["dataset"] == name.split("/")[0]) & (frame["session"] == "pre")]
    three = frame.pivot(index="subject", columns="region", values="value").dropna().to_numpy(np.float64)
    for what, table in {"icc_two": people(name)[["pre", "post"]].to_numpy(np.float64), "icc_three": three}.items():
        two, one = reliability.icc_agreement(table), reliability.icc_consistency(table)
        agree({"icc2": two.value, "low2": two.low, "high2": two.high, "icc3": one.value, "low3": one.low,
               "high3": one.high}, reference()[name, what])


@pytest.mark.parametrize("name", DATA)
def test_assumptions(name: str) -> None:
    pre, post, a = column(name, "pre"), column(name, "post"), groups(name)
    model = linear.fit(post, np.column_stack([np.ones(a.size), linear.centred(pre), a.astype(np.float64)]))
    checks, expected = assumptions.check_residuals(model, a), dict(reference()[name, "assumptions"])
    apart = assumptions.imbalance(pre[a == 1], pre[a == 0])
    assert apart.standardised == pytest.approx(expected.pop("imbalance"), rel=1e-9)
    agree({field: getattr(checks, field) for field in expected}, expected, rel=1e-6)
    for kind in KINDS:
        agree_test(assumptions.parallel_slopes(post, pre, a, np.empty((a.size, 0)), kind),
                   reference()[name, f"parallel:{kind}"])


@pytest.mark.parametrize("name", DATA)
def test_bootstrap_intervals(name: str) -> None:
    """Other resamples than R's ``boot.ci(type = "bca")``, so the bounds agree to their Monte Carlo error."""
    pre, post, a = column(name, "pre"), column(name, "post"), groups(name) == 1
    found = bootstrap.d_ppc2_interval((pre[a], pre[~a]), (post[a], post[~a]), seed=1, replicates=9999)
    expected = reference()[name, "bootstrap_d_ppc2"]
    width = expected["high"] - expected["low"]
    assert found.low == pytest.approx(expected["low"], abs=0.04 * width)
    assert found.high == pytest.approx(expected["high"], abs=0.04 * width)
    found, expected = (bootstrap.r_interval(column(name, "age"), post - pre, seed=1, replicates=9999),
                       reference()[name, "bootstrap_r"])
    assert found.low == pytest.approx(expected["low"], abs=0.03)
    assert found.high == pytest.approx(expected["high"], abs=0.03)
