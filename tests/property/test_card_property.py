"""Whatever is found, the card says it the same way from both sides."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from card_tables import effect, effects, judged
from deltaroi.pipeline.card_results import new_result
from deltaroi.stats.verdicts import MEANINGS

NAME, CLAIM = "mascaro2013", "mascaro2013_dmpfc_rmet"
STATISTIC = st.floats(-8, 8, allow_nan=False)
PEOPLE = st.integers(3, 200)


@settings(max_examples=40, deadline=None)
@given(STATISTIC, PEOPLE, PEOPLE)
def test_every_row_gets_one_verdict_that_fits_its_numbers(t: float, first: int, second: int) -> None:
    row = judged(NAME, {"effects": effects(effect(NAME, CLAIM, t, (first, second)))}).loc[CLAIM]
    assert row["verdict"] in MEANINGS
    assert row["new_low"] <= row["new"] <= row["new_high"]
    assert row["direction_agrees"] == ("yes" if row["new"] > 0 else "no")
    held = row["new_low"] <= row["reported"] <= row["new_high"]
    assert row["new_ci_holds_reported"] == ("yes" if held else "no")
    assert row["prediction_low"] < row["reported"] * 1.2
    assert (row["verdict"] == "opposite") == (row["new_high"] < 0)


@given(STATISTIC, PEOPLE, PEOPLE)
def test_exchanged_groups_change_the_sign_alone(t: float, first: int, second: int) -> None:
    row = {"statistic": t, "statistic_kind": "t", "df": first + second - 2, "estimate": t, "n_first": first,
           "n_second": second}
    other = {**row, "statistic": -t, "estimate": -t, "n_first": second, "n_second": first}
    one, turned = new_result("effects", row, 1), new_result("effects", other, -1)
    assert (one.value, one.low, one.high) == (turned.value, turned.low, turned.high)


@given(st.floats(0, 60, allow_nan=False), st.sampled_from((1.0, -1.0)), PEOPLE, PEOPLE)
def test_f_of_one_degree_of_freedom_is_t_squared(f: float, estimate: float, first: int, second: int) -> None:
    row = {"statistic": f, "statistic_kind": "F", "df": first + second - 2, "estimate": estimate, "n_first": first,
           "n_second": second, "comparison": "a-b"}
    as_t = {**row, "statistic_kind": "t", "statistic": estimate * math.sqrt(f)}
    assert new_result("effects", row, 1) == new_result("effects", as_t, 1)
