"""What must not matter to an association does not, and units only scale it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats


def effects(table: pd.DataFrame, groups: tuple[str, ...] = ("A", "B")) -> pd.DataFrame:
    asked = CompareOptions(("pre", "post"), groups, associations=("score",), stats=GroupStats(permutations=50))
    found = compare(table, asked).effects
    return found[found["model"] == "association"].reset_index(drop=True)


def drawn(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    scores = random.normal(size=16)
    rows = [(f"s{i:02d}", s, r, "AB"[i % 2], random.normal(), scores[i]) for i in range(16) for s in ("pre", "post")
            for r in "xy"]
    return pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value", "score"])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([-1.0, 1e-6, 7.0, -1e6]), shift=st.floats(-3, 3))
def test_the_unit_of_the_score_scales_the_slope_and_nothing_else(seed: int, scale: float, shift: float) -> None:
    table = drawn(seed)
    a, b = effects(table), effects(table.assign(score=scale * (table["score"] + shift)))
    assert np.allclose(a["estimate"], b["estimate"] * scale, rtol=1e-6, atol=1e-12)
    assert np.allclose(a["effect_size"], np.sign(scale) * b["effect_size"], rtol=1e-6, atol=1e-9)
    for column in ("p", "p_fwe", "df", "bf10"):
        assert np.allclose(a[column], b[column], rtol=1e-5, equal_nan=True), column


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    table = drawn(seed)
    pd.testing.assert_frame_equal(effects(table), effects(table.sample(frac=1, random_state=seed % 1000)))


@settings(max_examples=10, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6))
def test_swapping_the_groups_mirrors_the_moderation_only(seed: int) -> None:
    table = drawn(seed)
    a, b = effects(table), effects(table, ("B", "A"))
    sign = np.where(a["term"].str.endswith("_x_group"), -1, 1)
    assert np.allclose(a["estimate"], sign * b["estimate"], rtol=1e-7, atol=1e-12)
    assert np.allclose(a["p"], b["p"], rtol=1e-7)
