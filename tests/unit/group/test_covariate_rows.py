"""Every covariate has rows of its own: slopes, and F tests of categories, against statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from deltaroi import compare
from deltaroi.group import CompareOptions, GroupResult
from deltaroi.specs import GroupStats


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng, rows = np.random.default_rng(5), []
    for i in range(30):
        age, site = rng.normal(40, 10), "xyz"[i % 3]
        first = rng.normal()
        for session, value in (("pre", first), ("post", 0.5 * first + 0.08 * age + rng.normal())):
            rows.append({"subject": f"{i:02d}", "session": session, "region": "AI", "value": value, "unit": "percent",
                         "group": "AB"[i % 2], "age": age, "site": site})
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def result(table: pd.DataFrame) -> GroupResult:
    options = CompareOptions(("pre", "post"), ("A", "B"), covariates=("age", "site"), stats=GroupStats(permutations=49))
    return compare(table, options)


@pytest.fixture(scope="module")
def wide(table: pd.DataFrame) -> pd.DataFrame:
    people = ["subject", "group", "age", "site"]
    return table.pivot(index=people, columns="session", values="value").reset_index().assign(
        change=lambda t: t["post"] - t["pre"])


FORMULAS = {"ancova": "post ~ pre + group + age + site", "change": "change ~ group + age + site"}


@pytest.mark.parametrize("model", ["ancova", "change"])
@pytest.mark.parametrize(("kind", "theirs"), [("classical", "nonrobust"), ("hc3", "HC3")])
def test_slopes_and_categories_are_those_of_statsmodels(result: GroupResult, wide: pd.DataFrame, model: str, kind: str,
                                                        theirs: str) -> None:
    fit = smf.ols(FORMULAS[model], wide).fit(cov_type=theirs, use_t=True)
    rows = result.effects.query("model == @model and se_kind == @kind").set_index("term")
    age = rows.loc["covariate:age"]
    assert (age["estimate"], age["se"], age["p"]) == pytest.approx(
        (fit.params["age"], fit.bse["age"], fit.pvalues["age"]), rel=1e-8)
    assert (age["ci_low"], age["ci_high"]) == pytest.approx(tuple(fit.conf_int().loc["age"]), rel=1e-8)
    site = rows.loc["covariate:site"]
    test = fit.f_test("site[T.y] = 0, site[T.z] = 0")
    assert (site["statistic"], site["p"]) == pytest.approx((float(test.fvalue), float(test.pvalue)), rel=1e-8)
    assert site["statistic_kind"] == "F"


def test_they_say_what_they_are_and_are_never_primary(result: GroupResult) -> None:
    rows = result.effects[result.effects["term"].str.startswith("covariate:")]
    assert len(rows) == 2 * 2 * 3
    assert not rows["primary"].any()
    assert rows["p_fwe"].isna().all()
    age = rows.query("term == 'covariate:age' and model == 'ancova' and se_kind == 'hc2_welch'").iloc[0]
    assert age["unit"] == "percent per unit of age"
    assert age["reading"].startswith("The slope of AI at post, given the value at pre, on age, within groups, was ")
    assert "evidence for an association" in age["reading"]
    site = rows.query("term == 'covariate:site' and model == 'change' and se_kind == 'classical'").iloc[0]
    assert site["reading"].startswith("Differences of the change of AI from pre to post between the categories of site")


def test_without_sessions_the_two_sample_model_has_them(table: pd.DataFrame) -> None:
    options = CompareOptions(("post",), ("A", "B"), covariates=("age",), stats=GroupStats(permutations=0))
    rows = compare(table[table["session"] == "post"], options).effects.set_index(["term", "se_kind"])
    fit = smf.ols("value ~ group + age", table[table["session"] == "post"]).fit()
    assert rows.loc[("covariate:age", "classical"), "estimate"] == pytest.approx(fit.params["age"], rel=1e-8)
    assert rows.loc[("covariate:age", "classical"), "comparison"] == "slope"


def test_rescaling_a_covariate_rescales_its_slope_alone(table: pd.DataFrame, result: GroupResult) -> None:
    options = CompareOptions(("pre", "post"), ("A", "B"), covariates=("age", "site"), stats=GroupStats(permutations=49))
    months = compare(table.assign(age=12 * table["age"]), options).effects
    key = ["model", "term", "comparison", "se_kind"]
    both = result.effects.merge(months, on=key, suffixes=("", "_months"))
    is_age = both["term"] == "covariate:age"
    assert both.loc[is_age, "estimate_months"].to_numpy() * 12 == pytest.approx(both.loc[is_age, "estimate"].to_numpy())
    assert both["p_months"].to_numpy() == pytest.approx(both["p"].to_numpy(), rel=1e-6)
