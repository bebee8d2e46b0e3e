"""Whatever the table: no crash, one primary row per ROI, and no number without its reasons."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.errors import DeltaroiError
from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

CELL = st.sampled_from([0.0, 1.0, 0.1, -0.1, 1e-9, 1e12, -3.5, 0.25, math.nan])


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    groups = draw(st.lists(st.sampled_from("ABCZ"), min_size=1, max_size=9))
    sessions = draw(st.sampled_from([("pre", "post"), ("pre", "post", "later"), ("pre",)]))
    rows = [(f"s{i}", s, f"r{r}", g, draw(CELL)) for i, g in enumerate(groups) for s in sessions
            for r in range(draw(st.integers(1, 2))) if draw(st.integers(0, 9)) > 0]
    return pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(table=tables(), variance=st.sampled_from(["robust", "classical"]), levels=st.sampled_from(["A", "AB", "ACB"]),
       assignment=st.sampled_from(["randomised", "preexisting"]), sessions=st.sampled_from([("pre", "post"), ("pre",),
                                                                                            ("pre", "post", "later")]))
def test_any_small_table(table: pd.DataFrame, variance: str, levels: str, assignment: str,
                         sessions: tuple[str, ...]) -> None:
    asked = CompareOptions(sessions, tuple(levels), assignment, stats=GroupStats(variance=variance, permutations=30))
    try:
        result = compare(table, asked)
    except DeltaroiError:
        return
    effects = result.effects
    assert (effects.groupby("region")["primary"].sum() == 1).all()
    assert set(effects["region"]) == set(table["region"])
    missing = effects["p"].isna()
    assert effects.loc[missing, "reading"].str.contains("not tested, because").all()
    assert not effects.loc[~missing, "reading"].str.contains("not tested").any()
    assert effects.loc[missing, ["se", "statistic", "ci_low", "p_holm", "q_fdr", "p_fwe"]].isna().all(axis=None)
    numbers = effects.select_dtypes("number")
    assert not np.isinf(numbers.drop(columns="bf10").to_numpy(dtype=float)).any()
    for column in ("p", "p_fwe", "p_holm", "q_fdr", "p_equivalence"):
        assert effects[column].dropna().between(0, 1).all()
    known = ~missing & (effects["statistic_kind"] == "t")
    assert (effects.loc[known, "ci_low"] <= effects.loc[known, "estimate"]).all()
    assert (effects.loc[known, "se"] > 0).all()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1.0, 1e6]), shift=st.floats(-5, 5))
def test_units_change_nothing_but_units(seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    rows = [(f"s{i:02d}", s, r, "AB"[i % 2], rng.normal()) for i in range(14) for s in ("pre", "post") for r in "xy"]
    table = pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"])
    asked = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=50))
    a = compare(table, asked).effects
    b = compare(table.assign(value=scale * (table["value"] + shift)), asked).effects
    for column in ("p", "p_fwe", "effect_size", "bf10", "p_equivalence", "df"):
        assert np.allclose(a[column], b[column], rtol=1e-6, equal_nan=True), column
    assert np.allclose(a["estimate"] * scale, b["estimate"], rtol=1e-6, atol=1e-9 * scale, equal_nan=True)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), assignment=st.sampled_from(["randomised", "preexisting"]))
def test_swapping_the_groups_mirrors_the_effect(seed: int, assignment: str) -> None:
    rng = np.random.default_rng(seed)
    rows = [(f"s{i:02d}", s, "x", "AB"[i % 2], rng.normal()) for i in range(13) for s in ("pre", "post")]
    table = pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"])
    stats = GroupStats(permutations=50)
    one, other = (compare(table, CompareOptions(("pre", "post"), pair, assignment, stats=stats)).effects
                  .query("primary") for pair in (("A", "B"), ("B", "A")))
    for a, b, sign in (("estimate", "estimate", -1), ("effect_size", "effect_size", -1), ("ci_low", "ci_high", -1),
                       ("p", "p", 1), ("p_fwe", "p_fwe", 1), ("loo_min", "loo_max", -1)):
        assert np.allclose(one[a], sign * other[b]), a
