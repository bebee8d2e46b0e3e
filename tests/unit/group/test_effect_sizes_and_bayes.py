"""The tables of effect sizes and Bayes factors: which rows, which numbers, and what is missing."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.io.tsv import read_table
from deltaroi.specs import GroupStats
from deltaroi.stats import bootstrap, effect_size, evidence, linear, means
from deltaroi.tables import BAYES, EFFECT_SIZES, SCHEMAS, conform

STATS = GroupStats(permutations=0, seed=5)
TWO = CompareOptions(("pre", "post"), ("A", "B"), stats=STATS)
JOIN = ["specification", "contrast", "summary", "region", "hemisphere", "definition", "model", "term", "comparison",
        "se_kind"]


def wide(table: pd.DataFrame, region: str = "r0") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Group labels, values before and after of the complete cases of one region, by subject."""
    part = table[table["region"] == region]
    values = part.pivot(index="subject", columns="session", values="value").dropna()
    group = part.drop_duplicates("subject").set_index("subject")["group"].loc[values.index].to_numpy()
    return group, values["pre"].to_numpy(), values["post"].to_numpy()


def of(frame: pd.DataFrame, **named: str) -> pd.DataFrame:
    for column, value in {"region": "r0", **named}.items():
        frame = frame[frame[column] == value]
    return frame


def numbers(frame: pd.DataFrame) -> tuple[float, float, float]:
    (row,) = frame[["value", "ci_low", "ci_high"]].itertuples(index=False, name=None)
    return row


def of_size(size: effect_size.EffectSize) -> tuple[float, float, float]:
    return pytest.approx((size.value, size.low, size.high), nan_ok=True)


def test_a_difference_of_changes_has_both_intervals_and_the_adjusted_difference(make_table) -> None:
    table = make_table({"A": 9, "B": 11}, gain=1.0)
    sizes = compare(table, TWO).beside["effect_sizes"]
    group, pre, post = wide(table)
    a, b = group == "A", group == "B"
    before, after = (pre[a], pre[b]), (post[a], post[b])
    ancova = of(sizes, model="ancova", term="group_difference")
    assert numbers(of(ancova, method="morris")) == of_size(effect_size.d_ppc2(before, after))
    again = bootstrap.d_ppc2_interval(before, after, 5)
    assert numbers(of(ancova, method="bca_bootstrap")) == \
        pytest.approx((effect_size.d_ppc2(before, after).value, again.low, again.high))
    assert of(ancova, method="bca_bootstrap")["replicates"].item() == bootstrap.REPLICATES
    change = of(sizes, model="change")
    assert set(change["kind"]) == {"d_ppc2"}
    for method in ("morris", "bca_bootstrap"):
        assert numbers(of(change, method=method)) == numbers(of(ancova, method=method))
    adjusted = of(ancova, kind="adjusted_d")
    design = np.column_stack([np.ones(20), pre, a.astype(float)])
    slope = np.linalg.lstsq(design, post, rcond=None)[0][2]
    pooled = math.sqrt((8 * pre[a].var(ddof=1) + 10 * pre[b].var(ddof=1)) / 18)
    assert adjusted["value"].item() == pytest.approx(effect_size.hedges_j(18) * slope / pooled)
    assert adjusted["method"].item() == "mover"


def test_d_ppc2_by_hand() -> None:
    rows = [(f"{g}{i}", g, s, "r0", v) for g, pre, post in (("A", (0, 2, 4), (3, 5, 7)), ("B", (1, 3, 5), (2, 4, 6)))
            for i in range(3) for s, v in (("pre", pre[i]), ("post", post[i]))]
    table = pd.DataFrame(rows, columns=["subject", "group", "session", "region", "value"])
    found = of(compare(table, TWO).beside["effect_sizes"], model="change", method="morris")
    j = math.gamma(2) / (math.sqrt(2) * math.gamma(1.5))  # changes 3 and 1, pooled SD 2, 4 degrees of freedom
    assert found["value"].item() == pytest.approx(j * (3 - 1) / 2)


def test_effect_sizes_within_a_group(make_table) -> None:
    table = make_table({"A": 8, "B": 7})
    sizes = of(compare(table, TWO).beside["effect_sizes"], term="session_within:B")
    group, pre, post = wide(table)
    first, last = pre[group == "B"], post[group == "B"]
    expected = {"d_z": effect_size.d_z(last - first), "d_av": effect_size.d_av(first, last),
                "d_rm": effect_size.d_rm(first, last)}
    assert set(sizes["kind"]) == set(expected)
    for kind, size in expected.items():
        assert numbers(of(sizes, kind=kind)) == of_size(size)
    assert set(sizes["n"]) == {7}


def test_effect_sizes_without_sessions(make_table) -> None:
    table = make_table({"A": 8, "B": 7}, ("x",))
    two = compare(table, CompareOptions((), ("A", "B"), stats=STATS)).beside["effect_sizes"]
    values = of(table).set_index("group")["value"]
    assert numbers(of(two)) == of_size(effect_size.hedges_g(values["A"].to_numpy(), values["B"].to_numpy()))
    one = compare(table[table["group"] == "A"], CompareOptions((), (), stats=STATS)).beside["effect_sizes"]
    assert one["kind"].tolist() == ["d_z"] * 3
    assert numbers(of(one)) == of_size(effect_size.d_z(values["A"].to_numpy()))


def test_shares_explained_come_from_the_classical_f(make_table) -> None:
    table = make_table({"A": 8, "C": 7, "B": 9}, gain=1.0)
    result = compare(table, CompareOptions(("pre", "post"), ("A", "C", "B"), stats=STATS))
    sizes = of(result.beside["effect_sizes"], model="ancova", comparison="A,C,B|post-pre")
    group, pre, post = wide(table)
    design = np.column_stack([np.ones(24), pre, group == "A", group == "C"]).astype(float)
    f = linear.test_joint(linear.fit(post, design), np.eye(4)[2:], "classical")
    assert numbers(of(sizes, kind="partial_eta2")) == of_size(effect_size.partial_eta2(f.statistic, 2, 20))
    assert numbers(of(sizes, kind="partial_omega2")) == of_size(effect_size.partial_omega2(f.statistic, 2, 20))
    assert set(sizes["level"]) == {0.9}
    assert set(sizes["se_kind"]) == {"hc2_welch"}


@pytest.mark.parametrize(("groups", "sessions"), [
    (("A", "B"), ("pre", "post")), (("A", "C", "B"), ("pre", "mid", "post")), (("A",), ("pre", "post")),
    (("A", "B"), ()), ((), ())])
def test_every_row_belongs_to_a_leading_row_of_effects_and_says_the_same(make_table, groups, sessions) -> None:
    table = make_table(dict.fromkeys(groups or ("A",), 8), sessions or ("x",))
    result = compare(table, CompareOptions(sessions, groups, stats=STATS))
    sizes, bayes = result.beside["effect_sizes"], result.beside["bayes"]
    both = sizes.merge(result.effects, on=JOIN, validate="many_to_one", suffixes=("", "_of_effects"))
    assert len(both) == len(sizes) > 0
    assert (both["primary"] == both["primary_of_effects"]).all()
    same = both[(both["kind"] == both["effect_size_kind"]) & (both["method"] != "bca_bootstrap")]
    assert np.allclose(same["value"], same["effect_size"])
    assert np.allclose(same["ci_low"], same["es_ci_low"], equal_nan=True)
    linear_rows = result.effects.merge(sizes[JOIN].drop_duplicates(), on=JOIN)
    shown = linear_rows[linear_rows["effect_size"].notna()]
    assert len(same) == len(shown)
    with_factor = bayes[bayes["prior"] == "medium"].merge(result.effects, on=JOIN, suffixes=("", "_of_effects"))
    assert len(with_factor) == len(bayes) / 3 > 0
    assert np.allclose(with_factor["bf10"], with_factor["bf10_of_effects"])
    leading = result.effects.merge(bayes[JOIN].drop_duplicates(), on=JOIN, how="outer", indicator=True)
    rest = leading[(leading["_merge"] == "left_only") & leading["bf10"].notna()]
    assert set(rest["se_kind"]) <= {"classical"}  # the same factor, beside a leading row of Welch's


def test_covariates_leave_no_bayes_factor_and_are_said(make_table) -> None:
    table = make_table({"A": 9, "B": 9})
    table["age"] = [20.0 + 3 * int(s) % 17 for s in table["subject"]]
    options = CompareOptions(("pre", "post"), ("A", "B"), covariates=("age",), stats=STATS)
    beside = compare(table, options).beside
    assert set(beside["bayes"]["model"]) == {"paired", "two_sample"}
    sizes = beside["effect_sizes"]
    assert not sizes["term"].str.startswith("covariate").any()
    notes = of(sizes, model="ancova").set_index(["kind", "method"])["note"]
    assert notes["d_ppc2", "morris"] == "not adjusted for covariates"
    assert notes["adjusted_d", "mover"] == "n/a"


def test_bayes_factors_under_three_priors(make_table) -> None:
    table = make_table({"A": 9, "B": 11}, gain=1.0)
    bayes = compare(table, TWO).beside["bayes"]
    group, pre, post = wide(table)
    change = post - pre
    t = means.two_sample(change[group == "A"], change[group == "B"], "classical")
    found = of(bayes, model="change").set_index("prior")
    for name, width in evidence.T_WIDTHS.items():
        assert found.loc[name, "bf10"] == pytest.approx(evidence.jzs_bf10(t.statistic, 99 / 20, 18, width))
        assert found.loc[name, "width"] == pytest.approx(width)
    assert found["statistic"].tolist() == pytest.approx([t.statistic] * 3)
    within = of(bayes, term="session_within:A", prior="wide")
    alone = means.one_sample(change[group == "A"])
    assert within["bf10"].item() == pytest.approx(evidence.jzs_bf10(alone.statistic, 9, 8, 1.0))
    assert "ancova" not in set(bayes["model"])


def odd(table: pd.DataFrame, kind: str) -> pd.DataFrame:
    if kind == "constant":
        return table.assign(value=1.0)
    if kind == "constant changes":
        first = table.drop_duplicates(["subject", "region"]).set_index(["subject", "region"])["value"]
        value = first.loc[list(zip(table["subject"], table["region"], strict=True))].to_numpy()
        return table.assign(value=value + (table["session"] == "post"))
    if kind == "one each":
        return table[table["subject"].isin(table.groupby("group")["subject"].first())]
    return table.assign(value=table["value"].where((table["region"] != "r1") & (table["subject"] != "000")))


@pytest.mark.parametrize("kind", ["constant", "constant changes", "one each", "missing"])
@pytest.mark.parametrize("groups", [("A", "B"), ("A", "C", "B"), ()])
def test_what_is_undefined_is_missing_and_said(make_table, tmp_path, kind: str, groups: tuple[str, ...]) -> None:
    table = odd(make_table(dict.fromkeys(groups or ("A",), 7)), kind)
    result = compare(table, CompareOptions(("pre", "post"), groups, stats=STATS))
    result.write(tmp_path)
    for name, frame in result.beside.items():
        assert read_table(tmp_path / f"{name}.tsv", SCHEMAS[name]).shape == frame.shape
    sizes, bayes = result.beside["effect_sizes"], result.beside["bayes"]
    gone = sizes[sizes["value"].isna()]
    assert gone[["ci_low", "ci_high"]].isna().all(axis=None)
    assert (gone["note"] != "n/a").all()
    assert (sizes.loc[sizes["ci_low"].isna(), "note"] != "n/a").all()
    assert (bayes.loc[bayes["bf10"].isna(), "note"] != "n/a").all()
    assert (bayes.loc[bayes["bf10"].notna(), "note"] == "n/a").all()
    if kind in ("constant", "one each"):
        assert sizes["value"].isna().all()
        assert bayes["bf10"].isna().all()
    if kind == "missing":
        assert gone["region"].eq("r1").all()
        assert sizes.loc[sizes["region"] == "r1", "value"].isna().all()


def test_small_groups_have_no_bootstrap_interval_but_a_value(make_table) -> None:
    sizes = compare(make_table({"A": 5, "B": 9}), TWO).beside["effect_sizes"]
    row = of(sizes, model="change", method="bca_bootstrap")
    assert np.isfinite(row["value"].item())
    assert math.isnan(row["ci_low"].item())
    assert "too small to be resampled" in row["note"].item()


def test_the_order_of_rows_and_the_number_of_permutations_change_nothing(make_table) -> None:
    table = make_table({"A": 8, "B": 9})
    first = compare(table, TWO).beside
    other = compare(table.sample(frac=1, random_state=3),
                    CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=50, seed=5))).beside
    for name, frame in first.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True)
    fewer = compare(table[table["region"] == "r1"], TWO).beside["effect_sizes"]
    kept = first["effect_sizes"]
    pd.testing.assert_frame_equal(fewer, kept[kept["region"] == "r1"].reset_index(drop=True), check_exact=True)


def test_the_seed_decides_the_bootstrap_alone(make_table) -> None:
    table = make_table({"A": 8, "B": 9})
    first = compare(table, TWO).beside["effect_sizes"]
    other = compare(table, CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0, seed=6)))
    differs = (first["ci_low"] != other.beside["effect_sizes"]["ci_low"]) & first["ci_low"].notna()
    assert set(first.loc[differs, "method"]) == {"bca_bootstrap"}


def test_declared(make_table) -> None:
    beside = compare(make_table({"A": 6, "B": 6}), TWO).beside
    for schema in (EFFECT_SIZES, BAYES):
        assert conform(beside[schema.name], schema).equals(beside[schema.name])
        assert SCHEMAS[schema.name] is schema
        assert set(schema.sidecar()) == set(schema.names)
    assert (beside["bayes"]["bf10"] > 0).all()
