"""The tables of assumptions and residuals: numbers against their sources, subjects by name, sentences true to them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats
from deltaroi.stats import assumptions, linear
from deltaroi.tables import ASSUMPTIONS, RESIDUALS, conform

STATS = GroupStats(permutations=0, seed=5)
TWO = CompareOptions(("pre", "post"), ("A", "B"), stats=STATS)
PLACE = ["specification", "contrast", "summary", "region", "hemisphere", "definition"]


def tables(table: pd.DataFrame, options: CompareOptions = TWO) -> tuple[pd.Series, pd.DataFrame]:
    """The row of region r0, and its residuals."""
    beside = compare(table, options).beside
    row = beside["assumptions"].set_index("region").loc["r0"]
    return row, beside["residuals"].query("region == 'r0'").set_index("subject")


def wide(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    part = table[table["region"] == "r0"]
    values = part.pivot(index="subject", columns="session", values="value").dropna()
    group = part.drop_duplicates("subject").set_index("subject")["group"].loc[values.index]
    return (group == "B").to_numpy().astype(np.int64), values["pre"].to_numpy(), values["post"].to_numpy()


def test_numbers_of_an_ancova(make_table) -> None:
    table = make_table({"A": 9, "B": 11}, gain=1.0)
    row, residuals = tables(table)
    code, pre, post = wide(table)
    model = linear.fit(post, np.column_stack([np.ones(20), pre, 1.0 - code]))
    checks = assumptions.check_residuals(model, code)
    for name in ("skewness", "kurtosis", "shapiro_p", "spread_p", "variance_ratio", "cook", "leverage"):
        assert row[name] == pytest.approx(getattr(checks, name)), name
    assert row["residuals_of"] == "ancova"
    assert (row["widest"], row["narrowest"]) == ("AB"[checks.widest], "AB"[checks.narrowest])
    assert row["cook_subject"] == f"{checks.cook_at:03d}"
    assert residuals["residual"].to_numpy() == pytest.approx(model.residuals)
    assert (residuals["fitted"] + residuals["residual"]).to_numpy() == pytest.approx(post)
    assert residuals["cook"].idxmax() == row["cook_subject"]
    apart = assumptions.imbalance(pre[code == 0], pre[code == 1])
    assert (row["baseline_first"], row["baseline_second"]) == ("A", "B")
    assert row[["baseline_standardised", "baseline_low", "baseline_high"]].tolist() == \
        pytest.approx([apart.standardised, apart.low, apart.high])


def test_slopes_are_first_listed_minus_second(make_table) -> None:
    table = make_table({"A": 30, "B": 30})
    steep = (table["group"] == "A") & (table["session"] == "post")
    before = table.set_index(["subject", "region", "session"])["value"]
    pre = before.loc[[(s, r, "pre") for s, r in zip(table["subject"], table["region"], strict=True)]].to_numpy()
    table["value"] = np.where(steep, table["value"] + 3 * pre, table["value"])
    row, _ = tables(table)
    assert row["slope_low"] < 3 < row["slope_high"]
    assert row["slope_low"] > 1
    assert row["slope_se_kind"] == "hc3"
    assert "is 3" in row["reading"] or "is 2.9" in row["reading"] or "is 3.1" in row["reading"]
    assert "higher in A than in B" in row["reading"]
    classical, _ = tables(table, CompareOptions(("pre", "post"), ("A", "B"),
                                                stats=GroupStats(permutations=0, variance="classical")))
    assert classical["slope_se_kind"] == "classical"


def test_who_moves_the_estimate_most_is_named(make_table) -> None:
    table = make_table({"A": 9, "B": 11})
    mask = (table["subject"] == "004") & (table["region"] == "r0") & (table["session"] == "post")
    table.loc[mask, "value"] += 8.0
    row, residuals = tables(table)
    effects = compare(table, TWO).effects.query("primary and region == 'r0'").iloc[0]
    without = compare(table[table["subject"] != "004"], TWO).effects.query("primary and region == 'r0'").iloc[0]
    assert row["moves_most"] == "004"
    assert row["estimate"] == pytest.approx(effects["estimate"])
    assert row["estimate_without"] == pytest.approx(without["estimate"])
    assert [residuals["estimate_without"].min(), residuals["estimate_without"].max()] == \
        pytest.approx([effects["loo_min"], effects["loo_max"]])
    assert "moves most without subject 004" in row["reading"]
    assert "strongly skewed to the right" in row["reading"]


@pytest.mark.parametrize(("groups", "sessions", "assignment", "of"), [
    (("A", "B"), ("pre", "post"), "preexisting", "change"), (("A",), ("pre", "post"), "randomised", "paired"),
    (("A", "B"), (), "randomised", "two_sample"), ((), (), "randomised", "one_sample"),
    (("A", "B"), ("pre", "mid", "post"), "randomised", "change"),
    (("A",), ("pre", "mid", "post"), "randomised", "paired"),
    (("A", "C", "B"), ("pre", "post"), "randomised", "ancova"),
    (("A", "C", "B"), ("pre", "mid", "post"), "randomised", "change")])
def test_every_design(make_table, groups, sessions, assignment, of: str) -> None:
    table = make_table(dict.fromkeys(groups or ("A",), 8), sessions or ("x",))
    result = compare(table, CompareOptions(sessions, groups, assignment, stats=STATS))
    found, residuals = result.beside["assumptions"], result.beside["residuals"]
    primary = result.effects[result.effects["primary"]]
    assert found[[*PLACE, "model", "comparison"]].to_numpy().tolist() == \
        primary[[*PLACE, "model", "comparison"]].to_numpy().tolist()
    assert set(found["residuals_of"]) == {of}
    assert found["skewness"].notna().all()
    assert np.isfinite(residuals[["fitted", "residual", "standardised", "cook"]]).all(axis=None)
    assert (found["moves_most"] != "n/a").all() == (len(groups) < 2 or primary["estimate"].notna().all())
    if primary["model"].iloc[0] != "lmm":
        assert np.allclose(found["estimate"], primary["estimate"], equal_nan=True)
    assert found["baseline_standardised"].notna().all() == (bool(sessions) and len(groups) > 1)
    assert found["slope_p"].notna().all() == (of == "ancova")
    assert not found["reading"].str.contains("nan|inf|n/a").any()
    assert found["reading"].str.match(r"The residuals of .*[^.]\.$").all()


def test_three_groups_state_the_pair_furthest_apart_and_a_joint_test_of_slopes(make_table) -> None:
    table = make_table({"A": 8, "C": 8, "B": 8})
    table.loc[(table["group"] == "C") & (table["session"] == "pre"), "value"] += 5.0
    row, residuals = tables(table, CompareOptions(("pre", "post"), ("A", "C", "B"), stats=STATS))
    assert (row["baseline_first"], row["baseline_second"]) == ("C", "B")
    assert "C was" in row["reading"]
    assert "higher than B" in row["reading"]
    assert row["slope_df_between"] == 2
    assert math.isnan(row["slope_difference"])
    assert "F(2, 18)" in row["reading"]
    assert residuals["estimate_without"].isna().all()
    assert f"subject {row['cook_subject']} moves the fitted values most" in row["reading"]


def test_missing_values_leave_subjects_out(make_table) -> None:
    table = make_table({"A": 8, "B": 8})
    table.loc[(table["subject"] == "003") & (table["session"] == "post"), "value"] = np.nan
    row, residuals = tables(table)
    assert row["n"] == len(residuals) == 15
    assert "003" not in residuals.index


def test_one_subject_per_group_and_constant_values_are_said(make_table) -> None:
    table = make_table({"A": 1, "B": 1})
    row, residuals = tables(table)
    assert "cannot be described, because" in row["reading"]
    assert "there are 1 and 1 subjects" in row["reading"]
    assert residuals["standardised"].isna().all()
    constant, _ = tables(make_table({"A": 6, "B": 6}).assign(value=2.0))
    assert "reproduces the values exactly" in constant["reading"]
    assert "the values do not vary" in constant["reading"]
    assert math.isnan(constant["skewness"])
    assert constant["n"] == 12
    empty, left = tables(make_table({"A": 6, "B": 6}).assign(value=lambda t: t["value"].where(t["region"] != "r0")))
    assert empty["n"] == len(left) == 0
    assert "there are no subjects" in empty["reading"]


def test_a_group_that_does_not_vary_is_said(make_table) -> None:
    table = make_table({"A": 6, "B": 6}, ("x",))
    table.loc[table["group"] == "B", "value"] = 3.0
    row, _ = tables(table, CompareOptions((), ("A", "B"), stats=STATS))
    assert math.isnan(row["variance_ratio"])
    assert "those of B do not vary" in row["reading"]


def test_declared(make_table) -> None:
    beside = compare(make_table({"A": 6, "B": 6}), TWO).beside
    for schema in (ASSUMPTIONS, RESIDUALS):
        assert conform(beside[schema.name], schema).equals(beside[schema.name])
    assert set(beside["residuals"]["group"]) == {"A", "B"}
