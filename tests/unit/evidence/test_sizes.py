"""Effect sizes of published results, the reasons for none, and their means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaroi.errors import UsageError
from deltaroi.evidence import choose, effect_sizes, pool, read_evidence
from deltaroi.stats import conversions
from deltaroi.stats.pooling import random_effects

TWO = {"n_first": 10, "n_second": 10}


def one(results: Any, row: dict[str, Any]) -> dict[str, Any]:
    return effect_sizes(results(row)).to_dict("records")[0]


def test_t_of_two_groups(results) -> None:
    found = one(results, {"statistic_kind": "t", "value": "2.50", "df2": 18, **TWO})
    expected = conversions.g_of_t(2.5, 10, 10)
    assert (found["kind"], found["effect_size"], found["reason"]) == ("g", expected.value, "n/a")
    assert (found["ci_low"], found["ci_high"], found["variance"]) == (expected.low, expected.high, expected.variance)


def test_t_within_a_group_takes_n_from_df(results) -> None:
    found = one(results, {"statistic_kind": "t", "value": "-3.00", "df2": 11, "n_first": 14,
                          "comparison": "within group",
                          "direction": "decrease"})
    assert found["kind"] == "g_z"
    assert found["effect_size"] == conversions.g_z_of_t(-3.0, 12).value


def test_f_z_and_eta2_are_the_same_test(results) -> None:
    t = 2.5
    z = float(stats.norm.isf(conversions.p_of_t(t, 18) / 2))
    rows = [{"statistic_kind": "t", "value": f"{t}", **TWO},
            {"statistic_kind": "F", "value": f"{t**2}", "df2": 18, **TWO},
            {"statistic_kind": "z", "value": f"{z:.12f}", **TWO},
            {"effect_size": f"{t**2 / (t**2 + 18):.15f}", "effect_size_kind": "eta2", "df2": 18, **TWO}]
    sizes = effect_sizes(results(*rows))
    assert sizes["effect_size"].tolist() == pytest.approx([sizes["effect_size"][0]] * 4, rel=1e-8)
    assert sizes["variance"].tolist() == pytest.approx([sizes["variance"][0]] * 4, rel=1e-8)


@pytest.mark.parametrize(("kind", "value", "direction", "sign"), [
    ("F", "6.16", "increase", 1), ("F", "6.16", "decrease", -1), ("t", "4.21", "decrease", -1),
    ("t", "-4.21", "increase", 1),
    ("t", "-4.21", "not stated", -1), ("z", "4.2", "decrease", -1)])
def test_the_direction_decides_the_sign(kind: str, value: str, direction: str, sign: int, results) -> None:
    found = one(results, {"statistic_kind": kind, "value": value, "df2": 18, "direction": direction, **TWO})
    assert math.copysign(1, found["effect_size"]) == sign
    assert found["ci_low"] < found["effect_size"] < found["ci_high"]
    contradicts = kind != "F" and direction in ("increase", "decrease") and (float(value) > 0) != (sign > 0)
    assert ("contradicts the stated direction" in found["reason"]) == contradicts


def test_correlations(results) -> None:
    found = one(results, {"statistic_kind": "r", "value": "0.92", "df2": 18, "n_first": 20,
                          "comparison": "correlation"})
    assert (found["kind"], found["effect_size"]) == ("r", 0.92)
    assert found["variance"] == 1 / 17
    partial = one(results, {"statistic_kind": "t", "value": "1.85", "effect_size": "0.27",
                            "effect_size_kind": "semipartial_r", "comparison": "correlation"})
    assert (partial["kind"], partial["effect_size"]) == ("semipartial_r", 0.27)
    assert math.isnan(partial["ci_low"])
    assert "no interval" in partial["reason"]


@pytest.mark.parametrize(("row", "words"), [
    ({"kind": "roi_list"}, "named beforehand"), ({}, "no statistic is stated"), ({"p": "< 0.03"}, "only p < 0.03"),
    ({"statistic_kind": "z", "value": "> 8.21", **TWO}, "only a bound"),
    ({"statistic_kind": "percent", "value": "57"}, "spread"),
    ({"statistic_kind": "F", "value": "27.2", **TWO}, "without degrees of freedom"),
    ({"statistic_kind": "F", "value": "3.3", "df1": 2, "df2": 18, **TWO}, "more than one df"),
    ({"statistic_kind": "F", "value": "3.3", "df1": 1, "df2": 18, "direction": "none", **TWO}, "no sign"),
    ({"statistic_kind": "t", "value": "2.1"}, "n of both groups"),
    ({"statistic_kind": "t", "value": "2.1", "comparison": "within group"}, "neither df nor n"),
    ({"statistic_kind": "z", "value": "4.59", "comparison": "within group"}, "n of this result is not stated"),
    ({"statistic_kind": "r", "value": "0.5"}, "neither df nor n"),
    ({"effect_size": "0.2", "effect_size_kind": "eta2"}, "without degrees of freedom"),
    ({"statistic_kind": "chi2", "value": "3.8"}, "no formula")])
def test_reasons(row: dict[str, Any], words: str, results) -> None:
    found = one(results, row)
    assert words in found["reason"]
    assert math.isnan(found["effect_size"])
    assert (found["kind"], found["formula"]) == ("n/a", "n/a")


def test_a_p_that_does_not_fit_is_told_with_what_it_would_give(results) -> None:
    found = one(results, {"statistic_kind": "t", "value": "4.21", "p": "0.014", **TWO})
    alone = conversions.g_of_t(conversions.t_of_p(0.014, 18), 10, 10).value
    assert f"|g| = {alone:.2f}" in found["reason"]
    assert "does not fit" not in one(results, {"statistic_kind": "t", "value": "4.21", "p": "0.0005", **TWO})["reason"]


def test_the_published_table_has_a_size_or_a_reason_in_every_row() -> None:
    evidence = read_evidence()
    sizes = effect_sizes(evidence)
    assert list(sizes["id"]) == list(evidence["id"])
    assert (sizes["effect_size"].notna() | (sizes["reason"] != "n/a")).all()
    assert (sizes["effect_size"].notna() == (sizes["kind"] != "n/a")).all()
    direction = evidence.set_index("id")["direction"]
    known = sizes[sizes["effect_size"].notna()].set_index("id")["effect_size"]
    assert all((value > 0) == (direction[name] in ("increase", "positive")) for name, value in known.items())


def change(group: str, t: str, **more: Any) -> dict[str, Any]:
    return {"statistic_kind": "t", "value": t, "df2": 11, "n_first": 12, "groups": group, "comparison": "within group",
            "direction": "decrease", **more}


def pooled(results: Any, *rows: dict[str, Any]) -> pd.DataFrame:
    table = results(*rows)
    return pool(table, effect_sizes(table))


def test_three_comparable_results_have_a_mean(results) -> None:
    found = pooled(results, change("a", "-3.00"), change("b", "-1.89"), change("c", "-0.50"))
    sizes = [conversions.g_z_of_t(t, 12) for t in (-3.0, -1.89, -0.5)]
    expected = random_effects(np.array([s.value for s in sizes]), np.array([s.variance for s in sizes]))
    row = found.to_dict("records")[0]
    assert (row["rows"], row["samples"]) == (3, 3)
    assert (row["estimate"], row["ci_low"], row["prediction_high"]) == pytest.approx(
        (expected.estimate, expected.low, expected.prediction_high))


def test_results_of_the_same_people_count_once(results) -> None:
    """Two equal results of one group weigh as one: the mean is that of the two groups."""
    found = pooled(results, change("a", "-3.00"), change("a", "-3.00"), change("b", "-1.00")).to_dict("records")[0]
    a, b = conversions.g_z_of_t(-3.0, 12), conversions.g_z_of_t(-1.0, 12)
    assert found["tau2"] == 0
    assert found["estimate"] == pytest.approx((a.value / a.variance + b.value / b.variance)
                                              / (1 / a.variance + 1 / b.variance))
    assert (found["rows"], found["samples"]) == (3, 2)


@pytest.mark.parametrize("other", [{"region": "AI"}, {"comparison": "within group, pre-post"}, {"kind": "connectivity"},
                                   {"comparison": "between groups", "n_second": 12, "df2": 22}])
def test_what_is_not_comparable_is_not_pooled(other: dict[str, Any], results) -> None:
    assert pooled(results, change("a", "-3.00"), change("b", "-1.89"), change("c", "-0.50", **other)).empty


def test_correlations_are_pooled_as_fishers_z(results) -> None:
    rows = [{"statistic_kind": "r", "value": r, "n_first": n, "groups": r, "comparison": "correlation",
             "measure": "practice"}
            for r, n in (("0.80", 20), ("0.10", 20), ("0.40", 30))]
    found = pooled(results, *rows).to_dict("records")[0]
    expected = random_effects(np.arctanh([0.8, 0.1, 0.4]), np.array([1 / 17, 1 / 17, 1 / 27]))
    assert found["estimate"] == pytest.approx(math.tanh(expected.estimate))
    assert -1 < found["prediction_low"] < found["ci_low"] < found["estimate"] < found["prediction_high"] < 1


def test_two_effects_at_least() -> None:
    with pytest.raises(ValueError, match="two effects"):
        random_effects(np.array([1.0]), np.array([0.1]))
    with pytest.raises(ValueError, match="positive variances"):
        random_effects(np.array([1.0, 2.0]), np.array([0.1, 0.0]))


def test_choosing_rows() -> None:
    evidence = read_evidence()
    assert set(choose(evidence, region="NAcc")["partner"]) == {"NAcc"}
    assert set(choose(evidence, "weng2013", kind="connectivity")["study"]) == {"weng2013"}
    with pytest.raises(UsageError, match="amygdala"):
        choose(evidence, region="amigdala")
    with pytest.raises(UsageError, match="no row fits"):
        choose(evidence, "mascaro2013", kind="connectivity")
